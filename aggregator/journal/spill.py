"""Large events lie in files of their own beside the database, which keeps only their names."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from aggregator.errors import StoreError
from aggregator.journal.home import private_folder, reason

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1 << 20
"""Bytes of an event that stays in the database: a row of many megabytes makes every page behind it slow to reach, and
SQLite takes none above a gigabyte."""
FOLDER = "large"
MARK = b"spilled:"
"""No event begins like this: they are JSON objects, or sealed."""


class Spill:
    """The large events of one state folder: `large/UID/SHA256`, written and renamed before the database names them."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self._folder = home / FOLDER
        self._durable = durable

    def put(self, uid: str, data: bytes) -> bytes:
        """What the database keeps of an event: itself, or the name of its file."""
        if len(data) <= LARGEST:
            return data
        name = hashlib.sha256(data).hexdigest()
        path = self._folder / uid / name
        if not path.exists():
            fresh = path.with_name(f"{name}.{os.getpid()}")
            private_folder(path.parent)
            try:
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(data)
                    if self._durable:
                        file.flush()
                        os.fsync(file.fileno())
                fresh.rename(path)
            except OSError as problem:
                fresh.unlink(missing_ok=True)
                raise StoreError(
                    f"a value of {len(data):,} bytes can't be written to {path.parent}: {reason(problem)}",
                    hint="free some space, or set AGG_HOME to another disk",
                ) from problem
        return MARK + name.encode()

    def get(self, uid: str, data: bytes) -> bytes:
        """What was given to `put`."""
        if not data.startswith(MARK):
            return data
        name = data.removeprefix(MARK).decode()
        path = self._folder / uid / name
        try:
            event = path.read_bytes()
        except OSError as problem:
            raise StoreError(
                f"a large value of the run can't be read from {path}: {reason(problem)}",
                hint="restore the file, or delete the run",
            ) from problem
        if hashlib.sha256(event).hexdigest() != name:
            raise StoreError(f"a large value of the run is damaged: {path}", hint="restore the file, or delete the run")
        return event

    def delete(self, uid: str) -> None:
        """Nothing is left of the run's large events."""
        shutil.rmtree(self._folder / uid, ignore_errors=True)
