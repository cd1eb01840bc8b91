"""Checks of documents: all that is wrong with them, at once, with places; nothing is run, nothing is fetched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aggregator.spec.allocation import building
from aggregator.spec.checks.findings import Findings, in_order, silenced
from aggregator.spec.checks.library import Library
from aggregator.spec.checks.placeholders import check_placeholders
from aggregator.spec.checks.root import Root
from aggregator.spec.checks.workflow import check_workflow
from aggregator.spec.fields import without_effect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aggregator.errors import Diagnostic
    from aggregator.spec.bundle import Bundle, Loaded
    from aggregator.spec.models import Workflow, WorkflowSpec

WORKFLOW_KINDS = frozenset({"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow"})


@building()
def check_submission(everything: Bundle, loaded: Loaded[Any], spec: WorkflowSpec) -> list[Diagnostic]:
    """What is wrong with a spec that is about to run.

    `spec` is merged, with the values of the command line; `loaded` is the document it came from; `everything` has the
    stored templates. Fields that do nothing here are warnings; those that can't run here are errors (`refused-field`).
    """
    findings = Findings()
    root = Root(Library(everything), loaded, findings, spec=spec, submitted=True)
    _check_cron(findings, loaded)
    check_workflow(root)
    check_placeholders(root)
    errors = [d for d in findings.listed() if d.severity == "error"]
    return [*errors, *(d for d in without_effect(loaded) if not silenced(d))]


@building()
def check_documents(
    everything: Bundle,
    documents: Iterable[Loaded[Any]],
    *,
    submitted: bool = False,
    ignore_missing: bool = False,
    defaults: Workflow | None = None,
) -> list[Diagnostic]:
    """What is wrong with documents, seen one by one; stored templates are taken from `everything`.

    `defaults` are those that the settings give to every workflow.
    """
    from aggregator.spec.checks.opinions import check_opinions  # noqa: PLC0415 - a run does without them

    findings = Findings()
    library = Library(everything)
    for loaded in documents:
        if loaded.kind not in WORKFLOW_KINDS:
            continue
        _check_cron(findings, loaded)
        root = Root(library, loaded, findings, submitted=submitted, ignore_missing=ignore_missing, defaults=defaults)
        check_workflow(root)
        check_placeholders(root)
        check_opinions(root)
    return findings.listed()


def _check_cron(findings: Findings, loaded: Loaded[Any]) -> None:
    if loaded.kind == "CronWorkflow":
        from aggregator.spec.checks.cron import check_cron  # noqa: PLC0415 - and with it the zones of the world

        check_cron(findings, loaded)


def effectless(loaded: Loaded[Any]) -> list[Diagnostic]:
    """Fields that do nothing here, as warnings. Argo takes them, so those that are refused at a run are warnings too."""
    return [replace(d, severity="warning") for d in without_effect(loaded)]


__all__ = ["WORKFLOW_KINDS", "check_documents", "check_submission", "effectless", "in_order", "silenced"]
