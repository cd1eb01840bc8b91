"""One HTTP/1.1 connection: writes a request, reads its answer with httptools' parser (llhttp), and may do so again."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import httptools

from aggregator.runtimes.http.exchange import Response, TransportFailure

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_LIMIT_LINES = 1024
"""Header lines of one answer; more are an attack or a mistake."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. It fails its waiter with TransportFailure, and is `reusable` when it may go on."""

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_lost = on_lost
        self._waiter: asyncio.Future[Response] | None = None
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._head_only = False
        self._until_close = False
        self._in_answer = False
        self.transport: asyncio.Transport | None = None
        self.silent = True
        """Nothing of the current answer has come."""
        self.reusable = False
        self.idle_since = 0.0
        self._parser = httptools.HttpResponseParser(self)

    def attach(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]  # uvloop's are no asyncio.Transport

    connection_made = attach

    @property
    def usable(self) -> bool:
        return self.reusable and self.transport is not None and not self.transport.is_closing()

    async def exchange(self, data: bytes, *, head_only: bool, limit: float | None) -> Response:
        """Send a request and return its answer; `head_only` for HEAD and CONNECT, whose answers have no body."""
        if self.transport is None or self.transport.is_closing():
            raise TransportFailure("closed")
        self._waiter = self._loop.create_future()
        self._head_only = head_only
        self.silent = True
        self.reusable = False
        timer = None if limit is None else self._loop.call_later(limit, self._fail, TransportFailure("limit"))
        try:
            self.transport.write(data)
            return await self._waiter
        except BaseException:
            self.reusable = False
            self.abort()
            raise
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # asyncio's side

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()  # nobody asked: what follows could be taken for the next answer
            return
        self.silent = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(TransportFailure("protocol", "the server switched to another protocol"))
        except httptools.HttpParserError as error:
            self._fail(TransportFailure("protocol", str(error) or type(error).__name__))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._on_lost(self)
        if self._waiter is None or self._waiter.done():
            return
        if isinstance(exc, ssl.SSLError):
            self._fail(TransportFailure("tls", exc.reason or str(exc)))
        elif exc is not None:
            self._fail(TransportFailure("reset", str(exc)))
        elif self._in_answer and self._until_close:
            self._finish()
        else:
            self._fail(TransportFailure("closed" if self.silent else "truncated"))

    # the parser's side

    def on_message_begin(self) -> None:
        self._headers = []
        self._body = []
        self._in_answer = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))
        if len(self._headers) > _READ_LIMIT_LINES:
            raise httptools.HttpParserError(f"more than {_READ_LIMIT_LINES} header lines")

    def on_headers_complete(self) -> None:
        self._in_answer = True
        names = {name.lower() for name, _ in self._headers}
        self._until_close = not names & {"content-length", "transfer-encoding"}
        if self._head_only and self._parser.get_status_code() >= 200:
            self._finish()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            return  # an interim answer; the real one follows
        self.reusable = self._parser.should_keep_alive() and not self._head_only
        self._finish()

    def _finish(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            self._waiter.set_result(Response(self._parser.get_status_code(), self._headers, body))

    def _fail(self, failure: TransportFailure) -> None:
        self.reusable = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)
        self.abort()
