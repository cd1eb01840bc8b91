"""Where container engines are looked for: DOCKER_HOST, CONTAINER_HOST, and the sockets that Docker and Podman usually have."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from aggregator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

Wanted = Literal["auto", "docker", "podman"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of an engine. `path` is its socket, or `host` and `port` lead to it."""

    url: str
    path: str = ""
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None

    @property
    def local(self) -> bool:
        """Whether a socket of this machine leads to the engine, so that it sees its files."""
        return bool(self.path)


def endpoints(wanted: Wanted, environ: Mapping[str, str]) -> list[Endpoint]:
    """Every place to ask, best first; what the environment names is the only one of its kind."""
    found: list[Endpoint] = []
    runtime, home = environ.get("XDG_RUNTIME_DIR", ""), environ.get("HOME", "")
    if wanted in ("auto", "docker"):
        if named := environ.get("DOCKER_HOST", ""):
            return [parse(named, environ, "DOCKER_HOST")]
        sockets = ["/var/run/docker.sock"]
        sockets += [f"{runtime}/docker.sock"] if runtime else []
        sockets += [f"{home}/.docker/run/docker.sock"] if home else []
        found += [Endpoint(f"unix://{path}", path) for path in sockets]
    if wanted in ("auto", "podman"):
        if named := environ.get("CONTAINER_HOST", ""):
            return [*found, parse(named, environ, "CONTAINER_HOST")]
        sockets = [f"{runtime}/podman/podman.sock"] if runtime else []
        found += [Endpoint(f"unix://{path}", path) for path in (*sockets, "/run/podman/podman.sock")]
    return found


def parse(url: str, environ: Mapping[str, str], variable: str) -> Endpoint:
    """The endpoint that a variable names: `unix://PATH` or `tcp://HOST:PORT`, with TLS as DOCKER_TLS_VERIFY says."""
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path:
        return Endpoint(url, parts.path)
    if parts.scheme in ("tcp", "http", "https") and parts.hostname:
        tls = _tls(environ) if environ.get("DOCKER_TLS_VERIFY") or parts.scheme == "https" else None
        return Endpoint(url, host=parts.hostname, port=parts.port or (2376 if tls else 2375), tls=tls)
    raise UsageError(
        f"{variable} is {url!r}, which is neither unix://PATH nor tcp://HOST:PORT",
        hint="for ssh, forward the socket: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST",
    )


def _tls(environ: Mapping[str, str]) -> ssl.SSLContext:
    folder = Path(environ.get("DOCKER_CERT_PATH") or f"{environ.get('HOME', '')}/.docker")
    try:
        context = ssl.create_default_context(cafile=str(folder / "ca.pem") if (folder / "ca.pem").exists() else None)
        if (folder / "cert.pem").exists():
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    except OSError as problem:
        raise UsageError(f"the certificates of the engine in {folder} can't be used: {problem}") from None
    return context
