"""The manual of the engine names every event, and its table of phases is the machine's own."""

import re
from pathlib import Path

from aggregator.engine import events
from aggregator.engine.node import FULFILLED, TRANSITIONS

MANUAL = (Path(__file__).parents[3] / "docs" / "engine.md").read_text(encoding="utf-8")


def rows(heading):
    section = MANUAL.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ][2:]


def test_the_phases():
    told = {}
    for before, after in rows("Phases of a node"):
        for phase in before.split(", "):
            told["" if phase == "new" else phase] = set() if after.startswith("nothing") else set(after.split(", "))
    assert told == {phase: set(after) for phase, after in TRANSITIONS.items()}
    assert {phase for phase, after in told.items() if not after} == FULFILLED


def test_the_events():
    told = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in rows("Events"))))
    known = {kind.__name__ for kind in events.Event.__args__}
    assert told == known
