"""Stop and Terminate at every stage of a run, and selectors of nodes; suspension has its own tests."""

import pytest

from aggregator.engine.control import end_for, matching
from aggregator.engine.events import (
    LeafFinished,
    LeafProgressed,
    LeafStarted,
    Outcome,
    Resumed,
    StopRequested,
    Submitted,
    SuspendRequested,
)
from aggregator.errors import EngineBug

LEAVES = """
- name: ok
  container: {image: x}
- name: again
  retryStrategy: {limit: 3, backoff: {duration: '60'}}
  container: {image: x}
- name: wait
  suspend: {}
- name: bye
  container: {image: x}
"""


def steps(body, more=""):
    return f"entrypoint: main\nonExit: bye\n{more}\ntemplates:{LEAVES}- name: main\n  steps:\n{body}"


def stop(run, strategy="Stop", **fields):
    run.post(StopRequested(run.now, strategy, **fields))
    run.settle()


KILLED = "workflow shutdown with strategy: "


class TestStop:
    """Everything but exit handlers is ended; the run is Failed."""

    def test_running_leaves_are_killed_and_the_exit_handler_runs(self, play):
        run = play.begin(steps("  - - {name: a, template: ok}\n  - - {name: b, template: ok}\n"), held=["a", "bye"])
        run.settle()
        stop(run)
        assert run.message_of("a") == f"{KILLED}Stop"
        assert run.phase_of("a") == run.phase_of("wf") == "Failed"
        assert run.running == ["wf.onExit"]
        run.end("wf.onExit")
        assert (run.phase, run.message) == ("Failed", "Stopped with strategy 'Stop'")
        assert "b" not in run.nodes

    def test_a_message_of_whoever_stopped_it_is_kept(self, play):
        run = play.begin(steps("  - - {name: a, template: ok}\n"), held=["a"])
        run.settle()
        stop(run, message="enough")
        run.run()
        assert run.message == "enough"

    def test_terminate_runs_nothing_more(self, play):
        run = play.begin(steps("  - - {name: a, template: ok}\n"), held=["a"])
        run.settle()
        stop(run, "Terminate")
        assert run.phase == "Failed"
        assert "wf.onExit" not in run.nodes
        assert run.message_of("a") == f"{KILLED}Terminate"

    def test_terminate_ends_an_exit_handler_that_stop_spared(self, play):
        run = play.begin(steps("  - - {name: a, template: ok}\n"), held=["a", "bye"])
        run.settle()
        stop(run)
        stop(run, "Terminate")
        assert (run.phase, run.phase_of("wf.onExit")) == ("Failed", "Failed")

    def test_exit_handlers_of_steps_run_too(self, play):
        text = steps("  - - {name: a, template: ok, hooks: {exit: {template: ok}}}\n")
        run = play.begin(text, held=["a"])
        run.settle()
        stop(run)
        run.run()
        assert run.started == ["a", "a.onExit", "wf.onExit"]

    def test_a_suspended_node_in_a_retry_ends_once(self, play):
        """The workflow's own retryStrategy wraps suspended nodes too."""
        text = steps("  - - {name: a, template: wait}\n", "retryStrategy: {limit: 2}")
        run = play.begin(text)
        run.settle()
        stop(run)
        run.run()
        assert (run.phase, run.phase_of("a"), run.phase_of("a(0)")) == ("Failed", "Failed", "Failed")
        assert "a(1)" not in run.nodes

    def test_a_retry_that_waits_for_its_next_attempt(self, play):
        run = play.begin(steps("  - - {name: a, template: again}\n"), {"a": "Failed"})
        run.advance(10)
        assert run.phase_of("a") == "Running"
        stop(run)
        run.run()
        assert run.message_of("a") == "Stopped with strategy 'Stop'"
        assert [a for a in run.started if a.startswith("a(")] == ["a(0)"]

    def test_a_retry_whose_attempt_is_killed(self, play):
        run = play.begin(steps("  - - {name: a, template: again}\n"), held=["a"])
        run.settle()
        stop(run)
        run.run()
        assert (run.message_of("a(0)"), run.message_of("a")) == (f"{KILLED}Stop", "Stopped with strategy 'Stop'")

    def test_a_suspended_node_fails_at_once(self, play):
        run = play.begin(steps("  - - {name: a, template: wait}\n"))
        run.settle()
        stop(run)
        assert (run.phase_of("a"), run.message_of("a")) == ("Failed", "Stopped with strategy 'Stop'")

    @pytest.mark.parametrize("strategy", ["Stop", "Terminate"])
    def test_a_suspended_node_that_would_be_retried_fails_once(self, play, strategy):
        """The run's own retryStrategy wraps suspend templates, too."""
        run = play.begin(steps("  - - {name: a, template: wait}\n", "retryStrategy: {limit: 2}"))
        run.settle()
        stop(run, strategy)
        run.run()
        assert run.phase == run.phase_of("a") == run.phase_of("a(0)") == "Failed"
        assert "a(1)" not in run.nodes

    def test_a_loop_parked_at_a_gate(self, play):
        run = play.begin(steps("  - - {name: a, template: ok, withItems: [1, 2, 3]}\n", "parallelism: 1"), held=["a"])
        run.settle()
        stop(run)
        run.run()
        assert [a for a in run.started if a.startswith("a(")] == ["a(0:1)"]
        assert run.phase_of("[0]") == "Failed"

    def test_a_dag_with_tasks_that_never_start(self, play):
        text = f"entrypoint: main\nparallelism: 1\ntemplates:{LEAVES}- name: main\n  dag:\n    tasks:\n    - {{name: A, template: ok}}\n    - {{name: B, template: ok}}\n    - {{name: C, template: ok, dependencies: [A]}}\n    - {{name: D, template: ok, withItems: [1, 2]}}\n"
        run = play.begin(text, held=["A"])
        run.settle()
        stop(run)
        assert run.phase == "Failed"
        assert set(run.nodes) == {"wf", "A", "D"}

    def test_a_dag_is_failed_though_its_last_leaf_still_succeeded(self, play):
        text = f"entrypoint: main\ntemplates:{LEAVES}- name: main\n  dag: {{tasks: [{{name: A, template: ok}}]}}\n"
        run = play.begin(text, held=["A"])
        run.settle()
        run.post(StopRequested(run.now))
        run.finish(next(iter(run.held)), Outcome(phase="Succeeded"))
        run.settle()
        assert (run.phase_of("A"), run.phase) == ("Succeeded", "Failed")

    def test_an_exit_handler_that_is_retried_goes_on(self, play):
        text = steps("  - - {name: a, template: ok}\n").replace("onExit: bye", "onExit: again")
        run = play.begin(text, {"again": ["Failed", "Succeeded"]}, held=["a"])
        run.settle()
        stop(run)
        run.run()
        assert run.phase_of("wf.onExit") == "Succeeded"

    def test_terminate_while_an_exit_handler_waits_for_its_next_attempt(self, play):
        text = steps("  - - {name: a, template: ok}\n").replace("onExit: bye", "onExit: again")
        run = play.begin(text, {"again": "Failed"})
        run.advance(10)
        assert run.phase_of("wf.onExit") == "Running"
        stop(run, "Terminate")
        assert run.phase == "Failed"

    def test_submitted_with_a_shutdown(self, play):
        run = play(steps("  - - {name: a, template: ok}\n", "shutdown: Stop"))
        assert (run.phase_of("wf"), run.message_of("wf")) == ("Failed", f"{KILLED}Stop")
        assert run.started == ["wf.onExit"]
        assert play(steps("  - - {name: a, template: ok}\n", "shutdown: Terminate")).started == []

    def test_a_second_stop_after_the_end_changes_nothing(self, play):
        run = play(steps("  - - {name: a, template: ok}\n"))
        stop(run)
        run.post(SuspendRequested(run.now))
        run.post(Resumed(run.now))
        run.settle()
        assert run.phase == "Succeeded"

    def test_by_selector_it_fails_the_suspended_nodes_only(self, play):
        run = play.begin(steps("  - - {name: a, template: wait}\n    - {name: b, template: wait}\n"))
        run.settle()
        stop(run, selector="displayName=a", message="refused")
        assert (run.phase_of("a"), run.message_of("a"), run.phase_of("b")) == ("Failed", "refused", "Running")
        assert run.machine.stop == ""
        stop(run, selector="displayName=b", message="refused")
        run.run()
        assert run.phase == "Failed"


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", ["a", "b"]),
        ("displayName=a", ["a"]),
        ("displayName!=a", ["b"]),
        ("displayName==a,phase=Running", ["a"]),
        ("name=wf[0].b", ["b"]),
        ("templateName=ask", ["a", "b"]),
        ("inputs.parameters.p.value=1", ["a"]),
        ("inputs.parameters.none.value=1", []),
        ("templateRef.name=stored", ["b"]),
        ("templateRef.template=ask", ["b"]),
        ("nonsense=1", []),
        ("phase=Succeeded", []),
    ],
)
def test_selectors(play, selector, found):
    """Field selectors, with `=`, `==`, `!=` and commas."""
    ask = "  templates:\n  - name: ask\n    inputs: {parameters: [{name: p}]}\n    suspend: {}\n"
    text = """
entrypoint: main
templates:
- name: ask
  inputs: {parameters: [{name: p}]}
  suspend: {}
- name: main
  steps:
  - - {name: a, template: ask, arguments: {parameters: [{name: p, value: '1'}]}}
    - {name: b, templateRef: {name: stored, template: ask}, arguments: {parameters: [{name: p, value: '2'}]}}
"""
    run = play.begin(text, templates={"stored": ask})
    run.settle()
    assert [n.display for n in matching(run.machine, selector)] == found
    assert [n.display for n in matching(run.machine, f"id={run.nodes['a']['id']}")] == ["a"]


def test_an_attempt_answers_only_once(play):
    """A second answer is a bug of the driver, not an end of another attempt."""
    run = play(steps("  - - {name: a, template: ok}\n"))
    number = run.attempts[0].node
    with pytest.raises(EngineBug, match="answered twice"):
        run.machine.handle(LeafFinished(run.now, number, Outcome(phase="Failed")))
    with pytest.raises(EngineBug, match="there is no node"):
        run.machine.handle(LeafStarted(run.now, 10_000))
    with pytest.raises(EngineBug, match="only once"):
        run.machine.handle(Submitted(at=run.now, name="x", uid="u", seed=0, workflow={}))
    # News of an attempt that is over come too late to matter.
    run.handle(LeafStarted(run.now, number))
    run.handle(LeafProgressed(run.now, number, "1/2"))
    assert run.phase_of("a") == "Succeeded"


def test_a_run_that_has_ended_is_not_ended_again(play):
    """A reason that is found too late, by the answer of a leaf that nobody waits for any more, changes nothing."""
    run = play(steps("  - - {name: a, template: ok}\n"))
    end_for(run.machine, "it has grown too large")
    assert (run.phase, run.message, run.machine.stop) == ("Succeeded", "", "")


def test_what_never_started_is_not_forgiven(play):
    """continueOn forgives a step that the stop has killed; one that still waited for its place ends the group."""
    text = steps(
        "  - - {name: a, template: ok, withItems: [1, 2], continueOn: {failed: true}}\n  - - {name: b, template: ok}\n",
        "parallelism: 1",
    )
    run = play.begin(text, held=["a"])
    run.settle()
    stop(run)
    run.run()
    assert run.message_of("a(0:1)") == f"{KILLED}Stop"
    assert [run.message_of(n) for n in ("[0]", "wf")] == ["Stopped with strategy 'Stop'"] * 2
    assert not {"a(1:2)", "b"} & set(run.nodes)
