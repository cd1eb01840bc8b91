"""Locks: each names what it locks, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import SemaphoreRef, Synchronization


def check_synchronization(findings: Findings, locks: Synchronization | None, place: Place, where: str) -> None:
    """The locks at `place`, if there are any. Argo finds these mistakes when it takes the lock."""
    if locks is None:
        return
    seen: set[tuple[str, ...]] = set()
    for index, mutex in enumerate(locks.mutexes):
        at = place.at("mutexes", index)
        if not mutex.name:
            findings.warn("lock", f"{where} synchronization.mutexes[{index}] has no name", at)
        _once(findings, ("mutex", mutex.namespace, mutex.name, str(mutex.database)), seen, at, where)
    for index, semaphore in enumerate(locks.semaphores):
        at = place.at("semaphores", index)
        key = _key(semaphore)
        if key is None:
            message = (
                f"{where} synchronization.semaphores[{index}] needs configMapKeyRef (name and key) or database.key"
            )
            findings.warn("lock", message, at)
        else:
            _once(findings, key, seen, at, where)


def _key(semaphore: SemaphoreRef) -> tuple[str, ...] | None:
    source = semaphore.config_map_key_ref
    if source is not None and source.name and source.key:
        return "semaphore", semaphore.namespace, source.name, source.key
    if semaphore.database is not None and semaphore.database.key:
        return "database", semaphore.namespace, semaphore.database.key
    return None


def _once(findings: Findings, key: tuple[str, ...], seen: set[tuple[str, ...]], at: Place, where: str) -> None:
    if key in seen:
        findings.warn("lock", f"{where} synchronization names the same lock twice, which can never be taken", at)
    seen.add(key)
