"""Artifacts: where they are stored, and what a storage backend cannot do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import Artifact, ArtifactLocation, Template


def has_location(location: ArtifactLocation) -> bool:
    """Whether a backend is named, be it only with a key."""
    return location.backend is not None


def check_location(findings: Findings, location: ArtifactLocation, place: Place, where: str) -> None:
    """What a backend needs."""
    if location.git is not None and not location.git.repo:
        findings.error("no-repo", f"{where}.git.repo is required", place.at("git"))
    if location.hdfs is not None and not location.hdfs.path:
        findings.error("no-path", f"{where}.hdfs.path is required", place.at("hdfs"))
    if location.http is not None and not location.http.url:
        findings.warn("no-url", f"{where}.http.url is empty, so nothing can be fetched", place.at("http"))


def check_archive_location(findings: Findings, template: Template, place: Place, where: str) -> None:
    """`archiveLocation` of a template."""
    if template.archive_location is not None:
        check_location(findings, template.archive_location, place.at("archiveLocation"), f"{where}.archiveLocation")


def check_paths_once(findings: Findings, template: Template, place: Place, where: str) -> None:
    """No two volumes or input artifacts of a container are at the same path."""
    body = template.container or template.script
    key = "container" if template.container else "script"
    taken: dict[str, str] = {}
    for index, mount in enumerate(body.volume_mounts if body else ()):
        path = mount.mount_path.rstrip("/") or mount.mount_path
        at = place.at(key, "volumeMounts", index)
        named = f"{where}.{key}.volumeMounts[{index}].mountPath"
        if path in taken:
            findings.error("path-taken", f"{named} '{mount.mount_path}' already mounted in {taken[path]}", at)
        taken.setdefault(path, named)
    for index, artifact in enumerate(template.inputs.artifacts):
        _take(findings, artifact, index, place, where, taken)


def _take(findings: Findings, artifact: Artifact, index: int, place: Place, where: str, taken: dict[str, str]) -> None:
    if not artifact.path:
        return
    path = artifact.path.rstrip("/") or artifact.path
    named = f"{where}.inputs.artifacts[{index}].path"
    if path in taken:
        at = place.at("inputs", "artifacts", index, "path")
        findings.error("path-taken", f"{named} '{artifact.path}' already mounted in {taken[path]}", at)
    taken.setdefault(path, named)
