"""podSpecPatch: the strategic merge patches of a workflow and a template, laid over the pod that a template describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from aggregator.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.engine.commands import Attempt

PATCHED = "patchedPodSpec"
"""Under this key a patched template has the pod's own fields as the patch leaves them."""
_OF_ARGO = ("init", "wait")
"""Containers that Argo adds to each pod; here there are none."""
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
    "schedulingGates": "name",
}
"""Lists whose elements are merged, by the field that tells them apart; any other list is replaced."""


def patched(attempt: Attempt) -> Attempt:
    """The attempt with its template's patches applied; StoreError says what is wrong with one."""
    texts = attempt.template.get("podSpecPatch")
    if not texts:
        return attempt
    patch: dict[str, Any] = {}
    for text in [texts] if isinstance(texts, str) else texts:
        patch = merge(patch, _read(text))
    return msgspec.structs.replace(attempt, template=_laid_over(attempt.kind, attempt.template, patch))


def merge(original: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A strategic merge: mappings by key, null removes, lists of named things by name, other lists as a whole."""
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    merged = dict(original)
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            merged[name] = [item for item in merged.get(name) or [] if item not in value]
        elif key == "$retainKeys":
            merged = {name: kept for name, kept in merged.items() if name in value}
        elif key.startswith("$"):
            continue  # the order of a list's elements
        elif value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            before = merged.get(key)
            merged[key] = merge(before if isinstance(before, dict) else {}, value)
        elif isinstance(value, list) and key in _MERGE_KEYS and all(isinstance(item, dict) for item in value):
            merged[key] = _merge_list(merged.get(key) or [], value, _MERGE_KEYS[key])
        else:
            merged[key] = value
    return merged


def _merge_list(original: Sequence[Any], patch: Sequence[Mapping[str, Any]], key: str) -> list[Any]:
    if any(item.get("$patch") == "replace" and key not in item for item in patch):
        return [item for item in patch if "$patch" not in item]
    found = {item.get(key): item for item in original}
    for item in patch:
        name = item.get(key)
        if item.get("$patch") == "delete":
            found.pop(name, None)
        else:
            found[name] = merge(found.get(name) or {}, item)
    return list(found.values())


def _read(text: Any) -> dict[str, Any]:
    if not text:
        return {}
    if isinstance(text, dict):
        return text
    try:
        patch = yaml.load(str(text), yaml.CSafeLoader)
    except yaml.YAMLError as problem:
        where = getattr(problem, "problem_mark", None)
        place = f" (line {where.line + 1}, column {where.column + 1})" if where is not None else ""
        raise StoreError(
            f"podSpecPatch is neither JSON nor YAML{place}: {getattr(problem, 'problem', problem)}",
            hint="agg explain shows the text with its tags filled",
        ) from None
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        raise StoreError(
            f"podSpecPatch must be a mapping of the fields of a pod's spec, it is a {type(patch).__name__}",
            hint="write it as {containers: [{name: main, ...}]}",
        )
    return patch


def _laid_over(kind: str, template: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The template as it would be had it been written with the patch."""
    changed = dict(template)
    mains = (template.get(kind) or {}).get("containers") or [] if kind == "containerSet" else []
    mains = mains or [{**(template.get(kind) or {}), "name": "main"}]
    pod: dict[str, Any] = {"containers": [*mains, *(template.get("sidecars") or [])]}
    for key in ("initContainers", "volumes"):
        if template.get(key):
            pod[key] = template[key]
    pod = merge(pod, patch)
    names = {str(container.get("name")) for container in mains}
    containers = [c for c in pod.pop("containers", []) if c.get("name") not in _OF_ARGO]
    own = [c for c in containers if str(c.get("name")) in names]
    if kind == "containerSet":
        changed[kind] = {**template[kind], "containers": own}
    elif own:
        changed[kind] = own[0]
    changed["sidecars"] = [c for c in containers if str(c.get("name")) not in names]
    changed["initContainers"] = [c for c in pod.pop("initContainers", []) if c.get("name") not in _OF_ARGO]
    changed["volumes"] = pod.pop("volumes", [])
    changed[PATCHED] = pod
    return changed


def grace_of(attempt: Attempt, usual: float) -> float:
    """The pod's terminationGracePeriodSeconds, where the template's patch names one."""
    spec = attempt.template.get(PATCHED) or {}
    return float(spec.get("terminationGracePeriodSeconds", usual))
