"""Every skipped, omitted, retried and given-up node of Argo's own engine cases has a story that names the expression, the
values that it saw, and the rule; and the machine that tells them comes to the very state of the run that it retells."""

import contextlib
import importlib.util
import json
from pathlib import Path

import pytest

from aggregator.app.decisions import RULES
from aggregator.app.explain import explain
from aggregator.engine.status import status

_spec = importlib.util.spec_from_file_location("unit_cases", Path(__file__).with_name("test_unit_cases.py"))
unit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(unit)


@pytest.mark.parametrize("case", unit.cases())
def test_stories(case):
    if case is None:
        unit.load("unit.json")
    player = unit.Player(case)
    with contextlib.suppress(AssertionError):  # whether the case holds is tested elsewhere
        player.play()
    if player.run is None:
        return
    machine = explain(player.run.journal)
    assert json.dumps(status(machine)) == json.dumps(status(player.run.machine))
    for node in machine.nodes:
        wanted = []
        if node.phase == "Skipped":
            wanted.append("skipped")
        if node.phase == "Omitted":
            wanted.append("omitted")
        if node.kind == "Retry":
            tried = [machine.nodes[n] for n in node.children if machine.nodes[n].attempt is not None]
            if len(tried) > 1:
                wanted.append("retried")
            if tried and node.phase in ("Failed", "Error"):
                wanted.append("gave up")
        decisions = machine.story(node).decisions
        for verb in wanted:
            told = [d for d in decisions if d.verb == verb]
            assert told, f"{node.name} is {node.phase} ({node.message}), but no decision says {verb}: {decisions}"
            for decision in told:
                assert decision.expression
                assert decision.operands
                assert RULES[decision.rule]
