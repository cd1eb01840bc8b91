"""Calls that repeat, and tasks that are ended together without losing one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class Every:
    """Calls again and again, until cancelled."""

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self._seconds = seconds
        self._call = call
        self._handle = asyncio.get_running_loop().call_later(seconds, self._again)

    def _again(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._seconds, self._again)
        self._call()

    def cancel(self) -> None:
        self._handle.cancel()


async def ended(tasks: Sequence[asyncio.Task[T]]) -> list[T | BaseException]:
    """End the tasks that still run, and wait for all; what each answered."""
    for task in tasks:
        if not task.cancelling():  # a second one would end its grace period
            task.cancel()
    waiting = asyncio.gather(*tasks, return_exceptions=True)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()  # a second cancellation ends the grace periods
        await waiting
        raise
