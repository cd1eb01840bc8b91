"""jq filters of resource outputs; the `jq` package is an optional extra."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any, Final

from aggregator.errors import LanguageError, LimitExceeded

MAX_LENGTH: Final = 20_000
MAX_OUTPUTS: Final = 100_000
MAX_OUTPUT: Final = 16_000_000

# What jq knows and Argo's filter has not: other inputs and files, the environment, the end of the process.
CLOSED: Final = frozenset(
    (
        "input", "inputs", "debug", "stderr", "input_line_number", "input_filename", "$__loc__", "$__prog_args",
        "$ENV", "env", "import", "include", "modulemeta", "get_search_list", "halt", "halt_error",
    )
)  # fmt: skip
WORD: Final = re.compile(r"[$]?[A-Za-z_][A-Za-z0-9_]*")


@lru_cache(maxsize=128)
def _program(text: str) -> Any:
    try:
        import jq  # noqa: PLC0415 - an optional extra, imported where a filter is used
    except ImportError:
        raise LanguageError(
            "a jqFilter needs the package 'jq', which is not installed", text=text, end=len(text), kind="value",
            hint="pip install 'agg-workflows[jq]'",
        ) from None  # fmt: skip
    if len(text) > MAX_LENGTH:
        raise LimitExceeded("jq length", f"the filter has {len(text):,} characters; the limit is {MAX_LENGTH:,}")
    if found := _closed_word(text):
        raise LanguageError(
            f"{found} is not available in a jqFilter", text=text, start=text.find(found),
            end=text.find(found) + len(found), kind="name",
        )  # fmt: skip
    if "\x00" in text:
        raise LanguageError("the filter holds a NUL character", text=text, start=text.find("\x00"), kind="syntax")
    try:
        return jq.compile(text)
    except ValueError as error:
        raise LanguageError(f"bad jq filter: {_first_line(error)}", text=text, end=len(text), kind="syntax") from None


def _closed_word(text: str) -> str:
    """The first word that is closed to filters: not as a field, not in text, but in what text interpolates."""
    at, size = 0, len(text)
    opened: list[str] = []
    while at < size:
        char = text[at]
        if opened and opened[-1] == '"':
            if text.startswith("\\(", at):
                opened.append("(")
                at += 1
            elif char == "\\":
                at += 1
            elif char == '"':
                opened.pop()
        elif char in '("':
            opened.append(char)
        elif char == ")" and opened:
            opened.pop()
        elif char == "#":
            at = text.find("\n", at)
            if at < 0:
                return ""
        elif match := WORD.match(text, at):
            if match[0] in CLOSED and (text[at - 1 : at] != "." or at == 0):
                return match[0]
            at = match.end() - 1
        at += 1
    return ""


def jq_filter(data: Any, text: str) -> str:
    """The outputs of a filter, one a line: texts as they are, all else as JSON with sorted keys."""
    lines: list[str] = []
    size = 0
    try:
        for output in _program(text).input_text(json.dumps(data)):
            line = output if isinstance(output, str) else _json(output, text)
            lines.append(line)
            size += len(line)
            if len(lines) > MAX_OUTPUTS or size > MAX_OUTPUT:
                raise LimitExceeded("jq output", f"the filter gives more than {MAX_OUTPUTS:,} outputs or 16 MB")
    except ValueError as error:
        raise LanguageError(f"jq: {_first_line(error)}", text=text, end=len(text), kind="value") from None
    return "\n".join(lines).strip()


LARGEST: Final = 1.7e308


def _json(value: Any, text: str) -> str:
    if _infinite(value):
        raise LanguageError("infinite and nan have no JSON form", text=text, end=len(text), kind="value")
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _infinite(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_infinite, value.values()))
    if isinstance(value, list):
        return any(map(_infinite, value))
    return isinstance(value, float) and (math.isnan(value) or abs(value) > LARGEST)


def _plain(value: Any) -> Any:
    """Whole floats without their point, as gojq prints them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e17 else value


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
