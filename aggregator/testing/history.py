"""What happened in a virtual run, in order: the news of every node, and from it a node's story in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aggregator.engine.node import FULFILLED, PENDING
from aggregator.testing.values import shown

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine, News
    from aggregator.engine.node import Node

LONGEST_MESSAGE = 300
MOST_LINES = 40


class Moment(NamedTuple):
    """One piece of news, as the node was when it was told."""

    node: int
    kind: str
    at: float
    phase: str
    message: str


class History:
    """Collects news; `began` and `ended` say when nodes started and were fulfilled, by their place in the order of events.

    What the stories are made of is kept only where it is asked for: it is much.
    """

    def __init__(self, *, full: bool = True) -> None:
        self.full = full
        self.moments: list[Moment] = []
        self.began: dict[int, int] = {}
        self.ended: dict[int, int] = {}
        self._count = 0

    def observe(self, news: list[News]) -> None:
        """Take over what came of one event."""
        for kind, node, at in news:
            number = node.number
            self._count += 1
            if node.phase != PENDING and number not in self.began:
                self.began[number] = self._count
            if kind == "finished":
                self.ended[number] = self._count
            if self.full:
                self.moments.append(Moment(number, kind, at, node.phase, node.message))

    def story(self, machine: Machine, node: Node) -> list[str]:
        """How the node came to be what it is: its own news, and those of its attempts and of what it holds."""
        start = machine.started or 0.0
        wanted = {node.number}
        for number in node.children:
            child = machine.nodes[number]
            if child.parent is node:
                wanted.add(number)
        lines: list[str] = []
        for moment in self.moments:
            if moment.node not in wanted:
                continue
            other = machine.nodes[moment.node]
            words = _words(moment)
            text = f"{'+' + shown(round(moment.at - start, 3)):>8}  {other.display}: {words}"
            if not lines or lines[-1] != text:
                lines.append(text)
        if len(lines) > MOST_LINES:
            half = MOST_LINES // 2
            lines = [*lines[:half], f"{'':>8}  … {len(lines) - MOST_LINES} more lines", *lines[-half:]]
        return lines


def _words(moment: Moment) -> str:
    message = moment.message.replace("\n", " ")
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + "…"
    if moment.kind == "retry":
        return f"to be tried again{f': {message}' if message else ''}"
    if moment.phase in FULFILLED:
        return f"{moment.phase}{f': {message}' if message else ''}"
    return f"{moment.phase}{f' ({message})' if message else ''}"
