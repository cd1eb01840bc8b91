"""Runs that a run's leaves create (a `resource` template with a Workflow): each in the journal, driven by this process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.app.prepare import Submission, prepare
from aggregator.engine.events import StopRequested
from aggregator.engine.status import workflow_object
from aggregator.errors import InvalidWorkflow, NotFound, Unsupported, UsageError
from aggregator.journal.home import Home
from aggregator.journal.shared import open_beside
from aggregator.source import Source
from aggregator.spec.decode import decode_text
from aggregator.spec.defaults import workflow_defaults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aggregator.app.compose import Runner, RunResult
    from aggregator.app.prepare import Prepared
    from aggregator.engine.commands import Attempt
    from aggregator.ports import Change, Journal, RunRow, Stream
    from aggregator.secrets.store import SecretStore
    from aggregator.spec.bundle import Bundle

PARENT_LABEL = "agg.dev/parent"
OWNER_LABEL = "agg.dev/owner"
"""The uid of the run that goes away together with it: `agg delete` takes both."""
DEEPEST = 20
"""Runs within runs; more is taken to be a workflow that creates itself."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a child needs beside its document: the other documents that it may refer to, and the secrets it is handed."""

    supporting: Callable[[Bundle], Bundle]
    secrets: Callable[[Prepared, Path, Callable[[str], None]], SecretStore]
    """Called with the run, its folder, and who else is told each value that must be masked."""


class Child:
    """One run that was created here. Implements ChildRun of the resource runtime."""

    def __init__(self, runner: Runner, prepared: Prepared, task: asyncio.Task[RunResult], journal: Journal) -> None:
        self.runner = runner
        self.name = prepared.name
        self.namespace = prepared.namespace
        self.uid = prepared.uid
        self.task = task
        self.journal = journal

    @property
    def ended(self) -> bool:
        return self.task.done()

    def object(self) -> dict[str, Any]:
        driver = self.runner.driver
        return workflow_object(driver.machine) if driver is not None else {}

    async def wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.shield(self.task)

    async def stop(self, message: str) -> None:
        self.ask("Stop", message)
        try:
            await asyncio.shield(self.task)
        except asyncio.CancelledError:
            self.ask("Terminate", message)
            await asyncio.shield(self.task)

    def ask(self, strategy: str, message: str) -> None:
        """Ask it to end."""
        driver = self.runner.driver
        if driver is not None and not self.task.done():
            terminate = strategy == "Terminate"
            driver.post(StopRequested(driver.clock.now(), "Terminate" if terminate else "Stop", message))


class Beginning:
    """An observer that waits for the first that is heard of a run."""

    def __init__(self) -> None:
        self.seen = asyncio.Event()

    def on_change(self, change: Change) -> None:
        del change
        self.seen.set()

    def on_output(self, node: int, stream: Stream, data: bytes) -> None:
        """Nobody watches it; its output is kept."""

    def notice(self, text: str) -> None:
        """Nobody watches it."""

    def close(self) -> None:
        """Nothing is open."""


class Kept:
    """A run that somebody else created, as the journal has it. Implements ChildRun."""

    def __init__(self, journal: Journal, row: RunRow) -> None:
        self._journal = journal
        self._row = row
        self.name = row.name

    @property
    def ended(self) -> bool:
        self._row = self._journal.run(self._row.uid)
        return self._row.finished is not None

    def object(self) -> dict[str, Any]:
        from aggregator.app.compose import load_status  # noqa: PLC0415 - the two files need each other

        return load_status(self._journal, self._row.uid)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def stop(self, message: str) -> None:
        """It is not ours to end."""


class Children:
    """Implements Workflows of the resource runtime for one run."""

    def __init__(self, parent: Runner) -> None:
        self._parent = parent
        self._children: list[Child] = []

    async def create(self, manifest: str, attempt: Attempt, *, owned: bool) -> Child:
        parent = self._parent
        if parent.surroundings is None:
            raise Unsupported("workflows can't be created here", hint="use agg run")
        if parent.depth >= DEEPEST:
            raise UsageError(f"runs are nested {DEEPEST} deep: the workflow seems to create itself")
        prepared = self._prepared(manifest, attempt, owned=owned)
        folder = Home(parent.folder.parent.parent).create_run_folder(prepared.name, prepared.uid)
        journal = open_beside(parent.journal)
        try:
            child = await self._start(prepared, folder, journal, attempt)
        except BaseException:
            _close(parent.journal, journal)
            with suppress(OSError):
                folder.rmdir()
            raise
        self._children.append(child)
        parent.notice(f"{attempt.display_name}: created workflow {child.name} (agg get {child.name})")
        child.task.add_done_callback(lambda _: self._ended(child))
        return child

    def find(self, name: str, namespace: str) -> Child | Kept | None:
        for child in self._children:
            if (child.name, child.namespace) == (name, namespace):
                return child
        if not name:
            return None
        journal = open_beside(self._parent.journal)
        try:
            row = journal.run(name, namespace)
        except NotFound:
            _close(self._parent.journal, journal)
            return None
        return Kept(journal, row)

    async def finish(self, *, stopped: bool) -> None:
        """The run has ended: those that nobody waited for go on to their own end, unless the run was stopped."""
        left = [child for child in self._children if not child.ended]
        if left and not stopped:
            names = ", ".join(child.name for child in left)
            self._parent.notice(f"waiting for workflows that this one created: {names}")
        for child in left:
            if stopped:
                child.ask("Stop", f"{self._parent.folder.name} was stopped")
        await asyncio.gather(*(child.task for child in self._children), return_exceptions=True)

    def interrupt(self, signal: str) -> None:
        """Ctrl-C or SIGTERM while only children still run."""
        for child in self._children:
            if child.runner.driver is not None and not child.ended:
                child.runner.driver.interrupt(signal)

    # ------------------------------------------------------------------ one child

    def _prepared(self, manifest: str, attempt: Attempt, *, owned: bool) -> Prepared:
        parent = self._parent
        assert parent.surroundings is not None
        main = decode_text(Source(f"the manifest of {attempt.display_name}", manifest), strict=False)
        labels = {PARENT_LABEL: attempt.workflow[:63], **({OWNER_LABEL: attempt.uid} if owned else {})}
        submission = Submission(namespace=attempt.namespace, labels=labels, defaults=workflow_defaults(parent.settings))
        prepared = prepare(main, parent.surroundings.supporting(main), submission)
        prepared.problems += parent.unfit(prepared)
        if prepared.problems:
            first = prepared.problems[0]
            if all(problem.code == "refused-field" for problem in prepared.problems):
                raise Unsupported(first.message, hint=first.hint)
            raise InvalidWorkflow(prepared.problems, hint=first.hint)
        if owned:
            owner = {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "name": attempt.workflow,
                "uid": attempt.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
            metadata = prepared.workflow.setdefault("metadata", {})
            metadata["ownerReferences"] = [*(metadata.get("ownerReferences") or ()), owner]
        return prepared

    async def _start(self, prepared: Prepared, folder: Path, journal: Journal, attempt: Attempt) -> Child:
        from aggregator.app.compose import Runner  # noqa: PLC0415 - the two files need each other

        parent = self._parent
        assert parent.surroundings is not None
        secrets = parent.surroundings.secrets(prepared, folder, parent.secrets.masker.add)
        journal.guard(secrets.masker.mask_bytes)
        runner = Runner(
            settings=parent.settings,
            journal=journal,
            folder=folder,
            secrets=secrets,
            world=parent.world,
            environ=parent.environ,
            surroundings=parent.surroundings,
            depth=parent.depth + 1,
        )
        begins = Beginning()
        runner.observers = [begins]
        entry = f"{attempt.workflow}/{attempt.display_name}"
        task = asyncio.create_task(runner.drive(prepared, entry=entry), name=f"run {prepared.name}")
        begun = asyncio.create_task(begins.seen.wait())
        await asyncio.wait([task, begun], return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if task.done() and task.exception() is not None:
            await task  # its name is taken, or the journal can't be written
        return Child(runner, prepared, task, journal)

    def _ended(self, child: Child) -> None:
        if child.task.cancelled():
            told = "was abandoned"
        elif (problem := child.task.exception()) is not None:
            told = f"ended by an error: {problem}"
        else:
            told = child.task.result().machine.phase
        self._parent.notice(f"workflow {child.name}: {told}")
        _close(self._parent.journal, child.journal)
        with suppress(OSError):
            child.runner.folder.rmdir()


def remove_owned(journal: Journal, uid: str, remove: Callable[[RunRow], None]) -> None:
    """Remove the runs that the run with this uid owns; `remove` is called for each."""
    for row in journal.runs():
        if row.labels.get(OWNER_LABEL) == uid:
            remove(row)


def _close(parent: Journal, journal: Journal) -> None:
    if journal is not parent:
        journal.close()
