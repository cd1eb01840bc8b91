"""The methods of Go's time.Time that expressions may call, by name."""

from __future__ import annotations

from typing import Any, Final

from aggregator.lang.gotime import calendar
from aggregator.lang.gotime.formatting import format_time
from aggregator.lang.gotime.moment import ZERO_NS, Time
from aggregator.lang.gotime.names import Month, Weekday
from aggregator.lang.gotime.zones import UTC
from aggregator.lang.govalue import GoMethod, Int64

LENGTH: Final = "time.Duration"
MOMENT: Final = "time.Time"


def _row(name: str, params: tuple[str, ...], result: str, call: Any) -> tuple[str, GoMethod]:
    return name, GoMethod(name, params, result, call)


# `Local` shows UTC: the zone of a machine is not known here, and Argo's own containers run in UTC.
TIME_METHODS: Final = dict(
    (
        _row("Add", (LENGTH,), MOMENT, Time.add),
        _row("AddDate", ("int", "int", "int"), MOMENT, Time.add_date),
        _row("After", (MOMENT,), "bool", lambda t, u: t.ns > u.ns),
        _row("Before", (MOMENT,), "bool", lambda t, u: t.ns < u.ns),
        _row("Compare", (MOMENT,), "int", lambda t, u: (t.ns > u.ns) - (t.ns < u.ns)),
        _row("Day", (), "int", lambda t: t.date[2]),
        _row("Equal", (MOMENT,), "bool", lambda t, u: t.ns == u.ns),
        _row("Format", ("string",), "string", format_time),
        _row("Hour", (), "int", lambda t: t.clock[0]),
        _row("In", ("*time.Location",), MOMENT, Time.in_zone),
        _row("IsDST", (), "bool", lambda t: t.zone.lookup(t.unix)[2]),
        _row("IsZero", (), "bool", lambda t: t.ns == ZERO_NS),
        _row("Local", (), MOMENT, lambda t: t.in_zone(UTC)),
        _row("Location", (), "*time.Location", lambda t: t.zone),
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
        _row("UnixNano", (), "int64", lambda t: Int64(t.ns)),
        _row("Weekday", (), "time.Weekday", lambda t: Weekday(calendar.week_day(t.days))),
        _row("Year", (), "int", lambda t: t.date[0]),
        _row("YearDay", (), "int", lambda t: calendar.year_day(*t.date)),
    )
)
Time.GO_METHODS = TIME_METHODS
