"""Places: what a starting node counts against, and the gate that says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.limits import Gate

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node
    from aggregator.plan.program import Template

POD, UNDER, SLOT = 1, 2, 4
"""Bits of `Node.holds`: the run's parallelism, the enclosing template's, and the class of leaves."""


def slot(machine: Machine, template: Template) -> Gate | None:
    """The gate of the template's class of leaves, made on first use from the run's options."""
    kind = template.kind
    try:
        return machine.gate_of[kind]
    except KeyError:
        name = machine.kinds[kind].slot
        if name and name not in machine.slots:
            limits = machine.options.get("slots") or {}
            machine.slots[name] = Gate(limits.get(name) or None)
        gate = machine.gate_of[kind] = machine.slots[name] if name else None
        return gate


def _counts_as_pod(machine: Machine, template: Template) -> bool:
    """As in Argo HTTP, plugin and suspend nodes are no pods; unless Argo is meant strictly, HTTP nodes count all the same."""
    name = machine.kinds[template.kind].slot
    return name == "process" or (name == "http" and not machine.options.get("strict_argo"))


def under(boundary: Node | None) -> Gate | None:
    """The gate of the template that encloses a node, if it has a limit."""
    frame = boundary.frame if boundary is not None else None
    return frame.gate if frame is not None else None


def blocked(machine: Machine, template: Template, boundary: Node | None, *, placed: bool = False) -> Gate | None:
    """The gate that forbids starting a node of this template under this boundary now.

    `placed` says that the node has its place under the boundary already.
    """
    if machine.suspended:
        return machine.suspend_gate
    if not machine.workflow_gate.open:
        return machine.workflow_gate
    gate = None if placed else under(boundary)
    if gate is not None and not gate.open:
        return gate
    gate = slot(machine, template)
    return gate if gate is not None and not gate.open else None


def place(machine: Machine, node: Node, template: Template) -> None:
    """Count a node that waits for its locks as a child of its template, as Argo does."""
    gate = under(node.boundary)
    if gate is not None and (_counts_as_pod(machine, template) or not template.leaf):
        gate.used += 1
        node.holds |= UNDER


def take(machine: Machine, node: Node, template: Template) -> None:
    """Count a node that starts."""
    counts = _counts_as_pod(machine, template)
    if counts:
        machine.workflow_gate.used += 1
        node.holds |= POD
    gate = under(node.boundary)
    if gate is not None and (counts or not template.leaf):
        gate.used += 1
        node.holds |= UNDER
    gate = slot(machine, template)
    if gate is not None:
        gate.used += 1
        node.holds |= SLOT


def release(machine: Machine, node: Node) -> None:
    """Give back what the node counted against, and let the next ones try."""
    holds = node.holds
    if not holds:
        return
    node.holds = 0
    if holds & SLOT:
        assert node.template is not None
        _free(machine, slot(machine, node.template))
    if holds & UNDER and (gate := under(node.boundary)) is not None:  # a template that is over has none any more
        _free(machine, gate)
    if holds & POD:
        _free(machine, machine.workflow_gate)


def _free(machine: Machine, gate: Gate | None) -> None:
    assert gate is not None
    gate.used -= 1
    if gate.waiting:
        machine.later(machine.wake, gate)
