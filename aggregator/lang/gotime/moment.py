"""Go's time.Time: an instant in nanoseconds, shown in a zone."""

from __future__ import annotations

from functools import total_ordering
from typing import Any, ClassVar, Final

from aggregator.errors import LanguageError
from aggregator.lang.gotime import calendar
from aggregator.lang.gotime.duration import SECOND, Duration
from aggregator.lang.gotime.formatting import format_time
from aggregator.lang.gotime.zones import UTC, Zone
from aggregator.lang.govalue import INT_MAX, INT_MIN, GoObject

ZERO_NS: Final = -62_135_596_800 * SECOND  # the start of year 1, where Go's zero time lies
RFC3339: Final = "2006-01-02T15:04:05Z07:00"
RFC3339_NANO: Final = "2006-01-02T15:04:05.999999999Z07:00"
STRING_LAYOUT: Final = "2006-01-02 15:04:05.999999999 -0700 MST"


@total_ordering
class Time(GoObject):
    """An instant (`ns` since 1970 in UTC) with the zone it is shown in; equal times are the same instant."""

    __slots__ = ("ns", "zone")
    GO_TYPE: ClassVar[str] = "time.Time"
    ns: int
    zone: Zone

    def __init__(self, ns: int, zone: Zone = UTC) -> None:
        object.__setattr__(self, "ns", ns)
        object.__setattr__(self, "zone", zone)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Time does not change ({name})")

    def __reduce__(self) -> tuple[type[Time], tuple[int, Zone]]:
        return Time, (self.ns, self.zone)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.ns == other.ns

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Time):
            return NotImplemented
        return self.ns < other.ns

    def __hash__(self) -> int:
        return hash(("Time", self.ns))

    def __repr__(self) -> str:
        return f"Time({self.go_string()})"

    def __str__(self) -> str:
        return self.go_string()

    @property
    def unix(self) -> int:
        return self.ns // SECOND

    @property
    def nanosecond(self) -> int:
        return self.ns % SECOND

    @property
    def offset(self) -> int:
        """Seconds east of UTC that the zone's clock shows at this instant."""
        return self.zone.lookup(self.unix)[1]

    @property
    def abbreviation(self) -> str:
        return self.zone.lookup(self.unix)[0]

    @property
    def days(self) -> int:
        """Days since 1970-01-01 on the zone's calendar."""
        return (self.unix + self.offset) // calendar.DAY

    @property
    def date(self) -> tuple[int, int, int]:
        """Year, month and day of the month on the zone's calendar."""
        return calendar.date_of(self.days)

    @property
    def clock(self) -> tuple[int, int, int]:
        """Hour, minute and second of the zone's clock."""
        minutes, second = divmod((self.unix + self.offset) % calendar.DAY, 60)
        return minutes // 60, minutes % 60, second

    def in_zone(self, zone: Zone) -> Time:
        return Time(self.ns, zone)

    def add(self, length: Duration) -> Time:
        return Time(self.ns + length.ns, self.zone)

    def sub(self, other: Time) -> Duration:
        """The time between, held within the range of a duration (some 292 years)."""
        return Duration(max(INT_MIN, min(INT_MAX, self.ns - other.ns)))

    def add_date(self, years: int, months: int, days: int) -> Time:
        """The same clock time on another date; a day past the month's end carries over."""
        year, month, day = self.date
        return make_time(
            year + years, month + months, day + days, self.clock, nanosecond=self.nanosecond, zone=self.zone
        )

    def truncate(self, step: Duration) -> Time:
        """Down to a multiple of the step since year 1."""
        return self if step.ns <= 0 else Time(self.ns - (self.ns - ZERO_NS) % step.ns, self.zone)

    def round(self, step: Duration) -> Time:
        """To the nearest multiple of the step since year 1, halves up."""
        if step.ns <= 0:
            return self
        rest = (self.ns - ZERO_NS) % step.ns
        return Time(self.ns - rest if rest + rest < step.ns else self.ns - rest + step.ns, self.zone)

    def go_string(self) -> str:
        return format_time(self, STRING_LAYOUT)

    def go_json(self) -> Any:
        if not 0 <= self.date[0] <= 9999:
            raise LanguageError("a time outside the years 0 to 9999 has no JSON form")
        return format_time(self, RFC3339_NANO)


def make_time(
    year: int, month: int, day: int, clock: tuple[int, int, int], *, nanosecond: int = 0, zone: Zone = UTC
) -> Time:
    """The instant of a date and clock time in a zone; fields out of range carry over."""
    hour, minute, second = clock
    local = calendar.days_of(year, month, day) * calendar.DAY + (hour * 60 + minute) * 60 + second
    return Time(zone.unix(local) * SECOND + nanosecond, zone)


def from_unix(seconds: int, nanoseconds: int = 0, zone: Zone = UTC) -> Time:
    return Time(seconds * SECOND + nanoseconds, zone)


ZERO_TIME: Final = Time(ZERO_NS)
