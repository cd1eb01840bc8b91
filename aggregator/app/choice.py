"""Where a pod runs: by its template's annotation, by the setting, and for `auto` by what an engine has; once per image."""

from __future__ import annotations

import asyncio
import platform
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aggregator.app.claims import named_claims, own_claims
from aggregator.app.engines import gone, owner
from aggregator.errors import Unsupported, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Runtime
    from aggregator.secrets.store import SecretStore
    from aggregator.settings import Settings

ANNOTATION = "agg.dev/runtime"
CHOICES = ("auto", "docker", "podman", "process")


class Choice:
    """Chooses for one run. `process` makes the process runtime; `env` is what the sandbox gives to every leaf.

    An engine is asked for when the first pod that may need it starts, and the answer holds for the run: one that comes up
    later is not used, one that goes away fails what it ran.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        folder: Path,
        secrets: SecretStore,
        env: Mapping[str, str],
        environ: Mapping[str, str],
        notice: Callable[[str], None],
        process: Callable[[], Runtime],
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._secrets = secrets
        self._env = env
        self._environ = environ
        self._notice = notice
        self._make_process = process
        self._process: Runtime | None = None
        self._engines: dict[str, asyncio.Task[Any]] = {}
        self._told: set[str] = set()

    async def runtime_of(self, attempt: Attempt) -> Runtime:
        """The runtime of a pod; UsageError when the engine that was asked for by name does not answer."""
        wanted = self._wanted(attempt)
        if wanted == "process":
            return self._as_process(attempt)
        if wanted != "auto":
            runtime: Runtime = await self._engine(wanted)
            return runtime
        images = _images(attempt)
        if not images:
            return self._as_process(attempt)
        try:
            engine = await self._engine("auto")
        except UsageError:
            self._tell("no container engine answers: leaves run as processes of this machine")
            return self._as_process(attempt)
        for image, policy in images:
            if why := await engine.images.missing(image, policy):
                self._tell(f"leaves with image {image} run as processes of this machine: {why}")
                return self._as_process(attempt)
        self._tell(f"leaves run in containers: {engine.engine.describe()}")
        found: Runtime = engine
        return found

    def _as_process(self, attempt: Attempt) -> Runtime:
        names = [str(name) for row in attempt.template.get("hostAliases") or () for name in row.get("hostnames") or ()]
        if names:
            # Unlike a user or a pull policy this changes what the leaf sees, so that it fails without saying why.
            self._tell(
                f"hostAliases have no effect on processes: {', '.join(names)} are looked up as everywhere on this machine;"
                " --runtime docker sets them, or /etc/hosts"
            )
        return self.process()

    def process(self) -> Runtime:
        if self._process is None:
            self._process = self._make_process()
        return self._process

    async def close(self) -> None:
        """Stop what was made."""
        if self._process is not None:
            await self._process.stop()
        for task in self._engines.values():
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and task.exception() is None:
                await task.result().stop()

    def _wanted(self, attempt: Attempt) -> str:
        annotations = (attempt.template.get("metadata") or {}).get("annotations") or {}
        wanted = str(annotations.get(ANNOTATION) or self._settings.text("runtime"))
        if wanted not in CHOICES:
            raise Unsupported(
                f"runtime {wanted!r} of template {attempt.template_name!r} runs no containers",
                hint=f"the annotation {ANNOTATION} and --runtime know {', '.join(CHOICES)}",
            )
        return wanted

    async def _engine(self, wanted: str) -> Any:
        if wanted not in self._engines:
            self._engines[wanted] = asyncio.ensure_future(self._start(wanted))
        return await asyncio.shield(self._engines[wanted])

    async def _start(self, wanted: str) -> Any:
        module: Any = import_module("aggregator.runtimes.docker")
        engine = await module.find(wanted, self._environ)
        if not await engine.sees_files_of(platform.node()):
            await engine.close()
            raise UsageError(
                f"the engine at {engine.endpoint.url} is not on this machine, so it can't see the files of leaves",
                hint="use the socket of an engine that runs here, or --runtime process",
            )
        kind = module.PodmanRuntime if engine.kind == "podman" else module.DockerRuntime
        # The sandbox listens on 127.0.0.1, which is another one inside a container's own network.
        network = self._settings.text("docker.network") or ("host" if self._env else "")
        return kind(
            engine,
            secrets=self._secrets,
            owner=owner(),
            gone=gone,
            notice=self._notice,
            extra_env=self._env,
            environ=self._environ,
            grace=self._settings.seconds("process.grace"),
            network=network,
            privileged=self._settings.flag("docker.privileged"),
            claims=named_claims(self._folder),
            own_claims=own_claims(self._folder),
            host_folders=self._settings.paths("process.host_folders"),
        )

    def _tell(self, text: str) -> None:
        """Once per run."""
        if text not in self._told:
            self._told.add(text)
            self._notice(text)


def _images(attempt: Attempt) -> list[tuple[str, str]]:
    """Every image of the pod with its pull policy; none when a container names none, since then no engine can run it."""
    if attempt.template.get("podSpecPatch"):
        module: Any = import_module("aggregator.runtimes.pod.patch")
        attempt = module.patched(attempt)
    template = attempt.template
    main = template.get(attempt.kind) or {}
    listed = main.get("containers") or [] if attempt.kind == "containerSet" else [main]
    every = [*listed, *(template.get("initContainers") or []), *(template.get("sidecars") or [])]
    if not all(container.get("image") for container in every):
        return []
    return list(dict.fromkeys((str(c["image"]), str(c.get("imagePullPolicy") or "")) for c in every))
