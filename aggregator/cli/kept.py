"""Runs that are kept, as the reading commands need them: found by name, folded into a status, their secrets masked."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.cli.settings_sources import load_settings, open_journal
from aggregator.journal.home import VALUES_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aggregator.ports import Journal, RunRow
    from aggregator.settings import Settings


@contextmanager
def reading(home: str, config: str) -> Iterator[tuple[Settings, Journal]]:
    """Settings and journal of a command that only reads; where nothing ever ran, nothing is created."""
    settings = load_settings({"home": (home, "--home")}, config=config)
    journal = open_journal(settings, create=False)
    try:
        yield settings, journal
    finally:
        journal.close()


def load_workflow(journal: Journal, row: RunRow) -> dict[str, Any]:
    """The run's Workflow object with its status, from its events."""
    from aggregator.app import load_status  # noqa: PLC0415 - it brings the whole engine along

    return load_status(journal, row.uid)


def load_masker(journal: Journal, row: RunRow, settings: Settings) -> Callable[[str], str]:
    """Masks the secrets that the run was handed."""
    if not row.folder or not (Path(row.folder) / VALUES_FILE).exists():
        return str
    from aggregator.app import load_mask  # noqa: PLC0415 - it brings the whole engine along

    return load_mask(journal, row.uid, settings)


class GrowingMask:
    """Masks the secrets that a run has been handed so far; `renew` learns those of the meantime."""

    def __init__(self, journal: Journal, row: RunRow, settings: Settings) -> None:
        self._journal = journal
        self._row = row
        self._settings = settings
        self._size = -1
        self._mask: Callable[[str], str] = str
        self.renew()

    def renew(self) -> None:
        """Look whether the run's list of secrets has grown."""
        values = Path(self._row.folder) / VALUES_FILE
        size = values.stat().st_size if self._row.folder and values.exists() else 0
        if size != self._size:
            self._size = size
            self._mask = load_masker(self._journal, self._row, self._settings)

    def __call__(self, text: str) -> str:
        return self._mask(text)
