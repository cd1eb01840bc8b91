"""Expression tags `{{=...}}`: what they need, when they wait for a later pass, and how their values are written."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded, nearest
from aggregator.lang.expr import ARGO_NAMES, Expr, ast, parse
from aggregator.lang.expr.parser import Parser
from aggregator.lang.expr.tokens import IDENT, OP, tokenize
from aggregator.lang.goformat import json_text
from aggregator.lang.scope import flat_keys, has_path, has_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.lang.context import Context
    from aggregator.lang.scope import Variables
    from aggregator.lang.tagscan import Policy

# Variables that come to exist late; a pass that may leave tags never evaluates an expression that mentions one early.
LATE: Final = (
    "item",
    "retries",
    "lastRetry.exitCode",
    "lastRetry.status",
    "lastRetry.duration",
    "lastRetry.message",
    "workflow.status",
    "workflow.failures",
)


class TagExpr:
    """One parsed expression. `paths` are the variables it cannot do without, `late` those that it should wait for."""

    __slots__ = ("error", "expr", "late", "paths", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.error: LanguageError | None = None
        self.expr: Expr | None = None
        self.paths: tuple[str, ...] = ()
        self.late: tuple[str, ...] = ()
        try:
            self.expr = parse(text)
            self.paths = _required(Parser(text).whole())
            self.late = _late(text)
        except LanguageError as error:
            self.error = error

    def fill(
        self, scope: Variables, ctx: Context, policy: Policy, written: Callable[[Any], str] | None = None
    ) -> str | None:
        """The text of the value, by default as `render` writes it; None where the tag must stay for a later pass."""
        env = scope.env()
        if self.expr is None:
            assert self.error is not None
            if has_placeholder(env):
                return None
            raise _copy(self.error)
        absent = [path for path in self.paths if not _known(env, path)]
        for path in absent:
            if policy.requires(path):
                raise self._missing(path, env)
        may_stay = bool(absent) or policy.lenient
        if may_stay and any(not has_path(env, name) for name in self.late):
            return None
        try:
            value = self.expr.run(env, ctx, functions="argo")
            if value is not None:
                return (written or render)(value)
        except LimitExceeded:
            raise
        except LanguageError:
            if may_stay or has_placeholder(env):
                return None
            raise
        if may_stay or has_placeholder(env):
            return None
        raise LanguageError(
            "the value of the expression is nil", text=self.text, end=len(self.text), kind="absent",
            hint="give a default: x ?? 'value'",
        )  # fmt: skip

    def _missing(self, path: str, env: Mapping[str, Any]) -> LanguageError:
        at = max(self.text.find(path), 0)
        end = at + len(path) if self.text.startswith(path, at) else len(self.text)
        hint = nearest(path, flat_keys(env))
        return LanguageError(f"{path} is missing", text=self.text, start=at, end=end, kind="name", hint=hint)


@lru_cache(maxsize=4096)
def tag_expr(text: str) -> TagExpr:
    """The parsed expression of a tag; a syntax error is kept until it is filled."""
    return TagExpr(text)


def render(value: Any) -> str:
    """A value as a tag writes it: text as it is, times and bytes without quotes, all else as compact JSON."""
    if isinstance(value, str):
        return value
    text = json_text(value)
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def _copy(error: LanguageError) -> LanguageError:
    """A fresh error, since the one that is kept would gather a traceback with every use."""
    if isinstance(error, LimitExceeded):
        return LimitExceeded(error.limit, error.message, text=error.text, start=error.start)
    return LanguageError(
        error.message, text=error.text, start=error.start, end=error.end, kind=error.kind, hint=error.hint
    )


def _known(env: Mapping[str, Any], path: str) -> bool:
    """Whether the path leads to a variable, or to a function of Argo's."""
    root, _, rest = path.partition(".")
    if root not in ARGO_NAMES or root in env:
        return has_path(env, path)
    if root == "sprig" and rest:
        from aggregator.lang.sprig import FUNCTIONS  # noqa: PLC0415 - loaded where an expression names it

        return rest in FUNCTIONS
    return not rest


def _late(text: str) -> tuple[str, ...]:
    if not any(name in text for name in LATE):
        return ()
    tokens = [(token.kind, token.value) for token in tokenize(text)]
    return tuple(name for name in LATE if name in text and _has_run(tokens, name))


def _has_run(tokens: list[tuple[str, str]], name: str) -> bool:
    wanted: list[tuple[str, str]] = []
    for part in name.split("."):
        wanted += [(OP, "."), (IDENT, part)]
    wanted = wanted[1:]
    size = len(wanted)
    return any(tokens[i : i + size] == wanted for i in range(len(tokens) - size + 1))


def _required(tree: ast.Node) -> tuple[str, ...]:
    """Names and dotted paths that must exist; what stands left of `??` or `?.` may be absent below its first name."""
    found: list[str] = []
    # All nodes, each before those below it; rows of operators can be too long for recursion.
    waiting: list[tuple[ast.Node, bool]] = [(tree, False)]
    guarded: set[int] = set()
    while waiting:
        node, optional = waiting.pop()
        if isinstance(node, ast.Ident):
            found.append(node.name)
        elif isinstance(node, ast.Member):
            if node.optional and isinstance(node.node, ast.Member):
                guarded.add(id(node.node))
            if not optional and id(node) not in guarded and (path := _path(node)):
                found.append(path)
        for i, child in enumerate(ast.children(node)):
            shielded = i == 0 and isinstance(node, ast.Binary) and node.op == "??"
            waiting.append((child, optional or shielded))
    found.reverse()
    return tuple(dict.fromkeys(found))


def _path(node: ast.Member) -> str:
    parts: list[str] = []
    inner: ast.Node = node
    while isinstance(inner, ast.Member):
        if inner.optional or not (isinstance(inner.prop, ast.Literal) and isinstance(inner.prop.value, str)):
            return ""
        parts.append(inner.prop.value)
        inner = inner.node
    if not isinstance(inner, ast.Ident):
        return ""
    return ".".join((inner.name, *reversed(parts)))
