"""A difference between what a test expects and what came: its words, and the story of the node that it is about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aggregator.source import Span

LONGEST_SHOWN = 400


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that was not met."""

    path: str
    expected: str
    actual: str
    span: Span | None = None
    story: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """As people read it."""
        place = f"{self.span.where()}: " if self.span is not None else ""
        lines = [f"{place}{self.path}", f"    expected  {self.expected}", f"    actual    {self.actual}"]
        return [*lines, *(f"    {line}" for line in self.story)]


def shown_value(value: Any) -> str:
    """A value in one line, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text or "(empty)"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… ({len(text)} characters)"
