"""The parser of expr-lang: precedence climbing over the token list, one method for each grammar rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from aggregator.errors import LanguageError, LimitExceeded, nearest
from aggregator.lang.context import DEFAULT_LIMITS
from aggregator.lang.expr import ast
from aggregator.lang.expr.signatures import BUILTINS, PREDICATES
from aggregator.lang.expr.tokens import (
    BRACKET,
    BYTES,
    EOF,
    IDENT,
    KEYWORDS,
    NUMBER,
    OP,
    STRING,
    Token,
    number,
    tokenize,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aggregator.lang.context import Limits

NodeT = TypeVar("NodeT", bound=ast.Node)

UNARY: Final = {"not": 50, "!": 50, "-": 90, "+": 90}
BINARY: Final = {
    "|": 0, "or": 10, "||": 10, "and": 15, "&&": 15,
    "==": 20, "!=": 20, "<": 20, ">": 20, "<=": 20, ">=": 20,
    "in": 20, "matches": 20, "contains": 20, "startsWith": 20, "endsWith": 20,
    "..": 25, "+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "**": 100, "^": 100, "??": 500,
}  # fmt: skip
RIGHT: Final = frozenset(("**", "^"))
ORDER: Final = frozenset(("<", ">", "<=", ">="))
NEGATABLE: Final = frozenset(("in", "matches", "contains", "startsWith", "endsWith"))
FOREIGN: Final = {
    "=": "use == to compare",
    "===": "use ==",
    "&": "use && or and",
    "<>": "use !=",
    "!": "use != or not",
}


class Parser:
    """Reads one text. `whole()` gives the tree, or raises a LanguageError with the place of the mistake."""

    def __init__(self, text: str, limits: Limits = DEFAULT_LIMITS) -> None:
        if len(text) > limits.source:
            raise LimitExceeded(
                "source", f"the expression has {len(text):,} characters; the limit is {limits.source:,}"
            )
        self.text = text
        self.limits = limits
        self.tokens = tokenize(text)
        self.at = 0
        self.token = self.tokens[0]
        self.level = 0
        self.predicates = 0
        self.nodes = 0

    def whole(self) -> ast.Node:
        """program = sequence"""
        node = self.sequence()
        if self.token.kind != EOF:
            self.refuse("an operator or the end")
        return node

    # tokens

    def advance(self) -> Token:
        token = self.token
        if self.at + 1 < len(self.tokens):
            self.at += 1
        self.token = self.tokens[self.at]
        return token

    def is_op(self, value: str) -> bool:
        return self.token.value == value and self.token.kind == OP

    def is_bracket(self, value: str) -> bool:
        return self.token.value == value and self.token.kind == BRACKET

    def expect(self, kind: str, value: str = "") -> Token:
        if self.token.kind != kind or (value and self.token.value != value):
            self.refuse(repr(value) if value else f"a {kind}")
        return self.advance()

    def refuse(self, expected: str, token: Token | None = None) -> NoReturn:
        token = token or self.token
        seen = "the end" if token.kind == EOF else repr(self.text[token.start : token.end][:80])
        hint = FOREIGN.get(token.value, "") if token.kind == OP else ""
        if not hint and token.kind == IDENT:
            hint = nearest(token.value, (*KEYWORDS, *BINARY)) if token.value.isalpha() else ""
        raise LanguageError(
            f"expected {expected}, found {seen}",
            text=self.text, start=token.start, end=token.end, kind="syntax", hint=hint,
        )  # fmt: skip

    def place(self, node: NodeT, token: Token, below: Iterable[ast.Node | None] = ()) -> NodeT:
        """Gives a node its place and depth, and holds the tree within the limits."""
        node.start, node.end = token.start, token.end
        depth = 0
        for child in below:
            # a row of operators of one level is no nesting: `a + b + c`
            if child is not None and (level := child.depth + (type(child) is not ast.Binary)) > depth:
                depth = level
        if type(node) is ast.Binary:
            depth = max(depth, node.right.depth + 1)
        node.depth = depth
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self.exceeded("nodes", f"the expression has more than {self.limits.nodes:,} parts", token)
        if depth > self.limits.depth:
            self.exceeded("depth", f"the expression is nested more than {self.limits.depth} levels deep", token)
        return node

    def exceeded(self, limit: str, message: str, token: Token) -> NoReturn:
        raise LimitExceeded(limit, message, text=self.text, start=token.start)

    # expressions

    def sequence(self) -> ast.Node:
        """sequence = expression { ";" expression } [";" at the end of the text]"""
        first = self.token
        nodes = [self.expression(0)]
        while self.is_op(";"):
            self.advance()
            if self.token.kind == EOF:
                break
            nodes.append(self.expression(0))
        return nodes[0] if len(nodes) == 1 else self.place(ast.Sequence(nodes), first, nodes)

    def expression(self, level: int) -> ast.Node:
        """expression = let | if | operand { operator operand } [ "?" expression ":" expression ]"""
        self.level += 1
        if self.level > self.limits.depth:
            limit = self.limits.depth
            self.exceeded("depth", f"the expression is nested more than {limit} levels deep", self.token)
        if level == 0 and self.token.kind == OP and self.token.value in ("let", "if"):
            node = self.let() if self.token.value == "let" else self.if_else()
        else:
            node = self.operators(self.operand(), level)
            if level == 0 and self.is_op("?"):
                node = self.ternary(node)
        self.level -= 1
        return node

    def operators(self, node: ast.Node, level: int) -> ast.Node:
        """The operators that bind at least as tightly as `level`, with their right sides."""
        previous = ""
        while self.token.kind == OP:
            token, negated = self.token, None
            if token.value == "not":
                following = self.tokens[self.at + 1]
                if following.kind != OP or following.value not in NEGATABLE:
                    self.advance()
                    self.refuse("in, matches, contains, startsWith or endsWith after not")
                negated, token = token, following
            strength = BINARY.get(token.value, -1)
            if strength < level:
                return node
            if negated:
                self.advance()
            self.advance()
            if token.value == "|":
                name = self.expect(IDENT)
                node = self.call(name, [node])
                previous = "|"
                continue
            if previous == "??" and token.value != "??":
                raise LanguageError(
                    f"{token.value!r} cannot follow ?? without parentheses",
                    text=self.text, start=token.start, end=token.end, kind="syntax",
                    hint=f"write (a ?? b) {token.value} c, or a ?? (b {token.value} c)",
                )  # fmt: skip
            if token.value in ORDER:
                node = self.comparison(node, token)
            else:
                right = self.expression(strength if token.value in RIGHT else strength + 1)
                node = self.binary(token.value, node, right, token)
                if negated:
                    node = self.place(ast.Unary("not", node), negated, (node,))
            previous = token.value
        return node

    def binary(self, op: str, left: ast.Node, right: ast.Node, token: Token) -> ast.Node:
        return self.place(ast.Binary(op, left, right), token, (left, right))

    def comparison(self, left: ast.Node, token: Token) -> ast.Node:
        """a < b < c means a < b && b < c"""
        whole: ast.Node | None = None
        while True:
            right = self.expression(BINARY[token.value] + 1)
            one = self.binary(token.value, left, right, token)
            whole = one if whole is None else self.binary("&&", whole, one, token)
            if self.token.kind != OP or self.token.value not in ORDER:
                return whole
            left, token = right, self.advance()

    def let(self) -> ast.Node:
        """let = "let" name "=" expression ";" sequence"""
        self.advance()
        name = self.expect(IDENT)
        self.expect(OP, "=")
        value = self.expression(0)
        self.expect(OP, ";")
        body = self.sequence()
        return self.place(ast.Let(name.value, value, body), name, (value, body))

    def if_else(self) -> ast.Node:
        """if = "if" expression "{" sequence "}" "else" ( if | "{" sequence "}" )"""
        token = self.advance()
        test = self.expression(0)
        yes = self.block()
        self.expect(OP, "else")
        no = self.expression(0) if self.is_op("if") else self.block()
        return self.place(ast.Conditional(test, yes, no), token, (test, yes, no))

    def block(self) -> ast.Node:
        """block = "{" sequence "}" """
        self.expect(BRACKET, "{")
        node = self.sequence()
        self.expect(BRACKET, "}")
        return node

    def ternary(self, test: ast.Node) -> ast.Node:
        """test ? yes : no, and test ?: no"""
        while self.is_op("?"):
            token = self.advance()
            if self.is_op(":"):
                self.advance()
                yes = test
            else:
                yes = self.expression(0)
                self.expect(OP, ":")
            no = self.expression(0)
            test = self.place(ast.Conditional(test, yes, no), token, (test, yes, no))
        return test

    def operand(self) -> ast.Node:
        """operand = unary | ( "(" sequence ")" | pointer | "::" call | literal | name | call | array | map ) postfix"""
        token = self.token
        kind, value = token.kind, token.value
        if kind == IDENT:
            self.advance()
            if value in ("true", "false", "nil"):
                return self.place(ast.Literal({"true": True, "false": False, "nil": None}[value]), token)
            if self.is_bracket("("):
                return self.postfix(self.call(token, []))
            return self.postfix(self.place(ast.Ident(value), token))
        if kind == NUMBER:
            self.advance()
            return self.place(ast.Literal(number(token, self.text)), token)
        if kind == STRING or kind == BYTES:
            self.advance()
            return self.postfix(self.place(ast.Literal(value if kind == STRING else token.data), token))
        if kind == OP and value in UNARY:
            self.advance()
            inner = self.expression(UNARY[value])
            return self.postfix(self.place(ast.Unary(value, inner), token, (inner,)))
        if kind == BRACKET:
            return self.bracketed(token)
        if kind == OP and value == "#" and self.predicates:
            self.advance()
            name = self.advance().value if self.token.kind == IDENT else ""
            return self.postfix(self.place(ast.Pointer(name), token))
        if kind == OP and value == "." and self.predicates:
            return self.postfix(self.place(ast.Pointer(""), token))
        if kind == OP and value == "::":
            self.advance()
            return self.postfix(self.call(self.expect(IDENT), [], forced=True))
        if kind == OP and value in ("#", "."):
            raise LanguageError(
                f"{value!r} has a meaning only in a predicate", text=self.text, start=token.start, end=token.end,
                kind="syntax", hint="as in filter(list, # > 1) or map(list, .name)",
            )  # fmt: skip
        self.refuse("a value")

    def bracketed(self, token: Token) -> ast.Node:
        """The operands that begin with a bracket."""
        if token.value == "(":
            self.advance()
            node = self.sequence()
            self.expect(BRACKET, ")")
        elif token.value == "[":
            self.advance()
            items = self.items("]")
            node = self.place(ast.Array(items), token, items)
        elif token.value == "{":
            node = self.map()
        else:
            self.refuse("a value")
        return self.postfix(node)

    def items(self, closing: str) -> list[ast.Node]:
        """items = [ expression { "," expression } [","] ] closing"""
        nodes: list[ast.Node] = []
        while not self.is_bracket(closing):
            if nodes:
                if not self.is_op(","):
                    self.refuse(f"',' or {closing!r}")
                self.advance()
                if self.is_bracket(closing):
                    break
            nodes.append(self.expression(0))
        self.expect(BRACKET, closing)
        return nodes

    def map(self) -> ast.Node:
        """map = "{" [ key ":" expression { "," key ":" expression } [","] ] "}"; key = name | string | number | (...)"""
        token = self.advance()
        pairs: list[tuple[ast.Node, ast.Node]] = []
        while not self.is_bracket("}"):
            if pairs:
                if not self.is_op(","):
                    self.refuse("',' or '}'")
                self.advance()
                if self.is_bracket("}"):
                    break
            if self.token.kind in (NUMBER, STRING, IDENT):
                name = self.advance()
                key: ast.Node = self.place(ast.Literal(name.value), name)
            elif self.is_bracket("("):
                key = self.expression(0)
            else:
                self.refuse("a map key: a name, a string, a number or an expression in parentheses")
            self.expect(OP, ":")
            pairs.append((key, self.expression(0)))
        self.expect(BRACKET, "}")
        return self.place(ast.Map(pairs), token, [node for pair in pairs for node in pair])

    # calls and postfixes

    def call(self, name: Token, args: list[ast.Node], *, forced: bool = False) -> ast.Node:
        """call = name "(" arguments ")"; a pipe has put the first argument in `args` already"""
        if name.value in PREDICATES:
            args = self.predicate_args(name, args)
        else:
            self.expect(BRACKET, "(")
            args = [*args, *self.items(")")]
            if name.value not in BUILTINS:
                callee = self.place(ast.Ident(name.value), name)
                return self.place(ast.Call(callee, args), name, args)
        return self.place(ast.Builtin(name.value, args, forced=forced), name, args)

    def predicate_args(self, name: Token, args: list[ast.Node]) -> list[ast.Node]:
        self.expect(BRACKET, "(")
        wanted = PREDICATES[name.value][len(args) :]
        for i, kind in enumerate(wanted):
            if self.is_bracket(")"):
                if kind.endswith("?"):
                    break
                self.refuse(f"an argument: {name.value}({', '.join(PREDICATES[name.value])})")
            if i:
                self.expect(OP, ",")
            args = [*args, self.predicate() if kind.startswith("predicate") else self.expression(0)]
        if self.is_op(","):
            self.advance()
        self.expect(BRACKET, ")")
        return args

    def predicate(self) -> ast.Node:
        """predicate = expression | block"""
        token = self.token
        self.predicates += 1
        if self.is_bracket("{"):
            node = self.block()
        else:
            node = self.expression(0)
            if self.is_op(";"):
                raise LanguageError(
                    "several expressions in a predicate need braces", text=self.text, start=self.token.start,
                    end=self.token.end, kind="syntax", hint="as in map(list, { let x = #; x * 2 })",
                )  # fmt: skip
        self.predicates -= 1
        return self.place(ast.Predicate(node), token, (node,))

    def postfix(self, node: ast.Node) -> ast.Node:
        """postfix = { "." name [arguments] | "?." name [arguments] | "?." index | index }; index = "[" ... "]" """
        while True:
            token = self.token
            if token.kind == OP and token.value in (".", "?."):
                optional = token.value == "?."
                self.advance()
                if optional and self.is_bracket("["):
                    node = self.index(node, optional=True)
                else:
                    node = self.member(node, optional=optional)
            elif token.kind == BRACKET and token.value == "[":
                node = self.index(node, optional=False)
            else:
                return node

    def member(self, node: ast.Node, *, optional: bool) -> ast.Node:
        """The part behind a dot; a chain that began further left goes on."""
        name = self.token
        if name.kind != IDENT and not (name.kind == OP and name.value in KEYWORDS):
            self.refuse("a name after the dot")
        self.advance()
        chained = isinstance(node, ast.Chain)
        base = node.node if isinstance(node, ast.Chain) else node
        member = ast.Member(base, self.place(ast.Literal(name.value), name), optional=optional)
        result: ast.Node = self.place(member, name, (base,))
        if self.is_bracket("("):
            member.method = True
            self.advance()
            args = self.items(")")
            result = self.place(ast.Call(member, args), name, (member, *args))
        return self.place(ast.Chain(result), name, (result,)) if chained or optional else result

    def index(self, node: ast.Node, *, optional: bool) -> ast.Node:
        """An element `[i]` or a slice `[a:b]`, either side optional"""
        token = self.advance()
        first = None if self.is_op(":") else self.expression(0)
        if self.is_op(":"):
            self.advance()
            last = None if self.is_bracket("]") else self.expression(0)
            self.expect(BRACKET, "]")
            return self.place(ast.Slice(node, first, last), token, (node, first, last))
        self.expect(BRACKET, "]")
        assert first is not None  # else it was a slice
        member = self.place(ast.Member(node, first, optional=optional), token, (node, first))
        return self.place(ast.Chain(member), token, (member,)) if optional else member
