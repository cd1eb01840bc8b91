"""The memoization cache in memory, for one process: tests and dry runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.times import rfc3339
from aggregator.ports import CacheRow

if TYPE_CHECKING:
    from collections.abc import Mapping


class MemoryCache:
    """Entries by cache and key."""

    def __init__(self, entries: Mapping[tuple[str, str], dict[str, Any]] | None = None) -> None:
        self._entries: dict[tuple[str, str], dict[str, Any]] = dict(entries or {})

    def look_up(self, cache: str, key: str, at: float) -> dict[str, Any] | None:
        entry = self._entries.get((cache, key))
        if entry is None:
            return None
        self._entries[cache, key] = {**entry, "lastHitTimestamp": rfc3339(at)}
        return dict(entry)

    def save(self, cache: str, key: str, entry: dict[str, Any]) -> None:
        self._entries[cache, key] = dict(entry)

    def entries(self, cache: str | None = None) -> list[CacheRow]:
        return [CacheRow(c, k, dict(e)) for (c, k), e in sorted(self._entries.items()) if cache in (None, c)]

    def delete(self, cache: str, key: str | None = None) -> int:
        doomed = [place for place in self._entries if place[0] == cache and key in (None, place[1])]
        for place in doomed:
            del self._entries[place]
        return len(doomed)

    def close(self) -> None:
        """Nothing is open."""
