"""The variables that tags see: flat dotted keys, and the nested view of them that expressions walk through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final, Protocol


class Missing(Enum):
    """The answer for a key that nobody has set; None is a value: an optional output that was never written."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING

PLACEHOLDER: Final = "__argo__internal__placeholder-"
MAX_PARTS: Final = 64


class Variables(Protocol):
    """What a template is filled from."""

    def get(self, key: str, /) -> Any:
        """The value of a flat key such as `steps.a.outputs.result`, or MISSING."""

    def env(self) -> Mapping[str, Any]:
        """The nested view for expressions."""


class NestedEnv(Mapping[str, Any]):
    """Dotted keys as nested maps, built one top-level name at a time when it is asked for.

    `levels` are flat mappings, the nearest last. Where both `a` and `a.b` are set, the shorter key is dropped.
    """

    __slots__ = ("_built", "_index", "_levels")

    def __init__(self, *levels: Mapping[str, Any]) -> None:
        self._levels = levels
        self._index: dict[str, dict[str, Any]] | None = None
        self._built: dict[str, Any] = {}

    def _roots(self) -> dict[str, dict[str, Any]]:
        """For every top-level name the rest of its keys; "" is the name alone."""
        if self._index is None:
            index: dict[str, dict[str, Any]] = {}
            for level in self._levels:
                for key, value in level.items():
                    root, dot, rest = key.partition(".")
                    # The rest keeps its dot, so that `a.` (an empty part) differs from `a`.
                    index.setdefault(root, {})[dot + rest] = value
            self._index = index
        return self._index

    def __getitem__(self, name: str) -> Any:
        try:
            return self._built[name]
        except KeyError:
            value = self._built[name] = _nest(self._roots()[name])
            return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._roots())

    def __len__(self) -> int:
        return len(self._roots())

    def __contains__(self, name: object) -> bool:
        return name in self._roots()


def _nest(keys: dict[str, Any]) -> Any:
    """Nested maps of dotted rests; a value that would stand in the way of a map gives way."""
    if len(keys) == 1 and "" in keys:
        return keys[""]
    top: dict[str, Any] = {}
    made = {id(top)}
    for rest, value in sorted(keys.items()):
        if not rest:
            continue
        parts = rest[1:].split(".", MAX_PARTS)
        inner: dict[str, Any] = top
        for part in parts[:-1]:
            below: Any = inner.get(part)
            # A map that is itself a value is a leaf like any other.
            if id(below) not in made:
                below = inner[part] = {}
                made.add(id(below))
            inner = below
        inner[parts[-1]] = value
    return top


class Scope:
    """Variables in a dict, with a parent that is asked for what is not found here."""

    __slots__ = ("_env", "parent", "values")

    def __init__(self, values: Mapping[str, Any] | None = None, parent: Scope | None = None) -> None:
        self.values: dict[str, Any] = dict(values or {})
        self.parent = parent
        self._env: NestedEnv | None = None

    def get(self, key: str, /) -> Any:
        scope: Scope | None = self
        while scope is not None:
            value = scope.values.get(key, MISSING)
            if value is not MISSING:
                return value
            scope = scope.parent
        return MISSING

    def set(self, key: str, value: Any) -> None:
        self.values[key] = value
        self._env = None

    def env(self) -> NestedEnv:
        """The nested view of this scope and its parents; it is kept until `set` is called here."""
        if self._env is None:
            levels: list[Mapping[str, Any]] = []
            scope: Scope | None = self
            while scope is not None:
                levels.append(scope.values)
                scope = scope.parent
            self._env = NestedEnv(*reversed(levels))
        return self._env

    def child(self, values: Mapping[str, Any] | None = None) -> Scope:
        return Scope(values, self)


def has_path(env: Mapping[str, Any], path: str) -> bool:
    """Whether a dotted path leads to a value (which may be nil) through nested maps."""
    current: Any = env
    for part in path.split("."):
        if not isinstance(current, Mapping) or part not in current:
            return False
        current = current[part]
    return True


def flat_keys(env: Mapping[str, Any], limit: int = 1000) -> list[str]:
    """Dotted paths to the values of a nested view, for suggestions in errors and completion."""
    found: list[str] = []
    waiting: list[tuple[str, Any]] = [("", env)]
    while waiting and len(found) < limit:
        path, value = waiting.pop()
        if isinstance(value, Mapping) and value:
            waiting.extend((f"{path}.{key}" if path else str(key), inner) for key, inner in value.items())
        elif path:
            found.append(path)
    return found


def has_placeholder(env: Mapping[str, Any]) -> bool:
    """Whether some value is a stand-in that linting uses for a value known only at run time."""
    waiting: list[Any] = [env]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, str) and value.startswith(PLACEHOLDER):
            return True
    return False
