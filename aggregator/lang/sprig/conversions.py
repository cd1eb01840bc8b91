"""Sprig's loose conversions to numbers: what does not convert is 0."""

from __future__ import annotations

from typing import Any

from aggregator.lang.gonumber import int_of_float, parse_float, parse_int
from aggregator.lang.gotime.names import Named
from aggregator.lang.govalue import wrap64


def to_int(value: Any) -> int:
    """Numbers cut towards zero, texts such as 12, 010 (octal), 0x1f and 2.00, bools as 0 and 1."""
    if isinstance(value, int):
        return wrap64(int(value))
    if isinstance(value, float):
        return int_of_float(value)
    if isinstance(value, str):
        return parse_int(without_zero_fraction(value), 0) or 0
    return value.number if isinstance(value, Named) else 0


def to_float(value: Any) -> float:
    """Numbers, texts that Go reads as floats, bools as 0 and 1."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        return parse_float(value) or 0.0
    return float(value.number) if isinstance(value, Named) else 0.0


def without_zero_fraction(text: str) -> str:
    """`2.00` as `2`; `2.` and `2.50` stay."""
    head, point, zeros = text.rpartition(".")
    return head if point and zeros and not zeros.strip("0") else text
