"""Artifact drivers, named by their YAML key: which one an artifact needs, and drivers made on first use."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from aggregator.errors import StoreError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aggregator.aws.clients import AwsClients
    from aggregator.ports import ArtifactDriver, Location, Secrets

DRIVERS = {
    "artifactory": "aggregator.artifacts.http:ArtifactoryDriver",
    "http": "aggregator.artifacts.http:HttpDriver",
    "local": "aggregator.artifacts.local:LocalDriver",
    "memory": "aggregator.artifacts.memory:MemoryDriver",
    "raw": "aggregator.artifacts.raw:RawDriver",
    "s3": "aggregator.artifacts.s3:S3Driver",
}
NOT_HERE = ("azure", "gcs", "git", "hdfs", "oss", "plugin")
"""Argo's drivers that have no counterpart yet."""
_HOLDERS = {"s3": "bucket", "gcs": "bucket", "oss": "bucket", "azure": "container", "hdfs": "addresses"}
"""The field without which a location is only a key in the default repository."""
_KEYS = {"azure": "blob", "hdfs": "path", "http": "url", "artifactory": "url"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What drivers may need; each takes its own."""

    secrets: Secrets
    clients: AwsClients
    root: Path
    """The folder of the default repository, `local`."""


class _Made(Protocol):
    @classmethod
    def make(cls, around: Surroundings) -> ArtifactDriver: ...


class Drivers:
    """All drivers of a run; each is imported and made when it is first asked for. Thread-safe."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._lock = threading.Lock()
        self._made: dict[str, ArtifactDriver] = {}

    def driver(self, key: str) -> ArtifactDriver:
        """The driver of a YAML key; Unsupported when there is none."""
        with self._lock:
            if key not in self._made:
                if key not in DRIVERS:
                    raise Unsupported(
                        f"artifacts of kind {key!r} can't be read or written here",
                        hint=f"use one of {', '.join(sorted(DRIVERS))}",
                    )
                module, _, name = DRIVERS[key].partition(":")
                self._made[key] = cast("_Made", getattr(import_module(module), name)).make(self._around)
            return self._made[key]

    def close(self) -> None:
        """End the threads and connections of the drivers that have any."""
        with self._lock:
            for driver in self._made.values():
                close = getattr(driver, "close", None)
                if close:
                    close()
            self._made.clear()


def driver_for(artifact: Mapping[str, Any]) -> tuple[str, Location] | None:
    """YAML key and location of an artifact; None when it names no place."""
    found = [key for key in (*DRIVERS, *NOT_HERE) if isinstance(artifact.get(key), dict)]
    if len(found) > 1:
        raise StoreError(
            f"artifact {artifact.get('name')!r} names {' and '.join(sorted(found))}", hint="give one location only"
        )
    return (found[0], artifact[found[0]]) if found else None


def relocated(artifact: Mapping[str, Any], default: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Key and location of an artifact, a location that is only a key being completed by the default repository's.

    As in Argo, a key alone goes to the default repository whatever driver the artifact wrote it under.
    """
    own = driver_for(artifact)
    if own is None:
        return None
    key, location = own
    holder = _HOLDERS.get(key)
    base = driver_for(default)
    if holder is None or location.get(holder) or base is None:
        return key, dict(location)
    name = location.get(_KEYS.get(key, "key"), "")
    return base[0], {**base[1], _KEYS.get(base[0], "key"): name}
