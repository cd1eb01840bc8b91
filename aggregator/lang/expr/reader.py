"""Reading the token list: what comes next, what was expected, and the limits of the tree that is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from aggregator.errors import LanguageError, LimitExceeded, nearest
from aggregator.lang.context import DEFAULT_LIMITS
from aggregator.lang.expr import ast
from aggregator.lang.expr.tokens import BRACKET, EOF, IDENT, KEYWORDS, OP, Token, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aggregator.lang.context import Limits

NodeT = TypeVar("NodeT", bound=ast.Node)

FOREIGN: Final = {
    "=": "use == to compare",
    "===": "use ==",
    "&": "use && or and",
    "<>": "use !=",
    "!": "use != or not",
}


class TokenReader:
    """The tokens of one text, the place reached, and the count of nodes made."""

    def __init__(self, text: str, limits: Limits = DEFAULT_LIMITS) -> None:
        if len(text) > limits.source:
            raise LimitExceeded(
                "source", f"the expression has {len(text):,} characters; the limit is {limits.source:,}"
            )
        self.text = text
        self.most_nodes = limits.nodes
        self.deepest = limits.depth
        self.tokens = tokenize(text)
        self.at = 0
        self.token = self.tokens[0]
        self.level = 0
        self.predicates = 0
        self.nodes = 0
        self.names: dict[str, None] = {}

    def advance(self) -> Token:
        token = self.token
        self.at += 1
        self.token = self.tokens[self.at]
        return token

    def is_op(self, value: str) -> bool:
        return self.token.value == value and self.token.kind == OP

    def is_bracket(self, value: str) -> bool:
        return self.token.value == value and self.token.kind == BRACKET

    def expect(self, kind: str, value: str = "") -> Token:
        if self.token.kind != kind or (value and self.token.value != value):
            raise self.refused(repr(value) if value else f"a {kind}")
        return self.advance()

    def refused(self, expected: str, token: Token | None = None) -> LanguageError:
        token = token or self.token
        seen = "the end" if token.kind == EOF else repr(self.text[token.start : token.end][:80])
        hint = FOREIGN.get(token.value, "") if token.kind == OP else ""
        if not hint and token.kind == IDENT:
            hint = nearest(token.value, KEYWORDS) if token.value.isalpha() else ""
        return LanguageError(
            f"expected {expected}, found {seen}",
            text=self.text, start=token.start, end=token.end, kind="syntax", hint=hint,
        )  # fmt: skip

    def place(self, node: NodeT, token: Token, below: Iterable[ast.Node | None] = ()) -> NodeT:
        """Gives a node its place and depth, and holds the tree within the limits."""
        node.start, node.end = token[2], token[3]
        depth = 0
        for child in below:
            if child is not None and child.depth >= depth:
                depth = child.depth + 1
        node.depth = depth
        self.nodes += 1
        if self.nodes > self.most_nodes or depth > self.deepest:
            raise self.too_much(token)
        return node

    def leaf(self, node: NodeT, token: Token) -> NodeT:
        """As `place`, for a node with nothing below it."""
        node.start, node.end, node.depth = token[2], token[3], 0
        self.nodes += 1
        if self.nodes > self.most_nodes:
            raise self.too_much(token)
        return node

    def binary(self, op: str, left: ast.Node, right: ast.Node, token: Token) -> ast.Binary:
        """An operator; a row of them that grows to the left is no nesting: `a + b + c`."""
        node = ast.Binary(op, left, right)
        node.start, node.end = token[2], token[3]
        node.depth = max(left.depth if type(left) is ast.Binary else left.depth + 1, right.depth + 1)
        self.nodes += 1
        if self.nodes > self.most_nodes or node.depth > self.deepest:
            raise self.too_much(token)
        return node

    def too_much(self, token: Token) -> LimitExceeded:
        if self.nodes > self.most_nodes:
            return self.exceeded("nodes", f"the expression has more than {self.most_nodes:,} parts", token)
        return self.exceeded("depth", f"the expression is nested more than {self.deepest} levels deep", token)

    def exceeded(self, limit: str, message: str, token: Token) -> LimitExceeded:
        return LimitExceeded(limit, message, text=self.text, start=token.start)
