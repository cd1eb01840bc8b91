"""Go's types where Python's are not enough: sized integers, typed collections, and objects with named methods.

The values of all small languages are `None`, `bool`, `int` (Go's int), `float`, `str`, `bytes`, `list`
(Go's `[]interface {}`), `dict` (`map[string]interface {}`), `Time` and `Duration`. A few Go functions return other
types, which Go tells apart (`typeOf`, `deepEqual`, `has`, the check of arguments). These are subclasses here, so that
everything else may treat them as the int, list or dict that they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from aggregator.errors import LanguageError

if TYPE_CHECKING:
    from collections.abc import Callable

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1


def wrap64(value: int) -> int:
    """The integer that 64 bits keep of it, as Go's arithmetic wraps silently."""
    if INT_MIN <= value <= INT_MAX:
        return value
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


class Int64(int):
    """Go's int64, which sprig's arithmetic and some methods return; an int in every other way."""

    __slots__ = ()


class Uint8(int):
    """Go's byte, which indexing a string gives."""

    __slots__ = ()


class Uint64(int):
    """Go's uint64, which the parts of a semantic version are."""

    __slots__ = ()


class StringList(list[Any]):
    """Go's `[]string`."""

    __slots__ = ()


class IntList(list[Any]):
    """Go's `[]int`."""

    __slots__ = ()


class ListList(list[Any]):
    """Go's `[][]interface {}`."""

    __slots__ = ()


class NilList(list[Any]):
    """A `[]interface {}` that was never made: empty, but null in JSON."""

    __slots__ = ()


class NilStringList(list[Any]):
    """A `[]string` that was never made."""

    __slots__ = ()


NIL_LISTS = (NilList, NilStringList)


class StringMap(dict[Any, Any]):
    """Go's `map[string]string`."""

    __slots__ = ()


class AnyMap(dict[Any, Any]):
    """Go's `map[interface {}]interface {}`: keys of any type, so it has no JSON form."""

    __slots__ = ()


GoParameter = str
"""The name of a Go type, as `%T` prints it."""


@dataclass(frozen=True, slots=True)
class GoMethod:
    """A method that expressions may call on a Go object: `call(receiver, *arguments)`."""

    name: str
    params: tuple[GoParameter, ...]
    result: GoParameter
    call: Callable[..., Any]
    variadic: bool = False


class GoObject:
    """A value with a Go type name and methods; the methods are a table, never Python attributes."""

    __slots__ = ()
    GO_TYPE: ClassVar[str] = ""
    GO_KIND: ClassVar[str] = "struct"
    GO_METHODS: ClassVar[Mapping[str, GoMethod]] = {}
    GO_FIELDS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    def go_string(self) -> str:
        """The text that `%v` prints."""
        raise NotImplementedError

    def go_json(self) -> Any:
        """The value whose JSON form is this object's."""
        raise NotImplementedError


TYPE_NAMES: dict[type, str] = {
    type(None): "<nil>",
    bool: "bool",
    int: "int",
    Int64: "int64",
    Uint8: "uint8",
    Uint64: "uint64",
    float: "float64",
    str: "string",
    bytes: "[]uint8",
    list: "[]interface {}",
    StringList: "[]string",
    IntList: "[]int",
    ListList: "[][]interface {}",
    NilList: "[]interface {}",
    NilStringList: "[]string",
    dict: "map[string]interface {}",
    StringMap: "map[string]string",
    AnyMap: "map[interface {}]interface {}",
}


def go_type(value: Any) -> str:
    """Go's name for the dynamic type, as `%T` prints it: `go_type([1]) == "[]interface {}"`."""
    name = TYPE_NAMES.get(type(value))
    if name is not None:
        return name
    if isinstance(value, GoObject):
        return value.GO_TYPE
    for kind in (bool, int, float, str, bytes, list, dict):
        if isinstance(value, kind):
            return TYPE_NAMES[kind]
    if isinstance(value, Mapping):  # a view of the variables
        return TYPE_NAMES[dict]
    return "func(...interface {}) (interface {}, error)" if callable(value) else type(value).__name__


def go_kind(value: Any) -> str:
    """Go's reflect kind: `slice`, `map`, `int64`, `struct`..., `invalid` for nil."""
    if value is None:
        return "invalid"
    if isinstance(value, GoObject):
        return value.GO_KIND
    if isinstance(value, (list, bytes)):
        return "slice"
    if isinstance(value, Mapping):
        return "map"
    name = go_type(value)
    return "func" if name.startswith("func(") else name


def assignable(value: Any, param: GoParameter) -> bool:
    """Whether Go's reflection lets the value be passed for the parameter (nil is every type's zero)."""
    return value is None or param == "interface {}" or go_type(value) == param


def zero_value(param: GoParameter) -> Any:
    """What a nil argument becomes."""
    zeros: dict[str, Any] = {"bool": False, "int": 0, "int64": Int64(0), "float64": 0.0, "string": ""}
    return zeros.get(param)


def find_method(value: Any, name: str) -> GoMethod | None:
    """The method of that name, or None where the value has no such method."""
    return value.GO_METHODS.get(name) if isinstance(value, GoObject) else None


def find_field(value: Any, name: str) -> Callable[[Any], Any] | None:
    """The getter of an object's field, or None where it has no such field."""
    return value.GO_FIELDS.get(name) if isinstance(value, GoObject) else None


def call_method(value: Any, name: str, args: tuple[Any, ...]) -> Any:
    """Call a method by name; the count and the Go types of the arguments are checked."""
    method = find_method(value, name)
    if method is None:
        raise LanguageError(f"type {go_type(value)} has no method {name}", kind="name")
    needed = len(method.params)
    if len(args) != needed and not (method.variadic and len(args) >= needed - 1):
        raise LanguageError(f"{name} takes {needed} argument(s), got {len(args)}", kind="type")
    for i, arg in enumerate(args):
        param = method.params[min(i, needed - 1)]
        if not assignable(arg, param) and not (param == "int" and isinstance(arg, int) and not isinstance(arg, bool)):
            raise LanguageError(f"{name}: cannot use {go_type(arg)} as {param}", kind="type")
    return method.call(value, *args)
