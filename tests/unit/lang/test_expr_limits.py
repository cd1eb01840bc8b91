"""Evaluation is total: whatever the text and the values, a value or one clear error comes, within named limits."""

import random

import pytest

from aggregator.errors import LimitExceeded
from aggregator.lang.context import Context, Limits
from aggregator.lang.expr import parse
from aggregator.lang.regex import compile_pattern


@pytest.fixture
def exceeds(value):
    def run(text, **env):
        with pytest.raises(LimitExceeded) as caught:
            value(text, **env)
        return caught.value

    return run


class TestSyntax:
    @pytest.mark.parametrize(
        "text",
        [
            "(" * 10_000 + "1" + ")" * 10_000, "[" * 10_000, "-" * 10_000 + "1", "len(" * 10_000, "true ? 1 : " * 3000 + "1", "{a:" * 3000,
            "m" + ".a" * 3000, "m" + "[0]" * 3000, "1" + " | string()" * 3000, "let a = 1; " * 1000 + "1", "2" + " ** 2" * 3000,
            "if true {1} else " * 1000 + "{2}", "map([1]," * 2000, "!" * 300 + "true", "1 + (" * 3000,
        ],
    )  # fmt: skip
    def test_deep_nesting(self, exceeds, text):
        error = exceeds(text, m={})
        assert error.limit == "depth"
        assert error.kind == "limit"

    def test_ten_megabytes(self, exceeds):
        assert exceeds('"' + "a" * 10_000_000 + '"').limit == "source"

    def test_too_many_parts(self, exceeds):
        assert exceeds("+".join(["1"] * 6000)).limit == "nodes"
        assert exceeds("[" + "x, " * 11_000 + "]", x=1).limit == "nodes"
        assert exceeds("[" + "[], " * 11_000 + "]").limit == "nodes"


class TestSizes:
    @pytest.mark.parametrize(
        ("text", "limit"),
        [
            ("1..1000000", "elements"), ("map(1..999, map(1..999, map(1..999, #)))", "elements"), ("repeat('a', 1000001)", "elements"),
            ("repeat('', 2000000)", "elements"), ("reduce(1..60, concat(#acc, #acc), [1])", "elements"), ("repeat('ab', 900000)", "elements"),
            ("reduce(1..60, #acc + #acc, 'x')", "text"), ("reduce(1..60, m.s + #acc + m.s, m.s)", "steps"),
            ("replace(repeat('a', 90000), 'a', repeat('b', 900))", "text"), ("join(map(1..900, m.s))", "text"),
            ("let r = 1..900000; all(r, all(r, # > 0))", "steps"), ("let r = 1..900000; all(r, # in r)", "steps"),
            ("let r = 1..9000; all(r, len(r) > 0 and [r, 1.5] == [r, 1.5])", "steps"), ("let r = 1..9000; all(r, m.s contains 'b' or # > 0)", "steps"),
            ("reduce(1..5000, [#acc], 0)", "value_depth"), ("toJSON(reduce(1..5000, {{a: #acc}}, 0))", "value_depth"),
            ("string(reduce(1..5000, [#acc], 0))", "value_depth"), ("let d = reduce(1..5000, [#acc], 0); d == d", "value_depth"),
            ("let d = reduce(1..5000, {{a: #acc}}, 0); d == d", "value_depth"), ("flatten(reduce(1..5000, [#acc], 0))", "value_depth"),
            ("let d = reduce(1..5000, [#acc], 0); {a: d} == {a: d}", "value_depth"),
            ("max(reduce(1..5000, [#acc], 0))", "value_depth"), ("fromJSON(repeat('[', 100000))", "value_depth"), ("m.s matches repeat('a', 200000)", "pattern"),
            ("toJSON(let r = 1..900000; [r, r])", "elements"), ("all(1..400000, len([#, #, #]) > 0)", "elements"),
        ],
    )  # fmt: skip
    def test_limits(self, exceeds, text, limit):
        assert exceeds(text, m={"s": "a" * 100_000}).limit == limit

    def test_deep_but_allowed(self, value):
        assert value("fromJSON(repeat('[', 150) + repeat(']', 150)) | flatten()") == []
        assert value("len(fromJSON('[' + join(map(1..500, '[]'), ',') + ']'))") == 500

    def test_linear_patterns(self, value):
        """A pattern that makes backtracking engines hang is done at once."""
        assert value("repeat('a', 50000) matches '(a*)*b'") is False

    def test_limits_can_be_set(self):
        small = Context(
            now=0, random=random.Random(0), keep=lambda _, make: make(), limits=Limits(elements=5, steps=50, text=10)
        )
        assert parse("1..4").run({}, small) == [1, 2, 3, 4]
        for text in ("1..5", "m.s + m.s", "all(1..4, all(1..4, all(1..4, true)))"):
            with pytest.raises(LimitExceeded):
                parse(text).run({"m": {"s": "aaaaaa"}}, small)

    def test_patterns_are_compiled_once(self):
        assert compile_pattern("a+") is compile_pattern("a+")


class TestIsolation:
    @pytest.mark.parametrize(
        "name",
        ["__class__", "__dict__", "__init__", "ns", "zone", "go_json", "GO_METHODS", "upper", "append", "keys", "call"],
    )
    def test_no_way_into_python(self, value, fails, name):
        """Members are keys of maps and methods of Go types, never attributes of Python objects."""
        assert value(f"m.{name}", m={}) is None
        for base in ("m.s", "m.l", "m.t", "m.i", "m.b", "now()", "'a'", "[1]", "duration('1s')"):
            assert fails(f"{base}.{name}", m={"s": "x", "l": [1], "t": object(), "i": 1, "b": True}).kind in (
                "type",
                "name",
            )
        assert fails(f"sprig.trim.{name}", argo=True).kind in ("type", "name")

    def test_foreign_objects_are_opaque(self, value, fails):
        thing = object()
        assert value("m.t", m={"t": thing}) is thing
        assert value("m.t == m.t", m={"t": thing}) is True
        for text in ("m.t + 1", "m.t < m.t", "len(m.t)", "m.t()", "m.t[0]", "string(m.t)[0]", "int(m.t)", "m.t in m.t"):
            assert fails(text, m={"t": thing}).kind in ("type", "name")
        assert value("type(m.t)", m={"t": thing}) == "unknown"
