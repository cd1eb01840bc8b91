"""Builtins on lists: ends, parts, order, duplicates, joining."""

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang import gostring
from aggregator.lang.expr.functions.arguments import COUNTED, integer, items
from aggregator.lang.expr.operators import deeper, equal, less, type_name
from aggregator.lang.govalue import AnyMap, ListList, NilList, Uint8

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.expr.frame import Frame


SINGLE: Final = (str, int, float)


def length(_: Frame, value: Any) -> int:
    """The number of elements, of keys, or of code points."""
    if isinstance(value, (str, list, dict, bytes)):
        return len(value)
    raise LanguageError(
        f"len takes a list, a map or a string, not {type_name(value)}", kind="type",
        hint="`x ?? []` replaces a nil" if value is None else "",
    )  # fmt: skip


def end(value: Any, place: int) -> Any:
    """The element at one end, or nil: nothing that lacks ends makes an error here."""
    if isinstance(value, str):
        value = gostring.to_bytes(value)
    if not isinstance(value, (list, bytes)) or not value:
        return None
    return Uint8(value[place]) if isinstance(value, bytes) else value[place]


def first(_: Frame, value: Any) -> Any:
    return end(value, 0)


def last(_: Frame, value: Any) -> Any:
    return end(value, -1)


def take(_: Frame, value: Any, count: Any) -> Any:
    if not isinstance(value, (list, bytes)):
        items("take", value)
    most = count.go_json() if isinstance(count, COUNTED) else integer("take", count)
    if most < 0:
        raise LanguageError(f"take takes a count of 0 or more, not {most}")
    return type(value)(value[:most])


def reverse(frame: Frame, value: Any) -> list[Any]:
    found = items("reverse", value)
    frame.charge(len(found))
    return list(found[::-1])


def concat(frame: Frame, *args: Any) -> list[Any]:
    """All lists in a row; of nothing but empty ones Go makes a nil list."""
    joined: list[Any] = []
    for arg in args:
        found = items("concat", arg)
        frame.charge(len(found))
        joined.extend(found)
    return joined or NilList()


def flatten(frame: Frame, value: Any) -> list[Any]:
    """The elements of all lists within, however deep."""
    flat: list[Any] = []
    gather(items("flatten", value), flat, 0)
    frame.charge(len(flat))
    return flat


def gather(found: Any, flat: list[Any], depth: int) -> None:
    deeper(depth)
    for item in found:
        if isinstance(item, (list, bytes)):
            gather(items("flatten", item), flat, depth + 1)
        else:
            flat.append(item)


def uniq(frame: Frame, value: Any) -> list[Any]:
    """Each element once, by the rule of `==`; only elements that look alike are compared."""
    kept: list[Any] = []
    alike: dict[Any, list[Any]] = {}
    for item in items("uniq", value):
        others = alike.setdefault(looks(item), [])
        frame.step(len(others))
        if not any(equal(item, other, frame.step) for other in others):
            others.append(item)
            kept.append(item)
    return kept


def looks(value: Any) -> Any:
    """A key that equal values share."""
    if isinstance(value, (str, bool)) or value is None:
        return type(value) is bool, value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, AnyMap) or not isinstance(value, (list, dict, bytes)):
        return type(value)
    found = sorted(value.items(), key=first_of) if isinstance(value, dict) else enumerate(value)
    return tuple((place, looks(item) if isinstance(item, SINGLE) else type(item) is dict) for place, item in found)


def first_of(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def order_of(name: str, order: Any) -> bool:
    """Whether the order is descending."""
    if not isinstance(order, str):
        raise LanguageError(f"the order of {name} is a string, not {type_name(order)}", kind="type")
    if order not in ("asc", "desc"):
        raise LanguageError(f"the order of {name} is asc or desc, not {order[:40]!r}")
    return order == "desc"


def sort(frame: Frame, value: Any, order: Any = "asc") -> list[Any]:
    """The elements in order; what is no list of single values gives a nil list."""
    descending = order_of("sort", order)
    if not isinstance(value, list) or isinstance(value, ListList):
        return NilList()
    frame.charge(len(value))
    return arranged([(item, item) for item in value], descending=descending)


def arranged(keyed: list[tuple[Any, Any]], *, descending: bool) -> list[Any]:
    """The values in the order of their keys; equal keys stay in their order. Keys that have none are an error."""
    kinds = {type(key) for key, _ in keyed}
    if len(kinds) == 1 and kinds <= {str, int, float} and all(key == key for key, _ in keyed):  # noqa: PLR0124 - NaN
        plain = kinds != {str} or all(key.isascii() for key, _ in keyed)
        if plain:
            return [value for _, value in sorted(keyed, key=lambda pair: pair[0], reverse=descending)]

    def compare(one: tuple[Any, Any], other: tuple[Any, Any]) -> int:
        if less(one[0], other[0]):
            return -1
        return 1 if less(other[0], one[0]) else 0

    return [value for _, value in sorted(keyed, key=cmp_to_key(compare), reverse=descending)]


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "len": length,
    "first": first,
    "last": last,
    "take": take,
    "reverse": reverse,
    "concat": concat,
    "flatten": flatten,
    "uniq": uniq,
    "sort": sort,
}
