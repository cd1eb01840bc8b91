"""What the tasks of a DAG see of each other: a task its ancestors, the template's outputs all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.node import HOOKED
from aggregator.engine.outputs import Called, CallsScope
from aggregator.plan.ancestry import Ancestry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node
    from aggregator.engine.scope import Scope
    from aggregator.plan.program import Task, Template


class DagCalls:
    """The tasks of one running DAG that have a node; a loop's results are gathered once."""

    __slots__ = ("gathered", "machine", "nodes", "template")

    def __init__(self, machine: Machine, template: Template, nodes: list[Node | None]) -> None:
        self.machine = machine
        self.template = template
        self.nodes = nodes
        """By number of the task."""
        self.gathered: dict[int, Called] = {}

    def called(self, number: int) -> Called | None:
        """The task as others see it, once it has been started or passed over."""
        node = self.nodes[number]
        if node is None:
            return None
        task = self.template.tasks[number]
        if node.kind != "TaskGroup":
            return Called(node, task, self.template.holder)
        called = self.gathered.get(number)
        if called is None:
            elements = [n for n in map(self.machine.nodes.__getitem__, node.children) if not n.flags & HOOKED]
            called = Called(node, task, self.template.holder, sorted(elements, key=lambda n: n.item or 0))
            self.gathered[number] = called
        return called

    def comes_before(self, first: int, second: int) -> bool:
        """Whether the one task is an ancestor of the other; most tasks ask for what they need directly."""
        if first in self.template.tasks[second].needs:
            return True
        if self.template.ancestry is None:
            self.template.ancestry = Ancestry(self.template.tasks)
        return self.template.ancestry.comes_before(first, second)


class TasksScope(CallsScope):
    """`tasks.*` as one task sees it, or the template's outputs (`number` None)."""

    __slots__ = ("dag", "number")

    def __init__(self, parent: Scope, dag: DagCalls, number: int | None) -> None:
        super().__init__(parent, dag.machine, "tasks.", {})
        self.dag = dag
        self.number = number

    def find(self, name: str) -> Called | None:
        other = self.dag.template.by_name.get(name)
        if other is None or (self.number is not None and not self.dag.comes_before(other, self.number)):
            return None
        return self.dag.called(other)

    def names(self) -> Iterator[str]:
        tasks = self.dag.template.tasks
        seen: Iterable[int]
        if self.number is None:
            seen = (task.number for task in tasks if self.dag.nodes[task.number] is not None)
        else:
            seen = sorted(ancestors(tasks, [self.number]) - {self.number})
        for number in seen:
            yield tasks[number].name


def ancestors(tasks: tuple[Task, ...], numbers: list[int]) -> set[int]:
    """The tasks themselves and all that they need, transitively."""
    found = set(numbers)
    todo = list(found)
    for number in todo:
        for need in tasks[number].needs:
            if need not in found:
                found.add(need)
                todo.append(need)
    return found
