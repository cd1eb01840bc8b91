"""Replay: fold a run's journaled events into a machine, as they were handled the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.events import decode_event
from aggregator.engine.machine import Kind, Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def replay(events: Iterable[bytes], kinds: Mapping[str, Kind], make_random: Callable[[int], Any]) -> Machine:
    """The machine after these events; the same events always give the same machine."""
    machine = Machine(kinds, make_random, observed=False)
    for data in events:
        machine.handle(decode_event(data))
    return machine
