"""Artifact garbage: which stored artifacts go away with a run's end or deletion, and their removal by their drivers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.engine.events import ArtifactsDeleted, encode_event
from aggregator.engine.locations import location_of
from aggregator.errors import AggError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aggregator.drive.leaf import LeafRunner
    from aggregator.engine.machine import Machine
    from aggregator.ports import ArtifactDriver, Journal, RunRow

COMPLETION, DELETION = "OnWorkflowCompletion", "OnWorkflowDeletion"
KEPT_KINDS = ("raw", "git", "http", "plugin")
"""Kinds of locations where a run stores nothing that could be deleted."""


@dataclass(slots=True)
class Doomed:
    """One stored object, and the outputs that name it."""

    key: str
    location: dict[str, Any]
    names: list[tuple[str, str]]
    """Node id and name of each artifact that is this object."""


def doomed(workflow: Mapping[str, Any], strategy: str) -> list[Doomed]:
    """The objects that go away by this strategy, each once; an artifact's own strategy wins over the workflow's."""
    usual = ((workflow.get("spec") or {}).get("artifactGC") or {}).get("strategy") or "Never"
    found: dict[str, Doomed] = {}
    spared: set[str] = set()
    for identity, node in ((workflow.get("status") or {}).get("nodes") or {}).items():
        for artifact in (node.get("outputs") or {}).get("artifacts") or ():
            place = location_of(artifact)
            if place is None or place[0] in KEPT_KINDS or artifact.get("deleted"):
                continue
            mark = json.dumps(place, sort_keys=True)
            own = (artifact.get("artifactGC") or {}).get("strategy")
            if own and own != strategy:
                spared.add(mark)  # handed on by an enclosing template, it is still the same object
            elif (own or usual) == strategy:
                found.setdefault(mark, Doomed(place[0], dict(place[1]), [])).names.append((identity, artifact["name"]))
    return [each for mark, each in found.items() if mark not in spared]


def delete_all(
    objects: Iterable[Doomed],
    driver_of: Callable[[str], ArtifactDriver],
    patiently: Callable[[Callable[[], None]], None],
) -> tuple[list[tuple[str, str]], list[str]]:
    """Delete them all; the artifacts that are gone, and what could not be deleted, in words."""
    gone: list[tuple[str, str]] = []
    problems = []
    for each in objects:
        try:
            driver = driver_of(each.key)
            patiently(lambda driver=driver, each=each: driver.delete(each.location))  # type: ignore[misc]
        except AggError as problem:
            told = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
            problems.append(f"artifact {each.names[0][1]!r} could not be deleted: {told}")
        else:
            gone += each.names
    return gone, problems


async def collect_garbage(
    machine: Machine,
    journal: Journal,
    row: RunRow,
    leaves: LeafRunner,
    notice: Callable[[str], None],
    now: Callable[[], float],
) -> None:
    """The run has ended: delete what is marked so, and keep in the journal what is gone and what is not."""
    if not _asked_for(machine):
        return
    from aggregator.engine.status import workflow_object  # noqa: PLC0415 - only where something is collected

    objects = doomed(workflow_object(machine), COMPLETION)
    if not objects:
        return
    gone, problems = await asyncio.to_thread(delete_all, objects, leaves.driver_of, leaves.retried)
    for problem in problems:
        notice(problem)
    event = ArtifactsDeleted(now(), gone, problems)
    machine.handle(event)
    await asyncio.to_thread(journal.append, row.uid, [encode_event(event)], row)


def _asked_for(machine: Machine) -> bool:
    """Whether anything goes away when the run ends: the status of a large run is not made in vain."""
    usual = (machine.workflow.get("spec") or {}).get("artifactGC") or {}
    if usual.get("strategy") == COMPLETION:
        return True
    return any(
        (artifact.get("artifactGC") or {}).get("strategy") == COMPLETION
        for node in machine.nodes
        if node.outputs
        for artifact in node.outputs.get("artifacts") or ()
    )
