"""One template: its kind, the fields that belong to it, and everything inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.spec.checks.arguments import check_inputs
from aggregator.spec.checks.artifacts import check_archive_location, check_paths_once
from aggregator.spec.checks.containerset import RESERVED, check_container_set
from aggregator.spec.checks.dag import check_dag
from aggregator.spec.checks.durations import is_duration
from aggregator.spec.checks.loops import items_of
from aggregator.spec.checks.metrics import check_metrics
from aggregator.spec.checks.outputs import check_outputs
from aggregator.spec.checks.pods import check_pod_resources
from aggregator.spec.checks.resources import check_resource
from aggregator.spec.checks.retry import check_retry
from aggregator.spec.checks.steps import check_steps
from aggregator.spec.checks.synchronization import check_synchronization
from aggregator.spec.checks.variables import Scope, check_expression, check_texts, input_keys
from aggregator.spec.checks.volumes import check_mounts, check_volume_list, volume_names

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.checks.library import Located
    from aggregator.spec.checks.root import Root
    from aggregator.spec.models import Template

NON_LEAVES: Final = frozenset({"steps", "dag"})
KIND_KEYS: Final = {"container_set": "containerSet"}
# Of a steps or dag template, these are looked at where they belong.
PARTS: Final = frozenset({"steps", "dag", "outputs", "metrics"})


def check_template(root: Root, located: Located, *, where: str = "", around: Scope | None = None) -> None:
    """A template of a document, or (`around`) one that stands inside a step or task."""
    findings, template, place = root.findings, located.template, located.place
    where = where or f"templates.{template.name}"
    kind = _check_kind(findings, template, place, where)
    scope = around.of_inline(template) if around else Scope(root, input_keys(template), template.kind)
    check_inputs(findings, template, place, where)
    if kind in NON_LEAVES:
        _check_non_leaf(findings, template, place, where)
        look = check_steps if kind == "steps" else check_dag
        lookup = look(root, located, scope, place, where)
        scope = scope.inside(calls=("steps" if kind == "steps" else "tasks", lookup))
        _check_rest(scope, place, where)
        _check_inlines(root, located, scope, where)
    elif kind:
        _check_leaf(root, template, place, where, scope, inline=around is not None)
    check_outputs(root, template, place, where, scope)
    check_retry(findings, template.retry_strategy, place.at("retryStrategy"), where)
    if template.retry_strategy is not None:
        at = place.at("retryStrategy", "expression")
        check_expression(None, root, template.retry_strategy.expression, at, f"{where}.retryStrategy.expression")
    check_metrics(findings, template.metrics, place.at("metrics"), where)
    check_synchronization(findings, template.synchronization, place.at("synchronization"), where)
    check_archive_location(findings, template, place, where)
    check_pod_resources(findings, template.pod_resources, place.at("podResources"), where)
    _check_memoize(findings, template, place, where)
    _check_account(root, template, place, where)


def _check_kind(findings: Findings, template: Template, place: Place, where: str) -> str:
    """Exactly one body. The first one, in Argo's order, is what the rest is checked as."""
    kinds = [KIND_KEYS.get(kind, kind) for kind in template.kinds]
    known = "container, containerSet, steps, dag, script, resource, data, suspend, http, plugin"
    if not kinds:
        findings.error("no-kind", f"{where} template type unspecified. choose one of: {known}", place)
    elif len(kinds) > 1:
        message = f"{where} multiple template types specified. choose one of: {' or '.join(kinds)}"
        findings.error("two-kinds", message, place.at(kinds[1]))
    return template.kind


def _check_non_leaf(findings: Findings, template: Template, place: Place, where: str) -> None:
    for given, key in (
        (template.active_deadline_seconds is not None, "activeDeadlineSeconds"),
        (bool(template.timeout), "timeout"),
        (bool(template.pending_timeout), "pendingTimeout"),
    ):
        # What templateDefaults say is meant for the templates that it fits.
        if given and place.loaded.has(*place.path, key):
            message = f"{where}.{key} is only valid for leaf templates: steps and dag doesn't support {key} field"
            findings.error("leaf-only", message, place.at(key), "give it to the templates that they call")


def _check_rest(scope: Scope, place: Place, where: str) -> None:
    """Texts of a steps or dag template beside its steps. Argo fills them in, but does not look at them before."""
    written = place.value
    for key, part in written.items() if isinstance(written, dict) else ():
        if key not in PARTS:
            severity = "error" if key == "inputs" else "warning"
            check_texts(scope, part, place.at(key), f"{where}.{key}", severity=severity)


def _check_inlines(root: Root, located: Located, scope: Scope, where: str) -> None:
    """Templates that stand inside steps and tasks. Their texts were looked at with the step."""
    template = located.template
    calls = [
        (step, located.place.at("steps", number, index), f"{where}.steps[{number}].{step.name}")
        for number, group in enumerate(template.steps or ())
        for index, step in enumerate(group)
    ]
    calls += [
        (task, located.place.at("dag", "tasks", index), f"{where}.tasks.{task.name}")
        for index, task in enumerate(template.dag.tasks if template.dag else ())
    ]
    for call, place, named in calls:
        inner = root.resolve(call, located, place) if call.inline is not None else None
        if inner is not None:
            around = scope.inside(items=scope.items | items_of(call))
            check_template(root, inner, where=f"{named}.inline", around=around)


def _check_leaf(root: Root, template: Template, place: Place, where: str, scope: Scope, *, inline: bool) -> None:
    findings = root.findings
    if not inline:
        check_texts(scope, place.value, place, where)
    if template.parallelism is not None:
        message = f"{where}.parallelism is only valid for steps and dag templates"
        findings.error("non-leaf-only", message, place.at("parallelism"))
    deadline = template.active_deadline_seconds
    if isinstance(deadline, int) and deadline <= 0:
        message = f"{where}.activeDeadlineSeconds must be a positive integer > 0"
        findings.error("deadline", message, place.at("activeDeadlineSeconds"))
    elif isinstance(deadline, str) and "{{" not in deadline and not (deadline.isdecimal() and int(deadline) > 0):
        message = f"{where}.activeDeadlineSeconds must be a positive integer > 0 or an argo variable"
        findings.error("deadline", message, place.at("activeDeadlineSeconds"))
    for key, text in (("timeout", template.timeout), ("pendingTimeout", template.pending_timeout)):
        if text and "{{" not in text and (not is_duration(text) or text.isdecimal()):
            findings.error(
                "duration",
                f"{where} has invalid duration format in {key}: {text!r}",
                place.at(key),
                "with a unit: 30s, 5m",
            )
    _check_images(findings, template, place, where)
    check_paths_once(findings, template, place, where)
    check_container_set(findings, template, place, where)
    check_resource(findings, template, place, where)
    check_volume_list(findings, template.volumes, place.at("volumes"), f"{where}.volumes")
    if not root.stored:
        check_mounts(findings, template, volume_names(root.spec), place, where)
    _check_bodies(root, template, place, where)


def _check_images(findings: Findings, template: Template, place: Place, where: str) -> None:
    for key, body in (("container", template.container), ("script", template.script)):
        if body is not None and not body.image:
            findings.error("no-image", f"{where}.{key}.image may not be empty", place.at(key))
    for key, containers in (("initContainers", template.init_containers), ("sidecars", template.sidecars)):
        for index, container in enumerate(containers):
            at, named = place.at(key, index), f"{where}.{key}[{index}]"
            if not container.name:
                findings.error("name-required", f"{named}.name is required", at)
            elif container.name in RESERVED or container.name == "main":
                findings.error("reserved-name", f"{named}.name '{container.name}' is reserved for Argo", at.at("name"))


def _check_bodies(root: Root, template: Template, place: Place, where: str) -> None:
    """Expressions and durations inside the bodies. Argo meets these mistakes only when it runs them."""
    if template.http is not None:
        text = template.http.success_condition
        check_expression(None, root, text, place.at("http", "successCondition"), f"{where}.http.successCondition")
        if not template.http.url:
            root.findings.warn("no-url", f"{where}.http.url is empty", place.at("http"))
    if template.suspend is not None:
        text = template.suspend.duration
        if text and "{{" not in text and not is_duration(text):
            message = f"{where}.suspend.duration {text!r} is no duration"
            root.findings.warn("duration-text", message, place.at("suspend", "duration"), "seconds, or 30s, 5m")
    for index, step in enumerate(template.data.transformation if template.data else ()):
        at = place.at("data", "transformation", index, "expression")
        check_expression(None, root, step.expression, at, f"{where}.data.transformation[{index}]")


def _check_memoize(findings: Findings, template: Template, place: Place, where: str) -> None:
    memoize = template.memoize
    if memoize is None:
        return
    at = place.at("memoize")
    cache = memoize.cache.config_map.name if memoize.cache and memoize.cache.config_map else ""
    if not memoize.key:
        findings.warn("memoize", f"{where}.memoize.key is empty: the node would end in Error", at)
    if not cache:
        findings.warn("memoize", f"{where}.memoize.cache.configMap.name is missing", at)
    if memoize.max_age and "{{" not in memoize.max_age and not is_duration(memoize.max_age):
        findings.warn("memoize", f"{where}.memoize.maxAge {memoize.max_age!r} is no duration", at.at("maxAge"))


def _check_account(root: Root, template: Template, place: Place, where: str) -> None:
    """Without a token for the pod, the executor needs an account of its own."""
    executor = template.executor or root.spec.executor
    if template.automount_service_account_token is False and not (executor and executor.service_account_name):
        message = f"{where}.executor.serviceAccountName must not be empty if automountServiceAccountToken is false"
        root.findings.error("executor-account", message, place)
