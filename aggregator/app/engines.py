"""Container engines and this process: whose containers are whose, and which of them nobody owns any more."""

from __future__ import annotations

import asyncio
import os
import platform
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.errors import UsageError
from aggregator.journal.liveness import alive, birth
from aggregator.ports import RunRow

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = "-"
"""The birth of a process where the system does not tell it."""


def here() -> str:
    """Where a process number means something: this machine, and this space of process numbers on it."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    return f"{platform.node()}/{space}"


def owner() -> Any:
    """This process, as the owner of what it creates."""
    module: Any = import_module("aggregator.runtimes.docker")
    return module.Owner(os.getpid(), birth(os.getpid()) or UNKNOWN, here())


def gone(who: Any) -> bool:
    """Whether an owner has ended: its number is free on this machine, or another process has it now."""
    born = "" if who.born == UNKNOWN else who.born
    return who.host == here() and not alive(RunRow(uid="", name="", pid=who.pid, born=born))


async def sweep_containers(environ: Mapping[str, str]) -> list[str]:
    """Remove the containers of every agg that was killed, on each engine that answers; their names."""
    module: Any = import_module("aggregator.runtimes.docker")

    async def one(wanted: str) -> list[str]:
        try:
            engine = await module.find(wanted, environ)
        except UsageError:
            return []  # no engine, no containers
        try:
            swept: list[str] = await module.sweep(engine, gone)
        finally:
            await engine.close()
        return swept

    return [name for names in await asyncio.gather(one("docker"), one("podman")) for name in names]
