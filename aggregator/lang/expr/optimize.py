"""Argo's optimizer, as far as a result shows that it was at work.

Argo runs expressions optimized, and that can be seen: `x and true` does not look at the type of x, `count(l, p) > 0`
stops at the first match, `filter(filter(l, p), q)` counts `#index` in l. The rules work from the leaves up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from aggregator.errors import LanguageError
from aggregator.lang.expr import ast, operators
from aggregator.lang.govalue import wrap64

if TYPE_CHECKING:
    from collections.abc import Mapping

NodeT = TypeVar("NodeT", bound=ast.Node)

FOLDED: Final = frozenset(("+", "-", "*", "/", "**", "^", "%"))
FIRST: Final = {0: "find", -1: "findLast"}
COMBINED: Final = {
    ("all", "and"): "and",
    ("all", "&&"): "&&",
    ("any", "or"): "or",
    ("any", "||"): "||",
    ("none", "and"): "or",
    ("none", "&&"): "||",
}


class Optimizer:
    """Rewrites one tree; `typed` tells which operators have operands of a known type (see Checker)."""

    def __init__(self, text: str, typed: Mapping[ast.Node, str]) -> None:
        self.text = text
        self.typed = dict(typed)

    def visit(self, node: ast.Node) -> ast.Node:
        """The node with all below it optimized."""
        match node:
            case ast.Binary():
                return self.binary(node)
            case ast.Unary():
                return self.unary(node)
            case ast.Chain() | ast.Predicate():
                return like(node, type(node)(self.visit(node.node)))
            case ast.Member():
                return self.member(node)
            case ast.Slice():
                first = self.visit(node.first) if node.first else None
                last = self.visit(node.last) if node.last else None
                return like(node, ast.Slice(self.visit(node.node), first, last))
            case ast.Call():
                return like(node, ast.Call(self.visit(node.callee), [self.visit(arg) for arg in node.args]))
            case ast.Builtin():
                return self.builtin(node)
            case ast.Let():
                return like(node, ast.Let(node.name, self.visit(node.value), self.visit(node.body)))
            case ast.Sequence():
                return like(node, ast.Sequence([self.visit(n) for n in node.nodes]))
            case ast.Conditional():
                return like(node, ast.Conditional(self.visit(node.test), self.visit(node.yes), self.visit(node.no)))
            case ast.Array():
                return self.array(node)
            case ast.Map():
                return like(node, ast.Map([(self.visit(key), self.visit(value)) for key, value in node.pairs]))
        return node

    def unary(self, node: ast.Unary) -> ast.Node:
        inner = self.visit(node.node)
        value = literal(inner)
        if node.op in ("!", "not") and isinstance(value, bool):
            return like(node, ast.Literal(not value))
        if node.op in ("-", "+") and isinstance(value, (int, float)) and not isinstance(value, bool):
            return like(node, ast.Literal(operators.negate(value) if node.op == "-" else value))
        return like(node, ast.Unary(node.op, inner))

    def array(self, node: ast.Array) -> ast.Node:
        nodes = [self.visit(n) for n in node.nodes]
        values = [literal(n) for n in nodes]
        if nodes and all(isinstance(value, (bool, int, float, str)) for value in values):
            return like(node, ast.Constant(values))
        return like(node, ast.Array(nodes))

    def binary(self, node: ast.Binary) -> ast.Node:
        """A row of operators of one level is walked, not recursed into."""
        row = [node]
        while isinstance(row[-1].left, ast.Binary):
            row.append(row[-1].left)
        left = self.visit(row[-1].left)
        for one in reversed(row):
            left = self.operator(one, left, self.visit(one.right))
        return left

    def operator(self, node: ast.Binary, left: ast.Node, right: ast.Node) -> ast.Node:
        a, b = literal(left), literal(right)
        made = like(node, ast.Binary(node.op, left, right))
        if node in self.typed:
            self.typed[made] = self.typed[node]
        if node.op in FOLDED:
            if isinstance(a, (int, float)) and isinstance(b, (int, float)):
                return self.fold(node, a, b, made)
            if node.op == "+" and isinstance(a, str) and isinstance(b, str):
                return like(node, ast.Literal(a + b))
        elif node.op in ("and", "&&", "or", "||"):
            return self.logic(node, left, right) or self.combine(made) or made
        elif node.op == "==" and a is not NOTHING and type(a) is type(b) and isinstance(a, (bool, int, str)):
            return like(node, ast.Literal(a == b))
        elif node.op == "in":
            return self.membership(node, made)
        elif node.op in operators.COMPARE and isinstance(left, ast.Builtin) and isinstance(b, int):
            return self.counting(node, left, b, made)
        return made

    def fold(self, node: ast.Binary, a: float, b: float, made: ast.Node) -> ast.Node:
        if isinstance(a, bool) or isinstance(b, bool) or (node.op == "%" and not (type(a) is type(b) is int)):
            return made
        try:
            return like(node, ast.Literal(operators.ARITHMETIC[node.op](a, b)))
        except LanguageError as e:
            raise LanguageError(e.message, text=self.text, start=node.start, end=node.end, kind=e.kind) from None

    def logic(self, node: ast.Binary, left: ast.Node, right: ast.Node) -> ast.Node | None:
        """A literal beside and/or decides it, or leaves the other side alone."""
        a, b = literal(left), literal(right)
        neutral = node.op in ("and", "&&")
        if a is neutral:
            return right
        if b is neutral:
            return left
        if isinstance(a, bool) or isinstance(b, bool):
            return like(node, ast.Literal(not neutral))
        return None

    def combine(self, node: ast.Binary) -> ast.Node | None:
        """`all(l, p) and all(l, q)` walks the list once, and likewise any and none."""
        left, right = node.left, node.right
        if not (isinstance(left, ast.Builtin) and isinstance(right, ast.Builtin) and left.name == right.name):
            return None
        op = COMBINED.get((left.name, node.op))
        if op is None or not same(left.args[0], right.args[0]):
            return None
        one, other = left.args[1], right.args[1]
        assert isinstance(one, ast.Predicate)  # the parser puts one there
        assert isinstance(other, ast.Predicate)
        both = like(node, ast.Binary(op, one.node, other.node))
        predicate = like(one, ast.Predicate(self.combine(both) or both))
        return like(node, ast.Builtin(left.name, [left.args[0], predicate]))

    def membership(self, node: ast.Binary, made: ast.Binary) -> ast.Node:
        """A list of string literals becomes a set, in which only strings can be looked for; a range is not made."""
        if isinstance(node.right, ast.Array) and node.right.nodes:
            if all(isinstance(literal(n), str) for n in node.right.nodes):
                self.typed[made] = "set"
        elif self.typed.get(node) == "int" and isinstance(made.right, ast.Binary) and made.right.op == "..":
            low, high = literal(made.right.left), literal(made.right.right)
            if type(low) is type(high) is int:
                at_least = like(node, ast.Binary(">=", made.left, made.right.left))
                at_most = like(node, ast.Binary("<=", made.left, made.right.right))
                return like(node, ast.Binary("and", at_least, at_most))
        return made

    def counting(self, node: ast.Binary, left: ast.Builtin, bound: int, made: ast.Node) -> ast.Node:
        """`count(l, p) > n` stops counting when it knows."""
        if left.name != "count" or len(left.args) != 2 or bound < 0 or isinstance(bound, bool):
            return made
        if (node.op, bound) in ((">", 0), (">=", 1)):
            return like(node, ast.Builtin("any", left.args))
        threshold = bound + (node.op in (">", "<="))
        if threshold > 1:
            left.threshold = threshold
        return made

    def member(self, node: ast.Member) -> ast.Node:
        inner, prop = self.visit(node.node), self.visit(node.prop)
        place = literal(prop)
        if (
            isinstance(inner, ast.Builtin) and inner.name == "filter" and not node.optional
            and type(place) is int and place in FIRST
        ):  # fmt: skip
            found = self.taken(node, FIRST[place], inner)
            found.throws = True
            return found
        made = like(node, ast.Member(inner, prop, optional=node.optional))
        made.method = node.method
        return made

    def taken(self, node: ast.Node, name: str, source: ast.Builtin) -> ast.Builtin:
        """The first or last of a filter is found without filtering the rest."""
        found = like(node, ast.Builtin(name, source.args))
        found.mapped = source.mapped
        return found

    def builtin(self, node: ast.Builtin) -> ast.Node:
        args = [self.visit(arg) for arg in node.args]
        source = args[0] if args else None
        made = like(node, ast.Builtin(node.name, args, forced=node.forced))
        if isinstance(source, ast.Builtin) and source.name == "filter":
            match node.name, len(args):
                case "filter", 2:
                    return self.filtered_twice(node, source, args[1])
                case "map", 2 if source.mapped is None and not uses_index(args[1]):
                    made = like(node, ast.Builtin("filter", source.args))
                    assert isinstance(args[1], ast.Predicate)  # the parser puts one there
                    made.mapped = args[1].node
                case "len", 1:
                    return like(node, ast.Builtin("count", source.args))
                case "first" | "last", 1:
                    return self.taken(node, "find" if node.name == "first" else "findLast", source)
        elif node.name == "sum" and len(args) == 1 and isinstance(source, ast.Array) and len(source.nodes) > 1:
            total = source.nodes[-1]
            for item in reversed(source.nodes[:-1]):
                total = like(node, ast.Binary("+", item, total))
                total.depth = source.depth  # a row that grows to the right, no deeper than the limit of nodes
            return total if len(source.nodes) <= ROW else made
        elif node.name in ("sum", "reduce") and source is not None:
            return series(node, args) or made
        return made

    def filtered_twice(self, node: ast.Builtin, source: ast.Builtin, second: ast.Node) -> ast.Node:
        first = source.args[1]
        assert isinstance(first, ast.Predicate)  # the parser puts one there
        assert isinstance(second, ast.Predicate)
        both = like(node, ast.Binary("&&", first.node, second.node))
        return like(node, ast.Builtin("filter", [source.args[0], like(first, ast.Predicate(both))]))


ROW: Final = 50


class Nothing:
    """The literal value of a node that is no literal."""


NOTHING: Final = Nothing()


def literal(node: ast.Node) -> Any:
    return node.value if isinstance(node, ast.Literal) else NOTHING


def like(old: ast.Node, new: NodeT) -> NodeT:
    """The new node at the old one's place."""
    new.start, new.end, new.depth = old.start, old.end, old.depth
    return new


def same(left: ast.Node, right: ast.Node) -> bool:
    """Whether two trees are written alike."""
    waiting = [(left, right)]
    while waiting:
        a, b = waiting.pop()
        if type(a) is not type(b):
            return False
        for slot in ("value", "name", "op", "optional"):
            mine, other = getattr(a, slot, None), getattr(b, slot, None)
            if not isinstance(mine, ast.Node) and (type(mine) is not type(other) or mine != other):
                return False
        below, beside = ast.children(a), ast.children(b)
        if len(below) != len(beside):
            return False
        waiting.extend(zip(below, beside, strict=True))
    return True


def uses_index(node: ast.Node) -> bool:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Pointer) and one.name == "index":
            return True
        waiting.extend(ast.children(one))
    return False


def series(node: ast.Builtin, args: list[ast.Node]) -> ast.Node | None:
    """`sum(m..n)` and `reduce(m..n, # + #acc)` by the formula, with no list made."""
    span = args[0]
    if not isinstance(span, ast.Binary) or span.op != "..":
        return None
    low, high = literal(span.left), literal(span.right)
    if not (type(low) is type(high) is int) or high < low:
        return None
    count = wrap64(high - low + 1)
    product = wrap64(count * wrap64(low + high))
    total = -(-product // 2) if product < 0 else product // 2
    predicate = args[1].node if len(args) > 1 and isinstance(args[1], ast.Predicate) else None
    value: int | None = None
    if node.name == "sum":
        value = total if predicate is None else summed(total, count, predicate)
    elif isinstance(predicate, ast.Binary) and predicate.op == "+" and pointers(predicate) == {"", "acc"}:
        start = literal(args[2]) if len(args) == 3 else 0
        value = wrap64(start + total) if type(start) is int else None
    return None if value is None else like(node, ast.Literal(value))


def pointers(node: ast.Binary) -> set[str]:
    return {side.name for side in (node.left, node.right) if isinstance(side, ast.Pointer)}


def summed(total: int, count: int, predicate: ast.Node) -> int | None:
    """The sum of `#`, `# * k`, `# + k` or `# - k` over a range."""
    if isinstance(predicate, ast.Pointer) and not predicate.name:
        return total
    if not isinstance(predicate, ast.Binary):
        return None
    left, right = predicate.left, predicate.right
    pointer_first = isinstance(left, ast.Pointer) and not left.name
    if not pointer_first and not (isinstance(right, ast.Pointer) and not right.name):
        return None
    constant = literal(right if pointer_first else left)
    if type(constant) is not int:
        return None
    match predicate.op:
        case "*":
            return wrap64(constant * total)
        case "+":
            return wrap64(total + count * constant)
        case "-":
            return wrap64(total - count * constant if pointer_first else count * constant - total)
    return None
