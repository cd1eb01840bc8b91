"""The s3 driver: AWS's S3 and every store that speaks its API."""

from __future__ import annotations

import base64
import io
import json
import mimetypes
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from aggregator.artifacts import files
from aggregator.artifacts.pooled import bound, run_all
from aggregator.artifacts.s3_transfer import Place, download, upload
from aggregator.aws.access import access_of
from aggregator.aws.errors import code_of
from aggregator.aws.names import looks_like_placeholder
from aggregator.errors import NotFound, StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aggregator.aws.clients import AwsClients
    from aggregator.ports import Location, Secrets

WORKERS = 8
PARTS = 10
"""Parts of large objects in flight, as many as boto3's own transfers have."""
_TYPES = mimetypes.MimeTypes()  # Python's own table: the machine's /etc/mime.types would make results differ
_NO_BUCKET = {"NoSuchBucket"}


class S3Driver:
    """Implements ports.ArtifactDriver."""

    def __init__(self, clients: AwsClients, secrets: Secrets) -> None:
        self._clients = clients
        self._secrets = secrets
        # Two pools: a folder's files wait for their parts, so both in one pool could wait for each other.
        self._parts = ThreadPoolExecutor(PARTS, "s3-part")
        self._files = ThreadPoolExecutor(WORKERS, "s3-file")

    @classmethod
    def make(cls, *, clients: Callable[[], AwsClients], secrets: Secrets, **_: Any) -> Self:
        return cls(clients(), secrets)

    def close(self) -> None:
        self._files.shutdown()
        self._parts.shutdown()

    def load(self, location: Location, target: Path) -> None:
        place = self._place(location)
        with files.whole(target, f"load {place.url()} to {target}") as part:
            if not place.key.endswith("/"):
                try:
                    download(place, part, self._parts)
                except NotFound as absent:
                    self._load_folder(place, part, absent)
                return
            self._load_folder(place, part, NotFound(f"S3: can't load {place.url()}: there is nothing under this key"))

    def _load_folder(self, place: Place, target: Path, absent: NotFound) -> None:
        start = _folder(place.key)
        keys = self._keys(place, start)
        if not keys:
            raise absent
        target.mkdir()

        def load(key: str) -> None:
            path = files.inside(target, key.removeprefix(start))
            path.parent.mkdir(parents=True, exist_ok=True)
            download(_at(place, key), path, self._parts)

        for key in keys:
            if key.endswith("/") and key != start:
                files.inside(target, key.removeprefix(start)).mkdir(parents=True, exist_ok=True)
        run_all(self._files, [bound(load, key) for key in keys if not key.endswith("/")], ahead=2 * WORKERS)

    def save(self, source: Path, location: Location) -> None:
        place = self._place(location)
        with files.local_errors(f"store {source}", source):
            files.check_source(source)
            if location.get("createBucketIfNotPresent") is not None:
                self._create_bucket(place, location["createBucketIfNotPresent"])
            if not source.is_dir():
                if place.key.endswith("/"):
                    raise StoreError(f"S3: can't store {place.url()}: a key that ends in '/' is a folder, not a file")
                upload(place, source, content_type(place.key, source), self._parts)
                return
            names, folders = files.walk(source)
            start = _folder(place.key)

            def store(name: str) -> None:
                upload(_at(place, start + name), source / name, content_type(name, source / name), self._parts)

            run_all(self._files, [bound(store, name) for name in names], ahead=2 * WORKERS)
            for name in files.empty_folders(names, folders):
                with place.client.calling(f"store {place.url()}", place.hints) as api:
                    api.put_object(**_at(place, start + name).name(), **place.created, Body=b"")

    def open(self, location: Location) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(_Reader(self._place(location)), 1 << 20))

    def delete(self, location: Location) -> None:
        place = self._place(location)
        try:
            keys = [*self._keys(place, _folder(place.key)), place.key]
        except StoreError as exc:
            if code_of(exc.__cause__ or exc)[0] in _NO_BUCKET:
                return
            raise

        def remove(key: str) -> None:
            with place.client.calling(f"delete s3://{place.bucket}/{key}", place.hints) as api:
                api.delete_object(Bucket=place.bucket, Key=key)

        run_all(self._files, [bound(remove, key) for key in keys], ahead=2 * WORKERS)

    def list(self, location: Location) -> list[str]:
        place = self._place(location, key_needed=False)
        key = place.key.rstrip("/")
        keys = set(self._keys(place, f"{key}/" if key else ""))
        if key:
            with place.client.calling(f"list {place.url()}", place.hints) as api:
                try:
                    api.head_object(**_at(place, key).name())
                    keys.add(key)
                except api.exceptions.ClientError as exc:
                    if code_of(exc)[1] != 404:
                        raise
        return sorted(each for each in keys if not each.endswith("/"))

    def _keys(self, place: Place, prefix: str) -> Sequence[str]:
        keys: Any = []
        with place.client.calling(f"list s3://{place.bucket}/{prefix}", place.hints) as api:
            for page in api.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix):
                keys += [entry["Key"] for entry in page.get("Contents", [])]
        return cast("Sequence[str]", keys)

    def _place(self, location: Location, *, key_needed: bool = True) -> Place:
        bucket, key = location.get("bucket"), location.get("key") or ""
        if not isinstance(bucket, str) or not bucket:
            raise StoreError(
                f"s3: the location of key {key!r} has no bucket", hint="add `bucket`, or configure a default repository"
            )
        if looks_like_placeholder(bucket):
            raise StoreError(
                f"s3: bucket is {bucket!r}, which looks like a placeholder", hint="fill in the bucket's name"
            )
        if not isinstance(key, str) or (key_needed and not key.strip("/")):
            raise StoreError(f"s3: the location in bucket {bucket!r} has no key", hint="add `key`")
        client = self._clients.client("s3", access_of(location, self._secrets))
        keyed, created = self._encryption(location)
        hints = {
            "NoSuchBucket": f"create the bucket {bucket!r} first, or add `createBucketIfNotPresent: {{}}`",
            "AccessDenied": f"allow s3:GetObject, s3:PutObject and s3:ListBucket on the bucket {bucket!r}; without ListBucket, "
            "S3 gives this answer for keys that do not exist as well",
        }
        return Place(client, bucket, key, keyed, created, hints)

    def _encryption(self, location: Location) -> tuple[dict[str, Any], dict[str, Any]]:
        """Fields of all requests, and of those that make an object."""
        options = location.get("encryptionOptions") or {}
        reference = options.get("serverSideCustomerKeySecret")
        if not options.get("enableEncryption"):
            return {}, {}
        if reference and options.get("kmsKeyId"):
            raise StoreError(
                "encryptionOptions names both kmsKeyId and serverSideCustomerKeySecret", hint="give one of them"
            )
        if reference:
            key = self._secrets.secret(str(reference.get("name")), str(reference.get("key"))).encode(
                "utf-8", "surrogateescape"
            )
            if len(key) != 32:
                raise StoreError(f"serverSideCustomerKeySecret must be 32 bytes long, not {len(key)}")
            return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}, {}
        if not options.get("kmsKeyId"):
            return {}, {"ServerSideEncryption": "AES256"}
        created = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": str(options["kmsKeyId"])}
        context = options.get("kmsEncryptionContext")
        if context:
            try:
                json.loads(context)
            except (TypeError, ValueError) as exc:
                raise StoreError(f"encryptionOptions.kmsEncryptionContext is no JSON: {exc}") from exc
            created["SSEKMSEncryptionContext"] = base64.b64encode(context.encode()).decode()
        return {}, created

    def _create_bucket(self, place: Place, options: Any) -> None:
        """Make the bucket unless it is there; nobody minds when somebody else is quicker."""
        doing = f"create the bucket {place.bucket!r}"
        with place.client.calling(doing) as api:
            try:
                api.head_bucket(Bucket=place.bucket)
            except api.exceptions.ClientError as exc:
                if code_of(exc)[1] != 404:
                    raise
            else:
                return
            fields: dict[str, Any] = {}
            if place.client.region != "us-east-1":
                fields["CreateBucketConfiguration"] = {"LocationConstraint": place.client.region}
            if isinstance(options, dict) and options.get("objectLocking"):
                fields["ObjectLockEnabledForBucket"] = True
            with suppress(api.exceptions.BucketAlreadyOwnedByYou):
                api.create_bucket(Bucket=place.bucket, **fields)


class _Reader(io.RawIOBase):
    """An object as a file that can be read from anywhere: each jump is one request for the rest from there."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._doing = f"open {place.url()}"
        with place.client.calling(self._doing, place.hints) as api:
            answer = api.get_object(**place.name())
        self._size = int(answer["ContentLength"])
        self._etag = answer.get("ETag", "")
        self._body: Any = answer["Body"]
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"can't seek to {base + offset}")
        if base + offset != self._position:
            self._position = base + offset
            self._drop()
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size:
            return 0
        with self._place.client.calling(self._doing, self._place.hints) as api:
            if self._body is None:
                ranged = {"Range": f"bytes={self._position}-", "IfMatch": self._etag}
                self._body = api.get_object(**self._place.name(), **ranged)["Body"]
            data: bytes = self._body.read(len(buffer))
        if not data:
            raise TransientError(
                f"S3: can't {self._doing}: the answer ended after {self._position} of {self._size} bytes"
            )
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._body is not None:
            with closing(self._body):
                self._body = None


def content_type(key: str, source: Path) -> str:
    """By the key's ending, else by the file's."""
    for name in (key, source.name):
        kind, encoding = _TYPES.guess_type(name.rsplit("/", 1)[-1])
        if encoding == "gzip":
            return "application/gzip"  # not Content-Encoding: browsers and tools would unpack it on the way
        if kind and not encoding:
            return kind
    return "application/octet-stream"


def _folder(key: str) -> str:
    return f"{key.rstrip('/')}/"


def _at(place: Place, key: str) -> Place:
    return Place(place.client, place.bucket, key, place.keyed, place.created, place.hints)
