"""Filters and scripts of the `jsonpath` function: `[?(@.price < 10)]` and `[(@.length-1)]`.

The text is split at its first operator, the loosest first, which makes operators of one level group to the right.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import regex
from aggregator.lang.floatmath import divide, power, remainder
from aggregator.lang.goformat import go_value
from aggregator.lang.gonumber import parse_float
from aggregator.lang.gostring import valid

if TYPE_CHECKING:
    from collections.abc import Callable

    # Reads a path such as `@.price` and gives its function of (root, current).
    PathReader = Callable[[str, int], Callable[[Any, Any], Any]]

OPERATORS: Final = ("||", "&&", "==", "!=", "<=", ">=", "<", ">", "=~", "+", "-", "**", "*", "/", "%", "!", "@", "$")
BLANK: Final = " \t\n\r\v\f"
TRUE: Final = frozenset(("1", "t", "T", "TRUE", "true", "True"))
FALSE: Final = frozenset(("0", "f", "F", "FALSE", "false", "False"))
MAX_DEPTH: Final = 60


class Script:
    """A compiled filter or script."""

    __slots__ = ("_root", "text")

    def __init__(self, text: str, read_path: PathReader, depth: int = 0) -> None:
        self.text = text
        self._root = _build(text, 0, read_path, depth)

    def run(self, root: Any, current: Any) -> Any:
        """The value for one element; a LanguageError where it has none."""
        names = {"$": root, "@": current, "nil": None, "null": None}
        if self._root is not None:
            return self._root.run(names)
        if self.text in names:
            return names[self.text]
        number = _number_of(self.text)
        if number is not None:
            return number
        return self.text in TRUE if self.text in TRUE or self.text in FALSE else self.text


class _Path:
    def __init__(self, read: Callable[[Any, Any], Any]) -> None:
        self.read = read

    def run(self, names: dict[str, Any]) -> Any:
        value = self.read(names["$"], names["@"])
        if isinstance(value, str) and not (len(value) > 1 and value[0] == value[-1] == "'"):
            return f"'{value}'"
        return value


class _Operation:
    def __init__(self, symbol: str, left: Any, right: Any) -> None:
        self.symbol = symbol
        self.left = left
        self.right = right

    def run(self, names: dict[str, Any]) -> Any:
        symbol = self.symbol
        if symbol == "!":
            return not _truth(self.right, names)
        if symbol in ("||", "&&"):
            left, right = _truth(self.left, names), _truth(self.right, names)
            return (left or right) if symbol == "||" else (left and right)
        if symbol in ("==", "!="):
            return self._equal(names) is (symbol == "==")
        if symbol == "=~":
            pattern = _bare(_text(self.right, names))
            return regex.compile_pattern(pattern).search(valid(_bare(_text(self.left, names)))) is not None
        return _calculate(symbol, _number(self.left, names), _number(self.right, names))

    def _equal(self, names: dict[str, Any]) -> bool:
        left, right = _value(self.left, names), _value(self.right, names)
        first, second = _number_of(left), _number_of(right)
        if first is not None and second is not None:
            return first == second
        return _text_of(left) == _text_of(right)


def _build(text: str, level: int, read_path: PathReader, depth: int) -> Any:
    """The operation of a text, or None where it has no operator."""
    if depth > MAX_DEPTH:
        raise LimitExceeded("jsonpath depth", f"the expression is nested more than {MAX_DEPTH} levels deep")
    text = text.strip(BLANK)
    if not text:
        return None
    if text[0] == "(" and text[-1] == ")":
        return _build(text[1:-1], 0, read_path, depth + 1)
    while level < len(OPERATORS):
        symbol = OPERATORS[level]
        at = _find(text, symbol)
        if at >= 0:
            if symbol in "@$":
                return _Path(read_path(text, depth + 1))
            left, right = text[:at].strip(BLANK), text[at + len(symbol) :].strip(BLANK)
            if right and (left or symbol == "!") and not (symbol == "!" and left):
                return _Operation(
                    symbol,
                    _argument(left, level, read_path, depth + 1) if left else None,
                    _argument(right, level, read_path, depth + 1),
                )
        level += 1
    return None


def _argument(text: str, level: int, read_path: PathReader, depth: int) -> Any:
    built = _build(text, level, read_path, depth)
    if built is not None:
        return built
    if (text[0], text[-1]) in (("[", "]"), ("{", "}")):
        try:
            return json.loads(text, parse_int=float)
        except (ValueError, RecursionError):
            return text
    return text


def _find(text: str, symbol: str) -> int:
    """Where the symbol stands outside of quotes and brackets, or -1."""
    single = double = False
    square = round_ = 0
    width = len(symbol)
    for i, char in enumerate(text):
        if char in "()" and not (single or double or square):
            round_ += 1 if char == "(" else -1
        elif char in "[]" and not (single or double or round_):
            square += 1 if char == "[" else -1
        elif char == "'" and not (double or square or round_):
            single = not single
        elif char == '"' and not (single or square or round_):
            double = not double
        if single or double or square or round_ or i + 1 < width:
            continue
        if text[i + 1 - width : i + 1] == symbol:
            return i + 1 - width
    return -1


def _value(argument: Any, names: dict[str, Any]) -> Any:
    if isinstance(argument, (_Operation, _Path)):
        argument = argument.run(names)
    if isinstance(argument, str) and argument in names:
        return names[argument]
    return argument


def _number_of(value: Any) -> float | None:
    if isinstance(value, bool) or value is None or isinstance(value, (list, dict)):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    return parse_float(value) if isinstance(value, str) else None


def _number(argument: Any, names: dict[str, Any]) -> float:
    number = _number_of(_value(argument, names))
    if number is None:
        raise _error("expected a number")
    return number


def _truth(argument: Any, names: dict[str, Any]) -> bool:
    value = _value(argument, names)
    if value is None:
        return False
    text = go_value(value)
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise _error("expected a bool")


def _text(argument: Any, names: dict[str, Any]) -> str:
    return _text_of(_value(argument, names))


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value[1:-1]}'" if len(value) > 1 and value[0] == value[-1] == '"' else value
    return go_value(value)


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


def _calculate(symbol: str, left: float, right: float) -> Any:
    match symbol:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return divide(left, right)
        case "**":
            return power(left, right)
    if not (left.is_integer() and right.is_integer()):
        raise _error("% needs whole numbers")
    return remainder(left, right)


def _error(message: str) -> LanguageError:
    return LanguageError(message, kind="value")
