"""A sprig function with its Go signature: the count and the Go types of arguments are checked when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.gotime import ZERO_TIME
from aggregator.lang.govalue import Int64, go_type

if TYPE_CHECKING:
    from aggregator.lang.context import Context

ANY: Final = "interface {}"
BOOL: Final = "bool"
FLOAT: Final = "float64"
INT: Final = "int"
LIST: Final = "[]interface {}"
MAP: Final = "map[string]interface {}"
STRING: Final = "string"
TIME: Final = "time.Time"
CERTIFICATE: Final = "sprig.certificate"

ZEROS: Final[dict[str, Any]] = {BOOL: False, FLOAT: 0.0, INT: 0, STRING: "", TIME: ZERO_TIME, "uint32": 0}
"""What nil becomes; a nil list or map stays None, and so does nil for a parameter of any type."""

Body = Callable[..., Any]


class SprigFunction:
    """Called as `function(ctx, *arguments)`; `params` are Go type names, the last one repeats if `variadic`."""

    __slots__ = ("body", "doc", "name", "params", "result", "uses_context", "variadic")

    def __init__(self, name: str, body: Body, params: tuple[str, ...], *, variadic: bool, uses_context: bool) -> None:
        self.name = name
        self.body = body
        self.params = params
        self.variadic = variadic
        self.uses_context = uses_context
        self.doc = (body.__doc__ or "").strip()

    def __repr__(self) -> str:
        return f"sprig.{self.name}{self.signature()}"

    def signature(self) -> str:
        """The parameters as Go writes them: `(int, string)`, `(string, ...interface {})`."""
        shown = [*self.params[:-1], f"...{self.params[-1]}"] if self.variadic else list(self.params)
        return f"({', '.join(shown)})"

    def __call__(self, ctx: Context, *args: Any) -> Any:
        params = self.params
        if self.variadic:
            fixed = len(params) - 1
            if len(args) < fixed:
                raise self.wrong_count(args)
            params = params[:fixed] + params[-1:] * (len(args) - fixed)
        elif len(args) != len(params):
            raise self.wrong_count(args)
        given = [
            arg if param == ANY else self.checked(place, arg, param)
            for place, (arg, param) in enumerate(zip(args, params, strict=True))
        ]
        try:
            return self.body(ctx, *given) if self.uses_context else self.body(*given)
        except RecursionError:
            raise LimitExceeded("depth", f"sprig.{self.name}: the value is nested too deep") from None

    def checked(self, place: int, arg: Any, param: str) -> Any:
        """The argument as the parameter takes it; Go's reflection converts nothing but nil."""
        if arg is None:
            return ZEROS.get(param)
        if go_type(arg) != param:
            raise LanguageError(
                f"sprig.{self.name}: argument {place + 1} must be {param}, but is {go_type(arg)}",
                kind="type",
                hint=conversion_hint(arg, param),
            )
        return arg

    def wrong_count(self, args: tuple[Any, ...]) -> LanguageError:
        least = len(self.params) - self.variadic
        return LanguageError(
            f"sprig.{self.name} takes {'at least ' if self.variadic else ''}{least} argument(s), got {len(args)}",
            kind="type",
            hint=f"its parameters are {self.signature()}",
        )


def conversion_hint(arg: Any, param: str) -> str:
    if param == STRING:
        return "convert it with string(...)"
    if param == INT and isinstance(arg, (Int64, str, float)):
        return "convert it with int(...)"
    if param == MAP and isinstance(arg, Mapping):
        return "the map's values are of another type; build one with sprig.dict"
    return ""


class Family:
    """The functions of one file, added by a decorator that states their names and parameters."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.functions: dict[str, SprigFunction] = {}

    def add(
        self, names: str, *params: str, variadic: bool = False, uses_context: bool = False
    ) -> Callable[[Body], Body]:
        """Register the body under the names (apart by blanks); the body stays callable as it is."""

        def register(body: Body) -> Body:
            for name in names.split():
                self.functions[name] = SprigFunction(name, body, params, variadic=variadic, uses_context=uses_context)
            return body

        return register


def bounded_text(ctx: Context, size: int, name: str) -> None:
    """Refuse a text before it is made, where it would pass the limit."""
    if size > ctx.limits.text:
        raise LimitExceeded("text", f"sprig.{name} would make {size:,} characters; the limit is {ctx.limits.text:,}")


def bounded_list(ctx: Context, size: int, name: str) -> None:
    """Refuse a list before it is made, where it would pass the limit."""
    if size > ctx.limits.elements:
        raise LimitExceeded(
            "elements", f"sprig.{name} would make {size:,} elements; the limit is {ctx.limits.elements:,}"
        )
