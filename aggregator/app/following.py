"""A run that another process drives, folded from its journal as far as that has grown."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from aggregator.drive.driver import change_of
from aggregator.engine.events import Event, ValueKept, decode_event
from aggregator.engine.machine import Machine
from aggregator.kinds import KINDS

if TYPE_CHECKING:
    from aggregator.ports import Change, Journal


class Follower:
    """`machine` is the run's state after the first `count` events of its journal; `advance` reads on."""

    def __init__(self, journal: Journal, uid: str, *, observed: bool = False) -> None:
        self.journal = journal
        self.uid = uid
        self.machine = Machine(KINDS, random.Random, observed=observed)
        self.count = 0
        self.changes: list[Change] = []
        """What the last `advance` changed, when the run is observed."""

    @property
    def begun(self) -> bool:
        """Whether anything is known of the run yet: its row is there a moment before its first event."""
        return bool(self.machine.uid)

    def advance(self) -> list[Event]:
        """Fold what was appended since the last time; the events."""
        self.changes = []
        events = [decode_event(data) for data in self.journal.read(self.uid, self.count)]
        self.count += len(events)
        # A value that can't be computed again stands behind the event that asked for it, and must be known by then.
        for event in events:
            if isinstance(event, ValueKept):
                self.machine.handle(event)
        for event in events:
            if not isinstance(event, ValueKept):
                step = self.machine.handle(event)
                self.changes += [change_of(self.machine, news) for news in step.changes]
        self.machine.new_kept.clear()
        return events
