"""Whom a URL speaks to, worked out once: a fan-out asks few origins very often."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from aggregator.errors import UsageError

_SPLIT = re.compile(r"(https?://[^/?#]*)([^#]*)")
_UNSAFE = re.compile(r"[^\x21-\x7e]")
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    scheme: str
    host: str
    """In lower case and ASCII (IDNA), an IPv6 address without its brackets."""
    port: int | None
    """As written; None where the scheme's own is meant."""
    text: str
    """As it stands at the head of the URL, `https://host:port`."""

    @property
    def netloc(self) -> str:
        """`host:port`, as the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None or self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port or _PORTS[self.scheme]


@lru_cache(maxsize=1024)
def origin_of(text: str) -> Origin:
    """The origin `scheme://host:port`; ValueError or UsageError when it is none."""
    parts = urlsplit(text)
    if parts.scheme not in _PORTS:
        raise UsageError(
            f'unsupported protocol scheme "{parts.scheme}"',
            hint="`url` of the http template must start with http:// or https://",
        )
    host = parts.hostname or ""
    if not host or parts.port == 0:
        raise UsageError("http: no Host in request URL")
    if not host.isascii():
        host = host.encode("idna").decode()
    if _UNSAFE.search(host):
        raise UsageError(f"the host {host!r} holds a space or a control character")
    return Origin(parts.scheme, host, parts.port, text)


def split(url: str) -> tuple[Origin, str]:
    """The origin and the path with its query, as they go over the wire."""
    found = _SPLIT.match(url)
    if found is None:
        raise UsageError(f"{url!r} is not an absolute URL")
    target = found[2]
    if _UNSAFE.search(target):
        target = quote(target, safe="".join(map(chr, range(0x21, 0x7F))))
    if not target.startswith("/"):
        target = "/" + target
    return origin_of(found[1]), target
