"""The static check, the optimizer's visible rules, Argo's functions, member paths, and errors that help."""

from types import MappingProxyType

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.expr import parse
from aggregator.lang.expr.natures import nature_of
from aggregator.lang.gotime import Duration, parse_time
from aggregator.lang.govalue import GoObject, Int64, IntList, StringList, StringMap


class TestTypesOfVariables:
    """Each top-level name has the type of its value; what lies inside maps and lists is unknown until the run."""

    @pytest.mark.parametrize(
        "text",
        [
            "true or missing", "false and missing.x", "true ? 1 : missing", "s + 1", "not i", "s.x", "n.x", "n?.x", "i[0]", "l.x", "m[1]", "s(1)",
            "len(s, s)", "missing(1)", "s in s", "i contains 'a'", "true ? 1 : s + 1", "l[s]", "b + b", "t + t", "t < 1", "d / 2", "i ?: 1",
            "[i, s][0].x + l.y", "if i { 1 } else { 2 }", "$env()", "map(l, missing)", "l in m", "i[1:]", "get(i, 1)", "n[0]", "t.x", "t.Foo()",
        ],
    )  # fmt: skip
    def test_known_types_are_checked_even_where_nothing_runs(self, text):
        env = {
            "s": "x", "i": 1, "n": None, "l": [1], "m": {"a": 1}, "b": True, "t": parse_time("2006-01-02", "2024-01-01"), "d": Duration(1),
        }  # fmt: skip
        with pytest.raises(LanguageError) as caught:
            parse(text).check(env)
        assert caught.value.kind in ("type", "name")

    @pytest.mark.parametrize(
        "text",
        [
            "true or m.x + 'a' - 1",
            "m.x.y.z()",
            "l[0] + 'a'",
            "true or m.f(missing, 1 + missing)",
            "s == nil",
            "n == 1",
            "n ?? s",
            "$env.s + s",
            "m.x + t",
            "m.x - d",
            "m.x in 'ab'",
            "'a' in t",
        ],
    )
    def test_unknown_types_pass(self, text):
        """Behind a call of unknown type not even the arguments are looked at."""
        env = {
            "s": "x",
            "n": None,
            "l": [1],
            "m": {"a": 1},
            "t": parse_time("2006-01-02", "2024-01-01"),
            "d": Duration(1),
        }
        parse(text).check(env)

    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            ("(true ? 1 : 2) + 1", True), ("(true ? nil : 'a') + 1", False), ("(nil ?? 'a') + 1", False), ("('a' ?? nil) + 1", False),
            ("(1 ?? 'a') + 'b'", True), ("[1, 2][0] + 'a'", False), ("[1, 'a'][0] + 'a'", True), ("(true ? [1] : [2])[0] + 'a'", False),
            ("(true ? [1] : ['a'])[0] + 'a'", True), ("(true ? 1 : 'a') + 'b'", True), ("map([1], string(#))[0] + 1", False),
            ("filter([1], true)[0] + 'a'", False), ("find(['a'], true) + 1", False), ("split('a', ',')[0] + 1", False), ("first(['a']) + 1", True),
            ("first(split('a', ',')) + 1", False), ("take(['a'], 1)[0] + 1", True), ("sum([1]) + 'a'", False), ("sum([1], 'a') + 1", False),
            ("reduce([1], 'a') + 1", False), ("sortBy(['a'], #)[0] + 1", False), ("(1..2)[0] + 'a'", False), ("abs(1) + 'a'", False),
            ("max(1, 2) + 'a'", False), ("max([1]) + 'a'", True), ("groupBy([1], #)[1] + 1", False), ("s[0:1] + 1", False), ("b'a'[0] + 'a'", False),
            ("[1][0:1][0] + 'a'", False), ("duration('1s') * 2 + 1", False), ("now() - now() + 1", False), ("-1 + 'a'", False), ("-m.x + 'a'", True),
            ("keys({a: 1})[0] + 1", True), ("{a: 1}.a + 'a'", True), ("get([1], 0) + 'a'", False), ("get({a: 1}, 'a') + 'a'", True), ("len == nil", True),
            ("get($env, 's') + 1", False), ("get($env, m.k) + 1", True), ("d.Hours() + 'a'", False), ("(d.Hours)() ?? 1", None), ("t.Sub(t) + 1", False),
        ],
    )  # fmt: skip
    def test_what_comes_out_is_known(self, text, holds):
        """Types flow through operators and builtins as far as Argo follows them."""
        env = {"s": "x", "m": {"k": "s"}, "d": Duration(1), "t": parse_time("2006-01-02", "2024-01-01")}
        if holds:
            parse(text).check(env)
        else:
            with pytest.raises(LanguageError):
                parse(text).check(env)

    def test_each_combination_of_types_is_checked_once_more(self, value, fails):
        assert value("a + a", a=1) == 2
        assert value("a + a", a="x") == "xx"
        assert fails("a + a", a=None).kind == "type"
        assert fails("a + a").kind == "name"
        for i in range(200):
            assert value("x0 ?? 1", **{"x0": None, f"y{i}": 1}) == 1

    def test_many_combinations_are_not_kept(self, ctx):
        expr = parse("[a, b, c, d]")
        kinds = [1, "x", 1.5, None, True]
        for a in kinds:
            for b in kinds:
                for c in kinds:
                    assert expr.run({"a": a, "b": b, "c": c, "d": 1}, ctx)[2] == c

    def test_go_types(self):
        assert nature_of(Int64).name == "int64"
        assert nature_of(StringList).elements().name == "string"
        assert nature_of(IntList).elements().name == "int"
        assert nature_of(StringMap).elements().name == "string"
        assert nature_of(type("Text", (str,), {})).name == "string"
        assert nature_of(object).unknown
        assert str(nature_of(type(None))) == "nil"
        assert repr(nature_of(int)) == "Nature(int)"


class TestBuiltinNames:
    def test_a_variable_hides_a_builtin(self, value, fails):
        assert value("join == 1", join=1) is True
        assert value("::len('abc') + len", len=5) == 8
        assert "::len" in fails("len('abc')", len=5).hint
        assert fails("map([1], #)", map=[1]).kind == "type"

    def test_a_builtin_is_no_value(self, value, fails):
        """Its name stands for nil where it is not called."""
        assert value("len == nil") is True
        assert fails("let f = upper; f('a')").kind == "type"
        assert fails("let f = len; f('a')").kind == "type"


class TestOptimizer:
    """Argo runs optimized expressions, and a few rules can be seen in what comes out."""

    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("m.x and true", None), ("m.x or false", None), ("true and m.x", None), ("false or m.s", "x"), ("m.s and false", False),
            ("m.s or true", True), ("m.s and not false", "x"), ("m.s and 1 == 1", "x"), ("false and m.x.y", False), ("count([1, 'a'], # == 1 or # > 1) > 0", True),
            ("count([1, 2, m.s], # > 0) >= 2", True), ("count([1, 2, m.s], # > 0) < 2", False), ("filter([1, m.s], # == 1 or # > 1)[0]", 1),
            ("filter([m.s, 1], # == 1 or # > 1)[-1]", 1), ("first(filter([1, m.s], # == 1 or # > 1))", 1), ("last(filter([1], # > 5))", None),
            ("filter(filter(5..9, # > 6), # > 7)", [8, 9]), ("len(filter([1, 2], # > 1))", 1), ("map(filter([1, 2], # > 1), # * 2)", [4]),
            ("sum([m.s, 'y'])", "xy"), ("sum([m.i, 1, 2])", 8), ("sum(1..100)", 5050), ("sum(1..3, #)", 6), ("sum(1..3, # * 2)", 12), ("sum(1..3, 2 * #)", 12),
            ("sum(1..3, # + 1)", 9), ("sum(1..3, # - 1)", 3), ("sum(1..3, 10 - #)", 24), ("sum(1..3, # / 2)", 3.0), ("sum(1..3, # * # )", 14),
            ("reduce(1..10, # + #acc)", 55), ("reduce(1..10, #acc + #, 5)", 60), ("reduce(1..3, #acc + #, 'x')", "error"), ("sum(3..1)", 0), ("sum(-3..0)", -6),
            ("sum(1..5000000)", 12500002500000), ("i in 1..10000000", True), ("all([1, 2], # > 0) and all([1, 2], # < 3)", True),
            ("any([1, 2], # > 1) || any([1, 2], # > 5)", True), ("none([1], # > 1) && none([1], # > 2)", True), ("all([1], true) and any([1], true)", True),
            ("all([1], # > 0) and all([2], # > 0)", True), ("'a' + 'b' == 'ab'", True), ("-(1 + 2) * 2", -6), ("+(1.5)", 1.5), ("m.x in ['a', 'b']", False),
            ("m.x in ['a', '']", True), ("map(filter([3, 4], # > 3), #index)", [0]), ("1 + 2.5 == 3.5", True), ("count([1, 2], # > 0) > 5", False),
            ("len(map(filter([1], true), m.x.y))", 1), ("true == true", True), ("sum([1, 2])", 3),
        ],
    )  # fmt: skip
    def test_values(self, value, fails, text, result):
        env = {"i": 5, "m": {"s": "x", "i": 5}}
        if result == "error":
            fails(text, **env)
        else:
            assert value(text, **env) == result

    @pytest.mark.parametrize(
        "text", ["m.i in ['a', 'b']", "filter([1], # > 5)[0]", "filter([1], # > 5)[-1]", "true ? 1 : 1 % 0", "1.5 % 2"]
    )
    def test_errors(self, fails, text):
        """A set of strings refuses other types, and a literal division by zero is found before the run."""
        fails(text, m={"i": 5})


class TestArgo:
    """asInt, asFloat, toJson, jsonpath and sprig.* stand beside the variables in `{{=...}}`."""

    def test_functions(self, value, fails):
        assert value("asInt('3') + asInt(2.9)", argo=True) == 5
        assert value("asFloat(item) / 2", argo=True, item="3") == 1.5
        assert value("toJson({a: ['<', 1.0]})", argo=True) == r'{"a":["\u003c",1]}'
        assert value("jsonpath('{\"a\": [1, 2]}', '$.a[1]')", argo=True) == 2.0
        assert value("sprig.upper('a') + sprig.lower('B')", argo=True) == "Ab"
        assert value("let f = sprig.trim; map([' a '], f(#))", argo=True) == ["a"]
        assert value("type(sprig.trim)", argo=True) == "func"
        assert repr(value("sprig.trim", argo=True)) == "Function('sprig.trim')"
        for text in (
            "asInt(true)",
            "asInt('x')",
            "asInt()",
            "jsonpath(1, '$')",
            "toJson()",
            "sprig.nothing('a')",
            "sprig.trim(1)",
        ):
            assert fails(text, argo=True).kind in ("type", "value", "name")
        assert fails("let f = asInt; f(1, 2)", argo=True).kind == "type"
        assert fails("{f: asInt}.f(1, 2)", argo=True).kind == "type"

    def test_only_in_argo(self, fails):
        assert fails("asInt('3')").kind == "name"
        assert fails("sprig.trim('a')").kind == "name"

    def test_a_variable_does_not_hide_them(self, value):
        assert value("asInt('3')", argo=True, asInt="x") == 3

    def test_arguments_of_unknown_functions_are_not_checked(self, value, fails):
        """A missing variable there is nil, and wrong calls fail at run time."""
        assert value("sprig.default('d', missing)", argo=True) == "d"
        assert fails("sprig.default('d', len(1, 2))", argo=True).kind == "type"
        assert fails("m.f(1)", m={}).kind == "type"
        assert fails("m.f(1)", m={"f": 5}).kind == "type"
        assert fails("sprig.default(1, not missing)", argo=True).kind == "type"


class TestPaths:
    def test_paths(self):
        """Variables and member paths, with those that `??` or `?.` guards told apart."""
        found = [
            (path.text, path.guarded) for path in parse("a.b['c'] + (x.y ?? z) + m?.n.o + l[i].k + f(len(q))").paths
        ]
        assert found == [
            ("a.b.c", False), ("x.y", True), ("z", False), ("m", True), ("l", False), ("i", False), ("f", False), ("q", False),
        ]  # fmt: skip

    def test_parsed_once(self):
        assert parse("a + 1") is parse("a + 1")
        assert repr(parse("a + 1")) == "Expr('a + 1')"
        assert parse("a + 1").paths is parse("a + 1").paths


class TestErrors:
    """Each error has a place, says what it saw, and often what to do."""

    @pytest.mark.parametrize(
        ("text", "place", "words"),
        [
            ("1 + responce.x", "responce", "did you mean 'response'"),
            ("uper('a')", "uper", "did you mean 'upper'"),
            ("null", "null", "write nil"),
            ("len(1)", "1", "int"),
            ("response.statusCode + 'a'", "+", "int(x)"),
            ("'a' in 'abc'", "in", "contains"),
            ("response.body.x", "x", "no field 'x'"),
            ("upper()", "upper", "1 argument, got 0"),
            ("split('a')", "split", "2 or 3 arguments, got 1"),
            ("response.statusCode and true == response.t", "and", "compare it"),
            ("filter(response, true)", "response", "values(m)"),
            ("'x'[0]", "[", "s[0:1]"),
            ("date('1/2/2024')", "date", "layout"),
            ("int('1.5')", "int", "plain decimal"),
            ("now().Yeer()", "Yeer", "Yeer"),
            ("map([1], #indx)", "#", "did you mean 'index'"),
            ("response.t.Yeer()", "Yeer", "Yeer"),
        ],
    )
    def test_help(self, fails, text, place, words):
        error = fails(text, response={"statusCode": 200, "body": "x", "t": True})
        assert text[error.start : error.end] == place
        assert words in f"{error.message} {error.hint}"

    def test_kept_errors_do_not_grow(self, ctx):
        """The same failing check raises a fresh error each time."""
        seen = []
        for _ in range(3):
            with pytest.raises(LanguageError) as caught:
                parse("nothing + 1").run({}, ctx)
            seen.append(caught.value)
        assert len({id(error) for error in seen}) == 3


class TestBehindUnknownCalls:
    """What the static check does not look at, the run refuses."""

    @pytest.mark.parametrize(
        "text",
        [
            "m.f(now(1))",
            "m.f(date('a', 'b', 'c', 'd'))",
            "m.f(true + 1)",
            "m.f(1.5 % 2)",
            "m.f(len())",
            "m.f(max())",
            "o.x",
            "m.x in 'abc'",
        ],
    )
    def test_refused(self, fails, text):
        assert fails(text, m={}, o=object()).kind in ("type", "name")


class TestRareShapes:
    """Shapes that the optimizer looks at and leaves alone, and values that few expressions have."""

    @pytest.mark.parametrize(
        ("text", "result"),
        [
            ("i in 1..m.n", True), ("count([1], # > 0) < 1", False), ("all([m.n, 1], true) and all([m.n, 2], true)", True),
            ("all([m.n], true) and all([m.n, 2], true)", True), ("all([m.n], true) and all(m.l, true)", True), ("sum(1..3, m.n + 1)", 33),
            ("sum(1..3, # + m.n)", 36), ("sum(1..3, # > 0 ? 1 : 0)", 3), ("-b'a'[0]", 159), ("t.Year()", 2024), ("'Year' in t", False), ("int(5)", 5), ("1 - +  2", -1), ("all(m.l[0:1], true) and all(m.l[:1], true)", True),
            ("v.a", 1),
            ("v.a == 1", True),
            ("v.a == nil or v.b contains 'x'", False), ("m.v.a", 1), ("m.v[m.x]", None), ("all(m.l, # > 0) and all(m.l, # < 5)", True), ("all(m.l, 1 < 2) and all(m?.l, true)", True),
        ],
    )  # fmt: skip
    def test_values(self, value, text, result):
        view = MappingProxyType({"a": 1})
        env = {"i": 5, "t": parse_time("2006-01-02", "2024-01-01"), "v": view, "m": {"n": 10, "l": [1, 2], "v": view}}
        assert value(text, **env) == result

    def test_patterns_are_text(self, fails):
        assert "UTF-8" in fails("'a' matches m.p", m={"p": "\udcff"}).message

    def test_a_go_object_of_another_kind(self):
        kind = type("Thing", (GoObject,), {"__slots__": (), "GO_TYPE": "x.Thing"})
        assert nature_of(kind).name == "x.Thing"

    def test_fields_of_go_objects(self, value, fails):
        """An object shows the fields of its table, and nothing else."""
        table = {"Major": lambda _: 3}
        kind = type("Version", (GoObject,), {"__slots__": ("hidden",), "GO_TYPE": "x.Version", "GO_FIELDS": table})
        assert value("m.v.Major", m={"v": kind()}) == 3
        assert "Major" in fails("m.v.Mayor", m={"v": kind()}).hint
        fails("m.v.hidden", m={"v": kind()})

    def test_a_limit_that_the_check_meets(self, ctx):
        """The error is kept with its limit's name."""
        for _ in range(2):
            with pytest.raises(LimitExceeded) as caught:
                parse("'a' matches '" + "a" * 200_000 + "'").run({}, ctx)
            assert caught.value.limit == "pattern"
