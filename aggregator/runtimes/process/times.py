"""Notes when output arrived, so that it can be shown in the order in which it was printed, with its times."""

from __future__ import annotations

import os
import time
from contextlib import suppress

FILE = "times"
APART = 0.001
"""Chunks of one stream that come closer together than this many seconds share a note."""


class ArrivalTimes:
    """Adds lines `UNIX-SECONDS STREAM END` to `times` beside the streams: by then STREAM had grown to END bytes."""

    def __init__(self, stream: str) -> None:
        folder, self._name = os.path.split(stream)
        self._path = os.path.join(folder, FILE)
        self._size = 0
        self._noted_at = 0.0
        self._waiting: float | None = None
        self._file = -1

    def arrived(self, size: int) -> None:
        """So many bytes came just now; call it once they are stored."""
        now = time.time()
        if self._waiting is not None and now - self._noted_at >= APART:
            self._note(self._waiting)
        self._size += size
        if now - self._noted_at >= APART:
            self._note(now)
        else:
            self._waiting = now

    def close(self) -> None:
        if self._waiting is not None:
            self._note(self._waiting)
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _note(self, at: float) -> None:
        self._waiting = None
        self._noted_at = at
        with suppress(OSError):  # a full disk is told by the stream itself; the times are only a help
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            os.write(self._file, f"{at:.6f} {self._name} {self._size}\n".encode())
