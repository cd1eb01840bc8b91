"""Go's time.Duration: integer nanoseconds, its text form, its grammar and its methods."""

from __future__ import annotations

import re
from functools import total_ordering
from typing import Any, ClassVar, Final

from aggregator.errors import LanguageError
from aggregator.lang.govalue import INT_MAX, INT_MIN, GoMethod, GoObject, Int64, wrap64

NANOSECOND: Final = 1
MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

UNITS: Final = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "\u00b5s": MICROSECOND,  # the micro sign
    "\u03bcs": MICROSECOND,  # the Greek letter
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
MAGNITUDE_MAX: Final = 1 << 63
WHOLE_DIGITS: Final = 19  # more than these never fit 64 bits
TERM = re.compile(r"(?P<whole>[0-9]*)(?P<point>\.(?P<fraction>[0-9]*))?(?P<unit>[^.0-9]*)", re.ASCII)


@total_ordering
class Duration(GoObject):
    """A length of time in nanoseconds, kept to 64 bits as Go keeps it."""

    __slots__ = ("ns",)
    GO_TYPE: ClassVar[str] = "time.Duration"
    GO_KIND: ClassVar[str] = "int64"
    ns: int

    def __init__(self, ns: int) -> None:
        object.__setattr__(self, "ns", wrap64(ns))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Duration does not change ({name})")

    def __reduce__(self) -> tuple[type[Duration], tuple[int]]:
        return Duration, (self.ns,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.ns == other.ns

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Duration):
            return NotImplemented
        return self.ns < other.ns

    def __hash__(self) -> int:
        return hash(("Duration", self.ns))

    def __repr__(self) -> str:
        return f"Duration({self})"

    def __str__(self) -> str:
        return format_duration(self.ns)

    def go_string(self) -> str:
        return format_duration(self.ns)

    def go_json(self) -> Any:
        return self.ns

    def in_unit(self, unit: int) -> float:
        """The length as a float of the unit, rounded as Go rounds it (whole part and rest apart)."""
        whole, rest = divmod(abs(self.ns), unit)
        value = float(whole) + float(rest) / float(unit)
        return -value if self.ns < 0 else value

    def whole(self, unit: int) -> Int64:
        """The number of whole units, cut towards zero."""
        count = abs(self.ns) // unit
        return Int64(-count if self.ns < 0 else count)

    def truncate(self, step: Duration) -> Duration:
        """Cut towards zero to a multiple of the step; a step of zero or less changes nothing."""
        if step.ns <= 0:
            return self
        rest = abs(self.ns) % step.ns
        return Duration(self.ns + rest if self.ns < 0 else self.ns - rest)

    def round(self, step: Duration) -> Duration:
        """To the nearest multiple of the step, halves away from zero; held within 64 bits."""
        if step.ns <= 0:
            return self
        size = abs(self.ns)
        rest = size % step.ns
        size = size - rest if rest + rest < step.ns else size - rest + step.ns
        return Duration(max(INT_MIN, -size) if self.ns < 0 else min(INT_MAX, size))

    def abs(self) -> Duration:
        """The length without its sign; the smallest value becomes the largest."""
        return Duration(min(INT_MAX, abs(self.ns)))


def format_duration(ns: int) -> str:
    """Go's text of a duration: `format_duration(5_400_000_000_000) == "1h30m0s"`, `"1.5ms"`, `"0s"`."""
    if ns == 0:
        return "0s"
    size = abs(ns)
    sign = "-" if ns < 0 else ""
    if size < SECOND:
        unit, name = next((u, n) for u, n in ((MILLISECOND, "ms"), (MICROSECOND, "\u00b5s"), (1, "ns")) if size >= u)
        return f"{sign}{decimal(size, unit)}{name}"
    minutes, rest = divmod(size, MINUTE)
    text = f"{decimal(rest, SECOND)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{minutes}m{text}"
        if hours:
            text = f"{hours}h{text}"
    return sign + text


def decimal(size: int, unit: int) -> str:
    """A quantity in a unit that is a power of ten, without trailing zeros."""
    whole, rest = divmod(size, unit)
    if not rest:
        return str(whole)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0")
    return f"{whole}.{digits}"


def parse_duration(text: str) -> Duration:
    """Read Go's duration grammar: `parse_duration("1h30m")`, `"-1.5h"`, `"300ms"`, `"0"`.

    Numbers with a unit, each with an optional fraction, behind one optional sign.
    """
    body = text[1:] if text[:1] in ("-", "+") else text
    negative = text.startswith("-")
    if body == "0":
        return Duration(0)
    if not body:
        raise duration_error("it is empty", text)
    total, at = 0, 0
    while at < len(body):
        term = TERM.match(body, at)
        assert term is not None  # every part of the pattern may be empty
        if not term["whole"] and not term["fraction"]:
            raise duration_error("a number was expected", text, at + len(text) - len(body))
        if not term["unit"]:
            raise duration_error("a unit is missing", text, at + len(text) - len(body))
        unit = UNITS.get(term["unit"])
        if unit is None:
            raise duration_error(f"unknown unit {term['unit']!r}", text, term.start("unit") + len(text) - len(body))
        whole = term["whole"].lstrip("0") or "0"
        if len(whole) <= WHOLE_DIGITS:
            total += int(whole) * unit + fraction_of(term["fraction"] or "", unit)
        if total > MAGNITUDE_MAX or len(whole) > WHOLE_DIGITS:
            raise duration_error("it does not fit 64 bits of nanoseconds", text)
        at = term.end()
    if not negative and total > INT_MAX:
        raise duration_error("it does not fit 64 bits of nanoseconds", text)
    return Duration(-total if negative else total)


def fraction_of(digits: str, unit: int) -> int:
    """The nanoseconds behind the point, computed in floats as Go does; digits that 63 bits can't hold are dropped."""
    value, scale = 0, 1.0
    for digit in digits:
        longer = value * 10 + int(digit)
        if value > INT_MAX // 10 or longer > MAGNITUDE_MAX:
            break
        value, scale = longer, scale * 10
    return int(float(value) * (float(unit) / scale)) if value else 0


def duration_error(why: str, text: str, at: int = 0) -> LanguageError:
    return LanguageError(
        f"invalid duration {text[:80]!r}: {why}",
        text=text,
        start=at,
        hint="write a number with a unit: ns, us, ms, s, m or h, as in 1h30m or 500ms",
    )


def _row(name: str, params: tuple[str, ...], result: str, call: Any) -> tuple[str, GoMethod]:
    return name, GoMethod(name, params, result, call)


Duration.GO_METHODS = dict(
    (
        _row("Abs", (), "time.Duration", Duration.abs),
        _row("Hours", (), "float64", lambda d: d.in_unit(HOUR)),
        _row("Microseconds", (), "int64", lambda d: d.whole(MICROSECOND)),
        _row("Milliseconds", (), "int64", lambda d: d.whole(MILLISECOND)),
        _row("Minutes", (), "float64", lambda d: d.in_unit(MINUTE)),
        _row("Nanoseconds", (), "int64", lambda d: Int64(d.ns)),
        _row("Round", ("time.Duration",), "time.Duration", Duration.round),
        _row("Seconds", (), "float64", lambda d: d.in_unit(SECOND)),
        _row("String", (), "string", Duration.go_string),
        _row("Truncate", ("time.Duration",), "time.Duration", Duration.truncate),
    )
)
