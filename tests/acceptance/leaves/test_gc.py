"""`agg gc`: what an agg that was killed has left behind goes; runs, and what they printed, stay."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

LONG = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: it}
spec:
  entrypoint: main
  templates:
  - name: main
    script:
      image: bash
      command: [bash]
      source: |
        echo said; mkdir -p /tmp/some/thing; touch /tmp/some/thing/file
        echo $$ > FOLDER/pid; sleep 600
"""
ENV = {"AGG_RUNTIME": "process", "AGG_PROCESS_ISOLATION": "none"}


@pytest.fixture(autouse=True)
def no_engines(agg):
    """Containers on this machine's engine are others' business here."""
    agg.environment |= {"DOCKER_HOST": "unix:///nowhere/docker.sock", "CONTAINER_HOST": "unix:///nowhere/podman.sock"}


def killed(agg, tmp_path):
    """A run whose agg was killed in the middle; a process that carries the mark of its leaf is still there."""
    process = agg.start("run", agg.file("w.yaml", LONG.replace("FOLDER", str(tmp_path))), env=ENV)
    while not (tmp_path / "pid").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    mark = next(line for line in environment if line.startswith(b"ARGO_PROGRESS_FILE="))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(1.5)  # whoever watches over an agg that dies has done its work
    return mark.decode().partition("=")


def attempt_folder(agg):
    (folder,) = (agg.home / "runs").glob("it-*/attempts/*")
    return folder


def test_processes_and_working_folders_of_a_killed_run_go_and_the_run_stays(agg, tmp_path):
    name, _, value = killed(agg, tmp_path)
    folder = attempt_folder(agg)
    (folder / "work").mkdir(exist_ok=True)
    (folder / "work" / "left").write_text("x")
    left = subprocess.Popen(["sleep", "600"], env={**os.environ, name: value})
    try:
        told = agg("gc", "--dry-run")
        assert f"would remove process {left.pid} of it" in told.out
        assert (folder / "work").exists()
        assert left.poll() is None
        answer = agg("gc")
        assert answer.code == 0, answer
        assert f"removed process {left.pid} of it" in answer.out
        assert left.wait(timeout=10) == -signal.SIGTERM
    finally:
        left.kill()
        left.wait()
    assert sorted(path.name for path in folder.iterdir() if path.name not in ("stdout", "stderr")) == []
    assert "said" in agg("logs", "it").out
    assert [run["metadata"]["name"] for run in json.loads(agg("list", "-o", "json").out)] == ["it"]
    assert agg("gc").out == "nothing was left behind\n"


def test_a_run_that_still_runs_is_left_alone(agg, tmp_path):
    process = agg.start("run", agg.file("w.yaml", LONG.replace("FOLDER", str(tmp_path))), env=ENV)
    try:
        while not (tmp_path / "pid").exists():
            assert process.poll() is None
            time.sleep(0.05)
        assert agg("gc").out == "nothing was left behind\n"
        os.kill(int((tmp_path / "pid").read_text()), 0)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_folders_that_no_run_knows_go_when_they_are_not_young(agg):
    runs = agg.home / "runs"
    for name in ("young-12345678", "old-12345678"):
        (runs / name).mkdir(parents=True)
    hour = time.time() - 3600
    os.utime(runs / "old-12345678", (hour, hour))
    assert agg("list").code == 0
    assert agg("gc").code == 0
    assert [path.name for path in runs.iterdir()] == ["young-12345678"]


def test_where_nothing_ever_ran_nothing_is_made(agg):
    assert agg("gc").out == "nothing was left behind\n"
    assert not agg.home.exists()
