"""The memoization cache of all runs, in the journal's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from aggregator.engine.times import rfc3339
from aggregator.journal.seal import MARK, Seal
from aggregator.journal.shared import Connection
from aggregator.ports import CacheRow

if TYPE_CHECKING:
    from pathlib import Path


class SqliteCache:
    """Entries as JSON, by cache and key."""

    def __init__(self, path: Path, seal: Seal | None = None) -> None:
        self._base = Connection(path)
        self._seal = seal or Seal(path.parent)

    def look_up(self, cache: str, key: str, at: float) -> dict[str, Any] | None:
        with self._base.transaction():
            found = self._base.do("look_up", {"cache": cache, "key": key}).fetchone()
            if found is None:
                return None
            entry: dict[str, Any] = msgspec.json.decode(self._seal.open(found[0]))
            self._put(cache, key, {**entry, "lastHitTimestamp": rfc3339(at)})
            return entry

    def save(self, cache: str, key: str, entry: dict[str, Any]) -> None:
        with self._base.transaction():
            self._put(cache, key, entry)

    def entries(self, cache: str | None = None) -> list[CacheRow]:
        with self._base.translated():
            rows = self._base.do("entries", {"cache": cache}).fetchall()
        return [CacheRow(c, k, msgspec.json.decode(self._seal.open(e)), e.startswith(MARK)) for c, k, e in rows]

    def delete(self, cache: str, key: str | None = None) -> int:
        with self._base.transaction():
            return self._base.do("delete", {"cache": cache, "key": key}).rowcount

    def close(self) -> None:
        self._base.close()

    def _put(self, cache: str, key: str, entry: dict[str, Any]) -> None:
        data = self._seal.close(msgspec.json.encode(entry))
        self._base.do("save", {"cache": cache, "key": key, "entry": data})
