"""Progress for programs: one JSON object per line and change, with leaf output and notices between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import msgspec

from aggregator.observe.outlet import Outlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.ports import Change, Stream


class JsonLines:
    """`kind` is the change's, or `output` (bytes that are no UTF-8 are replaced), or `notice`."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str] = str) -> None:
        self._outlet = Outlet(stream, mask)

    def on_change(self, change: Change) -> None:
        self._write(change)

    def on_output(self, node: int, stream: Stream, data: bytes) -> None:
        self._write({"kind": "output", "node": node, "stream": stream, "text": data.decode("utf-8", "replace")})

    def notice(self, text: str) -> None:
        self._write({"kind": "notice", "message": text})

    def close(self) -> None:
        """Lines are written as they come."""

    def _write(self, value: object) -> None:
        self._outlet.write(self._outlet.mask(msgspec.json.encode(value).decode()) + "\n")
