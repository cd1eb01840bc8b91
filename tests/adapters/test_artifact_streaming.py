"""One gigabyte to a store and back in constant memory, by the s3 driver in a process of its own against a store on this machine."""

import json
import os
import shutil
import subprocess
import sys
import textwrap

import pytest

SIZE = 1 << 30
FREE = 4 << 30
SERVER = """
import hashlib, re, shutil, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
target, etags = Path(sys.argv[1]), {}
target.touch()

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.answer(200, b"<R><UploadId>u</UploadId></R>")
    def do_PUT(self):
        number = int(parse_qs(urlsplit(self.path).query)["partNumber"][0])
        left, digest = int(self.headers["Content-Length"]), hashlib.md5()
        self.send_response_only(100)
        self.end_headers()
        with target.open("r+b") as out:
            out.seek((number - 1) * (8 << 20))
            while left and (chunk := self.rfile.read(min(left, 1 << 20))):
                out.write(chunk)
                digest.update(chunk)
                left -= len(chunk)
        etags[number] = digest
        self.answer(200, ETag=f'"{digest.hexdigest()}"')
    def do_GET(self):
        sums = b"".join(etags[number].digest() for number in sorted(etags))
        size, tag = target.stat().st_size, f'"{hashlib.md5(sums).hexdigest()}-{len(etags)}"'
        ranged = re.fullmatch(r"bytes=(\\d+)-(\\d+)", self.headers.get("Range") or "")
        start, end = (int(ranged[1]), int(ranged[2])) if ranged else (0, size - 1)
        self.send_response(206 if ranged else 200)
        for name, value in {"Content-Length": str(end - start + 1), "ETag": tag}.items():
            self.send_header(name, value)
        self.end_headers()
        with target.open("rb") as file:
            file.seek(start)
            left = end - start + 1
            while left:
                chunk = file.read(min(left, 1 << 20))
                self.wfile.write(chunk)
                left -= len(chunk)
    def log_message(self, *args): pass

class Server(ThreadingHTTPServer):
    daemon_threads = True
    def handle_error(self, *args): pass  # a client looks at the size and asks for parts instead
server = Server(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
CLIENT = """
import json, resource, sys
from pathlib import Path
from aggregator.artifacts.s3 import S3Driver
from aggregator.aws.clients import AwsClients
from aggregator.secrets.store import SecretStore
endpoint, source, target = sys.argv[1:]
clients = AwsClients(endpoint=endpoint, environ={})
driver = S3Driver(clients, SecretStore(environ={}))
place = {"bucket": "b", "key": "k", "endpoint": "s3.amazonaws.com"}
clients.client("s3")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
told = [peak()]
driver.save(Path(source), place)
told.append(peak())
Path(source).unlink()
driver.load(place, Path(target))
told.append(peak())
print(json.dumps(told))
driver.close()
"""


def test_a_gigabyte_goes_both_ways_in_constant_memory(tmp_path, clean_aws):
    if shutil.disk_usage(tmp_path).free < FREE:
        pytest.skip("less than 4 GB of disk are free")
    block = os.urandom(1 << 20)
    with (tmp_path / "source").open("wb") as out:
        for number in range(SIZE >> 20):
            out.write(number.to_bytes(8, "big") + block[8:])
    for name, text in (("server.py", SERVER), ("client.py", CLIENT)):
        (tmp_path / name).write_text(textwrap.dedent(text))
    command = [sys.executable, tmp_path / "server.py", tmp_path / "stored"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            words = [endpoint, tmp_path / "source", tmp_path / "target"]
            done = subprocess.run(
                [sys.executable, tmp_path / "client.py", *words], capture_output=True, text=True, timeout=280
            )
        finally:
            server.kill()
    assert done.returncode == 0, done.stderr
    began, stored, loaded = json.loads(done.stdout)
    assert max(stored, loaded) - began < 256 << 20
    with (tmp_path / "target").open("rb") as file:
        for number in range(SIZE >> 20):
            assert file.read(1 << 20) == number.to_bytes(8, "big") + block[8:]
        assert not file.read(1)
    for name in ("target", "stored"):
        (tmp_path / name).unlink()
