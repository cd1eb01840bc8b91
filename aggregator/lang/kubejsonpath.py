"""JSONPath templates as kubectl knows them: text, and actions in braces that pick values out of an object."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import regex
from aggregator.lang.goformat import go_value, json_text
from aggregator.lang.gostring import valid

MAX_LENGTH: Final = 100_000
MAX_DEPTH: Final = 50
MAX_RESULTS: Final = 1_000_000
MAX_OUTPUT: Final = 16_000_000

TERMINATORS: Final = frozenset(" \t\r\n.,[]$@{}")
KEY: Final = re.compile(r"'([^']*)'")
SLICE: Final = re.compile(r"(-?[0-9]*)(?::(-?[0-9]*))?(?::(-?[0-9]*))?")
NUMBER: Final = re.compile(r"[+-]?[0-9.]*")
COMPARISON: Final = re.compile(r"([^!<>=]+)([!<>=~]+)(.+)")
ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.?))", re.DOTALL)


@dataclass(slots=True)
class Part:
    """One step of an action; `kind` says which, and `value` what it needs."""

    kind: str
    value: Any = None


@dataclass(slots=True)
class Action:
    """The steps between one pair of braces, or a piece of text outside of them."""

    parts: list[Part] = field(default_factory=list)


def k8s_jsonpath(data: Any, template: str) -> str:
    """Fill the template from an object; missing keys give nothing, several results are joined by blanks."""
    try:
        return _Run(_parse(template), template).text(data)
    except RecursionError:
        raise LimitExceeded("jsonpath depth", "the path and the object are nested too deep", text=template) from None


@lru_cache(maxsize=512)
def _parse(text: str) -> tuple[Action, ...]:
    if len(text) > MAX_LENGTH:
        raise LimitExceeded("jsonpath length", f"the path has {len(text):,} characters; the limit is {MAX_LENGTH:,}")
    return tuple(_Parser(text).whole())


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def _error(self, message: str, start: int, end: int | None = None, hint: str = "") -> LanguageError:
        end = start + 1 if end is None else end
        return LanguageError(message, text=self.text, start=start, end=end, kind="syntax", hint=hint)

    def whole(self) -> list[Action]:
        actions: list[Action] = []
        while self.at < len(self.text):
            brace = self.text.find("{", self.at)
            end = len(self.text) if brace < 0 else brace
            if end > self.at:
                actions.append(Action([Part("text", self.text[self.at : end])]))
            self.at = end
            if brace >= 0:
                actions.append(self.action())
        return actions

    def action(self) -> Action:
        start = self.at
        self.at += 1
        action = Action()
        while not self.text.startswith("}", self.at):
            if self.at >= len(self.text) or self.text[self.at] in "\r\n":
                raise self._error("the action is not closed: expected '}'", start)
            self.step(action)
        self.at += 1
        return action

    def step(self, action: Action) -> None:
        text, char = self.text, self.text[self.at]
        if text.startswith("[?(", self.at):
            action.parts.append(self.filter())
        elif text.startswith("..", self.at):
            if action.parts and action.parts[-1].kind == "recursive":
                raise self._error("'..' cannot follow '..'", self.at, self.at + 2)
            self.at += 2
            action.parts.append(Part("recursive"))
            if self.at < len(text) and (text[self.at] == "_" or text[self.at].isalpha() or text[self.at].isdecimal()):
                action.parts.append(self.name())
        elif char in " @$":
            self.at += 1
        elif char == "[":
            action.parts.extend(self.bracket())
        elif char in "\"'":
            action.parts.append(Part("text", self.quoted(char)))
        elif char == ".":
            self.at += 1
            action.parts.append(self.name())
        elif char in "+-" or char.isdecimal():
            action.parts.append(self.number())
        elif char == "_" or char.isalpha():
            action.parts.append(self.word())
        else:
            raise self._error(
                f"{char!r} cannot be used here", self.at, hint="a filter is one comparison, without && or ||"
            )

    def name(self) -> Part:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in TERMINATORS:
            self.at += 2 if self.text[self.at] == "\\" else 1
        name = self.text[start : self.at]
        return Part("wildcard") if name == "*" else Part("field", name.replace("\\", ""))

    def word(self) -> Part:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in TERMINATORS:
            self.at += 1
        word = self.text[start : self.at]
        if word in ("true", "false"):
            return Part("value", word == "true")
        if word in ("range", "end"):
            return Part(word)
        return Part("unknown", word)

    def number(self) -> Part:
        match = NUMBER.match(self.text, self.at)
        assert match is not None
        start, self.at = self.at, match.end()
        digits = match[0]
        try:
            return Part("value", float(digits) if "." in digits else int(digits))
        except ValueError:
            raise self._error(f"{digits!r} is not a number", start, self.at) from None

    def quoted(self, quote: str) -> str:
        start = self.at
        end = start + 1
        while True:
            end = self.text.find(quote, end)
            if end < 0 or "\n" in self.text[start:end]:
                raise self._error("the text is not closed: expected a quote", start)
            if self.text[end - 1] != "\\" or end - 1 == start:
                break
            end += 1
        self.at = end + 1
        inside = self.text[start + 1 : end]

        def read(match: re.Match[str]) -> str:
            for digits, base in ((match[1], 16), (match[2], 16), (match[3], 16), (match[4], 8)):
                if digits and int(digits, base) <= (0xFF if base == 8 else 0x10FFFF):
                    return chr(int(digits, base))
            if match[5] == quote or match[5] in ESCAPES:
                return ESCAPES.get(match[5], match[5])
            raise self._error(f"unknown escape {match[0]!r}", start + 1 + match.start())

        return ESCAPE.sub(read, inside)

    def bracket(self) -> list[Part]:
        start = self.at
        end = self.text.find("]", start)
        if end < 0 or "\n" in self.text[start:end]:
            raise self._error("the bracket is not closed: expected ']'", start)
        self.at = end + 1
        inside = self.text[start + 1 : end]
        if "," in inside:
            branches = [self._inner(f"[{part.strip(' ')}]", start) for part in inside.split(",")]
            return [Part("union", branches)]
        if key := KEY.fullmatch(inside):
            return self._inner(f".{key[1]}", start)
        match = SLICE.fullmatch(":" if inside == "*" else inside)
        if match is None or (match[1] == "-" and match[2] is None):
            hint = "keys are written in single quotes: ['a.b']" if inside[:1] == '"' else ""
            raise self._error(f"{inside!r} is not an index", start + 1, max(end, start + 2), hint)
        return [Part("slice", self._bounds(match, start))]

    def _bounds(self, match: re.Match[str], start: int) -> tuple[int | None, int | None, int | None, bool]:
        bounds: list[int | None] = []
        for digits in match.groups():
            if digits == "-" or len(digits or "") > 18:
                raise self._error(f"{digits!r} is not an index", start, self.at)
            bounds.append(int(digits) if digits else None)
        first, last, step = bounds
        derived = match[2] is None
        return first, (first or 0) + 1 if derived else last, step, derived

    def filter(self) -> Part:
        start = self.at
        self.at += 3
        opened, closed, pair = False, False, ""
        while True:
            if self.at >= len(self.text) or self.text[self.at] == "\n":
                raise self._error("the filter is not closed: expected ')]'", start, start + 3)
            char = self.text[self.at]
            self.at += 1
            if char in "\"'":
                if not opened:
                    opened, pair = True, char
                elif char == pair and self.text[self.at - 2] != "\\":
                    closed = True
            elif char == ")" and opened == closed:
                break
        inside = self.text[start + 3 : self.at - 1]
        if not self.text.startswith("]", self.at):
            raise self._error("expected ']' after the filter", self.at)
        self.at += 1
        match = COMPARISON.fullmatch(inside)
        if match is None:
            return Part("filter", (self._inner(inside, start), [], "exists"))
        return Part("filter", (self._inner(match[1], start), self._inner(match[3], start), match[2]))

    def _inner(self, text: str, start: int) -> list[Part]:
        """The steps of a text that stands inside of this one."""
        try:
            return _parse("{" + text + "}")[0].parts
        except LanguageError as error:
            raise self._error(error.message, start, self.at, error.hint) from None


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
