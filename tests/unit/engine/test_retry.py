"""retryStrategy: which failures are followed by another attempt, when, and what the wrapper shows in the end."""

import pytest

from aggregator.engine.strategy import LONGEST_WAIT, decide, read_strategy
from aggregator.errors import LanguageError


def spec(strategy, body="container: {image: x}", more=""):
    return f"entrypoint: main\ntemplates:\n- name: main\n  retryStrategy: {strategy}\n  {body}\n{more}"


class TestWrapper:
    """A Retry node wraps the attempts, also when the first one succeeds; limit L allows L + 1 attempts."""

    def test_one_attempt_that_succeeds(self, play):
        run = play(spec("{limit: 2}"), {"main": {"result": "r", "exit_code": 0}})
        nodes = run.nodes
        assert (nodes["wf"]["type"], nodes["wf"]["phase"], nodes["wf"]["outputs"]) == (
            "Retry",
            "Succeeded",
            {"result": "r", "exitCode": "0"},
        )
        assert nodes["wf(0)"]["nodeFlag"] == {"retried": True}
        assert nodes["wf"]["children"] == [nodes["wf(0)"]["id"]]

    def test_the_limit_counts_retries(self, play):
        run = play(spec("{limit: 2}"), {"main": ["Failed"]})
        assert run.started == ["wf(0)", "wf(1)", "wf(2)"]
        assert (run.phase, run.message_of("wf")) == ("Failed", "No more retries left")

    def test_success_ends_it(self, play):
        run = play(spec("{limit: 5}"), {"main": ["Failed", "Failed", "Succeeded"]})
        assert (run.phase, len(run.attempts)) == ("Succeeded", 3)

    def test_without_a_limit_it_goes_on(self, play):
        run = play(spec("{}"), {"main": ["Failed"] * 20 + ["Succeeded"]})
        assert (run.phase, len(run.attempts)) == ("Succeeded", 21)

    def test_the_last_attempts_outputs_are_kept_after_failure(self, play):
        run = play(spec("{limit: 0}"), {"main": {"phase": "Failed", "result": "partial", "exit_code": 3}})
        assert run.nodes["wf"]["outputs"] == {"result": "partial", "exitCode": "3"}

    def test_attempts_know_their_number_and_the_attempt_before(self, play):
        text = spec(
            "{limit: 2}",
            "container: {image: x, args: ['{{retries}} {{lastRetry.exitCode}} {{lastRetry.status}} {{lastRetry.duration}} {{lastRetry.message}}', '{{pod.name}}']}",
        )
        run = play(text, {"main": [{"phase": "Failed", "exit_code": 7, "message": "why"}, "Succeeded"]}, takes=3.0)
        first, second = (a.template["container"]["args"] for a in run.attempts)
        assert first[0] == "0 0  0 "
        assert second[0] == "1 7 Failed 3 why"
        assert first[1] != second[1]

    def test_a_strategy_of_the_whole_workflow_wraps_every_template(self, play):
        run = play(
            "entrypoint: main\nretryStrategy: {limit: 1}\ntemplates:\n- name: main\n  steps: [[{name: a, template: leaf}]]\n- name: leaf\n  container: {image: x}\n",
            {"leaf": ["Failed", "Succeeded"]},
        )
        assert [run.nodes[n]["type"] for n in ("wf", "wf(0)", "a", "a(0)", "a(1)")] == [
            "Retry",
            "Steps",
            "Retry",
            "Pod",
            "Pod",
        ]

    def test_steps_are_run_again_as_a_whole(self, play):
        leaf = "- name: leaf\n  container: {image: x}"
        run = play(
            spec("{limit: 1}", "steps: [[{name: a, template: leaf}], [{name: b, template: leaf}]]", leaf),
            {"wf(0)[1].b": "Failed"},
        )
        assert run.phase == "Succeeded"
        assert [run.phase_of(n) for n in ("wf(0)", "wf(1)")] == ["Failed", "Succeeded"]
        assert "wf(1)[1].b" in run.nodes

    def test_a_suspend_node_may_be_retried(self, play):
        run = play(spec("{limit: 1}", "suspend: {duration: '5'}"))
        assert (run.phase, run.nodes["wf(0)"]["type"]) == ("Succeeded", "Suspend")


class TestPolicy:
    """Which phases are followed by another attempt: OnFailure unless an expression stands there, then Always."""

    @pytest.mark.parametrize(
        ("strategy", "phase", "attempts"),
        [
            ("{limit: 1}", "Failed", 2),
            ("{limit: 1}", "Error", 1),
            ("{limit: 1, retryPolicy: OnError}", "Failed", 1),
            ("{limit: 1, retryPolicy: OnError}", "Error", 2),
            ("{limit: 1, retryPolicy: Always}", "Failed", 2),
            ("{limit: 1, retryPolicy: Always}", "Error", 2),
            ("{limit: 1, expression: 'true'}", "Error", 2),
            ("{limit: 1, retryPolicy: OnFailure, expression: 'true'}", "Error", 1),
            ("{limit: 1, retryPolicy: OnTransientError}", "Failed", 1),
        ],
    )
    def test_policies(self, play, strategy, phase, attempts):
        run = play(spec(strategy), {"main": phase})
        assert (run.phase, len(run.attempts)) == (phase, attempts)

    @pytest.mark.parametrize(
        "message", ["dial tcp: i/o timeout", "read: connection reset by peer", "TLS handshake timeout", "http2: GOAWAY"]
    )
    def test_messages_that_tell_of_what_may_pass(self, play, message):
        run = play(
            spec("{limit: 1, retryPolicy: OnTransientError}"),
            {"main": [{"phase": "Failed", "message": message}, "Succeeded"]},
        )
        assert run.phase == "Succeeded"

    def test_the_adapters_own_word_counts(self, play):
        told = {"phase": "Failed", "message": "503", "transient": True}
        assert (
            play(spec("{limit: 1, retryPolicy: OnTransientError}"), {"main": [told, "Succeeded"]}).phase == "Succeeded"
        )

    def test_an_unknown_policy_is_an_error(self, play):
        run = play(spec("{limit: 1, retryPolicy: Sometimes}"))
        assert (run.phase, run.attempts) == ("Error", [])
        assert "'Sometimes' is not a valid retryPolicy" in run.message

    def test_a_refused_attempts_message_is_the_wrappers(self, play):
        assert (
            play(spec("{limit: 1}"), {"main": {"phase": "Error", "message": "no image"}}).message_of("wf") == "no image"
        )


class TestExpression:
    """Another attempt only while it is true; it sees retries and lastRetry as texts."""

    @pytest.mark.parametrize(
        ("expression", "attempts"),
        [
            ("asInt(lastRetry.exitCode) > 1", 3),
            ("lastRetry.exitCode == '1'", 1),
            ("asInt(retries) < 1", 2),
            ("lastRetry.status == 'Failed' && lastRetry.message contains 'broke'", 1),
            ("{{=asInt(lastRetry.exitCode) > 1}}", 3),
            ("asInt(lastRetry.duration) >= 3", 3),
        ],
    )
    def test_values(self, play, expression, attempts):
        run = play(
            spec(f'{{limit: 2, expression: "{expression}"}}'),
            {"main": {"phase": "Failed", "exit_code": 2, "message": "x"}},
            takes=3.0,
        )
        assert len(run.attempts) == attempts
        told = "No more retries left" if attempts == 3 else "retryStrategy.expression evaluated to false"
        assert run.message_of("wf") == told

    def test_an_attempt_without_an_exit_code(self, play):
        run = play(spec("{limit: 1, expression: \"lastRetry.exitCode == '-1'\"}"), {"main": ["Failed", "Succeeded"]})
        assert run.phase == "Succeeded"

    @pytest.mark.parametrize(
        ("expression", "why"),
        [
            ("1 + 1", "must give a boolean, it gave 2"),
            ("nope.x", ": "),
            ("'a' +", ": "),
            (
                "retries < 2",
                "'<' does not work between string and int (convert one side: int(x), float(x) or string(x))",
            ),
        ],
    )
    def test_one_that_can_t_be_judged_is_an_error(self, play, expression, why):
        """The message has the expression, what is wrong with it, and what to write instead where that is known."""
        run = play(spec(f'{{limit: 1, expression: "{expression}"}}'), {"main": "Failed"})
        assert (run.phase, len(run.attempts)) == ("Error", 1)
        assert f"retryStrategy.expression {expression!r}" in run.message
        assert why in run.message

    def test_inputs_are_filled_in_before(self, play):
        text = spec(
            '{limit: 3, expression: "asInt(retries) < {{inputs.parameters.most}}"}',
            "inputs: {parameters: [{name: most, value: '2'}]}\n  container: {image: x}",
        )
        assert len(play(text, {"main": "Failed"}).attempts) == 3


class TestBackoff:
    """duration x factor^(attempts - 1), bounded by cap; no attempt begins after maxDuration."""

    def starts(self, run):
        begun = [n.started for n in run.machine.nodes if n.attempt is not None]
        return [b - begun[0] for b in begun]

    @pytest.mark.parametrize(
        ("backoff", "starts"),
        [
            ("{duration: '10'}", [0, 11, 22, 33]),
            ("{duration: 10s, factor: 2}", [0, 11, 32, 73]),
            ("{duration: 1m, factor: '3', cap: 2m}", [0, 61, 182, 303]),
            ("{duration: '1', factor: 0}", [0, 2, 3, 4]),
        ],
    )
    def test_waits(self, play, backoff, starts):
        run = play(spec(f"{{limit: 3, backoff: {backoff}}}"), {"main": "Failed"})
        assert self.starts(run) == starts

    def test_without_a_limit_it_waits_too(self, play):
        run = play(spec("{backoff: {duration: '10'}}"), {"main": ["Failed", "Succeeded"]})
        assert self.starts(run) == [0, 11]

    def test_the_wrapper_tells_that_it_waits(self, play):
        run = play.begin(spec("{limit: 1, backoff: {duration: '90'}}"), {"main": ["Failed", "Succeeded"]})
        run.advance(5)
        assert run.message_of("wf") == "Backoff for 1 minutes 30 seconds"
        assert run.phase_of("wf") == "Running"
        run.advance(90)
        assert run.message_of("wf") == ""

    def test_no_attempt_begins_after_max_duration(self, play):
        run = play(spec("{limit: 9, backoff: {duration: '10', maxDuration: '25'}}"), {"main": "Failed"})
        assert self.starts(run) == [0, 11, 22]
        assert run.message_of("wf") == "Backoff would exceed max duration limit"

    def test_an_attempt_that_runs_longer_than_max_duration_is_ended(self, play):
        run = play(spec("{limit: 9, backoff: {duration: '10', maxDuration: '25'}}"), {"main": "Failed"}, takes=20.0)
        assert [a.deadline - run.attempts[0].deadline for a in run.attempts] == [0.0]
        assert "max duration limit" in run.message_of("wf")

    def test_the_slot_is_free_while_it_waits(self, play):
        text = """
entrypoint: main
templates:
- name: main
  parallelism: 1
  steps: [[{name: a, template: again}, {name: b, template: again}]]
- name: again
  retryStrategy: {limit: 1, backoff: {duration: '60'}}
  container: {image: x}
"""
        run = play(text, {"a": ["Failed", "Succeeded"]})
        assert run.started == ["a(0)", "b(0)", "a(1)"]

    def test_a_servers_wish_lengthens_the_wait_up_to_the_cap(self, play):
        asked = {"phase": "Failed", "message": "429", "retry_after": 100.0}
        run = play(spec("{limit: 1, backoff: {duration: '10'}}"), {"main": [asked, "Succeeded"]})
        assert self.starts(run) == [0, 101]
        run = play(spec("{limit: 1, backoff: {duration: '10', cap: '30'}}"), {"main": [asked, "Succeeded"]})
        assert self.starts(run) == [0, 31]


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ({"limit": "many"}, "retryStrategy.limit must be a whole number"),
        ({"backoff": {"factor": 2}}, "needs a 'duration'"),
        ({"backoff": {"duration": "1x"}}, "retryStrategy.backoff.duration"),
        ({"backoff": {"duration": "1", "cap": "y"}}, "retryStrategy.backoff.cap"),
        ({"backoff": {"duration": "1", "factor": "two"}}, "retryStrategy.backoff.factor must be a number"),
        ({"backoff": {"duration": "1", "factor": "inf"}}, "retryStrategy.backoff.factor must be a number"),
        ({"backoff": {"duration": "1", "maxDuration": "z"}}, "retryStrategy.backoff.maxDuration"),
    ],
)
def test_numbers_that_are_none(strategy, words):
    with pytest.raises(LanguageError, match=words):
        read_strategy(strategy)


def test_max_duration_that_passed_while_the_attempt_ran():
    """The reason is told apart from a wait that would be too long."""
    strategy = read_strategy({"limit": 5, "backoff": {"duration": "1", "maxDuration": "5"}})
    verdict = decide(
        strategy, phase="Failed", message="", attempts=1, first_start=0.0, finished=6.0, transient=False, retry_after=None,
        ended="", wanted=lambda: True,
    )  # fmt: skip
    assert (verdict.again, verdict.reason) == (False, "Max duration limit exceeded")


def test_a_backoff_that_doubles_for_ever_stays_a_time():
    """Without a cap the wait is bounded by ten years, so that no number overflows."""
    strategy = read_strategy({"backoff": {"duration": "1s", "factor": 2}})
    assert strategy.delay(3) == 4
    assert strategy.delay(5000) == LONGEST_WAIT
