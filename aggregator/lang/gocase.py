"""Letters and spaces as Go's unicode package sees them: one character maps to one character."""

from __future__ import annotations

import unicodedata
from typing import Final

SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
DOTTED_I: Final = "\u0130"


def is_space(char: str) -> bool:
    return char in SPACES


def is_upper(char: str) -> bool:
    return unicodedata.category(char) == "Lu"


def is_lower(char: str) -> bool:
    return unicodedata.category(char) == "Ll"


def upper_char(char: str) -> str:
    """The upper case of one character where that is one character."""
    upper = char.upper()
    if len(upper) == 1:
        return upper
    title = char.title()  # Greek letters with a subscript iota have a title case of their own
    return title if len(title) == 1 else char


def lower_char(char: str) -> str:
    return "i" if char == DOTTED_I else char.lower()


def title_char(char: str) -> str:
    title = char.title()
    return title if len(title) == 1 else char


def to_upper(text: str) -> str:
    """Go's `strings.ToUpper`: `to_upper("straße") == "STRAßE"`."""
    return text.upper() if text.isascii() else "".join(map(upper_char, text))


def to_lower(text: str) -> str:
    """Go's `strings.ToLower`."""
    return text.lower() if text.isascii() else "".join(map(lower_char, text))


def trim_space(text: str) -> str:
    """Go's `strings.TrimSpace`."""
    return text.strip(SPACES)
