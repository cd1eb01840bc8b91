"""What runs share beside the journal's events: locks and the memoization cache, in the journal's own database."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from aggregator.journal.memory_cache import MemoryCache
from aggregator.journal.memory_locks import MemoryLocks
from aggregator.journal.sqlite import BUSY_SECONDS, SqliteJournal, translate
from aggregator.journal.statements import load_statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aggregator.ports import Cache, Journal, Locks


class Connection:
    """A connection of its own to a journal's database, whose tables exist. From any thread, but one at a time."""

    def __init__(self, path: Path, *, busy: float = BUSY_SECONDS) -> None:
        self.path = path
        self._sql = load_statements("shared.sql")
        with self.translated():
            self.db = sqlite3.connect(path, timeout=busy, isolation_level=None, check_same_thread=False)
            self.db.execute("PRAGMA foreign_keys = ON")
            self.db.execute("PRAGMA synchronous = normal")

    def do(self, name: str, values: Any = ()) -> sqlite3.Cursor:
        return self.db.execute(self._sql[name], values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else writes meanwhile."""
        with self.translated():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if self.db.in_transaction:
                        self.db.execute("ROLLBACK")
                raise

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def close(self) -> None:
        with self.translated():
            self.db.close()


def open_locks(journal: Journal) -> Locks:
    """The locks of all runs in this journal."""
    if not isinstance(journal, SqliteJournal):
        return MemoryLocks()
    from aggregator.journal.sqlite_locks import SqliteLocks  # noqa: PLC0415 - few workflows ask for locks

    return SqliteLocks(journal.path)


def open_cache(journal: Journal) -> Cache:
    """The memoization cache of all runs in this journal."""
    if not isinstance(journal, SqliteJournal):
        return MemoryCache()
    from aggregator.journal.sqlite_cache import SqliteCache  # noqa: PLC0415 - few workflows are memoized

    return SqliteCache(journal.path, journal.seal)


def open_beside(journal: Journal) -> Journal:
    """The same journal for another driver of this process: a connection of its own, where there are connections."""
    if not isinstance(journal, SqliteJournal):
        return journal
    return SqliteJournal(journal.path, synchronous=journal.synchronous)
