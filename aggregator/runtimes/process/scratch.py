"""Folders in which attempts work, used again when an attempt has left them empty: making and removing them costs most."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.runtimes.process.copies import remove_tree

KEPT = {"work": 0o755, "tmp": 0o1777}
"""Folders that stay in a slot, with their modes, while they are empty and as they were made."""


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
        await clear(slot, kept=KEPT)
        self._free.append(slot)

    def remove(self) -> None:
        """The run is over."""
        remove_tree(self.root)
        self._free.clear()


async def clear(folder: Path, *, kept: dict[str, int], left: frozenset[str] = frozenset()) -> None:
    """Remove what is in a folder, but `kept` empty folders and `left`; at once where little is there, else in a thread."""
    trees = []
    for name in os.listdir(folder):
        path = f"{folder}/{name}"
        if name in left or (name in kept and _as_made(path, kept[name])):
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


def _as_made(path: str, mode: int) -> bool:
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) != mode or found.st_uid != os.geteuid():
        return False
    return not os.listdir(path)
