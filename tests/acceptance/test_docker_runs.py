"""Runs in containers, from the command line: what auto chooses, the sandbox, an engine that goes away, and kill -9."""

import asyncio
import contextlib
import json
import os
import platform
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from aggregator.errors import UsageError
from aggregator.runtimes.docker import find

IMAGE = "alpine:3.23"
SOCKET = "/var/run/docker.sock"
PREFIX = f"in-containers-{os.getpid()}-"


def workflow(*templates, **spec):
    return json.dumps(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"generateName": PREFIX},
            "spec": {"entrypoint": templates[0]["name"], "templates": list(templates), **spec},
        }
    )


def sh(text, name="main", image=IMAGE, **rest):
    return {"name": name, "container": {"image": image, "command": ["sh", "-c"], "args": [text]}, **rest}


async def _asked(label):
    engine = await find("docker", {})
    try:
        return await engine.labelled(label) if label else await engine.has_image(IMAGE)
    finally:
        await engine.close()


def containers(label="agg.dev/owner"):
    """Those of runs that this process's tests have started. Others may sweep what a killed one left before we look."""
    return [row for row in asyncio.run(_asked(label)) if f"/{PREFIX}" in row["Names"][0]]


@pytest.fixture(autouse=True)
def engine():
    try:
        why = "" if asyncio.run(_asked("")) else f"the engine has no image {IMAGE}"
    except UsageError as error:
        why = error.message
    if why:
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


def leaves(answer):
    nodes = answer.json["status"]["nodes"].values()
    return {node["displayName"]: node for node in nodes if node["type"] == "Pod"}


def test_auto_runs_what_the_engine_has_in_containers_and_the_rest_as_processes_and_says_so(agg):
    file = agg.file(
        "w.yaml",
        workflow(
            {
                "name": "both",
                "steps": [[{"name": "here", "template": "here"}, {"name": "there", "template": "there"}]],
            },
            sh("true", "there"),
            sh("true", "here", image="127.0.0.1:9/agg-nowhere:1"),
        ),
    )
    answer = agg("run", file, "--runtime", "auto", "-o", "json")
    assert answer.code == 0, answer
    assert {name: node["agg.dev/runtime"] for name, node in leaves(answer).items()} == {
        "here": "process",
        "there": "docker",
    }
    assert answer.err.count("leaves run in containers: docker ") == 1
    assert "leaves with image 127.0.0.1:9/agg-nowhere:1 run as processes of this machine" in answer.err


def test_a_template_may_name_its_runtime(agg):
    file = agg.file(
        "w.yaml",
        workflow(sh("true", metadata={"annotations": {"agg.dev/runtime": "docker"}})),
    )
    answer = agg("run", file, "--runtime", "process", "-o", "json")
    assert [node["agg.dev/runtime"] for node in leaves(answer).values()] == ["docker"]


def test_without_an_engine_auto_runs_processes_and_docker_is_an_error_that_says_where_it_looked(agg, tmp_path):
    file = agg.file("w.yaml", workflow(sh("echo done")))
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    answer = agg("run", file, "--runtime", "auto", "-o", "json", env=nowhere)
    assert [node["agg.dev/runtime"] for node in leaves(answer).values()] == ["process"]
    assert "no container engine answers" in answer.err
    answer = agg("run", file, "--runtime", "docker", env=nowhere)
    assert answer.code == 1
    assert f"unix://{tmp_path}/none.sock (no such file or directory)" in answer.err


def test_a_run_without_containers_never_asks_for_an_engine(agg, tmp_path, stub_server):
    url, _ = stub_server(lambda method, path: (200, {}, b"ok"))
    asked = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{tmp_path}/d.sock")
    listener.listen()
    listener.settimeout(0.1)
    file = agg.file("w.yaml", workflow({"name": "main", "http": {"url": url}}))
    answer = agg("run", file, "--runtime", "auto", env={"DOCKER_HOST": f"unix://{tmp_path}/d.sock"})
    assert answer.code == 0, answer
    with pytest.raises(TimeoutError):
        asked.append(listener.accept())
    listener.close()


def test_the_article_runs_in_containers_with_the_sandbox(agg, shared):
    answer = agg(
        "run", shared("article/filled.yaml"), "--sandbox", "--runtime", "docker", "-o", "json", "-p", "count=3"
    )
    assert answer.code == 0, answer
    nodes = leaves(answer)
    assert nodes
    assert {node["agg.dev/runtime"] for node in nodes.values()} == {"docker"}


class Proxy:
    """A socket that leads to the engine's until it is cut."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        self.open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(SOCKET)
            self.open += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        os.unlink(self.path)
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for each in self.open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


RELAY = """
import asyncio, json, sys
async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data.replace(*names) if names else data)
    writer.write_eof()
async def relay(reader, writer):
    there, to = await asyncio.open_unix_connection("/var/run/docker.sock")
    await asyncio.gather(pump(reader, to), pump(there, writer))
    writer.close()
names = [part.encode() for part in sys.argv[1:]]
async def main():
    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def relay():
    """`tcp://` addresses of the engine; with a name, one that says that it runs on a machine of that name."""
    begun = []

    def start(name=""):
        # As long as the machine's own, since it replaces it in answers whose lengths were told.
        own = f'"Name":"{platform.node()}"'
        words = [own, f'"Name":"{name.ljust(len(platform.node()), "x")[: len(platform.node())]}"'] if name else []
        begun.append(subprocess.Popen([sys.executable, "-c", RELAY, *words], stdout=subprocess.PIPE, text=True))
        return f"tcp://127.0.0.1:{begun[-1].stdout.readline().strip()}"

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


def test_an_engine_of_this_machine_may_be_reached_by_tcp(agg, relay):
    file = agg.file("w.yaml", workflow(sh("echo by tcp")))
    answer = agg("run", file, "--runtime", "docker", "-o", "json", env={"DOCKER_HOST": relay()})
    assert answer.code == 0, answer
    assert leaves(answer)[answer.json["metadata"]["name"]]["outputs"]["exitCode"] == "0"
    assert "by tcp" in agg("logs", "@latest").out


def test_an_engine_of_another_machine_is_refused_since_it_can_not_see_the_files_of_leaves(agg, relay):
    file = agg.file("w.yaml", workflow(sh("true")))
    answer = agg("run", file, "--runtime", "docker", env={"DOCKER_HOST": relay("other")})
    assert answer.code != 0, answer
    assert "is not on this machine" in answer.err, answer
    assert not containers()


def test_an_engine_that_goes_away_is_a_clear_error_and_its_container_goes_with_the_next_run(agg, tmp_path):
    proxy = Proxy(f"{tmp_path}/p.sock")
    file = agg.file("w.yaml", workflow(sh("echo up; sleep 600")))
    process = agg.start("run", file, "--runtime", "docker", env={"DOCKER_HOST": f"unix://{tmp_path}/p.sock"})
    deadline = time.monotonic() + 60
    while not any(row["State"] == "running" for row in containers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    proxy.cut()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert f"the container engine at unix://{tmp_path}/p.sock does not answer" in err
    assert "Traceback" not in out + err
    assert agg("run", agg.file("next.yaml", workflow(sh("true"))), "--runtime", "docker").code == 0
    assert containers() == []


@pytest.mark.parametrize("seed", range(4))
def test_after_kill_9_at_a_random_moment_the_next_run_leaves_nothing_behind(agg, seed):
    pod = sh("sleep 600", "pod", sidecars=[{"name": "beside", "image": IMAGE, "command": ["sleep", "600"]}])
    loop = {"name": "main", "steps": [[{"name": "n", "template": "pod", "withSequence": {"count": "3"}}]]}
    file = agg.file("w.yaml", workflow(loop, pod))
    process = agg.start("run", file, "--runtime", "docker")
    deadline = time.monotonic() + 60
    while not containers() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(random.Random(seed).uniform(0, 2.5))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(1.0)  # a request that was on its way may still make a container
    assert agg("run", agg.file("next.yaml", workflow(sh("true"))), "--runtime", "docker").code == 0
    assert containers() == []


def test_ctrl_c_ends_containers_and_removes_them(agg):
    process = agg.start("run", agg.file("w.yaml", workflow(sh("sleep 600"))), "--runtime", "docker")
    deadline = time.monotonic() + 60
    while not any(row["State"] == "running" for row in containers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert containers() == []


def test_gc_removes_what_a_killed_run_left(agg):
    process = agg.start("run", agg.file("w.yaml", workflow(sh("sleep 600"))), "--runtime", "docker")
    deadline = time.monotonic() + 60
    while not any(row["State"] == "running" for row in containers()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    from aggregator.app.engines import sweep_containers

    asyncio.run(sweep_containers({}))
    assert containers() == []
