"""What is S3's own: buckets, encryption, content types, parts and versions."""

import hashlib
import os
import random

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
