"""Arithmetic on floats that never fails, as Go has it: infinities and NaN where Python raises."""

from __future__ import annotations

import math


def divide(left: float, right: float) -> float:
    if right:
        return left / right
    if math.isnan(left) or not left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def remainder(left: float, right: float) -> float:
    try:
        return math.fmod(left, right)
    except ValueError:
        return math.nan


def power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    except ValueError:
        if left:
            return math.nan
        return math.copysign(math.inf, left) if right % 2 == 1 else math.inf


def to_int64(value: float) -> int:
    """What the usual processors make of a float that an int64 can't hold."""
    return int(value) if -(2.0**63) <= value < 2.0**63 else -(1 << 63)


def to_uint64(value: float) -> int:
    if value < 2.0**63:
        return to_int64(value) % (1 << 64)
    return int(value) if value < 2.0**64 else 1 << 63
