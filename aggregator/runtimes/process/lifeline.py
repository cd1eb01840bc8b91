"""A small process beside a run: when `agg` dies without a word (kill -9), it ends the leaves that have no isolation to do so."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass

from aggregator.runtimes.process import posix

_SCRIPT = """
IFS= read -r word
[ "$word" = over ] && exit 0
for round in 1 2 3; do
  for found in $(grep -lasF -- "$1" /proc/[0-9]*/environ); do
    pid=${found#/proc/}; kill -9 "${pid%/environ}" 2>/dev/null
  done
done
"""
"""Reads a pipe that only `agg` can write to: its end without a word means that `agg` is gone."""


@dataclass(slots=True)
class Lifeline:
    """Ends what has `mark`, the beginning of a variable, in its environment when this process dies."""

    mark: str
    pid: int = 0
    _pipe: int = -1

    def start(self) -> None:
        """Start the watcher, once; without a shell, or a descriptor for now, there is none."""
        shell = shutil.which("sh", path=os.defpath) if not self.pid else None
        if shell is None:
            return
        mine: list[int] = []
        try:
            mine.append(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))
            mine += os.pipe2(os.O_CLOEXEC)
            nowhere, theirs, _ = mine
            argv = [shell, "-c", _SCRIPT, "agg-lifeline", self.mark]
            self.pid = posix.start_now(posix.Program(argv, {"PATH": os.defpath}, "/", theirs, nowhere, nowhere))
            self._pipe = mine.pop()
        except OSError:
            return
        finally:
            for descriptor in mine:
                os.close(descriptor)

    def stop(self) -> None:
        """All is well: the watcher ends without doing anything."""
        if not self.pid:
            return
        with suppress(OSError):
            os.write(self._pipe, b"over\n")
        os.close(self._pipe)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        self.pid, self._pipe = 0, -1
