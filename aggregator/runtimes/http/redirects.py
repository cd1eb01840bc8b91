"""Redirects as Go's default client follows them: how many, with which method, body, headers and host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from aggregator.runtimes.http.exchange import TransportFailure

if TYPE_CHECKING:
    from aggregator.runtimes.http.exchange import Request, Response

MAX_REDIRECTS = 10
"""Requests in a row; the answer to the last may not redirect any further."""
_STATUSES = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_SECRET_HEADERS = frozenset(
    {"authorization", "www-authenticate", "cookie", "cookie2", "proxy-authorization", "proxy-authenticate"}
)
_BODY_HEADERS = frozenset({"content-encoding", "content-language", "content-location", "content-type"})


def redirects(response: Response) -> bool:
    """Whether the answer sends the client elsewhere; without a Location it is the final answer."""
    return response.status in _STATUSES and bool(response.header("location"))


def follow(request: Request, response: Response, first_host: str) -> Request:
    """The request that follows `response`; `first_host` is the host of the first one, to whom secrets may go."""
    location = response.header("location") or ""
    try:
        target = urlsplit(urljoin(request.url, location))
        host = target.hostname or ""
        absolute = bool(urlsplit(location).netloc)
        target.port  # noqa: B018 - reading it checks it
    except ValueError as error:
        raise TransportFailure("protocol", f"failed to parse Location header {location!r}: {error}") from error
    if target.scheme not in ("http", "https"):
        raise TransportFailure(
            "request", f'unsupported protocol scheme "{target.scheme}" in the redirect to {location!r}'
        )
    if not host:
        raise TransportFailure("request", f"http: no Host in the redirect to {location!r}")
    method, body = request.method, request.body
    dropped = {"referer"}
    if response.status not in _KEEP_METHOD:
        method = method if method in ("GET", "HEAD") else "GET"
        body = b""
        dropped |= _BODY_HEADERS
    if not _within(host, first_host):
        dropped |= _SECRET_HEADERS
    if absolute:
        dropped.add("host")
    explicit = next((value for name, value in request.headers if name.lower() == "referer"), "")
    headers = [(name, value) for name, value in request.headers if name.lower() not in dropped]
    before = urlsplit(request.url)
    if not (before.scheme == "https" and target.scheme == "http"):
        headers.append(("Referer", explicit or without_user(before).geturl()))
    return replace(
        request, method=method, body=body, headers=headers, url=without_user(target)._replace(fragment="").geturl()
    )


def without_user(url: SplitResult) -> SplitResult:
    """The URL without its user name and password."""
    return url._replace(netloc=url.netloc.rpartition("@")[2])


def _within(host: str, parent: str) -> bool:
    return host == parent or (
        host.endswith("." + parent) and not parent.replace(".", "").isdigit() and ":" not in parent
    )
