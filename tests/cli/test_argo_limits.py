"""`agg run --argo-limits`: a value of its own only behind `=`, told while the run goes on, and in the status."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from aggregator.cli.run_arguments import first_pass

BIG = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: big}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: a, template: prints}
    - - {name: b, template: reads, arguments: {parameters: [{name: text, value: "{{steps.a.outputs.result}}"}]}}
  - name: prints
    script: {image: alpine:3, command: [sh], source: "head -c 300000 /dev/zero | tr '\\\\0' x"}
  - name: reads
    inputs: {parameters: [{name: text}]}
    script: {image: alpine:3, command: [sh], source: "echo '{{inputs.parameters.text}}' | wc -c"}
"""


@pytest.mark.parametrize(
    ("arguments", "value", "file"),
    [
        (["--argo-limits", "wf.yaml"], "warn", "wf.yaml"),
        (["wf.yaml", "--argo-limits"], "warn", "wf.yaml"),
        (["--argo-limits=error", "wf.yaml"], "error", "wf.yaml"),
        (["wf.yaml"], "", "wf.yaml"),
    ],
)
def test_the_flag_never_takes_the_file_for_its_value(arguments, value, file):
    given = first_pass(arguments)
    assert (given.one("argo-limits"), given.file) == (value, file)


@pytest.fixture
def run(tmp_path):
    def run(*flags):
        (tmp_path / "big.yaml").write_text(BIG)
        env = {name: text for name, text in os.environ.items() if not name.startswith("AGG_")}
        env |= {"AGG_HOME": str(tmp_path / "home"), "AGG_PROCESS_ISOLATION": "none"}
        command = [sys.executable, "-m", "aggregator", "run", "big.yaml", "-o", "json", *flags]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=env)
        status = json.loads(done.stdout)["status"] if done.stdout else {}
        return done, status, {node["displayName"]: node for node in (status.get("nodes") or {}).values()}

    return run


def warnings(status):
    return [c["message"] for c in status["conditions"] if c["type"] == "SpecWarning"]


def test_by_default_no_size_is_a_limit(run):
    done, status, nodes = run()
    assert done.returncode == 0, done.stderr
    assert warnings(status) == []
    assert len(nodes["b"]["inputs"]["parameters"][0]["value"]) == 300_000


def test_a_warning_is_told_and_kept(run):
    done, status, nodes = run("--argo-limits")
    assert done.returncode == 0, done.stderr
    assert "on a cluster: a: outputs.result has 300,000 bytes, of which a cluster keeps the last 256 KiB" in done.stderr
    (warning,) = warnings(status)
    assert warning.startswith("a: outputs.result has 300,000 bytes")
    assert nodes["b"]["phase"] == "Succeeded"


def test_with_error_the_leaf_fails_and_its_name_stands_in_the_message(run):
    done, status, nodes = run("--argo-limits=error")
    assert done.returncode == 1
    assert (status["phase"], nodes["a"]["phase"]) == ("Failed", "Error")
    assert "256 KiB" in nodes["a"]["message"]
    assert "b" not in nodes


def test_another_value_is_a_usage_error(run):
    done, _, _ = run("--argo-limits=loud")
    assert done.returncode == 2
    assert "argo_limits must be one of off, warn, error" in done.stderr
