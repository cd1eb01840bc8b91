"""What leaves print, line by line as it comes, each line behind its pod's name (`--log`), as the Argo CLI shows logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TextIO

from aggregator.observe.board import ENDED
from aggregator.observe.columns import one_line
from aggregator.observe.outlet import Outlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.ports import Change, Stream

COLOURS = (31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96)
BREAK = re.compile(rb"\r\n|\n|\r")
LONGEST = 1 << 20
"""A line longer than this is shown in pieces, so that a leaf that never breaks its lines takes no memory here."""


class LogLines:
    """`label` is what stands before each line; asked once per node."""

    def __init__(
        self,
        stream: TextIO,
        mask: Callable[[str], str] = str,
        *,
        color: bool = False,
        label: Callable[[Change], str] | None = None,
    ) -> None:
        self._outlet = Outlet(stream, mask)
        self._color = color
        self._label = label or pod_label
        self._labels: dict[int, str] = {}
        self._partial: dict[tuple[int, Stream], bytes] = {}

    def on_change(self, change: Change) -> None:
        if not change.leaf:
            return
        if change.phase in ENDED:
            self._finish(change.node)
            self._labels.pop(change.node, None)
        elif change.node not in self._labels:
            self._labels[change.node] = self._label(change)

    def on_output(self, node: int, stream: Stream, data: bytes) -> None:
        *whole, rest = split_lines(self._partial.pop((node, stream), b"") + data)
        if len(rest) > LONGEST:
            whole.append(rest)
            rest = b""
        if rest:
            self._partial[node, stream] = rest
        if whole:
            self._write(node, whole)

    def notice(self, text: str) -> None:
        """Notices belong to the progress display beside this one."""

    def close(self) -> None:
        for node in {node for node, _ in self._partial}:
            self._finish(node)

    def _finish(self, node: int) -> None:
        for stream in ("stdout", "stderr"):
            rest = self._partial.pop((node, stream), b"").removesuffix(b"\r")
            if rest:
                self._write(node, [rest])

    def _write(self, node: int, lines: list[bytes]) -> None:
        label = self._labels.get(node, f"node-{node}")
        texts = [self._outlet.mask(line.decode("utf-8", "replace")) for line in lines]
        self._outlet.write("".join(log_line(label, text, color=self._color) for text in texts))


def split_lines(data: bytes) -> list[bytes]:
    r"""Lines of raw output, the last one unfinished; `\r` alone breaks lines too, as progress bars use it.

    A `\r` at the very end stays with the unfinished part: its `\n` may still be on the way.
    """
    if data.endswith(b"\r"):
        lines = BREAK.split(data[:-1])
        lines[-1] += b"\r"
        return lines
    return BREAK.split(data)


def log_line(label: str, text: str, *, color: bool = False) -> str:
    """`LABEL: text`; the text is masked already, and the leaf's own escape sequences stay, as it may colour its lines."""
    if not color:
        return f"{label}: {text}\n"
    colour = COLOURS[sum(label.encode()) % len(COLOURS)]
    return f"\x1b[{colour}m{one_line(label)}\x1b[0m: {text}\n"


def pod_label(change: Change) -> str:
    """The name of the pod that Argo would have made."""
    stem, dash, number = change.id.rpartition("-")
    if not dash or not number.isdigit() or not change.template:
        return change.id or change.display_name
    return f"{f'{stem}-{change.template}'[:242]}-{number}"
