"""The phase of a DAG: of its targets, where a task that never ran takes that of the branches that led to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.node import FAILED, HOOKED, SUCCEEDED, UNSUCCESSFUL, Node
from aggregator.kinds.outbound import outbound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.engine.machine import Machine
    from aggregator.plan.program import Task


def assess(machine: Machine, dag: Node, targets: Sequence[tuple[Task, Node | None]]) -> str:
    """Walk all that the DAG started, carrying the phase of each branch to its targets; the first unforgiven failure counts."""
    nodes = machine.nodes
    wanted = {node.number: task.number for task, node in targets if node is not None}
    reached: dict[int, str] = {}
    todo = [(number, SUCCEEDED) for number in dag.children]
    seen = set(todo)
    for number, branch in todo:
        node = nodes[number]
        phase = node.phase if node.completed else branch
        target = wanted.get(number)
        if target is not None and reached.get(target) not in UNSUCCESSFUL:
            reached[target] = phase
        for child in _following(machine, node):
            if (child, phase) not in seen:
                seen.add((child, phase))
                todo.append((child, phase))
    for task, _ in targets:
        phase = reached.get(task.number, FAILED)
        forgiven = task.continue_failed if phase == FAILED else task.continue_error
        if phase in UNSUCCESSFUL and not forgiven:
            return phase
    return SUCCEEDED


def _following(machine: Machine, node: Node) -> Sequence[int]:
    """The nodes that come after this one. A retry or a loop reflects what is inside: go on behind it, with its own phase.

    (Argo steps into the last element, so that its success hides the failure of another one from an omitted task.) What needs
    a daemon started behind the attempt that was up then, which need not be the last one.
    """
    nodes = machine.nodes
    if node.kind not in ("Retry", "TaskGroup"):
        return node.children
    own = [c for c in node.children if not nodes[c].flags & HOOKED]
    hooked = [c for c in node.children if nodes[c].flags & HOOKED]
    last = own if node.daemoned else own[-1:]
    behind = (c for attempt in last for end in outbound(machine, nodes[attempt]) for c in nodes[end].children)
    return [*behind, *hooked]
