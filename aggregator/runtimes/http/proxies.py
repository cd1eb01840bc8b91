"""Which proxy a request goes through: the rules of Go's `ProxyFromEnvironment`, worked out once for each host."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTS = {"http": 80, "https": 443}


class EnvironmentProxies:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or in lower case) of an environment. Loopback never goes through a proxy."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._by_scheme = {
            # A CGI script's HTTP_PROXY is a header of its client, so it counts for nothing there.
            "http": "" if "REQUEST_METHOD" in environ else _proxy(environ, "HTTP_PROXY"),
            "https": _proxy(environ, "HTTPS_PROXY"),
        }
        self._rules = [rule.strip().lower() for rule in _either(environ, "NO_PROXY").split(",") if rule.strip()]
        self._known: dict[tuple[str, str, int | None], str] = {}
        self.active = any(self._by_scheme.values())

    def for_url(self, scheme: str, host: str, port: int | None) -> str:
        """The proxy's URL, or an empty string for a direct connection."""
        if not self.active:
            return ""
        key = (scheme, host, port)
        proxy = self._known.get(key)
        if proxy is None:
            proxy = self._by_scheme.get(scheme, "")
            if proxy and self._direct(host.lower().rstrip("."), port or _PORTS[scheme]):
                proxy = ""
            self._known[key] = proxy
        return proxy

    def _direct(self, host: str, port: int) -> bool:
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        return any(_matches(rule, host, address, port) for rule in self._rules)


def _either(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def _proxy(environ: Mapping[str, str], name: str) -> str:
    value = _either(environ, name)
    return value if not value or "://" in value else f"http://{value}"  # a bare host:port is a plain HTTP proxy


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _matches(rule: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int) -> bool:
    if rule == "*":
        return True
    if "/" in rule:
        try:
            return address is not None and address in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    name, colon, number = rule.rpartition(":")
    if colon and number.isdigit() and (name.count(":") == 0 or name.endswith("]")):
        if int(number) != port:
            return False
        rule = name
    exact = _address(rule)
    if exact is not None:
        return address == exact
    if rule.startswith("*."):
        rule = rule[1:]
    if rule.startswith("."):
        return host.endswith(rule)
    return host == rule or host.endswith("." + rule)
