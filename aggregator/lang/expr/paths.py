"""Which variables and which of their members an expression mentions."""

from __future__ import annotations

from typing import NamedTuple

from aggregator.lang.expr import ast


class Path(NamedTuple):
    """`parts` is a variable and the members after it; `guarded`: `??` or `?.` stands by where it may be absent."""

    parts: tuple[str, ...]
    guarded: bool
    start: int
    end: int

    @property
    def text(self) -> str:
        return ".".join(self.parts)


def paths_of(tree: ast.Node) -> tuple[Path, ...]:
    """Every variable and every longest member path, in the order in which they are written."""
    found: list[Path] = []
    waiting: list[tuple[ast.Node, bool, bool]] = [(tree, False, False)]
    while waiting:
        node, guarded, inside = waiting.pop()
        if isinstance(node, ast.Ident):
            if not inside:
                found.append(Path((node.name,), guarded, node.start, node.end))
            continue
        parts = member_path(node)
        if parts and not inside:
            found.append(Path(parts, guarded, root_start(node), node.end))
        for i, child in enumerate(ast.children(node)):
            shielded = (
                guarded
                or (isinstance(node, ast.Binary) and node.op == "??" and i == 0)
                or (isinstance(node, ast.Member) and node.optional and i == 0)
            )
            waiting.append((child, shielded, bool(parts) or (inside and not parts and i == 0)))
    return tuple(sorted(set(found), key=lambda path: (path.start, path.end)))


def member_path(node: ast.Node) -> tuple[str, ...]:
    """The names of `a.b["c"]`, or nothing where the node is no such path."""
    parts: list[str] = []
    while isinstance(node, ast.Member) and not node.optional:
        if not (isinstance(node.prop, ast.Literal) and isinstance(node.prop.value, str)):
            return ()
        parts.append(node.prop.value)
        node = node.node
    if not isinstance(node, ast.Ident) or not parts:
        return ()
    return (node.name, *reversed(parts))


def root_start(node: ast.Node) -> int:
    while isinstance(node, ast.Member):
        node = node.node
    return node.start


def names_of(tree: ast.Node) -> tuple[str, ...]:
    """The names whose variables the static check asks for where a text uses `$env`: with them all names in quotes."""
    names: dict[str, None] = {}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Ident, ast.Let)) or (isinstance(node, ast.Builtin) and not node.forced):
            names[node.name] = None
        elif isinstance(node, ast.Literal) and isinstance(node.value, str):
            names[node.value] = None
        waiting.extend(reversed(ast.children(node)))
    names.pop("$env", None)
    return tuple(names)
