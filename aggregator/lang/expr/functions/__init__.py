"""The builtin functions of expr-lang by name; each is called as `fn(frame, *arguments)`. A new one is a row in its family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.lang.expr.functions import convert, lists, maps, moments, numeric, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **text.FUNCTIONS,
    **numeric.FUNCTIONS,
    **lists.FUNCTIONS,
    **maps.FUNCTIONS,
    **convert.FUNCTIONS,
    **moments.FUNCTIONS,
}
