"""`steps:` groups that run one after the other, their members side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.execute import Call, LoneSource, LoopSource, skip
from aggregator.engine.frames import TemplateFrame
from aggregator.engine.inputs import NodeError
from aggregator.engine.limits import Gate
from aggregator.engine.node import ERROR, FAILED, RUNNING, SUCCEEDED, UNSUCCESSFUL, Node
from aggregator.engine.outputs import EMPTY_LOOP, Called, CallsScope, export_globals, template_outputs
from aggregator.errors import LanguageError
from aggregator.kinds.loops import check_references, expand_unless_skipped
from aggregator.kinds.outbound import outbound

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.scope import Scope
    from aggregator.plan.fanout import Elements
    from aggregator.plan.program import Task


class Steps:
    """Template kind `steps`."""

    node_type = "Steps"
    slot = ""

    def begin(self, machine: Machine, node: Node, scope: Scope) -> None:
        StepsFrame(machine, node, scope).next_group(machine)


class StepsFrame(TemplateFrame):
    """A running steps template: the group that runs, and what earlier groups made visible."""

    __slots__ = (
        "active",
        "called",
        "failed",
        "group",
        "index",
        "members",
        "outstanding",
        "problem",
        "scope",
        "stopped",
    )

    def __init__(self, machine: Machine, node: Node, scope: Scope) -> None:
        super().__init__(node)
        assert node.template is not None
        node.frame = self
        self.gate = Gate(node.template.parallelism) if node.template.parallelism is not None else None
        self.called: dict[str, Called] = {}
        self.scope = CallsScope(scope, machine, "steps.", self.called)
        self.index = -1
        self.group: Node | None = None
        self.members: dict[int, tuple[Task, list[Node]]] = {}
        """The group's steps by number, with the nodes that they have so far."""
        self.outstanding = 0
        self.problem = ""
        self.stopped = False
        self.failed = False

    def next_group(self, machine: Machine) -> None:
        """Start the next group, or end the template."""
        template = self.node.template
        assert template is not None
        self.index += 1
        if self.index == len(template.groups):
            self._succeed(machine)
        elif machine.stopping(exempt=self.node.exempt):
            machine.finish(self.node, FAILED, machine.stop_message)
        else:
            self._start_group(machine, template.groups[self.index])

    def _start_group(self, machine: Machine, tasks: tuple[Task, ...]) -> None:
        """Open a group and start its members."""
        name = f"{self.node.name}[{self.index}]"
        before = self.group
        after = [self.node.number] if before is None else _ends_of(machine, before)
        group = machine.new_node(name, "StepGroup", boundary=self.node, parent=self.node, owner=None, after=after)
        group.exempt = self.node.exempt
        assert self.node.template is not None
        group.where = self.node.template.holder.scope
        machine.set_phase(group, RUNNING)
        self.group = group
        self.members = {task.number: (task, []) for task in tasks}
        self.problem = ""
        self.outstanding = 1
        loops: list[Elements | None] = []
        for task in tasks:
            try:
                check_references(machine, task, self.scope)
                loops.append(expand_unless_skipped(machine, task, self.scope))
            except (LanguageError, NodeError) as problem:
                self.outstanding = 0
                self._fail(machine, ERROR, f"step {task.name!r}: {problem}")
                return
        for task, elements in zip(tasks, loops, strict=True):
            self._start_member(machine, task, elements)
        self.outstanding -= 1
        if not self.outstanding:
            self._group_over(machine)

    def _start_member(self, machine: Machine, task: Task, elements: Elements | None) -> None:
        group = self.group
        assert group is not None
        base = f"{group.name}.{task.name}"
        template = self.node.template
        assert template is not None

        def make(suffix: str, scope: Scope, item: int | None) -> Call:
            return Call(
                name=base + suffix,
                target=task.call,
                holder=template.holder,
                arguments=task.arguments,
                scope=scope,
                owner=self,
                boundary=self.node,
                parent=group,
                task=task,
                exempt=self.node.exempt,
                depth=self.node.depth + 1,
                item=item,
                strict=item is not None,
            )

        if elements is None:
            self.outstanding += 1
            machine.start(LoneSource(make("", self.scope, None)))
        elif elements.count == 0:
            self.outstanding += 1
            call = make("", self.scope, None)
            skip(machine, call, EMPTY_LOOP)
        else:
            self.outstanding += elements.count
            group.loop = (group.loop or 0) + elements.count
            machine.start(LoopSource(elements, task, self.scope, self, make))

    def child_done(self, machine: Machine, child: Node) -> None:
        self._note(child)
        self._one_less(machine)

    def child_wrong(self) -> None:
        """The group is in error: members that have not started never do."""
        self.closed = True

    def child_failed_to_start(self, machine: Machine, child: Node) -> None:
        self._note(child)
        # Only one can be: it closed the group.
        self.problem = f"step group deemed errored due to child {child.display} error: {child.message}"
        self._one_less(machine)

    def child_dropped(self, machine: Machine) -> None:
        self.stopped = True
        self._one_less(machine)

    def _note(self, child: Node) -> None:
        assert child.task is not None
        self.members[child.task.number][1].append(child)

    def child_failed(self, machine: Machine) -> None:
        template = self.node.template
        if template is not None and template.fail_fast and not self.closed:
            self.closed = True
            self.failed = True
            if self.gate is not None:
                machine.wake_all(self.gate)

    def _one_less(self, machine: Machine) -> None:
        self.outstanding -= 1
        if not self.outstanding and self.group is not None and not self.group.done:
            self._group_over(machine)

    def _group_over(self, machine: Machine) -> None:
        """Every member has ended: the group's phase, then the next group or the template's end."""
        group = self.group
        assert group is not None
        if self.problem:
            self._fail(machine, ERROR, self.problem)
            return
        if self.failed:
            self._fail(machine, FAILED, "template has failed or errored children and failFast enabled")
            return
        for task, nodes in self.members.values():
            for child in sorted(nodes, key=lambda n: n.number):
                forgiven = task.continue_failed if child.phase == FAILED else task.continue_error
                if child.phase in UNSUCCESSFUL and not forgiven:
                    self._fail(machine, FAILED, f"child '{child.identity(machine.name)}' failed")
                    return
        if self.stopped:
            self._fail(machine, FAILED, machine.stop_message)
            return
        machine.finish(group, SUCCEEDED)
        self._make_visible(group)
        self.next_group(machine)

    def _fail(self, machine: Machine, group_phase: str, message: str) -> None:
        """The group did not succeed: the template is Failed, also when the group is Error."""
        assert self.group is not None
        machine.finish(self.group, group_phase, message)
        self.node.outbound = _ends_of(machine, self.group)
        machine.finish(self.node, FAILED, message)

    def _make_visible(self, group: Node) -> None:
        template = self.node.template
        assert template is not None
        for task, nodes in self.members.values():
            if task.loop is None:
                self.called[task.name] = Called(nodes[0], task, template.holder)
            else:
                ran = [n for n in sorted(nodes, key=lambda n: n.item or 0) if n.kind != "Skipped"]
                self.called[task.name] = Called(group, task, template.holder, ran)

    def scope_for_hooks(self, machine: Machine, node: Node) -> Scope:
        """The steps seen so far, and the node itself under its display name and its step's name."""
        template = self.node.template
        assert template is not None
        assert node.task is not None
        own = {
            node.display: Called(node, node.task, template.holder),
            node.task.name: Called(node, node.task, template.holder),
        }
        return CallsScope(node.caller or self.scope, machine, "steps.", own)

    def _succeed(self, machine: Machine) -> None:
        node = self.node
        assert node.template is not None
        if self.group is not None:
            node.outbound = _ends_of(machine, self.group)
        try:
            node.outputs = template_outputs(machine, node.template, self.scope)
        except NodeError as problem:
            machine.finish(node, ERROR, str(problem))
            return
        export_globals(machine, node.outputs)
        machine.finish(node, SUCCEEDED)


def _ends_of(machine: Machine, group: Node) -> list[int]:
    """The nodes after which the next group hangs: all outbound nodes of the group's children, or the group itself."""
    found: dict[int, None] = {}
    for number in group.children:
        found.update(dict.fromkeys(outbound(machine, machine.nodes[number])))
    return list(found) or [group.number]
