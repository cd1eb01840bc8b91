"""Floats as Go's strconv writes them: shortest digits, fixed precision, and the binary and hexadecimal forms."""

from __future__ import annotations

import math
import struct

SHORTEST_EXPONENT_AT = 6  # %v and shortest %g write an exponent below 1e-4 and from 1e6 on


def shortest(value: float, bits: int = 64) -> tuple[str, int]:
    """The fewest digits that read back as the same float, and the place of the point: 12.5 is ("125", 2)."""
    text = repr(abs(value))
    if bits == 32:  # nine digits are always enough
        wanted = struct.pack("f", abs(value))
        shown = (f"{abs(value):.{precision}e}" for precision in range(9))
        text = next(text for text in shown if struct.pack("f", float(text)) == wanted)
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    stripped = stripped.rstrip("0")
    return (stripped, point) if stripped else ("0", 1)


def format_float(value: float, form: str = "g", precision: int = -1, bits: int = 64) -> str:
    """Go's `strconv.FormatFloat`: `format_float(1e6) == "1e+06"`, `format_float(0.1, "f", 3) == "0.100"`.

    A negative precision means the fewest digits that keep the value.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if form in "xX":
        return hexadecimal(value, form, precision)
    if form == "b":
        mantissa, exponent = mantissa_and_exponent(value)
        return f"{'-' if math.copysign(1, value) < 0 else ''}{mantissa}p{exponent:+d}"
    if precision >= 0:
        return f"{value:.{precision}{form}}"
    digits, point = shortest(value, bits)
    sign = "-" if math.copysign(1, value) < 0 else ""
    if form == "f" or (form in "gG" and -4 <= point - 1 < SHORTEST_EXPONENT_AT):
        return sign + plain(digits, point)
    return sign + exponential(digits, point, "E" if form in "EG" else "e")


def plain(digits: str, point: int) -> str:
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def exponential(digits: str, point: int, letter: str) -> str:
    exponent = point - 1 if digits != "0" else 0
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{mantissa}{letter}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def mantissa_and_exponent(value: float) -> tuple[int, int]:
    """The float as an integer times a power of two, with the mantissa's full 53 bits where it has them."""
    if value == 0:
        return 0, -1074
    exponent = max(math.frexp(abs(value))[1] - 53, -1074)
    numerator, denominator = abs(value).as_integer_ratio()
    return (numerator << -exponent) // denominator if exponent < 0 else numerator >> exponent, exponent


def hexadecimal(value: float, form: str, precision: int) -> str:
    """Go's %x of a float: `0x1.8p+01`."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        mantissa, exponent = 0, 0
    else:
        fraction, exponent = math.frexp(abs(value))
        mantissa, exponent = int(fraction * (1 << 53)), exponent - 1
    # `mantissa` has 53 bits: one before the point and 13 hexadecimal digits behind it.
    if 0 <= precision < 13:
        drop = 4 * (13 - precision)
        kept, rest = mantissa >> drop, mantissa & ((1 << drop) - 1)
        half = 1 << (drop - 1)
        kept += rest > half or (rest == half and kept & 1)
        mantissa = kept << drop
        if mantissa >> 53:
            mantissa, exponent = mantissa >> 1, exponent + 1
    digits = f"{mantissa & ((1 << 52) - 1):013x}"
    digits = digits.rstrip("0") if precision < 0 else digits[:precision].ljust(precision, "0")
    text = f"{sign}0x{mantissa >> 52}{'.' + digits if digits else ''}p{exponent:+03d}"
    return text.upper() if form == "X" else text
