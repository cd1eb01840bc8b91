"""What the containers of a pod mount must be declared: a pod that names another volume can't be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.inputs import NodeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def check_mounts(template: Mapping[str, Any], volumes: Sequence[Mapping[str, Any]]) -> None:
    """A template's mounts against its own volumes and those of the run, claims among them."""
    wanted = [str(mount.get("name") or "") for mount in _mounts(template)]
    known = {str(volume.get("name")) for volume in (*volumes, *(template.get("volumes") or ()))}
    missing = next((name for name in wanted if name not in known), None)
    if missing is not None:
        raise NodeError(
            f"volumeMounts names volume {missing!r}, but the workflow has {', '.join(sorted(known)) or 'none'}"
        )


def _mounts(template: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("container", "script", "containerSet"):
        body = template.get(key)
        if body:
            yield from body.get("volumeMounts") or ()
            for container in body.get("containers") or ():
                yield from container.get("volumeMounts") or ()
    for key in ("initContainers", "sidecars"):
        for container in template.get(key) or ():
            yield from container.get("volumeMounts") or ()
