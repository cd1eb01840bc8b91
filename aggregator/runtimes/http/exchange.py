"""One HTTP exchange as plain data, the transport port that carries it out, and the failure a transport may raise.

The types are our own and slotted because building httpx's Request and Response costs 180 us a pair, more than the exchange
itself (`benchmarks/http_transport.py`); httpx transports are welcome at the border through `bridge.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

FailureKind = Literal[
    "dns",
    "refused",
    "unreachable",
    "tls",
    "reset",
    "closed",
    "truncated",
    "timeout",
    "limit",
    "proxy",
    "protocol",
    "decode",
    "request",
    "redirects",
]


@dataclass(slots=True)
class Request:
    """What goes over the wire. `url` has no user info; a `Host` among `headers` replaces the URL's."""

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    insecure: bool = False
    """Do not verify the server's certificate."""
    gzip: bool = True
    """Ask for gzip and hand over the body decoded."""
    proxy: str = ""
    """URL of the proxy to go through; empty for none."""
    timeout: float | None = None
    """Seconds that the exchange may take, from connecting to the last byte of the body."""


@dataclass(slots=True)
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (in lower case)."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None


class TransportFailure(Exception):  # noqa: N818 - it is data about the exchange that the runtime turns into an Outcome
    """No complete answer came. `reason` is what the transport knows beyond the kind, `url` which hop it was.

    Kinds that do not speak for themselves: `timeout` is connecting, `limit` the whole exchange; `closed` came before an
    answer, `truncated` within one; `request` could not be sent, `protocol` is an answer that is no HTTP.
    """

    def __init__(self, kind: FailureKind, reason: str = "") -> None:
        super().__init__(f"{kind}: {reason}" if reason else kind)
        self.kind = kind
        self.reason = reason
        self.url = ""


class Transport(Protocol):
    """Carries out one exchange: no redirects, no retries, no time limit of its own but that for connecting (`timeout`).

    Raises TransportFailure, with `limit` when it keeps `request.timeout` itself and that has passed; otherwise the runtime
    keeps it. When cancelled it drops the exchange, its connection at the latest after `request.timeout`.
    """

    keeps_limit: ClassVar[bool]

    async def send(self, request: Request) -> Response: ...

    async def close(self) -> None: ...
