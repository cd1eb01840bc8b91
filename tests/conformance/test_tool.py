"""The tool beside the repository over the cases that need nothing of the machine, as `agg` processes."""

import json
import os
import subprocess
import sys

import pytest

# Case id -> why ours differs; the tool counts them apart.
KNOWN: dict[str, str] = {
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


def judge(tool_path, corpus, tmp_path, *arguments):
    """The tool's verdict: what it printed, where it found nothing unexpected."""
    known = tmp_path / "known.json"
    known.write_text(json.dumps(KNOWN))
    done = subprocess.run(
        [
            sys.executable, str(tool_path), *arguments, "--corpus", str(corpus), "--known", str(known),
            "--agg", f"{sys.executable} -m aggregator", "-j", "4", "--timeout", "300", "-v",
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
    assert " right" in judge(tool_path, corpus, tmp_path, "run", "--runtime", "docker")
