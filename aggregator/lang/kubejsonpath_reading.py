"""Reading kubectl's JSONPath templates: text, and actions in braces made of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from aggregator.errors import LanguageError, LimitExceeded

MAX_LENGTH: Final = 100_000

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


@lru_cache(maxsize=512)
def parse(text: str) -> tuple[Action, ...]:
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
            shown = inside if len(inside) <= 80 else f"{inside[:80]}…"
            raise self._error(f"{shown!r} is not an index", start + 1, max(end, start + 2), hint)
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
            return parse("{" + text + "}")[0].parts
        except LanguageError as error:
            raise self._error(error.message, start, self.at, error.hint) from None
