"""Control from outside: stop, terminate, the deadline, suspend, resume, and setting suspended nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.node import ERROR, FAILED, SUCCEEDED, Node
from aggregator.engine.outputs import export_globals
from aggregator.engine.retry import RetryFrame

if TYPE_CHECKING:
    from aggregator.engine.events import NodeSet, Resumed, StopRequested
    from aggregator.engine.machine import Machine

DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def stop_requested(machine: Machine, event: StopRequested) -> None:
    """Stop ends everything but exit handlers; Terminate, or a second request, ends those too."""
    if machine.finished is not None:
        return
    if event.selector:
        for node in matching(machine, event.selector):
            machine.finish(node, FAILED, event.message)
        return
    machine.signal = machine.signal or event.signal
    _end_early(machine, event.strategy, f"Stopped with strategy '{event.strategy}'", event.message)


def deadline_passed(machine: Machine) -> None:
    """The workflow's activeDeadlineSeconds are over."""
    if machine.finished is None and not machine.stop:
        _end_early(machine, "deadline", DEADLINE_MESSAGE, "")


def _end_early(machine: Machine, how: str, message: str, told: str) -> None:
    machine.stop = how
    machine.stop_message = message
    machine.suspended = False
    if told:
        machine.message = told
    killed = DEADLINE_MESSAGE if how == "deadline" else f"workflow shutdown with strategy: {how}"
    spared = how != "Terminate"
    for node in list(machine.active.values()):
        if not (spared and node.exempt):
            machine.cancel_leaf(node, killed)
    for node in list(machine.suspensions.values()):
        if not (spared and node.exempt):
            machine.suspensions.pop(node.number, None)
            machine.finish(node, FAILED, message)
    machine.drop_parked()
    for node in machine.nodes:
        frame = node.frame
        if isinstance(frame, RetryFrame) and frame.waiting and not (spared and node.exempt):
            frame.stop_waiting(machine)


def suspend_requested(machine: Machine) -> None:
    """Nothing new starts until resumed."""
    if machine.finished is None:
        machine.suspended = True


def resumed(machine: Machine, event: Resumed) -> None:
    """Let a suspended run go on, and suspended nodes succeed."""
    if machine.finished is not None:
        return
    if not event.selector and machine.suspended:
        machine.suspended = False
        waiting = list(machine.suspend_gate.waiting)
        machine.suspend_gate.waiting.clear()
        for source in waiting:
            machine.start(source)
    for node in matching(machine, event.selector):
        machine.suspensions.pop(node.number, None)
        supply(machine, node, {})


def node_set(machine: Machine, event: NodeSet) -> None:
    """Give suspended nodes output values, a message or a phase."""
    for node in matching(machine, event.selector):
        values = {p["name"]: p["value"] for p in (node.outputs or {}).get("parameters") or () if "value" in p}
        values |= event.parameters
        declared = ((node.template.raw if node.template else {}).get("outputs") or {}).get("parameters") or ()
        made = [{**p, "value": values[p["name"]]} if p["name"] in values else p for p in declared]
        if made:
            node.outputs = {"parameters": made}
        if event.message:
            node.message = event.message
        if event.phase:
            machine.suspensions.pop(node.number, None)
            if event.phase == SUCCEEDED:
                supply(machine, node, values)
            else:
                machine.finish(node, event.phase, event.message)


def supply(machine: Machine, node: Node, values: dict[str, str]) -> None:
    """End a suspend node: supplied outputs, else their default, else the input of the same name, else Error."""
    template = node.template
    assert template is not None
    inputs = {p["name"]: p["value"] for p in (node.inputs or {}).get("parameters") or ()}
    known = {p["name"]: p["value"] for p in (node.outputs or {}).get("parameters") or () if "value" in p} | values
    made = []
    for raw in (template.raw.get("outputs") or {}).get("parameters") or ():
        name = raw["name"]
        value = known.get(name)
        if value is None:
            value = (raw.get("valueFrom") or {}).get("default", inputs.get(name))
        if value is None:
            machine.finish(
                node, ERROR, f"raw output parameter '{name}' has not been set and does not have a default value"
            )
            return
        made.append({**raw, "value": value})
    if made:
        node.outputs = {"parameters": made}
        export_globals(machine, node.outputs)
    machine.finish(node, SUCCEEDED, node.message)


def matching(machine: Machine, selector: str) -> list[Node]:
    """The running suspend nodes that a field selector means; all when it is empty."""
    nodes = list(machine.suspensions.values())
    for clause in filter(None, (c.strip() for c in selector.split(","))):
        key, negated, wanted = _clause(clause)
        nodes = [n for n in nodes if (_field(machine, n, key) == wanted) != negated]
    return nodes


def _clause(text: str) -> tuple[str, bool, str]:
    if "!=" in text:
        key, _, value = text.partition("!=")
        return key.strip(), True, value.strip()
    key, _, value = text.partition("=")
    return key.strip(), False, value.lstrip("=").strip()


def _field(machine: Machine, node: Node, key: str) -> str:
    if key.startswith("inputs.parameters.") and key.endswith(".value"):
        name = key.removeprefix("inputs.parameters.").removesuffix(".value")
        found = {p["name"]: p["value"] for p in (node.inputs or {}).get("parameters") or ()}
        return str(found.get(name, ""))
    reference = (node.task.call.ref if node.task is not None else None) or {}
    fields: dict[str, str] = {
        "displayName": node.display,
        "name": node.name,
        "id": node.identity(machine.name),
        "phase": node.phase,
        "templateName": node.template.name if node.template is not None else "",
        "templateRef.name": reference.get("name", ""),
        "templateRef.template": reference.get("template", ""),
    }
    return fields.get(key, "")
