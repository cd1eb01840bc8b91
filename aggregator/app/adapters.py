"""Which adapters a run gets: the runtime of an attempt, the driver of an artifact key; each made when first needed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aggregator.app.choice import Choice
from aggregator.app.claims import named_claims, own_claims
from aggregator.app.fitness import cluster_of
from aggregator.errors import Unsupported
from aggregator.kinds import KINDS, Leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.ports import ArtifactDriver, Runtime
    from aggregator.secrets.store import SecretStore
    from aggregator.settings import Settings


@dataclass(slots=True)
class World:
    """What stands in for the outside during a run: hosts that are served here, AWS, and the environment of processes."""

    routes: Mapping[str, str]
    aws_endpoint: str
    env: Mapping[str, str]


NOWHERE = World({}, "", {})


class Adapters:
    """The adapters of one run. `environ` is the environment of agg's own process, `notice` tells a person one line."""

    def __init__(
        self,
        *,
        settings: Settings,
        folder: Path,
        secrets: SecretStore,
        world: World,
        environ: Mapping[str, str],
        notice: Callable[[str], None],
        workflows: Any = None,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._secrets = secrets
        self._world = world
        self._environ = environ
        self._notice = notice
        self._workflows = workflows
        self._runtimes: dict[str, Runtime] = {}
        self._pods = Choice(
            settings=settings,
            folder=folder,
            secrets=secrets,
            env=world.env,
            environ=environ,
            notice=notice,
            process=self._process,
        )
        self._drivers: dict[str, ArtifactDriver] = {}
        self._clients: Any = None

    async def runtime_of(self, attempt: Attempt) -> Runtime:
        """The runtime that runs an attempt; Unsupported names what can't run here."""
        leaf = KINDS[attempt.kind]
        name = leaf.runtime if isinstance(leaf, Leaf) else attempt.kind
        if name == "pod":
            return await self._pods.runtime_of(attempt)
        if name not in self._runtimes:
            make: dict[str, Callable[[], Runtime]] = {
                "http": self._http,
                "plugin": self._plugin,
                "data": self._data,
                "resource": self._resource,
            }
            if name not in make:
                raise Unsupported(
                    f"templates of type {attempt.kind!r} can't run on one machine yet",
                    hint="docs/compatibility.md says what can",
                )
            self._runtimes[name] = make[name]()
        return self._runtimes[name]

    def _process(self) -> Runtime:
        module: Any = import_module("aggregator.runtimes.process")
        rules = [
            module.ImageRule(
                pattern=pattern,
                entrypoint=tuple(row["entrypoint"]) if row.get("entrypoint") else None,
                path=tuple(row.get("path") or ()),
                env=dict(row.get("env") or {}),
            )
            for pattern, row in self._settings.table("process.images").items()
        ]
        runtime: Runtime = module.ProcessRuntime(
            image_rules=rules,
            isolation=self._settings.text("process.isolation"),
            extra_env=self._world.env,
            secrets=self._secrets,
            notice=self._notice,
            grace=self._settings.seconds("process.grace"),
            environ=self._environ,
            writable=self._settings.paths("process.writable"),
            claims=named_claims(self._folder),
            own_claims=own_claims(self._folder),
            host_folders=self._settings.paths("process.host_folders"),
            scratch=self._folder / "scratch",
        )
        return runtime

    def _http(self) -> Runtime:
        module: Any = import_module("aggregator.runtimes.http")
        concurrency = self._settings.integer("http.concurrency")
        transport = None
        if self._settings.text("http.transport") == "httpx":
            bridge: Any = import_module("aggregator.runtimes.http.bridge")
            transport = bridge.HttpxTransport.from_environment(concurrency)
        runtime: Runtime = module.HttpRuntime(
            secrets=self._secrets,
            transport=transport,
            concurrency=concurrency,
            routes=self._world.routes,
            strict_argo=self._settings.flag("strict_argo"),
            environ=self._environ,
        )
        return runtime

    def _plugin(self) -> Runtime:
        module: Any = import_module("aggregator.runtimes.plugin")
        runtime: Runtime = module.PluginRuntime(
            clients=self.clients(), secrets=self._secrets, plugins=self._settings.table("plugins")
        )
        return runtime

    def _data(self) -> Runtime:
        module: Any = import_module("aggregator.runtimes.data")
        runtime: Runtime = module.DataRuntime(driver_of=self.driver_of)
        return runtime

    def _resource(self) -> Runtime:
        module: Any = import_module("aggregator.runtimes.resource")
        runtime: Runtime = module.ResourceRuntime(
            cluster=cluster_of(self._settings, self._environ),
            workflows=self._workflows,
            environ=self._environ,
            interval=self._settings.seconds("kubernetes.interval"),
        )
        return runtime

    def clients(self) -> Any:
        """AWS clients, shared by the s3 driver and the plugins."""
        if self._clients is None:
            module: Any = import_module("aggregator.aws.clients")
            self._clients = module.AwsClients(
                endpoint=self._world.aws_endpoint or None, environ=self._environ, learn=self._secrets.masker.add
            )
        return self._clients

    def driver_of(self, key: str) -> ArtifactDriver:
        """The artifact driver of a YAML key."""
        if key not in self._drivers:
            module: Any = import_module("aggregator.artifacts")
            self._drivers[key] = module.make_driver(
                key, secrets=self._secrets, clients=self.clients, root=self._folder / "artifacts"
            )
        return self._drivers[key]

    async def close(self) -> None:
        """The end of the run: runtimes stop, drivers and clients close."""
        await self._pods.close()
        for runtime in self._runtimes.values():
            await runtime.stop()
        for adapter in (*self._drivers.values(), self._clients):
            if hasattr(adapter, "close"):
                adapter.close()
