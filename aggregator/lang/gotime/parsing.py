"""Reading a time by a Go layout."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aggregator.errors import LanguageError
from aggregator.lang.gotime import calendar
from aggregator.lang.gotime.layout import Element, Piece, pieces
from aggregator.lang.gotime.moment import Time, make_time
from aggregator.lang.gotime.names import MONTHS, WEEKDAYS
from aggregator.lang.gotime.zones import UTC, Zone, fixed_zone

if TYPE_CHECKING:
    from collections.abc import Callable

OFFSETS: Final = {
    "070000": re.compile(r"([-+])(\d\d)(\d\d)(\d\d)", re.ASCII),
    "07:00:00": re.compile(r"([-+])(\d\d):(\d\d):(\d\d)", re.ASCII),
    "0700": re.compile(r"([-+])(\d\d)(\d\d)", re.ASCII),
    "07:00": re.compile(r"([-+])(\d\d):(\d\d)", re.ASCII),
    "07": re.compile(r"([-+])(\d\d)", re.ASCII),
}
# Abbreviations: the two with lower-case letters, GMT with an optional offset, a bare offset, three letters, or four
# or five that end in T (WITA is the one that does not). Six or more capitals are no zone.
GMT = re.compile(r"GMT([-+]\d+)?", re.ASCII)
BARE = re.compile(r"[-+]\d+", re.ASCII)
CAPITALS = re.compile(r"[A-Z]{0,6}")
ONE_OR_TWO = re.compile(r"\d\d?", re.ASCII)
TWO = re.compile(r"\d\d", re.ASCII)
UP_TO_THREE = re.compile(r"\d{1,3}", re.ASCII)
THREE = re.compile(r"\d\d\d", re.ASCII)
FOUR = re.compile(r"\d\d\d\d", re.ASCII)
SIGNED_TWO = re.compile(r"[-+]\d|\d\d", re.ASCII)
FRACTION = re.compile(r"[.,](\d+)", re.ASCII)
LARGEST_GMT: Final = 23


class Mismatch(Exception):  # noqa: N818 - it is a verdict on one element, turned into a LanguageError
    """The text does not fit the element; `why` is set where it fits but is out of range."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class Fields:
    """What has been read so far; -1 where a zero would be a value."""

    text: str
    at: int = 0
    year: int = 0
    month: int = -1
    day: int = -1
    year_day: int = -1
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    half: str = ""
    utc: bool = False
    offset: int | None = None
    zone_name: str = ""

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise Mismatch
        self.at = match.end()
        return match[0]

    def number(self, pattern: re.Pattern[str], low: int, high: int, what: str) -> int:
        value = int(self.take(pattern))
        if not low <= value <= high:
            raise Mismatch(f"{what} out of range")
        return value

    def name(self, names: tuple[str, ...]) -> int:
        """The place of the name that comes next, in any case of its letters."""
        for i, name in enumerate(names):
            if self.text[self.at : self.at + len(name)].casefold() == name.casefold():
                self.at += len(name)
                return i
        raise Mismatch

    def skip_spaces(self, most: int) -> None:
        for _ in range(most):
            if self.text[self.at : self.at + 1] == " ":
                self.at += 1

    def fraction(self, digits: str) -> None:
        self.nanosecond = int(digits[:9].ljust(9, "0"))


def parse_time(layout: str, text: str, zone: Zone = UTC, local: Zone | None = None) -> Time:
    """Read a time: `parse_time("2006-01-02", "2024-03-04")`.

    A text without zone is read in `zone`. An offset or abbreviation that `local` (default: `zone`) uses at that time
    gives a time in that zone, else one in a fixed zone.
    """
    fields = Fields(text)
    parts = pieces(layout)
    for i, piece in enumerate(parts):
        start = fields.at
        try:
            READERS[piece.element](fields, piece, parts[i + 1] if i + 1 < len(parts) else None)
        except Mismatch as e:
            raise time_error(
                layout, text, start, e.why or f"{text[start:][:40]!r} does not fit {piece.text!r}"
            ) from None
    if fields.at < len(text):
        raise time_error(layout, text, fields.at, f"nothing in the layout stands for {text[fields.at :][:40]!r}")
    try:
        settle_date(fields)
    except Mismatch as e:
        raise time_error(layout, text, 0, e.why) from None
    return place(fields, zone, local or zone)


def time_error(layout: str, text: str, at: int, why: str) -> LanguageError:
    return LanguageError(
        f"cannot read {text[:80]!r} as a time of the layout {layout[:80]!r}: {why}", text=text, start=at
    )


def settle_date(f: Fields) -> None:
    """Work out month and day, from the day of the year where that was given, and check them."""
    if f.half == "pm" and f.hour < 12:
        f.hour += 12
    elif f.half == "am" and f.hour == 12:
        f.hour = 0
    if f.year_day >= 0:
        if not 1 <= f.year_day <= 365 + calendar.is_leap(f.year):
            raise Mismatch("day-of-year out of range")
        _, month, day = calendar.date_of(calendar.days_of(f.year, 1, f.year_day))
        if f.month >= 0 and f.month != month:
            raise Mismatch("day-of-year does not match month")
        if f.day >= 0 and f.day != day:
            raise Mismatch("day-of-year does not match day")
        f.month, f.day = month, day
    f.month = 1 if f.month < 0 else f.month
    f.day = 1 if f.day < 0 else f.day
    if not 1 <= f.day <= calendar.days_in(f.year, f.month):
        raise Mismatch("day out of range")


def place(f: Fields, zone: Zone, local: Zone) -> Time:
    """The instant that the fields mean."""

    def at(where: Zone) -> Time:
        return make_time(f.year, f.month, f.day, (f.hour, f.minute, f.second), nanosecond=f.nanosecond, zone=where)

    if f.utc:
        return at(UTC)
    if f.offset is not None:
        moment = at(fixed_zone(f.zone_name, f.offset))
        name, offset, _ = local.lookup(moment.unix)
        return moment.in_zone(local) if offset == f.offset and f.zone_name in ("", name) else moment
    if f.zone_name:
        wall = at(UTC)
        known = local.offset_of_abbreviation(f.zone_name, wall.unix)
        if known is not None:
            return at(fixed_zone("", known)).in_zone(local)
        hours = int(f.zone_name[3:]) if f.zone_name.startswith("GMT") and len(f.zone_name) > 3 else 0
        return at(UTC).in_zone(fixed_zone(f.zone_name, hours * 3600))
    return at(zone)


def read_literal(f: Fields, piece: Piece, _: Piece | None) -> None:
    """The text itself; a run of spaces fits any run of spaces, and the end of the text."""
    i = 0
    literal = piece.text
    while i < len(literal):
        if literal[i] == " ":
            if f.at < len(f.text) and f.text[f.at] != " ":
                raise Mismatch
            while i < len(literal) and literal[i] == " ":
                i += 1
            while f.at < len(f.text) and f.text[f.at] == " ":
                f.at += 1
        elif f.text[f.at : f.at + 1] == literal[i]:
            i, f.at = i + 1, f.at + 1
        else:
            raise Mismatch


def read_month_name(f: Fields, piece: Piece, _: Piece | None) -> None:
    short = piece.element is Element.MONTH_SHORT
    f.month = f.name(tuple(name[:3] for name in MONTHS) if short else MONTHS) + 1


def read_month(f: Fields, piece: Piece, _: Piece | None) -> None:
    f.month = f.number(TWO if piece.element is Element.MONTH_2 else ONE_OR_TWO, 1, 12, "month")


def read_weekday(f: Fields, piece: Piece, _: Piece | None) -> None:
    short = piece.element is Element.WEEKDAY_SHORT
    f.name(tuple(name[:3] for name in WEEKDAYS) if short else WEEKDAYS)


def read_day(f: Fields, piece: Piece, _: Piece | None) -> None:
    if piece.element is Element.DAY_SPACED:
        f.skip_spaces(1)
    f.day = int(f.take(TWO if piece.element is Element.DAY_2 else ONE_OR_TWO))


def read_year_day(f: Fields, piece: Piece, _: Piece | None) -> None:
    if piece.element is Element.YEARDAY_SPACED:
        f.skip_spaces(2)
    f.year_day = int(f.take(THREE if piece.element is Element.YEARDAY_3 else UP_TO_THREE))


def read_hour(f: Fields, piece: Piece, _: Piece | None) -> None:
    if piece.element is Element.HOUR:
        f.hour = f.number(ONE_OR_TWO, 0, 23, "hour")
    else:
        f.hour = f.number(TWO if piece.element is Element.HOUR12_2 else ONE_OR_TWO, 0, 12, "hour")


def read_minute(f: Fields, piece: Piece, _: Piece | None) -> None:
    f.minute = f.number(TWO if piece.element is Element.MINUTE_2 else ONE_OR_TWO, 0, 59, "minute")


def read_second(f: Fields, piece: Piece, following: Piece | None) -> None:
    """Seconds; a fraction behind them is read even where the layout has none."""
    f.second = f.number(TWO if piece.element is Element.SECOND_2 else ONE_OR_TWO, 0, 59, "second")
    if following is None or following.element not in (Element.FRACTION_0, Element.FRACTION_9):
        read_fraction_9(f, piece, following)


def read_year(f: Fields, _: Piece, _next: Piece | None) -> None:
    f.year = int(f.take(FOUR))


def read_year_2(f: Fields, _: Piece, _next: Piece | None) -> None:
    """Two digits: 69 to 99 are of the last century, 00 to 68 of this one."""
    short = int(f.take(SIGNED_TWO))
    f.year = short + (1900 if short >= 69 else 2000)


def read_half(f: Fields, piece: Piece, _: Piece | None) -> None:
    upper = piece.element is Element.PM_UPPER
    word = f.text[f.at : f.at + 2]
    if word not in (("AM", "PM") if upper else ("am", "pm")):
        raise Mismatch
    f.half = word.lower()
    f.at += 2


def read_offset(f: Fields, piece: Piece, _: Piece | None) -> None:
    if piece.text[0] == "Z" and f.text[f.at : f.at + 1] == "Z":
        f.at += 1
        f.utc = True
        return
    match = OFFSETS[piece.text[1:]].match(f.text, f.at)
    if match is None:
        raise Mismatch
    numbers = [int(part) for part in match.groups()[1:]]
    for value, most, what in zip(numbers, (24, 60, 60), ("hour", "minute", "second"), strict=False):
        if value > most:
            raise Mismatch(f"time zone offset {what} out of range")
    hours, minutes, seconds = [*numbers, 0, 0][:3]
    size = (hours * 60 + minutes) * 60 + seconds
    f.offset = -size if match[1] == "-" else size
    f.at = match.end()


def read_zone_name(f: Fields, _: Piece, _next: Piece | None) -> None:
    if f.text.startswith("UTC", f.at):
        f.at += 3
        f.utc = True
        return
    length = zone_name_length(f.text[f.at :])
    if not length:
        raise Mismatch
    f.zone_name = f.text[f.at : f.at + length]
    f.at += length


def zone_name_length(text: str) -> int:
    """How many characters look like a zone's abbreviation; 0 where none do."""
    if len(text) < 3:
        return 0
    if text[:4] in ("ChST", "MeST"):
        return 4
    for pattern, shortest in ((GMT, 3), (BARE, 0)):
        match = pattern.match(text)
        if match:
            sign_at = 3 if shortest else 0
            digits = match[0][sign_at + 1 :]
            return match.end() if not digits or int(digits[-19:]) <= LARGEST_GMT else shortest
    capitals = CAPITALS.match(text)
    count = capitals.end() if capitals else 0
    if count == 3 or (count == 5 and text[4] == "T") or (count == 4 and (text[3] == "T" or text[:4] == "WITA")):
        return count
    return 0


def read_fraction_0(f: Fields, piece: Piece, _: Piece | None) -> None:
    """A separator and exactly as many digits as the layout has."""
    width = len(piece.text) - 1
    digits = f.text[f.at + 1 : f.at + 1 + width]
    if f.text[f.at : f.at + 1] not in (".", ",") or len(digits) < width or not digits[:9].isdecimal():
        raise Mismatch
    f.fraction(digits)
    f.at += 1 + width


def read_fraction_9(f: Fields, _: Piece, _next: Piece | None) -> None:
    """Any number of digits behind a separator, or nothing at all."""
    match = FRACTION.match(f.text, f.at)
    if match:
        f.fraction(match[1])
        f.at = match.end()


READERS: Final[dict[Element, Callable[[Fields, Piece, Piece | None], None]]] = {
    Element.LITERAL: read_literal,
    Element.MONTH_NAME: read_month_name,
    Element.MONTH_SHORT: read_month_name,
    Element.MONTH: read_month,
    Element.MONTH_2: read_month,
    Element.WEEKDAY_NAME: read_weekday,
    Element.WEEKDAY_SHORT: read_weekday,
    Element.DAY: read_day,
    Element.DAY_SPACED: read_day,
    Element.DAY_2: read_day,
    Element.YEARDAY_SPACED: read_year_day,
    Element.YEARDAY_3: read_year_day,
    Element.HOUR: read_hour,
    Element.HOUR12: read_hour,
    Element.HOUR12_2: read_hour,
    Element.MINUTE: read_minute,
    Element.MINUTE_2: read_minute,
    Element.SECOND: read_second,
    Element.SECOND_2: read_second,
    Element.YEAR: read_year,
    Element.YEAR_2: read_year_2,
    Element.PM_UPPER: read_half,
    Element.PM_LOWER: read_half,
    Element.ZONE_NAME: read_zone_name,
    Element.ZONE_OFFSET: read_offset,
    Element.FRACTION_0: read_fraction_0,
    Element.FRACTION_9: read_fraction_9,
}
