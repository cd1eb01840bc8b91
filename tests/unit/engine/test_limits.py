"""Parallelism of the run and of templates, classes of leaves, time limits, and the depth of recursion."""

import pytest

LEAVES = """
- name: ok
  container: {image: x}
- name: call
  http: {url: "http://x"}
- name: wait
  suspend: {}
"""


def loop(count, template="ok", spec="", main=""):
    return f"entrypoint: main\n{spec}\ntemplates:{LEAVES}- name: main\n{main}\n  steps: [[{{name: a, template: {template}, withSequence: {{count: {count}}}}}]]\n"


def most_at_once(run):
    """How many attempts ran at the same time at most."""
    ends = sorted(
        [(n.started, 1) for n in run.machine.nodes if n.kind in ("Pod", "HTTP")]
        + [(n.finished, -1) for n in run.machine.nodes if n.kind in ("Pod", "HTTP")],
        key=lambda e: (e[0], e[1]),
    )
    now = most = 0
    for _, change in ends:
        now += change
        most = max(most, now)
    return most


class TestParallelism:
    """No more than so many at once; what had to wait starts in order."""

    def test_of_the_run(self, play):
        run = play(loop(7, spec="parallelism: 3"))
        assert (run.phase, most_at_once(run)) == ("Succeeded", 3)
        assert run.started == [f"a({i}:{i})" for i in range(7)]

    def test_of_a_template(self, play):
        run = play(loop(7, main="  parallelism: 2"))
        assert (run.phase, most_at_once(run)) == ("Succeeded", 2)

    def test_of_a_dag(self, play):
        text = f"entrypoint: main\ntemplates:{LEAVES}- name: main\n  parallelism: 2\n  dag:\n    tasks:\n" + "".join(
            f"    - {{name: t{i}, template: ok}}\n" for i in range(5)
        )
        assert most_at_once(play(text)) == 2

    def test_nested_templates_count_as_one_and_their_pods_do_not(self, play):
        text = f"""
entrypoint: main
templates:{LEAVES}
- name: inner
  steps: [[{{name: i, template: ok, withItems: [1, 2, 3]}}]]
- name: main
  parallelism: 2
  steps: [[{{name: a, template: inner, withItems: [1, 2, 3]}}]]
"""
        run = play(text)
        assert (run.phase, most_at_once(run)) == ("Succeeded", 6)

    def test_zero_blocks_everything(self, play):
        run = play(loop(2, spec="parallelism: 0"))
        assert (run.phase, run.attempts, run.finished) == ("Running", [], None)

    def test_suspend_nodes_do_not_count(self, play):
        run = play(loop(3, "wait", spec="parallelism: 1"))
        assert len(run.machine.suspensions) == 3

    def test_http_counts_unless_argo_is_meant_strictly(self, play):
        assert most_at_once(play(loop(5, "call", spec="parallelism: 2"))) == 2
        assert most_at_once(play(loop(5, "call", spec="parallelism: 2"), options={"strict_argo": True})) == 5

    def test_classes_of_leaves(self, play):
        options = {"slots": {"http": 2, "process": 3}}
        assert most_at_once(play(loop(7, "call"), options=options)) == 2
        assert most_at_once(play(loop(7, "ok"), options=options)) == 3

    def test_the_smallest_limit_rules(self, play):
        run = play(loop(9, spec="parallelism: 3", main="  parallelism: 4"), options={"slots": {"process": 2}})
        assert most_at_once(run) == 2

    def test_attempts_count(self, play):
        text = loop(4, "again", spec="parallelism: 1").replace(
            "- name: main", "- name: again\n  retryStrategy: {limit: 1}\n  container: {image: x}\n- name: main"
        )
        run = play(text, {"again": ["Failed", "Succeeded"]})
        assert (run.phase, most_at_once(run)) == ("Succeeded", 1)

    def test_a_condition_is_looked_at_before_a_place_is_asked_for(self, play):
        text = f"entrypoint: main\nparallelism: 1\ntemplates:{LEAVES}- name: main\n  steps: [[{{name: a, template: ok}}, {{name: b, template: ok, when: 'false'}}]]\n"
        run = play.begin(text, held=["a"])
        run.settle()
        assert run.phase_of("b") == "Skipped"


class TestTime:
    """Limits of time reach the attempt as one moment, the earliest of them."""

    def leaf(self, fields="", spec=""):
        return f"entrypoint: main\n{spec}\ntemplates:\n- name: main\n  steps: [[{{name: a, template: leaf}}]]\n- name: leaf\n  {fields}\n  container: {{image: x}}\n"

    @pytest.mark.parametrize(
        ("fields", "spec", "seconds"),
        [
            ("activeDeadlineSeconds: 5", "", 5),
            ("timeout: 1m", "", 60),
            ("timeout: 1m\n  activeDeadlineSeconds: 5", "", 5),
            ("timeout: 3s\n  activeDeadlineSeconds: 5", "", 3),
            ("activeDeadlineSeconds: 50", "activeDeadlineSeconds: 20", 20),
            (
                "activeDeadlineSeconds: '{{workflow.parameters.s}}'",
                "arguments: {parameters: [{name: s, value: '9'}]}",
                9,
            ),
        ],
    )
    def test_the_earliest(self, play, fields, spec, seconds):
        run = play(self.leaf(fields, spec), takes=1000.0)
        assert run.attempts[0].deadline - run.machine.started == seconds
        assert (run.phase, run.phase_of("a")) == ("Failed", "Failed")
        assert "longer than the specified deadline" in run.message_of("a")

    def test_each_attempt_has_its_own(self, play):
        run = play(self.leaf("activeDeadlineSeconds: 5\n  retryStrategy: {limit: 1}"), takes=1000.0)
        assert [a.deadline - run.machine.started for a in run.attempts] == [5, 10]

    @pytest.mark.parametrize("fields", ["activeDeadlineSeconds: soon", "timeout: '23x'"])
    def test_what_is_no_time_is_an_error_of_the_node(self, play, fields):
        run = play(self.leaf(fields))
        assert run.phase_of("a") == "Error"
        assert run.message_of("a")

    def test_a_deadline_of_zero_is_over_at_once(self, play):
        run = play(self.leaf(spec="activeDeadlineSeconds: 0"), takes=10.0)
        assert (run.phase, run.machine.stop) == ("Failed", "deadline")

    def test_the_runs_deadline_ends_a_suspended_node_and_a_waiting_retry(self, play):
        text = f"entrypoint: main\nactiveDeadlineSeconds: 10\ntemplates:{LEAVES}- name: again\n  retryStrategy: {{backoff: {{duration: '60'}}}}\n  container: {{image: x}}\n- name: main\n  steps: [[{{name: a, template: wait}}, {{name: b, template: again}}]]\n"
        run = play(text, {"b": "Failed"})
        assert (run.phase, run.machine.finished - run.machine.started) == ("Failed", 10.0)
        assert run.phase_of("a") == run.phase_of("b") == "Failed"

    def test_the_runs_deadline_after_its_end_is_no_news(self, play):
        run = play(self.leaf(spec="activeDeadlineSeconds: 10"))
        run.advance(20)
        assert run.phase == "Succeeded"

    def test_a_stop_comes_before_the_deadline(self, play):
        from aggregator.engine.events import StopRequested

        run = play.begin(self.leaf(spec="activeDeadlineSeconds: 10\nonExit: leaf"), held=["leaf"])
        run.settle()
        run.post(StopRequested(run.now))
        run.advance(20)
        assert run.machine.stop == "Stop"
        run.end("wf.onExit")


class TestDepth:
    """Templates may call themselves, to a limit."""

    TEXT = """
entrypoint: main
templates:
- name: main
  steps: [[{name: a, template: main}]]
"""

    def test_the_limit(self, play):
        run = play(self.TEXT, options={"max_depth": 5})
        assert run.phase == "Failed"
        deepest = [n for n in run.machine.nodes if n.kind == "Skipped"]
        assert "Maximum recursion depth exceeded" in deepest[0].message
        assert len([n for n in run.machine.nodes if n.kind == "Steps"]) == 4

    def test_a_hundred_by_default(self, play):
        assert len([n for n in play(self.TEXT).machine.nodes if n.kind == "Steps"]) == 99

    def test_unlimited(self, play):
        text = self.TEXT.replace("template: main}", "template: main, when: \"{{=len(split(node.name, 'a')) < 150}}\"}")
        run = play(text, options={"unlimited_recursion": True})
        assert (run.phase, len([n for n in run.machine.nodes if n.kind == "Steps"])) == ("Succeeded", 150)
