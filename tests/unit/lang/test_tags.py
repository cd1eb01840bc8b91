"""Tags: where they begin and end, keys, nested tags, policies, expressions."""

import random

import pytest

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.context import Context
from aggregator.lang.scope import Scope
from aggregator.lang.tagexpr import TagExpr
from aggregator.lang.tags import CALL, LENIENT, PREFIX_STRICT, STRICT, Policy, parse

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
