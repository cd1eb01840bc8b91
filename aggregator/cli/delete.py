"""`agg delete`: remove runs from the journal, and their folders."""

from __future__ import annotations

import platform
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.kept import reading
from aggregator.cli.list import by_age, by_phase, by_text
from aggregator.cli.report import report
from aggregator.cli.settings_sources import open_home
from aggregator.errors import AggError, StoreError, UsageError
from aggregator.journal.liveness import alive, standing

if TYPE_CHECKING:
    from aggregator.ports import Journal, RunRow
    from aggregator.settings import Settings

GRACE = 60.0
"""Seconds that a run which `--force` terminates has to end."""
LAST_WORDS = 5.0
"""Seconds that a process has to report, after its run has ended."""
POLL_SECONDS = 0.1


def delete_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]", help="Names or uids of runs, or @latest.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All runs.")] = False,
    all_namespaces: Annotated[
        bool, typer.Option("-A", "--all-namespaces", help="In all namespaces, as without -n.")
    ] = False,
    completed: Annotated[bool, typer.Option("--completed", help="Runs that have ended.")] = False,
    older: Annotated[
        str, typer.Option("--older", metavar="AGE", help="Runs that ended longer ago than this, as 7d.")
    ] = "",
    prefix: Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Runs whose names begin so.")] = "",
    resubmitted: Annotated[bool, typer.Option("--resubmitted", help="Runs that were resubmitted.")] = False,
    status: Annotated[str, typer.Option("--status", metavar="PHASE,…", help="Runs in these phases.")] = "",
    labels: Annotated[
        str, typer.Option("-l", "--selector", metavar="LABELS", help="Runs by labels: app=web,!old.")
    ] = "",
    fields: Annotated[
        str, typer.Option("--field-selector", metavar="FIELDS", help="As metadata.name=NAME,status.phase!=Failed.")
    ] = "",
    dry_run: options.DryRun = False,
    force: Annotated[bool, typer.Option("--force", help="Terminate what still runs, then delete it too.")] = False,
    chunk_size: Annotated[int, typer.Option("--query-chunk-size", help="Accepted and ignored.", hidden=True)] = 0,
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """Delete runs, by name or all that meet every condition. One that still runs is only deleted with --force."""
    del chunk_size  # runs are read from a local file, in one go
    tests = [
        *by_phase(status, running=False, completed=completed),
        *by_age("", older, time.time()),
        *by_text(prefix, labels, fields, resubmitted=resubmitted),
    ]
    if not names and not tests and not everything:
        raise UsageError("which runs? Name them, or give a condition", hint="agg delete --completed, or --all")
    where = "" if all_namespaces else namespace
    code = 0
    with reading(home, config) as (settings, journal):
        chosen: dict[str, RunRow] = {}
        for name in names or ():
            try:
                row = journal.run(name, namespace or None)
                chosen[row.uid] = row
            except AggError as error:
                report(error, sys.stderr)
                code = code or error.exit_code
        if tests or everything:
            found = [row for row in journal.runs(where or None) if all(test(row) for test in tests)]
            chosen |= {row.uid: row for row in found}
            if not chosen and not code:
                sys.stdout.write("No workflows found\n")
        runs = open_home(settings).runs
        for row in chosen.values():
            try:
                if not dry_run:
                    _delete(settings, journal, row, runs, force=force)
                elif not force:
                    _refuse_running(row)
            except AggError as error:
                report(error, sys.stderr)
                code = code or error.exit_code
            else:
                sys.stdout.write(f"workflow {row.name} deleted{' (dry run)' if dry_run else ''}\n")
    return code


def _delete(settings: Settings, journal: Journal, row: RunRow, runs: Path, *, force: bool) -> None:
    """Artifacts and the folder first: should that fail, the run is still known and can be deleted again."""
    from aggregator.app.children import remove_owned  # noqa: PLC0415 - it brings the whole engine along
    from aggregator.cli.discard import discard_artifacts  # noqa: PLC0415

    if not force:
        _refuse_running(row)
    elif standing(row) in ("driven", "elsewhere"):
        _terminate(journal, row)
    discard_artifacts(settings, journal, row, force=force)
    remove_owned(journal, row.uid, lambda child: _delete(settings, journal, child, runs, force=True))
    folder = Path(row.folder) if row.folder else None
    if folder is not None and folder.parent == runs and folder.is_dir():
        _remove(folder)
    journal.delete(row.uid)


def _refuse_running(row: RunRow) -> None:
    if standing(row) in ("driven", "elsewhere"):
        raise AggError(
            f"workflow {row.name!r} still runs (process {row.pid} on {row.host})",
            hint=f"agg stop {row.name}, then delete it; or --force",
        )


def _terminate(journal: Journal, row: RunRow) -> None:
    from aggregator.engine.events import StopRequested, encode_event  # noqa: PLC0415 - only where something runs

    journal.request(row.uid, encode_event(StopRequested(time.time(), "Terminate", "deleted")))
    limit = time.monotonic() + GRACE
    while (found := standing(journal.run(row.uid))) in ("driven", "elsewhere"):
        if time.monotonic() > limit:
            raise StoreError(
                f"workflow {row.name!r} was told to end, but process {row.pid} on {row.host} has not ended it in {GRACE:g} s",
                hint=f"agg wait {row.name}, then delete it",
            )
        time.sleep(POLL_SECONDS)
    limit = min(limit, time.monotonic() + LAST_WORDS)
    while found == "ended" and row.host == platform.node() and alive(row) and time.monotonic() < limit:
        time.sleep(POLL_SECONDS)  # it still writes its report into the run's folder


def _remove(folder: Path) -> None:
    """All of a run's files; folders that a leaf made unreadable are opened first."""
    try:
        shutil.rmtree(folder)
    except OSError:
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise StoreError(
                f"can't remove {folder}: {(error.strerror or str(error)).lower()}",
                hint="remove the folder, then delete the run again",
            ) from error
