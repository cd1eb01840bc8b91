"""S3 over a socket that breaks off, changes bytes or slows down: never a short or mixed object."""

import contextlib
import os
import random
import socket
import threading

import pytest

from aggregator.artifacts.s3 import S3Driver
from aggregator.aws.clients import AwsClients
from aggregator.errors import TransientError
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
