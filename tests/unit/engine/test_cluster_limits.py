"""What a cluster would cut or refuse by its sizes: nothing here by default, told with `warn`, and the end of it with `error`."""

import random

import pytest

KIB, MIB = 1024, 1024 * 1024
WARN, FAIL = {"argo_limits": "warn"}, {"argo_limits": "error"}

LEAVES = """
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: makes}
  - - {name: b, template: uses, arguments: {parameters: [{name: p, value: "{{steps.a.outputs.parameters.out}}{{steps.a.outputs.result}}"}]}}
- name: makes
  outputs: {parameters: [{name: out, valueFrom: {path: /out, default: ''}}]}
  script: {image: x, command: [sh], source: make}
- name: uses
  inputs: {parameters: [{name: p}]}
  container: {image: x, args: ["{{inputs.parameters.p}}"]}
"""
WEB = """
entrypoint: main
templates:
- name: main
  steps: [[{name: a, template: web}]]
- name: web
  http: {url: "http://x"}
"""
CACHED = """
entrypoint: main
templates:
- name: main
  steps: [[{name: a, template: all}]]
- name: all
  memoize: {key: k, cache: {configMap: {name: cache}}}
  outputs: {parameters: [{name: list, valueFrom: {parameter: "{{steps.e.outputs.parameters.out}}"}}]}
  steps: [[{name: e, template: makes, withSequence: {count: "3"}}]]
- name: makes
  outputs: {parameters: [{name: out, valueFrom: {path: /out}}]}
  container: {image: x}
"""
MANY = """
entrypoint: main
onExit: bye
templates:
- name: main
  steps:
  - - {name: e, template: makes, withSequence: {count: "20"}}
  - - {name: after, template: bye}
- name: makes
  outputs: {parameters: [{name: out, valueFrom: {path: /out}}]}
  container: {image: x}
- name: bye
  container: {image: x}
"""


def told(run):
    return [c["message"] for c in run.status["conditions"] if c["type"] == "SpecWarning"]


def made(result="", out=""):
    return {"makes": {"result": result, "parameters": {"out": out}}}


def noise(size, seed):
    """Text that can't be compressed much."""
    return random.Random(seed).randbytes(size // 2).hex()


@pytest.mark.parametrize("answers", [made("x" * (256 * KIB + 1)), made(out="x" * (MIB + 1))])
def test_no_size_is_a_limit_by_default(play, answers):
    run = play(LEAVES, answers)
    assert run.phase == "Succeeded"
    assert len(run.inputs("b")["p"]) > 256 * KIB
    assert told(run) == []
    assert run.machine.cluster is None


class TestResults:
    """Of what a pod prints, Argo keeps the last 256 KiB as its result."""

    def test_a_warning_leaves_the_result_as_it_is(self, play):
        run = play(LEAVES, made("x" * (256 * KIB + 1)), options=WARN)
        assert run.phase == "Succeeded"
        (message,) = told(run)
        assert message.startswith(
            "a: outputs.result has 262,145 bytes, of which a cluster keeps the last 256 KiB; write"
        )
        assert len(run.inputs("b")["p"]) == 256 * KIB + 1

    def test_bytes_count_not_characters(self, play):
        assert told(play(LEAVES, made("é" * (128 * KIB)), options=WARN)) == []
        assert len(told(play(LEAVES, made("é" * (128 * KIB) + "x"), options=WARN))) == 1

    def test_with_error_the_leaf_ends_as_error(self, play):
        run = play(LEAVES, made("x" * (256 * KIB + 1)), options=FAIL)
        assert run.phase_of("a") == "Error"
        assert "a cluster keeps the last 256 KiB" in run.message_of("a")
        assert run.phase == "Failed"
        assert run.started == ["a"]
        assert told(run) == []

    def test_what_failed_anyway_keeps_its_own_message(self, play):
        answer = {"makes": {"phase": "Failed", "message": "it broke", "result": "x" * (256 * KIB + 1)}}
        run = play(LEAVES, answer, options=FAIL)
        assert (run.phase_of("a"), run.message_of("a")) == ("Failed", "it broke")

    def test_the_body_of_an_answer_is_only_limited_as_an_object(self, play):
        assert told(play(WEB, {"web": {"result": "x" * (300 * KIB)}}, options=WARN)) == []
        (message,) = told(play(WEB, {"web": {"result": "x" * (MIB + 1)}}, options=WARN))
        assert "its outputs have" in message


class TestObjects:
    """The API server refuses objects of more than 1 MiB."""

    def test_outputs_and_the_template_that_they_fill(self, play):
        run = play(LEAVES, made(out="x" * (MIB + 1)), options=WARN)
        assert run.phase == "Succeeded"
        first, second = told(run)
        assert first.startswith("a: its outputs have 1,048,")
        assert second.startswith("b: its template has 2,097,")

    def test_with_error_the_pod_is_refused(self, play):
        run = play(LEAVES, made(out="x" * (600 * KIB)), options=FAIL)
        assert run.phase_of("a") == "Succeeded"
        assert run.phase_of("b") == "Error"
        assert "pass large values as artifacts" in run.message_of("b")
        assert run.started == ["a"]

    def test_a_cache_is_a_config_map(self, play):
        answers = made(None, "x" * (400 * KIB))
        run = play(CACHED, answers, options=WARN)
        assert run.phase_of("a") == "Succeeded"
        assert any("a ConfigMap has at most 1 MiB" in message for message in told(run))
        run = play(CACHED, answers, options=FAIL)
        assert run.phase_of("a") == "Error"
        assert "template 'all' is memoized" in run.message_of("a")
        assert play(CACHED, made(None, "x"), options=FAIL).phase == "Succeeded"

    def test_the_document_itself(self, play):
        text = WEB + f"- name: unused\n  container: {{image: x, args: ['{'x' * MIB}']}}\n"
        run = play(text, options=WARN)
        assert run.phase == "Succeeded"
        assert told(run)[0].startswith("the Workflow has 1,048,")
        run = play(text, options=FAIL)
        assert run.phase == "Failed"
        assert run.message.startswith("invalid spec: the Workflow has 1,048,")
        assert run.nodes == {}


class TestTheWholeStatus:
    """Nodes are compressed when the Workflow grows beyond 1 MiB, and it is refused when that is not enough."""

    def answers(self, text_of):
        return {"makes": lambda attempt: {"parameters": {"out": text_of(attempt.node)}}}

    def test_what_compresses_well_is_no_problem(self, play):
        run = play(MANY, self.answers(lambda n: "x" * (200 * KIB)), options=FAIL)
        assert run.phase == "Succeeded"

    def test_what_does_not_is_told_as_it_grows(self, play):
        run = play(MANY, self.answers(lambda n: noise(200 * KIB, n)), options=WARN)
        assert run.phase == "Succeeded"
        assert told(run)
        assert all("with its nodes compressed" in message for message in told(run))

    def test_with_error_the_run_is_ended_at_once(self, play):
        run = play(MANY, self.answers(lambda n: noise(200 * KIB, n)), options=FAIL)
        assert run.phase == "Failed"
        assert "a cluster without a database for them refuses" in run.message
        assert "after" not in run.nodes
        assert "wf.onExit" not in run.nodes

    def test_the_last_look_is_at_the_end(self, play):
        """Looks become rarer as it grows: at 1.2 MiB it could still be packed, and the next would come at 2.4."""
        one = MANY.replace('count: "20"', 'count: "11"').replace("onExit: bye\n", "")
        run = play(one, self.answers(lambda n: noise(200 * KIB, n)), options=FAIL)
        assert run.phase == "Error"
        assert "with its nodes compressed" in run.message


def test_news_are_told_once_and_a_hundred_at_most(play):
    run = play.begin(MANY.replace('"20"', '"150"'), {"makes": {"result": "x" * (256 * KIB + 1)}}, options=WARN)
    run.settle()
    assert run.machine.cluster.news() == []
    run.advance(1.0)
    assert len(run.machine.cluster.news()) == 100
    assert run.machine.cluster.news() == []
    run.run()
    assert len(told(run)) == 10
