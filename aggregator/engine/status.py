"""The run as Argo shows it: a Workflow object with `status`, built from the machine when somebody asks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aggregator.engine.node import HOOKED, PENDING, RETRIED, RUNNING, SUCCEEDED, Node
from aggregator.engine.status_locks import synchronization
from aggregator.engine.times import rfc3339

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine

API_VERSION = "argoproj.io/v1alpha1"
MOST_WARNINGS = 10
_EXECUTED = frozenset({"Pod", "HTTP", "Plugin", "Suspend", "Container"})
_DEFAULT_CPU, _MEMORY_UNIT = 0.1, 100 * 1024 * 1024
_SUFFIXES = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "m": 1e-3,
}


def workflow_object(machine: Machine) -> dict[str, Any]:
    """The Workflow with its spec as submitted and its status."""
    metadata = dict(machine.workflow.get("metadata") or {})
    metadata["name"] = machine.name
    metadata["namespace"] = machine.namespace
    metadata["uid"] = machine.uid
    metadata["creationTimestamp"] = rfc3339(machine.created)
    labels = dict(machine.labels or metadata.get("labels") or {})
    if machine.annotations:
        metadata["annotations"] = dict(machine.annotations)
    labels["workflows.argoproj.io/phase"] = machine.phase or PENDING
    if machine.finished is not None:
        labels["workflows.argoproj.io/completed"] = "true"
    metadata["labels"] = labels
    return {
        "apiVersion": API_VERSION,
        "kind": "Workflow",
        "metadata": metadata,
        "spec": _spec(machine),
        "status": status(machine),
    }


def _spec(machine: Machine) -> dict[str, Any]:
    """The spec as submitted, but for what `agg suspend`, `stop` and their like set in it."""
    spec = {key: told for key, told in (machine.workflow.get("spec") or {}).items() if key != "suspend"}
    if machine.suspended:
        spec["suspend"] = True
    if machine.stop in ("Stop", "Terminate"):
        spec["shutdown"] = machine.stop
    return spec


def failed_object(workflow: dict[str, Any], name: str, uid: str, at: float, phase: str, message: str) -> dict[str, Any]:
    """The Workflow object of a document that could not even start."""
    metadata = {**(workflow.get("metadata") or {}), "name": name, "uid": uid, "creationTimestamp": rfc3339(at)}
    metadata.setdefault("namespace", "default")
    ended = {"phase": phase, "message": message, "startedAt": rfc3339(at), "finishedAt": rfc3339(at), "progress": "0/0"}
    return {
        "apiVersion": API_VERSION,
        "kind": "Workflow",
        "metadata": metadata,
        "spec": workflow.get("spec") or {},
        "status": {**ended, "conditions": [{"type": "Completed", "status": "True"}]},
    }


def status(machine: Machine) -> dict[str, Any]:
    """`status` of the run, nodes by id in order of creation."""
    progress, used = _totals(machine)
    made: dict[str, Any] = {"phase": machine.phase or PENDING}
    if machine.started is not None:
        made["startedAt"] = rfc3339(machine.started)
    made["finishedAt"] = rfc3339(machine.finished) if machine.finished is not None else None
    if machine.message:
        made["message"] = machine.message
    made["progress"] = _text(progress[-1])
    made["nodes"] = {
        n.identity(machine.name): node_status(machine, n, progress[n.number], used[n.number]) for n in machine.nodes
    }
    if machine.outputs:
        made["outputs"] = machine.outputs
    stored = _stored_templates(machine)
    if stored:
        made["storedTemplates"] = stored
    if machine.spec.get("workflowTemplateRef"):
        made["storedWorkflowTemplateSpec"] = machine.spec
    if machine.repository is not None:
        made["artifactRepositoryRef"] = {"artifactRepository": machine.repository.value, **_origin(machine)}
    locks = synchronization(machine)
    if locks:
        made["synchronization"] = locks
    pods = [n for n in machine.nodes if n.kind == "Pod"]
    if pods:
        made["taskResultsCompletionStatus"] = {n.identity(machine.name): n.done for n in pods}
    made["resourcesDuration"] = _duration(used[-1])
    running = any(n.phase == RUNNING and n.kind == "Pod" for n in machine.active.values())
    made["conditions"] = [
        *([{"type": "PodRunning", "status": str(running)}] if pods else ()),
        *([{"type": "Completed", "status": "True"}] if machine.finished is not None else ()),
        *({"type": "MetricsError", "status": "True", "message": m} for m in machine.condition_problems),
        *({"type": "ArtifactGCError", "status": "True", "message": m} for m in machine.garbage_problems),
        *({"type": "SpecWarning", "status": "True", "message": m} for m in _warnings(machine)),
    ]
    return made


def _origin(machine: Machine) -> dict[str, Any]:
    """Where the repository is told: in a ConfigMap, or as the default of the settings."""
    reference = machine.spec.get("artifactRepositoryRef")
    return dict(reference) if reference else {"default": True}


def _warnings(machine: Machine) -> list[str]:
    """What a cluster would have cut or refused, in one sentence each; the first few."""
    found = machine.cluster.found if machine.cluster is not None else []
    return found[:MOST_WARNINGS]


def _stored_templates(machine: Machine) -> dict[str, Any]:
    """The templates of other documents that were called, so that the object tells what ran."""
    others = machine.program.others if machine.spec else {}
    return {f"{holder.scope}/{name}": t.raw for holder in others.values() for name, t in holder.compiled.items()}


def node_status(machine: Machine, node: Node, progress: tuple[int, int], used: tuple[float, float]) -> dict[str, Any]:
    """One entry of `status.nodes`; fields that say nothing are left out."""
    made: dict[str, Any] = {
        "id": node.identity(machine.name),
        "name": node.name,
        "displayName": node.display,
        "type": node.kind,
    }
    reference = node.task.call.ref if node.task is not None else None
    if reference is not None:
        made["templateRef"] = reference
    elif node.task is not None and node.task.call.name:
        made["templateName"] = node.task.call.name
    elif node.template is not None and node.template.name:
        made["templateName"] = node.template.name
    elif node.kind == "Container" and node.boundary is not None and node.boundary.template is not None:
        made["templateName"] = node.boundary.template.name
    made["templateScope"] = node.where
    made["phase"] = node.phase
    if node.boundary is not None:
        made["boundaryID"] = node.boundary.identity(machine.name)
    if node.message:
        made["message"] = node.message
    made["startedAt"] = rfc3339(node.started)
    made["finishedAt"] = rfc3339(node.finished) if node.finished is not None else None
    if progress[1]:
        made["progress"] = _text(progress)
    if node.finished is not None and any(used):
        made["resourcesDuration"] = _duration(used)
    if node.ip:
        made["podIP"] = node.ip
    if node.daemoned:
        made["daemoned"] = True
    flags = {name: True for bit, name in ((HOOKED, "hooked"), (RETRIED, "retried")) if node.flags & bit}
    if flags:
        made["nodeFlag"] = flags
    if node.inputs:
        made["inputs"] = node.inputs
    if node.outputs:
        made["outputs"] = node.outputs
    if node.children:
        made["children"] = _ids(machine, node.children)
    if node.outbound:
        made["outboundNodes"] = _ids(machine, node.outbound)
    elif node.kind == "Pod" and node.phase not in (PENDING, RUNNING):
        made["hostNodeName"] = machine.options.get("host", "localhost")
    if node.runtime:
        made["agg.dev/runtime"] = node.runtime
    if node.memo is not None:
        made["memoizationStatus"] = node.memo
    if node.waiting:
        made["synchronizationStatus"] = {"waiting": node.waiting}
    return made


def _ids(machine: Machine, numbers: list[int]) -> list[str]:
    return [machine.nodes[n].identity(machine.name) for n in dict.fromkeys(numbers)]


def _text(progress: tuple[int, int]) -> str:
    return f"{progress[0]}/{progress[1]}"


def _totals(machine: Machine) -> tuple[list[tuple[int, int]], list[tuple[float, float]]]:
    """Progress and resource seconds of every node and, last, of the run: leaves show their own, what encloses them sums."""
    count = len(machine.nodes)
    below = [(0, 0)] * (count + 1)
    progress = [(0, 0)] * (count + 1)
    used = [(0.0, 0.0)] * (count + 1)
    for node in reversed(machine.nodes):
        number = node.number
        done, total = progress[number] = below[number]
        if node.kind in _EXECUTED:
            progress[number] = own = _own_progress(node)
            done, total = done + own[0], total + own[1]
            if node.kind == "Pod" and node.finished is not None:
                used[number] = _resources(node)
        above = node.parent.number if node.parent is not None else count
        below[above] = (below[above][0] + done, below[above][1] + total)
        used[above] = (used[above][0] + used[number][0], used[above][1] + used[number][1])
    progress[count] = below[count]
    return progress, used


def _own_progress(node: Node) -> tuple[int, int]:
    told = node.progress.split("/") if node.progress else ()
    if len(told) == 2:
        whole = int(told[1])
        return whole if node.phase == SUCCEEDED else int(told[0]), whole
    return 1 if node.phase == SUCCEEDED else 0, 1


def _resources(node: Node) -> tuple[float, float]:
    """CPU and memory seconds: what is requested (or 100m and 100Mi), in units of one CPU and 100Mi."""
    seconds = (node.finished or node.started) - node.started
    body = (node.template.raw if node.template is not None else {}).get(
        node.template.kind if node.template else ""
    ) or {}
    wanted = (body.get("resources") or {}) if isinstance(body, dict) else {}
    requests = {**(wanted.get("limits") or {}), **(wanted.get("requests") or {})}
    cpu = _quantity(requests.get("cpu"), _DEFAULT_CPU)
    memory = _quantity(requests.get("memory"), _MEMORY_UNIT) / _MEMORY_UNIT
    return seconds * cpu, seconds * memory


def _quantity(text: Any, default: float) -> float:
    if text is None:
        return default
    value = str(text).strip()
    suffix = next((s for s in _SUFFIXES if value.endswith(s)), "")
    try:
        return float(value.removesuffix(suffix)) * _SUFFIXES.get(suffix, 1)
    except ValueError:
        return default


def _duration(used: tuple[float, float]) -> dict[str, int]:
    return {"cpu": math.floor(used[0]), "memory": math.floor(used[1])}
