"""A leaf's private view of the files, for bubblewrap: own /tmp, own copies of declared paths, the host read-only below.

A declared path can only be created where its folder is writable, and the host's folders are not. So the nearest folder of the
host above each declared path becomes a private one, in which the host's entries appear again: subfolders by bind mounts, files
as links into a read-only view of the whole host.
"""

from __future__ import annotations

import os
import posixpath
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.runtimes.process.copies import close_links, copy, make_folder
from aggregator.runtimes.process.declared import TEMPORARY, Declared, below, normal, rest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KERNEL = ("/dev", "/proc", "/sys")


class PrivateTree:
    """The files of one container. `folder`, the attempt's own, is visible under its own name; the leaf starts in `work`."""

    def __init__(self, folder: Path, declared: Declared, *, writable: Sequence[str]) -> None:
        self.folder = folder
        self.work = folder / "work"
        self._files = folder / "fs"  # mirrors what the leaf sees in private folders of the host
        self._declared = declared
        self._writable = tuple(writable)
        self._needed: tuple[str, ...] = ()
        self._private: set[str] = set()
        self._stubs: set[Path] = set()
        self._moved: dict[str, Path] = {}
        self._copied: dict[str, Path] = {}
        # Bubblewrap can't mount on a path that leads through a link, so mounts go to where the host's links lead.
        areas = {_behind_links(mount.path): mount.source for mount in declared.mounts}
        areas.setdefault("/tmp", folder / "tmp")
        if any(below(path, "/var/tmp") for path in declared.paths()):
            areas.setdefault("/var/tmp", self._files / "var/tmp")
        self._areas = sorted(areas.items(), key=lambda area: len(area[0]), reverse=True)
        self._paths = tuple(dict.fromkeys(self._canonical(path) for path in declared.paths()))
        self._plain = all(below(path, "/tmp") for path in self._paths) and len(self._areas) == 1

    def prepare(self) -> None:
        """Make the folders, and copy what the host already has at declared output paths."""
        make_folder(self.work, 0o755)
        for path, place in self._areas:
            if path in TEMPORARY and place.is_relative_to(self.folder):
                make_folder(place, 0o1777)
        for path in self._paths:
            self._open_up(path)
        if self._declared.working_dir and not os.path.isdir(self._declared.working_dir):
            self._open_up(self._canonical(self._declared.working_dir))
        for path in dict.fromkeys(self._canonical(path) for path in self._declared.outputs):
            self._copy(path)

    def host_path(self, path: str) -> Path:
        """Where the leaf's `path` lies on the host."""
        clean = normal(path, "path")
        if clean in self._moved:
            return self._moved[clean]
        place = self._followed(self._canonical(clean))
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def program_path(self, path: str) -> str:
        """Where the host finds the file that the leaf sees at `path`, without making anything."""
        if self._plain and not path.startswith("/tmp/"):
            return path
        place = str(self._place(self._canonical(posixpath.normpath(path))))
        shown = place != path and any(below(path, n) for n in self._needed) and not os.path.lexists(place)
        return path if shown else place

    def sees_programs_of(self, path: str) -> bool:
        """Whether the folders of this PATH are the host's own."""
        return self._plain and not any(below(folder, "/tmp") for folder in path.split(os.pathsep))

    def need(self, paths: Sequence[str]) -> None:
        """Parts of the host that the leaf must see even where its own files hide them."""
        covers = (*TEMPORARY, *self._paths)
        self._needed = tuple(
            path
            for path in dict.fromkeys(paths)
            if any(path != cover and below(path, cover) for cover in covers) and os.path.lexists(path)
        )

    def stand_in(self, programs: Mapping[str, str]) -> None:
        """Let programs of the host appear where the image has them."""
        for path, program in programs.items():
            canonical = self._canonical(path)
            self._open_up(canonical)
            place = self._place(canonical)
            if place.is_relative_to(self.folder) and not os.path.lexists(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(program)

    def working_dir(self) -> str:
        """The folder in which the leaf starts, made when the host lacks it."""
        if not self._declared.working_dir:
            return str(self.work)
        self._place(self._canonical(self._declared.working_dir)).mkdir(parents=True, exist_ok=True)
        return self._declared.working_dir

    def mounts(self) -> list[list[str]]:
        """Bubblewrap's options, outer folders first."""
        found = {path: ["--bind", path, path] for path in self._writable if path not in self._private}
        found["/"] = ["--ro-bind", "/", "/"]
        found["/var/tmp"] = ["--tmpfs", "/var/tmp"]
        for path in self._private:
            found[path] = ["--bind", str(self._inside(path)), path]
        host_view = False
        for path in sorted(self._private):
            host_view = self._show_host(path, found) or host_view
        found["/dev"] = ["--dev-bind", "/dev", "/dev"]
        read_only = {_behind_links(mount.path) for mount in self._declared.mounts if mount.read_only}
        for path, place in self._areas:
            found[path] = ["--ro-bind" if path in read_only else "--bind", str(place), path]
        for path in self._needed:
            rw = os.path.realpath(path) in self._writable
            found.setdefault(path, ["--bind" if rw else "--ro-bind", path, path])
        found[str(self.folder)] = ["--bind", str(self.folder), str(self.folder)]
        if host_view:
            view = self.folder / "host"
            view.mkdir(exist_ok=True)
            found[str(view)] = ["--ro-bind", "/", str(view)]
        self._remember_stubs(found)
        return [found[path] for path in sorted(found, key=lambda path: (path.count("/") * (path != "/"), path))]

    def settle(self) -> None:
        """After the process: take away the mount points that were made inside the leaf's own folders."""
        for place in sorted(self._stubs, key=lambda stub: len(stub.parts), reverse=True):
            try:
                if place.is_file() and not place.is_symlink() and place.stat().st_size == 0:
                    place.unlink()
                elif place.is_dir() and not place.is_symlink():
                    place.rmdir()
            except OSError:
                continue  # the leaf has put something there
        for path, place in self._copied.items():
            close_links(path, place)
        for path in self._declared.outputs:
            # Images start in /, so a leaf may write what it declares by a relative name; here it starts in its own folder.
            if not self._declared.working_dir and not os.path.lexists(self._place(self._canonical(path))):
                relative = self.work / path.lstrip("/")
                if os.path.lexists(relative):
                    self._moved[path] = relative

    def _inside(self, path: str) -> Path:
        return self._files / path.lstrip("/")

    def _canonical(self, path: str) -> str:
        """The path with the host's links followed, up to the first folder that is not the host's."""
        if self._covered(path):
            return path
        current = "/"
        parts = [part for part in path.split("/") if part]
        for index, part in enumerate(parts):
            following = posixpath.join(current, part)
            if self._covered(following):
                return posixpath.join(following, *parts[index + 1 :])
            if index < len(parts) - 1 and os.path.islink(following):
                following = os.path.realpath(following)
            current = following
        return current

    def _covered(self, path: str) -> bool:
        """Whether /tmp, a volume or the kernel's own folders already hold the path."""
        return any(below(path, area) for area, _ in self._areas) or any(below(path, folder) for folder in _KERNEL)

    def _place(self, path: str) -> Path:
        """Where a canonical path lies on the host."""
        for area, place in self._areas:
            if below(path, area):
                return place / rest(path, area) if path != area else place
        if not any(below(path, private) for private in self._private) or any(below(path, folder) for folder in _KERNEL):
            return Path(path)
        declared = any(below(path, own) for own in self._paths)
        return self._inside(path) if declared or not os.path.lexists(path) else Path(path)

    def _followed(self, path: str) -> Path:
        """Where a path lies when the leaf made it a link: its target means a place in the leaf's view, not in ours."""
        place = self._place(path)
        for _ in range(40):
            if not place.is_symlink():
                break
            path = self._canonical(posixpath.normpath(posixpath.join(posixpath.dirname(path), os.readlink(place))))
            place = self._place(path)
        return place

    def _open_up(self, path: str) -> None:
        """Make the nearest folder of the host above `path` a private one, so that `path` can be made in it."""
        mounted = path in dict(self._areas)
        if mounted and (os.path.isdir(path) or self._covered(posixpath.dirname(path))):
            return
        if not mounted and self._covered(path):
            return
        folder = posixpath.dirname(path)
        while not os.path.isdir(folder):
            folder = posixpath.dirname(folder)
        if folder in self._private:
            return
        self._private.add(folder)
        place = self._inside(folder)
        place.mkdir(parents=True, exist_ok=True)
        if folder != "/":
            place.chmod(stat.S_IMODE(os.stat(folder).st_mode) | stat.S_IRWXU)

    def _copy(self, path: str) -> None:
        """A declared output that the host already has: the leaf gets a copy, as a container has its image's."""
        if self._covered(path) or not os.path.lexists(path):
            return
        place = self._inside(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        copy(path, place)
        self._copied[path] = place

    def _show_host(self, folder: str, found: dict[str, list[str]]) -> bool:
        """Let the host's entries of a private folder appear in it; whether one needs the view of the whole host."""
        linked = False
        hidden = {*self._paths, *self._private, *_KERNEL, *TEMPORARY, "/lost+found"}
        for name, is_link, is_folder in _entries(folder):
            path = posixpath.join(folder, name)
            place = self._inside(path)
            if path in hidden or path in found:
                continue
            if is_link:
                if not os.path.lexists(place):
                    place.symlink_to(os.readlink(path))
            elif not is_folder:
                if not os.path.lexists(place):
                    place.symlink_to(self.folder / "host" / path.lstrip("/"))
                linked = True
            elif folder == "/" and not _entries(path) and os.access(path, os.R_OK):
                place.mkdir(exist_ok=True)
            else:
                rw = any(below(path, w) for w in self._writable)
                found[path] = ["--bind-try" if rw else "--ro-bind-try", path, path]
        if folder == "/":
            found["/sys"] = ["--ro-bind-try", "/sys", "/sys"]
            found["/proc"] = ["--bind", "/proc", "/proc"]
        return linked

    def _remember_stubs(self, found: dict[str, list[str]]) -> None:
        """Bubblewrap makes missing mount points; those within what the leaf may hand out as an artifact are not its own."""
        areas = sorted({*dict(self._areas), *self._private, *self._paths} - {"/"}, key=len, reverse=True)
        here = str(self.folder)
        # One that no artifact can hold is left to whoever empties the folder, or uses it again.
        stays = self._plain and not any(below(here, path) or below(path, here) for path in self._declared.outputs)
        for path in found:
            if stays and path == here:
                continue
            area = next((a for a in areas if path != a and below(path, a)), None)
            if area is not None:
                top = self._place(area)
                place = top / rest(path, area)
                while place != top and not os.path.lexists(place):
                    self._stubs.add(place)
                    place = place.parent


def _behind_links(path: str) -> str:
    return posixpath.join(os.path.realpath(posixpath.dirname(path)), posixpath.basename(path))


def _entries(folder: str) -> list[tuple[str, bool, bool]]:
    """Name, is it a link, is it a folder; nothing for a folder that may not be read."""
    try:
        with os.scandir(folder) as found:
            return [(e.name, e.is_symlink(), e.is_dir(follow_symlinks=False)) for e in found]
    except PermissionError:
        return []
