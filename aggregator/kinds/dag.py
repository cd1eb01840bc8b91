"""`dag:` tasks that start when what they depend on has ended as they wish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aggregator.engine.execute import Call, LoneSource, LoopSource, fail, skip
from aggregator.engine.frames import TemplateFrame
from aggregator.engine.inputs import NodeError
from aggregator.engine.limits import Gate
from aggregator.engine.node import (
    ERROR,
    FAILED,
    HOOKED,
    OMITTED,
    RUNNING,
    SKIPPED,
    SUCCEEDED,
    Node,
)
from aggregator.engine.outputs import EMPTY_LOOP, Called, CallsScope, export_globals, template_outputs
from aggregator.errors import LanguageError
from aggregator.kinds.assess import assess
from aggregator.kinds.dag_scope import DagCalls, TasksScope, ancestors
from aggregator.kinds.group import LoopFrame
from aggregator.kinds.loops import expand_unless_skipped
from aggregator.kinds.outbound import outbound
from aggregator.lang import tags
from aggregator.lang.tags import LENIENT
from aggregator.plan.compile import draw_graph

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.scope import Scope
    from aggregator.plan.fanout import Elements
    from aggregator.plan.program import Task, Template

_RESULT_OF = {SUCCEEDED: "Succeeded", FAILED: "Failed", ERROR: "Errored", SKIPPED: "Skipped", OMITTED: "Omitted"}


class Dag:
    """Template kind `dag`."""

    node_type = "DAG"
    slot = ""

    def begin(self, machine: Machine, node: Node, scope: Scope) -> None:
        assert node.template is not None
        template = node.template
        try:
            if template.tagged_graph:
                template = _with_graph(machine, template, scope)
            frame = DagFrame(node, template, scope, machine)
        except LanguageError as problem:
            machine.finish(node, ERROR, problem.message)
            return
        frame.begin(machine)


def _with_graph(machine: Machine, template: Template, scope: Scope) -> Template:
    """The template with the tags of its graph filled: a private copy, since another node may draw it otherwise."""
    raws = template.raw["dag"]["tasks"]
    fields = [{k: raw[k] for k in ("depends", "dependencies") if k in raw} for raw in raws]
    filled: list[dict[str, Any]] = tags.parse_tree(fields).fill(scope, machine.context, LENIENT)
    target = tags.parse(template.target).fill(scope, machine.context, LENIENT)
    tasks = tuple(replace(t, feeds=[], needs=(), depends=None, problem=None) for t in template.tasks)
    drawn = replace(template, tasks=tasks, target=target, ancestry=None)
    draw_graph(drawn, filled)
    return drawn


class DagFrame(TemplateFrame):
    """A running DAG: how many of each task's needs are still open, and the node of each task that has one."""

    __slots__ = (
        "calls",
        "failed",
        "left",
        "machine",
        "nodes",
        "open",
        "scope",
        "stopped",
        "targets",
        "template",
        "wanted",
    )

    def __init__(self, node: Node, template: Template, scope: Scope, machine: Machine) -> None:
        super().__init__(node)
        node.frame = self
        self.gate = Gate(template.parallelism) if template.parallelism is not None else None
        self.machine = machine
        self.template = template
        self.scope = scope
        tasks = template.tasks
        names = template.target.split() if template.target else sorted(t.name for t in tasks if not t.feeds)
        unknown = [n for n in names if n not in template.by_name]
        if unknown:
            raise LanguageError(f"dag.target {unknown[0]!r} is no task of template {template.name!r}")
        self.targets = [template.by_name[n] for n in names]
        self.wanted = ancestors(tasks, self.targets) if template.target else None
        self.left = [len(t.needs) for t in tasks]
        self.nodes: list[Node | None] = [None] * len(tasks)
        self.open = 1
        """Tasks that were ready and have not ended, and one while others are being started."""
        self.calls = DagCalls(machine, template, self.nodes)
        self.failed = False
        self.stopped = False

    def begin(self, machine: Machine) -> None:
        """Start the tasks that need nothing."""
        for task in self.template.tasks:
            if not task.needs and (self.wanted is None or task.number in self.wanted):
                self._ready(machine, task)
        self._one_less(machine)

    def _ready(self, machine: Machine, task: Task) -> None:
        """All that the task needs has ended: omit it, or start it."""
        self.open += 1
        call = self._call(machine, task)
        if task.problem is not None:
            self._wrong(machine, task, call, task.problem.message)
            return
        wanted = task.depends.evaluate(self._result) if task.depends else all(map(self._satisfied, task.needs))
        if call.dropped(machine):
            call.drop(machine)
            return
        if not wanted:
            self.nodes[task.number] = skip(machine, call, "omitted: depends condition not met", OMITTED)
            return
        try:
            elements = expand_unless_skipped(machine, task, call.scope)
        except (LanguageError, NodeError) as problem:
            self._wrong(machine, task, call, str(problem))
            return
        if elements is None:
            machine.start(LoneSource(call))
        else:
            self._start_loop(machine, task, call, elements)

    def _wrong(self, machine: Machine, task: Task, call: Call, message: str) -> None:
        self.nodes[task.number] = fail(machine, call, message)

    def _call(self, machine: Machine, task: Task) -> Call:
        after: list[int] | None = None
        if task.needs:
            found: dict[int, None] = {}
            for need in task.needs:
                node = self.nodes[need]
                assert node is not None
                found.update(dict.fromkeys(outbound(machine, node)))
            after = list(found)
        return Call(
            name=f"{self.node.name}.{task.name}",
            target=task.call,
            holder=self.template.holder,
            arguments=task.arguments,
            scope=self._seen_by(task),
            owner=self,
            boundary=self.node,
            parent=self.node,
            task=task,
            exempt=self.node.exempt,
            depth=self.node.depth + 1,
            after=after,
        )

    def _start_loop(self, machine: Machine, task: Task, call: Call, elements: Elements) -> None:
        if elements.count == 0:
            self.nodes[task.number] = skip(machine, call, EMPTY_LOOP)
            return
        group = machine.new_node(
            call.name, "TaskGroup", boundary=self.node, parent=self.node, owner=self, after=call.after
        )
        group.task = task
        group.exempt = self.node.exempt
        group.loop = elements.count
        group.where = self.template.holder.scope
        self.nodes[task.number] = group
        frame = LoopFrame(group, elements.count)
        group.frame = frame
        machine.set_phase(group, RUNNING)

        def make(suffix: str, scope: Scope, item: int | None) -> Call:
            return Call(
                name=call.name + suffix,
                target=call.target,
                holder=call.holder,
                arguments=call.arguments,
                scope=scope,
                owner=frame,
                boundary=call.boundary,
                parent=group,
                task=task,
                exempt=call.exempt,
                depth=call.depth,
                item=item,
                strict=True,
            )

        machine.start(LoopSource(elements, task, call.scope, frame, make))

    def _satisfied(self, number: int) -> bool:
        """What an entry of `dependencies` asks for: that the task Succeeded, was Skipped, runs as a daemon, or may fail."""
        node = self.nodes[number]
        assert node is not None
        if node.phase in (SUCCEEDED, SKIPPED) or node.daemoned:
            return True
        task = self.template.tasks[number]
        return (task.continue_failed and node.phase == FAILED) or (task.continue_error and node.phase == ERROR)

    def _result(self, name: str, result: str) -> bool:
        node = self.nodes[self.template.by_name[name]]
        assert node is not None
        if result == "Daemoned":
            return node.daemoned
        if result in ("AnySucceeded", "AllFailed"):
            if node.kind != "TaskGroup":
                return False
            children = (self.machine.nodes[n] for n in node.children)
            elements = [n.phase for n in children if not n.flags & HOOKED]
            return SUCCEEDED in elements if result == "AnySucceeded" else bool(elements) and set(elements) == {FAILED}
        return _RESULT_OF.get(node.phase) == result and not (node.daemoned and result == "Succeeded")

    # ------------------------------------------------------------------ children

    def child_done(self, machine: Machine, child: Node) -> None:
        task = child.task
        assert task is not None
        self.nodes[task.number] = child
        for number in task.feeds:
            self.left[number] -= 1
            if not self.left[number] and (self.wanted is None or number in self.wanted):
                self._ready(machine, self.template.tasks[number])
        self._one_less(machine)

    def child_dropped(self, machine: Machine) -> None:
        """A task will never start, and so won't those after it."""
        self.stopped = True
        self._one_less(machine)

    def _one_less(self, machine: Machine) -> None:
        """Something has ended; when nothing is open, nothing more can become ready."""
        self.open -= 1
        if not self.open and not self.node.done:
            self._over(machine)

    def child_failed(self, machine: Machine) -> None:
        """With the template's failFast, nothing new starts after a direct child has failed."""
        if not self.template.fail_fast or self.closed:
            return
        self.closed = self.failed = True
        for node in self.nodes:
            if node is not None and isinstance(node.frame, LoopFrame):
                node.frame.closed = True
        if self.gate is not None:
            machine.wake_all(self.gate)

    def _over(self, machine: Machine) -> None:
        """Nothing is left to run: the phase, and on success the outputs."""
        node = self.node
        ends: dict[int, None] = {}
        for target in self.targets:
            reached = self.nodes[target]
            if reached is not None:
                ends.update(dict.fromkeys(outbound(machine, reached)))
        node.outbound = list(ends)
        if self.failed:
            machine.finish(node, FAILED, "template has failed or errored children and failFast enabled")
            return
        phase = (
            FAILED
            if self.stopped or machine.shut_down(exempt=node.exempt)
            else assess(machine, node, [(self.template.tasks[t], self.nodes[t]) for t in self.targets])
        )
        if phase != SUCCEEDED:
            machine.finish(node, phase)
            return
        try:
            node.outputs = template_outputs(machine, self.template, TasksScope(self.scope, self.calls, None))
        except NodeError as problem:
            machine.finish(node, ERROR, str(problem))
            return
        export_globals(machine, node.outputs)
        machine.finish(node, SUCCEEDED)

    # ------------------------------------------------------------------ scopes

    def _seen_by(self, task: Task) -> Scope:
        """The results of the task's ancestors, and the template's inputs."""
        return TasksScope(self.scope, self.calls, task.number) if task.needs else self.scope

    def scope_for_hooks(self, machine: Machine, node: Node) -> Scope:
        """What the task sees, and the node itself under its display name and its task's name."""
        task = node.task
        assert task is not None
        called = Called(node, task, self.template.holder)
        own = {node.display: called, task.name: called}
        return CallsScope(node.caller or self._seen_by(task), machine, "tasks.", own)
