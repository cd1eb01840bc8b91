"""What is S3's own: buckets, encryption, content types, parts, and faults on the socket that never give a short object."""

import contextlib
import hashlib
import os
import random
import socket
import threading

import pytest

from aggregator.artifacts.s3 import S3Driver, content_type
from aggregator.aws.clients import AwsClients
from aggregator.errors import NotFound, StoreError, TransientError
from aggregator.secrets.store import SecretStore

DATA = random.Random(5).randbytes(40_000_000)


class Store:
    """The driver, boto3 to look at what was stored, and locations."""

    def __init__(self, endpoint, **secrets):
        self.clients = AwsClients(environ={}, read_timeout=10)
        self.driver = S3Driver(self.clients, SecretStore(environ={}, extra={("s", k): v for k, v in secrets.items()}))
        self.endpoint = endpoint
        self.keys = {"accessKeySecret": {"name": "s", "key": "a"}, "secretKeySecret": {"name": "s", "key": "b"}}
        self.api = AwsClients(endpoint=endpoint).client("s3").api

    def at(self, key, bucket="bucket", **fields):
        return {"bucket": bucket, "endpoint": self.endpoint, "key": key, **self.keys, **fields}

    def close(self):
        self.driver.close()
        self.clients.close()
        self.api.close()


@pytest.fixture
def store(aws):
    made = Store(aws, a="AKIASTORE", b="store-secret-key", sse="k" * 32, short="k")
    made.api.create_bucket(Bucket="bucket")
    yield made
    made.close()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(b"content")
    return path


# --- buckets


def test_a_missing_bucket_is_no_missing_key(store, source, tmp_path):
    for call in (
        lambda: store.driver.save(source, store.at("k", "absent")),
        lambda: store.driver.load(store.at("k", "absent"), tmp_path / "t"),
        lambda: store.driver.list(store.at("k", "absent")),
        lambda: store.driver.open(store.at("k", "absent")),
    ):
        with pytest.raises(StoreError, match="the bucket does not exist") as caught:
            call()
        assert "createBucketIfNotPresent" in caught.value.hint
        assert "access key ...TORE of secret 's' key 'a'" in caught.value.message
    store.driver.delete(store.at("k", "absent"))


def test_a_bucket_is_made_when_asked_for(store, source, tmp_path):
    location = store.at("k", "fresh", region="eu-west-1", createBucketIfNotPresent={})
    store.driver.save(source, location)
    store.driver.save(source, location)
    assert store.api.get_bucket_location(Bucket="fresh")["LocationConstraint"] == "eu-west-1"
    locked = store.at("k", "locked", region="us-east-1", createBucketIfNotPresent={"objectLocking": True})
    store.driver.save(source, locked)
    assert (
        store.api.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"]["ObjectLockEnabled"]
        == "Enabled"
    )


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ({"key": "k"}, "has no bucket"),
        ({"bucket": "b"}, "has no key"),
        ({"bucket": "b", "key": "/"}, "has no key"),
        ({"bucket": "S3_BUCKET_NAME", "key": "k"}, "looks like a placeholder"),
    ],
)
def test_locations_that_name_no_object(store, source, location, words):
    with pytest.raises(StoreError, match=words):
        store.driver.save(source, location)


def test_a_file_is_no_folder(store, source):
    with pytest.raises(StoreError, match="ends in '/'"):
        store.driver.save(source, store.at("folder/"))


# --- objects


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a/api-responses.json", "application/json"),
        ("x.csv", "text/csv"),
        ("page.html", "text/html"),
        ("art.tgz", "application/gzip"),
        ("art.tar.gz", "application/gzip"),
        ("data.json.gz", "application/gzip"),
        ("art.zip", "application/zip"),
        ("main.log", "application/octet-stream"),
        ("noend", "application/octet-stream"),
    ],
)
def test_the_content_type_follows_the_name(store, source, key, kind):
    store.driver.save(source, store.at(key))
    assert store.api.head_object(Bucket="bucket", Key=key)["ContentType"] == kind


def test_the_content_type_may_come_from_the_file(tmp_path):
    assert content_type("key", tmp_path / "x.json") == "application/json"


def test_large_objects_go_in_parts_both_ways(store, tmp_path):
    (tmp_path / "big").write_bytes(DATA)
    store.driver.save(tmp_path / "big", store.at("big.bin"))
    head = store.api.head_object(Bucket="bucket", Key="big.bin")
    assert head["ContentLength"] == len(DATA)
    assert head["ETag"].endswith('-5"')
    store.driver.load(store.at("big.bin"), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == DATA
    assert store.api.list_multipart_uploads(Bucket="bucket").get("Uploads", []) == []


@pytest.mark.parametrize("part", [5 << 20, 7_000_000, 39_000_000])
def test_objects_that_others_stored_in_parts_of_any_size(store, tmp_path, part):
    upload = store.api.create_multipart_upload(Bucket="bucket", Key="k")["UploadId"]
    parts = []
    for number, start in enumerate(range(0, len(DATA), part), 1):
        answer = store.api.upload_part(
            Bucket="bucket", Key="k", UploadId=upload, PartNumber=number, Body=DATA[start : start + part]
        )
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    store.api.complete_multipart_upload(Bucket="bucket", Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    store.driver.load(store.at("k"), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == DATA


def test_a_large_object_stored_at_once_is_verified_whole(store, tmp_path):
    store.api.put_object(Bucket="bucket", Key="k", Body=DATA)
    store.driver.load(store.at("k"), tmp_path / "target")
    assert hashlib.sha256((tmp_path / "target").read_bytes()).digest() == hashlib.sha256(DATA).digest()


# --- encryption


def test_encryption_by_the_store(store, source):
    store.driver.save(source, store.at("k", encryptionOptions={"enableEncryption": True}))
    assert store.api.head_object(Bucket="bucket", Key="k")["ServerSideEncryption"] == "AES256"
    options = {"enableEncryption": True, "kmsKeyId": "key-1", "kmsEncryptionContext": '{"a": "b"}'}
    store.driver.save(source, store.at("k", encryptionOptions=options))
    head = store.api.head_object(Bucket="bucket", Key="k")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "key-1")
    store.driver.save(source, store.at("k", encryptionOptions={"enableEncryption": False, "kmsKeyId": "key-1"}))
    assert store.api.head_object(Bucket="bucket", Key="k").get("ServerSideEncryption") != "aws:kms"


def test_encryption_by_the_customers_key(store, tmp_path):
    options = {"enableEncryption": True, "serverSideCustomerKeySecret": {"name": "s", "key": "sse"}}
    for size in (10, 20_000_000):
        (tmp_path / "source").write_bytes(DATA[:size])
        store.driver.save(tmp_path / "source", store.at("k", encryptionOptions=options))
        store.driver.load(store.at("k", encryptionOptions=options), tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == DATA[:size]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"serverSideCustomerKeySecret": {"name": "s", "key": "short"}}, "must be 32 bytes"),
        ({"serverSideCustomerKeySecret": {"name": "s", "key": "sse"}, "kmsKeyId": "k"}, "names both"),
        ({"kmsKeyId": "k", "kmsEncryptionContext": "{"}, "is no JSON"),
    ],
)
def test_encryption_that_makes_no_sense(store, source, options, words):
    with pytest.raises(StoreError, match=words):
        store.driver.save(source, store.at("k", encryptionOptions={"enableEncryption": True, **options}))


# --- faults


class Proxy:
    """Hands bytes through to moto, changed by `fault(direction, number of the connection, data, bytes so far)`."""

    def __init__(self, target):
        self.fault = lambda direction, connection, data, before: data
        self.connections = 0
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(self._target)
            for direction, start, end in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self._pump, args=(direction, self.connections, start, end), daemon=True).start()

    def _pump(self, direction, connection, start, end):
        before = 0
        try:
            while data := start.recv(65536):
                changed = self.fault(direction, connection, data, before)
                before += len(data)
                if changed is None:
                    break
                end.sendall(changed)
        except OSError:
            pass
        for each in (start, end):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self):
        self._listener.close()


@pytest.fixture
def faulty(aws, store):
    host, port = aws.removeprefix("http://").split(":")
    proxy = Proxy((host, int(port)))
    through = Store(proxy.url, a="AKIASTORE", b="store-secret-key")
    yield proxy, through
    through.close()
    proxy.close()


@pytest.mark.parametrize("size", [100_000, 20_000_000])
def test_a_body_that_breaks_off_gives_no_object(store, faulty, tmp_path, size):
    proxy, through = faulty
    store.api.put_object(Bucket="bucket", Key="k", Body=DATA[:size])
    proxy.fault = lambda direction, connection, data, before: None if direction == "down" and before > 50_000 else data
    with pytest.raises(TransientError):
        through.driver.load(through.at("k"), tmp_path / "in" / "target")
    assert os.listdir(tmp_path / "in") == []
    proxy.fault = lambda direction, connection, data, before: data
    through.driver.load(through.at("k"), tmp_path / "in" / "target")
    assert (tmp_path / "in" / "target").read_bytes() == DATA[:size]


@pytest.mark.parametrize("parts", [False, True])
def test_a_body_that_was_changed_on_the_way_gives_no_object(store, faulty, tmp_path, parts):
    proxy, through = faulty
    if parts:
        (tmp_path / "big").write_bytes(DATA)
        store.driver.save(tmp_path / "big", store.at("k"))
    else:
        store.api.put_object(Bucket="bucket", Key="k", Body=DATA[:300_000])

    def flip(direction, connection, data, before):
        if direction == "down" and before > 100_000:
            return data[:-1] + bytes([data[-1] ^ 1])
        return data

    proxy.fault = flip
    with pytest.raises(TransientError, match=r"damaged|checksum"):
        through.driver.load(through.at("k"), tmp_path / "in" / "target")
    assert os.listdir(tmp_path / "in") == []


@pytest.mark.parametrize("size", [300_000, 20_000_000])
def test_an_upload_that_was_changed_on_the_way_is_noticed(store, faulty, tmp_path, size):
    proxy, through = faulty
    (tmp_path / "source").write_bytes(DATA[:size])

    def flip(direction, connection, data, before):
        if direction == "up" and before > 100_000:
            return data[:-1] + bytes([data[-1] ^ 1])
        return data

    proxy.fault = flip
    with pytest.raises(TransientError):
        through.driver.save(tmp_path / "source", through.at("k"))


def test_an_upload_that_breaks_off_leaves_the_old_object(store, faulty, tmp_path):
    proxy, through = faulty
    store.api.put_object(Bucket="bucket", Key="k", Body=b"old")
    (tmp_path / "source").write_bytes(DATA)
    proxy.fault = lambda direction, connection, data, before: None if direction == "up" and before > 1_000_000 else data
    with pytest.raises(TransientError):
        through.driver.save(tmp_path / "source", through.at("k"))
    assert store.api.get_object(Bucket="bucket", Key="k")["Body"].read() == b"old"


def test_a_stream_that_breaks_off_is_an_error(store, faulty):
    proxy, through = faulty
    store.api.put_object(Bucket="bucket", Key="k", Body=DATA[:3_000_000])
    proxy.fault = lambda direction, connection, data, before: None if direction == "down" and before > 50_000 else data
    with pytest.raises(TransientError), through.driver.open(through.at("k")) as stream:
        stream.read()


def test_slow_down_is_left_to_the_driver_with_its_wait(clean_aws, stub_server, source, tmp_path):
    body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    url, seen = stub_server(lambda method, path: (503, {"Retry-After": "2"}, body))
    store = Store(url, a="AKIASTORE", b="store-secret-key")
    for call in (
        lambda: store.driver.save(source, store.at("k")),
        lambda: store.driver.load(store.at("k"), tmp_path / "t"),
    ):
        with pytest.raises(TransientError, match="SlowDown") as caught:
            call()
        assert caught.value.retry_after == 2
    assert len(seen) == 2
    store.close()


def test_an_object_that_changes_while_it_is_loaded_is_no_mixture(store, tmp_path, monkeypatch):
    from aggregator.artifacts import s3_transfer

    store.api.put_object(Bucket="bucket", Key="k", Body=DATA)
    real = s3_transfer._download_parts

    def overwritten(*args):
        store.api.put_object(Bucket="bucket", Key="k", Body=DATA[::-1])
        real(*args)

    monkeypatch.setattr(s3_transfer, "_download_parts", overwritten)
    with pytest.raises(TransientError):
        store.driver.load(store.at("k"), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_of_a_versioned_bucket_the_newest_is_read_and_older_ones_stay(store, source, tmp_path):
    store.api.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    store.driver.save(source, store.at("k"))
    source.write_bytes(b"newer")
    store.driver.save(source, store.at("k"))
    store.driver.load(store.at("k"), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"newer"
    assert len(store.api.list_object_versions(Bucket="bucket")["Versions"]) == 2
    store.driver.delete(store.at("k"))
    with pytest.raises(NotFound):
        store.driver.load(store.at("k"), tmp_path / "gone")


def test_forbidden_says_what_to_allow(clean_aws, stub_server, source):
    url, _ = stub_server(
        lambda method, path: (403, {}, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
    )
    store = Store(url, a="AKIASTORE", b="store-secret-key")
    with pytest.raises(StoreError, match="PutObject is not allowed") as caught:
        store.driver.save(source, store.at("k"))
    assert "s3:PutObject" in caught.value.hint
    store.close()


def test_an_object_and_a_folder_of_one_name(store, tmp_path):
    store.api.put_object(Bucket="bucket", Key="a", Body=b"object")
    store.api.put_object(Bucket="bucket", Key="a/b", Body=b"inner")
    store.driver.load(store.at("a"), tmp_path / "object")
    assert (tmp_path / "object").read_bytes() == b"object"
    store.driver.load(store.at("a/"), tmp_path / "folder")
    assert (tmp_path / "folder" / "b").read_bytes() == b"inner"
    store.api.put_object(Bucket="bucket", Key="x/a", Body=b"object")
    store.api.put_object(Bucket="bucket", Key="x/a/b", Body=b"inner")
    with pytest.raises(StoreError):
        store.driver.load(store.at("x"), tmp_path / "both")
    assert not (tmp_path / "both").exists()


def test_more_keys_than_one_page(clean_aws, stub_server):
    def page(method, path):
        if "continuation-token=more" in path:
            return 200, {}, b"<ListBucketResult><Contents><Key>many/b</Key></Contents></ListBucketResult>"
        if method == "HEAD":
            return 404, {}, b""
        more = b"<IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>"
        return 200, {}, b"<ListBucketResult>" + more + b"<Contents><Key>many/a</Key></Contents></ListBucketResult>"

    url, _ = stub_server(page)
    store = Store(url, a="AKIASTORE", b="store-secret-key")
    assert store.driver.list(store.at("many")) == ["many/a", "many/b"]
    store.close()


def test_a_full_disk_says_so_and_leaves_nothing(store, tmp_path):
    """The limit of a file's size stands in for the disk: it needs no mount."""
    import resource
    import signal

    store.api.put_object(Bucket="bucket", Key="k", Body=DATA[:5_000_000])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(StoreError, match="File too large") as caught:
            store.driver.load(store.at("k"), tmp_path / "in" / "target")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert not isinstance(caught.value, (TransientError, NotFound))
    assert str(tmp_path / "in") in caught.value.message
    assert os.listdir(tmp_path / "in") == []
