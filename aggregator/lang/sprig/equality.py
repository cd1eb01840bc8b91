"""Equality as Go's reflect.DeepEqual has it: types count, so 1 is not 1.0 and a list of texts is not a list of any."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from aggregator.lang.goformat import go_value
from aggregator.lang.gotime import Duration, Time
from aggregator.lang.govalue import NIL_LISTS, go_type


def identity(value: Any) -> Hashable:
    """A key that two values share exactly if they are deeply equal; NaN equals nothing, not even itself."""
    kind = go_type(value)
    if isinstance(value, float):
        return (kind, value) if value == value else object()  # noqa: PLR0124 - only NaN differs from itself
    if isinstance(value, list):
        return kind, isinstance(value, NIL_LISTS), tuple([identity(item) for item in value])
    if isinstance(value, Mapping):
        return kind, frozenset((identity(key), identity(item)) for key, item in value.items())
    if isinstance(value, Time):
        return kind, value.ns, value.zone
    if value is None or isinstance(value, (bool, int, str, bytes, Duration)):
        return kind, value
    return kind, go_value(value)


def deep_equal(left: Any, right: Any) -> bool:
    return identity(left) == identity(right)
