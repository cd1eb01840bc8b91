"""Sprig's dictionaries; `set`, `unset` and the merges change the map they are given, as the original does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.gotime import Time
from aggregator.lang.govalue import StringList, StringMap, go_type
from aggregator.lang.sprig.defaults import is_empty
from aggregator.lang.sprig.signature import ANY, MAP, STRING, Family
from aggregator.lang.sprig.strval import strval

FAMILY = Family("Dictionaries")
MAX_DEPTH = 200


def writable(target: Any, name: str) -> dict[str, Any]:
    """The map itself, where it can be changed."""
    if isinstance(target, dict):
        return target
    what = "nil has no entries to change" if target is None else "the variables themselves cannot be changed"
    raise LanguageError(f"sprig.{name}: {what}", hint="copy the map with sprig.deepCopy first")


@FAMILY.add("dict", ANY, variadic=True)
def make_dict(*pairs: Any) -> dict[str, Any]:
    """A map of keys and values in turn: `sprig.dict("a", 1, "b", 2)` is {a: 1, b: 2}."""
    result: dict[str, Any] = {}
    for i in range(0, len(pairs), 2):
        result[strval(pairs[i])] = pairs[i + 1] if i + 1 < len(pairs) else ""
    return result


@FAMILY.add("get", MAP, STRING)
def get(source: Mapping[str, Any] | None, key: str) -> Any:
    """The value of a key, "" where it is missing: `sprig.get({a: 1}, "a")` is 1."""
    return (source or {}).get(key, "")


@FAMILY.add("set", MAP, STRING, ANY)
def set_key(target: Any, key: str, value: Any) -> dict[str, Any]:
    """Puts the value into the map, and gives the map: `sprig.set({a: 1}, "b", 2)` is {a: 1, b: 2}."""
    changed = writable(target, "set")
    changed[key] = value
    return changed


@FAMILY.add("unset", MAP, STRING)
def unset(target: Any, key: str) -> Any:
    """Takes the key out of the map, and gives the map: `sprig.unset({a: 1, b: 2}, "b")` is {a: 1}."""
    if target and key in target:
        del writable(target, "unset")[key]
    return {} if target is None else target


@FAMILY.add("hasKey", MAP, STRING)
def has_key(source: Mapping[str, Any] | None, key: str) -> bool:
    """Whether the map has the key: `sprig.hasKey({a: 1}, "a")` is true."""
    return key in (source or {})


@FAMILY.add("pluck", STRING, MAP, variadic=True)
def pluck(key: str, *sources: Mapping[str, Any] | None) -> list[Any]:
    """The key's value in every map that has it: `sprig.pluck("a", {a: 1}, {a: 2})` is [1, 2]."""
    return [source[key] for source in sources if source and key in source]


@FAMILY.add("keys", MAP, variadic=True)
def keys(*sources: Mapping[str, Any] | None) -> StringList:
    """All keys, in no order to rely on: `sprig.sortAlpha(sprig.keys({b: 1, a: 2}))` is ["a", "b"]."""
    return StringList([key for source in sources for key in source or {}])


@FAMILY.add("values", MAP)
def values(source: Mapping[str, Any] | None) -> list[Any]:
    """All values, in no order to rely on: `sprig.values({a: 1})` is [1]."""
    return list((source or {}).values())


@FAMILY.add("pick", MAP, STRING, variadic=True)
def pick(source: Mapping[str, Any] | None, *wanted: str) -> dict[str, Any]:
    """Only these keys: `sprig.pick({a: 1, b: 2}, "a")` is {a: 1}."""
    return {key: source[key] for key in wanted if source and key in source}


@FAMILY.add("omit", MAP, STRING, variadic=True)
def omit(source: Mapping[str, Any] | None, *unwanted: str) -> dict[str, Any]:
    """All but these keys: `sprig.omit({a: 1, b: 2}, "a")` is {b: 2}."""
    return {key: value for key, value in (source or {}).items() if key not in unwanted}


@FAMILY.add("dig", ANY, variadic=True)
def dig(*path: Any) -> Any:
    """A value deep in maps, or the default before the map: `sprig.dig("a", "b", 0, {a: {b: 5}})` is 5."""
    if len(path) < 3:
        raise LanguageError("sprig.dig needs at least three arguments: keys, a default and a map")
    *names, fallback, here = path
    for name in names:
        if not isinstance(name, str):
            raise LanguageError(f"sprig.dig: a key must be a string, not {go_type(name)}", kind="type")
    for name in names:
        if go_type(here) != MAP:
            raise LanguageError(f"sprig.dig: {go_type(here)} has no key {name!r}", kind="type")
        if name not in here:
            return fallback
        here = here[name]
    return here


@FAMILY.add("merge mustMerge", MAP, MAP, variadic=True)
def merge(target: Any, *sources: Mapping[str, Any] | None) -> Any:
    """Fills in what the first map lacks, deeply: `sprig.merge({a: 1}, {a: 2, b: 3})` is {a: 1, b: 3}."""
    return merged(target, sources, overwrite=False)


@FAMILY.add("mergeOverwrite mustMergeOverwrite", MAP, MAP, variadic=True)
def merge_overwrite(target: Any, *sources: Mapping[str, Any] | None) -> Any:
    """Later maps win, deeply: `sprig.mergeOverwrite({a: 1}, {a: 2})` is {a: 2}."""
    return merged(target, sources, overwrite=True)


def merged(target: Any, sources: tuple[Mapping[str, Any] | None, ...], *, overwrite: bool) -> Any:
    result = {} if target is None else target
    for source in sources:
        if source:
            deep_merge(writable(result, "merge"), source, overwrite=overwrite, depth=0)
    return result


def deep_merge(target: dict[str, Any], source: Mapping[str, Any], *, overwrite: bool, depth: int) -> None:
    """Maps are merged into maps; anything else of the source is taken where the target has nothing or must give way."""
    if depth > MAX_DEPTH:
        raise LimitExceeded("depth", "sprig.merge: the maps are nested too deep")
    for key, value in list(source.items()):
        if value is None:
            if overwrite:
                target[key] = None
            continue
        present = key in target
        old = target.get(key)
        if isinstance(value, Mapping) and isinstance(old, dict):
            if old is not value:
                deep_merge(old, value, overwrite=overwrite, depth=depth + 1)
            if old:
                continue
        if overwrite or not present or is_empty(old):
            if isinstance(target, StringMap) and not isinstance(value, str):
                raise LanguageError(f"sprig.merge: {go_type(value)} does not fit a map of strings", kind="type")
            target[key] = value


@FAMILY.add("deepCopy mustDeepCopy", ANY)
def deep_copy(value: Any) -> Any:
    """A copy that shares nothing with the original: `sprig.set(sprig.deepCopy(m), "a", 1)` leaves m alone."""
    if value is None:
        raise LanguageError("sprig.deepCopy: nil cannot be copied")
    return copied(value)


def copied(value: Any) -> Any:
    if isinstance(value, list):
        return type(value)([copied(item) for item in value])
    if isinstance(value, dict):
        return type(value)((key, copied(item)) for key, item in value.items())
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    return Time(value.ns, value.zone) if isinstance(value, Time) else value
