"""A container's output: the frames of an attached connection taken apart into files, and to whoever watches."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from aggregator.runtimes.process.times import ArrivalTimes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aggregator.runtimes.docker.client import Connection

    Write = Callable[[bytes], None] | None

_CHUNK = 1 << 18
_HEAD = 8
_LAST_WORDS_SECONDS = 10.0
"""How long the end of the streams is waited for once the container has ended."""


class StreamFile:
    """One stream: a file that appears with the first byte, and a watcher."""

    def __init__(self, path: Path, write: Write) -> None:
        self.error: OSError | None = None
        self.head = b""
        """The first bytes, for faults that only the output tells."""
        self._path = path
        self._write = write
        self._file = -1
        self._times = ArrivalTimes(str(path))

    def take(self, data: bytes) -> None:
        if len(self.head) < 512:
            self.head += data[:512]
        if self.error is None:
            try:
                self._store(data)
            except OSError as error:
                self.error = error  # the stream is still read, so that the container does not block
        if self._write is not None:
            self._write(data)

    def _store(self, data: bytes) -> None:
        if self._file < 0:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._times.arrived(len(data))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._times.close()


class Output:
    """Reads the connection until it ends. Each frame has a head of eight bytes: the stream's number and the size."""

    def __init__(self, connection: Connection, stdout: StreamFile, stderr: StreamFile) -> None:
        self.files = (stdout, stderr)
        self._connection = connection
        self._task = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        reader = self._connection.reader
        try:
            while True:
                head = await reader.readexactly(_HEAD)
                left = int.from_bytes(head[4:], "big")
                file = self.files[1 if head[0] == 2 else 0]
                while left:
                    data = await reader.read(min(left, _CHUNK))
                    if not data:
                        return
                    left -= len(data)
                    file.take(data)
        except (OSError, asyncio.IncompleteReadError):
            return  # that the engine is gone is told by whoever waits for the container's end

    async def last_words(self) -> None:
        """What is still on its way after the container's end."""
        await asyncio.wait([self._task], timeout=_LAST_WORDS_SECONDS)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        self._connection.close()
        for file in self.files:
            file.close()
