"""How sprig turns any value into text, and lists of values into lists of text."""

from __future__ import annotations

from typing import Any

from aggregator.lang.goformat import go_value
from aggregator.lang.gostring import from_bytes
from aggregator.lang.govalue import StringList


def strval(value: Any) -> str:
    """Strings and bytes as they are, everything else as Go's %v."""
    if isinstance(value, str):
        return value
    return from_bytes(value) if isinstance(value, bytes) else go_value(value)


def strings_of(value: Any) -> StringList:
    """The elements as text without nils; a single value is a list of one."""
    if isinstance(value, bytes):
        return StringList(map(str, value))
    if isinstance(value, list):
        return StringList([strval(item) for item in value if item is not None])
    return StringList([] if value is None else [strval(value)])
