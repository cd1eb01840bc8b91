"""The transport of choice: pyreqwest (reqwest, hyper and rustls), the fastest of those in `benchmarks/http_transport.py`."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import ClassVar

from pyreqwest import exceptions
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.proxy import ProxyBuilder

from aggregator.runtimes.http.exchange import FailureKind, Request, Response, TransportFailure

_TICK = 0.02  # the timers of two clocks agree to about this many seconds
# What the causes of an error say, in the order in which they are looked for. pyreqwest's classes alone cannot tell a name
# that does not resolve from a refused connection, nor a truncated body from bad gzip.
_WORDS: tuple[tuple[str, FailureKind], ...] = (
    ("dns error", "dns"),
    ("failed to lookup address", "dns"),
    ("tunnel", "proxy"),
    ("proxy", "proxy"),
    ("socks", "proxy"),
    ("certificate", "tls"),
    ("tls", "tls"),
    ("handshake", "tls"),
    ("corrupt message", "tls"),
    ("connection refused", "refused"),
    ("connection reset", "reset"),
    ("broken pipe", "reset"),
    ("connection aborted", "reset"),
    ("unreachable", "unreachable"),
    ("no route to host", "unreachable"),
    ("before message length reached", "truncated"),
    ("unexpected eof during chunk", "truncated"),
    ("connection closed before message completed", "closed"),
    ("unexpected end of file", "truncated"),
    ("unexpected eof", "truncated"),
    ("gzip", "decode"),
    ("deflate", "decode"),
    ("corrupt", "decode"),
)


class ReqwestTransport:
    """A pool of connections for each way to connect (verified or not, gzip or not, proxy), made when first needed.

    pyreqwest does not end a request whose caller was cancelled: nobody hears the answer, but its thread waits for it. The
    limit is therefore kept over there, which is also cheaper (17 us less a request than `asyncio.timeout`).
    """

    keeps_limit: ClassVar[bool] = True

    def __init__(self, *, user_agent: str, connect_timeout: float = 30.0, idle: int = 64) -> None:
        self._user_agent = user_agent
        self._connect_timeout = timedelta(seconds=connect_timeout)
        self._idle = idle
        self._clients: dict[tuple[bool, bool, str], Client] = {}

    async def send(self, request: Request) -> Response:
        key = (request.insecure, request.gzip, request.proxy)
        client = self._clients.get(key) or self._connect(key)
        began = time.monotonic()
        try:
            builder = client.request(request.method, request.url)
            if request.headers:
                builder.headers(request.headers)
            if request.body:
                builder.body_bytes(request.body)
            if request.timeout is not None:
                builder.timeout(timedelta(seconds=request.timeout))
            answer = await builder.build().send()
            body = await answer.bytes()
            return Response(answer.status, list(answer.headers.items()), body.to_bytes())
        except exceptions.RequestTimeoutError as error:
            if request.timeout is not None and time.monotonic() - began > request.timeout - _TICK:
                raise TransportFailure("limit") from error
            raise TransportFailure("timeout", "connecting took too long") from error
        except exceptions.DetailedPyreqwestError as error:
            raise _failure(error) from error
        except (ValueError, exceptions.PyreqwestError) as error:
            raise TransportFailure("request", str(error)) from error

    async def close(self) -> None:
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()

    def _connect(self, key: tuple[bool, bool, str]) -> Client:
        insecure, gzip, proxy = key
        builder = (
            ClientBuilder()
            .no_proxy()  # the environment's proxies are chosen by Go's rules in proxies.py
            .follow_redirects(False)
            .referer(False)
            .http1_only()
            .gzip(gzip)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .danger_accept_invalid_certs(insecure)
            .user_agent(self._user_agent)
            .connect_timeout(self._connect_timeout)
            .pool_max_idle_per_host(self._idle)
            .tcp_keepalive(timedelta(seconds=15))
        )
        if proxy:
            try:
                builder = builder.proxy(ProxyBuilder.all(proxy))
            except ValueError as error:
                raise TransportFailure("proxy", str(error)) from error
        client = self._clients[key] = builder.build()
        return client


def _failure(error: exceptions.DetailedPyreqwestError) -> TransportFailure:
    causes = [cause["message"] for cause in error.details.get("causes") or []]
    reason = causes[-1] if causes else error.message
    text = " / ".join(causes[1:] or causes).lower()  # the first cause repeats the URL, whose words prove nothing
    if isinstance(error, exceptions.BuilderError):
        return TransportFailure("request", reason)
    for words, kind in _WORDS:
        if words in text:
            return TransportFailure(kind, reason)
    return TransportFailure("protocol", reason)
