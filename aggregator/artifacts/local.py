"""The local driver: a folder as the store; the default repository of a run, or any path that the location names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from aggregator.artifacts import files
from aggregator.errors import NotFound, StoreError

if TYPE_CHECKING:
    from aggregator.ports import Location


class LocalDriver:
    """Implements ports.ArtifactDriver. A location is `{key: ...}` under the root, or `{path: ...}` anywhere."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def make(cls, *, root: Path, **_: Any) -> Self:
        return cls(root)

    def load(self, location: Location, target: Path) -> None:
        path = self._found(location, "load")
        with files.whole(target, f"load {path}") as part:
            if path.is_dir():
                files.copy_folder(path, part)
            else:
                files.copy(path, part)

    def save(self, source: Path, location: Location) -> None:
        files.check_source(source)
        path = self._path(location)
        if path == self._root:
            raise StoreError(f"can't store {source}: the location has no key")
        with files.whole(path, f"store {path}") as part:
            if source.is_dir():
                files.copy_folder(source, part)
            else:
                files.copy(source, part)

    def open(self, location: Location) -> BinaryIO:
        path = self._found(location, "open")
        with files.local_errors(f"open {path}", path):
            return cast("BinaryIO", path.open("rb"))

    def list(self, location: Location) -> list[str]:
        path = self._path(location)
        start = str(location.get("key") or location.get("path") or "").rstrip("/")
        with files.local_errors(f"list {path}", path):
            if path.is_dir():
                # What is just being written has a name that begins with a dot and ends in `.part`.
                names = [name for name in files.walk(path)[0] if not _unfinished(name)]
                return [f"{start}/{name}" if start else name for name in names]
            return [start] if path.exists() else []

    def delete(self, location: Location) -> None:
        path = self._path(location)
        with files.local_errors(f"delete {path}", path):
            files.remove(path)

    def _path(self, location: Location) -> Path:
        given = location.get("path")
        if given:
            path = Path(str(given))
            if not path.is_absolute():
                raise StoreError(f"local.path {given!r} is not absolute", hint="use `key` for a path in the repository")
            return path
        key = str(location.get("key") or "").strip("/")
        return files.inside(self._root, key) if key else self._root

    def _found(self, location: Location, doing: str) -> Path:
        path = self._path(location)
        if not path.exists():
            raise NotFound(f"can't {doing} {path}: there is no such file or folder")
        return path


def _unfinished(name: str) -> bool:
    return any(part.startswith(".") and part.endswith(".part") for part in name.split("/"))
