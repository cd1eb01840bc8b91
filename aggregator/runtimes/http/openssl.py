"""The second opinion on certificates: aiohttp over OpenSSL, for chains that rustls refuses on form alone.

rustls takes no certificate that is marked as an authority for a server's own, even when the CA bundle lists that very
certificate; Go and OpenSSL do, and a self-signed certificate made by `openssl req -x509` is of this kind.
"""

from __future__ import annotations

import ssl
from typing import ClassVar

import aiohttp
from yarl import URL

from aggregator.runtimes.http.exchange import FailureKind, Request, Response, TransportFailure


class OpensslTransport:
    """Carries out exchanges with certificates verified by OpenSSL's rules and the environment's CA bundle."""

    keeps_limit: ClassVar[bool] = True

    def __init__(self, *, user_agent: str, connect_timeout: float = 30.0, limit: int = 64) -> None:
        self._user_agent = user_agent
        self._connect_timeout = connect_timeout
        self._limit = limit
        # A context of our own: aiohttp's default one has read SSL_CERT_FILE when it was imported.
        self._verified = ssl.create_default_context()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def send(self, request: Request) -> Response:
        session = self._sessions.get(request.gzip) or self._session(decode=request.gzip)
        headers = list(request.headers)
        if request.gzip:
            headers.append(("Accept-Encoding", "gzip"))
        if not any(name.lower() == "user-agent" for name, _ in headers):
            headers.append(("User-Agent", self._user_agent))
        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
                ssl=False if request.insecure else self._verified,
                proxy=request.proxy or None,
                timeout=aiohttp.ClientTimeout(total=request.timeout, sock_connect=self._connect_timeout),
            ) as answer:
                body = await answer.read()
                return Response(answer.status, list(answer.headers.items()), body)
        except aiohttp.ConnectionTimeoutError as error:
            raise TransportFailure("timeout", "connecting took too long") from error
        except TimeoutError as error:
            raise TransportFailure("limit") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(error) from error

    async def close(self) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def _session(self, *, decode: bool) -> aiohttp.ClientSession:
        session = self._sessions[decode] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._limit),
            auto_decompress=decode,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return session


_KINDS: tuple[tuple[type[BaseException], FailureKind], ...] = (
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientSSLError, "tls"),
    (ssl.SSLError, "tls"),
    (aiohttp.ClientProxyConnectionError, "proxy"),
    (aiohttp.ClientHttpProxyError, "proxy"),
    (aiohttp.ServerDisconnectedError, "closed"),
    (aiohttp.InvalidURL, "request"),
    (aiohttp.ContentTypeError, "protocol"),
    (aiohttp.ClientPayloadError, "truncated"),
    (aiohttp.ClientResponseError, "protocol"),
    (ConnectionRefusedError, "refused"),
)


def _failure(error: BaseException) -> TransportFailure:
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    reason = getattr(error, "verify_message", "") or getattr(inner, "verify_message", "") or str(inner)
    if "content-encoding" in reason.lower():
        return TransportFailure("decode", reason)
    for candidate in (error, inner):
        for kind_of, kind in _KINDS:
            if isinstance(candidate, kind_of):
                return TransportFailure(kind, reason)
    if isinstance(error, aiohttp.ClientConnectorError):
        return TransportFailure("unreachable", reason)
    return TransportFailure("reset" if isinstance(error, OSError) else "protocol", reason)
