"""Replay: fold a run's journaled events into a machine, as they were handled the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.events import ValueKept, decode_event
from aggregator.engine.machine import Kind, Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_KEPT = f'"{ValueKept.__name__}"'.encode()


def replay(events: Iterable[bytes], kinds: Mapping[str, Kind], make_random: Callable[[int], Any]) -> Machine:
    """The machine after these events; the same events always give the same machine.

    Values that were made once come first: they stand in the journal behind the events that made them.
    """
    machine = Machine(kinds, make_random, observed=False)
    kept: list[bytes] = []
    others: list[bytes] = []
    for data in events:
        (kept if _KEPT in data[:64] else others).append(data)
    for data in (*kept, *others):
        machine.handle(decode_event(data))
    return machine
