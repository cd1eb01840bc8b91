"""The methods of Go's time.Time that expressions may call, by name."""

from __future__ import annotations

from typing import Any, Final

from aggregator.lang.gotime import calendar
from aggregator.lang.gotime.formatting import format_time
from aggregator.lang.gotime.moment import ZERO_NS, Time
from aggregator.lang.gotime.names import Month, Weekday
from aggregator.lang.gotime.zones import UTC
from aggregator.lang.govalue import GoMethod, Int64, wrap64

LENGTH: Final = "time.Duration"
MOMENT: Final = "time.Time"


def _row(name: str, params: tuple[str, ...], result: str, call: Any) -> tuple[str, GoMethod]:
    return name, GoMethod(name, params, result, call)


def iso_year(time: Time) -> int:
    """The year of the time's ISO week: that of its Thursday. (The week itself is a second result, which is dropped.)"""
    thursday = time.days - (time.days + 3) % 7 + 3
    return calendar.date_of(thursday)[0]


def go_syntax(time: Time) -> str:
    """The Go expression that makes this time."""
    year, month, day = time.date
    hour, minute, second = time.clock
    zone = "time.UTC" if time.zone == UTC else f'time.Location("{time.zone.name}")'
    return f"time.Date({year}, time.{Month(month)}, {day}, {hour}, {minute}, {second}, {time.nanosecond}, {zone})"


# `Local` shows UTC: the zone of a machine is not known here, and Argo's own containers run in UTC.
TIME_METHODS: Final = dict(
    (
        _row("Add", (LENGTH,), MOMENT, Time.add),
        _row("AddDate", ("int", "int", "int"), MOMENT, Time.add_date),
        _row(
            "AppendFormat",
            ("[]uint8", "string"),
            "[]uint8",
            lambda t, data, layout: data + format_time(t, layout).encode(),
        ),
        _row("After", (MOMENT,), "bool", lambda t, u: t.ns > u.ns),
        _row("Before", (MOMENT,), "bool", lambda t, u: t.ns < u.ns),
        _row("Compare", (MOMENT,), "int", lambda t, u: (t.ns > u.ns) - (t.ns < u.ns)),
        _row("Day", (), "int", lambda t: t.date[2]),
        _row("Equal", (MOMENT,), "bool", lambda t, u: t.ns == u.ns),
        _row("Format", ("string",), "string", format_time),
        _row("GoString", (), "string", go_syntax),
        _row("Hour", (), "int", lambda t: t.clock[0]),
        _row("ISOWeek", (), "int", iso_year),
        _row("In", ("*time.Location",), MOMENT, Time.in_zone),
        _row("IsDST", (), "bool", lambda t: t.zone.lookup(t.unix)[2]),
        _row("IsZero", (), "bool", lambda t: t.ns == ZERO_NS),
        _row("Local", (), MOMENT, lambda t: t.in_zone(UTC)),
        _row("Location", (), "*time.Location", lambda t: t.zone),
        _row("MarshalJSON", (), "[]uint8", lambda t: f'"{t.go_json()}"'.encode()),
        _row("MarshalText", (), "[]uint8", lambda t: str(t.go_json()).encode()),
        _row("Minute", (), "int", lambda t: t.clock[1]),
        _row("Month", (), "time.Month", lambda t: Month(t.date[1])),
        _row("Nanosecond", (), "int", lambda t: t.nanosecond),
        _row("Round", (LENGTH,), MOMENT, Time.round),
        _row("Second", (), "int", lambda t: t.clock[2]),
        _row("String", (), "string", Time.go_string),
        _row("Sub", (MOMENT,), LENGTH, Time.sub),
        _row("Truncate", (LENGTH,), MOMENT, Time.truncate),
        _row("UTC", (), MOMENT, lambda t: t.in_zone(UTC)),
        _row("Unix", (), "int64", lambda t: Int64(t.unix)),
        _row("UnixMicro", (), "int64", lambda t: Int64(t.ns // 1_000)),
        _row("UnixMilli", (), "int64", lambda t: Int64(t.ns // 1_000_000)),
        _row("UnixNano", (), "int64", lambda t: Int64(wrap64(t.ns))),
        _row("Weekday", (), "time.Weekday", lambda t: Weekday(calendar.week_day(t.days))),
        _row("Year", (), "int", lambda t: t.date[0]),
        _row("YearDay", (), "int", lambda t: calendar.year_day(*t.date)),
        _row("Zone", (), "string", lambda t: t.abbreviation),
    )
)
Time.GO_METHODS = TIME_METHODS
