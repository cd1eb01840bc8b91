"""Operators of expr-lang on values: 64-bit ints apart from floats, strict bools, equality, order, membership, slices."""

import math

import pytest

from aggregator.lang.gotime import Duration, parse_duration, parse_time


class TestArithmetic:
    """Ints wrap at 64 bits, `/` and `**` are always float, `%` is for ints and has the sign of the left side."""

    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("1 + 2", 3), ("1 + 2.0", 3.0), ("4 / 2", 2.0), ("7 % 3", 1), ("-7 % 3", -1), ("7 % -3", 1), ("2 ** 3", 8.0),
            ("2 ^ 3 ^ 2", 512.0), ("-2 ** 2", -4.0), ("9223372036854775807 + 1", -(2**63)), ("i - 9223372036854775807", 2**63 - 1),
            ("i * 3", -6), ("1 / 0", math.inf), ("-1 / 0", -math.inf), ("+i", -2),
            ("-1.5", -1.5), ("'a' + 'b'", "ab"), ("1 - 0.5", 0.5), ("3 * 1.5", 4.5), ("0 ** -1", math.inf), ("-8 ** 0.5", -(8**0.5)),
            ("m.big * 2", -2),
        ],
    )  # fmt: skip
    def test_values(self, value, text, result):
        found = value(text, i=-2, m={"big": 2**63 - 1})
        assert found == result
        assert type(found) is type(result)

    def test_no_real_answer(self, value):
        assert math.isnan(value("(-8) ** m.x", m={"x": 0.5}))
        assert math.isnan(value("m.x / 0", m={"x": 0}))
        assert math.isnan(value("m.x / 0", m={"x": math.nan}))
        assert value("m.x ** 3", m={"x": -1e200}) == -math.inf
        assert value("m.x ** 2", m={"x": -1e200}) == math.inf
        assert value("m.x ** -3", m={"x": -0.0}) == -math.inf

    @pytest.mark.parametrize("text", ["m.a % 0", "1 % 0", "m.a % m.z"])
    def test_modulo_by_zero(self, fails, text):
        assert "zero" in fails(text, m={"a": 1, "z": 0}).message

    @pytest.mark.parametrize(
        "text",
        [
            "m.s + 1",
            "1 + m.n",
            "m.l + m.l",
            "m.s - m.s",
            "m.s * 2",
            "m.s / 2",
            "m.f % 2",
            "m.s % 2",
            "-m.s",
            "m.b + 1",
            "m.s ** 2",
        ],
    )
    def test_types_are_not_mixed(self, fails, text):
        error = fails(text, m={"s": "1", "l": [], "f": 1.5, "b": True, "n": None})
        assert error.kind == "type"

    def test_a_hint_to_convert(self, fails):
        assert "int(x)" in fails("m.s + 1", m={"s": "1"}).hint
        assert "int(x)" in fails("s + 1", s="1").hint
        assert "??" in fails("m.n + 1", m={"n": None}).hint


class TestTimes:
    def test_durations(self, value):
        hour = parse_duration("1h")
        env = {"d": hour, "t": parse_time("2006-01-02", "2024-01-31")}
        assert value("d + d", **env) == parse_duration("2h")
        assert value("d - d", **env) == Duration(0)
        assert value("d * 2", **env) == parse_duration("2h")
        assert value("2 * d", **env) == parse_duration("2h")
        assert value("m.d * 1.5", m=env) == 5.4e12
        assert value("d * d", d=Duration(3)) == Duration(9)
        assert value("t + d - t", **env) == hour
        assert value("d + t > t and t - d < t", **env) is True
        assert value("d >= d and d <= d", **env) is True
        assert value("m.d + m.t == m.t + m.d", m=env) is True

    @pytest.mark.parametrize(
        "text",
        [
            "m.d / 2",
            "-m.d",
            "m.t + m.t",
            "m.t * 2",
            "m.t < m.d",
            "m.d < 1",
            "m.t - 1",
            "m.d - m.t",
            "m.d + 1",
            "1 + m.d",
            "'a' + m.d",
        ],
    )
    def test_what_they_do_not_take(self, fails, text):
        assert fails(text, m={"d": Duration(1), "t": parse_time("2006-01-02", "2024-01-31")}).kind == "type"


class TestEquality:
    """`==` is by value between numbers and element by element in lists, but strict within maps."""

    @pytest.mark.parametrize(
        ("text", "same"),
        [
            ("1 == 1.0", True), ("m.a == 1.0", True), ("m.s == 'x'", True), ("m.s == m.a", False), ("nil == nil", True),
            ("m.n == nil", True), ("m.a == nil", False), ("[1, 2.0] == [1.0, 2]", True), ("[1] == [1, 2]", False),
            ("{a: 1} == {a: 1}", True), ("{a: 1} == {a: 1.0}", False), ("{a: [1]} == {a: [1.0]}", False),
            ("{a: 1} == {b: 1}", False), ("{a: 1} == {a: 1, b: 2}", False), ("m.b == true", True), ("m.b == m.a", False), ("m.y == m.y", True),
            ("m.y == [1, 2]", True), ("m.y == m.s", False), ("1 != 2", True), ("m.a != m.a", False), ("m.l == m.l", True),
            ("m.big == 9007199254740992.0", True), ("m.nan == m.nan", False), ("[[nil]] == [[nil]]", True), ("m.s != nil", True),
            ("{a: {b: nil}} == {a: {b: nil}}", True), ("m.t == m.d", False), ("{a: true} == {a: 1}", False), ("m.a == 'x'", False),
            ("toPairs({a: 1}) == [['a', 1]]", False), ("m.x == {a: 1}", False), ("m.d == m.d", True), ("{a: 'x'} == {a: 'x'}", True),
            ("[m] == [m]", True),
        ],
    )  # fmt: skip
    def test_values(self, value, text, same):
        env = {
            "a": 1, "s": "x", "n": None, "b": True, "y": b"\x01\x02", "l": [1, "a"], "big": 2**53 + 1, "x": "text",
            "t": parse_time("2006-01-02", "2024-01-31"), "d": Duration(1),
        }  # fmt: skip
        assert value(text, m={**env, "nan": math.nan} if "nan" in text else env) is same

    @pytest.mark.parametrize("text", ["1 == 'a'", "true == 1", "s == 1", "1 == 1 == 1"])
    def test_known_types_that_never_match_are_errors(self, fails, text):
        assert fails(text, s="x").kind == "type"

    def test_a_nil_where_an_int_was_sure(self, fails):
        """The static type of findIndex is int; Argo compares unchecked, so a nil fails."""
        assert fails("findIndex([1], # == 2) == 1").kind == "type"
        assert fails("find(['a'], # == 'b') == 'a'").kind == "type"


class TestOrder:
    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            ("1 < 2", True), ("2 <= 2.0", True), ("'a' < 'b'", True), ("'Z' < 'a'", True), ("'é' > 'z'", True), ("1 < 2 < 3", True),
            ("3 > 2 > 2", False), ("m.big > 9007199254740992.0", False), ("1 >= 2", False), ("m.cut < m.e", True), ("m.e >= m.cut", True),
        ],
    )  # fmt: skip
    def test_values(self, value, text, holds):
        """Strings are compared by their bytes."""
        assert value(text, m={"big": 2**53 + 1, "e": "é", "cut": "\udc80"}) is holds

    @pytest.mark.parametrize("text", ["m.a < 'b'", "m.a > m.n", "m.l <= m.l", "true < true", "m.b >= m.b"])
    def test_no_order(self, fails, text):
        assert fails(text, m={"a": 1, "n": None, "l": [], "b": True}).kind == "type"


class TestLogic:
    """Conditions are real bools; the right side of and/or is the value, unchecked where its type is unknown."""

    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("true and false", False), ("m.t && m.f || m.t", True), ("m.f and m.s", False), ("m.t or m.s", True), ("m.t and m.s", "x"),
            ("m.f or m.s", "x"), ("not m.t", False), ("!m.f", True), ("m.t ? 1 : 2", 1), ("m.f ? 1 : 2", 2), ("m.t ?: 5", True),
            ("m.t and m.t and m.s", "x"), ("m.t and m.f and m.s", False), ("m.f or m.t or m.s", True),
        ],
    )  # fmt: skip
    def test_values(self, value, text, result):
        assert value(text, m={"t": True, "f": False, "s": "x"}) == result

    @pytest.mark.parametrize(
        "text",
        [
            "m.s and true == m.t",
            "m.n or m.t",
            "not m.s",
            "m.s ? 1 : 2",
            "!m.n",
            "m.t and m.s and m.t",
            "m.s and m.t and m.t",
            "1 and true",
            "1 ? 2 : 3",
            "not 1",
        ],
    )
    def test_no_truthiness(self, fails, text):
        assert fails(text, m={"t": True, "s": "x", "n": None}).kind == "type"

    def test_long_rows_do_not_nest(self, value):
        """Rows of thousands of operators are no deep nesting."""
        assert value(" + ".join(["x"] * 3000), x=1) == 3000
        assert value(" and ".join(["x"] * 3000), x=True) is True
        assert value(" ?? ".join(["m.x"] * 2000), m={}) is None
        assert value(" + ".join(["m.x"] * 30) + " == 30", m={"x": 1}) is True


class TestMembership:
    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            ("1 in [1, 2]", True), ("1.0 in [1, 2]", True), ("m.a in [1.0]", True), ("3 not in [1, 2]", True), ("'a' in m", True),
            ("'z' in m", False), ("m.n in [nil]", True), ("m.a in m.n", False), ("m.s in ['x', 'y']", True), ("m.s in m.l", False),
            ("2 in 1..3", True), ("i in 1..3", False), ("98 in b'ab'", True), ("m.s in b'x'", False), ("m.n in m", False),
            ("m.b in [true]", True), ("m.b in [1]", False), ("m.s in m.t", False), ("m.n in ['a', '']", True),
        ],
    )  # fmt: skip
    def test_values(self, value, text, holds):
        env = {"a": 1, "n": None, "s": "x", "l": ["y"], "b": True, "t": parse_time("2006-01-02", "2024-01-31")}
        assert value(text, i=7, m=env) is holds

    def test_environment(self, value):
        """`$env` is the map of all variables, so `in $env` tests whether one exists."""
        assert value("'a' in $env", a=1) is True
        assert value("'b' in $env", a=1) is False
        assert value("m.n in $env", m={}) is False
        assert value("'asInt' in $env", argo=True) is True
        assert value("let k = 'a'; $env[k]", a=1) == 1
        assert value("$env.a + $env['a']", a=1) == 2
        assert value("$env?.b", a=1) is None
        assert value("get($env, 'a')", a=1) == 1
        assert value("$env", a=1) == {"a": 1}
        assert value("$env.asInt('3')", argo=True) == 3

    @pytest.mark.parametrize(
        "text",
        [
            "m.a in m.s",
            "m.a in 5 == true",
            "'a' in 'abc'",
            "m.a in ['x']",
            "m.l in {}",
            "1 in {a: 1}",
            "1 in ['x']",
            "-'a' == 1",
            "m.l in fromPairs([])",
            "m.a in $env",
        ],
    )
    def test_refused(self, fails, text):
        assert fails(text, m={"a": 1, "s": "abc", "l": []}).kind == "type"


class TestText:
    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            ("'abc' contains 'b'", True), ("m.s startsWith 'ab'", True), ("m.s endsWith 'ab'", False), ("m.s not contains 'z'", True),
            ("m.n contains 'a'", False), ("m.s contains m.n", False), ("m.n matches 'a'", False), ("m.s matches '^a.c$'", True),
            ("m.s matches m.p", True), ("m.s not matches m.n", True), ("b'abc' matches 'b+'", True), ("'A' matches '(?i)a'", True),
            ("m.u matches '^.$'", True), ("m.long contains 'z'", False), ("m.s contains m.s", True), ("m.s + m.s contains m.s", True),
        ],
    )  # fmt: skip
    def test_values(self, value, text, holds):
        """A nil on either side makes these false at run time."""
        env = {"s": "abc", "n": None, "p": "b", "u": "\udcff", "long": "a" * 5000}
        assert value(text, m=env) is holds

    @pytest.mark.parametrize(
        "text", ["m.i contains 'a'", "'a' startsWith m.i", "m.i matches 'a'", "'a' matches m.i", "1 contains 'a'"]
    )
    def test_refused(self, fails, text):
        assert fails(text, m={"i": 1}).kind == "type"

    @pytest.mark.parametrize("text", ["'a' matches '('", "true or 'a' matches '(?=x)'", "'a' matches m.p"])
    def test_bad_patterns(self, fails, text):
        """A pattern that is a literal is checked even where it would not run."""
        assert "regular expression" in fails(text, m={"p": "["}).message


class TestMembers:
    def test_absent(self, value, fails):
        """A key that is not there gives nil, but nil has no members: `?.` gives nil for the whole chain."""
        env = {"m": {"a": {"b": [1, 2]}, "n": None}}
        assert value("m.x", **env) is None
        assert value("m.x?.y.z", **env) is None
        assert value("m.n?.[0]", **env) is None
        assert value("m.a?.b[1]", **env) == 2
        assert value("m?.a?.b", **env) == [1, 2]
        assert value("m.x?.y() ?? 5", **env) == 5
        assert value("m.x ?? 'd'", **env) == "d"
        assert value("m.n ?? m.x ?? 1", **env) == 1
        assert "??" in fails("m.x.y", **env).hint
        assert fails("m.x[0]", **env).kind == "type"
        assert fails("m.a?.x.y", **env).kind == "type"
        assert fails("m.x?.y[0]", **env).kind == "type"

    def test_indexes(self, value, fails):
        """Negative indexes count from the end; a float index is cut; strings and bytes give numbers."""
        env = {"l": [1, 2, 3], "m": {"s": "aé", "f": 1.9, "b": b"ab", "l": [7], "d": {}, "i": 1}}
        assert value("l[-1] + l[0]", **env) == 4
        assert value("l[m.f]", **env) == 2
        assert value("m.s[1]", **env) == 0xC3
        assert value("m.b[0]", **env) == 97
        assert value("m['l'][0]", **env) == 7
        assert value("m.d[m.x]", **env) is None
        for text in (
            "l[3]",
            "l[-4]",
            "m.l.x",
            "m.i.x",
            "m.i[0]",
            "m.d[m.i]",
            "m.l[m.s]",
            "m.s.x",
            "l['a']",
            "m[1]",
            "l.x",
            "i.x",
        ):
            assert fails(text, **env, i=1).kind in ("type", "value", "name")

    def test_slices(self, value, fails):
        env = {"l": [1, 2, 3, 4], "s": "aébc", "m": {"n": 1, "x": "x"}}
        assert value("l[1:3]", **env) == [2, 3]
        assert value("l[:2] == l[-4:2]", **env) is True
        assert value("l[-9:]", **env) == [1, 2, 3, 4]
        assert value("l[3:1]", **env) == []
        assert value("l[:]", **env) == [1, 2, 3, 4]
        assert value("l[m.n:99]", **env) == [2, 3, 4]
        assert value("'abc'[1:2]", **env) == "b"
        assert value("b'abc'[1:]", **env) == b"bc"
        assert value("1..5 | take(3)", **env) == [1, 2, 3]
        for text in ("m.n[1:]", "l[m.x:]", "5[1:]", "l['a':]", "l[:nil]", "m.y[:1]"):
            assert fails(text, **env).kind in ("type", "syntax")

    def test_strings_are_cut_between_bytes(self, value):
        """Halves of a character are kept, and grow together again."""
        assert value("s[0:2]", s="aé") == "a\udcc3"
        assert value("s[0:2] + s[2:]", s="aé") == "aé"
        assert value("join([s[0:2], s[2:]])", s="aé") == "aé"
        assert value("len(s[0:2])", s="aé") == 2


class TestSequencesAndLets:
    def test_values(self, value):
        assert value("let x = 2; let y = x * 3; y + x") == 8
        assert value("1; 2; 3") == 3
        assert value("(let a = 1; a) + (let a = 2; a)") == 3
        assert value("map([1, 2], {let d = # * 2; d + 1})") == [3, 5]
        assert value("if m.t { let z = 1; z } else { 2 }", m={"t": True}) == 1

    def test_names_are_taken_once(self, fails):
        for text in ("let x = 1; x", "let len = 1; len", "let a = 1; let a = 2; a", "let b = b; b"):
            assert fails(text, x=1).kind == "name"
        assert fails("let sprig = 1; 2", argo=True).kind == "name"
        assert fails("let asInt = 1; 2", argo=True).kind == "name"

    def test_ranges(self, value, fails):
        assert value("1..1") == [1]
        assert value("2..1") == []
        assert value("m.a..m.b", m={"a": 1.9, "b": 3}) == [1, 2, 3]
        assert value("-3 .. 9223372036854775807") == []
        assert fails("m.a..2", m={"a": "1"}).kind == "type"
        assert fails("1..'2'").kind == "type"
