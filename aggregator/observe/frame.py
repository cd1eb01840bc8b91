"""One frame of the live tree: the board drawn into so many lines of so many cells, at a cost that the terminal bounds.

While everything fits, it is the whole tree. Otherwise the rows that matter: failures, loops at work, what runs; and a
last line that counts the rest.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from aggregator.observe.board import BAD, Board, Loop, Row
from aggregator.observe.columns import cells, cut, one_line
from aggregator.observe.tally import tally_text
from aggregator.observe.timetext import clock_duration
from aggregator.observe.tree import ICONS, SUSPENDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Styled = tuple[str, str]
"""A line and the phase that colours it."""
FAILURES = 5


def frame(board: Board, now: float, width: int, height: int, mask: Callable[[str], str] = str) -> list[Styled]:
    """At most `height` lines, none wider than `width`."""
    lines = [_head(board, now, mask)]
    room = max(1, height - 2)
    rows = list(islice(_whole(board), room + 1)) if board.lines <= 4 * room else []
    if rows and len(rows) <= room:
        lines += [_entry(lead, item, now, width, mask) for lead, item in rows]
    else:
        lines += _focus(board, now, width, room, mask)
    return [(cut(text, width), phase) for text, phase in lines]


def _head(board: Board, now: float, mask: Callable[[str], str]) -> Styled:
    phase = (board.phase or "Pending") if not board.going() or board.phase in ("", "Pending") else "Running"
    until = now if board.until is None or board.going() else board.until
    took = clock_duration(until - board.since) if board.since else ""
    parts = [f"{ICONS.get(phase, '◷')} {phase} {board.name}", took, one_line(mask(board.message))]
    return "  ".join(part for part in parts if part), phase


def _whole(board: Board) -> Iterator[tuple[str, Row | Loop]]:
    """Every row with its branch lines, parents first."""
    pending: list[tuple[str, str, Row | Loop]] = [("", "", root) for root in reversed(_visible(board, board.roots))]
    while pending:
        lead, below, item = pending.pop()
        yield lead, item
        if isinstance(item, Loop):
            continue
        children = _visible(board, item.children)
        for index in range(len(children) - 1, -1, -1):
            last = index == len(children) - 1
            pending.append((below + ("└─" if last else "├─"), below + ("  " if last else "│ "), children[index]))


def _visible(board: Board, items: Sequence[Row | Loop]) -> list[Row | Loop]:
    """The items that get lines: omitted nodes get none; groups of steps, single attempts and the root give way to theirs."""
    visible: list[Row | Loop] = []
    pending = list(reversed(items))
    while pending:
        item = pending.pop()
        if isinstance(item, Loop):
            visible.append(item)
        elif item.name == board.name or _gives_way(item):
            pending.extend(reversed(item.children))
        elif item.phase != "Omitted":
            visible.append(item)
    return visible


def _gives_way(row: Row) -> bool:
    if row.type == "Retry":
        return len(row.children) == 1
    return row.type in ("StepGroup", "TaskGroup") and bool(row.children)


def _entry(lead: str, item: Row | Loop, now: float, width: int, mask: Callable[[str], str]) -> Styled:
    if isinstance(item, Loop):
        icon = f"{ICONS[item.phase]} {item.phase} "
        figures = f"  {tally_text(item, now)}"
        name = item.name
        room = max(12, width - cells(lead) - cells(icon) - cells(figures))
        if cells(name) > room:  # the figures change, the name does not: it is the part to cut
            ending = name[len(item.label) :]
            name = cut(item.label, max(1, room - cells(ending))) + ending
        return f"{lead}{icon}{name}{figures}", item.phase
    phase = item.phase or "Pending"
    icon = SUSPENDED if item.type == "Suspend" and phase == "Running" else ICONS.get(phase, "◷")
    word = "Suspended" if icon == SUSPENDED else phase
    parts = [f"{lead}{icon} {word} {one_line(mask(item.label))}"]
    if item.retries:
        parts.append(f"{item.retries} {'retry' if item.retries == 1 else 'retries'}")
    if item.leaf and phase != "Pending":
        parts.append(clock_duration((now if item.until is None else item.until) - item.since))
    if item.message:
        parts.append(one_line(mask(item.message)))
    return "  ".join(parts), phase


def _focus(board: Board, now: float, width: int, room: int, mask: Callable[[str], str]) -> list[Styled]:
    """Too much for the screen: what failed, what loops, what runs, and how much is not shown."""
    room -= 1
    failed = [row for row in islice(reversed(board.failed.values()), 4 * FAILURES) if not _group(row)][:FAILURES]
    loops = list(islice(board.active_loops.values(), room))
    running = [row for row in islice(board.running.values(), 8 * room) if not _group(row)]
    shown: list[Row | Loop] = []
    for some in (reversed(failed), loops, running):
        shown.extend(some)
    del shown[room:]
    lines = [_entry("", item, now, width, mask) for item in shown]
    counts = [
        f"{board.lines} lines in all",
        f"{board.ended} ended",
        f"{len(board.running)} running",
        f"{len(board.failed)} failed" if board.failed else "",
    ]
    phase = "Failed" if any(row.phase in BAD for row in failed) else ""
    return [*lines, ("… " + ", ".join(part for part in counts if part), phase)]


def _group(row: Row) -> bool:
    return row.type in ("StepGroup", "TaskGroup", "Steps", "DAG", "Retry") and bool(row.children)
