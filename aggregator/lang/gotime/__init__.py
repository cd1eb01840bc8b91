"""Go's time package as far as expressions see it: Duration, Time, layouts and zones."""

from aggregator.lang.gotime.duration import Duration, format_duration, parse_duration
from aggregator.lang.gotime.formatting import format_time
from aggregator.lang.gotime.methods import TIME_METHODS
from aggregator.lang.gotime.moment import RFC3339, RFC3339_NANO, ZERO_TIME, Time, from_unix, make_time
from aggregator.lang.gotime.names import Month, Weekday
from aggregator.lang.gotime.parsing import parse_time
from aggregator.lang.gotime.zones import UTC, Zone, fixed_zone, load_zone

__all__ = [
    "RFC3339",
    "RFC3339_NANO",
    "TIME_METHODS",
    "UTC",
    "ZERO_TIME",
    "Duration",
    "Month",
    "Time",
    "Weekday",
    "Zone",
    "fixed_zone",
    "format_duration",
    "format_time",
    "from_unix",
    "load_zone",
    "make_time",
    "parse_duration",
    "parse_time",
]
