"""Scopes: what a tag or expression can see at a place, looked up on demand and never copied."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aggregator.lang.tags import MISSING, NestedEnv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


NO_LOCALS: dict[str, Any] = {}
"""Shared by scopes that have no values of their own; never changed."""


class Scope:
    """Flat dotted keys with a parent. Values are text; None is a declared output that a skipped producer never wrote."""

    __slots__ = ("local", "parent")

    def __init__(self, parent: Scope | None, local: dict[str, Any] | None = None) -> None:
        self.parent = parent
        self.local: dict[str, Any] = {} if local is None else local

    def own(self, key: str) -> Any:
        """The value in this scope alone, or MISSING."""
        return self.local.get(key, MISSING)

    def get(self, key: str) -> Any:
        """The nearest value, or MISSING."""
        scope: Scope | None = self
        while scope is not None:
            value = scope.own(key)
            if value is not MISSING:
                return value
            scope = scope.parent
        return MISSING

    def why_missing(self, key: str) -> str:
        """Why a key that could have been there is not; empty when nobody knows of it."""
        return self.parent.why_missing(key) if self.parent is not None else ""

    def items(self) -> Iterator[tuple[str, Any]]:
        """This scope's own pairs."""
        yield from self.local.items()

    def flat(self) -> dict[str, Any]:
        """All that is visible from here, nearest values winning."""
        merged = self.parent.flat() if self.parent is not None else {}
        merged.update(self.items())
        return merged

    def env(self) -> Mapping[str, Any]:
        """The nested form that expressions see."""
        return NestedEnv(self.flat())


class TemplateScope(Scope):
    """The inputs and local variables of one template node."""

    __slots__ = ("holder",)

    def own(self, key: str) -> Any:
        value = self.local.get(key, MISSING)
        if value is MISSING and key == "inputs.parameters":
            return inputs_json(self.local)
        return value

    def items(self) -> Iterator[tuple[str, Any]]:
        yield from self.local.items()
        if not any(k.startswith("inputs.parameters.") for k in self.local):
            yield "inputs.parameters", "[]"


def inputs_json(local: dict[str, Any]) -> str:
    """`inputs.parameters`: a JSON list of name and value."""
    prefix = "inputs.parameters."
    pairs = [{"name": k[len(prefix) :], "value": v} for k, v in local.items() if k.startswith(prefix)]
    return json.dumps(pairs, separators=(",", ":"), ensure_ascii=False)
