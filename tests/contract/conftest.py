"""Stores on this machine for the contract of artifact drivers: emulators from the registries, each in a process of its own."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import types
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

ENVIRON = dict(os.environ)
"""As it was before any test gave itself another home: npm's settings and caches are in the user's own."""
NPM = ("azurite@3.35.0", "s3rver@3.7.1")


def absent(reason):
    """Skip, except where everything has to be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def npm_programs():
    """The folder of the emulators that npm has, installed once for all runs and all workers."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        absent("node and npm are not in PATH")
    cache = pathlib.Path(ENVIRON.get("XDG_CACHE_HOME") or pathlib.Path(ENVIRON.get("HOME", "/tmp")) / ".cache")
    folder = cache / "agg-workflows-tests" / "-".join(each.replace("@", "-") for each in NPM)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            command = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", "--no-save", "--silent", *NPM]
            done = subprocess.run(
                command, env=ENVIRON, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=250
            )
            if done.returncode:
                absent(f"npm can't install {' and '.join(NPM)}: {(done.stderr or done.stdout).strip()[-300:]}")
            (folder / "complete").touch()
    return folder / "node_modules" / ".bin"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def served(command_at, folder):
    """A server on a free port of 127.0.0.1; another port, should somebody else have been quicker."""
    log = folder / "log"
    for _ in range(5):
        port = free_port()
        with log.open("w") as out:
            process = subprocess.Popen(
                command_at(port), stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=folder, env=ENVIRON
            )
        try:
            for _ in range(600):
                if process.poll() is not None:
                    break
                if answers(port):
                    yield port
                    return
                time.sleep(0.05)
        finally:
            process.kill()
            process.wait()
    pytest.fail(f"the server does not start: {log.read_text()[-500:]}")


@pytest.fixture(scope="session")
def s3rver(npm_programs, tmp_path_factory):
    """The URL of an S3 that has nothing in common with moto. Its keys are S3RVER and S3RVER."""
    folder = tmp_path_factory.mktemp("s3rver")
    words = ["-a", "127.0.0.1", "-d", folder / "data", "--silent", "--no-vhost-buckets"]
    (folder / "data").mkdir()
    with served(lambda port: [npm_programs / "s3rver", *words, "-p", str(port)], folder) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def azurite(npm_programs, tmp_path_factory):
    """The URL of an Azure Blob Storage, with the account and key that all such emulators have."""
    folder = tmp_path_factory.mktemp("azurite")
    words = ["--blobHost", "127.0.0.1", "--location", folder, "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    with served(lambda port: [npm_programs / "azurite-blob", *words, "--blobPort", str(port)], folder) as port:
        yield f"http://127.0.0.1:{port}/devstoreaccount1"


@pytest.fixture(scope="session")
def gcs_emulator(tmp_path_factory):
    """The URL of a Google Cloud Storage."""
    pytest.importorskip("gcp_storage_emulator")
    folder = tmp_path_factory.mktemp("gcs")
    words = ["start", "--host", "127.0.0.1", "--in-memory"]
    command = [sys.executable, "-m", "gcp_storage_emulator", *words, "--port"]
    with served(lambda port: [*command, str(port)], folder) as port:
        yield f"http://127.0.0.1:{port}"


class Oss(BaseHTTPRequestHandler):
    """A stand-in for Alibaba Cloud OSS: what its documents say of objects, lists and parts; it checks no signature."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar = {}
    parts: ClassVar = {}

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def asked(self):
        path, _, query = self.path.partition("?")
        bucket, _, key = urllib.parse.unquote(path).lstrip("/").partition("/")
        return bucket, key, dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def refuse(self, status, code):
        self.answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def do_PUT(self):
        from alibabacloud_oss_v2.crc import Crc64

        bucket, key, query = self.asked()
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if key and "partNumber" in query:
            self.parts[query["uploadId"]][int(query["partNumber"])] = data
        elif key:
            self.objects[bucket, key] = data
        checksum = Crc64(0)
        checksum.write(data)
        self.answer(200, ETag=f'"{hashlib.md5(data).hexdigest()}"', **{"x-oss-hash-crc64ecma": str(checksum.sum64())})

    def do_POST(self):
        bucket, key, query = self.asked()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "uploads" in query:
            number = str(len(self.parts))
            self.parts[number] = {}
            name = f"<Bucket>{bucket}</Bucket><Key>k</Key><UploadId>{number}</UploadId>"
            self.answer(200, f"<InitiateMultipartUploadResult>{name}</InitiateMultipartUploadResult>".encode())
        else:
            self.objects[bucket, key] = b"".join(data for _, data in sorted(self.parts[query["uploadId"]].items()))
            self.answer(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    def do_GET(self):
        from alibabacloud_oss_v2.crc import Crc64

        bucket, key, query = self.asked()
        if not key:
            found = sorted(k for b, k in self.objects if b == bucket and k.startswith(query.get("prefix", "")))
            shown = "".join(f"<Contents><Key>{urllib.parse.quote(each)}</Key></Contents>" for each in found)
            head = "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
            self.answer(200, f"<ListBucketResult>{head}{shown}</ListBucketResult>".encode())
            return
        if (bucket, key) not in self.objects:
            self.refuse(404, "NoSuchKey")
            return
        data = self.objects[bucket, key]
        checksum = Crc64(0)
        checksum.write(data)
        told = {"ETag": f'"{hashlib.md5(data).hexdigest()}"', "x-oss-hash-crc64ecma": str(checksum.sum64())}
        ranged = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        self.answer(206 if ranged else 200, data[int(ranged[1]) : int(ranged[2]) + 1] if ranged else data, **told)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def do_DELETE(self):
        bucket, key, _ = self.asked()
        self.objects.pop((bucket, key), None)
        self.answer(204)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def oss_stand_in():
    """The URL of an OSS that is none: nobody but Alibaba Cloud runs one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Oss)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Hadoop:
    """A stand-in for hdfs_native's client: a folder of this machine, with that library's calls and errors."""

    def __init__(self, url, config, **_):
        assert url == "hdfs://namenode:8020"
        self.root = pathlib.Path(os.environ["HADOOP_STAND_IN"])

    def at(self, path):
        return self.root / path.lstrip("/")

    def info(self, path):
        found = self.at(path).stat()
        folder = self.at(path).is_dir()
        return types.SimpleNamespace(
            path=path, length=0 if folder else found.st_size, isdir=folder, modification_time=found.st_mtime_ns
        )

    def get_file_info(self, path):
        return self.info(path)

    def list_status(self, path, recursive=False):
        assert recursive
        if self.at(path).is_file():
            return iter([self.info(path)])
        if not self.at(path).is_dir():
            raise FileNotFoundError(f"File not found: {path}")
        return iter([self.info("/" + each.relative_to(self.root).as_posix()) for each in self.at(path).rglob("*")])

    def read(self, path):
        data = self.at(path).read_bytes()
        return types.SimpleNamespace(
            read_range=lambda start, size: data[start : start + size],
            read_range_stream=lambda start, size: iter([data[start : start + size]] if size else []),
        )

    def create(self, path, write_options):
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        return self.at(path).open("wb")

    def mkdirs(self, path, create_parent=False):
        self.at(path).mkdir(parents=True, exist_ok=True)

    def rename(self, source, target, overwrite=False):
        self.at(source).replace(self.at(target))

    def delete(self, path, recursive=False):
        if self.at(path).is_dir():
            shutil.rmtree(self.at(path))
        else:
            self.at(path).unlink()


@pytest.fixture
def hadoop_stand_in(monkeypatch, tmp_path):
    """hdfs_native without a Hadoop, which needs Java and is in no registry of ours."""
    (tmp_path / "hadoop").mkdir()
    monkeypatch.setenv("HADOOP_STAND_IN", str(tmp_path / "hadoop"))
    module = types.SimpleNamespace(Client=Hadoop, WriteOptions=lambda **_: None)
    monkeypatch.setitem(sys.modules, "hdfs_native", module)
    return module
