"""Regular expressions with Go's syntax in linear time: compiled by RE2, held in a bounded cache."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.gostring import valid

MAX_PATTERN = 100_000
MAX_PROGRAM_BYTES = 1 << 23
CACHED = 512
LONG_REASON = 60


@lru_cache(maxsize=CACHED)
def compile_pattern(pattern: str) -> Any:
    """The compiled pattern (an re2 object); a bad pattern is a LanguageError that quotes it."""
    if len(pattern) > MAX_PATTERN:
        raise LimitExceeded(
            "pattern", f"the regular expression has {len(pattern):,} characters; the limit is {MAX_PATTERN:,}"
        )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PROGRAM_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as e:
        raise LanguageError(
            f"bad regular expression {pattern[:80]!r}: {_reason(e)}",
            kind="value",
            hint="Go's syntax (RE2): no lookaround, no backreferences",
        ) from e
    except UnicodeError as e:
        raise LanguageError(f"bad regular expression {pattern[:80]!r}: it is not valid UTF-8", kind="value") from e


def _reason(error: Exception) -> str:
    told = error.args[0] if error.args else "cannot be compiled"
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    return text.partition(": ")[0] if len(text) > LONG_REASON else text


def matches(pattern: str, text: str | bytes) -> bool:
    """Whether the pattern is found anywhere in the text; bytes that are no UTF-8 are searched as U+FFFD."""
    compiled = compile_pattern(pattern)
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else valid(text)
    return compiled.search(text) is not None
