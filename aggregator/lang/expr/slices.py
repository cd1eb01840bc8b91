"""Slices of lists, bytes and strings: negative bounds count from the end, and all bounds are clamped."""

from __future__ import annotations

from typing import Any

from aggregator.errors import LanguageError
from aggregator.lang import gostring
from aggregator.lang.expr.operators import type_name, whole


def cut(value: Any, first: Any, last: Any, has_first: bool, has_last: bool) -> Any:
    """`value[first:last]`; strings are cut between bytes. A bound that was written must be a number."""
    found = gostring.to_bytes(value) if isinstance(value, str) and not value.isascii() else value
    if not isinstance(found, (list, bytes, str)):
        raise LanguageError(f"{type_name(value)} cannot be sliced", kind="type")
    length = len(found)
    low = bound(whole(first, "a slice bound"), length) if has_first else 0
    high = min(bound(whole(last, "a slice bound"), length), length) if has_last else length
    part = found[min(low, high) : high]
    return gostring.from_bytes(part) if isinstance(value, str) and isinstance(part, bytes) else part


def bound(place: int, length: int) -> int:
    return max(0, length + place) if place < 0 else place
