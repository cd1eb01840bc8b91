"""The workspace of an attempt: its containers with their trees of files, its volumes, and the locks that it holds."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aggregator.errors import Unsupported
from aggregator.runtimes.pod.attempt import MAIN
from aggregator.runtimes.process.declared import Declared, of_template
from aggregator.runtimes.process.private import PrivateTree
from aggregator.runtimes.process.shared import SharedTree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aggregator.engine.commands import Attempt
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
    template = attempt.template
    common = list(template.get("volumeMounts") or [])
    specs: list[tuple[str, Mapping[str, Any], str | None]] = []
    if attempt.kind == "script":
        body = template["script"]
        specs.append((MAIN, body, str(body.get("source") or "")))
    elif attempt.kind == "containerSet":
        body = template["containerSet"]
        common += body.get("volumeMounts") or []
        specs += [(str(c.get("name") or MAIN), c, None) for c in body.get("containers") or []]
    elif attempt.kind == "container":
        specs.append((MAIN, template["container"], None))
    if not specs:
        raise Unsupported(f"the process runtime runs no {attempt.kind} templates")
    several = len(specs) > 1 or any(template.get(key) for key in ("initContainers", "sidecars"))
    main_mounts = [*common, *(specs[0][1].get("volumeMounts") or [])]

    def make(name: str, spec: Mapping[str, Any], script: str | None, *, leaf: bool) -> Container:
        place = root if not several or name == MAIN else root / "containers" / _file_name(name)
        wanted = [*(common if leaf else []), *(spec.get("volumeMounts") or [])]
        if spec.get("mirrorVolumeMounts"):
            wanted += [m for m in main_mounts if m not in wanted]
        working_dir = str(spec.get("workingDir") or "")
        if working_dir:
            working_dir = "/" + posixpath.normpath(working_dir).strip("/")
        declares = template if leaf and (name == MAIN or len(specs) == 1) else {}
        declared: Declared = of_template(declares, volumes.mounts(wanted), working_dir)
        tree: Tree = PrivateTree(place, declared, writable=writable) if isolated else SharedTree(place, declared)
        return Container(name, spec, tree, place, script)

    return Pod(
        attempt=attempt,
        folder=folder,
        root=root,
        main=[make(name, spec, script, leaf=True) for name, spec, script in specs],
        first=[
            make(str(c.get("name") or f"init-{i}"), c, None, leaf=False)
            for i, c in enumerate(template.get("initContainers") or [])
        ],
        beside=[
            make(str(c.get("name") or f"sidecar-{i}"), c, None, leaf=False)
            for i, c in enumerate(template.get("sidecars") or [])
        ],
    )
