"""Runs `http` templates: one attempt is one request, its redirects, and the verdict on its answer."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from aggregator import __version__
from aggregator.engine.events import Outcome
from aggregator.errors import AggError
from aggregator.runtimes.http import messages
from aggregator.runtimes.http.exchange import Request, Response, Transport, TransportFailure
from aggregator.runtimes.http.origin import Origin, split
from aggregator.runtimes.http.pool import PooledTransport
from aggregator.runtimes.http.proxies import EnvironmentProxies
from aggregator.runtimes.http.reading import Reading, read
from aggregator.runtimes.http.redirects import MAX_REDIRECTS, follow, redirects
from aggregator.runtimes.http.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import httpx

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets, Sink, Workspace

USER_AGENT = f"agg/{__version__}"


class HttpRuntime:
    """Sends requests over pooled connections, at most `concurrency` at a time.

    `routes` maps a host (or `*.suffix`) to the base URL that stands in for it: the sandbox. `transport` is a Transport of
    ours, or any httpx transport or client. `strict_argo` takes only those failures for transient whose message Argo would.
    """

    name: ClassVar[str] = "http"
    staged: ClassVar[bool] = False

    def __init__(
        self,
        *,
        secrets: Secrets,
        concurrency: int = 64,
        routes: Mapping[str, str] | None = None,
        strict_argo: bool = False,
        connect_timeout: float = 30.0,
        transport: Transport | httpx.AsyncBaseTransport | httpx.AsyncClient | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._secrets = secrets
        self._slots = asyncio.Semaphore(concurrency)
        self._routes = {host.lower(): base.rstrip("/") for host, base in (routes or {}).items()}
        self._strict_argo = strict_argo
        self._proxies = EnvironmentProxies(os.environ if environ is None else environ)
        self._transport = _transport(transport, connect_timeout)

    async def open(self, attempt: Attempt, folder: Path) -> Workspace:
        raise NotImplementedError(f"http leaves have no files: {attempt.name} in {folder}")

    async def close(self, workspace: Workspace) -> None:
        raise NotImplementedError(f"http leaves have no files: {workspace}")

    async def stop(self) -> None:
        await self._transport.close()

    async def run(self, attempt: Attempt, workspace: Workspace | None, sink: Sink) -> Outcome:  # noqa: ARG002 - the port's
        # An http node goes from Pending straight to its end, as in Argo, so the sink is not told of a start.
        try:
            reading = read(attempt.template.get("http") or {}, self._secrets)
        except AggError as error:
            text = f"{error.message} ({error.hint})" if error.hint else error.message
            return self._failed(text)
        async with self._slots:
            limit, words = _limit(reading, attempt)
            reading.request.timeout = limit
            try:
                if limit is None or self._transport.keeps_limit:
                    response = await self._exchange(reading)
                else:
                    async with asyncio.timeout(limit):
                        response = await self._exchange(reading)
            except TimeoutError:
                return self._failed(messages.timed_out(reading.request, words), transient=not self._strict_argo)
            except TransportFailure as failure:
                transient = messages.is_transient(failure, strict_argo=self._strict_argo)
                if failure.kind == "limit":
                    return self._failed(messages.timed_out(reading.request, words), transient=transient)
                return self._failed(messages.transport_failure(reading.request, failure), transient=transient)
        return self._verdict(reading, response)

    async def _exchange(self, reading: Reading) -> Response:
        request, origin = reading.request, reading.origin
        began = time.monotonic()
        response = await self._send(request, origin)
        if response.status < 300 or response.status > 399:
            return response
        for _ in range(MAX_REDIRECTS - 1):
            if not redirects(response):
                return response
            request = follow(request, response, origin.host)
            if reading.request.timeout is not None:
                request.timeout = max(0.001, reading.request.timeout - (time.monotonic() - began))
            response = await self._send(request, split(request.url)[0])
        if redirects(response):
            raise TransportFailure("redirects", f"stopped after {MAX_REDIRECTS} redirects")
        return response

    async def _send(self, request: Request, origin: Origin) -> Response:
        try:
            if not self._routes and not self._proxies.active:
                return await self._transport.send(request)
            return await self._transport.send(self._wire(request, origin))
        except TransportFailure as failure:
            failure.url = request.url
            raise

    def _wire(self, request: Request, origin: Origin) -> Request:
        """The request as it goes out: to the host that stands in for its own, or through a proxy."""
        base = self._route(origin.host) if self._routes else None
        if base is not None:
            wire = replace(request, url=base + request.url[len(origin.text) :])
            if not any(name.lower() == "host" for name, _ in request.headers):
                wire.headers = [*request.headers, ("Host", origin.netloc)]
            return wire
        if request.insecure and self._strict_argo:  # Argo's client without verification knows no proxies
            return request
        proxy = self._proxies.for_url(origin.scheme, origin.host, origin.port)
        return replace(request, proxy=proxy) if proxy else request

    def _route(self, host: str) -> str | None:
        base = self._routes.get(host)
        while base is None and "." in host:
            host = host.partition(".")[2]
            base = self._routes.get(f"*.{host}")
        return base

    def _verdict(self, reading: Reading, response: Response) -> Outcome:
        return judge(reading, response, now=time.time(), mask=self._secrets.mask, strict_argo=self._strict_argo)

    def _failed(self, message: str, *, transient: bool = False) -> Outcome:
        return Outcome(phase="Failed", message=self._secrets.mask(message), transient=transient)


def _limit(reading: Reading, attempt: Attempt) -> tuple[float | None, str]:
    """How long the exchange may take and, for the message, why."""
    limit, words = reading.timeout, f"timeoutSeconds: {reading.timeout:g}" if reading.timeout else ""
    if attempt.deadline is not None:
        left = max(0.0, attempt.deadline - time.time())
        if limit is None or left < limit:
            limit, words = left, f"the {left:.1f} s that were left until the deadline"
    return limit, words


def _transport(
    given: Transport | httpx.AsyncBaseTransport | httpx.AsyncClient | None, connect_timeout: float
) -> Transport:
    if given is None:
        return PooledTransport(user_agent=USER_AGENT, connect_timeout=connect_timeout)
    if hasattr(given, "send") and hasattr(given, "close") and not hasattr(given, "aclose"):
        return given
    # httpx takes 0.1 s to import and is wanted only by those who bring a transport of it.
    from aggregator.runtimes.http.bridge import HttpxTransport  # noqa: PLC0415

    return HttpxTransport(given)  # type: ignore[arg-type]  # told apart by its methods, so that httpx is not imported
