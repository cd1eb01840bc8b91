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

    A lock is free when it has a place left and nobody of another run stands ahead in its queue. `held` are the places
    taken by others.
    """
    mine = (-wish.priority, wish.since, serial)
    run = run_of(wish.holder)
    for lock in wish.locks:
        used = held.get(lock.key, 0)
        ahead = any(
            (-w.priority, w.since, w.serial) < mine and run_of(w.holder) != run for w in waiting.get(lock.key, ())
        )
        if used >= lock.limit or ahead:
            return LockDenied(lock.key, used, lock.limit)
    return None
