"""Labels on all that is created, and the removal of what an `agg` that was killed has left behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator.errors import AggError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.runtimes.docker.engine import Engine

RUN, NODE, NAME, CONTAINER = "agg.dev/run", "agg.dev/node", "agg.dev/name", "agg.dev/container"
OWNER = "agg.dev/owner"


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that created something: which one, when it was started, and on which machine its number counts."""

    pid: int
    born: str
    host: str

    def label(self) -> str:
        return f"{self.pid} {self.born} {self.host}"

    @classmethod
    def of_label(cls, text: str) -> Owner | None:
        pid, _, rest = text.partition(" ")
        born, _, host = rest.partition(" ")
        return cls(int(pid), born, host) if pid.isdigit() and born and host else None


async def sweep(engine: Engine, gone: Callable[[Owner], bool]) -> list[str]:
    """Remove the containers whose owner is `gone`; the names of what was removed."""
    found = []
    for row in await engine.labelled(OWNER):
        owner = Owner.of_label(str((row.get("Labels") or {}).get(OWNER, "")))
        if owner is not None and gone(owner):
            found.append((str(row["Id"]), str((row.get("Names") or [row["Id"]])[0]).lstrip("/")))
    problems = await asyncio.gather(*(engine.remove(ident) for ident, _ in found), return_exceptions=True)
    for problem in problems:
        if isinstance(problem, BaseException) and not isinstance(problem, AggError):
            raise problem
    return [name for (_, name), problem in zip(found, problems, strict=True) if problem is None]
