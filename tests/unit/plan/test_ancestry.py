"""Which tasks of a DAG come before which: the same answers as by walking all the needs."""

from __future__ import annotations

import random

import pytest

from aggregator.plan.ancestry import Ancestry
from aggregator.plan.compile import compile_workflow, resolve


def tasks_of(needs: list[list[int]]):
    """The compiled tasks of a DAG in which task i needs the tasks `needs[i]`."""
    tasks = [
        {"name": f"t{i}", "template": "leaf", **({"dependencies": [f"t{n}" for n in below]} if below else {})}
        for i, below in enumerate(needs)
    ]
    templates = [{"name": "main", "dag": {"tasks": tasks}}, {"name": "leaf", "container": {"image": "x"}}]
    program = compile_workflow({"metadata": {"name": "wf"}, "spec": {"entrypoint": "main", "templates": templates}})
    return resolve(program, program.local, program.entrypoint).tasks


def walked(needs: list[list[int]], first: int, second: int) -> bool:
    found = set(needs[second])
    todo = list(found)
    for number in todo:
        todo += [n for n in needs[number] if n not in found]
        found.update(needs[number])
    return first in found


@pytest.mark.parametrize("seed", range(30))
def test_random_graphs(seed):
    """In any graph, however its tasks are ordered in the file, a task is before another exactly if a walk finds it."""
    chance = random.Random(seed)
    count = chance.randrange(1, 14)
    order = list(range(count))
    chance.shuffle(order)
    needs: list[list[int]] = [[] for _ in range(count)]
    for place, number in enumerate(order):
        above = order[:place]
        needs[number] = chance.sample(above, min(len(above), chance.randrange(4)))
    ancestry = Ancestry(tasks_of(needs))
    for first in range(count):
        for second in range(count):
            assert ancestry.comes_before(first, second) == walked(needs, first, second), (needs, first, second)


def test_long_chain_is_not_walked():
    """The first task of a long chain is seen from its last one without recursion and without a walk."""
    count = 20_000
    ancestry = Ancestry(tasks_of([[], *([i] for i in range(count - 1))]))
    assert all(ancestry.comes_before(0, n) for n in range(1, count))
    assert not any(ancestry.comes_before(n, 0) for n in range(count))


def test_cycles_are_left_alone():
    """Tasks that wait for each other never run; asking about them ends all the same."""
    ancestry = Ancestry(tasks_of([[1], [0], []]))
    assert ancestry.comes_before(1, 0)
    assert not ancestry.comes_before(2, 0)
