"""The machine's agenda: what follows from the present event, what waits at gates, and what waits for a time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, cast

from aggregator.engine.commands import CancelTimer, Command, SetTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.engine.limits import Gate, Source
    from aggregator.engine.machine import Machine


class Agenda:
    """The part of the machine that says what is done next; everything is done in order and nothing recurses."""

    def __init__(self) -> None:
        self._todo: deque[tuple[Callable[..., None], Any]] = deque()
        self._commands: list[Command] = []
        self._parked: dict[int, Source] = {}
        """Sources that have had to wait, by identity."""
        self._gates: dict[int, Gate] = {}
        """Gates at which something has waited, by identity."""
        self._timers: dict[int, tuple[Callable[..., None], Any]] = {}
        self._next_timer = 0

    def later(self, act: Callable[..., None], argument: Any) -> None:
        """Queue what follows from the present event."""
        self._todo.append((act, argument))

    def command(self, command: Command) -> None:
        """Order something of the driver."""
        self._commands.append(command)

    def _work_off(self) -> None:
        """Do all that follows from the present event."""
        todo = self._todo
        while todo:
            act, argument = todo.popleft()
            act(argument)

    # ------------------------------------------------------------------ starting what wants to start

    def start(self, source: Source) -> None:
        """Let a source start what it may, now or when a gate opens."""
        self.later(self._advance, source)

    def _advance(self, source: Source) -> None:
        gate = source.advance(cast("Machine", self))
        if gate is None:
            self._parked.pop(id(source), None)
            return
        # A source waits at one gate at a time; one that was woken and has to wait again keeps its turn.
        gate.waiting.appendleft(source) if id(source) in self._parked else gate.waiting.append(source)
        self._parked[id(source)] = source
        self._gates[id(gate)] = gate

    def wake(self, gate: Gate) -> None:
        """Let sources that wait at a gate try again while it is open."""
        while gate.waiting and gate.open:
            self._advance(gate.waiting.popleft())

    def wake_all(self, gate: Gate) -> None:
        """Let every source that waits at a gate try again, in order: something else has changed for them."""
        while gate.waiting:
            self.start(gate.waiting.popleft())

    def drop_parked(self) -> None:
        """The run is being stopped: give every waiting source the chance to say that it never starts."""
        for gate in self._gates.values():
            self.wake_all(gate)
        self._gates.clear()

    # ------------------------------------------------------------------ timers

    def set_timer(self, at: float, act: Callable[..., None], argument: Any) -> int:
        """Call `act(argument)` when the time has come."""
        timer = self._next_timer
        self._next_timer += 1
        self._timers[timer] = (act, argument)
        self.command(SetTimer(timer, at))
        return timer

    def cancel_timer(self, timer: int | None) -> None:
        """Forget a timer; no error when it has fired or there is none."""
        if timer is not None and self._timers.pop(timer, None) is not None:
            self.command(CancelTimer(timer))

    def _fire(self, timer: int) -> None:
        """The time has come, unless the timer was cancelled meanwhile."""
        found = self._timers.pop(timer, None)
        if found is not None:
            act, argument = found
            act(argument)
