"""Builds a run from what was prepared: settings choose the adapters, the driver gets them, the journal keeps it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msgspec import DecodeError

from aggregator.app.adapters import NOWHERE, Adapters, World
from aggregator.app.children import Children
from aggregator.app.claims import remove_own_claims
from aggregator.app.fitness import unfit
from aggregator.app.garbage import collect_garbage
from aggregator.app.hosts import host_lookup
from aggregator.app.places import place_of
from aggregator.app.suspension import Question, question
from aggregator.drive.clock import SystemClock
from aggregator.drive.driver import Driver
from aggregator.drive.leaf import LeafRunner
from aggregator.engine.events import NodeSet, Submitted
from aggregator.engine.machine import Machine
from aggregator.engine.replay import replay
from aggregator.engine.status import workflow_object
from aggregator.errors import StoreError, Unsupported
from aggregator.journal.liveness import birth
from aggregator.journal.shared import open_cache, open_locks
from aggregator.kinds import KINDS
from aggregator.ports import RunRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aggregator.app.children import Surroundings
    from aggregator.app.prepare import Prepared
    from aggregator.errors import Diagnostic
    from aggregator.ports import Journal, Observer
    from aggregator.secrets.store import SecretStore
    from aggregator.settings import Settings

DETACHED = 5
SIGNALS = {signal.SIGINT: ("SIGINT", 130), signal.SIGTERM: ("SIGTERM", 143)}


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. `unsupported` is the first thing that can't run on one machine, if that was met."""

    machine: Machine
    row: RunRow
    folder: Path
    unsupported: Unsupported | None
    detached: bool = False
    """The run has not ended: it is suspended, and nobody drives it any more."""

    @property
    def exit_code(self) -> int:
        """The documented exit code of this end."""
        machine = self.machine
        if self.detached:
            return DETACHED
        if machine.signal:
            return {"SIGINT": 130, "SIGTERM": 143}[machine.signal]
        if machine.phase == "Succeeded":
            return 0
        if self.unsupported is not None:
            return self.unsupported.exit_code
        if machine.stop == "deadline":
            return 6
        # Nothing was run because the document is wrong, which only the run could see (a ConfigMap that is not there).
        return 3 if not machine.nodes and machine.message.startswith("invalid spec") else 1


class Runner:
    """Runs one prepared workflow. `world` replaces the outside; `environ` is the process's environment."""

    def __init__(
        self,
        *,
        settings: Settings,
        journal: Journal,
        folder: Path,
        secrets: SecretStore,
        world: World = NOWHERE,
        environ: Mapping[str, str] | None = None,
        surroundings: Surroundings | None = None,
        depth: int = 0,
    ) -> None:
        self.settings = settings
        self.journal = journal
        self.folder = folder
        self.secrets = secrets
        self.world = world
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.surroundings = surroundings
        self.depth = depth
        """How many runs of this process this one is nested in."""
        self.children = Children(self)
        self.observers: list[Observer] = []
        self.driver: Driver | None = None
        """What drives the run, while it runs."""
        self.adapters = Adapters(
            settings=settings,
            folder=folder,
            secrets=secrets,
            world=world,
            environ=self.environ,
            notice=self.notice,
            workflows=self.children,
        )

    def unfit(self, prepared: Prepared) -> list[Diagnostic]:
        """What of the workflow can't run on this machine as it is set up; found before anything starts."""
        return unfit(prepared, self.settings, self.environ)

    def notice(self, text: str) -> None:
        """One line for whoever watches."""
        for observer in self.observers:
            observer.notice(text)

    # ------------------------------------------------------------------ the run

    def submitted(self, prepared: Prepared, at: float) -> Submitted:
        """The run's first event, with every setting that its decisions depend on."""
        strict = self.settings.flag("strict_argo")
        slots = {"process": self.settings.integer("max_parallel")}
        if not strict:
            slots["http"] = self.settings.integer("http.concurrency")
        options: dict[str, Any] = {"strict_argo": strict, "slots": slots, "host": os.uname().nodename or "localhost"}
        if self.settings.text("argo_limits") != "off":
            options["argo_limits"] = self.settings.text("argo_limits")
        semaphores = self.settings.table("semaphores")
        if semaphores:
            options["semaphores"] = semaphores
        repository = self.settings.table("artifacts.repository")
        if repository:
            options["artifact_repository"] = repository
        return Submitted(
            at=at,
            name=prepared.name,
            uid=prepared.uid,
            seed=prepared.seed,
            workflow=prepared.workflow,
            templates=prepared.templates,
            config_maps=prepared.config_maps,
            options=options,
        )

    def run(self, prepared: Prepared, *, entry: str, observers: Sequence[Observer], detach: bool = False) -> RunResult:
        """Run it to its end; signals stop it. With `detach`, also leave it where it only waits for somebody's answer."""
        self.observers = list(observers)
        return _loop_run(self._run(prepared, entry, detach=detach))

    async def drive(self, prepared: Prepared, *, entry: str) -> RunResult:
        """Run it inside a loop that others use too, whose signals are not ours."""
        return await self._run(prepared, entry, detach=False, signals=False)

    def answer(self, number: int, parameters: Mapping[str, str]) -> None:
        """A suspended node succeeds with these outputs; from the loop's thread."""
        driver = self.driver
        if driver is not None:
            selector = f"id={driver.machine.nodes[number].identity(driver.machine.name)}"
            driver.post(NodeSet(driver.clock.now(), selector, phase="Succeeded", parameters=dict(parameters)))

    def waiting(self, number: int) -> Question | None:
        """What a suspended node asks; None when it does not wait."""
        node = self.driver.machine.suspensions.get(number) if self.driver is not None else None
        return question(self.driver.machine, node) if self.driver is not None and node is not None else None

    async def _run(self, prepared: Prepared, entry: str, *, detach: bool, signals: bool = True) -> RunResult:
        clock = SystemClock()
        at = clock.now()
        metadata = prepared.workflow.get("metadata") or {}
        row = RunRow(
            uid=prepared.uid,
            name=prepared.name,
            namespace=prepared.namespace,
            phase="Pending",
            created=at,
            priority=(prepared.workflow.get("spec") or {}).get("priority"),
            labels=dict(metadata.get("labels") or {}),
            parameters=prepared.parameters,
            entry=entry,
            folder=str(self.folder),
            pid=os.getpid(),
            born=birth(os.getpid()),
            host=os.uname().nodename,
        )
        self.journal.create(row)
        archive: Any = _Archive()
        leaves = LeafRunner(
            runtime_of=self.adapters.runtime_of, driver_of=self.adapters.driver_of, archive=archive, folder=self.folder
        )
        machine = Machine(KINDS, random.Random, observed=bool(self.observers), lookup_host=host_lookup(self.settings))
        self.driver = driver = Driver(
            machine=machine,
            journal=self.journal,
            row=row,
            leaves=leaves,
            clock=clock,
            observers=self.observers,
            locate=lambda node: span.where() if (span := place_of(node, prepared)) is not None else "",
            detach=detach,
            open_locks=lambda: open_locks(self.journal),
            open_cache=lambda: open_cache(self.journal),
        )
        loop = asyncio.get_running_loop()
        for number, (name, _) in SIGNALS.items() if signals else ():
            loop.add_signal_handler(number, self._interrupt, name)
        try:
            await driver.run(self.submitted(prepared, at))
            if driver.finished is not None:
                await self.children.finish(stopped=bool(machine.stop))
                await collect_garbage(machine, self.journal, row, leaves, self.notice, clock.now)
                await remove_own_claims(machine, self.folder)
        finally:
            for number in SIGNALS if signals else ():
                loop.remove_signal_handler(number)
            await self.adapters.close()
        return RunResult(machine, row, self.folder, leaves.unsupported, driver.detached)

    def _interrupt(self, signal: str) -> None:
        if self.driver is not None and self.driver.finished is None:
            self.driver.interrupt(signal)
        else:
            self.children.interrupt(signal)


class _Archive:
    """Packing and unpacking, imported when the first artifact is moved."""

    def __getattr__(self, name: str) -> Any:
        for module in ("aggregator.artifacts.archive", "aggregator.artifacts.files"):
            found = getattr(import_module(module), name, None)
            if found is not None:
                return found
        raise AttributeError(name)


def _loop_run(work: Any) -> RunResult:
    try:
        import uvloop  # noqa: PLC0415 - faster where it is installed, not needed
    except ImportError:
        result: RunResult = asyncio.run(work)
        return result
    ended: RunResult = uvloop.run(work)
    return ended


def load_machine(journal: Journal, uid: str) -> Machine:
    """The state of a run, folded from its journal."""
    try:
        return replay(journal.read(uid), KINDS, random.Random)
    except DecodeError as problem:
        raise StoreError(
            f"the journal of run {journal.run(uid).name} holds an event that this agg does not know: {problem}",
            hint="it was written by a newer agg, or damaged; the files in its run folder can be read as they are",
        ) from problem


def load_status(journal: Journal, uid: str) -> dict[str, Any]:
    """The Workflow object of a run, folded from its journal."""
    machine = load_machine(journal, uid)
    return workflow_object(machine)
