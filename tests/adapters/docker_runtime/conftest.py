"""How the tests of the container runtime run a leaf: a template goes in; outcome, output, files and notices come out."""

import asyncio
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aggregator.engine.commands import Attempt
from aggregator.errors import NotFound, UsageError
from aggregator.runtimes.docker import DockerRuntime, Owner, PodmanRuntime, find

IMAGE = "alpine:3.23"


class KnownSecrets:
    """Secrets and ConfigMaps from dictionaries."""

    def __init__(self, secrets, config_maps):
        self.secrets, self.config_maps = secrets, config_maps

    def secret(self, name, key):
        try:
            return self.secrets[name][key]
        except KeyError:
            raise NotFound(f"key {key!r} of Secret {name!r} is nowhere") from None

    def secret_keys(self, name):
        if name not in self.secrets:
            raise NotFound(f"Secret {name!r} is nowhere")
        return self.secrets[name]

    def config_map(self, name):
        if name not in self.config_maps:
            raise NotFound(f"ConfigMap {name!r} is nowhere")
        return self.config_maps[name]

    def mask(self, text):
        return text


class Seen:
    """A sink that remembers what it was told; `on` is called at each call."""

    def __init__(self, on=lambda call: None):
        self.calls = []
        self.on = on

    def _note(self, *call):
        self.calls.append(call)
        self.on(call)

    def write(self, stream, data):
        self._note(stream, data)

    def started(self):
        self._note("started")

    def ready(self, ip):
        self._note("ready", ip)

    def progress(self, text):
        self._note("progress", text)


@dataclass
class Ran:
    outcome: object
    sink: Seen
    folder: Path
    outputs: dict = field(default_factory=dict)

    @property
    def result(self):
        return self.outcome.result


def read(path):
    if path.is_dir():
        return sorted(
            f"{p.relative_to(path)}{f' -> {p.readlink()}' if p.is_symlink() else ''}" for p in path.rglob("*")
        )
    return path.read_text() if path.exists() else None


class Pods:
    """Runs attempts on one engine, and holds that nothing of them is left on it."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.folder = folder
        self.notices = []
        self.owner = Owner(os.getpid(), "born", "tests")
        self._count = 0

    async def runtime(self, *, secrets=None, config_maps=None, gone=lambda owner: False, **options):
        made = PodmanRuntime if self.kind == "podman" else DockerRuntime
        return made(
            await find(self.kind, os.environ),
            secrets=KnownSecrets(secrets or {}, config_maps or {}),
            owner=self.owner,
            gone=gone,
            notice=self.notices.append,
            **{"grace": 2.0, "claims": self.folder / "claims", **options},
        )

    def attempt(self, template, *, deadline=None, volumes=()):
        self._count += 1
        kind = next(key for key in ("container", "script", "containerSet") if key in template)
        return Attempt(
            node=self._count,
            node_id=f"wf-{self._count}",
            name=f"wf.step({self._count})",
            display_name="step",
            template_name="t",
            pod_name=f"wf-t-{self._count}",
            kind=kind,
            template={"name": "t", **template},
            index=0,
            workflow="wf",
            uid="the-uid",
            namespace="argo",
            deadline=deadline,
            want_result=True,
            volumes=list(volumes),
        )

    async def drive(self, runtime, attempt, *, stage=None, sink=None):
        """What the driver does with an attempt."""
        folder = self.folder / attempt.pod_name
        folder.mkdir(mode=0o700)
        sink = sink or Seen()
        workspace = await runtime.open(attempt, folder)
        try:
            for path, text in (stage or {}).items():
                workspace.host_path(path).write_text(text)
            outcome = await runtime.run(attempt, workspace, sink)
            declared = attempt.template.get("outputs") or {}
            paths = [a["path"] for a in declared.get("artifacts", [])]
            paths += [p["valueFrom"]["path"] for p in declared.get("parameters", [])]
            outputs = {path: read(workspace.host_path(path)) for path in paths}
        finally:
            await runtime.close(workspace)
        return Ran(outcome, sink, folder, outputs)

    def __call__(self, body=None, *, stage=None, deadline=None, volumes=(), sink=None, **options):
        """One attempt from its beginning to its end."""

        async def main():
            runtime = await self.runtime(**options)
            try:
                attempt = self.attempt(body, deadline=deadline, volumes=volumes)
                return await self.drive(runtime, attempt, stage=stage, sink=sink)
            finally:
                await runtime.stop()

        return asyncio.run(main())

    def left(self, label=None):
        """Containers that carry our label, whatever their state."""

        async def main():
            engine = await find(self.kind, os.environ)
            try:
                return await engine.labelled(label or f"agg.dev/owner={self.owner.label()}")
            finally:
                await engine.close()

        return asyncio.run(main())

    def command(self, *arguments):
        return subprocess.run([self.kind, *arguments], capture_output=True, text=True)


def _pods(kind, folder):
    pods = Pods(kind, folder)

    async def ready():
        engine = await find(kind, os.environ)
        try:
            return await engine.has_image(IMAGE)
        finally:
            await engine.close()

    try:
        why = "" if asyncio.run(ready()) else f"{kind} has no image {IMAGE}"
    except UsageError as error:
        why = error.message
    if why:
        if os.environ.get("CI") and kind == "docker":
            pytest.fail(why)
        pytest.skip(why)
    return pods


@pytest.fixture(params=["docker", "podman"])
def pods(request, tmp_path):
    made = _pods(request.param, tmp_path)
    yield made
    assert made.left() == []


@pytest.fixture
def docker(tmp_path):
    """Where one engine is enough to tell."""
    made = _pods("docker", tmp_path)
    yield made
    assert made.left() == []


def sh(text, name="main", **rest):
    return {"name": name, "image": IMAGE, "command": ["sh", "-c"], "args": [text], **rest}


@pytest.fixture(name="sh", scope="session")
def _sh():
    return sh


@pytest.fixture(scope="session")
def parse():
    return json.loads
