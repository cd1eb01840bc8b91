"""`agg wait`: until runs of other processes have ended; the exit code says whether all succeeded."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.kept import reading
from aggregator.cli.list import undriven
from aggregator.cli.report import report
from aggregator.errors import AggError, NotFound
from aggregator.journal.liveness import ENDED
from aggregator.observe.timetext import rfc3339

if TYPE_CHECKING:
    from aggregator.ports import Journal

POLL_SECONDS = 0.2


def wait_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names or uids of runs, or @latest.")],
    ignore_not_found: Annotated[
        bool, typer.Option("--ignore-not-found", help="A run that does not exist is no error.")
    ] = False,
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """Wait until runs have ended. Exit code 1 when one of them failed, or can't end because nobody drives it."""
    code = 0
    with reading(home, config) as (_, journal):
        waiting: dict[str, str] = {}
        for name in names:
            try:
                row = journal.run(name, namespace or None)
                waiting[row.uid] = row.name
            except NotFound as error:
                if not ignore_not_found:
                    report(error, sys.stderr)
                    code = 1
        while waiting:
            for uid, name in list(waiting.items()):
                try:
                    phase = _look(journal, uid)
                except NotFound:
                    deleted = NotFound(f"workflow {name!r} was deleted before it ended")
                    phase = "" if ignore_not_found else _fail(deleted)
                except AggError as error:
                    phase = _fail(error)
                if phase is not None:
                    del waiting[uid]
                    code = 1 if phase in ("Failed", "Error") else code
            if waiting:
                time.sleep(POLL_SECONDS)
    return code


def _look(journal: Journal, uid: str) -> str | None:
    """The phase of a run that has ended, which is told; None while it goes on."""
    row = journal.run(uid)
    if row.phase in ENDED:
        sys.stdout.write(f"{row.name} {row.phase} at {rfc3339(row.finished)}\n")
        sys.stdout.flush()
        return row.phase
    why = undriven(row)
    # Between two looks the process may have ended its run and itself, in this order.
    if why and journal.run(uid).phase not in ENDED:
        raise AggError(f"workflow {row.name!r} will not end: {why}", hint=f"agg get {row.name} shows how far it came")
    return None


def _fail(error: AggError) -> str:
    report(error, sys.stderr)
    return "Error"
