"""Processes whose parent, a leaf, has died: they become our children, so that those of an attempt that ended are found."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field

from aggregator.runtimes.process.processes import Seen, children, has_mark, look_at

_SET_CHILD_SUBREAPER = 36
_PATIENCE = 50
_NOBODY_WAITS_SECONDS = 1.0
"""A dead child that is still there after so long has nobody who waits for it."""


@dataclass(slots=True)
class Orphans:
    """One for the whole process. `living` are the children that an attempt of ours waits for."""

    living: set[int] = field(default_factory=set)
    _sessions: set[int] = field(default_factory=set)
    _adopts: bool = False
    _before: frozenset[int] = frozenset()
    _ended: set[int] = field(default_factory=set)
    _dead_since: dict[int, float] = field(default_factory=dict)

    def adopt(self) -> None:
        """From now on descendants that lose their parent become our children; where that can't be, nothing is found here."""
        if not self._adopts:
            self._before = frozenset(children(os.getpid()))
            try:
                self._adopts = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
            except (AttributeError, OSError):
                self._adopts = False

    def begin(self, pid: int) -> None:
        """A child that an attempt waits for; it leads a session of its own."""
        self.living.add(pid)
        if self._adopts:
            self._sessions.add(pid)

    def have(self, mark: bytes) -> bool:
        """Whether a living process that lost its parent has the mark of an attempt."""
        if not self._adopts:
            return False
        return any(has_mark(pid, mark) for pid in self._strangers())

    def will_be_reaped(self, ended: list[int]) -> None:
        """These were killed; should they be ours, their ends are taken later."""
        self._ended.update(ended)

    def reap(self) -> None:
        """Take the ends of dead strangers; as the first process of a container we inherit bubblewrap's, too."""
        if self._adopts or os.getpid() == 1:
            self._strangers()

    async def settle(self) -> None:
        """Wait until what was killed is gone, for a moment: it dies in its own time."""
        for _ in range(_PATIENCE):
            if not self._adopts or not any(
                self._of_a_leaf(seen) for pid in self._strangers() if (seen := look_at(pid))
            ):
                return
            await asyncio.sleep(0.01)

    def _strangers(self) -> list[int]:
        """Living children of our first thread that no attempt waits for. Leaves are children of other threads."""
        found: list[int] = []
        dead: dict[int, float] = {}
        for pid in children(os.getpid()):
            if pid in self.living or pid in self._before:
                continue
            seen = look_at(pid)
            if seen is None or seen.session == os.getsid(0):
                continue  # another part of agg has started it
            if seen.state != "Z":
                found.append(pid)
            elif self._of_a_leaf(seen) or self._nobody_waits(pid, dead):
                _reap(pid)
                self._ended.discard(pid)
        self._dead_since = dead
        return found

    def _of_a_leaf(self, seen: Seen) -> bool:
        return (
            (seen.session in self._sessions and seen.pid != seen.session)
            or seen.pid in self._ended
            or seen.name == "bwrap"
        )

    def _nobody_waits(self, pid: int, dead: dict[int, float]) -> bool:
        now = time.monotonic()
        dead[pid] = self._dead_since.get(pid, now)
        return now - dead[pid] >= _NOBODY_WAITS_SECONDS


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
