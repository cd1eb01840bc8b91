"""Evaluating a condition: float64 arithmetic, strict comparison, and the type checks of each operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.floatmath import divide, power, remainder, to_int64, to_uint64
from aggregator.lang.goformat import go_value
from aggregator.lang.gostring import valid
from aggregator.lang.govaluate.grammar import Access, Chain, Literal, Node, Nothing, Pattern, Prefix, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT: Final = 1 << 20


class Evaluation:
    """One run over one tree; `record`, if given, is told each operator with its operands and its value."""

    def __init__(self, text: str, env: Mapping[str, Any], record: Callable[..., None] | None = None) -> None:
        self.text = text
        self.env = env
        self.record = record

    def run(self, node: Node) -> Any:
        match node:
            case Literal():
                return None if node.value is Nothing else node.value
            case Chain():
                return self._chain(node)
            case Prefix():
                return self._prefix(node)
            case Access():
                owner = node.name.split(".")[0]
                raise self._error(f"no parameter {owner!r}: {node.name!r} reads as access to a field", node, "name",
                                  f"put quotes around it: '{node.name}'")  # fmt: skip
        if node.name not in self.env:
            raise self._error(f"no parameter {node.name!r}", node, "name", f"put quotes around it: '{node.name}'")
        return _sanitized(self.env[node.name])

    def _chain(self, node: Chain) -> Any:
        left, previous = self.run(node.first), node.first
        for symbol, operand in node.rest:
            left = self._binary(symbol, left, previous, operand)
            if self.record is not None:
                self.record(symbol, (previous, operand), left)
            previous = Chain(node.first, (), node.first.start, operand.end)
        return left

    def _prefix(self, node: Prefix) -> Any:
        value = self.run(node.operand)
        wanted = bool if node.symbol == "!" else float
        if type(value) is not wanted:
            kind = "a bool" if wanted is bool else "a number"
            raise self._error(f"{_shown(value)} cannot be used with the prefix '{node.symbol}', it is not {kind}", node)
        result: Any = not value if node.symbol == "!" else -value if node.symbol == "-" else float(~to_int64(value))
        if self.record is not None:
            self.record(node.symbol, (node.operand,), result)
        return result

    def _binary(self, symbol: str, left: Any, left_node: Node, operand: Node) -> Any:
        if symbol in SHORT:
            done, value = SHORT[symbol](left)
            if done:
                return value
        right = self.run(operand)
        if symbol in ("=~", "!~"):
            return self._matches(left, right, left_node, operand) is (symbol == "=~")
        if symbol == ",":
            return [*left, right] if isinstance(left, list) else [left, right]
        check, kind, function = BINARY[symbol]
        if not check(left, right):
            culprit, node = (right, operand) if _only_right_is_wrong(symbol, left, right) else (left, left_node)
            raise self._error(f"{_shown(culprit)} cannot be used with {kind} '{symbol}'{_why(symbol)}", node)
        result = function(left, right)
        if type(result) is str and len(result) > MAX_TEXT:
            message = f"joined text is longer than {MAX_TEXT:,} characters"
            raise LimitExceeded("when text", message, text=self.text, start=operand.start)
        return result

    def _matches(self, left: Any, right: Any, left_node: Node, operand: Node) -> bool:
        pattern = right.source if isinstance(right, Pattern) else right
        if type(left) is not str or type(pattern) is not str:
            culprit, node = (left, left_node) if type(left) is not str else (right, operand)
            raise self._error(f"{_shown(culprit)} cannot be used with the comparator '=~', it is not text", node)
        return compile_pattern(pattern, self.text, operand.start, operand.end).search(valid(left)) is not None

    def _error(self, message: str, node: Node, kind: str = "type", hint: str = "") -> LanguageError:
        return LanguageError(message, text=self.text, start=node.start, end=node.end, kind=kind, hint=hint)


def _sanitized(value: Any) -> Any:
    """Numbers of the environment are float64 here; what is inside of lists stays."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def same(left: Any, right: Any) -> bool:
    """Equal in type and value, all the way down."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def _shown(value: Any) -> str:
    text = value.source if isinstance(value, Pattern) else go_value(value)
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"


def _why(symbol: str) -> str:
    if symbol in ("<", "<=", ">", ">="):
        return ": it compares two numbers, or two texts"
    if symbol in ("&&", "||", "?"):
        return ", it is not a bool"
    if symbol == "in":
        return ", it is not a list: write a in (b, c)"
    return ", it is not a number"


def _only_right_is_wrong(symbol: str, left: Any, right: Any) -> bool:
    if symbol == "in":
        return True
    wanted = bool if symbol in ("&&", "||") else float
    return type(left) is wanted and type(right) is not wanted


def _two_numbers(left: Any, right: Any) -> bool:
    return type(left) is float and type(right) is float


def _comparable(left: Any, right: Any) -> bool:
    return type(left) is type(right) and type(left) in (float, str)


def _addable(left: Any, right: Any) -> bool:
    return type(left) is str or type(right) is str or _two_numbers(left, right)


def _anything(_left: Any, _right: Any) -> bool:
    return True


def _two_bools(left: Any, right: Any) -> bool:
    return type(left) is bool and type(right) is bool


def _add(left: Any, right: Any) -> Any:
    if type(left) is str or type(right) is str:
        return "".join(side.source if isinstance(side, Pattern) else go_value(side) for side in (left, right))
    return left + right


def _shift_left(left: float, right: float) -> float:
    count = to_uint64(right)
    return float((to_uint64(left) << count) % (1 << 64)) if count < 64 else 0.0


def _shift_right(left: float, right: float) -> float:
    count = to_uint64(right)
    return float(to_uint64(left) >> count) if count < 64 else 0.0


def _contains(left: Any, right: list[Any]) -> bool:
    if isinstance(left, list) and any(isinstance(value, list) for value in right):
        raise LanguageError("a list cannot be looked up in a list of lists", kind="type")
    return any(same(left, value) for value in right)


def _short_and(left: Any) -> tuple[bool, Any]:
    return left is False, False


def _short_or(left: Any) -> tuple[bool, Any]:
    return left is True, True


def _short_if(left: Any) -> tuple[bool, Any]:
    return left is False, None


def _short_else(left: Any) -> tuple[bool, Any]:
    return left is not None, left


SHORT: Final[dict[str, Callable[[Any], tuple[bool, Any]]]] = {
    "&&": _short_and,
    "||": _short_or,
    "?": _short_if,
    ":": _short_else,
    "??": _short_else,
}

BINARY: Final[dict[str, tuple[Callable[[Any, Any], bool], str, Callable[[Any, Any], Any]]]] = {
    "==": (_anything, "the comparator", same),
    "!=": (_anything, "the comparator", lambda a, b: not same(a, b)),
    "<": (_comparable, "the comparator", lambda a, b: a < b),
    "<=": (_comparable, "the comparator", lambda a, b: a <= b),
    ">": (_comparable, "the comparator", lambda a, b: a > b),
    ">=": (_comparable, "the comparator", lambda a, b: a >= b),
    "in": (lambda _a, b: isinstance(b, list), "the comparator", _contains),
    "&&": (_two_bools, "the logical operator", lambda a, b: a and b),
    "||": (_two_bools, "the logical operator", lambda a, b: a or b),
    "?": (lambda a, _b: type(a) is bool, "the ternary operator", lambda _a, b: b),
    ":": (_anything, "the ternary operator", lambda _a, b: b),
    "??": (_anything, "the ternary operator", lambda _a, b: b),
    "+": (_addable, "the modifier", _add),
    "-": (_two_numbers, "the modifier", lambda a, b: a - b),
    "*": (_two_numbers, "the modifier", lambda a, b: a * b),
    "/": (_two_numbers, "the modifier", divide),
    "%": (_two_numbers, "the modifier", remainder),
    "**": (_two_numbers, "the modifier", power),
    "&": (_two_numbers, "the modifier", lambda a, b: float(to_int64(a) & to_int64(b))),
    "|": (_two_numbers, "the modifier", lambda a, b: float(to_int64(a) | to_int64(b))),
    "^": (_two_numbers, "the modifier", lambda a, b: float(to_int64(a) ^ to_int64(b))),
    "<<": (_two_numbers, "the modifier", _shift_left),
    ">>": (_two_numbers, "the modifier", _shift_right),
}
