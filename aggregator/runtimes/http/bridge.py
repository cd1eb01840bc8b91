"""httpx at the border: any httpx transport or client (respx, MockTransport) as a transport of ours."""

from __future__ import annotations

from typing import ClassVar

import httpx

from aggregator.runtimes.http.exchange import FailureKind, Request, Response, TransportFailure

_KINDS: tuple[tuple[type[httpx.HTTPError], FailureKind], ...] = (
    (httpx.TimeoutException, "timeout"),
    (httpx.ProxyError, "proxy"),
    (httpx.DecodingError, "decode"),
    (httpx.UnsupportedProtocol, "request"),
    (httpx.ReadError, "reset"),
    (httpx.WriteError, "reset"),
    (httpx.RemoteProtocolError, "closed"),
)
_CONNECT_WORDS: tuple[tuple[str, FailureKind], ...] = (
    ("name or service not known", "dns"),
    ("nodename nor servname", "dns"),
    ("name resolution", "dns"),
    ("certificate", "tls"),
    ("ssl", "tls"),
)


class HttpxTransport:
    """Sends through an `httpx.AsyncClient`, so that respx with `using="httpx"` reaches it as well."""

    keeps_limit: ClassVar[bool] = False

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport | httpx.AsyncClient,
        unverified: httpx.AsyncClient | None = None,
    ) -> None:
        self._client = (
            inner if isinstance(inner, httpx.AsyncClient) else httpx.AsyncClient(transport=inner, trust_env=False)
        )
        self._unverified = unverified or self._client
        """For leaves with insecureSkipVerify."""

    @classmethod
    def from_environment(cls, concurrency: int) -> HttpxTransport:
        """The pool and proxies of httpx itself (SOCKS too, with the package socksio): the setting `http.transport = "httpx"`."""
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        return cls(
            httpx.AsyncClient(limits=limits, timeout=None),  # noqa: S113 - timeoutSeconds is kept by the runtime
            httpx.AsyncClient(limits=limits, timeout=None, verify=False),  # noqa: S113, S501 - insecureSkipVerify asks for it
        )

    async def send(self, request: Request) -> Response:
        headers = list(request.headers)
        if request.gzip:
            headers.append(("Accept-Encoding", "gzip"))
        try:
            message = httpx.Request(request.method, request.url, headers=headers, content=request.body or None)
            message.extensions["timeout"] = {}
            client = self._unverified if request.insecure else self._client
            answer = await client.send(message, follow_redirects=False)
        except httpx.InvalidURL as error:
            raise TransportFailure("request", str(error)) from error
        except httpx.HTTPError as error:
            raise TransportFailure(_kind(error), str(error)) from error
        return Response(answer.status_code, answer.headers.multi_items(), answer.content)

    async def close(self) -> None:
        await self._client.aclose()
        if self._unverified is not self._client:
            await self._unverified.aclose()


def _kind(error: httpx.HTTPError) -> FailureKind:
    for kind_of, kind in _KINDS:
        if isinstance(error, kind_of):
            return kind
    if isinstance(error, httpx.ConnectError):
        text = str(error).lower()
        return next((kind for words, kind in _CONNECT_WORDS if words in text), "refused")
    return "protocol"
