"""What is wrong with the text of a YAML file, told at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.errors import Diagnostic
from aggregator.source import Span
from aggregator.spec.positions import HALF, LOW

if TYPE_CHECKING:
    from collections.abc import Callable

    import yaml

    from aggregator.source import Source


class Mistakes:
    """Of one stream of events that begins at `start` of its source: adds to `diagnostics`."""

    def __init__(
        self,
        source: Source,
        text: str,
        start: int,
        offset_of: Callable[[int], int] | None,
        diagnostics: list[Diagnostic],
    ) -> None:
        self.source = source
        self.text = text
        self.start = start
        self.offset_of = offset_of
        self.diagnostics = diagnostics

    def diagnostic(self, code: str, message: str, start: int, end: int, hint: str = "") -> Diagnostic:
        return Diagnostic(code, message, Span(self.source, start, max(end, start + 1)), hint)

    def report(self, code: str, message: str, start: int, end: int, *, hint: str = "", severity: str = "error") -> None:
        span = Span(self.source, start, max(end, start + 1))
        if severity == "warning":
            self.diagnostics.append(Diagnostic(code, message, span, hint, "warning"))
        else:
            self.diagnostics.append(Diagnostic(code, message, span, hint))

    def duplicate(self, key: str, place: int, first: int) -> None:
        here = Span(self.source, place >> HALF, place & LOW)
        there = Span(self.source, first >> HALF, first & LOW)
        message = f"the key {key!r} is given twice in the same mapping"  # the second one counts, as in Argo
        notes = ((there, "first given here"),)
        self.diagnostics.append(Diagnostic("yaml-duplicate-key", message, here, "keep one of them", notes=notes))

    def bad_character(self, position: int) -> int:
        """Offset of the character that the reader refused; libyaml counts bytes of UTF-8."""
        data = self.text[self.start :].encode("utf-8", "replace")
        at = self.start + len(data[:position].decode("utf-8", "ignore"))
        return min(at, len(self.text) - 1)

    def syntax(self, error: yaml.MarkedYAMLError, at: int) -> Diagnostic:
        text, hint = self.text, ""
        place = at if self.offset_of is None else self.offset_of(at)
        character = text[at] if at < len(text) else ""
        problem = str(error.problem or error.context or "not valid YAML")
        if character == "\t":
            problem, hint = "a tab can't indent YAML", "use spaces"
        elif at >= len(text):
            problem = f"the text ends too early: {problem}"
        elif character in "@`%" and "cannot start any token" in problem:
            problem, hint = f"text can't begin with {character}", "put it in quotes"
        elif "mapping values are not allowed" in problem:
            hint = "text that holds ': ' must be in quotes; or this line is indented too far"
        elif "did not find expected key" in problem or "block" in problem:
            hint = "check the indentation of this line and the one above"
        elif "expected ':'" in problem:
            hint = "a key must be followed by a colon and a space"
        notes: tuple[tuple[Span, str], ...] = ()
        if error.context and error.context_mark and error.context_mark.index + self.start != at:
            began = error.context_mark.index + self.start
            notes = ((Span(self.source, began, began + 1), str(error.context)),)
        return Diagnostic("yaml-syntax", problem, Span(self.source, place, place + 1), hint, notes=notes)
