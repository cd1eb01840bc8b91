"""The setting `workflow_defaults` fills what neither a workflow nor its template says, and the checks know it."""

import pytest

from aggregator.app.prepare import Submission, prepare
from aggregator.errors import UsageError
from aggregator.settings import Layer, resolve
from aggregator.source import Source
from aggregator.spec.bundle import Bundle
from aggregator.spec.checks import check_documents
from aggregator.spec.decode import decode_text
from aggregator.spec.defaults import workflow_defaults

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: %s\nmetadata: {name: w}\nspec: %s\n"
LEAF = "templates: [{name: main, container: {image: x}}]"
STORED = (
    "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: t}\n"
    "spec: {entrypoint: other, templates: [{name: other, container: {image: x}}]}\n"
)


def defaults(**given):
    return workflow_defaults(resolve([Layer("test", {"workflow_defaults": given})]))


def errors(spec, given, *, kind="Workflow", beside=""):
    bundle = decode_text(Source("w.yaml", HEAD % (kind, spec)))
    everything = Bundle()
    everything.merge(bundle)
    if beside:
        everything.merge(decode_text(Source("beside.yaml", beside)))
    assert not everything.errors
    documents = [*bundle.workflows, *bundle.workflow_templates, *bundle.cron_workflows]
    return [d.code for d in check_documents(everything, documents, defaults=given) if d.severity == "error"]


def test_none_are_no_defaults():
    assert defaults() is None
    assert errors(f"{{{LEAF}}}", None) == ["no-entrypoint"]


def test_what_is_missing_may_come_from_the_defaults():
    assert errors(f"{{{LEAF}}}", defaults(spec={"entrypoint": "main"})) == []
    assert errors("{entrypoint: main}", None) == ["unknown-template"]
    stored = {"templates": [{"name": "main", "container": {"image": "x"}}]}
    assert errors("{entrypoint: main}", defaults(spec=stored)) == []


def test_what_is_written_wins():
    assert errors(f"{{entrypoint: main, {LEAF}}}", defaults(spec={"entrypoint": "gone"})) == []
    assert errors(f"{{{LEAF}}}", defaults(spec={"entrypoint": "gone"})) == ["unknown-template"]


def test_variables_of_the_defaults_are_known():
    tag = "templates: [{name: main, container: {image: x, args: ['%s']}}]"
    given = defaults(
        metadata={"labels": {"team": "a"}, "annotations": {"why": "b"}},
        spec={
            "arguments": {"parameters": [{"name": "p", "value": "v"}]},
            "workflowMetadata": {"labels": {"made": "c"}},
            "onExit": "main",
        },
    )
    for key in ("labels.team", "annotations.why", "labels.made", "parameters.p", "status"):
        text = f"{{entrypoint: main, {tag % f'{{{{workflow.{key}}}}}'}}}"
        assert errors(text, None) == ["unknown-variable"], key
        assert errors(text, given) == [], key


def test_template_defaults_and_accounts_count_too():
    text = (
        "{entrypoint: main, automountServiceAccountToken: false, templates: [{name: main, container: {command: [a]}}]}"
    )
    assert sorted(set(errors(text, None))) == ["executor-account", "no-image"]
    given = defaults(
        spec={"templateDefaults": {"container": {"image": "x"}}, "executor": {"serviceAccountName": "robot"}}
    )
    assert errors(text, given) == []


def test_a_workflow_template_goes_before_the_defaults():
    text = "{workflowTemplateRef: {name: t}}"
    assert errors(text, defaults(spec={"entrypoint": "gone"}), beside=STORED) == []
    bare = STORED.replace("entrypoint: other, ", "")
    assert errors(text, None, beside=bare) == ["no-entrypoint"]
    assert errors(text, defaults(spec={"entrypoint": "other"}), beside=bare) == []


def test_a_cron_workflow_gets_them_and_a_stored_one_does_not():
    cron = f"{{schedules: ['* * * * *'], workflowSpec: {{{LEAF}}}}}"
    assert errors(cron, None, kind="CronWorkflow") == ["no-entrypoint"]
    assert errors(cron, defaults(spec={"entrypoint": "main"}), kind="CronWorkflow") == []
    gone = defaults(spec={"entrypoint": "gone"})
    assert errors(f"{{{LEAF}}}", gone, kind="WorkflowTemplate") == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sepc": {}}, "has no part 'sepc'"),
        ({"spec": {"entrypiont": "x"}}, 'unknown field "spec.entrypiont"'),
        ({"spec": {"parallelism": "many"}}, "spec.parallelism: expected integer"),
        ({"metadata": {"labels": object()}}, "can't be read"),
    ],
)
def test_mistakes_in_the_defaults_are_mistakes_of_the_settings(given, said):
    with pytest.raises(UsageError, match="workflow_defaults") as caught:
        defaults(**given)
    assert said in str(caught.value)


def test_a_run_gets_them():
    bundle = decode_text(Source("w.yaml", HEAD % ("Workflow", f"{{{LEAF}, parallelism: 2}}")))
    given = defaults(
        metadata={"labels": {"team": "a", "own": "x"}, "annotations": {"why": "b"}},
        spec={"entrypoint": "main", "parallelism": 9, "activeDeadlineSeconds": 60},
    )
    submission = Submission(defaults=given, labels={"own": "y"})
    prepared = prepare(bundle, Bundle(), submission)
    assert prepared.problems == []
    spec = prepared.workflow["spec"]
    assert (spec["entrypoint"], spec["parallelism"], spec["activeDeadlineSeconds"]) == ("main", 2, 60)
    assert prepared.workflow["metadata"]["labels"] == {"team": "a", "own": "y"}
    assert prepared.workflow["metadata"]["annotations"] == {"why": "b"}
    assert [p.code for p in prepare(bundle, Bundle(), Submission()).problems] == ["no-entrypoint"]
