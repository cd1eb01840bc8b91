"""Which process drives a run: told apart from a later one that was given the same number."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from aggregator.ports import RunRow

ENDED = frozenset({"Succeeded", "Failed", "Error"})

Standing = Literal["ended", "driven", "gone", "detached", "elsewhere"]
"""`gone`: its process ended before the run did; `detached`: its process left it on purpose; `elsewhere`: another host's."""


def standing(row: RunRow) -> Standing:
    """How a run stands, by what its row says and the processes of this machine."""
    if row.phase in ENDED:
        return "ended"
    if row.host != platform.node():
        return "elsewhere"
    if not row.pid:
        return "detached"
    return "driven" if alive(row) else "gone"


def alive(row: RunRow) -> bool:
    """Whether the process that is said to drive a run of this host is there, and the same one."""
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # someone else's process, whose birth need not be readable
    born = birth(row.pid)
    return not born or not row.born or born == row.born


def birth(pid: int) -> str:
    """When a process was started, unlike for any other of the same number; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        told = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    fields = told.rpartition(b")")[2].split()  # the name in brackets before may hold anything
    if fields[0] in (b"Z", b"X"):
        return "ended"  # nobody has asked for its exit code yet
    return f"{boot}:{fields[19].decode()}"
