"""`--runtime dry`: a run in virtual time with nothing touched; every leaf succeeds at once with plausible outputs."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from aggregator.app.compose import Runner, RunResult
from aggregator.drive.clock import SystemClock
from aggregator.drive.driver import change_of
from aggregator.engine.events import NodeSet, Outcome, Resumed
from aggregator.ports import RunRow
from aggregator.testing import placeholders
from aggregator.testing.trial import to_the_end
from aggregator.testing.virtual import Answer, Script, VirtualRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.app.prepare import Prepared
    from aggregator.engine.commands import Attempt
    from aggregator.engine.machine import Machine, News
    from aggregator.engine.node import Node
    from aggregator.ports import Observer

MOST_ANSWERS = 10_000
"""More suspensions than this in one run are taken to be a loop without end."""


class DryRunner:
    """Runs what a Runner would run, by the same machine, and leaves the same record in the journal."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def run(self, prepared: Prepared, *, entry: str, observers: Sequence[Observer], detach: bool = False) -> RunResult:
        """Run it to its end; nothing waits for people here, so nothing is there to detach from."""
        del detach
        at = SystemClock().now()
        metadata = prepared.workflow.get("metadata") or {}
        row = RunRow(
            uid=prepared.uid,
            name=prepared.name,
            namespace=prepared.namespace,
            phase="Pending",
            created=at,
            started=at,
            priority=(prepared.workflow.get("spec") or {}).get("priority"),
            labels=dict(metadata.get("labels") or {}),
            parameters=prepared.parameters,
            entry=entry,
            folder=str(self.runner.folder),
            pid=os.getpid(),
            host=platform.node(),
        )
        journal = self.runner.journal
        journal.create(row)

        def observe(machine: Machine, news: list[News]) -> None:
            for change in (change_of(machine, one) for one in news):
                for observer in observers:
                    observer.on_change(change)

        run = dry_run(prepared, self.runner.submitted(prepared, at).options, at, observe if observers else None)
        machine = run.machine
        for text in machine.cluster.news() if machine.cluster is not None else ():
            for observer in observers:
                observer.notice(f"on a cluster: {text}")
        row.phase, row.message, row.finished = machine.phase, machine.message, machine.finished
        journal.append(row.uid, run.journal, row)
        return RunResult(machine, row, self.runner.folder, None)


def dry_run(
    prepared: Prepared,
    options: dict[str, object],
    at: float,
    observe: Callable[[Machine, list[News]], None] | None = None,
) -> VirtualRun:
    """Run it in virtual time; what waits for a person is answered at once."""
    run = VirtualRun(
        prepared.workflow,
        lambda attempt: dry_answer(run, attempt),
        Script(
            name=prepared.name,
            uid=prepared.uid,
            templates=prepared.templates,
            config_maps=prepared.config_maps,
            options=options,
            seed=prepared.seed,
            at=at,
        ),
        observe=None if observe is None else lambda news: observe(run.machine, news),
    )
    for _ in range(MOST_ANSWERS):
        to_the_end(run)
        machine = run.machine
        if machine.finished is not None or not (machine.suspended or machine.suspensions):
            break
        if machine.suspended:
            run.post(Resumed(run.now))
        for node in machine.suspensions.values():
            run.post(NodeSet(run.now, f"id={node.identity(machine.name)}", "Succeeded", "", _supplied(node)))
    return run


def dry_answer(run: VirtualRun, attempt: Attempt) -> Answer:
    """The attempt succeeds at once; its declared outputs have placeholders. A daemon is up at once."""
    outcome = Outcome(
        phase="Succeeded",
        exit_code=0 if attempt.kind in ("container", "script", "containerSet") else None,
        result="{}" if attempt.kind == "http" else placeholders.result(run.machine, attempt),
        parameters=placeholders.parameters(run.machine, attempt, {}),
        artifacts=placeholders.artifacts(attempt),
        http_status=200 if attempt.kind == "http" else None,
    )
    starts = None if attempt.kind == "http" else 0.0
    return Answer(outcome, starts=starts, ready=bool(attempt.template.get("daemon")))


def _supplied(node: Node) -> dict[str, str]:
    """What a person might have chosen: of an input's choices the first, else the default, else a placeholder."""
    template = node.template
    outputs = ((template.raw if template is not None else {}).get("outputs") or {}).get("parameters") or ()
    inputs = {p["name"]: p for p in (node.inputs or {}).get("parameters") or ()}
    found = {}
    for raw in outputs:
        name, source = raw["name"], raw.get("valueFrom") or {}
        choices = inputs.get(name, {}).get("enum") or raw.get("enum")
        if source.get("default") is None and "value" not in inputs.get(name, {}):
            found[name] = str(choices[0]) if choices else name
        elif choices and inputs.get(name, {}).get("value") not in choices:
            found[name] = str(choices[0])
    return found
