"""Files that `agg run -a NAME=PATH` gives as input artifacts of the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from aggregator.errors import UsageError, nearest
from aggregator.spec import models

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCATIONS = ("s3", "git", "http", "raw", "artifactory", "gcs", "oss", "azure", "hdfs", "plugin")


def given_artifacts(
    spec: models.WorkflowSpec, given: Sequence[tuple[str, str]], entrypoint: str
) -> tuple[models.Artifact, ...]:
    """The workflow's artifact arguments with those that are given; UsageError for a name that nothing takes."""
    names = [name for name, _ in given]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"artifact {twice!r} is given more than once", hint="give each artifact one path")
    declared = {artifact.name: artifact for artifact in spec.arguments.artifacts}
    wanted = entrypoint or spec.entrypoint
    start = next((template for template in spec.templates if template.name == wanted), None)
    taken = [artifact.name for artifact in start.inputs.artifacts] if start is not None else []
    for name in names:
        known = [*declared, *taken]
        if name not in known:
            told = f"its artifacts are {', '.join(dict.fromkeys(known))}" if known else "it takes none"
            raise UsageError(
                f"-a {name}: the workflow takes no artifact of that name; {told}", hint=nearest(name, known)
            )
    # A literal stands in for the file where the document is checked: such a place is none of the file format's own.
    placed = [_placed(declared.get(name) or models.Artifact(name=name)) for name in names]
    return (*placed, *(artifact for artifact in spec.arguments.artifacts if artifact.name not in names))


def _placed(artifact: models.Artifact) -> models.Artifact:
    """Without the place that the file names for it."""
    cleared: dict[str, Any] = {name: None for name in LOCATIONS if name in artifact.__struct_fields__}
    changed: models.Artifact = msgspec.structs.replace(artifact, **{**cleared, "raw": models.RawArtifact(data="-")})
    return changed


def with_files(workflow: dict[str, Any], given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The workflow, as plain data, with the paths in the place of the literals. A file is handed over as it is."""
    paths = dict(given)
    if not paths:
        return workflow
    for artifact in workflow["spec"]["arguments"]["artifacts"]:
        if artifact["name"] in paths:
            artifact.pop("raw", None)
            artifact["local"] = {"path": paths[artifact["name"]]}
            artifact.setdefault("archive", {"none": {}})
    return workflow
