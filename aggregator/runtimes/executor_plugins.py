"""Argo's executor-plugin protocol: one POST asks a plugin whether it runs a template, and what came of it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator import __version__
from aggregator.engine.events import Outcome
from aggregator.errors import AggError, LanguageError, TransientError, UsageError
from aggregator.lang.gotime import parse_duration
from aggregator.runtimes.http.exchange import Request, TransportFailure
from aggregator.runtimes.http.pool import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets, Sink
    from aggregator.runtimes.http.exchange import Response, Transport

METHOD = "/api/v1/template.execute"
KEYS = ("address", "token", "tokenFile")
ANSWER_SECONDS = 30.0
"""How long a plugin may take for one answer, as in Argo; longer work is a node that is Running, and `requeue`."""
DEADLINE = "Pod was active on the node longer than the specified deadline"
_PASSING = (429, 500, 502, 503, 504)
_ENDED = {"Succeeded": "Succeeded", "Failed": "Failed", "Error": "Error"}


@dataclass(slots=True)
class Plugin:
    """One plugin of the settings."""

    name: str
    address: str
    token: str = ""
    deaf: bool = field(default=False, compare=False)
    """It does not know the method (404), so it is not asked again in this run."""


def read_plugins(rows: Mapping[str, Any]) -> list[Plugin]:
    """The table `plugins` of the settings, in its order; UsageError for a row that makes no sense."""
    found = []
    for name, row in rows.items():
        if isinstance(row, str):
            row = {"address": row}  # noqa: PLW2901 - the short form is read as the long one
        if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
            raise UsageError(f"setting plugins.{name} must be a table of texts", hint=f"its keys: {', '.join(KEYS)}")
        unknown = next((key for key in row if key not in KEYS), None)
        if unknown is not None:
            raise UsageError(f"setting plugins.{name} has no key {unknown!r}", hint=f"its keys: {', '.join(KEYS)}")
        address = row.get("address", "").rstrip("/")
        if not address.startswith(("http://", "https://")):
            raise UsageError(
                f"setting plugins.{name}.address {address!r} is no URL", hint="it looks like http://127.0.0.1:4355"
            )
        found.append(Plugin(name, address, _token(name, row)))
    return found


def _token(name: str, row: Mapping[str, str]) -> str:
    if not row.get("tokenFile"):
        return row.get("token", "")
    try:
        return Path(row["tokenFile"]).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"setting plugins.{name}.tokenFile can't be read: {problem}") from None


class ExecutorPlugins:
    """Asks plugins in their order, the one of the template's own name first; the first that answers with a node has it."""

    def __init__(self, plugins: list[Plugin], *, secrets: Secrets, transport: Transport | None = None) -> None:
        self.plugins = plugins
        self._secrets = secrets
        self._transport = transport
        for plugin in plugins:
            masker = getattr(secrets, "masker", None)
            if plugin.token and masker is not None:
                masker.add(plugin.token)

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.close()

    async def run(self, attempt: Attempt, key: str, sink: Sink) -> Outcome:
        """The attempt's outcome; TransientError where a plugin can't be reached."""
        seconds = None if attempt.deadline is None else max(0.0, attempt.deadline - time.time())
        try:
            async with asyncio.timeout(seconds):
                return await self._run(attempt, key, sink)
        except TimeoutError:
            return Outcome(phase="Failed", message=DEADLINE)

    async def _run(self, attempt: Attempt, key: str, sink: Sink) -> Outcome:
        body = json.dumps(
            {
                "workflow": {
                    "metadata": {"name": attempt.workflow, "namespace": attempt.namespace, "uid": attempt.uid}
                },
                "template": attempt.template,
            }
        ).encode()
        asked = sorted(self.plugins, key=lambda plugin: plugin.name != key)
        for plugin in asked:
            reply = await self._ask(plugin, body)
            if reply.get("node"):
                sink.started()
                return await self._follow(plugin, body, reply, sink)
        names = ", ".join(plugin.name for plugin in asked)
        return Outcome(phase="Failed", message=f"no plugin executed the template; asked were: {names}")

    async def _follow(self, plugin: Plugin, body: bytes, reply: Mapping[str, Any], sink: Sink) -> Outcome:
        """Ask again, as often as the plugin wishes, until the node has ended."""
        progress = ""
        while True:
            node = reply.get("node") or {}
            if not isinstance(node, dict):
                return Outcome(phase="Error", message=f"plugin {plugin.name}: `node` is no object")
            if node.get("progress") and node["progress"] != progress and _is_progress(node["progress"]):
                progress = node["progress"]
                sink.progress(progress)
            if node.get("phase") in _ENDED:
                return outcome_of(node)
            try:
                seconds = parse_duration(str(reply.get("requeue") or "0s")).ns / 1e9
            except LanguageError as problem:
                return Outcome(phase="Error", message=f"plugin {plugin.name}: requeue: {problem.message}")
            if seconds <= 0:
                phase = node.get("phase") or "without a phase"
                message = f"plugin {plugin.name} left the node {phase} and does not want to be asked again (requeue)"
                return Outcome(phase="Error", message=message)
            await asyncio.sleep(seconds)
            reply = await self._ask(plugin, body)

    async def _ask(self, plugin: Plugin, body: bytes) -> dict[str, Any]:
        """The plugin's reply; empty when it has nothing to do with the template."""
        if plugin.deaf:
            return {}
        if self._transport is None:
            self._transport = PooledTransport(user_agent=f"agg/{__version__}", connect_timeout=10.0)
        headers = [("Content-Type", "application/json")]
        if plugin.token:
            headers.append(("Authorization", f"Bearer {plugin.token}"))
        request = Request("POST", plugin.address + METHOD, headers, body, timeout=ANSWER_SECONDS)
        where = f"plugin {plugin.name} at {plugin.address}"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await self._transport.send(request)
        except TimeoutError:
            raise TransientError(f"{where} did not answer within {ANSWER_SECONDS:g} s") from None
        except TransportFailure as problem:
            raise TransientError(
                f"{where} can't be reached: {problem.reason or problem.kind}", hint="start it, or mend its address"
            ) from None
        return _reply(plugin, response, where)


def _reply(plugin: Plugin, response: Response, where: str) -> dict[str, Any]:
    if response.status == 404:
        plugin.deaf = True
        return {}
    text = response.body.decode("utf-8", "replace")
    if response.status in _PASSING:
        raise TransientError(f"{where} answered {response.status}: {text[:500]}")
    if response.status != 200:
        raise PluginError(f"{where} answered {response.status}: {text[:500]}")
    try:
        reply = json.loads(text or "{}")
    except ValueError:
        raise PluginError(f"{where} answered {text[:200]!r}, which is no JSON") from None
    if not isinstance(reply, dict):
        raise PluginError(f"{where} answered {text[:200]!r}, which is no object")
    return reply


class PluginError(AggError):
    """A plugin answered what is no answer."""


def outcome_of(node: Mapping[str, Any]) -> Outcome:
    """A node's result as a plugin tells it."""
    outputs = node.get("outputs") or {}
    parameters = {
        str(parameter["name"]): _text(parameter.get("value"))
        for parameter in outputs.get("parameters") or ()
        if isinstance(parameter, dict) and parameter.get("name") and parameter.get("value") is not None
    }
    code = outputs.get("exitCode")
    result = outputs.get("result")
    return Outcome(
        phase=node["phase"],
        message=str(node.get("message") or ""),
        exit_code=int(code) if isinstance(code, str | int) and str(code).lstrip("-").isdigit() else None,
        result=None if result is None else _text(result),
        parameters=parameters,
        artifacts=[artifact for artifact in outputs.get("artifacts") or () if isinstance(artifact, dict)],
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_progress(text: Any) -> bool:
    parts = str(text).split("/")
    return isinstance(text, str) and len(parts) == 2 and all(part.isdigit() for part in parts)
