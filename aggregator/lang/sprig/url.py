"""Sprig's URL functions, with the parsing and escaping of Go's net/url."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.gostring import from_bytes, to_bytes
from aggregator.lang.govalue import go_kind
from aggregator.lang.sprig.signature import MAP, STRING, Family

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILY = Family("URLs")
UNRESERVED: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
# What each part of a URL may hold without being escaped.
IN_PATH: Final = frozenset(UNRESERVED + b"$&+,/:;=@")
IN_USER: Final = frozenset(UNRESERVED + b"$&+,;=")
IN_FRAGMENT: Final = frozenset(UNRESERVED + b"!$&()*+,/:;=?@")
IN_HOST: Final = frozenset(UNRESERVED + b"!\"$&'()*+,:;<=>[]")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
PORT = re.compile(r"(?::[0-9]*)?", re.ASCII)
USERINFO = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*", re.ASCII)


def escape(text: str, allowed: frozenset[int]) -> str:
    """Percent signs for every byte that is not allowed."""
    return "".join(chr(byte) if byte in allowed else f"%{byte:02X}" for byte in to_bytes(text))


def unescape(text: str) -> str:
    """The bytes behind the percent signs."""

    def byte_of(match: re.Match[bytes]) -> bytes:
        if match[1] is None:
            raise url_error(f"invalid URL escape {from_bytes(match.string[match.start() : match.start() + 3])!r}")
        return bytes((int(match[1], 16),))

    return from_bytes(ESCAPE.sub(byte_of, to_bytes(text))) if "%" in text else text


def unescape_host(text: str, *, zone: bool = False) -> str:
    """A host's text: only bytes beyond ASCII may be escaped, in a zone also what a host may hold and blanks."""
    data = to_bytes(text)
    for byte in data:
        if byte < 0x80 and byte not in IN_HOST and byte != ord("%"):
            raise url_error(f"invalid character {chr(byte)!r} in host name")
    for match in ESCAPE.finditer(data):
        if match[1] is None:
            continue
        value = int(match[1], 16)
        fits = (value == 0x20 or value in IN_HOST) if zone else value >= 0x80
        if match[0] != b"%25" and not fits:
            raise url_error(f"invalid URL escape {match[0].decode()!r}")
    return unescape(text)


def url_error(why: str) -> LanguageError:
    return LanguageError(f"cannot parse the URL: {why}")


def parse_host(scheme: str, host: str) -> str:
    """The host with its port, unescaped and checked."""
    bracket = host.rfind("[")
    if bracket > 0:
        raise url_error("an IPv6 address must begin the host")
    if bracket == 0:
        return parse_ipv6_host(host)
    if ":" in host:
        colon = host.index(":") if scheme in ("http", "https") else host.rindex(":")
        if not PORT.fullmatch(host[colon:]):
            raise url_error(f"invalid port {host[colon:]!r} after host")
    return unescape_host(host)


def parse_ipv6_host(host: str) -> str:
    close = host.rfind("]")
    if close < 0:
        raise url_error("missing ']' in host")
    port = host[close + 1 :]
    if not PORT.fullmatch(port):
        raise url_error(f"invalid port {port!r} after host")
    inside = host[1:close]
    zone_at = inside.find("%25")
    address = unescape_host(inside if zone_at < 0 else inside[:zone_at])
    zone = unescape_host(inside[zone_at:], zone=True) if zone_at >= 0 else ""
    try:
        IPv6Address(address)
    except AddressValueError as e:
        raise url_error(f"invalid host {address!r}") from e
    if zone == "%" or "%" in address:
        raise url_error(f"invalid host {address + zone!r}")
    return f"[{address}{zone}]{port}"


def parse_userinfo(text: str) -> tuple[str, ...]:
    """The user, and the password where there is one."""
    if not USERINFO.fullmatch(text):
        raise url_error("invalid userinfo")
    user, colon, password = text.partition(":")
    return (unescape(user), unescape(password)) if colon else (unescape(user),)


def userinfo_text(parts: tuple[str, ...]) -> str:
    return ":".join(escape(part, IN_USER) for part in parts)


@FAMILY.add("urlParse", STRING)
def url_parse(text: str) -> dict[str, Any]:
    """The parts of a URL: `sprig.urlParse("http://host:80/a?q#f").host` is "host:80"."""
    address, _, fragment = text.partition("#")
    if CONTROL.search(address):
        raise url_error("it holds a control character")
    parts = dict.fromkeys(("scheme", "host", "hostname", "path", "query", "opaque", "fragment", "userinfo"), "")
    parts["fragment"] = unescape(fragment)
    if address == "*":
        parts["path"] = "*"
        return parts
    if address.startswith(":"):
        raise url_error("missing protocol scheme")
    scheme = SCHEME.match(address)
    parts["scheme"] = scheme[1].lower() if scheme else ""
    rest, _, parts["query"] = (address[scheme.end() :] if scheme else address).partition("?")
    if not rest.startswith("/"):
        if scheme:
            parts["opaque"] = rest
            return parts
        if ":" in rest.partition("/")[0]:
            raise url_error("the first path segment cannot hold a colon")
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        user, at, host = authority.rpartition("@")
        parts["host"] = parse_host(parts["scheme"], host)
        parts["hostname"] = hostname(parts["host"])
        parts["userinfo"] = userinfo_text(parse_userinfo(user)) if at else ""
    parts["path"] = unescape(rest)
    return parts


def hostname(host: str) -> str:
    """The host without port and brackets."""
    name, colon, port = host.rpartition(":")
    if not colon or not PORT.fullmatch(colon + port):
        name = host
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name


@FAMILY.add("urlJoin", MAP)
def url_join(parts: Mapping[str, Any] | None) -> str:
    """A URL of the parts that urlParse gives: `sprig.urlJoin({scheme: "http", host: "h", path: "/a"})` is "http://h/a"."""
    given = parts or {}

    def part(name: str) -> str:
        value = given.get(name, "")
        if not isinstance(value, str):
            raise LanguageError(f"sprig.urlJoin: {name} must be a string, but is {go_kind(value)}", kind="type")
        return value

    scheme, host, path, opaque = part("scheme"), part("host"), part("path"), part("opaque")
    query, fragment, userinfo = part("query"), part("fragment"), part("userinfo")
    user = user_of(userinfo) if userinfo else None
    out = f"{scheme}:" if scheme else ""
    if opaque:
        out += opaque
    else:
        if (scheme or host or user is not None) and (host or path or user is not None):
            out += "//"
        if user is not None:
            out += f"{userinfo_text(user)}@"
        out += escape(host, IN_HOST)
        escaped = "*" if path == "*" else escape(path, IN_PATH)
        if escaped and not escaped.startswith("/") and host:
            out += "/"
        if not out and ":" in escaped.partition("/")[0]:
            out = "./"
        out += escaped
    out += f"?{query}" if query else ""
    return out + (f"#{escape(fragment, IN_FRAGMENT)}" if fragment else "")


def user_of(userinfo: str) -> tuple[str, ...] | None:
    """The user and password as they would stand in a URL; None where something in it ends the authority."""
    address, _, fragment = f"proto://{userinfo}@host".partition("#")
    unescape(fragment)
    if CONTROL.search(address):
        raise url_error("the userinfo holds a control character")
    authority, slash, path = address.partition("?")[0][len("proto://") :].partition("/")
    unescape(slash + path)
    user, at, host = authority.rpartition("@")
    parse_host("proto", host)
    return parse_userinfo(user) if at else None
