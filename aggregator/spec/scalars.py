"""Plain YAML scalars as Argo's loader reads them: YAML 1.1 words and numbers, then squeezed through JSON."""

from __future__ import annotations

import re
from typing import Final

# The words of YAML 1.1. Argo's loader knows the one-letter ones too.
_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULL = ("", "~", "null", "Null", "NULL")
_NOT_FINITE = (".nan", ".NaN", ".NAN", *(f"{s}.{w}" for s in ("", "+", "-") for w in ("inf", "Inf", "INF")))

WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NULL, None),
}
NOT_FINITE: Final = frozenset(_NOT_FINITE)

# Only texts that begin with one of these can be anything else than text.
_HINTS: Final = frozenset("0123456789+-.yYnNtTfFoO~")
NUMBER_STARTS: Final = frozenset("0123456789+-.")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_BASED = re.compile(r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[bB]([01]+)|[oO]?([0-7]+))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?\Z")
_INFINITY = float("inf")
_INT_LOW, _INT_HIGH = -(2**63), 2**64 - 1
# From here on JSON writes a float with an exponent, so it no longer looks like an integer.
_EXPONENT_FROM = 1e21

Scalar = str | int | float | bool | None


def plain(text: str) -> Scalar:
    """The value of an unquoted, untagged scalar (infinities and NaN come back as text: JSON has none)."""
    if not text:
        return None
    first = text[0]
    if first not in _HINTS:
        return text
    if text in WORDS:
        return WORDS[text]
    return number(text) if first in NUMBER_STARTS else text


def number(text: str) -> int | float | str:
    """A number in any of YAML 1.1's forms that Argo's loader knows, or the text itself.

    Base 60 is not a number, nor is a time; `0777` is octal, and `1.0` is the integer 1 because JSON writes it so.
    """
    if _TIMESTAMP.match(text):
        return text
    digits = text if text[0] == "." else text.replace("_", "")
    whole = _integer(digits)
    if whole is not None and _INT_LOW <= whole <= _INT_HIGH:
        return whole
    if _FLOAT.match(digits):
        value = float(digits)
        return text if abs(value) == _INFINITY else shrink(value)
    return text if whole is None else whole


def _integer(digits: str) -> int | None:
    if _DECIMAL.match(digits):
        # Longer ones are floats anyway; Python refuses very long ones.
        return int(digits) if len(digits) <= 21 else None
    if based := _BASED.match(digits):
        sign, hexadecimal, binary, octal = based.groups()
        base, figures = next((b, f) for b, f in ((16, hexadecimal), (2, binary), (8, octal)) if f is not None)
        value = int(figures, base)
        return -value if sign == "-" else value
    return None


def shrink(value: float) -> int | float:
    """A float without a fraction as the integer that JSON would write for it."""
    return int(value) if value.is_integer() and abs(value) < _EXPONENT_FROM else value


def number_text(value: float) -> str:
    """A number as parameter text: through float64, shortest digits, never an exponent."""
    digits, _, exponent = repr(float(value)).partition("e")
    sign = "-" if digits.startswith("-") else ""
    whole, _, fraction = digits.lstrip("-").partition(".")
    point = len(whole) + int(exponent or 0)
    figures = whole + fraction
    if point <= 0:
        text = "0." + "0" * -point + figures
    elif point >= len(figures):
        text = figures + "0" * (point - len(figures))
    else:
        text = f"{figures[:point]}.{figures[point:]}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = text.lstrip("0") or "0"
    return sign + (f"0{text}" if text.startswith(".") else text)


def key_text(value: float) -> str:
    """A float used as a mapping key: Go's shortest 32-bit form."""
    if value == 0:
        return "0"
    digits = next(d for d in range(1, 10) if d == 9 or _same_single(float(f"{value:.{d - 1}e}"), value))
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    power = int(exponent)
    # Go switches to an exponent below 1e-4 and from 1e21 on when it prints the shortest form.
    if power < -4 or power >= 21:
        return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return number_text(float(f"{mantissa}e{power}"))


def _same_single(one: float, other: float) -> bool:
    """Whether both round to the same 32-bit float (overflow counts as infinity, as Go does)."""
    import struct  # noqa: PLC0415 - float keys are rare: not worth start-up time

    def single(value: float) -> bytes:
        try:
            return struct.pack("<f", value)
        except OverflowError:
            return b"inf"

    return single(one) == single(other)


_TAG: Final = "tag:yaml.org,2002:"


def tagged(tag: str, text: str) -> tuple[Scalar, str]:
    """The value of a scalar with a tag, and what is wrong with it; tags of other languages leave the text as it is."""
    name = tag.removeprefix(_TAG)
    if name in ("str", "!", "timestamp") or not tag.startswith(_TAG):
        return text, ""
    if name == "binary":
        return _binary(text)
    value = plain(text)
    fits = {
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "null": value is None,
    }
    problem = "" if fits.get(name, True) else f"{text!r} is not a !!{name}"
    return value if name in fits else text, problem


def _binary(text: str) -> tuple[str, str]:
    from base64 import b64decode  # noqa: PLC0415 - !!binary is rare

    try:
        return b64decode(text, validate=False).decode(), ""
    except ValueError:
        return text, "!!binary is not base64 of UTF-8 text"
