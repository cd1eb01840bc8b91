"""The life of a run: beginning, leaves that end, the exit handler, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine import control
from aggregator.engine.admission import RUN, ask, wishes
from aggregator.engine.cluster_limits import leaf_verdict, make_limits
from aggregator.engine.containers import end_containers
from aggregator.engine.ending import finish_run
from aggregator.engine.execute import Call
from aggregator.engine.frames import CallingFrame
from aggregator.engine.inputs import NodeError, config_map_value
from aggregator.engine.limits import Gate
from aggregator.engine.node import ERROR, FAILED, HOOKED, PENDING, RUNNING, SUCCEEDED, UNSUCCESSFUL, Node
from aggregator.engine.outputs import export_globals
from aggregator.engine.repository import repository_of
from aggregator.engine.retry import RetryFrame
from aggregator.engine.variables import set_globals, set_metadata, set_parameters, set_result
from aggregator.errors import LanguageError
from aggregator.lang import tags
from aggregator.lang.tags import LENIENT
from aggregator.plan.compile import compile_arguments, compile_workflow

if TYPE_CHECKING:
    from aggregator.engine.events import Outcome, Submitted
    from aggregator.engine.machine import Machine


class RootFrame(CallingFrame):
    """Waits for the entrypoint's node."""

    __slots__ = ()

    def child_done(self, machine: Machine, child: Node) -> None:
        if not child.done:
            return
        machine.result = (SUCCEEDED if child.phase not in UNSUCCESSFUL else child.phase, child.message)
        run_exit_handler(machine)

    def daemon_ended(self, machine: Machine, child: Node) -> None:
        self.child_done(machine, child)

    def child_failed_to_start(self, machine: Machine, child: Node) -> None:
        finish_run(machine, ERROR, f"error in entry template execution: {child.message}")

    def child_dropped(self, machine: Machine) -> None:
        """The run was ended before its entrypoint began; it is shown as the one node that failed."""
        root = machine.new_node(machine.name, "Skipped", boundary=None, parent=None, owner=self)
        root.where = machine.program.local.scope
        machine.finish(root, FAILED, machine.stop_message)


class ExitFrame(CallingFrame):
    """Waits for the workflow's exit handler."""

    __slots__ = ()

    def child_done(self, machine: Machine, child: Node) -> None:
        phase, message = machine.result
        if phase == SUCCEEDED and child.phase in UNSUCCESSFUL:
            phase, message = child.phase, child.message
        finish_run(machine, phase, message)

    def child_failed_to_start(self, machine: Machine, child: Node) -> None:
        finish_run(machine, ERROR, f"error in exit template execution: {child.message}")

    def child_dropped(self, machine: Machine) -> None:
        """The run was terminated: it ends as its entrypoint did."""
        finish_run(machine, *machine.result)


def begin(machine: Machine, event: Submitted) -> None:
    """Take the submitted documents, take the run's locks, and start the entrypoint."""
    machine.name = event.name
    machine.uid = event.uid
    machine.options = dict(event.options)
    machine.workflow = event.workflow
    machine.namespace = (event.workflow.get("metadata") or {}).get("namespace") or "default"
    machine.phase = PENDING
    machine.created = event.at
    machine.config_maps = {(c.get("metadata") or {}).get("name", ""): c for c in event.config_maps}
    machine.cluster = make_limits(machine, control.end_for)
    locks = []
    try:
        machine.program = program = compile_workflow(event.workflow, event.templates)
        set_globals(machine, event.at)
        parameters = _workflow_parameters(machine)
        set_parameters(machine, parameters)
        set_metadata(machine)
        program.arguments = compile_arguments({**(program.spec.get("arguments") or {}), "parameters": parameters})
        machine.spec = _filled_spec(machine)
        machine.volumes = [*(machine.spec.get("volumes") or ()), *_claimed(machine)]
        repository = repository_of(machine.spec, machine.config_maps, machine.options.get("artifact_repository") or {})
        if repository:
            machine.repository = tags.parse_tree(repository)
        if machine.spec.get("synchronization"):
            locks = wishes(machine, machine.spec["synchronization"])
        if machine.cluster is not None and (refused := machine.cluster.submitted(machine)):
            raise NodeError(refused)
    except (NodeError, LanguageError) as problem:
        finish_run(machine, FAILED, f"invalid spec: {problem}")
        return
    machine.workflow_gate = Gate(program.parallelism)
    machine.suspend_gate = Gate(0)
    machine.suspended = bool(program.spec.get("suspend"))
    if program.spec.get("shutdown"):
        control.shut_down(machine, program.spec["shutdown"])
    if locks:
        machine.locked = f"{machine.namespace}/{machine.name}"
        ask(machine, RUN, machine.locked, locks)
    else:
        _start(machine)


def locks_taken(machine: Machine) -> None:
    """The run has its locks, unless it was ended before: now it begins."""
    if machine.started is None and machine.finished is None:
        machine.message = ""
        _start(machine)


def _start(machine: Machine) -> None:
    program = machine.program
    machine.phase = RUNNING
    machine.started = machine.at
    deadline = program.spec.get("activeDeadlineSeconds")
    if deadline is not None:
        # Argo counts from the start time as it is stored, in whole seconds.
        at = int(machine.at) + float(deadline)
        machine.options["deadline_at"] = at
        machine.set_timer(at, lambda _: control.deadline_passed(machine), None)
    machine.start(
        Call(
            name=machine.name,
            target=program.entrypoint,
            holder=program.local,
            arguments=program.arguments,
            scope=machine.globals,
            owner=RootFrame(Node(-1, "", "", "", machine.at)),
            boundary=None,
            parent=None,
        )
    )


_FILLED_LATER = frozenset({"templates", "arguments", "hooks", "templateDefaults", "workflowMetadata", "metrics"})


def _filled_spec(machine: Machine) -> dict[str, Any]:
    """The spec's own fields with the run's variables filled in; what belongs to templates is filled when they start."""
    spec = machine.program.spec
    own = {k: v for k, v in spec.items() if k not in _FILLED_LATER}
    filled: dict[str, Any] = tags.parse_tree(own).fill(machine.globals, machine.context, LENIENT)
    return {**spec, **filled}


def _claimed(machine: Machine) -> list[dict[str, Any]]:
    """A volume for each of the run's volumeClaimTemplates; as in Argo its claim carries the run's name."""
    names = [(claim.get("metadata") or {}).get("name", "") for claim in machine.spec.get("volumeClaimTemplates") or ()]
    return [{"name": name, "persistentVolumeClaim": {"claimName": f"{machine.name}-{name}"}} for name in names]


def _workflow_parameters(machine: Machine) -> list[dict[str, Any]]:
    made = []
    for raw in (machine.program.spec.get("arguments") or {}).get("parameters") or ():
        parameter = dict(raw)
        source = raw.get("valueFrom") or {}
        value = raw.get("value")
        if value is None and source.get("configMapKeyRef"):
            value = config_map_value(machine, source, machine.globals)
        if value is None:
            value = raw.get("default", source.get("default"))
        if isinstance(value, str) and "{{" in value:
            value = tags.parse(value).fill(machine.globals, machine.context, LENIENT)
        if value is not None:
            parameter["value"] = value
            parameter.pop("valueFrom", None)
        made.append(parameter)
    return made


def leaf_finished(machine: Machine, node: Node, outcome: Outcome) -> None:
    """A leaf answered: keep its outputs, end its node."""
    node.log = outcome.log
    if node.children and node.kind == "Pod":
        end_containers(machine, node, outcome)
    if node.done:
        return
    node.outputs = _leaf_outputs(node, outcome)
    export_globals(machine, node.outputs)
    wrapper = node.parent
    if node.attempt is not None and wrapper is not None and isinstance(wrapper.frame, RetryFrame):
        wrapper.frame.transient = outcome.transient
        wrapper.frame.retry_after = outcome.retry_after
    phase: str = outcome.phase
    message = outcome.message
    if node.daemoned and not node.bound:
        phase, message = FAILED, message or "the daemon ended by itself"
    phase, message = leaf_verdict(machine, node, phase, message)
    machine.finish(node, phase, node.bound or message if phase != SUCCEEDED else message)


def _leaf_outputs(node: Node, outcome: Outcome) -> dict[str, Any] | None:
    made: dict[str, Any] = {}
    parameters = []
    for raw in node.declared.get("parameters") or ():
        if raw["name"] in outcome.parameters:
            parameters.append({**raw, "value": outcome.parameters[raw["name"]]})
        elif "value" in raw:
            parameters.append(dict(raw))
    if node.template is not None and node.template.kind == "plugin":  # whose answer may have outputs of its own
        known = {raw["name"] for raw in parameters}
        parameters += [{"name": n, "value": v} for n, v in outcome.parameters.items() if n not in known]
    if parameters:
        made["parameters"] = parameters
    if outcome.artifacts:
        made["artifacts"] = outcome.artifacts
    if outcome.result is not None:
        made["result"] = outcome.result
    if outcome.exit_code is not None:
        made["exitCode"] = str(outcome.exit_code)
    return made or None


def run_exit_handler(machine: Machine) -> None:
    """The entrypoint's node is fulfilled: call onExit, which a terminated run drops, then end."""
    phase, message = machine.result
    hook = machine.program.exit
    if hook is None:
        finish_run(machine, phase, message)
        return
    set_result(machine, phase)
    arguments = hook.arguments if not hook.arguments.empty else machine.program.arguments
    machine.start(
        Call(
            name=f"{machine.name}.onExit",
            target=hook.call,
            holder=machine.program.local,
            arguments=arguments,
            scope=machine.globals,
            owner=ExitFrame(Node(-1, "", "", "", machine.at)),
            boundary=None,
            parent=None,
            exempt=True,
            flags=HOOKED,
        )
    )
