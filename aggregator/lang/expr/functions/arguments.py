"""Arguments whose types only the run can tell: each is the Go type that the function takes, or an error says so."""

from __future__ import annotations

from typing import Any, Final

from aggregator.errors import LanguageError
from aggregator.lang import gostring
from aggregator.lang.expr.operators import type_name
from aggregator.lang.gotime import Duration
from aggregator.lang.gotime.names import Named
from aggregator.lang.govalue import Uint8

COUNTED: Final = (Duration, Named)
"""Go types that are whole numbers below their names."""


def string(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    hint = "`x ?? default` replaces a nil" if value is None else "string(x) makes a text of it"
    raise LanguageError(f"{name} takes a string here, not {type_name(value)}", kind="type", hint=hint)


def integer(name: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise LanguageError(f"{name} takes an int here, not {type_name(value)}", kind="type", hint="int(x) makes one of it")


def number(name: str, value: Any) -> int | float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise LanguageError(f"{name} takes a number, not {type_name(value)}", kind="type")


def items(name: str, value: Any) -> list[Any]:
    """The elements of a list; bytes are a list of numbers."""
    if isinstance(value, list):
        return value
    if isinstance(value, bytes):
        return [Uint8(b) for b in value]
    raise LanguageError(f"{name} takes a list, not {type_name(value)}", kind="type")


def byte_length(text: str) -> int:
    return len(text) if text.isascii() else len(gostring.to_bytes(text))
