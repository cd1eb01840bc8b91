"""What can go wrong around a process: each has a clear message, and leaves nothing behind."""

import asyncio
import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from aggregator.artifacts import archive
from aggregator.drive.staging import CollectError, Stage


class Files:
    """A workspace whose paths are the host's own."""

    @staticmethod
    def host_path(path):
        return Path(path)


def stage_of(new_attempt, outputs):
    return Stage(
        new_attempt("container", {"outputs": outputs}), Files(), lambda key: None, archive, lambda call: call()
    )


def parameter(path):
    return {"parameters": [{"name": "p", "valueFrom": {"path": str(path)}}]}


def test_a_missing_output_parameter_and_a_folder_in_its_place_are_named(new_attempt, tmp_path):
    (tmp_path / "folder").mkdir()
    for path, said in ((tmp_path / "none", "no such file or directory"), (tmp_path / "folder", "is a directory")):
        with pytest.raises(CollectError, match=f"output parameter 'p': cannot read {path}: {said}"):
            stage_of(new_attempt, parameter(path)).collect_parameters()


def test_a_missing_output_artifact_is_named(new_attempt, tmp_path):
    outputs = {"artifacts": [{"name": "a", "path": str(tmp_path / "none")}]}
    with pytest.raises(CollectError, match=r"'a'.*does not exist"):
        stage_of(new_attempt, outputs).save_artifacts()


def test_a_file_that_another_user_may_not_read_is_said_to_be_so(new_attempt):
    if os.getuid() != 0:
        pytest.skip("needs root to become another user")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        folder.chmod(0o755)
        secret = folder / "secret"
        secret.write_text("x")
        secret.chmod(0)
        stage = stage_of(new_attempt, parameter(secret))
        os.seteuid(65534)
        try:
            with pytest.raises(CollectError, match=r"output parameter 'p': cannot read .*: permission denied"):
                stage.collect_parameters()
        finally:
            os.seteuid(0)
    finally:
        shutil.rmtree(folder)


def test_a_port_in_use_is_told_by_the_program_and_its_output_is_kept(leaf):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = f"import socket; socket.create_server(('127.0.0.1', {port}))"
        ran = leaf("container", {"container": {"image": "python", "command": ["python3", "-c", program]}})
    assert (ran.outcome.phase, ran.outcome.message) == ("Failed", "main: Error (exit code 1)")
    assert b"Address already in use" in ran.sink.bytes_of("stderr")


def test_any_bytes_survive_in_the_file_of_the_output(leaf):
    ran = leaf(sh=r"printf '\000\377\376\r\n\033[0m'")
    assert (ran.folder / "stdout").read_bytes() == b"\0\xff\xfe\r\n\x1b[0m"
    assert ran.outcome.phase == "Succeeded"


def test_a_lot_of_output_is_kept_whole(leaf):
    ran = leaf(sh="head -c 20000000 /dev/zero | tr '\\0' x")
    assert (ran.folder / "stdout").stat().st_size == 20_000_000
    assert len(ran.result) == 20_000_000


def test_hundreds_of_attempts_at_a_time(make_runtime, run_leaf, new_attempt, tmp_path):
    async def check():
        runtime = make_runtime("none", scratch=tmp_path / "scratch")
        body = {"container": {"image": "alpine", "command": ["sh", "-c", "sleep 0.5; echo $ARGO_NODE_ID"]}}
        attempts = [new_attempt("container", body, number=number) for number in range(200)]
        done = await asyncio.gather(*(run_leaf(runtime, a, tmp_path / "runs" / a.pod_name) for a in attempts))
        assert [ran.result for ran in done] == [a.node_id for a in attempts]
        await runtime.stop()

    asyncio.run(check())


def test_a_claim_is_a_folder_by_namespace_and_name_and_the_runs_own_lies_apart(leaf, tmp_path):
    places = {"claims": tmp_path / "named", "own_claims": tmp_path / "own"}
    volumes = [
        {"name": "one", "persistentVolumeClaim": {"claimName": "shared"}},
        {"name": "two", "persistentVolumeClaim": {"claimName": "wf-work"}},
    ]
    mounts = [{"name": "one", "mountPath": "/mnt/agg-one"}, {"name": "two", "mountPath": "/mnt/agg-two"}]
    body = {"container": {"volumeMounts": mounts}}
    text = "cat /mnt/agg-one/f; echo word > /mnt/agg-one/f; echo other > /mnt/agg-two/f"
    leaf(sh=text, body=body, volumes=volumes, options=places)
    assert leaf(sh=text, body=body, volumes=volumes, options=places).result == "word"
    assert (tmp_path / "named/argo/shared/f").read_text() == "word\n"
    assert (tmp_path / "own/argo/wf-work/f").read_text() == "other\n"


def test_no_secret_stands_on_a_command_line(leaf, secrets_of):
    env = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    text = "tr '\\0' ' ' < /proc/self/cmdline; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; done 2>/dev/null; echo $KEY | wc -c"
    ran = leaf(sh=text, body={"container": {"env": env}}, options={"secrets": secrets_of({"s": {"k": "hidden-7781"}})})
    assert "hidden-7781" not in ran.result
    assert ran.result.endswith("12")
