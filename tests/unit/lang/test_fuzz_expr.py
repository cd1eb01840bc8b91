"""Fuzzing expr-lang: whatever is written, a value or a language error comes out, never another exception.

Texts are streams of tokens, random expressions, and the recorded expressions with tokens changed (where the corpus is).
"""

import json
import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.context import Context, Limits
from aggregator.lang.expr import parse
from aggregator.lang.expr.signatures import BUILTINS
from aggregator.lang.gotime import Duration, parse_time

CORPUS = Path(os.environ.get("AGG_CORPUS") or Path(__file__).parents[4] / "shared" / "argo")
# Small limits make runs that would spend their whole allowance quick.
CTX = Context(
    now=10**18,
    random=random.Random(0),
    keep=lambda _, make: make(),
    limits=Limits(elements=20_000, steps=200_000, text=200_000),
)
ENV = {
    "i": 5, "f": 2.5, "s": "héllo", "b": True, "n": None, "l": [1, 2, 3], "x": [1, "a", None, [2.0], {"k": 1}], "y": b"\x01\xff",
    "m": {"a": 1, "b": {"c": [1, 2]}, "n": None, "s": "x,y"}, "u": [{"name": "A", "age": 3}, {"name": "B", "age": 2.0}],
    "t": parse_time("2006-01-02", "2024-02-29"), "d": Duration(90 * 10**9),
}  # fmt: skip
TOKENS = [
    *ENV, *sorted(BUILTINS), "1", "0", "2.5", "'a'", '"é"', "`r`", "b'z'", "true", "nil", "+", "-", "*", "/", "%", "**", "^", "==", "!=",
    "<", ">=", "in", "not", "not in", "and", "||", "??", "?.", ".", ".name", "..", "?", ":", "::", "|", ";", ",", "(", ")", "[", "]", "{", "}",
    "#", "#index", "#acc", "let", "v", "=", "if", "else", "$env", "matches", "contains", "'(a+)+$'", "asInt", "sprig", ".Year()", "0x", "1e",
    "'", '"', "\\", "\n", "//", "/*", "é", "²", "\ud800", "9223372036854775807", "1_0", "Format", "toJson(", "sprig.trim(",
]  # fmt: skip
LEAVES = st.sampled_from(
    [
        "i",
        "f",
        "s",
        "b",
        "n",
        "l",
        "x",
        "y",
        "m",
        "u",
        "t",
        "d",
        "m.a",
        "m.b.c",
        "m.zz",
        "x[4]",
        "u[0].age",
        "1",
        "-2",
        "2.5",
        "'a'",
        "nil",
        "true",
        "[]",
        "#",
        ".name",
        "$env",
    ]
)
FUNCTIONS = st.sampled_from(sorted(BUILTINS))
OPERATORS = st.sampled_from(
    [
        "+",
        "-",
        "*",
        "/",
        "%",
        "**",
        "==",
        "!=",
        "<",
        ">",
        "<=",
        ">=",
        "in",
        "not in",
        "contains",
        "matches",
        "startsWith",
        "and",
        "or",
        "??",
        "..",
    ]
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(FUNCTIONS, st.lists(inner, min_size=1, max_size=3)).map(lambda p: f"{p[0]}({', '.join(p[1])})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} ? {p[1]} : {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"(let v = {p[0]}; {p[1]})"),
        st.lists(inner, max_size=3).map(lambda p: f"[{', '.join(p)}]"),
        inner.map(lambda p: f"{{k: {p}}}"),
        inner.map(lambda p: f"not {p}"),
    ),
    max_leaves=12,
)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def survives(text, env, functions="bare"):
    """A value or a language error; where it has a place, that lies in the text."""
    error = None
    try:
        return parse(text).run(env, CTX, functions=functions)
    except LanguageError as raised:
        error = raised
    assert error.message
    assert not isinstance(error, LimitExceeded) or error.limit
    assert error.text != text or 0 <= error.start <= len(text)
    return None


@MANY
@given(st.lists(st.sampled_from(TOKENS), max_size=14), st.sampled_from(["", " "]), st.sampled_from(["bare", "argo"]))
def test_token_streams(tokens, glue, functions):
    survives(glue.join(tokens), ENV, functions)


@MANY
@given(EXPRESSIONS, st.sampled_from(["bare", "argo"]))
def test_expressions(text, functions):
    survives(text, ENV, functions)


@MANY
@given(st.text(max_size=40))
def test_any_text(text):
    survives(text, ENV)


@MANY
@given(st.text(max_size=30))
def test_literals_come_back(text):
    """A text written as a raw string is itself, and as a quoted one with escapes too."""
    clean = text.encode("utf-8", "replace").decode()
    assert survives("`" + clean.replace("`", "``") + "`", {}) == clean
    quoted = "".join(f"\\u{{{ord(c):x}}}" for c in clean)
    assert survives(f'"{quoted}"', {}) == clean


@MANY
@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_ints_have_64_bits(a, b):
    """Sums, differences and products keep the low 64 bits, and a remainder completes a division."""
    env = {"a": a, "b": b}
    for op, exact in (("+", a + b), ("-", a - b), ("*", a * b)):
        found = survives(f"a {op} b", env)
        assert -(2**63) <= found < 2**63
        assert (found - exact) % 2**64 == 0
    if b:
        rest = survives("a % b", env)
        assert abs(rest) < abs(b)
        assert (a - rest) % b == 0


@MANY
@given(st.lists(st.integers(-50, 50), max_size=8), st.integers(-10, 10), st.integers(-10, 10))
def test_slices_never_fail(items, first, last):
    """Bounds count from the end where they are negative, and are clamped."""
    part = survives("l[a:b]", {"l": items, "a": first, "b": last})
    low, high = (max(0, len(items) + x) if x < 0 else min(x, len(items)) for x in (first, last))
    assert part == items[low:high]


@pytest.fixture(scope="module")
def recorded():
    path = CORPUS / "expr" / "expr_lang.json"
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"the corpus is missing: {path}")
        pytest.skip("the recorded answers are not beside this repository; AGG_CORPUS names their folder")
    return json.loads(path.read_text(encoding="utf-8"))["vectors"]


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_recorded_expressions_with_changes(recorded, data):
    vector = data.draw(st.sampled_from(recorded))
    parts = re.findall(r"\w+|\s+|.", vector["expr"]) or [""]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(parts) - 1))
        match data.draw(st.sampled_from(["drop", "double", "swap", "replace"])):
            case "drop":
                parts[at] = ""
            case "double":
                parts.insert(at, parts[at])
            case "swap":
                other = data.draw(st.integers(0, len(parts) - 1))
                parts[at], parts[other] = parts[other], parts[at]
            case _:
                parts[at] = data.draw(st.sampled_from(TOKENS))
    survives("".join(parts), {**vector["env"], **data.draw(st.sampled_from([{}, ENV]))})
