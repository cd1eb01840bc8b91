"""Tags in trees and whole documents, and the scopes that they are filled from."""

import random

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import tagdoc
from aggregator.lang.context import Context
from aggregator.lang.scope import MISSING, NestedEnv, Scope, flat_keys, has_path
from aggregator.lang.tags import LAST, LENIENT, STRICT, fill_tree, parse, parse_tree

CTX = Context(now=1_700_000_000_000_000_000, random=random.Random(1), keep=lambda _key, make: make())

VALUES = {
    "a": "1",
    "b-c": "two",
    "quote": 'say "hi"\n\x1b[0m',
    "braces": "{{a}}",
    "é": "accent",
    "map.k": "V",
    "key": "k",
    "inputs.parameters.x": "X",
    "inputs.parameters.n": "7",
    "tasks.done.outputs.result": "R",
    "tasks.skipped.outputs.parameters.p": None,
    "number": 5,
}


def fill(text, policy=STRICT, values=VALUES):
    return parse(text).fill(Scope(values), CTX, policy)


def refused(text, policy=STRICT, values=VALUES):
    with pytest.raises(LanguageError) as caught:
        fill(text, policy, values)
    return caught.value


class TestTrees:
    def test_parts_without_tags_are_shared(self):
        value = {"a": "{{a}}", "b": ["{{b-c}}", {"k": [1, None]}], "c": {"deep": "plain"}}
        tree = parse_tree(value)
        filled = tree.fill(Scope(VALUES), CTX, STRICT)
        assert filled == {"a": "1", "b": ["two", {"k": [1, None]}], "c": {"deep": "plain"}}
        assert filled["c"] is value["c"]
        assert filled["b"][1] is value["b"][1]
        assert value["a"] == "{{a}}"
        assert tree.keys == {"a", "b-c"}

    def test_a_tree_without_tags_costs_nothing(self):
        value = {"a": ["x"]}
        assert parse_tree(value).static
        assert fill_tree(value, Scope(), CTX) is value

    def test_keys_of_maps_are_filled_too(self):
        assert fill_tree({"x-{{a}}": "v", "y": "w"}, Scope(VALUES), CTX) == {"x-1": "v", "y": "w"}

    def test_a_value_cannot_break_its_document(self):
        assert fill_tree({"a": "{{quote}}"}, Scope(VALUES), CTX) == {"a": VALUES["quote"]}

    def test_a_tag_may_reach_into_the_next_field(self):
        value = {"a": "{{", "b": "}}", "c": "{{a}}"}
        assert fill_tree(value, Scope(VALUES), CTX, LENIENT) == {"a": "{{", "b": "}}", "c": "1"}
        with pytest.raises(LanguageError):
            fill_tree({"a": "{{", "b": "x"}, Scope(VALUES), CTX, LENIENT)

    def test_limits(self):
        value = "{{a}}"
        for _ in range(300):
            value = [value]
        with pytest.raises(LimitExceeded):
            parse_tree(value)


class TestScopes:
    def test_children_hide_their_parents(self):
        root = Scope({"a": "1", "b": "2"})
        child = root.child({"a": "3"})
        assert (child.get("a"), child.get("b"), child.get("c")) == ("3", "2", MISSING)
        assert not MISSING
        assert dict(child.env()) == {"a": "3", "b": "2"}
        child.set("c.d", "4")
        assert child.env()["c"] == {"d": "4"}

    @pytest.mark.parametrize(
        ("flat", "nested"),
        [
            ({"a.b": 1, "a.c.d": 2, "a": 3, "ab": 4}, {"a": {"b": 1, "c": {"d": 2}}, "ab": 4}),
            ({"a.b": 1, "a.b.c": 2}, {"a": {"b": {"c": 2}}}),
            ({"a": 1, "a-b": 2, "a.b": 3}, {"a": {"b": 3}, "a-b": 2}),
            ({"a.": 1, "": 2}, {"a": {"": 1}, "": 2}),
            ({"a": {"x": 1}, "b.c": {"y": 2}}, {"a": {"x": 1}, "b": {"c": {"y": 2}}}),
            ({"a.b": {"x": 1}, "a.b.c": 2}, {"a": {"b": {"c": 2}}}),
            ({"a": 1, "a.b.c": 2, "a.b": 3, "a.b.d.e": 4}, {"a": {"b": {"c": 2, "d": {"e": 4}}}}),
            ({"a": None}, {"a": None}),
        ],
    )
    def test_dotted_keys_become_maps_and_the_shorter_key_is_dropped(self, flat, nested):
        assert dict(NestedEnv(flat)) == nested

    def test_nested_views(self):
        env = NestedEnv({"a.b": 1}, {"a.c": None})
        assert len(env) == 1
        assert "a" in env
        assert "b" not in env
        assert has_path(env, "a.c")
        assert not has_path(env, "a.b.c")
        assert sorted(flat_keys(env)) == ["a.b", "a.c"]


class TestDocuments:
    """Argo replaces in JSON text, which shows in a few places."""

    def test_control_characters_make_the_document_invalid(self):
        with pytest.raises(LanguageError, match="not JSON"):
            tagdoc.replace_document('"{{quote}}"', Scope(VALUES), CTX, STRICT)
        assert tagdoc.replace_document('"{{x}}"', Scope({"x": "\u00a0"}), CTX, STRICT) == '"\\u00a0"'

    def test_the_text_must_be_json_before(self):
        with pytest.raises(LanguageError, match="not JSON"):
            tagdoc.replace_document("{{a}}", Scope(VALUES), CTX, STRICT)

    def test_text_that_is_not_json_still_gets_escaped_values(self):
        assert tagdoc.replace("{{x}}", Scope({"x": 'a"b'}), CTX, STRICT) == 'a\\"b'
        with pytest.raises(LanguageError, match="inside of a JSON string"):
            tagdoc.replace('{{="a"}}', Scope(VALUES), CTX, LENIENT)
        assert tagdoc.replace("{{='a'}}{{= cron.failed > 2}}", Scope({"cron.failed": 3}), CTX, STRICT) == "atrue"

    def test_errors_are_those_of_templates(self):
        for text, kind in (
            ("{{tasks.skipped.outputs.parameters.p}}", "absent"),
            ("{{a-{{tasks.skipped.outputs.parameters.p}}}}", "absent"),
            ("{{number}}", "type"),
            ("{{nope}}", "name"),
        ):
            with pytest.raises(LanguageError) as caught:
                tagdoc.replace(text, Scope(VALUES), CTX, STRICT)
            assert caught.value.kind == kind
        with pytest.raises(LanguageError, match="not JSON"):
            tagdoc.replace_document("[NaN]", Scope(), CTX, STRICT)
        assert tagdoc.expand({"a.b": 1}) == {"a": {"b": 1}}

    def test_one_variable(self):
        assert tagdoc.resolve_var("{{ a }}", VALUES, CTX) == "1"
        assert tagdoc.resolve_var('{{=$env["map.k"]}}', VALUES, CTX) == "V"
        assert tagdoc.resolve_var("{{=1 \\u003c 2}}", VALUES, CTX) is True
        for text in ("{{nope}}", "x{{a}}", "{{=map.k}}", "{{=sprig.upper(a)}}", "{{=1 +}}"):
            with pytest.raises(LanguageError):
                tagdoc.resolve_var(text, VALUES, CTX)

    def test_tags_of_a_text(self):
        assert tagdoc.simple_tags("{{a}} {{= b}} {{ c }} {{d{{e}}}}") == ["a", " c ", "d{{e"]


class TestLastPass:
    """In the last pass a simple tag that names nothing stays as text; an expression must give a value."""

    def test_simple_tags_stay(self):
        assert fill("{{nope}} {{a}}", LAST) == "{{nope}} 1"

    def test_expressions_give_values(self):
        assert fill("{{=a + 'x'}}", LAST) == "1x"

    @pytest.mark.parametrize("text", ["{{=inputs.parameters.y}}", "{{=item}}", "{{=retries}}", "{{=1 +}}", "{{=nil}}"])
    def test_expressions_without_a_value_are_errors(self, text):
        assert "expression" in refused(text, LAST).message
