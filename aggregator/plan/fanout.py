"""Loops: the elements of withItems, withParam and withSequence, one at a time and without copies.

`Elements[i]` costs O(1), so that a loop of 100,000 starts its first element before the last one exists.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Self

from aggregator.errors import LanguageError
from aggregator.lang.goformat import json_string, json_text, sprintf

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNNAMED = str.maketrans("", "", "()")
_ESCAPED = re.compile(r'["\\<>&\x00-\x1f\u2028\u2029]')
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
MAX_ELEMENTS = 10_000_000


class RawFloat(float):
    """A number that prints as it was written in the JSON text."""

    raw: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.raw = text
        return number


def item_text(value: Any) -> str:
    """`{{item}}`: strings as they are, everything else as compact JSON (a null is Go's empty list, printed `null`).

    A map shows its keys in order. What is inside of a map or list stands as it was written: 1.50, and the order of keys.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = {key: value[key] for key in sorted(value)}
    return _as_written(value)


def _as_written(value: Any) -> str:
    if isinstance(value, RawFloat):
        return value.raw
    if isinstance(value, list):
        return "[" + ",".join([_as_written(inner) for inner in value]) + "]"
    if isinstance(value, dict):
        return "{" + ",".join([f"{json_string(key)}:{_as_written(inner)}" for key, inner in value.items()]) + "}"
    return json_string(value) if isinstance(value, str) else json_text(value)


def _described(value: Any) -> str:
    if isinstance(value, str):
        # Line ends, quotes, `<` and the like stand in names as Go writes them in JSON, as in Argo.
        return json_string(value)[1:-1] if _ESCAPED.search(value) else value
    if isinstance(value, dict):
        return ",".join(f"{k}:{_inner(value[k])}" for k in sorted(value))
    if isinstance(value, list):
        return "[" + " ".join(_inner(v) for v in value) + "]"
    return item_text(value)


def _inner(value: Any) -> str:
    return _described(value) if isinstance(value, str) else _as_written(value)


class Elements:
    """The elements of one loop. `[i]` is the item's value, `suffix(i)` what its node is named by: `(0:a)`."""

    __slots__ = ("_format", "_start", "_step", "_values", "count")

    def __init__(
        self, values: Sequence[Any] | None, start: int = 0, count: int = 0, step: int = 1, text: str = "%d"
    ) -> None:
        self._values = values
        self._start = start
        self._step = step
        self._format = text
        self.count = len(values) if values is not None else count

    def __getitem__(self, index: int) -> Any:
        if self._values is not None:
            return self._values[index]
        number = self._start + index * self._step
        return str(number) if self._format == "%d" else sprintf(self._format, number)

    def suffix(self, index: int) -> str:
        """`(INDEX:DESCRIPTION)`: parentheses are taken out, map items are sorted pairs, lists are in brackets."""
        value = self[index]
        text = _described(value)
        if "(" in text or ")" in text:
            text = text.translate(_UNNAMED)
        return f"({index}:{text})"


def item_scope(value: Any) -> dict[str, Any]:
    """The variables of one element: `item`, and `item.KEY` for the keys of a map."""
    scope: dict[str, Any] = {"item": item_text(value)}
    if isinstance(value, dict):
        for key, inner in value.items():
            scope[f"item.{key}"] = inner if isinstance(inner, str) else _as_written(inner)
    return scope


def expand_items(values: Any) -> Elements:
    """withItems, already filled."""
    if not isinstance(values, list):
        raise LanguageError(f"withItems must be a list, not {type(values).__name__}", kind="type")
    return Elements([_sorted(value) if isinstance(value, dict | list) else value for value in values])


def _sorted(value: Any) -> Any:
    """Items in YAML became JSON on their way to Argo, which sorts the keys of maps, also of those inside."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value


def expand_param(text: str) -> Elements:
    """withParam: the text of a JSON array; `null` is one without elements, as a Go list is written that nobody made."""
    try:
        values = json.loads(text, parse_float=RawFloat, parse_constant=_no_number)
    except ValueError as problem:
        seen = text if len(text) <= 80 else text[:77] + "..."
        raise LanguageError(
            f"withParam value could not be parsed as a JSON list: {seen!r}: {problem}", kind="value"
        ) from None
    if values is None:
        return Elements(())
    if not isinstance(values, list):
        raise LanguageError(f"withParam value must be a JSON list, not {text[:80]!r}", kind="type")
    return Elements(values)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON value")


def expand_sequence(sequence: dict[str, Any]) -> Elements:
    """withSequence: start (default 0) to end inclusive, or `count` numbers; end wins; start above end counts down."""
    start = _whole(sequence.get("start"), "start", 0)
    text = sequence.get("format") or "%d"
    if sequence.get("end") not in (None, ""):
        end = _whole(sequence["end"], "end", 0)
    elif sequence.get("count") not in (None, ""):
        count = _whole(sequence["count"], "count", 0)
        if count < 0:
            raise LanguageError(f"withSequence.count must not be negative, it is {count}", kind="value")
        if count == 0:
            return Elements(())
        end = start + count - 1
    else:
        raise LanguageError("withSequence needs 'end' or 'count'", kind="value")
    total = abs(end - start) + 1
    if total > MAX_ELEMENTS:
        raise LanguageError(f"withSequence would make {total} elements, more than {MAX_ELEMENTS}", kind="limit")
    return Elements(None, start, total, 1 if end >= start else -1, text)


def _whole(value: Any, name: str, default: int) -> int:
    if value is None or value == "":
        return default
    text = str(value).strip()
    if not _WHOLE.fullmatch(text):
        raise LanguageError(f"withSequence.{name} must be a whole number, it is {value!r}", kind="value")
    return int(text)
