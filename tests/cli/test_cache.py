"""`agg cache`: what memoized templates left is listed and forgotten, and secrets in it are not shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

MEMO = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: memo-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: id, value: one}]}
  templates:
  - name: main
    inputs: {parameters: [{name: id}]}
    memoize: {key: "key-{{inputs.parameters.id}}", cache: {configMap: {name: deals}}}
    script:
      image: alpine:3
      command: [sh]
      source: |
        echo ran >> "$COUNTER"
        printf 'made by %s' "${TOKEN:-nobody}" > /tmp/o
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}}]}
"""
SECRET = MEMO.replace(
    "command: [sh]",
    "command: [sh]\n      env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: api, key: token}}}]",
).replace("name: deals", "name: private")


@pytest.fixture
def agg(tmp_path):
    def run(*arguments, **more):
        env = {name: value for name, value in os.environ.items() if not name.startswith("AGG_")}
        env |= {"AGG_HOME": str(tmp_path / "home"), "COUNTER": str(tmp_path / "count"), "AGG_PROCESS_ISOLATION": "none"}
        command = [sys.executable, "-m", "aggregator", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env={**env, **more}
        )

    (tmp_path / "memo.yaml").write_text(MEMO.replace('"$COUNTER"', str(tmp_path / "count")))
    (tmp_path / "secret.yaml").write_text(SECRET.replace('"$COUNTER"', str(tmp_path / "count")))
    run.times = lambda: (tmp_path / "count").read_text().count("ran")
    run.folder = tmp_path
    return run


def ok(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_run_takes_what_the_first_has_left_until_it_is_deleted(agg):
    first = json.loads(ok(agg("run", "memo.yaml", "-o", "json")))
    second = json.loads(ok(agg("run", "memo.yaml", "-o", "json")))
    (node,) = second["status"]["nodes"].values()
    assert agg.times() == 1
    assert node["memoizationStatus"] == {"hit": True, "key": "key-one", "cacheName": "deals"}
    ok(agg("run", "memo.yaml", "-p", "id=two"))
    assert agg.times() == 2

    lines = ok(agg("cache", "list")).splitlines()
    assert lines[0].split() == ["CACHE", "KEY", "AGE", "LAST", "HIT", "NODE"]
    assert [line.split()[:2] for line in lines[1:]] == [["deals", "key-one"], ["deals", "key-two"]]
    assert "o=made by nobody" in ok(agg("cache", "list", "deals", "-o", "wide", "--no-headers")).splitlines()[0]
    assert ok(agg("cache", "list", "-o", "name")) == "deals/key-one\ndeals/key-two\n"
    (one, _) = json.loads(ok(agg("cache", "list", "-o", "json")))
    assert one["nodeID"] == first["metadata"]["name"]
    assert one["outputs"]["parameters"][0]["value"] == "made by nobody"
    assert one["lastHitTimestamp"] >= one["creationTimestamp"]
    assert "key: key-two" in ok(agg("cache", "list", "-o", "yaml"))

    assert ok(agg("cache", "delete", "deals", "key-one", "--dry-run")) == "cache deals/key-one deleted (dry run)\n"
    assert ok(agg("cache", "delete", "deals", "key-one")) == "cache deals/key-one deleted\n"
    assert ok(agg("cache", "list", "-o", "name")) == "deals/key-two\n"
    ok(agg("run", "memo.yaml"))
    assert agg.times() == 3
    assert ok(agg("cache", "delete", "--all")).count("deleted") == 2
    assert ok(agg("cache", "list")) == "No cached outputs found\n"
    assert ok(agg("cache", "delete", "--all")) == "No cached outputs found\n"


def test_outputs_that_hold_a_secret_are_not_shown(agg):
    ok(agg("run", "secret.yaml", AGG_SECRET_API_TOKEN="hush-hush"))
    for form in ("wide", "json", "yaml"):
        shown = ok(agg("cache", "list", "-o", form))
        assert "***" in shown
        assert "hush-hush" not in shown
    again = json.loads(ok(agg("run", "secret.yaml", "-o", "json", AGG_SECRET_API_TOKEN="hush-hush")))
    (node,) = again["status"]["nodes"].values()
    assert agg.times() == 1
    assert node["memoizationStatus"]["hit"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["delete"], 2, "which cache?"),
        (["delete", "deals", "--all"], 2, "which cache?"),
        (["delete", "deal"], 1, "did you mean 'deals'?"),
        (["delete", "deals", "key-one", "key-tow"], 1, "did you mean 'key-two'?"),
        (["list", "-o", "yamll"], 2, "did you mean 'yaml'?"),
    ],
)
def test_mistakes_delete_nothing(agg, arguments, code, told):
    ok(agg("run", "memo.yaml"))
    ok(agg("run", "memo.yaml", "-p", "id=two"))
    done = agg("cache", *arguments)
    assert done.returncode == code
    assert told in done.stderr
    assert ok(agg("cache", "list", "-o", "name")) == "deals/key-one\ndeals/key-two\n"


def test_where_nothing_ever_ran_nothing_is_created(agg):
    assert ok(agg("cache", "list")) == "No cached outputs found\n"
    assert json.loads(ok(agg("cache", "list", "-o", "json"))) == []
    assert not (agg.folder / "home").exists()
