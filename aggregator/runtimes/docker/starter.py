"""Starts the containers of one attempt: the holder of a pod's network first, then each one beside it."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aggregator.runtimes.docker import holder, leftovers
from aggregator.runtimes.docker.body import create_body, host_aliases
from aggregator.runtimes.docker.client import EngineRefused
from aggregator.runtimes.docker.container import RunningContainer, surely
from aggregator.runtimes.docker.output import StreamFile
from aggregator.runtimes.docker.workspace import PROGRESS, SCRIPT
from aggregator.runtimes.process.declared import Mount
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.runtimes.docker.body import Common
    from aggregator.runtimes.docker.engine import Engine
    from aggregator.runtimes.docker.images import Images
    from aggregator.runtimes.docker.leftovers import Owner
    from aggregator.runtimes.docker.output import Write
    from aggregator.runtimes.docker.workspace import Container, ContainerPod

_numbers = itertools.count()


@dataclass(slots=True)
class Containers:
    """Implements pod.attempt.Starter. `network` is what containers join: empty for the engine's usual one."""

    engine: Engine
    images: Images
    common: Common
    attempt: Attempt
    pod: ContainerPod
    network: str
    owner: Owner
    address: str = "127.0.0.1"
    _made: list[RunningContainer] = field(default_factory=list)
    _last: dict[str, RunningContainer] = field(default_factory=dict)
    _holder: str = ""
    _held: bool = False

    @property
    def progress_file(self) -> Path:
        return self.pod.folder / "progress"

    async def prepare(self) -> None:
        """Look for every image before anything starts, write what all share, and hold the pod's network."""
        for container in self.pod.containers():
            await self.images.need(
                str(container.spec.get("image") or ""), str(container.spec.get("imagePullPolicy") or "")
            )
        self.progress_file.touch()
        self.progress_file.chmod(0o666)
        if self.pod.several and self.network != "host":
            await self._hold()

    async def start(self, container: Container, write: tuple[Write, Write]) -> RunningContainer:
        """The running container; its output goes to the files of its streams."""
        files = [
            StreamFile(self.pod.folder / name, each) for name, each in zip(container.streams(), write, strict=True)
        ]
        mounts = [*container.mounts]
        if container is self.pod.files_of() or container.spec.get("mirrorVolumeMounts"):
            mounts += self.pod.input_mounts()
        if left := next((mount for mount in mounts if mount.left()), None):
            raise LeafRefused(f"what is mounted at {left.path} leaves its volume through a link")
        mounts.append(Mount(PROGRESS, self.progress_file))
        script = None
        if container.script is not None:
            source = self.pod.folder / "script"
            source.write_bytes(container.script.encode("utf-8", "surrogateescape"))
            source.chmod(0o755)
            mounts.append(Mount(SCRIPT, source, read_only=True))
            script = SCRIPT
        body = create_body(
            self.common,
            self.attempt,
            container,
            mounts=mounts,
            network=f"container:{self._holder}" if self._holder else self.network,
            script=script,
            environment={
                "ARGO_CONTAINER_NAME": container.name,
                "ARGO_NODE_ID": self.attempt.node_id,
                "ARGO_PROGRESS_FILE": PROGRESS,
            },
            labels=self._labels(container.name),
        )
        made = self._new(container.name, str(container.spec.get("image") or ""))
        made.command = str((container.spec.get("command") or [""])[0]) if self.common.init else None
        made.ident = self.ident_of(container)  # tried again, it keeps its files, as in Argo
        await made.launch(body, files[0], files[1])
        self._last[container.name] = made
        if not self._holder and self.network != "host" and self.attempt.template.get("daemon"):
            self.address = await self._address_of(made)
        return made

    async def execute(self, container: Container, command: Sequence[str]) -> int:
        """A probe's command, inside the container."""
        try:
            return await self.engine.execute(self._last[container.name].ident, list(command))
        except EngineRefused:
            return 1  # the container has ended, or has no such command: it is not ready

    def ident_of(self, container: Container) -> str:
        """The container that was started last under this name; empty when none was."""
        made = self._last.get(container.name)
        return made.ident if made is not None else ""

    async def remove(self) -> None:
        """Remove all that was created, whatever cancellations arrive."""

        async def every() -> None:
            # The holder of the network goes last.
            await asyncio.gather(*(made.remove() for made in self._made[1:]))
            for made in self._made[:1]:
                await made.remove()

        await surely(every())

    async def _hold(self) -> None:
        image = str(self.pod.main[0].spec.get("image") or "")
        if not holder.known(self.engine.architecture):
            raise LeafRefused(
                f"several containers can't share a network on an engine for {self.engine.architecture}",
                hint="set docker.network to host, so that they share this machine's",
            )
        made = self._new("network", image)
        body = {
            "Image": image,
            "Entrypoint": [holder.PROGRAM],
            "Cmd": [],
            "User": "0",
            "Labels": self._labels("network"),
            "HostConfig": {
                "NetworkMode": self.network,
                "LogConfig": {"Type": "none"},
                "ExtraHosts": host_aliases(self.attempt),
            },
        }
        await made.hold(body, holder.archive(self.engine.architecture))
        self._holder = made.ident
        self.address = await self._address_of(made)

    def _new(self, name: str, image: str) -> RunningContainer:
        safe = "".join(sign if sign.isalnum() or sign in "_.-" else "-" for sign in name)
        made = RunningContainer(self.engine, f"{self.attempt.pod_name}.{safe}.{self.owner.pid}-{next(_numbers)}", image)
        self._made.append(made)
        return made

    async def _address_of(self, made: RunningContainer) -> str:
        """The container's own address on its network."""
        told = (await self.engine.inspect(made.ident)).get("NetworkSettings") or {}
        networks = (row or {} for row in (told.get("Networks") or {}).values())
        return str(
            told.get("IPAddress") or next((row["IPAddress"] for row in networks if row.get("IPAddress")), "127.0.0.1")
        )

    def _labels(self, container: str) -> dict[str, str]:
        return {
            leftovers.RUN: self.attempt.uid,
            leftovers.OWNER: self.owner.label(),
            leftovers.NODE: self.attempt.node_id,
            leftovers.NAME: self.attempt.name,
            leftovers.CONTAINER: container,
        }
