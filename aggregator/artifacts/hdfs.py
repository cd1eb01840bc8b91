"""The hdfs driver: Hadoop's file system, spoken to in its own protocol without Java (the extra `hdfs`)."""

from __future__ import annotations

import os
import secrets as randoms
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aggregator.artifacts.objects import ObjectDriver, ObjectStore, imported, secret_of
from aggregator.errors import AggError, NotFound, StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aggregator.ports import Location, Secrets

_KIND = "HDFS"
_CHUNK = 4 << 20
_SERVICE = "agg"
_USER = "HADOOP_USER_NAME"


class HdfsDriver(ObjectDriver):
    """Implements ports.ArtifactDriver. Kerberos by keytab or credential cache; else as `hdfsUser`."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, ...], Any] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def make(cls, *, secrets: Secrets, **_: Any) -> Self:
        imported("hdfs_native", "hdfs", _KIND)
        return cls(secrets)

    def close(self) -> None:
        super().close()
        self._clients.clear()
        if self._folder is not None:
            self._folder.cleanup()

    def place(self, location: Location) -> tuple[ObjectStore, str]:
        addresses = location.get("addresses") or []
        if (
            not isinstance(addresses, (list, tuple))
            or not all(isinstance(each, str) for each in addresses)
            or not addresses
        ):
            raise StoreError("hdfs: the location has no addresses", hint="add `addresses: [NAMENODE:8020]`")
        path = str(location.get("path") or location.get("key") or "")
        return _Tree(self._client(location, addresses), addresses[0], force=bool(location.get("force"))), path

    def _client(self, location: Location, addresses: Any) -> Any:
        keytab = secret_of(location, "krbKeytabSecret", self._secrets)
        cache = secret_of(location, "krbCCacheSecret", self._secrets)
        user = str(location.get("hdfsUser") or "")
        protection = str(location.get("dataTransferProtection") or "")
        principal = str(location.get("krbUsername") or "")
        if principal and location.get("krbRealm"):
            principal += f"@{location['krbRealm']}"
        if location.get("krbConfigConfigMap"):
            raise StoreError(
                "hdfs: krbConfigConfigMap is not read here",
                hint="name the file by KRB5_CONFIG in the environment of agg",
            )
        key = (*addresses, user, principal, keytab, cache, protection)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._connect(location, addresses, user, principal, keytab, cache)
            return self._clients[key]

    def _connect(self, location: Location, addresses: Any, user: str, principal: str, keytab: str, cache: str) -> Any:
        library = imported("hdfs_native", "hdfs", _KIND)
        config = {}
        if keytab or cache:
            config["hadoop.security.authentication"] = "kerberos"
            config["dfs.namenode.kerberos.principal"] = str(location.get("krbServicePrincipalName") or "")
        if location.get("dataTransferProtection"):
            config["dfs.data.transfer.protection"] = str(location["dataTransferProtection"])
        url = f"hdfs://{addresses[0]}"
        if len(addresses) > 1:
            url = f"hdfs://{_SERVICE}"
            names = [f"nn{number}" for number in range(len(addresses))]
            config |= {"dfs.nameservices": _SERVICE, f"dfs.ha.namenodes.{_SERVICE}": ",".join(names)}
            for name, address in zip(names, addresses, strict=True):
                config[f"dfs.namenode.rpc-address.{_SERVICE}.{name}"] = address
        try:
            with _as_user(user if not principal else ""):
                return library.Client(
                    url, {name: value for name, value in config.items() if value}, kerberos_principal=principal or None,
                    kerberos_keytab=self._written(keytab), kerberos_cache=self._written(cache),
                )  # fmt: skip
        except Exception as exc:
            raise StoreError(f"hdfs: can't reach {', '.join(addresses)}: {exc}") from exc

    def _written(self, secret: str) -> str | None:
        """Kerberos reads files only; they lie in a folder of our own and go away with the driver."""
        if not secret:
            return None
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="agg-krb-")
        path = Path(self._folder.name) / randoms.token_hex(8)
        path.touch(0o600)
        path.write_bytes(secret.encode("utf-8", "surrogateescape"))
        return str(path)


@contextmanager
def _as_user(user: str) -> Iterator[None]:
    """The library asks the environment whom to be, when a client is made."""
    before = os.environ.get(_USER)
    if user:
        os.environ[_USER] = user
    try:
        yield
    finally:
        if user and before is None:
            os.environ.pop(_USER, None)
        elif user and before is not None:
            os.environ[_USER] = before


class _Tree:
    """Implements objects.ObjectStore over real folders: a key that ends in `/` is a folder."""

    def __init__(self, client: Any, address: str, *, force: bool) -> None:
        self._api = client
        self._address = address
        self._force = force

    def url(self, key: str) -> str:
        return f"hdfs://{self._address}{self._path(key)}"

    def prepare(self) -> None:
        """Folders are made as files need them."""

    def fetch(self, key: str, target: Path) -> None:
        with self._calling("load", key):
            size = self._file(key).length
            with target.open("wb") as out:
                # Every packet carries its checksums, which the library compares.
                for chunk in self._api.read(self._path(key)).read_range_stream(0, size):
                    out.write(chunk)
            got = target.stat().st_size
            if got != size:
                raise TransientError(f"hdfs: can't load {self.url(key)}: the answer ended after {got} of {size} bytes")

    def store(self, source: Path, key: str) -> None:
        path = self._path(key)
        part = f"{path.rpartition('/')[0]}/.{randoms.token_hex(8)}.part"
        library = imported("hdfs_native", "hdfs", _KIND)
        with self._calling("store", key):
            if not self._force and self._exists(key):
                raise StoreError(f"hdfs: {self.url(key)} is there already", hint="`force: true` overwrites it")
            size = source.stat().st_size
            try:
                with source.open("rb") as body:
                    writer = self._api.create(part, library.WriteOptions(create_parent=True))
                    while chunk := body.read(_CHUNK):
                        writer.write(chunk)
                    writer.close()
                written = self._api.get_file_info(part).length
                if written != size:
                    raise TransientError(f"hdfs: {self.url(key)} has {written} bytes after {size} were sent")
                self._api.rename(part, path, overwrite=True)
            except BaseException:
                with suppress(Exception):  # what went wrong first is the news
                    self._api.delete(part)
                raise

    def mark(self, key: str) -> None:
        with self._calling("store", key):
            self._api.mkdirs(self._path(key), create_parent=True)

    def keys(self, prefix: str) -> Iterable[str]:
        top = self._path(prefix)
        with self._calling("list", prefix):
            try:
                found = list(self._api.list_status(top, recursive=True))
            except Exception as exc:
                if _absent(exc):
                    return []
                raise
            names = {each.path: each.isdir for each in found if not each.path.endswith(".part")}
            if names.get(top) is False:
                return []  # a file, which has nothing below it
            start = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
            filled = {parent for path in names for parent in _parents(path)}
            keys = [
                f"{start}{path.removeprefix(top).strip('/')}{'/' if isdir else ''}"
                for path, isdir in names.items()
                if not isdir or path not in filled
            ]
            return keys or ([start] if start else [])

    def measure(self, key: str) -> tuple[int, str]:
        with self._calling("open", key):
            found = self._file(key)
            return int(found.length), str(found.modification_time)

    def read(self, key: str, start: int, size: int, tag: str) -> bytes:
        with self._calling("open", key):
            if str(self._file(key).modification_time) != tag:
                raise TransientError(f"hdfs: {self.url(key)} was changed meanwhile")
            data: bytes = self._api.read(self._path(key)).read_range(start, size)
            return data

    def remove(self, key: str) -> None:
        with self._calling("delete", key):
            try:
                self._api.delete(self._path(key), recursive=True)
            except Exception as exc:
                if not _absent(exc):  # nothing is there, or it has just gone with its folder
                    raise

    def _path(self, key: str) -> str:
        if ".." in key.split("/"):
            raise StoreError(f"refused the HDFS path {key!r}: it has '..' in it")
        return f"/{key.strip('/')}"

    def _exists(self, key: str) -> bool:
        try:
            self._api.get_file_info(self._path(key))
        except Exception as exc:
            if _absent(exc):
                return False
            raise
        return True

    def _file(self, key: str) -> Any:
        found = self._api.get_file_info(self._path(key))
        if found.isdir:
            raise NotFound(f"hdfs: {self.url(key)} is a folder")
        return found

    @contextmanager
    def _calling(self, doing: str, key: str) -> Iterator[None]:
        try:
            yield
        except AggError:
            raise
        except Exception as exc:
            start = f"hdfs: can't {doing} {self.url(key)}"
            said = " ".join(str(exc).split())
            if _absent(exc):
                raise NotFound(f"{start}: there is no such file") from exc
            if "AccessControlException" in said or isinstance(exc, PermissionError):
                raise StoreError(
                    f"{start}: it is not allowed ({said})", hint="check `hdfsUser` and the permissions"
                ) from exc
            if (
                isinstance(exc, OSError)
                and exc.errno is not None
                and not isinstance(exc, (ConnectionError, TimeoutError))
            ):
                raise  # a full disk is no error of HDFS's
            raise TransientError(f"{start}: {said or type(exc).__name__}") from exc


def _absent(exc: Exception) -> bool:
    return isinstance(exc, FileNotFoundError) or "not found" in str(exc).lower() or "FileNotFoundException" in str(exc)


def _parents(path: str) -> Iterator[str]:
    while "/" in path.strip("/"):
        path = path.rpartition("/")[0]
        yield path
