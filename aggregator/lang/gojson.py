"""JSON read as Go's encoding/json reads it into `interface {}`: every number a float, no extensions."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from aggregator.errors import LanguageError, LimitExceeded

MAX_DIGITS: Final = 400
SURROGATE_ESCAPE = re.compile(r"\\[uU][dD][89a-fA-F]")


def decode_json(text: str) -> Any:
    """The value of a JSON text: `decode_json('{"a": [1]}') == {"a": [1.0]}`; raises on anything that Go refuses."""
    value, too_large = read_json(text)
    if too_large:
        raise LanguageError(f"the number {too_large[:40]} does not fit a float", text=text, kind="value")
    return value


def read_json(text: str) -> tuple[Any, str]:
    """The value, and the first number too large for a float (it reads as nil), or an empty text."""
    large: list[str] = []

    def number(digits: str) -> float | None:
        value = float(digits)
        if math.isinf(value):
            large.append(digits)
            return None
        return value

    def constant(name: str) -> Any:
        raise LanguageError(f"{name} is not JSON", text=text, start=max(0, text.find(name)))

    try:
        value = json.loads(text, parse_int=number, parse_float=number, parse_constant=constant)
    except json.JSONDecodeError as e:
        raise LanguageError(f"invalid JSON: {e.msg} at character {e.pos + 1}", text=text, start=e.pos) from e
    except RecursionError:
        raise LimitExceeded("depth", "the JSON text is nested too deep", text=text) from None
    if SURROGATE_ESCAPE.search(text) or not _encodable(text):
        value = _valid(value)
    return value, large[0] if large else ""


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _valid(value: Any) -> Any:
    """The value with U+FFFD for halves of surrogate pairs and bytes that were no UTF-8."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, list):
        return [_valid(item) for item in value]
    if isinstance(value, dict):
        return {_valid(key): _valid(item) for key, item in value.items()}
    return value
