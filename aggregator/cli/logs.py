"""`agg logs`: what the leaves of a run printed, each line behind its pod's name."""

from __future__ import annotations

import heapq
import re
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import options
from aggregator.cli.kept import load_masker, load_workflow, reading
from aggregator.cli.list import ENDED, undriven
from aggregator.cli.selection import parse_age
from aggregator.engine.node import pod_name
from aggregator.errors import NotFound, UsageError, nearest
from aggregator.journal.logfiles import Line, PodLog, pod_logs
from aggregator.observe.logs import log_line
from aggregator.observe.timetext import parse_time, precise_time
from aggregator.observe.tree import template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from aggregator.ports import Journal, RunRow

POLL_SECONDS = 0.3
OVERLAP = 1 << 18
"""No secret is as long as this; pieces of a line are cut so far before their end that none is cut through unseen."""
MERGED = 200
"""So many attempts are merged by time; of more, one after the other is read, so that few files are open at once."""


def logs_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or uid of a run, or @latest.")],
    node: Annotated[
        str, typer.Argument(metavar="NODE", help="Only this node: its pod, display name, name or id.")
    ] = "",
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the run ends.")] = False,
    container: Annotated[str, typer.Option("-c", "--container", help="Which container's output.")] = "main",
    grep: Annotated[str, typer.Option("--grep", metavar="REGEXP", help="Only lines that match.")] = "",
    tail: Annotated[
        int, typer.Option("--tail", metavar="N", help="Only the last N lines of each pod.", show_default=False)
    ] = -1,
    since: Annotated[str, typer.Option("--since", metavar="AGE", help="Only lines newer than this, as 10m.")] = "",
    since_time: Annotated[
        str, typer.Option("--since-time", metavar="TIME", help="Only lines newer than this (RFC 3339).")
    ] = "",
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="Begin each line with the time it was printed.")
    ] = False,
    namespace: options.Namespace = "",
    no_color: options.NoColor = False,
    home: options.Home = "",
    config: options.Config = "",
) -> None:
    """Print what the leaves of a run printed, by time; HTTP leaves print nothing (see their result in agg get)."""
    wanted = _filter(grep, since, since_time)
    color = options.use_color(no_color)
    with reading(home, config) as (settings, journal):
        row = journal.run(name, namespace or None)
        mask = load_masker(journal, row, settings)
        reader = _Reader(journal, row, node, container)

        def show(lines: Iterable[Line]) -> None:
            for line in lines:
                pieces = masked(line.pieces(), mask) if line.place is not None else iter((mask(_text(line.text)),))
                first = next(pieces)
                if wanted(line.at, first):
                    stamp = f"{'-' if line.at is None else precise_time(line.at)} " if timestamps else ""
                    whole = log_line(line.pod, stamp + first, color=color)
                    if line.place is None:
                        write(whole)
                        continue
                    write(whole.removesuffix("\n"))
                    for piece in pieces:
                        write(piece)
                    write("\n")

        sys.stdout.flush()  # from here on lines go to the buffer below it
        ended = reader.ended()
        show(reader.read(tail=tail, final=ended or not follow))
        while follow and not ended:
            sys.stdout.flush()
            time.sleep(POLL_SECONDS)
            ended = reader.ended()  # asked before reading: what was printed until then is read below
            show(reader.read(tail=-1, final=ended))
        if not reader.seen:
            _explain(reader, node)


def masked(pieces: Iterable[bytes], mask: Callable[[str], str]) -> Iterator[str]:
    """The text of a line without secrets, also those that lie across two pieces; at least one piece, bytes as they were."""
    waiting = b""
    for piece in pieces:
        waiting += piece
        # What may be the beginning of a secret waits for the next piece: cut where masking the parts masks the whole.
        whole = mask(_text(waiting))
        for cut in range(len(waiting) - OVERLAP, 0, -OVERLAP):
            begun = mask(_text(waiting[:cut]))
            if begun + mask(_text(waiting[cut:])) == whole:
                waiting = waiting[cut:]
                yield begun
                break
    yield mask(_text(waiting))


def _text(data: bytes) -> str:
    """Bytes that are no UTF-8 survive as they are, once they are written by `write`."""
    return data.decode("utf-8", "surrogateescape")


def write(text: str) -> None:
    """To stdout, with the very bytes that the leaf printed; a terminal that can't show a sign gets a stand-in for it."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        return
    buffer.write(text.encode("utf-8", "surrogateescape"))


class _Reader:
    """The run's logs, from pods that were there to pods that come later."""

    def __init__(self, journal: Journal, row: RunRow, node: str, container: str) -> None:
        self._journal = journal
        self._row = row
        self._node = node
        self._container = container
        self._logs: dict[str, PodLog] = {}
        self._others: set[str] = set()
        self.seen = False
        if node and node not in self._pods_of(self.workflow()):
            known = sorted({str(found.get("displayName")) for found in nodes_of(self.workflow())})
            if self.ended():
                hint = nearest(node, known) or f"agg get {row.name} shows the nodes"
                raise NotFound(f"workflow {row.name!r} has no node {node!r}", hint=hint)

    def ended(self) -> bool:
        """Whether nothing more will be printed."""
        self._row = self._journal.run(self._row.uid)
        return self._row.phase in ENDED or bool(undriven(self._row))

    def workflow(self) -> Mapping[str, Any]:
        return load_workflow(self._journal, self._row)

    def read(self, *, tail: int, final: bool) -> Iterator[Line]:
        """What has come since the last call."""
        self._look_for_pods()
        streams = [self._last(log.read(final=final), tail) for log in self._logs.values()]
        if len(streams) <= MERGED:
            lines: Iterable[Line] = heapq.merge(*streams, key=lambda line: line.at or 0.0)
            yield from self._noting(lines)
        else:
            for stream in streams:
                yield from self._noting(stream)

    def _noting(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            self.seen = True
            yield line

    @staticmethod
    def _last(lines: Iterator[Line], tail: int) -> Iterator[Line]:
        return iter(deque(lines, tail)) if tail >= 0 else lines

    def _look_for_pods(self) -> None:
        found = [log for log in pod_logs(_folder(self._row), self._container) if log.pod not in self._logs]
        new = [log for log in found if log.pod not in self._others]
        if not new:
            return
        workflow = self.workflow()
        started = {
            _pod(workflow, node): (parse_time(node.get("startedAt")) or 0.0, index)
            for index, node in enumerate(nodes_of(workflow))
        }
        mine = self._pods_of(workflow).get(self._node, set()) if self._node else None
        for log in sorted(new, key=lambda log: (*started.get(log.pod, (float("inf"), 0)), log.pod)):
            if mine is None or log.pod in mine or log.pod == self._node:
                self._logs[log.pod] = log
            elif log.pod in started:
                self._others.add(log.pod)

    def _pods_of(self, workflow: Mapping[str, Any]) -> dict[str, set[str]]:
        """By every word that may name a node: its pods. A wrapper's pods are those of its attempts and elements."""
        by_id = {str(node.get("id")): node for node in nodes_of(workflow)}
        named: dict[str, set[str]] = {}
        for node in by_id.values():
            pods = {_pod(workflow, node)}
            if node.get("type") in ("Retry", "TaskGroup"):
                pods |= {_pod(workflow, by_id[child]) for child in node.get("children") or () if child in by_id}
            for word in (node.get("displayName"), node.get("name"), node.get("id"), _pod(workflow, node)):
                named.setdefault(str(word), set()).update(pods)
        return named


def nodes_of(workflow: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The nodes of a status."""
    return list(((workflow.get("status") or {}).get("nodes") or {}).values())


def _pod(workflow: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    return pod_name(str(workflow["metadata"]["name"]), str(node.get("name") or ""), template_of(node)[1])


def _folder(row: RunRow) -> Path:
    from pathlib import Path  # noqa: PLC0415 - the annotation alone needs no import

    return Path(row.folder)


def _filter(grep: str, since: str, since_time: str) -> Callable[[float | None, str], bool]:
    """Whether a line, with its time if that is known, is to be shown; asked about masked text."""
    earliest = 0.0
    if since:
        earliest = time.time() - parse_age("--since", since)
    if since_time:
        at = parse_time(since_time)
        if at is None:
            raise UsageError(f"--since-time {since_time!r} is no time", hint="write it like 2024-05-06T07:08:09Z")
        earliest = max(earliest, at)
    try:
        pattern = re.compile(grep)
    except re.error as error:
        hint = "escape ( [ . * + ? by a backslash"
        raise UsageError(f"--grep {grep!r} is no regular expression: {error}", hint=hint) from error
    return lambda at, text: (at is None or at >= earliest) and (not grep or pattern.search(text) is not None)


def _explain(reader: _Reader, node: str) -> None:
    """Why nothing was shown."""
    types = {str(found.get("type")) for found in nodes_of(reader.workflow())}
    of = f"node {node!r}" if node else "this run"
    if "Pod" in types:
        sys.stderr.write(f"agg: {of} printed nothing\n")
    elif "HTTP" in types or "Plugin" in types:
        sys.stderr.write(f"agg: {of} has no pods that print; the results of HTTP leaves are in agg get NAME -o json\n")
    else:
        sys.stderr.write(f"agg: {of} has started nothing that prints\n")
