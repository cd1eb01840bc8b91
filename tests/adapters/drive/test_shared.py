"""The driver's worker for locks and cached outputs: order, waiting, failures, and giving everything back at the end."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aggregator.drive.shared import Shared
from aggregator.engine.commands import LockWish, LookUpCache, ReleaseLocks, SaveCache, TakeLocks
from aggregator.engine.events import CacheAnswered, LocksRefused, LocksTaken, LocksWaiting
from aggregator.errors import StoreError, TransientError
from aggregator.journal.memory_cache import MemoryCache
from aggregator.journal.memory_locks import MemoryLocks


class Clock:
    def now(self):
        return 5.0


class Broken:
    """A port whose every call fails, at first perhaps only for a while."""

    def __init__(self, *problems):
        self.problems = list(problems)

    def fail(self, *_args):
        raise self.problems.pop(0) if len(self.problems) > 1 else self.problems[0]

    take = release = look_up = save = fail

    def close(self):
        pass


def drive(body, locks=None, cache=None):
    """Run `body(shared, posted, notices)` and hand back what was posted and told."""
    posted, notices = [], []

    async def main():
        with ThreadPoolExecutor(1) as writer:
            shared = Shared(
                open_locks=lambda: locks or MemoryLocks(),
                open_cache=lambda: cache or MemoryCache(),
                clock=Clock(),
                writer=writer,
                post=posted.append,
                notice=notices.append,
            )
            await body(shared, posted)
            await shared.stop()

    asyncio.run(main())
    return posted, notices


async def until(posted, count):
    while len(posted) < count:
        await asyncio.sleep(0.01)


def wish(node, holder, key="m"):
    return TakeLocks(node, holder, [LockWish(key, 1)], 0, 0.0)


def test_a_lock_is_granted_told_to_wait_and_granted_when_it_is_free():
    locks = MemoryLocks()

    async def body(shared, posted):
        shared.order(wish(1, "ns/r/1"))
        shared.order(wish(2, "ns/r/2"))
        await until(posted, 2)
        shared.order(ReleaseLocks("ns/r/1"))
        await until(posted, 3)

    posted, _ = drive(body, locks)
    assert posted == [LocksTaken(5.0, 1), LocksWaiting(5.0, 2, "m", 1, 1), LocksTaken(5.0, 2)]
    assert locks.holding == {}


def test_a_lock_that_another_process_holds_is_asked_for_again():
    locks = MemoryLocks()
    locks.take(wish(-1, "ns/other"))

    async def body(shared, posted):
        shared.order(wish(1, "ns/r/1"))
        await until(posted, 1)
        locks.release("ns/other")
        await until(posted, 2)

    posted, _ = drive(body, locks)
    assert [type(e) for e in posted] == [LocksWaiting, LocksTaken]


def test_who_gives_up_waiting_is_not_asked_for_again():
    locks = MemoryLocks()
    locks.take(wish(-1, "ns/other"))

    async def body(shared, posted):
        shared.order(wish(1, "ns/r/1"))
        shared.order(ReleaseLocks("ns/r/1"))
        shared.order(wish(2, "ns/r/2", "free"))
        await until(posted, 2)

    posted, _ = drive(body, locks)
    assert posted[-1] == LocksTaken(5.0, 2)


def test_outputs_are_saved_before_the_lock_is_given_back():
    cache = MemoryCache()
    entry = {"nodeID": "n", "outputs": None}

    async def body(shared, posted):
        shared.order(SaveCache("c", "k", entry))
        shared.order(LookUpCache(3, "c", "k"))
        await until(posted, 1)

    posted, _ = drive(body, cache=cache)
    assert posted == [CacheAnswered(5.0, 3, entry)]


def test_a_lock_that_can_t_be_had_at_all_is_refused():
    async def body(shared, posted):
        shared.order(wish(1, "ns/r/1"))
        await until(posted, 1)

    posted, _ = drive(body, Broken(StoreError("the disk is full")))
    assert posted == [LocksRefused(5.0, 1, "the disk is full")]


def test_a_wait_outlives_a_busy_database_but_not_a_broken_one():
    locks = MemoryLocks()
    locks.take(wish(-1, "ns/other"))
    troubles = [TransientError("busy"), StoreError("gone")]

    class Flaky(MemoryLocks):
        asked = 0

        def take(self, wanted):
            self.asked += 1
            if self.asked > 1:
                raise troubles.pop(0)
            return locks.take(wanted)

    async def body(shared, posted):
        shared.order(wish(1, "ns/r/1"))
        await until(posted, 2)

    posted, _ = drive(body, Flaky())
    assert posted[-1] == LocksRefused(5.0, 1, "gone")
    assert troubles == []


def test_a_cache_that_can_t_be_used_is_told_and_counts_as_empty():
    async def body(shared, posted):
        shared.order(LookUpCache(1, "c", "k"))
        shared.order(SaveCache("c", "k", {}))
        shared.order(ReleaseLocks("ns/r/1"))
        await until(posted, 1)

    posted, notices = drive(body, Broken(StoreError("no disk")), Broken(StoreError("no disk")))
    assert posted == [CacheAnswered(5.0, 1, None)]
    assert notices == ["the cache can't be read: no disk", *["locks or cache can't be written: no disk"] * 2]


def test_nothing_is_opened_for_a_run_that_needs_neither():
    async def body(_shared, _posted):
        pass

    assert drive(body) == ([], [])
