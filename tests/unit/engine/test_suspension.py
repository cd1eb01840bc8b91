"""A suspended run, and suspend templates: what waits, what goes on meanwhile, and who answers."""

import pytest

from aggregator.engine.events import NodeSet, Resumed, StopRequested, SuspendRequested

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


class TestSuspendedRun:
    """Nothing new starts; what runs goes on."""

    def test_from_the_beginning(self, play):
        run = play.begin(steps("  - - {name: a, template: ok}\n", "suspend: true"))
        run.settle()
        assert (run.phase, run.nodes) == ("Running", {})
        run.post(Resumed(run.now))
        run.run()
        assert run.phase == "Succeeded"

    def test_in_the_middle(self, play):
        run = play.begin(
            steps("  - - {name: a, template: ok}\n  - - {name: b, template: ok, when: 'true'}\n"), held=["a"]
        )
        run.settle()
        run.post(SuspendRequested(run.now))
        run.settle()
        run.end("a")
        assert "b" not in run.nodes
        run.post(Resumed(run.now))
        run.run()
        assert run.phase == "Succeeded"

    @pytest.mark.parametrize("end", ["Succeeded", "Failed"])
    def test_what_ends_meanwhile_changes_nothing_but_its_own_node(self, play, end):
        """The end of a leaf is recorded; the templates around it, and the run, are looked at when it is resumed."""
        run = play.begin(steps("  - - {name: a, template: ok}\n"), held=["a"])
        run.settle()
        run.post(SuspendRequested(run.now))
        run.settle()
        run.end("a", end)
        assert [run.phase_of(n) for n in ("a", "[0]", "wf")] == [end, "Running", "Running"]
        assert (run.phase, run.status["finishedAt"]) == ("Running", None)
        run.post(Resumed(run.now))
        run.run()
        assert (run.phase, run.started) == (end, ["a", "wf.onExit"])

    def test_a_stop_lets_what_ended_meanwhile_be_told(self, play):
        run = play.begin("entrypoint: ok\nonExit: bye\ntemplates:" + LEAVES, held=["wf"])
        run.settle()
        run.post(SuspendRequested(run.now))
        run.settle()
        run.end("wf")
        assert run.phase == "Running"
        stop(run)
        run.run()
        assert run.started == ["wf", "wf.onExit"]
        assert run.phase_of("wf.onExit") == "Succeeded"

    def test_a_retry_waits_too(self, play):
        run = play.begin(steps("  - - {name: a, template: again}\n"), {"a": ["Failed", "Succeeded"]})
        run.advance(10)
        run.post(SuspendRequested(run.now))
        run.advance(100)
        assert "a(1)" not in run.nodes
        run.post(Resumed(run.now))
        run.run()
        assert run.phase == "Succeeded"

    def test_the_exit_handler_waits_too(self, play):
        run = play.begin(steps("  - - {name: a, template: ok}\n"), held=["a"])
        run.settle()
        run.post(SuspendRequested(run.now))
        run.settle()
        run.end("a")
        assert "wf.onExit" not in run.nodes
        run.post(Resumed(run.now))
        run.run()
        assert run.phase == "Succeeded"

    def test_stop_ends_the_suspension(self, play):
        run = play.begin(steps("  - - {name: a, template: ok}\n", "suspend: true"))
        run.settle()
        stop(run)
        run.run()
        assert run.started == ["wf.onExit"]

    def test_a_loop_that_is_parked_goes_on_after_resume(self, play):
        run = play.begin(steps("  - - {name: a, template: ok, withItems: [1, 2, 3]}\n", "parallelism: 1"), held=["a"])
        run.settle()
        run.post(SuspendRequested(run.now))
        run.settle()
        run.end("a(0:1)")
        assert run.running == []
        run.post(Resumed(run.now))
        run.settle()
        assert run.running == ["a(1:2)"]
        run.end("a(1:2)")
        run.end("a(2:3)")
        run.run()
        assert run.phase == "Succeeded"

    @pytest.mark.parametrize(("answer", "then"), [("go", "Succeeded"), ("no", "Skipped")])
    def test_a_condition_of_what_waits_for_its_place_is_not_looked_at(self, play, answer, then):
        """The place that it waited for is free and the value it asks for is known, but nothing follows before it is resumed."""
        text = f"""
entrypoint: main
parallelism: 1
templates:{LEAVES}- name: tells
  container: {{image: x}}
  outputs: {{parameters: [{{name: told, globalName: told, valueFrom: {{path: /told}}}}]}}
- name: main
  steps:
  - - {{name: a, template: tells}}
    - {{name: b, template: ok, when: "'{{{{workflow.outputs.parameters.told}}}}' != 'no'"}}
"""
        run = play.begin(text, held=["a"])
        run.settle()
        run.post(SuspendRequested(run.now))
        run.settle()
        run.end("a", {"parameters": {"told": answer}})
        assert "b" not in run.nodes
        run.post(Resumed(run.now))
        run.run()
        assert (run.phase_of("b"), run.phase) == (then, "Succeeded")


ASK = """
- name: ask
  inputs: {parameters: [{name: colour, default: red}, {name: free, default: '{"enum": ["1", 2]}'}]}
  suspend: {}
  outputs:
    parameters:
    - {name: colour, valueFrom: {supplied: {}}}
    - {name: reason, valueFrom: {supplied: {}, default: none}}
"""


class TestSuspendTemplates:
    """A suspend node runs until somebody answers, or its time is over."""

    def text(self, template="ask", more=ASK):
        return f"entrypoint: main\ntemplates:{LEAVES}{more}\n- name: main\n  steps:\n  - - {{name: a, template: {template}}}\n"

    def test_resume_gives_defaults(self, play):
        run = play.begin(self.text())
        run.settle()
        assert (run.phase_of("a"), run.nodes["a"]["type"]) == ("Running", "Suspend")
        assert run.nodes["a"]["inputs"]["parameters"][1]["enum"] == ["1", "2"]
        run.post(Resumed(run.now))
        run.run()
        assert (run.phase, run.parameters("a")) == ("Succeeded", {"colour": "red", "reason": "none"})

    def test_what_was_set_before_wins(self, play):
        run = play.begin(self.text())
        run.settle()
        run.post(NodeSet(run.now, "displayName=a", message="by hand", parameters={"colour": "blue"}))
        run.settle()
        assert (run.phase_of("a"), run.message_of("a")) == ("Running", "by hand")
        run.post(Resumed(run.now, "displayName=a"))
        run.run()
        assert (run.parameters("a"), run.message_of("a")) == ({"colour": "blue", "reason": "none"}, "by hand")

    def test_node_set_may_end_it(self, play):
        run = play.begin(self.text())
        run.settle()
        run.post(NodeSet(run.now, "", phase="Succeeded", parameters={"reason": "why not"}))
        run.run()
        assert run.parameters("a") == {"colour": "red", "reason": "why not"}
        run = play.begin(self.text())
        run.settle()
        run.post(NodeSet(run.now, "", phase="Failed", message="no"))
        run.run()
        assert (run.phase, run.message_of("a")) == ("Failed", "no")

    def test_an_output_that_nobody_supplies_is_an_error(self, play):
        more = "- name: ask\n  suspend: {}\n  outputs: {parameters: [{name: o, valueFrom: {supplied: {}}}]}"
        run = play.begin(self.text(more=more))
        run.settle()
        run.post(Resumed(run.now))
        run.run()
        assert run.phase_of("a") == "Error"
        assert "'o' has not been set and does not have a default value" in run.message_of("a")

    @pytest.mark.parametrize(("duration", "seconds"), [("3", 3), ("2m", 120), ("{{workflow.parameters.s}}", 7)])
    def test_a_duration_ends_it_by_itself(self, play, duration, seconds):
        more = f"- name: ask\n  suspend: {{duration: '{duration}'}}"
        run = play.begin("arguments: {parameters: [{name: s, value: '7'}]}\n" + self.text(more=more))
        run.advance(seconds - 1)
        assert run.phase_of("a") == "Running"
        run.advance(1)
        assert run.phase == "Succeeded"

    def test_a_resume_before_its_time_is_over(self, play):
        run = play.begin(self.text(more="- name: ask\n  suspend: {duration: '60'}"))
        run.settle()
        run.post(Resumed(run.now))
        run.run()
        assert (run.phase, run.machine.finished - run.machine.started) == ("Succeeded", 0.0)

    def test_a_duration_that_is_none(self, play):
        run = play(self.text(more="- name: ask\n  suspend: {duration: 'soon'}"))
        assert run.phase_of("a") == "Error"
        assert "soon" in run.message_of("a")

    def test_in_a_retry_a_dag_and_an_exit_handler(self, play):
        text = f"entrypoint: main\nonExit: wait\ntemplates:{LEAVES}- name: hold\n  retryStrategy: {{limit: 1}}\n  suspend: {{}}\n- name: main\n  dag: {{tasks: [{{name: A, template: hold}}]}}\n"
        run = play.begin(text)
        run.settle()
        run.post(NodeSet(run.now, "", phase="Failed"))
        run.settle()
        assert run.phase_of("A(1)") == "Running"
        run.post(Resumed(run.now))
        run.settle()
        assert run.phase_of("wf.onExit") == "Running"
        run.post(Resumed(run.now))
        run.run()
        assert run.phase == "Succeeded"
