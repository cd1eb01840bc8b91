"""Sprig's encodings and checksums; what can't be decoded comes back as the text of the error, as Go words it."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib

from aggregator.lang.gostring import from_bytes, to_bytes
from aggregator.lang.sprig.signature import STRING, Family

FAMILY = Family("Encoding and checksums")
BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
BASE32 = re.compile(rb"(?:[A-Z2-7]{8})*(?:[A-Z2-7]{2}={6}|[A-Z2-7]{4}={4}|[A-Z2-7]{5}={3}|[A-Z2-7]{7}=)?")
BASE64_CHARACTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
BASE32_CHARACTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
LINE_BREAKS = b"\r\n"
PAD = ord("=")


class CorruptInputError(ValueError):
    """The text is not in the encoding; the message is Go's."""


def decode_base64(text: str) -> bytes:
    """Standard base64 with padding; line breaks are skipped."""
    data = to_bytes(text)
    compact = data.translate(None, LINE_BREAKS)
    if BASE64.fullmatch(compact):
        return base64.b64decode(compact)
    raise CorruptInputError(f"illegal base64 data at input byte {corrupt_base64_at(data)}")


def corrupt_base64_at(data: bytes) -> int:
    """The place that Go's decoder names: it reads four characters at a time."""
    at = count = 0
    while at < len(data):
        byte = data[at]
        at += 1
        if byte in LINE_BREAKS:
            continue
        if byte in BASE64_CHARACTERS:
            count = (count + 1) % 4
            continue
        if byte != PAD or count < 2:
            return at - 1
        at = behind_breaks(data, at)
        if count == 2:
            if at == len(data):
                return at
            if data[at] != PAD:
                return at - 1
            at = behind_breaks(data, at + 1)
        return at
    return at - count


def behind_breaks(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in LINE_BREAKS:
        at += 1
    return at


def decode_base32(text: str) -> bytes:
    """Standard base32 with padding; line breaks are skipped."""
    data = to_bytes(text).translate(None, LINE_BREAKS)
    if BASE32.fullmatch(data):
        return base64.b32decode(data)
    broken = corrupt_base32_at(data)
    if broken is None:  # padding that ends the text early: what follows it is not looked at
        return base64.b32decode(data[: len(data) // 8 * 8])
    raise CorruptInputError(f"illegal base32 data at input byte {broken}")


def corrupt_base32_at(data: bytes) -> int | None:
    """The place that Go's decoder names: it reads eight characters at a time."""
    size = len(data)
    begin = 0
    while True:
        for place in range(8):
            at = begin + place
            if at == size:
                return size - place
            left = size - at - 1
            if data[at] == PAD and place >= 2 and left < 8:
                if left + place < 7:
                    return size
                for ahead in range(7 - place):
                    if ahead < left and data[at + 1 + ahead] != PAD:
                        return at + ahead
                return at if place in (1, 3, 6) else None
            if data[at] not in BASE32_CHARACTERS:
                return at
        begin += 8


@FAMILY.add("b64enc", STRING)
def b64enc(text: str) -> str:
    """Base64: `sprig.b64enc("hello")` is "aGVsbG8="."""
    return base64.b64encode(to_bytes(text)).decode()


@FAMILY.add("b64dec", STRING)
def b64dec(text: str) -> str:
    """From base64: `sprig.b64dec("aGVsbG8=")` is "hello"."""
    try:
        return from_bytes(decode_base64(text))
    except CorruptInputError as e:
        return str(e)


@FAMILY.add("b32enc", STRING)
def b32enc(text: str) -> str:
    """Base32: `sprig.b32enc("hello")` is "NBSWY3DP"."""
    return base64.b32encode(to_bytes(text)).decode()


@FAMILY.add("b32dec", STRING)
def b32dec(text: str) -> str:
    """From base32: `sprig.b32dec("NBSWY3DP")` is "hello"."""
    try:
        return from_bytes(decode_base32(text))
    except CorruptInputError as e:
        return str(e)


@FAMILY.add("sha1sum", STRING)
def sha1sum(text: str) -> str:
    """The SHA-1 sum in hexadecimal: `sprig.sha1sum("abc")[:8]` is "a9993e36"."""
    return hashlib.sha1(to_bytes(text), usedforsecurity=False).hexdigest()


@FAMILY.add("sha256sum", STRING)
def sha256sum(text: str) -> str:
    """The SHA-256 sum in hexadecimal: `sprig.sha256sum("abc")[:8]` is "ba7816bf"."""
    return hashlib.sha256(to_bytes(text)).hexdigest()


@FAMILY.add("sha512sum", STRING)
def sha512sum(text: str) -> str:
    """The SHA-512 sum in hexadecimal: `sprig.sha512sum("abc")[:8]` is "ddaf35a1"."""
    return hashlib.sha512(to_bytes(text)).hexdigest()


@FAMILY.add("adler32sum", STRING)
def adler32sum(text: str) -> str:
    """The Adler-32 sum in decimal: `sprig.adler32sum("abc")` is "38600999"."""
    return str(zlib.adler32(to_bytes(text)))
