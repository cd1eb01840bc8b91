"""What a container may use: `resources` of the YAML, by control groups where we may make them, else by watching it."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import resource
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.runtimes.process.environment import quantity
from aggregator.runtimes.process.processes import children, family, look_at
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from aggregator.runtimes.process.cgroups import Cgroups, Group
    from aggregator.runtimes.process.spawn import Child

_LOOK_SECONDS = 0.02
_SHARE = 0.002
"""Each watched container is looked at less often the more there are: looking takes at most some percent of a core."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_turn = itertools.count()
_watched: set[int] = set()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of memory, cores of cpu."""

    memory: int | None = None
    cpu: Fraction | None = None
    memory_request: int | None = None
    cpu_request: Fraction | None = None


def limits_of(name: str, spec: Mapping[str, Any]) -> Limits | None:
    """What `resources` of a container asks for; None when it says nothing of cpu and memory."""
    resources = spec.get("resources")
    if not resources:
        return None
    found: dict[str, Fraction] = {}
    for group in ("limits", "requests"):
        for kind, text in (resources.get(group) or {}).items():
            where = f"resources.{group}.{kind} of container {name}"
            amount = quantity(str(text), where)
            if amount < 0:
                raise LeafRefused(f"{where} is {text}, but must not be negative")
            found[f"{group}.{kind}"] = amount
    for kind in ("cpu", "memory"):
        limit, request = found.get(f"limits.{kind}"), found.get(f"requests.{kind}")
        if limit is not None and request is not None and request > limit:
            raise LeafRefused(
                f"resources of container {name}: the {kind} request is larger than the limit",
                hint="a request may be at most the limit",
            )
    memory, memory_request = found.get("limits.memory"), found.get("requests.memory")
    cpu, cpu_request = found.get("limits.cpu") or None, found.get("requests.cpu")
    if memory == cpu == memory_request == cpu_request is None:
        return None
    return Limits(
        math.ceil(memory) if memory else None,
        cpu,
        None if memory_request is None else math.ceil(memory_request),
        cpu_request,
    )


class Confined:
    """One container under its limits."""

    def __init__(self, limits: Limits, cgroups: Cgroups | None) -> None:
        self.limits = limits
        self.group: Group | None = cgroups.make(limits) if cgroups is not None else None
        self.out_of_memory = False
        self._child: Child | None = None
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, child: Child) -> None:
        """The container has just been started; without a control group it is held by what any process may do to its own."""
        self._child = child
        if self.group is not None:
            return
        with suppress(OSError):
            self._keep_to_processors(child.pid)
        if self.limits.memory is not None:
            # More than the limit by far: a program may ask for memory that it never uses, which counts as none.
            room = max(4 * self.limits.memory, self.limits.memory + (1 << 30))
            with suppress(OSError, ValueError):
                resource.prlimit(child.pid, resource.RLIMIT_DATA, (room, room))
            _watched.add(child.pid)
            self._look_later()

    def over(self) -> None:
        """The container has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._child is not None:
            _watched.discard(self._child.pid)
        if self.group is not None:
            self.out_of_memory = self.group.killed_for_memory()
            self.group.remove()
            self.group = None

    def _keep_to_processors(self, pid: int) -> None:
        """A limit of less than all processors: so many, in turn; parts of one can't be had this way."""
        if self.limits.cpu is None:
            return
        all_of_them = sorted(os.sched_getaffinity(0))
        wanted = math.ceil(self.limits.cpu)
        if wanted < len(all_of_them):
            first = next(_turn) * wanted
            chosen = {all_of_them[(first + n) % len(all_of_them)] for n in range(wanted)}
            for member in family(pid):
                os.sched_setaffinity(member, chosen)

    def _look_later(self) -> None:
        seconds = max(_LOOK_SECONDS, _SHARE * len(_watched))
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        child, limit = self._child, self.limits.memory
        assert child is not None
        assert limit is not None
        members = _members(child.pid)
        if sum(_resident(pid) for pid in members) > limit and sum(_own(pid) for pid in members) > limit:
            self.out_of_memory = True
            child.signal(signal.SIGKILL)
            return
        self._look_later()


def _members(pid: int) -> list[int]:
    """All that belongs to the container, also what lost its parent and became our child."""
    adopted = [p for p in children(os.getpid()) if p != pid and (seen := look_at(p)) and seen.session == pid]
    return [*family(pid), *adopted]


def _resident(pid: int) -> int:
    """Bytes of the process that are in memory, also those that it shares; quick."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def _own(pid: int) -> int:
    """Bytes that count against a limit: not those of files, and of what is shared only its part."""
    total = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                    total += int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        return 0
    return total
