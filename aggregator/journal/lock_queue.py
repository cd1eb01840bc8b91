"""The rule of the lock queue: who may take what, by priority and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aggregator.ports import LockDenied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aggregator.engine.commands import TakeLocks


class Waiter(NamedTuple):
    """A place in the queue of one lock."""

    holder: str
    priority: int
    since: float
    serial: int


def run_of(holder: str) -> str:
    """`NAMESPACE/RUN` of a holder, which is a run or `NAMESPACE/RUN/NODE`."""
    return "/".join(holder.split("/", 2)[:2])


def denied(
    wish: TakeLocks, serial: int, held: Mapping[str, int], waiting: Mapping[str, Iterable[Waiter]]
) -> LockDenied | None:
    """Why the wish can't be granted now; None when it can, all locks at once.

    A lock is free when it has a place left and the first in its queue is of the same run. `held` are the places taken.
    """
    me = Waiter(wish.holder, wish.priority, wish.since, serial)
    for lock in wish.locks:
        used = held.get(lock.key, 0)
        first = min((*waiting.get(lock.key, ()), me), key=_turn)
        if used >= lock.limit or run_of(first.holder) != run_of(wish.holder):
            return LockDenied(lock.key, used, lock.limit)
    return None


def _turn(waiter: Waiter) -> tuple[int, float, int]:
    return -waiter.priority, waiter.since, waiter.serial
