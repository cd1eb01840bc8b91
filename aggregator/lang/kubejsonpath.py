"""JSONPath templates as kubectl knows them: text, and actions in braces that pick values out of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import regex
from aggregator.lang.goformat import go_value, json_text
from aggregator.lang.gostring import valid
from aggregator.lang.kubejsonpath_reading import parse

if TYPE_CHECKING:
    from aggregator.lang.kubejsonpath_reading import Action, Part

MAX_DEPTH: Final = 50
MAX_RESULTS: Final = 1_000_000
MAX_OUTPUT: Final = 16_000_000


def k8s_jsonpath(data: Any, template: str) -> str:
    """Fill the template from an object; missing keys give nothing, several results are joined by blanks."""
    try:
        return _Run(parse(template), template).text(data)
    except RecursionError:
        raise LimitExceeded("jsonpath depth", "the path and the object are nested too deep", text=template) from None


class _Run:
    def __init__(self, actions: tuple[Action, ...], template: str) -> None:
        self.actions = actions
        self.template = template
        self.begun = self.inside = self.ended = 0
        self.last_end = -1
        self.made = 0

    def _error(self, message: str) -> LanguageError:
        return LanguageError(message, text=self.template, end=len(self.template), kind="value")

    def text(self, data: Any) -> str:
        out: list[str] = []
        size = 0
        for results in self.find([data], 0):
            text = " ".join(_printed(value) for value in results)
            size += len(text)
            if size > MAX_OUTPUT:
                raise LimitExceeded("jsonpath output", f"the result is longer than {MAX_OUTPUT:,} characters")
            out.append(text)
        return "".join(out)

    def find(self, current: list[Any], at: int, depth: int = 0) -> list[list[Any]]:
        """The results of the actions from `at` on, up to the `{end}` of the range that they stand in."""
        if depth > MAX_DEPTH:
            raise LimitExceeded("jsonpath depth", f"ranges are nested more than {MAX_DEPTH} levels deep")
        found: list[list[Any]] = []
        while at < len(self.actions):
            results = self.walk(current, self.actions[at].parts)
            if 0 < self.ended <= self.inside:
                self.ended -= 1
                self.last_end = at
                return found
            if self.begun:
                self.begun -= 1
                self.inside += 1
                for value in results:
                    self._count(1)
                    found.extend(self.find([value], at + 1, depth + 1))
                if not results:
                    self.find([None], at + 1, depth + 1)
                self.inside -= 1
                at = max(at, self.last_end)
            else:
                found.append(results)
            at += 1
        return found

    def walk(self, values: list[Any], parts: list[Part]) -> list[Any]:
        for part in parts:
            values = self.step(values, part)
            self._count(len(values))
        return values

    def _count(self, results: int) -> None:
        self.made += results
        if self.made > MAX_RESULTS:
            raise LimitExceeded("jsonpath results", f"the path has more than {MAX_RESULTS:,} results")

    def step(self, values: list[Any], part: Part) -> list[Any]:
        match part.kind:
            case "text":
                return [part.value]
            case "value":
                return [part.value] * len(values)
            case "field":
                return [value[part.value] for value in values if isinstance(value, dict) and part.value in value]
            case "wildcard":
                return [inner for value in values for inner in _members(value)]
            case "recursive":
                return self._recursive(values, 0)
            case "slice":
                return self._slice(values, *part.value)
            case "union":
                return [inner for branch in part.value for inner in self.walk(values, branch)]
            case "filter":
                return self._filter(values, *part.value)
            case "range":
                self.begun += 1
                return values
            case "end":
                if not self.inside:
                    raise self._error("{end} without {range}")
                self.ended += 1
                return []
        raise self._error(f"unknown word {part.value!r}: only range and end are known, fields begin with a dot")

    def _recursive(self, values: list[Any], depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise LimitExceeded("jsonpath depth", f"the object is nested more than {MAX_DEPTH} levels deep")
        found: list[Any] = []
        for value in values:
            if members := _members(value):
                self._count(len(members))
                found.append(value)
                found.extend(self._recursive(members, depth + 1))
        return found

    def _slice(
        self, values: list[Any], first: int | None, last: int | None, step: int | None, derived: bool
    ) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if value is None:
                continue
            if not isinstance(value, list):
                raise self._error(f"{_kind(value)} is not a list")
            size = len(value)
            begin = (first or 0) + (size if (first or 0) < 0 else 0)
            end = size if last is None else last
            if end < 0 or (end == 0 and derived):
                end += size
            if begin == end:
                return found
            if not 0 <= begin < size:
                raise self._error(f"index {begin} is out of range: the list has {size} elements")
            if not 0 <= end <= size:
                raise self._error(f"index {end - 1} is out of range: the list has {size} elements")
            if begin > end:
                raise self._error(f"the slice starts at {begin}, after its end at {end}")
            if step is not None and step <= 0:
                raise self._error("the step of a slice must be positive")
            found.extend(value[begin : end : step or 1])
        return found

    def _filter(self, values: list[Any], left: list[Part], right: list[Part], operator: str) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if not isinstance(value, list):
                raise self._error(f"{_kind(value)} is not a list and cannot be filtered")
            for element in value:
                if operator == "exists":
                    try:
                        keep = bool(self.walk([element], left))
                    except LimitExceeded:
                        raise
                    except LanguageError:
                        keep = True
                else:
                    keep = self._compare(self.walk([element], left), self.walk([element], right), operator)
                if keep:
                    found.append(element)
        return found

    def _compare(self, lefts: list[Any], rights: list[Any], operator: str) -> bool:
        if not lefts or not rights:
            return False
        if len(lefts) > 1 or len(rights) > 1:
            raise self._error("a filter can only compare one element at a time")
        left, right = lefts[0], rights[0]
        if operator == "=~":
            if not (isinstance(left, str) and isinstance(right, str)):
                raise self._error("=~ compares text with a pattern")
            return regex.compile_pattern(right).search(valid(left)) is not None
        if operator not in ("==", "!=", "<", "<=", ">", ">="):
            raise self._error(f"unknown operator {operator!r} in a filter")
        if type(left) is not type(right) or not isinstance(left, (bool, int, float, str)):
            raise self._error(f"cannot compare {_kind(left)} with {_kind(right)}")
        if operator in ("==", "!="):
            return bool(left == right) is (operator == "==")
        if isinstance(left, bool):
            raise self._error("bools have no order")
        less, equal = left < right, left == right
        return bool({"<": less, "<=": less or equal, ">": not (less or equal), ">=": not less}[operator])


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    if isinstance(value, list):
        return value
    return list(value.encode()) if isinstance(value, str) else []


def _printed(value: Any) -> str:
    if value is None:
        return "null"
    return json_text(value) if isinstance(value, (dict, list)) else go_value(value)


def _kind(value: Any) -> str:
    names = {dict: "a map", list: "a list", str: "text", bool: "a bool", int: "a whole number", float: "a float"}
    return names.get(type(value), "nil")
