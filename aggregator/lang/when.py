"""Conditions: `when` of steps, DAG tasks and metrics, and of cron workflows, after their tags are filled in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from aggregator.errors import LanguageError
from aggregator.lang.goformat import go_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.lang.govaluate.grammar import Node

Mode = Literal["when", "cron", "raw"]

REMEMBERED: Final = 4096
LONGEST_REMEMBERED: Final = 2000

# The form of nearly all conditions: one comparison of bare words, whole numbers, booleans, or quoted text that has
# neither an escape nor the `-` or `:` of a date.
_OPERAND = r"""(?:([A-Za-z][A-Za-z0-9_]*)|([0-9]{1,15})|'([^'"\\:\-]*)'|"([^'"\\:\-]*)")"""
_COMPARISON = re.compile(rf"\s*{_OPERAND}\s*(==|!=)\s*{_OPERAND}\s*", re.ASCII)


def evaluate(text: str, *, mode: Mode = "when", env: Mapping[str, Any] | None = None) -> Any:
    """The value of a condition: a bool in the modes `when` and `cron`, any value in `raw`.

    An empty text is true. In `when` bare words stand for themselves; in `cron` and `raw` they are looked up in `env`.
    """
    if env:
        return _decide(text, mode, env)
    if len(text) > LONGEST_REMEMBERED:
        return _decide(text, mode, {})
    return _remembered(text, mode)


@lru_cache(maxsize=REMEMBERED)
def _remembered(text: str, mode: Mode) -> Any:
    if mode == "when" and (match := _COMPARISON.fullmatch(text)):
        left, right = _simple(*match.group(1, 2, 3, 4)), _simple(*match.group(6, 7, 8, 9))
        if left is not None and right is not None:
            equal = type(left) is type(right) and left == right
            return equal if match[5] == "==" else not equal
    return _decide(text, mode, {})


def _simple(word: str | None, number: str | None, single: str | None, double: str | None) -> bool | float | str | None:
    """The operand of a short comparison, or None where the word is one of the language's own."""
    if word is not None:
        return {"true": True, "false": False, "in": None, "IN": None}.get(word, word)
    if number is not None:
        return float(number)
    return single if single is not None else double


def _decide(text: str, mode: Mode, env: Mapping[str, Any]) -> Any:
    if not text and mode != "raw":
        return True
    tree = _parsed(text, mode)
    from aggregator.lang.govaluate.evaluation import Evaluation  # noqa: PLC0415 - simple conditions don't need it

    try:
        value = Evaluation(text, env).run(tree)
    except LanguageError as error:
        raise _told(error, f"Failed to evaluate '{_short(text)}'", text) from None
    if mode != "raw" and not isinstance(value, bool):
        hint = "compare it with something: x == y" if isinstance(value, str) else ""
        raise LanguageError(
            f"Expected boolean evaluation for '{_short(text)}'. Got {go_value(value)[:200]}",
            text=text, start=0, end=len(text), kind="type", hint=hint,
        )  # fmt: skip
    return value


def _parsed(text: str, mode: Mode) -> Node:
    from aggregator.lang.govaluate.grammar import parse  # noqa: PLC0415 - simple conditions don't need it

    try:
        return parse(text, words_are_text=mode == "when")
    except LanguageError as error:
        raise _told(error, f"Invalid 'when' expression '{_short(text)}'", text) from None


def _told(error: LanguageError, where: str, text: str) -> LanguageError:
    error.message = f"{where}: {error.message}"
    error.args = (error.message,)
    error.text = error.text or text
    return error


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"


def explain(text: str) -> list[tuple[str, tuple[str, ...], Any]]:
    """Each operator that was evaluated, in order: its symbol, the texts of its operands, and its value.

    What an `&&`, `||` or `?` made unnecessary does not appear.
    """
    if not text:
        return []
    from aggregator.lang.govaluate.evaluation import Evaluation  # noqa: PLC0415 - only explanations need it here

    found: list[tuple[str, tuple[str, ...], Any]] = []

    def record(symbol: str, operands: tuple[Node, ...], value: Any) -> None:
        found.append((symbol, tuple(text[node.start : node.end] for node in operands), value))

    Evaluation(text, {}, record).run(_parsed(text, "when"))
    return found
