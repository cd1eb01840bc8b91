"""The default artifact repository: of the settings, or one that a ConfigMap holds (artifactRepositoryRef)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.inputs import NodeError
from aggregator.engine.locations import location_of, place_key
from aggregator.errors import nearest
from aggregator.source import Source
from aggregator.spec.yaml import parse_text

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_MAP = "artifact-repositories"
DEFAULT_ANNOTATION = "workflows.argoproj.io/default-artifact-repository"
KEY = "{{workflow.name}}/{{pod.name}}"
"""The key of what names none, where the repository has no format of its own."""
_FORMATS = ("keyFormat", "blobNameFormat", "pathFormat")


def repository_of(
    spec: Mapping[str, Any], config_maps: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The repository of a run as a location whose key still has tags; empty for the run's own folder.

    A reference wins, then a ConfigMap that says which of its repositories is the default, then the settings.
    """
    reference = spec.get("artifactRepositoryRef")
    if reference:
        return as_location(_referenced(reference, config_maps))
    default = config_maps.get(CONFIG_MAP)
    if default is not None and _default_key(default):
        return as_location(_referenced({}, config_maps))
    return as_location(settings)


def _default_key(config_map: Mapping[str, Any]) -> str:
    annotations = (config_map.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(DEFAULT_ANNOTATION) or "")


def _referenced(reference: Mapping[str, Any], config_maps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    name = str(reference.get("configMap") or CONFIG_MAP)
    found = config_maps.get(name)
    if found is None:
        hint = nearest(name, config_maps) or "give its document in the file or with --with PATH"
        raise NodeError(f"artifactRepositoryRef: ConfigMap {name!r} not found: {hint}")
    key = str(reference.get("key") or _default_key(found))
    data = found.get("data") or {}
    if not key:
        raise NodeError(f"artifactRepositoryRef has no key, and ConfigMap {name!r} no annotation {DEFAULT_ANNOTATION}")
    if key not in data:
        hint = nearest(key, data)
        raise NodeError(f"artifactRepositoryRef: ConfigMap {name!r} has no key {key!r}" + (f"; {hint}" if hint else ""))
    parsed = parse_text(Source(f"{name}/{key}", str(data[key])))
    if parsed.diagnostics:
        raise NodeError(f"artifactRepositoryRef: {name}/{key} is no YAML: {parsed.diagnostics[0].message}")
    value = parsed.documents[0].value if parsed.documents else None
    if not isinstance(value, dict):
        raise NodeError(f"artifactRepositoryRef: {name}/{key} must be a map such as {{s3: {{bucket: NAME}}}}")
    return value


def as_location(repository: Mapping[str, Any]) -> dict[str, Any]:
    """A repository as an artifact's location: its key format becomes the key."""
    found = location_of(repository)
    if found is None:
        return dict(repository)
    backend, location = found
    made = dict(location)
    last = place_key(backend, made)
    given = next((str(made.pop(name)) for name in _FORMATS if made.get(name)), "")
    prefix = str(made.pop("keyPrefix", "") or "")
    if backend == "artifactory" and made.get("repoURL"):
        made["url"] = f"{str(made.pop('repoURL')).rstrip('/')}/{given or KEY}"
    elif last == "path" and made.get("path"):
        made["path"] = f"{str(made['path']).rstrip('/')}/{given or KEY}"
    elif not made.get(last):
        made[last] = given or (f"{prefix.rstrip('/')}/{KEY}" if prefix else KEY)
    return {**repository, backend: made}


def completed(own: Mapping[str, Any], repository: Mapping[str, Any]) -> dict[str, Any]:
    """A template's archiveLocation; what it does not say is the repository's."""
    mine, theirs = location_of(own), location_of(repository)
    if mine is None:
        rest = {} if theirs is None else {theirs[0]: theirs[1]}
        return {**own, **rest}
    if theirs is None or mine[0] != theirs[0]:
        return dict(own)
    return {**own, mine[0]: {**theirs[1], **mine[1]}}
