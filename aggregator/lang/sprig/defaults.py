"""Sprig's defaults: what counts as empty, and what to take instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.errors import LanguageError
from aggregator.lang.gotime import Duration
from aggregator.lang.gotime.names import Named
from aggregator.lang.sprig.signature import ANY, BOOL, STRING, Family

FAMILY = Family("Defaults and flow")


def is_empty(value: Any) -> bool:
    """nil, false, 0, "" and collections without elements; times are never empty."""
    if value is None:
        return True
    if isinstance(value, (bool, int, float)):
        return not value
    if isinstance(value, (str, bytes, list, Mapping)):
        return len(value) == 0
    if isinstance(value, Duration):
        return value.ns == 0
    return isinstance(value, Named) and value.number == 0


@FAMILY.add("default", ANY, ANY, variadic=True)
def default(fallback: Any, *given: Any) -> Any:
    """The value, or the first argument where it is empty: `sprig.default("a", "")` is "a"."""
    return fallback if not given or is_empty(given[0]) else given[0]


@FAMILY.add("empty", ANY)
def empty(value: Any) -> bool:
    """Whether the value is empty: `sprig.empty(0)` is true."""
    return is_empty(value)


@FAMILY.add("coalesce", ANY, variadic=True)
def coalesce(*values: Any) -> Any:
    """The first value that is not empty: `sprig.coalesce("", 0, 2)` is 2."""
    return next((value for value in values if not is_empty(value)), None)


@FAMILY.add("all", ANY, variadic=True)
def all_set(*values: Any) -> bool:
    """Whether no value is empty: `sprig.all(1, "a")` is true."""
    return not any(is_empty(value) for value in values)


@FAMILY.add("any", ANY, variadic=True)
def any_set(*values: Any) -> bool:
    """Whether some value is not empty: `sprig.any(0, "a")` is true."""
    return any(not is_empty(value) for value in values)


@FAMILY.add("ternary", ANY, ANY, BOOL)
def ternary(yes: Any, no: Any, condition: bool) -> Any:
    """One of two values: `sprig.ternary("a", "b", true)` is "a"."""
    return yes if condition else no


@FAMILY.add("fail", STRING)
def fail(message: str) -> str:
    """Ends the evaluation with this message: `sprig.fail("no port given")`."""
    raise LanguageError(message)
