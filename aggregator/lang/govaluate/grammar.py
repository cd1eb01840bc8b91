"""The grammar of conditions: tokens to a tree of operators, all of them left-associative.

separated   = ternary { "," ternary }                      (a list, where there is a comma)
ternary     = or { ("?" | ":" | "??") or }
or          = and { "||" and }
and         = comparison { "&&" comparison }
comparison  = bitwise { ("==" | "!=" | "<" | "in" | "=~" ...) bitwise }
bitwise     = shift { ("&" | "|" | "^") shift }
shift       = sum { ("<<" | ">>") sum }
sum         = product { ("+" | "-") product }
product     = power { ("*" | "/" | "%") power }
power       = value { "**" value }
value       = literal | word | prefix value | "(" [ separated ] ")"
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import regex
from aggregator.lang.govaluate.tokens import QUOTE_HINT, Scanner, Token, check_order

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LENGTH: Final = 1_000_000
MAX_DEPTH: Final = 64

LEVELS: Final = (
    frozenset((",",)),
    frozenset(("?", ":", "??")),
    frozenset(("||",)),
    frozenset(("&&",)),
    frozenset(("==", "!=", ">", ">=", "<", "<=", "=~", "!~", "in")),
    frozenset(("&", "|", "^")),
    frozenset(("<<", ">>")),
    frozenset(("+", "-")),
    frozenset(("*", "/", "%")),
    frozenset(("**",)),
)
LEVEL_OF: Final = {symbol: level for level, symbols in enumerate(LEVELS) for symbol in symbols}
CHAINING: Final = frozenset(("modifier", "logical operator", "comparator", "ternary operator", ","))


class Nothing:
    """The operand that is not there, as in `()` or `(1 +)`; its value is nil."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A constant pattern after `=~`, compiled when the condition is read."""

    source: str


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Access:
    """`a.B`: reading a field, which fails for every value that a condition can have."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prefix:
    symbol: str
    operand: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators of one level, applied from left to right: a long chain is a loop, not a deep tree."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    start: int
    end: int


Node = Literal | Variable | Access | Prefix | Chain


def parse(text: str, *, words_are_text: bool) -> Node:
    """Read a condition; with `words_are_text` every bare word stands for itself (steps and DAG tasks)."""
    if len(text) > MAX_LENGTH:
        raise LimitExceeded("when length", f"the condition has {len(text):,} characters; the limit is {MAX_LENGTH:,}")
    tokens = list(Scanner(text).tokens())
    _check_balance(tokens, text)
    check_order(tokens, text)
    tokens = _compile_patterns(tokens, text)
    if words_are_text:
        tokens = [Token("text", t.value, t.start, t.end) if t.kind == "word" else t for t in tokens]
        check_order(tokens, text)
        tokens = _compile_patterns(tokens, text)
    return _Parser(tokens, text).operators(0)


def _check_balance(tokens: list[Token], text: str) -> None:
    opened = [token for token in tokens if token.kind == "("]
    closed = [token for token in tokens if token.kind == ")"]
    if len(opened) == len(closed):
        return
    extra = opened[-1] if len(opened) > len(closed) else closed[-1]
    wanted = "a closing" if len(opened) > len(closed) else "an opening"
    raise LanguageError(
        f"unbalanced parentheses: {wanted} one is missing", text=text, start=extra.start, end=extra.end, kind="syntax"
    )


def _compile_patterns(tokens: list[Token], text: str) -> list[Token]:
    """Constant text after `=~` and `!~` becomes a pattern, so that a bad one is found before anything runs."""
    tokens = list(tokens)
    for i, token in enumerate(tokens):
        if token.kind == "comparator" and token.value in ("=~", "!~") and i + 1 < len(tokens):
            operand = tokens[i + 1]
            if operand.kind == "text":
                compile_pattern(operand.value, text, operand.start, operand.end)
                tokens[i + 1] = Token("pattern", Pattern(operand.value), operand.start, operand.end)
    return tokens


def compile_pattern(source: str, text: str, start: int, end: int) -> Any:
    """The compiled pattern; a bad one is reported at its place in the condition."""
    try:
        return regex.compile_pattern(source)
    except LanguageError as error:
        raise LanguageError(error.message, text=text, start=start, end=end, kind="value", hint=error.hint) from None


class _Parser:
    def __init__(self, tokens: list[Token], text: str) -> None:
        self.tokens = tokens
        self.text = text
        self.index = 0
        self.depth = 0

    def _peek(self) -> Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def operators(self, lowest: int) -> Node:
        """Values, and the operators between them of this level of the table above and tighter ones."""
        left = self.value()
        while (level := self._level()) >= lowest:
            rest: list[tuple[str, Node]] = []
            while self._level() == level:
                symbol = self.tokens[self.index].value
                self.index += 1
                rest.append((symbol, self.operators(level + 1)))
            left = Chain(left, tuple(rest), left.start, rest[-1][1].end)
        return left

    def _level(self) -> int:
        token = self._peek()
        return LEVEL_OF[token.value] if token is not None and token.kind in CHAINING else -1

    def value(self) -> Node:
        token = self._peek()
        if token is None or token.kind == ")":
            at = len(self.text) if token is None else token.start
            return Literal(Nothing, at, at)
        self.index += 1
        match token.kind:
            case "(":
                return self._clause(token)
            case "prefix":
                operand = self._deeper(token, self.value)
                return Prefix(token.value, operand, token.start, operand.end)
            case "word":
                return Variable(token.value, token.start, token.end)
            case "accessor":
                return self._access(token)
            case "number" | "boolean" | "text" | "time" | "pattern":
                return Literal(token.value, token.start, token.end)
        message = f"expected a value, found {token.value!r}"
        raise LanguageError(message, text=self.text, start=token.start, end=token.end, kind="syntax", hint=QUOTE_HINT)

    def _clause(self, token: Token) -> Node:
        inner = self._deeper(token, self.clause)
        closing = self._peek()
        # Whatever stands here is taken for the closing parenthesis: `(1) 2` and the like end in a shorter condition.
        self.index += 1
        return replace(inner, start=token.start, end=closing.end if closing else len(self.text))

    def clause(self) -> Node:
        return self.operators(0)

    def _access(self, token: Token) -> Node:
        following = self._peek()
        if following is not None and following.kind == "(":
            self._deeper(token, self.clause)
        return Access(token.value, token.start, token.end)

    def _deeper(self, token: Token, read: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = f"the condition is nested more than {MAX_DEPTH} levels deep"
            raise LimitExceeded("when depth", message, text=self.text, start=token.start)
        node = read()
        self.depth -= 1
        return node
