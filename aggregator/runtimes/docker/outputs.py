"""Outputs taken out of a container that has ended, as the container sees them, into a folder of the host."""

from __future__ import annotations

import asyncio
import base64
import json
import posixpath
import queue
import stat
import tarfile
from typing import TYPE_CHECKING

from aggregator.errors import StoreError
from aggregator.runtimes.docker.client import EngineRefused

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.runtimes.docker.client import Answer
    from aggregator.runtimes.docker.engine import Engine

_LINKS = 16
"""So many links in a row are followed."""
_WAITING = 16
"""Pieces of an archive that wait to be unpacked."""


async def fetch(engine: Engine, ident: str, path: str, place: Path) -> list[str]:
    """The file or folder at `path` in the container becomes `place`; nothing happens where there is none.

    Links in a folder that lead out of it mean something in the container only: they are left out as pipes and devices are, and
    told in what is returned.
    """
    for _ in range(_LINKS):
        try:
            async with engine.archive(ident, path) as answer:
                if (target := _link(answer)) is not None:
                    await answer.whole()
                    path = posixpath.join(posixpath.dirname(path), target)
                    continue
                return await _unpack(answer, place, path)
        except EngineRefused as refused:
            if refused.status == 404:
                return []
            raise StoreError(f"{path} can't be taken out of the container: {refused.message}") from None
    raise StoreError(f"{path} leads through more than {_LINKS} links")


def _link(answer: Answer) -> str | None:
    """Where the path leads, if it is a link in the container."""
    try:
        told = json.loads(base64.b64decode(answer.headers.get("x-docker-container-path-stat", "")))
    except ValueError:
        return None
    return str(told["linkTarget"]) if told.get("linkTarget") and int(told.get("mode", 0)) & 1 << 27 else None


class _Feed:
    """A file that a thread reads while the loop fills it."""

    def __init__(self) -> None:
        self._pieces: queue.Queue[bytes] = queue.Queue(_WAITING)
        self._rest = b""
        self._ended = False
        self.given_up = False

    async def put(self, data: bytes) -> None:
        """Empty data is the end."""
        while not self.given_up:
            try:
                self._pieces.put_nowait(data)
            except queue.Full:
                await asyncio.sleep(0.002)
            else:
                return

    def abandon(self) -> None:
        """The reader sees the end at once."""
        self.given_up = True
        while True:
            try:
                self._pieces.put_nowait(b"")
            except queue.Full:
                self._pieces.get_nowait()
            else:
                return

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and not self._ended:
            data = self._pieces.get()
            self._ended = not data
            self._rest += data
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


async def _unpack(answer: Answer, place: Path, path: str) -> list[str]:
    feed = _Feed()
    work = asyncio.ensure_future(asyncio.to_thread(_extract, feed, place, path))
    try:
        async for data in answer.chunks():
            await feed.put(data)
            if work.done():
                break
        await feed.put(b"")
        return await asyncio.shield(work)
    finally:
        feed.abandon()
        await asyncio.wait([work])


def _extract(feed: _Feed, place: Path, path: str) -> list[str]:
    """The archive has one entry at its top, whatever its name, which becomes `place`; what was left out, and why."""
    place.parent.mkdir(parents=True, exist_ok=True)
    top = ""
    left_out: list[str] = []

    def within(entry: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
        nonlocal top
        name = entry.name.strip("/")
        top = top or name.partition("/")[0]
        below = name[len(top) :].lstrip("/")
        if not (entry.isreg() or entry.isdir() or entry.issym() or entry.islnk()):
            left_out.append(f"the pipe or device {posixpath.join(path, below)} is nothing to keep, and")
            return None
        if entry.issym():
            target = _inside(below, entry.linkname, path)
            if target is None:
                left_out.append(f"the link {posixpath.join(path, below)} -> {entry.linkname} leads out of it and")
                return None
            entry = entry.replace(linkname=target)
        elif entry.islnk():
            entry = entry.replace(
                linkname=posixpath.join(place.name, entry.linkname.strip("/")[len(top) :].lstrip("/"))
            )
        mode = entry.mode | (stat.S_IRWXU if entry.isdir() else stat.S_IRUSR | stat.S_IWUSR)
        entry = entry.replace(name=posixpath.join(place.name, below).rstrip("/"), mode=mode)
        # Checks that nothing is written outside; links keep their targets, which mean something in the container only.
        kept = tarfile.tar_filter(entry, folder)
        return kept.replace(uid=None, gid=None, uname=None, gname=None)  # type: ignore[arg-type]  # means: keep ours

    try:
        with tarfile.open(fileobj=feed, mode="r|") as tar:  # type: ignore[call-overload]  # needs only `read`
            tar.extractall(place.parent, filter=within)  # noqa: S202 - `within` checks every entry
    except tarfile.TarError as problem:
        if not feed.given_up:
            raise StoreError(f"the archive of {place.name} from the container is broken: {problem}") from None
    return left_out


def _inside(below: str, target: str, path: str) -> str | None:
    """The target of the link at `below` in the folder `path`, relative; None where it leads out of the folder."""
    here = posixpath.dirname(below)
    end = posixpath.normpath(target if target.startswith("/") else posixpath.join("/", path.strip("/"), here, target))
    top = posixpath.normpath(posixpath.join("/", path.strip("/")))
    if end != top and not end.startswith(top.rstrip("/") + "/"):
        return None
    return posixpath.relpath(end, posixpath.join(top, here))
