"""Go strings: any bytes, held in Python's text without loss."""

import pytest

from aggregator.lang import gostring


@pytest.mark.parametrize("data", [b"", b"abc", "é😀".encode(), b"\xff\xfe", b"a\xc3", b"\xed\xa0\x80"])
def test_bytes_come_back(data):
    assert gostring.to_bytes(gostring.from_bytes(data)) == data


def test_lone_surrogates():
    """Half of a surrogate pair is no byte: Go writes U+FFFD for it."""
    assert gostring.to_bytes("a\ud800\udcff\u00e9") == b"a\xef\xbf\xbd\xff\xc3\xa9"
    assert gostring.valid("a\ud800\udcff") == "a\ufffd\ufffd"
    assert gostring.valid("é") == "é"
    assert gostring.has_escapes("\udcff") is True
    assert gostring.has_escapes("é") is gostring.has_escapes("a") is False


def test_halves_grow_together():
    left, right = gostring.from_bytes(b"a\xc3"), gostring.from_bytes(b"\xa9b")
    assert gostring.concat(left, right) == "aéb"
    assert gostring.mend(left + right) == "aéb"
    assert gostring.concat("", "a") == gostring.mend("a") == "a"
