"""Values as Go prints them: floats, %v, printf, quoted strings and JSON."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.goformat import format_float, go_quote, go_value, json_text, quote_rune, sprintf
from aggregator.lang.gotime import Duration, Month, Time
from aggregator.lang.govalue import AnyMap, Int64, NilList, StringList

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)  # what a float, and so JSON, can hold
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


class TestFloats:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (100000.0, "100000"),
            (1e6, "1e+06"),
            (123456789.0, "1.23456789e+08"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e21, "1e+21"),
            (5e-324, "5e-324"),
            (math.inf, "+Inf"),
            (-math.inf, "-Inf"),
            (math.nan, "NaN"),
        ],
    )
    def test_shortest(self, value, text):
        """An exponent stands below 1e-4 and from 1e6 on, with two digits at least."""
        assert format_float(value) == text
        assert go_value(value) == text

    @pytest.mark.parametrize(
        ("value", "form", "precision", "text"),
        [
            (1e21, "f", -1, "1000000000000000000000"),
            (0.5, "e", -1, "5e-01"),
            (2.5, "f", 0, "2"),
            (3.14159, "f", 2, "3.14"),
            (1234.5, "g", 2, "1.2e+03"),
            (1.5, "b", -1, "6755399441055744p-52"),
            (1.5, "x", -1, "0x1.8p+00"),
            (1.999, "x", 0, "0x1p+01"),
            (1.5, "X", 3, "0X1.800P+00"),
        ],
    )
    def test_forms(self, value, form, precision, text):
        assert format_float(value, form, precision) == text

    def test_the_shortest_form_of_32_bits(self):
        assert format_float(0.10000000149011612, bits=32) == "0.1"

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_the_shortest_form_reads_back(self, value):
        assert float(format_float(value)) == value
        assert float(format_float(value, "e")) == value
        assert float.fromhex(format_float(value, "x")) == value


class TestValues:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "<nil>"),
            (True, "true"),
            (Int64(3), "3"),
            ("a b", "a b"),
            ([1, "a", None, [2]], "[1 a <nil> [2]]"),
            ({"b": 1, "a": {"c": 2.0}}, "map[a:map[c:2] b:1]"),
            (b"ab", "[97 98]"),
            (Duration(90 * 10**9), "1m30s"),
            ([Time(0)], "[1970-01-01 00:00:00 +0000 UTC]"),
            (Month(2), "February"),
            (AnyMap({2: "b", 1: "a"}), "map[1:a 2:b]"),
            ([], "[]"),
        ],
    )
    def test_text(self, value, text):
        assert go_value(value) == text

    def test_a_value_that_holds_itself_is_refused(self):
        endless = []
        endless.append(endless)
        with pytest.raises(LimitExceeded, match="nested too deep"):
            go_value(endless)
        with pytest.raises(LimitExceeded, match="nested too deep"):
            json_text(endless)
        with pytest.raises(LimitExceeded, match="nested too deep"):
            sprintf("%d", endless)


class TestPrintf:
    @pytest.mark.parametrize(
        ("template", "args", "text"),
        [
            ("plain %%", (), "plain %"),
            ("%d|%5d|%-5d|%05d|%+d", (7, 7, 7, 7, 7), "7|    7|7    |00007|+7"),
            ("%03d", (-5,), "-05"),
            ("%x %X %#x %02X", (255, 255, 255, 10), "ff FF 0xff 0A"),
            ("%o %#o %O %b", (8, 8, 8, 5), "10 010 0o10 101"),
            ("%.3d", (7,), "007"),
            ("%s %10s %-4s| %.2s", ("a", "b", "c", "defg"), "a          b c   | de"),
            ("%q %+q %#q", ('a"b', "é", "raw"), '"a\\"b" "\\u00e9" `raw`'),
            ("%x % x %X", ("hi", "hi", b"\xab"), "6869 68 69 AB"),
            ("%v %t", (True, False), "true false"),
            ("%f %.1f %8.3f %e %g", (1.5, 2.25, 3.14159, 1500.0, 1e21), "1.500000 2.2    3.142 1.500000e+03 1e+21"),
            ("%+.1f % d", (1.0, 5), "+1.0  5"),
            ("%c %U %#U %q", (65, 0x1F600, 0x41, 10), "A U+1F600 U+0041 'A' '\\n'"),
            ("%v %d %s", ([1, 2], [1, 2], ["a", "b"]), "[1 2] [1 2] [a b]"),
            ("%v", ({"b": 1, "a": None},), "map[a:<nil> b:1]"),
            ("%T %T %T", (1, Int64(1), StringList()), "int int64 []string"),
            ("%v %s %d", (Duration(10**9), Duration(10**9), Duration(10**9)), "1s 1s 1000000000"),
            ("%*d|%-*d|%.*f", (4, 7, 4, 7, 1, 2.55), "   7|7   |2.5"),
            ("%[2]d %[1]d", (1, 2), "2 1"),
            ("%6.2f%%", (12.345,), " 12.35%"),
            ("%08.3f", (-3.14159,), "-003.142"),
            ("%#v", (["a"],), '[]interface {}{"a"}'),
        ],
    )
    def test_verbs_and_flags(self, template, args, text):
        assert sprintf(template, *args) == text

    @pytest.mark.parametrize(
        ("template", "args", "text"),
        [
            ("%d", ("x",), "%!d(string=x)"),
            ("%s", (5,), "%!s(int=5)"),
            ("%d", (1.5,), "%!d(float64=1.5)"),
            ("%z", (1,), "%!z(int=1)"),
            ("%d %d", (1,), "1 %!d(MISSING)"),
            ("%d", (1, "a", None), "1%!(EXTRA string=a, <nil>)"),
            ("%d", (None,), "%!d(<nil>)"),
            ("100%", (), "100%!(NOVERB)"),
            ("%[3]d", (1,), "%!d(BADINDEX)"),
            ("%*d", ("a", 1), "%!(BADWIDTH)1"),
            ("%.*d", (-1, 1), "%!(BADPREC)1"),
            ("%!", (1,), "%!!(int=1)"),
        ],
    )
    def test_mistakes_are_printed_not_raised(self, template, args, text):
        assert sprintf(template, *args) == text

    @given(st.text(max_size=20), st.lists(values, max_size=3))
    def test_any_template_gives_a_text(self, template, args):
        assert isinstance(sprintf(template, *args), str)

    @given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 30))
    def test_integers_agree_with_python(self, number, width):
        assert sprintf(f"%0{width}d", number) == f"%0{width}d" % number
        assert sprintf(f"%-{width}x", number) == f"%-{width}x" % number

    def test_the_output_is_bounded(self):
        with pytest.raises(LimitExceeded) as caught:
            sprintf("%1000000d" * 11, *range(11))
        assert caught.value.limit == "text_size"


class TestQuoting:
    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("a", '"a"'),
            ('a"b\\', '"a\\"b\\\\"'),
            ("\x1b[0m\x07\n\x7f", '"\\x1b[0m\\a\\n\\x7f"'),
            ("é日😀", '"é日😀"'),
            ("\u200b\ufeff\U000e0001", '"\\u200b\\ufeff\\U000e0001"'),
            ("\udcff", '"\\xff"'),  # a byte that is no UTF-8
        ],
    )
    def test_quoted(self, text, quoted):
        assert go_quote(text) == quoted

    def test_in_ascii(self):
        assert go_quote("é😀", ascii_only=True) == '"\\u00e9\\U0001f600"'

    def test_characters(self):
        assert quote_rune(ord("'")) == "'\\''"
        assert quote_rune(0xD800) == "'\ufffd'"


class TestJson:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ({"b": 1, "a": [1.0, 2.5, None, True]}, '{"a":[1,2.5,null,true],"b":1}'),
            ("<a>&", '"\\u003ca\\u003e\\u0026"'),
            ("\u2028\n\t\x01\x7fé", '"\\u2028\\n\\t\\u0001\x7fé"'),
            ("\udcff", '"\\ufffd"'),
            (1e-7, "1e-7"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (b"hi", '"aGk="'),
            (Time(1_500_000_000), '"1970-01-01T00:00:01.5Z"'),
            (Duration(5), "5"),
            (Month(3), "3"),
            (Int64(7), "7"),
            (NilList(), "null"),
            ({}, "{}"),
        ],
    )
    def test_text(self, value, text):
        assert json_text(value) == text

    def test_without_escapes_for_html(self):
        assert json_text("<&>", html_escape=False) == '"<&>"'

    def test_in_lines(self):
        assert json_text({"a": [1, {}], "b": []}, indent="  ") == '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": []\n}'

    @pytest.mark.parametrize("value", [math.nan, [math.inf], AnyMap({1: 2}), Time(300 * 10**18), print])
    def test_values_without_json(self, value):
        with pytest.raises(LanguageError):
            json_text(value)

    @given(values)
    def test_python_reads_the_same_values(self, value):
        for indent in (None, "  "):
            assert json.loads(json_text(value, indent=indent), parse_int=float) == value
