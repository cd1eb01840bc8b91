"""The parser of expr-lang: precedence climbing over the token list, one method for each grammar rule."""

from __future__ import annotations

from typing import Final, TypeVar

from aggregator.errors import LanguageError
from aggregator.lang.expr import ast
from aggregator.lang.expr.reader import TokenReader
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
)

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
WORDS: Final = {"true": True, "false": False, "nil": None}
NEGATABLE: Final = frozenset(("in", "matches", "contains", "startsWith", "endsWith"))


class Parser(TokenReader):
    """Reads one text. `whole()` gives the tree, or raises a LanguageError with the place of the mistake."""

    def whole(self) -> ast.Node:
        """Grammar: program = sequence."""
        node = self.sequence()
        if self.token.kind != EOF:
            raise self.refused("an operator or the end")
        return node

    def sequence(self) -> ast.Node:
        """Grammar: sequence = expression { ";" expression } [";" at the end of the text]."""
        first = self.token
        nodes = [self.expression(0)]
        while self.is_op(";"):
            self.advance()
            if self.token.kind == EOF:
                break
            nodes.append(self.expression(0))
        return nodes[0] if len(nodes) == 1 else self.place(ast.Sequence(nodes), first, nodes)

    def expression(self, level: int) -> ast.Node:
        """Grammar: expression = let | if | operand { operator operand } [ "?" expression ":" expression ]."""
        self.level += 1
        if self.level > self.deepest:
            raise self.exceeded("depth", f"the expression is nested more than {self.deepest} levels deep", self.token)
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
                    raise self.refused("in, matches, contains, startsWith or endsWith after not")
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

    def comparison(self, left: ast.Node, token: Token) -> ast.Node:
        """A row of these: a < b < c means a < b && b < c."""
        whole: ast.Node | None = None
        while True:
            right = self.expression(BINARY[token.value] + 1)
            one = self.binary(token.value, left, right, token)
            whole = one if whole is None else self.binary("&&", whole, one, token)
            if self.token.kind != OP or self.token.value not in ORDER:
                return whole
            left, token = right, self.advance()

    def let(self) -> ast.Node:
        """Grammar: let = "let" name "=" expression ";" sequence."""
        self.advance()
        name = self.expect(IDENT)
        self.expect(OP, "=")
        value = self.expression(0)
        self.expect(OP, ";")
        body = self.sequence()
        self.names[name.value] = None
        return self.place(ast.Let(name.value, value, body), name, (value, body))

    def if_else(self) -> ast.Node:
        """Grammar: if = "if" expression "{" sequence "}" "else" ( if | "{" sequence "}" )."""
        token = self.advance()
        test = self.expression(0)
        yes = self.block()
        self.expect(OP, "else")
        no = self.expression(0) if self.is_op("if") else self.block()
        return self.place(ast.Conditional(test, yes, no), token, (test, yes, no))

    def block(self) -> ast.Node:
        """Grammar: block = "{" sequence "}"."""
        self.expect(BRACKET, "{")
        node = self.sequence()
        self.expect(BRACKET, "}")
        return node

    def ternary(self, test: ast.Node) -> ast.Node:
        """Grammar: test ? yes : no, and test ?: no."""
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
        """Grammar: operand = unary | ( "(" sequence ")" | pointer | "::" call | literal | name | call | array | map ) postfix."""
        token = self.token
        kind, value = token.kind, token.value
        if kind == IDENT:
            self.advance()
            if value in WORDS:
                return self.leaf(ast.Literal(WORDS[value]), token)
            if self.is_bracket("("):
                return self.postfix(self.call(token, []))
            self.names[value] = None
            return self.postfix(self.leaf(ast.Ident(value), token))
        if kind == NUMBER:
            self.advance()
            return self.leaf(ast.Literal(number(token, self.text)), token)
        if kind in (STRING, BYTES):
            self.advance()
            return self.postfix(self.leaf(ast.Literal(value if kind == STRING else token.data), token))
        if kind == OP and value in UNARY:
            self.advance()
            inner = self.expression(UNARY[value])
            return self.postfix(self.place(ast.Unary(value, inner), token, (inner,)))
        if kind == BRACKET:
            return self.bracketed(token)
        if kind == OP and value == "#" and self.predicates:
            self.advance()
            name = self.advance().value if self.token.kind == IDENT else ""
            return self.postfix(self.leaf(ast.Pointer(name), token))
        if kind == OP and value == "." and self.predicates:
            return self.postfix(self.leaf(ast.Pointer(""), token))
        if kind == OP and value == "::":
            self.advance()
            return self.postfix(self.call(self.expect(IDENT), [], forced=True))
        if kind == OP and value in ("#", "."):
            raise LanguageError(
                f"{value!r} has a meaning only in a predicate", text=self.text, start=token.start, end=token.end,
                kind="syntax", hint="as in filter(list, # > 1) or map(list, .name)",
            )  # fmt: skip
        raise self.refused("a value")

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
            raise self.refused("a value")
        return self.postfix(node)

    def items(self, closing: str) -> list[ast.Node]:
        """Grammar: items = [ expression { "," expression } [","] ] closing."""
        nodes: list[ast.Node] = []
        while not self.is_bracket(closing):
            if nodes:
                if not self.is_op(","):
                    raise self.refused(f"',' or {closing!r}")
                self.advance()
                if self.is_bracket(closing):
                    break
            nodes.append(self.expression(0))
        self.expect(BRACKET, closing)
        return nodes

    def map(self) -> ast.Node:
        """Grammar: map = "{" [ pair { "," pair } [","] ] "}", pair = ( name | string | number | "(" ... ")" ) ":" expression."""
        token = self.advance()
        pairs: list[tuple[ast.Node, ast.Node]] = []
        while not self.is_bracket("}"):
            if pairs:
                if not self.is_op(","):
                    raise self.refused("',' or '}'")
                self.advance()
                if self.is_bracket("}"):
                    break
            if self.token.kind in (NUMBER, STRING, IDENT):
                name = self.advance()
                key: ast.Node = self.leaf(ast.Literal(name.value), name)
            elif self.is_bracket("("):
                key = self.expression(0)
            else:
                raise self.refused("a map key: a name, a string, a number or an expression in parentheses")
            self.expect(OP, ":")
            pairs.append((key, self.expression(0)))
        self.expect(BRACKET, "}")
        return self.place(ast.Map(pairs), token, [node for pair in pairs for node in pair])

    # calls and postfixes

    def call(self, name: Token, args: list[ast.Node], *, forced: bool = False) -> ast.Node:
        """Grammar: call = name "(" arguments ")"; a pipe has put the first argument in `args` already."""
        if not forced:
            self.names[name.value] = None
        if name.value in PREDICATES:
            args = self.predicate_args(name, args)
        else:
            self.expect(BRACKET, "(")
            args = [*args, *self.items(")")]
            if name.value not in BUILTINS:
                callee = self.leaf(ast.Ident(name.value), name)
                return self.place(ast.Call(callee, args), name, args)
        return self.place(ast.Builtin(name.value, args, forced=forced), name, args)

    def predicate_args(self, name: Token, args: list[ast.Node]) -> list[ast.Node]:
        self.expect(BRACKET, "(")
        wanted = PREDICATES[name.value][len(args) :]
        for i, kind in enumerate(wanted):
            if self.is_bracket(")"):
                if kind.endswith("?"):
                    break
                raise self.refused(f"an argument: {name.value}({', '.join(PREDICATES[name.value])})")
            if i:
                self.expect(OP, ",")
            args = [*args, self.predicate() if kind.startswith("predicate") else self.expression(0)]
        if self.is_op(","):
            self.advance()
        self.expect(BRACKET, ")")
        return args

    def predicate(self) -> ast.Node:
        """Grammar: predicate = expression | block."""
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
        """Grammar: postfix = { "." name [arguments] | "?." name [arguments] | "?." index | index }; index = "[" ... "]"."""
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
            raise self.refused("a name after the dot")
        self.advance()
        chained = isinstance(node, ast.Chain)
        base = node.node if isinstance(node, ast.Chain) else node
        member = ast.Member(base, self.leaf(ast.Literal(name.value), name), optional=optional)
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
