"""Every field of every document has a verdict and a meaning, and the page that says so is up to date."""

from pathlib import Path

import msgspec
import pytest

from aggregator.source import Source
from aggregator.spec import fields, models
from aggregator.spec.decode import decode_text
from aggregator.spec.differences import DIFFERENCES
from aggregator.spec.fields import (
    VERDICTS,
    documented_structs,
    ledger,
    render_compatibility,
    row_of,
    uses,
    without_effect,
)

PAGE = Path(__file__).parents[3] / "docs" / "compatibility.md"


def loaded(text):
    bundle = decode_text(Source("f.yaml", text))
    assert bundle.errors == []
    return (bundle.workflows or bundle.cron_workflows or bundle.others)[0]


@pytest.mark.parametrize("owner", documented_structs(), ids=lambda owner: owner.__name__)
def test_every_field_of_every_struct_has_a_row_and_no_row_is_left_over(owner):
    assert set(ledger()[owner]) == {field.encode_name for field in msgspec.structs.fields(owner)}


def test_every_row_has_a_verdict_and_a_sentence():
    for rows in ledger().values():
        for row in rows.values():
            assert row.verdict in VERDICTS
            assert row.meaning.endswith(".")


def test_an_unknown_verdict_in_a_table_is_a_mistake_that_shows():
    with pytest.raises(ValueError, match="maybe"):
        list(fields._rows("Owner", "field maybe Something."))


def test_a_struct_that_extends_another_has_its_rows_too():
    assert row_of(models.Script, "image") == row_of(models.Container, "image")
    assert row_of(models.DAGTask, "when").owner == "WorkflowStep"
    assert row_of(models.Artifact, "s3").owner == "ArtifactLocation"
    assert row_of(models.Container, "source") is None


def test_the_compatibility_page_is_what_the_ledger_says():
    assert PAGE.read_text() == render_compatibility(), "run: python -m aggregator.spec.fields > docs/compatibility.md"


def test_the_generator_prints_the_page(capsys):
    fields.main()
    assert capsys.readouterr().out == render_compatibility()


def test_the_page_has_every_field_and_every_difference():
    page = render_compatibility()
    for owner in documented_structs():
        for row in ledger()[owner].values():
            assert f"| `{row.name}` | {row.verdict} | {row.meaning} |" in page
    for difference in DIFFERENCES:
        assert f"| {difference.topic} | {difference.argo} | {difference.here} |" in page


def test_every_field_of_the_examples_is_known(example_sources):
    unknown = []
    for source in example_sources:
        bundle = decode_text(source)
        unknown += [d.render() for d in bundle.diagnostics if d.code in ("unknown-field", "unknown-kind", "wrong-type")]
        for home in (
            "workflows",
            "workflow_templates",
            "cluster_workflow_templates",
            "cron_workflows",
            "event_bindings",
        ):
            for item in getattr(bundle, home):
                assert all(row_of(getattr(models, use.row.owner), use.row.name) == use.row for use in uses(item))
    assert unknown == []


def test_uses_are_told_in_the_order_of_the_file_with_their_paths():
    item = loaded(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  hooks: {exit: {template: t}}\n"
        "  templates: [{name: a, affinity: {x: 1}}, {name: b}]\n  arguments: ~\n"
    )
    assert [use.path for use in uses(item)] == [
        ("apiVersion",),
        ("kind",),
        ("spec",),
        ("spec", "hooks"),
        ("spec", "hooks", "exit", "template"),
        ("spec", "templates"),
        ("spec", "templates", 0, "name"),
        ("spec", "templates", 0, "affinity"),
        ("spec", "templates", 1, "name"),
        ("spec", "arguments"),
    ]
    assert uses(loaded("apiVersion: v1\nkind: Service\nspec: {}")) == []


def test_fields_without_effect_are_told_once_each_and_refused_ones_are_errors():
    item = loaded(
        """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {uid: x}
status: {}
spec:
  nodeSelector: {a: b}
  executor: {serviceAccountName: x}
  templates:
  - {name: a, nodeSelector: {a: b}, outputs: {artifacts: [{name: o, plugin: {name: p, key: k}}]}}
  - {name: b, nodeSelector: {c: d}}
"""
    )
    told = [(d.code, d.severity, d.span.where()) for d in without_effect(item)]
    assert told == [
        ("ignored-field", "warning", "f.yaml:6:3"),
        ("ignored-field", "warning", "f.yaml:7:3"),
        ("ignored-field", "warning", "f.yaml:9:15"),
        ("refused-field", "error", "f.yaml:9:69"),
    ]
    messages = [d.message for d in without_effect(item)]
    assert messages[0].startswith("spec.nodeSelector has no effect on one machine: ")
    assert messages[3].startswith("spec.templates[0].outputs.artifacts[0].plugin can't be used here: ")


def test_unknown_fields_have_no_row_and_are_passed_over():
    text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {bogus: {entrypoint: a}, entrypoint: a}\n"
    (item,) = decode_text(Source("w.yaml", text), strict=False).workflows
    assert [use.path[-1] for use in uses(item)] == ["apiVersion", "kind", "spec", "entrypoint"]
    assert without_effect(item) == []
