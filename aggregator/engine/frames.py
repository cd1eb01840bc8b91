"""Frames: the running state of composite nodes, told of every child's end. Kinds add their own for steps and dag."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.engine.limits import Gate
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node
    from aggregator.engine.scope import Scope


class Frame(ABC):
    """What waits for children; each is reported once, fulfilled with its hooks done."""

    __slots__ = ("gate", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.gate: Gate | None = None

    @abstractmethod
    def child_done(self, machine: Machine, child: Node) -> None:
        """The child is fulfilled and its hooks have ended."""

    def child_failed_to_start(self, machine: Machine, child: Node) -> None:
        """The child ended in Error before it could be dispatched; by default as any other end."""
        self.child_done(machine, child)

    def daemon_ended(self, machine: Machine, child: Node) -> None:  # noqa: B027 - most frames have nothing to do then
        """A child that was reported as a daemon that is up has now ended; of no interest to most."""


class CallingFrame(Frame):
    """What calls templates: instead of being done, a call may also be dropped."""

    __slots__ = ("closed",)

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.closed = False
        """Nothing more is to be started here."""

    @abstractmethod
    def child_dropped(self, machine: Machine) -> None:
        """A child will never start, because the run is being stopped or this is closed."""

    def child_wrong(self) -> None:
        """A child has just been called wrongly; how it ends is reported like any other end."""


class TemplateFrame(CallingFrame):
    """What runs a whole template."""

    __slots__ = ()

    @abstractmethod
    def scope_for_hooks(self, machine: Machine, node: Node) -> Scope:
        """What the hooks of a child see."""

    @abstractmethod
    def child_failed(self, machine: Machine) -> None:
        """A direct child has just failed for good: the moment for failFast, before anything else starts."""
