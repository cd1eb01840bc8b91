"""Limits: gates that hold back what may not start yet, in order, at O(1) per start."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine


class Source(Protocol):
    """Something that wants to start: one call, a loop's next element, a retry's next attempt."""

    def advance(self, machine: Machine) -> Gate | None:
        """Start all that may start now; the gate that held it back, or None when nothing is left to start."""
        ...


class Gate:
    """At most `limit` holders at once (None: no limit); sources that came too early wait here in order."""

    __slots__ = ("limit", "used", "waiting")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.used = 0
        self.waiting: deque[Source] = deque()

    @property
    def open(self) -> bool:
        return self.limit is None or self.used < self.limit
