"""Connections of the http driver: proxies, certificates and sign-in, over urllib3 (which boto3 brings along)."""

from __future__ import annotations

import base64
import ssl
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import urllib3

from aggregator.errors import StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.ports import Secrets

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = urllib3.Retry(total=10, connect=0, read=0, status=0, other=0, redirect=10, raise_on_status=False)
"""Redirects are followed; everything else is the driver's to retry."""


class Connections:
    """Pools by proxy and client certificate, and OAuth2 tokens until they expire. Thread-safe."""

    def __init__(
        self, secrets: Secrets, *, connect_timeout: float = CONNECT_TIMEOUT, read_timeout: float = READ_TIMEOUT
    ) -> None:
        self._secrets = secrets
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, str], urllib3.PoolManager] = {}
        self._tokens: dict[tuple[str, ...], tuple[float, str]] = {}

    def request(self, method: str, url: str, location: Mapping[str, Any], *, body: Any = None, size: int = 0) -> Any:
        """An open answer of status 2xx, 3xx that leads nowhere, or 4xx/5xx; TransientError when there is none."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise StoreError(f"url {url!r} is no http or https URL")
        headers = [("Accept-Encoding", "identity"), ("User-Agent", "agg-workflows")]
        headers += [(str(each.get("name", "")), str(each.get("value", ""))) for each in location.get("headers") or []]
        auth = location.get("auth") or {}
        authorization = self._authorization(auth)
        if authorization:
            headers.append(("Authorization", authorization))
        if body is not None:
            headers.append(("Content-Length", str(size)))
        return self._send(method, url, auth.get("clientCert"), urllib3.HTTPHeaderDict(headers), body)

    def close(self) -> None:
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()

    def _send(self, method: str, url: str, certificate: Any, headers: Any, body: Any) -> Any:
        pool = self._pool(url, certificate or {})
        try:
            return pool.request(
                method, url, headers=headers, body=body, preload_content=False, decode_content=False,
                retries=_REDIRECTS, timeout=self._timeout,
            )  # fmt: skip
        except urllib3.exceptions.MaxRetryError as exc:
            raise _unsent(method, url, exc.reason or exc) from exc
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise _unsent(method, url, exc) from exc

    def _pool(self, url: str, certificate: Mapping[str, Any]) -> urllib3.PoolManager:
        pem = (
            "".join(f"{self._named(certificate, name)}\n" for name in ("clientCertSecret", "clientKeySecret"))
            if certificate
            else ""
        )
        proxy = _proxy_for(url)
        with self._lock:
            if (proxy, pem) not in self._pools:
                options: dict[str, Any] = {"maxsize": 16, "ssl_context": _context(pem)}
                made = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
                self._pools[proxy, pem] = made
            return self._pools[proxy, pem]

    def _authorization(self, auth: Mapping[str, Any]) -> str:
        basic, oauth = auth.get("basicAuth"), auth.get("oauth2")
        if basic and oauth:
            raise StoreError("auth names both basicAuth and oauth2", hint="give one of them")
        if basic:
            return basic_header(self._named(basic, "usernameSecret"), self._named(basic, "passwordSecret"))
        return f"Bearer {self._token(oauth)}" if oauth else ""

    def _token(self, oauth: Mapping[str, Any]) -> str:
        """An access token by client credentials, kept until shortly before its end."""
        url = self._named(oauth, "tokenURLSecret").strip()
        client, secret = self._named(oauth, "clientIDSecret").strip(), self._named(oauth, "clientSecretSecret").strip()
        form = [("grant_type", "client_credentials")]
        if oauth.get("scopes"):
            form.append(("scope", " ".join(oauth["scopes"])))
        form += [(str(each["key"]), str(each.get("value", ""))) for each in oauth.get("endpointParams") or []]
        key = (url, client, secret, urlencode(form))
        with self._lock:
            until, token = self._tokens.get(key, (0.0, ""))
        if time.monotonic() < until:
            return token
        answer = self._ask_token(url, form, basic_header(client, secret))
        if answer.status in {400, 401}:  # some servers read the client's name and secret from the form only
            answer = self._ask_token(url, [*form, ("client_id", client), ("client_secret", secret)], "")
        told = _told(url, answer)
        token = str(told["access_token"])
        with self._lock:
            self._tokens[key] = (time.monotonic() + float(told.get("expires_in") or 0) - 30, token)
        return token

    def _ask_token(self, url: str, form: list[tuple[str, str]], authorization: str) -> Any:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if authorization:
            headers["Authorization"] = authorization
        answer = self._send("POST", url, None, urllib3.HTTPHeaderDict(headers), urlencode(form))
        try:
            answer.read(cache_content=True)
        except urllib3.exceptions.HTTPError as exc:
            raise _unsent("POST", url, exc) from exc
        return answer

    def _named(self, fields: Mapping[str, Any], name: str) -> str:
        reference = fields.get(name)
        if not isinstance(reference, dict) or not reference.get("name") or not reference.get("key"):
            raise StoreError(f"auth needs {name}: {{name: ..., key: ...}}")
        return self._secrets.secret(str(reference["name"]), str(reference["key"]))


def basic_header(user: str, password: str) -> str:
    """HTTP basic authentication; a line break at the end of a secret's file is never part of it."""
    pair = f"{user.strip()}:{password.rstrip(chr(10))}"
    return f"Basic {base64.b64encode(pair.encode('utf-8', 'surrogateescape')).decode()}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("Retry-After") or ""))
    except ValueError:
        return None


def _told(url: str, answer: Any) -> dict[str, Any]:
    if answer.status in TRANSIENT:
        raise TransientError(f"OAuth2: {url} answered {answer.status}", retry_after=retry_after(answer.headers))
    try:
        told = answer.json()
    except ValueError:
        told = None
    if answer.status >= 300 or not isinstance(told, dict) or not told.get("access_token"):
        reason = told.get("error", "") if isinstance(told, dict) else ""
        raise StoreError(
            f"OAuth2: {url} gave no access token (HTTP {answer.status}{', ' if reason else ''}{reason})",
            hint="check the client's id and secret, and the token URL",
        )
    return told


def _unsent(method: str, url: str, exc: BaseException) -> StoreError:
    text = " ".join(str(exc).split())
    if isinstance(exc, (urllib3.exceptions.SSLError, ssl.SSLError)):
        return StoreError(
            f"{method} {url}: the TLS connection failed: {text}",
            hint="SSL_CERT_FILE names a bundle of certificates to trust",
        )
    if isinstance(exc, urllib3.exceptions.NameResolutionError) and "Name or service not known" in text:
        return StoreError(f"{method} {url}: the host's name does not resolve: {text}")
    if isinstance(exc, (urllib3.exceptions.ResponseError, urllib3.exceptions.LocationValueError)):
        return StoreError(f"{method} {url}: {text}")
    return TransientError(f"{method} {url}: the connection failed: {text}")


def _proxy_for(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if urllib.request.proxy_bypass(f"{host}:{parts.port}" if parts.port else host):
        return ""
    proxies = urllib.request.getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    return found if not found or "://" in found else f"http://{found}"


def _context(pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if pem:
        # OpenSSL reads certificates from files only; this one lives, for us alone, as long as the reading takes.
        with tempfile.TemporaryDirectory(prefix="agg-cert-") as folder:
            path = Path(folder) / "client.pem"
            path.write_text(pem)
            try:
                context.load_cert_chain(path)
            except ssl.SSLError as exc:
                raise StoreError(
                    f"auth.clientCert is no certificate with its key: {exc}", hint="both must be PEM"
                ) from exc
    return context
