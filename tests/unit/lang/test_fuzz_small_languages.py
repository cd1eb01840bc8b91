"""Evaluation is total: whatever the text, a value or a LanguageError comes back, within the limits, and nothing else."""

import json
import random
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.cli.eval_languages import answer
from aggregator.errors import LanguageError
from aggregator.lang import depends, jq, selectors, tagdoc, when
from aggregator.lang.context import Context
from aggregator.lang.jsonpath import argo_jsonpath, k8s_jsonpath
from aggregator.lang.scope import NestedEnv, Scope
from aggregator.lang.tags import LENIENT, PREFIX_STRICT, STRICT, parse, parse_tree

CTX = Context(now=0, random=random.Random(1), keep=lambda _key, make: make())
QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])

DATA = {"a": [1.0, {"b": "x"}, None, True], "b": {"c": [[], {}]}, "": 0.5, "s": "text"}
VALUES = {"a": "1", "a.b": "2", "n": None, "num": 5, "tasks.t.outputs.result": "R", "x": "{{a}}", "y": "é\x00"}


def streams(*tokens):
    """Random rows of tokens, of any text, and of both."""
    piece = st.one_of(st.sampled_from(tokens), st.text(max_size=3), st.sampled_from(tuple(string.punctuation)))
    return st.lists(piece, max_size=25).map("".join) | st.lists(st.sampled_from(tokens), max_size=30).map(" ".join)


def mutated(*texts):
    """Good texts with pieces taken out, doubled, swapped or replaced."""

    def change(text, cuts):
        for place, length, new in cuts:
            at = place % (len(text) + 1)
            text = text[:at] + new + text[at + length :]
        return text

    cut = st.tuples(
        st.integers(0, 200),
        st.integers(0, 4),
        st.sampled_from(("", "(", ")", "{{", "}}", "'", '"', "\\", "[", "]", ".", "=", "0", "é", "\n")),
    )
    return st.builds(change, st.sampled_from(texts), st.lists(cut, min_size=1, max_size=4))


def total(function, *arguments):
    """The value, or None where the text is refused with a place that lies in it."""
    try:
        return function(*arguments)
    except LanguageError as caught:
        error = caught
    assert error.message
    assert 0 <= error.start <= error.end
    assert error.start <= len(error.text) + 1
    return None


WHEN = ("a", "b", "1", "2.5", "0x1f", "'t'", "'2024-01-02'", "true", "false", "in", "(", ")", ",", "==", "!=", "<", ">=", "=~",
        "!~", "&&", "||", "!", "-", "+", "*", "/", "%", "**", "&", "|", "^", "<<", ">>", "~", "?", ":", "??", "[x y]", "a.B", "\\")  # fmt: skip


@QUICK
@given(
    streams(*WHEN)
    | mutated("a == b && (c in (d, 'e')) || 1 + 2 * -3 > 4", "'2024-01-02' < '2024-01-03' ? x =~ 'y' : !z")
)
def test_conditions(text):
    value = total(when.evaluate, text)
    assert value is None or isinstance(value, bool)
    total(lambda: when.evaluate(text, mode="raw", env={"a": 1, "b": [1, "x"], "B": None}))
    total(when.explain, text)


@QUICK
@given(streams("a", "b-c", ".Failed", ".Succeeded", ".Bogus", "&&", "||", "!", "(", ")", "?", ":", "==", "and", "1"))
def test_depends(text):
    parsed = total(depends.parse, text)
    if parsed is not None:
        assert parsed.evaluate(lambda _task, result: result == "Failed") in (True, False)
        assert total(depends.parse, str(parsed)) is not None


TAGS = ("{{", "}}", "{{=", "a", "a.b", "n", "num", "tasks.t.outputs.result", "item", "nope", " ", "??", "+", "'", "asInt(", ")",
        "sprig.upper(", "[", "]", "{", "}", "#", "\\")  # fmt: skip


@QUICK
@given(
    streams(*TAGS)
    | mutated("x{{a}}y{{=a + n ?? 'd'}}z{{nope-{{a}}}}", "{{= asInt(a) + num }} {{tasks.t.outputs.result}}")
)
def test_tags(text):
    template = parse(text)
    for policy in (STRICT, PREFIX_STRICT, LENIENT):
        filled = total(template.fill, Scope(VALUES), CTX, policy)
        assert filled is None or isinstance(filled, str)
        total(tagdoc.replace, text, Scope(VALUES), CTX, policy)
        by_document = total(tagdoc.fill_field, text, Scope(VALUES), CTX, policy)
        # Both ways agree wherever Argo's document is JSON and the keys are plain.
        if by_document is not None and filled is not None and not set(text) & set('"\\<>&\n\t'):
            assert filled == by_document
    total(tagdoc.resolve_var, text, VALUES, CTX)
    total(tagdoc.simple_tags, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | streams(*TAGS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(streams(*TAGS), inner, max_size=3),
    max_leaves=8,
)


@QUICK
@given(JSON)
def test_trees(value):
    before = json.dumps(value)
    total(lambda: parse_tree(value).fill(Scope(VALUES), CTX, LENIENT))
    assert json.dumps(value) == before


@QUICK
@given(st.dictionaries(st.text(alphabet="ab.-", max_size=6), st.integers(), max_size=8))
def test_nested_views_hold_every_key_that_no_longer_one_hides(flat):
    """A flat key is found by its path, unless a longer key begins with it and a dot."""
    env = NestedEnv(flat)
    for key, value in flat.items():
        if not any(other.startswith(f"{key}.") for other in flat):
            found = env
            for part in key.split("."):
                found = found[part]
            assert found == value


@QUICK
@given(streams("a", "a.b/c", "=", "==", "!=", "!", "in", "notin", "(", ")", ",", ">", "<", "1", "-1", "x"))
def test_selectors(text):
    selector = total(selectors.parse, text)
    if selector is not None:
        assert selector.matches({"a": "x", "b": "1"}) in (True, False)
        assert selector.matches_object(DATA) in (True, False)
    total(selectors.parse_fields, text)


PATHS = ("$", "@", ".a", ".b", "..", "*", "[", "]", "[0]", "[-1]", "[1:]", "[::2]", "['a','b']", "[?(@.b)]", "[?(", ")]", "[(@.length-1)]",
         "==", "<", "&&", "||", "!", "'x'", "=~", "+", "-", "/", "%", "**", "length", " ")  # fmt: skip


@QUICK
@given(
    streams(*PATHS).map(lambda text: "$" + text)
    | mutated("$.a[?(@.b == 'x' && @.c > 1)].d[0:2:1]", "$..a[(@.length-1)]['x',\"y\"]")
)
def test_paths_of_expressions(path):
    total(argo_jsonpath, DATA, path)


@QUICK
@given(
    streams("{", "}", "{.a}", "{range .a[*]}", "{end}", "[", "]", "[*]", "[0]", '[?(@.b=="x")]', "..", ".b", "'", "\\", "{5}", "@", "true")
    | mutated('{range .a[*]}{.b}={.c[0:1]}{"\\n"}{end}', "{.a[?(@.b!='x')].c['d','e']}{..f}")
)  # fmt: skip
def test_templates_of_kubectl(template):
    value = total(k8s_jsonpath, DATA, template)
    assert value is None or isinstance(value, str)


@settings(max_examples=100, deadline=None)
@given(
    streams(
        ".",
        ".a",
        "[0]",
        "|",
        ",",
        "map(",
        ")",
        "select(",
        "1",
        '"x"',
        "..",
        "keys",
        "//",
        "as $x",
        "env",
        "input",
        "{",
        "}",
        "[",
        "]",
    )
)
def test_jq(text):
    value = total(jq.jq_filter, DATA, text)
    assert value is None or isinstance(value, str)


REQUEST = st.fixed_dictionaries(
    {
        "lang": st.sampled_from(
            ("expr", "argo", "govaluate", "tag", "k8s_jsonpath", "argo_jsonpath", "selector", "depends", "x", 1)
        )
    },
    optional={
        "expr": streams(*WHEN, *PATHS, *TAGS) | st.none(),
        "text": streams(*TAGS),
        "mode": st.sampled_from(("when", "cron", "raw", "field", "doc", "resolve_var", "validate", "expand", None, [])),
        "env": JSON,
        "map": JSON,
        "data": JSON,
        "strict_prefixes": JSON,
        "allow_unresolved": JSON,
    },
)


@QUICK
@given(REQUEST.map(json.dumps) | st.text(max_size=20))
def test_a_json_line_is_always_answered(line):
    got = json.loads(answer(line))
    assert set(got) >= {"ok", "value"} if got["ok"] else isinstance(got["error"], str)
    assert got.get("kind") != "bug", got


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "[" * 10_000, "!" * 10_000, "{{" * 10_000, "$" + "[?(@" * 5_000, "x" * 10_000_000]
)
def test_deep_and_long_texts(text):
    for function in (
        when.evaluate,
        depends.parse,
        selectors.parse,
        selectors.parse_fields,
        lambda t: argo_jsonpath(DATA, t),
        lambda t: k8s_jsonpath(DATA, t),
        lambda t: k8s_jsonpath(DATA, "{" + t),
        lambda t: parse(t).fill(Scope(VALUES), CTX, LENIENT),
        lambda t: parse("{{=" + t + "}}").fill(Scope(VALUES), CTX, LENIENT),
    ):
        total(function, text)
