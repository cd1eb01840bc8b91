"""Artifacts that go away together with their run: OnWorkflowDeletion, as `agg delete` applies it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from aggregator.errors import StoreError
from aggregator.journal.liveness import ENDED

if TYPE_CHECKING:
    from aggregator.ports import Journal, RunRow
    from aggregator.settings import Settings

MARK = b"artifactGC"


def discard_artifacts(settings: Settings, journal: Journal, row: RunRow, *, force: bool) -> None:
    """Delete what the run's strategy says; StoreError when something can't be, so that the run is kept.

    With `force`, or forceFinalizerRemoval in the workflow, that is only told.
    """
    if not any(MARK in event for event in journal.read(row.uid)):
        return
    from aggregator.app.garbage import COMPLETION, DELETION, delete_all, doomed  # noqa: PLC0415 - few runs collect
    from aggregator.app.kept_artifacts import kept_drivers  # noqa: PLC0415
    from aggregator.cli.kept import load_workflow  # noqa: PLC0415

    workflow: dict[str, Any] = load_workflow(journal, row)
    objects = doomed(workflow, DELETION)
    if row.phase in ENDED:
        objects += doomed(workflow, COMPLETION)  # what could not be deleted when the run ended
    if not objects:
        return
    with kept_drivers(settings, journal, row) as drivers:
        _, problems = delete_all(objects, drivers.driver_of, drivers.patiently)
    if not problems:
        return
    spared = ((workflow.get("spec") or {}).get("artifactGC") or {}).get("forceFinalizerRemoval")
    if force or spared:
        for problem in problems:
            sys.stderr.write(f"agg: warning: {row.name}: {problem}\n")
        return
    raise StoreError(
        f"workflow {row.name!r} is kept: " + "; ".join(problems),
        hint=f"mend the store, then delete it again; or leave the artifacts behind: agg delete --force {row.name}",
    )
