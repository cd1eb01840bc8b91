"""Locks in memory, for one process: tests and dry runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.journal.lock_queue import Waiter, denied

if TYPE_CHECKING:
    from aggregator.engine.commands import TakeLocks
    from aggregator.ports import LockDenied


class MemoryLocks:
    """Who holds and who waits, by holder."""

    def __init__(self) -> None:
        self.holding: dict[str, list[str]] = {}
        self._waiting: dict[str, tuple[TakeLocks, int]] = {}
        self._serial = 0

    def take(self, wish: TakeLocks) -> LockDenied | None:
        if wish.holder in self.holding:
            return None
        if wish.holder not in self._waiting:
            self._serial += 1
            self._waiting[wish.holder] = (wish, self._serial)
        serial = self._waiting[wish.holder][1]
        held: dict[str, int] = {}
        for keys in self.holding.values():
            for key in keys:
                held[key] = held.get(key, 0) + 1
        waiting: dict[str, list[Waiter]] = {}
        for other, number in self._waiting.values():
            for lock in other.locks:
                waiting.setdefault(lock.key, []).append(Waiter(other.holder, other.priority, other.since, number))
        answer = denied(wish, serial, held, waiting)
        if answer is None:
            del self._waiting[wish.holder]
            self.holding[wish.holder] = [lock.key for lock in wish.locks]
        return answer

    def release(self, holder: str) -> None:
        self.holding.pop(holder, None)
        self._waiting.pop(holder, None)

    def close(self) -> None:
        self.holding.clear()
        self._waiting.clear()
