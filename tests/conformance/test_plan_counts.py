"""What `agg plan` counts is what a dry run comes to, for the first twenty of Argo's examples whose plan is exact.

Nodes, attempts and HTTP requests, of a run in which all succeeds and of one in which all fails: every attempt, in a way that
its retryPolicy covers, until nothing is tried any more.
"""

import json

import pytest

from aggregator import cli
from aggregator.app.prepare import Submission, prepare
from aggregator.engine.events import NodeSet, Outcome, Resumed
from aggregator.errors import AggError
from aggregator.spec.bundle import Bundle
from aggregator.spec.decode import decode_text
from aggregator.spec.yaml import read_source
from aggregator.testing.dry import dry_run
from aggregator.testing.trial import to_the_end
from aggregator.testing.virtual import START, Answer, Script, VirtualRun

WANTED = 20


def prepared_from(path):
    """The one Workflow of the file, ready to run; None where there is none, or it is wrong."""
    try:
        bundle = decode_text(read_source(str(path), path.read_bytes()))
        prepared = prepare(bundle, Bundle(), Submission()) if len(bundle.workflows) == 1 else None
    except AggError:
        return None
    return prepared if prepared is not None and not prepared.problems else None


def failing_run(prepared):
    def answer(attempt):
        retry = run.machine.nodes[attempt.node].template.retry
        policy = (retry.tree.value if retry is not None else {}).get("retryPolicy")
        phase = "Error" if policy == "OnError" else "Failed"
        return Answer(Outcome(phase=phase, message="no", exit_code=1, transient=True))

    script = Script(name=prepared.name, templates=prepared.templates, config_maps=prepared.config_maps)
    run = VirtualRun(prepared.workflow, answer, script)
    for _ in range(1000):
        to_the_end(run)
        machine = run.machine
        if machine.finished is not None:
            break
        if machine.suspended:
            run.post(Resumed(run.now))
        for node in machine.suspensions.values():
            run.post(NodeSet(run.now, f"id={node.identity(machine.name)}", "Failed"))
    return run


def counts(run):
    assert run.machine.finished is not None
    requests = sum(attempt.kind == "http" for attempt in run.attempts)
    return {"nodes": len(run.machine.nodes), "attempts": len(run.attempts), "requests": requests, "exact": True}


@pytest.fixture
def plan(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AGG_HOME", str(tmp_path))

    def plan(path):
        assert cli.main(["plan", str(path), "-o", "json"]) == 0
        return json.loads(capsys.readouterr().out)

    return plan


def test_the_counts_of_a_plan_are_those_of_dry_runs(plan, corpus):
    seen = []
    for path in sorted((corpus / "examples").glob("*.yaml")):
        prepared = prepared_from(path)
        found = plan(path) if prepared is not None else {"allSucceeds": {"exact": False}, "allFails": {"exact": False}}
        if found["allSucceeds"]["exact"] and found["allFails"]["exact"]:
            seen.append(path.name)
            assert found["allSucceeds"] == counts(dry_run(prepared, {}, START)), path.name
            assert found["allFails"] == counts(failing_run(prepared)), path.name
            if len(seen) == WANTED:
                break
    assert len(seen) == WANTED
