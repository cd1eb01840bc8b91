"""Tags: where they begin and end, keys, nested tags, policies, expressions, trees, and the document quirks of Argo."""

import random

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import tagdoc
from aggregator.lang.context import Context
from aggregator.lang.scope import MISSING, NestedEnv, Scope, flat_keys, has_path
from aggregator.lang.tagexpr import TagExpr
from aggregator.lang.tags import CALL, LAST, LENIENT, PREFIX_STRICT, STRICT, Policy, fill_tree, parse, parse_tree

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


class TestScanning:
    """A tag runs from `{{` to the first `}}` after it; nothing nests and nothing is quoted."""

    @pytest.mark.parametrize(
        ("text", "filled"),
        [
            ("", ""),
            ("no tags }} here {", "no tags }} here {"),
            ("{{a}}", "1"),
            ("x{{a}}y{{b-c}}z", "x1ytwoz"),
            ("{{  a }}", "1"),
            ("{{\u00a0a\u3000}}", "1"),
            ("{{a}}}}", "1}}"),
            ("{{é}}", "accent"),
            ("{{quote}}", 'say "hi"\n\x1b[0m'),
            ("{{braces}}", "{{a}}"),
        ],
    )
    def test_simple(self, text, filled):
        assert fill(text) == filled

    def test_only_blanks_that_json_does_not_escape_are_trimmed(self):
        assert refused("{{\ta\t}}").kind == "name"

    def test_an_unclosed_tag_is_an_error_in_every_policy(self):
        for policy in (STRICT, PREFIX_STRICT, LENIENT):
            error = refused("{{a}} {{b", policy)
            assert (error.kind, error.start, error.end) == ("syntax", 6, 8)

    def test_a_blank_before_the_sign_makes_a_simple_tag(self):
        assert fill("{{ =a}}", LENIENT) == "{{ =a}}"

    def test_the_key_is_compared_in_its_json_form(self):
        assert fill('{{"x"}}', values={'\\"x\\"': "escaped", '"x"': "plain"}) == "escaped"


class TestPolicies:
    def test_strict_needs_every_tag(self):
        error = refused("-{{inputs.parameters.y}}")
        assert error.kind == "name"
        assert error.message.startswith("failed to resolve {{inputs.parameters.y}}")
        assert error.text[error.start : error.end] == "inputs.parameters.y"
        assert error.hint == "did you mean 'inputs.parameters.x'?"

    def test_lenient_leaves_unknown_tags_as_they_are_written(self):
        assert fill("{{ nope }} {{a}} {{b c}}", LENIENT) == "{{ nope }} 1 {{b c}}"

    def test_prefix_strict_needs_steps_and_tasks_only(self):
        assert fill("{{nope}} {{tasksX}}", PREFIX_STRICT) == "{{nope}} {{tasksX}}"
        assert refused("{{tasks.a.outputs.result}}", PREFIX_STRICT).kind == "name"
        assert refused("{{ steps }}", PREFIX_STRICT).kind == "name"
        assert fill("{{tasks.a.outputs.artifacts.f}}", PREFIX_STRICT) == "{{tasks.a.outputs.artifacts.f}}"
        assert refused("{{item.x}}", Policy("loop", prefixes=("item",))).kind == "name"

    def test_an_absent_optional_is_terminal_in_every_policy(self):
        for policy in (STRICT, PREFIX_STRICT, LENIENT):
            error = refused("a-{{tasks.skipped.outputs.parameters.p}}", policy)
            assert error.kind == "absent"
            assert "never written" in error.message

    def test_only_text_can_stand_in_a_simple_tag(self):
        assert refused("{{number}}").kind == "type"
        assert fill("{{=number}}") == "5"


class TestNestedTags:
    """The inner key is put in now; the outer tag waits for the next pass."""

    def test_two_passes(self):
        once = fill("{{map.{{key}}}}")
        assert once == "{{map.k}}"
        assert fill(once) == "V"

    def test_the_inner_key_is_not_trimmed(self):
        assert fill("{{map.{{ key }}}}", LENIENT) == "{{map.{{ key }}}}"
        assert refused("{{map.{{nope}}}}").kind == "name"

    def test_an_absent_inner_value(self):
        assert refused("{{map.{{tasks.skipped.outputs.parameters.p}}}}", LENIENT).kind == "absent"


class TestExpressions:
    @pytest.mark.parametrize(
        ("text", "filled"),
        [
            ("{{=inputs.parameters.x}}", "X"),
            ("{{= asInt(inputs.parameters.n) + 1 }}", "8"),
            ("{{=4/2}}", "2"),
            ("{{=[1, 'a']}}", '[1,"a"]'),
            ("{{={'a': '<'} }}", '{"a":"\\u003c"}'),
            ("{{='<'}}", "<"),
            ("{{=inputs.parameters}}", '{"n":"7","x":"X"}'),
            ("{{=tasks.skipped.outputs.parameters.p ?? 'd'}}", "d"),
            ("{{=tasks['done'].outputs.result}}", "R"),
            ("{{=duration('1m')}}", "60000000000"),
            ("{{=date('2024-01-02')}}", "2024-01-02T00:00:00Z"),
            ('{{="a\\"b"}}', 'a"b'),
            ("{{=true}}{{=a}}", "true1"),
        ],
    )
    def test_text_goes_in_as_it_is_and_all_else_as_compact_json(self, text, filled):
        assert fill(text) == filled

    def test_a_missing_name_stays_or_is_told_by_its_path(self):
        assert fill("{{=inputs.parameters.y}}", LENIENT) == "{{=inputs.parameters.y}}"
        error = refused("-{{=inputs.parameters.y + 'z'}}")
        assert error.kind == "name"
        assert "inputs.parameters.y is missing" in error.message
        assert error.text[error.start : error.end] == "inputs.parameters.y"

    def test_a_missing_name_is_found_where_it_stands_alone(self):
        error = refused("{{=max(x)}}")
        assert (error.message[-12:], error.text[error.start : error.end]) == ("x is missing", "x")
        assert error.text[error.start - 1] == "("

    def test_an_unknown_function_is_told_the_nearest_function(self):
        assert "toJson" in refused("{{=toJsn(1)}}").hint
        assert "trimPrefix" in refused("{{=trimPrefx('a', 'b')}}").hint

    def test_prefix_strict_asks_only_for_its_prefixes(self):
        assert fill("{{=nope}}", PREFIX_STRICT) == "{{=nope}}"
        # What is handed to a step is data from then on: an expression would never be read again.
        assert refused("{{=nope}}", CALL).kind == "name"
        assert refused("{{steps.a.status}}", CALL).kind == "name"
        assert fill("{{nope}}", CALL) == "{{nope}}"
        assert refused("{{=tasks.other.outputs.result}}", PREFIX_STRICT).kind == "name"
        assert refused("{{=tasks.done.outputs.result + 1}}", PREFIX_STRICT).kind == "type"

    def test_what_stands_beside_a_default_need_not_exist(self):
        assert fill("{{=inputs.parameters.y ?? 'd'}}") == "d"
        assert fill("{{=tasks.other?.outputs?.result ?? 'd'}}") == "d"
        assert refused("{{=nope.x ?? 'd'}}").kind == "name"

    @pytest.mark.parametrize(
        "text", ["{{=item}}", "{{=x.item}}", "{{=sprig.int(retries)}}", "{{=lastRetry.exitCode ?? 'd'}}",
                 "{{=workflow.status == 'x'}}"],
    )  # fmt: skip
    def test_late_variables_are_never_evaluated_early(self, text):
        assert fill(text, LENIENT) == text

    def test_a_late_variable_that_is_there_is_used(self):
        assert fill("{{=retries}}", LENIENT, {"retries": "2"}) == "2"
        assert fill("{{='item'}}", LENIENT) == "item"

    @pytest.mark.parametrize("text", ["{{=}}", "{{= }}", "{{=1 +}}", "{{={a: {b: 1}}}}", "{{='}}'}}"])
    def test_syntax_errors_are_told_in_every_policy(self, text):
        for policy in (STRICT, PREFIX_STRICT, LENIENT):
            error = refused(text, policy)
            assert error.kind == "syntax"
            assert error.message.startswith("failed to evaluate expression")
            assert 3 <= error.start <= len(text)

    def test_failures_stay_where_tags_may_stay(self):
        for text in ("{{=asInt(a + 'x')}}", "{{=nil}}", "{{=1/0}}", "{{=a.b.c}}", "{{=len}}"):
            assert fill(text, LENIENT) == text
            refused(text)

    def test_nil_has_no_text(self):
        assert refused("{{=tasks.skipped.outputs.parameters.p}}").kind == "absent"

    def test_stand_ins_of_linting_forgive_every_failure(self):
        values = {"p": "__argo__internal__placeholder-1"}
        assert fill("{{=asInt(p)}}", STRICT, values) == "{{=asInt(p)}}"
        assert fill("{{=1 +}}", STRICT, values) == "{{=1 +}}"
        assert fill("{{=p + 'x'}}", STRICT, values) == "__argo__internal__placeholder-1x"

    def test_a_limit_is_told_also_where_tags_may_stay(self):
        with pytest.raises(LimitExceeded):
            fill("{{=len(1..900000) + len(1..900000)}}", LENIENT)


class TestDirectLookups:
    """An expression over variables that are no maps asks for each by its key; the answer is that of the whole view."""

    @pytest.mark.parametrize(
        "text",
        ["item", "asInt(item) + 1", "inputs.parameters.x + item", "tasks.done.outputs.result == 'R'", "retries ?? 'd'",
         "tasks.skipped.outputs.parameters.p ?? inputs.parameters['x']", "sprig.upper(inputs.parameters.x)", "lastRetry.status",
         "inputs.parameters.nope", "tasks.other.status ?? 'd'", "[1, 2] | map(# + asInt(inputs.parameters.n))", "'item'"],
    )  # fmt: skip
    @pytest.mark.parametrize("item", ["7", '{"k":1}', "text", None])
    @pytest.mark.parametrize("policy", [STRICT, PREFIX_STRICT, LENIENT])
    def test_same_as_the_whole_view(self, text, item, policy):
        plain = {key: value for key, value in VALUES.items() if key != "map.k"}
        scope = Scope({**plain, "item": item, **({"item.k": "1"} if item == '{"k":1}' else {})})
        direct, whole = TagExpr(text), TagExpr(text)
        assert direct.leaves is not None
        whole.leaves = None

        def outcome(expression):
            try:
                return expression.fill(scope, CTX, policy)
            except LanguageError as error:
                return error.kind, error.message

        assert outcome(direct) == outcome(whole)

    def test_a_variable_hides_the_function_of_its_name(self):
        assert fill("{{=duration('1m').Seconds()}}") == "60"
        assert refused("{{=duration('1m').Seconds()}}", values={"duration": "5"}).kind == "type"

    @pytest.mark.parametrize(
        "text", ["inputs", "tasks.a.outputs.parameters", "$env", "inputs.parameters[x]", "workflow.labels.a"]
    )
    def test_maps_need_the_whole_view(self, text):
        assert TagExpr(text).leaves is None


class TestTemplates:
    def test_what_a_template_knows(self):
        template = parse("{{a}}-{{ b }}-{{=x.y + z}}-{{a}}")
        assert template.keys == ("a", "b")
        assert set(template.paths) == {"a", "b", "x", "x.y", "z"}
        assert not template.is_literal
        assert parse("plain").is_literal
        assert parse("{{ a }}").single_key == "a"
        assert parse("{{a}} ").single_key is None
        assert parse("{{=a}}").single_key is None
        assert parse("{{a{{b}}").single_key is None
        assert parse("{{a}}") is parse("{{a}}")
        assert repr(parse("{{a}}")) == "Template('{{a}}')"

    def test_mistakes_are_known_before_filling(self):
        assert parse("{{a").error.kind == "syntax"
        assert parse("x{{=1 +}}").error.kind == "syntax"
        assert parse("{{a}}{{=b}}").error is None

    def test_limits(self):
        with pytest.raises(LimitExceeded):
            fill("{{" * 8_000_001)
        with pytest.raises(LimitExceeded):
            fill("{{a}}" * 200_001)
        with pytest.raises(LimitExceeded):
            fill("{{a}}" * 100, values={"a": "x" * 1_000_000})
        assert fill("{{a}}" * 100) == "1" * 100


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
