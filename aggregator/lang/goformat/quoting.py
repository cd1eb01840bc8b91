"""Go's quoted strings and characters, as strconv.Quote writes them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

SHORT = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", "\\": r"\\"}
# Letters, marks, numbers, punctuation and symbols print; of the spaces only the ASCII one does.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
REPLACEMENT = "\ufffd"


@lru_cache(maxsize=4096)
def printable(char: str) -> bool:
    """Whether Go prints the character in quoted text as it is."""
    return char == " " or unicodedata.category(char) not in UNPRINTABLE


def escaped(char: str, quote: str, *, ascii_only: bool) -> str:
    code = ord(char)
    if char == quote:
        return "\\" + char
    if char in SHORT:
        return SHORT[char]
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF:
        return escaped(REPLACEMENT, quote, ascii_only=ascii_only)
    if (code < 128 or not ascii_only) and printable(char):
        return char
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def go_quote(text: str, *, ascii_only: bool = False) -> str:
    r"""Go's `strconv.Quote`: `go_quote('a"b') == '"a\\"b"'`."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join([escaped(char, '"', ascii_only=ascii_only) for char in text]) + '"'


def quote_rune(code: int, *, ascii_only: bool = False) -> str:
    """Go's `strconv.QuoteRune`: a character in single quotes."""
    valid = 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return "'" + escaped(chr(code) if valid else REPLACEMENT, "'", ascii_only=ascii_only) + "'"


def can_backquote(text: str) -> bool:
    """Whether the text may stand between backquotes: no control characters but tabs, no backquote, valid UTF-8."""
    return not any(c in "`\x7f\ufeff" or (c < " " and c != "\t") or 0xD800 <= ord(c) <= 0xDFFF for c in text)
