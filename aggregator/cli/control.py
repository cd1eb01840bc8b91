"""What the commands share that act on runs of other processes: choose, check, leave a request, wait until it is taken."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from aggregator.app import Follower
from aggregator.app.suspension import questions
from aggregator.cli.kept import load_masker, reading
from aggregator.cli.list import by_text
from aggregator.cli.report import report
from aggregator.cli.selection import node_selector
from aggregator.engine.events import encode_event
from aggregator.errors import AggError, NotFound, StoreError, UsageError
from aggregator.journal.liveness import ENDED, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.app.suspension import Question
    from aggregator.engine.events import Event
    from aggregator.ports import Journal, RunRow

PATIENCE = 15.0
"""Seconds within which the process that drives a run has to take a request; it looks five times a second."""
BEGINNING = 2.0
"""Seconds that a run that was just created has to write its first event."""
POLL_SECONDS = 0.05


@dataclass(slots=True)
class Target:
    """A run that a command is about. `named` is what the user wrote for it; `run` is folded as far as it has got."""

    named: str
    row: RunRow
    run: Follower

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def shown(self) -> str:
        """What the user wrote, and the run's name where that is another."""
        return self.name if self.named == self.name else f"{self.named} ({self.name})"


@dataclass(slots=True)
class Plan:
    """What is to be done to one run: the event to leave (None: nothing has to be), and the line that confirms it."""

    event: Event | None
    told: Callable[[], str]


@dataclass(slots=True, kw_only=True)
class Chosen:
    """Which runs are meant: by name, and those that have not ended by selectors."""

    names: Sequence[str]
    namespace: str = ""
    labels: str = ""
    fields: str = ""


def act(
    chosen: Chosen, plan: Callable[[Target], Plan], *, home: str, config: str, verb: str, dry_run: bool = False
) -> int:
    """Check and leave the request for every run, then wait for each. What is wrong with one leaves the others alone."""
    code = 0
    with reading(home, config) as (settings, journal):
        sent: list[tuple[Target, Plan]] = []
        for named in _named(journal, chosen):
            try:
                target = _target(journal, named, chosen.namespace, verb)
                made = plan(target)
                if made.event is not None and not dry_run:
                    journal.request(target.row.uid, encode_event(made.event))
                sent.append((target, made))
            except AggError as error:
                report(error, sys.stderr)
                code = code or error.exit_code
        for target, made in sent:
            try:
                if made.event is not None and not dry_run:
                    _await_taken(journal, target, made.event)
            except AggError as error:
                report(error, sys.stderr)
                code = code or error.exit_code
            else:
                mask = load_masker(journal, target.row, settings)
                sys.stdout.write(mask(made.told()) + (" (dry run)\n" if dry_run else "\n"))
    return code


def _named(journal: Journal, chosen: Chosen) -> list[str]:
    """The names as they were written, then the uids of the runs that the selectors find."""
    if not chosen.names and not chosen.labels and not chosen.fields:
        raise UsageError("which run? Name it, or @latest", hint="agg list --running shows what runs")
    found = list(dict.fromkeys(chosen.names))
    if chosen.labels or chosen.fields:
        tests = list(by_text("", chosen.labels, chosen.fields, resubmitted=False))
        rows = [row for row in journal.runs(chosen.namespace or None) if row.phase not in ENDED]
        matching = [row for row in rows if all(test(row) for test in tests)]
        found += [row.uid for row in matching if row.name not in found]
        if not found:
            sys.stdout.write("No workflows found\n")
    return found


def _target(journal: Journal, named: str, namespace: str, verb: str) -> Target:
    """The run, if somebody drives it; else an error that says why it can't be acted upon."""
    row = journal.run(named, namespace or None)
    run = Follower(journal, row.uid)
    begin = time.monotonic() + BEGINNING
    run.advance()
    while not run.begun and time.monotonic() < begin:
        time.sleep(POLL_SECONDS)
        run.advance()
    _check_driven(row, run, verb)
    return Target(row.name if named == row.uid else named, row, run)


def _check_driven(row: RunRow, run: Follower, verb: str) -> None:
    found = standing(row)
    if found == "ended" or run.machine.finished is not None:
        phase = run.machine.phase if run.machine.finished is not None else row.phase
        raise AggError(f"workflow {row.name!r} has ended ({phase}), it can't be {verb}", hint=f"agg get {row.name}")
    if found == "gone":
        raise AggError(
            f"workflow {row.name!r} can't be {verb}: nobody drives it, its process {row.pid} is gone",
            hint=f"agg get {row.name} shows how far it came; taking a run over comes with a later version of agg",
        )
    if found == "detached":
        raise AggError(
            f"workflow {row.name!r} can't be {verb}: nobody drives it since it was left by --detach-on-suspend",
            hint="taking a run over comes with a later version of agg; without the flag, agg run goes on waiting",
        )


def _await_taken(journal: Journal, target: Target, event: Event) -> None:
    """Until the run's journal holds the event: then its process acts upon it."""
    row, limit = target.row, time.monotonic() + PATIENCE
    while True:
        if any(_same(taken, event) for taken in target.run.advance()):
            return
        now = journal.run(row.uid)
        late = time.monotonic() > limit
        if standing(now) in ("driven", "elsewhere") and not late:
            time.sleep(POLL_SECONDS)
            continue
        if any(_same(taken, event) for taken in target.run.advance()):
            return
        if late:
            raise StoreError(
                f"process {row.pid} on {row.host} has not taken the request for {row.name!r} in {PATIENCE:g} s",
                hint="is it stopped (Ctrl-Z), or very busy? It takes the request as soon as it comes to it",
            )
        journal.requests(row.uid)  # nobody will take them any more
        why = f"it ended before ({now.phase})" if now.phase in ENDED else "its process has gone"
        raise AggError(f"workflow {row.name!r} did not take the request: {why}", hint=f"agg get {row.name}")


def _same(taken: Event, left: Event) -> bool:
    """Whether it is the event that was left; its time is when it was taken."""
    return type(taken) is type(left) and msgspec.structs.replace(taken, at=left.at) == left


def waiting(target: Target, selector: str) -> list[Question]:
    """The suspended nodes that a selector means; NotFound when there are none."""
    node_selector(selector)  # tells what is wrong with it
    found = questions(target.run.machine, selector)
    if found:
        return found
    others = [question.display for question in questions(target.run.machine)]
    if not others:
        raise NotFound(f"no node of workflow {target.name!r} waits to be resumed", hint=f"agg get {target.name}")
    raise NotFound(
        f"no node of workflow {target.name!r} that waits matches {selector!r}",
        hint=f"these wait: {', '.join(others[:10])}" + (", …" if len(others) > 10 else ""),
    )


def list_of(asked: Sequence[Question]) -> str:
    """The names of a few nodes, and the number of the others."""
    names = [question.display for question in asked[:5]]
    return ", ".join(names) + (f" and {len(asked) - 5} more" if len(asked) > 5 else "")
