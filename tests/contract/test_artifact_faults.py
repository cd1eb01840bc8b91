"""Faults on the socket between a driver and its store: the whole object or a clear error, never a short or damaged one."""

import contextlib
import os
import random
import socket
import struct
import threading

import pytest

from aggregator.artifacts import azure, gcs, make_driver
from aggregator.artifacts.s3 import S3Driver
from aggregator.aws.clients import AwsClients
from aggregator.errors import NotFound, StoreError, TransientError
from aggregator.secrets.store import SecretStore

OLD, NEW = random.Random(1).randbytes(600_000), random.Random(2).randbytes(600_000)
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
FAULTS = ["reset", "stall", "cut", "flip"]
AFTER = 200_000
"""Bytes of one connection that go through before the fault: more than any request's or answer's head."""


class Proxy:
    """Hands bytes through to a server; in one direction, from some byte on, in a way of its own."""

    def __init__(self, target):
        host, port = target.removeprefix("http://").partition("/")[0].split(":")
        self._target = (host, int(port))
        self.fault = self.direction = ""
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for direction, start, end in (("up", client, server), ("down", server, client)):
                    threading.Thread(target=self._pump, args=(direction, start, end), daemon=True).start()

    def _pump(self, direction, start, end):
        before = 0
        with contextlib.suppress(OSError):
            while data := start.recv(65536):
                if self.fault and direction == self.direction and before > AFTER:
                    if self.fault == "flip":
                        data = data[:-1] + bytes([data[-1] ^ 1])
                    elif self.fault == "stall":
                        self._stop.wait(20)
                        break
                    else:
                        break
                before += len(data)
                end.sendall(data)
        for each in (start, end):
            with contextlib.suppress(OSError):
                if self.fault == "reset":
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    each.shutdown(socket.SHUT_RDWR)
            each.close()

    def heal(self):
        self.fault = ""
        self._stop.set()

    def close(self):
        self.heal()
        self._listener.close()


@pytest.fixture(params=["s3", "s3rver", "azure", "gcs"])
def opened(request):
    """Makes a driver for an endpoint, with a function that makes locations; and the server's own endpoint."""
    if request.param == "gcs" and "upload" in request.node.name and request.node.callspec.params["fault"] != "flip":
        pytest.skip("the emulator serves one connection at a time, and goes on waiting for the rest of a body")
    name = f"faults-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        request.getfixturevalue("clean_aws")
        if request.param in ("s3", "s3rver"):
            server = request.getfixturevalue("aws" if request.param == "s3" else "s3rver")
            pair = {"accessKeySecret": {"name": "s", "key": "k"}, "secretKeySecret": {"name": "s", "key": "k"}}

            def open_at(endpoint):
                clients = AwsClients(environ={}, read_timeout=2)
                stack.callback(clients.close)
                driver = S3Driver(clients, SecretStore(environ={}, extra={("s", "k"): "S3RVER"}))
                stack.callback(driver.close)
                common = {"bucket": name, "endpoint": endpoint, "createBucketIfNotPresent": {}, **pair}
                return driver, lambda key: {**common, "key": key, "region": "us-east-1"}

        elif request.param == "azure":
            from azure.storage.blob import BlobServiceClient

            server = request.getfixturevalue("azurite")
            request.getfixturevalue("monkeypatch").setattr(azure, "READ_TIMEOUT", 2)
            with BlobServiceClient(server, {"account_name": "devstoreaccount1", "account_key": AZURE_KEY}) as service:
                if not service.get_container_client(name).exists():
                    service.create_container(name)

            def open_at(endpoint):
                secrets = SecretStore(environ={}, extra={("s", "k"): AZURE_KEY})
                driver = make_driver("azure", secrets=secrets, clients=None, root=None)
                stack.callback(driver.close)
                url = endpoint if "devstore" in endpoint else f"{endpoint}/devstoreaccount1"
                common = {"endpoint": url, "container": name, "accountKeySecret": {"name": "s", "key": "k"}}
                return driver, lambda key: {**common, "blob": key}

        else:
            server = request.getfixturevalue("gcs_emulator")
            patch = request.getfixturevalue("monkeypatch")
            patch.setattr(gcs, "TIMEOUT", (2, 2))
            patch.setenv(gcs.EMULATOR, server)
            from google.auth.credentials import AnonymousCredentials
            from google.cloud.storage import Client

            client = Client(project="emulated", credentials=AnonymousCredentials())
            if not client.bucket(name).exists():
                client.create_bucket(name)
            client.close()

            def open_at(endpoint):
                patch.setenv(gcs.EMULATOR, endpoint)
                driver = make_driver("gcs", secrets=SecretStore(environ={}), clients=None, root=None)
                stack.callback(driver.close)
                driver.place({"bucket": name})  # signs in now, by this endpoint
                return driver, lambda key: {"bucket": name, "key": key}

        yield open_at, server


@pytest.fixture
def faulty(opened, tmp_path):
    """A store that holds OLD, reached as it is and through a proxy."""
    open_at, server = opened
    proxy = Proxy(server)
    plain, through = open_at(server), open_at(proxy.url)
    (tmp_path / "old").write_bytes(OLD)
    (tmp_path / "new").write_bytes(NEW)
    plain[0].save(tmp_path / "old", plain[1]("k"))
    yield proxy, plain, through
    proxy.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_download_that_is_disturbed_leaves_no_file(faulty, tmp_path, fault):
    proxy, _, (driver, at) = faulty
    proxy.fault, proxy.direction = fault, "down"
    with pytest.raises(TransientError):
        driver.load(at("k"), tmp_path / "in" / "target")
    assert os.listdir(tmp_path / "in") == []
    proxy.heal()
    driver.load(at("k"), tmp_path / "in" / "target")
    assert (tmp_path / "in" / "target").read_bytes() == OLD


@pytest.mark.parametrize("fault", FAULTS)
def test_an_upload_that_is_disturbed_is_an_error_and_never_half_an_object(faulty, request, tmp_path, fault):
    proxy, (plain, at), (driver, at_proxy) = faulty
    proxy.fault, proxy.direction = fault, "up"
    with pytest.raises(StoreError):
        driver.save(tmp_path / "new", at_proxy("k"))
    proxy.heal()
    if fault != "flip":  # a damaged object is told; a store that checks nothing keeps it until the next try
        # s3rver writes into the object as bytes come, and keeps half of it: the sum tells, or it waits for the rest.
        spoilt = "s3rver" in request.node.callspec.id
        with pytest.raises(TransientError, match=r"damaged|timed out") if spoilt else contextlib.nullcontext():
            plain.load(at("k"), tmp_path / "now")
        assert spoilt or (tmp_path / "now").read_bytes() == OLD
    driver.save(tmp_path / "new", at_proxy("k"))
    plain.load(at("k"), tmp_path / "now")
    assert (tmp_path / "now").read_bytes() == NEW


def test_a_busy_store_is_asked_again_later(opened, stub_server, tmp_path):
    open_at, _ = opened
    url, _ = stub_server(lambda method, path: (503, {"Retry-After": "3"}, b""))
    driver, at = open_at(url)
    (tmp_path / "new").write_bytes(NEW)
    for call in (lambda: driver.save(tmp_path / "new", at("k")), lambda: driver.load(at("k"), tmp_path / "target")):
        with pytest.raises(TransientError) as caught:
            call()
        assert caught.value.retry_after == 3


def test_what_is_refused_names_the_credentials(opened, stub_server, tmp_path):
    open_at, _ = opened
    url, _ = stub_server(lambda method, path: (403, {}, b""))
    driver, at = open_at(url)
    with pytest.raises(StoreError, match=r"not allowed|not accepted") as caught:
        driver.load(at("k"), tmp_path / "target")
    assert not isinstance(caught.value, (TransientError, NotFound))
    assert caught.value.hint


def test_a_full_disk_says_so_and_leaves_nothing(faulty, tmp_path):
    """The limit of a file's size stands in for the disk: it needs no mount."""
    import resource
    import signal

    _, (driver, at), _ = faulty
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StoreError, match="File too large") as caught:
            driver.load(at("k"), tmp_path / "in" / "target")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert not isinstance(caught.value, (TransientError, NotFound))
    assert os.listdir(tmp_path / "in") == []
