"""Locks between runs and processes of this machine, in the journal's database; free when their process is gone."""

from __future__ import annotations

import fcntl
import os
import secrets
from typing import TYPE_CHECKING

from aggregator.errors import StoreError
from aggregator.journal.home import private_folder, reason
from aggregator.journal.lock_queue import Waiter, denied
from aggregator.journal.shared import Connection

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.engine.commands import TakeLocks
    from aggregator.ports import LockDenied


class SqliteLocks:
    """Rows say who holds and who waits; a locked file beside the database says that their process is alive."""

    def __init__(self, path: Path) -> None:
        self._base = Connection(path)
        self._folder = path.parent / "locks"
        self._process = ""
        self._file: int | None = None

    def take(self, wish: TakeLocks) -> LockDenied | None:
        self._live()
        base = self._base
        with base.transaction():
            found = base.do("wish_of", (wish.holder,)).fetchone()
            if found is None:
                values = {
                    "holder": wish.holder,
                    "process": self._process,
                    "priority": wish.priority,
                    "since": wish.since,
                }
                serial = base.do("add_wish", values).lastrowid
                assert serial is not None
                for lock in wish.locks:
                    base.do("add_key", (lock.key, serial))
            else:
                serial, taken = found
                if taken:
                    return None
            held: dict[str, int] = {}
            waiting: dict[str, list[Waiter]] = {}
            gone: dict[str, bool] = {self._process: False}
            for lock in wish.locks:
                for number, holder, process, priority, since, taken in base.do("wishes_for", (lock.key,)).fetchall():
                    if process not in gone:
                        gone[process] = not self._alive(process)
                    if gone[process]:
                        base.do("forget_process", (process,))
                    elif taken:
                        held[lock.key] = held.get(lock.key, 0) + 1
                    else:
                        waiting.setdefault(lock.key, []).append(Waiter(holder, priority, since, number))
            answer = denied(wish, serial, held, waiting)
            if answer is None:
                base.do("grant", (serial,))
            return answer

    def release(self, holder: str) -> None:
        with self._base.transaction():
            self._base.do("forget_holder", (holder,))

    def close(self) -> None:
        if self._file is not None:
            with self._base.transaction():
                self._base.do("forget_process", (self._process,))
            (self._folder / self._process).unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
        self._base.close()

    def _live(self) -> None:
        """Make and lock the file that stands for this process."""
        if self._file is not None:
            return
        private_folder(self._folder)
        self._process = f"process-{os.getpid()}-{secrets.token_hex(8)}"
        try:
            self._file = os.open(self._folder / self._process, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(
                f"can't lock {self._folder / self._process}: {reason(error)}", hint="put AGG_HOME on a local disk"
            ) from error

    def _alive(self, process: str) -> bool:
        """Whether the other process still holds the lock on its file."""
        path = self._folder / process
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(file)
