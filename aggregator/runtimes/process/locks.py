"""Locks on absolute paths, for leaves that share the host's files: who holds a path holds all below it, in every process.

Each lock is a file lock, exclusive on the path and shared on each folder above it, so that a path and one of its folders never
have two holders while siblings do not hinder each other.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLL_SECONDS = 0.05


class PathLocks:
    """Taken whole or not at all, so that nobody waits while holding; in the order of asking within this process."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(f"/tmp/agg-paths-{os.getuid()}")
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    async def take(self, paths: Sequence[str]) -> list[int]:
        """Wait until all paths are free; the descriptors that hold them."""
        if not paths:
            return []
        wanted = _modes(paths)
        async with self._turn:
            while True:
                self._freed.clear()
                held = self._try(wanted)
                if held is not None:
                    return held
                # Another attempt of ours says when it is done; another process has to be asked again and again.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._freed.wait(), _POLL_SECONDS)

    def give_back(self, held: list[int]) -> None:
        """Free the paths; closing a descriptor ends its lock."""
        while held:
            os.close(held.pop())
        self._freed.set()

    def _try(self, wanted: dict[str, int]) -> list[int] | None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        held: list[int] = []
        try:
            for path, mode in wanted.items():
                name = hashlib.sha256(path.encode()).hexdigest()[:32]
                descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                held.append(descriptor)
                fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            for descriptor in held:
                os.close(descriptor)
            return None
        return held


def _modes(paths: Sequence[str]) -> dict[str, int]:
    """Exclusive for each outermost path, shared for the folders above."""
    outer = [p for p in sorted(set(paths)) if not any(p != q and p.startswith(q + "/") for q in paths)]
    modes: dict[str, int] = {}
    for path in outer:
        parts = path.strip("/").split("/")
        for depth in range(1, len(parts)):
            modes.setdefault("/" + "/".join(parts[:depth]), fcntl.LOCK_SH)
        modes[path] = fcntl.LOCK_EX
    return dict(sorted(modes.items()))
