"""Archives: packs output artifacts (none, tar.gz, zip) and recognises and unpacks input artifacts."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from aggregator.artifacts import files
from aggregator.artifacts.extract import GZIP_MAGIC, LIMITS, Limits, extract_tar, extract_zip
from aggregator.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Archive = Mapping[str, Any] | None


def method_of(archive: Archive) -> str:
    """`tar`, `zip` or `none`; an empty text when the artifact does not say."""
    given = [name for name in ("none", "tar", "zip") if archive and archive.get(name) is not None]
    if len(given) > 1:
        raise StoreError(f"archive names {' and '.join(given)}", hint="give one of none, tar and zip")
    return given[0] if given else ""


def packed_name(name: str, path: str, archive: Archive) -> str:
    """The last part of the key that an output artifact gets when it names none."""
    method = method_of(archive)
    if method == "none":
        return PurePosixPath(path).name or name
    return f"{name}.zip" if method == "zip" else f"{name}.tgz"


def pack(source: Path, scratch: Path, archive: Archive) -> Path:
    """What to store for `source`: itself without an archive, else the archive, written into the folder `scratch`.

    An archive has one top entry, of the source's name, so that loading it gives the same file or folder again.
    """
    files.check_source(source)
    method = method_of(archive)
    if method == "none":
        return source
    packed = scratch / "packed"
    with files.whole(packed, f"pack {source}") as part:
        if method == "zip":
            _pack_zip(source, part)
        else:
            _pack_tar(source, part, _level(archive))
    return packed


def unpack(source: Path, target: Path, archive: Archive, *, limits: Limits = LIMITS) -> None:
    """Move what was loaded from a store to `target`, unpacked when it is an archive; `source` is gone afterwards.

    Without word of an archive, a gzip'd tar is recognised; anything else is left as it is. An archive with a single top
    entry becomes that entry; otherwise the target is a folder of all entries.
    """
    method = method_of(archive)
    if source.is_dir() or method == "none" or (not method and not is_tar_gz(source)):
        with files.local_errors(f"place {target}", target):
            target.parent.mkdir(parents=True, exist_ok=True)
            files.replace(source, target)
        return
    with files.local_errors(f"unpack {source.name} to {target}", target), _understood(source, target, method or "tar"):
        part = files.beside(target)
        part.mkdir()
        try:
            extract = extract_zip if method == "zip" else extract_tar
            top, finish = extract(source, part, limits)
            files.replace(top, target)
            finish(target)
        finally:
            files.remove(part)
        source.unlink(missing_ok=True)


@contextmanager
def _understood(source: Path, target: Path, method: str) -> Iterator[None]:
    try:
        yield
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        gzip.BadGzipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as exc:
        # zipfile raises RuntimeError for encrypted entries, NotImplementedError for methods it lacks.
        size = source.stat().st_size if source.exists() else 0
        raise StoreError(
            f"can't unpack the artifact for {target} as {method}: {exc or 'it ends too early'} ({size} bytes)",
            hint="if it is no archive, say `archive: {none: {}}`",
        ) from exc


def is_tar_gz(path: Path) -> bool:
    """Whether the file is a gzip'd tar: the magic of the one and a valid first header of the other."""
    try:
        with path.open("rb") as raw:
            if raw.read(2) != GZIP_MAGIC:
                return False
        with gzip.open(path) as unzipped:
            block = unzipped.read(tarfile.BLOCKSIZE)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    if len(block) == tarfile.BLOCKSIZE and not block.strip(b"\0"):
        return True  # an empty tar
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _level(archive: Archive) -> int:
    """Gzip's level as Argo writes it: 0 stores, 1-9, -1 is the default, -2 the fastest."""
    level = ((archive or {}).get("tar") or {}).get("compressionLevel")
    if level is None or level == -1:
        return 6
    if level == -2:
        return 1
    if not isinstance(level, int) or not 0 <= level <= 9:
        raise StoreError(
            f"archive.tar.compressionLevel is {level!r}", hint="use -2 to 9; -1 is gzip's default, 0 does not compress"
        )
    return level


def _pack_tar(source: Path, target: Path, level: int) -> None:
    def entry(info: tarfile.TarInfo) -> tarfile.TarInfo:
        if not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
            raise StoreError(f"can't pack {source.parent / info.name}: it is a pipe or device, not a file")
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        return info

    _refuse_sockets(source)
    # No name and time in gzip's header: equal files give equal bytes.
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", level, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        # Links below stay links, but the artifact itself is the file, not a link to it.
        tar.add(source.resolve() if source.is_symlink() else source, source.name, filter=entry)


def _refuse_sockets(source: Path) -> None:
    """Tarfile leaves sockets out without a word."""
    for folder, _, names in os.walk(source):
        for name in names:
            path = Path(folder) / name
            if stat.S_ISSOCK(path.lstat().st_mode):
                raise StoreError(f"can't pack {path}: it is a socket, not a file")


def _pack_zip(source: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        waiting = [(source.resolve() if source.is_symlink() else source, source.name)]
        while waiting:
            path, name = waiting.pop()
            if not name.isascii() and name.encode("utf-8", "replace").decode() != name:
                raise StoreError(
                    f"can't pack {path!a}: zip has no name for it, as it is not UTF-8", hint="archive it as tar"
                )
            if path.is_symlink():
                link = zipfile.ZipInfo(name)
                link.create_system = 3  # Unix, so that readers look at the mode
                link.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(link, str(path.readlink()))
            elif path.is_dir():
                archive.write(path, name + "/")
                waiting += [(each, f"{name}/{each.name}") for each in sorted(path.iterdir(), reverse=True)]
            elif path.is_file():
                archive.write(path, name)
            else:
                raise StoreError(f"can't pack {path}: it is {files.kind_of(path)}, not a file")
