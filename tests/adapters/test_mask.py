"""The masker: every shape of a secret is hidden, in whole texts and across the pieces of a stream."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.secrets.mask import MIN_LENGTH, Masker, decode_base64

SECRET = 'p&ss/w"rd+ü <x>\\1'


def masker(*values):
    made = Masker()
    for value in values:
        made.add(value)
    return made


@pytest.mark.parametrize(
    "shape",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.b64encode(SECRET.encode() + b"\n").decode(),
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower().replace("ü", "ü"),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(SECRET))[3:-3],
        json.dumps(json.dumps(SECRET, ensure_ascii=False))[3:-3],
        json.dumps(json.dumps(SECRET), ensure_ascii=False)[3:-3],
        SECRET.encode().hex(),
    ],
)
def test_every_shape_is_masked(shape):
    assert masker(SECRET).mask(f"before {shape} after") == "before *** after"
    assert masker(SECRET).mask_bytes(f"before {shape} after".encode()) == b"before *** after"


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user"])
@pytest.mark.parametrize("after", ["", "x", "yz"])
def test_base64_of_a_longer_text_that_holds_the_secret_is_masked(user, after):
    encoded = base64.b64encode(f"{user}:{SECRET}{after}".encode()).decode()
    shown = masker(SECRET).mask(f"Basic {encoded}")
    assert "***" in shown
    # No three bytes of the secret can be read from what is left.
    left = shown.removeprefix("Basic ").split("***")
    assert all(len(part) <= len(base64.b64encode(f"{user}:".encode())) + 4 for part in left)
    assert len(left) == 2


def test_base64_broken_into_lines_is_masked():
    secret = "".join(chr(33 + i * 7 % 90) for i in range(150))
    for width in (64, 76):
        encoded = base64.b64encode(secret.encode()).decode()
        lines = "\n".join(encoded[i : i + width] for i in range(0, len(encoded), width))
        assert encoded[:width] not in masker(secret).mask(lines)
        assert masker(secret).mask(lines).startswith("***\n***\n***")


def test_lines_of_a_key_are_masked_one_by_one_but_not_its_armour():
    key = "-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG\n9w0BAQEFAASCAUAwggE8\n-----END KEY-----\n"
    shown = masker(key).mask("> 9w0BAQEFAASCAUAwggE8 <\n-----BEGIN KEY-----")
    assert shown == "> *** <\n-----BEGIN KEY-----"


def test_values_below_the_bound_are_not_masked():
    short = "x" * (MIN_LENGTH - 1)
    assert masker(short, "", "    ").mask(f"{short}     y") == f"{short}     y"
    assert masker("x" * MIN_LENGTH).mask("x" * MIN_LENGTH) == "***"


def test_the_longest_secret_is_masked_whole():
    assert masker("abcd", "abcdefgh").mask("abcdefgh abcd") == "*** ***"


def test_a_value_with_a_final_line_break_is_masked_without_it_too():
    assert masker("hunter22\n").mask("user hunter22 here") == "user *** here"


def test_nothing_known_means_nothing_changed():
    data = b"x" * 1000
    assert Masker().mask_bytes(data) is data
    assert Masker().stream().feed(data) is data
    assert masker("secret-value").mask_bytes(data) is data


def test_a_stream_shows_at_once_what_cannot_be_a_secret():
    stream = masker("secret-value").stream()
    assert stream.feed(b"password: ") == b"password: "
    assert stream.feed(b"abc sec") == b"abc "
    assert stream.feed(b"ond") == b"second"
    assert stream.feed(b" secret-valu") == b" "
    assert stream.feed(b"e!") == b"***!"
    assert stream.feed(b"secret-v") == b""
    assert stream.flush() == b"secret-v"
    assert stream.flush() == b""


def test_a_secret_learnt_in_mid_stream_is_masked_from_then_on():
    known = Masker()
    stream = known.stream()
    assert stream.feed(b"secret-value ") == b"secret-value "
    known.add("secret-value")
    assert stream.feed(b"secret-value") + stream.flush() == b"***"


# Few letters, so that secrets overlap each other and themselves.
letters = st.text("ab", min_size=4, max_size=7)


@given(st.lists(letters, min_size=1, max_size=4), st.text("abc", max_size=60), st.data())
def test_a_stream_gives_what_the_whole_text_would_however_it_is_cut(secrets, text, data):
    known = masker(*secrets)
    stream = known.stream()
    raw, shown = text.encode(), b""
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        shown += stream.feed(raw[:size])
        raw = raw[size:]
    assert shown + stream.flush() == known.mask_bytes(text.encode())


@given(st.text(min_size=4, max_size=40), st.binary(max_size=20), st.binary(max_size=20), st.integers(1, 7))
def test_no_secret_is_ever_seen_in_a_stream(secret, before, after, size):
    # The mask itself could complete a secret that has asterisks.
    raw = secret.encode() if secret.isprintable() and "*" not in secret else b"plain-secret"
    known = masker(raw.decode())
    stream = known.stream()
    whole = before + raw + after
    shown = b"".join(stream.feed(whole[i : i + size]) for i in range(0, len(whole), size)) + stream.flush()
    if secret.strip():
        assert raw not in shown


@given(st.text(min_size=4, max_size=40).filter(lambda text: bool(text.strip()) and text.isprintable()))
def test_texts_and_bytes_are_masked_alike(secret):
    known = masker(secret)
    text = f"1 {secret} 2 {json.dumps(secret)} 3 {quote(secret)}"
    assert known.mask(text).encode() == known.mask_bytes(text.encode())
    assert secret not in known.mask(text)


def test_base64_is_strict():
    assert decode_base64(" YWJj\nZA== ") == b"abcd"
    for bad in ("YWJ", "YW!j", "ü"):
        with pytest.raises(ValueError):
            decode_base64(bad)
