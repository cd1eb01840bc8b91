"""Kubernetes' quantities (`500m`, `1.5Gi`, `2e3`), exactly."""

from __future__ import annotations

import re
from fractions import Fraction

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_LONGEST_EXPONENT = 4
_FACTORS = (
    {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000)}
    | {letter: Fraction(1000**power) for power, letter in enumerate("kMGTPE", start=1)}
    | {f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", start=1)}
)


def parse_quantity(text: str) -> Fraction | None:
    """The number, or None when the text is no quantity."""
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or len(match[2] or "") > _LONGEST_EXPONENT:
        return None
    number = Fraction(match[1])
    if match[2]:
        return number * Fraction(10) ** int(match[2])
    return number * _FACTORS[match[3]] if match[3] else number
