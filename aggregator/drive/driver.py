"""The driver: drains its inbox, commits the batch to the journal, lets the machine handle it, carries out the commands."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from aggregator.drive.shared import Shared
from aggregator.drive.timers import Timers
from aggregator.engine.commands import CancelLeaf, CancelTimer, Command, FinishRun, SetTimer, StartLeaf
from aggregator.engine.events import (
    Event,
    LeafFinished,
    LeafProgressed,
    LeafStarted,
    NodeSet,
    Outcome,
    Resumed,
    StopRequested,
    Submitted,
    SuspendRequested,
    TimerFired,
    ValueKept,
    decode_event,
    encode_event,
)
from aggregator.engine.node import RUNNING, UNSUCCESSFUL
from aggregator.errors import AggError, TransientError
from aggregator.ports import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.drive.leaf import LeafRunner
    from aggregator.engine.commands import Attempt
    from aggregator.engine.machine import Machine, News
    from aggregator.engine.node import Node
    from aggregator.ports import Cache, Clock, Journal, Locks, Observer, RunRow, Stream

POLL_SECONDS = 0.2
"""How often events that other processes left are looked for. Measured: 0.3 % of a core for an idle run."""
HURRY_SECONDS = 0.05
"""How long an attempt has to take in that it is cancelled, before it hears that there is no grace period."""


class _Sink:
    """Where one attempt reports."""

    __slots__ = ("driver", "node", "runtime")

    def __init__(self, driver: Driver, node: int) -> None:
        self.driver = driver
        self.node = node
        self.runtime = ""

    def runs_on(self, runtime: str) -> None:
        self.runtime = runtime

    def write(self, stream: Stream, data: bytes) -> None:
        for observer in self.driver.observers:
            observer.on_output(self.node, stream, data)

    def started(self) -> None:
        self.driver.post(LeafStarted(self.driver.clock.now(), self.node, runtime=self.runtime))

    def ready(self, ip: str) -> None:
        self.driver.post(LeafStarted(self.driver.clock.now(), self.node, ready=True, ip=ip))

    def progress(self, text: str) -> None:
        self.driver.post(LeafProgressed(self.driver.clock.now(), self.node, text))


class Driver:
    """Drives one run to its end. `row` is the run's line in the journal, kept up to date with each batch."""

    def __init__(
        self,
        *,
        machine: Machine,
        journal: Journal,
        row: RunRow,
        leaves: LeafRunner,
        clock: Clock,
        observers: Sequence[Observer] = (),
        locate: Callable[[Node], str] = lambda _node: "",
        detach: bool = False,
        open_locks: Callable[[], Locks],
        open_cache: Callable[[], Cache],
    ) -> None:
        self.machine = machine
        self.journal = journal
        self.row = row
        self.leaves = leaves
        self.clock = clock
        self.observers = list(observers)
        self.locate = locate
        self.detach = detach
        """Whether to leave a run in which nothing is at work and nothing will happen until somebody answers."""
        self.finished: FinishRun | None = None
        self.detached = False
        self._inbox: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._cancelled: dict[int, str] = {}
        self._timers = Timers(clock, self._timer_fired)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._shared = Shared(
            open_locks=open_locks,
            open_cache=open_cache,
            clock=clock,
            writer=self._writer,
            post=self.post,
            notice=self._notice,
        )
        self._stops = 0

    # ------------------------------------------------------------------ what comes in

    def post(self, event: Event) -> None:
        """Queue an event; from the loop's thread only."""
        self._inbox.append(event)
        self._arrived.set()

    def _timer_fired(self, timer: int) -> None:
        self.post(TimerFired(self.clock.now(), timer))

    def interrupt(self, signal: str) -> None:
        """Ctrl-C or SIGTERM: the first stops the run gracefully (exit handlers run), the second ends it."""
        self._stops += 1
        strategy = "Stop" if self._stops == 1 else "Terminate"
        if self._stops == 1:
            self._notice(f"{signal}: stopping; exit handlers still run. Once more ends the run at once")
        else:
            self._notice(f"{signal}: ending the run at once")
        self.post(StopRequested(self.clock.now(), "Stop" if strategy == "Stop" else "Terminate", signal=signal))
        if self._stops > 1:
            self._hurry()

    def _hurry(self) -> None:
        """Attempts that are being ended already lose their grace period."""
        for node in self._cancelled:
            self._tasks[node].cancel()

    # ------------------------------------------------------------------ the loop

    async def run(self, submitted: Submitted) -> None:
        """Drive the run from its first event until nothing is left to do."""
        poller = asyncio.create_task(self._poll(), name="requests")
        self.post(submitted)
        try:
            while self.finished is None and not self.detached:
                await self._arrived.wait()
                await self._turn()
                self.detached = self.detach and self._only_waits()
            await (self._leave() if self.finished is None else self._settle())
        finally:
            poller.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(poller, *self._tasks.values(), return_exceptions=True)
            await self._timers.stop()
            await self._shared.stop()
            self._writer.shutdown()

    async def _turn(self) -> None:
        """One batch: committed first, then handled, then acted upon."""
        self._arrived.clear()
        batch = list(self._inbox)
        self._inbox.clear()
        await self._append(batch)
        for event in batch:
            step = self.machine.handle(event)
            if self.machine.new_kept:
                await self._keep()
            if self.observers and step.changes:
                self._tell(step.changes)
            if self.machine.cluster is not None:
                for text in self.machine.cluster.news():
                    self._notice(f"on a cluster: {text}")
            for command in step.commands:
                self._carry_out(command)
        if self.machine.phase == RUNNING != self.row.phase:
            await self._append([])  # a run that waits at once is Running for everyone else, too

    async def _append(self, batch: Sequence[Event]) -> None:
        data = [encode_event(e) for e in batch]
        machine, row = self.machine, self.row
        row.phase = machine.phase or row.phase
        row.started = machine.started
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self.journal.append, row.uid, data, row)

    async def _keep(self) -> None:
        """Values that can't be computed again are in the journal before anything is done with them."""
        kept, self.machine.new_kept = self.machine.new_kept, []
        await self._append([ValueKept(self.machine.at, key, value) for key, value in kept])

    async def _settle(self) -> None:
        """The run is over: attempts that were told to end do so, and the row says how it went."""
        for node in list(self._tasks):
            self._cancel(node, "the run has ended")
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))
            await asyncio.sleep(0)
        late = [e for e in self._inbox if isinstance(e, LeafFinished)]
        for event in late:
            self.machine.handle(event)
        machine, row = self.machine, self.row
        row.phase, row.message, row.finished = machine.phase, machine.message, machine.finished
        loop = asyncio.get_running_loop()
        data = [encode_event(e) for e in late]
        await loop.run_in_executor(self._writer, self.journal.append, row.uid, data, row)

    def _only_waits(self) -> bool:
        """Whether the run is suspended, and nothing else is under way or due (its own deadline aside)."""
        machine = self.machine
        if not machine.suspended and not machine.suspensions:
            return False
        own = 1 if "deadline_at" in machine.options else 0
        return not self._tasks and not self._inbox and not machine.waiting and self._timers.pending <= own

    async def _leave(self) -> None:
        """Nobody drives the run from now on; its row says so."""
        self.row.pid, self.row.born = 0, ""
        await self._append([])

    async def _poll(self) -> None:
        """Take the events that other processes left for this run; they happen when they are taken."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                taken = await loop.run_in_executor(self._writer, self.journal.requests, self.row.uid)
            except TransientError:
                continue
            except AggError as problem:
                self._notice(f"requests of other processes can't be read any more: {problem.message}")
                return
            for data in taken:
                event = msgspec.structs.replace(decode_event(data), at=self.clock.now())
                if told := _told(event, self.row.name):
                    self._notice(told)
                self.post(event)
                if isinstance(event, StopRequested) and event.strategy == "Terminate":
                    self._hurry()

    def _notice(self, text: str) -> None:
        for observer in self.observers:
            observer.notice(text)

    # ------------------------------------------------------------------ what goes out

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, StartLeaf):
            attempt = command.attempt
            task = asyncio.create_task(self._leaf(attempt), name=attempt.name)
            self._tasks[attempt.node] = task
        elif isinstance(command, SetTimer):
            self._timers.set(command.timer, command.at)
        elif isinstance(command, CancelTimer):
            self._timers.cancel(command.timer)
        elif isinstance(command, CancelLeaf):
            self._cancel(command.node, command.message)
        elif isinstance(command, FinishRun):
            self.finished = command
        else:
            self._shared.order(command)

    def _cancel(self, node: int, message: str) -> None:
        task = self._tasks.get(node)
        if task is not None and node not in self._cancelled:
            self._cancelled[node] = message
            task.cancel()
            if self._stops > 1:
                asyncio.get_running_loop().call_later(HURRY_SECONDS, task.cancel)

    async def _leaf(self, attempt: Attempt) -> None:
        node = attempt.node
        try:
            outcome = await self.leaves.run(attempt, _Sink(self, node))
        except asyncio.CancelledError:
            outcome = Outcome(phase="Failed", message=self._cancelled.get(node, "cancelled"))
        self._cancelled.pop(node, None)
        self._tasks.pop(node, None)
        self.post(LeafFinished(self.clock.now(), node, outcome))

    def _tell(self, changes: Sequence[News]) -> None:
        for news in changes:
            failed = news.node.phase in UNSUCCESSFUL and news.node.finished is not None
            change = change_of(self.machine, news, self.locate(news.node) if failed else "")
            for observer in self.observers:
                observer.on_change(change)


def _told(event: Event, run: str) -> str:
    """How a request of another process is told to whoever watches the run."""
    if isinstance(event, StopRequested):
        if event.selector:
            return f"agg stop: ends the suspended nodes {event.selector}"
        stop = event.strategy == "Stop"
        return "agg stop: stopping; exit handlers still run" if stop else "agg terminate: ending the run at once"
    if isinstance(event, SuspendRequested):
        return f"agg suspend: nothing new starts until agg resume {run}"
    if isinstance(event, Resumed):
        return "agg resume: going on"
    return f"agg node set: {event.selector or 'all that wait'}" if isinstance(event, NodeSet) else ""


def change_of(machine: Machine, news: News, position: str = "") -> Change:
    """What observers see of a change; `position` is the place of its template or task."""
    node = news.node
    parent = node.parent
    loop_element = node.item is not None and node.attempt is None
    return Change(
        at=news.at,
        kind=news.kind,
        node=node.number,
        id=node.identity(machine.name),
        name=node.name,
        display_name=node.display,
        type=node.kind,
        phase=node.phase,
        message=node.message,
        template=node.template.name if node.template is not None else "",
        parent=parent.number if parent is not None else None,
        attempt=node.attempt,
        loop=node.loop,
        leaf=node.template is not None and node.template.leaf and node.kind != "Retry",
        in_loop=loop_element,
        position=position,
        duration=node.finished - node.started if node.finished is not None else None,
    )
