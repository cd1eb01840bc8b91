"""Stores on this machine for the contract of artifact drivers: emulators from the registries, each in a process of its own."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

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
