"""Builtins on numbers: rounding, extremes, averages and bits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.expr.functions.arguments import COUNTED, integer, number
from aggregator.lang.expr.operators import COMPARE, deeper, is_number, type_name
from aggregator.lang.govalue import wrap64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aggregator.lang.expr.frame import Frame


def absolute(_: Frame, value: Any) -> int | float:
    """The size without the sign; the type stays."""
    size = number("abs", value)
    if isinstance(size, float):
        return -size if size < 0 else size
    return wrap64(abs(size))


def ceil(_: Frame, value: Any) -> float:
    return rounded(number("ceil", value), lambda x: float(math.ceil(x)))


def floor(_: Frame, value: Any) -> float:
    return rounded(number("floor", value), lambda x: float(math.floor(x)))


def round_half_away(_: Frame, value: Any) -> float:
    """To the nearest whole number, halves away from zero."""
    return rounded(number("round", value), nearest_whole)


def nearest_whole(value: float) -> float:
    cut = float(math.trunc(value))
    return cut + math.copysign(1.0, value) if abs(value - cut) >= 0.5 else cut


def rounded(value: float, how: Callable[[float], float]) -> float:
    """A float that keeps the sign of zero; infinities and NaN stay what they are."""
    as_float = float(value)
    return math.copysign(how(as_float), as_float) if math.isfinite(as_float) else as_float


def extreme(name: str, sign: str, args: tuple[Any, ...]) -> Any:
    """The largest or smallest of numbers and of lists of them, nil where there is none; durations stand alone."""
    best: Any = None
    better = COMPARE[sign]
    if len(args) == 1 and not isinstance(args[0], (list, bytes)):
        return args[0]
    for arg in args:
        for value in [arg] if isinstance(arg, COUNTED) else flat_numbers(name, (arg,)):
            if best is None or better(best, value):
                best = value
    return best


def largest(_: Frame, *args: Any) -> Any:
    return extreme("max", "<", args)


def smallest(_: Frame, *args: Any) -> Any:
    return extreme("min", ">", args)


def flat_numbers(name: str, args: Any, depth: int = 0) -> Iterator[int | float]:
    """All numbers, however deep in lists."""
    deeper(depth)
    for arg in args:
        if is_number(arg):
            yield arg
        elif isinstance(arg, (list, bytes)):
            yield from flat_numbers(name, arg, depth + 1)
        elif isinstance(arg, COUNTED) and name in ("mean", "median"):
            yield arg.go_json()
        else:
            raise LanguageError(f"{name} takes numbers and lists of numbers, not {type_name(arg)}", kind="type")


def mean(_: Frame, *args: Any) -> float:
    total, count = 0.0, 0
    for value in flat_numbers("mean", args):
        total += float(value)
        count += 1
    return total / count if count else 0.0


def median(_: Frame, *args: Any) -> float:
    values = [float(value) for value in flat_numbers("median", args)]
    values.sort(key=lambda value: (not math.isnan(value), value))
    half = len(values) // 2
    if len(values) % 2:
        return values[half]
    return (values[half - 1] + values[half]) / 2 if values else 0.0


def bits(name: str, combine: Callable[[int, int], int]) -> Callable[..., int]:
    """A function of two ints on the bits of 64-bit numbers."""

    def function(_: Frame, left: Any, right: Any) -> int:
        return wrap64(combine(integer(name, left), integer(name, right)))

    return function


def shift(name: str, combine: Callable[[int, int], int]) -> Callable[..., int]:
    """As `bits`; 64 places or more are as good as 64, and a negative count is an error."""

    def function(_: Frame, left: Any, right: Any) -> int:
        value, places = integer(name, left), integer(name, right)
        if places < 0:
            raise LanguageError(f"{name} cannot shift by {places}, a negative count")
        return wrap64(combine(value, min(places, 64)))

    return function


def bit_not(_: Frame, value: Any) -> int:
    return ~integer("bitnot", value)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": absolute,
    "ceil": ceil,
    "floor": floor,
    "round": round_half_away,
    "max": largest,
    "min": smallest,
    "mean": mean,
    "median": median,
    "bitand": bits("bitand", lambda a, b: a & b),
    "bitor": bits("bitor", lambda a, b: a | b),
    "bitxor": bits("bitxor", lambda a, b: a ^ b),
    "bitnand": bits("bitnand", lambda a, b: a & ~b),
    "bitshl": shift("bitshl", lambda a, b: a << b),
    "bitshr": shift("bitshr", lambda a, b: a >> b),
    "bitushr": shift("bitushr", lambda a, b: (a % (1 << 64)) >> b),
    "bitnot": bit_not,
}
