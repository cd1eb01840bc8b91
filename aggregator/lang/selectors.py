"""Selectors: label selectors over labels or over the fields of an object, and field selectors of the command line.

selector     = [ requirement { "," requirement } ]
requirement  = [ "!" ] key | key ("=" | "==" | "!=") [ value ] | key (">" | "<") integer
             | key ("in" | "notin") "(" [ value { "," value } ] ")"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.goformat import format_float, json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # The text of a key, or None where it is not set.
    Lookup = Callable[[str], str | None]

MAX_LENGTH: Final = 100_000
MAX_PART: Final = 63
MAX_PREFIX: Final = 253
NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
PREFIX: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
TOKEN: Final = re.compile(r"[ \t\r\n]+|(==|!=|[=!(),><])|([^ \t\r\n=!(),><]+)")
INTEGER: Final = re.compile(r"[+-]?[0-9]+")
OPERATORS: Final = ("=", "==", "!=", "in", "notin", ">", "<")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one key; `operator` is `exists`, `!`, `=`, `!=`, `in`, `notin`, `>` or `<`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, lookup: Lookup) -> bool:
        value = lookup(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "=" | "in":
                return value is not None and value in self.values
            case "!=" | "notin":
                return value is None or value not in self.values
        if value is None or (number := _int64(value)) is None:
            return False
        bound = int(self.values[0])
        return number > bound if self.operator == ">" else number < bound


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that are joined by commas; an empty selector has none, and matches everything."""

    text: str
    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet every requirement."""
        return all(requirement.matches(labels.get) for requirement in self.requirements)

    def matches_object(self, data: Any) -> bool:
        """Whether the object meets every requirement; keys are paths into it (a resource's success condition)."""
        return all(requirement.matches(lambda path: field_text(data, path)) for requirement in self.requirements)

    def any_matches_object(self, data: Any) -> bool:
        """Whether the object meets one of the requirements (a resource's failure condition)."""
        return any(requirement.matches(lambda path: field_text(data, path)) for requirement in self.requirements)


@lru_cache(maxsize=1024)
def parse(text: str) -> Selector:
    """Read a label selector; a LanguageError carries the place of the mistake."""
    if len(text) > MAX_LENGTH:
        raise LimitExceeded(
            "selector length", f"the selector has {len(text):,} characters; the limit is {MAX_LENGTH:,}"
        )
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, bool, int, int]] = []
        for match in TOKEN.finditer(text):
            if match[1] or match[2]:
                self.tokens.append((match[0], bool(match[2]), match.start(), match.end()))
        self.tokens.append(("", False, len(text), len(text)))
        self.index = 0

    def whole(self) -> Selector:
        found: list[Requirement] = []
        if self._peek():
            found.append(self.requirement())
            while self._peek():
                if self._peek() != ",":
                    raise self._unexpected("',' or the end", "conditions are joined by commas, && and || are not known")
                self.index += 1
                found.append(self.requirement())
        return Selector(self.text, tuple(found))

    def _peek(self) -> str:
        return self.tokens[self.index][0]

    def _word(self) -> bool:
        return self.tokens[self.index][1]

    def _unexpected(self, expected: str, hint: str = "") -> LanguageError:
        seen, _, start, end = self.tokens[self.index]
        shown = repr(seen) if seen else "the end"
        return LanguageError(
            f"expected {expected}, found {shown}", text=self.text, start=start, end=max(end, start + 1),
            kind="syntax", hint=hint,
        )  # fmt: skip

    def requirement(self) -> Requirement:
        absent = self._peek() == "!"
        self.index += absent
        if not self._word():
            raise self._unexpected("a key")
        key = self._peek()
        if why := key_problem(key):
            raise self._bad(f"key {key!r} {why}")
        self.index += 1
        if absent:
            return Requirement(key, "!")
        operator = self._peek()
        if operator in ("", ","):
            return Requirement(key, "exists")
        if operator not in OPERATORS:
            raise self._unexpected("one of in, notin, =, ==, !=, >, <")
        self.index += 1
        if operator in ("in", "notin"):
            return Requirement(key, operator, self.values())
        value = self.value()
        if operator in ("<", ">") and _int64(value) is None:
            self.index -= bool(value)
            raise self._bad(f"{operator!r} compares with a whole number, not with {value!r}")
        return Requirement(key, "=" if operator == "==" else operator, (value,))

    def value(self) -> str:
        """One value; it may be left out."""
        if self._peek() in ("", ","):
            return ""
        if not self._word():
            raise self._unexpected("a value")
        value = self._checked()
        self.index += 1
        return value

    def values(self) -> tuple[str, ...]:
        """A list in parentheses; a place that is left empty is the empty value."""
        if self._peek() != "(":
            raise self._unexpected("'('", "write the values in parentheses: key in (a, b)")
        self.index += 1
        found: list[str] = []
        while True:
            if self._word():
                found.append(self._checked())
                self.index += 1
            elif self._peek() in (",", ")"):
                found.append("")
            if self._peek() == ")":
                self.index += 1
                return tuple(dict.fromkeys(found))
            if self._peek() != ",":
                raise self._unexpected("',' or ')'")
            self.index += 1

    def _checked(self) -> str:
        value = self._peek()
        if why := value_problem(value):
            raise self._bad(f"value {value!r} {why}")
        return value

    def _bad(self, message: str) -> LanguageError:
        _, _, start, end = self.tokens[self.index]
        return LanguageError(message, text=self.text, start=start, end=max(end, start + 1), kind="value")


def key_problem(key: str) -> str:
    """Why the text is no label key, or an empty text."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        return "has more than one '/'"
    if slash and not (len(prefix) <= MAX_PREFIX and PREFIX.fullmatch(prefix)):
        return f"has a prefix that is not a lower-case DNS name: {prefix!r}"
    if len(name) > MAX_PART:
        return f"is longer than {MAX_PART} characters"
    if not NAME.fullmatch(name):
        return "is not made of letters, digits, '-', '_' and '.', with a letter or digit at both ends"
    return ""


def value_problem(value: str) -> str:
    """Why the text is no label value, or an empty text."""
    if len(value) > MAX_PART:
        return f"is longer than {MAX_PART} characters"
    if value and not NAME.fullmatch(value):
        return "is not made of letters, digits, '-', '_' and '.', with a letter or digit at both ends"
    return ""


def _int64(text: str) -> int | None:
    if not INTEGER.fullmatch(text) or len(text) > 40:
        return None
    number = int(text)
    return number if -(1 << 63) <= number < 1 << 63 else None


def field_text(data: Any, path: str) -> str | None:
    """The text of a field by a dotted path (`status.phase`, `spec.containers.0.name`), None where there is none."""
    for part in path.split("."):
        if isinstance(data, dict):
            if part not in data:
                return None
            data = data[part]
        elif isinstance(data, list):
            if not (part.isascii() and part.isdigit()) or len(part) > 9 or int(part) >= len(data):
                return None
            data = data[int(part)]
        else:
            return None
    if data is None:
        return ""
    if isinstance(data, str):
        return data
    if isinstance(data, float):
        return format_float(data, "f")
    return json_text(data, html_escape=False)


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms `(field, wanted equal, value)` that must all hold."""

    text: str
    terms: tuple[tuple[str, bool, str], ...]

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether the fields meet every term; a field that is not set counts as empty."""
        return all((fields.get(field, "") == value) is equal for field, equal, value in self.terms)


TERM: Final = re.compile(r"((?:\\.|[^\\,])*)(?:,|$)", re.DOTALL)
ESCAPE: Final = re.compile(r"\\(.?)", re.DOTALL)


def parse_fields(text: str) -> FieldSelector:
    """Read a field selector such as `metadata.name=a,status.phase!=Failed`; a backslash escapes `,`, `=` and itself."""
    if len(text) > MAX_LENGTH:
        raise LimitExceeded(
            "selector length", f"the selector has {len(text):,} characters; the limit is {MAX_LENGTH:,}"
        )
    terms: list[tuple[str, bool, str]] = []
    at = 0
    while at < len(text):
        match = TERM.match(text, at)
        if match is None:
            raise LanguageError("a backslash at the end escapes nothing", text=text, start=len(text) - 1, kind="syntax")
        if match[1]:
            terms.append(_term(match[1], text, at))
        at = match.end()
    return FieldSelector(text, tuple(terms))


def _term(term: str, text: str, at: int) -> tuple[str, bool, str]:
    found = re.search(r"!=|==|=", term)
    if found is None:
        raise LanguageError(
            f"{term!r} has no =, == or !=", text=text, start=at, end=at + len(term), kind="syntax",
            hint="write field=value",
        )  # fmt: skip
    value = term[found.end() :]
    for escape in ESCAPE.finditer(value):
        if escape[1] not in ("\\", ",", "="):
            start = at + found.end() + escape.start()
            message = f"unknown escape {escape[0]!r}: only \\\\ \\, and \\= are known"
            raise LanguageError(message, text=text, start=start, end=start + 2, kind="syntax")
    if bare := re.search(r"=", ESCAPE.sub("  ", value)):
        start = at + found.end() + bare.start()
        raise LanguageError("an = inside of a value is written \\=", text=text, start=start, kind="syntax")
    return term[: found.start()], found[0] != "!=", ESCAPE.sub(r"\1", value)
