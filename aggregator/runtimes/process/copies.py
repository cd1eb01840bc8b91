"""Copies of what the host has at declared output paths, and the removal of whole trees."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from aggregator.runtimes.process.declared import below
from aggregator.runtimes.process.refused import LeafRefused

COPY_LIMIT = 256 << 20
"""Bytes of the host that are copied for one declared output."""
_SMALL = 1 << 20


def copy(source: str, target: Path) -> None:
    """Give the leaf its own copy of a file or folder, as a container has its image's; links stay links while it runs."""
    if not os.path.isdir(source) or os.path.islink(source):
        _copy_file(source, target)
        return
    size = 0
    for folder, _, names in os.walk(source):
        size += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
        if size > COPY_LIMIT:
            raise LeafRefused(
                f"the output path {source} is a folder of this host of over {COPY_LIMIT >> 20} MiB, too much to copy",
                hint="let the leaf write its output below a path of its own, for example /tmp/out",
            )
    _copy_tree(source, target)


def close_links(source: str, target: Path) -> None:
    """Before a copied folder is handed out: links of the host become small files where they lead out of it, or go."""
    for folder, folders, names in os.walk(target):
        for name in (*folders, *names):
            place = Path(folder, name)
            original = os.path.join(source, os.path.relpath(place, target))
            if not place.is_symlink() or not os.path.islink(original):
                continue  # what the leaf made is its own affair
            end = os.path.realpath(original)
            within = below(end, source) and os.path.isfile(end)
            if within and not os.readlink(original).startswith("/"):
                continue
            place.unlink()
            if within:
                place.symlink_to(os.path.relpath(end, os.path.dirname(original)))
            elif os.path.isfile(end) and os.path.getsize(end) <= _SMALL:
                _copy_file(end, place)


def make_folder(path: Path, mode: int) -> None:
    """An empty folder of this mode, whatever the umask; one that an earlier attempt has left so is used again."""
    try:
        os.mkdir(path)
    except FileExistsError:
        return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkdir(path)
    os.chmod(path, mode)


def remove_tree(path: Path) -> None:
    """Delete a folder, also one whose parts were made unreadable."""

    def again(_function: object, name: str, _: object) -> None:
        parent = os.path.dirname(name)
        for folder in (parent, name):
            if not os.path.islink(folder):
                os.chmod(folder, 0o700)
        if os.path.isdir(name) and not os.path.islink(name):
            shutil.rmtree(name, ignore_errors=True)
        else:
            os.unlink(name)

    if path.exists():
        shutil.rmtree(path, onerror=again)


def _copy_tree(source: str, target: Path) -> None:
    """Copy what may be read, links as links."""
    try:
        target.mkdir(exist_ok=True)
        entries = list(os.scandir(source))
    except PermissionError:
        return
    for entry in entries:
        if entry.is_symlink():
            (target / entry.name).symlink_to(os.readlink(entry.path))
        elif entry.is_dir(follow_symlinks=False):
            _copy_tree(entry.path, target / entry.name)
        elif entry.is_file(follow_symlinks=False):
            _copy_file(entry.path, target / entry.name)


def _copy_file(source: str, target: Path) -> None:
    try:
        shutil.copy2(source, target, follow_symlinks=True)
    except PermissionError:
        target.unlink(missing_ok=True)
