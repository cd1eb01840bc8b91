"""A driver over any store of objects with keys: what files, folders and streams are, for the stores that only know objects."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from aggregator.artifacts import files
from aggregator.artifacts.pooled import bound, run_all
from aggregator.errors import NotFound, StoreError, TransientError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aggregator.ports import Location

WORKERS = 8
STEP = 4 << 20
"""A stream is read in ranges of this many bytes."""


class ObjectStore(Protocol):
    """One bucket, as some library reaches it. Thread-safe; raises NotFound, TransientError and StoreError, never retries.

    `fetch` and `store` move one object whole, with its checksum compared, or raise; `store` shows nothing before the end.
    """

    def url(self, key: str) -> str: ...

    def prepare(self) -> None:
        """What the location asks for before the first write: making the bucket."""

    def fetch(self, key: str, target: Path) -> None: ...

    def store(self, source: Path, key: str) -> None: ...

    def mark(self, key: str) -> None:
        """An empty object, which stands for an empty folder."""

    def keys(self, prefix: str) -> Iterable[str]:
        """All keys that begin so."""

    def measure(self, key: str) -> tuple[int, str]:
        """Size, and a tag that is another for each version."""

    def read(self, key: str, start: int, size: int, tag: str) -> bytes:
        """Some bytes, at least one, of the version with this tag."""

    def remove(self, key: str) -> None:
        """What is not there is no error."""


class ObjectDriver:
    """Implements ports.ArtifactDriver; who inherits it says which store and key a location means."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(WORKERS, "artifact")

    def close(self) -> None:
        self._pool.shutdown()

    def place(self, location: Location) -> tuple[ObjectStore, str]:
        """The store of the location and the key in it, which may be empty."""
        raise NotImplementedError

    def load(self, location: Location, target: Path) -> None:
        store, key = self._keyed(location)
        with files.whole(target, f"load {store.url(key)} to {target}") as part:
            absent = NotFound(f"can't load {store.url(key)}: there is no object of this key, and none under it")
            if not key.endswith("/"):
                try:
                    store.fetch(key, part)
                except NotFound as exc:
                    files.remove(part)
                    absent = exc
                else:
                    return
            self._load_folder(store, f"{key.rstrip('/')}/", part, absent)

    def _load_folder(self, store: ObjectStore, start: str, target: Path, absent: NotFound) -> None:
        keys = list(store.keys(start))
        if not keys:
            raise absent
        target.mkdir()

        def load(key: str) -> None:
            path = files.inside(target, key.removeprefix(start))
            path.parent.mkdir(parents=True, exist_ok=True)
            store.fetch(key, path)

        for key in keys:
            if key.endswith("/") and key != start:
                files.inside(target, key.removeprefix(start)).mkdir(parents=True, exist_ok=True)
        run_all(self._pool, [bound(load, key) for key in keys if not key.endswith("/")], ahead=2 * WORKERS)

    def save(self, source: Path, location: Location) -> None:
        store, key = self._keyed(location)
        with files.local_errors(f"store {source}", source):
            files.check_source(source)
            if not source.is_dir():
                if key.endswith("/"):
                    raise StoreError(f"can't store {store.url(key)}: a key that ends in '/' is a folder, not a file")
                store.prepare()
                store.store(source, key)
                return
            names, folders = files.walk(source)
            start = f"{key.rstrip('/')}/"
            store.prepare()
            calls = [bound(lambda name: store.store(source / name, start + name), name) for name in names]
            calls += [
                bound(lambda name: store.mark(start + name), name) for name in files.empty_folders(names, folders)
            ]
            run_all(self._pool, calls, ahead=2 * WORKERS)

    def open(self, location: Location) -> BinaryIO:
        store, key = self._keyed(location)
        return cast("BinaryIO", io.BufferedReader(_Reader(store, key), STEP))

    def list(self, location: Location) -> list[str]:
        store, key = self.place(location)
        key = key.rstrip("/")
        keys = set(store.keys(f"{key}/" if key else ""))
        if key:
            try:
                store.measure(key)
                keys.add(key)
            except NotFound:
                pass
        return sorted(each for each in keys if not each.endswith("/"))

    def delete(self, location: Location) -> None:
        store, key = self._keyed(location)
        keys = [*store.keys(f"{key.rstrip('/')}/"), key]
        run_all(self._pool, [bound(store.remove, each) for each in keys], ahead=2 * WORKERS)

    def _keyed(self, location: Location) -> tuple[ObjectStore, str]:
        store, key = self.place(location)
        if not key.strip("/"):
            raise StoreError(f"the location {store.url('')} has no key", hint="add the name of the object")
        return store, key


class _Reader(io.RawIOBase):
    """An object as a file that can be read from anywhere."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store = store
        self._key = key
        self._size, self._tag = store.measure(key)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence] + offset
        if position < 0:
            raise ValueError(f"can't seek to {position}")
        self._position = position
        return position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        data = self._store.read(self._key, self._position, wanted, self._tag)
        if not data:
            raise TransientError(
                f"can't read {self._store.url(self._key)}: the answer ended after {self._position} of {self._size} bytes"
            )
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def readall(self) -> bytes:
        """In large ranges: what is inherited asks for 8 KiB at a time."""
        chunks = []
        buffer = bytearray(STEP)
        while got := self.readinto(buffer):
            chunks.append(bytes(memoryview(buffer)[:got]))
        return b"".join(chunks)


def imported(module: str, extra: str, kind: str) -> Any:
    """A library that only this kind of store needs; Unsupported with the line that installs it when it is not there."""
    try:
        return import_module(module)
    except ImportError as exc:
        raise Unsupported(
            f"artifacts in {kind} need the Python package {module.partition('.')[0]!r}, which is not installed ({exc})",
            hint=f"pip install 'agg-workflows[{extra}]'",
        ) from exc


def named(location: Location, kind: str, field: str) -> str:
    """A field that the location can't do without."""
    value = location.get(field)
    if not isinstance(value, str) or not value.strip():
        raise StoreError(
            f"{kind}: the location has no {field}", hint=f"add `{field}`, or configure a default repository"
        )
    return value.strip()


def secret_of(location: Location, field: str, secrets: Any) -> str:
    """The secret that a field names; empty when the location does not name one."""
    reference = location.get(field)
    if not reference:
        return ""
    if not isinstance(reference, dict) or not reference.get("name") or not reference.get("key"):
        raise StoreError(f"{field} must name a secret: {{name: ..., key: ...}}")
    return cast("str", secrets.secret(str(reference["name"]), str(reference["key"])))
