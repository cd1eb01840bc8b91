"""The compatibility ledger: what every field of every document means here, and the page that says so."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

import msgspec

from aggregator.errors import Diagnostic
from aggregator.spec import ledger_artifacts, ledger_templates, ledger_workflow, models
from aggregator.spec.bundle import KINDS
from aggregator.spec.decoding import path_text
from aggregator.spec.differences import DIFFERENCES
from aggregator.spec.shapes import ListDecoder, MapDecoder, StructDecoder, decoder_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.errors import Severity
    from aggregator.spec.bundle import Loaded
    from aggregator.spec.positions import Path

Verdict = Literal["implemented", "emulated", "ignored", "refused", "later"]
VERDICTS: Final[dict[str, str]] = {
    "implemented": "does what Argo does",
    "emulated": "does the same by local means",
    "ignored": "accepted, without effect on one machine",
    "refused": "an error that says why",
    "later": "read and kept; its effect is not built yet",
}


_MADE_BY: Final = (
    "<!-- Made by `python -m aggregator.spec.fields > docs/compatibility.md`; "
    "edit aggregator/spec/ledger_*.py and differences.py instead. -->"
)


class Row(msgspec.Struct, frozen=True):
    """What one field means here. `owner` is the struct that declares it."""

    owner: str
    name: str
    verdict: Verdict
    meaning: str


class Use(msgspec.Struct, frozen=True):
    """A field that a document uses, and where."""

    path: Path
    row: Row


@cache
def ledger() -> dict[type[msgspec.Struct], dict[str, Row]]:
    """Struct -> JSON name -> row; structs that extend another one have its rows too."""
    written: dict[type, dict[str, Row]] = {}
    for table in (ledger_workflow.ROWS, ledger_templates.ROWS, ledger_artifacts.ROWS):
        for owner, text in table.items():
            written[owner] = {row.name: row for row in _rows(owner.__name__, text)}
    whole: dict[type[msgspec.Struct], dict[str, Row]] = {}
    for owner in documented_structs():
        lines = [written.get(base, {}) for base in reversed(owner.__mro__)]
        whole[owner] = {name: row for line in lines for name, row in line.items()}
    return whole


def documented_structs() -> list[type[msgspec.Struct]]:
    """Every struct of the models."""
    found = [getattr(models, name) for name in models.__all__]
    return [item for item in found if inspect.isclass(item) and issubclass(item, msgspec.Struct)]


def _rows(owner: str, text: str) -> Iterator[Row]:
    for line in text.strip().splitlines():
        name, verdict, meaning = line.split(maxsplit=2)
        if verdict not in get_args(Verdict):
            raise ValueError(f"{owner}.{name}: {verdict!r} is not a verdict")
        yield Row(owner, name, cast("Verdict", verdict), meaning)


def row_of(owner: type[msgspec.Struct], name: str) -> Row | None:
    """The row of a field by its JSON name."""
    return ledger()[owner].get(name)


def uses(loaded: Loaded[Any]) -> list[Use]:
    """Every known field that an object uses, in the order in which it was written."""
    if loaded.kind not in KINDS:
        return []
    found: list[Use] = []
    _collect(loaded.value, decoder_of(KINDS[loaded.kind][0]), (), found)
    return found


def without_effect(loaded: Loaded[Any]) -> list[Diagnostic]:
    """One warning for each field that the object uses in vain, and an error for each that is refused.

    What stands inside a field that was told of is not told of again.
    """
    found: list[Diagnostic] = []
    told: dict[tuple[str, str], tuple[Row, Trail]] = {}
    _collect_told(loaded.value, decoder_of(KINDS[loaded.kind][0]), (), told)
    for row, trail in told.values():
        path = _path_of(trail)
        severity, word = _TOLD[row.verdict]
        message = f"{path_text(path)} {word}: {row.meaning[0].lower()}{row.meaning[1:]}"
        span = loaded.key_span(*path)
        found.append(Diagnostic(f"{row.verdict}-field", message, span, "", severity))
    return found


_TOLD: Final[dict[str, tuple[Severity, str]]] = {
    "ignored": ("warning", "has no effect on one machine"),
    "later": ("warning", "has no effect yet"),
    "refused": ("error", "can't be used here"),
}
# What a cluster writes into objects when they are fetched from it.
_QUIET: Final = frozenset({"ObjectMeta", "Workflow", "CronWorkflow", "PersistentVolumeClaim", "Secret", "ConfigMap"})


def _collect(value: Any, decoder: Any, path: Path, found: list[Use]) -> None:
    if isinstance(decoder, StructDecoder) and isinstance(value, dict):
        rows = ledger()[decoder.owner]
        for name, part in value.items():
            known = decoder.fields.get(name)
            if known is not None:
                found.append(Use((*path, name), rows[name]))
                if isinstance(part, dict | list):
                    _collect(part, known[1], (*path, name), found)
    elif isinstance(decoder, ListDecoder) and isinstance(value, list):
        for index, part in enumerate(value):
            _collect(part, decoder.item, (*path, index), found)
    elif isinstance(decoder, MapDecoder) and isinstance(value, dict):
        for name, part in value.items():
            _collect(part, decoder.item, (*path, name), found)


# A path from its end: what is above, and the last key. Big documents have many fields of which few are told.
Trail = tuple[Any, ...]


@cache
def _to_tell(owner: type[msgspec.Struct]) -> dict[str, tuple[Row | None, Any]]:
    """The fields of a struct that matter here: those to be told of, and those that hold other fields."""
    found: dict[str, tuple[Row | None, Any]] = {}
    for name, (_, decoder) in StructDecoder(owner).fields.items():
        row = ledger()[owner][name]
        if row.verdict in _TOLD and row.owner not in _QUIET:
            found[name] = (row, None)
        elif isinstance(decoder, StructDecoder | ListDecoder | MapDecoder):
            found[name] = (None, decoder)
    return found


def _collect_told(value: Any, decoder: Any, trail: Trail, told: dict[tuple[str, str], tuple[Row, Trail]]) -> None:
    if isinstance(decoder, StructDecoder) and isinstance(value, dict):
        wanted = _to_tell(decoder.owner)
        for name, part in value.items():
            known = wanted.get(name)
            if known is None:
                continue
            row, inner = known
            if row is not None:
                told.setdefault((row.owner, name), (row, (trail, name)))
            elif type(part) is dict or type(part) is list:
                _collect_told(part, inner, (trail, name), told)
    elif isinstance(decoder, ListDecoder) and isinstance(value, list):
        for index, part in enumerate(value):
            if type(part) is dict or type(part) is list:
                _collect_told(part, decoder.item, (trail, index), told)
    elif isinstance(decoder, MapDecoder) and isinstance(value, dict):
        for name, part in value.items():
            if type(part) is dict or type(part) is list:
                _collect_told(part, decoder.item, (trail, name), told)


def _path_of(trail: Trail) -> Path:
    keys: list[str | int] = []
    while trail:
        trail, key = trail
        keys.append(key)
    return tuple(reversed(keys))


def render_compatibility() -> str:
    """`docs/compatibility.md`: the whole ledger, and the intended differences."""
    lines = [
        "# Compatibility with Argo Workflows v4.1",
        "",
        _MADE_BY,
        "",
        "Every field of every document is known. Each has one of these verdicts:",
        "",
    ]
    lines += [f"* **{verdict}**: {meaning}" for verdict, meaning in VERDICTS.items()]
    lines += [
        "",
        "`agg compat FILE` prints the rows that a file uses. A run warns once about each field that is ignored or later.",
        "",
        "## Intended differences",
        "",
        "| topic | Argo | here | Argo's way by |",
        "|---|---|---|---|",
    ]
    lines += [f"| {d.topic} | {d.argo} | {d.here} | {f'`{d.undo}`' if d.undo else ''} |" for d in DIFFERENCES]
    lines += ["", "## Fields", ""]
    for owner in documented_structs():
        own = [row for row in ledger()[owner].values() if row.owner == owner.__name__]
        bases = [base.__name__ for base in owner.__mro__[1:] if base in ledger()]
        if not own:
            continue
        lines += [f"### {owner.__name__}", ""]
        if bases:
            lines += [f"All fields of {bases[0]}, and:", ""]
        lines += ["| field | verdict | meaning here |", "|---|---|---|"]
        lines += [f"| `{row.name}` | {row.verdict} | {row.meaning} |" for row in own] + [""]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    print(render_compatibility(), end="")  # noqa: T201 - this file is also the generator of the page


if __name__ == "__main__":  # pragma: no cover - the line below is all there is
    main()
