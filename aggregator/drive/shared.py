"""Locks and cached outputs: carries the machine's wishes to the ports in order, and posts what they answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aggregator.engine.commands import LookUpCache, ReleaseLocks, SaveCache, TakeLocks
from aggregator.engine.events import CacheAnswered, Event, LocksRefused, LocksTaken, LocksWaiting
from aggregator.errors import AggError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from aggregator.ports import Cache, Clock, Locks

    Wish = TakeLocks | ReleaseLocks | LookUpCache | SaveCache

ASK_SECONDS = 0.25
"""How often a lock that others hold is asked for again."""


class Shared:
    """One worker, since order matters: outputs are saved before the lock is released behind which the next one waits.

    `open_locks` and `open_cache` give the ports, on first use; their calls are made on `writer`.
    """

    def __init__(
        self,
        *,
        open_locks: Callable[[], Locks],
        open_cache: Callable[[], Cache],
        clock: Clock,
        writer: Executor,
        post: Callable[[Event], None],
        notice: Callable[[str], None],
    ) -> None:
        self._open_locks = open_locks
        self._open_cache = open_cache
        self._clock = clock
        self._writer = writer
        self._post = post
        self._notice = notice
        self._locks: Locks | None = None
        self._cache: Cache | None = None
        self._orders: asyncio.Queue[Wish] = asyncio.Queue()
        self._waiting: dict[str, TakeLocks] = {}
        self._worker: asyncio.Task[None] | None = None

    def order(self, wish: Wish) -> None:
        """Queue one wish."""
        self._orders.put_nowait(wish)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="shared")

    async def stop(self) -> None:
        """Carry out what is queued (releases, entries to keep), then close the ports: what is held is free."""
        if self._worker is None:
            return
        await self._orders.join()
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        loop = asyncio.get_running_loop()
        for port in (self._locks, self._cache):
            if port is not None:
                await loop.run_in_executor(self._writer, port.close)

    async def _work(self) -> None:
        while True:
            try:
                async with asyncio.timeout(ASK_SECONDS if self._waiting else None):
                    wish = await self._orders.get()
            except TimeoutError:
                await self._ask_again()
                continue
            try:
                await self._carry_out(wish)
            finally:
                self._orders.task_done()

    async def _carry_out(self, wish: Wish) -> None:
        loop = asyncio.get_running_loop()
        try:
            if isinstance(wish, TakeLocks):
                self._waiting[wish.holder] = wish
                await self._ask(wish, first=True)
            elif isinstance(wish, ReleaseLocks):
                self._waiting.pop(wish.holder, None)
                await loop.run_in_executor(self._writer, self._lock_port().release, wish.holder)
                await self._ask_again()
            elif isinstance(wish, LookUpCache):
                entry = await loop.run_in_executor(
                    self._writer, self._cache_port().look_up, wish.cache, wish.key, self._clock.now()
                )
                self._post(CacheAnswered(self._clock.now(), wish.node, entry))
            else:
                await loop.run_in_executor(self._writer, self._cache_port().save, wish.cache, wish.key, wish.entry)
        except AggError as problem:
            self._failed(wish, problem)

    def _failed(self, wish: Wish, problem: AggError) -> None:
        """The database can't be used: a lock is refused, an entry counts as missing, the rest is told."""
        if isinstance(wish, TakeLocks):
            self._waiting.pop(wish.holder, None)
            self._post(LocksRefused(self._clock.now(), wish.node, problem.message))
        elif isinstance(wish, LookUpCache):
            self._notice(f"the cache can't be read: {problem.message}")
            self._post(CacheAnswered(self._clock.now(), wish.node, None))
        else:
            self._notice(f"locks or cache can't be written: {problem.message}")

    async def _ask_again(self) -> None:
        for wish in list(self._waiting.values()):
            try:
                await self._ask(wish, first=False)
            except TransientError:
                continue
            except AggError as problem:
                self._failed(wish, problem)

    async def _ask(self, wish: TakeLocks, *, first: bool) -> None:
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._writer, self._lock_port().take, wish)
        now = self._clock.now()
        if answer is None:
            self._waiting.pop(wish.holder, None)
            self._post(LocksTaken(now, wish.node))
        elif first:
            self._post(LocksWaiting(now, wish.node, answer.lock, answer.held, answer.limit))

    def _lock_port(self) -> Locks:
        if self._locks is None:
            self._locks = self._open_locks()
        return self._locks

    def _cache_port(self) -> Cache:
        if self._cache is None:
            self._cache = self._open_cache()
        return self._cache
