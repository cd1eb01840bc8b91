"""Failures in words: what the node's message says, whether it may pass, and how long the server asks us to wait."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from aggregator.runtimes.http.exchange import FailureKind, Request, Response, TransportFailure

BODY_SHOWN = 200
TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
# Kinds whose message matches one of Argo's own patterns for errors that may pass (connection refused, reset, i/o timeout).
_TRANSIENT_BY_MESSAGE: frozenset[FailureKind] = frozenset({"refused", "reset", "timeout"})
_TRANSIENT: frozenset[FailureKind] = _TRANSIENT_BY_MESSAGE | {"closed", "truncated", "limit", "unreachable"}


def is_transient(failure: TransportFailure, *, strict_argo: bool) -> bool:
    if not strict_argo:
        return failure.kind in _TRANSIENT
    return failure.kind in _TRANSIENT_BY_MESSAGE


def transport_failure(request: Request, failure: TransportFailure) -> str:
    """`Get "URL": ` and, in Go's words first and then in ours, why no answer came."""
    url = failure.url or request.url
    via = f" (redirected from {request.url})" if url != request.url else ""
    return f'{_verb(request)} "{url}": {_reason(urlsplit(url), failure)}{via}'


def timed_out(request: Request, limit: str) -> str:
    return f'{_verb(request)} "{request.url}": context deadline exceeded: timeout, no complete answer within {limit}'


def unexpected_status(request: Request, response: Response, body: str) -> str:
    return f"received non-2xx response code: {_answer(request, response, body)}"


def condition_false(condition: str, request: Request, response: Response, body: str) -> str:
    return f"successCondition '{condition}' evaluated false: {_answer(request, response, body)}"


def condition_broken(condition: str, error: Exception, request: Request, response: Response, body: str) -> str:
    return f"successCondition '{condition}' cannot be evaluated: {error}: {_answer(request, response, body)}"


def retry_after(response: Response, now: float) -> float | None:
    """Seconds that the Retry-After header asks for, given as a number or as a date; None when it says nothing usable."""
    text = (response.header("retry-after") or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


def _verb(request: Request) -> str:
    return request.method[:1].upper() + request.method[1:].lower()


def _answer(request: Request, response: Response, body: str) -> str:
    try:
        phrase = f" {HTTPStatus(response.status).phrase}"
    except ValueError:
        phrase = ""
    shown = body[:BODY_SHOWN]
    if len(body) > BODY_SHOWN:
        shown += f"… ({len(body)} characters)"
    return f"{response.status}{phrase} from {request.method} {request.url}, body: {shown or '(empty)'}"


def _reason(parts: SplitResult, failure: TransportFailure) -> str:
    host = parts.hostname or ""
    place = f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    detail = f" ({failure.reason})" if failure.reason else ""
    match failure.kind:
        case "dns":
            return f"dial tcp: lookup {host}: no such host: the DNS name does not resolve{detail}"
        case "refused":
            return f"dial tcp {place}: connect: connection refused: nothing listens there{detail}"
        case "unreachable":
            return f"dial tcp {place}: connect: the host cannot be reached{detail}"
        case "tls":
            return (
                f"tls: TLS failure with {place}: {failure.reason or 'the handshake failed'}; a CA bundle for it can be "
                "named by SSL_CERT_FILE, and insecureSkipVerify: true does without verification"
            )
        case "reset":
            return f"read tcp {place}: connection reset by peer{detail}"
        case "closed":
            return f"EOF: {place} closed the connection without an answer{detail}"
        case "truncated":
            return f"unexpected EOF: the answer of {place} broke off{detail}"
        case "timeout":
            return f"dial tcp {place}: i/o timeout{detail}"
        case "proxy":
            return f"proxyconnect tcp: the proxy for {place} failed{detail}"
        case "decode":
            return f"the body of {place} cannot be decoded{detail}"
        case "protocol":
            return f"malformed HTTP response from {place}{detail}"
        case "request":
            return f"the request cannot be sent{detail}"
        case "redirects" | "limit":
            return failure.reason
