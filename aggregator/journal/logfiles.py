"""Reads what leaves printed, from the attempts' folders of a run: `attempts/POD/stdout` and `stderr`.

Beside them may lie `times`, in lines `UNIX-SECONDS STREAM END`: by then STREAM had grown to END bytes. With it, the lines of
both streams, and of several attempts, merge in the order in which they were printed.
"""

from __future__ import annotations

import heapq
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ATTEMPTS = "attempts"
MAIN = "main"
BLOCK = 1 << 20
LONGEST = 1 << 24
"""A line that is longer is not held in memory: its pieces are read from the file when they are wanted."""
_BREAK = re.compile(rb"\r\n|\n|\r")


class Line(NamedTuple):
    """One line; a tuple, since there may be many millions of them."""

    pod: str
    text: bytes
    at: float | None
    """When it was printed, if that is known."""
    place: tuple[Path, int, int] | None = None
    """Where a line that is longer than LONGEST stands; its `text` is empty."""

    def pieces(self) -> Iterator[bytes]:
        """All of its text, in pieces that fit into memory."""
        if self.place is None:
            yield self.text
            return
        path, begin, end = self.place
        with path.open("rb") as file:
            file.seek(begin)
            while begin < end and (data := file.read(min(LONGEST // 4, end - begin))):
                begin += len(data)
                yield data


@dataclass(slots=True)
class _Unfinished:
    """A line whose end has not come: where it begins, and its parts while they are few."""

    begin: int = 0
    size: int = 0
    parts: list[bytes] = field(default_factory=list)

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self.size <= LONGEST:
            self.parts.append(data)
        else:
            self.parts.clear()

    def line(self, pod: str, path: Path, at: float | None) -> Line:
        if self.size <= LONGEST:
            return Line(pod, b"".join(self.parts), at)
        return Line(pod, b"", at, (path, self.begin, self.begin + self.size))


@dataclass(slots=True)
class PodLog:
    """The streams of one container of a pod; each `read` gives the lines that came since the last one."""

    folder: Path
    container: str = MAIN
    _offsets: dict[str, int] = field(default_factory=dict)
    _unfinished: dict[str, _Unfinished] = field(default_factory=dict)

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
        name, pod = path.name, self.pod
        line = self._unfinished.pop(name, None) or _Unfinished()
        with path.open("rb") as file:
            offset = self._offsets.get(name, 0)  # what lies before was looked at
            file.seek(offset)
            held = b""
            for block in _blocks(file):
                data = held + block
                # A carriage return at the very end waits: its line feed may still be on the way.
                held = b"\r" if data.endswith(b"\r") else b""
                ready = len(data) - len(held)
                start = 0
                broken = b"\n" in data or b"\r" in data  # far faster than the pattern, where a line is very long
                for found in _BREAK.finditer(data, 0, ready) if broken else ():
                    end = found.start()
                    at = _when(times, offset + end)
                    if start and end - start <= LONGEST:
                        yield Line(pod, data[start:end], at)
                    else:  # the first of a block may have begun in the one before
                        line = line if not start else _Unfinished(offset + start)
                        line.add(data[start:end])
                        yield line.line(pod, path, at)
                    start = found.end()
                if start:
                    line = _Unfinished(offset + start)
                line.add(data[start:ready])
                offset += ready
            if final and (line.size or held):
                if line.size:
                    yield line.line(pod, path, _when(times, offset))
                line, offset = _Unfinished(offset + len(held)), offset + len(held)
            self._offsets[name] = offset
            self._unfinished[name] = line

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
