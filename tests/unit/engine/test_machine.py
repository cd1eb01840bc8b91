"""The machine's own rules: the table of phases, ids and names, late news, replay, kept values, and a run's beginning and end."""

import random

import pytest

from aggregator.engine.events import (
    LocksTaken,
    LocksWaiting,
    Resumed,
    StopRequested,
    SuspendRequested,
    TimerFired,
    ValueKept,
    decode_event,
    encode_event,
)
from aggregator.engine.machine import display_name
from aggregator.engine.node import TRANSITIONS, Node, fnv1a32, pod_name
from aggregator.engine.replay import replay
from aggregator.engine.status import failed_object, workflow_object
from aggregator.errors import EngineBug
from aggregator.kinds import KINDS, Leaf

LEAF = "- name: leaf\n  container: {image: x}\n"


@pytest.mark.parametrize(
    ("workflow", "name", "number"),
    [
        ("steps-9fkqc", "steps-9fkqc[1]", 2862110744),
        ("steps-9fkqc", "steps-9fkqc[1].fail", 3224593506),
        ("work-avoidance-trkkq", "work-avoidance-trkkq[1].echo(0:0)", 4180283560),
        ("exit-handlers-n7s4n", "exit-handlers-n7s4n.onExit[0].celebrate", 134905866),
        ("hello", "hello[0].print(0:foo)", 1148139051),
    ],
)
def test_ids_are_the_hash_of_the_full_name(workflow, name, number):
    node = Node(1, name, name, "Pod", 0.0)
    assert fnv1a32(name) == number
    assert node.identity(workflow) == f"{workflow}-{number}"
    assert node.pod_name(workflow) == f"{workflow}-{number}"


def test_names_of_pods_are_cut_to_what_kubernetes_takes():
    assert pod_name("wf", "wf", "t", 1) == "wf"
    assert pod_name("wf", "wf.a", "t", 7) == "wf-t-7"
    assert len(pod_name("w" * 200, "x", "t" * 100, 7)) == 244


@pytest.mark.parametrize(
    ("name", "boundary", "shown"),
    [
        ("wf", None, "wf"),
        ("wf[0]", "wf", "[0]"),
        ("wf[0].a", "wf", "a"),
        ("wf[0].a(0:x)(1)", "wf", "a(0:x)(1)"),
        ("wf.A", "wf", "A"),
        ("wf.A.onExit", "wf", "A.onExit"),
        ("wf[0].a[2].b", "wf[0].a", "b"),
    ],
)
def test_display_names(name, boundary, shown):
    enclosing = Node(0, boundary, boundary, "Steps", 0.0) if boundary else None
    assert display_name(name, enclosing) == shown


def test_an_end_is_final():
    for phase, following in TRANSITIONS.items():
        if phase in ("Succeeded", "Failed", "Error", "Skipped", "Omitted"):
            assert not following
    node = Node(0, "wf", "wf", "Pod", 0.0)
    node.phase = "Succeeded"
    wrong = node.misfit("Running")
    assert wrong.message == "node 'wf' can't go from Succeeded to Running"
    assert wrong.story == ["Pod wf is Succeeded since 0.0: ''"]


def test_a_leaf_is_never_begun_like_a_composite(play):
    run = play.begin(f"entrypoint: leaf\ntemplates:\n{LEAF}")
    with pytest.raises(EngineBug, match="begun as if it were a composite"):
        Leaf("Pod", "process", "pod").begin(run.machine, Node(0, "wf", "wf", "Pod", 0.0), run.machine.globals)


def test_news_that_crossed_its_own_cancellation_is_ignored(play):
    """A timer that was cancelled as it fired, a lock that was granted to a run that has ended."""
    run = play(f"entrypoint: leaf\ntemplates:\n{LEAF}")
    run.handle(TimerFired(run.now, 99))
    run.handle(LocksTaken(run.now, -1))
    run.handle(LocksTaken(run.now, 99))
    run.handle(LocksWaiting(run.now, 99, "m", 1, 1))
    assert run.phase == "Succeeded"


def test_values_that_can_t_be_made_twice_are_kept_and_read_back_by_a_replay(play):
    text = "entrypoint: leaf\ntemplates:\n- name: leaf\n  container: {image: x, args: [\"{{=sprig.genPrivateKey('ed25519')}}\"]}\n"
    run = play(text)
    (key,) = run.attempts[0].template["container"]["args"]
    assert "PRIVATE KEY" in key
    kept = [decode_event(e) for e in run.journal if isinstance(decode_event(e), ValueKept)]
    assert [e.value for e in kept] == [key]
    again = replay(run.journal, KINDS, random.Random)
    assert list(again.kept.values()) == [key]
    assert again.new_kept == []


def test_events_survive_the_journals_form():
    event = StopRequested(1.5, "Terminate", message="é", selector="a=b", signal="SIGINT")
    assert decode_event(encode_event(event)) == event


class TestBeginning:
    """What a run knows before its first node."""

    def test_metadata_of_the_spec_over_that_of_the_document(self, play):
        run = play(
            """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  name: wf
  namespace: ns
  labels: {a: own, b: own}
  annotations: {workflows.argoproj.io/scheduled-time: "2024-01-01T00:00:00Z"}
spec:
  entrypoint: leaf
  arguments: {parameters: [{name: p, value: v}]}
  workflowMetadata:
    labels: {b: over}
    annotations: {note: "n1"}
    labelsFrom: {c: {expression: "workflow.parameters.p + '-' + workflow.labels.b"}}
  templates:
  - name: leaf
    container: {image: x, args: ["{{workflow.labels.a}} {{workflow.labels.b}} {{workflow.labels.c}} {{workflow.annotations.note}} {{workflow.namespace}} {{workflow.scheduledTime}}"]}
"""
        )
        assert run.attempts[0].template["container"]["args"] == ["own over v-over n1 ns 2024-01-01T00:00:00Z"]
        metadata = workflow_object(run.machine)["metadata"]
        assert {k: metadata["labels"][k] for k in "abc"} == {"a": "own", "b": "over", "c": "v-over"}
        assert metadata["annotations"]["note"] == "n1"

    def test_a_label_that_is_no_text_is_an_invalid_spec(self, play):
        run = play(
            f"entrypoint: leaf\nworkflowMetadata: {{labelsFrom: {{c: {{expression: '1 + 1'}}}}}}\ntemplates:\n{LEAF}"
        )
        assert (run.phase, "labelsFrom.c" in run.message) == ("Failed", True)

    def test_the_specs_own_fields_are_filled(self, play):
        run = play(
            f"entrypoint: leaf\nvolumes: [{{name: 'v-{{{{workflow.name}}}}', emptyDir: {{}}}}]\nvolumeClaimTemplates: [{{metadata: {{name: work}}, spec: {{}}}}]\ntemplates:\n{LEAF}"
        )
        assert [v["name"] for v in run.attempts[0].volumes] == ["v-wf", "work"]
        assert run.attempts[0].volumes[1]["persistentVolumeClaim"] == {"claimName": "wf-work"}

    def test_a_default_repository_keeps_its_keys_tags_for_each_pod(self, play):
        run = play(
            f"entrypoint: leaf\ntemplates:\n{LEAF}",
            options={"artifact_repository": {"s3": {"key": "{{workflow.name}}/{{pod.name}}"}, "archiveLogs": True}},
        )
        assert run.attempts[0].artifact_location["s3"] == {"key": "wf/wf"}
        assert run.attempts[0].archive_logs is True

    def test_an_argument_without_a_value_is_left_to_the_inputs_default(self, play):
        text = "entrypoint: leaf\narguments: {parameters: [{name: q}]}\ntemplates:\n- name: leaf\n  inputs: {parameters: [{name: p, default: d}]}\n  container: {image: x}\n"
        assert play(text).inputs("wf") == {"p": "d"}

    def test_an_empty_group_is_passed(self, play):
        run = play(
            f"entrypoint: main\ntemplates:\n{LEAF}- name: main\n  steps:\n  - []\n  - [{{name: a, template: leaf}}]\n"
        )
        assert (run.phase, run.started) == ("Succeeded", ["a"])


class TestEnd:
    """Exit handlers and what may happen to them."""

    TEXT = """
entrypoint: main
onExit: bye
templates:
- name: main
  container: {image: x}
- name: bye
  synchronization: {mutexes: [{name: m}]}
  steps: [[{name: ask, template: wait}]]
- name: wait
  suspend: {}
"""

    def test_a_stop_spares_an_exit_handler_that_waits_for_somebody_or_for_a_lock(self, play):
        run = play.begin(self.TEXT)
        run.settle()
        run.advance(2)
        assert len(run.machine.suspensions) == 1
        run.post(StopRequested(run.now))
        run.settle()
        assert len(run.machine.suspensions) == 1
        run.post(Resumed(run.now))
        run.run()
        assert run.phase == "Succeeded"

    def test_a_stop_spares_an_exit_handler_that_waits_for_its_lock(self, play):
        from aggregator.engine.commands import LockWish, TakeLocks
        from aggregator.journal.memory_locks import MemoryLocks

        locks = MemoryLocks()
        locks.take(TakeLocks(-1, "default/other", [LockWish("default/Mutex/m", 1)], 0, 0.0))
        run = play.begin(self.TEXT, locks=locks)
        run.advance(2)
        run.post(StopRequested(run.now))
        run.settle()
        assert run.phase_of("wf.onExit") == "Pending"
        locks.release("default/other")
        run.advance(0)
        run.post(Resumed(run.now))
        run.run()
        assert run.phase_of("wf.onExit") == "Succeeded"

    def test_an_exit_handler_that_had_to_wait_is_dropped_by_terminate(self, play):
        run = play.begin(self.TEXT, held=["main"])
        run.settle()
        run.post(SuspendRequested(run.now))
        run.settle()
        run.end("wf")
        run.post(StopRequested(run.now, "Terminate"))
        run.run()
        assert (run.phase, list(run.nodes)) == ("Succeeded", ["wf"])

    def test_a_handler_that_writes_a_global_output_starts_no_hook_of_the_workflow(self, play):
        text = """
entrypoint: leaf
onExit: bye
hooks: {h: {template: leaf, expression: "workflow.outputs?.parameters?.g == '1'"}}
templates:
- name: leaf
  container: {image: x}
- name: bye
  container: {image: x}
  outputs: {parameters: [{name: o, globalName: g, valueFrom: {path: /o}}]}
"""
        assert play(text, {"bye": {"parameters": {"o": "1"}}}).started == ["wf", "wf.onExit"]

    def test_what_could_not_even_start_is_shown_all_the_same(self):
        shown = failed_object({"metadata": {"name": "x"}, "spec": {"entrypoint": "e"}}, "n", "u", 0.0, "Failed", "why")
        assert shown["status"]["phase"] == "Failed"
        assert (shown["metadata"]["name"], shown["metadata"]["namespace"], shown["spec"]) == (
            "n",
            "default",
            {"entrypoint": "e"},
        )


class TestStopMeetsOtherThings:
    def test_a_group_that_still_succeeded_is_the_last(self, play):
        run = play.begin(
            f"entrypoint: main\ntemplates:\n{LEAF}- name: main\n  steps: [[{{name: a, template: leaf}}], [{{name: b, template: leaf}}]]\n",
            held=["a"],
        )
        run.settle()
        run.post(StopRequested(run.now))
        from aggregator.engine.events import Outcome

        run.finish(next(iter(run.held)), Outcome(phase="Succeeded"))
        run.run()
        assert (run.phase_of("[0]"), run.phase, "b" in run.nodes) == ("Succeeded", "Failed", False)

    def test_a_retry_parked_at_a_gate(self, play):
        text = f"entrypoint: main\ntemplates:\n- name: again\n  retryStrategy: {{limit: 2}}\n  container: {{image: x}}\n{LEAF}- name: main\n  steps: [[{{name: a, template: again}}]]\n"
        run = play.begin(text, held=["a"])
        run.settle()
        run.post(SuspendRequested(run.now))
        run.settle()
        run.end("a(0)", "Failed")
        assert run.running == []
        run.post(StopRequested(run.now))
        run.run()
        assert (run.phase, run.message_of("a")) == ("Failed", "Stopped with strategy 'Stop'")
