"""Mutexes and semaphores, of the run and of templates."""

import pytest

from aggregator.engine.commands import LockWish, TakeLocks
from aggregator.engine.events import LocksRefused, StopRequested
from aggregator.journal.memory_locks import MemoryLocks

LIMITS = [{"metadata": {"name": "limits"}, "data": {"two": "2", "none": "0", "words": "many"}}]


def spec(synchronization, body="container: {image: x}", more="", loop="withItems: [1, 2, 3]", main=""):
    return f"entrypoint: main\n{more}\ntemplates:\n- name: main\n{main}\n  steps: [[{{name: a, template: leaf, {loop}}}]]\n- name: leaf\n  synchronization: {synchronization}\n  {body}\n"


MUTEX = "{mutexes: [{name: m}]}"


class TestTemplates:
    """A node takes all its locks before it starts, and gives them back when it has ended."""

    def test_a_mutex_lets_one_in_at_a_time(self, play):
        run = play.begin(spec(MUTEX))
        run.settle()
        assert [run.phase_of(f"a({i}:{i + 1})") for i in range(3)] == ["Running", "Pending", "Pending"]
        assert run.nodes["a(1:2)"]["synchronizationStatus"] == {"waiting": "default/Mutex/m"}
        assert run.message_of("a(1:2)") == "Waiting for default/Mutex/m lock. Lock status: 0/1"
        run.run()
        assert (run.phase, run.machine.finished - run.machine.started) == ("Succeeded", 3.0)
        assert run.message_of("a(1:2)") == ""
        assert "synchronizationStatus" not in run.nodes["a(1:2)"]

    def test_a_semaphore_lets_as_many_in_as_its_config_map_says(self, play):
        run = play(
            spec("{semaphores: [{configMapKeyRef: {name: limits, key: two}}]}", loop="withItems: [1, 2, 3, 4]"),
            config_maps=LIMITS,
        )
        assert run.machine.finished - run.machine.started == 2.0

    def test_a_limit_of_the_settings_wins_over_the_config_map(self, play):
        text = spec("{semaphores: [{configMapKeyRef: {name: limits, key: two}}]}", loop="withItems: [1, 2, 3, 4]")
        options = {"semaphores": {"limits/two": 4}}
        assert play(text, config_maps=LIMITS, options=options).machine.finished - 1_700_000_000 == 1.0
        assert play(text, options=options).phase == "Succeeded"

    def test_the_old_singular_fields(self, play):
        from aggregator.engine.admission import wishes

        run = play(spec(MUTEX), config_maps=LIMITS)
        found = wishes(
            run.machine, {"mutex": {"name": "m"}, "semaphore": {"configMapKeyRef": {"name": "limits", "key": "two"}}}
        )
        assert found == [LockWish("default/Mutex/m", 1), LockWish("default/ConfigMap/limits/two", 2)]

    def test_databases_are_only_names(self, play):
        text = spec("{mutexes: [{name: m, database: true, namespace: ns}], semaphores: [{database: {key: k}}]}")
        run = play.begin(text, options={"semaphores": {"k": 3}})
        run.settle()
        (holding,) = run.locks.holding.values()
        assert holding == ["ns/Database/Mutex/m", "default/Database/k"]
        run.run()

    @pytest.mark.parametrize(
        ("synchronization", "words"),
        [
            ("{semaphores: [{configMapKeyRef: {name: nope, key: two}}]}", "ConfigMap 'nope' is not found"),
            ("{semaphores: [{configMapKeyRef: {name: limits, key: nope}}]}", "has no key 'nope'"),
            (
                "{semaphores: [{configMapKeyRef: {name: limits, key: none}}]}",
                "must be a whole number above 0, it is '0'",
            ),
            ("{semaphores: [{configMapKeyRef: {name: limits, key: words}}]}", "it is 'many'"),
            ("{semaphores: [{database: {key: k}}]}", "the semaphore 'k' has no limit"),
            ("{mutexes: [{name: m}, {name: m}]}", "asks for the lock default/Mutex/m more than once"),
        ],
    )
    def test_what_is_wrong_is_an_error_of_the_node(self, play, synchronization, words):
        run = play(spec(synchronization, loop="when: 'true'"), config_maps=LIMITS)
        assert run.phase_of("a") == "Error"
        assert words in run.message_of("a")

    def test_names_may_hold_tags(self, play):
        text = spec(
            "{mutexes: [{name: 'm-{{inputs.parameters.p}}'}]}",
            "inputs: {parameters: [{name: p, value: '7'}]}\n  container: {image: x}",
            loop="when: 'true'",
        )
        run = play.begin(text)
        run.settle()
        assert list(run.locks.holding.values()) == [["default/Mutex/m-7"]]
        run.run()

    def test_a_lock_is_held_for_all_attempts(self, play):
        text = spec(
            MUTEX,
            "retryStrategy: {limit: 1, backoff: {duration: '10'}}\n  container: {image: x}",
            loop="withItems: [1, 2]",
        )
        run = play(text, {"a(0:1)(0)": "Failed"})
        assert run.started == ["a(0:1)(0)", "a(0:1)(1)", "a(1:2)(0)"]

    def test_a_lock_is_held_for_a_whole_sub_graph(self, play):
        text = spec(
            MUTEX,
            "steps: [[{name: x, template: inner}], [{name: z, template: inner}]]\n- name: inner\n  container: {image: x}",
            loop="withItems: [1, 2]",
        )
        assert [a.name for a in play(text).attempts] == [
            "wf[0].a(0:1)[0].x", "wf[0].a(0:1)[1].z", "wf[0].a(1:2)[0].x", "wf[0].a(1:2)[1].z",
        ]  # fmt: skip

    def test_failure_gives_it_back_too(self, play):
        assert play(spec(MUTEX), {"a": "Failed"}).phase == "Failed"

    def test_of_what_is_retried_only_attempts_count_against_the_templates_parallelism(self, play):
        """One that waits for the lock would else keep the place that the holder's next attempt needs, for ever."""
        body = "container: {image: x}\n  retryStrategy: {limit: 1}"
        run = play(spec(MUTEX, body, main="  parallelism: 1"), {"a": ["Failed", "Succeeded"]})
        assert run.phase == "Succeeded"
        assert len(run.started) == 6

    def test_one_that_waits_takes_no_place_of_the_run_but_one_of_its_template(self, play):
        run = play.begin(spec(MUTEX, more="parallelism: 2"), held=["a"])
        run.settle()
        assert len(run.nodes) == 5  # all three elements are there; two wait
        for name in ("a(0:1)", "a(1:2)", "a(2:3)"):
            run.end(name)
        run = play.begin(spec(MUTEX, main="  parallelism: 2"), held=["a"])
        run.settle()
        assert len(run.nodes) == 4
        for name in ("a(0:1)", "a(1:2)", "a(2:3)"):
            run.end(name)
        assert run.phase == "Succeeded"

    def test_with_its_locks_it_may_still_have_to_wait_for_a_place(self, play):
        text = """
entrypoint: main
parallelism: 1
templates:
- name: main
  steps: [[{name: a, template: leaf}, {name: b, template: locked}]]
- name: leaf
  container: {image: x}
- name: locked
  synchronization: {mutexes: [{name: m}]}
  container: {image: x}
"""
        locks = MemoryLocks()
        other = TakeLocks(-1, "default/other", [LockWish("default/Mutex/m", 1)], 0, 0.0)
        locks.take(other)
        run = play.begin(text, held=["a", "b"], locks=locks)
        run.settle()
        assert run.running == ["a"]
        run.end("a")
        assert run.running == []
        locks.release("default/other")
        run.settle()
        run.end("b")
        assert run.phase == "Succeeded"

    def test_a_timeout_counts_the_time_spent_waiting(self, play):
        locks = MemoryLocks()
        locks.take(TakeLocks(-1, "default/other", [LockWish("default/Mutex/m", 1)], 0, 0.0))
        run = play(spec(MUTEX, "pendingTimeout: 30s\n  container: {image: x}", loop="when: 'true'"), locks=locks)
        assert (run.phase_of("a"), run.machine.finished - run.machine.started) == ("Failed", 30.0)
        assert "timeout" in run.message_of("a")
        locks.release("default/other")
        run = play(spec(MUTEX, "pendingTimeout: 30s\n  timeout: 40s\n  container: {image: x}", loop="when: 'true'"))
        assert run.phase == "Succeeded"
        run = play(spec(MUTEX, "pendingTimeout: long\n  container: {image: x}", loop="when: 'true'"))
        assert "'long' has invalid duration format in pendingTimeout" in run.message_of("a")

    @pytest.mark.parametrize("strategy", ["Stop", "Terminate"])
    def test_stopped_while_it_waits(self, play, strategy):
        run = play.begin(spec(MUTEX), held=["a"])
        run.settle()
        run.post(StopRequested(run.now, strategy))
        run.run()
        assert run.message_of("a(1:2)") == f"Stopped with strategy '{strategy}'"
        assert run.phase == "Failed"

    def test_stopped_while_it_waits_for_a_place_with_its_locks(self, play):
        run = play.begin(spec(MUTEX, more="parallelism: 1\nsuspend: true", loop="when: 'true'"))
        run.settle()
        from aggregator.engine.events import Resumed, SuspendRequested

        run.post(Resumed(run.now))
        run.post(SuspendRequested(run.now))
        run.settle()
        assert run.running == []
        run.post(StopRequested(run.now))
        run.run()
        assert run.phase == "Failed"

    def test_locks_that_can_t_be_had_at_all(self, play):
        run = play.begin(spec(MUTEX), held=["a"])
        run.settle()
        waiting = next(iter(run.machine.waiting))
        run.post(LocksRefused(run.now, waiting, "the disk is full"))
        run.settle()
        assert run.message_of("a(1:2)") == "the disk is full"
        run.post(LocksRefused(run.now, waiting, "again"))
        for name in ("a(0:1)", "a(2:3)"):
            run.end(name)
        assert run.phase == "Failed"

    def test_an_exit_handler_may_take_the_lock_that_the_step_had(self, play):
        text = spec(MUTEX, loop="hooks: {exit: {template: leaf}}")
        assert play(text).started == ["a", "a.onExit"]


class TestRun:
    """A workflow's own locks are taken before it begins and held to its end, exit handler included."""

    TEXT = """
entrypoint: main
onExit: main
priority: 5
synchronization: {mutexes: [{name: "{{workflow.parameters.lock}}"}]}
arguments: {parameters: [{name: lock, value: m}]}
templates:
- name: main
  container: {image: x}
"""

    def test_one_after_the_other(self, play):
        locks = MemoryLocks()
        first = play.begin(self.TEXT, locks=locks, name="one", held=["main"])
        second = play.begin(self.TEXT, locks=locks, name="two", held=["main"])
        first.settle()
        second.settle()
        assert (first.phase, second.phase) == ("Running", "Pending")
        assert second.message == "Waiting for default/Mutex/m lock. Lock status: 0/1"
        assert "startedAt" not in second.status
        first.end("one")
        second.settle()
        assert second.phase == "Pending"
        first.end("one.onExit")
        second.settle()
        assert (first.phase, second.phase, second.message) == ("Succeeded", "Running", "")
        second.end("two")
        second.end("two.onExit")

    def test_terminated_while_it_waits(self, play):
        locks = MemoryLocks()
        locks.take(TakeLocks(-1, "default/other", [LockWish("default/Mutex/m", 1)], 0, 0.0))
        run = play.begin(self.TEXT, locks=locks)
        run.settle()
        run.post(StopRequested(run.now, "Terminate"))
        run.settle()
        assert (run.phase, run.message, run.nodes) == ("Failed", "Stopped with strategy 'Terminate'", {})
        locks.release("default/other")

    def test_stopped_while_it_waits_it_keeps_its_place_and_then_fails(self, play):
        locks = MemoryLocks()
        locks.take(TakeLocks(-1, "default/other", [LockWish("default/Mutex/m", 1)], 0, 0.0))
        run = play.begin(self.TEXT, locks=locks)
        run.settle()
        run.post(StopRequested(run.now))
        run.settle()
        assert run.phase == "Pending"
        locks.release("default/other")
        run.settle()
        run.run()
        assert (run.phase, run.started) == ("Failed", ["wf.onExit"])

    def test_locks_that_can_t_be_had_at_all(self, play):
        locks = MemoryLocks()
        locks.take(TakeLocks(-1, "default/other", [LockWish("default/Mutex/m", 1)], 0, 0.0))
        run = play.begin(self.TEXT, locks=locks)
        run.settle()
        run.post(LocksRefused(run.now, -1, "no disk"))
        run.settle()
        assert (run.phase, run.message) == ("Error", "no disk")
        locks.release("default/other")

    def test_what_is_wrong_with_it_is_wrong_with_the_workflow(self, play):
        run = play(self.TEXT.replace("mutexes: [", "semaphores: [{configMapKeyRef: {name: nope, key: k}}], mutexes: ["))
        assert (run.phase, run.message.startswith("invalid spec: ")) == ("Failed", True)
