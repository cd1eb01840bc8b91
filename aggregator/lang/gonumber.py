"""Numbers read from text as Go's strconv reads them."""

from __future__ import annotations

import math
import re
from typing import Final

from aggregator.lang.govalue import INT_MAX, INT_MIN, wrap64

BASES: Final = frozenset(("0x", "0b", "0o"))
DECIMAL_DIGITS: Final = frozenset("0123456789")
HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
PREFIXED = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>(?:_?[0-9a-fA-F])+)|0[bB](?P<b>(?:_?[01])+)|0[oO](?P<o>(?:_?[0-7])+)"
    r"|0(?P<z>(?:_?[0-7])+)|(?P<d>0|[1-9](?:_?[0-9])*))",
    re.ASCII,
)
FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
HEX_FLOAT = re.compile(r"[-+]?0[xX](?=_?[0-9a-fA-F]|\.[0-9a-fA-F])[0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][-+]?[0-9]+", re.ASCII)
SPECIAL = re.compile(r"[-+]?inf(?:inity)?|nan", re.IGNORECASE)
DIGITS_MAX: Final = 400


def parse_int(text: str, base: int = 10) -> int | None:
    """Go's `strconv.ParseInt` to 64 bits; base 0 reads 0x, 0o, 0b, a leading 0 and underscores. None if it is none."""
    if base == 0:
        match = PREFIXED.fullmatch(text)
        if match is None or len(text) > DIGITS_MAX:
            return None
        group = match.lastgroup or "d"
        value = int(match[group].replace("_", ""), {"x": 16, "b": 2, "o": 8, "z": 8}.get(group, 10))
        value = -value if match["sign"] == "-" else value
    else:
        if len(text) > DIGITS_MAX or not INTEGER.fullmatch(text):
            return None
        try:
            value = int(text, base)
        except ValueError:
            return None
    return value if INT_MIN <= value <= INT_MAX else None


def clamped_int(text: str) -> int:
    """What Go's ParseInt hands back beside its error: the nearest 64-bit integer where it is too large, else 0."""
    if not INTEGER.fullmatch(text):
        return 0
    value = parse_int(text)
    if value is not None:
        return value
    return INT_MIN if text.startswith("-") else INT_MAX


def parse_float(text: str) -> float | None:
    """Go's `strconv.ParseFloat`: decimal, hexadecimal with an exponent, inf, nan, underscores between digits.

    None where it is no number or too large for a float.
    """
    if SPECIAL.fullmatch(text):
        return float(text)
    plain = text
    if "_" in text:
        if not underscores_fit(text):
            return None
        plain = text.replace("_", "")
    if FLOAT.fullmatch(plain):
        value = float(plain)
    elif HEX_FLOAT.fullmatch(plain):
        try:
            value = float.fromhex(plain)
        except OverflowError:
            return None
    else:
        return None
    return None if math.isinf(value) else value


def underscores_fit(text: str) -> bool:
    """Whether underscores stand only between digits; a prefix such as 0x counts as a digit."""
    body = text.lstrip("+-")
    prefixed = body[:2].lower() in BASES
    digits = HEX_DIGITS if body[:2].lower() == "0x" else DECIMAL_DIGITS
    last = "0" if prefixed else "!"
    for char in body[2:] if prefixed else body:
        if char == "_":
            if last != "0":
                return False
            last = "_"
        elif char in digits:
            last = "0"
        elif last == "_":
            return False
        else:
            last = "!"
    return last != "_"


def int_of_float(value: float) -> int:
    """The conversion of a float to int64 that amd64 makes: cut towards zero, the smallest integer where it can't."""
    if math.isnan(value) or not INT_MIN <= value < 9.3e18 or value >= float(1 << 63):
        return INT_MIN
    return wrap64(int(value))


def integer_power(base: float, exponent: int) -> float:
    """A float to an integer power by repeated squaring, with the rounding of Go's math.Pow."""
    result, result_exponent = 1.0, 0
    square, square_exponent = math.frexp(base)
    for bit in range(abs(exponent).bit_length()):
        if abs(square_exponent) > 1 << 12:
            return math.inf if (square_exponent > 0) == (exponent > 0) else 0.0
        if abs(exponent) >> bit & 1:
            result, result_exponent = result * square, result_exponent + square_exponent
        square, square_exponent = square * square, square_exponent << 1
        if square < 0.5:
            square, square_exponent = square + square, square_exponent - 1
    if exponent < 0:
        result, result_exponent = 1 / result, -result_exponent
    try:
        return math.ldexp(result, result_exponent)
    except OverflowError:
        return math.inf
