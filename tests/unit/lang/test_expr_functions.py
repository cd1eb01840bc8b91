"""Builtin functions of expr-lang by family, with their corner cases and what they refuse."""

import math

import pytest

from aggregator.lang.gotime import Duration, parse_time
from aggregator.lang.govalue import NilList


class TestPredicates:
    """Bare expressions or blocks run for each element; `#` is it, `.x` a member of it."""

    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("all(l, # > 0)", True), ("all([], # > 0)", True), ("any(l, # == 2)", True), ("any([], true)", False),
            ("none(l, # > 5)", True), ("none(l, # == 1)", False), ("one(l, # == 2)", True), ("one(l, # > 1)", False),
            ("filter(l, # > 1)", [2, 3]), ("map(l, # * #index)", [0, 2, 6]), ("find(l, # > 1)", 2), ("find(l, # > 9)", None),
            ("findLast(l, # > 1)", 3), ("findIndex(l, # > 1)", 1), ("findIndex(l, # > 9)", None), ("findLastIndex(l, # < 3)", 1),
            ("count(l, # > 1)", 2), ("count([true, false])", 1), ("sum(l)", 6), ("sum([])", 0), ("sum(l, # * 2)", 12),
            ("sum(map(l, # / 2))", 3.0), ("reduce(l, #acc + #)", 6), ("reduce(l, #acc + #, 10)", 16), ("reduce([], #acc, 5)", 5),
            ("reduce(l, #acc * 10 + #index, 0)", 12), ("sortBy(u, .age) | map(.name)", ["B", "A"]),
            ("sortBy(u, .age, 'desc') | map(.name)", ["A", "B"]), ("map(u, .name)", ["A", "B"]), ("map(l, map(l, # + 1))[0]", [2, 3, 4]),
            ("map(u, {let n = .name; n + n})", ["AA", "BB"]), ("map(b'ab', #)", [97, 98]), ("map(m.s, #)", [97]), ("any(m.e, true)", False),
            ("map(filter(l, # > 1), #index)", [0, 1]), ("sum(u, .age)", 70), ("map(l, filter(l, # > 2))[0]", [3]),
            ("map([1], #acc ?? 1)", "error"), ("l | filter(# > 1) | map(# * 2) | sum()", 10), ("map(l, # ,)", [1, 2, 3]),
        ],
    )  # fmt: skip
    def test_values(self, value, fails, text, result):
        env = {"l": [1, 2, 3], "u": [{"name": "A", "age": 40}, {"name": "B", "age": 30}], "m": {"s": "a", "e": {}}}
        if result == "error":
            assert fails(text, **env).kind == "name"
        else:
            assert value(text, **env) == result

    def test_the_outer_element_comes_back(self, value):
        assert value("map([1, 2], {let n = sum([10, 20], #); # + n})") == [31, 32]
        assert value("reduce([1, 2], {let n = count(['x'], true); #acc + # + n}, 0)") == 5

    def test_groups(self, value, fails):
        assert value("groupBy(1..4, # % 2)") == {1: [1, 3], 0: [2, 4]}
        assert value("groupBy(['a', 'bb'], len(#))[2]") == ["bb"]
        assert value("groupBy([1, 2], # > 1)[true]") == [2]
        assert value("1 in groupBy([1], true)") is False
        assert value("groupBy([1], #)[1.0]") is None
        assert fails("toJSON(groupBy([1], #))").kind == "type"
        assert fails("groupBy([1], [#])").kind == "type"

    @pytest.mark.parametrize(
        "text",
        [
            "all(m, true)", "filter('abc', true)", "filter([1], # + 1)", "filter([1], nil)", "map(m.n, #)", "map(m.i, #)", "map(m.m, #)",
            "filter(m.l, #)", "all(m.l, #)", "find(m.l, #)", "count(m.l)", "reduce([], #)", "reduce(m.e, # + #acc)", "sortBy([1], #, 'up')",
            "sortBy([1], #, 1)", "sortBy([1], #, m.i)", "sortBy(m.mix, #)", "sum(m.mix)", "sum(['a'])", "map([1], #foo)", "filter([1], #index > 0)",
            "map([1], nil)", "sum([1], nil)", "one(m.l, #)",
        ],
    )  # fmt: skip
    def test_refused(self, fails, text):
        env = {"n": None, "i": 5, "l": [1], "m": {"a": 1}, "e": [], "mix": [1, "a"]}
        assert fails(text, m=env).kind in ("type", "value", "name")


class TestText:
    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("trim('  a ')", "a"), ("trim('xaxx', 'x')", "a"), ("trimPrefix('ab', 'a')", "b"), ("trimPrefix(' a')", "a"),
            ("trimSuffix('ab', 'b')", "a"), ("trimSuffix('a  ')", "a "), ("upper('aß')", "Aß"), ("lower('ÀB')", "àb"),
            ("split('a,b,c', ',')", ["a", "b", "c"]), ("split('a,b,c', ',', 2)", ["a", "b,c"]), ("split('abc', '')", ["a", "b", "c"]),
            ("split('abc', '', 2)", ["a", "bc"]), ("split('a', ',', 0)", []), ("split('', ',')", [""]), ("split('', '')", []),
            ("splitAfter('a,b', ',')", ["a,", "b"]), ("splitAfter('a,b,c', ',', 2)", ["a,", "b,c"]), ("replace('aaa', 'a', 'b')", "bbb"),
            ("replace('aaa', 'a', 'b', 2)", "bba"), ("replace('ab', '', '-')", "-a-b-"), ("repeat('ab', 2)", "abab"), ("repeat('a', 0)", ""),
            ("join(['a', 'b'])", "ab"), ("join(['a', 'b'], '-')", "a-b"), ("join(split('a b', ' '), '+')", "a+b"), ("join([])", ""),
            ("indexOf('éa', 'a')", 2), ("indexOf('abc', 'z')", -1), ("lastIndexOf('abab', 'ab')", 2), ("lastIndexOf('éaa', 'a')", 3),
            ("hasPrefix('ab', 'a')", True), ("hasSuffix('ab', 'a')", False), ("'a' | upper()", "A"), ("replace('aé', 'é', 'x')", "ax"),
            ("replace('abc', 'b', 'X', 0)", "abc"),
        ],
    )  # fmt: skip
    def test_values(self, value, text, result):
        assert value(text) == result

    @pytest.mark.parametrize(
        "text",
        [
            "trim(1)", "trim(nil)", "trim()", "trim('a', 'b', 'c')", "upper(m.i)", "split(m.s, m.i)", "repeat('a', -1)", "repeat('a', 1.5)",
            "join(m.s)", "join([1])", "join(b'ab')", "join(m.b)", "indexOf('a')", "split('a', ',', 1.5)", "replace('a', 'b')", "hasPrefix(m.n, 'a')",
            "trimPrefix('a', 1)",
        ],
    )  # fmt: skip
    def test_refused(self, fails, text):
        assert fails(text, m={"i": 1, "s": "x", "n": None, "b": b"x"}).kind in ("type", "value")

    def test_a_run_time_count_may_be_a_float(self, value):
        assert value("repeat('a', m.n)", m={"n": 2.9}) == "aa"


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("abs(-3)", 3), ("abs(-1.5)", 1.5), ("abs(m.min)", -(2**63)), ("ceil(1.2)", 2.0), ("ceil(3)", 3.0), ("floor(-1.2)", -2.0),
            ("round(2.5)", 3.0), ("round(-2.5)", -3.0), ("round(2.4)", 2.0), ("round(m.inf)", math.inf), ("max(1, 3, 2)", 3), ("max([1, [5, 2.5]])", 5),
            ("min(2, 1.5)", 1.5), ("min([])", None), ("max(m.s)", "x"), ("mean(1, 2)", 1.5), ("mean([])", 0.0), ("mean([1, [2, 3]])", 2.0),
            ("median(3, 1, 2)", 2.0), ("median([1, 2, 3, 4])", 2.5), ("median([])", 0.0), ("bitand(6, 3)", 2), ("bitor(6, 3)", 7), ("bitxor(6, 3)", 5),
            ("bitnand(6, 3)", 4), ("bitnot(0)", -1), ("bitshl(1, 3)", 8), ("bitshl(1, 64)", 0), ("bitshl(1, 63)", -(2**63)), ("bitshr(-8, 1)", -4),
            ("bitushr(-1, 60)", 15), ("bitushr(-1, 100)", 0), ("int('42')", 42), ("int('-7')", -7), ("int(2.9)", 2), ("int(-2.9)", -2),
            ("int(m.inf)", -(2**63)), ("int(m.d)", 5), ("int(m.month)", 2), ("float('1.5')", 1.5), ("float(2)", 2.0), ("float('-inf')", -math.inf),
            ("float('0x1p-1')", 0.5), ("max(m.d, m.d)", Duration(5)), ("mean(m.d)", 5.0), ("ceil(-0.5)", -0.0), ("max(b'ab')", 98),
        ],
    )  # fmt: skip
    def test_values(self, value, text, result):
        month = value("t.Month()", t=parse_time("2006-01-02", "2024-02-01"))
        env = {"min": -(2**63), "inf": math.inf, "s": "x", "d": Duration(5), "month": month}
        found = value(text, m=env)
        assert found == result
        assert type(found) is type(result)

    def test_not_a_number(self, value):
        assert math.isnan(value("float('nan')"))
        assert math.isnan(value("median(m.x, 1, 2) / 0 * 0", m={"x": math.nan}))
        assert value("median(m.x, 1, 2)", m={"x": math.nan}) == 1.0

    @pytest.mark.parametrize(
        "text",
        [
            "abs('a')", "abs(m.s)", "abs()", "abs(1, 2)", "ceil(m.n)", "floor(true)", "round(m.s)", "max('a', 1)", "max()", "max(m.s, 1)", "min([m.s])",
            "mean(m.s)", "median([m.n])", "mean(['a'])", "bitand(1, 2.0)", "bitand(m.f, 1)", "bitshl(1, -1)", "bitnot('a')", "int('1.5')", "int(' 1')",
            "int('9223372036854775808')", "int(true)", "int(m.b)", "int(m.n)", "float('x')", "float(m.b)", "float(nil)", "bitand(1)", "max([m.d])",
        ],
    )  # fmt: skip
    def test_refused(self, fails, text):
        env = {"s": "x", "n": None, "f": 1.5, "b": True, "d": Duration(1)}
        assert fails(text, m=env).kind in ("type", "value")


class TestLists:
    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("len([1, 2])", 2), ("len('aé')", 2), ("len({a: 1})", 1), ("len(b'abc')", 3), ("first([1, 2])", 1), ("first([])", None),
            ("last([1, 2])", 2), ("first(m.s)", 120), ("first(m.i)", None), ("last(b'ab')", 98), ("take([1, 2, 3], 2)", [1, 2]),
            ("take([1], 5)", [1]), ("take(b'abc', 2)", b"ab"), ("reverse([1, 2])", [2, 1]), ("concat([1], [2, 3])", [1, 2, 3]),
            ("flatten([1, [2, [3, b'a']]])", [1, 2, 3, 97]), ("uniq([1, 1.0, 2, 'a', 'a', true, 1])", [1, 2, "a", True]),
            ("uniq([[1], [1.0], {a: 1}, {a: 1}, nil, nil])", [[1], {"a": 1}, None]), ("sort([3, 1, 2])", [1, 2, 3]),
            ("sort(['b', 'a'], 'desc')", ["b", "a"]), ("sort([2, 1.5])", [1.5, 2]), ("sort(['é', 'z'])", ["z", "é"]), ("sort([])", []),
            ("sort([m.t, m.t])[0] == m.t", True), ("uniq([m.t, m.t]) | len()", 1), ("uniq([{a: [1], b: {c: 1}}, {a: [1], b: {c: 1}}]) | len()", 1),
            ("uniq([b'a', [97]]) | len()", 1), ("sort([m.nan, 1]) | len()", 2), ("sort(m.i)", []), ("take([1, 2], m.d)", [1]),
        ],
    )  # fmt: skip
    def test_values(self, value, text, result):
        env = {"s": "xy", "i": 5, "t": parse_time("2006-01-02", "2024-02-01"), "nan": math.nan, "d": Duration(1)}
        assert value(text, m=env) == result

    def test_a_nil_list(self, value):
        """Of nothing but empty lists Go makes a list that is nil."""
        assert isinstance(value("concat([], [])"), NilList)
        assert value("concat([]) ?? 1") == 1
        assert value("concat([])?.[0]") is None

    @pytest.mark.parametrize(
        "text",
        [
            "len(1)", "len(m.n)", "len()", "first(1)", "take([1], -1)", "take([1], 'a')", "take(m.i, 1)", "take([1])", "reverse('a')", "reverse(m.i)",
            "concat()", "concat(1)", "concat(m.i)", "flatten(m.i)", "uniq(m.i)", "sort('b')", "sort([1, 'a'])", "sort([1], 'up')", "sort([1], m.i)",
            "sort([m.n, 1])", "last('a')",
        ],
    )  # fmt: skip
    def test_refused(self, fails, text):
        assert fails(text, m={"n": None, "i": 5}).kind in ("type", "value")


class TestMaps:
    def test_values(self, value):
        assert sorted(value("keys({a: 1, b: 2})")) == ["a", "b"]
        assert value("values({a: 1})") == [1]
        assert value("toPairs({a: 1})") == [["a", 1]]
        assert value("fromPairs([['a', 1], [2, 'b']])") == {"a": 1, 2: "b"}
        assert value("fromPairs(toPairs({a: 1})).a") == 1
        assert value("fromPairs([[nil, 1]])[nil]") == 1
        assert value("get({a: 1}, 'a')") == 1
        assert value("get({a: 1}, 'z')") is None
        assert value("get([1, 2], -1)") == 2
        assert value("get([1], 5)") is None
        assert value("get(m.s, 0)", m={"s": "a"}) == 97
        assert value("get(m.n, 'a')", m={"n": None}) is None
        assert value("get(m.i, 'a')", m={"i": 5}) is None
        assert value("let f = get(m.t, 'Year'); f()", m={"t": parse_time("2006-01-02", "2024-02-01")}) == 2024
        assert value("get(m.t, 'Foo')", m={"t": parse_time("2006-01-02", "2024-02-01")}) is None

    @pytest.mark.parametrize(
        "text",
        [
            "keys([1])", "keys(m.l)", "values(m.l)", "toPairs(m.l)", "fromPairs(m.i)", "fromPairs([1])", "fromPairs([[1]])", "fromPairs([[[1], 2]])",
            "get(1, 'a')", "get([1], 'a')", "get(m.l, 'a')", "get({a: 1})", "get({a: 1}, 1)", "get(m.m, 1)", "keys()", "get('a', 0)",
        ],
    )  # fmt: skip
    def test_refused(self, fails, text):
        assert fails(text, m={"l": [1], "i": 5, "m": {}}).kind == "type"


class TestConversions:
    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("string(1)", "1"), ("string(1.0)", "1"), ("string(1e6)", "1e+06"), ("string('a')", "a"), ("string(nil)", "<nil>"),
            ("string([1, 'a', nil])", "[1 a <nil>]"), ("string({b: 1, a: true})", "map[a:true b:1]"), ("string(b'a')", "[97]"),
            ("type(1)", "int"), ("type(1.5)", "float"), ("type('a')", "string"), ("type(true)", "bool"), ("type(nil)", "nil"), ("type([1])", "array"),
            ("type(b'a')", "array"), ("type({})", "map"), ("type(b'a'[0])", "uint"), ("type(now())", "time.Time"), ("type(duration('1s'))", "time.Duration"),
            ("type(timezone('UTC'))", "time.Location"), ("type(m.t.Year)", "func"), ("type(m.t.Month())", "time.Month"),
            ("toJSON({b: 1, a: [1.0, '<']})", '{\n  "a": [\n    1,\n    "\\u003c"\n  ],\n  "b": 1\n}'),
            ("fromJSON('[1, 2.5, \"a\", null, true, {\"k\": {}}]')", [1.0, 2.5, "a", None, True, {"k": {}}]),
            ("type(fromJSON('1'))", "float"), ("fromJSON('\"é\"')", "é"), (r"fromJSON('" + '"' + r"\\ud83d\\ude00\\ud800" + '"' + "')", "😀\ufffd"),
            (r"fromJSON('[{" + r'"\\ud800": ["\\u00e9", 1]}]' + "')", [{"\ufffd": ["é", 1.0]}]),
            ("toBase64('é')", "w6k="), ("fromBase64('w6k=')", "é"), ("fromBase64('YQ==\n')", "a"), ("fromBase64('')", ""),
        ],
    )  # fmt: skip
    def test_values(self, value, text, result):
        assert (
            value(
                text.replace("\n", "\\n") if "fromBase64" in text else text,
                m={"t": parse_time("2006-01-02", "2024-02-01")},
            )
            == result
        )

    @pytest.mark.parametrize(
        "text",
        [
            "fromJSON('')", "fromJSON('{')", "fromJSON('NaN')", "fromJSON('1e999')", "fromJSON(m.i)", "toJSON(1/0)", "toJSON(m.t.Year)",
            "fromBase64('YQ')", "fromBase64('a b=')", "fromBase64('é')", "toBase64(m.i)", "string()", "string(1, 2)", "fromBase64('=a==')",
        ],
    )  # fmt: skip
    def test_refused(self, fails, text):
        assert fails(text, m={"i": 1, "t": parse_time("2006-01-02", "2024-02-01")}).kind in ("type", "value")


class TestTimes:
    """`now` is the time of the event; methods of Go's Time and Duration can be called."""

    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("now().Unix()", 1_700_000_000), ("now(timezone('Asia/Tokyo')).Hour()", 7), ("string(now())", "2023-11-14 22:13:20 +0000 UTC"),
            ("duration('1h30m').Minutes()", 90.0), ("date('2024-01-15').Weekday().String()", "Monday"), ("date('15:04:05').Hour()", 15),
            ("date('2024-01-15 10:00:00').Hour()", 10), ("date('2024-01-15T10:00:00+02:00').UTC().Hour()", 8),
            ("date('15/01/2024', '02/01/2006').YearDay()", 15), ("date('2024-07-01', '2006-01-02', 'Europe/Berlin').UTC().Hour()", 22),
            ("date(timezone('Europe/Berlin'), '2024-07-01').UTC().Hour()", 22), ("m.t.Year()", 2024), ("m['t'].Format('02.01.2006')", "01.02.2024"),
            ("date('2024-12-31').ISOWeek()", 2025), ("date('2024-01-15').Zone()", "UTC"), ("string(date('2024-01-15').MarshalText())[:3]", "[50"),
            ("date('2024-01-15').GoString()", "time.Date(2024, time.January, 15, 0, 0, 0, 0, time.UTC)"), ("len(m.t.MarshalJSON())", 22),
            ("date('2024-01-15').AppendFormat(b'y', '2006')", b"y2024"), ("timezone('').String()", "UTC"),
        ],
    )  # fmt: skip
    def test_values(self, value, text, result):
        assert value(text, m={"t": parse_time("2006-01-02", "2024-02-01")}) == result

    @pytest.mark.parametrize(
        "text",
        [
            "date('x')", "date(1)", "date()", "date('2024', '2006', 'UTC', 'x')", "date('x', '2006')", "timezone('No/Where')", "duration('1 h')",
            "duration(1)", "now(1)", "now(m.i)", "now().Foo", "now().Foo()", "now().Format(1)", "now().Add(1)", "m.t.Foo", "m.t.Year(1)", "m.t.Format(1)",
            "now().Month() == 11", "now().Month() + 1", "now()[0]", "duration('1s').x()", "m.i.foo()", "date('a', 1)", "timezone(m.i)",
        ],
    )  # fmt: skip
    def test_refused(self, fails, text):
        env = {"t": parse_time("2006-01-02", "2024-02-01"), "i": 1}
        assert fails(text, m=env).kind in ("type", "value", "name")
