"""The journal in one SQLite file: WAL, one transaction a batch, readable by other processes while a run writes."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from aggregator.errors import StoreError, TransientError
from aggregator.journal.home import private_folder, reason
from aggregator.journal.rows import LATEST, decode_row, encode_row, name_taken, no_such_run, no_such_uid
from aggregator.journal.seal import Seal
from aggregator.journal.spill import Spill
from aggregator.journal.statements import load_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from aggregator.ports import RunRow

APPLICATION_ID = 0x41474700
"""`AGG`: tells our file from another program's SQLite file."""
BUSY_SECONDS = 10.0
WAL_SECONDS = 2.0
PAGE = 1000
_EVENTS_BITS = 32

Synchronous = Literal["normal", "full"]


class SqliteJournal:
    """`synchronous`: `normal` survives the death of the process, `full` also that of the machine, at one fsync a batch.

    May be used from any thread, but from one at a time.
    """

    def __init__(self, path: Path, *, synchronous: Synchronous = "normal", busy: float = BUSY_SECONDS) -> None:
        self.path = path
        self.synchronous: Synchronous = synchronous
        self.seal = Seal(path.parent)
        self._spill = Spill(path.parent, durable=synchronous == "full")
        self._sql = load_statements("queries.sql")
        private_folder(path.parent)
        with self._translated():
            _create_private(path)
            self._db = sqlite3.connect(path, timeout=busy, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(synchronous)
            except BaseException:
                self._db.close()
                raise

    def create(self, row: RunRow) -> None:
        values = {"uid": row.uid, "name": row.name, "namespace": row.namespace, "row": self._encoded(row)}
        with self._transaction():
            try:
                self._do("create_run", values)
            except sqlite3.IntegrityError:
                raise name_taken(row.name, row.namespace) from None

    def append(self, uid: str, batch: Sequence[bytes], row: RunRow | None = None) -> None:
        # Large ones are on the disk before the database names them, and outside the transaction, which others wait for.
        kept = [self._spill.put(uid, self.seal.close(event)) for event in batch]
        with self._transaction():
            serial = self._serial(uid)
            if kept:
                low, high = _range(serial)
                (last,) = self._do("last_event", {"low": low, "high": high}).fetchone()
                first = low if last is None else last + 1
                self._db.executemany(self._sql["append_event"], enumerate(kept, first))
            if row is not None:
                self._do("update_run", {"serial": serial, "row": self._encoded(row)})

    def read(self, uid: str, after: int = 0) -> Iterator[bytes]:
        with self._translated():
            low, high = _range(self._serial(uid))
        return self._read(uid, low + after, high)

    def run(self, name: str, namespace: str | None = None) -> RunRow:
        with self._translated():
            if name == LATEST:
                found = self._do("latest_run", {"namespace": namespace}).fetchone()
            else:
                found = self._do("run_by_uid", {"uid": name}).fetchone()
                found = found or self._do("run_by_name", {"name": name, "namespace": namespace}).fetchone()
            if found is None:
                raise no_such_run(name, self.names(namespace))
            return decode_row(found[0])

    def runs(self, namespace: str | None = None) -> list[RunRow]:
        with self._translated():
            return [decode_row(row) for (row,) in self._do("list_runs", {"namespace": namespace})]

    def names(self, namespace: str | None = None) -> list[str]:
        """Names alone, newest first: quick enough for shell completion."""
        with self._translated():
            return [name for (name,) in self._do("list_names", {"namespace": namespace})]

    def delete(self, uid: str) -> None:
        with self._transaction():
            serial = self._serial(uid)
            low, high = _range(serial)
            self._do("delete_events", {"low": low, "high": high})
            self._do("delete_run", {"serial": serial})
        self._spill.delete(uid)

    def request(self, uid: str, event: bytes) -> None:
        with self._transaction():
            self._do("leave_request", {"serial": self._serial(uid), "event": event})

    def requests(self, uid: str) -> list[bytes]:
        with self._translated():
            serial = self._serial(uid)
            if not self._do("has_requests", {"serial": serial}).fetchone()[0]:
                return []  # asked often and nearly always empty: then no lock is taken
        with self._transaction():
            taken = self._do("take_requests", {"serial": serial}).fetchall()
        return [event for _, event in sorted(taken)]

    def guard(self, hide: Callable[[bytes], bytes]) -> None:
        self.seal.hide = hide

    def close(self) -> None:
        with self._translated():
            self._db.close()

    def _prepare(self, synchronous: Synchronous) -> None:
        # In one transaction: another process may be making the tables just now.
        self._db.execute("BEGIN")
        try:
            (application,) = self._db.execute("PRAGMA application_id").fetchone()
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            filled = self._has_tables()
        finally:
            self._db.execute("ROLLBACK")
        migrations = {int(number): block for number, block in load_statements("schema.sql").items()}
        if application not in (0, APPLICATION_ID) or (application == 0 and filled):
            raise StoreError(
                f"{self.path} is a SQLite database, but not a journal of agg", hint="move it away or set AGG_HOME"
            )
        if version > max(migrations):
            raise StoreError(
                f"{self.path} was written by a newer agg (schema {version}, this one knows {max(migrations)})",
                hint="update agg, or set AGG_HOME to another folder",
            )
        self._use_wal()
        self._db.execute(f"PRAGMA synchronous = {synchronous}")
        self._db.execute("PRAGMA foreign_keys = ON")
        if version < max(migrations):
            self._migrate(migrations)

    def _use_wal(self) -> None:
        """Where two processes do it at the same time, SQLite tells one of them at once that it is busy."""
        give_up = time.monotonic() + WAL_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
            else:
                return

    def _migrate(self, migrations: dict[int, str]) -> None:
        with self._transaction():
            # Read again inside the transaction: another process may have migrated meanwhile.
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            for number in sorted(number for number in migrations if number > version):
                for statement in _statements(migrations[number]):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {number}")
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _has_tables(self) -> bool:
        return bool(self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    def _read(self, uid: str, low: int, high: int) -> Iterator[bytes]:
        # Page by page, each a short read of its own, so that a slow reader never keeps the writer's log from shrinking.
        while True:
            with self._translated():
                page = self._do("read_events", {"low": low, "high": high, "limit": PAGE}).fetchall()
            for number, event in page:
                yield self.seal.open(self._spill.get(uid, event))
                low = number + 1
            if len(page) < PAGE:
                return

    def _encoded(self, row: RunRow) -> bytes:
        return self.seal.masked(encode_row(row))

    def _serial(self, uid: str) -> int:
        found = self._do("serial_of", (uid,)).fetchone()  # never cached: another process may have deleted the run
        if found is None:
            raise no_such_uid(uid)
        return int(found[0])

    def _do(self, name: str, values: Any = ()) -> sqlite3.Cursor:
        return self._db.execute(self._sql[name], values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        except OSError as error:
            raise StoreError(f"can't open the journal {self.path}: {reason(error)}", hint=_HOME_HINT) from error


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """SQLite's error as one that says what to do."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_IOERR") and _is_full(path.parent):
        name = "SQLITE_FULL"  # SQLite says so only of some of its files
    for start, words, hint in _CAUSES:
        if name.startswith(start):
            return StoreError(f"the journal {path} {words} ({error})", hint=hint)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return TransientError(
            f"the journal {path} is busy: another process has been writing to it for a long time",
            hint="try again; `agg list --running` shows what else runs",
        )
    return StoreError(f"the journal {path} failed: {error}", hint=_HOME_HINT)


def _is_full(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False


_HOME_HINT = "set AGG_HOME to a folder that you own on a local disk"
_CAUSES = (
    ("SQLITE_FULL", "can't be written: the disk is full", "free some space, or set AGG_HOME to another disk"),
    (
        "SQLITE_READONLY",
        "is read-only for this user",
        f"change the owner or mode of the file and its folder, or {_HOME_HINT}",
    ),
    ("SQLITE_CANTOPEN", "can't be opened", f"check that the folder exists and is writable, or {_HOME_HINT}"),
    ("SQLITE_PERM", "can't be opened", _HOME_HINT),
    ("SQLITE_NOTADB", "is not a SQLite database", "move the file away, or set AGG_HOME to another folder"),
    ("SQLITE_CORRUPT", "is damaged", "move it away to start afresh, or rescue it with: sqlite3 agg.db .recover"),
    (
        "SQLITE_IOERR",
        "can't be read or written",
        "check the disk (full? a network folder?), or set AGG_HOME to another one",
    ),
)


def _create_private(path: Path) -> None:
    """Make the file before SQLite would, so that it never has a wider mode; SQLite gives its side files the same one."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except PermissionError as error:
        raise StoreError(f"the journal {path} is not readable and writable for this user", hint=_HOME_HINT) from error
    if path.stat().st_mode & 0o077:
        with suppress(PermissionError):  # someone else's file that we may write: theirs to close
            path.chmod(0o600)


def _range(serial: int) -> tuple[int, int]:
    """The keys that a run's events may have."""
    return serial << _EVENTS_BITS, (serial + 1) << _EVENTS_BITS


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit the transaction that they must share."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
