"""Durations as Go reads, prints, rounds and wraps them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import LanguageError
from aggregator.lang.gotime import (
    Duration,
    format_duration,
    parse_duration,
)
from aggregator.lang.govalue import INT_MAX, INT_MIN, Int64, call_method

HOUR = 3600 * 10**9

int64 = st.integers(INT_MIN, INT_MAX)


class TestDurationText:
    """Hours, minutes and seconds without units that are zero in front; below a second one unit with a fraction."""

    @pytest.mark.parametrize(
        ("ns", "text"),
        [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (10**9, "1s"),
            (90 * 10**9, "1m30s"),
            (HOUR, "1h0m0s"),
            (5 * HOUR // 2, "2h30m0s"),
            (-1_500_000_000, "-1.5s"),
            (INT_MAX, "2562047h47m16.854775807s"),
            (INT_MIN, "-2562047h47m16.854775808s"),
        ],
    )
    def test_text(self, ns, text):
        assert format_duration(ns) == text
        assert str(Duration(ns)) == text

    @given(int64)
    def test_reading_the_text_gives_the_duration_back(self, ns):
        assert parse_duration(format_duration(ns)).ns == ns


class TestDurationGrammar:
    """Numbers with units behind one optional sign, in any order and as often as you like; "0" needs no unit."""

    @pytest.mark.parametrize(
        ("text", "ns"),
        [
            ("0", 0),
            ("-0", 0),
            ("1h30m", 3 * HOUR // 2),
            ("-1.5h", -3 * HOUR // 2),
            ("+5s", 5 * 10**9),
            ("30m1h", 3 * HOUR // 2),
            ("1m1m", 120 * 10**9),
            (".5s", 500_000_000),
            ("1.s", 10**9),
            ("3us", 3_000),
            ("3µs", 3_000),  # the micro sign
            ("3μs", 3_000),  # the Greek letter
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("-9223372036854775808ns", INT_MIN),
        ],
    )
    def test_read(self, text, ns):
        assert parse_duration(text).ns == ns

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "-",
            "1",
            "1x",
            "h",
            ".s",
            "1h ",
            " 1h",
            "1 h",
            "--1s",
            "1h-5m",
            "1e3s",
            "9223372036854775808ns",
            "9" * 5000 + "h",
            "3d",
        ],
    )
    def test_refused(self, text):
        with pytest.raises(LanguageError, match="invalid duration"):
            parse_duration(text)

    def test_the_error_points_at_the_unit(self):
        with pytest.raises(LanguageError) as caught:
            parse_duration("1h5x")
        assert caught.value.start == 3
        assert "ns, us, ms, s, m or h" in caught.value.hint


class TestDurationMethods:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Hours", 1.5),
            ("Minutes", 90.0),
            ("Seconds", 5400.0),
            ("Milliseconds", 5_400_000),
            ("Microseconds", 5_400_000_000),
            ("Nanoseconds", 5_400_000_000_000),
            ("String", "1h30m0s"),
        ],
    )
    def test_units(self, name, value):
        got = call_method(Duration(3 * HOUR // 2), name, ())
        assert got == value
        assert isinstance(got, Int64) == isinstance(value, int), "whole units are int64"

    def test_round_takes_halves_away_from_zero_and_truncate_cuts_towards_it(self):
        step = Duration(10**9)
        assert call_method(Duration(2_500_000_000), "Round", (step,)).ns == 3 * 10**9
        assert call_method(Duration(-2_500_000_000), "Round", (step,)).ns == -3 * 10**9
        assert call_method(Duration(-2_900_000_000), "Truncate", (step,)).ns == -2 * 10**9
        assert call_method(Duration(7), "Round", (Duration(0),)).ns == 7, "a step of zero changes nothing"

    def test_abs_of_the_smallest_duration_is_the_largest(self):
        assert call_method(Duration(INT_MIN), "Abs", ()).ns == INT_MAX

    def test_a_method_that_is_not_there(self):
        with pytest.raises(LanguageError, match="no method Days"):
            call_method(Duration(1), "Days", ())

    def test_arguments_are_checked(self):
        with pytest.raises(LanguageError, match=r"cannot use int as time\.Duration"):
            call_method(Duration(1), "Round", (5,))
        with pytest.raises(LanguageError, match="takes 0"):
            call_method(Duration(1), "Hours", (1,))


def test_durations_wrap_at_64_bits():
    assert Duration(INT_MAX + 1).ns == INT_MIN
