"""The `jsonpath(text, path)` function of Argo's expressions: JSONPath with filters, scripts and `.length`.

A path of names and indexes gives the bare value; one with `*`, `..`, a slice, a union or a filter gives a list. What is
missing is an error, except below those, where it is left out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded, nearest
from aggregator.lang.argojsonpath_reading import steps_of
from aggregator.lang.jsonscript import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Reader = Callable[[Any, Any], Any]

MAX_LENGTH: Final = 20_000
MAX_STEPS: Final = 60
MAX_WORK: Final = 1_000_000
MAX_DEPTH: Final = 100


class _Work:
    """Counts what one query looks at, so that `$..*..*` ends."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_WORK

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise LimitExceeded("jsonpath steps", f"the path looks at more than {MAX_WORK:,} values")


def argo_jsonpath(data: Any, path: str) -> Any:
    """The value at a path of parsed JSON: `argo_jsonpath({"a": [1.0]}, "$.a[0]") == 1.0`."""
    try:
        return _compiled(path).run(data, data, _Work())
    except RecursionError:
        raise LimitExceeded("jsonpath depth", "the path and the value are nested too deep", text=path) from None


@lru_cache(maxsize=512)
def _compiled(path: str) -> _Query:
    if len(path) > MAX_LENGTH:
        raise LimitExceeded("jsonpath length", f"the path has {len(path):,} characters; the limit is {MAX_LENGTH:,}")
    return _Query(path, 0)


class _Query:
    def __init__(self, path: str, depth: int) -> None:
        self.path = path
        self.work = _Work()
        self.steps = steps_of(path, self.reader, depth)
        if len(self.steps) > MAX_STEPS:
            raise LimitExceeded("jsonpath steps", f"the path has more than {MAX_STEPS} steps", text=path)

    def run(self, root: Any, current: Any, work: _Work) -> Any:
        self.work = work
        return self.apply(0, root, current)

    def apply(self, at: int, root: Any, current: Any) -> Any:
        """The value of the steps from `at` on."""
        self.work.spend(1)
        if at == len(self.steps):
            return current
        kind, argument = self.steps[at]
        handler: Callable[[int, Any, Any, Any], Any] = getattr(self, _HANDLERS[kind])
        return handler(at, root, current, argument)

    def error(self, message: str, kind: str = "value", hint: str = "") -> LanguageError:
        return LanguageError(message, text=self.path, end=len(self.path), kind=kind, hint=hint)

    def reader(self, text: str, depth: int) -> Reader:
        """A path inside of a filter; it shares the count of this query."""
        query = _Query(text, depth)
        return lambda root, current: query.run(root, current, self.work)

    def root(self, at: int, root: Any, _current: Any, _argument: Any) -> Any:
        return self.apply(at + 1, root, root)

    def current(self, at: int, root: Any, current: Any, _argument: Any) -> Any:
        return self.apply(at + 1, root, current)

    def key(self, at: int, root: Any, current: Any, name: str) -> Any:
        if not isinstance(current, dict):
            raise self.error(f"{name!r} needs a map, found {_kind(current)}")
        if name not in current:
            raise self.error(f"there is no key {name!r}", "name", nearest(name, [str(key) for key in current]))
        return self.apply(at + 1, root, current[name])

    def index(self, at: int, root: Any, current: Any, index: int) -> Any:
        if not isinstance(current, list):
            raise self.error(f"[{index}] needs a list, found {_kind(current)}")
        if not -len(current) <= index < len(current):
            raise self.error(f"[{index}] is out of range: the list has {len(current)} elements")
        return self.apply(at + 1, root, current[index])

    def length(self, at: int, root: Any, current: Any, _argument: Any) -> Any:
        if isinstance(current, dict):
            return self.apply(at + 1, root, current.get("length", len(current)))
        if isinstance(current, str):
            return self.apply(at + 1, root, len(current.encode()))
        if isinstance(current, list):
            return self.apply(at + 1, root, len(current))
        raise self.error(f".length needs a list, text or map, found {_kind(current)}")

    def script(self, at: int, root: Any, current: Any, script: Script) -> Any:
        value = self._integer(script.run(root, current))
        if isinstance(value, str):
            return self.key(at, root, current, value[1:-1] if value[:1] == value[-1:] == "'" else value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self.index(at, root, current, value)
        raise self.error(f"the script gives {_kind(value)}: expected a whole number or text")

    def _integer(self, value: Any) -> Any:
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def wildcard(self, at: int, root: Any, current: Any, _argument: Any) -> Any:
        return list(self._each(at, root, _members(self, current, "*")))

    def _each(self, at: int, root: Any, elements: list[Any]) -> Iterator[Any]:
        """The rest of the path on each element; what fails or is nil is left out."""
        self.work.spend(len(elements))
        for element in elements:
            if at + 1 == len(self.steps):
                yield element
                continue
            try:
                value = self.apply(at + 1, root, element)
            except LimitExceeded:
                raise
            except LanguageError:
                continue
            if value is not None:
                yield value

    def _picked(self, at: int, root: Any, elements: list[Any]) -> Any:
        """Elements that were picked; an index after them picks one of these."""
        if at + 1 < len(self.steps) and self.steps[at + 1][0] == "index":
            return self.apply(at + 1, root, elements)
        return list(self._each(at, root, elements))

    def recursive(self, at: int, root: Any, current: Any, _argument: Any) -> Any:
        found: list[Any] = []
        self._descend(at, root, current, found, 0)
        return found

    def _descend(self, at: int, root: Any, current: Any, found: list[Any], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise LimitExceeded("jsonpath depth", f"the value is nested more than {MAX_DEPTH} levels deep")
        if current is None:
            return
        for value in self._each(at, root, [current]):
            if isinstance(value, list) and at + 1 < len(self.steps):
                found.extend(value)
            else:
                found.append(value)
        self.work.spend(len(found) // 16)
        if isinstance(current, (dict, list)):
            for inner in _members(self, current, ".."):
                self._descend(at, root, inner, found, depth + 1)

    def filter(self, at: int, root: Any, current: Any, script: Script) -> Any:
        if not script.text:
            raise self.error("the filter is empty", "syntax")
        kept = []
        for element in _members(self, current, "a filter"):
            self.work.spend(1)
            try:
                value = script.run(root, element)
            except LimitExceeded:
                raise
            except LanguageError:
                continue
            if _kept(value):
                kept.append(element)
        return self._picked(at, root, kept)

    def union(self, at: int, root: Any, current: Any, arguments: list[Any]) -> Any:
        wanted = [
            self._integer(argument.run(root, current)) if isinstance(argument, Script) else argument
            for argument in arguments
        ]
        names = [name for name in wanted if isinstance(name, str)]
        if names and len(names) < len(wanted):
            raise self.error("a union has names or indexes, not both")
        if not all(isinstance(item, (int, str)) and not isinstance(item, bool) for item in wanted):
            raise self.error("a union has names or whole numbers")
        if names:
            if not isinstance(current, dict):
                raise self.error(f"a union of names needs a map, found {_kind(current)}")
            return self._picked(at, root, [current[name] for name in names if name in current])
        if not isinstance(current, list):
            raise self.error(f"a union of indexes needs a list, found {_kind(current)}")
        size = len(current)
        return self._picked(at, root, [current[index] for index in wanted if -size <= index < size])

    def slice(self, at: int, root: Any, current: Any, bounds: list[Any]) -> Any:
        if not isinstance(current, list):
            raise self.error(f"a slice needs a list, found {_kind(current)}")
        size = len(current)
        first, last, step = [self._bound(bound, root, current) for bound in bounds]
        begin = min(max(first + size if first < 0 else first, 0), size) if first is not None else 0
        end = min(max(last + size if last < 0 else last, 0), size) if last is not None else size
        step = 1 if step is None else step
        if step == 0:
            raise self.error("the step of a slice cannot be zero")
        positions = range(begin, end, step) if step > 0 else range(end - 1, begin - 1, step)
        return self._picked(at, root, [current[i] for i in positions])

    def _bound(self, bound: Any, root: Any, current: Any) -> int | None:
        if isinstance(bound, Script):
            bound = self._integer(bound.run(root, current))
        if bound is None or (isinstance(bound, int) and not isinstance(bound, bool)):
            return bound
        raise self.error("the bound of a slice must be a whole number")


_HANDLERS: Final = {
    kind: kind
    for kind in (
        "root", "current", "key", "index", "length", "script", "wildcard", "recursive", "filter", "union", "slice",
    )
}  # fmt: skip


def _members(query: _Query, value: Any, what: str) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    if isinstance(value, list):
        return value
    raise query.error(f"{what} needs a list or a map, found {_kind(value)}")


def _kept(value: Any) -> bool:
    if isinstance(value, str):
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            return len(value) > 2
        return bool(value)
    return bool(value)


def _kind(value: Any) -> str:
    names = {dict: "a map", list: "a list", str: "text", bool: "a bool", int: "a number", float: "a number"}
    return names.get(type(value), "nil")
