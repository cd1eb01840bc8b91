"""`agg watch`: the live tree, or lines, of a run that another process drives."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.get import keep_nodes
from aggregator.cli.kept import GrowingMask, reading
from aggregator.cli.list import undriven
from aggregator.observe import choose_progress, make_observer
from aggregator.observe.tree import Style, header_lines, tree_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.app import Follower
    from aggregator.ports import Journal, Observer, RunRow

    Keep = Callable[[Mapping[str, Any]], bool]

POLL_SECONDS = 0.2


def watch_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or uid of a run, or @latest.")],
    status: Annotated[str, typer.Option("--status", metavar="PHASE,…", help="Only nodes in these phases.")] = "",
    selector: options.NodeFields = "",
    namespace: options.Namespace = "",
    no_color: options.NoColor = False,
    no_utf8: options.NoUtf8 = False,
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """Watch a run until it ends: a live tree on a terminal, else a line for each change. Ctrl-C ends only the watching."""
    from aggregator.app import Follower  # noqa: PLC0415 - it brings the whole engine along

    keep = keep_nodes(status, selector)
    with reading(home, config) as (settings, journal):
        row = journal.run(name, namespace or None)
        mask = GrowingMask(journal, row, settings)
        plain = no_color or no_utf8 or choose_progress("auto", sys.stdout, os.environ) == "plain"
        run = Follower(journal, row.uid, observed=True)
        view: _View
        if plain or keep is None:
            view = _Changes(make_observer("plain" if plain else "tree", sys.stdout, mask), keep)
        else:
            view = _Screen(sys.stdout, mask, keep)
        try:
            why = _follow(journal, row, run, view, mask)
        finally:
            view.close()
        if why:
            sys.stderr.write(f"agg: {row.name} has not ended: {why}\n")
        return 1 if why else 0


def _follow(journal: Journal, row: RunRow, run: Follower, view: _View, mask: GrowingMask) -> str:
    """Show the run until it has ended; why it never will, when nobody drives it."""
    while True:
        why = undriven(journal.run(row.uid))  # asked before reading: all that its process wrote is read below
        mask.renew()
        if run.advance():
            view.show(run)
        if run.machine.finished is not None:
            return ""
        if why:
            return why
        time.sleep(POLL_SECONDS)


class _View:
    """How a run that is followed is shown."""

    def show(self, run: Follower) -> None:
        """Something has changed."""

    def close(self) -> None:
        """Nothing more will."""


class _Changes(_View):
    """Tells an observer each change; with `keep`, only those of nodes that it keeps, and of the run itself."""

    def __init__(self, observer: Observer, keep: Keep | None) -> None:
        self._observer = observer
        self._keep = keep

    def show(self, run: Follower) -> None:
        for change in run.changes:
            if self._keep is None or change.kind == "run" or self._keep(_node(run, change.node)):
                self._observer.on_change(change)

    def close(self) -> None:
        self._observer.close()


def _node(run: Follower, number: int) -> dict[str, Any]:
    from aggregator.engine.status import node_status  # noqa: PLC0415 - see above

    return node_status(run.machine, run.machine.nodes[number], (0, 0), (0.0, 0.0))


class _Screen(_View):
    """Draws the header and the nodes that `keep` keeps, as `agg get` does, as often as they change."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str], keep: Keep) -> None:
        from rich.console import Console  # noqa: PLC0415 - rich takes a while to import, and only terminals need it
        from rich.live import Live  # noqa: PLC0415

        self._mask = mask
        self._keep = keep
        self._console = Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False)
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._live.start()

    def show(self, run: Follower) -> None:
        from rich.text import Text  # noqa: PLC0415

        from aggregator.engine.status import workflow_object  # noqa: PLC0415

        workflow = workflow_object(run.machine)
        style = Style(now=time.time(), color=True, mask=self._mask, keep=self._keep)
        lines = [*header_lines(workflow, style), "", *tree_lines(workflow, "", style)]
        room = max(4, self._console.height - 1)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"… {len(lines) - room + 1} more lines"]
        text = Text.from_ansi("\n".join(lines), no_wrap=True, overflow="crop")
        self._live.update(text, refresh=True)

    def close(self) -> None:
        self._live.stop()
