"""Plain values to YAML or JSON text that Argo's loader, and ours, read back as the same values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import yaml

from aggregator.spec.scalars import NOT_FINITE, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
WIDTH: Final = 120


# The C dumper where there is one; without anchors, since documents are trees.
_Dumper: Final[Any] = type("_Dumper", (_DUMPER,), {"ignore_aliases": lambda _self, _data: True})


def _represent_text(dumper: Any, text: str) -> Any:
    """Long text as a block; quotes around every text that would be read as something else."""
    style = None
    if "\n" in text:
        style = "|"
    elif plain(text) is not text or text in NOT_FINITE or text in ("<<", "="):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(values: Iterable[Any]) -> str:
    """One document per value, with `---` between them."""
    texts = [
        yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False)
        for value in values
    ]
    return "---\n".join(texts)


def to_json(values: Iterable[Any]) -> str:
    """One value as itself, several as a `kind: List` of them."""
    given = list(values)
    whole = given[0] if len(given) == 1 else {"apiVersion": "v1", "kind": "List", "items": given}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
