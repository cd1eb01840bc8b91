"""The document as a whole: name, entrypoint, arguments, stored workflows, policies; and what submission adds."""

import pytest
from msgspec.structs import replace

from aggregator.source import Source
from aggregator.spec.bundle import Bundle
from aggregator.spec.checks import check_documents, check_submission
from aggregator.spec.decode import decode_text
from aggregator.spec.merge import merge_workflow_template
from aggregator.spec.models import Parameter

HEAD = "apiVersion: argoproj.io/v1alpha1\n"
MAIN = "- {name: main, container: {image: x}}\n"
STORED = (
    HEAD
    + """kind: WorkflowTemplate
metadata: {name: stored, labels: {own: x}}
spec:
  entrypoint: %s
  arguments: {parameters: [{name: p, value: %s, enum: [a, b]}]}
  templates:
  - {name: main, container: {image: x, args: ["{{workflow.parameters.p}} {{workflow.labels.own}}"]}}
"""
)


def refers(more=""):
    return (
        HEAD + f"kind: Workflow\nmetadata: {{generateName: w-}}\nspec:\n  workflowTemplateRef: {{name: stored}}\n{more}"
    )


def test_names_have_a_greatest_length(check):
    text = "kind: %s\nmetadata: {name: %s}\nspec: {entrypoint: a, templates: [{name: a, suspend: {}}]}\n"
    assert check(text % ("Workflow", "x" * 63)) == []
    assert "must not be more than 63 characters long (currently 64)" in check(text % ("Workflow", "x" * 64))[0]
    assert check(text % ("ClusterWorkflowTemplate", "x" * 64))[0].startswith(
        "long-name: cluster workflow template name"
    )
    assert check(text.replace("metadata: {name: %s}", "metadata: {}") % "Workflow", severity="warning")[0].startswith(
        "no-name"
    )


def test_a_workflow_has_an_entrypoint_that_exists(check):
    assert check("kind: Workflow\nmetadata: {name: a}\nspec: {}\n") == ["no-entrypoint: spec.entrypoint is required"]
    assert check(MAIN.replace("name: main", "name: mein")) == [
        "unknown-template: spec.entrypoint template name 'main' undefined"
    ]
    assert check("kind: WorkflowTemplate\nmetadata: {name: a}\nspec: {templates: [{name: a, suspend: {}}]}\n") == []
    assert (
        check(
            MAIN.replace("name: main", "name: a"),
            spec="  entrypoint: '{{workflow.name}}'\n".replace("  entrypoint", "  onExit"),
        )
        != []
    )


def test_templates_have_names_each_once(check):
    assert check("- {container: {image: x}}\n" + MAIN) == ["name-required: spec.templates[0].name is required"]
    assert "is not unique" in check(MAIN + MAIN)[0]
    assert "is invalid" in check(MAIN + "- {name: a_b, suspend: {}}\n")[0]


def test_the_first_template_gets_the_arguments_of_the_workflow(check):
    text = (
        "- {name: main, inputs: {parameters: [{name: p}]}, container: {image: x, args: ['{{inputs.parameters.p}}']}}\n"
    )
    assert check(text) == ["not-supplied: templates.main inputs.parameters.p was not supplied"]
    assert check(text, spec="  arguments: {parameters: [{name: p}]}\n") == []
    assert check(text, spec="  arguments: {parameters: [{name: p}]}\n", submitted=True) == [
        "no-value: spec.arguments.p.value or spec.arguments.p.valueFrom is required"
    ]


def test_values_are_one_of_their_enum(check):
    spec = "  arguments: {parameters: [{name: p, value: %s, enum: [%s]}]}\n"
    assert check(MAIN, spec=spec % ("a", "a, b")) == []
    assert check(MAIN, spec=spec % ("z", "a, b")) == [
        "not-in-enum: spec.arguments.p.value should be present in spec.arguments.p.enum list: it is 'z'"
    ]
    assert check(MAIN, spec=spec % ("z", "")) == ["empty-enum: spec.arguments.p.enum should contain at least one value"]
    assert check(MAIN, spec=spec % ("'{{workflow.name}}'", "a")) == []
    source = "  arguments: {parameters: [{name: p, valueFrom: {configMapKeyRef: {name: c, key: k}}, enum: [a]}]}\n"
    assert check(MAIN, spec=source) == []
    assert check(MAIN, spec=source, submitted=True)[0].startswith("no-value")


def test_a_stored_workflow_is_merged_under_the_one_that_refers_to_it(check):
    stored = STORED % ("main", "a")
    assert check(refers(), beside=stored) == []
    assert check(refers(), beside=STORED % ("main", "z"))[0].startswith("not-in-enum")
    assert check(refers("  entrypoint: gone\n"), beside=stored) == [
        "unknown-template: spec.entrypoint template name 'gone' undefined"
    ]
    assert check(refers("  onExit: gone\n"), beside=stored)[0].startswith("unknown-template: spec.onExit")
    assert check(refers(), beside=STORED.replace("entrypoint: %s", "suspend: %s") % ("true", "a"))[0].startswith(
        "no-entrypoint"
    )


def test_a_stored_workflow_that_does_not_exist_is_told(check):
    assert 'workflowtemplates.argoproj.io "stored" not found' in check(refers())[0]
    assert check(refers(), ignore_missing=True) == []
    text = refers().replace("name: stored", "name: stored, clusterScope: true")
    assert check(text, beside=STORED % ("main", "a"))[0].startswith("unknown-template: clusterworkflowtemplates")
    assert check(refers().replace("name: stored", "clusterScope: false"))[0].startswith("template-required")


def test_there_are_no_templates_beside_a_reference_and_no_reference_in_a_stored_workflow(check):
    own = refers("  templates: [{name: main, suspend: {}}]\n  entrypoint: main\n")
    assert check(own, beside=STORED % ("main", "a"))[0].startswith("templates-here")
    again = HEAD + "kind: WorkflowTemplate\nmetadata: {name: t}\nspec: {workflowTemplateRef: {name: stored}}\n"
    assert check(again, beside=STORED % ("main", "a"))[0].startswith("templates-here")


def test_policies_exist(check):
    assert check(MAIN, spec="  podGC: {strategy: OnPodSuccess}\n") == []
    assert check(MAIN, spec="  podGC: {strategy: Foo}\n") == ["strategy: podGC.strategy unknown strategy 'Foo'"]
    assert check(MAIN, spec="  artifactGC: {strategy: Foo}\n")[0].startswith("strategy: artifactGC.strategy")
    assert check(MAIN, spec="  automountServiceAccountToken: false\n")[0].startswith("executor-account: spec.executor")
    assert check(MAIN, spec="  retryStrategy: {retryPolicy: Foo}\n")[0].startswith("retry-policy")
    labels = "  workflowMetadata: {labelsFrom: {a: {expression: '1 +'}}}\n"
    assert check(MAIN, spec=labels, severity="warning")[0].startswith("expression-syntax")


def test_the_exit_handler_exists_and_gets_the_arguments_of_the_workflow(check):
    assert check(MAIN, spec="  onExit: gone\n") == ["unknown-template: spec.onExit template name 'gone' undefined"]
    asks = MAIN + "- {name: bye, inputs: {parameters: [{name: p}]}, container: {image: x}}\n"
    assert check(asks, spec="  onExit: bye\n") == [
        "not-supplied: spec.onExit templates.bye inputs.parameters.p was not supplied"
    ]
    assert check(asks, spec="  onExit: bye\n  arguments: {parameters: [{name: p}]}\n") == []
    assert check(asks, spec="  hooks: {exit: {template: bye}}\n  arguments: {parameters: [{name: p}]}\n") == []
    assert "Expression required" in check(MAIN, spec="  hooks: {start: {template: main}}\n")[0]


def test_every_template_is_checked_even_one_that_is_never_reached(check):
    assert check(MAIN + "- {name: idle, steps: [[{name: a, template: gone}]]}\n")[0].startswith("unknown-template")


# ------------------------------------------------------------------- submission


def submit(text, beside="", **changes):
    main, everything = decode_text(Source("main.yaml", text)), Bundle()
    everything.merge(main)
    if beside:
        everything.merge(decode_text(Source("beside.yaml", beside)))
    (loaded,) = [*main.workflows, *main.cron_workflows]
    spec = loaded.model.spec.workflow_spec if loaded.kind == "CronWorkflow" else loaded.model.spec
    for stored in everything.workflow_templates:
        if spec.workflow_template_ref and stored.name == spec.workflow_template_ref.name:
            spec = merge_workflow_template(spec, stored.model.spec)
    for name, value in changes.items():
        spec = replace(spec, **{name: value})
    return check_submission(everything, loaded, spec)


def test_values_of_the_command_line_are_what_counts():
    text = refers()
    stored = STORED % ("main", "a")
    assert submit(text, stored) == []
    wrong = Parameter(name="p", value="q", enum=("a", "b"))
    spec = decode_text(Source("s", stored)).workflow_templates[0].model.spec
    arguments = replace(spec.arguments, parameters=(wrong,))
    (found,) = submit(text, stored, arguments=arguments)
    assert (found.code, found.span.source.name) == ("not-in-enum", "beside.yaml")
    (found,) = submit(text, stored, entrypoint="gone")
    assert found.code == "unknown-template"


def test_labels_may_be_added_at_submission():
    text = (
        HEAD
        + "kind: Workflow\nmetadata: {name: w}\nspec: {entrypoint: a, templates: [{name: a, container: {image: x, args: ['{{workflow.labels.z}}']}}]}\n"
    )
    assert submit(text) == []


def test_fields_without_effect_are_warnings_and_refused_ones_errors():
    text = HEAD + (
        "kind: Workflow\nmetadata: {name: w}\nspec: {entrypoint: a, serviceAccountName: s, templates: [{name: a, "
        "container: {image: x}, archiveLocation: {plugin: {name: p, key: k}}}]}\n"
    )
    assert [(d.code, d.severity) for d in submit(text)] == [("ignored-field", "warning"), ("refused-field", "error")]


def test_a_cron_workflow_is_submitted_by_its_workflow_spec():
    text = (
        HEAD
        + "kind: CronWorkflow\nmetadata: {name: c}\nspec: {schedules: [%s], workflowSpec: {entrypoint: %s, templates: [{name: a, suspend: {}}]}}\n"
    )
    assert [d for d in submit(text % ("'@daily'", "a")) if d.severity == "error"] == []
    assert [d.code for d in submit(text % ("'@daily'", "b")) if d.severity == "error"] == ["unknown-template"]


# ------------------------------------------------------------------------- cron


def cron(schedule="'* * * * *'", more=""):
    return (
        f"kind: CronWorkflow\nmetadata: {{name: c}}\nspec:\n  schedules: [{schedule}]\n{more}"
        "  workflowMetadata: {labels: {l: x}}\n"
        "  workflowSpec: {entrypoint: a, templates: [{name: a, container: {image: x, args: ['{{workflow.labels.l}}']}}]}\n"
    )


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "*/5 0-6 1,15 jan-MAR mon-5",
        "@hourly",
        "@every 1h30m",
        "CRON_TZ=Europe/Berlin 0 6 * * *",
        "? ? * * 0",
    ],
)
def test_schedules(check, schedule):
    assert check(cron(f"'{schedule}'")) == []


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("* * * *", "expected 5 fields, found 4"),
        ("60 * * * *", "not between 0 and 59"),
        ("* * * * 7", "not between 0 and 6"),
        ("*/0 * * * *", "step"),
        ("5-1 * * * *", "begins after its end"),
        ("1-2-3 * * * *", "more than one"),
        ("x * * * *", "is no number"),
        ("* * * foo *", "is no number or name"),
        ("@never", "there is no @never"),
        ("@every 5x", "after @every comes a duration"),
        ("TZ=Mars/Olympus * * * * *", "no timezone"),
        ("", "empty"),
    ],
)
def test_schedules_that_are_none(check, schedule, why):
    (found,) = check(cron(f"'{schedule}'"))
    assert found.startswith("schedule: cron schedule")
    assert why in found


def test_fields_around_the_schedule(check):
    assert check(cron("")) == ["schedule: cron workflow must have at least one schedule"]
    assert check(cron(more="  timezone: Local\n")) == []
    assert check(cron(more="  timezone: Not/There\n")) == ['timezone: invalid timezone "Not/There"']
    assert check(cron(more="  concurrencyPolicy: Sometimes\n"))[0].startswith("strategy")
    assert check(cron(more="  startingDeadlineSeconds: -1\n")) == ["deadline: startingDeadlineSeconds must be positive"]
    wrong = check(cron(more="  stopStrategy: {expression: '1 +'}\n"), severity="warning")
    assert wrong[0].startswith("expression-syntax")
    assert check(cron().replace("name: c}", f"name: {'c' * 53}}}", 1))[0].startswith("long-name: cron workflow")


def test_files_may_hold_other_documents_beside(check):
    text = "kind: ConfigMap\nmetadata: {name: c}\n---\napiVersion: argoproj.io/v1alpha1\nkind: WorkflowEventBinding\nmetadata: {name: b}\nspec: {event: {selector: 'true'}}\n"
    assert check(text) == []


def test_hooks_of_a_stored_workflow_may_get_the_arguments_of_whoever_runs_it(check):
    text = "kind: WorkflowTemplate\nmetadata: {name: t}\nspec: {onExit: bye, hooks: {exit: {template: bye}}, templates: [{name: bye, inputs: {parameters: [{name: p}]}, container: {image: x, args: ['{{inputs.parameters.p}}']}}]}\n"
    assert check(text) == []


def test_entrypoints_with_tags_are_looked_up_when_it_runs(check):
    text = "kind: Workflow\nmetadata: {name: t}\nspec: {entrypoint: '{{workflow.parameters.e}}', onExit: '{{workflow.parameters.e}}', arguments: {parameters: [{name: e, value: a}]}, templates: [{name: a, suspend: {}}]}\n"
    assert check(text) == []


def test_where_the_stored_workflow_is_missing_only_that_is_told(check):
    text = refers("  entrypoint: gone\n  onExit: gone\n")
    (found,) = check(text)
    assert found.startswith('unknown-template: workflowtemplates.argoproj.io "stored" not found')
    assert check(text, ignore_missing=True) == []


def test_documents_without_a_workflow_are_passed_over():
    text = HEAD + "kind: WorkflowEventBinding\nmetadata: {name: b}\nspec: {event: {selector: 'true'}}\n"
    bundle = decode_text(Source("b.yaml", text))
    assert check_documents(bundle, bundle.event_bindings) == []
