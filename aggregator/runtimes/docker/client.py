"""HTTP to an engine's socket: connections that are kept, answers whole or as a stream, and connections taken over.

The client libraries that there are do not fit: aiodocker gives logs as text without their stream and archives as one block
of memory, and its aiohttp takes longer to import than a whole `agg run` takes (docs/runtime-docker.md has the figures).
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aggregator.errors import StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aggregator.runtimes.docker.endpoints import Endpoint

_BUFFER = 1 << 18
_CONNECT_SECONDS = 5.0
_KEPT = 32
"""Idle connections that are kept."""
Body = bytes | dict[str, Any] | None
_BROKEN = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)
"""What reading an answer raises when the other side is gone, or is no engine."""


class EngineRefused(StoreError):  # noqa: N818 - what happened, in the words of the outcome
    """The engine answered that it will not."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class EngineGone(TransientError):  # noqa: N818 - as above
    """Nobody answers at the socket, or not to the end."""

    def __init__(self, endpoint: Endpoint, why: str) -> None:
        super().__init__(
            f"the container engine at {endpoint.url} does not answer: {why}",
            hint="see that it runs (docker info, podman info), then run the workflow again",
        )


@dataclass(slots=True)
class Connection:
    """One connection, which carries one exchange at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def usable(self) -> bool:
        return not self.writer.is_closing() and not self.reader.at_eof()

    def close(self) -> None:
        self.writer.transport.abort()


@dataclass(slots=True)
class Answer:
    """The head of an answer, and its body piece by piece; `over` once the body has been read to its end."""

    status: int
    headers: dict[str, str]
    reader: asyncio.StreamReader
    over: bool = field(default=False)

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry the next exchange."""
        bounded = "content-length" in self.headers or "transfer-encoding" in self.headers or self.status in (204, 304)
        return self.over and bounded and self.headers.get("connection", "").lower() != "close"

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces, as they come."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            while left := int((await self.reader.readline()).split(b";")[0], 16):
                async for data in self._some(left):
                    yield data
                await self.reader.readexactly(2)
            while (await self.reader.readline()).strip():
                continue
        elif self.status not in (204, 304):
            length = self.headers.get("content-length")
            async for data in self._some(None if length is None else int(length)):
                yield data
        self.over = True

    async def _some(self, left: int | None) -> AsyncIterator[bytes]:
        """So many bytes, or all that comes until the other side closes."""
        while left is None or left:
            data = await self.reader.read(_BUFFER if left is None else min(left, _BUFFER))
            if not data:
                if left is None:
                    return
                raise asyncio.IncompleteReadError(b"", left)
            left = None if left is None else left - len(data)
            yield data

    async def whole(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])


class Client:
    """Talks to the engine at one endpoint; `prefix` is the version with which all paths begin, once it is known."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.prefix = ""
        self._idle: list[Connection] = []

    async def call(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Body = None) -> Any:
        """The answer's JSON, None when it has none; EngineRefused, in the engine's words, when it is no success."""
        async with self.stream(method, path, query, body) as answer:
            data = await answer.whole()
        try:
            return json.loads(data) if data.strip() else None
        except ValueError:
            raise EngineGone(self.endpoint, "something else listens there") from None

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Answer]:
        """The answer, whose body is read by the caller."""
        connection = await self._connection()
        reusable = False
        try:
            answer = await self._exchange(connection, self._request(method, path, query, body, headers or {}))
            if answer.status >= 400:
                told = _words(await answer.whole()) or f"status {answer.status} for {method} {path}"
                reusable = answer.reusable
                raise EngineRefused(answer.status, told)
            yield answer
            reusable = answer.reusable
        except _BROKEN as problem:
            raise EngineGone(self.endpoint, _reason(problem)) from None
        finally:
            if reusable and len(self._idle) < _KEPT:
                self._idle.append(connection)
            else:
                connection.close()

    async def take_over(self, path: str, query: Mapping[str, Any], body: Body = None) -> Connection:
        """A connection that from now on carries the bytes of a container; the caller closes it."""
        connection = await self._connect()
        try:
            upgrade = {"Connection": "Upgrade", "Upgrade": "tcp"}
            answer = await self._exchange(connection, self._request("POST", path, query, body, upgrade))
            if answer.status not in (101, 200):
                raise EngineRefused(answer.status, _words(await answer.whole()) or f"status {answer.status}")
        except _BROKEN as problem:
            connection.close()
            raise EngineGone(self.endpoint, _reason(problem)) from None
        except BaseException:
            connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Give up what is idle."""
        while self._idle:
            connection = self._idle.pop()
            connection.close()
            with suppress(OSError):
                await connection.writer.wait_closed()

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.close()
        return await self._connect()

    async def _connect(self) -> Connection:
        to = self.endpoint
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                if to.path:
                    pair = await asyncio.open_unix_connection(to.path, limit=_BUFFER)
                else:
                    pair = await asyncio.open_connection(to.host, to.port, ssl=to.tls, limit=_BUFFER)
        except (OSError, TimeoutError) as problem:
            raise EngineGone(to, _reason(problem)) from None
        return Connection(*pair)

    def _request(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Body, headers: Mapping[str, str]
    ) -> bytes:
        data = json.dumps(body).encode() if isinstance(body, dict) else body or b""
        kind = "application/json" if isinstance(body, dict) else "application/x-tar"
        lines = [
            f"{method} {self.prefix}{path}{'?' + urlencode(query) if query else ''} HTTP/1.1",
            f"Host: {self.endpoint.host or 'localhost'}",
            f"Content-Length: {len(data)}",
            *([f"Content-Type: {kind}"] if data else []),
            *(f"{name}: {value}" for name, value in headers.items()),
            "\r\n",
        ]
        return "\r\n".join(lines).encode() + data

    @staticmethod
    async def _exchange(connection: Connection, request: bytes) -> Answer:
        connection.writer.write(request)
        await connection.writer.drain()
        lines = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return Answer(int(lines[0].split()[1]), headers, connection.reader)


def _words(data: bytes) -> str:
    """The engine's `message`, or the text that it sent instead."""
    try:
        told = json.loads(data)
    except ValueError:
        return data.decode(errors="replace").strip()
    return str(told.get("message") or "").strip() if isinstance(told, dict) else ""


def _reason(problem: BaseException) -> str:
    if isinstance(problem, TimeoutError):
        return f"no connection within {_CONNECT_SECONDS:.0f} s"
    if isinstance(problem, OSError):
        return (problem.strerror or str(problem) or type(problem).__name__).lower()
    return "the connection ended in the middle of an answer"
