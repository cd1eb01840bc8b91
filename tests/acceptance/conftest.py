"""The whole program as a process, against real sockets: a posts API with seeded faults, and moto's AWS."""

import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

REPO = pathlib.Path(__file__).parents[2]
SHARED = pathlib.Path(os.environ.get("AGG_CORPUS") or REPO.parent / "shared" / "argo").parent
REGION = "us-east-1"
NOBODY = 65534


@pytest.fixture(scope="session")
def shared():
    """Files beside the repository, by their path; a clone without them skips, CI must have them."""
    return _shared


def _shared(path):
    found = SHARED / path
    if not found.exists():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have {found}")
        pytest.skip(f"needs {found}, which only the project's own machines have")
    return found


@pytest.fixture(scope="session")
def posts():
    """The real data set: 100 posts."""
    return json.loads(_shared("data/posts.json").read_text())


class Listener(ThreadingHTTPServer):
    """Takes a whole fan-out's connections at once; a short queue drops some, and TCP tries those again seconds later."""

    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that give up are part of the tests


class PostsServer:
    """Serves posts; `fail(number, n)` answers what goes wrong with the n-th request of a post, or None."""

    def __init__(self, posts, fail):
        self.served = {}
        self.requests = {}
        self.lock = threading.Lock()
        outer = self
        by_number = {post["id"]: post for post in posts}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                number = int(self.path.rpartition("/")[2])
                with outer.lock:
                    turn = outer.requests[number] = outer.requests.get(number, 0) + 1
                fault = fail(number, turn)
                if fault == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                if fault == "stall":
                    time.sleep(3)
                status = fault if isinstance(fault, int) else 200
                body = json.dumps(by_number[number], indent=2).encode() if status == 200 else b"{}"
                with outer.lock:
                    outer.served[number] = outer.served.get(number, 0) + (status == 200 and fault is None)
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *args):
                pass

        self.server = Listener(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def posts_server(posts):
    """Start servers of the posts: `posts_server(fail)`."""
    started = []

    def start(fail=lambda number, turn: None):
        started.append(PostsServer(posts, fail))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def seeded_faults():
    """Makes a seeded share of requests go wrong transiently, no post more often than `limit`."""
    return _seeded_faults


def _seeded_faults(seed, share, limit):
    source = random.Random(seed)
    plan = {
        n: [source.choice([503, "reset", "stall"]) if source.random() < share else None for _ in range(limit)]
        for n in range(1, 101)
    }
    return lambda number, turn: plan[number][turn - 1] if turn <= limit else None


class Cloud:
    """A bucket, and a topic whose messages an SQS queue receives."""

    def __init__(self, endpoint):
        keys = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "test", "region_name": REGION}
        self.s3 = boto3.client("s3", endpoint_url=endpoint, **keys)
        sns = boto3.client("sns", endpoint_url=endpoint, **keys)
        self.sqs = boto3.client("sqs", endpoint_url=endpoint, **keys)
        self.bucket = "deals"
        self.s3.create_bucket(Bucket=self.bucket)
        self.topic = sns.create_topic(Name="deals")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="deals")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        self.endpoint = endpoint

    @property
    def environment(self):
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def keys(self):
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def object(self, key):
        return json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def messages(self):
        found = []
        while batch := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            found += [m["Body"] for m in batch]
            for message in batch:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def cloud(aws):
    return Cloud(aws)


class Agg:
    """Runs `agg` as a process in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.home = folder / "home"
        self.command = [sys.executable, "-m", "aggregator"]
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AGG_", "AWS_"))},
            "AGG_HOME": str(self.home),
            "AGG_RUNTIME": "process",
            "NO_COLOR": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self, *arguments, env=None, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            [*self.command, *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def __call__(self, *arguments, env=None, stdin=None, timeout=120):
        process = self.start(*arguments, env=env, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"agg {' '.join(map(str, arguments))} did not end in {timeout} s\n{out}\n{err}")
        answer = Answer(process.returncode, out, err)
        # Whatever a user does: no traceback, and never a bug of ours.
        assert answer.code != 70, answer
        for word in ("Traceback (most recent call last)", "bug in agg", "bug of agg"):
            assert word not in out + err, answer
        return answer

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


class Answer:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@pytest.fixture
def agg(tmp_path):
    return Agg(tmp_path)


LEFT_OUT = {"artifacts", "aws", "runtimes", "sandbox", "testing"}
AS_NOBODY = f"""
import importlib, os, pkgutil, sys
import aggregator
for found in pkgutil.walk_packages(aggregator.__path__, "aggregator."):
    # The interpreter may lie where only root can read; what is left out is not needed to be refused.
    if not found.name.endswith("__main__") and found.name.split(".")[1] not in {LEFT_OUT}:
        importlib.import_module(found.name)
from aggregator.__main__ import main
import encodings.idna, importlib.metadata, importlib.readers, uvloop
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def nobody():
    """An `agg` that another user runs, for whom modes of files mean something; only root can become one."""
    if os.geteuid() != 0:
        pytest.skip("only root can run a process as another user")
    with tempfile.TemporaryDirectory(prefix="agg-nobody-") as folder:
        os.chmod(folder, 0o755)
        other = Agg(pathlib.Path(folder))
        other.command = [sys.executable, "-c", AS_NOBODY]
        other.home.mkdir(mode=0o700)
        os.chown(other.home, NOBODY, NOBODY)
        yield other
