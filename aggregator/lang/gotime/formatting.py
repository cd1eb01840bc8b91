"""Writing a time by a Go layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.lang.gotime import calendar
from aggregator.lang.gotime.layout import Element, Piece, pieces
from aggregator.lang.gotime.names import MONTHS, WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.gotime.moment import Time

WRITERS: Final[dict[Element, Callable[[Time, Piece], str]]] = {
    Element.LITERAL: lambda _, piece: piece.text,
    Element.MONTH_NAME: lambda t, _: MONTHS[t.date[1] - 1],
    Element.MONTH_SHORT: lambda t, _: MONTHS[t.date[1] - 1][:3],
    Element.MONTH: lambda t, _: str(t.date[1]),
    Element.MONTH_2: lambda t, _: f"{t.date[1]:02d}",
    Element.WEEKDAY_NAME: lambda t, _: WEEKDAYS[calendar.week_day(t.days)],
    Element.WEEKDAY_SHORT: lambda t, _: WEEKDAYS[calendar.week_day(t.days)][:3],
    Element.DAY: lambda t, _: str(t.date[2]),
    Element.DAY_SPACED: lambda t, _: f"{t.date[2]:2d}",
    Element.DAY_2: lambda t, _: f"{t.date[2]:02d}",
    Element.YEARDAY_SPACED: lambda t, _: f"{calendar.year_day(*t.date):3d}",
    Element.YEARDAY_3: lambda t, _: f"{calendar.year_day(*t.date):03d}",
    Element.HOUR: lambda t, _: f"{t.clock[0]:02d}",
    Element.HOUR12: lambda t, _: str(t.clock[0] % 12 or 12),
    Element.HOUR12_2: lambda t, _: f"{t.clock[0] % 12 or 12:02d}",
    Element.MINUTE: lambda t, _: str(t.clock[1]),
    Element.MINUTE_2: lambda t, _: f"{t.clock[1]:02d}",
    Element.SECOND: lambda t, _: str(t.clock[2]),
    Element.SECOND_2: lambda t, _: f"{t.clock[2]:02d}",
    Element.YEAR: lambda t, _: year_text(t.date[0]),
    Element.YEAR_2: lambda t, _: f"{abs(t.date[0]) % 100:02d}",
    Element.PM_UPPER: lambda t, _: "PM" if t.clock[0] >= 12 else "AM",
    Element.PM_LOWER: lambda t, _: "pm" if t.clock[0] >= 12 else "am",
    Element.ZONE_NAME: lambda t, _: t.abbreviation or offset_text(t.offset, "-0700"),
    Element.ZONE_OFFSET: lambda t, piece: offset_text(t.offset, piece.text),
    Element.FRACTION_0: lambda t, piece: fraction_text(t, piece, trim=False),
    Element.FRACTION_9: lambda t, piece: fraction_text(t, piece, trim=True),
}


def format_time(t: Time, layout: str) -> str:
    """The time as the layout shows it: `format_time(t, "Mon Jan _2 15:04:05 2006")`."""
    return "".join([WRITERS[piece.element](t, piece) for piece in pieces(layout)])


def year_text(year: int) -> str:
    return f"-{-year:04d}" if year < 0 else f"{year:04d}"


def offset_text(offset: int, form: str) -> str:
    """The offset in the form of `-07`, `-0700`, `-07:00` or with seconds; the forms with Z write Z for UTC."""
    if offset == 0 and form[0] == "Z":
        return "Z"
    minutes = abs(offset) // 60
    sign = "-" if offset < 0 and minutes else "+"  # the sign is that of the whole minutes
    colon = ":" if ":" in form else ""
    digits = len(form) - 1 - form.count(":")
    parts = [f"{minutes // 60:02d}", f"{minutes % 60:02d}", f"{abs(offset) % 60:02d}"]
    return sign + colon.join(parts[: digits // 2])


def fraction_text(t: Time, piece: Piece, *, trim: bool) -> str:
    """The separator and digits of the second's fraction, or nothing where all trimmed digits are zero."""
    digits = f"{t.nanosecond:09d}".ljust(len(piece.text) - 1, "0")[: len(piece.text) - 1]
    if trim:
        digits = digits.rstrip("0")
        if not digits:
            return ""
    return piece.text[0] + digits
