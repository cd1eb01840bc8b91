"""The contract of artifact drivers: one suite that all stores pass alike, each by its own server on this machine."""

import contextlib
import itertools
import json
import os
import random
import threading
import urllib.request

import pytest

from aggregator.artifacts import make_driver
from aggregator.artifacts.local import LocalDriver
from aggregator.artifacts.memory import MemoryDriver
from aggregator.artifacts.s3 import S3Driver
from aggregator.aws.clients import AwsClients
from aggregator.errors import AggError, NotFound, StoreError, TransientError
from aggregator.secrets.store import SecretStore

STORES = ["memory", "local", "s3", "s3rver", "azure", "gcs", "oss", "hdfs"]
_numbers = itertools.count()
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key that Microsoft gives to every emulator."""


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    """A driver, and a function that makes the location of a key."""
    with contextlib.ExitStack() as stack:
        if request.param == "memory":
            yield MemoryDriver(), lambda key: {"key": key}
        elif request.param == "local":
            yield LocalDriver(tmp_path / "repository"), lambda key: {"key": key}
        else:
            opened = {"s3": _moto, "s3rver": _s3rver, "azure": _azure, "gcs": _gcs, "oss": _oss, "hdfs": _hdfs}[
                request.param
            ]
            yield opened(request, stack, f"bucket-{os.getpid()}-{next(_numbers)}")


def _kept(stack, driver):
    stack.callback(driver.close)
    return driver


def _moto(request, stack, bucket):
    clients = _kept(stack, AwsClients(endpoint=request.getfixturevalue("aws"), environ={}))
    with clients.client("s3").calling("make the bucket") as api:
        api.create_bucket(Bucket=bucket)
    driver = _kept(stack, S3Driver(clients, SecretStore(environ={})))
    return driver, lambda key: {"bucket": bucket, "endpoint": "s3.amazonaws.com", "key": key}


def _s3rver(request, stack, bucket):
    endpoint = request.getfixturevalue("s3rver")
    request.getfixturevalue("clean_aws")
    clients = _kept(stack, AwsClients(environ={}))
    secrets = SecretStore(environ={}, extra={("s", "k"): "S3RVER"})
    driver = _kept(stack, S3Driver(clients, secrets))
    key_secret = {"name": "s", "key": "k"}
    common = {"bucket": bucket, "endpoint": endpoint, "insecure": True, "region": "us-east-1"}
    common |= {"accessKeySecret": key_secret, "secretKeySecret": key_secret, "createBucketIfNotPresent": {}}
    made = request.getfixturevalue("tmp_path") / "made"
    made.write_bytes(b"")
    driver.save(made, {**common, "key": "made"})
    driver.delete({**common, "key": "made"})
    return driver, lambda key: {**common, "key": key}


def _azure(request, stack, bucket):
    from azure.storage.blob import BlobServiceClient

    endpoint = request.getfixturevalue("azurite")
    with BlobServiceClient(endpoint, {"account_name": "devstoreaccount1", "account_key": AZURE_KEY}) as service:
        service.create_container(bucket)
    driver = make_driver(
        "azure", secrets=SecretStore(environ={}, extra={("s", "k"): AZURE_KEY}), clients=None, root=None
    )
    common = {"endpoint": endpoint, "container": bucket, "accountKeySecret": {"name": "s", "key": "k"}}
    return _kept(stack, driver), lambda key: {**common, "blob": key}


def _gcs(request, stack, bucket):
    endpoint = request.getfixturevalue("gcs_emulator")
    request.getfixturevalue("monkeypatch").setenv("STORAGE_EMULATOR_HOST", endpoint)
    asked = urllib.request.Request(f"{endpoint}/storage/v1/b", json.dumps({"name": bucket}).encode(), method="POST")
    asked.add_header("Content-Type", "application/json")
    urllib.request.urlopen(asked, timeout=10).close()
    driver = make_driver("gcs", secrets=SecretStore(environ={}), clients=None, root=None)
    return _kept(stack, driver), lambda key: {"bucket": bucket, "key": key}


def _oss(request, stack, bucket):
    endpoint = request.getfixturevalue("oss_stand_in")
    secrets = SecretStore(environ={}, extra={("s", "k"): "key"})
    driver = make_driver("oss", secrets=secrets, clients=None, root=None)
    common = {"endpoint": endpoint, "bucket": bucket}
    common |= {name: {"name": "s", "key": "k"} for name in ("accessKeySecret", "secretKeySecret")}
    return _kept(stack, driver), lambda key: {**common, "key": key}


def _hdfs(request, stack, bucket):
    request.getfixturevalue("hadoop_stand_in")
    driver = make_driver("hdfs", secrets=SecretStore(environ={}), clients=None, root=None)
    return _kept(stack, driver), lambda key: {"addresses": ["namenode:8020"], "path": key, "force": True}


def written(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def below(folder):
    return {
        each.relative_to(folder).as_posix() + ("/" if each.is_dir() else ""): None
        if each.is_dir()
        else each.read_bytes()
        for each in folder.rglob("*")
    }


@pytest.mark.parametrize("size", [0, 1, 100_000, 20_000_000])
def test_a_file_comes_back_as_it_was(store, tmp_path, size):
    driver, at = store
    data = random.Random(size).randbytes(size)
    driver.save(written(tmp_path / "source", data), at("wf/pod/art.tgz"))
    driver.load(at("wf/pod/art.tgz"), tmp_path / "in" / "new" / "target")
    assert (tmp_path / "in" / "new" / "target").read_bytes() == data
    assert os.listdir(tmp_path / "in" / "new") == ["target"]
    with driver.open(at("wf/pod/art.tgz")) as stream:
        assert stream.read() == data


@pytest.mark.parametrize("key", ["a", "a/b c/ü+%&=?#", "a//b"])
def test_keys_of_any_letters(store, request, tmp_path, key):
    if {"s3rver", "hdfs"} & set(request.node.callspec.id.split("-")) and "//" in key:
        pytest.skip("s3rver and hdfs keep objects as files, which have no empty names")
    driver, at = store
    driver.save(written(tmp_path / "source", b"1"), at(key))
    driver.load(at(key), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"1"


def test_a_folder_is_saved_file_by_file_and_comes_back(store, tmp_path):
    driver, at = store
    source = tmp_path / "source"
    for name in ("a.txt", "sub/b.txt", "sub/deep/c", "sub.txt"):
        written(source / name, name.encode())
    (source / "empty" / "inner").mkdir(parents=True)
    (source / "sub" / "link").symlink_to("../a.txt")
    driver.save(source, at("wf/out"))
    assert driver.list(at("wf/out")) == [
        f"wf/out/{name}" for name in ("a.txt", "sub.txt", "sub/b.txt", "sub/deep/c", "sub/link")
    ]
    driver.load(at("wf/out"), tmp_path / "target")
    expected = below(source)
    assert below(tmp_path / "target") == expected
    driver.load(at("wf/out/sub"), tmp_path / "part")
    assert set(below(tmp_path / "part")) == {"b.txt", "deep/", "deep/c", "link"}
    driver.load(at("wf/out/sub/b.txt"), tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b"sub/b.txt"


def test_an_empty_folder_comes_back(store, tmp_path):
    driver, at = store
    (tmp_path / "source").mkdir()
    driver.save(tmp_path / "source", at("wf/none"))
    driver.load(at("wf/none"), tmp_path / "target")
    assert below(tmp_path / "target") == {}
    assert driver.list(at("wf/none")) == []


def test_a_key_that_only_begins_alike_is_another(store, tmp_path):
    driver, at = store
    driver.save(written(tmp_path / "source", b"1"), at("data/file-2"))
    with pytest.raises(NotFound):
        driver.load(at("data/file"), tmp_path / "target")
    assert driver.list(at("data/file")) == []
    assert driver.list(at("data/file-2")) == ["data/file-2"]


def test_what_is_not_there_is_not_found_and_leaves_nothing(store, tmp_path):
    driver, at = store
    with pytest.raises(NotFound, match="absent"):
        driver.load(at("absent"), tmp_path / "in" / "target")
    with pytest.raises(NotFound, match="absent"):
        driver.open(at("absent"))
    assert driver.list(at("absent")) == []
    assert list((tmp_path / "in").iterdir() if (tmp_path / "in").exists() else []) == []


def test_saving_again_replaces(store, tmp_path):
    driver, at = store
    driver.save(written(tmp_path / "source", b"long old content"), at("k"))
    driver.save(written(tmp_path / "source", b"new"), at("k"))
    driver.load(at("k"), written(tmp_path / "target", b"stale"))
    assert (tmp_path / "target").read_bytes() == b"new"


def test_deleting_takes_a_file_or_a_folder_and_does_not_mind_absence(store, tmp_path):
    driver, at = store
    written(tmp_path / "source" / "a", b"1")
    (tmp_path / "source" / "empty").mkdir()
    driver.save(tmp_path / "source", at("wf/dir"))
    driver.save(tmp_path / "source" / "a", at("wf/file"))
    driver.save(tmp_path / "source" / "a", at("wf/dir-2"))
    driver.delete(at("wf/dir"))
    driver.delete(at("wf/file"))
    driver.delete(at("wf/file"))
    assert driver.list(at("wf")) == ["wf/dir-2"]
    with pytest.raises(NotFound):
        driver.load(at("wf/dir"), tmp_path / "target")


def test_a_stream_can_be_read_from_anywhere(store, tmp_path):
    driver, at = store
    data = random.Random(3).randbytes(3_000_000)
    driver.save(written(tmp_path / "source", data), at("k"))
    with driver.open(at("k")) as stream:
        assert stream.read(10) == data[:10]
        stream.seek(2_500_000)
        assert stream.read(10) == data[2_500_000:2_500_010]
        stream.seek(-5, os.SEEK_END)
        assert stream.read() == data[-5:]
        stream.seek(5)
        assert stream.read() == data[5:]


def test_a_reader_sees_the_old_or_the_new_object_and_nothing_between(store, request, tmp_path):
    """An emulator that writes over its own files gives short answers: an error that passes, and no file."""
    if request.node.callspec.id == "s3rver":
        pytest.skip("s3rver writes over the object that it is sending, in one answer half of each, and sums neither")
    driver, at = store
    versions = [bytes([letter]) * 200_000 for letter in b"ab"]
    sources = [written(tmp_path / f"source-{i}", data) for i, data in enumerate(versions)]
    driver.save(sources[0], at("k"))
    done = threading.Event()

    def write():
        for turn in range(8):
            driver.save(sources[turn % 2], at("k"))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not done.is_set() or not seen:
        try:
            driver.load(at("k"), tmp_path / "target")
        except TransientError:
            continue
        assert (tmp_path / "target").read_bytes() in versions
        seen += 1
    writer.join()


def test_many_threads_at_once(store, tmp_path):
    driver, at = store
    errors = []

    def work(number):
        try:
            driver.save(written(tmp_path / f"s{number}", b"%d" % number * 1000), at(f"many/{number}"))
            driver.load(at(f"many/{number}"), tmp_path / f"t{number}")
            assert (tmp_path / f"t{number}").read_bytes() == b"%d" % number * 1000
        except BaseException as exc:  # noqa: BLE001 - told in the main thread
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(driver.list(at("many"))) == 12


def test_a_link_that_leaves_the_artifact_is_refused(store, tmp_path):
    driver, at = store
    written(tmp_path / "outside", b"secret")
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "link").symlink_to("../outside")
    for source in (tmp_path / "room", tmp_path / "room" / "link"):
        with pytest.raises(StoreError, match="outside of the artifact"):
            driver.save(source, at("k"))
    assert driver.list(at("k")) == []


def test_a_source_that_is_not_there_is_an_error(store, tmp_path):
    driver, at = store
    with pytest.raises(StoreError, match="no such file"):
        driver.save(tmp_path / "absent", at("k"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="a pipe"):
        driver.save(tmp_path / "pipe", at("k"))


def test_a_location_without_a_key_is_an_error(store, tmp_path):
    driver, at = store
    with pytest.raises(StoreError, match="no key"):
        driver.save(written(tmp_path / "source", b"1"), at(""))


def test_keys_never_write_outside_the_target(store, tmp_path):
    driver, at = store
    written(tmp_path / "source", b"evil")

    def both():
        driver.save(tmp_path / "source", at("wf/../../evil"))
        driver.load(at("wf"), tmp_path / "in" / "target")

    with pytest.raises(
        AggError, match=r"refused|no such object|Bad Request|gcs: can't"
    ):  # some stores refuse or clean such keys
        both()
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "in" / "target").exists()
