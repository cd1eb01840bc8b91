"""What every runtime must do with an attempt, held against each of them; a new one joins by one line in RUNTIMES."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from aggregator.engine.commands import Attempt
from aggregator.errors import NotFound
from aggregator.runtimes.http import HttpRuntime
from aggregator.runtimes.process import ProcessRuntime
from aggregator.runtimes.process.isolation import probe

if TYPE_CHECKING:
    from aggregator.ports import Runtime


class NoSecrets:
    def secret(self, name, key):
        raise NotFound(f"Secret {name!r} is nowhere")

    def secret_keys(self, name):
        raise NotFound(f"Secret {name!r} is nowhere")

    config_map = secret_keys

    def mask(self, text):
        return text


@dataclass
class Subject:
    """A runtime with templates (kind, body) that end well, end badly, and never end by themselves."""

    runtime: Runtime
    well: tuple[str, dict[str, Any]]
    badly: tuple[str, dict[str, Any]]
    never: tuple[str, dict[str, Any]]
    quiet: bool = False
    """Says nothing while it runs, not even that it started (an http node goes from Pending to its end)."""
    always_kept: bool = False
    """Results are kept whether wanted or not (bodies of http answers)."""
    resultless: bool = False
    """Has no result, only outputs that its template names (resources)."""
    end: Any = None
    """Called when the test is over."""


def shell(text):
    return "container", {"container": {"image": "alpine", "command": ["sh", "-c", text]}}


def processes(isolation):
    def make(_tmp_path):
        found = probe(os.environ["PATH"])
        if isolation == "bubblewrap" and isinstance(found, str):
            if os.environ.get("CI"):
                pytest.fail(found)
            pytest.skip(found)
        runtime = ProcessRuntime(isolation=isolation, secrets=NoSecrets(), notice=lambda text: None, grace=5.0)
        return Subject(runtime, shell("echo well"), shell("echo badly; exit 3"), shell("echo begun; sleep 600"))

    return make


SERVER = """
import asyncio, sys
async def talk(reader, writer):
    while line := (await reader.readuntil(b"\\r\\n\\r\\n")).split()[1]:
        if line == b"/never":
            await asyncio.sleep(600)
        writer.write(b"HTTP/1.1 %s X\\r\\nContent-Length: 2\\r\\n\\r\\nok" % (b"200" if line == b"/well" else b"404"))
async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def http(_tmp_path):
    # A process of its own: sockets that a server of ours had accepted would count as left behind.
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}"

    def end():
        server.kill()
        server.wait()
        server.stdout.close()

    def get(path):
        return "http", {"http": {"url": url + path}}

    runtime = HttpRuntime(secrets=NoSecrets(), environ={})
    return Subject(runtime, get("/well"), get("/badly"), get("/never"), quiet=True, always_kept=True, end=end)


KUBECTL = """#!/bin/sh
case "$*" in
  *well*) echo '{"kind": "Pod", "metadata": {"name": "well"}}' ;;
  *badly*) echo 'Error from server: no' >&2; exit 1 ;;
  *) sleep 600 ;;
esac
"""


def resources(tmp_path):
    from aggregator.runtimes.resource import Cluster, ResourceRuntime

    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)

    def get(name):
        return "resource", {"resource": {"action": "get", "flags": ["pod", name]}}

    runtime = ResourceRuntime(cluster=Cluster(str(program)), workflows=None, environ={"PATH": os.defpath})
    return Subject(runtime, get("well"), get("badly"), get("never"), resultless=True)


PLUGIN = """
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        node = sent["template"]["plugin"]["it"]
        reply = {"node": node} if node["phase"] != "Running" else {"node": node, "requeue": "50ms"}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def plugins(_tmp_path):
    from aggregator.runtimes.plugin import PluginRuntime

    server = subprocess.Popen(
        [sys.executable, "-c", PLUGIN], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    address = f"http://127.0.0.1:{server.stdout.readline().strip()}"

    def end():
        server.kill()
        server.wait()
        server.stdout.close()

    def node(phase, message="", **outputs):
        return "plugin", {"plugin": {"it": {"phase": phase, "message": message, "outputs": outputs}}}

    runtime = PluginRuntime(clients=None, secrets=NoSecrets(), plugins={"it": {"address": address}})
    well, badly, never = node("Succeeded", result="well"), node("Failed", "badly"), node("Running")
    return Subject(runtime, well, badly, never, always_kept=True, end=end)


def containers(wanted):
    """The engine is started by ../shared/tools/docker-engine, or was there before."""

    def make(tmp_path):
        from aggregator.errors import UsageError
        from aggregator.runtimes.docker import DockerRuntime, Owner, PodmanRuntime, find

        async def has_image():
            engine = await find(wanted, os.environ)
            try:
                return await engine.has_image("alpine:3.23")
            finally:
                await engine.close()

        async def engine():
            found = await find(wanted, os.environ)
            await found.close()  # its connection belongs to this loop
            return found

        try:
            why = "" if asyncio.run(has_image()) else f"{wanted} has no image alpine:3.23"
        except UsageError as error:
            why = error.message
        if why:
            if os.environ.get("CI") and wanted == "docker":
                pytest.fail(why)
            pytest.skip(why)
        kind = DockerRuntime if wanted == "docker" else PodmanRuntime
        runtime = kind(
            asyncio.run(engine()),
            secrets=NoSecrets(),
            owner=Owner(os.getpid(), "born", "here"),
            gone=lambda owner: False,
            notice=lambda text: None,
            grace=5.0,
        )

        def template(text):
            return "container", {"container": {"image": "alpine:3.23", "command": ["sh", "-c", text]}}

        def end():
            listed = subprocess.run(
                [wanted, "ps", "-aq", "--filter", f"label=agg.dev/owner={os.getpid()} born here"],
                capture_output=True,
                text=True,
            )
            assert listed.stdout == "", "containers were left behind"

        return Subject(
            runtime,
            template("echo well"),
            template("echo badly; exit 3"),
            template("echo begun; sleep 600"),
            end=end,
        )

    return make


RUNTIMES = {
    "docker": containers("docker"),
    "podman": containers("podman"),
    "executor plugin": plugins,
    "http": http,
    "process": processes("none"),
    "process in bubblewrap": processes("bubblewrap"),
    "resource": resources,
}


@pytest.fixture(params=RUNTIMES)
def subject(request, tmp_path):
    made = RUNTIMES[request.param](tmp_path)
    yield made
    if made.end is not None:
        made.end()


class Sink:
    """Remembers what it was told; after `over`, being told anything is a fault."""

    def __init__(self):
        self.told = []
        self.late = []
        self.over = False

    def _note(self, *call):
        (self.late if self.over else self.told).append(call)

    def write(self, stream, data):
        self._note("write", stream, data)

    def started(self):
        self._note("started")

    def ready(self, ip):
        self._note("ready", ip)

    def progress(self, text):
        self._note("progress", text)


def attempt_of(template, number=0, **fields):
    kind, body = template
    given = {
        "node": number,
        "node_id": f"wf-{number}",
        "name": f"wf({number})",
        "display_name": f"wf({number})",
        "template_name": "t",
        "pod_name": f"wf-{number}",
        "kind": kind,
        "template": {"name": "t", **body},
        "index": 0,
        "workflow": "wf",
        "uid": "uid",
        "namespace": "default",
        "deadline": None,
        "want_result": True,
    }
    return Attempt(**{**given, **fields})


async def drive(runtime, attempt, folder, sink):
    """open, run and close in the order in which the driver does it."""
    folder.mkdir(mode=0o700)
    workspace = await runtime.open(attempt, folder) if runtime.staged else None
    try:
        return await runtime.run(attempt, workspace, sink)
    finally:
        sink.over = True
        if workspace is not None:
            await runtime.close(workspace)


def children():
    """Our own child processes, dead or alive.

    Other tests of this process may have let orphans become our children: the dead ones that lead no session are not ours.
    """
    found = set()
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat") as stat:
                state, parent, _, session = stat.read().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if parent == str(os.getpid()) and (state != "Z" or session in (name, str(os.getsid(0)))):
            found.add(name)
    return found


def watched(check):
    """Run the coroutine, and hold that no task, descriptor or child process is more than before."""
    before = set(os.listdir("/proc/self/fd")), children()

    async def main():
        tasks = asyncio.all_tasks()
        await check()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == tasks

    asyncio.run(main())
    after = set(os.listdir("/proc/self/fd")), children()
    assert [new - old for new, old in zip(after, before, strict=True)] == [set(), set()]


def test_an_attempt_answers_once_with_an_outcome_and_a_result(subject, tmp_path):
    async def check():
        sink = Sink()
        outcome = await drive(subject.runtime, attempt_of(subject.well), tmp_path / "a", sink)
        assert outcome.phase == "Succeeded"
        assert outcome.message == ""
        assert (outcome.result is None) is subject.resultless
        assert sink.told.count(("started",)) == (0 if subject.quiet else 1)
        await asyncio.sleep(0.05)
        assert sink.late == []
        await subject.runtime.stop()

    watched(check)


def test_failure_is_an_outcome_with_a_message_not_an_exception(subject, tmp_path):
    async def check():
        outcome = await drive(subject.runtime, attempt_of(subject.badly), tmp_path / "a", Sink())
        assert outcome.phase == "Failed"
        assert outcome.message
        await subject.runtime.stop()

    watched(check)


def test_a_result_is_kept_only_when_it_is_wanted(subject, tmp_path):
    async def check():
        attempt = attempt_of(subject.well, want_result=False)
        outcome = await drive(subject.runtime, attempt, tmp_path / "a", Sink())
        assert (outcome.result is None) is not subject.always_kept
        await subject.runtime.stop()

    watched(check)


def test_a_deadline_is_a_failure(subject, tmp_path):
    async def check():
        import time

        attempt = attempt_of(subject.never, deadline=time.time() + 0.2)
        outcome = await drive(subject.runtime, attempt, tmp_path / "a", Sink())
        assert outcome.phase == "Failed"
        assert outcome.message
        await subject.runtime.stop()

    watched(check)


def test_a_cancelled_attempt_leaves_the_cancellation_through_and_nothing_behind(subject, tmp_path):
    async def check():
        sink = Sink()
        job = asyncio.ensure_future(drive(subject.runtime, attempt_of(subject.never), tmp_path / "a", sink))
        async with asyncio.timeout(60):
            while not sink.told and not subject.quiet:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2 if subject.quiet else 0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await asyncio.sleep(0.05)
        assert sink.late == []
        await subject.runtime.stop()

    watched(check)


def test_an_attempt_cancelled_at_once_leaves_nothing_behind(subject, tmp_path):
    async def check():
        for turns in range(6):
            job = asyncio.ensure_future(
                drive(subject.runtime, attempt_of(subject.never), tmp_path / str(turns), Sink())
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            job.cancel()
            with pytest.raises(asyncio.CancelledError):
                await job
        await subject.runtime.stop()

    watched(check)


def test_attempts_run_at_the_same_time_and_one_that_is_cancelled_does_not_touch_the_others(subject, tmp_path):
    async def check():
        slow = asyncio.ensure_future(drive(subject.runtime, attempt_of(subject.never, 99), tmp_path / "slow", Sink()))
        others = [drive(subject.runtime, attempt_of(subject.well, n), tmp_path / str(n), Sink()) for n in range(10)]
        outcomes = await asyncio.gather(*others)
        assert not slow.done()
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert {outcome.phase for outcome in outcomes} == {"Succeeded"}
        await subject.runtime.stop()

    watched(check)


def test_an_attempts_folder_keeps_only_what_it_printed(subject, tmp_path):
    async def check():
        await drive(subject.runtime, attempt_of(subject.well), tmp_path / "a", Sink())
        await drive(subject.runtime, attempt_of(subject.badly, 1), tmp_path / "b", Sink())
        left = {path.name for folder in ("a", "b") for path in (tmp_path / folder).iterdir()}
        assert left <= {"stdout", "stderr", "times"}
        await subject.runtime.stop()

    watched(check)
