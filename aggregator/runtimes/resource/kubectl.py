"""Calls of kubectl: which words each action needs, and a process that ends when its leaf is ended."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GRACE = 5.0
"""Seconds that kubectl has to end after SIGTERM."""
ACTIONS = ("get", "create", "apply", "delete", "replace", "patch")
_PASSING = re.compile(
    r"(?i)unable to connect to the server|connection (refused|reset)|i/o timeout|tls handshake timeout|etcdserver"
    r"|too many requests|http2: client connection|the object has been modified|server is currently unable"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What kubectl answered."""

    code: int
    out: bytes
    err: str

    @property
    def reason(self) -> str:
        """Its own words on a failure, in one line."""
        words = " ".join(self.err.split()) or " ".join(self.out.decode("utf-8", "replace").split())
        return words[:2000] or f"exit code {self.code} without a word"

    @property
    def passing(self) -> bool:
        """Whether the failure is one that may pass."""
        return bool(_PASSING.search(self.err))

    def object(self) -> dict[str, Any]:
        """The first object that was printed; empty when there is none."""
        text = self.out.decode("utf-8", "replace").lstrip()
        try:
            found, _ = json.JSONDecoder().raw_decode(text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def words_of(resource: Mapping[str, Any], manifest: Path | None) -> list[str]:
    """The words after `kubectl` for a resource template; `manifest` is the file that holds it, if it has any."""
    action = str(resource.get("action") or "")
    words = [action]
    if action == "delete":
        words.append("--ignore-not-found")
    named = manifest is not None
    if action == "patch":
        merge = str(resource.get("mergeStrategy") or "strategic")
        words += ["--type", merge]
        if manifest is not None:
            words += ["--patch-file", str(manifest)]
        # A JSON patch is a list of operations: only the flags can tell what it is for.
        named = named and merge != "json"
    words += [str(flag) for flag in resource.get("flags") or ()]
    if named:
        words += ["-f", str(manifest)]
    return [*words, "-o", "name" if action == "delete" else "json"]


def name_of(found: Mapping[str, Any]) -> tuple[str, str]:
    """`KIND.GROUP/NAME` as kubectl takes it, and the namespace; empty texts for what is no object with a name."""
    kind, metadata = str(found.get("kind") or ""), found.get("metadata") or {}
    name = str(metadata.get("name") or "")
    if not kind or not name:
        return "", ""
    group, slash, version = str(found.get("apiVersion") or "").partition("/")
    full = f"{kind}.{version}.{group}" if slash else kind
    return f"{full}/{name}", str(metadata.get("namespace") or "")


async def call(program: str, words: Sequence[str], environ: Mapping[str, str]) -> Told:
    """Run kubectl to its end. When cancelled, it and all that it started are ended first."""
    spawning = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            program,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environ),
            start_new_session=True,
        )
    )
    try:
        # Cancelled in the middle of it, nobody would know the process that comes of it.
        process = await asyncio.shield(spawning)
    except asyncio.CancelledError:
        await asyncio.shield(_end(spawning, None))
        raise
    talk = asyncio.ensure_future(process.communicate())
    try:
        out, err = await asyncio.shield(talk)
    except asyncio.CancelledError:
        await asyncio.shield(_end(spawning, talk))
        raise
    return Told(process.returncode or 0, out, err.decode("utf-8", "replace"))


async def _end(
    spawning: asyncio.Future[asyncio.subprocess.Process], talk: asyncio.Future[tuple[bytes, bytes]] | None
) -> None:
    """End the process, with all that it started, and read what is left in its pipes so that they are closed."""
    process = await spawning
    talk = talk or asyncio.ensure_future(process.communicate())
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        await asyncio.wait([talk], timeout=GRACE)
        if talk.done():
            return
