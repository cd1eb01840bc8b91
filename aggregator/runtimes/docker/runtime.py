"""The container runtime: opens an attempt's workspace, runs it as containers of an engine, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import msgspec

from aggregator.engine.events import Outcome
from aggregator.runtimes.docker.body import Common
from aggregator.runtimes.docker.client import EngineRefused
from aggregator.runtimes.docker.images import Images
from aggregator.runtimes.docker.leftovers import sweep
from aggregator.runtimes.docker.outputs import fetch
from aggregator.runtimes.docker.starter import Containers
from aggregator.runtimes.docker.workspace import ContainerPod, lay_out
from aggregator.runtimes.pod.attempt import DEADLINE, Run
from aggregator.runtimes.pod.patch import grace_of, patched
from aggregator.runtimes.pod.result import result_of
from aggregator.runtimes.process.copies import remove_tree
from aggregator.runtimes.process.refused import LeafRefused
from aggregator.runtimes.process.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets, Sink, Workspace
    from aggregator.runtimes.docker.engine import Engine
    from aggregator.runtimes.docker.leftovers import Owner

_OWN = ("script", "progress", "inputs", "outputs", "volumes")


class DockerRuntime:
    """Runs container, script and containerSet templates as containers of an engine that answered.

    `owner` and `gone` tell whose leftovers are swept before the first container is created; `network` is what containers join.
    `extra_env` is given to every container; `claims`, `own_claims` and `host_folders` as for processes.
    """

    name: ClassVar[str] = "docker"
    staged: ClassVar[bool] = True

    def __init__(
        self,
        engine: Engine,
        *,
        secrets: Secrets,
        owner: Owner,
        gone: Callable[[Owner], bool],
        notice: Callable[[str], None],
        extra_env: Mapping[str, str] | None = None,
        environ: Mapping[str, str] = os.environ,
        grace: float = 30.0,
        network: str = "",
        privileged: bool = False,
        claims: Path | None = None,
        own_claims: Path | None = None,
        host_folders: Sequence[str] = (),
    ) -> None:
        self.engine = engine
        self.images = Images(engine, environ, notice)
        self._common = Common(secrets, dict(extra_env or {}), 0, privileged)
        self._owner = owner
        self._gone = gone
        self._notice = notice
        self._grace = grace
        self._network = network or "default"
        self._claims = claims
        self._own_claims = own_claims
        self._host_folders = tuple(host_folders)
        self._ready: asyncio.Task[Common] | None = None

    async def open(self, attempt: Attempt, folder: Path) -> Workspace:
        """The attempt's folders and volumes."""
        folder = _behind_links(folder)
        attempt = patched(attempt)
        volumes = Volumes(
            attempt, self._common.secrets, folder / "volumes", self._claims, self._host_folders, self._own_claims
        )
        try:
            pod = lay_out(attempt, folder, volumes)
            _open_to_all(pod, [place for place in (self._claims, self._own_claims) if place is not None])
        except BaseException:
            await asyncio.to_thread(_clear, folder)
            raise
        return pod

    async def run(self, attempt: Attempt, workspace: Workspace | None, sink: Sink) -> Outcome:
        """Run the attempt's containers within its deadline, and take their outputs before they are removed."""
        assert isinstance(workspace, ContainerPod)
        attempt = workspace.attempt
        if attempt.deadline is not None and attempt.deadline <= time.time():
            return Outcome(phase="Failed", message=DEADLINE)
        common = await self._prepared()
        starter = Containers(self.engine, self.images, common, attempt, workspace, self._network, self._owner)
        try:
            async with asyncio.timeout(_left(attempt)):
                await starter.prepare()
            seconds = _left(attempt)
            run = Run(attempt, workspace, sink, starter, grace_of(attempt, self._grace))
            outcome = await run.outcome(seconds)
            await self._fetch(workspace, starter.ident_of(workspace.files_of()))
        except TimeoutError:
            return Outcome(phase="Failed", message=DEADLINE)
        except LeafRefused as error:
            return Outcome(phase="Error", message=error.message)
        except EngineRefused as refused:
            return Outcome(phase="Error", message=f"{self.engine.describe()} refuses: {refused.message}")
        finally:
            await starter.remove()
        if not attempt.want_result:
            return outcome
        return msgspec.structs.replace(
            outcome, result=await result_of(workspace.folder / workspace.files_of().streams()[0])
        )

    async def close(self, workspace: Workspace) -> None:
        """Take away everything but the output that the attempt printed."""
        assert isinstance(workspace, ContainerPod)
        left = await asyncio.to_thread(_clear, workspace.folder)
        if left:
            await self._clear_inside(workspace, left)

    async def stop(self) -> None:
        if self._ready is not None:
            self._ready.cancel()
            await asyncio.wait([self._ready])
        await self.images.close()
        await self.engine.close()

    async def _prepared(self) -> Common:
        """What is done once, before the first container of the run."""
        if self._ready is None:
            self._ready = asyncio.ensure_future(self._prepare())
        task = self._ready
        try:
            return await asyncio.shield(task)
        except Exception:
            self._ready = None
            raise

    async def _prepare(self) -> Common:
        swept = await sweep(self.engine, self._gone)
        if swept:
            self._notice(
                f"removed {len(swept)} containers that an agg which was killed had left: {', '.join(swept[:3])}"
            )
        cpus, init = await self.engine.machine()
        return replace(self._common, cpus=cpus, init=init)

    async def _fetch(self, pod: ContainerPod, ident: str) -> None:
        for path in dict.fromkeys(pod.outputs) if ident else ():
            place, there = pod.place_of_output(path)
            if not there:
                for what in await fetch(self.engine, ident, path, place):
                    self._notice(f"output {path}: {what} is left out")
            pod.fetched(path, place)

    async def _clear_inside(self, pod: ContainerPod, left: Sequence[Path]) -> None:
        """Files of other users, which only the engine may remove: by the image's own rm, if it has one."""
        body = {
            "Image": str(pod.main[0].spec.get("image") or ""),
            "Entrypoint": ["rm", "-rf", *(f"/.agg-left/{path.name}" for path in left)],
            "Cmd": [],
            "User": "0",
            "Labels": {"agg.dev/owner": self._owner.label()},
            "HostConfig": {
                "NetworkMode": "none",
                "Mounts": [{"Type": "bind", "Source": str(pod.folder), "Target": "/.agg-left"}],
            },
        }
        ident = ""
        try:
            ident = await self.engine.create(f"{pod.folder.name}.clear.{self._owner.pid}", body)
            await self.engine.start(ident)
            await self.engine.wait(ident)
        except EngineRefused as refused:
            self._notice(f"files of containers are left in {pod.folder}: {refused.message}")
        finally:
            if ident:
                await self.engine.remove(ident)


def _behind_links(folder: Path) -> Path:
    """The folder's own name: the engine resolves mounts in its own view of the files."""
    return folder.resolve()


def _open_to_all(pod: ContainerPod, claims: Sequence[Path]) -> None:
    """Volumes that leaves fill are writable by whatever user a container has, as in Kubernetes; the folder above is private."""
    tops = []
    for volume in [*pod.attempt.volumes, *(pod.attempt.template.get("volumes") or [])]:
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim:
            tops += [place.resolve() / pod.attempt.namespace / str(claim) for place in claims]
        elif "emptyDir" in volume or len(volume) == 1:
            tops.append(pod.folder / "volumes" / str(volume.get("name")))
    for place in {mount.source for container in pod.containers() for mount in container.mounts}:
        if place.is_dir() and any(place.resolve().is_relative_to(top) for top in tops):
            with contextlib.suppress(OSError):
                place.chmod(0o777)


def _clear(folder: Path) -> list[Path]:
    """Remove all of ours in the attempt's folder; what could not be removed."""
    left = []
    for name in _OWN:
        place = folder / name
        try:
            if place.is_dir() and not place.is_symlink():
                remove_tree(place)
            else:
                place.unlink(missing_ok=True)
        except OSError:
            with contextlib.suppress(OSError):
                shutil.rmtree(place, ignore_errors=True)
        if os.path.lexists(place):
            left.append(place)
    return left


def _left(attempt: Attempt) -> float | None:
    """Seconds until the attempt must be over."""
    return None if attempt.deadline is None else max(0.0, attempt.deadline - time.time())


class PodmanRuntime(DockerRuntime):
    """The same by Podman's service, which answers Docker's API."""

    name: ClassVar[str] = "podman"
