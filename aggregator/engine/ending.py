"""The end of a run: its final phase, and what still runs is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.commands import FinishRun, ReleaseLocks
from aggregator.engine.node import SUCCEEDED, UNSUCCESSFUL, Node

if TYPE_CHECKING:
    from aggregator.engine.events import ArtifactsDeleted
    from aggregator.engine.machine import Machine

NOT_NEEDED = "the daemon is no longer needed"


def finish_run(machine: Machine, phase: str, message: str) -> None:
    """The run's phase is final: what still runs (daemons) is ended."""
    if machine.finished is not None:
        return
    if machine.cluster is not None:
        phase, message = machine.cluster.ended(machine, phase, message)
    if phase in UNSUCCESSFUL and machine.stop in ("Stop", "Terminate"):
        message = machine.told or f"Stopped with strategy '{machine.stop}'"
    machine.phase = phase
    machine.message = message
    machine.finished = machine.at
    machine.globals.local["workflow.status"] = phase
    end_daemons(machine, None)
    for node in list(machine.active.values()):
        machine.cancel_leaf(node, "the run has ended")
    if machine.locked:
        machine.command(ReleaseLocks(machine.locked))
    machine.command(FinishRun(phase, message))


def end_daemons(machine: Machine, boundary: Node | None) -> None:
    """The template that started them is over (or the run, for None): its daemons have done their work."""
    for node in [n for n in machine.daemons.values() if boundary is None or n.boundary is boundary]:
        if node.done:
            continue
        for number in node.children:  # a daemon that is being started again has an attempt that is not up yet
            attempt = machine.nodes[number]
            if attempt.parent is node and attempt.attempt is not None and not attempt.done:
                machine.cancel_leaf(attempt, NOT_NEEDED)
                machine.finish(attempt, SUCCEEDED)
        machine.cancel_leaf(node, NOT_NEEDED)
        machine.finish(node, SUCCEEDED)


def artifacts_deleted(machine: Machine, event: ArtifactsDeleted) -> None:
    """Mark what is gone, where the status tells of it."""
    machine.garbage_problems += event.problems
    gone = set(event.artifacts)
    names = {identity for identity, _ in event.artifacts}
    for node in machine.nodes:
        identity = node.identity(machine.name)
        if identity not in names:
            continue
        outputs = node.outputs or {}
        kept = [
            {**artifact, "deleted": True} if (identity, artifact["name"]) in gone else artifact
            for artifact in outputs.get("artifacts") or ()
        ]
        node.outputs = {**outputs, "artifacts": kept}
