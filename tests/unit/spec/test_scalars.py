"""Plain scalars mean what Argo's YAML loader makes of them, and numbers become parameter text as Argo prints them."""

import pytest

from aggregator.spec.scalars import key_text, number, number_text, plain


@pytest.mark.parametrize("word", ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"])
def test_the_words_of_yaml_1_1_for_true_are_true(word):
    assert plain(word) is True


@pytest.mark.parametrize("word", ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"])
def test_the_words_of_yaml_1_1_for_false_are_false(word):
    assert plain(word) is False


@pytest.mark.parametrize("word", ["", "~", "null", "Null", "NULL"])
def test_null_has_five_spellings(word):
    assert plain(word) is None


@pytest.mark.parametrize(
    "word", ["yEs", "tRUE", "nULL", "oN", "hello", "*x", "=", "<<", "-", "+", ".", "..", "ok", "none"]
)
def test_other_spellings_stay_text(word):
    assert plain(word) == word


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("12", 12),
        ("+1", 1),
        ("-7", -7),
        ("1_000", 1000),
        ("0x1F", 31),
        ("-0x1f", -31),
        ("0b101", 5),
        ("-0b11", -3),
        ("0o17", 15),
        ("017", 15),
        ("9223372036854775807", 2**63 - 1),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_integers_come_in_decimal_octal_hexadecimal_and_binary(text, value):
    assert plain(text) == value
    assert isinstance(plain(text), int)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), (".5", 0.5), ("-1.5e-3", -0.0015), ("1e21", 1e21), ("08.5", 8.5), ("99999999999999999999999", 1e23)],
)
def test_floats_and_integers_too_long_for_64_bits_are_floats(text, value):
    assert plain(text) == value
    assert isinstance(plain(text), float)


@pytest.mark.parametrize(("text", "value"), [("1.0", 1), ("5.", 5), ("1e3", 1000), ("08", 8), ("1_0.0", 10)])
def test_a_float_without_fraction_is_an_integer_because_json_writes_it_so(text, value):
    assert plain(text) == value
    assert isinstance(plain(text), int)


def test_a_hexadecimal_number_beyond_64_bits_keeps_its_digits():
    assert plain("0xffffffffffffffffff") == 0xFFFFFFFFFFFFFFFFFF


@pytest.mark.parametrize(
    "text",
    [
        "2001-01-01",
        "2001-1-1",
        "2001-12-14t21:59:43.10-05:00",
        "2001-12-14 21:59:43",
        "1:30",
        "190:20:30",
        "1e400",
        ".inf",
        "-.INF",
        ".nan",
        "1.2.3",
        "0x",
        "0b2",
        "1e",
        "٣",
        "1 2",
        "12\n",
    ],
)
def test_times_base_60_infinities_and_malformed_numbers_stay_text(text):
    assert plain(text) == text


def test_a_number_may_be_asked_for_directly():
    assert number("12") == 12
    assert number(".x") == ".x"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (-5, "-5"),
        (0, "0"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (-2.5e-10, "-0.00000000025"),
        (1e21, "1000000000000000000000"),
        (123456789.125, "123456789.125"),
        (2**53, "9007199254740992"),
        (2**53 + 1, "9007199254740992"),
        (12345678901234567890, "12345678901234567000"),
    ],
)
def test_number_text_is_the_shortest_float64_without_exponent(value, text):
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.5, "1.5"), (0.1, "0.1"), (1e21, "1e+21"), (1e-5, "1e-05"), (1e300, "1e+300"), (0.0001, "0.0001")],
)
def test_a_float_as_a_key_has_the_shortest_32_bit_form(value, text):
    assert key_text(value) == text
