"""What the resource runtime asks of whoever runs workflows here: the port that the app fulfils."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from aggregator.engine.commands import Attempt


class ChildRun(Protocol):
    """A run of this machine, as a leaf sees it."""

    name: str

    @property
    def ended(self) -> bool:
        """Whether its phase is final."""

    def object(self) -> dict[str, Any]:
        """The Workflow with its status as of now."""

    async def wait(self, seconds: float) -> None:
        """Until it has ended, or this time has passed."""

    async def stop(self, message: str) -> None:
        """End it (exit handlers run) and wait for that; cancelled, it is ended at once."""


class Workflows(Protocol):
    """Runs that leaves create."""

    async def create(self, manifest: str, attempt: Attempt, *, owned: bool) -> ChildRun:
        """Start the run of a Workflow document. InvalidWorkflow, UsageError (its name is taken) or Unsupported."""

    def find(self, name: str, namespace: str) -> ChildRun | None:
        """A run that is known here, by name."""
