"""Plain progress, for logs and pipes: one line per event, still readable at 10,000 nodes.

`12:00:01 Running    fetch-all  message`. Rules:

- A node gets a line when it begins to run, when it ends, and for each retry; groups of steps and retry wrappers, which
  repeat what their children say, only when they end badly.
- A loop of more than `FEW` elements gets no line per element, except for failures and retries; instead, every `every`
  seconds and at its end, one line with its tally. An attempt that failed there is told by the line of its retry, or, when
  there is none, of its element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from aggregator.observe.board import BAD, ENDED, Board, Loop, Row
from aggregator.observe.columns import one_line
from aggregator.observe.outlet import Outlet
from aggregator.observe.tally import tally_text
from aggregator.observe.timetext import clock_duration, local_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.ports import Change, Stream

FEW = 10_000
WORD = 9
_QUIET = frozenset({"StepGroup", "Retry"})


class PlainLines:
    """`every`: seconds between two tallies of the same loop; `few`: elements of a loop that are still told one by one."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str] = str, *, every: float = 5.0, few: int = FEW) -> None:
        self._outlet = Outlet(stream, mask)
        self._board = Board()
        self._every = every
        self._few = few
        self._told: dict[int, tuple[str, str]] = {}
        self._attempts: dict[int, str] = {}
        """By retried node: why its last attempt failed."""

    def on_change(self, change: Change) -> None:
        about = self._board.apply(change)
        if about is None:
            self._tell_run(change)
        elif isinstance(about, Loop):
            self._tell_loop(about, change)
        else:
            self._tell_row(about, change)

    def on_output(self, node: int, stream: Stream, data: bytes) -> None:
        """What leaves print is shown by `logs.py`, where it is wanted."""

    def notice(self, text: str) -> None:
        self._outlet.write(f"{self._outlet.mask(text)}\n")

    def close(self) -> None:
        """Lines are written as they come."""

    def _tell_run(self, change: Change) -> None:
        took = f"{clock_duration(change.at - self._board.since)}  " if change.phase in ENDED else ""
        self._line(change.at, change.phase or "Pending", change.name, f"{took}{change.message}")

    def _tell_row(self, row: Row, change: Change) -> None:
        if change.kind == "retry":
            self._line(change.at, "Retry", self._short(change.name), change.message)
            return
        quiet = row.type in _QUIET and change.phase not in BAD
        if quiet or change.phase in ("", "Omitted") or (change.phase == "Pending" and not change.message):
            return
        if self._told.get(change.node) == (change.phase, change.message):
            return
        self._told[change.node] = (change.phase, change.message)
        root = row.parent is None and change.id == change.name
        took = _took(change) if row.leaf or root else ""
        place = f"  ({change.position})" if change.phase in BAD and row.leaf and change.position else ""
        self._line(change.at, change.phase, self._short(change.name), f"{took}{change.message}{place}")

    def _tell_loop(self, loop: Loop, change: Change) -> None:
        few = loop.total <= self._few
        if change.attempt is not None and change.phase in BAD and change.parent is not None and not few:
            self._attempts[change.parent] = change.message
        elif change.kind == "retry":
            self._line(change.at, "Retry", self._short(change.name), self._with_cause(change))
        elif self._is_news(change, few=few) and self._told.get(change.node) != (change.phase, change.message):
            self._told[change.node] = (change.phase, change.message)
            took = _took(change) if few and change.leaf else ""
            self._line(change.at, change.phase, self._short(change.name), took + self._with_cause(change))
        if change.phase in ENDED and self._attempts:
            self._attempts.pop(change.node, None)
        if few:
            return
        if loop.ended() and loop.told >= 0:
            loop.told = -1.0  # its end is told once
            self._line(change.at, loop.phase, loop.name, tally_text(loop, change.at))
        elif not loop.ended() and change.at - loop.told >= self._every:
            loop.told = change.at
            self._line(change.at, "Running", loop.name, tally_text(loop, change.at))

    @staticmethod
    def _is_news(change: Change, *, few: bool) -> bool:
        if change.phase in BAD:
            return change.type not in ("StepGroup", "TaskGroup")
        return few and change.leaf and (change.phase == "Running" or change.phase in ENDED)

    def _with_cause(self, change: Change) -> str:
        cause = self._attempts.get(change.node, "")
        return "; ".join(part for part in (change.message, cause) if part and (part is cause or part != cause))

    def _short(self, name: str) -> str:
        """The node's name without the workflow's, which would stand on every line."""
        own = self._board.name
        if own and name.startswith(own) and name[len(own) : len(own) + 1] in ("[", ".", "("):
            return name[len(own) :].removeprefix(".")
        return name

    def _line(self, at: float, word: str, name: str, rest: str) -> None:
        text = f"{local_clock(at)} {word:<{WORD}}  {name}  {rest}"
        self._outlet.write(one_line(self._outlet.mask(text)).rstrip() + "\n")


def _took(change: Change) -> str:
    """How long an ended node took."""
    return f"{clock_duration(change.duration)}  " if change.duration is not None and change.phase in ENDED else ""
