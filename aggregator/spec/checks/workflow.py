"""A workflow as a whole: its name, entrypoint, arguments, hooks and policies, and each of its templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.spec.checks.arguments import check_arguments, check_enum, check_parameter, check_supplied
from aggregator.spec.checks.findings import Place
from aggregator.spec.checks.hooks import check_hooks
from aggregator.spec.checks.library import Located
from aggregator.spec.checks.metrics import check_metrics
from aggregator.spec.checks.names import check_field_names
from aggregator.spec.checks.pods import check_executor_plugins, check_pod_resources
from aggregator.spec.checks.retry import check_retry
from aggregator.spec.checks.synchronization import check_synchronization
from aggregator.spec.checks.targets import missing_hint
from aggregator.spec.checks.templates import check_template
from aggregator.spec.checks.variables import Scope, check_expression
from aggregator.spec.checks.volumes import check_volume_list
from aggregator.spec.models import Template

if TYPE_CHECKING:
    from aggregator.spec.checks.root import Root

LONGEST_NAME: Final = {
    "Workflow": (63, "workflow"),
    "WorkflowTemplate": (63, "workflow template"),
    "ClusterWorkflowTemplate": (63, "cluster workflow template"),
    "CronWorkflow": (52, "cron workflow"),
}
POD_GC: Final = ("OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess")
ARTIFACT_GC: Final = ("OnWorkflowCompletion", "OnWorkflowDeletion", "Never")


def check_workflow(root: Root) -> None:
    """Everything about one document that holds a workflow's spec."""
    _check_name(root)
    _check_reference(root)
    _check_arguments(root)
    _check_policies(root)
    check_field_names(root.findings, root.own.templates, root.place, "templates", "spec")
    for located in root.all.values():
        if located.place.path[-1] != "inline":
            check_template(root, located)
    _check_entrypoint(root)
    _check_exits(root)


def _check_name(root: Root) -> None:
    metadata = root.loaded.model.metadata
    place = Place(root.loaded, ("metadata", "name"))
    longest, kind = LONGEST_NAME[root.loaded.kind]
    if len(metadata.name) > longest:
        named, length = f'{kind} name "{metadata.name}"', len(metadata.name)
        message = f"{named} must not be more than {longest} characters long (currently {length})"
        root.findings.error("long-name", message, place)
    elif not metadata.name and not metadata.generate_name:
        hint = "add `generateName: NAME-`" if kind == "workflow" else "add `name: NAME`"
        root.findings.warn("no-name", f"the {kind} has no metadata.name", place, hint)


def _check_reference(root: Root) -> None:
    """workflowTemplateRef: it exists, and there are no templates beside it."""
    reference, findings = root.own.workflow_template_ref, root.findings
    if reference is None:
        return
    at = root.place.at("workflowTemplateRef")
    if root.own.templates:
        message = "spec.templates is invalid field in spec if workflow referred WorkflowTemplate reference"
        findings.error("templates-here", message, root.place.at("templates"))
    if root.stored:
        message = "spec.workflowTemplateRef cannot be in a stored template: it would refer on to another one"
        findings.error("templates-here", message, at)
    kind = "ClusterWorkflowTemplate" if reference.cluster_scope else "WorkflowTemplate"
    if not reference.name:
        findings.error("template-required", "spec.workflowTemplateRef.name is required", at)
    elif root.from_reference is None and not root.ignore_missing:
        known = root.library.names(cluster=reference.cluster_scope)
        hint = findings.suggest(reference.name, known) or missing_hint(
            root, reference.name, cluster=reference.cluster_scope
        )
        message = f'{kind.lower()}s.argoproj.io "{reference.name}" not found: there is no {kind} of that name'
        findings.error("unknown-template", message, at.at("name"), hint)


def _argument_place(root: Root, name: str, kind: str = "parameters") -> Place:
    """Where an argument stands: in the document, or in the stored workflow that it refers to."""
    for holder in (root.place, root.from_reference.where if root.from_reference else None):
        if holder is None:
            continue
        written = holder.at("arguments", kind).value
        for index, item in enumerate(written if isinstance(written, list) else ()):
            if isinstance(item, dict) and item.get("name") == name:
                return holder.at("arguments", kind, index)
    return root.place.at("arguments")


def _check_arguments(root: Root) -> None:
    """`spec.arguments` as written; at submission, what has become of them with the command line."""
    check_arguments(root.findings, root.own.arguments, root.place.at("arguments"), "spec.arguments", values=False)
    for parameter in root.spec.arguments.parameters:
        place = _argument_place(root, parameter.name)
        if root.submitted:
            check_parameter(root.findings, parameter, place, "spec.arguments", value=True)
        elif root.from_reference is not None:
            check_enum(root.findings, parameter, place, "spec.arguments", value=False)


def _check_policies(root: Root) -> None:
    spec, place, findings = root.own, root.place, root.findings
    if spec.pod_gc is not None and spec.pod_gc.strategy not in ("", *POD_GC):
        strategy = spec.pod_gc.strategy
        hint = findings.suggest(strategy, POD_GC) or f"one of {', '.join(POD_GC)}"
        findings.error("strategy", f"podGC.strategy unknown strategy '{strategy}'", place.at("podGC", "strategy"), hint)
    if spec.artifact_gc is not None and spec.artifact_gc.strategy not in ("", *ARTIFACT_GC):
        strategy = spec.artifact_gc.strategy
        message = f"artifactGC.strategy unknown strategy '{strategy}'"
        findings.error("strategy", message, place.at("artifactGC", "strategy"), f"one of {', '.join(ARTIFACT_GC)}")
    executor = root.spec.executor
    if spec.automount_service_account_token is False and not (executor and executor.service_account_name):
        message = "spec.executor.serviceAccountName must not be empty if automountServiceAccountToken is false"
        findings.error("executor-account", message, place.at("automountServiceAccountToken"))
    check_pod_resources(findings, spec.pod_resources, place.at("podResources"), "spec")
    check_executor_plugins(findings, spec.executor_plugins, place.at("executorPlugins"))
    check_retry(findings, spec.retry_strategy, place.at("retryStrategy"), "spec.retryStrategy")
    check_metrics(findings, spec.metrics, place.at("metrics"), "spec.metrics")
    check_synchronization(findings, spec.synchronization, place.at("synchronization"), "spec")
    check_volume_list(findings, spec.volumes, place.at("volumes"), "spec.volumes")
    for name, source in (spec.workflow_metadata.labels_from if spec.workflow_metadata else {}).items():
        at = place.at("workflowMetadata", "labelsFrom", name, "expression")
        check_expression(None, root, source.expression, at, f"spec.workflowMetadata.labelsFrom.{name}")


def _check_entrypoint(root: Root) -> None:
    spec, findings = root.spec, root.findings
    if not spec.entrypoint:
        if not root.stored and (root.from_reference is not None or root.own.workflow_template_ref is None):
            at = root.place.at("entrypoint")
            findings.error("no-entrypoint", "spec.entrypoint is required", at, "it names the template that runs first")
        return
    if "{{" in spec.entrypoint:
        return
    place = root.place if root.own.entrypoint or root.from_reference is None else root.from_reference.where
    entry = root.holder.find(spec.entrypoint)
    if entry is None:
        if root.from_reference is not None or root.own.workflow_template_ref is None:
            hint = findings.suggest(spec.entrypoint, root.holder.by_name)
            message = f"spec.entrypoint template name '{spec.entrypoint}' undefined"
            findings.error("unknown-template", message, place.at("entrypoint"), hint)
    elif not root.stored:
        check_supplied(findings, entry, spec.arguments, place.at("entrypoint"), "")


def _check_exits(root: Root) -> None:
    """Exit handler and hooks of the workflow. They get the workflow's arguments."""
    spec, findings = root.own, root.findings
    if spec.on_exit:
        found = root.holder.find(spec.on_exit)
        if found is None:
            hint = findings.suggest(spec.on_exit, root.holder.by_name)
            if "{{" not in spec.on_exit and (root.from_reference is not None or spec.workflow_template_ref is None):
                message = f"spec.onExit template name '{spec.on_exit}' undefined"
                findings.error("unknown-template", message, root.place.at("onExit"), hint)
        elif not root.stored:
            check_supplied(findings, found, root.spec.arguments, root.place.at("onExit"), "spec.onExit")
    if spec.hooks:
        scope = Scope(root, frozenset(), "")
        # What a hook calls is looked up among the templates of the holder, as if one of them called it.
        caller = Located(Template(), root.place, root.holder)
        check_hooks(root, spec.hooks, caller, root.place.at("hooks"), "spec.hooks", scope)
