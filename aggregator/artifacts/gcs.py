"""The gcs driver: Google Cloud Storage, by Google's own library (the extra `gcs`)."""

from __future__ import annotations

import base64
import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from aggregator.artifacts.answers import is_local, refused, seconds
from aggregator.artifacts.objects import ObjectDriver, ObjectStore, imported, named, secret_of
from aggregator.errors import AggError, NotFound, StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aggregator.ports import Location, Secrets

_CHUNK = 8 << 20
"""Uploads above this size go in pieces, one in memory at a time; they become an object with the last one."""
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for the next bytes."""
EMULATOR = "STORAGE_EMULATOR_HOST"


class GcsDriver(ObjectDriver):
    """Implements ports.ArtifactDriver. Without `serviceAccountKeySecret`, Google's default credentials are used."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    @classmethod
    def make(cls, *, secrets: Secrets, **_: Any) -> Self:
        imported("google.cloud.storage", "gcs", "Google Cloud Storage")
        return cls(secrets)

    def close(self) -> None:
        super().close()
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def place(self, location: Location) -> tuple[ObjectStore, str]:
        name = named(location, "gcs", "bucket")
        client = self._client(secret_of(location, "serviceAccountKeySecret", self._secrets))
        return _Bucket(client, name), str(location.get("key") or "")

    def _client(self, account: str) -> Any:
        with self._lock:
            if account not in self._clients:
                self._clients[account] = _connect(account)
            return self._clients[account]


def _connect(account: str) -> Any:
    library = imported("google.cloud.storage", "gcs", "Google Cloud Storage")
    try:
        if account:
            service = imported("google.oauth2.service_account", "gcs", "Google Cloud Storage")
            made = service.Credentials.from_service_account_info(json.loads(account))
            return library.Client(project=made.project_id, credentials=made)
        if os.environ.get(EMULATOR):
            anonymous = imported("google.auth.credentials", "gcs", "Google Cloud Storage").AnonymousCredentials()
            return library.Client(project="emulated", credentials=anonymous)
        return library.Client(project=None)
    except ValueError as exc:
        raise StoreError(
            f"gcs: serviceAccountKeySecret holds no service account's key: {exc}",
            hint="it must be the JSON file that Google hands out with the account",
        ) from exc
    except Exception as exc:
        raise _translated(exc, "gcs: can't sign in", "the bucket") from exc


class _Bucket:
    """Implements objects.ObjectStore."""

    def __init__(self, client: Any, name: str) -> None:
        self._name = name
        self._bucket = client.bucket(name)

    def url(self, key: str) -> str:
        return f"gs://{self._name}/{key}"

    def prepare(self) -> None:
        """Buckets are not made here: the location has no word for it."""

    def fetch(self, key: str, target: Path) -> None:
        with self._calling("load", key):
            blob = self._found(key)
            one = self._bucket.blob(key, generation=blob.generation)  # all parts of one version
            with target.open("wb") as out:
                # The library compares the checksum that the answer carries.
                one.download_to_file(out, retry=None, timeout=TIMEOUT)
            size = target.stat().st_size
            if not blob.content_encoding and size != blob.size:
                raise TransientError(
                    f"gcs: can't load {self.url(key)}: the answer ended after {size} of {blob.size} bytes"
                )

    def store(self, source: Path, key: str) -> None:
        with self._calling("store", key):
            size = source.stat().st_size
            blob = self._bucket.blob(key, chunk_size=_CHUNK)
            with source.open("rb") as body:
                blob.upload_from_file(
                    body, size=size, content_type="application/octet-stream", checksum="crc32c", retry=None, timeout=TIMEOUT
                )  # fmt: skip
            # Not every store looks at the sum that the request carries, but all tell the sum of what they have.
            if blob.size != size or blob.crc32c not in (None, _sum(source)):
                raise TransientError(f"gcs: {self.url(key)} was damaged on the way: it differs from what was sent")

    def mark(self, key: str) -> None:
        with self._calling("store", key):
            self._bucket.blob(key).upload_from_string(b"", retry=None, timeout=TIMEOUT)

    def keys(self, prefix: str) -> Iterable[str]:
        with self._calling("list", prefix):
            return [blob.name for blob in self._bucket.list_blobs(prefix=prefix, retry=None, timeout=TIMEOUT)]

    def measure(self, key: str) -> tuple[int, str]:
        with self._calling("open", key):
            blob = self._found(key)
            return int(blob.size), str(blob.generation)

    def read(self, key: str, start: int, size: int, tag: str) -> bytes:
        with self._calling("open", key):
            data: bytes = self._bucket.blob(key).download_as_bytes(
                start=start, end=start + size - 1, if_generation_match=int(tag), retry=None, timeout=TIMEOUT,
                raw_download=True, checksum=None,
            )  # fmt: skip
            return data

    def remove(self, key: str) -> None:
        try:
            with self._calling("delete", key):
                self._bucket.blob(key).delete(retry=None, timeout=TIMEOUT)
        except NotFound:
            pass

    def _found(self, key: str) -> Any:
        blob = self._bucket.blob(key)
        blob.reload(retry=None, timeout=TIMEOUT)
        return blob

    @contextmanager
    def _calling(self, doing: str, key: str) -> Iterator[None]:
        try:
            yield
        except AggError:
            raise
        except Exception as exc:
            error = _translated(exc, f"gcs: can't {doing} {self.url(key)}", f"the bucket {self._name!r}")
            if error is None:
                raise
            raise error from exc


def _sum(path: Path) -> str:
    """CRC32C as Google writes it."""
    checksum = imported("google_crc32c", "gcs", "Google Cloud Storage").Checksum()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            checksum.update(chunk)
    return base64.b64encode(checksum.digest()).decode()


def _translated(exc: Exception, start: str, bucket: str) -> Any:
    """The error of ours; None for what is this machine's own, like a full disk."""
    api = imported("google.api_core.exceptions", "gcs", "Google Cloud Storage")
    auth = imported("google.auth.exceptions", "gcs", "Google Cloud Storage")
    http = imported("requests", "gcs", "Google Cloud Storage").exceptions
    media = imported("google.cloud.storage.exceptions", "gcs", "Google Cloud Storage")
    said = " ".join(str(exc).split())
    if isinstance(exc, api.GoogleAPICallError) and exc.code:
        answer = getattr(exc, "response", None)
        wait = seconds(answer.headers.get("Retry-After")) if answer is not None else None
        return refused(start, int(exc.code), "", said, container=bucket, retry_after=wait)
    if isinstance(exc, media.InvalidResponse):
        return refused(start, int(exc.response.status_code), "", said, container=bucket)
    if isinstance(exc, media.DataCorruption):
        return TransientError(f"{start}: it arrived damaged: {said}")
    if isinstance(exc, auth.DefaultCredentialsError):
        return StoreError(
            f"{start}: no Google credentials were found",
            hint="name them by `serviceAccountKeySecret`, set GOOGLE_APPLICATION_CREDENTIALS, or run "
            "`gcloud auth application-default login`",
        )
    if isinstance(exc, auth.TransportError):
        return TransientError(f"{start}: the connection failed: {said}")
    if isinstance(exc, auth.GoogleAuthError):
        return refused(start, 401, "", said, container=bucket)
    if isinstance(exc, http.SSLError):
        return StoreError(f"{start}: the TLS connection failed: {said}")
    if is_local(exc):
        return None
    if isinstance(exc, OSError):
        return TransientError(f"{start}: the connection failed: {said}")
    return StoreError(f"{start}: {type(exc).__name__}: {said}")
