"""Containers of an attempt as child processes: started, followed, and judged by what bubblewrap and the pumps said."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.runtimes.pod.attempt import NOT_STARTED, Verdict
from aggregator.runtimes.process.workspace import Container

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aggregator.engine.commands import Attempt
    from aggregator.runtimes.process.launch import Launcher
    from aggregator.runtimes.process.spawn import Child
    from aggregator.runtimes.process.workspace import Pod

    Write = Callable[[bytes], None]

OUT_OF_MEMORY = "OOMKilled"
"""Kubernetes' word for what used more memory than its limit."""
KILLED = 137
_MOUNTS_CHANGED = re.compile(r"Unable to (apply mount flags|remount).*: (No such file or directory|Invalid argument)")


@dataclass(frozen=True, slots=True)
class Processes:
    """Starts the containers of one attempt."""

    attempt: Attempt
    pod: Pod
    launcher: Launcher
    grace: float

    @property
    def progress_file(self) -> Path:
        return Path(self.pod.progress_of(self.pod.files_of()))

    @property
    def address(self) -> str:
        return "127.0.0.1"

    async def start(self, container: Container, write: tuple[Write | None, Write | None]) -> Started:
        """The running child."""
        child = await self.launcher.start(self.attempt, self.pod, container, write)
        if child.cancelled:
            await child.end_for_good(self.grace)
            raise asyncio.CancelledError
        isolated = self.launcher.bubblewrap is not None
        said = self.pod.folder / container.streams()[1]
        return Started(child, container.name, said, isolated=isolated, again=lambda: self.start(container, write))

    async def execute(self, container: Container, command: Sequence[str]) -> int:
        """A probe is a process beside the container's, with the same files."""
        spec = {**container.spec, "command": [*command], "args": []}
        asked = await self.start(
            Container(f"{container.name}.probe", spec, container.tree, container.folder), (None, None)
        )
        try:
            return (await asked.finish()).code
        except asyncio.CancelledError:
            await asked.end_for_good(0.0)
            raise


@dataclass(slots=True)
class Started:
    """A container that runs as a child of ours; `said` is the file of its stderr, `again` starts it once more."""

    child: Child
    name: str
    said: Path
    isolated: bool
    again: Callable[[], Awaitable[Started]]
    tries: int = 3

    @property
    def code(self) -> int:
        return self.child.exited.result()

    async def end_for_good(self, grace: float) -> None:
        """SIGTERM, the grace period, SIGKILL."""
        await self.child.end_for_good(grace)

    async def finish(self) -> Verdict:
        """Its end, with output that could not be stored, and the words of bubblewrap where it could not do its part."""
        code = await self.child.finish()
        errors = tuple(
            f"output of container {self.name} could not be stored: {pump.error}"
            for pump in self.child.pumps
            if pump.error is not None
        )
        if self.child.out_of_memory:
            return Verdict(KILLED, reason=OUT_OF_MEMORY, errors=errors)
        said = _head(self.said) if self.isolated and code == 1 else ""
        if said.startswith("bwrap: ") and _MOUNTS_CHANGED.search(said) and self.tries > 1:
            # A mount of the host went away while bubblewrap was looking at it; nothing of the leaf has run.
            self.said.unlink(missing_ok=True)
            self.child = (await self.again()).child
            self.tries -= 1
            return await self.finish()
        if said.startswith("bwrap: execvp "):
            return Verdict(NOT_STARTED, said.removeprefix("bwrap: ").splitlines()[0], errors=errors)
        if said.startswith("bwrap: "):
            errors += (f"the isolated view of the files could not be made: {said.splitlines()[0]}",)
        return Verdict(code, errors=errors)


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(4096).decode(errors="replace")
    except OSError:
        return ""
