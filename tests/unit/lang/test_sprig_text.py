"""Sprig's text functions: where they count bytes, where characters, and what each does at its edges."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.context import Context, Limits
from aggregator.lang.gotime import Duration
from aggregator.lang.govalue import StringList, StringMap
from aggregator.lang.sprig import FUNCTIONS


def sprig(name, *args, limits=None):
    ctx = Context(now=0, random=random.Random(1), keep=lambda _, make: make(), limits=limits or Limits())
    return FUNCTIONS[name](ctx, *args)


class TestCalls:
    """Go's reflection converts no argument: the count and the types must be right, only nil becomes a zero value."""

    @pytest.mark.parametrize(
        ("name", "args", "why"),
        [
            ("upper", (), "takes 1 argument"),
            ("upper", ("a", "b"), "takes 1 argument"),
            ("max", (), "at least 1 argument"),
            ("upper", (5,), "must be string, but is int"),
            ("repeat", ("a", 2), "argument 1 must be int, but is string"),
            ("until", (1.0,), "must be int, but is float64"),
            ("until", (FUNCTIONS["int64"](None, 3),), "must be int, but is int64"),
            ("get", (StringMap(a="b"), "a"), r"must be map\[string\]interface \{\}"),
            ("ternary", ("a", "b", 1), "must be bool, but is int"),
            ("unixEpoch", (5,), r"must be time\.Time"),
        ],
    )
    def test_refused(self, name, args, why):
        with pytest.raises(LanguageError, match=why):
            sprig(name, *args)

    def test_nil_is_the_zero_value(self):
        assert sprig("upper", None) == ""
        assert sprig("repeat", None, "a") == ""
        assert sprig("get", None, "a") == ""
        assert sprig("unixEpoch", None) == "-62135596800"

    def test_the_hint_tells_how_to_convert(self):
        with pytest.raises(LanguageError) as caught:
            sprig("upper", 5)
        assert caught.value.hint == "convert it with string(...)"

    def test_signature(self):
        assert FUNCTIONS["join"].signature() == "(string, interface {})"
        assert FUNCTIONS["add"].signature() == "(...interface {})"


class TestTrimming:
    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("trim", ("\t a\u00a0\n",), "a"),
            ("trim", ("\x1ca\x1c",), "\x1ca\x1c"),  # separators that Python counts as space and Go does not
            ("trimAll", ("$-", "-$a$-"), "a"),
            ("trimAll", ("", " a "), " a "),
            ("trimPrefix", ("a", "aab"), "ab"),
            ("trimSuffix", ("b", "abb"), "ab"),
            ("nospace", ("a b\tc",), "abc"),
            ("nospace", ("äb",), "äb"),
        ],
    )
    def test_trimmed(self, name, args, value):
        assert sprig(name, *args) == value

    def test_nospace_garbles_what_is_not_ascii(self):
        """The original works on bytes, each of which it takes for a character."""
        assert sprig("nospace", "é a") == "Ã©a"


class TestCutting:
    """Places are bytes; half a character is kept as bytes that are no UTF-8."""

    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("substr", (0, 2, "abc"), "ab"),
            ("substr", (-1, 2, "abc"), "ab"),
            ("substr", (1, -1, "abc"), "bc"),
            ("substr", (1, 99, "abc"), "bc"),
            ("substr", (0, 1, "é"), "\udcc3"),
            ("trunc", (2, "abc"), "ab"),
            ("trunc", (-2, "abc"), "bc"),
            ("trunc", (-5, "abc"), "abc"),
            ("abbrev", (5, "hello world"), "he..."),
            ("abbrev", (3, "hello"), "hello"),
            ("abbrev", (20, "hello"), "hello"),
            ("abbrevboth", (5, 10, "1234 5678 9123"), "...5678..."),
            ("abbrevboth", (0, 7, "1234 5678 9123"), "1234..."),
            ("abbrevboth", (99, 8, "1234 5678 9123"), "... 9123"),
            ("initials", ("First  Try",), "FT"),
        ],
    )
    def test_cut(self, name, args, value):
        assert sprig(name, *args) == value

    @pytest.mark.parametrize("args", [(2, 1, "abc"), (5, -1, "abc"), (-1, 9, "abc"), (-1, -1, "abc")])
    def test_substr_outside_the_text_fails(self, args):
        with pytest.raises(LanguageError, match="lies outside"):
            sprig("substr", *args)

    @given(st.text(max_size=30), st.integers(-40, 40))
    def test_trunc_never_makes_a_text_longer(self, text, width):
        assert len(sprig("trunc", width, text).encode("utf-8", "surrogateescape")) <= len(text.encode())


class TestCase:
    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("upper", "straße", "STRAßE"),  # one character stays one character
            ("lower", "ΑΣ", "ας".replace("ς", "σ")),  # no final sigma
            ("title", "hello wORLD it's 2nd", "Hello WORLD It'S 2nd"),
            ("title", "a_b-c", "A_b-C"),
            ("untitle", "Hello World", "hello world"),
            ("swapcase", "Hello wORLD", "hELLO World"),
            ("snakecase", "FirstName", "first_name"),
            ("snakecase", "HTTPServer", "http_server"),
            ("snakecase", "http2xx", "http_2xx"),
            ("snakecase", "HTTP20xOK", "http_20x_ok"),
            ("snakecase", "Bld4Floor3rd", "bld4_floor_3rd"),
            ("snakecase", "GO PATH-x", "go_path_x"),
            ("snakecase", "a/-B", "a/-b"),
            ("kebabcase", "GO_PATH", "go-path"),
            ("camelcase", "http_server", "HttpServer"),
            ("camelcase", "_complex__case_", "_Complex_Case_"),
            ("camelcase", "GOLANG_IS", "GolangIs"),
            ("camelcase", "__", "___"),
            ("camelcase", "", ""),
        ],
    )
    def test_case(self, name, text, value):
        assert sprig(name, text) == value

    @given(st.text(alphabet="abcXYZ019 _-./é", max_size=20))
    def test_snake_and_kebab_differ_in_the_connector_alone(self, text):
        plain = text.replace("_", "").replace("-", "")
        assert sprig("snakecase", plain).replace("_", "-") == sprig("kebabcase", plain)


class TestBuilding:
    @pytest.mark.parametrize(
        ("name", "args", "value"),
        [
            ("repeat", (3, "ab"), "ababab"),
            ("quote", ("a", None, 1, 'x"y'), '"a" "1" "x\\"y"'),
            ("squote", ("a", None, 1), "'a' '1'"),
            ("cat", ("a", 1, None, [2], 1e6), "a 1 [2] 1e+06"),
            ("indent", (2, "a\nb"), "  a\n  b"),
            ("nindent", (2, "a"), "\n  a"),
            ("replace", ("a", "b", "banana"), "bbnbnb"),
            ("replace", ("", "-", "ab"), "-a-b-"),
            ("plural", ("day", "days", 1), "day"),
            ("plural", ("day", "days", 0), "days"),
            ("toString", (b"hi",), "hi"),
            ("toString", (Duration(10**9),), "1s"),
            ("toString", ([1, None],), "[1 <nil>]"),
            ("toStrings", ([1, None, "a"],), ["1", "a"]),
            ("toStrings", ("a",), ["a"]),
            ("toStrings", (None,), []),
            ("join", ("-", [1, None, "a"]), "1-a"),
            ("join", ("-", "a"), "a"),
            ("hello", (), "Hello!"),
        ],
    )
    def test_built(self, name, args, value):
        assert sprig(name, *args) == value

    @pytest.mark.parametrize(("name", "args"), [("repeat", (-1, "a")), ("indent", (-1, "a")), ("nindent", (-1, "a"))])
    def test_a_negative_count_fails(self, name, args):
        with pytest.raises(LanguageError, match="negative"):
            sprig(name, *args)


class TestWrapping:
    def test_lines_break_at_blanks_and_long_words_stay_whole(self):
        assert sprig("wrap", 5, "a bc def longword x") == "a bc\ndef\nlongword\nx"

    def test_wrap_with_cuts_long_words(self):
        assert sprig("wrapWith", 4, "|", "ab longword") == "ab|long|word"

    def test_an_empty_separator_is_a_line_break(self):
        assert sprig("wrapWith", 2, "", "abcd") == "ab\ncd"

    @given(st.text(alphabet="ab ", max_size=40), st.integers(-2, 10))
    def test_no_letter_is_lost(self, text, width):
        for wrapped in (sprig("wrap", width, text), sprig("wrapWith", width, "\n", text)):
            assert wrapped.replace("\n", "").replace(" ", "") == text.replace(" ", "")


class TestSplitting:
    def test_split_gives_a_map_of_strings(self):
        parts = sprig("split", ",", "a,b")
        assert parts == {"_0": "a", "_1": "b"}
        assert isinstance(parts, StringMap)

    @pytest.mark.parametrize(
        ("separator", "count", "text", "parts"),
        [
            (",", 2, "a,b,c", ["a", "b,c"]),
            (",", 0, "a,b", []),
            (",", -1, "a,b", ["a", "b"]),
            ("", 2, "abc", ["a", "bc"]),
        ],
    )
    def test_splitn(self, separator, count, text, parts):
        assert list(sprig("splitn", separator, count, text).values()) == parts

    def test_an_empty_separator_parts_all_characters(self):
        assert sprig("splitList", "", "aé") == ["a", "é"]
        assert isinstance(sprig("splitList", "", ""), StringList)


class TestLimits:
    """No function makes more text or elements than the limits allow, and it says so before it makes them."""

    @pytest.mark.parametrize(
        ("name", "args", "limit"),
        [
            ("repeat", (10**12, "ab"), "text"),
            ("indent", (10**12, "a"), "text"),
            ("replace", ("", "x" * 200, "y" * 50), "text"),
            ("join", ("x" * 100, ["a"] * 50), "text"),
            ("wrapWith", (1, "x" * 100, "y" * 50), "text"),
            ("regexReplaceAll", ("", "y" * 50, "x" * 200), "text"),
            ("splitList", ("", "x" * 200), "elements"),
            ("until", (10**15,), "elements"),
            ("untilStep", (-(2**63), 2**63 - 1, 1), "elements"),
            ("seq", (10**15,), "elements"),
            ("randAlpha", (10**12,), "elements"),
            ("randBytes", (10**12,), "text"),
        ],
    )
    def test_limit(self, name, args, limit):
        with pytest.raises(LimitExceeded) as caught:
            sprig(name, *args, limits=Limits(text=1000, elements=100))
        assert caught.value.limit == limit
