"""One attempt of a leaf: what is tried again, what becomes an outcome, how files are staged and collected."""

import asyncio
from pathlib import Path

import pytest

from aggregator.artifacts import archive, files
from aggregator.artifacts.memory import MemoryDriver
from aggregator.drive.leaf import LeafRunner
from aggregator.engine.commands import Attempt
from aggregator.engine.events import Outcome
from aggregator.errors import NotFound, StoreError, TransientError, Unsupported


class Archive:
    pack = staticmethod(archive.pack)
    unpack = staticmethod(archive.unpack)
    packed_name = staticmethod(archive.packed_name)
    set_modes = staticmethod(files.set_modes)


def attempt(kind="container", **template):
    return Attempt(
        node=0, node_id="wf-1", name="wf.a", display_name="a", template_name="t", pod_name="wf-t-1", kind=kind,
        template=template, index=0, workflow="wf", uid="u", namespace="default", deadline=None, want_result=False,
    )  # fmt: skip


class Files:
    """A workspace: the leaf's root is a folder."""

    def __init__(self, root):
        self.root = root

    def host_path(self, path):
        found = self.root / path.lstrip("/")
        found.parent.mkdir(parents=True, exist_ok=True)
        return found


class Staged:
    """A runtime whose leaf is a function of its root folder."""

    name, staged = "staged", True

    def __init__(self, body):
        self.body = body
        self.closed = 0

    async def open(self, attempt, folder):
        return Files(folder / "root")

    async def run(self, attempt, workspace, sink):
        return self.body(workspace.root) or Outcome(phase="Succeeded", exit_code=0)

    async def close(self, workspace):
        self.closed += 1


class Bare:
    """A runtime without files, whose answers come from a list."""

    name, staged = "bare", False

    def __init__(self, *answers):
        self.answers = list(answers)
        self.runs = 0

    async def run(self, attempt, workspace, sink):
        self.runs += 1
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def stores():
    return {"memory": MemoryDriver(), "local": MemoryDriver(), "s3": MemoryDriver()}


class Told:
    """A sink that is only told which runtime was chosen."""

    def __init__(self):
        self.runtimes = []

    def runs_on(self, runtime):
        self.runtimes.append(runtime)


def always(runtime):
    async def runtime_of(attempt):
        return runtime

    return runtime_of


def run(runtime, tmp_path, what=None, stores=None, **options):
    runner = LeafRunner(
        runtime_of=always(runtime),
        driver_of=(stores or {}).__getitem__,
        archive=Archive(),
        folder=tmp_path,
        wait=0.001,
    )
    outcome = asyncio.run(runner.run(what or attempt(**options), Told()))
    return outcome, runner


WELL = Outcome(phase="Succeeded", result="x")


def test_a_transport_failure_that_may_pass_is_tried_again(tmp_path):
    runtime = Bare(TransientError("throttled"), TransientError("reset"), WELL)
    outcome, _ = run(runtime, tmp_path)
    assert outcome == WELL
    assert runtime.runs == 3


def test_after_some_tries_it_becomes_an_error_that_a_retry_strategy_can_cover(tmp_path):
    runtime = Bare(*[TransientError("throttled", hint="slow down") for _ in range(20)])
    outcome, _ = run(runtime, tmp_path)
    assert (outcome.phase, outcome.transient, outcome.message) == ("Error", True, "throttled; slow down")
    assert 2 < runtime.runs < 10


def test_a_failure_for_good_is_not_tried_again(tmp_path):
    runtime = Bare(StoreError("forbidden"))
    outcome, _ = run(runtime, tmp_path)
    assert (outcome.phase, outcome.message, runtime.runs) == ("Error", "forbidden", 1)


def test_what_cannot_run_here_is_remembered_for_the_exit_code(tmp_path):
    outcome, runner = run(Bare(Unsupported("no cluster", hint="configure one")), tmp_path)
    assert outcome.phase == "Error"
    assert outcome.message == "no cluster; configure one"
    assert runner.unsupported.exit_code == 4


def test_a_bug_in_an_adapter_is_an_outcome_that_says_where(tmp_path):
    outcome, _ = run(Bare(ZeroDivisionError("oops")), tmp_path)
    assert outcome.phase == "Error"
    assert outcome.message.startswith("bug in agg: ZeroDivisionError: oops (")


def test_cancellation_passes_through(tmp_path):
    with pytest.raises(asyncio.CancelledError):
        run(Bare(asyncio.CancelledError()), tmp_path)


def test_input_artifacts_are_laid_out_before_the_leaf_runs(tmp_path, stores):
    stores["memory"].save(write(tmp_path / "seed", "hello"), {"key": "k"})
    seen = {}

    def body(root):
        seen["text"] = (root / "in/file").read_text()
        seen["mode"] = (root / "in/file").stat().st_mode & 0o777

    def find(name):
        return stores["memory"] if name == "s3" else stores[name]

    artifact = {"name": "a", "path": "/in/file", "mode": 0o640, "s3": {"bucket": "b", "key": "k"}}
    runtime = Staged(body)
    runner = LeafRunner(runtime_of=always(runtime), driver_of=find, archive=Archive(), folder=tmp_path)
    outcome = asyncio.run(runner.run(attempt(inputs={"artifacts": [artifact]}), Told()))
    assert outcome.phase == "Succeeded", outcome
    assert seen == {"text": "hello", "mode": 0o640}
    assert runtime.closed == 1


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_missing_input_artifact_is_an_error_unless_it_is_optional(tmp_path, stores):
    artifact = {"name": "a", "path": "/in", "s3": {"bucket": "b", "key": "nowhere"}}
    outcome, _ = run(Staged(lambda root: None), tmp_path, stores=stores, inputs={"artifacts": [artifact]})
    assert outcome.phase == "Error"
    assert "input artifact 'a'" in outcome.message
    optional = {**artifact, "optional": True}
    outcome, _ = run(Staged(lambda root: None), tmp_path / "2", stores=stores, inputs={"artifacts": [optional]})
    assert outcome.phase == "Succeeded"


OUTPUTS = {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p"}}]}


def test_an_output_parameter_loses_one_trailing_newline(tmp_path):
    outcome, _ = run(Staged(lambda root: write(root / "tmp/p", "a\n\n") and None), tmp_path, outputs=OUTPUTS)
    assert outcome.parameters == {"p": "a\n"}


def test_a_missing_output_is_an_error_when_the_leaf_succeeded_and_its_failure_when_it_failed(tmp_path):
    outcome, _ = run(Staged(lambda root: None), tmp_path / "1", outputs=OUTPUTS)
    assert outcome.phase == "Error"
    assert "output parameter 'p': cannot read /tmp/p: no such file" in outcome.message
    failed = Outcome(phase="Failed", message="exit code 3", exit_code=3)
    outcome, _ = run(Staged(lambda root: failed), tmp_path / "2", outputs=OUTPUTS)
    assert (outcome.phase, outcome.message, outcome.exit_code) == ("Failed", "exit code 3", 3)


def test_a_missing_output_file_takes_the_default(tmp_path):
    declared = {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p", "default": "d"}}]}
    outcome, _ = run(Staged(lambda root: None), tmp_path, outputs=declared)
    assert outcome.parameters == {"p": "d"}


def test_outputs_of_a_failed_leaf_are_kept(tmp_path):
    def body(root):
        write(root / "tmp/p", "saved")
        return Outcome(phase="Failed", exit_code=1)

    outcome, _ = run(Staged(body), tmp_path, outputs=OUTPUTS)
    assert (outcome.phase, outcome.parameters) == ("Failed", {"p": "saved"})


def test_an_output_artifact_without_a_place_goes_to_the_runs_own_folder(tmp_path, stores):
    declared = {"artifacts": [{"name": "a", "path": "/out/file"}]}
    outcome, _ = run(
        Staged(lambda root: write(root / "out/file", "x") and None), tmp_path, stores=stores, outputs=declared
    )
    assert outcome.artifacts == [{"name": "a", "path": "/out/file", "local": {"key": "wf/wf-t-1/a.tgz"}}]
    assert stores["local"].list({"key": "wf"}) == ["wf/wf-t-1/a.tgz"]


def test_an_output_artifact_goes_where_it_says_or_below_the_repositorys_key(tmp_path, stores):
    none = {"archive": {"none": {}}}
    declared = {
        "artifacts": [
            {"name": "own", "path": "/out/a", **none, "s3": {"bucket": "b", "key": "my/key"}},
            {"name": "key", "path": "/out/a", **none, "s3": {"key": "only/key"}},
            {"name": "default", "path": "/out/a", **none},
            {"name": "gone", "path": "/out/missing", "optional": True},
        ]
    }
    what = attempt(outputs=declared)
    what = type(what)(
        **{f: getattr(what, f) for f in what.__struct_fields__ if f != "artifact_location"},
        artifact_location={"s3": {"bucket": "repo", "key": "wf/pod"}},
    )
    outcome, _ = run(Staged(lambda root: write(root / "out/a", "x") and None), tmp_path, what, stores)
    assert [a["s3"] for a in outcome.artifacts] == [
        {"bucket": "b", "key": "my/key"},
        {"bucket": "repo", "key": "only/key"},
        {"bucket": "repo", "key": "wf/pod/a"},
    ]


def test_an_output_artifact_that_is_missing_names_its_path(tmp_path, stores):
    declared = {"artifacts": [{"name": "a", "path": "/out/file"}]}
    outcome, _ = run(Staged(lambda root: None), tmp_path, stores=stores, outputs=declared)
    assert outcome.phase == "Error"
    assert outcome.message == "output artifact 'a': /out/file does not exist"


def test_a_store_that_is_throttled_is_tried_again(tmp_path, stores):
    class Shaky(MemoryDriver):
        failures = 2

        def save(self, source, location):
            if self.failures:
                self.failures -= 1
                raise TransientError("SlowDown")
            super().save(source, location)

    shaky = Shaky()
    declared = {"artifacts": [{"name": "a", "path": "/f", "s3": {"bucket": "b", "key": "k"}}]}
    outcome, _ = run(
        Staged(lambda root: write(root / "f", "x") and None), tmp_path, stores={"s3": shaky}, outputs=declared
    )
    assert outcome.phase == "Succeeded", outcome
    assert shaky.list({"key": "k"}) == ["k"]


def test_not_found_names_the_artifact(tmp_path):
    class Nothing:
        def load(self, location, target):
            raise NotFound("no such key", hint="look at the bucket")

    artifact = {"name": "a", "path": "/in", "s3": {"bucket": "b", "key": "k"}}
    outcome, _ = run(Staged(lambda root: None), tmp_path, stores={"s3": Nothing()}, inputs={"artifacts": [artifact]})
    assert outcome.message == "input artifact 'a': no such key; look at the bucket"


def test_a_leaf_with_files_is_told_which_runtime_was_chosen_for_it(tmp_path):
    sink = Told()
    runner = LeafRunner(
        runtime_of=always(Staged(lambda root: Outcome(phase="Succeeded"))),
        driver_of={}.__getitem__,
        archive=Archive(),
        folder=tmp_path,
    )
    asyncio.run(runner.run(attempt(), sink))
    assert sink.runtimes == [Staged.name]
