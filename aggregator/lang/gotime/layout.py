"""Go's time layouts: cutting a layout into its elements, once per text."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple


class Element(Enum):
    """What one piece of a layout stands for."""

    LITERAL = auto()
    MONTH_NAME = auto()
    MONTH_SHORT = auto()
    MONTH = auto()
    MONTH_2 = auto()
    WEEKDAY_NAME = auto()
    WEEKDAY_SHORT = auto()
    DAY = auto()
    DAY_SPACED = auto()
    DAY_2 = auto()
    YEARDAY_SPACED = auto()
    YEARDAY_3 = auto()
    HOUR = auto()
    HOUR12 = auto()
    HOUR12_2 = auto()
    MINUTE = auto()
    MINUTE_2 = auto()
    SECOND = auto()
    SECOND_2 = auto()
    YEAR = auto()
    YEAR_2 = auto()
    PM_UPPER = auto()
    PM_LOWER = auto()
    ZONE_NAME = auto()
    ZONE_OFFSET = auto()
    FRACTION_0 = auto()
    FRACTION_9 = auto()


class Piece(NamedTuple):
    """An element with the text that names it (for a literal: the text itself)."""

    element: Element
    text: str


FIXED: Final = {
    "January": Element.MONTH_NAME,
    "Jan": Element.MONTH_SHORT,
    "1": Element.MONTH,
    "01": Element.MONTH_2,
    "Monday": Element.WEEKDAY_NAME,
    "Mon": Element.WEEKDAY_SHORT,
    "2": Element.DAY,
    "_2": Element.DAY_SPACED,
    "02": Element.DAY_2,
    "__2": Element.YEARDAY_SPACED,
    "002": Element.YEARDAY_3,
    "15": Element.HOUR,
    "3": Element.HOUR12,
    "03": Element.HOUR12_2,
    "4": Element.MINUTE,
    "04": Element.MINUTE_2,
    "5": Element.SECOND,
    "05": Element.SECOND_2,
    "2006": Element.YEAR,
    "06": Element.YEAR_2,
    "PM": Element.PM_UPPER,
    "pm": Element.PM_LOWER,
    "MST": Element.ZONE_NAME,
}

# Longest first where one element begins another. "Jan" and "Mon" are not elements inside a longer word; an underscore
# before 2006 is text; a run of 0 or 9 is a fraction only where no other digit follows it.
ELEMENT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST"
    r"|0[1-6]|002|15|1|2006|_2(?!006)|__2|2|3|4|5|PM|pm"
    r"|[-Z](?:070000|07:00:00|0700|07:00|07)"
    r"|[.,](?:0+|9+)(?![0-9])"
)


@lru_cache(maxsize=512)
def pieces(layout: str) -> tuple[Piece, ...]:
    """The layout as literals and elements: `pieces("15h")` is HOUR, then the literal `h`."""
    found: list[Piece] = []
    end = 0
    for match in ELEMENT.finditer(layout):
        if match.start() > end:
            found.append(Piece(Element.LITERAL, layout[end : match.start()]))
        text = match[0]
        element = FIXED.get(text)
        if element is None:
            kinds = {"0": Element.FRACTION_0, "9": Element.FRACTION_9}
            element = kinds[text[1]] if text[0] in ".," else Element.ZONE_OFFSET
        found.append(Piece(element, text))
        end = match.end()
    if end < len(layout):
        found.append(Piece(Element.LITERAL, layout[end:]))
    return tuple(found)
