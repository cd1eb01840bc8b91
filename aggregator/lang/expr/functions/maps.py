"""Builtins on maps: keys, values, pairs, and `get`, which gives nil where an index would fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang import gostring
from aggregator.lang.expr.calls import bound_method
from aggregator.lang.expr.functions.arguments import items
from aggregator.lang.expr.operators import key_of, type_name, value_of, whole
from aggregator.lang.govalue import AnyMap, GoObject, ListList, Uint8

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.expr.frame import Frame


def mapping(name: str, value: Any) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    raise LanguageError(f"{name} takes a map, not {type_name(value)}", kind="type")


def keys(_: Frame, value: Any) -> list[Any]:
    return list(mapping("keys", value))


def values(_: Frame, value: Any) -> list[Any]:
    return list(mapping("values", value).values())


def to_pairs(_: Frame, value: Any) -> list[Any]:
    return ListList([key, item] for key, item in mapping("toPairs", value).items())


def from_pairs(_: Frame, value: Any) -> AnyMap:
    made = AnyMap()
    for pair in items("fromPairs", value):
        if not isinstance(pair, (list, bytes)) or len(pair) != 2:
            raise LanguageError(f"fromPairs takes lists of a key and a value, not {type_name(pair)}", kind="type")
        key, item = items("fromPairs", pair)
        made[key_of(made, key)] = item
    return made


def get(_: Frame, value: Any, key: Any) -> Any:
    """The element or the value of a key, nil where there is none."""
    if isinstance(value, dict):
        return value_of(value, key)
    if isinstance(value, (list, bytes, str)):
        place = whole(key)
        found = gostring.to_bytes(value) if isinstance(value, str) else value
        if not -len(found) <= place < len(found):
            return None
        return found[place] if isinstance(found, list) else Uint8(found[place])
    if isinstance(value, GoObject) and isinstance(key, str):
        return bound_method(value, key)
    return None


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "keys": keys,
    "values": values,
    "toPairs": to_pairs,
    "fromPairs": from_pairs,
    "get": get,
}
