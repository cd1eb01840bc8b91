"""Runs one test: the workflow once, in virtual time, with mocks for its leaves; what came of it is a Trial."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aggregator.app.prepare import Submission, prepare
from aggregator.engine.events import Event, NodeSet, Resumed, StopRequested, SuspendRequested
from aggregator.errors import AggError, InvalidWorkflow
from aggregator.spec.allocation import building
from aggregator.testing.deeds import refusal
from aggregator.testing.history import History
from aggregator.testing.mocks import Mocks, Unending
from aggregator.testing.virtual import START, Script, VirtualRun

if TYPE_CHECKING:
    from aggregator.app.prepare import Prepared
    from aggregator.engine.commands import Attempt
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node
    from aggregator.testing.cases import Case, Happening


MUCH = 200_000
"""Objects made for reading and checking a workflow from which on it is worth while to look for what is left of them."""
LONGEST = 100 * 366 * 86400.0
"""Seconds after which a run is taken to go on for ever."""


@dataclass(slots=True)
class Trial:
    """A run that has ended, or has come to where nothing happens by itself any more."""

    case: Case
    prepared: Prepared | None = None
    run: VirtualRun | None = None
    history: History = field(default_factory=History)
    mocks: Mocks = field(default_factory=lambda: Mocks(()))
    attempts: dict[int, Attempt] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Why it can't be judged: the workflow can't be run, or leaves have no mock."""

    @property
    def machine(self) -> Machine:
        assert self.run is not None, "the workflow never began"
        return self.run.machine

    @property
    def phase(self) -> str:
        if self.run is not None:
            return self.machine.phase
        return self.prepared.problem_phase if self.prepared is not None else ""

    @property
    def message(self) -> str:
        if self.run is not None:
            return self.machine.message
        return self.prepared.problem_message if self.prepared is not None else ""

    @property
    def duration(self) -> float:
        """Virtual seconds from begin to end, or until now where it has not ended."""
        if self.run is None:
            return 0.0
        machine = self.machine
        end = machine.finished if machine.finished is not None else self.run.now
        return end - (machine.started or end)

    def nodes(self) -> list[Node]:
        return self.machine.nodes if self.run is not None else []

    def requests(self) -> dict[str, int]:
        """How often each request was sent, as `METHOD URL`."""
        return self.mocks.requests

    def artifacts(self) -> dict[str, tuple[Node, str | None]]:
        """Output artifacts of leaves by name, the last writer's: its node, and the text where a mock gave one."""
        found: dict[str, tuple[Node, str | None]] = {}
        for node in self.nodes():
            if node.kind == "Pod" and node.outputs is not None:
                for made in node.outputs.get("artifacts") or ():
                    name = made["name"]
                    found[name] = node, self.mocks.contents.get((node.number, name))
        return found

    def waits_for(self) -> list[str]:
        """Why a run that has not ended stands still."""
        if self.run is None or self.machine.finished is not None:
            return []
        machine = self.machine
        found = [
            f"{n.display} is suspended: an event `resume` or `set` answers it" for n in machine.suspensions.values()
        ]
        if machine.suspended:
            found.append("the run is suspended: an event `resume` lets it go on")
        found += [f"{w.node.display} waits: {w.node.waiting or w.node.phase}" for w in machine.waiting.values()]
        found += [f"{machine.nodes[number].display} was started and never ends" for number in self.run.held]
        return found


def try_case(case: Case, *, detailed: bool = False, lean: bool = False) -> Trial:
    """Run the test's workflow to its end. The same test always runs the same way.

    `detailed` keeps what stories are told from (news, attempts, the journal); otherwise only what is expected is kept.
    `lean` lets go of the documents before the run, which of a big workflow take as much memory as its nodes.
    """
    mocks = Mocks(case.mocks, strict_argo=bool(case.options.get("strict_argo")))
    trial = Trial(case, mocks=mocks, history=History(full=detailed))
    try:
        prepared = trial.prepared = prepare(case.main.bundle, case.supporting, _submission(case))
    except InvalidWorkflow as problem:
        trial.problems += [d.render() for d in problem.diagnostics]
        return trial
    except AggError as problem:
        trial.problems.append(_told(problem))
        return trial
    if prepared.problems:
        # A run that was expected to fail must not pass because of a slip of the pen: the message must be expected, too.
        if "message" not in case.expect:
            trial.problems += ["the workflow is wrong, so it was not run", *(d.render() for d in prepared.problems)]
        return trial
    start = START if case.at is None else case.at
    run = trial.run = VirtualRun(
        prepared.workflow,
        mocks.answer,
        Script(
            name=prepared.name,
            templates=prepared.templates,
            config_maps=prepared.config_maps,
            options=case.options,
            seed=case.seed,
            at=start,
        ),
        observe=trial.history.observe
        if detailed or _mentions(case, "startedAfter") or "order" in case.expect
        else None,
        journaled=detailed,
        remembers=detailed or _mentions(case, "leaf"),
        refusal=refusal if case.events else None,
    )
    if lean:
        case.main.leave()
        trial.prepared = None
    del prepared
    if lean and gc.get_count()[0] > MUCH:
        gc.collect()
    mocks.machine = run.machine
    for happening in case.events:
        run.post(_event(happening, start + happening.at))
    try:
        with building():  # a run only grows: there is next to no garbage to look for
            to_the_end(run)
    except AggError as problem:
        trial.problems.append(_told(problem))
    trial.attempts = {attempt.node: attempt for attempt in run.attempts}
    trial.problems += run.refused
    trial.problems += [f"no mock stands for {text} (template {name})" for name, text in mocks.unmatched.items()]
    return trial


def _mentions(case: Case, field: str) -> bool:
    """Whether some node is expected to have this."""
    return any(isinstance(e.value, dict) and field in e.value for e in case.expect.values())


def to_the_end(run: VirtualRun) -> None:
    """Go on until the run has ended and its leaves are gone, or nothing happens by itself any more."""
    latest = run.now + LONGEST
    while run.finished is None or run.held:
        due = run.due
        if due is None:
            # Locks that other runs gave back are asked for once more.
            run.settle()
            due = run.due
        if due is None:
            return
        if due > latest:
            raise Unending(
                "the run goes on for more than a hundred years of virtual time",
                hint="give retries a limit, and backoffs a cap",
            )
        run.step()


def _submission(case: Case) -> Submission:
    return Submission(parameters=case.parameters, name=case.run_name or _run_name(case), entrypoint=case.entrypoint)


def _run_name(case: Case) -> str:
    """The same in every run of the test, so that full names of nodes can be written down."""
    main = case.main.bundle
    for loaded in main.workflows:
        return str(loaded.name or f"{loaded.model.metadata.generate_name}test")
    stored: list[Any] = [*main.cron_workflows, *main.workflow_templates, *main.cluster_workflow_templates]
    return f"{stored[0].name}-test" if stored else ""


def _event(happening: Happening, at: float) -> Event:
    deed = happening.deed
    if deed == "stop":
        return StopRequested(at, "Stop", happening.message, happening.selector)
    if deed == "terminate":
        return StopRequested(at, "Terminate", happening.message)
    if deed == "suspend":
        return SuspendRequested(at)
    if deed == "resume":
        return Resumed(at, happening.selector)
    return NodeSet(at, happening.selector, happening.phase, happening.message, happening.parameters)


def _told(problem: AggError) -> str:
    return f"{problem.message}\n  hint: {problem.hint}" if problem.hint else problem.message
