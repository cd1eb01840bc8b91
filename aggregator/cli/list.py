"""`agg list`: the runs that are kept, in the Argo CLI's columns."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.kept import load_masker, load_workflow, reading
from aggregator.cli.selection import label_selector, parse_age
from aggregator.errors import UsageError, nearest
from aggregator.journal.liveness import standing
from aggregator.observe.columns import one_line, table
from aggregator.observe.timetext import rfc3339, short_duration
from aggregator.observe.tree import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aggregator.ports import Journal, RunRow

    Test = Callable[[RunRow], bool]

ENDED = ("Succeeded", "Failed", "Error")
PHASES = ("Pending", "Running", *ENDED)
OUTPUTS = ("", "name", "json", "yaml", "wide")
RESUBMITTED = "workflows.argoproj.io/resubmitted-from-workflow"
FIELDS = ("metadata.name", "metadata.namespace", "status.phase")


def list_command(
    namespace: options.Namespace = "",
    all_namespaces: Annotated[
        bool, typer.Option("-A", "--all-namespaces", help="Add the namespace as a column.")
    ] = False,
    running: Annotated[bool, typer.Option("--running", help="Only runs that have not ended.")] = False,
    completed: Annotated[bool, typer.Option("--completed", help="Only runs that have ended.")] = False,
    status: Annotated[str, typer.Option("--status", metavar="PHASE,…", help="Only runs in these phases.")] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="AGE", help="Only runs created within this time, as 3h.")
    ] = "",
    older: Annotated[
        str, typer.Option("--older", metavar="AGE", help="Only runs that ended longer ago than this.")
    ] = "",
    prefix: Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Only runs whose names begin so.")] = "",
    resubmitted: Annotated[bool, typer.Option("--resubmitted", help="Only runs that were resubmitted.")] = False,
    labels: Annotated[
        str, typer.Option("-l", "--selector", metavar="LABELS", help="Label selector, as app=web,!old.")
    ] = "",
    fields: Annotated[
        str, typer.Option("--field-selector", metavar="FIELDS", help="As metadata.name=NAME,status.phase!=Failed.")
    ] = "",
    chunk_size: Annotated[int, typer.Option("--chunk-size", help="Accepted and ignored.", hidden=True)] = 0,
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the line of titles.")] = False,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORM", help="name, json, yaml or wide.")] = "",
    home: options.Home = "",
    config: options.Config = "",
) -> None:
    """List runs: those that have not ended first, newest first; then the others, latest end first."""
    del chunk_size  # runs are read from a local file, in one go
    if output not in OUTPUTS:
        raise UsageError(
            f"-o {output} is no form of output", hint=nearest(output, OUTPUTS) or "name, json, yaml or wide"
        )
    if running and completed:
        raise UsageError("--running and --completed exclude each other", hint="give neither to see all runs")
    now = time.time()
    tests = [
        *by_phase(status, running=running, completed=completed),
        *by_age(since, older, now),
        *by_text(prefix, labels, fields, resubmitted=resubmitted),
    ]
    with reading(home, config) as (settings, journal):
        rows = order([row for row in journal.runs(namespace or None) if all(test(row) for test in tests)])
        for row in rows:
            mask = load_masker(journal, row, settings)
            row.message = mask(row.message)
            row.parameters = {name: mask(value) for name, value in row.parameters.items()}
        _write(journal, rows, output, now, all_namespaces=all_namespaces, titles=not no_headers)


def order(rows: list[RunRow]) -> list[RunRow]:
    """Argo's order of a list."""
    going = sorted((row for row in rows if row.phase not in ENDED), key=lambda row: -row.created)
    ended = sorted((row for row in rows if row.phase in ENDED), key=lambda row: -(row.finished or 0.0))
    return going + ended


def workflow_of(row: RunRow) -> dict[str, Any]:
    """What a list tells of a run as a Workflow object: without its templates and nodes."""
    status = {
        "phase": row.phase,
        "startedAt": rfc3339(row.started),
        "finishedAt": rfc3339(row.finished),
        "progress": row.progress or None,
        "message": row.message or None,
    }
    metadata = {
        "name": row.name,
        "namespace": row.namespace,
        "uid": row.uid,
        "creationTimestamp": rfc3339(row.created),
        "labels": row.labels or None,
    }
    parameters = [{"name": name, "value": value} for name, value in row.parameters.items()]
    spec = {"arguments": {"parameters": parameters} if parameters else {}, "priority": row.priority}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": _told(metadata),
        "spec": _told(spec),
        "status": _told(status),
    }


def interrupted(row: RunRow) -> bool:
    """Whether the process that drove the run is gone, though the run has not ended."""
    return standing(row) == "gone"


def undriven(row: RunRow) -> str:
    """Why nobody drives a run that has not ended; empty when somebody does."""
    found = standing(row)
    if found == "gone":
        return f"interrupted: process {row.pid} is gone"
    return "suspended and detached: no process drives it" if found == "detached" else ""


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def by_phase(status: str, *, running: bool, completed: bool) -> Iterator[Test]:
    """Tests of a run's phase."""
    if running:
        yield lambda row: row.phase not in ENDED
    if completed:
        yield lambda row: row.phase in ENDED
    if status:
        wanted = {word.strip() for word in status.split(",")}
        for word in sorted(wanted - set(PHASES)):
            raise UsageError(f"--status {word!r} is no phase", hint=nearest(word, PHASES) or ", ".join(PHASES))
        yield lambda row: row.phase in wanted


def by_age(since: str, older: str, now: float) -> Iterator[Test]:
    """Tests of when a run was created or ended."""
    if since:
        earliest = now - parse_age("--since", since)
        yield lambda row: row.created >= earliest
    if older:
        latest = now - parse_age("--older", older)
        yield lambda row: row.finished is not None and row.finished <= latest


def by_text(prefix: str, labels: str, fields: str, *, resubmitted: bool) -> Iterator[Test]:
    """Tests of a run's name, labels and fields."""
    if prefix:
        yield lambda row: row.name.startswith(prefix)
    if resubmitted:
        yield lambda row: RESUBMITTED in row.labels
    if labels:
        matches = label_selector(labels)
        yield lambda row: matches(row.labels)
    if fields:
        of_fields = label_selector(fields)
        for name in _names(fields):
            if name not in FIELDS:
                hint = nearest(name, FIELDS) or ", ".join(FIELDS)
                raise UsageError(f"--field-selector: runs have no field {name!r}", hint=hint)
        yield lambda row: of_fields(dict(zip(FIELDS, (row.name, row.namespace, row.phase), strict=True)))


def _names(fields: str) -> list[str]:
    """The names in `a=b,c!=d`."""
    return [part.replace("!", "=").partition("=")[0].strip() for part in fields.split(",") if part.strip()]


def _write(
    journal: Journal, rows: list[RunRow], output: str, now: float, *, all_namespaces: bool, titles: bool
) -> None:
    if output in ("json", "yaml"):
        sys.stdout.write(dump([workflow_of(row) for row in rows], output))
        return
    if output == "name":
        sys.stdout.writelines(f"{row.name}\n" for row in rows)
        return
    if not rows:
        sys.stdout.write("No workflows found\n")
        return
    wide = output == "wide"
    head = [*(["NAMESPACE"] if all_namespaces else []), "NAME", "STATUS", "AGE", "DURATION", "PRIORITY"]
    head += ["P/R/C", "PARAMETERS", "MESSAGE"] if wide else ["MESSAGE"]
    lines = [head] if titles else []
    for row in rows:
        took = (
            short_duration((now if row.finished is None else row.finished) - row.started)
            if row.started is not None
            else "0s"
        )
        message = row.message
        if why := undriven(row):
            message = why + (f"; {message}" if message else "")
        cells = [
            *([row.namespace] if all_namespaces else []),
            row.name,
            row.phase,
            short_duration(now - row.created),
            took,
        ]
        cells.append(str(row.priority or 0))
        if wide:
            cells += [counts(journal, row), ",".join(f"{name}={value}" for name, value in row.parameters.items())]
        lines.append([one_line(cell) for cell in [*cells, message]])
    sys.stdout.writelines(f"{line}\n" for line in table(lines))


def counts(journal: Journal, row: RunRow) -> str:
    """Pods that are pending, running and ended."""
    nodes = (load_workflow(journal, row).get("status") or {}).get("nodes") or {}
    phases = [node.get("phase") for node in nodes.values() if node.get("type") in ("Pod", "HTTP", "Plugin")]
    pending, going = phases.count("Pending"), phases.count("Running")
    return f"{pending}/{going}/{len(phases) - pending - going}"
