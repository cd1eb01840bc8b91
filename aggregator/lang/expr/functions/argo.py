"""What Argo adds to the variables of every `{{=expr}}`: asInt, asFloat, toJson, jsonpath and the map of sprig."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError
from aggregator.lang.expr.calls import Function
from aggregator.lang.expr.frame import Frame
from aggregator.lang.expr.functions import convert
from aggregator.lang.expr.functions.arguments import string

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.lang.context import Context


def of_frame(name: str, call: Callable[..., Any], count: int) -> Function:
    """A builtin as a function value with a fixed number of arguments."""

    def run(ctx: Context, *args: Any) -> Any:
        if len(args) != count:
            raise LanguageError(f"{name} takes {count} argument(s), got {len(args)}", kind="type")
        return call(Frame({}, ctx, 0), *args)

    return Function(name, run)


def jsonpath(frame: Frame, text: Any, path: Any) -> Any:
    """The value that a JSONPath leads to in a JSON text."""
    from aggregator.lang.jsonpath import argo_jsonpath  # noqa: PLC0415 - few expressions query JSON

    data = convert.from_json(frame, string("jsonpath", text))
    return argo_jsonpath(data, string("jsonpath", path))


@lru_cache(maxsize=1)
def sprig() -> Mapping[str, Function]:
    """The functions of sprig by name."""
    from aggregator.lang.sprig import FUNCTIONS  # noqa: PLC0415 - loaded when the first expression names it

    return {name: Function(f"sprig.{name}", function) for name, function in FUNCTIONS.items()}


FIXED = {
    "asInt": of_frame("asInt", convert.to_int, 1),
    "asFloat": of_frame("asFloat", convert.to_float, 1),
    "toJson": of_frame("toJson", convert.compact_json, 1),
    "jsonpath": of_frame("jsonpath", jsonpath, 2),
}


def constants(*, with_sprig: bool) -> dict[str, Any]:
    """The names that Argo adds; sprig only where it is named, since it is large."""
    return {**FIXED, "sprig": dict(sprig())} if with_sprig else dict(FIXED)
