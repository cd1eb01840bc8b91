"""One child process: started fast, its output pumped into files and to the watcher, ended with all that it started."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator.runtimes.process import posix
from aggregator.runtimes.process.orphans import Orphans
from aggregator.runtimes.process.processes import children, end_marked, group_of, to_group, to_one
from aggregator.runtimes.process.pump import Pump, Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.runtimes.process.confine import Confined
    from aggregator.runtimes.process.isolation import Bubblewrap

_LAST_WORDS_SECONDS = 0.5
"""How long output of what was killed beside the main process is waited for."""
_STARTING_SECONDS = 0.01
_LOADING_SECONDS = 0.02
orphans = Orphans()


@dataclass(frozen=True, slots=True)
class Line:
    """What a child is started with. `streams` are the files of its output; `mark` a variable that only this attempt has."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    streams: tuple[str, str]
    write: tuple[Write | None, Write | None] = (None, None)
    wrapped: Bubblewrap | None = None
    mark: str = ""
    confined: Confined | None = None


async def start(line: Line) -> Child:
    """The running child. A cancellation that comes meanwhile is kept in `Child.cancelled`, since the process comes anyway."""
    loop = asyncio.get_running_loop()
    pumps: list[Pump] = []
    nothing = -1
    try:
        for path, write in zip(line.streams, line.write, strict=True):
            pumps.append(Pump(loop, path, write))
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        out, err = (pump.write_end for pump in pumps)
        ordered = posix.order(posix.Program(line.argv, line.env, line.cwd, nothing, out, err))
        cancelled = False
        while not ordered.done():
            try:
                await asyncio.shield(ordered)
            except asyncio.CancelledError:
                cancelled = True
        return Child(loop, ordered.result(), line, pumps, cancelled=cancelled)
    except BaseException:
        for pump in pumps:
            pump.close()
        raise
    finally:
        if nothing >= 0:
            os.close(nothing)


class Child:
    """A running child in a session of its own. `exited` is its exit code as a shell would give it (128 + signal)."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, pid: int, line: Line, pumps: list[Pump], *, cancelled: bool = False
    ) -> None:
        self._loop = loop
        self._wrapped = line.wrapped
        own_pids = line.wrapped is not None and line.wrapped.own_pids
        self._mark = b"" if own_pids else line.mark.encode()
        self._ended_by_us = False
        self._confined = line.confined
        self.pid = pid
        self.pumps = pumps
        self.cancelled = cancelled
        self.exited: asyncio.Future[int] = loop.create_future()
        orphans.begin(pid)
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError:
            self._kill_group()
            os.waitpid(pid, 0)
            orphans.living.discard(pid)
            raise
        loop.add_reader(self._pidfd, self._reap)
        for pump in pumps:
            pump.start()
        if self._confined is not None:
            self._confined.watch(self)

    @property
    def out_of_memory(self) -> bool:
        """Whether it was killed for using more memory than its limit."""
        return self._confined is not None and self._confined.out_of_memory

    def _reap(self) -> None:
        # While its leader is not reaped, the group's number can't mean anybody else: end what it left behind first.
        self._kill_group()
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status = self.pid, 0
        if pid == 0:
            return
        orphans.living.discard(self.pid)
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        if self._confined is not None:
            self._confined.over()
        for pump in self.pumps:
            pump.take_what_is_there()
        if not self.exited.done():
            code = os.waitstatus_to_exitcode(status)
            self.exited.set_result(code if code >= 0 else 128 - code)

    def signal(self, number: signal.Signals) -> bool:
        """Send to all that the child started; whether there was something to send it to.

        A wrapper (bubblewrap) must stay alive to tell how the child ended, and takes a moment until it has started it.
        """
        if self.exited.done():
            return True
        self._ended_by_us = True
        if self._wrapped is None:
            to_group(self.pid, number)
            return True
        if self._wrapped.own_pids:
            first = children(self.pid)  # the first process of the namespace, which leads the group of the leaf
            started = any(children(pid) for pid in first)
            for pid in first:
                to_group(pid, number)
        else:
            inner = [pid for pid in group_of(self.pid) if pid != self.pid]
            started = bool(inner)
            for pid in inner:
                to_one(pid, number)
        if number is signal.SIGKILL:
            to_group(self.pid, number)
        return started

    def _kill_group(self) -> None:
        to_group(self.pid, signal.SIGKILL)

    async def end(self, grace: float) -> int:
        """SIGTERM, the grace period, SIGKILL; a cancellation meanwhile ends the grace period."""
        if not self.exited.done():
            until = self._loop.time() + grace
            try:
                while not self.signal(signal.SIGTERM) and self._loop.time() < until:
                    await asyncio.wait([self.exited], timeout=_STARTING_SECONDS)
                await asyncio.wait([self.exited], timeout=max(0.0, until - self._loop.time()))
            finally:
                if not self.exited.done():
                    self.signal(signal.SIGKILL)
        return await self.finish()

    async def end_for_good(self, grace: float) -> int:
        """`end`, whatever cancellations arrive: each one ends the grace period, none leaves the child behind."""
        ending = asyncio.ensure_future(self.end(grace))
        cancelled = False
        while not ending.done():
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError:
                cancelled = True
                self.signal(signal.SIGKILL)
        if cancelled:
            raise asyncio.CancelledError
        return ending.result()

    async def finish(self) -> int:
        """Wait for the child and take the last of its output."""
        try:
            code = await asyncio.shield(self.exited)
            if not self._ended_by_us:
                # A program that is just being loaded has our pipes for a moment, too.
                await self._last_words(_LOADING_SECONDS)
            if self._mark and self._left_something():
                orphans.will_be_reaped(end_marked(self._mark))
            orphans.reap()
            await self._last_words(_LAST_WORDS_SECONDS)
        finally:
            if self.exited.done():
                for pump in self.pumps:
                    pump.close()
        return code

    def _left_something(self) -> bool:
        """Whether a process may be left that has gone from the group: it holds a pipe, or has become our child."""
        return self._ended_by_us or not all(pump.ended for pump in self.pumps) or orphans.have(self._mark)

    async def _last_words(self, seconds: float) -> None:
        """Read until nobody holds the pipes, or for a moment when someone outside the group does."""
        waiting = [pump for pump in self.pumps if not pump.ended]
        if not waiting:
            return
        over = self._loop.create_future()

        def one_ended() -> None:
            if all(pump.ended for pump in self.pumps) and not over.done():
                over.set_result(None)

        for pump in waiting:
            pump.on_end = one_ended
        await asyncio.wait([over], timeout=seconds)
