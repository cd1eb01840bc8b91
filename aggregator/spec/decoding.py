"""The state of decoding one document: where we are in it, and the problems found so far."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from aggregator.errors import Diagnostic, nearest
from aggregator.spec import models

if TYPE_CHECKING:
    from aggregator.spec.positions import Document, Path

WRONG: Final = object()  # what a decoder answers when it reported that the value has the wrong type


class Decoding:
    """The state of decoding one document: where we are, and what was found."""

    __slots__ = ("diagnostics", "document", "path", "strict")

    def __init__(self, document: Document, *, strict: bool) -> None:
        self.document = document
        self.strict = strict
        self.path: list[str | int] = []
        self.diagnostics: list[Diagnostic] = []

    def in_group(self, key: str | int) -> bool:
        """Whether this is a member of the `steps` list, which must be a list itself."""
        return isinstance(key, int) and self.path[-1:] == ["steps"]

    def at(self, key: str | int) -> Path:
        return (*self.path, key)

    def wrong(self, key: str | int, expected: str, value: Any, hint: str = "") -> Any:
        path = self.at(key)
        message = f".{path_text(path)}: expected {expected}, got {describe(value)}"
        self.diagnostics.append(Diagnostic("wrong-type", message, self.document.span(path), hint))
        return WRONG

    def unknown(self, name: str, owner: type[msgspec.Struct], known: dict[str, Any]) -> None:
        path = self.at(name)
        # Inside the items of `steps` Argo refuses unknown fields even when it is not strict.
        must = self.strict or (owner is models.WorkflowStep)
        self.diagnostics.append(
            Diagnostic(
                "unknown-field",
                f'unknown field "{path_text(path)}"' + ("" if must else " is ignored"),
                self.document.key_span(path),
                nearest(name, known) or _elsewhere(name, owner),
                "error" if must else "warning",
            )
        )

    def warn(self, code: str, key: str | int, message: str, hint: str = "") -> None:
        path = self.at(key)
        span = self.document.key_span(path)
        self.diagnostics.append(Diagnostic(code, f"{path_text(path)}: {message}", span, hint, "warning"))


def path_text(path: Path) -> str:
    """`spec.templates[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def describe(value: Any) -> str:
    """What a value is, for a message: its type in YAML's words and, when short, itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean {str(value).lower()}"
    if isinstance(value, dict):
        return "map"
    if isinstance(value, list):
        return "list"
    if isinstance(value, str):
        return f"text {value!r}" if len(value) <= 40 else f"text {value[:37]!r}…"
    return f"number {str(value)[:40]}"


@cache
def _homes() -> dict[str, list[str]]:
    """Which structs know a field of that name."""
    homes: dict[str, list[str]] = {}
    for name, place in _PLACES.items():
        for part in msgspec.structs.fields(getattr(models, name)):
            homes.setdefault(part.encode_name, []).append(place)
    return homes


_PLACES: Final = {
    "WorkflowSpec": "spec",
    "Template": "a template",
    "Container": "a container",
    "DAGTask": "a step or task",
    "DAG": "dag",
    "RetryStrategy": "retryStrategy",
    "CronWorkflowSpec": "a CronWorkflow's spec",
}


def _elsewhere(name: str, owner: type[msgspec.Struct]) -> str:
    homes = [home for home in _homes().get(name, ()) if home != _PLACES.get(owner.__name__)]
    return f"{name} belongs into {' or '.join(homes)}: check the indentation" if homes else ""
