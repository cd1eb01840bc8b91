"""Sprig's dates: formatting and parsing by Go layouts, changing by durations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.gonumber import clamped_int
from aggregator.lang.gotime import (
    UTC,
    ZERO_TIME,
    Duration,
    Time,
    Zone,
    format_time,
    from_unix,
    load_zone,
    parse_duration,
    parse_time,
)
from aggregator.lang.gotime.duration import HOUR, MINUTE, SECOND
from aggregator.lang.govalue import Int64
from aggregator.lang.sprig.signature import ANY, STRING, TIME, Family

if TYPE_CHECKING:
    from aggregator.lang.context import Context

FAMILY = Family("Dates")
HTML_LAYOUT: Final = "2006-01-02"
DAY: Final = 24 * HOUR
ROUNDED: Final = ((365 * DAY, "y"), (30 * DAY, "mo"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"))


def now_in(ctx: Context) -> Time:
    return Time(ctx.now, load_zone(ctx.zone))


def moment(ctx: Context, value: Any) -> Time:
    """A time as it is, an integer as Unix seconds, anything else as now."""
    if isinstance(value, Time):
        return value
    if type(value) in (int, Int64):
        return from_unix(int(value), zone=load_zone(ctx.zone))
    return now_in(ctx)


def zone_or_utc(ctx: Context, name: str) -> Zone:
    try:
        return load_zone(name, ctx.zone)
    except LanguageError:
        return UTC


def shown(ctx: Context, layout: str, value: Any, zone: str) -> str:
    return format_time(moment(ctx, value).in_zone(zone_or_utc(ctx, zone)), layout)


@FAMILY.add("now", uses_context=True)
def now(ctx: Context) -> Time:
    """The time of this evaluation: `sprig.date("2006", sprig.now())`."""
    return now_in(ctx)


@FAMILY.add("date", STRING, ANY, uses_context=True)
def date(ctx: Context, layout: str, value: Any) -> str:
    """A time by a layout, in the local zone: `sprig.date("2006-01-02", 0)` is "1970-01-01"."""
    return shown(ctx, layout, value, "Local")


@FAMILY.add("dateInZone date_in_zone", STRING, ANY, STRING, uses_context=True)
def date_in_zone(ctx: Context, layout: str, value: Any, zone: str) -> str:
    """A time in a zone, in UTC where there is no such zone: `sprig.dateInZone("15:04", 0, "Asia/Tokyo")` is "09:00"."""
    return shown(ctx, layout, value, zone)


@FAMILY.add("htmlDate", ANY, uses_context=True)
def html_date(ctx: Context, value: Any) -> str:
    """The date for a form field: `sprig.htmlDate(0)` is "1970-01-01"."""
    return shown(ctx, HTML_LAYOUT, value, "Local")


@FAMILY.add("htmlDateInZone", ANY, STRING, uses_context=True)
def html_date_in_zone(ctx: Context, value: Any, zone: str) -> str:
    """The date for a form field, in a zone: `sprig.htmlDateInZone(0, "Asia/Tokyo")` is "1970-01-01"."""
    return shown(ctx, HTML_LAYOUT, value, zone)


@FAMILY.add("dateModify date_modify", STRING, TIME)
def date_modify(length: str, value: Time) -> Time:
    """The time moved by a duration, unmoved where that is wrong: `sprig.dateModify("-1h", date("2024-03-04")).Hour()` is 23."""
    try:
        return value.add(parse_duration(length))
    except LanguageError:
        return value


@FAMILY.add("mustDateModify must_date_modify", STRING, TIME)
def must_date_modify(length: str, value: Time) -> Time:
    """The time moved by a duration, or an error: `sprig.mustDateModify("24h", date("2024-03-04")).Day()` is 5."""
    return value.add(parse_duration(length))


@FAMILY.add("toDate", STRING, STRING, uses_context=True)
def to_date(ctx: Context, layout: str, text: str) -> Time:
    """A text read by a layout, the year 1 where it does not fit: `sprig.toDate("2006-01-02", "2024-03-04").Year()` is 2024."""
    try:
        return parse_time(layout, text, load_zone(ctx.zone))
    except LanguageError:
        return ZERO_TIME


@FAMILY.add("mustToDate", STRING, STRING, uses_context=True)
def must_to_date(ctx: Context, layout: str, text: str) -> Time:
    """A text read by a layout, or an error: `sprig.mustToDate("2006-01-02", "2024-03-04").Day()` is 4."""
    return parse_time(layout, text, load_zone(ctx.zone))


@FAMILY.add("ago", ANY, uses_context=True)
def ago(ctx: Context, value: Any) -> str:
    """The time since then, to the second: `sprig.ago(sprig.now())` is "0s"."""
    return now_in(ctx).sub(moment(ctx, value)).round(Duration(SECOND)).go_string()


@FAMILY.add("unixEpoch", TIME)
def unix_epoch(value: Time) -> str:
    """The Unix seconds as text: `sprig.unixEpoch(sprig.toDate("2006", "1970"))` is "0"."""
    return str(value.unix)


@FAMILY.add("duration", ANY)
def duration(seconds: Any) -> str:
    """A text of seconds as a duration: `sprig.duration("95")` is "1m35s".

    Of the other types only int64 counts, all else is "0s".
    """
    count = clamped_int(seconds) if isinstance(seconds, str) else int(seconds) if type(seconds) is Int64 else 0
    return Duration(count * SECOND).go_string()


@FAMILY.add("durationRound", ANY, uses_context=True)
def duration_round(ctx: Context, value: Any) -> str:
    """A duration in its largest unit: `sprig.durationRound("36h")` is "1d"."""
    size = abs(length_of(ctx, value))
    return next((f"{size // unit}{name}" for unit, name in ROUNDED if size > unit), "0s")


def length_of(ctx: Context, value: Any) -> int:
    """Nanoseconds of a duration's text, of an int64, or since a time; 0 of anything else."""
    if isinstance(value, str):
        try:
            return parse_duration(value).ns
        except LanguageError:
            return 0
    if isinstance(value, Time):
        return now_in(ctx).sub(value).ns
    return int(value) if type(value) is Int64 else 0
