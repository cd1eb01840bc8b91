"""Bubblewrap: whether it works here, and the command line that gives a process its own view of the files."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROGRAM = "bwrap"
_PROBE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """A bubblewrap that was tried: `flags` are the namespaces that this host permits.

    With process ids of its own (`own_pids`) nothing that the leaf starts outlives it, whatever it does.
    """

    program: str
    flags: tuple[str, ...]
    own_pids: bool

    def command(self, mounts: Iterable[Sequence[str]], working_dir: str, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` with these mounts, in this order."""
        line = [self.program]
        for mount in mounts:
            line += mount
        return [*line, *self.flags, "--chdir", working_dir, "--", *argv]


@functools.cache
def probe(path: str | None = None) -> Bubblewrap | str:
    """Try bubblewrap once: with its own process ids, else without; what it said when neither works."""
    program = shutil.which(PROGRAM, path=path)
    if program is None:
        return "bubblewrap (the program bwrap) is not installed"
    # Where process ids are its own, a new session lets SIGTERM reach all of the leaf but not bubblewrap itself, whose end
    # would be the leaf's end without a grace period. Elsewhere, one group lets what was left behind be found.
    own = ("--die-with-parent", "--unshare-pid", "--proc", "/proc", "--new-session")
    said = ""
    for flags, own_pids in ((own, True), (("--die-with-parent",), False)):
        line = [program, "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", *flags, "--", "/bin/sh", "-c", "exit 0"]
        try:
            done = subprocess.run(
                line,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_SECONDS,
                check=False,
                env=dict(os.environ),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{program} could not be run: {error}"
        if done.returncode == 0:
            return Bubblewrap(program, flags, own_pids)
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
    return f"{program} is not permitted to make a mount namespace here: {said}"
