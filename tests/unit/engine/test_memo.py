"""Memoization: a node whose key is in the cache succeeds at once with the outputs of old."""

import pytest

from aggregator.engine.events import CacheAnswered, Resumed, StopRequested, SuspendRequested
from aggregator.journal.memory_cache import MemoryCache

CACHE = "cache: {configMap: {name: cache}}"


def spec(
    memoize=f"{{key: k-1, {CACHE}}}",
    fields="container: {image: x}",
    calls="- - {name: a, template: leaf}\n  - - {name: b, template: leaf}",
    more="",
):
    return f"""
entrypoint: main
{more}
templates:
- name: main
  steps:
  {calls}
- name: leaf
  memoize: {memoize}
  outputs: {{parameters: [{{name: out, globalName: made, valueFrom: {{path: /out}}}}]}}
  {fields}
"""


MADE = {"leaf": {"result": "r", "parameters": {"out": "42"}}}


def test_the_second_call_is_a_hit(play):
    run = play(spec(), MADE)
    assert run.started == ["a"]
    assert run.nodes["a"]["memoizationStatus"] == {"hit": False, "key": "k-1", "cacheName": "cache"}
    assert run.nodes["b"]["memoizationStatus"] == {"hit": True, "key": "k-1", "cacheName": "cache"}
    assert run.nodes["b"]["outputs"] == run.nodes["a"]["outputs"]
    assert run.nodes["b"]["finishedAt"] == run.nodes["b"]["startedAt"]
    entry = run.cache.look_up("cache", "k-1", run.now)
    assert entry["nodeID"] == run.nodes["a"]["id"]


def test_a_failure_is_not_kept(play):
    run = play(
        spec(calls="- - {name: a, template: leaf, continueOn: {failed: true}}\n  - - {name: b, template: leaf}"),
        {"a": "Failed"},
    )
    assert run.started == ["a", "b"]


def test_another_key_is_a_miss(play):
    text = spec(
        f"{{key: 'k-{{{{inputs.parameters.p}}}}', {CACHE}}}",
        "inputs: {parameters: [{name: p}]}\n  container: {image: x}",
        "- - {name: a, template: leaf, withItems: [1, 2, 1], arguments: {parameters: [{name: p, value: '{{item}}'}]}}",
        "parallelism: 1",
    )
    run = play(text, MADE)
    assert run.started == ["a(0:1)", "a(1:2)"]
    assert run.phase_of("a(2:1)") == "Succeeded"


def test_places_are_respected_by_nodes_that_asked_at_the_same_time(play):
    text = spec(
        f"{{key: 'k-{{{{inputs.parameters.p}}}}', {CACHE}}}",
        "inputs: {parameters: [{name: p}]}\n  container: {image: x}",
        "- - {name: a, template: leaf, withItems: [1, 2, 3], arguments: {parameters: [{name: p, value: '{{item}}'}]}}",
        "parallelism: 1",
    )
    run = play(text, MADE)
    assert run.machine.finished - run.machine.started == 3.0


def test_steps_are_memoized_as_a_whole_and_a_hit_has_no_children(play):
    text = f"""
entrypoint: main
templates:
- name: main
  steps:
  - - {{name: a, template: group}}
  - - {{name: b, template: group}}
- name: group
  memoize: {{key: g, {CACHE}}}
  steps: [[{{name: i, template: leaf}}]]
- name: leaf
  container: {{image: x}}
"""
    run = play(text)
    assert (run.started, run.nodes["b"]["type"], "children" in run.nodes["b"]) == (["i"], "Steps", False)


def test_a_hit_of_a_retried_template_is_a_childless_retry_node(play):
    run = play(spec(fields="retryStrategy: {limit: 2}\n  container: {image: x}"), {"leaf": ["Failed", MADE["leaf"]]})
    assert run.started == ["a(0)", "a(1)"]
    assert (run.nodes["b"]["type"], run.phase_of("b"), "children" in run.nodes["b"]) == ("Retry", "Succeeded", False)


@pytest.mark.parametrize(("age", "hit"), [(5, True), (10, True), (15, False)])
def test_an_entry_may_be_too_old(play, age, hit):
    entry = {"nodeID": "x", "outputs": None, "creationTimestamp": "2023-11-14T22:13:20Z", "lastHitTimestamp": ""}
    run = play.begin(
        spec(f"{{key: k-1, maxAge: 10s, {CACHE}}}", calls="- - {name: a, template: leaf}", more="suspend: true"),
        cache=MemoryCache({("cache", "k-1"): entry}),
    )
    run.advance(age)
    run.post(Resumed(run.now))
    run.run()
    assert run.nodes["a"]["memoizationStatus"]["hit"] is hit


@pytest.mark.parametrize("entry", [{"nodeID": "", "outputs": None}, {"nodeID": "x", "creationTimestamp": "soon"}])
def test_entries_that_are_none(play, entry):
    run = play(spec(f"{{key: k-1, maxAge: 10s, {CACHE}}}"), cache=MemoryCache({("cache", "k-1"): entry}))
    assert run.started == ["a"]


class TestConfigMap:
    """The cache's ConfigMap may be given as a document: then it must be labelled, and its entries count."""

    LABEL = "workflows.argoproj.io/configmap-type"

    def maps(self, data, label="Cache"):
        return [{"metadata": {"name": "cache", "labels": {self.LABEL: label}}, "data": data}]

    def test_its_entries_are_hits(self, play):
        run = play(spec(), config_maps=self.maps({"k-1": '{"nodeID": "old", "outputs": {"result": "kept"}}'}))
        assert (run.started, run.nodes["a"]["outputs"]) == ([], {"result": "kept"})

    @pytest.mark.parametrize("text", ["no json", "[1]"])
    def test_entries_that_can_t_be_read_are_misses(self, play, text):
        assert play(spec(), MADE, config_maps=self.maps({"k-1": text})).started == ["a"]

    def test_one_without_the_label_is_refused(self, play):
        run = play(spec(), config_maps=self.maps({}, "Parameter"))
        assert run.phase_of("a") == "Error"
        assert "needs the label" in run.message_of("a")


@pytest.mark.parametrize(
    ("memoize", "words"),
    [
        (f"{{key: '', {CACHE}}}", "invalid memoize key ''"),
        (f"{{key: '-a', {CACHE}}}", "invalid memoize key '-a'"),
        (f"{{key: 'a b', {CACHE}}}", "invalid memoize key 'a b'"),
        ("{key: k, cache: {configMap: {name: ''}}}", "memoize needs cache.configMap.name"),
        (f"{{key: k, maxAge: old, {CACHE}}}", "memoize.maxAge"),
    ],
)
def test_what_is_wrong_is_an_error_of_the_node(play, memoize, words):
    run = play(spec(memoize))
    assert run.phase_of("a") == "Error"
    assert words in run.message_of("a")


def test_locks_come_before_the_cache(play):
    """Two calls with one lock and one key: the second finds what the first one made."""
    text = spec(
        fields="synchronization: {mutexes: [{name: m}]}\n  container: {image: x}",
        calls="- - {name: a, template: leaf}\n    - {name: b, template: leaf}",
    )
    run = play(text, MADE)
    assert (run.started, run.nodes["b"]["memoizationStatus"]["hit"]) == (["a"], True)


def test_an_answer_that_comes_too_late_is_ignored(play):
    run = play.begin(spec(), MADE)
    run.step()  # submitted; the answer of the cache is still to come
    run.post(StopRequested(run.now))
    run.run()
    assert run.phase == "Failed"
    run.machine.handle(CacheAnswered(run.now, 10_000))


def test_stopped_while_it_waits_for_a_place(play):
    run = play.begin(spec())
    run.step()
    run.handle(SuspendRequested(run.now))
    run.settle()
    assert run.phase_of("a") == "Pending"
    run.post(StopRequested(run.now))
    run.run()
    assert run.message_of("a") == "Stopped with strategy 'Stop'"
