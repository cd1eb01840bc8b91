"""The azure driver: Azure Blob Storage, by Microsoft's own library (the extra `azure`)."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from aggregator.artifacts.answers import is_local, refused, seconds
from aggregator.artifacts.objects import ObjectDriver, ObjectStore, imported, named, secret_of
from aggregator.errors import AggError, NotFound, StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aggregator.ports import Location, Secrets

_KIND = "Azure Blob Storage"
_BLOCK = 8 << 20
_AT_ONCE = 4
READ_TIMEOUT = 60.0


class AzureDriver(ObjectDriver):
    """Implements ports.ArtifactDriver. Without `accountKeySecret`, Azure's default credentials are used."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets
        self._lock = threading.Lock()
        self._services: dict[tuple[str, str], Any] = {}

    @classmethod
    def make(cls, *, secrets: Secrets, **_: Any) -> Self:
        imported("azure.storage.blob", "azure", _KIND)
        return cls(secrets)

    def close(self) -> None:
        super().close()
        for service in self._services.values():
            service.close()
        self._services.clear()

    def place(self, location: Location) -> tuple[ObjectStore, str]:
        endpoint = named(location, "azure", "endpoint")
        container = named(location, "azure", "container")
        key = "" if location.get("useSDKCreds") else secret_of(location, "accountKeySecret", self._secrets).strip()
        with self._lock:
            if (endpoint, key) not in self._services:
                self._services[endpoint, key] = _connect(endpoint, key)
            service = self._services[endpoint, key]
        # A default repository names its key `key`, like every other.
        return _Container(service.get_container_client(container), container), str(
            location.get("blob") or location.get("key") or ""
        )


def _connect(endpoint: str, key: str) -> Any:
    library = imported("azure.storage.blob", "azure", _KIND)
    parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
    host = parts.hostname or ""
    # The account is the first part of the host, or of the path where hosts have no such names: emulators and addresses.
    account = parts.path.strip("/").partition("/")[0] or host.partition(".")[0]
    credential: Any
    if "sig=" in key:
        credential = imported("azure.core.credentials", "azure", _KIND).AzureSasCredential(key.removeprefix("?"))
    elif key:
        credential = {"account_name": account, "account_key": key}
    else:
        credential = imported("azure.identity", "azure", _KIND).DefaultAzureCredential()
    try:
        return library.BlobServiceClient(
            parts.geturl(), credential=credential, max_block_size=_BLOCK, max_single_put_size=_BLOCK,
            max_single_get_size=_BLOCK, max_chunk_get_size=4 << 20,  # a range's MD5 is told for 4 MiB at most
            retry_total=0, connection_timeout=10, read_timeout=READ_TIMEOUT,
        )  # fmt: skip
    except ValueError as exc:
        raise StoreError(
            f"azure: can't use the endpoint {endpoint!r}: {exc}",
            hint="it looks like https://ACCOUNT.blob.core.windows.net",
        ) from exc


class _Container:
    """Implements objects.ObjectStore."""

    def __init__(self, api: Any, name: str) -> None:
        self._api = api
        self._name = name

    def url(self, key: str) -> str:
        return f"{self._api.url.partition('?')[0]}/{key}"

    def prepare(self) -> None:
        """Containers are not made here: the location has no word for it."""

    def fetch(self, key: str, target: Path) -> None:
        with self._calling("load", key):
            # The library asks for later ranges with the first one's ETag: all are of one version.
            answer = self._api.get_blob_client(key).download_blob(validate_content=True, max_concurrency=_AT_ONCE)
            with target.open("wb") as out:
                answer.readinto(out)
            size = target.stat().st_size
            if size != answer.size:
                raise TransientError(
                    f"azure: can't load {self.url(key)}: the answer ended after {size} of {answer.size} bytes"
                )

    def store(self, source: Path, key: str) -> None:
        with self._calling("store", key), source.open("rb") as body:
            # Blocks become a blob when their list is committed, at the very end.
            self._api.get_blob_client(key).upload_blob(
                body, length=source.stat().st_size, overwrite=True, validate_content=True, max_concurrency=_AT_ONCE
            )

    def mark(self, key: str) -> None:
        with self._calling("store", key):
            self._api.get_blob_client(key).upload_blob(b"", overwrite=True)

    def keys(self, prefix: str) -> Iterable[str]:
        with self._calling("list", prefix):
            return list(self._api.list_blob_names(name_starts_with=prefix))

    def measure(self, key: str) -> tuple[int, str]:
        with self._calling("open", key):
            found = self._api.get_blob_client(key).get_blob_properties()
            return int(found.size), str(found.etag)

    def read(self, key: str, start: int, size: int, tag: str) -> bytes:
        unmodified = imported("azure.core", "azure", _KIND).MatchConditions.IfNotModified
        with self._calling("open", key):
            data: bytes = (
                self._api.get_blob_client(key)
                .download_blob(offset=start, length=size, etag=tag, match_condition=unmodified)
                .readall()
            )
            return data

    def remove(self, key: str) -> None:
        try:
            with self._calling("delete", key):
                self._api.get_blob_client(key).delete_blob(delete_snapshots="include")
        except NotFound:
            pass

    @contextmanager
    def _calling(self, doing: str, key: str) -> Iterator[None]:
        try:
            yield
        except AggError:
            raise
        except Exception as exc:
            error = self._translated(exc, f"azure: can't {doing} {self.url(key)}")
            if error is None:
                raise
            raise error from exc

    def _translated(self, exc: Exception, start: str) -> AggError | None:
        """The error of ours; None for what is this machine's own, like a full disk."""
        core = imported("azure.core.exceptions", "azure", _KIND)
        said = " ".join(str(exc).split())
        container = f"the container {self._name!r}"
        if isinstance(exc, core.ClientAuthenticationError):
            return refused(start, 401, str(getattr(exc, "error_code", "") or ""), said, container=container)
        if isinstance(exc, core.HttpResponseError) and exc.status_code:
            headers = exc.response.headers if exc.response is not None else {}
            code = str(getattr(exc, "error_code", "") or headers.get("x-ms-error-code") or "")
            code = code.removeprefix("StorageErrorCode.")
            wait = seconds(headers.get("Retry-After"))
            return refused(start, int(exc.status_code), code, exc.reason or said, container=container, retry_after=wait)
        if isinstance(exc, core.ServiceRequestError) and "certificate" in said.lower():
            return StoreError(f"{start}: the TLS connection failed: {said}")
        if isinstance(exc, core.AzureError):
            return TransientError(f"{start}: the connection failed: {said}")
        if is_local(exc):
            return None
        if isinstance(exc, OSError):  # the transport's own errors, which come through while a body is read
            return TransientError(f"{start}: the connection failed: {said}")
        return StoreError(f"{start}: {type(exc).__name__}: {said}")
