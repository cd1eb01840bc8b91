"""Local files as drivers need them: written whole or not at all, walked without leaving their folder."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from aggregator.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def local_errors(doing: str, path: Path) -> Iterator[None]:
    """What the file system refuses within comes out as a StoreError that names the path."""
    try:
        yield
    except OSError as exc:
        where = exc.filename2 or exc.filename or path
        if isinstance(where, bytes):
            where = os.fsdecode(where)
        if exc.errno in _FULL:
            raise StoreError(
                f"can't {doing}: the disk is full ({where})", hint=f"free space on the disk of {path}"
            ) from exc
        raise StoreError(f"can't {doing}: {exc.strerror or exc} ({where})") from exc


def beside(target: Path) -> Path:
    """A new name in the target's own folder, which is made: what is written there can be renamed into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent / f".{target.name[:100]}.{secrets.token_hex(6)}.part"


@contextmanager
def whole(target: Path, doing: str) -> Iterator[Path]:
    """A path to write a file or folder to, which becomes `target` at the end and leaves nothing behind on any error."""
    with local_errors(doing, target):
        part = beside(target)
        try:
            yield part
            replace(part, target)
        finally:
            remove(part)


def replace(source: Path, target: Path) -> None:
    """Rename into place, over whatever file or folder stands there."""
    if target.is_dir() and not target.is_symlink():
        old = beside(target)
        target.rename(old)
        source.rename(target)
        remove(old)
    elif source.is_dir() and (target.exists() or target.is_symlink()):
        target.unlink()
        source.rename(target)
    else:
        source.replace(target)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, also one whose modes forbid it; nothing there is no error."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        path.chmod(0o700)
        for entry in path.iterdir():
            remove(entry)
        path.rmdir()


def walk(folder: Path) -> tuple[list[str], list[str]]:
    """Files and folders under `folder`, relative, with `/`, sorted.

    A link counts as the file it points at, if that lies in the folder as well; a link to elsewhere, a link to a folder, a
    pipe, socket or device is a StoreError: none of these can be an object in a store.
    """
    files: list[str] = []
    folders: list[str] = []
    root = folder.resolve()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        with os.scandir(current) as found:
            entries = list(found)
        for entry in entries:
            path = Path(entry.path)
            name = path.relative_to(folder).as_posix()
            if entry.is_symlink():
                check_link(path, root)
                if not path.is_file():
                    raise StoreError(
                        f"can't store {path}: it is a link to {str(path.readlink())!r}, which is no file",
                        hint="archive the folder (the default), which keeps links as they are",
                    )
                files.append(name)
            elif entry.is_dir():
                folders.append(name)
                waiting.append(path)
            elif entry.is_file():
                files.append(name)
            else:
                raise StoreError(f"can't store {path}: it is {kind_of(path)}, not a file")
    return sorted(files), sorted(folders)


def empty_folders(names: list[str], folders: list[str]) -> list[str]:
    """Keys that keep the folders without files in a store that knows only files; `""` for the top itself.

    Each ends in `/`, but for the top's, whose key is the folder's own.
    """
    filled = {"/".join(name.split("/")[:depth]) for name in (*names, *folders) for depth in range(name.count("/") + 1)}
    return [f"{name}/" if name else "" for name in ("", *folders) if name not in filled]


def check_link(path: Path, root: Path) -> None:
    """Refuse a link that leaves `root`: what it points at is not the leaf's, or is not what the leaf saw."""
    if not path.resolve().is_relative_to(root):
        raise StoreError(
            f"can't store {path}: it is a link to {str(path.readlink())!r}, outside of the artifact",
            hint="copy the file instead of linking it",
        )


def kind_of(path: Path) -> str:
    """What a path is, in words."""
    mode = path.lstat().st_mode
    kinds = (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISREG, "a file"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISCHR, "a device"),
    )
    return next((word for test, word in kinds if test(mode)), "of unknown kind")


def check_source(source: Path) -> None:
    """What is to be stored must be a file or folder itself; a link is followed only within its own folder."""
    if source.is_symlink():
        check_link(source, source.parent.resolve())
    if not source.exists():
        raise StoreError(f"can't store {source}: there is no such file or folder")
    if not (source.is_file() or source.is_dir()):
        raise StoreError(f"can't store {source}: it is {kind_of(source)}, not a file")


def inside(target: Path, name: str) -> Path:
    """`target/name` for the relative name of a stored file; StoreError when it would lie elsewhere."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name:
        raise StoreError(f"refused to write {name!r}: it would leave {target}")
    return target.joinpath(*parts)


def copy(source: Path, target: Path) -> None:
    """The bytes and permissions of a file; the kernel copies, so memory stays constant."""
    shutil.copyfile(source, target)
    target.chmod(stat.S_IMODE(source.stat().st_mode) & 0o777)


def copy_folder(source: Path, target: Path) -> None:
    """All files and folders under `source`, links as the files they point at."""
    files, folders = walk(source)
    target.mkdir()
    for name in folders:
        (target / name).mkdir(parents=True, exist_ok=True)
    for name in files:
        copy(source / name, target / name)


def set_modes(path: Path, mode: int | None, *, recurse: bool = False) -> None:
    """Argo's `mode` of an input artifact, for the top or for all below it; links are left alone."""
    if mode is None:
        return
    paths = [path]
    if recurse and path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path, topdown=False):
            paths[:0] = [Path(folder) / name for name in (*files, *folders)]
    for each in paths:
        if not each.is_symlink():
            each.chmod(mode & 0o7777)
