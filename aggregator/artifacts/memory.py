"""The memory driver: a store that lives as long as its object, for tests."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from aggregator.artifacts import files
from aggregator.errors import NotFound, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aggregator.ports import Location


class MemoryDriver:
    """Implements ports.ArtifactDriver. A key that ends in `/` stands for an empty folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.objects: dict[str, bytes] = {}

    @classmethod
    def make(cls, **_: Any) -> Self:
        return cls()

    def load(self, location: Location, target: Path) -> None:
        key = _key(location)
        with self._lock:
            data = self.objects.get(key)
            below = {each: content for each, content in self.objects.items() if each.startswith(_folder(key))}
        if data is None and not below:
            raise NotFound(f"memory: can't load {key!r}: there is no such object")
        with files.whole(target, f"load {key!r}") as part:
            if data is not None:
                part.write_bytes(data)
                return
            part.mkdir()
            for each, content in below.items():
                name = each.removeprefix(_folder(key))
                if each.endswith("/"):
                    (files.inside(part, name) if name else part).mkdir(parents=True, exist_ok=True)
                else:
                    path = files.inside(part, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)

    def save(self, source: Path, location: Location) -> None:
        key = _key(location)
        files.check_source(source)
        if not source.is_dir():
            written = {key: source.read_bytes()}
        else:
            names, folders = files.walk(source)
            written = {_folder(key) + name: (source / name).read_bytes() for name in names}
            written |= {_folder(key) + name: b"" for name in files.empty_folders(names, folders)}
        with self._lock:
            self.objects.update(written)

    def open(self, location: Location) -> BinaryIO:
        key = _key(location)
        with self._lock:
            if key not in self.objects:
                raise NotFound(f"memory: can't open {key!r}: there is no such object")
            return io.BytesIO(self.objects[key])

    def list(self, location: Location) -> list[str]:
        return [key for key in self._keys(location) if not key.endswith("/")]

    def delete(self, location: Location) -> None:
        for key in self._keys(location):
            with self._lock:
                self.objects.pop(key, None)

    def _keys(self, location: Location) -> Sequence[str]:
        key = str(location.get("key", "")).rstrip("/")
        with self._lock:
            return sorted(each for each in self.objects if not key or each == key or each.startswith(_folder(key)))


def _folder(key: str) -> str:
    return f"{key.rstrip('/')}/"


def _key(location: Location) -> str:
    key = location.get("key")
    if not isinstance(key, str) or not key:
        raise StoreError("memory: the location has no key")
    return key
