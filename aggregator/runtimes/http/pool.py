"""The transport: pooled HTTP/1.1 connections over asyncio, straight, through TLS, or through a proxy.

Of the libraries measured in `benchmarks/http_transport.py`, those as fast as this cannot abandon a request that was cancelled,
and those that can take three times its CPU. Parsing is llhttp's (httptools), TLS is Python's, dialling is aiohappyeyeballs'.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import time
import zlib
from typing import TYPE_CHECKING, ClassVar, NamedTuple
from urllib.parse import unquote, urlsplit

import aiohappyeyeballs
import certifi

from aggregator.errors import UsageError
from aggregator.runtimes.http.connection import Connection
from aggregator.runtimes.http.exchange import Request, Response, TransportFailure
from aggregator.runtimes.http.origin import Origin, split

if TYPE_CHECKING:
    from collections.abc import Iterable

IDLE_SECONDS = 90.0
_CLOSE_SECONDS = 2.0
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_REPLAYABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Key(NamedTuple):
    """Connections with the same key may stand in for each other."""

    origin: str
    insecure: bool
    proxy: str


class PooledTransport:
    """Keeps connections for the next request to the same origin. One event loop; the number in flight is its caller's."""

    keeps_limit: ClassVar[bool] = True

    def __init__(self, *, user_agent: str, connect_timeout: float = 30.0) -> None:
        self._user_agent = user_agent
        self._connect_timeout = connect_timeout
        self._idle: dict[Key, list[Connection]] = {}
        self._open: set[Connection] = set()
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def send(self, request: Request) -> Response:
        try:
            origin, target = split(request.url)
        except (UsageError, ValueError) as error:
            raise TransportFailure("request", str(error)) from error
        key = Key(origin.text, request.insecure, request.proxy)
        data = self._head(request, origin, target) + request.body
        began = time.monotonic()
        while True:
            connection = self._reuse(key)
            reused = connection is not None
            if connection is None:
                connection = await self._connect(key, origin, request.timeout)
            left = None if request.timeout is None else request.timeout - (time.monotonic() - began)
            try:
                response = await connection.exchange(data, head_only=request.method == "HEAD", limit=left)
            except TransportFailure as failure:
                # The server closed an idle connection while we wrote to it: it has seen nothing of the request.
                stale = reused and connection.silent and failure.kind in ("closed", "reset")
                if stale and request.method in _REPLAYABLE:
                    continue
                raise
            if connection.usable:
                connection.idle_since = time.monotonic()
                self._idle.setdefault(key, []).append(connection)
            else:
                connection.abort()
            return _decoded(response) if request.gzip else response

    async def close(self) -> None:
        """Close every connection, and wait until the sockets are gone."""
        self._idle.clear()
        until = time.monotonic() + _CLOSE_SECONDS
        while self._open and time.monotonic() < until:
            for connection in list(self._open):
                connection.abort()
            await asyncio.sleep(0)

    def _head(self, request: Request, origin: Origin, target: str) -> bytes:
        given = {name.lower() for name, _ in request.headers}
        if request.proxy and origin.scheme == "http":
            target = f"{origin.scheme}://{origin.netloc}{target}"
        lines = [f"{request.method} {target} HTTP/1.1"]
        if "host" not in given:
            lines.append(f"Host: {origin.netloc}")
        if "user-agent" not in given:
            lines.append(f"User-Agent: {self._user_agent}")
        lines += [f"{name}: {value}" for name, value in request.headers if value or name.lower() != "user-agent"]
        if request.body or request.method in _WITH_BODY:
            lines.append(f"Content-Length: {len(request.body)}")
        if request.gzip:
            lines.append("Accept-Encoding: gzip")
        if request.proxy and origin.scheme == "http":
            lines += _authorization(request.proxy)
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _reuse(self, key: Key) -> Connection | None:
        idle = self._idle.get(key)
        while idle:
            connection = idle.pop()
            if connection.usable and time.monotonic() - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    async def _connect(self, key: Key, origin: Origin, limit: float | None) -> Connection:
        seconds = self._connect_timeout if limit is None else min(limit, self._connect_timeout)
        try:
            async with asyncio.timeout(seconds):
                return await self._dial(key, origin)
        except TimeoutError as error:
            if limit is not None and limit <= self._connect_timeout:
                raise TransportFailure("limit") from error
            raise TransportFailure("timeout", f"no connection within {seconds:g} s") from error

    async def _dial(self, key: Key, origin: Origin) -> Connection:
        tls = self._context(insecure=key.insecure) if origin.scheme == "https" else None
        if not key.proxy:
            return await self._open_to(origin.address, tls, origin.host)
        try:
            proxy = urlsplit(key.proxy)
            address = (proxy.hostname or "", proxy.port or (443 if proxy.scheme == "https" else 80))
        except ValueError as error:
            raise TransportFailure("proxy", f"{error}") from error
        if proxy.scheme not in ("http", "https"):
            raise TransportFailure("proxy", f"its scheme is {proxy.scheme}, and only http and https are supported")
        try:
            to_proxy = self._context(insecure=False) if proxy.scheme == "https" else None
            connection = await self._open_to(address, to_proxy, address[0])
            return connection if tls is None else await self._tunnel(connection, key, origin, tls)
        except TransportFailure as failure:
            if failure.kind in ("tls", "limit") and tls is not None:
                raise
            raise TransportFailure("proxy", f"{address[0]}:{address[1]}: {failure}") from failure

    async def _open_to(self, address: tuple[str, int], tls: ssl.SSLContext | None, host: str) -> Connection:
        loop = asyncio.get_running_loop()
        sock = None
        try:
            found = await loop.getaddrinfo(*address, type=socket.SOCK_STREAM)
            sock = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=0.25, loop=loop)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, connection = await loop.create_connection(
                lambda: Connection(self._open.discard),
                sock=sock,
                ssl=tls,
                server_hostname=host if tls is not None else None,
            )
        except OSError as error:
            _close(sock)
            raise _failure(error) from error
        except BaseException:
            _close(sock)
            raise
        if connection.transport is not None:  # else it is lost again already
            self._open.add(connection)
        return connection

    async def _tunnel(self, connection: Connection, key: Key, origin: Origin, tls: ssl.SSLContext) -> Connection:
        """Ask the proxy for a way through to the origin, and speak TLS with it."""
        host, port = origin.address
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", f"User-Agent: {self._user_agent}"]
        data = ("\r\n".join([*lines, *_authorization(key.proxy)]) + "\r\n\r\n").encode()
        inner = Connection(self._open.discard)
        try:
            answer = await connection.exchange(data, head_only=True, limit=None)
            if answer.status != 200:
                raise TransportFailure("proxy", f"CONNECT {place} was answered {answer.status}")
            assert connection.transport is not None
            loop = asyncio.get_running_loop()
            transport = await loop.start_tls(connection.transport, inner, tls, server_hostname=host)
        except OSError as error:
            connection.abort()
            raise _failure(error) from error
        except BaseException:
            connection.abort()
            raise
        finally:
            self._open.discard(connection)  # its socket is the inner one's now, or closed
        assert transport is not None
        inner.attach(transport)
        self._open.add(inner)
        return inner

    def _context(self, *, insecure: bool) -> ssl.SSLContext:
        context = self._contexts.get(insecure)
        if context is None:
            context = self._contexts[insecure] = ssl.create_default_context()
            if insecure:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            paths = ssl.get_default_verify_paths()
            if not (paths.cafile or paths.capath):
                context.load_verify_locations(certifi.where())  # a Python that finds no CA bundle on this machine
        return context


def _authorization(proxy: str) -> list[str]:
    parts = urlsplit(proxy)
    if parts.username is None:
        return []
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return [f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}"]


def _close(sock: socket.socket | None) -> None:
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.close()


def _failure(error: OSError) -> TransportFailure:
    reason = error.strerror or str(error) or type(error).__name__
    if isinstance(error, socket.gaierror):
        return TransportFailure("dns", reason)
    if isinstance(error, ssl.SSLError):
        return TransportFailure("tls", getattr(error, "verify_message", "") or error.reason or reason)
    if isinstance(error, ConnectionRefusedError) or "refused" in reason.lower():
        return TransportFailure("refused")
    if isinstance(error, ConnectionError):
        return TransportFailure("reset", reason)
    return TransportFailure("unreachable", reason)


def _decoded(response: Response) -> Response:
    if (response.header("content-encoding") or "").lower() not in ("gzip", "x-gzip"):
        return response
    body = b"".join(_members(response.body))
    dropped = ("content-encoding", "content-length")
    headers = [(name, value) for name, value in response.headers if name.lower() not in dropped]
    return Response(response.status, headers, body)


def _members(data: bytes) -> Iterable[bytes]:
    """A gzip body may hold several members, one after the other."""
    while data:
        unzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            yield unzip.decompress(data)
        except zlib.error as error:
            raise TransportFailure("decode", f"gzip: {error}") from error
        if not unzip.eof:
            raise TransportFailure("decode", "gzip: the data ends too early")
        data = unzip.unused_data
