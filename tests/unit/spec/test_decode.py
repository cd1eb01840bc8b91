"""Documents become models; every problem is collected, says what was expected and seen, and stands at its place."""

import msgspec
import pytest

from aggregator.source import Source
from aggregator.spec import models
from aggregator.spec.decode import decode_documents, decode_text
from aggregator.spec.shapes import decoder_of
from aggregator.spec.yaml import parse_text

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


# ------------------------------------------------------------------- models


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


# --------------------------------------------------------------- any text


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


# ------------------------------------------------------------ unknown fields


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


# --------------------------------------------------------------- wrong types


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


# ------------------------------------------------------------ retired fields


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


# ----------------------------------------------------------- kinds of documents


def test_every_kind_has_its_list():
    argo, core = "apiVersion: argoproj.io/v1alpha1\nkind: ", "apiVersion: v1\nkind: "
    documents = [
        HEAD,
        f"{argo}WorkflowTemplate\nmetadata: {{name: t}}",
        f"{argo}ClusterWorkflowTemplate\nmetadata: {{name: ct}}",
        f"{argo}CronWorkflow\nmetadata: {{name: c}}",
        f"{argo}WorkflowEventBinding\nmetadata: {{name: b}}\nspec: {{event: {{selector: 'true'}}}}",
        f"{core}ConfigMap\nmetadata: {{name: m}}\ndata: {{a: b}}",
        f"{core}Secret\nmetadata: {{name: s}}\nstringData: {{a: b}}",
        f"{core}PersistentVolumeClaim\nmetadata: {{name: p}}\nspec: {{any: thing}}",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}",
        "apiVersion: example.com/v1\nkind: Anything",
    ]
    text = "\n---\n".join(documents)
    bundle = decode(text)
    assert [len(part) for part in (bundle.workflows, bundle.workflow_templates, bundle.cluster_workflow_templates)] == [
        1,
        1,
        1,
    ]
    assert [bundle.cron_workflows[0].name, bundle.event_bindings[0].name] == ["c", "b"]
    assert bundle.config_maps[0].model.data == {"a": "b"}
    assert bundle.secrets[0].model.string_data == {"a": "b"}
    assert bundle.claims[0].model.spec == {"any": "thing"}
    assert [(o.kind, o.name) for o in bundle.others] == [("Deployment", "d"), ("Anything", "")]
    assert [(d.code, d.severity) for d in bundle.diagnostics] == [("other-kind", "note")] * 2
    assert len(bundle) == 10


def test_objects_of_a_list_are_taken_out_with_their_places():
    bundle = decode(
        "kind: List\napiVersion: v1\nitems:\n- kind: WorkflowTemplate\n  apiVersion: argoproj.io/v1alpha1\n  metadata: {name: t}\n  spec: {entrypoint: 5}\n- 3\n"
    )
    (template,) = bundle.workflow_templates
    assert template.value["metadata"] == {"name": "t"}
    assert template.span("metadata", "name").where() == "f.yaml:6:20"
    assert template.key_span("metadata", "name").where() == "f.yaml:6:14"
    assert template.has("metadata", "name")
    assert not template.has("metadata", "labels")
    assert [d.code for d in bundle.diagnostics] == ["wrong-type", "not-an-object"]
    assert bundle.diagnostics[0].message.startswith(".items[0].spec.entrypoint:")
    assert decode("kind: WorkflowList\nitems: []").diagnostics == []
    assert only(decode("kind: List\nitems: 3")).message == ".items: expected list, got number 3"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "empty-file", "empty"),
        ("# nothing\n", "empty-file", "comments"),
        ("just text", "not-an-object", "text 'just text'"),
        ("- 1", "not-an-object", "list"),
        ("a: 1", "missing-kind", "no kind"),
        ("kind: 5", "missing-kind", "number 5"),
        ("kind: Workflw\napiVersion: argoproj.io/v1alpha1", "unknown-kind", "Workflw"),
        ("kind: WorkflowTaskSet\napiVersion: argoproj.io/v1alpha1", "unknown-kind", "controller"),
        ("kind: Sensor\napiVersion: argoproj.io/v1alpha1", "unknown-kind", "Argo Events"),
    ],
)
def test_documents_that_are_no_objects_of_a_known_kind_are_errors(text, code, words):
    problem = only(decode(text))
    assert (problem.code, problem.severity) == (code, "error")
    assert words in problem.message


def test_hints_for_kinds():
    assert only(decode("kind: Workflw\napiVersion: argoproj.io/v1alpha1")).hint == "did you mean 'Workflow'?"
    assert only(decode("knd: Workflow")).hint == "did you mean `kind`?"
    assert only(decode("zzz: Workflow")).hint == "write `kind: Workflow`"


def test_another_api_version_is_a_warning():
    for text, seen in (("kind: Workflow", "missing"), ("kind: Workflow\napiVersion: v2", "text 'v2'")):
        (warning,) = decode(text).diagnostics
        assert (warning.code, warning.severity) == ("api-version", "warning")
        assert seen in warning.message


def test_duplicate_keys_are_tolerated_when_not_strict_and_the_last_one_counts():
    text = HEAD + "spec:\n  entrypoint: a\n  entrypoint: b\n"
    strict, loose = decode(text), decode(text, strict=False)
    assert only(strict).severity == "error"
    assert only(loose).severity == "warning"
    assert loose.workflows[0].model.spec.entrypoint == "b"


def test_bundles_are_merged_in_order():
    one, two = decode(HEAD), decode(HEAD.replace("name: w", "name: v") + "foo: 1")
    one.merge(two)
    assert [w.name for w in one.workflows] == ["w", "v"]
    assert [d.code for d in one.errors] == ["unknown-field"]


def test_documents_can_be_decoded_apart_from_their_text():
    documents = parse_text(Source("f", HEAD + "---\n---\n" + HEAD)).documents
    assert len(decode_documents(documents).workflows) == 2


def test_a_null_or_wrong_metadata_leaves_a_nameless_object():
    assert decode("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\nspec:").workflows[0].name == ""
    bundle = decode("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: 3\nspec: 4")
    assert [d.code for d in bundle.diagnostics] == ["wrong-type"] * 2
    assert bundle.workflows[0].name == ""
    assert only(decode("apiVersion: v1\nkind: Pod\nmetadata: {name: 3}")).severity == "note"


class TestKindless:
    """Documents beside a workflow that do not say their kind."""

    TEXT = "metadata: {name: shared}\nspec:\n  templates: [{name: main, container: {image: x}}]\n"

    def test_one_with_templates_is_taken_for_a_template_where_that_is_wanted(self):
        bundle = decode_text(Source("a.yaml", self.TEXT), strict=False, kindless="WorkflowTemplate")
        assert [t.name for t in bundle.workflow_templates] == ["shared"]
        assert [(d.code, d.severity) for d in bundle.diagnostics] == [("missing-kind", "warning")]

    def test_else_it_is_refused(self):
        bundle = decode_text(Source("a.yaml", self.TEXT), strict=False)
        assert [(d.code, d.severity) for d in bundle.diagnostics] == [("missing-kind", "error")]

    @pytest.mark.parametrize(
        "text", ["a: 1", "metadata: {name: x}", "metadata: {name: x}\nspec: {a: 1}", "- 1", "spec: {templates: []}"]
    )
    def test_other_yaml_is_taken_for_nothing(self, text):
        bundle = decode_text(Source("a.yaml", text), strict=False, kindless="WorkflowTemplate")
        assert bundle.workflow_templates == []
        assert bundle.errors
