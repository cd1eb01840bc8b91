"""Safe extraction of tar and zip: nothing is written outside the target, and nothing grows without bound.

Refused are absolute names and `..`, links that lead out (whatever they lead through), devices and pipes, and bombs: too many
entries, too many bytes, or too many bytes for the archive's size. Links are made last, so nothing is ever written through one.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final, cast

from aggregator.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

GZIP_MAGIC: Final = b"\x1f\x8b"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one extraction."""

    max_bytes: int = 100 << 30
    max_entries: int = 2_000_000
    max_ratio: int = 200
    """Unpacked bytes for one packed byte; deflate reaches 1,030 on zeros, and real data hardly 50."""
    ratio_from: int = 256 << 20
    """Below this many unpacked bytes the ratio does not matter."""


LIMITS: Final = Limits()

if TYPE_CHECKING:
    Extracted = tuple[Path, Callable[[Path], None]]
    """The entry or folder to move into place, and what to do after the move."""


class _Extraction:
    """The state of one extraction into the empty folder `root`."""

    def __init__(self, source: Path, root: Path, limits: Limits) -> None:
        self.root = root
        self._limits = limits
        self._packed = max(1, source.stat().st_size)
        self._bytes = 0
        self._measured = 0
        self._entries = 0
        self._links: dict[str, str] = {}
        self._modes: dict[str, int] = {}

    def name(self, raw: str) -> str:
        """The entry's name, relative and clean; empty for the archive's own root."""
        self._entries += 1
        if self._entries > self._limits.max_entries:
            raise StoreError(f"refused to unpack more than {self._limits.max_entries} entries")
        path = PurePosixPath(raw)
        if path.is_absolute() or ".." in path.parts or "\0" in raw:
            raise StoreError(f"refused to unpack {raw!r}: the name leaves the target folder")
        return "" if str(path) == "." else str(path)

    def expect(self, size: int) -> None:
        """That many bytes more will lie on the disk."""
        self._bytes += size
        self._check(self._bytes)

    def measure(self, size: int) -> None:
        """That many bytes more came out of the decompressor, names and paddings included."""
        self._measured += size
        self._check(self._measured)

    def _check(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise StoreError(f"refused to unpack more than {self._limits.max_bytes} bytes")
        if size > self._limits.ratio_from and size > self._packed * self._limits.max_ratio:
            raise StoreError(
                f"refused to unpack: {self._packed} packed bytes give more than {self._limits.max_ratio} for one, "
                "which looks like a bomb",
                hint="if the data is right, store it with `archive: {none: {}}`",
            )

    def folder(self, name: str, mode: int | None) -> None:
        path = self.root / name
        self._ground(path)
        path.mkdir(exist_ok=True)
        if mode is not None:
            self._modes[name] = mode & 0o777

    def file(self, name: str, content: IO[bytes], mode: int | None) -> None:
        path = self._fresh(name)
        with path.open("xb") as out:
            while chunk := content.read(_CHUNK):
                self.expect(len(chunk))
                out.write(chunk)
        # The owner may always read: a leaf's mode 0 would only hide the file from ourselves.
        path.chmod((mode & 0o777 | 0o400) if mode is not None else 0o644)

    def hard_link(self, name: str, target: str) -> None:
        origin = self.root / self.name(target)
        if origin.is_symlink() or not origin.is_file():
            raise StoreError(f"refused to unpack {name!r}: a hard link to {target!r}, which is no file of the archive")
        path = self._fresh(name)
        self.expect(origin.stat().st_size)
        shutil.copyfile(origin, path)
        shutil.copymode(origin, path)

    def link(self, name: str, target: str) -> None:
        """Remember a link; it is made at the end."""
        if not target or target.startswith("/") or "\0" in target:
            raise StoreError(f"refused to unpack {name!r}: a link to {target!r}, outside of the target folder")
        self._links[name] = target

    def finish(self) -> Extracted:
        """Make the links, check where they lead, and say what the archive comes to."""
        for name, target in self._links.items():
            path = self._fresh(name)
            path.symlink_to(target)
        tops = sorted(self.root.iterdir())
        top = tops[0] if len(tops) == 1 else self.root
        home = Path(os.path.realpath(top if top.is_dir() and not top.is_symlink() else self.root))
        if top.is_symlink():
            raise StoreError(f"refused to unpack {top.name!r}: the archive holds nothing but a link")
        for name, target in self._links.items():
            # Resolved in full: a link may be harmless by its letters and still lead out through another link.
            if not Path(os.path.realpath(self.root / name)).is_relative_to(home):
                raise StoreError(f"refused to unpack {name!r}: a link to {target!r}, outside of the target folder")
        prefix = "" if top == self.root else top.name
        modes = sorted(self._modes.items(), reverse=True)
        self.root.chmod(0o755)

        def set_folder_modes(target: Path) -> None:
            """Last, and the deepest first: a folder that may not be written can't be filled or moved."""
            for name, mode in modes:
                if prefix and not name:
                    continue  # the archive's own root, which is not kept when it holds one entry only
                (target / PurePosixPath(name).relative_to(prefix)).chmod(mode | 0o500)

        return top, set_folder_modes

    def _fresh(self, name: str) -> Path:
        """Where an entry goes, with its folder made and an earlier entry of the name taken away, as tar has it."""
        if not name:
            raise StoreError("refused to unpack an entry without a name")
        path = self.root / name
        self._ground(path)
        if path.is_dir() and not path.is_symlink():
            raise StoreError(f"refused to unpack {name!r}: it is a folder and something else at once")
        path.unlink(missing_ok=True)
        return path

    def _ground(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as exc:
            name = path.relative_to(self.root)
            raise StoreError(f"refused to unpack {str(name)!r}: part of its path is a file or link") from exc


class _Measured:
    """A decompressed stream that counts what was read, so that headers can't grow without bound either."""

    def __init__(self, stream: IO[bytes], extraction: _Extraction) -> None:
        self._stream = stream
        self._extraction = extraction

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._extraction.measure(len(data))
        return data


def extract_tar(source: Path, root: Path, limits: Limits) -> Extracted:
    """A tar, plain or gzip'd, into the empty folder `root`, read once from front to end."""
    extraction = _Extraction(source, root, limits)
    with source.open("rb") as raw:
        zipped = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw
        measured = cast("IO[bytes]", _Measured(stream, extraction))
        with tarfile.open(fileobj=measured, mode="r|", bufsize=_CHUNK, errors="surrogateescape") as tar:
            for member in tar:
                _extract_member(tar, member, extraction)
        while measured.read(_CHUNK):
            pass  # gzip checks its sum at the very end, and tar stops before it
    return extraction.finish()


def _extract_member(tar: tarfile.TarFile, member: tarfile.TarInfo, extraction: _Extraction) -> None:
    name = extraction.name(member.name)
    if member.isdir():
        extraction.folder(name, member.mode)
    elif member.issym():
        extraction.link(name, member.linkname)
    elif member.islnk():
        extraction.hard_link(name, member.linkname)
    elif member.isreg():
        content = tar.extractfile(member)
        assert content is not None
        with content:
            extraction.file(name, content, member.mode)
    else:
        raise StoreError(f"refused to unpack {member.name!r}: it is a device or pipe")


def extract_zip(source: Path, root: Path, limits: Limits) -> Extracted:
    """A zip into the empty folder `root`."""
    extraction = _Extraction(source, root, limits)
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
        if sum(entry.compress_size for entry in entries) > source.stat().st_size:
            raise StoreError("refused to unpack: the zip's entries overlap, which looks like a bomb")
        for entry in entries:
            name = extraction.name(entry.filename)
            mode = entry.external_attr >> 16 if entry.create_system == 3 else 0
            kind = stat.S_IFMT(mode)
            if entry.is_dir():
                extraction.folder(name, mode or None)
            elif kind == stat.S_IFLNK:
                if entry.file_size > 4096:
                    raise StoreError(f"refused to unpack {entry.filename!r}: a link of {entry.file_size} bytes")
                extraction.link(name, os.fsdecode(archive.read(entry)))
            elif kind not in {0, stat.S_IFREG}:
                raise StoreError(f"refused to unpack {entry.filename!r}: it is a device or pipe")
            else:
                with archive.open(entry) as content:
                    extraction.file(name, content, mode or None)
    return extraction.finish()
