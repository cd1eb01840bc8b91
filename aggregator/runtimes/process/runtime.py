"""The process runtime: opens an attempt's workspace, runs it as processes of this host, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import functools
import os
import time
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from aggregator.engine.events import Outcome
from aggregator.errors import UsageError
from aggregator.runtimes.pod.attempt import DEADLINE, Run
from aggregator.runtimes.pod.patch import grace_of, patched
from aggregator.runtimes.pod.result import result_of
from aggregator.runtimes.process.environment import Inherited
from aggregator.runtimes.process.images import ImageRule, Images
from aggregator.runtimes.process.isolation import Bubblewrap, probe
from aggregator.runtimes.process.launch import Launcher
from aggregator.runtimes.process.lifeline import Lifeline
from aggregator.runtimes.process.locks import PathLocks
from aggregator.runtimes.process.refused import LeafRefused
from aggregator.runtimes.process.scratch import Scratch, clear
from aggregator.runtimes.process.shared import SharedTree
from aggregator.runtimes.process.spawn import orphans
from aggregator.runtimes.process.started import Processes
from aggregator.runtimes.process.times import FILE as TIMES
from aggregator.runtimes.process.volumes import Volumes
from aggregator.runtimes.process.workspace import Pod, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets, Sink, Workspace

Isolation = Literal["auto", "none", "bubblewrap"]


class ProcessRuntime:
    """Runs container, script and containerSet templates by the programs of this host.

    `notice` is told, once, that leaves share the host's files. `writable` are folders of the host, beside HOME, that isolated
    leaves may write to; `claims` is where persistent volume claims have their folders, `own_claims` where those that the run
    makes itself have; `host_folders` may be mounted as hostPath volumes. In `scratch` attempts have their files while they run;
    without it, in their own folders.
    """

    name: ClassVar[str] = "process"
    staged: ClassVar[bool] = True

    def __init__(
        self,
        *,
        image_rules: Sequence[ImageRule] = (),
        isolation: Isolation = "auto",
        extra_env: Mapping[str, str] | None = None,
        secrets: Secrets,
        notice: Callable[[str], None],
        grace: float = 30.0,
        environ: Mapping[str, str] = os.environ,
        writable: Sequence[str] = (),
        claims: Path | None = None,
        own_claims: Path | None = None,
        host_folders: Sequence[str] = (),
        scratch: Path | None = None,
    ) -> None:
        found = probe(environ.get("PATH")) if isolation != "none" else "process.isolation is none"
        if isolation == "bubblewrap" and isinstance(found, str):
            raise UsageError(
                f"process.isolation is bubblewrap, but {found}",
                hint="install bubblewrap and allow unprivileged user namespaces, or set process.isolation to auto or none",
            )
        self._why_shared = found if isinstance(found, str) else ""
        self._launcher = Launcher(
            images=Images(image_rules),
            environ=Inherited(environ),
            extra=dict(extra_env or {}),
            secrets=secrets,
            bubblewrap=found if isinstance(found, Bubblewrap) else None,
        )
        self._secrets = secrets
        self._notice = notice
        self._grace = grace
        home = environ.get("HOME", "")
        self._writable = tuple(
            os.path.realpath(path) for path in (home, *writable) if path.startswith("/") and os.path.isdir(path)
        )
        self._claims = claims
        self._own_claims = own_claims
        self._host_folders = tuple(host_folders)
        self._locks = PathLocks()
        self._told = False
        self._scratch = Scratch(scratch.resolve()) if scratch is not None else None
        self._lifeline: Lifeline | None = None

    @property
    def isolated(self) -> bool:
        """Whether leaves have their own view of the files."""
        return self._launcher.bubblewrap is not None

    @property
    def _ends_by_itself(self) -> bool:
        """Whether bubblewrap sees to it that nothing outlives a leaf, or us."""
        return self._launcher.bubblewrap is not None and self._launcher.bubblewrap.own_pids

    async def open(self, attempt: Attempt, folder: Path) -> Workspace:
        """The attempt's folders; without isolation this waits until nobody else uses its declared paths."""
        folder = _behind_links(folder)
        root = folder if self._scratch is None else self._scratch.take()
        pod: Pod | None = None
        try:
            attempt = patched(attempt)
            volumes = Volumes(
                attempt, self._secrets, root / "volumes", self._claims, self._host_folders, self._own_claims
            )
            pod = lay_out(attempt, folder, root, volumes, isolated=self.isolated, writable=self._writable)
            if not self.isolated:
                await self._lock(pod)
            for container in pod.containers():
                container.tree.prepare()
        except BaseException:
            await self._clear(pod or Pod(attempt, folder, root, [], [], []))
            raise
        return pod

    async def run(self, attempt: Attempt, workspace: Workspace | None, sink: Sink) -> Outcome:
        """Run the attempt's containers within its deadline."""
        assert isinstance(workspace, Pod)
        attempt = workspace.attempt
        seconds = None if attempt.deadline is None else attempt.deadline - time.time()
        if seconds is not None and seconds <= 0:
            return Outcome(phase="Failed", message=DEADLINE)
        if not self._ends_by_itself:
            orphans.adopt()
            self._lifeline = self._lifeline or Lifeline(f"ARGO_PROGRESS_FILE={workspace.root.parent}/")
            self._lifeline.start()
            orphans.living.add(self._lifeline.pid)
        grace = grace_of(attempt, self._grace)
        starter = Processes(attempt, workspace, self._launcher, grace)
        run = Run(attempt, workspace, sink, starter, grace)
        try:
            outcome = await run.outcome(seconds)
        except LeafRefused as error:
            return Outcome(phase="Error", message=error.message)
        for container in workspace.containers():
            container.tree.settle()
        if not attempt.want_result:
            return outcome
        return msgspec.structs.replace(
            outcome, result=await result_of(workspace.folder / workspace.files_of().streams()[0])
        )

    async def close(self, workspace: Workspace) -> None:
        """Take away everything but the output that the attempt printed."""
        assert isinstance(workspace, Pod)
        await self._clear(workspace)

    async def stop(self) -> None:
        """Nothing outlives its attempt, but what the kernel has yet to hand to us when we are the first process."""
        if os.getpid() == 1:
            await asyncio.sleep(0.05)
            orphans.reap()
        await orphans.settle()
        if self._lifeline is not None:
            orphans.living.discard(self._lifeline.pid)
            self._lifeline.stop()
            self._lifeline = None
        if self._scratch is not None:
            self._scratch.remove()

    async def _lock(self, pod: Pod) -> None:
        trees = [c.tree for c in pod.containers() if isinstance(c.tree, SharedTree)]
        paths = [path for tree in trees for path in tree.locked_paths()]
        if not paths:
            return
        if not self._told:
            self._told = True
            self._notice(
                f"leaves see the files of this host ({self._why_shared}): "
                "those that declare the same absolute path run one after the other"
            )
        pod.held = await self._locks.take(paths)

    async def _clear(self, pod: Pod) -> None:
        try:
            # The last one first: containers of a pod that share a mount path have put each other's link aside.
            for container in reversed(pod.containers()):
                if isinstance(container.tree, SharedTree):
                    container.tree.put_back()
        finally:
            if pod.held:
                self._locks.give_back(pod.held)
            if self._scratch is not None:
                await self._scratch.give(pod.root)
            else:
                await clear(pod.folder, kept={}, left=_streams(pod))


def _behind_links(folder: Path) -> Path:
    """The folder's own name, since bubblewrap can't show a folder under a name that leads through a link."""
    return _real(folder.parent) / folder.name


@functools.lru_cache(maxsize=64)
def _real(folder: Path) -> Path:
    return folder.resolve()


def _streams(pod: Pod) -> frozenset[str]:
    """The files in an attempt's folder that stay: what its containers printed, and when."""
    return frozenset(("stdout", "stderr", TIMES, *(name for c in pod.containers() for name in c.streams())))
