"""Named locks for `agg run --lock NAME`: one holder on this machine, freed by the kernel when the holder dies."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from typing import TYPE_CHECKING, Self

import msgspec

from aggregator.errors import LockHeld, StoreError, UsageError
from aggregator.journal.home import Home, private_folder, reason

if TYPE_CHECKING:
    from types import TracebackType

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Holder(msgspec.Struct, omit_defaults=True):
    """What the lock's file says of its holder; only for people, the truth is the kernel's lock."""

    pid: int
    run: str = ""


class NamedLock:
    """An flock on `$AGG_HOME/locks/NAME.lock`, held from `acquire` (or `with`) to `release` or the process's death.

    The file stays after release: removing it would let two processes lock two files of the same name.
    """

    def __init__(self, home: Home, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"--lock {name!r} is no name for a lock", hint="use letters, digits, '.', '_' and '-', at most 100"
            )
        self.name = name
        self.path = home.locks / f"{name}.lock"
        self._home = home
        self._file: int | None = None

    def acquire(self, run: str = "") -> None:
        """At once or LockHeld; never waits."""
        private_folder(self._home.path)
        private_folder(self._home.locks)
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"can't open the lock {self.path}: {reason(error)}", hint="check its owner and mode"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _read_holder(file)
            os.close(file)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise StoreError(
                    f"can't lock {self.path}: {reason(error)}", hint="put AGG_HOME on a local disk"
                ) from error
            raise LockHeld(
                f"the lock {self.name!r} is held by {_describe(holder)}",
                hint="it is free as soon as that process ends; agg list --running shows what runs",
            ) from None
        self._file = file
        self.describe(run)

    def describe(self, run: str) -> None:
        """Tell others which run holds the lock, once its name is known."""
        if self._file is None:
            return
        text = msgspec.json.encode(Holder(os.getpid(), run))
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text, 0)
        except OSError:
            return  # a full disk must not undo a lock that is held

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        if self._file is None:
            self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _read_holder(file: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.pread(file, 4096, 0), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None


def _describe(holder: Holder | None) -> str:
    if holder is None:
        return "another process"
    return f"process {holder.pid}" + (f", which runs {holder.run}" if holder.run else "")
