"""Timers of one run: a heap and one sleeping task, however many there are."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.ports import Clock


class Timers:
    """Calls `fire(timer)` when each timer's time has come."""

    def __init__(self, clock: Clock, fire: Callable[[int], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._heap: list[tuple[float, int]] = []
        self._cancelled: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._next: float | None = None

    def set(self, timer: int, at: float) -> None:
        """Fire `timer` at `at`; at once when that is past."""
        heapq.heappush(self._heap, (at, timer))
        if self._next is None or at < self._next:
            self._restart()

    def cancel(self, timer: int) -> None:
        self._cancelled.add(timer)

    @property
    def pending(self) -> int:
        """How many are set and have neither fired nor been cancelled."""
        return len(self._heap) - len(self._cancelled)

    def _restart(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._next = self._heap[0][0]
        self._task = asyncio.create_task(self._sleep(), name="timers")

    async def _sleep(self) -> None:
        while self._heap:
            self._next = self._heap[0][0]
            await self._clock.sleep_until(self._next)
            now = self._clock.now()
            while self._heap and self._heap[0][0] <= now:
                _, timer = heapq.heappop(self._heap)
                if timer in self._cancelled:
                    self._cancelled.discard(timer)
                else:
                    self._fire(timer)
        self._next = None

    async def stop(self) -> None:
        """Forget all timers."""
        self._heap.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
