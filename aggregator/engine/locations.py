"""Where an artifact lies: the driver's key and what stands under it, completed by the default repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCATION_KEYS = ("s3", "git", "http", "raw", "artifactory", "gcs", "oss", "azure", "hdfs", "plugin", "local")
PATH_KEYS = {"azure": "blob", "hdfs": "path", "http": "url", "artifactory": "url"}
"""Drivers whose locations do not call their last part `key`."""


def location_of(artifact: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The driver's key and the location under it, or None when the artifact names no place."""
    for key in LOCATION_KEYS:
        location = artifact.get(key)
        if location is not None:
            return key, location
    return None


def merged_location(artifact: Mapping[str, Any], default: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Where the artifact is: its own location, completed by the default one when it only gives a key."""
    own = location_of(artifact)
    fallback = location_of(default)
    if own is None:
        return None
    key, location = own
    if key == "http" and not location.get("url"):
        return None
    if _complete(key, location):
        return key, dict(location)
    if fallback is not None and fallback[0] == key:
        return key, {**fallback[1], **location}
    # Only a key: it means the default repository, which is the run's own folder where none is configured.
    return "local", {"key": location.get("key", "")}


def _complete(key: str, location: Mapping[str, Any]) -> bool:
    needed = {"s3": "bucket", "gcs": "bucket", "oss": "bucket", "azure": "container", "hdfs": "addresses"}.get(key)
    return needed is None or bool(location.get(needed))


def place_key(key: str, location: Mapping[str, Any]) -> str:
    """The field of a location that names the object in its store."""
    if key == "local" and location.get("path"):
        return "path"
    return PATH_KEYS.get(key, "key")
