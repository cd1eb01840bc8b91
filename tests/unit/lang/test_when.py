"""Conditions of `when`: bare words, strict types, precedence, dates, and the errors that a user reads."""

import math

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import when
from aggregator.lang.when import evaluate, explain


def raw(text, **env):
    return evaluate(text, mode="raw", env=env)


def refused(text, mode="when"):
    with pytest.raises(LanguageError) as caught:
        evaluate(text, mode=mode)
    return caught.value


class TestWords:
    """After parsing, each bare word stands for itself as text."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("heads == heads", True),
            ("heads == tails", False),
            ("Failed in (Failed, Error)", True),
            ("'Failed' == Failed", True),
            ('"a b" == [a b]', True),
            ("foo\\-bar == 'foo-bar'", True),
            ("Straße == 'Straße'", True),
            ("a_1 != a_2", True),
            ("IN == 1", None),
        ],
    )
    def test_words(self, text, value):
        if value is None:
            refused(text)
        else:
            assert evaluate(text) is value

    def test_booleans_and_numbers_never_equal_quoted_text(self):
        assert evaluate("true == 'true'") is False
        assert evaluate("5 == '5'") is False
        assert evaluate("True == true") is False

    @pytest.mark.parametrize(
        "text", ["foo-bar == foo-bar", "v1.2 == v1.2", "foo.Bar == x", "!foo", "-foo == 1", "~foo"]
    )
    def test_words_with_other_characters_are_operators_or_accessors(self, text):
        refused(text)

    def test_in_cron_words_are_unknown_parameters(self):
        assert evaluate("1 == 1", mode="cron") is True
        assert refused("a == a", "cron").kind == "name"


class TestOperators:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("2 ** 3 ** 2", 64.0),
            ("-2 ** 2", 4.0),
            ("10 - 2 - 3", 5.0),
            ("8 / 4 * 2", 4.0),
            ("1 + 2 * 3", 7.0),
            ("90 + 50 << 1", 280.0),
            ("50 << 1 & 90", 64.0),
            ("~5 & 3", 2.0),
            ("7 % 4", 3.0),
            ("-7 % 4", -3.0),
            ("2 << 64", 0.0),
            ("0x1F", 31.0),
            (".5 + 1.", 1.5),
            ("'a' + 1 + true", "a1true"),
            ("(1, 2), 3", [1.0, 2.0, 3.0]),
            ("true ? 'y' : 'n'", "y"),
            ("false ? 'y' : 'n'", "n"),
            ("false ? 'y'", None),
            ("()", None),
            ("1 / 0", math.inf),
            ("-1 / 0", -math.inf),
            ("0 ** -1", math.inf),
            ("2 ** 5000", math.inf),
            ("(-2) ** 5001", -math.inf),
            ("(-0.0) ** -1", -math.inf),
            ("16 >> 2", 4.0),
            ("1 >> 99", 0.0),
            ("-1 >> 60", 15.0),
            ("2 ** 63 << 0", 2.0**63),
            ("2 ** 70 << 0", 2.0**63),
            ("2 ** 70 | 0", -(2.0**63)),
            ("6 & 3 | 8 ^ 1", 11.0),
            ("0x 1F", 31.0),
        ],
    )
    def test_values(self, text, value):
        assert raw(text) == value

    def test_undefined_arithmetic_is_not_a_number(self):
        assert math.isnan(raw("0 / 0"))
        assert math.isnan(raw("1 % 0"))
        assert math.isnan(raw("(-8) ** 0.5"))

    def test_and_or_skip_their_right_side(self):
        assert evaluate("false && (1 > 'a')") is False
        assert evaluate("true || (1 > 'a')") is True
        assert evaluate("true || foo.Bar") is True

    def test_order_compares_two_numbers_or_two_texts(self):
        assert evaluate("10 > 9") is True
        assert evaluate("'10' > '9'") is False
        assert "it compares two numbers, or two texts" in refused("10 > '9'").message

    def test_a_list_is_not_looked_up_in_a_list_of_lists(self):
        with pytest.raises(LanguageError, match="list of lists"):
            raw("(1, 2) in (3, (1, 2))")
        assert raw("(1, 2) in (3, 4)") is False

    def test_prefixes_need_their_type(self):
        assert "prefix '!', it is not a bool" in refused("!1").message
        assert "prefix '-', it is not a number" in refused("-true").message

    def test_what_follows_a_whole_condition_in_parentheses_is_not_looked_at(self):
        """The library ends at such a place; so do we."""
        assert raw("(1) 2") == 1.0
        assert raw("((1) 2) == 5") == 1.0

    def test_access_swallows_the_arguments_after_it(self):
        assert evaluate("false && foo.Bar(1) || true") is False

    def test_a_parenthesised_word_is_no_list(self):
        assert evaluate("a in (a, b)") is True
        assert "write a in (b, c)" in refused("a in (a)").message

    def test_variables_of_the_bare_library(self):
        assert raw("foo + 2", foo=2) == 4.0
        assert raw("foo ?? 1", foo=None) == 1.0
        assert raw("a in (b, c)", a=1, b=1, c=2) is True
        assert raw("arr == arr", arr=[0, 1]) is True
        assert raw("a == b", a={"x": [1]}, b={"x": [1]}) is True
        assert raw("a == b", a={"x": [1]}, b={"y": [1]}) is False
        assert raw("a", a=None) is None

    def test_symbols_are_read_greedily(self):
        for text in ("!!true", "1--1 == 2", "1 ==-1", "a === a", "a = a"):
            assert "invalid token" in refused(text).message

    def test_a_long_chain_is_no_deep_tree(self):
        assert evaluate(" && ".join(["1 == 1"] * 5000)) is True


class TestDates:
    """Quoted text that looks like a date or time is a number of seconds, in UTC where it names no zone."""

    def test_dates_compare_as_moments(self):
        assert evaluate("'2024-01-02' > '2024-01-01'") is True
        assert evaluate("'2024-01-02T10:00:00+02:00' == '2024-01-02T08:00:00Z'") is True
        assert raw("'2024-01-02'") == 1704153600.0

    def test_other_text_stays_text(self):
        assert evaluate("'2024-13-01' == '2024-13-01'") is True
        assert raw("'1.2.3-4'") == "1.2.3-4"

    def test_a_date_is_no_text_for_a_pattern(self):
        refused("'2024-01-02' =~ '2024'")


class TestPatterns:
    def test_re2_patterns(self):
        assert evaluate("heads =~ hea") is True
        assert evaluate("'a1c' =~ '[0-9]'") is True
        assert evaluate("tails !~ '^heads$'") is True

    def test_a_bad_pattern_is_found_before_anything_runs(self):
        error = refused("true || 'x' =~ '('")
        assert "bad regular expression" in error.message
        assert error.text[error.start : error.end] == "'('"

    def test_a_pattern_that_would_blow_up_elsewhere_is_linear(self):
        assert evaluate(f"{'a' * 5000} =~ '(a+)+b'") is False


class TestErrors:
    """The prefixes are Argo's; the place is the token, and a hint says to quote."""

    def test_empty_is_true_and_blank_is_an_error(self):
        assert evaluate("") is True
        assert refused("   ").message.startswith("Invalid 'when' expression")

    def test_the_value_must_be_a_bool(self):
        assert refused("1 + 1").message == "Expected boolean evaluation for '1 + 1'. Got 2"

    @pytest.mark.parametrize(
        ("text", "where"),
        [
            ("foo == a b", "b"),
            ("foo == @", "@"),
            ("foo == 'x", "'"),
            ("[foo == 1", "["),
            ("(a == b", "("),
            ("a == b)", ")"),
            ("a ==", ""),
            ("foo(1)", "("),
            ("0xFFFFFFFFFFFFFFFFF == 1", "0xFFFFFFFFFFFFFFFFF"),
            ("foo. == 1", "foo."),
            ("foo.bar == 1", "foo.bar"),
            ("true ? , 1", ","),
            ("1.2.3 == 1", "1.2.3"),
            ("a == b\\", "\\"),
        ],
    )
    def test_place_of_syntax_errors(self, text, where):
        error = refused(text)
        assert error.kind == "syntax"
        assert error.message.startswith("Invalid 'when' expression")
        assert text[error.start : error.end] == where
        assert error.hint or "parentheses" in error.message

    def test_the_hint_tells_to_quote(self):
        assert "quotes" in refused("foo == a b").hint
        assert "an empty value vanishes" in refused("x ==").hint

    def test_running_fails_with_the_value_seen(self):
        error = refused("foo > 1")
        assert error.message.startswith("Failed to evaluate 'foo > 1': 'foo' cannot be used with the comparator '>'")
        assert error.text[error.start : error.end] == "foo"


class TestLimits:
    def test_deep_nesting(self):
        with pytest.raises(LimitExceeded) as caught:
            evaluate("(" * 10_000 + "1" + ")" * 10_000)
        assert caught.value.limit == "when depth"

    def test_length(self):
        with pytest.raises(LimitExceeded):
            evaluate("a" * 10_000_000)

    def test_joined_text(self):
        with pytest.raises(LimitExceeded):
            raw("a + a + a + a", a="x" * 300_000)


def test_explain_tells_each_operator_that_ran():
    assert explain("1 + 2 == 3 && foo != foo") == [
        ("+", ("1", "2"), 3.0),
        ("==", ("1 + 2", "3"), True),
        ("!=", ("foo", "foo"), False),
        ("&&", ("1 + 2 == 3", "foo != foo"), False),
    ]
    assert explain("") == []
    assert [symbol for symbol, _, _ in explain("false && 1 == 1")] == ["&&"]
    assert explain("!true") == [("!", ("true",), False)]


def test_the_short_form_and_the_whole_grammar_agree():
    operands = ["a", "b", "in", "true", "false", "1", "01", "'a'", '"b"', "''", "True", "IN"]
    for left in operands:
        for right in operands:
            for operator in ("==", "!="):
                text = f"{left} {operator} {right}"
                try:
                    whole = when._decide(text, "when", {})
                except LanguageError:
                    refused(text)
                else:
                    assert evaluate(text) is whole
