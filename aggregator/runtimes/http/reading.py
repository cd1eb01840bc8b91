"""Reads the `http` body of a template: the request it stands for, its time limit and its condition."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from aggregator.errors import UsageError
from aggregator.runtimes.http.exchange import Request
from aggregator.runtimes.http.origin import Origin, origin_of
from aggregator.runtimes.http.redirects import without_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.ports import Secrets

# What the transport writes itself; Go ignores these among a request's headers, too.
_WRITTEN_BY_TRANSPORT = frozenset({"content-length", "transfer-encoding", "trailer"})


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN = re.compile(r"(https?://[^/?#@\s]+)(?:[/?][^#\s]*)?")


@dataclass(slots=True)
class Reading:
    """A request ready to be sent and what is expected of its answer."""

    request: Request
    origin: Origin
    timeout: float | None
    condition: str


def read(body: Mapping[str, Any], secrets: Secrets) -> Reading:
    """UsageError or NotFound, as the leaf's message, for what cannot be sent."""
    url = str(body.get("url") or "").strip()
    method = str(body.get("method") or "GET")
    if not _TOKEN.fullmatch(method):
        raise UsageError(
            f'net/http: invalid method "{method}"', hint="`method` of the http template is one word like GET"
        )
    user = ""
    plain = _PLAIN.fullmatch(url)
    try:
        if plain is not None:
            origin = origin_of(plain[1])
        else:
            parts = urlsplit(url)
            if "@" in parts.netloc:
                user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            parts = without_user(parts)._replace(fragment="")
            url = parts.geturl()
            origin = origin_of(f"{parts.scheme}://{parts.netloc}")
    except ValueError as error:
        raise UsageError(
            f'parse "{url}": {error}', hint="`url` of the http template must be an absolute URL"
        ) from error
    except UsageError as error:
        raise UsageError(f'{_verb(method)} "{url}": {error.message}', hint=error.hint) from error
    headers = _headers(body.get("headers") or [], secrets)
    names = {name.lower() for name, _ in headers}
    if user and "authorization" not in names:
        headers.append(("Authorization", f"Basic {base64.b64encode(user.encode()).decode()}"))
    request = Request(
        method,
        url,
        headers,
        _content(body),
        insecure=bool(body.get("insecureSkipVerify")),
        # Asking for a part, or for an encoding of one's own, means that the bytes are wanted as they come.
        gzip=not ("accept-encoding" in names or "range" in names or method == "HEAD"),
    )
    return Reading(request, origin, _timeout(body.get("timeoutSeconds")), str(body.get("successCondition") or ""))


def _headers(rows: list[Mapping[str, Any]], secrets: Secrets) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for row in rows:
        name = str(row.get("name") or "")
        reference = (row.get("valueFrom") or {}).get("secretKeyRef")
        if reference is not None:
            value = secrets.secret(str(reference.get("name") or ""), str(reference.get("key") or ""))
        else:
            value = str(row.get("value") or "")
        if name.lower() in _WRITTEN_BY_TRANSPORT:
            continue
        if not _TOKEN.fullmatch(name):
            raise UsageError(f'net/http: invalid header field name "{name}"')
        if "\n" in value or "\r" in value or "\0" in value:
            # A secret file often ends in a line break that nobody meant; anywhere else it would smuggle in a header.
            value = value.rstrip("\r\n") if reference is not None else value
            if "\n" in value or "\r" in value or "\0" in value:
                raise UsageError(
                    f'net/http: invalid header field value for "{name}": it holds a line break or a zero byte'
                )
        headers.append((name, value))
    return headers


def _content(body: Mapping[str, Any]) -> bytes:
    encoded = (body.get("bodyFrom") or {}).get("bytes")
    if encoded is None:
        return str(body.get("body") or "").encode()
    try:
        return base64.b64decode(str(encoded), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"http.bodyFrom.bytes is not base64: {error}") from error


def _timeout(value: object) -> float | None:
    if value in (None, "", 0):
        return None
    try:
        seconds = float(str(value))
    except ValueError as error:
        raise UsageError(f"http.timeoutSeconds is {value!r}, not a number of seconds") from error
    return seconds if seconds > 0 else None


def _verb(method: str) -> str:
    return method[:1].upper() + method[1:].lower()
