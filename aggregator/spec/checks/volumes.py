"""Volumes: those that containers mount are declared, each name once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import Template, VolumeMount, WorkflowSpec


def volume_names(spec: WorkflowSpec) -> set[str]:
    """Volumes of the workflow, claims among them."""
    names = {_name(volume) for volume in spec.volumes}
    for claim in spec.volume_claim_templates:
        metadata = claim.get("metadata")
        names.add(_name(metadata) if isinstance(metadata, dict) else "")
    return names - {""}


def _name(value: dict[str, Any]) -> str:
    name = value.get("name")
    return name if isinstance(name, str) else ""


def check_volume_list(findings: Findings, volumes: Sequence[dict[str, Any]], place: Place, where: str) -> None:
    """Volumes that one list declares."""
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        name = _name(volume)
        if not name:
            findings.warn("volume", f"{where}[{index}] has no name", place.at(index))
        elif name in seen:
            findings.warn("volume", f"{where}[{index}].name '{name}' is not unique", place.at(index, "name"))
        seen.add(name)


def check_mounts(findings: Findings, template: Template, known: set[str], place: Place, where: str) -> None:
    """Mounts of a template's containers; what they name must be declared, which a cluster tells only when it runs."""
    known = known | {_name(volume) for volume in template.volumes}
    for key, mounts in _mounts(template):
        for index, mount in enumerate(mounts):
            if mount.name not in known and "{{" not in mount.name:
                at = place.at(*key, "volumeMounts", index, "name")
                message = f"{where}: there is no volume {mount.name!r} to mount"
                hint = findings.suggest(mount.name, known) or "declare it under `volumes`"
                findings.warn("unknown-volume", message, at, hint)


def _mounts(template: Template) -> Iterator[tuple[tuple[str | int, ...], Sequence[VolumeMount]]]:
    if template.container is not None:
        yield ("container",), template.container.volume_mounts
    if template.script is not None:
        yield ("script",), template.script.volume_mounts
    if template.container_set is not None:
        yield ("containerSet",), template.container_set.volume_mounts
        for index, container in enumerate(template.container_set.containers):
            yield ("containerSet", "containers", index), container.volume_mounts
    for key, containers in (("initContainers", template.init_containers), ("sidecars", template.sidecars)):
        for index, sidecar in enumerate(containers):
            yield (key, index), sidecar.volume_mounts
