"""The pytest plugin: files of ours are collected wherever pytest looks, and nothing else is touched."""

import os
import subprocess
import sys
from importlib.metadata import entry_points

WORKFLOW = (
    "workflow:\n  apiVersion: argoproj.io/v1alpha1\n  kind: Workflow\n  metadata: {name: w}\n"
    "  spec: {entrypoint: a, templates: [{name: a, container: {image: a, command: [x]}}]}\n"
)


def run_pytest(folder, *arguments):
    installed = any(point.name == "aggtest" for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "pytest_aggtest"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "-p", "no:cacheprovider", "-n0", "-v", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )


def test_each_test_of_a_file_is_an_item_and_a_failure_shows_the_difference(tmp_path):
    tests = "mocks: [{default: {}}]\ntests: [{name: good}, {name: bad, expect: {phase: Failed}}]\n"
    (tmp_path / "w.aggtest.yaml").write_text(WORKFLOW + tests)
    (tmp_path / "other.yaml").write_text("a: [")
    (tmp_path / "test_more.py").write_text("def test_more():\n    pass\n")
    done = run_pytest(tmp_path)
    assert "w.aggtest.yaml::good PASSED" in done.stdout
    assert "w.aggtest.yaml::bad FAILED" in done.stdout
    assert "expected  Failed" in done.stdout
    assert "Traceback" not in done.stdout
    assert "1 failed, 2 passed" in done.stdout
    assert done.returncode == 1


def test_a_file_with_mistakes_is_an_error_at_its_place(tmp_path):
    (tmp_path / "w.aggtest.yaml").write_text("workflows: x\n")
    done = run_pytest(tmp_path)
    assert "w.aggtest.yaml:1:1: error[unknown-field]" in done.stdout
    assert done.returncode == 2


def test_other_runs_do_not_import_agg(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import sys\ndef test_it():\n    assert not [m for m in sys.modules if m.partition('.')[0] == 'aggregator']\n"
    )
    assert run_pytest(tmp_path).returncode == 0
