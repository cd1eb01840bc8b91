"""Members of values at run time, and functions as values: Go methods bound to their object, and sprig's functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError, nearest
from aggregator.lang import gostring
from aggregator.lang.expr.operators import type_name, value_of, whole
from aggregator.lang.govalue import GoObject, Uint8, call_method, find_field, find_method

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.context import Context


class Function:
    """A function as a value of the language; `call(ctx, *arguments)` checks what it is given."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name = name
        self.call = call

    def __call__(self, ctx: Context, *args: Any) -> Any:
        return self.call(ctx, *args)

    def __repr__(self) -> str:
        return f"Function({self.name!r})"


def bound_method(value: GoObject, name: str) -> Function | None:
    """The method of a Go object as a function, or None where it has none of that name."""
    if find_method(value, name) is None:
        return None

    def call(_: Context, *args: Any) -> Any:
        return call_method(value, name, args)

    return Function(name, call)


def fetch(base: Any, key: Any) -> Any:
    """`base.key` and `base[key]`: a map without the key gives nil, all else that is not there is an error."""
    if isinstance(base, dict):
        return value_of(base, key)
    if isinstance(base, (list, bytes, str)):
        if isinstance(key, str):
            raise LanguageError(f"a {kind_of(base)} has no field {key!r}", kind="type")
        found = gostring.to_bytes(base) if isinstance(base, str) else base
        place = whole(key)
        if not -len(found) <= place < len(found):
            raise LanguageError(f"index {place} is out of range, there are {len(found)} elements")
        return found[place] if isinstance(found, list) else Uint8(found[place])
    if isinstance(base, GoObject) and isinstance(key, str):
        method = bound_method(base, key)
        if method is not None:
            return method
        field = find_field(base, key)
        if field is not None:
            return field(base)
        known = [*base.GO_METHODS, *base.GO_FIELDS]
        raise LanguageError(f"{type_name(base)} has no {key!r}", kind="name", hint=nearest(key, known))
    if isinstance(base, Mapping):
        return base.get(key) if isinstance(key, str) else None
    raise absent(base, key)


def kind_of(value: Any) -> str:
    return "string" if isinstance(value, str) else "list"


def absent(base: Any, key: Any) -> LanguageError:
    what = f"field {key!r}" if isinstance(key, str) else f"element {key!r}"
    hint = "a?.b gives nil where a is nil; x ?? default replaces a nil" if base is None else ""
    return LanguageError(f"{type_name(base)} has no {what}", kind="type", hint=hint)


def invoke(value: Any, ctx: Context, args: list[Any], name: str = "") -> Any:
    """Calls a value that should be a function; `name` is how the text calls it, where that is known."""
    if isinstance(value, Function):
        return value(ctx, *args)
    if value is None:
        raise LanguageError("nil cannot be called", kind="type", hint=missing_function(name))
    raise LanguageError(f"{type_name(value)} cannot be called", kind="type")


def missing_function(name: str) -> str:
    """The nearest function of sprig, since a name that is not there gives nil."""
    if not name.startswith("sprig."):
        return "there may be no function of this name"
    from aggregator.lang.sprig import FUNCTIONS  # noqa: PLC0415 - loaded when an expression names it

    return nearest(name.removeprefix("sprig."), FUNCTIONS) or f"{name} does not exist"
