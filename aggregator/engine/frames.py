"""Frames: the running state of composite nodes, told of every child's end. Kinds add their own for steps and dag."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.engine.limits import Gate
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node
    from aggregator.engine.scope import Scope


class Frame:
    """What waits for children. A child is reported once: fulfilled with its hooks done, failed to start, or dropped."""

    __slots__ = ("closed", "gate", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.gate: Gate | None = None
        self.closed = False
        """Nothing more is to be started here."""

    def scope_for_hooks(self, machine: Machine, node: Node) -> Scope:
        """What the hooks of a child see."""
        raise NotImplementedError

    def child_done(self, machine: Machine, child: Node) -> None:
        """The child is fulfilled and its hooks have ended."""
        raise NotImplementedError

    def child_failed_to_start(self, machine: Machine, child: Node) -> None:
        """The child ended in Error before it could be dispatched; by default as any other end."""
        self.child_done(machine, child)

    def child_failed(self, machine: Machine) -> None:
        """A direct child of this template has just failed for good: the moment for failFast, before anything else starts."""

    def child_wrong(self) -> None:
        """A child has just been called wrongly; how it ends is reported like any other end."""

    def daemon_ended(self, machine: Machine, child: Node) -> None:
        """A child that was reported as a daemon that is up has now ended; of no interest to most."""

    def child_dropped(self, machine: Machine) -> None:
        """A child will never start, because the run is being stopped."""
        raise NotImplementedError
