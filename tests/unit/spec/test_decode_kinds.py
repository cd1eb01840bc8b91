"""Documents of every kind, alone, in lists and in bundles, and those that are none."""

import pytest

from aggregator.source import Source
from aggregator.spec.decode import decode_documents, decode_text
from aggregator.spec.yaml import parse_text

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  name: w\n"


def decode(text, **options):
    return decode_text(Source("f.yaml", text), **options)


def only(bundle):
    (diagnostic,) = bundle.diagnostics
    return diagnostic


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
