"""Expression tags `{{=...}}`: what they need, when they wait for a later pass, and how their values are written."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded, nearest
from aggregator.lang.expr import ARGO_NAMES, BUILTINS, Expr, ast, parse
from aggregator.lang.expr.parser import Parser
from aggregator.lang.expr.paths import names_of, paths_of
from aggregator.lang.expr.tokens import IDENT, OP, tokenize
from aggregator.lang.goformat import json_text
from aggregator.lang.scope import MISSING, flat_keys, has_path, has_placeholder

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


# Variables that are never maps: where an expression uses no others, each is asked for by its key, and the nested view
# of the whole scope is not built.
LEAF: Final = re.compile(
    r"item|retries|(?:pod|node|steps|tasks)\.name|lastRetry\.\w+|(?:workflow\.|workflow\.outputs\.|inputs\.)parameters\.[^.]+"
    r"|workflow\.(?:name|namespace|uid|status|mainEntrypoint|serviceAccountName|priority|duration|failures)"
    r"|(?:steps|tasks)\.[^.]+\.(?:id|status|startedAt|finishedAt|ip|hostNodeName|exitCode|outputs\.result|outputs\.parameters\.[^.]+)"
)


class TagExpr:
    """One parsed expression. `paths` are the variables it cannot do without, `late` those that it should wait for.

    `leaves` are the keys of all its variables, where these are known to be no maps; `builtins` are the functions that it
    calls, which a variable of the same name would hide.
    """

    __slots__ = ("builtins", "error", "expr", "late", "leaves", "paths", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.error: LanguageError | None = None
        self.expr: Expr | None = None
        self.paths: tuple[str, ...] = ()
        self.late: tuple[str, ...] = ()
        self.leaves: tuple[str, ...] | None = None
        self.builtins: tuple[str, ...] = ()
        try:
            self.expr = parse(text)
            tree = Parser(text).whole()
            self.paths = _required(tree)
            self.late = _late(text)
            self.leaves = _leaves(tree)
            self.builtins = tuple(name for name in names_of(tree) if name in BUILTINS)
        except LanguageError as error:
            self.error = error.with_traceback(None)

    def fill(
        self, scope: Variables, ctx: Context, policy: Policy, written: Callable[[Any], str] | None = None
    ) -> str | None:
        """The text of the value, by default as `render` writes it; None where the tag must stay for a later pass."""
        if self.expr is None:
            assert self.error is not None
            if has_placeholder(scope.env()):
                return None
            raise fresh(self.error)
        may_stay = policy.lenient
        env: Mapping[str, Any] | None = self._direct(scope)
        if env is None:
            env = scope.env()
            absent = [path for path in self.paths if not _known(env, path)]
            for path in absent:
                if policy.expressions or policy.requires(path):
                    raise self._missing(path, env)
            may_stay = may_stay or bool(absent)
        if may_stay and any(scope.get(name) is MISSING and not has_path(env, name) for name in self.late):
            return None
        try:
            value = self.expr.run(env, ctx, functions="argo")
            if value is not None:
                return (written or render)(value)
        except LimitExceeded:
            raise
        except LanguageError:
            if may_stay or has_placeholder(scope.env()):
                return None
            raise
        if may_stay or has_placeholder(scope.env()):
            return None
        raise LanguageError(
            "the value of the expression is nil", text=self.text, end=len(self.text), kind="absent",
            hint="give a default: x ?? 'value'",
        )  # fmt: skip

    def _direct(self, scope: Variables) -> dict[str, Any] | None:
        """The nested view of the variables of this expression alone; None where the whole scope must be asked."""
        if self.leaves is None or any(scope.get(name) is not MISSING for name in self.builtins):
            return None
        env: dict[str, Any] = {}
        for leaf in self.leaves:
            value = scope.get(leaf)
            # An item that is a map shows in its text: then `item` is that map for expressions.
            if value is MISSING or (leaf == "item" and not (isinstance(value, str) and value[:1] != "{")):
                return None
            inner = env
            *parts, last = leaf.split(".")
            for part in parts:
                inner = inner.setdefault(part, {})
            inner[last] = value
        return env

    def _missing(self, path: str, env: Mapping[str, Any]) -> LanguageError:
        # Not within a longer name: the x of max(x) is its argument.
        found = re.search(rf"(?<![\w.]){re.escape(path)}(?!\w)", self.text)
        at, end = found.span() if found is not None else (0, len(self.text))
        called = found is not None and self.text[end:].lstrip().startswith("(")
        hint = nearest(path, (*BUILTINS, *ARGO_NAMES) if called else flat_keys(env))
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


def fresh(error: LanguageError) -> LanguageError:
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


def _leaves(tree: ast.Node) -> tuple[str, ...] | None:
    """The keys of all variables, or None where one of them may be a map."""
    keys: dict[str, None] = {}
    for path in paths_of(tree):
        if path.parts[0] in ARGO_NAMES:
            continue
        if not LEAF.fullmatch(path.text) or any("." in part for part in path.parts):
            return None
        keys[path.text] = None
    return tuple(keys)


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
