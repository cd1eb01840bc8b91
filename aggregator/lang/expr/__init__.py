"""expr-lang as Argo uses it: `parse(text).run(variables, context)`; loaded when the first expression is met."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aggregator.lang.expr.paths import Path
    from aggregator.lang.expr.program import Expr
    from aggregator.lang.expr.signatures import ARGO_NAMES, BUILTINS

__all__ = ["ARGO_NAMES", "BUILTINS", "Expr", "Path", "parse"]

_HOMES = {"Expr": "program", "Path": "paths", "ARGO_NAMES": "signatures", "BUILTINS": "signatures"}


def parse(text: str) -> Expr:
    """The expression, parsed once for all who ask; a LanguageError has the place of the mistake."""
    # Most workflows have no expression: they don't pay for the language's thirty modules.
    from aggregator.lang.expr.program import parse as parse_expression  # noqa: PLC0415

    return parse_expression(text)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
