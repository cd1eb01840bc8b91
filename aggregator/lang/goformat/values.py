"""Any value as Go's %v prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.errors import LimitExceeded
from aggregator.lang.goformat.floats import format_float
from aggregator.lang.govalue import GoObject, go_type


def go_value(value: Any) -> str:
    """Go's `%v`: `go_value({"b": [1, 2.5, None]}) == "map[b:[1 2.5 <nil>]]"`, `go_value(1e6) == "1e+06"`."""
    try:
        return _text(value)
    except RecursionError:
        raise LimitExceeded("depth", "the value is nested too deep to print") from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return format_float(value)
    if isinstance(value, list):
        return "[" + " ".join([_text(item) for item in value]) + "]"
    if isinstance(value, Mapping):
        return "map[" + " ".join([f"{_text(key)}:{_text(value[key])}" for key in sorted_keys(value)]) + "]"
    if isinstance(value, bytes):
        return "[" + " ".join(map(str, value)) + "]"
    if isinstance(value, GoObject):
        return value.go_string()
    return "0x0" if callable(value) else str(value)


def sorted_keys(mapping: Mapping[Any, Any]) -> list[Any]:
    """The keys in Go's printing order: nil, then by type, then by value."""
    try:
        return sorted(mapping)
    except TypeError:
        return sorted(mapping, key=lambda key: (key is not None, go_type(key), key))
