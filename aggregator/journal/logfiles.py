"""Reads what leaves printed, from the attempts' folders of a run: `attempts/POD/stdout` and `stderr`.

Beside them may lie `times`, in lines `UNIX-SECONDS STREAM END`: by then STREAM had grown to END bytes. With it, the lines of
both streams, and of several attempts, merge in the order in which they were printed.
"""

from __future__ import annotations

import heapq
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ATTEMPTS = "attempts"
MAIN = "main"
BLOCK = 1 << 16
LONGEST = 1 << 20
"""A line that is longer comes in pieces."""
_BREAK = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Line:
    pod: str
    text: bytes
    at: float | None
    """When it was printed, if that is known."""


@dataclass(slots=True)
class PodLog:
    """The streams of one container of a pod; each `read` gives the lines that came since the last one."""

    folder: Path
    container: str = MAIN
    _offsets: dict[str, int] = field(default_factory=dict)
    _partial: dict[str, bytes] = field(default_factory=dict)

    @property
    def pod(self) -> str:
        return self.folder.name

    def files(self) -> list[Path]:
        """The streams' files that are there."""
        names = (
            ("stdout", "stderr") if self.container == MAIN else (f"{self.container}.stdout", f"{self.container}.stderr")
        )
        return [path for path in (self.folder / name for name in names) if path.is_file()]

    def read(self, *, final: bool) -> Iterator[Line]:
        """New lines, by time where times are known; `final` also gives a last line that has no line break."""
        times = self._times()
        streams = [self._stream(path, times.get(path.name, deque()), final=final) for path in self.files()]
        if not times or len(streams) == 1:
            for stream in streams:
                yield from stream
            return
        yield from heapq.merge(*streams, key=lambda line: line.at or 0.0)

    def _stream(self, path: Path, times: deque[tuple[int, float]], *, final: bool) -> Iterator[Line]:
        name = path.name
        with path.open("rb") as file:
            offset = self._offsets.get(name, 0)
            file.seek(offset)
            rest = self._partial.pop(name, b"")
            for data in _blocks(file):
                begin, offset = offset - len(rest), offset + len(data)
                whole = rest + data
                start = 0
                # A carriage return at the very end waits: its line feed may still be on the way.
                for found in _BREAK.finditer(whole, 0, len(whole) - whole.endswith(b"\r")):
                    yield Line(self.pod, whole[start : found.start()], _when(times, begin + found.start()))
                    start = found.end()
                rest = whole[start:]
                if len(rest) > LONGEST:
                    yield Line(self.pod, rest, _when(times, offset))
                    rest = b""
            self._offsets[name] = offset
            if rest and final:
                yield Line(self.pod, rest.removesuffix(b"\r"), _when(times, offset))
            elif rest:
                self._partial[name] = rest

    def _times(self) -> dict[str, deque[tuple[int, float]]]:
        path = self.folder / "times"
        found: dict[str, deque[tuple[int, float]]] = {}
        if path.is_file():
            for line in path.read_bytes().splitlines():
                parts = line.split()
                if len(parts) == 3:
                    found.setdefault(parts[1].decode("utf-8", "replace"), deque()).append(
                        (int(parts[2]), float(parts[0]))
                    )
        return found


def pod_logs(run_folder: Path, container: str = MAIN) -> list[PodLog]:
    """The logs of all attempts that have a folder, by name."""
    folder = run_folder / ATTEMPTS
    if not folder.is_dir():
        return []
    return [PodLog(path, container) for path in sorted(folder.iterdir()) if path.is_dir()]


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while data := file.read(BLOCK):
        yield data


def _when(times: deque[tuple[int, float]], end: int) -> float | None:
    """When the byte before `end` was printed; asked with rising ends."""
    while times and times[0][0] < end:
        times.popleft()
    return times[0][1] if times else None
