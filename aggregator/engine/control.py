"""Control from outside: stop, terminate, the deadline, suspend, resume, and setting suspended nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.admission import stop_waiting
from aggregator.engine.ending import finish_run
from aggregator.engine.node import ERROR, FAILED, SUCCEEDED, Node
from aggregator.engine.outputs import export_globals
from aggregator.engine.retry import RetryFrame
from aggregator.lang.selectors import parse_fields

if TYPE_CHECKING:
    from aggregator.engine.events import NodeSet, Resumed, StopRequested
    from aggregator.engine.machine import Machine

KILLED = "workflow shutdown with strategy: "
DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def stop_requested(machine: Machine, event: StopRequested) -> None:
    """Stop ends everything but exit handlers; Terminate, or a second request, ends those too."""
    if machine.finished is not None:
        return
    if event.selector:
        for node in matching(machine, event.selector):
            machine.suspensions.pop(node.number, None)
            machine.finish(node, FAILED, event.message)
        return
    machine.signal = machine.signal or event.signal
    _end_early(machine, event.strategy, f"Stopped with strategy '{event.strategy}'", event.message)


def deadline_passed(machine: Machine) -> None:
    """The workflow's activeDeadlineSeconds are over."""
    if machine.finished is None and not machine.stop:
        _end_early(machine, "deadline", DEADLINE_MESSAGE, "")


def end_for(machine: Machine, reason: str) -> None:
    """Nothing more runs, for a reason of the run's own."""
    if machine.finished is None:
        _end_early(machine, "Terminate", reason, reason)


def shut_down(machine: Machine, strategy: str) -> None:
    """The run was submitted with spec.shutdown."""
    _end_early(machine, "Terminate" if strategy == "Terminate" else "Stop", f"{KILLED}{strategy}", "")


def _end_early(machine: Machine, how: str, message: str, told: str) -> None:
    machine.stop = how
    machine.stop_message = message
    _go_on(machine)
    machine.told = told or machine.told
    if machine.started is None and how == "Terminate":
        # Still waiting for the workflow's own locks. A stop leaves it in the queue, as in Argo: its exit handler will run.
        machine.later(lambda _: finish_run(machine, FAILED, message), None)
        return
    killed = DEADLINE_MESSAGE if how == "deadline" else f"{KILLED}{how}"
    for node in list(machine.active.values()):
        if machine.stopping(exempt=node.exempt):
            machine.cancel_leaf(node, killed)
    for node in list(machine.suspensions.values()):
        if machine.stopping(exempt=node.exempt):
            machine.suspensions.pop(node.number, None)
            machine.finish(node, FAILED, message)
    for waiting in list(machine.waiting.values()):
        if machine.stopping(exempt=waiting.node.exempt):
            stop_waiting(machine, waiting)
    machine.drop_parked()
    for node in machine.nodes:
        frame = node.frame
        if isinstance(frame, RetryFrame) and frame.waiting and machine.stopping(exempt=node.exempt):
            frame.stop_waiting(machine)


def _go_on(machine: Machine) -> None:
    """The run is not suspended any more: what has ended meanwhile is told now."""
    machine.suspended = False
    for node in machine.untold:
        machine.later(machine.report, node)
    machine.untold.clear()


def suspend_requested(machine: Machine) -> None:
    """Nothing new starts until resumed, and nothing follows from what ends meanwhile."""
    if machine.finished is None:
        machine.suspended = True


def resumed(machine: Machine, event: Resumed) -> None:
    """Let a suspended run go on, and suspended nodes succeed."""
    if machine.finished is not None:
        return
    if not event.selector and machine.suspended:
        _go_on(machine)
        machine.wake_all(machine.suspend_gate)
    for node in matching(machine, event.selector):
        machine.suspensions.pop(node.number, None)
        supply(machine, node, {})


def node_set(machine: Machine, event: NodeSet) -> None:
    """Give suspended nodes output values, a message or a phase."""
    for node in matching(machine, event.selector):
        values = _values(node) | event.parameters
        declared = (node.outputs or {}).get("parameters") or ()
        if declared:
            made = [_valued(p, values[p["name"]]) if p["name"] in values else p for p in declared]
            node.outputs = {"parameters": made}
            export_globals(machine, {"parameters": [p for p in made if p["name"] in event.parameters]})
        if event.message:
            node.message = event.message
        if event.phase:
            machine.suspensions.pop(node.number, None)
            if event.phase == SUCCEEDED:
                supply(machine, node, {})
            else:
                machine.finish(node, event.phase, node.message)
        elif event.message or event.parameters:
            machine.news("message", node)


def supply(machine: Machine, node: Node, values: dict[str, str]) -> None:
    """End a suspend node: what was set, else the output's default, else that of the input of the same name, else Error."""
    known = _values(node) | values
    made = []
    for parameter in (node.outputs or {}).get("parameters") or ():
        name = parameter["name"]
        value = known[name] if name in known else default_of(node, parameter)
        if value is None:
            machine.finish(
                node, ERROR, f"raw output parameter '{name}' has not been set and does not have a default value"
            )
            return
        made.append(_valued(parameter, value))
    if made:
        node.outputs = {"parameters": made}
        export_globals(machine, node.outputs)
    machine.finish(node, SUCCEEDED, node.message)


def default_of(node: Node, parameter: dict[str, Any]) -> str | None:
    """What an output parameter of a suspended node is when nobody sets it."""
    default = (parameter.get("valueFrom") or {}).get("default")
    if default is None:
        same = (p for p in (node.inputs or {}).get("parameters") or () if p["name"] == parameter["name"])
        default = next((p.get("default") for p in same), None)
    return default


def _values(node: Node) -> dict[str, str]:
    return {p["name"]: p["value"] for p in (node.outputs or {}).get("parameters") or () if "value" in p}


def _valued(parameter: dict[str, Any], value: str) -> dict[str, Any]:
    """The parameter with its value, which takes the place of where it was to come from."""
    return {**{key: told for key, told in parameter.items() if key != "valueFrom"}, "value": value}


def matching(machine: Machine, selector: str) -> list[Node]:
    """The running suspend nodes that a field selector means; all when it is empty. LanguageError when it is none."""
    nodes = list(machine.suspensions.values())
    if not selector.strip():
        return nodes
    wanted = parse_fields(selector)
    terms = [(field.strip(), equal, value.strip()) for field, equal, value in wanted.terms]
    return [n for n in nodes if _meets(_fields(machine, n), terms)]


def _meets(fields: dict[str, str], terms: list[tuple[str, bool, str]]) -> bool:
    return all((fields.get(field, "") == value) is equal for field, equal, value in terms)


def _fields(machine: Machine, node: Node) -> dict[str, str]:
    reference = (node.task.call.ref if node.task is not None else None) or {}
    fields: dict[str, str] = {
        "displayName": node.display,
        "name": node.name,
        "id": node.identity(machine.name),
        "type": node.kind,
        "phase": node.phase,
        "templateName": node.template.name if node.template is not None else "",
        "templateRef.name": reference.get("name", ""),
        "templateRef.template": reference.get("template", ""),
    }
    for where, told in (("inputs", node.inputs), ("outputs", node.outputs)):
        for parameter in (told or {}).get("parameters") or ():
            if "value" in parameter:
                fields[f"{where}.parameters.{parameter['name']}.value"] = str(parameter["value"])
    return fields
