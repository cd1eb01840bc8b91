"""What Linux tells of running processes, and the end of those that left their attempt: found by a mark in their environment."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import NamedTuple


class Seen(NamedTuple):
    """One process as /proc shows it."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int


def look_at(pid: int) -> Seen | None:
    """One process; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            name, _, rest = stat.read().partition("(")[2].rpartition(")")
    except OSError:
        return None
    state, parent, group, session = rest.split()[:4]
    return Seen(pid, name, state, int(parent), int(group), int(session))


def every() -> list[Seen]:
    """All processes that may be seen."""
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [seen for number in numbers if (seen := look_at(number)) is not None]


def children(pid: int) -> list[int]:
    """The children of a process's first thread."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
            return [int(word) for word in listed.read().split()]
    except FileNotFoundError:
        return [seen.pid for seen in every() if seen.parent == pid] if os.path.exists(f"/proc/{pid}") else []
    except OSError:
        return []


def family(pid: int) -> list[int]:
    """A process and all that descend from it, as far as their parents live."""
    found = [pid]
    for member in found:
        found += children(member)
    return found


def group_of(leader: int) -> list[int]:
    """The members of a process group."""
    return [seen.pid for seen in every() if seen.group == leader]


def has_mark(pid: int, mark: bytes) -> bool:
    """Whether the process was started with this variable, `NAME=value`, in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            return mark in environ.read().split(b"\0")
    except OSError:
        return False


def end_marked(mark: bytes) -> list[int]:
    """Kill every process whose environment has the mark: those that left the group keep it in what they were started with."""
    ended: list[int] = []
    for _ in range(8):  # one may fork while others are looked at
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        found = [number for number in numbers if has_mark(number, mark)]
        if not found:
            break
        for number in found:
            to_one(number, signal.SIGKILL)
        ended += found
    return ended


def to_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def to_one(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
