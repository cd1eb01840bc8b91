"""Runs workflows in virtual time for tests of the engine, and checks after each test what must hold for every run."""

import json
import random
import textwrap

import pytest

from aggregator.app.prepare import plain
from aggregator.engine.events import Outcome
from aggregator.engine.node import TRANSITIONS
from aggregator.engine.replay import replay
from aggregator.engine.status import workflow_object
from aggregator.kinds import KINDS
from aggregator.source import Source
from aggregator.spec.decode import decode_text
from aggregator.testing.virtual import Answer, Script, VirtualRun

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec:\n"
TEMPLATE_HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: %s}\nspec:\n"


def document(text, head=HEAD):
    """A Workflow from the text of its spec, or from a whole document."""
    text = textwrap.dedent(text)
    if "apiVersion:" not in text:
        text = head + textwrap.indent(text, "  ")
    bundle = decode_text(Source("test.yaml", text))
    assert not bundle.errors, [d.render() for d in bundle.errors]
    return bundle


def outcome_of(told):
    """`"Failed"`, an Outcome, or the keywords of one."""
    if isinstance(told, Outcome):
        return told
    if isinstance(told, str):
        return Outcome(phase=told, message="" if told == "Succeeded" else "it broke")
    return Outcome(**{"phase": "Succeeded", **told})


class Played(VirtualRun):
    """A virtual run with the questions that tests ask."""

    def __init__(self, text, answers=None, *, templates=None, takes=1.0, held=(), ready=(), **kwargs):
        """`answers` say how leaves end, by display name, full name or template: one answer, or a list with one per attempt.

        Leaves named in `held` wait for `finish`; those in `ready` are daemons that come up.
        """
        self.answers = answers or {}
        self.takes = takes
        self.hold = set(held)
        self.ready = set(ready)
        self.phases = {}
        script = {k: kwargs.pop(k) for k in ("config_maps", "options", "seed", "name") if k in kwargs}
        stored = []
        for name, body in (templates or {}).items():
            bundle = document(body, TEMPLATE_HEAD % name)
            found = (*bundle.workflow_templates, *bundle.cluster_workflow_templates)
            stored.extend({"kind": loaded.kind, **plain(loaded.model)} for loaded in found)
        workflow = plain(document(text).workflows[0].model)
        super().__init__(workflow, self.reply, Script(templates=stored, **script), observe=self.watch, **kwargs)

    def reply(self, attempt):
        names = (attempt.display_name, attempt.name, attempt.template_name, attempt.display_name.partition("(")[0])
        if self.hold & set(names):
            return None
        found = next((self.answers[n] for n in names if n in self.answers), "Succeeded")
        if isinstance(found, list):
            found = found[min(attempt.index, len(found) - 1)]
        if callable(found):
            found = found(attempt)
        return Answer(outcome_of(found), takes=self.takes, ready=bool(self.ready & set(names)))

    def watch(self, news):
        """Every phase that a node shows follows from the one before."""
        for one in news:
            before, now = self.phases.get(one.node.number, ""), one.node.phase
            assert now == before or now in TRANSITIONS[before] or now in reachable(before), (one.node.name, before, now)
            self.phases[one.node.number] = now

    # ------------------------------------------------------------------ questions

    @property
    def status(self):
        return workflow_object(self.machine)["status"]

    @property
    def nodes(self):
        """Nodes by display name; where several share one, by full name."""
        shown = [n["displayName"] for n in self.status["nodes"].values()]
        return {
            n["displayName"] if shown.count(n["displayName"]) == 1 else n["name"]: n
            for n in self.status["nodes"].values()
        }

    def phase_of(self, name):
        return self.nodes[name]["phase"]

    def message_of(self, name):
        return self.nodes[name].get("message", "")

    def parameters(self, name, side="outputs"):
        return {p["name"]: p.get("value") for p in (self.nodes[name].get(side) or {}).get("parameters", ())}

    def inputs(self, name):
        return self.parameters(name, "inputs")

    @property
    def started(self):
        """Display names of the attempts in the order in which they were ordered."""
        return [a.display_name for a in self.attempts]

    @property
    def running(self):
        """Display names of the attempts that have not ended."""
        return sorted(a.display_name for a in self.held.values())

    def attempt(self, name):
        """The last attempt of that name."""
        return next(a for a in reversed(self.attempts) if name in (a.display_name, a.name))

    def end(self, name, told="Succeeded"):
        """A held attempt ends now."""
        number = next(n for n, a in self.held.items() if name in (a.display_name, a.name))
        self.finish(number, outcome_of(told))
        self.settle()

    @property
    def phase(self):
        return self.machine.phase

    @property
    def message(self):
        return self.machine.message


def reachable(phase):
    """Phases that can follow within one event, of which observers see only the last."""
    return {after for middle in TRANSITIONS[phase] for after in TRANSITIONS[middle]}


def check_invariants(run):
    """What holds for every run, whatever it did."""
    machine = run.machine
    told = json.dumps(workflow_object(machine))
    folded = replay(run.journal, KINDS, random.Random)
    assert json.dumps(workflow_object(folded)) == told, "the journal folds into another state"
    names = [n.name for n in machine.nodes]
    assert len(names) == len(set(names)), "two nodes share a name"
    for node in machine.nodes:
        assert node.phase, f"{node.name} has no phase"
        assert (node.finished is not None) == node.done, f"{node.name} is {node.phase} and ended at {node.finished}"
    if run.finished is None:
        return
    assert machine.finished is not None
    assert not [n.name for n in machine.nodes if not n.done], "nodes are left open"
    assert not machine.active
    assert not machine.waiting
    assert not machine.suspensions
    assert not machine.daemons
    assert not run.held
    assert not [h for h in run.locks.holding if h.startswith(f"{machine.namespace}/{machine.name}")], "locks are left"
    for gate in (machine.workflow_gate, *machine.slots.values()):
        assert gate.used == 0, "places are left taken"


@pytest.fixture
def play():
    """Make runs: `play(spec, answers)` runs to the end or to a standstill; `play.begin` only makes one."""
    made = []

    def begin(text, answers=None, **kwargs):
        run = Played(text, answers, **kwargs)
        made.append(run)
        return run

    def play(text, answers=None, **kwargs):
        run = begin(text, answers, **kwargs)
        run.run()
        return run

    play.begin = begin
    yield play
    for run in made:
        check_invariants(run)
