"""Seals what holds a secret before it is written, with the key in `$AGG_HOME`: a copied database alone tells nothing.

Events must come back as they were, byte for byte, or a run could not be folded; so a leaf's result that holds a secret can't
be masked in the journal. It is encrypted instead.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from aggregator.errors import StoreError
from aggregator.journal.home import reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY_FILE = "mask.key"
MARK = b"sealed:"
"""No event begins like this: they are JSON objects."""


class Seal:
    """One state folder's. `hide` masks secrets in bytes; what it would change is sealed. None: no secret is known."""

    def __init__(self, home: Path) -> None:
        self.hide: Callable[[bytes], bytes] | None = None
        self._home = home
        self._cipher: Any = None

    def close(self, data: bytes) -> bytes:
        """The bytes to write: as they are, or sealed when they hold a secret."""
        if self.hide is None or self.hide(data) == data:
            return data
        token: bytes = self._key(create=True).encrypt(data)
        return MARK + token

    def open(self, data: bytes) -> bytes:
        """What was given to `close`."""
        if not data.startswith(MARK):
            return data
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - only sealed events need it

        try:
            opened: bytes = self._key(create=False).decrypt(data.removeprefix(MARK))
        except InvalidToken as problem:
            raise StoreError(
                f"a part of the journal that holds a secret can't be opened with {self._home / KEY_FILE}",
                hint="restore the key file that the run was made with",
            ) from problem
        return opened

    def masked(self, data: bytes) -> bytes:
        """With secrets replaced for good: for what is only shown."""
        return data if self.hide is None else self.hide(data)

    def _key(self, *, create: bool) -> Any:
        if self._cipher is None:
            self._cipher = cipher(self._home, create=create)
        return self._cipher


def cipher(home: Path, *, create: bool) -> Any:
    """The state folder's cipher; its key is made when it is first needed."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - only runs with secrets need it

    key = home / KEY_FILE
    if not key.exists() and create:
        try:
            _make_key(key, Fernet.generate_key())
        except OSError as problem:
            raise StoreError(
                f"the key {key} that hides secrets of runs can't be written: {reason(problem)}",
                hint="free some space, or set AGG_HOME to another folder",
            ) from problem
    try:
        return Fernet(key.read_bytes())
    except OSError as problem:
        raise StoreError(
            f"the key {key} that hides secrets of runs can't be read: {reason(problem)}",
            hint="check its owner and mode",
        ) from problem
    except ValueError as problem:
        raise StoreError(
            f"the key {key} that hides secrets of runs is damaged", hint="restore it, or move it away for new runs"
        ) from problem


def _make_key(path: Path, key: bytes) -> None:
    fresh = path.with_name(f"{KEY_FILE}.{os.getpid()}")
    with private_file(fresh, os.O_TRUNC) as file:
        file.write(key)
    # Linked in one go, so that another process never reads half a key; whoever was first wins.
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()


def private_file(path: Path, flags: int) -> Any:
    """A file that only its owner reads, opened to be written."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600), "wb")
