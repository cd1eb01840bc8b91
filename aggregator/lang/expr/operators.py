"""Operators at run time: equality, order and arithmetic as Go's evaluator has them, on 64-bit ints and floats."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import gostring
from aggregator.lang.context import DEFAULT_LIMITS
from aggregator.lang.gotime import Duration, Time
from aggregator.lang.govalue import INT_MAX, INT_MIN, AnyMap, GoObject, IntList, ListList, Uint8, go_type, wrap64

if TYPE_CHECKING:
    from collections.abc import Callable

    Spend = Callable[[int], None]

NUMBERS: Final = (int, float)
SLOW: Final = 8
DEPTH: Final = DEFAULT_LIMITS.value_depth


def type_name(value: Any) -> str:
    """What a message calls the type of a value."""
    return "nil" if value is None else go_type(value)


def mismatch(op: str, left: Any, right: Any) -> LanguageError:
    hint = ""
    if {type(left), type(right)} in ({str, int}, {str, float}):
        hint = "convert one side: int(x), float(x) or string(x)"
    elif left is None or right is None:
        hint = "`x ?? default` replaces a nil"
    return LanguageError(
        f"{op!r} does not work between {type_name(left)} and {type_name(right)}", kind="type", hint=hint
    )


def is_number(value: Any) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def equal(left: Any, right: Any, spend: Spend, depth: int = 0) -> bool:
    """`==`: ints and floats by value, lists element by element, all else only with its own type.

    `spend` is told how many elements are compared.
    """
    if isinstance(left, str):
        return isinstance(right, str) and left == right
    if is_number(left):
        if not is_number(right):
            return False
        if isinstance(left, float) is isinstance(right, float):
            return bool(left == right)
        return float(left) == float(right)
    if isinstance(left, (list, bytes)) and isinstance(right, (list, bytes)):
        if isinstance(left, ListList) or isinstance(right, ListList):
            return identical(left, right, spend, depth)
        if len(left) != len(right):
            return False
        deeper(depth)
        spend(len(left))
        kinds = {*map(type, left), *map(type, right)}
        if len(kinds) == 1 and kinds <= {str, int}:
            return list(left) == list(right)
        spend(SLOW * len(left))
        return all(equal(a, b, spend, depth + 1) for a, b in zip(left, right, strict=True))
    return identical(left, right, spend, depth)


def identical(left: Any, right: Any, spend: Spend, depth: int = 0) -> bool:
    """Go's deep equality, where 1 is not 1.0; what `==` means for maps and for all that lies within them."""
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, GoObject) or isinstance(right, GoObject):
        return type(left) is type(right) and bool(left == right)
    if type(left) is not type(right):
        return False
    if isinstance(left, (dict, list)):
        deeper(depth)
        if len(left) != len(right):
            return False
        spend(SLOW * len(left))
        if isinstance(left, dict):
            return left.keys() == right.keys() and all(
                identical(v, right[k], spend, depth + 1) for k, v in left.items()
            )
        return all(identical(a, b, spend, depth + 1) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def deeper(depth: int, limit: int = DEPTH) -> None:
    """Holds a walk over a value within the limit."""
    if depth > limit:
        raise LimitExceeded("value_depth", f"a value is nested more than {limit} levels deep")


def contains(needle: Any, haystack: Any, spend: Spend) -> bool:
    """`in`: an element of a list, a key of a map; nil holds nothing."""
    if isinstance(haystack, dict):
        return has_key(haystack, needle)
    if isinstance(haystack, (list, bytes)):
        if isinstance(needle, str):
            return needle in haystack if isinstance(haystack, list) else False
        return any(equal(item, needle, spend) for item in haystack)
    if haystack is None:
        return False
    if isinstance(haystack, Time) and isinstance(needle, str):
        return False
    hint = "use contains for a part of a string" if isinstance(haystack, str) else ""
    raise LanguageError(f"'in' does not work on {type_name(haystack)}", kind="type", hint=hint)


def key_of(mapping: dict[Any, Any], key: Any) -> Any:
    """The key as a Go map takes it: a text, or anything that can be compared where the map's keys are any."""
    if isinstance(mapping, AnyMap):
        if isinstance(key, (list, dict, bytes)):
            raise LanguageError(f"{type_name(key)} cannot be a key of a map", kind="type")
        return key
    if isinstance(key, str):
        return key
    if key is None:
        return ""
    raise LanguageError(f"{type_name(key)} cannot be a key of a map, its keys are strings", kind="type")


def has_key(mapping: dict[Any, Any], key: Any) -> bool:
    """Whether the key is there; in a map with any keys 1, 1.0 and true are three of them."""
    key = key_of(mapping, key)
    if key not in mapping:
        return False
    if not isinstance(mapping, AnyMap) or not isinstance(key, (int, float)):
        return True
    kinds = isinstance(key, bool), isinstance(key, float)
    return any(key == known and kinds == (isinstance(known, bool), isinstance(known, float)) for known in mapping)


def value_of(mapping: dict[Any, Any], key: Any) -> Any:
    """The value of a key, nil where it is absent."""
    return mapping[key_of(mapping, key)] if has_key(mapping, key) else None


# order


def ordering(sign: str, holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """One of `<`, `>`, `<=`, `>=`: between numbers, texts (by bytes), times or durations."""

    def compare(left: Any, right: Any) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            if left.isascii() or right.isascii() or not (gostring.has_escapes(left) or gostring.has_escapes(right)):
                return holds(left, right)
            return holds(gostring.to_bytes(left), gostring.to_bytes(right))
        if is_number(left) and is_number(right):
            if isinstance(left, float) is isinstance(right, float):
                return holds(left, right)
            return holds(float(left), float(right))
        if (isinstance(left, Time) and isinstance(right, Time)) or (
            isinstance(left, Duration) and isinstance(right, Duration)
        ):
            return holds(left.ns, right.ns)
        raise mismatch(sign, left, right)

    return compare


less: Final = ordering("<", operator.lt)
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": less,
    ">": ordering(">", operator.gt),
    "<=": ordering("<=", operator.le),
    ">=": ordering(">=", operator.ge),
}


# arithmetic


def add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > DEFAULT_LIMITS.text:
            raise too_long(len(left) + len(right))
        return gostring.concat(left, right)
    if is_number(left) and is_number(right):
        total = left + right
        return total if isinstance(total, float) or INT_MIN <= total <= INT_MAX else wrap64(total)
    if isinstance(right, Duration):
        if isinstance(left, Time):
            return left.add(right)
        if isinstance(left, Duration):
            return Duration(left.ns + right.ns)
    if isinstance(left, Duration) and isinstance(right, Time):
        return right.add(left)
    raise mismatch("+", left, right)


def too_long(length: int, limit: int = DEFAULT_LIMITS.text) -> LanguageError:
    return LimitExceeded("text", f"a text of {length:,} characters; the limit is {limit:,}")


def subtract(left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        rest = left - right
        return rest if isinstance(rest, float) or INT_MIN <= rest <= INT_MAX else wrap64(rest)
    if isinstance(left, Time):
        if isinstance(right, Time):
            return left.sub(right)
        if isinstance(right, Duration):
            return left.add(Duration(-right.ns))
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Duration(left.ns - right.ns)
    raise mismatch("-", left, right)


def multiply(left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        product = left * right
        return product if isinstance(product, float) or INT_MIN <= product <= INT_MAX else wrap64(product)
    a = left.ns if isinstance(left, Duration) else left
    b = right.ns if isinstance(right, Duration) else right
    if not (is_number(a) and is_number(b)):
        raise mismatch("*", left, right)
    return a * b if isinstance(a, float) or isinstance(b, float) else Duration(a * b)


def divide(left: Any, right: Any) -> float:
    """Always a float: `1/0` is infinite, `0/0` is not a number."""
    if not (is_number(left) and is_number(right)):
        raise mismatch("/", left, right)
    a, b = float(left), float(right)
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def modulo(left: Any, right: Any) -> int:
    """The remainder with the sign of the left side."""
    if not (is_number(left) and is_number(right)) or isinstance(left, float) or isinstance(right, float):
        raise mismatch("%", left, right)
    if right == 0:
        raise LanguageError("division by zero")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else int(rest)


def power(left: Any, right: Any) -> float:
    """Always a float, with Go's answers where a power has no real value."""
    if not (is_number(left) and is_number(right)):
        raise mismatch("**", left, right)
    base, exponent = float(left), float(right)
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent % 2 == 1
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        # a zero to a negative power, or a negative number to a broken one
        if base == 0:
            odd = abs(exponent) % 2 == 1
            return math.copysign(math.inf, base) if odd else math.inf
        return math.nan


def negate(value: Any) -> Any:
    if isinstance(value, float):
        return -value
    if isinstance(value, Uint8):
        return Uint8(-value % 256)
    if is_number(value):
        return wrap64(-value)
    raise LanguageError(f"'-' does not work on {type_name(value)}", kind="type")


def whole(value: Any, what: str = "an index") -> int:
    """An int from a number; a float is cut, as Go's conversion on amd64 does it."""
    if isinstance(value, float):
        return truncate(value)
    if is_number(value):
        return int(value)
    raise LanguageError(f"{what} is a number, not {type_name(value)}", kind="type")


def truncate(value: float) -> int:
    """A float as int; what has no place in 64 bits becomes the smallest int."""
    if math.isnan(value) or not -9.3e18 < value < 9.3e18:
        return INT_MIN
    number = int(value)
    return number if INT_MIN <= number <= INT_MAX else INT_MIN


ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
    "**": power,
    "^": power,
}


def integers(low: int, high: int) -> IntList:
    """The whole numbers of a range, both ends included; none where the end lies before the start."""
    return IntList(range(low, high + 1) if wrap64(high - low + 1) > 0 else ())
