"""The http and artifactory drivers: an artifact is what a URL answers, and is stored by PUT."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

import urllib3

from aggregator.artifacts import files
from aggregator.artifacts.http_connection import TRANSIENT, Connections, retry_after
from aggregator.errors import NotFound, StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from aggregator.ports import Location, Secrets

_CHUNK = 1 << 20


class HttpDriver:
    """Implements ports.ArtifactDriver. A URL is one file: folders can't be stored, and there is nothing to list."""

    def __init__(self, secrets: Secrets, **timeouts: float) -> None:
        self._connections = Connections(secrets, **timeouts)

    @classmethod
    def make(cls, *, secrets: Secrets, **_: Any) -> Self:
        return cls(secrets)

    def close(self) -> None:
        self._connections.close()

    def load(self, location: Location, target: Path) -> None:
        url = _url(location)
        doing = f"load {url} to {target}"
        with self._answer("GET", url, location) as answer, files.whole(target, doing) as part, part.open("wb") as out:
            for chunk in _chunks(url, answer):
                out.write(chunk)
            out.flush()

    def save(self, source: Path, location: Location) -> None:
        url = _url(location)
        with files.local_errors(f"store {source}", source):
            files.check_source(source)
            if source.is_dir():
                raise StoreError(
                    f"can't store the folder {source} by HTTP",
                    hint="archive it (the default), which makes one file of it",
                )
            with source.open("rb") as body:
                size = source.stat().st_size
                with self._answer("PUT", url, location, body=body if size else b"", size=size):
                    pass

    def open(self, location: Location) -> BinaryIO:
        url = _url(location)
        answer = self._connections.request("GET", url, self._access(location))
        _check("GET", url, answer)
        return cast("BinaryIO", io.BufferedReader(_Body(url, answer), _CHUNK))

    def list(self, location: Location) -> list[str]:
        raise StoreError(f"{_url(location)} can't be listed: HTTP has no folders")

    def delete(self, location: Location) -> None:
        raise StoreError(f"{_url(location)} is not deleted: that is not done by HTTP")

    def _access(self, location: Location) -> Mapping[str, Any]:
        return location

    @contextmanager
    def _answer(self, method: str, url: str, location: Location, *, body: Any = None, size: int = 0) -> Iterator[Any]:
        answer = self._connections.request(method, url, self._access(location), body=body, size=size)
        try:
            _check(method, url, answer)
            yield answer
        finally:
            # A connection whose answer was not read to its end can't be used again.
            answer.close()


class ArtifactoryDriver(HttpDriver):
    """An Artifactory repository is HTTP with a name and a password."""

    def _access(self, location: Location) -> Mapping[str, Any]:
        names = ("usernameSecret", "passwordSecret")
        if not any(location.get(name) for name in names):
            return {}
        return {"auth": {"basicAuth": {name: location.get(name) for name in names}}}


class _Body(io.RawIOBase):
    """An answer as a file; a body that ends too early is an error, not an end."""

    def __init__(self, url: str, answer: Any) -> None:
        self._url = url
        self._answer = answer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _reading(self._url):
            data: bytes = self._answer.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._answer.close()
        super().close()


def _url(location: Location) -> str:
    url = location.get("url")
    if not isinstance(url, str) or not url.strip():
        raise StoreError("the location has no url")
    return url.strip()


@contextmanager
def _reading(url: str) -> Iterator[None]:
    try:
        yield
    except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as exc:
        raise TransientError(f"GET {url}: the answer broke off: {' '.join(str(exc).split())}") from exc


def _chunks(url: str, answer: Any) -> Iterator[bytes]:
    while True:
        with _reading(url):
            chunk: bytes = answer.read(_CHUNK)
        if not chunk:
            return
        yield chunk


def _check(method: str, url: str, answer: Any) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    said = f"{method} {url}: HTTP {status} {answer.reason or ''}".rstrip()
    answer.close()
    if status in TRANSIENT:
        raise TransientError(said, retry_after=retry_after(answer.headers))
    if status in {404, 410}:
        raise NotFound(said)
    hints = {
        401: "check the credentials under `auth`",
        403: "check what these credentials may do",
        407: "the proxy wants a sign-in",
    }
    raise StoreError(said, hint=hints.get(status, ""))
