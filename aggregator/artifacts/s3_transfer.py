"""S3 objects moved whole and verified: one request for small ones, parts in parallel for large ones.

Every byte is covered by an MD5 in both directions: uploads carry Content-MD5, which the store checks before it keeps
anything, and what the store answers (ETags) is compared with what was read or written. Memory stays constant.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aggregator.artifacts.pooled import bound, run_all
from aggregator.errors import AggError, StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    from aggregator.aws.sessions import AwsClient

MIB: Final = 1 << 20
PART: Final = 8 * MIB
LARGE: Final = 16 * MIB
"""Objects above this size are moved in parts."""
MAX_PARTS: Final = 10_000
_CHUNK: Final = MIB
_PART_SIZES: Final = (8, 16, 5, 10, 15, 20, 25, 32, 50, 64, 100, 128, 256, 512)
"""Part sizes in MiB that tools use; an ETag tells how many parts an object has, not how large they are."""
_buffers = threading.local()


@dataclass(frozen=True, slots=True)
class Place:
    """One object, the client that reaches it, and the encryption fields of its requests."""

    client: AwsClient
    bucket: str
    key: str
    keyed: Mapping[str, Any] = field(default_factory=dict)
    """Fields of every request when the customer holds the key (SSE-C)."""
    created: Mapping[str, Any] = field(default_factory=dict)
    """Fields of requests that make an object: encryption."""
    hints: Mapping[str, str] = field(default_factory=dict)

    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def name(self) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.key, **self.keyed}


def verifiable(answer: Mapping[str, Any], bucket: str) -> str:
    """The ETag when it is made of MD5s of the content; encrypted objects and directory buckets have other ones."""
    etag = str(answer.get("ETag", "")).strip('"')
    encryption = str(answer.get("ServerSideEncryption", ""))
    if encryption.startswith("aws:kms") or answer.get("SSECustomerAlgorithm") or bucket.endswith("--x-s3"):
        return ""
    return etag if re.fullmatch(r"[0-9a-f]{32}(-\d+)?", etag) else ""


# --- loading


def download(place: Place, target: Path, pool: ThreadPoolExecutor) -> None:
    """The object into a new file; NotFound when there is none, and never a short or damaged file."""
    with place.client.calling(f"load {place.url()}", place.hints) as api:
        answer = api.get_object(**place.name())
    size = int(answer["ContentLength"])
    etag = verifiable(answer, place.bucket)
    with closing(answer["Body"]) as body:
        if size <= LARGE:
            digest = hashlib.md5(usedforsecurity=False)
            with target.open("wb") as out:
                for chunk in _chunks(place, body, size):
                    digest.update(chunk)
                    out.write(chunk)
            if etag and "-" not in etag and digest.hexdigest() != etag:
                raise _damaged(place, etag, digest.hexdigest())
            if "-" in etag:
                _verify_parts(place, target, size, etag)
            return
    _download_parts(place, target, size, str(answer.get("ETag", "")), etag, pool)


def _chunks(place: Place, body: Any, size: int) -> Iterator[bytes]:
    """The body's bytes: exactly `size` of them, or an error."""
    got = 0
    while True:
        with place.client.calling(f"load {place.url()}", place.hints):
            chunk: bytes = body.read(_CHUNK)
        if not chunk:
            break
        got += len(chunk)
        yield chunk
    if got != size:
        raise TransientError(f"S3: can't load {place.url()}: the answer ended after {got} of {size} bytes")


def _download_parts(place: Place, target: Path, size: int, match: str, etag: str, pool: ThreadPoolExecutor) -> None:
    step = _guess(size, etag) or PART
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:

        def load(start: int) -> bytes:
            end = min(start + step, size)
            with place.client.calling(f"load {place.url()}", place.hints) as api:
                # IfMatch: all parts are of one version of the object, whoever overwrites it meanwhile.
                answer = api.get_object(**place.name(), Range=f"bytes={start}-{end - 1}", IfMatch=match)
            digest = hashlib.md5(usedforsecurity=False)
            with closing(answer["Body"]) as body:
                for chunk in _chunks(place, body, end - start):
                    digest.update(chunk)
                    _write_at(file, chunk, start)
                    start += len(chunk)
            return digest.digest()

        digests = run_all(pool, (bound(load, start) for start in range(0, size, step)), ahead=16)
    finally:
        os.close(file)
    if etag and "-" not in etag:
        found = _digest(target)
        if found != etag:
            raise _damaged(place, etag, found)
    elif etag and _composite(digests) != etag:
        _verify_parts(place, target, size, etag)


def _write_at(file: int, data: bytes, start: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, start)
        view, start = view[written:], start + written


def _guess(size: int, etag: str) -> int:
    """A part size that fits the number of parts in the ETag; 0 when there is none."""
    count = int(etag.partition("-")[2] or 0)
    return next((mib * MIB for mib in _PART_SIZES if count and -(-size // (mib * MIB)) == count), 0)


def _verify_parts(place: Place, target: Path, size: int, etag: str) -> None:
    """Check a file against an ETag of parts; only a store that tells the size of its parts can prove a file wrong."""
    count = int(etag.partition("-")[2])
    fitting = [mib * MIB for mib in _PART_SIZES if -(-size // (mib * MIB)) == count]
    if any(_composite(_digests(target, step)) == etag for step in fitting):
        return
    with place.client.calling(f"load {place.url()}", place.hints) as api:
        first = api.head_object(**place.name(), PartNumber=1)
    step = int(first.get("ContentLength", 0))
    if first.get("PartsCount") == count and step > 0 and -(-size // step) == count:
        found = _composite(_digests(target, step))
        if found != etag:
            raise _damaged(place, etag, found)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _digests(path: Path, step: int) -> list[bytes]:
    digests: list[bytes] = []
    with path.open("rb") as file:
        while True:
            digest, left = hashlib.md5(usedforsecurity=False), step
            while left and (chunk := file.read(min(left, _CHUNK))):
                digest.update(chunk)
                left -= len(chunk)
            if left == step and digests:
                return digests
            digests.append(digest.digest())
            if left:
                return digests


def _composite(digests: list[bytes]) -> str:
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def _damaged(place: Place, expected: str, found: str) -> TransientError:
    return TransientError(f"S3: can't load {place.url()}: it arrived damaged (MD5 {found}, the store says {expected})")


# --- storing


def upload(place: Place, source: Path, content_type: str, pool: ThreadPoolExecutor) -> None:
    """The file as one object, which appears when it is complete and verified."""
    size = source.stat().st_size
    if size > LARGE:
        _upload_parts(place, source, size, content_type, pool)
        return
    data = source.read_bytes()
    digest = hashlib.md5(data, usedforsecurity=False)
    with place.client.calling(f"store {place.url()}", place.hints) as api:
        answer = api.put_object(
            **place.name(), **place.created, Body=data, ContentType=content_type, ContentMD5=_encoded(digest.digest())
        )
    etag = verifiable({**place.keyed, **answer}, place.bucket)
    if etag and "-" not in etag and etag != digest.hexdigest():
        raise TransientError(f"S3: {place.url()} was damaged on the way (MD5 {etag}, sent {digest.hexdigest()})")


def _upload_parts(place: Place, source: Path, size: int, content_type: str, pool: ThreadPoolExecutor) -> None:
    step = max(PART, -(-size // (MAX_PARTS * MIB)) * MIB)
    doing = f"store {place.url()}"
    with place.client.calling(doing, place.hints) as api:
        made = api.create_multipart_upload(**place.name(), **place.created, ContentType=content_type)
    target = {"Bucket": place.bucket, "Key": place.key, "UploadId": made["UploadId"]}
    file = os.open(source, os.O_RDONLY)
    try:

        def store(start: int) -> dict[str, Any]:
            data = _buffer(min(step, size - start))
            if os.preadv(file, [data], start) != len(data):
                raise StoreError(f"can't store {source}: it became shorter while it was stored")
            number = start // step + 1
            digest = hashlib.md5(data, usedforsecurity=False)
            with place.client.calling(doing, place.hints) as api:
                part = api.upload_part(
                    **target, **place.keyed, PartNumber=number, Body=data, ContentMD5=_encoded(digest.digest())
                )
            etag = verifiable({**place.keyed, **made, **part}, place.bucket)
            if etag and etag != digest.hexdigest():
                raise TransientError(f"S3: part {number} of {place.url()} was damaged on the way")
            return {"PartNumber": number, "ETag": part["ETag"]}

        parts = run_all(pool, (bound(store, start) for start in range(0, size, step)), ahead=16)
        with place.client.calling(doing, place.hints) as api:
            api.complete_multipart_upload(**target, **place.keyed, MultipartUpload={"Parts": parts})
    except BaseException:
        try:
            with place.client.calling(f"give up the upload of {place.url()}") as api:
                api.abort_multipart_upload(**target)
        except AggError:
            pass  # what went wrong first is the news; a lifecycle rule of the bucket removes what is left
        raise
    finally:
        os.close(file)


def _buffer(size: int) -> bytearray:
    """This thread's buffer: fresh memory costs more than reading into it. Not bytes: botocore would copy those once more."""
    data: bytearray = getattr(_buffers, "part", bytearray())
    if len(data) != size:
        data = _buffers.part = bytearray(size)
    return data


def _encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
