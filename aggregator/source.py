"""Source text with positions: spans, line and column, and the caret excerpt that errors show."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

EXCERPT_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Source:
    """One text that a user wrote, with the name under which they know it (a path, `-`, a URL)."""

    name: str
    text: str
    _starts: list[int] = field(default_factory=list, repr=False, compare=False)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character offset (clamped to the text)."""
        if not self._starts:
            self._starts.append(0)
            self._starts.extend(accumulate(len(line) + 1 for line in self.text.split("\n")[:-1]))
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (from 1), without its line break."""
        self.position(0)
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a source: character offsets, end exclusive."""

    source: Source
    start: int
    end: int

    def where(self) -> str:
        """`file:line:col`, as editors and terminals make it clickable."""
        line, column = self.source.position(self.start)
        return f"{self.source.name}:{line}:{column}"

    def excerpt(self) -> str:
        """The line with carets under the span, cut to a window where the line is long."""
        number, column = self.source.position(self.start)
        # A terminal would obey control characters; each becomes one visible sign, so that the carets still fit.
        text = "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in self.source.line(number))
        width = max(1, min(self.end - self.start, len(text) - column + 1))
        left = max(0, column - 1 - EXCERPT_WIDTH // 2)
        window = text[left : left + EXCERPT_WIDTH]
        lead = "…" if left else ""
        tail = "…" if left + EXCERPT_WIDTH < len(text) else ""
        gutter = f"{number:>5} | "
        room = max(1, min(width, EXCERPT_WIDTH - (column - 1 - left)))
        carets = " " * (len(gutter) + len(lead) + column - 1 - left) + "^" * room
        return f"{gutter}{lead}{window}{tail}\n{carets}"
