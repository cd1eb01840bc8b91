"""Documents become models with Argo's names; unknown and retired fields are told where they stand, all at once."""

import msgspec
import pytest

from aggregator.source import Source
from aggregator.spec import models
from aggregator.spec.decode import decode_text

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  name: w\n"


def decode(text, **options):
    return decode_text(Source("f.yaml", text), **options)


def workflow(body, **options):
    """A workflow whose spec is `body`, decoded; with its bundle."""
    bundle = decode(HEAD + "spec:\n" + "".join(f"  {line}\n" for line in body.splitlines()), **options)
    return bundle.workflows[0].model.spec, bundle


def told(bundle):
    return [(d.code, d.severity, d.message) for d in bundle.diagnostics]


def only(bundle):
    (diagnostic,) = bundle.diagnostics
    return diagnostic


def test_a_workflow_is_decoded_with_argos_json_names():
    spec, bundle = workflow(
        """entrypoint: main
onExit: bye
podGC: {strategy: OnPodCompletion}
volumeClaimGC: {strategy: OnWorkflowSuccess}
artifactGC: {strategy: Never, forceFinalizerRemoval: true}
dnsPolicy: Default
archiveLogs: true
activeDeadlineSeconds: 30
templates:
- name: main
  retryStrategy: {limit: "3", backoff: {duration: 1s, factor: 2}}
  dag:
    failFast: false
    tasks:
    - {name: a, template: leaf, withItems: [1, x, {k: v}], depends: "b.Failed"}
    - {name: b, template: leaf, withItems: [], continueOn: {failed: true}}
    - {name: c, inline: {container: {image: busybox, env: [{name: A, value: b}]}}}
- name: leaf
  inputs:
    artifacts:
    - {name: in, path: /in, from: "{{x}}", s3: {bucket: b, key: k, useSDKCreds: true, roleARN: arn}}
  http: {url: "http://x", headers: [{name: h, valueFrom: {secretKeyRef: {name: s, key: k}}}], insecureSkipVerify: true}
- name: group
  steps:
  - - {name: one, template: leaf}
    - {name: two, template: leaf, withParam: "[1]"}
  - []
- name: custom
  plugin: {aws-sns: {topicArn: t}}"""
    )
    assert bundle.diagnostics == []
    assert (spec.entrypoint, spec.on_exit, spec.active_deadline_seconds) == ("main", "bye", 30)
    assert spec.pod_gc.strategy == "OnPodCompletion"
    assert spec.artifact_gc.force_finalizer_removal
    main, leaf, group, custom = spec.templates
    assert main.retry_strategy.limit == "3"
    assert main.retry_strategy.backoff.factor == 2
    first, second, third = main.dag.tasks
    assert first.with_items == (1, "x", {"k": "v"})
    assert second.with_items == ()
    assert third.with_items is None
    assert (first.depends, second.depends) == ("b.Failed", None)
    assert third.inline.container.env[0].value == "b"
    artifact = leaf.inputs.artifact("in")
    assert artifact.from_ == "{{x}}"
    assert artifact.backend == ("s3", artifact.s3)
    assert (artifact.s3.use_sdk_creds, artifact.s3.role_arn) == (True, "arn")
    assert leaf.http.headers[0].value_from.secret_key_ref.name == "s"
    assert [[step.name for step in members] for members in group.steps] == [["one", "two"], []]
    assert custom.plugin == {"aws-sns": {"topicArn": "t"}}
    assert [t.kind for t in spec.templates] == ["dag", "http", "steps", "plugin"]
    assert spec.template("leaf") is leaf
    assert spec.template("none") is None


def test_a_model_written_as_json_has_argos_names_and_no_defaults():
    spec, _ = workflow("entrypoint: a\npodGC: {strategy: x}\narguments: {parameters: [{name: p, value: 1}]}")
    assert msgspec.to_builtins(spec) == {
        "entrypoint": "a",
        "podGC": {"strategy": "x"},
        "arguments": {"parameters": ({"name": "p", "value": "1"},)},
    }


def test_lists_of_parameters_and_artifacts_find_their_items_by_name():
    value = models.Parameter(name="p", value="1")
    artifact = models.Artifact(name="a")
    for owner in (models.Arguments, models.Inputs, models.Outputs):
        both = owner(parameters=(value,), artifacts=(artifact,))
        assert both.parameter("p") is value
        assert both.artifact("a") is artifact
        assert both.parameter("a") is None
        assert both.artifact("p") is None
    assert value.has_value
    assert models.Parameter(value_from=models.ValueFrom(path="/x")).has_value
    assert not models.Parameter(default="1").has_value
    assert artifact.backend is None


def test_a_template_without_a_body_has_no_kind_and_the_first_of_several_runs():
    assert models.Template().kind == ""
    both = models.Template(script=models.Script(), container=models.Container())
    assert both.kinds == ("container", "script")
    assert both.kind == "container"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("5", "5"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("true", "true"),
        ("No", "false"),
        ("'007'", "007"),
        ("x", "x"),
        ("''", ""),
    ],
)
def test_parameter_values_may_be_numbers_and_booleans_and_become_text(written, text):
    spec, bundle = workflow(
        f"arguments: {{parameters: [{{name: p, value: {written}, default: {written}, description: {written}, enum: [{written}]}}]}}"
    )
    (parameter,) = spec.arguments.parameters
    assert (parameter.value, parameter.default, parameter.description, parameter.enum) == (text, text, text, (text,))
    assert bundle.diagnostics == []


def test_a_list_or_map_as_a_parameter_value_is_an_error():
    for written in ("[1]", "{a: 1}"):
        spec, bundle = workflow(f"arguments: {{parameters: [{{name: p, value: {written}}}]}}")
        assert only(bundle).code == "wrong-type"
        assert "spec.arguments.parameters[0].value: expected text, number or boolean" in only(bundle).message
        assert spec.arguments.parameters[0].value is None


def test_a_null_value_is_no_value():
    spec, bundle = workflow("entrypoint:\narguments:\n  parameters:\n  - {name: p, value: null}\ntemplates: ~")
    assert spec.arguments.parameters[0].value is None
    assert (spec.templates, spec.entrypoint, bundle.diagnostics) == ((), "", [])


def test_a_number_that_loses_digits_gets_a_warning():
    spec, bundle = workflow("arguments: {parameters: [{name: p, value: 9007199254740993}]}")
    assert spec.arguments.parameters[0].value == "9007199254740992"
    assert (only(bundle).code, only(bundle).severity) == ("lossy-number", "warning")
    assert workflow("arguments: {parameters: [{name: p, value: 9007199254740994}]}")[1].diagnostics == []


def test_an_unknown_field_is_an_error_that_suggests_the_nearest_name():
    _, bundle = workflow("entrypoin: a")
    problem = only(bundle)
    assert told(bundle) == [("unknown-field", "error", 'unknown field "spec.entrypoin"')]
    assert problem.hint == "did you mean 'entrypoint'?"
    assert problem.span.where() == "f.yaml:6:3"


def test_an_unknown_field_that_belongs_elsewhere_says_where():
    _, bundle = workflow("templates:\n- name: a\n  container: {image: x, withItems: [1]}")
    assert "a step or task" in only(bundle).hint
    _, bundle = workflow("templates:\n- name: a\n  container: {image: x, qqqqqqq: [1]}")
    assert only(bundle).hint == ""


def test_an_unknown_field_is_a_warning_when_not_strict():
    _, bundle = workflow("entrypoin: a", strict=False)
    assert told(bundle) == [("unknown-field", "warning", 'unknown field "spec.entrypoin" is ignored')]


def test_an_unknown_field_of_a_step_is_always_an_error():
    body = "templates:\n- name: a\n  steps:\n  - - {name: s, template: t, wen: x, arguments: {foo: 1}}"
    _, bundle = workflow(body, strict=False)
    assert [(d.severity, d.message) for d in bundle.diagnostics] == [
        ("error", 'unknown field "spec.templates[0].steps[0][0].wen"'),
        ("warning", 'unknown field "spec.templates[0].steps[0][0].arguments.foo" is ignored'),
    ]
    _, bundle = workflow("templates:\n- name: a\n  dag: {tasks: [{name: s, wen: x}]}", strict=False)
    assert only(bundle).severity == "warning"


def test_names_match_in_any_case_when_not_strict():
    spec, bundle = workflow("entrypoInt: a", strict=False)
    assert spec.entrypoint == "a"
    assert only(bundle).severity == "warning"
    spec, bundle = workflow("entrypoInt: a")
    assert (spec.entrypoint, only(bundle).severity) == ("", "error")


def test_retired_fields_with_wrong_values_are_told_at_their_own_place():
    spec, bundle = workflow("ttlSecondsAfterFinished: soon\nsynchronization: {mutex: 3, semaphore: null}")
    errors = [(d.message, d.span.where()) for d in bundle.errors]
    assert errors == [
        (".spec.synchronization.mutex: expected map, got number 3", "f.yaml:7:28"),
        (".spec.ttlSecondsAfterFinished: expected integer, got text 'soon'", "f.yaml:6:28"),
    ]
    assert spec.ttl_strategy is None
    assert spec.synchronization == models.Synchronization()
    spec, bundle = workflow("ttlSecondsAfterFinished: 3\nttlStrategy: {secondsAfterCompletion: 9}")
    assert spec.ttl_strategy.seconds_after_completion == 9
    wrong = decode("apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nspec: {stopStrategy: {condition: [1]}}")
    assert wrong.errors[0].message == ".spec.stopStrategy.condition: expected text, got list"
