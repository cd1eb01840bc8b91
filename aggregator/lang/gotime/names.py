"""Months and weekdays: numbers that print as names and, in Go, compare with nothing but their like."""

from __future__ import annotations

from functools import total_ordering
from typing import Any, ClassVar, Final

from aggregator.lang.govalue import GoMethod, GoObject

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@total_ordering
class Named(GoObject):
    """A number with a name; equal and ordered only among its own type."""

    __slots__ = ("number",)
    GO_KIND: ClassVar[str] = "int"
    NAMES: ClassVar[tuple[str, ...]] = ()
    FIRST: ClassVar[int] = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.number == self.number

    def __lt__(self, other: object) -> bool:
        if isinstance(other, Named) and type(other) is type(self):
            return self.number < other.number
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.GO_TYPE, self.number))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.number})"

    def __str__(self) -> str:
        return self.go_string()

    def go_string(self) -> str:
        place = self.number - self.FIRST
        return self.NAMES[place] if 0 <= place < len(self.NAMES) else f"%!{type(self).__name__}({self.number})"

    def go_json(self) -> Any:
        return self.number


class Month(Named):
    """Go's time.Month: `Month(1)` prints as January."""

    __slots__ = ()
    GO_TYPE: ClassVar[str] = "time.Month"
    NAMES: ClassVar[tuple[str, ...]] = MONTHS
    FIRST: ClassVar[int] = 1


class Weekday(Named):
    """Go's time.Weekday: `Weekday(0)` prints as Sunday."""

    __slots__ = ()
    GO_TYPE: ClassVar[str] = "time.Weekday"
    NAMES: ClassVar[tuple[str, ...]] = WEEKDAYS


Named.GO_METHODS = {"String": GoMethod("String", (), "string", Named.go_string)}
