"""Container sets, daemons and progress: what leaves show while they run."""

import pytest

from aggregator.engine.events import LeafFinished, LeafProgressed, LeafStarted, Outcome, Resumed, StopRequested

SET = """
entrypoint: main
templates:
- name: main
  containerSet:
    containers:
    - {name: a, image: x}
    - {name: main, image: x, dependencies: [a]}
    - {name: c, image: x, dependencies: [a, main]}
"""


class TestContainerSet:
    """One Container node per container, ended by its own exit code."""

    def test_nodes_and_edges(self, play):
        run = play(SET, {"main": {"exit_code": 0, "containers": {"a": 0, "c": 0}}})
        nodes = run.nodes
        assert nodes["wf"]["children"] == [nodes["a"]["id"]]
        assert nodes["a"]["children"] == [nodes["main"]["id"], nodes["c"]["id"]]
        assert {n["type"] for n in nodes.values()} == {"Pod", "Container"}
        assert nodes["c"]["templateName"] == "main"
        assert nodes["c"]["boundaryID"] == "wf"
        assert {n["phase"] for n in nodes.values()} == {"Succeeded"}

    def test_exit_codes(self, play):
        run = play(
            SET, {"main": {"phase": "Failed", "message": "a failed", "containers": {"a": 1, "c": 64}, "exit_code": 64}}
        )
        assert [run.phase_of(n) for n in ("wf", "a", "main", "c")] == ["Failed", "Failed", "Error", "Error"]
        assert run.message_of("a") == "exit code 1"

    def test_containers_without_a_code_share_the_pods_end(self, play):
        run = play(SET, {"main": {"phase": "Error", "message": "pod deleted"}})
        assert (run.message_of("wf"), run.message_of("a")) == ("pod deleted", "container deleted")

    def test_they_run_with_their_pod(self, play):
        run = play.begin(SET, held=["main"])
        run.settle()
        assert {n["phase"] for n in run.nodes.values()} == {"Pending"}
        run.begin(0)
        run.settle()
        assert {n["phase"] for n in run.nodes.values()} == {"Running"}
        run.begin(0)
        run.end("wf")

    def test_what_follows_hangs_on_the_last_containers(self, play):
        text = SET.replace(
            "entrypoint: main\ntemplates:",
            "entrypoint: top\ntemplates:\n- name: top\n  steps: [[{name: s, template: main}], [{name: t, template: leaf}]]\n- name: leaf\n  container: {image: x}",
        )
        run = play(text)
        assert run.nodes["c"]["children"] == [run.nodes["[1]"]["id"]]

    def test_attempts_have_their_own(self, play):
        text = SET.replace("  containerSet:", "  retryStrategy: {limit: 1}\n  containerSet:")
        run = play(text, {"main": ["Failed", "Succeeded"]})
        assert (run.phase_of("wf(0).a") if "wf(0).a" in run.nodes else run.phase_of("wf(0)")) == "Failed"
        assert run.phase == "Succeeded"


DAEMON = """
entrypoint: main
templates:
- name: main
  steps:
  - - {name: db, template: db}
  - - {name: use, template: use, arguments: {parameters: [{name: ip, value: '{{steps.db.ip}}'}]}}
- name: db
  daemon: true
  container: {image: x}
- name: use
  inputs: {parameters: [{name: ip}]}
  container: {image: x}
"""


class TestDaemons:
    """A daemon that is up lets others go on, and is ended with the template that started it."""

    def test_it_is_ended_and_succeeds(self, play):
        run = play(DAEMON, ready=["db"])
        assert run.phase == "Succeeded"
        assert run.inputs("use") == {"ip": "127.0.0.1"}
        assert run.nodes["db"]["daemoned"] is True
        assert run.phase_of("db") == "Succeeded"

    def test_in_a_dag_it_satisfies_daemoned_and_the_bare_name(self, play):
        text = """
entrypoint: main
templates:
- name: main
  dag:
    tasks:
    - {name: A, template: db}
    - {name: B, template: ok, depends: A.Daemoned}
    - {name: C, template: ok, dependencies: [A]}
    - {name: D, template: ok, depends: A.Succeeded}
- name: db
  daemon: true
  container: {image: x}
- name: ok
  container: {image: x}
"""
        run = play(text, ready=["A"])
        assert [run.phase_of(n) for n in "ABCD"] == ["Succeeded", "Succeeded", "Succeeded", "Omitted"]

    def test_one_that_ends_by_itself_failed(self, play):
        run = play.begin(DAEMON, ready=["db"], held=["use"])
        run.settle()
        run.finish(run.attempt("db").node, Outcome(phase="Succeeded"))
        run.settle()
        assert (run.phase_of("db"), run.message_of("db")) == ("Failed", "the daemon ended by itself")
        run.end("use")
        assert run.phase == "Succeeded"  # the group that it belongs to was over

    def test_one_that_never_comes_up_fails_its_group(self, play):
        assert play(DAEMON, {"db": "Failed"}).phase == "Failed"

    @pytest.mark.parametrize("ends", [0.5, 30.0])
    def test_a_retried_one_that_falls_over_while_its_hook_runs(self, play, ends):
        """It counts as up when its hook has ended and an attempt is up; when its template ends, so does the attempt."""
        hook = "hooks: {h: {template: meanwhile, expression: \"steps['db'].status == 'Running'\"}}"
        text = (
            DAEMON.replace("  daemon: true", "  daemon: true\n  retryStrategy: {limit: 1}").replace(
                "{name: db, template: db}", f"{{name: db, template: db, {hook}}}"
            )
            + "- name: meanwhile\n  container: {image: x}\n"
        )
        assert hook in text
        text = text.replace("- name: main\n", "- name: main\n  parallelism: 2\n")
        run = play.begin(text, ready=["db(0)"], held=["db(1)"], takes=ends)
        run.advance(0.25)
        run.finish(run.attempt("db(0)").node, Outcome(phase="Failed", message="fell over"))
        run.advance(60)
        assert "use" not in run.nodes
        run.begin(run.attempt("db(1)").node, ready=True)
        run.run()
        assert run.phase == "Succeeded"
        assert run.phase_of("db(1)") == "Succeeded"

    def test_one_that_is_being_started_again_when_its_template_ends(self, play):
        text = DAEMON.replace("  daemon: true", "  daemon: true\n  retryStrategy: {limit: 1}")
        text = text.replace("- name: main\n", "- name: main\n  parallelism: 2\n")
        run = play.begin(text, ready=["db(0)"], held=["use", "db(1)"])
        run.settle()
        run.finish(run.attempt("db(0)").node, Outcome(phase="Failed", message="fell over"))
        run.settle()
        assert run.phase_of("db(1)") == "Pending"
        run.end("use")
        run.run()
        assert (run.phase, run.phase_of("db(1)")) == ("Succeeded", "Succeeded")

    def test_a_retried_one_is_started_again(self, play):
        text = DAEMON.replace("  daemon: true", "  daemon: true\n  retryStrategy: {limit: 1, backoff: {duration: '5'}}")
        run = play.begin(text, ready=["db"], held=["use"])
        run.settle()
        assert run.phase_of("db") == "Running"
        assert run.nodes["db"]["daemoned"] is True
        run.finish(run.attempt("db(0)").node, Outcome(phase="Failed", message="fell over"))
        run.advance(10)
        assert run.phase_of("db(1)") == "Running"
        run.end("use")
        assert run.phase == "Succeeded"
        assert [run.phase_of(n) for n in ("db", "db(0)", "db(1)")] == ["Succeeded", "Failed", "Succeeded"]

    def test_in_a_dag_what_hangs_behind_its_first_attempt_is_found_after_a_restart(self, play):
        text = """
entrypoint: main
templates:
- name: main
  dag:
    tasks:
    - {name: db, template: db}
    - {name: use, template: use, dependencies: [db]}
- name: db
  daemon: true
  retryStrategy: {limit: 2}
  container: {image: x}
- name: use
  container: {image: x}
"""
        run = play.begin(text, ready=["db"], held=["use"])
        run.settle()
        run.finish(run.attempt("db(0)").node, Outcome(phase="Failed", message="fell over"))
        run.settle()
        assert run.phase_of("db(1)") == "Running"
        run.end("use")
        assert [run.phase_of(n) for n in ("db(0)", "db(1)", "use")] == ["Failed", "Succeeded", "Succeeded"]
        assert run.phase == "Succeeded"

    def test_the_end_finds_a_retried_one_waiting_for_its_next_attempt(self, play):
        text = DAEMON.replace(
            "  daemon: true", "  daemon: true\n  retryStrategy: {limit: 1, backoff: {duration: '60'}}"
        )
        run = play.begin(text, ready=["db"], held=["use"])
        run.settle()
        run.finish(run.attempt("db(0)").node, Outcome(phase="Failed"))
        run.settle()
        run.end("use")
        assert (run.phase, run.phase_of("db")) == ("Succeeded", "Succeeded")

    def test_the_end_of_its_template_comes_before_the_end_of_its_backoff(self, play):
        """It is not started again when its time has come: its template is over, although the run is not."""
        text = DAEMON.replace("- name: main", "- name: part").replace(
            "  daemon: true", "  daemon: true\n  retryStrategy: {limit: 1, backoff: {duration: '60'}}"
        )
        text += "- name: main\n  steps: [[{name: p, template: part}], [{name: pause, template: pause}]]\n"
        text += "- name: pause\n  suspend: {duration: '90'}\n"
        run = play.begin(text, ready=["db"], held=["use"])
        run.settle()
        run.finish(run.attempt("db(0)").node, Outcome(phase="Failed", message="fell over"))
        run.settle()
        run.end("use")
        run.run()
        assert (run.phase, run.phase_of("db")) == ("Succeeded", "Succeeded")
        assert "db(1)" not in run.nodes

    def test_a_retried_one_that_gave_up(self, play):
        text = DAEMON.replace("  daemon: true", "  daemon: true\n  retryStrategy: {limit: 0}")
        run = play.begin(text, ready=["db"], held=["use"])
        run.settle()
        run.finish(run.attempt("db(0)").node, Outcome(phase="Failed"))
        run.settle()
        assert run.phase_of("db") == "Failed"
        run.end("use")

    def test_the_entrypoint_itself(self, play):
        text = "entrypoint: main\ntemplates:\n- name: main\n  daemon: true\n  container: {image: x}\n"
        run = play.begin(text, ready=["main"])
        run.settle()
        assert run.phase == "Running"
        run.finish(0, Outcome(phase="Failed"))
        run.run()
        assert run.phase == "Failed"

    def test_its_hooks_are_waited_for_before_others_go_on(self, play):
        text = (
            DAEMON.replace("template: db}", "template: db, hooks: {go: {template: hook, expression: 'true'}}}")
            + "- name: hook\n  container: {image: x}\n"
        )
        run = play.begin(text, ready=["db"], held=["hook"])
        run.settle()
        assert (run.nodes["db"]["daemoned"], "use" in run.nodes) == (True, False)
        run.end("db.hooks.go")
        run.run()
        assert run.phase == "Succeeded"

    def test_stopped(self, play):
        run = play.begin(DAEMON, ready=["db"], held=["use"])
        run.settle()
        run.post(StopRequested(run.now))
        run.run()
        assert (run.phase, run.phase_of("db")) == ("Failed", "Failed")


class TestProgress:
    """Leaves count, what encloses them sums; a leaf may tell its own N/M."""

    TEXT = """
entrypoint: main
templates:
- name: main
  steps: [[{name: a, template: leaf}, {name: b, template: leaf}]]
- name: leaf
  container: {image: x}
"""

    def test_counts(self, play):
        run = play.begin(self.TEXT, held=["a", "b"])
        run.settle()
        assert run.status["progress"] == "0/2"
        number = run.attempt("a").node
        run.begin(number)
        run.post(LeafProgressed(run.now, number, "20/100"))
        run.settle()
        assert (run.nodes["a"]["progress"], run.status["progress"]) == ("20/100", "20/101")
        run.end("a")
        assert run.status["progress"] == "100/101"
        run.end("b")
        assert run.nodes["wf"]["progress"] == run.nodes["[0]"]["progress"] == "101/101"

    def test_conditions(self, play):
        """Of pods only once there are some; running, once one of them does."""
        run = play.begin(self.TEXT.replace("entrypoint: main", "entrypoint: main\nsuspend: true"), held=["a", "b"])
        run.settle()
        assert run.status["conditions"] == []
        run.post(Resumed(run.now))
        run.settle()
        assert run.status["conditions"] == [{"type": "PodRunning", "status": "False"}]
        run.begin(run.attempt("a").node)
        run.settle()
        assert run.status["conditions"] == [{"type": "PodRunning", "status": "True"}]
        run.end("a")
        run.end("b")
        assert {"type": "Completed", "status": "True"} in run.status["conditions"]

    def test_resources(self, play):
        text = self.TEXT.replace(
            "container: {image: x}", "container: {image: x, resources: {requests: {cpu: 500m, memory: 200Mi}}}"
        )
        run = play(text, takes=10.0)
        assert run.nodes["a"]["resourcesDuration"] == {"cpu": 5, "memory": 20}
        assert run.status["resourcesDuration"] == {"cpu": 10, "memory": 40}

    @pytest.mark.parametrize(("cpu", "seconds"), [("2", 20), ("lots", 1), ("1k", 10_000)])
    def test_quantities(self, play, cpu, seconds):
        text = self.TEXT.replace(
            "container: {image: x}", f"container: {{image: x, resources: {{requests: {{cpu: '{cpu}'}}}}}}"
        )
        assert play(text, takes=10.0).nodes["a"]["resourcesDuration"]["cpu"] == seconds

    def test_events_of_an_attempt_in_any_form(self, play):
        """An attempt may end without having been seen to run."""
        run = play.begin(self.TEXT, held=["a", "b"])
        run.settle()
        for number in list(run.held):
            run.post(LeafStarted(run.now, number, ip="10.0.0.1", runtime="docker"))
            run.post(LeafFinished(run.now, number, Outcome(phase="Succeeded", log="attempts/x")))
        run.run()
        assert run.nodes["a"]["podIP"] == "10.0.0.1"
        assert run.nodes["a"]["agg.dev/runtime"] == "docker"
        assert run.machine.nodes[2].log == "attempts/x"
