"""Rare corners of Go's values: formats and their mistakes, numbers, JSON, durations, instants and layouts."""

import math
from http import HTTPStatus
from types import MappingProxyType

import pytest

from aggregator.errors import LanguageError
from aggregator.lang import jq, kubejsonpath, when
from aggregator.lang.goformat import format_float, go_quote, go_value, sprintf
from aggregator.lang.goformat.floats import mantissa_and_exponent
from aggregator.lang.gojson import decode_json
from aggregator.lang.gonumber import integer_power, parse_float, parse_int
from aggregator.lang.gotime import (
    UTC,
    Duration,
    Month,
    Time,
    Weekday,
    format_time,
    from_unix,
    parse_duration,
    parse_time,
)
from aggregator.lang.gotime import calendar as gregorian
from aggregator.lang.govalue import GoObject, go_type, zero_value
from aggregator.lang.scope import flat_keys


@pytest.mark.parametrize(
    ("template", "arguments", "text"),
    [
        ("%[1", (1,), "%!(NOVERB)"),
        ("%[x]d", (1,), "%!d(BADINDEX)"),
        ("%[99999999999]d", (1,), "%!d(BADINDEX)"),
        ("%[1]5d", (3,), "%!d(BADINDEX)"),
        ("%[1].2f", (3.0,), "%!f(BADINDEX)"),
        ("%99999999999d", (1,), "%!(NOVERB)%!(EXTRA int=1)"),
        ("%*d", (), "%!(BADWIDTH)%!d(MISSING)"),
        ("%*d|", (-3, 7), "7  |"),
        ("%.0d", (0,), ""),
        ("%3.0d|", (0,), "   |"),
    ],
)
def test_mistakes_in_a_format_show_in_its_text(template, arguments, text):
    assert sprintf(template, *arguments) == text


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("%f", math.inf, "+Inf"),
        ("%f", -math.inf, "-Inf"),
        ("% f", math.inf, " Inf"),
        ("%+f", math.nan, "+NaN"),
        ("% f", math.nan, " NaN"),
        ("%f", math.nan, "NaN"),
        ("%06f", math.inf, "  +Inf"),
        ("%#.0f", 2.0, "2."),
        ("%#g", 1.5, "1.50000"),
        ("%#g", 0.0, "0.00000"),
        ("%#g", 1e10, "1.00000e+10"),
        ("%#.3e", 1.0, "1.000e+00"),
    ],
)
def test_floats_without_a_value_and_with_a_point_always(template, value, text):
    assert sprintf(template, value) == text


def test_the_hexadecimal_form_with_a_point_always():
    assert sprintf("%#x", 1.0).startswith("0x1.0")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("%x", "6162"),
        ("% X", "61 62"),
        ("%#x", "0x6162"),
        ("%.1x", "61"),
        ("%s", "ab"),
        ("%q", '"ab"'),
        ("%v", "[97 98]"),
        ("%#v", "[]byte{0x61, 0x62}"),
        ("%d", "[97 98]"),
        ("%f", "[%!f(uint8=97) %!f(uint8=98)]"),
    ],
)
def test_bytes(template, text):
    assert sprintf(template, b"ab") == text


def test_what_is_no_value():
    assert go_value(len) == "0x0"
    assert "func(" in sprintf("%s", len)
    assert go_type(len) == "func(...interface {}) (interface {}, error)"
    assert go_type(object()) == "object"
    assert go_type(MappingProxyType({})) == go_type({})
    assert go_type(HTTPStatus.OK) == "int"
    assert [zero_value(kind) for kind in ("bool", "int", "float64", "string", "interface {}")] == [
        False,
        0,
        0.0,
        "",
        None,
    ]
    for ask in (GoObject().go_string, GoObject().go_json):
        with pytest.raises(NotImplementedError):
            ask()


def test_keys_of_several_types_are_printed_nil_first_then_by_type():
    assert go_value({"b": 2, None: 1, "a": 3}) == "map[<nil>:1 a:3 b:2]"
    assert go_value({"a": 2, 1: 1}) == "map[1:1 a:2]"


def test_half_a_surrogate_pair_is_the_replacement_character():
    assert go_quote("\ud800") == '"\ufffd"'
    assert decode_json('"\\ud800"') == "\ufffd"
    assert decode_json('["\\ud800", {"\\udc00": "\\ud800x"}, 1]') == ["\ufffd", {"\ufffd": "\ufffdx"}, 1.0]
    assert decode_json('"\ud800"') == "\ufffd"
    assert decode_json('"é"') == "é"


def test_floats_of_32_bits_have_the_digits_that_they_need():
    assert format_float(1.100000023841858, "g", -1, 32) == "1.1"
    assert format_float(16777216.0, "g", -1, 32) == "1.6777216e+07"
    assert mantissa_and_exponent(0.0) == (0, -1074)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1_000", 1000.0), ("0x_1p0", 1.0), ("0x1p99999", None), ("0x1_p0", None), ("0x1_.8p0", None), ("_1", None), ("1__0", None)],
)  # fmt: skip
def test_underscores_stand_between_digits_only(text, value):
    assert parse_float(text) == value


def test_integers_in_other_bases():
    assert parse_int("12", 2) is None
    assert parse_int("101", 2) == 5
    assert parse_int("0x1_0", 0) == 16


@pytest.mark.parametrize(
    ("base", "exponent", "value"),
    [(2.0, 5000, math.inf), (0.5, 5000, 0.0), (1e308, 2, math.inf), (2.0, 1024, math.inf), (2.0, -1, 0.5), (1e300, 20000, math.inf), (1e300, -20000, 0.0)],
)  # fmt: skip
def test_powers_that_leave_the_range(base, exponent, value):
    assert integer_power(base, exponent) == value


@pytest.mark.parametrize(
    ("date", "week"),
    [((2024, 1, 1), (2024, 1)), ((2021, 1, 3), (2020, 53)), ((2024, 12, 30), (2025, 1)), ((2023, 6, 15), (2023, 24))],
)
def test_weeks_belong_to_the_year_of_their_thursday(date, week):
    assert gregorian.iso_week(gregorian.days_of(*date)) == week


def test_durations_and_instants_are_values():
    assert Duration(5).__reduce__() == (Duration, (5,))
    assert hash(Duration(5)) == hash(Duration(5))
    assert repr(Duration(5)) == "Duration(5ns)"
    assert Duration(5) < Duration(6)
    assert Duration(5).__lt__(3) is NotImplemented
    assert Duration(5).truncate(Duration(0)) == Duration(5)
    moment = from_unix(0)
    assert moment.__reduce__() == (Time, (moment.ns, moment.zone))
    assert hash(moment) == hash(from_unix(0))
    assert moment < from_unix(1)
    assert moment.__lt__(3) is NotImplemented
    assert moment.round(Duration(0)) == moment
    assert repr(moment) == "Time(1970-01-01 00:00:00 +0000 UTC)"
    assert Month(1) < Month(2)
    assert Month(1).__lt__(Weekday(2)) is NotImplemented
    assert len({Month(1), Month(1), Weekday(1)}) == 2
    assert (repr(Month(1)), repr(UTC), UTC.go_json()) == ("Month(1)", "Zone('UTC')", {})


def test_a_fraction_longer_than_a_duration_holds_is_cut():
    assert parse_duration("0.99999999999999999999999s").ns == 1_000_000_000


LAYOUTS = [
    ("3:04PM", "12:04AM", "00:04"),
    ("3:04pm", "1:04pm", "13:04"),
    ("15:04:05.000", "10:11:12.123", "10:11"),
    ("15:04:05,000", "10:11:12,123", "10:11"),
]


@pytest.mark.parametrize(("layout", "text", "clock"), LAYOUTS)
def test_times_that_fit_their_layout(layout, text, clock):
    assert format_time(parse_time(layout, text), "15:04") == clock


@pytest.mark.parametrize(
    ("layout", "text", "date"),
    [
        ("2006-002", "2024-060", "2024-02-29"),
        ("2006-__2", "2024-  9", "2024-01-09"),
        ("2006-01-02 002", "2024-02-29 060", "2024-02-29"),
        ("2006 MST", "2024 UTC", "2024-01-01"),
        ("2006 MST", "2024 ChST", "2024-01-01"),
        ("2006 MST", "2024 WITA", "2024-01-01"),
        ("2006 MST", "2024 CEST", "2024-01-01"),
    ],
)
def test_days_of_the_year_and_names_of_zones(layout, text, date):
    assert format_time(parse_time(layout, text), "2006-01-02") == date


@pytest.mark.parametrize(
    ("layout", "text", "why"),
    [
        ("3:04PM", "3:04am", "'am' does not fit 'PM'"),
        ("3:04pm", "3:04AM", "'AM' does not fit 'pm'"),
        ("2006-01-02 002", "2024-03-29 060", "day-of-year does not match month"),
        ("2006-01-02 002", "2024-02-28 060", "day-of-year does not match day"),
        ("2006 MST", "2024 ?", "'?' does not fit 'MST'"),
        ("2006 MST", "2024 ab", "does not fit"),
        ("2006 MST", "2024 abc", "does not fit"),
        ("2006 MST", "2024 ABCDEFG", "does not fit"),
        ("2006 -0700", "2024 x", "'x' does not fit '-0700'"),
        ("15:04 .000", "10:11 .5", "'.5' does not fit '.000'"),
        ("15:04 .000", "10:11 x123", "does not fit"),
        ("15:04 .000", "10:11 .1x3", "does not fit"),
        ("15:04:05.000", "10:11:12.1", "does not fit"),
    ],
)
def test_times_that_do_not_fit(layout, text, why):
    with pytest.raises(LanguageError) as caught:
        parse_time(layout, text)
    assert why in caught.value.message


def test_no_hour_of_the_day_is_changed_by_am_and_pm_where_it_fits():
    assert format_time(parse_time("3PM", "12PM"), "15") == "12"
    assert format_time(parse_time("3PM", "9AM"), "15") == "09"


@pytest.mark.parametrize(
    ("path", "found"),
    [("$.a[*].b", "[1]"), ("$..b", "[1]"), ("$..a[*].b", "[1]"), ("$.c", "<nil>")],
)
def test_members_that_are_null_are_left_out_of_what_a_path_finds(value, path, found):
    data = '{"a": [{"b": null}, {"b": 1}], "c": null}'
    assert go_value(value(f"jsonpath(data, '{path}')", argo=True, data=data)) == found


def test_arithmetic_in_a_path_needs_numbers(fails):
    assert "expected a number" in fails('jsonpath(\'{"a": [1, 2], "n": "x"}\', \'$.a[(@ - 1)]\')', argo=True).message


def test_a_list_is_needed_behind_in():
    with pytest.raises(LanguageError) as caught:
        when.evaluate("1 in 3")
    assert "it is not a list: write a in (b, c)" in caught.value.message


def test_a_filter_ends_with_its_bracket():
    with pytest.raises(LanguageError) as caught:
        kubejsonpath.parse("{.items[?(@.a==1)x}")
    assert "expected ']' after the filter" in caught.value.message


@pytest.mark.parametrize("program", ["# reduce nothing\n.a", ".a # until the end"])
def test_comments_of_jq_programs_are_no_words(program):
    pytest.importorskip("jq")
    assert jq.jq_filter({"a": 1}, program) == "1"


@pytest.mark.parametrize("text", ["1 && true", "'a' || true", "1 ? 2 : 3"])
def test_what_joins_conditions_needs_bools(text):
    with pytest.raises(LanguageError) as caught:
        when.evaluate(text)
    assert ", it is not a bool" in caught.value.message


def test_a_view_without_variables_has_no_keys():
    assert flat_keys({}) == []
    assert flat_keys({"a": {"b": 1, "c": {}}}) == ["a.c", "a.b"]
