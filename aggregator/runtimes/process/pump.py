"""One output pipe of a child: what comes goes into a file and to whoever watches."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from aggregator.runtimes.process.times import ArrivalTimes

if TYPE_CHECKING:
    import asyncio

_CHUNK = 1 << 16
_LARGE = 1 << 20
"""What is read at once from a leaf that has filled a pipe: one that prints a lot."""
_ROUNDS = 4
Write = Callable[[bytes], None]


class Pump:
    """Reads as data comes: into a file that appears with the first byte, and to whoever watches."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: str, write: Write | None) -> None:
        self.read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.read_end, False)
        self.error: OSError | None = None
        self.ended = False
        self.on_end: Callable[[], None] | None = None
        self._loop = loop
        self._path = path
        self._file = -1
        self._chunk_size = _CHUNK
        self._times: ArrivalTimes | None = None
        self._write = write

    def start(self) -> None:
        """The child has its end; ours is closed, so that the child's last writer ends the stream."""
        os.close(self.write_end)
        self.write_end = -1
        self._loop.add_reader(self.read_end, self._ready)

    def take_what_is_there(self) -> None:
        """Read what a pipe can hold, or until the stream has ended."""
        for _ in range(_ROUNDS):
            data = self._chunk() if not self.ended else None
            if data is None:
                return
            self._take(data)

    def _ready(self) -> None:
        data = self._chunk()
        if data is not None:
            self._take(data)

    def _chunk(self) -> bytes | None:
        """What came; nothing at the end, None when one has to wait."""
        try:
            data = os.read(self.read_end, self._chunk_size)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        if len(data) == _CHUNK == self._chunk_size:
            self._chunk_size = _LARGE
            with suppress(OSError):  # this user's pipes may have no more room; then they stay as they are
                fcntl.fcntl(self.read_end, fcntl.F_SETPIPE_SZ, _LARGE)
        return data

    def _take(self, data: bytes) -> None:
        if not data:
            self.close()
            if self.on_end:
                self.on_end()
            return
        if self.error is None:
            try:
                self._store(data)
            except OSError as error:
                self.error = error  # the pipe is still drained, so that the child does not block
        if self._write is not None:
            self._write(data)

    def _store(self, data: bytes) -> None:
        if self._times is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._times = ArrivalTimes(self._path)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._times.arrived(len(data))

    def close(self) -> None:
        """Give up the pipe and the file."""
        self.ended = True
        if self.read_end >= 0:
            self._loop.remove_reader(self.read_end)
            os.close(self.read_end)
            self.read_end = -1
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._times is not None:
            self._times.close()
