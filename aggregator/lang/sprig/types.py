"""Sprig's questions about Go types."""

from __future__ import annotations

from typing import Any

from aggregator.lang.govalue import go_kind, go_type
from aggregator.lang.sprig.equality import deep_equal
from aggregator.lang.sprig.signature import ANY, STRING, Family

FAMILY = Family("Types")


@FAMILY.add("typeOf", ANY)
def type_of(value: Any) -> str:
    """Go's name of the type: `sprig.typeOf([1])` is "[]interface {}"."""
    return go_type(value)


@FAMILY.add("typeIs", STRING, ANY)
def type_is(name: str, value: Any) -> bool:
    """Whether the type has that name: `sprig.typeIs("string", "a")` is true."""
    return go_type(value) == name


@FAMILY.add("typeIsLike", STRING, ANY)
def type_is_like(name: str, value: Any) -> bool:
    """Whether the type has that name, pointer or not: `sprig.typeIsLike("semver.Version", sprig.semver("1.2"))` is true."""
    return go_type(value) in (name, f"*{name}")


@FAMILY.add("kindOf", ANY)
def kind_of(value: Any) -> str:
    """Go's kind of the type: `sprig.kindOf([1])` is "slice"."""
    return go_kind(value)


@FAMILY.add("kindIs", STRING, ANY)
def kind_is(name: str, value: Any) -> bool:
    """Whether the type is of that kind: `sprig.kindIs("map", {})` is true."""
    return go_kind(value) == name


@FAMILY.add("deepEqual", ANY, ANY)
def equal(left: Any, right: Any) -> bool:
    """Whether the values are the same in every part and type: `sprig.deepEqual(1, 1.0)` is false."""
    return deep_equal(left, right)
