"""Sprig's functions of numbers and conversions."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import LanguageError
from aggregator.lang.context import Context
from aggregator.lang.gotime import Duration, Month, parse_time
from aggregator.lang.govalue import (
    INT_MAX,
    INT_MIN,
    Int64,
    IntList,
)
from aggregator.lang.sprig import FUNCTIONS

NOON = parse_time("2006-01-02 15:04:05", "2024-03-04 12:00:00")


def sprig(name, *args, zone="UTC"):
    ctx = Context(now=NOON.ns, random=random.Random(1), keep=lambda _, make: make(), zone=zone)
    return FUNCTIONS[name](ctx, *args)


def refused(name, *args):
    with pytest.raises(LanguageError) as caught:
        sprig(name, *args)
    return caught.value.message


class TestConversions:
    """What does not convert is 0; texts are read as Go literals are."""

    @pytest.mark.parametrize(
        ("value", "number"),
        [
            ("12", 12),
            ("010", 8),
            ("0x1f", 31),
            ("0b11", 3),
            ("1_000", 1000),
            ("5.7", 5),
            ("-.5", 0),
            ("-7", -7),
            ("9223372036854775808", 0),
            (" 1", 0),
            ("", 0),
            ("abc", 0),
            (1.9, 1),
            (-1.9, -1),
            (math.nan, INT_MIN),
            (1e300, INT_MIN),
            (True, 1),
            (None, 0),
            ([1], 0),
            (Month(3), 3),
            (Duration(5), 5),
        ],
    )
    def test_int(self, value, number):
        assert sprig("int", value) == number
        assert type(sprig("int64", value)) is Int64

    @pytest.mark.parametrize(
        ("value", "number"),
        [
            ("1.5", 1.5),
            ("1e3", 1000.0),
            ("0x1p4", 16.0),
            ("1_0.5", 10.5),
            ("inf", math.inf),
            ("1e999", 0.0),
            ("x", 0.0),
            (True, 1.0),
            (3, 3.0),
        ],
    )
    def test_float(self, value, number):
        assert sprig("float64", value) == number

    @pytest.mark.parametrize(
        ("value", "number"),
        [("12", 12), ("4.2", 0), ("0x1f", 0), ("99999999999999999999", INT_MAX), ("-99999999999999999999", INT_MIN)],
    )
    def test_atoi_reads_decimals_and_stops_at_64_bits(self, value, number):
        assert sprig("atoi", value) == number

    @pytest.mark.parametrize(("value", "number"), [("0644", 420), (777, 511), ("8", 0), ("-10", -8), ("", 0), (1.5, 0)])
    def test_to_decimal_reads_octal(self, value, number):
        assert sprig("toDecimal", value) == number


class TestIntegers:
    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("add", (), 0),
            ("add", (1, "2", 3.9), 6),
            ("add", (INT_MAX, 1), INT_MIN),
            ("add1", ("x",), 1),
            ("sub", (5, 7), -2),
            ("mul", (2, 3, 4), 24),
            ("div", (-7, 2), -3),
            ("div", (INT_MIN, -1), INT_MIN),
            ("mod", (-7, 2), -1),
            ("max", (1, "3", 2), 3),
            ("min", (1, -3, 2), -3),
        ],
    )
    def test_arithmetic(self, name, args, value):
        got = sprig(name, *args)
        assert got == value
        assert type(got) is Int64

    @pytest.mark.parametrize("name", ["div", "mod", "divf"])
    def test_division_by_zero(self, name):
        assert "division by zero" in refused(name, 1, 0)

    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("until", (3,), [0, 1, 2]),
            ("until", (-3,), [0, -1, -2]),
            ("until", (0,), []),
            ("untilStep", (1, 6, 2), [1, 3, 5]),
            ("untilStep", (6, 1, -2), [6, 4, 2]),
            ("untilStep", (1, 6, -1), []),
            ("untilStep", (1, 6, 0), []),
            ("seq", (), ""),
            ("seq", (3,), "1 2 3"),
            ("seq", (-1,), "1 0 -1"),
            ("seq", (0, 2), "0 1 2"),
            ("seq", (0, 3, 10), "0 3 6 9"),
            ("seq", (3, 3, 2), ""),
            ("seq", (3, -3, 2), "3"),
            ("seq", (1, 2, 3, 4), ""),
        ],
    )
    def test_ranges(self, name, args, value):
        assert sprig(name, *args) == value

    def test_ranges_are_lists_of_int(self):
        assert type(sprig("until", 2)) is IntList


class TestFloats:
    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("addf", (0.1, 0.2), 0.3),
            ("addf", (), 0.0),
            ("add1f", (0.1,), 1.1),
            ("subf", (0.3, 0.1), 0.2),
            ("mulf", (1.1, 1.1), 1.21),
            ("divf", (1, 3), 0.3333333333333333),
            ("maxf", (1, "2.5"), 2.5),
            ("minf", (1, 2.5), 1.0),
            ("floor", (-1.5,), -2.0),
            ("ceil", ("1.1",), 2.0),
            ("round", (3.14159, 2), 3.14),
            ("round", (2.5, 0), 3.0),
            ("round", (2.4, 0, 0.3), 3.0),
            ("round", (-1.2, 0), -2.0),  # the fraction is below the threshold, so it rounds down
            ("round", (123.0, -1), 120.0),
        ],
    )
    def test_arithmetic(self, name, args, value):
        got = sprig(name, *args)
        assert got == value
        assert type(got) is float

    def test_infinities_are_no_decimals(self):
        assert "+Inf is not a decimal number" in refused("addf", math.inf)

    def test_nan_beside_a_number(self):
        assert math.isnan(sprig("maxf", 1.0, math.nan))
        assert sprig("maxf", math.inf, math.nan) == math.inf

    @given(st.lists(st.decimals(-1000, 1000, places=3), max_size=5))
    def test_sums_are_exact_decimals(self, numbers):
        assert sprig("addf", *map(float, numbers)) == float(sum(numbers))
