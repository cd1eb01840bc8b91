"""Documents of Argo v3 are rewritten for v4: the result means the same and has nothing left to warn about."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.source import Source
from aggregator.spec.convert import convert, convert_documents
from aggregator.spec.decode import decode_text
from aggregator.spec.write import to_json, to_yaml
from aggregator.spec.yaml import parse_text

V3 = """# comments go
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  schedules: ["0 4 * * *"]
  stopStrategy: {condition: "failed > 3"}
  workflowSpec:
    podPriority: 5
    entrypoint: main
    ttlSecondsAfterFinished: 60
    ttlStrategy: {secondsAfterFailure: 5}
    synchronization: {semaphore: {configMapKeyRef: {name: c, key: k}}, mutex: null}
    templates:
    - name: main
      synchronization: {mutexes: [{name: first}], mutex: {name: m}}
      inputs: {parameters: [{name: num, value: 9007199254740993}, {name: 'y', value: "1\\n2\\n"}]}
      container: {image: busybox, args: ["on", "012", '<<', ' x', "=", "2001-01-01", "é", .5]}
    - name: call
      steps: [[{name: s, templateRef: {name: t, template: u, runtimeResolution: true}}]]
"""


def values(text):
    return [d.value for d in parse_text(Source("f", text)).documents]


def models_of(text):
    bundle = decode_text(Source("f", text), strict=False)
    return [msgspec.to_builtins(item.model) for item in (*bundle.workflows, *bundle.cron_workflows)]


@pytest.mark.parametrize("write", [to_yaml, to_json])
def test_the_result_means_the_same_and_decodes_without_a_word(write):
    text = V3.replace(", .5]", "]")
    written = write(convert_documents(parse_text(Source("f", text)).documents))
    assert decode_text(Source("f", written)).diagnostics == []
    assert models_of(written) == models_of(text)


def test_successors_stand_where_the_retired_fields_stood():
    (value,) = convert_documents(parse_text(Source("f", V3)).documents)
    spec = value["spec"]
    assert spec["schedules"] == ["0 4 * * *", "0 3 * * *"]
    assert spec["stopStrategy"] == {"expression": "failed > 3"}
    assert list(spec["workflowSpec"]) == ["entrypoint", "ttlStrategy", "synchronization", "templates"]
    assert spec["workflowSpec"]["ttlStrategy"] == {"secondsAfterCompletion": 60, "secondsAfterFailure": 5}
    template = spec["workflowSpec"]["templates"][0]
    assert template["synchronization"] == {"mutexes": [{"name": "first"}, {"name": "m"}]}


def test_what_is_there_already_wins():
    cron = "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nspec:\n  "
    (value,) = convert_documents(
        parse_text(Source("f", f"{cron}stopStrategy: {{expression: new, condition: old}}")).documents
    )
    assert value["spec"]["stopStrategy"] == {"expression": "new"}
    (value,) = convert_documents(
        parse_text(Source("f", f"{cron}stopStrategy: {{condition: old, expression: }}")).documents
    )
    assert value["spec"]["stopStrategy"] == {"expression": "old"}


def test_the_api_version_is_set_for_argos_kinds_only():
    assert convert({"kind": "Workflow"}) == {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
    assert convert({"apiVersion": "x", "kind": "Workflow"})["apiVersion"] == "argoproj.io/v1alpha1"
    assert convert({"kind": "ConfigMap"}) == {"kind": "ConfigMap"}


def test_lists_other_kinds_and_plain_values_pass_through():
    old = {"kind": "CronWorkflow", "spec": {"schedule": "x"}}
    listed = convert({"kind": "List", "items": [old, 3]})
    assert listed["items"][0]["spec"] == {"schedules": ["x"]}
    assert listed["items"][1] == 3
    assert convert({"kind": "Service", "spec": {"schedule": "x"}}) == {"kind": "Service", "spec": {"schedule": "x"}}
    assert old == {"kind": "CronWorkflow", "spec": {"schedule": "x"}}


def test_wrong_shapes_are_left_as_they_are():
    odd = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "spec": {"templates": {"a": 1}, "hooks": 3, "foo": 1},
    }
    assert convert(odd) == odd


def test_several_documents_are_separated_or_listed():
    two = [{"a": 1}, {"b": 2}]
    assert values(to_yaml(two)) == two
    assert json.loads(to_json(two)) == {"apiVersion": "v1", "kind": "List", "items": two}


def test_examples_come_back_the_same(example_sources):
    for source in example_sources:
        before = [d.value for d in parse_text(source).documents if d.value is not None]
        after = convert_documents(parse_text(source).documents)
        assert after == before, source.name
        assert values(to_yaml(after)) == before, source.name


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029\ufeff"), max_size=30)
WORDS = st.sampled_from(["y", "n", "on", "0777", "1_0", "08", "0x1f", "1e3", "~", "", "<<", "=", "- a", "a: b", "#c", "{{x}}", ".5", "+1", "0b1", "0o7", "12:30", "2001-01-01", " x ", "a\n\nb\n", "\ta", "'", "é", "!x", "&a", "*a", "%", "@", "`"])  # fmt: skip


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXT | WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | WORDS, inner, max_size=4), max_leaves=12))  # fmt: skip
def test_what_is_written_is_read_back_as_the_same_value(value):
    bounded = json.loads(json.dumps(value), parse_int=lambda digits: int(digits) % 2**63)
    assert values(to_yaml([bounded])) == [bounded]
