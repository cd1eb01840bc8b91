"""Values of a wrong type: what is said of them, and what is read in their place."""

import pytest

from aggregator.source import Source
from aggregator.spec import models
from aggregator.spec.decode import decode_text
from aggregator.spec.shapes import decoder_of

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  name: w\n"


def decode(text, **options):
    return decode_text(Source("f.yaml", text), **options)


def workflow(body, **options):
    """A workflow whose spec is `body`, decoded; with its bundle."""
    bundle = decode(HEAD + "spec:\n" + "".join(f"  {line}\n" for line in body.splitlines()), **options)
    return bundle.workflows[0].model.spec, bundle


def only(bundle):
    (diagnostic,) = bundle.diagnostics
    return diagnostic


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("entrypoint: 5", ".spec.entrypoint: expected text, got number 5"),
        ("entrypoint: yes", ".spec.entrypoint: expected text, got boolean true"),
        ("entrypoint: [a]", ".spec.entrypoint: expected text, got list"),
        ("suspend: 'true'", ".spec.suspend: expected boolean, got text 'true'"),
        ("suspend: 1", ".spec.suspend: expected boolean, got number 1"),
        ("parallelism: '3'", ".spec.parallelism: expected integer, got text '3'"),
        ("parallelism: 1.5", ".spec.parallelism: expected integer, got number 1.5"),
        ("parallelism: true", ".spec.parallelism: expected integer, got boolean true"),
        ("parallelism: 0x10000000000000000", ".spec.parallelism: expected integer, got number 18446744073709551616"),
        ("parallelism: '{{x}}'", ".spec.parallelism: expected integer, got text '{{x}}'"),
        ("templates: {a: 1}", ".spec.templates: expected list, got map"),
        ("templates: x", ".spec.templates: expected list, got text 'x'"),
        ("templates: [x]", ".spec.templates[0]: expected map, got text 'x'"),
        ("arguments: []", ".spec.arguments: expected map, got list"),
        ("nodeSelector: [a]", ".spec.nodeSelector: expected map, got list"),
        ("nodeSelector: {a: 1}", ".spec.nodeSelector.a: expected text, got number 1"),
        ("volumes: [a]", ".spec.volumes[0]: expected map, got text 'a'"),
        ("retryStrategy: {limit: [1]}", ".spec.retryStrategy.limit: expected integer or text, got list"),
        ("retryStrategy: {limit: 1.5}", ".spec.retryStrategy.limit: expected integer or text, got number 1.5"),
        ("arguments: {parameters: {a: 1}}", ".spec.arguments.parameters: expected list, got map"),
        ("arguments: {parameters: [{name: p, enum: 5}]}", ".spec.arguments.parameters[0].enum: expected list, got number 5"),
        ("arguments: {parameters: [{name: p, enum: [null]}]}", ".spec.arguments.parameters[0].enum[0]: expected text, number or boolean, got null"),
        ("entrypoint: " + "{" * 2 + "x" + "}" * 2, None),
        ("serviceAccountName: {a: " + "x" * 60 + "}", ".spec.serviceAccountName: expected text, got map"),
        ("parallelism: " + "x" * 60, ".spec.parallelism: expected integer, got text '" + "x" * 37 + "'…"),
    ],
)  # fmt: skip
def test_a_wrong_type_says_what_was_expected_and_seen(body, message):
    bundle = decode(HEAD + f"spec:\n  {body}\n")
    diagnostic = only(bundle)
    if message is None:
        assert diagnostic.code == "yaml-key"
        return
    assert (diagnostic.code, diagnostic.severity, diagnostic.message) == ("wrong-type", "error", message)
    assert diagnostic.span.where().startswith("f.yaml:6:")


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ("entrypoint: 007", 'put it in quotes: "007"'),
        ("suspend: 'True'", "write it without quotes"),
        ("suspend: maybe", "write true or false"),
        ("parallelism: '3'", "write it without quotes"),
        ("parallelism: '{{x}}'", "tags can't be used in this field"),
        ("templates: {a: 1}", "each item begins with `- `"),
        ("arguments: {parameters: [{name: p, value: [1]}]}", "write it as JSON text in quotes: '[1, 2]'"),
    ],
)
def test_a_wrong_type_says_what_to_do(body, hint):
    assert only(decode(HEAD + f"spec:\n  {body}\n")).hint == hint


def test_steps_written_as_a_flat_list_are_explained():
    _, bundle = workflow("templates:\n- name: a\n  steps:\n  - {name: s}\n  - {name: t}")
    assert [d.message for d in bundle.diagnostics] == [
        ".spec.templates[0].steps[0]: expected list, got map",
        ".spec.templates[0].steps[1]: expected list, got map",
    ]
    assert "- - name:" in bundle.diagnostics[0].hint
    _, bundle = workflow("templates:\n- name: a\n  steps: {name: s}")
    assert "- - name:" in only(bundle).hint


def test_wrong_items_are_replaced_by_blank_ones_so_that_places_stay_right():
    spec, bundle = workflow(
        "templates: [x, {name: b}, null]\nvolumes: [1, {name: v}]\narguments: {parameters: [{name: p, enum: [[1], b]}]}"
    )
    assert [t.name for t in spec.templates] == ["", "b", ""]
    assert spec.volumes == ({}, {"name": "v"})
    assert spec.arguments.parameters[0].enum == ("", "b")
    assert len(bundle.diagnostics) == 3


def test_wrong_values_of_maps_are_left_out():
    spec, bundle = workflow(
        "nodeSelector: {a: [1], b: x, c: null}\nhooks: {exit: 5, running: null, other: {template: t}}"
    )
    assert spec.node_selector == {"b": "x", "c": ""}
    assert sorted(spec.hooks) == ["other", "running"]
    assert len(bundle.diagnostics) == 2


def test_a_scalar_in_place_of_text_is_told_once_and_then_read_as_it_is_written():
    """Otherwise a name that YAML reads as a boolean would be told as a missing name, too."""
    spec, bundle = workflow("templates: [{name: y, container: {image: 1.50}}]")
    assert (spec.templates[0].name, spec.templates[0].container.image) == ("y", "1.50")
    assert [d.code for d in bundle.diagnostics] == ["wrong-type", "wrong-type"]


def test_numbers_for_text_are_read_as_text_when_not_strict():
    spec, bundle = workflow("templates: [{name: a, suspend: {duration: 3}}]", strict=False)
    assert spec.templates[0].suspend.duration == "3"
    assert (only(bundle).code, only(bundle).severity) == ("wrong-type", "warning")
    _, bundle = workflow("entrypoint: [1]", strict=False)
    assert only(bundle).severity == "error"


def test_buckets_are_numbers_also_as_text():
    def buckets(written):
        spec, bundle = workflow(f"metrics: {{prometheus: [{{name: m, histogram: {{buckets: [{written}]}}}}]}}")
        return spec.metrics.prometheus[0].histogram.buckets, [d.code for d in bundle.diagnostics]

    assert buckets("1, 2.5, '3.5'") == ((1.0, 2.5, 3.5), [])
    assert buckets("x") == ((0.0,), ["wrong-type"])
    assert buckets("true") == ((0.0,), ["wrong-type"])


def test_nothing_in_lists_and_maps_of_pod_parts_is_looked_at():
    spec, bundle = workflow("affinity: {whatever: [{is: here}]}\ntolerations: [{any: 1}]\nvolumes: ~\nnodeSelector: ~")
    assert spec.affinity == {"whatever": [{"is": "here"}]}
    assert spec.tolerations == ({"any": 1},)
    assert bundle.diagnostics == []


def test_null_items_of_lists_are_blank():
    spec, bundle = workflow("templates: [{name: a, steps: [null, [null]], container: {args: [null, a]}}]")
    assert spec.templates[0].steps == ((), (models.WorkflowStep(),))
    assert spec.templates[0].container.args == ("", "a")
    assert bundle.diagnostics == []


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    _, bundle = workflow("entrypoint: 1\nfoo: 2\ntemplates:\n- name: [x]\n  nam: y\n- steps: 3")
    assert [d.span.where() for d in bundle.diagnostics] == [
        "f.yaml:6:15",
        "f.yaml:7:3",
        "f.yaml:9:11",
        "f.yaml:10:5",
        "f.yaml:11:12",
    ]


def test_a_type_that_models_never_use_has_no_decoder():
    with pytest.raises(TypeError):
        decoder_of(bytes)


def test_retired_fields_are_read_as_their_successors_with_a_warning():
    text = """apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: c}
spec:
  schedule: "* * * * *"
  stopStrategy: {condition: "failed > 3"}
  workflowSpec:
    podPriority: 5
    ttlSecondsAfterFinished: 60
    ttlStrategy: {secondsAfterFailure: 5}
    synchronization: {mutex: {name: m}, mutexes: [{name: first}], semaphore: {configMapKeyRef: {name: c, key: k}}}
    templates:
    - {name: t, resubmitPendingPods: true, priority: 1}
"""
    bundle = decode(text)
    model = bundle.cron_workflows[0].model.spec
    assert model.schedules == ("* * * * *",)
    assert model.stop_strategy.expression == "failed > 3"
    assert model.workflow_spec.ttl_strategy == models.TTLStrategy(seconds_after_completion=60, seconds_after_failure=5)
    locks = model.workflow_spec.synchronization
    assert [m.name for m in locks.mutexes] == ["first", "m"]
    assert locks.semaphores[0].config_map_key_ref.key == "k"
    assert {d.severity for d in bundle.diagnostics} == {"warning"}
    assert {d.code for d in bundle.diagnostics} == {"retired-field"}
    assert len(bundle.diagnostics) == 8
    assert "`schedules`, a list" in next(d.message for d in bundle.diagnostics if "schedule:" in d.message)
