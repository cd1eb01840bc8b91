"""Persistent volume claims as folders: named ones stay in `$AGG_HOME`, a run's own go as its volumeClaimGC says."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from aggregator.engine.node import SUCCEEDED

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.engine.machine import Machine


def named_claims(folder: Path) -> Path:
    """Where claims lie that a workflow names and does not make itself, for all runs: beside the folder of the runs."""
    return folder.parent.parent / "claims" if folder.parent.name == "runs" else folder / "claims"


def own_claims(folder: Path) -> Path:
    """Where the claims of a run's volumeClaimTemplates lie: in its own folder `folder`, and gone with it at the latest."""
    return folder / "claims"


async def remove_own_claims(machine: Machine, folder: Path) -> None:
    """When the run has ended: on success, or on any end when volumeClaimGC says so."""
    strategy = (machine.spec.get("volumeClaimGC") or {}).get("strategy") or "OnWorkflowSuccess"
    if machine.phase != SUCCEEDED and strategy != "OnWorkflowCompletion":
        return
    for claim in machine.spec.get("volumeClaimTemplates") or ():
        name = f"{machine.name}-{(claim.get('metadata') or {}).get('name', '')}"
        await asyncio.to_thread(shutil.rmtree, own_claims(folder) / machine.namespace / name, ignore_errors=True)
