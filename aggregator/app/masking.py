"""Remembers, encrypted, which secrets a run was handed, so that its logs and outputs can be masked whenever they are shown.

What leaves print is kept as it came, so a later `agg logs` must know the values again; the journal never holds them. They
stand in the run's folder (mode 0600), readable only with the key in `$AGG_HOME`: a copied run folder tells nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import StoreError
from aggregator.journal.home import VALUES_FILE, reason
from aggregator.journal.seal import KEY_FILE, cipher, private_file
from aggregator.secrets.mask import Masker

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.ports import Journal
    from aggregator.settings import Settings


class KeptMasker(Masker):
    """A masker that writes each new value into the run's folder, and tells it to `also`."""

    def __init__(self, home: Path, folder: Path, also: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._also = also
        self._home = home
        self._file = folder / VALUES_FILE
        self._known: set[str] = set()

    def add(self, value: str) -> None:
        if value not in self._known:
            self._known.add(value)
            super().add(value)
            if self._also is not None:
                self._also(value)
            token = cipher(self._home, create=True).encrypt(value.encode("utf-8", "surrogateescape"))
            try:
                with private_file(self._file, os.O_APPEND) as file:
                    file.write(token + b"\n")
            except OSError as problem:
                raise StoreError(
                    f"{self._file}, which later masks the secrets of this run, can't be written: {reason(problem)}",
                    hint="free some space, or set AGG_HOME to another disk",
                ) from problem


def load_mask(journal: Journal, uid: str, settings: Settings) -> Callable[[str], str]:
    """What masks the texts of a run that was driven by some process, perhaps long ago."""
    del settings
    row = journal.run(uid)
    values = Path(row.folder) / VALUES_FILE if row.folder else None
    masker = Masker()
    if values is not None and values.exists():
        home = values.parent.parent.parent
        key = cipher(home, create=False)
        for line in values.read_bytes().splitlines():
            try:
                masker.add(key.decrypt(line).decode("utf-8", "surrogateescape"))
            except Exception as problem:  # the library has one type for every kind of damage
                raise StoreError(
                    f"{values} can't be read with {home / KEY_FILE}, so secrets in this run's output can't be masked",
                    hint="restore the key file, or read the files in the run's folder as they are",
                ) from problem
    return masker.mask
