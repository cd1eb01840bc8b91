"""What the displays know of a run: nodes as rows, loops collapsed to tallies. O(1) for each change.

A loop's elements, and all below them, have no rows: they are counted in the loop's tally, so that a display of 100,000
elements costs what one of ten costs. Elements of one loop are those with the same parent and the same name before `(`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.ports import Change

ENDED = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})
BAD = frozenset({"Failed", "Error"})
GROUPS = frozenset({"StepGroup", "TaskGroup", "Retry"})
WINDOW = 10
"""Seconds over which a loop's rate is taken."""


@dataclass(slots=True, eq=False)
class Row:
    """A node that is shown on a line of its own."""

    number: int
    name: str
    label: str
    type: str
    parent: Row | None
    phase: str = ""
    message: str = ""
    position: str = ""
    template: str = ""
    total: int = 0
    retries: int = 0
    since: float = 0.0
    until: float | None = None
    leaf: bool = False
    children: list[Row | Loop] = field(default_factory=list)
    loops: dict[str, Loop] = field(default_factory=dict)

    def ended(self) -> bool:
        return self.phase in ENDED


@dataclass(slots=True, eq=False)
class Loop:
    """The tally of a loop. `seconds` and `counts` are a ring of how many elements ended in each of the last seconds."""

    label: str
    row: Row
    seen: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    retries: int = 0
    since: float = 0.0
    last: float = 0.0
    told: float = 0.0
    """When a display last told of it (`lines.py`)."""
    seconds: list[int] = field(default_factory=lambda: [0] * WINDOW)
    counts: list[int] = field(default_factory=lambda: [0] * WINDOW)

    @property
    def total(self) -> int:
        """How many elements there are in all; a group with several loops tells only their sum, so there what was seen."""
        known = self.row.total if len(self.row.loops) == 1 else 0
        return max(known, self.seen)

    @property
    def name(self) -> str:
        return f"{self.label}(0..{self.total - 1})" if self.total > 1 else f"{self.label}(0)"

    @property
    def phase(self) -> str:
        if self.done < self.total:
            return "Running"
        return "Failed" if self.failed else "Succeeded"

    def ended(self) -> bool:
        return self.done >= self.total

    def rate(self, now: float) -> float:
        """Elements that ended per second, over the last seconds."""
        oldest = int(now) - WINDOW + 1
        count = sum(n for s, n in zip(self.seconds, self.counts, strict=True) if oldest <= s <= now)
        return count / max(now - max(self.since, oldest), 0.1)

    def eta(self, now: float) -> float | None:
        rate = self.rate(now)
        return (self.total - self.done) / rate if rate > 0 else None

    def count_end(self, at: float) -> None:
        self.done += 1
        self.last = at
        second = int(at)
        place = second % WINDOW
        if self.seconds[place] != second:
            self.seconds[place], self.counts[place] = second, 0
        self.counts[place] += 1


class Board:
    """`apply` takes every change; the rest is for drawing."""

    def __init__(self) -> None:
        self.name = ""
        self.phase = ""
        self.message = ""
        self.since = 0.0
        self.until: float | None = None
        self.roots: list[Row] = []
        self.rows: dict[int, Row] = {}
        self.lines = 0
        """How many rows and loops there are."""
        self.running: dict[int, Row] = {}
        self.failed: dict[int, Row] = {}
        self.ended = 0
        self.active_loops: dict[int, Loop] = {}
        self._loop_of: dict[int, Loop] = {}
        self._element_phase: dict[int, str] = {}

    def apply(self, change: Change) -> Row | Loop | None:
        """Take note of a change; answers with the row or loop it concerns, None when it is about the run as a whole."""
        loop = self._loop_of.get(change.node)
        if loop is None:
            if change.kind == "run":
                self._apply_run(change)
                return None
            if change.parent is None and change.id == change.name:
                self._apply_run(change)  # the root node speaks for the run
            if change.node not in self.rows:
                loop = self._place(change)
            if loop is None:
                return self._update(self.rows[change.node], change)
        self._tally(loop, change)
        return loop

    def _apply_run(self, change: Change) -> None:
        self.name = change.name or self.name
        self.since = self.since or change.at
        self.phase, self.message = change.phase, change.message
        self.until = change.at if change.phase in ENDED else None

    def going(self) -> bool:
        """Whether anything is at work: an exit handler runs when the root has ended already."""
        return self.phase not in ENDED or bool(self.running) or bool(self.active_loops)

    def _place(self, change: Change) -> Loop | None:
        """Give a new node its row, or the loop that it is part of."""
        parent = None
        if change.parent is not None and change.parent != change.node:
            loop = self._loop_of.get(change.parent)
            if loop is not None:
                self._loop_of[change.node] = loop
                return loop
            parent = self.rows.get(change.parent)
        if parent is not None and change.in_loop:
            loop = self._loop(parent, change)
            self._loop_of[change.node] = loop
            self._element_phase[change.node] = ""
            loop.seen += 1
            return loop
        row = Row(change.node, change.name, change.display_name, change.type, parent, since=change.at)
        self.rows[change.node] = row
        self.lines += 1
        (parent.children if parent is not None else self.roots).append(row)
        return None

    def _loop(self, parent: Row, change: Change) -> Loop:
        base = change.display_name.partition("(")[0] or parent.label
        loop = parent.loops.get(base)
        if loop is None:
            loop = parent.loops[base] = Loop(base, parent, since=change.at, told=change.at)
            parent.children.append(loop)
            self.lines += 1
        return loop

    def _tally(self, loop: Loop, change: Change) -> None:
        if change.kind == "retry":
            loop.retries += 1
        phase = change.phase
        before = self._element_phase.get(change.node)
        if before is None or before == phase:
            return
        self._element_phase[change.node] = phase
        if phase == "Running":
            loop.running += 1
        elif before == "Running":
            loop.running -= 1
        if phase in ENDED and before not in ENDED:
            loop.count_end(change.at)
            if phase in BAD:
                loop.failed += 1
        if loop.done < loop.seen or not loop.ended():
            self.active_loops[id(loop)] = loop
        else:
            self.active_loops.pop(id(loop), None)

    def _update(self, row: Row, change: Change) -> Row:
        row.total = change.loop or row.total
        row.retries += change.kind == "retry"
        row.leaf = row.leaf or change.leaf
        row.message, row.template = change.message, change.template
        row.position = change.position or row.position
        if change.phase == row.phase:
            return row
        was = row.ended()
        row.phase = change.phase
        if change.phase == "Running":
            row.since = change.at
            self.running[row.number] = row
        else:
            self.running.pop(row.number, None)
        if row.ended():
            row.until = change.at
            self.ended += not was
            self.until = change.at if self.until is not None else None
        if row.phase in BAD:
            self.failed[row.number] = row
        else:
            self.failed.pop(row.number, None)
        return row
