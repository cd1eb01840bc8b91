"""Readiness probes of daemons: httpGet, tcpSocket and exec, asked until one of them is content."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

_PERIOD_SECONDS = 1.0
"""On one machine a daemon is up soon; Kubernetes' usual ten seconds would only be waited for."""
Execute = Callable[[Sequence[str]], Awaitable[int]]


async def until_ready(probe: Mapping[str, Any], execute: Execute, host: str = "127.0.0.1") -> None:
    """Return when the probe of the daemon at `host` succeeds; at once when there is none."""
    if not probe:
        return
    await asyncio.sleep(float(probe.get("initialDelaySeconds") or 0))
    period = min(float(probe.get("periodSeconds") or _PERIOD_SECONDS), _PERIOD_SECONDS)
    patience = float(probe.get("timeoutSeconds") or 1)
    while True:
        try:
            async with asyncio.timeout(patience):
                if await _content(probe, execute, host):
                    return
        except (OSError, TimeoutError):
            pass  # not yet
        await asyncio.sleep(period)


async def _content(probe: Mapping[str, Any], execute: Execute, host: str) -> bool:
    if action := probe.get("exec"):
        return await execute([str(word) for word in action.get("command") or []]) == 0
    if action := probe.get("httpGet"):
        return await _http(action, host)
    if action := probe.get("tcpSocket"):
        _, writer = await asyncio.open_connection(str(action.get("host") or host), int(str(action.get("port"))))
        writer.close()
    return True


async def _http(action: Mapping[str, Any], host: str) -> bool:
    """One GET; any status from 200 to 399 is content."""
    host, port = str(action.get("host") or host), int(str(action.get("port")))
    context = None
    if str(action.get("scheme") or "HTTP").upper() == "HTTPS":
        context = ssl.create_default_context()
        context.check_hostname = False  # probes of Kubernetes don't check certificates either
        context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        headers = {"Host": f"{host}:{port}", "Connection": "close"}
        headers |= {str(h.get("name")): str(h.get("value", "")) for h in action.get("httpHeaders") or []}
        lines = [
            f"GET {action.get('path') or '/'} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()
        words = (await reader.readline()).split()
        return len(words) > 1 and words[1].isdigit() and 200 <= int(words[1]) < 400
    finally:
        writer.close()
