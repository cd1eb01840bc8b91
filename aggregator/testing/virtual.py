"""A run in virtual time: a heap of events in place of a clock, and a function that answers for every leaf."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aggregator.engine.commands import (
    CancelLeaf,
    CancelTimer,
    Command,
    FinishRun,
    LookUpCache,
    ReleaseLocks,
    SaveCache,
    SetTimer,
    StartLeaf,
    TakeLocks,
)
from aggregator.engine.events import (
    CacheAnswered,
    Event,
    LeafFinished,
    LeafStarted,
    LocksTaken,
    LocksWaiting,
    Outcome,
    Submitted,
    TimerFired,
    ValueKept,
    encode_event,
)
from aggregator.engine.machine import Machine
from aggregator.journal.memory_cache import MemoryCache
from aggregator.journal.memory_locks import MemoryLocks
from aggregator.kinds import KINDS
from aggregator.spec.allocation import building

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aggregator.engine.commands import Attempt
    from aggregator.engine.machine import Kind, News
    from aggregator.ports import Cache, Locks

START = 1_700_000_000.0
"""When virtual time begins: 2023-11-14 22:13:20 UTC."""
LATE = "Pod was active on the node longer than the specified deadline"


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt goes: it starts `starts` seconds after it was ordered, and ends `takes` seconds after that.

    `starts` None means that it goes straight from Pending to its end; `ready` makes a daemon of one that never ends by itself.
    """

    outcome: Outcome
    takes: float = 0.0
    starts: float | None = 0.0
    ready: bool = False


SUCCESS = Answer(Outcome(phase="Succeeded"))


def succeed(attempt: Attempt) -> Answer:
    """Every leaf succeeds at once; a daemon is up at once."""
    return Answer(SUCCESS.outcome, ready=bool(attempt.template.get("daemon")))


@dataclass(slots=True)
class Script:
    """What a run is made of, besides its workflow."""

    name: str = ""
    templates: Iterable[dict[str, Any]] = ()
    config_maps: Iterable[dict[str, Any]] = ()
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    at: float = START
    uid: str = "00000000-0000-4000-8000-000000000000"


class VirtualRun:
    """Drives a machine without a world. `answer` says how each attempt goes; None leaves it to `finish` and `begin`.

    Nothing happens before `settle` (all that is due now) or `run` (all that there is, as fast as it goes).
    """

    def __init__(
        self,
        workflow: dict[str, Any],
        answer: Callable[[Attempt], Answer | None] = succeed,
        script: Script | None = None,
        *,
        kinds: Mapping[str, Kind] = KINDS,
        locks: Locks | None = None,
        cache: Cache | None = None,
        journaled: bool = True,
        remembers: bool = True,
        observe: Callable[[list[News]], None] | None = None,
        refusal: Callable[[Machine, Event], str] | None = None,
    ) -> None:
        script = script or Script()
        self.machine = Machine(kinds, random.Random, observed=observe is not None)
        self.answer = answer
        self.now = script.at
        self.journal: list[bytes] = []
        """Every event that was handled, as a journal would hold it."""
        self.attempts: list[Attempt] = []
        """Every attempt that was ordered, unless the run is not to remember them."""
        self.held: dict[int, Attempt | None] = {}
        """Attempts that have not ended, by the number of their node; None where the run is not to remember them."""
        self.finished: FinishRun | None = None
        self.locks = locks if locks is not None else MemoryLocks()
        self.cache = cache if cache is not None else MemoryCache()
        self.refused: list[str] = []
        """What `refusal` said of events that were not let through."""
        self._observe = observe
        self._refusal = refusal
        self._journaled = journaled
        self._remembers = remembers
        self._heap: list[tuple[float, int, Event]] = []
        self._serial = 0
        self._timers: set[int] = set()
        self._queue: dict[str, TakeLocks] = {}
        metadata = workflow.get("metadata") or {}
        self.post(
            Submitted(
                at=script.at,
                name=script.name or metadata.get("name") or f"{metadata.get('generateName') or 'run-'}test",
                uid=script.uid,
                seed=script.seed,
                workflow=workflow,
                templates=list(script.templates),
                config_maps=list(script.config_maps),
                options=dict(script.options),
            )
        )

    # ------------------------------------------------------------------ what the test does

    def post(self, event: Event) -> None:
        """Queue an event for its time (`at`)."""
        heapq.heappush(self._heap, (max(event.at, self.now), self._serial, event))
        self._serial += 1

    def begin(self, node: int, *, ready: bool = False) -> None:
        """The attempt is running now."""
        self.post(LeafStarted(self.now, node, ready=ready, ip="127.0.0.1" if ready else ""))

    def finish(self, node: int, outcome: Outcome) -> None:
        """The attempt ends now."""
        self.post(LeafFinished(self.now, node, outcome))

    def settle(self) -> None:
        """Handle all that is due now, and what follows from it at once."""
        self.advance(0.0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._heap and self._heap[0][0] <= until:
            self.step()
        self.now = until
        self._ask_again()
        while self._heap and self._heap[0][0] <= until:
            self.step()

    def run(self) -> FinishRun | None:
        """Go on until the run has ended, or nothing is left that could happen by itself (then None)."""
        with building():
            while self._heap and (self.finished is None or self.held):
                self.step()
        return self.finished

    @property
    def due(self) -> float | None:
        """When the next thing happens, if anything does."""
        while self._heap and self._stale(self._heap[0][2]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def step(self) -> None:
        """Handle the next event."""
        at, _, event = heapq.heappop(self._heap)
        if self._stale(event):
            return
        self.now = max(self.now, at)
        if self._refusal is not None and (why := self._refusal(self.machine, event)):
            self.refused.append(why)
            return
        if isinstance(event, LeafFinished):
            del self.held[event.node]
        elif isinstance(event, TimerFired):
            self._timers.discard(event.timer)
        self.handle(event)

    def handle(self, event: Event) -> None:
        """Give the machine one event and carry out its commands."""
        if self._journaled:
            self.journal.append(encode_event(event))
        machine = self.machine
        step = machine.handle(event)
        if machine.new_kept:
            kept, machine.new_kept = machine.new_kept, []
            self.journal.extend(encode_event(ValueKept(event.at, key, value)) for key, value in kept)
        if self._observe is not None and step.changes:
            self._observe(step.changes)
        # A loop may have ordered 100,000 attempts at once: each is let go of before the next.
        commands = step.commands
        commands.reverse()
        while commands:
            self._carry_out(commands.pop())

    # ------------------------------------------------------------------ what the world would do

    def _stale(self, event: Event) -> bool:
        """Whether the event is about what is over: a second end of an attempt, a timer that was cancelled."""
        if isinstance(event, (LeafFinished, LeafStarted)):
            return event.node not in self.held
        if isinstance(event, TimerFired):
            return event.timer not in self._timers
        return False

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, StartLeaf):
            self._start(command.attempt)
        elif isinstance(command, CancelLeaf):
            self.finish(command.node, Outcome(phase="Failed", message=command.message))
        elif isinstance(command, SetTimer):
            self._timers.add(command.timer)
            self.post(TimerFired(max(command.at, self.now), command.timer))
        elif isinstance(command, CancelTimer):
            self._timers.discard(command.timer)
        elif isinstance(command, TakeLocks):
            self._queue[command.holder] = command
            self._ask(command)
        elif isinstance(command, ReleaseLocks):
            self._queue.pop(command.holder, None)
            self.locks.release(command.holder)
            self._ask_again()
        elif isinstance(command, LookUpCache):
            self.post(CacheAnswered(self.now, command.node, self.cache.look_up(command.cache, command.key, self.now)))
        elif isinstance(command, SaveCache):
            self.cache.save(command.cache, command.key, command.entry)
        else:
            self.finished = command

    def _start(self, attempt: Attempt) -> None:
        if self._remembers:
            self.attempts.append(attempt)
        self.held[attempt.node] = attempt if self._remembers else None
        if attempt.deadline is not None:
            late = Outcome(phase="Failed", message=LATE)
            self.post(LeafFinished(max(attempt.deadline, self.now), attempt.node, late))
        answer = self.answer(attempt)
        if answer is None:
            return
        at = self.now
        if answer.starts is not None:
            at += answer.starts
            self.post(LeafStarted(at, attempt.node, ready=answer.ready, ip="127.0.0.1" if answer.ready else ""))
        if not answer.ready:
            self.post(LeafFinished(at + answer.takes, attempt.node, answer.outcome))

    # ------------------------------------------------------------------ locks

    def _ask(self, wish: TakeLocks) -> None:
        answer = self.locks.take(wish)
        if answer is None:
            self._queue.pop(wish.holder, None)
            self.post(LocksTaken(self.now, wish.node))
        else:
            self.post(LocksWaiting(self.now, wish.node, answer.lock, answer.held, answer.limit))

    def _ask_again(self) -> None:
        for wish in list(self._queue.values()):
            if self.locks.take(wish) is None:
                self._queue.pop(wish.holder, None)
                self.post(LocksTaken(self.now, wish.node))
