"""What we ask of an engine: the calls of Docker's API that the runtime needs, which Podman's service answers as well."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aggregator.errors import UsageError
from aggregator.runtimes.docker.client import Client, EngineGone, EngineRefused
from aggregator.runtimes.docker.endpoints import endpoints

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from aggregator.runtimes.docker.client import Answer, Connection
    from aggregator.runtimes.docker.endpoints import Endpoint, Wanted

PING_SECONDS = 3.0
_VERSION_SECONDS = 20.0
"""Podman starts several programs to tell its version."""
_NEWEST = (1, 51)
"""The newest version of the API whose answers we know; an engine that speaks an older one is asked in that."""


@dataclass(slots=True)
class Engine:
    """An engine that answered. `kind` is docker or podman."""

    client: Client
    kind: str
    version: str
    architecture: str

    @property
    def endpoint(self) -> Endpoint:
        return self.client.endpoint

    def describe(self) -> str:
        return f"{self.kind} {self.version} at {self.endpoint.url}"

    # ------------------------------------------------------------------ images

    async def has_image(self, image: str) -> bool:
        try:
            await self.client.call("GET", f"/images/{quote(image, safe='/:@')}/json")
        except EngineRefused as refused:
            if refused.status in (400, 404, 500):  # podman answers 500 where it looked a short name up in vain
                return False
            raise
        return True

    async def pull(self, image: str, credentials: Mapping[str, str] | None) -> AsyncIterator[dict[str, Any]]:
        """Pull an image; the engine's reports as they come. EngineRefused when it can't be had."""
        encoded = base64.urlsafe_b64encode(json.dumps(dict(credentials)).encode()).decode() if credentials else ""
        name, tag = split_tag(image)
        query = {"fromImage": name, "tag": tag}
        headers = {"X-Registry-Auth": encoded} if encoded else {}
        async with self.client.stream("POST", "/images/create", query, headers=headers) as answer:
            rest = b""
            async for data in answer.chunks():
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if not line.strip():
                        continue
                    report = json.loads(line)
                    if report.get("error"):
                        raise EngineRefused(500, str(report["error"]).strip())
                    yield report

    # ------------------------------------------------------------------ containers

    async def create(self, name: str, body: dict[str, Any]) -> str:
        made = await self.client.call("POST", "/containers/create", {"name": name}, body)
        return str(made["Id"])

    async def attach(self, ident: str) -> Connection:
        """The container's output, from its first byte on when this comes before `start`."""
        return await self.client.take_over(f"/containers/{ident}/attach", {"stream": 1, "stdout": 1, "stderr": 1})

    async def start(self, ident: str) -> None:
        await self.client.call("POST", f"/containers/{ident}/start")

    async def wait(self, ident: str) -> int:
        """The exit code, once the container has ended."""
        return int((await self.client.call("POST", f"/containers/{ident}/wait"))["StatusCode"])

    async def inspect(self, ident: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.client.call("GET", f"/containers/{ident}/json")
        return found

    async def signal(self, ident: str, name: str) -> None:
        """Nothing is wrong when the container has ended meanwhile."""
        try:
            await self.client.call("POST", f"/containers/{ident}/kill", {"signal": name})
        except EngineRefused as refused:
            if refused.status not in (404, 409, 500):
                raise

    async def remove(self, ident: str) -> None:
        """Kill and remove a container with its anonymous volumes; no error when it is not there."""
        try:
            await self.client.call("DELETE", f"/containers/{ident}", {"force": "true", "v": "true"})
        except EngineRefused as refused:
            if refused.status not in (404, 409):  # 409: somebody else removes it at the moment
                raise

    async def labelled(self, label: str) -> list[dict[str, Any]]:
        """All containers, running or not, that have the label."""
        query = {"all": "true", "filters": json.dumps({"label": [label]})}
        found: list[dict[str, Any]] = await self.client.call("GET", "/containers/json", query)
        return found or []

    def archive(self, ident: str, path: str) -> AbstractAsyncContextManager[Answer]:
        """A file or folder of the container as a tar; EngineRefused with status 404 when there is none."""
        return self.client.stream("GET", f"/containers/{ident}/archive", {"path": path})

    async def put_archive(self, ident: str, path: str, tar: bytes) -> None:
        """Unpack a tar in a folder of the container."""
        await self.client.call("PUT", f"/containers/{ident}/archive", {"path": path}, tar)

    async def execute(self, ident: str, command: list[str]) -> int:
        """Run a command in a running container; its exit code."""
        made = await self.client.call("POST", f"/containers/{ident}/exec", body={"Cmd": command, "AttachStdout": True})
        connection = await self.client.take_over(f"/exec/{made['Id']}/start", {}, {"Detach": False, "Tty": False})
        try:
            while await connection.reader.read(1 << 16):
                continue
        except OSError as problem:
            raise EngineGone(self.endpoint, str(problem)) from None
        finally:
            connection.close()
        told = await self.client.call("GET", f"/exec/{made['Id']}/json")
        return int(told.get("ExitCode") or 0)

    async def machine(self) -> tuple[int, bool]:
        """Its number of processors, and whether it has a small first process (docker-init) to start commands beneath."""
        told = await self.client.call("GET", "/info")
        commit = (told.get("InitCommit") or {}).get("ID")
        return int(told.get("NCPU") or 1), bool(told.get("InitBinary")) and commit not in ("N/A", None)

    async def sees_files_of(self, host: str) -> bool:
        """Whether the engine runs on the machine of this name, so that it can mount our files."""
        return self.endpoint.local or (await self.client.call("GET", "/info")).get("Name") == host

    async def close(self) -> None:
        await self.client.close()


def split_tag(image: str) -> tuple[str, str]:
    """Name and tag or digest; `latest` where the image names none."""
    name, at, digest = image.partition("@")
    if at:
        return name, digest
    head, colon, tail = image.rpartition(":")
    return (head, tail) if colon and "/" not in tail else (image, "latest")


async def find(wanted: Wanted, environ: Mapping[str, str]) -> Engine:
    """The first engine that answers; UsageError names every place that was asked."""
    tried = []
    for endpoint in endpoints(wanted, environ):
        client = Client(endpoint)
        try:
            async with asyncio.timeout(PING_SECONDS), client.stream("GET", "/_ping") as answer:
                await answer.whole()
            async with asyncio.timeout(_VERSION_SECONDS):
                return await _greet(client)
        except TimeoutError:
            tried.append(f"{endpoint.url} (it is there, but does not answer in time)")
        except (EngineGone, EngineRefused) as problem:
            why = problem.message.rpartition("does not answer: ")[2]
            tried.append(f"{endpoint.url} ({why})")
        await client.close()
    what = "container engine" if wanted == "auto" else f"{wanted} engine"
    raise UsageError(
        f"no {what} answers: {', '.join(tried)}",
        hint="start one, set DOCKER_HOST or CONTAINER_HOST, or use --runtime process",
    )


async def _greet(client: Client) -> Engine:
    told = await client.call("GET", "/version")
    speaks = tuple(int(part) for part in str(told.get("ApiVersion") or "1.40").split(".")[:2])
    client.prefix = "/v{}.{}".format(*min(speaks, _NEWEST))
    names = " ".join(str(part.get("Name")) for part in told.get("Components") or [])
    kind = "podman" if "podman" in names.lower() else "docker"
    return Engine(client, kind, str(told.get("Version") or "?"), str(told.get("Arch") or "amd64"))
