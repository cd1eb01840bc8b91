"""The workspace of an attempt: its containers with their trees of files, its volumes, and the locks that it holds."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aggregator.runtimes.pod.attempt import MAIN
from aggregator.runtimes.pod.parts import parts
from aggregator.runtimes.process.declared import Declared, of_template
from aggregator.runtimes.process.private import PrivateTree
from aggregator.runtimes.process.shared import SharedTree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.runtimes.pod.parts import Part
    from aggregator.runtimes.process.volumes import Volumes

Tree = PrivateTree | SharedTree


@dataclass(slots=True)
class Container:
    """One container of the pod, as the template writes it."""

    name: str
    spec: Mapping[str, Any]
    tree: Tree
    folder: Path
    script: str | None = None

    def streams(self) -> tuple[str, str]:
        """Names of its output files; those of the main container have the plain ones."""
        return (
            ("stdout", "stderr")
            if self.name == MAIN
            else (f"{_file_name(self.name)}.stdout", f"{_file_name(self.name)}.stderr")
        )


@dataclass(slots=True)
class Pod:
    """All containers of one attempt. The leaf's files are those of `main`.

    What is printed is kept in `folder`; all else lies in `root`, which may be the same, and is gone in the end.
    """

    attempt: Attempt
    folder: Path
    root: Path
    main: list[Container]
    first: list[Container]
    beside: list[Container]
    held: list[int] = field(default_factory=list)

    def progress_of(self, container: Container) -> str:
        """The file in which a container tells its progress; its name is the attempt's alone."""
        return f"{container.tree.folder}/progress-{self.attempt.pod_name}"

    def host_path(self, path: str) -> Path:
        """Where the file that the main container sees at `path` lies on the host."""
        return self.files_of().tree.host_path(path)

    def files_of(self) -> Container:
        """The container whose files count as the leaf's."""
        return next((c for c in self.main if c.name == MAIN), self.main[0])

    def containers(self) -> list[Container]:
        return [*self.first, *self.main, *self.beside]


def _file_name(name: str) -> str:
    """A container's name as part of a file's name; what can't be one is no valid name anyway."""
    return name.replace("/", "_").replace("..", "_")


def lay_out(
    attempt: Attempt, folder: Path, root: Path, volumes: Volumes, *, isolated: bool, writable: Sequence[str]
) -> Pod:
    """The containers of the attempt's template, each with its own tree; nothing is on the disk yet but volumes."""
    written = parts(attempt)
    several = sum(map(len, written)) > 1

    def made(each: Sequence[Part], *, leaf: bool = False) -> list[Container]:
        return [one(part, leaf=leaf) for part in each]

    def one(part: Part, *, leaf: bool) -> Container:
        place = root if not several or part.name == MAIN else root / "containers" / _file_name(part.name)
        working_dir = str(part.spec.get("workingDir") or "")
        if working_dir:
            working_dir = "/" + posixpath.normpath(working_dir).strip("/")
        declares = attempt.template if leaf and (part.name == MAIN or len(written.main) == 1) else {}
        declared: Declared = of_template(declares, volumes.mounts(part.mounts), working_dir)
        tree: Tree = PrivateTree(place, declared, writable=writable) if isolated else SharedTree(place, declared)
        return Container(part.name, part.spec, tree, place, part.script)

    return Pod(
        attempt=attempt,
        folder=folder,
        root=root,
        main=made(written.main, leaf=True),
        first=made(written.first),
        beside=made(written.beside),
    )
