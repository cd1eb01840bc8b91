"""The absolute paths that a leaf declares: where its artifacts, parameters and volumes lie in its own view of the files."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TEMPORARY = ("/tmp", "/var/tmp")


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume in the leaf's view: `source` on the host appears at `path`; it lies in the folder `volume`, if that is named."""

    path: str
    source: Path
    read_only: bool = False
    volume: Path | None = None

    def left(self) -> bool:
        """Whether a link that a leaf has made in the volume since leads the source out of it."""
        return self.volume is not None and not self.source.resolve().is_relative_to(self.volume)


@dataclass(frozen=True, slots=True)
class Declared:
    """Inputs are staged before the process starts, outputs are collected after it ended."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    working_dir: str = ""

    def paths(self) -> tuple[str, ...]:
        """Every path, once, shorter ones first."""
        every = {*self.inputs, *self.outputs, *(mount.path for mount in self.mounts)}
        return tuple(sorted(every, key=lambda path: (path.count("/"), path)))


def normal(path: str, what: str) -> str:
    """The path without `.`, `..` and doubled slashes; it must be absolute and not the root."""
    clean = posixpath.normpath(path) if path else ""
    clean = "/" + clean.lstrip("/") if clean.startswith("/") else clean
    if not clean.startswith("/") or clean == "/" or "\0" in clean:
        raise LeafRefused(
            f"{what} {path!r} is not an absolute path below /", hint="write it in full, for example /tmp/result.txt"
        )
    return clean


def of_template(template: Mapping[str, Any], mounts: Iterable[Mount], working_dir: str) -> Declared:
    """What `inputs` and `outputs` of a template declare."""
    inputs, outputs = template.get("inputs") or {}, template.get("outputs") or {}
    return Declared(
        inputs=tuple(
            normal(str(artifact["path"]), f"path of input artifact {artifact.get('name')!r}")
            for artifact in inputs.get("artifacts") or []
            if artifact.get("path")
        ),
        outputs=(
            *(
                normal(str(artifact["path"]), f"path of output artifact {artifact.get('name')!r}")
                for artifact in outputs.get("artifacts") or []
                if artifact.get("path")
            ),
            *(
                normal(str(parameter["valueFrom"]["path"]), f"path of output parameter {parameter.get('name')!r}")
                for parameter in outputs.get("parameters") or []
                if (parameter.get("valueFrom") or {}).get("path")
            ),
        ),
        mounts=tuple(mounts),
        working_dir=working_dir,
    )


def below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return folder in (path, "/") or path.startswith(folder + "/")


def rest(path: str, folder: str) -> str:
    """The part of `path` below `folder`, relative."""
    return path[len(folder.rstrip("/")) :].lstrip("/")
