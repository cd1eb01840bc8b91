"""Sprig's loose conversions to numbers: what does not convert is 0."""

from __future__ import annotations

import re
from typing import Any

from aggregator.lang.gonumber import int_of_float, parse_float, parse_int
from aggregator.lang.gotime import Duration
from aggregator.lang.gotime.names import Named
from aggregator.lang.govalue import wrap64

DECIMAL = re.compile(r"([-+]?[0-9]*)\.[0-9]*")


def to_int(value: Any) -> int:
    """Numbers and texts cut towards zero (12.7, 010 octal, 0x1f), bools as 0 and 1, durations in nanoseconds."""
    if isinstance(value, int):
        return wrap64(int(value))
    if isinstance(value, float):
        return int_of_float(value)
    if isinstance(value, str):
        return parse_int(without_fraction(value), 0) or 0
    return number_in(value)


def to_float(value: Any) -> float:
    """Numbers, texts that Go reads as floats, bools as 0 and 1."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        return parse_float(value) or 0.0
    return float(number_in(value))


def number_in(value: Any) -> int:
    """The number that a month, weekday or duration is in Go."""
    if isinstance(value, Duration):
        return value.ns
    return value.number if isinstance(value, Named) else 0


def without_fraction(text: str) -> str:
    """`5.7` as `5`, `-.5` as `-0`; anything but decimal digits around one point stays as it is."""
    match = DECIMAL.fullmatch(text)
    if match is None:
        return text
    return match[1] + "0" if match[1] in ("", "-", "+") else match[1]
