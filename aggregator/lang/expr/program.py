"""expr-lang as Argo uses it: `parse(text).run(variables, context)`.

Tokens, parser and tree are made once for a text. For each combination of the types of the variables that the text
names, the static check, the optimizer and the compiler run once; after that a run is a call of closures.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.expr.calls import Function
from aggregator.lang.expr.check import Checker
from aggregator.lang.expr.compile import Compiler
from aggregator.lang.expr.frame import Frame, nested
from aggregator.lang.expr.functions import argo
from aggregator.lang.expr.natures import nature_of
from aggregator.lang.expr.optimize import Optimizer
from aggregator.lang.expr.parser import Parser
from aggregator.lang.expr.paths import Path, names_of, paths_of
from aggregator.lang.expr.signatures import ARGO_NAMES, BUILTINS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.lang.context import Context
    from aggregator.lang.expr import ast

    Code = Callable[[Frame], Any]
    Types = tuple[Any, ...]
    Programs = dict[Any, tuple[Code, int]]

Functions = Literal["bare", "argo"]
PARSED: Final = 4096
PROGRAMS: Final = 64
# Only these can make a value that is deeper than the expression and its variables together.
GROWING: Final = frozenset(("reduce", "fromJSON", "sprig"))


class Absent:
    """Stands for the type of a variable that is not there."""


class Expr:
    """A parsed expression."""

    __slots__ = ("_argo", "_bare", "_name", "_names", "_paths", "text", "tree")

    def __init__(self, text: str) -> None:
        self.text = text
        parser = Parser(text)
        self.tree: ast.Node = parser.whole()
        self._names = names_of(self.tree) if "$env" in parser.names else tuple(parser.names)
        self._name = self._names[0] if len(self._names) == 1 else ""
        self._paths: tuple[Path, ...] | None = None
        self._bare: Programs = {}
        self._argo: Programs = {}

    def __repr__(self) -> str:
        return f"Expr({self.text!r})"

    @property
    def paths(self) -> tuple[Path, ...]:
        """The variables and member paths that the text mentions."""
        if self._paths is None:
            self._paths = paths_of(self.tree)
        return self._paths

    def check(self, env: Mapping[str, Any], *, functions: Functions = "bare") -> None:
        """Raises what the static check finds against the types of these variables."""
        key = tuple([type(env[name]) if name in env else Absent for name in self._names])
        self._analyse(env, key, functions)

    def run(self, env: Mapping[str, Any], ctx: Context, *, functions: Functions = "bare") -> Any:
        """The value with these variables; a LanguageError has the place in the text. `argo` adds Argo's functions."""
        programs = self._bare if functions == "bare" else self._argo
        name = self._name
        if name:
            key: Any = type(env[name]) if name in env else Absent
        else:
            key = tuple([type(env[name]) if name in env else Absent for name in self._names])
        try:
            code, lets = programs[key]
        except KeyError:
            code, lets = self._compile(env, (key,) if name else key, functions)
            if len(programs) >= PROGRAMS:
                programs.clear()
            programs[key] = code, lets
        return code(Frame(env, ctx, lets))

    def _analyse(self, env: Mapping[str, Any], types: Types, functions: Functions) -> tuple[Compiler, ast.Node]:
        """The static check and the optimizer."""
        is_argo = functions == "argo"
        variables = {name: nature_of(kind) for name, kind in zip(self._names, types, strict=True) if kind is not Absent}
        checker = Checker(self.text, variables, env, argo=is_argo)
        checker.visit(self.tree)
        optimizer = Optimizer(self.text, checker.typed)
        tree = optimizer.visit(self.tree)
        with_sprig = "sprig" in self._names or "$env" in self.text
        constants = argo.constants(with_sprig=with_sprig) if is_argo else {}
        return Compiler(self.text, set(variables), constants, optimizer.typed), tree

    def _compile(self, env: Mapping[str, Any], types: Types, functions: Functions) -> tuple[Code, int]:
        """The closures for variables of these types, or one that raises what the check finds."""
        try:
            compiler, tree = self._analyse(env, types, functions)
            code = compiler.code(tree)
        except LanguageError as found:
            error = found.with_traceback(None)

            def refuse(_: Frame) -> Any:
                raise again(error)

            return refuse, 0
        return (bounded(code) if GROWING.intersection(self._names) else code), compiler.slots


def bounded(code: Code) -> Code:
    """The code, with a result that is too deep refused."""

    def run(f: Frame) -> Any:
        value = code(f)
        nested(value, f.limits)
        return value

    return run


def again(error: LanguageError) -> LanguageError:
    """A fresh copy of an error that is kept, since raising it would make it gather tracebacks."""
    if isinstance(error, LimitExceeded):
        return LimitExceeded(error.limit, error.message, text=error.text, start=error.start)
    return LanguageError(
        error.message, text=error.text, start=error.start, end=error.end, kind=error.kind, hint=error.hint
    )


@lru_cache(maxsize=PARSED)
def parse(text: str) -> Expr:
    """The parsed expression; parsing the same text again costs nothing."""
    return Expr(text)


__all__ = ["ARGO_NAMES", "BUILTINS", "Expr", "Function", "Path", "parse"]
