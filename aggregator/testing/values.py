"""The small texts of test files: durations, comparisons of them, patterns, and when a value is the one that was expected."""

from __future__ import annotations

import json
import operator
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError
from aggregator.lang.gotime import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPARISON = re.compile(r"\s*(<=|>=|==|!=|<|>|=)?\s*([0-9][^\s,]*)\s*(?:,|$)?")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_NEAR = 1e-6  # virtual times are sums of floats


def seconds(value: Any) -> float:
    """`90`, `"1.5"` and `"1m30s"` as seconds; LanguageError for what is no duration."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise LanguageError(f"a duration such as 10s or 1m30s was expected, not {value!r}")
    try:
        found = float(value)
    except ValueError:
        found = parse_duration(str(value)).ns / 1e9
    if found < 0:
        raise LanguageError(f"{value!r} is negative")
    return found


def comparisons(text: Any) -> list[tuple[str, float]]:
    """`"> 1s, < 1m"` as pairs of operator and seconds; a bare duration means equal."""
    rest = str(text)
    found: list[tuple[str, float]] = []
    while rest.strip():
        match = _COMPARISON.match(rest)
        if match is None:
            raise LanguageError(f"{text!r} is no comparison of durations", hint='write "< 1m", or "> 1s, <= 3s"')
        found.append((match[1] or "==", seconds(match[2])))
        rest = rest[match.end() :]
    if not found:
        raise LanguageError("the comparison is empty", hint='write "< 1m", or "> 1s, <= 3s"')
    return found


def duration_holds(text: Any, actual: float) -> bool:
    """Whether every comparison of the text is true of `actual` seconds."""
    rounded = round(actual / _NEAR) * _NEAR
    return all(_OPERATORS[sign](round(rounded, 6), round(limit, 6)) for sign, limit in comparisons(text))


def shown(value: float) -> str:
    """Seconds as people write them: `90s` is `1m30s`."""
    if value < 60:
        return f"{value:g}s"
    minutes, rest = divmod(value, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if minutes else ""
    return text + (f"{rest:g}s" if rest else "")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


def glob_matches(pattern: str, text: str) -> bool:
    """`*` stands for any characters; all others, also `?` and brackets, for themselves."""
    return pattern == text or ("*" in pattern and _compiled(pattern).fullmatch(text) is not None)


def regex_of(text: Any) -> re.Pattern[str] | None:
    """The regular expression of `/…/`, None for other texts; LanguageError when it is wrong."""
    if not isinstance(text, str) or len(text) < 3 or text[0] != "/" or text[-1] != "/":
        return None
    try:
        return re.compile(text[1:-1], re.DOTALL)
    except re.error as problem:
        raise LanguageError(f"{text} is no regular expression: {problem}", text=text) from None


def text_matches(expected: Any, actual: str) -> bool:
    """A message: expected is a part of it, or a `/regex/` that is found in it. Empty means that there is none."""
    pattern = regex_of(expected)
    if pattern is not None:
        return pattern.search(actual) is not None
    wanted = as_text(expected)
    return wanted in actual if wanted else not actual


def as_text(value: Any) -> str:
    """A YAML value as the text that a parameter would hold."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_matches(expected: Any, actual: Any) -> bool:
    """A value: the same text, a `/regex/` found in it, or where YAML structure is expected, the same JSON."""
    if isinstance(expected, str):
        pattern = regex_of(expected)
        text = as_text(actual)
        return text == expected or (pattern is not None and pattern.search(text) is not None)
    if isinstance(actual, str):
        if as_text(expected) == actual:
            return True
        try:
            actual = json.loads(actual)
        except ValueError:
            return False
    same: bool = actual == expected and isinstance(actual, bool) == isinstance(expected, bool)
    return same


def contains(expected: Any, actual: Any) -> bool:
    """Whether `actual` has all that is expected of it: maps may hold more, lists are compared item by item."""
    if isinstance(expected, dict) and isinstance(actual, str):
        try:
            actual = json.loads(actual)
        except ValueError:
            return False
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            key in actual and contains(v, actual[key]) for key, v in expected.items()
        )
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(contains, expected, actual))
    return value_matches(expected, actual)
