"""What checks find: places in documents, and the list that every rule reports into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import Diagnostic, nearest
from aggregator.source import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from aggregator.errors import Severity
    from aggregator.spec.bundle import Loaded
    from aggregator.spec.positions import Path

MANY_NAMES: Final = 2000
MANY_HINTS: Final = 50
IGNORE: Final = re.compile(r"#\s*agg:\s*ignore\[([\w\s,-]*)\]")
# Of the errors, these are opinions: Argo takes such a text.
SILENCEABLE: Final = frozenset({"placeholder", "never-valid"})


class Place:
    """A path inside one object, in the JSON names of its document."""

    __slots__ = ("loaded", "path")

    def __init__(self, loaded: Loaded[Any], path: Path) -> None:
        self.loaded = loaded
        self.path = path

    def at(self, *more: str | int) -> Place:
        return Place(self.loaded, self.path + more)

    @property
    def value(self) -> Any:
        """What is written there, or None."""
        value = self.loaded.value
        for part in self.path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def span(self) -> Span:
        return self.loaded.span(*self.path)

    def span_of(self, part: str) -> Span:
        """Where a part of the text there stands; the whole text when it was written in another way."""
        whole = self.span()
        start = whole.source.text.find(part, whole.start, whole.end)
        return whole if start < 0 else Span(whole.source, start, start + len(part))


class Findings:
    """Diagnostics, each once, however often its place is looked at."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, int], Diagnostic] = {}
        self._hints = 0

    def error(self, code: str, message: str, place: Place, hint: str = "", *, part: str = "") -> None:
        self.add(code, message, place.span_of(part) if part else place.span(), hint, "error")

    def warn(
        self,
        code: str,
        message: str,
        place: Place,
        hint: str = "",
        *,
        part: str = "",
        notes: tuple[tuple[Span, str], ...] = (),
        private: bool = False,
    ) -> None:
        span = place.span_of(part) if part else place.span()
        self.add(code, message, span, hint, "warning", notes, private=private)

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        hint: str = "",
        severity: Severity = "error",
        notes: tuple[tuple[Span, str], ...] = (),
        *,
        private: bool = False,
    ) -> None:
        key = (code, message, span.source.name, span.start)
        if key not in self._found:
            self._found[key] = Diagnostic(code, message, span, hint, severity, notes, private)

    def suggest(self, word: str, known: Collection[str]) -> str:
        """`did you mean …?`, as long as looking for it stays cheap."""
        self._hints += 1
        return nearest(word, known) if len(known) <= MANY_NAMES and self._hints <= MANY_HINTS else ""

    def listed(self) -> list[Diagnostic]:
        """Everything found that no comment silences, in the order of the files' lines."""
        return in_order(d for d in self._found.values() if not silenced(d))


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file and place; what has no place comes first."""
    return sorted(
        diagnostics,
        key=lambda d: (d.span.source.name, d.span.start, d.severity, d.message) if d.span else ("", 0, "", d.message),
    )


def silenced(diagnostic: Diagnostic) -> bool:
    """Whether `# agg: ignore[code]` stands on the line of a warning, or on the line above."""
    if diagnostic.span is None or (diagnostic.severity == "error" and diagnostic.code not in SILENCEABLE):
        return False
    source = diagnostic.span.source
    if "agg:" not in source.text:
        return False
    number = source.position(diagnostic.span.start)[0]
    own, above = source.line(number), source.line(number - 1)
    return diagnostic.code in _ignored(own) or (above.lstrip().startswith("#") and diagnostic.code in _ignored(above))


def _ignored(line: str) -> Sequence[str]:
    found = IGNORE.search(line)
    return [code.strip() for code in found[1].split(",")] if found else []
