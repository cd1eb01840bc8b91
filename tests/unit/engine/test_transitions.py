"""The table of phase transitions holds what happens and nothing else: each of its rows is taken, each other is refused."""

from __future__ import annotations

import pytest

from aggregator.engine.events import StopRequested
from aggregator.engine.machine import Machine
from aggregator.engine.node import TRANSITIONS, Node
from aggregator.errors import EngineBug

LEAF = "- name: leaf\n  container: {image: x}\n"


def main(body, leaf=LEAF):
    return f"entrypoint: main\ntemplates:\n- name: main\n  {body}\n{leaf}"


ONE_LEAF = "entrypoint: leaf\ntemplates:\n" + LEAF
NEVER = main("steps: [[{name: never, template: leaf, when: '1 == 2'}]]")
OMITS = main("dag: {tasks: [{name: a, template: leaf}, {name: b, template: leaf, depends: a.Failed}]}")
WRONG = main("steps: [[{name: a, template: leaf}]]", LEAF + "  inputs: {parameters: [{name: x}]}\n")
BAD_OUTPUT = main(
    "steps: [[{name: a, template: leaf}]]\n  outputs: {parameters: [{name: o, valueFrom: {expression: 'steps.gone.x'}}]}"
)
MEMOIZED = "entrypoint: leaf\ntemplates:\n" + LEAF + "  memoize: {key: k, cache: {configMap: {name: c}}}\n"


@pytest.fixture
def taken(monkeypatch):
    """Every change of a phase that a machine makes."""
    seen = set()

    def watch(name):
        act = getattr(Machine, name)

        def watched(machine, node, phase, *rest):
            before = node.phase
            act(machine, node, phase, *rest)
            seen.add((before, phase))

        monkeypatch.setattr(Machine, name, watched)

    watch("set_phase")
    watch("finish")
    return seen


def test_every_row_is_taken(play, taken):
    """Whatever the table allows some run does: so nothing stands there that can't happen."""
    for outcome in ("Succeeded", "Failed", "Error"):
        play(ONE_LEAF, {"leaf": outcome})
    play(NEVER)
    play(OMITS)
    play(WRONG)
    play(BAD_OUTPUT)
    for outcome in ("Succeeded", "Failed", "Error"):
        # A runtime may answer without ever having said that the leaf runs.
        straight = play.begin(ONE_LEAF, held=("leaf",))
        straight.settle()
        straight.end("wf", outcome)
    first = play(MEMOIZED)
    play(MEMOIZED, cache=first.cache)
    ended = play.begin("suspend: true\n" + ONE_LEAF)
    ended.settle()
    ended.post(StopRequested(ended.now, "Terminate"))
    ended.settle()
    assert taken == {(before, after) for before, following in TRANSITIONS.items() for after in following}


@pytest.mark.parametrize("before", TRANSITIONS)
def test_no_other_is(play, before):
    """A change that is not in the table is a bug of the engine, whether it ends the node or not, and changes nothing."""
    run = play.begin(ONE_LEAF, held=("leaf",))
    for change in (run.machine.set_phase, run.machine.finish):
        for after in set(TRANSITIONS) - TRANSITIONS[before]:
            node = Node(0, "wf.x", "x", "Pod", 0.0)
            node.phase = before
            with pytest.raises(EngineBug, match=f"'wf.x' can't go from {before or 'new'} to "):
                change(node, after)
            assert node.phase == before
