"""Builtins on times: now, duration, date and timezone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.expr.functions.arguments import string
from aggregator.lang.gotime import UTC, Duration, Time, Zone, load_zone, parse_duration, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.expr.frame import Frame

LAYOUTS: Final = (
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
)


def now(frame: Frame, zone: Any = None) -> Time:
    """The time of the event that is being handled."""
    if zone is not None and not isinstance(zone, Zone):
        raise LanguageError("now takes nothing, or a timezone", kind="type")
    return Time(frame.ctx.now, zone or load_zone(frame.ctx.zone))


def duration(_: Frame, value: Any) -> Duration:
    return parse_duration(string("duration", value))


def timezone(frame: Frame, value: Any) -> Zone:
    return load_zone(string("timezone", value), frame.ctx.zone)


def date(frame: Frame, *args: Any) -> Time:
    """A time from a text: by a layout and a zone if they are given, else by the usual layouts."""
    zone = UTC
    if args and isinstance(args[0], Zone):
        zone, args = args[0], args[1:]
    if not 1 <= len(args) <= 3:
        raise LanguageError(f"date takes 1 to 3 arguments after a timezone, got {len(args)}", kind="type")
    text, *rest = [string("date", arg) for arg in args]
    if len(rest) == 2:
        zone = load_zone(rest[1], frame.ctx.zone)
    if rest:
        return parse_time(rest[0], text, zone)
    for layout in LAYOUTS:
        try:
            return parse_time(layout, text, zone)
        except LanguageError:
            continue
    raise LanguageError(f"date cannot read {text[:80]!r}", hint='give its layout: date("15/01/2024", "02/01/2006")')


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "now": now,
    "duration": duration,
    "timezone": timezone,
    "date": date,
}
