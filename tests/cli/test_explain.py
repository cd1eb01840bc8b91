"""`agg explain`: each kind of decision is told with its expression, its operands' values and its rule."""

import json

import pytest

from aggregator.app.explain import explain
from aggregator.cli import main
from aggregator.engine.status import status
from aggregator.errors import NotFound, UsageError
from aggregator.testing import run_workflow
from aggregator.testing.trial import try_case

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\n"


def explained(text, **more):
    run = run_workflow(HEAD + text, **more)
    assert run.problems == []
    machine = explain(try_case(run.trial.case, detailed=True).run.journal)
    assert status(machine) == status(run.trial.machine)
    return machine


def story(machine, name):
    (node,) = [n for n in machine.nodes if n.display == name]
    return machine.story(node).decisions


def told(machine, name, verb):
    """The one decision of this kind: its reason, expression and operands."""
    (decision,) = [d for d in story(machine, name) if d.verb == verb]
    return decision.why, decision.expression, dict(decision.operands)


GRAPH = """spec:
  entrypoint: main
  onExit: work
  arguments: {parameters: [{name: env, value: dev}]}
  templates:
    - name: main
      dag:
        tasks:
          - {name: a, template: work}
          - {name: b, template: work, depends: a, when: "{{workflow.parameters.env}} == prod && 1 == 1"}
          - {name: c, template: work, depends: a.Failed || b.Succeeded}
          - {name: d, template: work, depends: a}
          - {name: e, template: work, withParam: "[]", depends: a}
          - {name: f, template: work, depends: a, withItems: [x, z], when: "{{item}} != x"}
    - {name: work, container: {image: a, command: [x]}}
"""


def test_a_skipped_task_names_its_condition_and_what_each_comparison_gave():
    why, expression, operands = told(explained(GRAPH), "b", "skipped")
    assert why == "its `when` is false"
    assert expression == "{{workflow.parameters.env}} == prod && 1 == 1"
    assert operands["workflow.parameters.env"] == "dev"
    assert operands["dev == prod"] == "false"
    assert "1 == 1" not in operands


def test_an_omitted_task_names_each_result_that_it_depends_on():
    _, expression, operands = told(explained(GRAPH), "c", "omitted")
    assert expression == "a.Failed || b.Succeeded"
    assert operands == {"a.Failed": "false (a is Succeeded)", "b.Succeeded": "false (b is Skipped)"}


def test_a_task_that_ran_names_what_let_it():
    machine = explained(GRAPH)
    assert told(machine, "a", "ran")[0] == "it depends on nothing"
    assert told(machine, "d", "ran")[1:] == ("a", {"a": "Succeeded (wanted is Succeeded, Skipped or Daemoned)"})
    assert told(machine, "w", "ran")[1] == "entrypoint: main"
    assert told(machine, "w.onExit", "ran")[1:] == ("onExit", {"workflow.status": "Succeeded"})


def test_a_list_of_dependencies_reads_as_the_condition_that_it_means():
    text = """spec:
  entrypoint: main
  templates:
    - name: main
      dag:
        failFast: false
        tasks:
          - {name: a, template: work, continueOn: {failed: true}}
          - {name: b, template: work}
          - {name: c, template: work, dependencies: [a, b]}
    - {name: work, container: {image: a, command: [x]}}
"""
    mocks = [{"node": "a", "outcomes": [{"phase": "Failed"}]}, {"default": {}}]
    _, expression, operands = told(explained(text, mocks=mocks), "c", "ran")
    assert expression == "a && b"
    assert operands["a"] == "Failed (wanted is Succeeded, Skipped, Daemoned or Failed)"


def test_loops_tell_of_their_items():
    machine = explained(GRAPH)
    assert told(machine, "e", "skipped") == ("its loop has no items", "withParam: []", {"items": "[]"})
    assert [(d.verb, dict(d.operands).get("item")) for d in story(machine, "f(0:x)")] == [
        ("due", "x"),
        ("skipped", "x"),
    ]
    assert [d.verb for d in story(machine, "f(1:z)")] == ["ran", "ran"]


RETRIED = """spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: a, template: work}]]
    - name: work
      retryStrategy: STRATEGY
      container: {image: a, command: [x]}
"""


@pytest.mark.parametrize(
    ("strategy", "phase", "why", "operand"),
    [
        ('{limit: "1"}', "Failed", "the limit is reached", ("limit", "1 retries")),
        ('{limit: "9", retryPolicy: OnError}', "Failed", "retryPolicy OnError does not cover it", ("lastRetry.status", "Failed")),
        ('{limit: "9", expression: "asInt(retries) < 1"}', "Error", "the expression is false", ("asInt(retries) < 1", "false")),
        ("{backoff: {duration: 4s, maxDuration: 10s}}", "Failed", "maxDuration would be over before the next attempt",
         ("maxDuration", "10s, of which 8s are over")),
        ('{limit: "9", retryPolicy: OnTransientError}', "Failed", "retryPolicy OnTransientError does not cover it", ("transient", "false")),
    ],
)  # fmt: skip
def test_who_gives_up_says_at_what(strategy, phase, why, operand):
    machine = explained(RETRIED.replace("STRATEGY", strategy), mocks=[{"default": {"phase": phase, "message": "oh"}}])
    reason, expression, operands = told(machine, "a", "gave up")
    assert reason == why
    assert expression.startswith("retryStrategy: {")
    assert operands[operand[0]] == operand[1]


def test_a_retry_tells_why_there_is_another_attempt_and_how_long_it_waits():
    text = RETRIED.replace("STRATEGY", '{limit: "2", backoff: {duration: 5s, factor: "2", cap: 1m}}')
    machine = explained(text, mocks=[{"template": "work", "outcomes": [{"exitCode": 3}, {}]}])
    assert told(machine, "a", "retried")[2]["lastRetry.message"] == "main: Error (exit code 3)"
    assert told(machine, "a", "waited")[2] == {"backoff": "5s after attempt 0", "cap": "60s"}


def test_a_run_that_is_stopped_tries_nothing_again():
    text = RETRIED.replace("STRATEGY", '{limit: "9", backoff: {duration: 1h}}')
    machine = explained(text, mocks=[{"default": {"phase": "Failed"}}], events=[{"at": "1m", "stop": {}}])
    assert told(machine, "a", "gave up")[0] == "the run is being ended (Stop)"


LIMITED = """spec:
  entrypoint: main
  priority: 1 #SPEC
  templates:
    - name: main
      failFast: true #TEMPLATE
      steps: [[{name: a, template: work, withItems: [1, 2]}]]
    - {name: work, container: {image: a, command: [x]}MORE}
"""


@pytest.mark.parametrize(
    ("changes", "more", "why"),
    [
        ({"SPEC": "parallelism: 1"}, {}, "the run's parallelism was used up"),
        ({"TEMPLATE": "parallelism: 1"}, {}, "parallelism of template main was used up"),
        ({}, {"max_parallel": 1}, "the limit of process leaves was used up"),
        ({"SPEC": "suspend: true"}, {"events": [{"at": "1m", "resume": {}}]}, "the run was suspended"),
        ({"MORE": ", synchronization: {mutexes: [{name: m}]}"}, {}, "its locks are held by others"),
    ],
)
def test_who_waits_says_for_what(changes, more, why):
    text = LIMITED.replace("priority: 1 #SPEC", changes.get("SPEC", "priority: 1"))
    text = text.replace("failFast: true #TEMPLATE", changes.get("TEMPLATE", "failFast: true"))
    text = text.replace("MORE", changes.get("MORE", ""))
    machine = explained(text, mocks=[{"default": {"takes": "5s"}}], **more)
    waits = [d for n in machine.nodes for d in machine.story(n).decisions if d.verb == "waited"]
    assert waits
    assert {d.why for d in waits} == {why}
    assert all(d.expression and d.operands for d in waits)


def test_hooks_and_the_cache_are_told():
    text = """spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - name: a
            template: work
            hooks: {exit: {template: plain}, now: {template: plain, expression: steps.a.status == "Running"}}
        - - {name: b, template: work}
    - {name: plain, container: {image: a, command: [x]}}
    - name: work
      memoize: {key: k, cache: {configMap: {name: c}}}
      container: {image: a, command: [x]}
"""
    machine = explained(text, mocks=[{"default": {"takes": "5s"}}])
    assert told(machine, "b", "ended")[2] == {"key": "k", "cache": "c"}
    assert told(machine, "a.hooks.now", "ran")[1] == 'steps.a.status == "Running"'
    assert told(machine, "a.onExit", "ran")[2] == {"a": "Succeeded"}


@pytest.fixture
def kept(tmp_path, capsys):
    (tmp_path / "w.yaml").write_text(HEAD + GRAPH)
    assert main(["run", str(tmp_path / "w.yaml"), "--runtime", "dry", "--home", str(tmp_path / "h")]) == 0
    capsys.readouterr()
    return str(tmp_path / "h")


def test_the_command_tells_a_node_or_all_of_them(kept, capsys):
    assert main(["explain", "w", "b", "--home", kept]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "b  Skipped  Skipped: when 'dev == prod && 1 == 1' evaluated false"
    assert "      operand     dev == prod = false" in lines
    assert main(["explain", "@latest", "--home", kept]) == 0
    out = capsys.readouterr().out
    assert out.startswith("w  run  Succeeded\n")
    assert "c  Skipped  Omitted: omitted: depends condition not met\n  +0.0s  omitted" in out
    assert "a  Pod  Succeeded\ne  Skipped  Skipped" in out


def test_the_command_answers_in_json(kept, capsys):
    assert main(["explain", "w", "c", "-o", "json", "--home", kept]) == 0
    (node,) = json.loads(capsys.readouterr().out)["nodes"]
    (decision,) = node["decisions"]
    assert decision["decision"] == "omitted"
    assert {"operand": "b.Succeeded", "value": "false (b is Skipped)"} in decision["operands"]


def test_the_runtime_that_ran_a_leaf_is_told(tmp_path, capsys):
    text = "spec: {entrypoint: m, templates: [{name: m, container: {image: alpine, command: ['true']}}]}\n"
    (tmp_path / "w.yaml").write_text(HEAD + text)
    home = str(tmp_path / "h")
    assert main(["run", str(tmp_path / "w.yaml"), "--runtime", "process", "--home", home]) == 0
    capsys.readouterr()
    assert main(["explain", "w", "w", "--home", home]) == 0
    assert "  run by the process runtime\n" in capsys.readouterr().out
    assert main(["explain", "w", "-o", "json", "--home", home]) == 0
    assert json.loads(capsys.readouterr().out)["nodes"][0]["runtime"] == "process"


def test_unknown_nodes_runs_and_forms_are_told(kept):
    with pytest.raises(NotFound, match="no node 'bb'"):
        main(["explain", "w", "bb", "--home", kept])
    with pytest.raises(NotFound):
        main(["explain", "nothing", "--home", kept])
    with pytest.raises(UsageError, match="no form"):
        main(["explain", "w", "-o", "xml", "--home", kept])
