"""Durations as Argo's fields write them: a number of seconds, or Go's `1h30m`."""

from __future__ import annotations

from aggregator.errors import LanguageError
from aggregator.lang.gotime.duration import parse_duration


def is_duration(text: str) -> bool:
    """Whether a text is a duration; a bare number means seconds."""
    if text.strip().removeprefix("-").isdecimal():
        return True
    try:
        parse_duration(text)
    except LanguageError:
        return False
    return True
