"""Global variables: everything under `workflow.`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aggregator.engine.node import ERROR, FAILED, Node
from aggregator.engine.times import STRFTIME_LETTERS, rfc3339, strftime
from aggregator.errors import LanguageError
from aggregator.lang import expr, tags

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def set_globals(machine: Machine, at: float) -> None:
    """The variables that are known from the start."""
    metadata = machine.workflow.get("metadata") or {}
    spec = machine.program.spec
    known = machine.globals.local
    known["workflow.name"] = machine.name
    known["workflow.namespace"] = machine.namespace
    known["workflow.uid"] = machine.uid
    known["workflow.mainEntrypoint"] = spec.get("entrypoint") or ""
    known["workflow.serviceAccountName"] = spec.get("serviceAccountName") or ""
    if spec.get("priority") is not None:
        known["workflow.priority"] = str(spec["priority"])
    known["workflow.creationTimestamp"] = rfc3339(at)
    known["workflow.creationTimestamp.RFC3339"] = rfc3339(at)
    known["workflow.creationTimestamp.s"] = str(int(at))
    for letter in STRFTIME_LETTERS:
        known[f"workflow.creationTimestamp.{letter}"] = strftime(at, letter)
    machine.labels = dict(metadata.get("labels") or {})
    machine.annotations = dict(metadata.get("annotations") or {})
    _show_metadata(machine)
    scheduled = (metadata.get("annotations") or {}).get("workflows.argoproj.io/scheduled-time")
    if scheduled:
        known["workflow.scheduledTime"] = scheduled
    known["workflow.status"] = "Running"


def set_metadata(machine: Machine) -> None:
    """`workflowMetadata` over the labels and annotations; labelsFrom are expressions over the other variables."""
    wanted = machine.program.spec.get("workflowMetadata") or {}
    machine.labels |= wanted.get("labels") or {}
    machine.annotations |= wanted.get("annotations") or {}
    _show_metadata(machine)
    for key, source in (wanted.get("labelsFrom") or {}).items():
        text = source.get("expression") or ""
        expression = tags.parse(text).fill(machine.globals, machine.context, tags.LENIENT)
        value = expr.parse(expression).run(machine.globals.env(), machine.context, functions="argo")
        if not isinstance(value, str):
            raise LanguageError(
                f"workflowMetadata.labelsFrom.{key}: {expression!r} must give a text, it gave {value!r}"
            )
        machine.labels[key] = value
    _show_metadata(machine)


def _show_metadata(machine: Machine) -> None:
    known = machine.globals.local
    for family, pairs in (("labels", machine.labels), ("annotations", machine.annotations)):
        known[f"workflow.{family}"] = known[f"workflow.{family}.json"] = _compact(dict(sorted(pairs.items())))
        for key, value in pairs.items():
            known[f"workflow.{family}.{key}"] = value


def set_parameters(machine: Machine, parameters: list[dict[str, Any]]) -> None:
    """`workflow.parameters.*`, once their values are known."""
    known = machine.globals.local
    listed = [{"name": p["name"], "value": p["value"]} for p in parameters if p.get("value") is not None]
    known["workflow.parameters"] = known["workflow.parameters.json"] = _compact(listed)
    for parameter in listed:
        known[f"workflow.parameters.{parameter['name']}"] = parameter["value"]


def set_result(machine: Machine, phase: str) -> None:
    """What exit handlers and hooks see: status, failures (a JSON list, quoted once more as Argo does) and duration."""
    known = machine.globals.local
    known["workflow.status"] = phase
    known["workflow.failures"] = json.dumps(_failures(machine), ensure_ascii=False)
    set_duration(machine)


def set_duration(machine: Machine) -> None:
    machine.globals.local["workflow.duration"] = f"{machine.at - (machine.started or machine.at):.6f}"


def _failures(machine: Machine) -> str:
    failed = [n for n in machine.nodes if n.phase in (FAILED, ERROR)]
    if not failed:
        return "null"
    failed.sort(key=lambda n: (n.finished or 0.0, n.number))
    return _compact([_failure(machine, n) for n in failed])


def _failure(machine: Machine, node: Node) -> dict[str, Any]:
    template = node.template.name if node.template is not None else ""
    return {
        "displayName": node.display,
        "message": node.message,
        "templateName": template,
        "phase": node.phase,
        "podName": node.pod_name(machine.name),
        "finishedAt": rfc3339(node.finished or machine.at),
    }
