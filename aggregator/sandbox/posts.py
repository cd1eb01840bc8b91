"""A sample posts API of jsonplaceholder's shape: `GET /posts/1` to `/posts/1000000`, with faults on request.

Runs as a process of its own, so that it takes no time from the engine's loop. It imports nothing but the standard library,
for which Python starts fastest.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Any, Literal

LAST_POST = 1_000_000
POSTS_PER_USER = 10
HEAD_LIMIT = 65_536

Fault = Literal["busy", "busy-now", "reset", "stall"]
"""503, 503 with `Retry-After: 0`, a connection reset, an answer that stops half-way."""

_FAULTS: tuple[Fault, ...] = ("busy", "busy-now", "reset", "stall")

_WORD_LIST = (
    "amber anchor apple arch autumn barley basin beacon birch blue bridge bright brook canal candle canvas cedar chalk "
    "cherry clay cliff cloud clover coast copper coral cotton crane creek crisp dawn deep delta dune early ember fair fern "
    "field flint forest fox frost garden gentle glass gold grain granite green harbor hazel heron hill hollow honey iron "
    "island ivory jade kettle lake lantern larch late leaf lemon light linen long loud maple marble market meadow mellow "
    "mill mist morning moss north oak ocean olive open orchard otter paper pebble pine plain plum pond quartz quick quiet "
    "rain raven reed ridge river robin rose rye sage salt sand shell silver slate slow small snow soft song spring stone "
    "storm straw summer swift tall thaw thistle tide timber valley velvet walnut warm water west wheat willow wind winter"
)
_WORDS = _WORD_LIST.split()
_REQUEST = re.compile(rb"^([A-Z]+) ([^ ]+) HTTP/1\.([01])\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[ \t]*([a-z-]+)", re.IGNORECASE)
_POST = re.compile(rb"^(?:https?://[^/]*)?/posts/([1-9]\d{0,6})/?(?:\?.*)?$")
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}


def post(number: int) -> dict[str, object]:
    """The post of that number, always the same."""
    title, *lines = _lines(number)
    return {"userId": (number - 1) // POSTS_PER_USER + 1, "id": number, "title": title, "body": "\n".join(lines)}


def document(number: int) -> bytes:
    """The post as JSON with two spaces; by hand, since plain words need no escaping and json's indent is slow Python."""
    title, *lines = _lines(number)
    body = "\\n".join(lines)
    return (
        f'{{\n  "userId": {(number - 1) // POSTS_PER_USER + 1},\n  "id": {number},\n'
        f'  "title": "{title}",\n  "body": "{body}"\n}}'
    ).encode()


def _lines(number: int) -> list[str]:
    """A title of 3 to 7 words and four lines of 5 to 8, drawn from a hash of the number."""
    drawn = hashlib.blake2b(str(number).encode()).digest()
    lengths = [3 + drawn[0] % 5] + [5 + byte % 4 for byte in drawn[1:5]]
    lines, at = [], 5
    for length in lengths:
        lines.append(" ".join([_WORDS[byte % len(_WORDS)] for byte in drawn[at : at + length]]))
        at += length
    return lines


@dataclass(slots=True)
class Faults:
    """Which requests go wrong: a share of `rate`, no post more often than `limit` times, always the same for a seed."""

    rate: float = 0.0
    seed: int = 0
    limit: int = 2
    asked: dict[int, int] = field(default_factory=dict)
    """How often each post was asked for."""
    given: dict[int, int] = field(default_factory=dict)
    """How often each post was answered with a fault."""

    def draw(self, number: int) -> Fault | None:
        """What happens to this request of the post; the order in which other posts are asked for does not matter."""
        if self.rate <= 0:
            return None
        turn = self.asked[number] = self.asked.get(number, 0) + 1
        draw = random.Random(f"{self.seed}/{number}/{turn}")  # noqa: S311
        if draw.random() >= self.rate or self.given.get(number, 0) >= self.limit:
            return None
        self.given[number] = self.given.get(number, 0) + 1
        return draw.choice(_FAULTS)


class PostsProtocol(asyncio.Protocol):
    """HTTP/1.1 with keep-alive and pipelining, as far as a GET of a small document needs it."""

    def __init__(self, faults: Faults, stall_seconds: float) -> None:
        self._faults = faults
        self._stall_seconds = stall_seconds
        self._buffer = b""
        self._skip = 0
        self._transport: asyncio.Transport | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        if self._stalled is not None:
            self._stalled.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._transport is not None and self._stalled is None and self._buffer:
            if self._skip:
                taken = min(self._skip, len(self._buffer))
                self._skip -= taken
                self._buffer = self._buffer[taken:]
                continue
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_LIMIT:
                    self._answer(b"GET", 400, b"{}", close=True)
                return
            head, self._buffer = self._buffer[: end + 2], self._buffer[end + 4 :]
            self._handle(head)

    def _handle(self, head: bytes) -> None:
        line = _REQUEST.match(head)
        if line is None:
            self._answer(b"GET", 400, b"{}", close=True)
            return
        length = _LENGTH.search(head)
        self._skip = int(length[1]) if length else 0
        connection = _CONNECTION.search(head)
        close = line[3] == b"0" if connection is None else connection[1].lower() == b"close"
        found = _POST.match(line[2]) if line[1] in (b"GET", b"HEAD") else None
        number = int(found[1]) if found else 0
        if not 1 <= number <= LAST_POST:
            self._answer(line[1], 404, b"{}", close=close)
            return
        fault = self._faults.draw(number)
        if fault is None:
            self._answer(line[1], 200, document(number), close=close)
        else:
            self._go_wrong(fault, line[1], number, close=close)

    def _go_wrong(self, fault: Fault, method: bytes, number: int, *, close: bool) -> None:
        assert self._transport is not None
        if fault == "reset":
            # A linger time of zero makes closing the socket send a reset instead of the usual farewell.
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        elif fault == "stall":
            body = document(number)
            self._transport.write(_head(200, len(body), b"") + body[: len(body) // 2])
            self._stalled = asyncio.get_running_loop().call_later(self._stall_seconds, self._transport.abort)
        else:
            wait = b"Retry-After: 0\r\n" if fault == "busy-now" else b""
            self._answer(
                method, 503, b'{"error": "the sandbox was asked to fail now and then"}', extra=wait, close=close
            )

    def _answer(self, method: bytes, status: int, body: bytes, *, extra: bytes = b"", close: bool = False) -> None:
        assert self._transport is not None
        if close:
            extra += b"Connection: close\r\n"
        self._transport.write(_head(status, len(body), extra) + (b"" if method == b"HEAD" else body))
        if close:
            self._transport.close()


def _head(status: int, length: int, extra: bytes) -> bytes:
    return (
        (
            f"HTTP/1.1 {status} {_PHRASES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {length}\r\n"
        ).encode()
        + extra
        + b"\r\n"
    )


async def serve(faults: Faults, stall_seconds: float) -> asyncio.Server:
    """The API on a free port of 127.0.0.1."""
    return await asyncio.get_running_loop().create_server(
        lambda: PostsProtocol(faults, stall_seconds), "127.0.0.1", 0, backlog=1024
    )


async def _run(settings: dict[str, Any]) -> None:
    faults = Faults(rate=settings["rate"], seed=settings["seed"], limit=settings["limit"])
    server = await serve(faults, settings["stall_seconds"])
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__sandbox__":
    asyncio.run(_run(globals()["SETTINGS"]))
