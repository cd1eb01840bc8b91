"""Sprig's arithmetic: 64-bit integers that wrap, and floats added as decimals so that 0.1 + 0.2 is 0.3."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.goformat import go_value
from aggregator.lang.gonumber import clamped_int, integer_power
from aggregator.lang.govalue import INT_MAX, INT_MIN, Int64, IntList, wrap64
from aggregator.lang.sprig.conversions import to_float, to_int
from aggregator.lang.sprig.signature import ANY, FLOAT, INT, STRING, Family, bounded_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.context import Context

FAMILY = Family("Numbers")
DIVISION_PLACES: Final = 10**16
EXACT_BITS: Final = 65_536


@FAMILY.add("atoi", STRING)
def atoi(text: str) -> int:
    """The integer in a text, 0 where there is none: `sprig.atoi("12")` is 12."""
    return clamped_int(text)


@FAMILY.add("int", ANY)
def as_int(value: Any) -> int:
    """The value as an integer: `sprig.int("12")` is 12."""
    return to_int(value)


@FAMILY.add("int64", ANY)
def as_int64(value: Any) -> Int64:
    """The value as an int64: `sprig.int64(1.9)` is 1."""
    return Int64(to_int(value))


@FAMILY.add("float64", ANY)
def as_float(value: Any) -> float:
    """The value as a float: `sprig.float64("1.5")` is 1.5."""
    return to_float(value)


@FAMILY.add("toDecimal", ANY)
def to_decimal(value: Any) -> Int64:
    """Octal digits as a number: `sprig.toDecimal("0644")` is 420."""
    text = go_value(value)
    digits = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if not digits or digits.strip("01234567") or len(digits.lstrip("0")) > 22:
        return Int64(0)
    number = -int(digits, 8) if text.startswith("-") else int(digits, 8)
    return Int64(number if INT_MIN <= number <= INT_MAX else 0)


@FAMILY.add("add", ANY, variadic=True)
def add(*values: Any) -> Int64:
    """The sum: `sprig.add(1, 2, 3)` is 6."""
    return Int64(wrap64(sum(map(to_int, values))))


@FAMILY.add("add1", ANY)
def add1(value: Any) -> Int64:
    """One more: `sprig.add1(1)` is 2."""
    return Int64(wrap64(to_int(value) + 1))


@FAMILY.add("sub", ANY, ANY)
def sub(left: Any, right: Any) -> Int64:
    """The difference: `sprig.sub(5, 2)` is 3."""
    return Int64(wrap64(to_int(left) - to_int(right)))


@FAMILY.add("mul", ANY, ANY, variadic=True)
def mul(first: Any, *values: Any) -> Int64:
    """The product: `sprig.mul(2, 3)` is 6."""
    product = to_int(first)
    for value in values:
        product = wrap64(product * to_int(value))
    return Int64(product)


@FAMILY.add("div", ANY, ANY)
def div(left: Any, right: Any) -> Int64:
    """The quotient, cut towards zero: `sprig.div(7, 2)` is 3."""
    return Int64(wrap64(divided(to_int(left), to_int(right), "div")[0]))


@FAMILY.add("mod", ANY, ANY)
def mod(left: Any, right: Any) -> Int64:
    """The remainder, with the sign of the first number: `sprig.mod(7, 2)` is 1."""
    return Int64(divided(to_int(left), to_int(right), "mod")[1])


def divided(left: int, right: int, name: str) -> tuple[int, int]:
    """Quotient and remainder, cut towards zero."""
    if right == 0:
        raise LanguageError(f"sprig.{name}: division by zero")
    quotient = abs(left) // abs(right)
    quotient = -quotient if (left < 0) != (right < 0) else quotient
    return quotient, left - quotient * right


@FAMILY.add("max biggest", ANY, ANY, variadic=True)
def biggest(first: Any, *values: Any) -> Int64:
    """The largest integer: `sprig.max(1, 3, 2)` is 3."""
    return Int64(max(map(to_int, (first, *values))))


@FAMILY.add("min", ANY, ANY, variadic=True)
def smallest(first: Any, *values: Any) -> Int64:
    """The smallest integer: `sprig.min(1, 3, 2)` is 1."""
    return Int64(min(map(to_int, (first, *values))))


@FAMILY.add("maxf", ANY, ANY, variadic=True)
def maxf(first: Any, *values: Any) -> float:
    """The largest float: `sprig.maxf(1.5, 3)` is 3.0."""
    numbers = [to_float(value) for value in (first, *values)]
    return chosen(numbers, max, math.inf)


@FAMILY.add("minf", ANY, ANY, variadic=True)
def minf(first: Any, *values: Any) -> float:
    """The smallest float: `sprig.minf(1.5, 3)` is 1.5."""
    numbers = [to_float(value) for value in (first, *values)]
    return chosen(numbers, min, -math.inf)


def chosen(numbers: list[float], choose: Callable[[list[float]], float], winner: float) -> float:
    """NaN wins over every number but the infinity on its side."""
    if len(numbers) > 1 and winner not in numbers and any(map(math.isnan, numbers)):
        return math.nan
    return choose([number for number in numbers if not math.isnan(number)] or numbers)


@FAMILY.add("floor", ANY)
def floor(value: Any) -> float:
    """The next whole number below: `sprig.floor(1.9)` is 1.0."""
    return whole(to_float(value), math.floor)


@FAMILY.add("ceil", ANY)
def ceil(value: Any) -> float:
    """The next whole number above: `sprig.ceil(1.1)` is 2.0."""
    return whole(to_float(value), math.ceil)


def whole(value: float, cut: Callable[[float], int]) -> float:
    if not math.isfinite(value):
        return value
    return math.copysign(float(cut(value)), value) if abs(value) < 1 and cut(value) == 0 else float(cut(value))


@FAMILY.add("round", ANY, INT, FLOAT, variadic=True)
def round_places(value: Any, places: int, *threshold: float) -> float:
    """Rounded to places, up from the threshold (0.5) on: `sprig.round(3.14159, 2)` is 3.14.

    Below zero it rounds down, as the original does: `sprig.round(-1.2, 0)` is -2.0.
    """
    power = integer_power(10.0, places)
    digits = power * to_float(value)
    fraction = math.modf(digits)[0] if math.isfinite(digits) else math.nan
    rounded = whole(digits, math.ceil if fraction >= (threshold[0] if threshold else 0.5) else math.floor)
    if power == 0:
        return math.nan if rounded == 0 or math.isnan(rounded) else math.copysign(math.inf, rounded)
    return rounded / power


def decimal(value: Any, name: str) -> Fraction:
    """The shortest decimal that stands for the float."""
    number = to_float(value)
    if not math.isfinite(number):
        raise LanguageError(f"sprig.{name}: {go_value(number)} is not a decimal number")
    return Fraction(repr(number))


def decimals(name: str, first: Any, values: tuple[Any, ...], step: Callable[[Fraction, Fraction], Fraction]) -> float:
    """All values in turn, in exact decimals; the result as the nearest float."""
    result = decimal(first, name)
    for value in values:
        result = step(result, decimal(value, name))
        if result.numerator.bit_length() + result.denominator.bit_length() > EXACT_BITS:
            raise LanguageError(f"sprig.{name}: too many digits")
    try:
        return float(result)
    except OverflowError:
        return math.inf if result > 0 else -math.inf


@FAMILY.add("addf", ANY, variadic=True)
def addf(*values: Any) -> float:
    """The sum in decimals: `sprig.addf(0.1, 0.2)` is 0.3."""
    return decimals("addf", 0.0, values, lambda a, b: a + b)


@FAMILY.add("add1f", ANY)
def add1f(value: Any) -> float:
    """One more: `sprig.add1f(1.5)` is 2.5."""
    return decimals("add1f", value, (1,), lambda a, b: a + b)


@FAMILY.add("subf", ANY, ANY, variadic=True)
def subf(first: Any, *values: Any) -> float:
    """The difference in decimals: `sprig.subf(0.3, 0.1)` is 0.2."""
    return decimals("subf", first, values, lambda a, b: a - b)


@FAMILY.add("mulf", ANY, ANY, variadic=True)
def mulf(first: Any, *values: Any) -> float:
    """The product in decimals: `sprig.mulf(1.1, 2)` is 2.2."""
    return decimals("mulf", first, values, lambda a, b: a * b)


@FAMILY.add("divf", ANY, ANY, variadic=True)
def divf(first: Any, *values: Any) -> float:
    """The quotient to 16 places: `sprig.divf(1, 4)` is 0.25."""

    def step(left: Fraction, right: Fraction) -> Fraction:
        if not right:
            raise LanguageError("sprig.divf: division by zero")
        scaled = abs(left / right) * DIVISION_PLACES
        rounded = Fraction(math.floor(scaled + Fraction(1, 2)), DIVISION_PLACES)
        return -rounded if (left < 0) != (right < 0) else rounded

    return decimals("divf", first, values, step)


@FAMILY.add("until", INT, uses_context=True)
def until(ctx: Context, count: int) -> IntList:
    """The integers from 0: `sprig.until(3)` is [0, 1, 2]."""
    return stepped(ctx, 0, count, -1 if count < 0 else 1)


@FAMILY.add("untilStep", INT, INT, INT, uses_context=True)
def until_step(ctx: Context, start: int, stop: int, step: int) -> IntList:
    """Integers from start to before stop: `sprig.untilStep(1, 6, 2)` is [1, 3, 5]."""
    return stepped(ctx, start, stop, step)


def stepped(ctx: Context, start: int, stop: int, step: int) -> IntList:
    """The range, empty where the step leads away from its end or nowhere."""
    if step == 0:
        return IntList()
    span = range(start, stop, step)
    bounded_list(ctx, len(span) if abs(stop - start) < INT_MAX else INT_MAX, "until")
    return IntList(span)


@FAMILY.add("seq", INT, variadic=True, uses_context=True)
def seq(ctx: Context, *params: int) -> str:
    """A text of integers up to and with the end, from (1), in steps (1): `sprig.seq(1, 2, 5)` is "1 3 5"."""
    if not 1 <= len(params) <= 3:
        return ""
    start, end = (1, params[0]) if len(params) == 1 else (params[0], params[-1])
    towards = -1 if end < start else 1
    step = params[1] if len(params) == 3 else towards
    if len(params) == 3 and towards < 0 < step:
        return ""
    return " ".join(map(str, stepped(ctx, start, end + towards, step)))


@FAMILY.add("randInt", INT, INT, uses_context=True)
def rand_int(ctx: Context, low: int, high: int) -> int:
    """A random integer, the upper bound left out: `sprig.randInt(5, 6)` is 5."""
    if low >= high:
        raise LanguageError(f"sprig.randInt: there is no integer from {low} to before {high}")
    return ctx.random.randrange(low, high)
