"""What the static check knows of a value: Go's type, or that it is unknown until the expression runs.

Argo compiles against the variables of the moment, so each top-level name has the type of its current value; what lies
inside a map or list has Go's type `interface {}`, and is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.lang import govalue
from aggregator.lang.gotime import Duration, Month, Time, Weekday, Zone
from aggregator.lang.govalue import AnyMap, GoObject, IntList, ListList, StringList, StringMap

if TYPE_CHECKING:
    from collections.abc import Mapping

INTEGERS: Final = frozenset(("int", "int64", "uint8"))


class Nature:
    """`kind` is Go's reflect kind, `name` the type's name (empty: unknown); `element` is what a list is known to hold."""

    __slots__ = ("element", "kind", "name", "overloads")

    def __init__(self, kind: str, name: str, element: Nature | None = None) -> None:
        self.kind = kind
        self.name = name
        self.element = element
        self.overloads: Overloads | None = None

    def __repr__(self) -> str:
        return f"Nature({self})"

    def __str__(self) -> str:
        return self.name or ("nil" if self is NIL else "unknown")

    @property
    def unknown(self) -> bool:
        return self is UNKNOWN or self is ANY

    @property
    def integer(self) -> bool:
        return self.name in INTEGERS

    @property
    def number(self) -> bool:
        return self.name in INTEGERS or self.name == "float64"

    @property
    def list(self) -> bool:
        return self.kind in ("slice", "array")

    def elements(self) -> Nature:
        """The nature of a list's elements or a map's values."""
        return self.element or ELEMENTS.get(self.name, UNKNOWN)

    def bare(self) -> Nature:
        """The type alone, without what is known of the elements."""
        return NAMED.get(self.name, self) if self.element else self

    def assignable(self, target: Nature) -> bool:
        """Whether Go lets a value of this type be used as the target type."""
        if self is NIL:
            return target.kind in ("ptr", "interface", "map", "slice", "func")
        if not self.name or not target.name:
            return False
        return target is ANY or self.name == target.name

    def comparable(self, other: Nature) -> bool:
        """Whether `==` is allowed between the two."""
        return (
            self.unknown
            or other.unknown
            or self is NIL
            or other is NIL
            or (self.number and other.number)
            or (self.list and other.list)
            or self.assignable(other)
        )


class Overloads:
    """The argument types that a function takes, and what it returns."""

    __slots__ = ("choices", "name", "result", "variadic")

    def __init__(self, name: str, choices: tuple[tuple[str, ...], ...], result: str, *, variadic: bool = False) -> None:
        self.name = name
        self.choices = choices
        self.result = result
        self.variadic = variadic


UNKNOWN: Final = Nature("", "")
NIL: Final = Nature("", "")
ANY: Final = Nature("interface", "interface {}")
BOOL: Final = Nature("bool", "bool")
INT: Final = Nature("int", "int")
INT64: Final = Nature("int64", "int64")
UINT8: Final = Nature("uint8", "uint8")
FLOAT: Final = Nature("float64", "float64")
STRING: Final = Nature("string", "string")
BYTES: Final = Nature("slice", "[]uint8")
LIST: Final = Nature("slice", "[]interface {}")
STRINGS: Final = Nature("slice", "[]string")
INTS: Final = Nature("slice", "[]int")
FLOATS: Final = Nature("slice", "[]float64")
LISTS: Final = Nature("slice", "[][]interface {}")
MAP: Final = Nature("map", "map[string]interface {}")
STRING_MAP: Final = Nature("map", "map[string]string")
ANY_MAP: Final = Nature("map", "map[interface {}]interface {}")
GROUPS: Final = Nature("map", "map[interface {}][]interface {}")
TIME: Final = Nature("struct", "time.Time")
DURATION: Final = Nature("int64", "time.Duration")
MONTH: Final = Nature("int", "time.Month")
WEEKDAY: Final = Nature("int", "time.Weekday")
ZONE: Final = Nature("ptr", "*time.Location")

NAMED: Final[dict[str, Nature]] = {
    nature.name: nature
    for nature in (
        ANY, BOOL, INT, INT64, UINT8, FLOAT, STRING, BYTES, LIST, STRINGS, INTS, FLOATS, LISTS, MAP, STRING_MAP, ANY_MAP, GROUPS,
        TIME, DURATION, MONTH, WEEKDAY, ZONE,
    )
}  # fmt: skip
NAMED["any"] = ANY
ELEMENTS: Final = {
    "[]uint8": UINT8,
    "[]interface {}": ANY,
    "[]string": STRING,
    "[]int": INT,
    "[]float64": FLOAT,
    "[][]interface {}": LIST,
    "map[string]interface {}": ANY,
    "map[string]string": STRING,
    "map[interface {}]interface {}": ANY,
    "map[interface {}][]interface {}": LIST,
}
KEYS: Final = {"map[string]interface {}": STRING, "map[string]string": STRING}
OF_TYPE: Final[dict[type, Nature]] = {
    type(None): NIL,
    bool: BOOL,
    int: INT,
    govalue.Int64: INT64,
    govalue.Uint8: UINT8,
    float: FLOAT,
    str: STRING,
    bytes: BYTES,
    list: LIST,
    StringList: STRINGS,
    IntList: INTS,
    ListList: LISTS,
    dict: MAP,
    StringMap: STRING_MAP,
    AnyMap: ANY_MAP,
    Time: TIME,
    Duration: DURATION,
    Month: MONTH,
    Weekday: WEEKDAY,
    Zone: ZONE,
}
METHODS: Final[Mapping[str, Mapping[str, govalue.GoMethod]]] = {
    kind.GO_TYPE: kind.GO_METHODS for kind in (Time, Duration, Month, Weekday, Zone)
}


def nature_of(kind: type) -> Nature:
    """The nature of a value of this Python type; of an object that is not ours nothing is known."""
    found = OF_TYPE.get(kind)
    if found is not None:
        return found
    if issubclass(kind, GoObject):
        return Nature(kind.GO_KIND, kind.GO_TYPE)
    for known in (bool, int, float, str, bytes, list, dict):
        if issubclass(kind, known):
            return OF_TYPE[known]
    return ANY


def list_of(element: Nature) -> Nature:
    """A list whose elements are known."""
    return Nature("slice", "[]interface {}", element)


def function(overloads: Overloads) -> Nature:
    """A function with known arguments."""
    nature = Nature("func", f"func {overloads.name}")
    nature.overloads = overloads
    return nature


def method_of(base: Nature, name: str) -> Nature | None:
    """The method of that name on a Go type, as a function."""
    found: Any = METHODS.get(base.name, {}).get(name)
    if found is None:
        return None
    return function(Overloads(name, (found.params,), found.result, variadic=found.variadic))
