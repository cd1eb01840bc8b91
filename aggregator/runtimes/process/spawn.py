"""One child process: started fast, its output pumped into files and to the watcher, ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from aggregator.runtimes.process.times import ArrivalTimes

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.runtimes.process.isolation import Bubblewrap

_CHUNK = 1 << 16
_LAST_WORDS_SECONDS = 0.5
"""How long output of what was killed beside the main process is waited for."""
Write = Callable[[bytes], None]
_living: set[int] = set()
"""Process ids of the children that are not reaped yet."""


class Pump:
    """Reads one output pipe as data comes: into a file that appears with the first byte, and to whoever watches."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: Path, write: Write | None) -> None:
        self.read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.read_end, False)
        self.error: OSError | None = None
        self.ended = False
        self.on_end: Callable[[], None] | None = None
        self._loop = loop
        self._path = path
        self._file = -1
        self._times = ArrivalTimes(path)
        self._write = write

    def start(self) -> None:
        """The child has its end; ours is closed, so that the child's last writer ends the stream."""
        os.close(self.write_end)
        self.write_end = -1
        self._loop.add_reader(self.read_end, self._ready)

    def _ready(self) -> None:
        if not self._read_once():
            return
        self.close()
        if self.on_end:
            self.on_end()

    def _read_once(self) -> bool:
        """One chunk; whether the stream has ended."""
        try:
            data = os.read(self.read_end, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        if not data:
            return True
        if self.error is None:
            try:
                self._store(data)
            except OSError as error:
                self.error = error  # the pipe is still drained, so that the child does not block
        if self._write is not None:
            self._write(data)
        return False

    def _store(self, data: bytes) -> None:
        if self._file < 0:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._times.arrived(len(data))

    def close(self) -> None:
        """Give up the pipe and the file."""
        self.ended = True
        if self.read_end >= 0:
            self._loop.remove_reader(self.read_end)
            os.close(self.read_end)
            self.read_end = -1
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._times.close()


class Child:
    """A running child in a session of its own. `exited` is its exit code as a shell would give it (128 + signal)."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        folder: Path,
        names: tuple[str, str] = ("stdout", "stderr"),
        write: tuple[Write | None, Write | None] = (None, None),
        wrapped: Bubblewrap | None = None,
        mark: str = "",
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._wrapped = wrapped
        self._mark = mark.encode() if mark and not (wrapped and wrapped.own_pids) else b""
        self._ended_by_us = False
        self._pidfd = -1
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self.pumps: list[Pump] = []
        try:
            for name, each in zip(names, write, strict=True):
                self.pumps.append(Pump(self._loop, folder / name, each))
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=self.pumps[0].write_end,
                stderr=self.pumps[1].write_end,
                cwd=cwd,
                env=env,
                start_new_session=True,
                close_fds=True,
            )
        except BaseException:
            for pump in self.pumps:
                pump.close()
            raise
        self.pid = self._process.pid
        _living.add(self.pid)
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except OSError:
            self._kill_group()
            self._process.wait()
            _living.discard(self.pid)
            for pump in self.pumps:
                pump.close()
            raise
        self._loop.add_reader(self._pidfd, self._reap)
        for pump in self.pumps:
            pump.start()

    def _reap(self) -> None:
        # While its leader is not reaped, the group's number can't mean anybody else: end what it left behind first.
        self._kill_group()
        code = self._process.poll()
        if code is None:
            return
        _living.discard(self.pid)
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        if os.getpid() == 1:
            reap_orphans()
        if not self.exited.done():
            self.exited.set_result(code if code >= 0 else 128 - code)

    def signal(self, number: signal.Signals) -> None:
        """Send to all that the child started; a wrapper (bubblewrap) must stay alive to tell how the child ended."""
        if self.exited.done():
            return
        self._ended_by_us = True
        if self._wrapped is None:
            _to_group(self.pid, number)
            return
        inner = children(self.pid) if self._wrapped.own_pids else [p for p in _group(self.pid) if p != self.pid]
        for pid in inner:
            (_to_group if self._wrapped.own_pids else _to_one)(pid, number)
        if number is signal.SIGKILL or not inner:
            _to_group(self.pid, number)

    def _kill_group(self) -> None:
        _to_group(self.pid, signal.SIGKILL)

    async def end(self, grace: float) -> int:
        """SIGTERM, the grace period, SIGKILL; a cancellation meanwhile ends the grace period."""
        if not self.exited.done():
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait([self.exited], timeout=grace)
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
            if self._mark and (self._ended_by_us or not all(pump.ended for pump in self.pumps)):
                await asyncio.sleep(0)  # the end of the streams is seen in the same turn of the loop, where it is near
                if self._ended_by_us or not all(pump.ended for pump in self.pumps):
                    end_marked(self._mark)
            await self._last_words()
        finally:
            if self.exited.done():
                for pump in self.pumps:
                    pump.close()
        return code

    async def _last_words(self) -> None:
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
        await asyncio.wait([over], timeout=_LAST_WORDS_SECONDS)


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
            return [int(word) for word in listed.read().split()]
    except FileNotFoundError:
        return [child for child, parent, _ in _processes() if parent == pid]
    except OSError:
        return []


def _group(leader: int) -> list[int]:
    return [pid for pid, _, group in _processes() if group == leader]


def _processes() -> list[tuple[int, int, int]]:
    """Every process with its parent and its group."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        found.append((int(name), int(fields[1]), int(fields[2])))
    return found


def reap_orphans() -> None:
    """As the first process of a container we inherit what bubblewrap leaves: its dead first process of each namespace."""
    for pid in children(os.getpid()):
        if pid in _living:
            continue
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                name, _, rest = stat.read().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "bwrap" and rest.split()[0] == "Z":
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def end_marked(mark: bytes) -> None:
    """Kill every process whose environment has the mark: those that left the group keep it in what they were started with."""
    for _ in range(8):  # one may fork while others are looked at
        found = False
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/environ", "rb") as environ:
                    marked = mark in environ.read().split(b"\0")
            except OSError:
                continue
            if marked:
                _to_one(int(name), signal.SIGKILL)
                found = True
        if not found:
            return


def _to_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _to_one(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
