"""The tool beside the repository over the cases that need nothing of the machine, as `agg` processes."""

import json
import os
import shutil
import subprocess
import sys

import pytest

# Case id -> why ours differs; the tool counts them apart.
KNOWN: dict[str, str] = {
    "validate/TestWorkflowTemplateWithEnumValueWithoutValue#3": (
        "the tool asks about a template as it asks about the same text in #1, which is right; only upstream's test"
        " submits it too, and then agg refuses it as well"
    ),
    "examples/forever": "it sleeps for 1,000 s, longer than a test may; it succeeds where it is waited for",
    # The engine's local images are not those of the registries.
    **dict.fromkeys(
        ["examples/daemon-step", "examples/dag-daemon-task"],
        "the engine has no influxdb:1.2, and no registry is reachable",
    ),
    **dict.fromkeys(
        ["examples/loops-maps", "examples/loops-param-argument"],
        "the engine has no debian:9.1, debian:8.9 and ubuntu:17.10, and its alpine has no /etc/os-release",
    ),
    "examples/scripts-javascript": "the engine has no node:9.1-alpine, and no registry is reachable",
    "examples/sidecar-nginx": "the shell of the engine's curl image is dash, which does not know `>&` before a file",
    "examples/variables-showcase": "the nc of the engine's alpine has no option -k",
    "file/functional/json-argument": "the engine has no argoexec, and the case forbids to pull it",
}

STAND_INS = {
    "examples/variables-showcase": "needs an nc that serves many; the busybox that stands in for alpine has another one",
}

SECONDS = 1700
"""For all of it; the longest case but those known takes some 250 s, almost all of them asleep."""


HELLO = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: busybox, command: [echo, hello]}
"""


def without_images(corpus):
    """Cases in containers whose images are not on this machine, where no registry may be in reach, with the reason."""
    listed = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True, check=False
    )
    there = set(listed.stdout.split())
    found = {}
    for case in json.loads((corpus / "run.json").read_text()):
        for image in case["images"] if case["runnable_locally"] == "with-docker" else ():
            full = image if ":" in image.rpartition("/")[2] else f"{image}:latest"
            if "{{" in image:
                found[case["id"]] = "its images are named by parameters, and not all are here"
            elif full not in there:
                found[case["id"]] = f"image {image} is not here"
    return found


def judge(tool_path, corpus, tmp_path, *arguments, more=(), seconds=300):
    """The tool's verdict: what it printed, where it found nothing unexpected."""
    known = tmp_path / "known.json"
    known.write_text(json.dumps({**KNOWN, **dict(more)}))
    done = subprocess.run(
        [
            sys.executable, str(tool_path), *arguments, "--corpus", str(corpus), "--known", str(known),
            "--agg", f"{sys.executable} -m aggregator", "-j", "4", "--timeout", str(seconds), "-v",
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(SECONDS + 100)
@pytest.mark.parametrize(
    "arguments",
    [["expr"], ["validate"], ["run", "--needs", "none", "--runtime", "process"]],
    ids=["expr", "validate", "run"],
)
def test_nothing_unexpected(tool_path, corpus, tmp_path, arguments):
    assert " right" in judge(tool_path, corpus, tmp_path, *arguments)


@pytest.mark.timeout(SECONDS + 100)
def test_in_containers(tool_path, corpus, tmp_path):
    """The cases that need an engine, where one answers and has the images."""
    (tmp_path / "hello.yaml").write_text(HELLO)
    hello = subprocess.run(
        [sys.executable, "-m", "aggregator", "run", "hello.yaml", "--runtime", "docker"],
        cwd=tmp_path,
        env={**os.environ, "AGG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if hello.returncode:
        pytest.skip(f"no container runs here: {hello.stderr[-300:]}")
    if shutil.which("docker") is None:
        pytest.skip("without docker's own command nobody says which images are here")
    more = {**STAND_INS, **without_images(corpus)}
    assert " right" in judge(tool_path, corpus, tmp_path, "run", "--runtime", "docker", more=more, seconds=90)
