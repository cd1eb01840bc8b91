"""Tokens of the condition language, and which kind of token may follow which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.gonumber import parse_float
from aggregator.lang.gotime import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIXES: Final = frozenset(("-", "!", "~"))
MODIFIERS: Final = frozenset(("+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>"))
LOGICAL: Final = frozenset(("&&", "||"))
COMPARATORS: Final = frozenset(("==", "!=", ">", ">=", "<", "<=", "=~", "!~", "in"))
TERNARIES: Final = frozenset(("?", ":", "??"))
SYMBOL_KINDS: Final = (
    ("modifier", MODIFIERS),
    ("logical operator", LOGICAL),
    ("comparator", COMPARATORS),
    ("ternary operator", TERNARIES),
)

_OPERANDS = frozenset(("prefix", "number", "boolean", "word", "accessor", "text", "(", "time"))
_OPERATORS = frozenset(("modifier", "comparator", "logical operator", ")", "ternary operator", ","))
FOLLOWERS: Final[dict[str, frozenset[str]]] = {
    "start": _OPERANDS | {"pattern"},
    "(": _OPERANDS | {"pattern", ")"},
    ")": _OPERATORS | {"number", "boolean", "word", "text", "pattern", "time", "("},
    "number": _OPERATORS,
    "boolean": _OPERATORS,
    "text": _OPERATORS,
    "word": _OPERATORS,
    "time": _OPERATORS - {"ternary operator"},
    "pattern": _OPERATORS - {"ternary operator"},
    "accessor": _OPERATORS | {"("},
    "modifier": _OPERANDS - {"time"} | {")"},
    "comparator": _OPERANDS | {")", "pattern"},
    "logical operator": _OPERANDS | {")"},
    "prefix": _OPERANDS - {"prefix", "text", "time"} | {")"},
    "ternary operator": _OPERANDS | {","},
    ",": _OPERANDS,
}
MAY_END: Final = frozenset((")", "number", "boolean", "text", "time", "pattern", "word", "accessor"))

# Quoted text of one of these shapes is a moment, and counts as its unix seconds.
TIME_LAYOUTS: Final = (
    "Mon Jan _2 15:04:05 2006",
    "Mon Jan _2 15:04:05 MST 2006",
    "Mon Jan 02 15:04:05 -0700 2006",
    "3:04PM",
    "2006-01-02T15:04:05Z07:00",
    "2006-01-02T15:04:05.999999999Z07:00",
    "2006-01-02",
    "2006-01-02 15:04",
    "2006-01-02 15:04:05",
    "2006-01-02 15:04:05-07:00",
    "2006-01-02T15Z0700",
    "2006-01-02T15:04Z0700",
    "2006-01-02T15:04:05Z0700",
    "2006-01-02T15:04:05.999999999Z0700",
)
LONGEST_TIME: Final = 64
# How those begin: most quoted text is told apart by this alone.
TIME_START: Final = re.compile(r"[0-9]{4}-[0-9]|[A-Za-z]{3} |[0-9]{1,2}:")

HEX_DIGITS: Final = re.compile(r"0*[0-9a-fA-F]{1,16}")
IN_BRACKETS: Final = re.compile(r"[^\]\\]*")
IN_QUOTES: Final = re.compile(r"[^'\"\\]*")

QUOTE_HINT: Final = "put quotes around values that hold anything but letters, digits and '_': '{{x}}' == 'a-b'"


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, its value, and its place in the text."""

    kind: str
    value: Any
    start: int
    end: int


def is_space(char: str) -> bool:
    """Unicode's White_Space, as Go sees it (Python also counts four separators of files)."""
    return char.isspace() and char not in "\x1c\x1d\x1e\x1f"


def _numeric(char: str) -> bool:
    return char.isdecimal() or char == "."


def _hexadecimal(char: str) -> bool:
    return char.isdecimal() or char in "abcdefABCDEF"


def _in_word(char: str) -> bool:
    return char.isalpha() or char.isdecimal() or char in "_."


def _in_symbol(char: str) -> bool:
    return not (char.isalpha() or char.isdecimal() or char in "()[]'\"")


@lru_cache(maxsize=4096)
def moment(text: str) -> float | None:
    """The unix seconds of a text that looks like a date or time (in UTC where it names no zone), else None."""
    if len(text) > LONGEST_TIME or not TIME_START.match(text):
        return None
    for layout in TIME_LAYOUTS:
        try:
            return float(parse_time(layout, text).unix)
        except LanguageError:
            continue
    return None


class Scanner:
    """Reads tokens; symbols are read greedily, and a backslash takes the next character as it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, message: str, start: int, end: int | None = None, hint: str = "") -> LanguageError:
        end = self.at if end is None else end
        return LanguageError(
            message, text=self.text, start=start, end=max(end, start + 1), kind="syntax", hint=hint or QUOTE_HINT
        )

    def tokens(self) -> Iterator[Token]:
        state = "start"
        text = self.text
        while self.at < len(text):
            if is_space(text[self.at]):
                self.at += 1
                continue
            token = self._token(state)
            state = token.kind
            yield token

    def _token(self, state: str) -> Token:
        start, char = self.at, self.text[self.at]
        if _numeric(char):
            return Token("number", self._number(), start, self.at)
        if char in ",()":
            self.at += 1
            return Token(char, char, start, self.at)
        if char == "[":
            self.at += 1
            name = self._quoted(IN_BRACKETS)
            if self.at >= len(self.text):
                raise self.error("the bracket is not closed: expected ']'", start, start + 1)
            self.at += 1
            return Token("word", name, start, self.at)
        if char.isalpha():
            return self._word(start)
        if char in "'\"":
            self.at += 1
            value = self._quoted(IN_QUOTES)
            if self.at >= len(self.text):
                raise self.error("the text is not closed: expected a quote", start, start + 1)
            self.at += 1
            seconds = moment(value)
            return Token("text" if seconds is None else "time", value if seconds is None else seconds, start, self.at)
        symbol = self._read(_in_symbol)
        if symbol in PREFIXES and "prefix" in FOLLOWERS[state]:
            return Token("prefix", symbol, start, self.at)
        for kind, symbols in SYMBOL_KINDS:
            if symbol in symbols:
                return Token(kind, symbol, start, self.at)
        raise self.error(f"invalid token {symbol!r}", start)

    def _number(self) -> float:
        start = self.at
        text = self.text
        if text.startswith("0x", start) and len(text) > start + 2:
            self.at += 2
            digits = self._read(_hexadecimal)
            if not HEX_DIGITS.fullmatch(digits):
                raise self.error(f"{text[start : self.at]!r} is not a hexadecimal number of at most 64 bits", start)
            return float(int(digits, 16))
        digits = self._read(_numeric)
        value = parse_float(digits)
        if value is None:
            raise self.error(f"{digits!r} is not a number", start)
        return value

    def _word(self, start: int) -> Token:
        word = self._read(_in_word)
        if word in ("in", "IN"):
            return Token("comparator", "in", start, self.at)
        if word in ("true", "false"):
            return Token("boolean", word == "true", start, self.at)
        if word.find(".") <= 0:
            return Token("word", word, start, self.at)
        hint = f"put quotes around it: '{word}'"
        if word.endswith("."):
            raise self.error(f"{word!r} ends in a dot", start, hint=hint)
        for part in word.split(".")[1:]:
            upper = part[:1].upper()
            if len(upper) == 1 and upper != part[0]:
                raise self.error(f"{word!r} reads as access to a field, which conditions don't have", start, hint=hint)
        return Token("accessor", word, start, self.at)

    def _quoted(self, plain: re.Pattern[str]) -> str:
        """Everything up to the closing character; a backslash takes the next character."""
        text, read = self.text, []
        while True:
            match = plain.match(text, self.at)
            assert match is not None
            read.append(match[0])
            self.at = match.end()
            if self.at >= len(text) or text[self.at] != "\\":
                return "".join(read)
            read.append(text[self.at + 1 : self.at + 2])
            self.at += 2

    def _read(self, condition: Callable[[str], bool]) -> str:
        """Characters that fit; white space is skipped before the first and ends the token after it."""
        text, size, read = self.text, len(self.text), []
        at = self.at
        while at < size:
            char = text[at]
            if char == "\\":
                if at + 1 >= size:
                    raise self.error("a backslash at the end escapes nothing", at, at + 1)
                read.append(text[at + 1])
                at += 2
                continue
            if is_space(char):
                if read:
                    break
                at += 1
                continue
            if not condition(char):
                break
            read.append(char)
            at += 1
        self.at = at
        return "".join(read)


def check_order(tokens: list[Token], text: str) -> None:
    """Refuse a token that may not follow the one before it, and an end that comes too early."""
    state, last = "start", ""
    for token in tokens:
        if token.kind not in FOLLOWERS[state]:
            shown = text[token.start : token.end]
            if state == "word" and token.kind == "(":
                message = f"there is no function {last!r}; conditions have no functions"
            elif state == "start":
                message = f"the condition cannot start with {shown!r} ({token.kind})"
            else:
                message = f"{shown!r} ({token.kind}) cannot follow {last!r} ({state})"
            raise LanguageError(message, text=text, start=token.start, end=token.end, kind="syntax", hint=QUOTE_HINT)
        state, last = token.kind, text[token.start : token.end]
    if state not in MAY_END:
        expected = "a value" if state != "start" else "a condition"
        raise LanguageError(
            f"unexpected end: expected {expected}" + (f" after {last!r}" if last else ""),
            text=text, start=len(text), end=len(text) + 1, kind="syntax",
            hint="an empty value vanishes from the text: put quotes around the tag, '{{x}}' == 'y'",
        )  # fmt: skip
