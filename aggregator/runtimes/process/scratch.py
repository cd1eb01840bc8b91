"""Folders in which attempts work, used again when an attempt has left them as they were: making and removing costs most."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.runtimes.process.copies import remove_tree
from aggregator.runtimes.process.declared import below, rest

KEPT = {"work": 0o755, "tmp": 0o1777}
"""Folders that stay in a slot, with their modes, while they are empty and as they were made."""
STUB_MODE = 0o755
"""Of the mount points that bubblewrap makes."""


@dataclass(slots=True)
class Scratch:
    """Slots `root/NUMBER`; a slot holds what the containers of one attempt have as files."""

    root: Path
    _free: list[Path] = field(default_factory=list)
    _made: int = 0

    def take(self) -> Path:
        """A slot that nobody uses."""
        if self._free:
            return self._free.pop()
        self._made += 1
        slot = self.root / str(self._made)
        slot.mkdir(mode=0o700, parents=True)
        return slot

    async def give(self, slot: Path) -> None:
        """The attempt is over: what it left is removed."""
        await clear(slot, kept=KEPT, own=own_stub(str(slot)))
        self._free.append(slot)

    def remove(self) -> None:
        """The run is over."""
        remove_tree(self.root)
        self._free.clear()


def own_stub(slot: str) -> str:
    """Where a slot below /tmp shows itself in a leaf's own /tmp: the mount point that bubblewrap makes, relative to `tmp`.

    It may stay: a folder that was a mount point takes the kernel half a millisecond to remove, and this is one of many.
    """
    return rest(slot, "/tmp") if below(slot, "/tmp") else ""


async def clear(folder: Path, *, kept: dict[str, int], left: frozenset[str] = frozenset(), own: str = "") -> None:
    """Remove what is in a folder, but `kept` empty folders and `left`; at once where little is there, else in a thread.

    `own` is a chain of empty folders that may be in `tmp`.
    """
    trees = []
    for name in os.listdir(folder):
        path = f"{folder}/{name}"
        if name in left or (name in kept and _as_made(path, kept[name], own if name == "tmp" else "")):
            continue
        try:
            if stat.S_ISDIR(os.lstat(path).st_mode):
                os.rmdir(path)
            else:
                os.unlink(path)
        except OSError:
            trees.append(Path(path))
    for tree in trees:
        await asyncio.to_thread(remove_tree, tree)


def _as_made(path: str, mode: int, own: str = "") -> bool:
    """Whether a folder is ours, of this mode, and empty but for the chain of folders `own`."""
    if not _is_ours(path, mode):
        return False
    found = os.listdir(path)
    if not found:
        return True
    for name in own.split("/"):
        path = f"{path}/{name}"
        if found != [name] or not _is_ours(path, STUB_MODE):
            return False
        found = os.listdir(path)
    return not found


def _is_ours(path: str, mode: int) -> bool:
    found = os.lstat(path)
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == mode and found.st_uid == os.geteuid()
