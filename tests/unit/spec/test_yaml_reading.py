"""YAML text becomes plain values with the place of every part, and every fault is told where it stands."""

import json

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import InvalidWorkflow
from aggregator.source import Source
from aggregator.spec import yaml_builder
from aggregator.spec.yaml import MAX_BROKEN, parse_text, read_source


def parse(text):
    return parse_text(Source("f.yaml", text))


def value_of(text):
    parsed = parse(text)
    assert parsed.diagnostics == []
    (document,) = parsed.documents
    return document.value


def only_problem(text):
    (diagnostic,) = parse(text).diagnostics
    return diagnostic


def under(span):
    """The text that a span covers."""
    return span.source.text[span.start : span.end]


# ------------------------------------------------------------------ values


def test_quotes_keep_text_text():
    assert value_of("[yes, 'yes', \"1\", 1, !!str 1, ! 1, '', \"\"]") == [True, "yes", "1", 1, "1", "1", "", ""]


def test_keys_become_text_as_in_json():
    assert value_of("{1: a, 1.5: b, 2001-01-01: c, 0x10: d, 'on': e, 08: f}") == {
        "1": "a",
        "1.5": "b",
        "2001-01-01": "c",
        "16": "d",
        "on": "e",
        "8": "f",
    }


def test_a_word_for_a_boolean_as_a_key_becomes_true_with_a_warning():
    parsed = parse("y: 1\n")
    assert parsed.documents[0].value == {"true": 1}
    (warning,) = parsed.diagnostics
    assert (warning.code, warning.severity, under(warning.span)) == ("yaml-bool-key", "warning", "y")
    assert parse("true: 1\nfalse: 2\n").diagnostics == []


@pytest.mark.parametrize(("text", "code"), [("~: 1", "yaml-key"), ("null: 1", "yaml-key"), ("? [a]\n: b", "yaml-key")])
def test_null_and_containers_cannot_be_keys(text, code):
    assert only_problem(text).code == code


def test_an_unquoted_tag_at_the_start_of_a_value_is_explained():
    problem = only_problem("value: {{item}}")
    assert "quotes" in problem.hint
    assert problem.span.where() == "f.yaml:1:9"


def test_explicit_tags_are_honoured_and_checked():
    assert value_of("[!!int '3', !!float 2, !!bool yes, !!null '', !!binary aGk=, !!timestamp 2001-01-01]") == [
        3,
        2,
        True,
        None,
        "hi",
        "2001-01-01",
    ]
    assert value_of("!custom 3") == "3"
    assert value_of("!!set3 x") == "x"
    assert value_of("!!str yes: !!str no") == {"yes": "no"}
    assert only_problem("a: !!int x").code == "yaml-tag"
    assert only_problem("a: !!binary /w==").code == "yaml-tag"


def test_infinity_is_refused_because_json_has_none():
    assert [only_problem(text).code for text in ("a: .inf", "- .NaN", "-.inf")] == ["yaml-number"] * 3


def test_anchors_and_aliases_share_values_and_places():
    parsed = parse("a: &x {k: 1}\nb: *x\nc: &s text\nd: *s\n&n name: 1\nlist: [*n]\n*n : 2\n")
    assert parsed.documents[0].value["b"] == {"k": 1}
    assert parsed.documents[0].value["d"] == "text"
    assert parsed.documents[0].value["list"] == ["name"]
    assert [d.code for d in parsed.diagnostics] == ["yaml-duplicate-key"]
    assert parsed.documents[0].span(("b", "k")).where() == "f.yaml:1:11"
    assert value_of("&top text") == "text"


def test_merge_keys_fill_in_what_is_not_written():
    text = "base: &b {x: 1, z: 1}\nmore: &m {x: 2, w: 2}\nuse:\n  z: 9\n  <<: [*b, *m]\n  x: 3\nother: {<<: *m}\n"
    value = value_of(text)
    assert value["use"] == {"z": 9, "x": 3, "w": 2}
    assert value["other"] == {"x": 2, "w": 2}
    assert value_of("a: &a {k: 1}\nb:\n  <<: *a\n  <<: {j: 2}\n")["b"] == {"k": 1, "j": 2}
    assert value_of("'<<': 1") == {"<<": 1}
    assert only_problem("a: {<<: 3}").code == "yaml-merge"
    assert only_problem("a: {<<: [{x: 1}, 3]}").code == "yaml-merge"


def test_duplicate_keys_are_errors_that_show_both_places():
    problem = only_problem("a: 1\nb: 2\na: [3]\n")
    assert (problem.code, problem.severity) == ("yaml-duplicate-key", "error")
    assert problem.span.where() == "f.yaml:3:1"
    ((first, _),) = problem.notes
    assert first.where() == "f.yaml:1:1"
    assert parse("a: 1\na: 2\n").documents[0].value == {"a": 2}


def test_documents_of_one_text_are_read_one_by_one():
    parsed = parse("a: 1\n---\nb: 2\n...\n---\n# nothing\n---\nc: 3")
    assert [d.value for d in parsed.documents] == [{"a": 1}, {"b": 2}, None, {"c": 3}]
    assert parsed.documents[1].span(("b",)).where() == "f.yaml:3:4"


def test_anchors_end_with_their_document():
    assert only_problem("a: &x 1\n---\nb: *x\n").code == "yaml-alias"


def test_documents_behind_a_broken_one_are_still_read():
    parsed = parse("a: [\n---\nb: 2\n---\nc: @\n---\nd: 4")
    assert [d.value for d in parsed.documents] == [{"b": 2}, {"d": 4}]
    assert [(d.code, d.span.where()) for d in parsed.diagnostics] == [
        ("yaml-syntax", "f.yaml:2:1"),
        ("yaml-syntax", "f.yaml:5:4"),
    ]


def test_after_many_broken_documents_reading_stops():
    assert len(parse("\n---\n".join(["a: @"] * 100)).diagnostics) == MAX_BROKEN


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\ufeff", "   \n\n"])
def test_a_text_without_content_has_no_documents(text):
    assert (parse(text).documents, parse(text).diagnostics) == ([], [])


# ------------------------------------------------------------------ places


def test_places_are_offsets_of_characters_whatever_stands_before():
    text = '\ufeffé: "😀"\r\nlist:\r\n  - x: |\r\n      block\r\n    w: 2\r\n'
    document = parse(text).documents[0]
    assert document.value == {"é": "😀", "list": [{"x": "block\n", "w": 2}]}
    assert under(document.span(("é",))) == '"😀"'
    assert under(document.key_span(("é",))) == "é"
    assert under(document.span(("list", 0, "w"))) == "2"
    assert under(document.key_span(("list", 0, "w"))) == "w"
    assert document.span(("list", 0, "w")).where() == "f.yaml:5:8"


def test_what_was_not_written_answers_with_its_nearest_ancestor():
    document = parse("spec:\n  name: x\n  items:\n  - {a: 1}\n  none:\n").documents[0]
    assert under(document.span(("spec", "name", "deeper"))) == "x"
    assert under(document.span(("spec", "missing"))) == "spec"
    assert under(document.key_span(("spec", "missing"))) == "spec"
    assert under(document.span(("spec", "items", 7))) == "items"
    assert under(document.span(("spec", "items", 0))) == "{a: 1}"
    assert under(document.key_span(("spec", "items", 0))) == "{a: 1}"
    assert under(document.span(("spec", "none"))) == "none"
    assert document.span().where() == "f.yaml:1:1"


def test_has_tells_whether_something_was_written_even_null():
    document = parse("a: null\nb: [1]\n").documents[0]
    assert document.has(("a",))
    assert document.has(("b", 0))
    assert not document.has(("b", 1))
    assert not document.has(("b", "x"))
    assert not document.has(("c",))
    assert not document.has(("a", "b"))


# -------------------------------------------------------------------- JSON


def test_json_is_read_with_its_pairs_of_escapes_and_right_places():
    text = (
        '{\n\t"a": "\\ud83d\\ude00", "b\\/c": "\\\\ud83d", "lone": "\\ud83d.", "low": "\\ude00",\n\t"n": 1.0, "z": 3}'
    )
    document = parse(text).documents[0]
    assert document.value == {"a": "😀", "b/c": "\\ud83d", "lone": "\ufffd.", "low": "\ufffd", "n": 1, "z": 3}
    assert under(document.span(("n",))) == "1.0"
    assert under(document.span(("z",))) == "3"
    assert document.span(("z",)).where() == "f.yaml:3:17"
    assert parse('{"a": "\\ud83d\\ude00", "b": @}').diagnostics[0].span.where() == "f.yaml:1:28"
    assert value_of('{"a": "\\ude00"}') == {"a": "\ufffd"}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), inner)
        ),
        max_leaves=20,
    )
)
def test_whatever_json_writes_is_read_as_the_same_value(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, indent=2)):
        if text.startswith(("{", "[")):
            assert value_of(text) == value


# ------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("a:\n\t- b", "f.yaml:2:1", "tab"),
        ("a: @x", "f.yaml:1:4", "begin with @"),
        ("a: `x`", "f.yaml:1:4", "begin with `"),
        ("a: %x", "f.yaml:1:4", "begin with %"),
        ("a: b: c", "f.yaml:1:5", "mapping values"),
        ("a: 1\n b: 2", "f.yaml:2:3", "mapping values"),
        ("a: [1", "f.yaml:1:6", "too early"),
        ("a: 'x", "f.yaml:1:6", "too early"),
        ("a:\n  - b\n c: 1", "f.yaml:3:2", "expected"),
        ("a: b\nc\nd: 1", "f.yaml:3:1", "':'"),
        ('a: "\\q"', "f.yaml:1:5", "escape"),
        ("%YAML 3.0\n---\na", "f.yaml:1:1", "incompatible"),
    ],
)
def test_faults_of_syntax_are_told_at_the_character(text, where, words):
    problem = only_problem(text)
    assert problem.code == "yaml-syntax"
    assert problem.span.where() == where
    assert words in problem.message


@pytest.mark.parametrize(
    ("text", "where"), [("é: \x01", "f.yaml:1:4"), ("a: 1\nb: \x7f2", "f.yaml:2:4"), ("a: \udc80", "f.yaml:1:4")]
)
def test_characters_that_yaml_forbids_are_told_at_their_place(text, where):
    problem = only_problem(text)
    assert (problem.code, problem.span.where()) == ("yaml-character", where)


def test_nesting_has_a_limit():
    depth = yaml_builder.MAX_DEPTH
    assert value_of("[" * depth + "]" * depth) is not None
    assert only_problem("[" * (depth + 1) + "]" * (depth + 1)).code == "yaml-limit"
    assert only_problem("[" * 100_000).code == "yaml-limit"


def test_aliases_cannot_explode():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
    assert only_problem(bomb).code == "yaml-limit"
    deep = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 200))
    assert only_problem(deep).code == "yaml-limit"


@pytest.mark.parametrize(
    ("text", "words"), [("a: *x", "no anchor"), ("a: &x [*x]", "contains itself"), ("&x [1] : *y", "")]
)
def test_aliases_need_an_anchor_before_them(text, words):
    problem = only_problem(text)
    assert problem.code in ("yaml-alias", "yaml-key")
    assert words in problem.message


def test_an_alias_as_a_key_must_be_text():
    assert only_problem("a: &x [1]\n*x : 2\n").code == "yaml-key"
    assert value_of("a: &x k\n*x : 2\n") == {"a": "k", "k": 2}


def test_without_libyaml_the_python_reader_gives_the_same(monkeypatch):
    text = '\ufeffé: "😀"\nb: [1, *x]\n---\n{"c": "\\ud83d\\ude00", "d": 1}\n---\na: \x01'
    fast = parse(text)
    monkeypatch.setattr(yaml_builder, "_LOADER", pyyaml.SafeLoader)
    slow = parse(text)
    assert [d.value for d in fast.documents] == [d.value for d in slow.documents]


# -------------------------------------------------------------------- bytes


def test_bytes_are_utf_8_or_utf_16_with_a_mark():
    assert read_source("f", "é".encode()).text == "é"
    assert read_source("f", "é".encode("utf-16")).text == "é"


def test_other_bytes_are_refused_at_the_first_bad_one():
    with pytest.raises(InvalidWorkflow) as caught:
        read_source("f", b"name: " + b"\xe9t\xe9\n")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "yaml-encoding"
    assert "0xe9" in diagnostic.message
    assert diagnostic.span.where() == "f:1:7"
