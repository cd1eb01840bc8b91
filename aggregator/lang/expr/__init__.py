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

Functions = Literal["bare", "argo"]
PARSED: Final = 4096
PROGRAMS: Final = 64
ABSENT: Final = object


class Program:
    """Closures for one combination of variable types, or the error that the static check found."""

    __slots__ = ("code", "error", "slots")

    def __init__(self, code: Callable[[Frame], Any] | None, slots: int, error: LanguageError | None) -> None:
        self.code = code
        self.slots = slots
        self.error = error


class Expr:
    """A parsed expression."""

    __slots__ = ("_grows", "_names", "_paths", "_programs", "text", "tree")

    def __init__(self, text: str) -> None:
        self.text = text
        parser = Parser(text)
        self.tree: ast.Node = parser.whole()
        self._names = names_of(self.tree) if "$env" in parser.names else tuple(parser.names)
        self._paths: tuple[Path, ...] | None = None
        self._programs: dict[tuple[Any, ...], Program] = {}
        # only these can make a value that is deeper than the expression and its variables together
        self._grows = any(name in self._names for name in ("reduce", "fromJSON", "sprig"))

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
        program = self._program(env, functions)
        if program.error is not None:
            raise again(program.error)

    def run(self, env: Mapping[str, Any], ctx: Context, *, functions: Functions = "bare") -> Any:
        """The value with these variables; a LanguageError has the place in the text. `argo` adds Argo's functions."""
        names = self._names
        if len(names) == 1:
            (name,) = names
            key: Any = (functions, type(env[name]) if name in env else ABSENT)
        else:
            key = (functions, *[type(env[name]) if name in env else ABSENT for name in names])
        program = self._programs.get(key) or self._program(env, functions)
        code = program.code
        if code is None:
            assert program.error is not None  # one of the two is there
            raise again(program.error)
        value = code(Frame(env, ctx, program.slots))
        if self._grows:
            nested(value, ctx.limits)
        return value

    def _program(self, env: Mapping[str, Any], functions: Functions) -> Program:
        types = [type(env[name]) if name in env else ABSENT for name in self._names]
        key = (functions, *types)
        program = self._programs.get(key)
        if program is None:
            if len(self._programs) >= PROGRAMS:
                self._programs.clear()
            program = self._programs[key] = self._compile(env, types, functions)
        return program

    def _compile(self, env: Mapping[str, Any], types: list[Any], functions: Functions) -> Program:
        is_argo = functions == "argo"
        variables = {name: nature_of(kind) for name, kind in zip(self._names, types, strict=True) if kind is not ABSENT}
        try:
            checker = Checker(self.text, variables, env, argo=is_argo)
            checker.visit(self.tree)
            optimizer = Optimizer(self.text, checker.typed)
            tree = optimizer.visit(self.tree)
            with_sprig = "sprig" in self._names or "$env" in self.text
            constants = argo.constants(with_sprig=with_sprig) if is_argo else {}
            compiler = Compiler(self.text, set(variables), constants, optimizer.typed)
            return Program(compiler.code(tree), compiler.slots, None)
        except LanguageError as error:
            return Program(None, 0, error.with_traceback(None))


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
