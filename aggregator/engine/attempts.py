"""Starting one attempt of a template: a composite's frame, or the order to run a leaf with its body filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine import places
from aggregator.engine.commands import Attempt, StartLeaf
from aggregator.engine.containers import add_containers
from aggregator.engine.frames import CallingFrame
from aggregator.engine.inputs import NodeError
from aggregator.engine.mounts import check_mounts
from aggregator.engine.node import ERROR, NOTHING, PENDING, RUNNING, Node
from aggregator.engine.repository import completed
from aggregator.engine.scope import Scope
from aggregator.errors import LanguageError
from aggregator.lang.gotime import parse_duration
from aggregator.lang.tags import LAST, LENIENT

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.plan.program import Template


def start_attempt(machine: Machine, node: Node, template: Template, scope: Scope, depth: int) -> None:
    """Run the node's template once: `node` is the attempt itself, not its retry wrapper."""
    kind = machine.kinds[template.kind]
    node.depth = depth
    places.take(machine, node, template)
    if template.leaf and template.kind != "suspend":
        try:
            attempt = make_attempt(machine, node, template, scope)
            if machine.cluster is not None and (refused := machine.cluster.started(machine, node, attempt)):
                raise NodeError(refused)
        except (LanguageError, NodeError) as problem:
            unstarted(machine, node, str(problem))
            return
        machine.active[node.number] = node
        if node.phase != PENDING:
            machine.set_phase(node, PENDING)
        if template.kind == "containerSet":
            add_containers(machine, node, attempt.template)
        machine.command(StartLeaf(attempt))
        return
    machine.set_phase(node, RUNNING)
    kind.begin(machine, node, scope)


def unstarted(machine: Machine, node: Node, message: str) -> None:
    """The attempt can't even be ordered; for its caller that is a wrong call, not a leaf that failed."""
    node.unstarted = True
    if isinstance(node.owner, CallingFrame):
        node.owner.child_wrong()
    machine.finish(node, ERROR, message)


def make_attempt(machine: Machine, node: Node, template: Template, scope: Scope) -> Attempt:
    """The order to run a leaf: its body filled with everything known, inputs as they were handed over."""
    pod = node.pod_name(machine.name)
    body = template.body.value
    repository: dict[str, Any] = NOTHING
    if not template.body.static or machine.repository is not None:
        scope = Scope(scope, {"pod.name": pod, "node.name": node.name})
        # What has no tags is shared by all attempts.
        body = template.body.fill(scope, machine.context, LAST)
        if machine.repository is not None:
            repository = machine.repository.fill(scope, machine.context, LENIENT)
    if node.inputs is not None:
        body = {**body, "inputs": node.inputs}
    if body.get("outputs"):
        node.declared = body["outputs"]
    if template.mounts:
        check_mounts(body, machine.volumes)
    spec = machine.spec
    own = body.get("archiveLocation") or NOTHING
    location = completed(own, repository) if own or repository else NOTHING
    return Attempt(
        node=node.number,
        node_id=node.identity(machine.name),
        name=node.name,
        display_name=node.display,
        template_name=template.name,
        pod_name=pod,
        kind=template.kind,
        template=body,
        index=node.attempt or 0,
        workflow=machine.name,
        uid=machine.uid,
        namespace=machine.namespace,
        deadline=_deadline(machine, node, body),
        want_result=wants_result(node),
        volumes=machine.volumes,
        archive_logs=bool(_first(own.get("archiveLogs"), spec.get("archiveLogs"), repository.get("archiveLogs"))),
        artifact_location=location,
        service_account=spec.get("serviceAccountName") or "",
    )


def wants_result(node: Node) -> bool:
    """Whether something in the enclosing template refers to this node's outputs.result."""
    if node.template is not None and node.template.kind in ("http", "data"):
        return True
    boundary = node.boundary
    if boundary is None or node.task is None or boundary.template is None:
        return False
    return node.task.name in boundary.template.wanted_results


def _deadline(machine: Machine, node: Node, body: dict[str, Any]) -> float | None:
    """The earliest of the template's own limits and, outside exit handlers, the run's."""
    ends = []
    seconds = body.get("activeDeadlineSeconds")
    if seconds is not None:
        try:
            ends.append(machine.at + float(seconds))
        except (TypeError, ValueError):
            raise NodeError(f"activeDeadlineSeconds must be a number of seconds, it is {seconds!r}") from None
    if body.get("timeout"):
        ends.append(node.started + parse_duration(str(body["timeout"])).ns / 1e9)
    run_deadline = machine.options.get("deadline_at")
    if run_deadline is not None and not node.exempt:
        ends.append(run_deadline)
    if node.until is not None:
        ends.append(node.until)
    return min(ends) if ends else None


def _first(*values: Any) -> Any:
    return next((v for v in values if v is not None), None)
