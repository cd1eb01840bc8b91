"""Go's strings in Python's: bytes that are no UTF-8 are held as surrogate escapes, so that cutting never loses any."""

from __future__ import annotations


def to_bytes(text: str) -> bytes:
    """The bytes of a Go string; a lone surrogate that stands for no byte becomes U+FFFD, as Go encodes it."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(_char_bytes(c) for c in text)


def _char_bytes(char: str) -> bytes:
    if "\udc80" <= char <= "\udcff":
        return bytes((ord(char) - 0xDC00,))
    return b"\xef\xbf\xbd" if "\ud800" <= char <= "\udfff" else char.encode()


def from_bytes(data: bytes) -> str:
    """The Go string of any bytes."""
    return data.decode("utf-8", "surrogateescape")


def has_escapes(text: str) -> bool:
    """Whether the text holds bytes that are not UTF-8."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def concat(left: str, right: str) -> str:
    """Both in a row; halves of a character that was cut apart grow together again."""
    text = left + right
    if left and right and left[-1] >= "\udc80" and "\udcff" >= right[0] >= "\udc80" and left[-1] <= "\udcff":
        return from_bytes(to_bytes(text))
    return text


def mend(text: str) -> str:
    """The text after pieces were joined: see `concat`."""
    return from_bytes(to_bytes(text)) if has_escapes(text) else text


def valid(text: str) -> str:
    """The text with U+FFFD for every byte that is not UTF-8, as JSON and regular expressions see it."""
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text) if has_escapes(text) else text
