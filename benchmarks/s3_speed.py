"""Uploads and downloads through the s3 driver beside boto3's own transfers, of the same file in the same run, in turns.

    python benchmarks/s3_speed.py [--size 1GiB] [--rounds 5] [--server sink|moto]

The sink is a store that costs as little as it can: it reads parts from the socket and forgets them, so that what is measured
is the client. moto is a real store, whose own work is most of the time. The ratio is boto3's time over the driver's: more than
1 means that the driver is faster. The last column is the memory that the process had at most, above what it began with.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import logging
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHUNK = 1 << 20
SINK = "sink"
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Sink(BaseHTTPRequestHandler):
    """An S3 that takes everything and gives zeros of the size that was stored last."""

    protocol_version = "HTTP/1.1"
    size = 0

    def _answer(self, body: bytes = b"", **headers: str) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("?uploads"):
            told = {name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-checksum")}
            self._answer(
                b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
                **{name.replace("-", "_"): value for name, value in told.items()},
            )
        else:
            self._answer(b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    def do_PUT(self) -> None:
        left = int(self.headers.get("Content-Length") or 0)
        buffer = bytearray(CHUNK)
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        while left > 0:
            got = self.rfile.readinto(memoryview(buffer)[: min(left, CHUNK)])
            if not got:
                return
            left -= got
        digest = self.headers.get("Content-MD5")
        etag = base64.b64decode(digest).hex() if digest else "0" * 31 + "x"
        told = {n.replace("-", "_"): v for n, v in self.headers.items() if n.lower().startswith("x-amz-checksum")}
        self._answer(ETag=f'"{etag}"', **told)

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass


def serve_sink() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


def serve_moto() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    threading.Event().wait()


@contextlib.contextmanager
def served(kind: str):
    """The endpoint of a store in a process of its own."""
    command = [sys.executable, __file__, "--serve", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def measured(act) -> tuple[float, float]:
    """Seconds and seconds of this process's CPU."""
    before, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - before, time.process_time() - cpu


def size_of(text: str) -> int:
    number, unit = text[:-3], text[-3:]
    return int(float(number) * UNITS[unit])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=size_of, default=1 << 30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=["sink", "moto"], default="sink")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_sink() if options.serve == SINK else serve_moto()
        return
    with tempfile.TemporaryDirectory() as folder, served(options.server) as endpoint:
        compare(pathlib.Path(folder), endpoint, options)


def compare(folder: pathlib.Path, endpoint: str, options) -> None:
    import boto3

    from aggregator.artifacts.s3 import S3Driver
    from aggregator.aws.clients import AwsClients
    from aggregator.secrets.store import SecretStore

    source = folder / "source"
    with source.open("wb") as out:
        for _ in range(options.size // CHUNK):
            out.write(os.urandom(CHUNK))
    os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
    boto = boto3.Session("key", "secret").client("s3", endpoint_url=endpoint, region_name="us-east-1")
    if options.server != SINK:
        boto.create_bucket(Bucket="bucket")
    clients = AwsClients(endpoint=endpoint, environ={})
    driver = S3Driver(clients, SecretStore(environ={}))
    place = {"bucket": "bucket", "key": "ours", "endpoint": "s3.amazonaws.com"}

    def theirs() -> None:
        boto.upload_file(str(source), "bucket", "theirs")

    def ours() -> None:
        driver.save(source, place)

    acts = [("upload", theirs, ours)]
    if options.server != SINK:
        acts.append(
            (
                "download",
                lambda: boto.download_file("bucket", "theirs", str(folder / "theirs")),
                lambda: driver.load(place, folder / "ours"),
            )
        )
    print(f"{options.size / UNITS['GiB']:.2f} GiB to {options.server}, {options.rounds} rounds in turns")
    for name, first, second in acts:
        base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pairs = []
        for number in range(options.rounds + 1):
            # In turns, and each first in every second round: neither always finds the warmer cache.
            order = (first, second) if number % 2 else (second, first)
            took = {act: measured(act) for act in order}
            if number:  # the first round warms connections and caches
                pairs.append((took[first], took[second]))
                (a, ca), (b, cb) = pairs[-1]
                print(
                    f"  {name:9} boto3 {a:6.2f} s (cpu {ca:5.2f})   driver {b:6.2f} s (cpu {cb:5.2f})   ratio {a / b:5.2f}"
                )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ratios = [a[0] / b[0] for a, b in pairs]
        print(
            f"{name}: ratio {statistics.median(ratios):.2f} (least {min(ratios):.2f}), peak memory +{(peak - base) >> 10} MiB"
        )
    driver.close()
    clients.close()


if __name__ == "__main__":
    main()
