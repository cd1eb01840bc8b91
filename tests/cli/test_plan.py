"""`agg plan`: its forms, and that it refuses what `agg run` would refuse."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from aggregator.cli import main
from aggregator.errors import InvalidWorkflow, UsageError

TEXT = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: w-}
spec:
  entrypoint: main
  onExit: bye
  arguments: {parameters: [{name: count, value: "2"}]}
  templates:
  - name: main
    dag:
      tasks:
      - name: fetch
        template: get
        withSequence: {count: "{{workflow.parameters.count}}"}
        arguments: {parameters: [{name: url, value: "http://api.example/{{item}}"}]}
      - {name: many, depends: fetch, template: steps, withParam: "{{tasks.fetch.outputs.result}}"}
  - name: get
    inputs: {parameters: [{name: url}]}
    retryStrategy: {limit: 3}
    http: {url: "{{inputs.parameters.url}}"}
  - name: steps
    steps:
    - [{name: a, template: bye}]
    - [{name: b, template: bye}]
  - {name: bye, retryStrategy: {}, container: {image: alpine}}
"""


@pytest.fixture
def plan(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(TEXT)

    def run(*arguments):
        assert main(["plan", "w.yaml", *arguments]) == 0
        return capsys.readouterr().out

    return run


def test_the_tree(plan):
    assert plan("-p", "count=5").splitlines() == [
        "main (dag)",
        "├─ fetch: get (http) x 5, up to 4 attempts",
        "│       url = http://api.example/0 …",
        "└─ many: steps (steps) x ? after fetch [as many as {{tasks.fetch.outputs.result}}]",
        "   ├─ [0] a: bye (container), retried without limit",
        "   └─ [1] b: bye (container), retried without limit",
        "onExit: bye (container), retried without limit",
        "",
        "leaves            at least 8",
        "at the same time  at least 5",
        "attempts at worst without limit",
        "requests          5 to api.example",
        "longest path      get > bye x 3",
    ]


def test_json(plan):
    shown = json.loads(plan("-o", "json"))
    assert (shown["leaves"], shown["complete"], shown["requests"]) == (5, False, {"api.example": 2})
    assert shown["parts"][0]["children"][0]["inputs"] == {"url": "http://api.example/0"}


def test_yaml_is_the_spec_that_would_run(plan):
    shown = yaml.safe_load(plan("-o", "yaml", "-p", "count=7", "--entrypoint", "steps"))
    assert shown["spec"]["arguments"]["parameters"] == [{"name": "count", "value": "7"}]
    assert shown["spec"]["entrypoint"] == "steps"


def test_graphs(plan):
    shown = plan("-o", "mermaid")
    assert shown.startswith("flowchart TD\n")
    assert '  n0_0["fetch x 2<br/>get (http)"]' in shown
    assert "  n0_0 --> n0_1" in shown
    assert "  n0_1_0 --> n0_1_1" in shown
    shown = plan("-o", "dot")
    assert shown.startswith("digraph plan {")
    assert "  n0 -> n1;" in shown


def test_what_a_run_would_refuse_is_refused(plan):
    with pytest.raises(InvalidWorkflow, match="undefined"):
        plan("--entrypoint", "gone")
    with pytest.raises(UsageError, match="NAME=VALUE"):
        plan("-p", "count")


def test_the_resolved_spec_is_a_document_that_lints_clean(tmp_path):
    stored = "metadata: {name: t}\nspec: {entrypoint: main, templates: [{name: main, container: {image: x}}]}\n"
    (tmp_path / "t.yaml").write_text(f"apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\n{stored}")
    call = "metadata: {generateName: w-}\nspec: {workflowTemplateRef: {name: t}}\n"
    (tmp_path / "w.yaml").write_text(f"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n{call}")
    environment = {**os.environ, "AGG_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}

    def agg(*arguments, given=None):
        return subprocess.run(
            [sys.executable, "-m", "aggregator", *arguments], cwd=tmp_path, input=given, env=environment,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    resolved = agg("plan", "w.yaml", "--with", "t.yaml", "-o", "yaml").stdout
    assert "workflowTemplateRef" not in resolved
    done = agg("lint", "--submit", "-", given=resolved)
    assert (done.returncode, done.stdout) == (0, "✔ no linting errors found! 1 document checked.\n")
