"""The oss driver: Alibaba Cloud's Object Storage Service, by its own library (the extra `oss`)."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from aggregator.artifacts.answers import is_local, refused
from aggregator.artifacts.objects import ObjectDriver, ObjectStore, imported, named, secret_of
from aggregator.errors import AggError, NotFound, StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from aggregator.ports import Location, Secrets

_KIND = "Alibaba Cloud OSS"
_PART = 8 << 20
_REGION = re.compile(r"oss-([a-z]+-[a-z]+(?:-\d+)?|[a-z]+-[a-z]+-\d+)(?:-internal)?\.aliyuncs\.com")
_ADDRESS = re.compile(r"[\d.]+|localhost|\[.*\]")


class OssDriver(ObjectDriver):
    """Implements ports.ArtifactDriver. With `useSDKCreds`, keys come from the environment: OSS_ACCESS_KEY_ID and its like."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, ...], Any] = {}

    @classmethod
    def make(cls, *, secrets: Secrets, **_: Any) -> Self:
        imported("alibabacloud_oss_v2", "oss", _KIND)
        return cls(secrets)

    def place(self, location: Location) -> tuple[ObjectStore, str]:
        access = (named(location, "oss", "endpoint"), *self._keys(location))
        bucket = named(location, "oss", "bucket")
        with self._lock:
            if access not in self._clients:
                self._clients[access] = _connect(*access)
            client = self._clients[access]
        return _Bucket(client, bucket, location), str(location.get("key") or "")

    def _keys(self, location: Location) -> tuple[str, str, str]:
        if location.get("useSDKCreds"):
            return "", "", ""
        pair = [secret_of(location, name, self._secrets).strip() for name in ("accessKeySecret", "secretKeySecret")]
        if not all(pair):
            raise StoreError(
                "oss: the location names no keys",
                hint="add accessKeySecret and secretKeySecret, or `useSDKCreds: true`",
            )
        return pair[0], pair[1], str(location.get("securityToken") or "")


def _connect(endpoint: str, key: str, secret: str, token: str) -> Any:
    library = imported("alibabacloud_oss_v2", "oss", _KIND)
    parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
    host = parts.hostname or ""
    region = _REGION.fullmatch(host)
    config = library.config.load_default()
    provider = library.credentials
    config.credentials_provider = (
        provider.StaticCredentialsProvider(key, secret, token or None)
        if key
        else provider.EnvironmentVariableCredentialsProvider()
    )
    config.endpoint = parts.geturl()
    config.region = region[1] if region else ""
    config.signature_version = "v4" if region else "v1"  # v4 signs the region, which only Alibaba's own names tell
    config.use_path_style = bool(_ADDRESS.fullmatch(host))
    config.retry_max_attempts = 1  # the driver of the run retries, in one place
    config.connect_timeout, config.readwrite_timeout = 10, 60
    return library.Client(config)


class _Bucket:
    """Implements objects.ObjectStore; the library compares CRC64 both ways."""

    def __init__(self, client: Any, name: str, location: Mapping[str, Any]) -> None:
        self._api = client
        self._name = name
        self._location = location
        self._library = imported("alibabacloud_oss_v2", "oss", _KIND)

    def url(self, key: str) -> str:
        return f"oss://{self._name}/{key}"

    def prepare(self) -> None:
        if self._location.get("createBucketIfNotPresent"):
            with self._calling("create", ""):
                if not self._api.is_bucket_exist(self._name):
                    self._api.put_bucket(self._library.PutBucketRequest(bucket=self._name))
        rule = self._location.get("lifecycleRule")
        if rule:
            with self._calling("set the lifecycle of", ""):
                self._api.put_bucket_lifecycle(_lifecycle(self._library, self._name, rule))

    def fetch(self, key: str, target: Path) -> None:
        with self._calling("load", key):
            # The library's own way to a file makes no attempt at all when it is told not to retry.
            answer = self._api.get_object(self._library.GetObjectRequest(bucket=self._name, key=key))
            checksum = imported("alibabacloud_oss_v2.crc", "oss", _KIND).Crc64(0)
            with answer.body as body, target.open("wb") as out:
                for chunk in body.iter_bytes():
                    out.write(chunk)
                    checksum.write(chunk)
            size = target.stat().st_size
            if answer.content_length is not None and size != int(answer.content_length):
                raise TransientError(
                    f"oss: can't load {self.url(key)}: the answer ended after {size} of {answer.content_length} bytes"
                )
            if answer.hash_crc64 is not None and str(answer.hash_crc64) != str(checksum.sum64()):
                raise TransientError(f"oss: can't load {self.url(key)}: it arrived damaged (its CRC64 is wrong)")

    def store(self, source: Path, key: str) -> None:
        with self._calling("store", key):
            request = self._library.PutObjectRequest(bucket=self._name, key=key)
            if source.stat().st_size <= 2 * _PART:
                self._api.put_object_from_file(request, str(source))
            else:
                self._api.uploader(part_size=_PART, parallel_num=4, leave_parts_on_error=False).upload_file(
                    request, str(source)
                )

    def mark(self, key: str) -> None:
        with self._calling("store", key):
            self._api.put_object(self._library.PutObjectRequest(bucket=self._name, key=key, body=b""))

    def keys(self, prefix: str) -> Iterable[str]:
        with self._calling("list", prefix):
            pages = self._api.list_objects_v2_paginator().iter_page(
                self._library.ListObjectsV2Request(bucket=self._name, prefix=prefix)
            )
            return [entry.key for page in pages for entry in page.contents or ()]

    def measure(self, key: str) -> tuple[int, str]:
        with self._calling("open", key):
            found = self._api.head_object(self._library.HeadObjectRequest(bucket=self._name, key=key))
            return int(found.content_length), str(found.etag)

    def read(self, key: str, start: int, size: int, tag: str) -> bytes:
        with self._calling("open", key):
            request = self._library.GetObjectRequest(
                bucket=self._name, key=key, if_match=tag, range_header=f"bytes={start}-{start + size - 1}"
            )
            with self._api.get_object(request).body as body:
                data: bytes = body.read()
            return data

    def remove(self, key: str) -> None:
        try:
            with self._calling("delete", key):
                self._api.delete_object(self._library.DeleteObjectRequest(bucket=self._name, key=key))
        except NotFound:
            pass

    @contextmanager
    def _calling(self, doing: str, key: str) -> Iterator[None]:
        try:
            yield
        except AggError:
            raise
        except Exception as exc:
            error = self._translated(exc, f"oss: can't {doing} {self.url(key)}")
            if error is None:
                raise
            raise error from exc

    def _translated(self, exc: Exception, start: str) -> AggError | None:
        """The error of ours; None for what is this machine's own, like a full disk."""
        known = self._library.exceptions
        told: Any = exc.unwrap() if isinstance(exc, known.OperationError) else exc
        said = " ".join(str(told).split())
        if isinstance(told, known.ServiceError):
            bucket = f"the bucket {self._name!r}"
            return refused(
                start, int(told.status_code or 0), str(told.code or ""), str(told.message or ""), container=bucket
            )
        if isinstance(told, known.CredentialsBaseError):
            return StoreError(
                f"{start}: no keys were found: {said}", hint="set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"
            )
        if isinstance(told, (known.RequestError, known.ResponseError, known.InconsistentError)):
            return TransientError(f"{start}: the connection failed: {said}")
        if is_local(told):
            return None
        if isinstance(told, OSError):
            return TransientError(f"{start}: the connection failed: {said}")
        return StoreError(f"{start}: {type(told).__name__}: {said}")


def _lifecycle(library: Any, bucket: str, rule: Mapping[str, Any]) -> Any:
    days, infrequent = rule.get("markDeletionAfterDays"), rule.get("markInfrequentAccessAfterDays")
    made = library.LifecycleRule(
        id="agg-workflows", prefix="", status="Enabled",
        expiration=library.LifecycleRuleExpiration(days=int(days)) if days else None,
        transitions=[library.LifecycleRuleTransition(days=int(infrequent), storage_class="IA")] if infrequent else None,
    )  # fmt: skip
    return library.PutBucketLifecycleRequest(
        bucket=bucket, lifecycle_configuration=library.LifecycleConfiguration(rules=[made])
    )
