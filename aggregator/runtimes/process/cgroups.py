"""Control groups (version 2) of our own, where this user may make them: exact limits, and an end that nothing escapes."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.runtimes.process.confine import Limits

PERIOD = 100_000
"""Microseconds in which a cpu limit's share is counted, as Kubernetes has it."""
_numbers = itertools.count()
_JOIN = '{ echo 0 >"$0"; } 2>/dev/null; exec "$@"'


@dataclass(frozen=True, slots=True)
class Group:
    """One container's control group."""

    folder: str

    def join(self, argv: Sequence[str]) -> list[str]:
        """The command line that enters the group before it becomes the program, so that nothing it does comes earlier."""
        return ["/bin/sh", "-c", _JOIN, f"{self.folder}/cgroup.procs", *argv]

    def killed_for_memory(self) -> bool:
        """Whether the kernel ended something in it for lack of memory."""
        for line in _read(f"{self.folder}/memory.events").splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return count.strip() not in ("", "0")
        return False

    def remove(self) -> None:
        """End what is left in it, and take it away."""
        _write(f"{self.folder}/cgroup.kill", "1")
        for _ in range(50):
            try:
                os.rmdir(self.folder)
            except OSError:
                _wait()
            else:
                return


@dataclass(frozen=True, slots=True)
class Cgroups:
    """`parent` is the group under which ours are made."""

    parent: str

    def make(self, limits: Limits) -> Group | None:
        """A group with these limits; None when the kernel does not take them after all."""
        folder = f"{self.parent}/agg-{os.getpid()}-{next(_numbers)}"
        try:
            os.mkdir(folder)
        except OSError:
            return None
        group = Group(folder)
        wanted = []
        if limits.memory is not None:
            wanted.append(("memory.max", str(limits.memory)))
            _write(f"{folder}/memory.swap.max", "0")
            _write(f"{folder}/memory.oom.group", "1")
        if limits.cpu is not None:
            wanted.append(("cpu.max", f"{max(1000, int(limits.cpu * PERIOD))} {PERIOD}"))
        if limits.memory_request is not None:
            _write(f"{folder}/memory.low", str(limits.memory_request))
        if limits.cpu_request is not None:
            _write(f"{folder}/cpu.weight", str(weight(float(limits.cpu_request))))
        if all(_write(f"{folder}/{name}", value) for name, value in wanted):
            return group
        group.remove()
        return None


def weight(cpu: float) -> int:
    """A cpu request as a weight, by the conversion that Kubernetes has from shares."""
    shares = max(2, min(262_144, int(cpu * 1024)))
    return 1 + (shares - 2) * 9999 // 262_142


def find(mount: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> Cgroups | None:
    """Where groups with memory and cpu limits can be made: below our own group, or beside it, when it was handed to us."""
    line = next((text for text in _read(own).splitlines() if text.startswith("0::")), None)
    if line is None or not os.path.exists(f"{mount}/cgroup.controllers"):
        return None
    here = f"{mount}/{line[3:].strip().lstrip('/')}".rstrip("/")
    for parent in dict.fromkeys((here, os.path.dirname(here) if here != mount else here)):
        handed_on = _read(f"{parent}/cgroup.subtree_control").split()
        if {"memory", "cpu"} <= set(handed_on) and os.access(f"{parent}/cgroup.procs", os.W_OK):
            probe = f"{parent}/agg-{os.getpid()}-probe"
            try:
                os.mkdir(probe)
                os.rmdir(probe)
            except OSError:
                continue
            return Cgroups(parent)
    return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> bool:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        return False
    return True


def _wait() -> None:
    """A group can't be removed before its last process is gone, which takes a moment after it was killed."""
    with suppress(OSError):
        os.sched_yield()
