"""Sends over pyreqwest and asks OpenSSL for a second opinion where rustls refuses a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from aggregator.runtimes.http.exchange import Request, Response, TransportFailure
from aggregator.runtimes.http.reqwest import ReqwestTransport

if TYPE_CHECKING:
    from aggregator.runtimes.http.openssl import OpensslTransport


class SecondOpinion:
    """Origins whose certificate only OpenSSL accepts go over OpenSSL from then on; its word is also the one reported.

    A refused handshake has sent nothing of the request, so that it is safe to try again.
    """

    keeps_limit: ClassVar[bool] = True

    def __init__(self, *, user_agent: str, connect_timeout: float, idle: int) -> None:
        self._first = ReqwestTransport(user_agent=user_agent, connect_timeout=connect_timeout, idle=idle)
        self._user_agent = user_agent
        self._connect_timeout = connect_timeout
        self._limit = idle
        self._second: OpensslTransport | None = None
        self._preferred: set[str] = set()

    async def send(self, request: Request) -> Response:
        if self._preferred and _origin(request) in self._preferred:
            return await self._openssl().send(request)
        try:
            return await self._first.send(request)
        except TransportFailure as failure:
            if failure.kind != "tls" or "certificate" not in failure.reason or request.insecure:
                raise
        response = await self._openssl().send(request)
        self._preferred.add(_origin(request))
        return response

    async def close(self) -> None:
        await self._first.close()
        if self._second is not None:
            await self._second.close()

    def _openssl(self) -> OpensslTransport:
        if self._second is None:
            # aiohttp takes 0.1 s to import, and few runs meet such a certificate.
            from aggregator.runtimes.http.openssl import OpensslTransport  # noqa: PLC0415

            self._second = OpensslTransport(
                user_agent=self._user_agent, connect_timeout=self._connect_timeout, limit=self._limit
            )
        return self._second


def _origin(request: Request) -> str:
    parts = urlsplit(request.url)
    return f"{parts.scheme}://{parts.netloc}"
