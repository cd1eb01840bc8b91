"""The syntax tree of expr-lang: plain slotted nodes with their place in the text and their depth."""

from __future__ import annotations

from typing import Any


class Node:
    """`start` and `end` are offsets of the token an error points at; `depth` counts the levels below."""

    __slots__ = ("depth", "end", "start")
    start: int
    end: int
    depth: int


class Literal(Node):
    """nil, a bool, a number, a string or bytes."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Constant(Node):
    """A list of literals, made once; it cannot be written, folding makes it."""

    __slots__ = ("value",)

    def __init__(self, value: list[Any]) -> None:
        self.value = value


class Ident(Node):
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Unary(Node):
    __slots__ = ("node", "op")

    def __init__(self, op: str, node: Node) -> None:
        self.op = op
        self.node = node


class Binary(Node):
    __slots__ = ("left", "op", "right")

    def __init__(self, op: str, left: Node, right: Node) -> None:
        self.op = op
        self.left = left
        self.right = right


class Chain(Node):
    """The extent of `?.`: a nil inside ends all of it."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node


class Member(Node):
    __slots__ = ("method", "node", "optional", "prop")

    def __init__(self, node: Node, prop: Node, *, optional: bool = False) -> None:
        self.node = node
        self.prop = prop
        self.optional = optional
        self.method = False


class Slice(Node):
    __slots__ = ("first", "last", "node")

    def __init__(self, node: Node, first: Node | None, last: Node | None) -> None:
        self.node = node
        self.first = first
        self.last = last


class Call(Node):
    __slots__ = ("args", "callee")

    def __init__(self, callee: Node, args: list[Node]) -> None:
        self.callee = callee
        self.args = args


class Builtin(Node):
    """A call of a builtin; `forced` is `::name(...)`.

    `mapped`, `throws` and `threshold` come from optimizing: a value instead of the element, an error instead of nil,
    a count after which counting may stop.
    """

    __slots__ = ("args", "forced", "mapped", "name", "threshold", "throws")

    def __init__(self, name: str, args: list[Node], *, forced: bool = False) -> None:
        self.name = name
        self.args = args
        self.forced = forced
        self.mapped: Node | None = None
        self.throws = False
        self.threshold: int | None = None


class Predicate(Node):
    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node


class Pointer(Node):
    """`#`, `#index` or `#acc`; the dot of `.field` is a pointer without a name too."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Let(Node):
    __slots__ = ("body", "name", "value")

    def __init__(self, name: str, value: Node, body: Node) -> None:
        self.name = name
        self.value = value
        self.body = body


class Sequence(Node):
    __slots__ = ("nodes",)

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes


class Conditional(Node):
    __slots__ = ("no", "test", "yes")

    def __init__(self, test: Node, yes: Node, no: Node) -> None:
        self.test = test
        self.yes = yes
        self.no = no


class Array(Node):
    __slots__ = ("nodes",)

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes


class Map(Node):
    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[Node, Node]]) -> None:
        self.pairs = pairs


def children(node: Node) -> list[Node]:
    """The nodes directly below, in the order in which they are written."""
    match node:
        case Unary() | Chain() | Predicate():
            return [node.node]
        case Binary():
            return [node.left, node.right]
        case Member():
            return [node.node, node.prop]
        case Slice():
            return [n for n in (node.node, node.first, node.last) if n is not None]
        case Call():
            return [node.callee, *node.args]
        case Builtin():
            return list(node.args)
        case Let():
            return [node.value, node.body]
        case Sequence() | Array():
            return list(node.nodes)
        case Conditional():
            return [node.test, node.yes, node.no]
        case Map():
            return [n for pair in node.pairs for n in pair]
    return []
