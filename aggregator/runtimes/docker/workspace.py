"""The workspace of an attempt in containers: where its inputs wait, what is mounted where, and where outputs are put."""

from __future__ import annotations

import os
import posixpath
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aggregator.runtimes.pod.attempt import MAIN
from aggregator.runtimes.pod.parts import parts
from aggregator.runtimes.process.declared import Mount, below, normal, of_template, rest
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.runtimes.pod.parts import Part
    from aggregator.runtimes.process.volumes import Volumes

SCRIPT = "/argo/staging/script"
PROGRESS = "/var/run/argo/progress"


@dataclass(slots=True)
class Container:
    """One container of the pod, as the template writes it."""

    name: str
    spec: Mapping[str, Any]
    mounts: list[Mount]
    script: str | None = None

    def streams(self) -> tuple[str, str]:
        """Names of its output files; those of the main container have the plain ones."""
        plain = self.name.replace("/", "_").replace("..", "_")
        return ("stdout", "stderr") if self.name == MAIN else (f"{plain}.stdout", f"{plain}.stderr")


@dataclass(slots=True)
class ContainerPod:
    """All containers of one attempt, and the files of the leaf.

    `host_path` of an input is where the driver puts it before the containers start; of an output, where `fetched` told that it
    was put after they ended.
    """

    attempt: Attempt
    folder: Path
    main: list[Container]
    first: list[Container]
    beside: list[Container]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    _staged: dict[str, Path] = field(default_factory=dict)
    _fetched: dict[str, Path] = field(default_factory=dict)

    def files_of(self) -> Container:
        """The container whose files count as the leaf's."""
        return next((c for c in self.main if c.name == MAIN), self.main[0])

    def containers(self) -> list[Container]:
        return [*self.first, *self.main, *self.beside]

    @property
    def several(self) -> bool:
        return len(self.containers()) > 1

    def host_path(self, path: str) -> Path:
        """Where the file that the leaf sees at `path` lies, or will lie, on the host."""
        clean = normal(path, "path")
        if clean in self._fetched:
            return self._fetched[clean]
        if clean not in self._staged:
            place = self.mounted(clean)
            if place is None:
                place = self.folder / "inputs" / str(len(self._staged)) / (posixpath.basename(clean))
            self._check_inside(clean, place)
            place.parent.mkdir(parents=True, exist_ok=True)
            self._staged[clean] = place
        return self._staged[clean]

    def mounted(self, path: str) -> Path | None:
        """The place in a volume of the leaf's container."""
        mount = self._mount_of(path)
        return None if mount is None else mount.source / rest(path, mount.path)

    def _mount_of(self, path: str) -> Mount | None:
        found = [mount for mount in self.files_of().mounts if below(path, mount.path)]
        return max(found, key=lambda mount: len(mount.path), default=None)

    def _check_inside(self, path: str, place: Path) -> None:
        """What is written into a volume from here stays in it, whatever links other leaves have made there."""
        mount = self._mount_of(path)
        if mount is None:
            return
        if not place.parent.resolve().is_relative_to(mount.source.resolve()):
            raise LeafRefused(f"path {path!r} leaves the volume at {mount.path} through a link")
        if place.is_symlink():
            place.unlink()  # what is put here takes the link's place

    def input_mounts(self) -> list[Mount]:
        """Inputs that were staged, each mounted at its path; those that lie in a volume are there already."""
        return [
            Mount(path, place)
            for path, place in self._staged.items()
            if os.path.lexists(place) and self.mounted(path) is None
        ]

    def place_of_output(self, path: str) -> tuple[Path, bool]:
        """Where an output goes, and whether it is there already: a plain file that can be read where it was mounted."""
        clean = normal(path, "path")
        for mount in (*self.input_mounts(), *self.files_of().mounts):
            if below(clean, mount.path):
                place = mount.source / rest(clean, mount.path)
                if _plain(mount.source, place):
                    return place, True
        place = self.folder / "outputs" / str(len(self._fetched)) / posixpath.basename(clean)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place, False

    def fetched(self, path: str, place: Path) -> None:
        self._fetched[normal(path, "path")] = place


def _plain(top: Path, place: Path) -> bool:
    """Whether a readable file lies there without a link on the way: a link means something else in the container."""
    try:
        straight = place.resolve() == top.parent.resolve() / place.relative_to(top.parent)
        return straight and stat.S_ISREG(place.lstat().st_mode) and os.access(place, os.R_OK)
    except OSError:
        return False


def lay_out(attempt: Attempt, folder: Path, volumes: Volumes) -> ContainerPod:
    """The containers of the attempt's template with the volumes that they mount."""
    written = parts(attempt)
    declared = of_template(attempt.template, (), "")

    def made(each: Sequence[Part]) -> list[Container]:
        return [Container(part.name, part.spec, volumes.mounts(part.mounts), part.script) for part in each]

    return ContainerPod(
        attempt=attempt,
        folder=folder,
        main=made(written.main),
        first=made(written.first),
        beside=made(written.beside),
        inputs=declared.inputs,
        outputs=declared.outputs,
    )
