"""A leaf's files without isolation: declared paths are the host's own for the time of the attempt, and put back after it."""

from __future__ import annotations

import os
import posixpath
import shutil
from pathlib import Path

from aggregator.runtimes.process.declared import TEMPORARY, Declared, below, normal, rest
from aggregator.runtimes.process.private import remove_tree
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
        self._folders: set[Path] = set()  # outputs that are folders of the host: used, and left, as they are
        self._missing: set[Path] = set()  # folders above declared paths that the host lacked
        self._moved: dict[str, Path] = {}

    def locked_paths(self) -> tuple[str, ...]:
        """The paths that no other attempt may use meanwhile."""
        return tuple(
            dict.fromkeys(
                os.path.realpath(posixpath.dirname(p)).rstrip("/") + "/" + posixpath.basename(p)
                for p in self._declared.paths()
            )
        )

    def prepare(self) -> None:
        """Put aside what the host has at the declared paths, and link volumes to where the leaf looks for them."""
        self.work.mkdir(parents=True)
        volumes = {mount.path for mount in self._declared.mounts}
        try:
            for path in self._declared.paths():
                self._missing |= {folder for folder in Path(path).parents if not folder.exists()}
                if path not in volumes and any(below(path, volume) for volume in volumes):
                    continue
                self._put_aside(Path(path), is_input=path not in self._declared.outputs)
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
            raise LeafRefused(
                f"the folder of the declared path {clean} can't be made on this host: {error.strerror}", hint=_ADVICE
            ) from error
        return Path(clean)

    def program_path(self, path: str) -> str:
        """The leaf sees the host's files."""
        return path

    def working_dir(self) -> str:
        """The folder in which the leaf starts, made when the host lacks it."""
        if not self._declared.working_dir:
            return str(self.work)
        folder = Path(self._declared.working_dir)
        try:
            self._missing |= {f for f in (folder, *folder.parents) if not f.exists()}
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
        """Take away what the attempt left at its declared paths, and restore what was there before."""
        kept = {place for place, _ in self._kept}
        volumes = {Path(mount.path) for mount in self._declared.mounts}
        for path in sorted(map(Path, self._declared.paths()), key=lambda p: len(p.parts), reverse=True):
            if path in kept or path in self._folders:
                continue
            if path.is_symlink() or path.is_file():
                path.unlink()
            elif path.exists() and path not in volumes:
                remove_tree(path)
        for place, copy in reversed(self._kept):
            if place.is_symlink() or not place.is_dir():
                place.unlink(missing_ok=True)
            else:
                remove_tree(place)
            shutil.move(copy, place)
        for folder in sorted(self._missing, key=lambda f: len(f.parts), reverse=True):
            try:
                folder.rmdir()
            except OSError:
                continue  # the leaf has left something beside what it declared

    def _put_aside(self, place: Path, *, is_input: bool) -> None:
        if not os.path.lexists(place):
            return
        if place.is_dir() and not place.is_symlink():
            if not is_input:
                self._folders.add(place)
                return
            if any(place.iterdir()):
                raise LeafRefused(f"the declared path {place} is a folder of this host that is not empty", hint=_ADVICE)
        self._saved.mkdir(exist_ok=True)
        copy = self._saved / str(len(self._kept))
        if is_input or any(below(str(place), folder) for folder in TEMPORARY):
            shutil.move(place, copy)  # what an earlier run left in /tmp must not pass for this leaf's output
        else:
            shutil.copy2(place, copy)
        self._kept.append((place, copy))
