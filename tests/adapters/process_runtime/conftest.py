"""How the tests of the process runtime run a leaf: a template goes in; the outcome, what was printed and the outputs come out."""

import asyncio
import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aggregator.engine.commands import Attempt
from aggregator.errors import NotFound
from aggregator.runtimes.process import ProcessRuntime
from aggregator.runtimes.process.isolation import probe


class KnownSecrets:
    """Secrets and ConfigMaps from dictionaries."""

    def __init__(self, secrets=None, config_maps=None):
        self.secrets = secrets or {}
        self.config_maps = config_maps or {}

    def secret(self, name, key):
        try:
            return self.secrets[name][key]
        except KeyError:
            raise NotFound(f"key {key!r} of Secret {name!r} is nowhere; looked in the test") from None

    def secret_keys(self, name):
        if name not in self.secrets:
            raise NotFound(f"Secret {name!r} is nowhere; looked in the test")
        return self.secrets[name]

    def config_map(self, name):
        if name not in self.config_maps:
            raise NotFound(f"ConfigMap {name!r} is nowhere; looked in the test")
        return self.config_maps[name]

    def mask(self, text):
        return text


class Seen:
    """A sink that remembers what it was told, and in which order."""

    def __init__(self):
        self.calls = []
        self.over = False

    def _note(self, *call):
        assert not self.over, f"{call} was told after run had returned"
        self.calls.append(call)

    def write(self, stream, data):
        self._note(stream, data)

    def started(self):
        self._note("started")

    def ready(self, ip):
        self._note("ready", ip)

    def progress(self, text):
        self._note("progress", text)

    def bytes_of(self, stream):
        return b"".join(call[1] for call in self.calls if call[0] == stream)


@dataclass
class Ran:
    outcome: object
    sink: Seen
    folder: Path
    outputs: dict = field(default_factory=dict)

    @property
    def result(self):
        return self.outcome.result


def attempt_of(kind, template, *, number=0, deadline=None, volumes=(), want_result=True):
    return Attempt(
        node=number,
        node_id=f"wf-{number}",
        name=f"wf.step({number})",
        display_name=f"step({number})",
        template_name="t",
        pod_name=f"wf-t-{number}",
        kind=kind,
        template={"name": "t", **template},
        index=0,
        workflow="wf",
        uid="the-uid",
        namespace="argo",
        deadline=deadline,
        want_result=want_result,
        volumes=list(volumes),
    )


def read(path):
    if path.is_dir():
        return sorted(
            f"{p.relative_to(path)}{f' -> {p.readlink()}' if p.is_symlink() else ''}" for p in path.rglob("*")
        )
    return path.read_bytes().decode(errors="replace") if path.exists() else None


async def drive(runtime, attempt, folder, *, stage=None, mode=0o644, sink=None):
    """What the driver does with an attempt; outputs are read before the workspace is closed."""
    folder.mkdir(mode=0o700, parents=True)
    sink = sink or Seen()
    workspace = await runtime.open(attempt, folder)
    try:
        for path, text in (stage or {}).items():
            target = workspace.host_path(path)
            target.write_text(text)
            target.chmod(mode)
        outcome = await runtime.run(attempt, workspace, sink)
        sink.over = True
        declared = attempt.template.get("outputs") or {}
        paths = [a["path"] for a in declared.get("artifacts", [])]
        paths += [p["valueFrom"]["path"] for p in declared.get("parameters", [])]
        outputs = {path: read(workspace.host_path(path)) for path in paths}
    finally:
        await runtime.close(workspace)
    return Ran(outcome, sink, folder, outputs)


@pytest.fixture(autouse=True)
def host_as_before():
    """Whatever a test's leaves declare, nothing new may stand in the host's root afterwards.

    The tests look at the host's own folders, so they run one at a time also where pytest has several workers.
    """
    with open(f"/tmp/agg-process-tests-{os.getuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = set(os.listdir("/"))
        yield
        assert set(os.listdir("/")) == before


@pytest.fixture
def bubblewrap():
    found = probe(os.environ["PATH"])
    if isinstance(found, str):
        if os.environ.get("CI"):
            pytest.fail(found)
        pytest.skip(found)
    return found


@pytest.fixture(params=["none", "bubblewrap"])
def isolation(request):
    if request.param == "bubblewrap":
        request.getfixturevalue("bubblewrap")
    return request.param


@pytest.fixture
def notices():
    return []


@pytest.fixture
def make_runtime(notices):
    def make(isolation="none", **options):
        options.setdefault("secrets", KnownSecrets())
        options.setdefault("grace", 5.0)
        runtime = ProcessRuntime(isolation=isolation, notice=notices.append, **options)
        made.append(runtime)
        return runtime

    made = []
    yield make
    for runtime in made:
        asyncio.run(runtime.stop())


@pytest.fixture
def leaf(make_runtime, isolation, tmp_path):
    """Run one leaf in the test's isolation: `leaf("container", {...})`, or `sh="..."` for a shell in a container."""
    count = iter(range(10_000))

    def run(kind="container", body=None, *, sh=None, image="alpine:3", stage=None, mode=0o644, options=None, **rest):
        if sh is not None:
            body = {
                **(body or {}),
                "container": {
                    "image": image,
                    "command": ["sh", "-c"],
                    "args": [sh],
                    **((body or {}).get("container") or {}),
                },
            }
        number = next(count)
        attempt = attempt_of(kind, body, number=number, **rest)
        folder = tmp_path / f"attempt-{number}"
        return asyncio.run(drive(make_runtime(isolation, **(options or {})), attempt, folder, stage=stage, mode=mode))

    return run


def living(word):
    """Command lines of living processes that contain the word."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            line = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if word in line and state != "Z":
            found.append(line)
    return found


@pytest.fixture
def processes_with():
    return living


@pytest.fixture
def run_leaf():
    return drive


@pytest.fixture
def new_attempt():
    return attempt_of


@pytest.fixture
def new_sink():
    return Seen


@pytest.fixture
def secrets_of():
    return KnownSecrets
