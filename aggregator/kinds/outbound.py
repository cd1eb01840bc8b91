"""Outbound nodes: the last nodes of a sub-graph, from which the edges to what follows start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.containers import containers_of
from aggregator.engine.node import HOOKED

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node


def outbound(machine: Machine, node: Node) -> list[int]:
    """A leaf is its own end; steps and dag recorded theirs; a loop's group has all its elements'; a retry its last attempt's."""
    if node.kind in ("Steps", "DAG"):
        return node.outbound or [node.number]
    if node.kind == "TaskGroup":
        found: dict[int, None] = {}
        for number in node.children:
            found.update(dict.fromkeys(outbound(machine, machine.nodes[number])))
        return list(found) or [node.number]
    if node.kind == "Retry":
        attempts = [n for n in node.children if not machine.nodes[n].flags & HOOKED]
        return outbound(machine, machine.nodes[attempts[-1]]) if attempts else [node.number]
    if node.kind == "Pod" and node.template is not None and node.template.kind == "containerSet":
        return [c.number for c in containers_of(machine, node) if not _needed(machine, c)] or [node.number]
    return [node.number]


def _needed(machine: Machine, container: Node) -> bool:
    """Whether another container of the set waits for this one."""
    return any(machine.nodes[n].boundary is container.boundary for n in container.children)
