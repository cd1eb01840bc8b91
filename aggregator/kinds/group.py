"""The group of a looped DAG task: waits for all elements, and takes the phase of the last one that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.frames import CallingFrame
from aggregator.engine.node import FAILED, SUCCEEDED, UNSUCCESSFUL

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node


class LoopFrame(CallingFrame):
    """A looped task's group: waits for all elements, and takes the phase of the last one that failed."""

    __slots__ = ("last", "left", "stopped", "worst")

    def __init__(self, node: Node, count: int) -> None:
        super().__init__(node)
        self.left = count
        self.worst = SUCCEEDED
        self.last = -1
        self.stopped = False

    def child_done(self, machine: Machine, child: Node) -> None:
        if child.phase in UNSUCCESSFUL and (child.item or 0) > self.last:
            self.last = child.item or 0
            self.worst = child.phase
        self._one_less(machine)

    def child_dropped(self, machine: Machine) -> None:
        self.stopped = True
        self._one_less(machine)

    def _one_less(self, machine: Machine) -> None:
        self.left -= 1
        if not self.left:
            phase = FAILED if self.stopped and self.worst == SUCCEEDED else self.worst
            machine.finish(self.node, phase)
