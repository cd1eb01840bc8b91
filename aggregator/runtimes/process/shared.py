"""A leaf's files without isolation: declared paths are the host's own for the time of the attempt, and put back after it."""

from __future__ import annotations

import os
import posixpath
import shutil
from pathlib import Path

from aggregator.runtimes.process.copies import make_folder, remove_tree
from aggregator.runtimes.process.declared import TEMPORARY, Declared, below, normal, rest
from aggregator.runtimes.process.refused import LeafRefused

_ADVICE = "with bubblewrap installed (process.isolation = auto) the leaf would get its own copy; or use a path that is not there"


class SharedTree:
    """The files of one container that sees the host's files. The caller holds the locks of all declared paths."""

    def __init__(self, folder: Path, declared: Declared) -> None:
        self.folder = folder
        self.work = folder / "work"
        self._saved = folder / "saved"
        self._declared = declared
        self._kept: list[tuple[Path, Path]] = []
        self._free: list[Path] = []  # declared paths at which there was nothing: only these may be removed
        self._missing: set[Path] = set()  # folders above declared paths that the host lacked
        self._moved: dict[str, Path] = {}
        self._own_working_dir: Path | None = None

    def locked_paths(self) -> tuple[str, ...]:
        """The paths that no other attempt may use meanwhile: what it declares, and the folder that it starts in."""
        paths = [*self._declared.paths(), self._declared.working_dir]
        return tuple(dict.fromkeys(_followed(path) for path in paths if path.strip("/")))

    def prepare(self) -> None:
        """Put aside what the host has at the declared paths, and link volumes to where the leaf looks for them."""
        make_folder(self.work, 0o755)
        volumes = {mount.path for mount in self._declared.mounts}
        try:
            for path in self._declared.paths():
                self._missing |= {folder for folder in Path(path).parents if not folder.exists()}
                if path not in volumes and any(below(path, volume) for volume in volumes):
                    continue
                self._put_aside(Path(path), must_go=path in self._declared.inputs or path in volumes)
            for mount in self._declared.mounts:
                place = Path(mount.path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(mount.source)
        except OSError as error:
            raise LeafRefused(
                f"the declared path {error.filename or ''} can't be used on this host: {error.strerror}", hint=_ADVICE
            ) from error

    def host_path(self, path: str) -> Path:
        """The path itself, or its place in a volume."""
        clean = normal(path, "path")
        if clean in self._moved:
            return self._moved[clean]
        for mount in sorted(self._declared.mounts, key=lambda m: len(m.path), reverse=True):
            if below(clean, mount.path):
                place = mount.source / rest(clean, mount.path)
                place.parent.mkdir(parents=True, exist_ok=True)
                return place
        try:
            Path(clean).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if clean not in self._declared.inputs:
                return Path(clean)  # an output in a folder that can't be: it is missing, and that is said of it
            raise LeafRefused(
                f"the folder of the declared path {clean} can't be made on this host: {error.strerror}", hint=_ADVICE
            ) from error
        return Path(clean)

    def program_path(self, path: str) -> str:
        """The leaf sees the host's files."""
        return path

    def sees_programs_of(self, path: str) -> bool:
        """Whether the folders of this PATH are the host's own."""
        return bool(path)

    def working_dir(self) -> str:
        """The folder in which the leaf starts, made when the host lacks it."""
        if not self._declared.working_dir:
            return str(self.work)
        folder = Path(self._declared.working_dir)
        try:
            if not folder.exists():
                self._missing |= {f for f in folder.parents if not f.exists()}
                self._own_working_dir = folder
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LeafRefused(
                f"workingDir {folder} can't be made on this host: {error.strerror}", hint=_ADVICE
            ) from error
        return str(folder)

    def settle(self) -> None:
        """A declared output that the leaf wrote by a relative name stands in its working folder."""
        for path in self._declared.outputs:
            relative = self.work / path.lstrip("/")
            if not self._declared.working_dir and not os.path.lexists(path) and os.path.lexists(relative):
                self._moved[path] = relative

    def put_back(self) -> None:
        """Take away what the attempt left at paths that were free when it began, and restore what was put aside."""
        for path in reversed(self._free):
            _take_away(path)
        if self._own_working_dir is not None:
            remove_tree(self._own_working_dir)
        for place, copy in reversed(self._kept):
            _take_away(place)
            shutil.move(copy, place)
        for folder in sorted(self._missing, key=lambda f: len(f.parts), reverse=True):
            try:
                folder.rmdir()
            except OSError:
                continue  # the leaf has left something beside what it declared

    def _put_aside(self, place: Path, *, must_go: bool) -> None:
        if not os.path.lexists(place):
            self._free.append(place)
            return
        if place.is_dir() and not place.is_symlink():
            if not must_go:
                return  # a folder of the host as output: used, and left, as it is
            if any(place.iterdir()):
                raise LeafRefused(f"the declared path {place} is a folder of this host that is not empty", hint=_ADVICE)
        self._saved.mkdir(exist_ok=True)
        copy = self._saved / str(len(self._kept))
        if must_go or any(below(str(place), folder) for folder in TEMPORARY):
            shutil.move(place, copy)  # what an earlier run left in /tmp must not pass for this leaf's output
        else:
            shutil.copy2(place, copy)
        self._kept.append((place, copy))


def _take_away(place: Path) -> None:
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
    else:
        remove_tree(place)


def _followed(path: str) -> str:
    """The path with the links of its folder followed, so that two names of a place are one."""
    return posixpath.join(os.path.realpath(posixpath.dirname(path)), posixpath.basename(path))
