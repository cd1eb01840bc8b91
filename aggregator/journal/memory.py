"""The journal's twin in memory, for dry runs and tests; nothing outlives the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aggregator.journal.rows import LATEST, decode_row, encode_row, name_taken, no_such_run, no_such_uid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aggregator.ports import RunRow


@dataclass(slots=True)
class _Run:
    row: bytes
    name: str
    namespace: str
    events: list[bytes] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)


class MemoryJournal:
    """Keeps rows encoded, so that a caller who changes a RunRow afterwards changes nothing here."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def create(self, row: RunRow) -> None:
        taken = any(run.name == row.name and run.namespace == row.namespace for run in self._runs.values())
        if taken or row.uid in self._runs:
            raise name_taken(row.name, row.namespace)
        self._runs[row.uid] = _Run(encode_row(row), row.name, row.namespace)

    def append(self, uid: str, batch: Sequence[bytes], row: RunRow | None = None) -> None:
        run = self._of(uid)
        run.events.extend(bytes(event) for event in batch)
        if row is not None:
            run.row = encode_row(row)

    def read(self, uid: str, after: int = 0) -> Iterator[bytes]:
        events = self._of(uid).events
        return self._read(events, after)

    def run(self, name: str, namespace: str | None = None) -> RunRow:
        if name in self._runs:
            return decode_row(self._runs[name].row)
        runs = [run for run in self._newest_first(namespace) if name in (LATEST, run.name)]
        if not runs:
            raise no_such_run(name, [run.name for run in self._newest_first(namespace)])
        return decode_row(runs[0].row)

    def runs(self, namespace: str | None = None) -> list[RunRow]:
        return [decode_row(run.row) for run in self._newest_first(namespace)]

    def delete(self, uid: str) -> None:
        self._of(uid)
        del self._runs[uid]

    def request(self, uid: str, event: bytes) -> None:
        self._of(uid).requests.append(bytes(event))

    def requests(self, uid: str) -> list[bytes]:
        run = self._of(uid)
        taken, run.requests = run.requests, []
        return taken

    def guard(self, hide: Callable[[bytes], bytes]) -> None:
        """Nothing is written anywhere."""

    def close(self) -> None:
        """Nothing is open; the runs stay readable."""

    def _of(self, uid: str) -> _Run:
        try:
            return self._runs[uid]
        except KeyError:
            raise no_such_uid(uid) from None

    def _newest_first(self, namespace: str | None) -> list[_Run]:
        return [run for run in reversed(self._runs.values()) if namespace in (None, run.namespace)]

    @staticmethod
    def _read(events: list[bytes], after: int) -> Iterator[bytes]:
        number = after
        while number < len(events):
            yield events[number]
            number += 1
