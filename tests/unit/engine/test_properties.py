"""For random workflows with random outcomes and orders of completion: what must hold for every run.

`PROPERTY_EXAMPLES=5000 pytest tests/unit/engine/test_properties.py` tries more of them.
"""

import json
import os
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.engine.commands import StartLeaf
from aggregator.engine.events import (
    LeafProgressed,
    NodeSet,
    Outcome,
    Resumed,
    StopRequested,
    SuspendRequested,
    decode_event,
)
from aggregator.engine.node import TRANSITIONS
from aggregator.engine.replay import replay
from aggregator.engine.status import workflow_object
from aggregator.kinds import KINDS
from aggregator.testing.virtual import Answer, Script, VirtualRun

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "150"))
LEAVES = ("ok", "again", "judged", "locked", "shared", "memo", "wait", "ask", "daemon", "short", "late", "set", "web")
MAPS = [{"metadata": {"name": "places"}, "data": {"few": "2"}}]
RESULTS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted")


def leaves():
    """Leaf templates: plain, retried, locked, memoized, suspended, a daemon, with time limits, several containers, http."""
    box = {
        "container": {"image": "x", "args": ["{{inputs.parameters.p}}"]},
        "inputs": {"parameters": [{"name": "p", "default": "d"}]},
    }
    return [
        {
            "name": "ok",
            **box,
            "outputs": {"parameters": [{"name": "out", "valueFrom": {"path": "/o", "default": "0"}}]},
        },
        {
            "name": "again",
            **box,
            "retryStrategy": {"limit": 2, "retryPolicy": "Always", "backoff": {"duration": "3", "factor": "2"}},
        },
        {"name": "locked", **box, "synchronization": {"mutexes": [{"name": "m"}]}},
        {"name": "memo", **box, "memoize": {"key": "k-{{inputs.parameters.p}}", "cache": {"configMap": {"name": "c"}}}},
        {"name": "wait", "suspend": {"duration": "5"}},
        {"name": "daemon", **box, "daemon": True},
        {
            "name": "judged",
            **box,
            "retryStrategy": {
                "limit": "3",
                "expression": "lastRetry.status == 'Error' || asInt(lastRetry.exitCode) > 1",
                "backoff": {"duration": "2", "factor": "3", "cap": "8", "maxDuration": "20"},
            },
        },
        {
            "name": "shared",
            **box,
            "synchronization": {
                "mutexes": [{"name": "m"}, {"name": "n-{{inputs.parameters.p}}"}],
                "semaphores": [{"configMapKeyRef": {"name": "places", "key": "few"}}],
            },
        },
        {
            "name": "ask",
            "inputs": {"parameters": [{"name": "p", "default": "d"}]},
            "suspend": {},
            "outputs": {"parameters": [{"name": "out", "valueFrom": {"supplied": {}, "default": "1"}}]},
        },
        {"name": "short", **box, "activeDeadlineSeconds": 1, "retryStrategy": {"limit": 1}},
        {"name": "late", **box, "timeout": "6s"},
        {
            "name": "set",
            "containerSet": {
                "containers": [
                    {"name": "main", "image": "x"},
                    {"name": "second", "image": "x", "dependencies": ["main"]},
                ]
            },
        },
        {"name": "web", "http": {"url": "http://x"}, "retryStrategy": {"limit": 1, "retryPolicy": "OnTransientError"}},
    ]


@st.composite
def calls(draw, name, templates, prefix, before):
    """One step or task: a call, perhaps looped, with a condition, forgiven, hooked, or fed by an earlier one."""
    call = {"name": name, "template": draw(st.sampled_from(templates))}
    shape = draw(st.integers(0, 9))
    if shape == 0:
        call["withItems"] = draw(st.lists(st.sampled_from(["a", 1, {"k": "v"}, [1]]), max_size=4)) or ["a"]
    elif shape == 1:
        call["withSequence"] = {"count": str(draw(st.integers(0, 4)))}
    elif shape == 2:
        call["withParam"] = draw(st.sampled_from(["[]", "[1, 2]", '["x"]', "broken"]))
    condition = draw(st.integers(0, 9))
    if condition == 0:
        call["when"] = "false"
    elif condition == 1:
        call["when"] = "1 <"
    elif condition == 2 and before:
        call["when"] = f"{{{{{prefix}.{draw(st.sampled_from(before))}.status}}}} == Succeeded"
    if draw(st.integers(0, 4)) == 0:
        call["continueOn"] = {"failed": draw(st.booleans()), "error": draw(st.booleans())}
    if draw(st.integers(0, 6)) == 0:
        expression = draw(
            st.sampled_from(
                [f"{prefix}['{name}'].status == 'Running'", f"{prefix}['{name}'].status == 'Failed'", "true", "1"]
            )
        )
        call["hooks"] = {
            "exit": {"template": draw(st.sampled_from(templates))},
            "other": {"template": draw(st.sampled_from(templates)), "expression": expression},
        }
    if before and draw(st.integers(0, 3)) == 0:
        field = draw(st.sampled_from(("status", "outputs.parameters.out", "id")))
        call["arguments"] = {
            "parameters": [{"name": "p", "value": f"{{{{{prefix}.{draw(st.sampled_from(before))}.{field}}}}}"}]
        }
    return call


@st.composite
def composites(draw, name, templates):
    """A steps or a dag template over the templates that there are."""
    made = {"name": name}
    names = [f"{name}-{i}" for i in range(draw(st.integers(1, 5)))]
    if draw(st.booleans()):
        groups, before = [], []
        while names:
            size = draw(st.integers(1, len(names)))
            members, names = names[:size], names[size:]
            groups.append([draw(calls(n, templates, "steps", before)) for n in members])
            before += members
        made["steps"] = groups
    else:
        tasks = []
        style = draw(st.booleans())
        for i, task in enumerate(names):
            call = draw(calls(task, templates, "tasks", names[:i]))
            needs = draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=3)) if i else []
            if needs and style:
                call["dependencies"] = needs
            elif needs:
                parts = [n if draw(st.booleans()) else f"{n}.{draw(st.sampled_from(RESULTS))}" for n in needs]
                call["depends"] = draw(st.sampled_from((" && ", " || "))).join(parts)
                call.pop("continueOn", None)
            tasks.append(call)
        made["dag"] = {"tasks": tasks}
        if draw(st.integers(0, 6)) == 0:
            made["dag"]["failFast"] = False
        if draw(st.integers(0, 6)) == 0:
            made["dag"]["target"] = draw(st.sampled_from([t["name"] for t in tasks]))
    if draw(st.integers(0, 3)) == 0:
        made["parallelism"] = draw(st.integers(1, 3))
    if draw(st.integers(0, 4)) == 0:
        made["failFast"] = True
    if draw(st.integers(0, 5)) == 0:
        made["retryStrategy"] = {"limit": 1, "retryPolicy": "Always"}
    if draw(st.integers(0, 7)) == 0:
        made["memoize"] = {"key": f"all-{name}", "cache": {"configMap": {"name": "c"}}}
    if draw(st.integers(0, 7)) == 0:
        # Not the mutex of the leaves: whoever holds it would wait for itself.
        made["synchronization"] = {"mutexes": [{"name": f"of-{name}"}]}
    if draw(st.integers(0, 7)) == 0:
        made["inputs"] = {"parameters": [{"name": "p", "default": "d"}]}
        made["outputs"] = {
            "parameters": [{"name": "out", "valueFrom": {"expression": "inputs.parameters.p", "default": "0"}}]
        }
    return made


@st.composite
def workflows(draw):
    templates = leaves()
    names = list(LEAVES)
    for i in range(draw(st.integers(1, 4))):
        made = draw(composites(f"c{i}", names))
        templates.append(made)
        names.append(made["name"])
    spec = {"entrypoint": templates[-1]["name"], "templates": templates}
    if draw(st.integers(0, 2)) == 0:
        spec["parallelism"] = draw(st.integers(1, 4))
    if draw(st.booleans()):
        spec["onExit"] = draw(st.sampled_from(("ok", "again", names[-2])))
    if draw(st.integers(0, 4)) == 0:
        spec["hooks"] = {
            "h": {
                "template": "ok",
                "expression": draw(st.sampled_from(('workflow.status == "Running"', 'workflow.status == "Failed"'))),
            }
        }
    if draw(st.integers(0, 5)) == 0:
        spec["activeDeadlineSeconds"] = draw(st.integers(0, 20))
    if draw(st.integers(0, 6)) == 0:
        spec["synchronization"] = {"mutexes": [{"name": "of-the-run"}]}
    if draw(st.integers(0, 9)) == 0:
        spec["retryStrategy"] = {"limit": 1}
    if draw(st.integers(0, 9)) == 0:
        spec["suspend"] = True
    if draw(st.integers(0, 9)) == 0:
        spec["templateDefaults"] = {"timeout": "30s"} if draw(st.booleans()) else {"failFast": True}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "wf"}, "spec": spec}


class Watched(VirtualRun):
    """Random outcomes and times, and the laws checked while it runs."""

    def __init__(self, workflow, seed, people):
        self.choice = random.Random(seed)
        self.most = workflow["spec"].get("parallelism")
        self.shown = {}
        script = Script(options={"slots": {"process": 5, "http": 2}}, config_maps=MAPS)
        super().__init__(workflow, self.reply, script, observe=self.watch)
        for delay, kind in people:
            at = self.now + delay
            event = {
                "stop": StopRequested(at),
                "end": StopRequested(at, "Terminate"),
                "hold": SuspendRequested(at),
                "go": Resumed(at),
                "set": NodeSet(at, "phase=Running", self.choice.choice(("", "Succeeded", "Failed", "Error")), "said"),
                "fail": StopRequested(at, selector="displayName!=nobody", message="no"),
            }[kind]
            self.post(event)
            if kind == "hold":
                self.post(Resumed(at + 5.0))

    def reply(self, attempt):
        choice = self.choice
        phase = choice.choice(("Succeeded", "Succeeded", "Succeeded", "Failed", "Error"))
        outcome = Outcome(
            phase=phase,
            message="" if phase == "Succeeded" else "broke",
            exit_code=choice.randrange(3),
            transient=choice.random() < 0.3,
            retry_after=choice.choice((None, None, 4.0)),
            result=choice.choice(("1", "text", None)),
            parameters={"out": str(choice.randrange(9))},
        )
        if choice.random() < 0.1:
            self.post(LeafProgressed(self.now + 0.25, attempt.node, "1/2"))
        ready = bool(attempt.template.get("daemon")) and choice.random() < 0.7
        return Answer(
            outcome,
            takes=choice.choice((0.0, 0.5, 1.0, 7.0)),
            starts=choice.choice((None, 0.0, 0.25)) if not ready else 0.1,
            ready=ready,
        )

    def to_the_end(self):
        """Run it; who stands still because it waits for a person gets an answer."""
        for _ in range(200):
            if self.run() is not None or not (self.machine.suspended or self.machine.suspensions):
                return
            if self.machine.suspended or self.choice.random() < 0.5:
                self.post(Resumed(self.now))
            else:
                self.post(NodeSet(self.now, "", self.choice.choice(("Succeeded", "Failed", "Error")), "", {}))

    def _carry_out(self, command):
        if isinstance(command, StartLeaf):
            self.nothing_starts_early(self.machine.nodes[command.attempt.node])
            # A daemon that is up has given its place back, and what is being ended has none.
            at_work = [n for n in self.machine.active.values() if not n.done and not n.daemoned]
            web = sum(n.template.kind == "http" for n in at_work)
            assert len(at_work) - web <= 5
            assert web <= 2
            self.no_template_exceeds_its_limit(at_work)
            if self.most is not None:
                assert self.machine.workflow_gate.used <= self.most
        super()._carry_out(command)

    def no_template_exceeds_its_limit(self, at_work):
        """Leaves at work are below at most `parallelism` children of each composite that has a limit."""
        below = {}
        for leaf in at_work:
            node = leaf
            while node is not None:
                boundary = node.boundary
                if boundary is not None and boundary.template is not None and not node.exempt and not node.flags & 1:
                    below.setdefault(boundary, set()).add(self.counted(node))
                node = boundary
        for boundary, children in below.items():
            limit = boundary.template.parallelism
            if limit:
                assert len(children) <= limit, f"{boundary.name} runs {len(children)} of {limit}"

    def counted(self, node):
        """The child that a place was taken for: attempts of a retry and containers share that of their wrapper."""
        while (
            node.parent is not None and node.parent.boundary is node.boundary and node.parent.kind in ("Retry", "Pod")
        ):
            node = node.parent
        return node.number

    def nothing_starts_early(self, node):
        """What a task or a group waits for has ended, or runs as a daemon."""
        while node is not None:
            boundary, task = node.boundary, node.task
            if boundary is not None and boundary.kind == "DAG" and task is not None and not node.flags & 1:
                frame = boundary.frame
                for need in task.needs:
                    before = frame.nodes[need]
                    assert before is not None
                    assert before.fulfilled, f"{node.name} began before {before.name} had ended"
            if boundary is not None and boundary.kind == "Steps" and task is not None and not node.flags & 1:
                for group in (n for n in boundary.children if self.machine.nodes[n].kind == "StepGroup"):
                    other = self.machine.nodes[group]
                    assert other.done or other.number == max(n for n in self.groups(boundary)), (
                        f"{node.name} began before {other.name} had ended"
                    )
            node = node.parent

    def groups(self, boundary):
        return [n.number for n in self.machine.nodes if n.kind == "StepGroup" and n.boundary is boundary]

    def watch(self, news):
        for one in news:
            before, now = self.shown.get(one.node.number, ""), one.node.phase
            middle = {after for phase in TRANSITIONS[before] for after in TRANSITIONS[phase]}
            assert now == before or now in TRANSITIONS[before] or now in middle
            self.shown[one.node.number] = now


PEOPLE = st.lists(
    st.tuples(st.sampled_from((0.0, 0.5, 2.0, 6.0)), st.sampled_from(("stop", "end", "hold", "go", "set", "fail"))),
    max_size=2,
)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(workflow=workflows(), seed=st.integers(0, 2**32), people=PEOPLE)
def test_every_run_ends_whole(workflow, seed, people):
    """It ends; every node is fulfilled; no place, lock or attempt is left; the journal folds into the same state."""
    run = Watched(workflow, seed, people)
    run.to_the_end()
    machine = run.machine
    assert run.finished is not None, [(n.name, n.phase) for n in machine.nodes if not n.done]
    assert machine.phase in ("Succeeded", "Failed", "Error")
    assert [n.name for n in machine.nodes if not n.done] == []
    assert not any((machine.active, machine.waiting, machine.suspensions, machine.daemons, run.held))
    assert not run.locks.holding
    assert machine.workflow_gate.used == 0
    assert all(gate.used == 0 for gate in machine.slots.values())
    names = [n.name for n in machine.nodes]
    assert len(set(names)) == len(names)
    known = {n.number for n in machine.nodes}
    reached, todo = set(), [n.number for n in machine.nodes if n is machine.root or n.flags & 1]
    while todo:
        number = todo.pop()
        if number not in reached:
            reached.add(number)
            todo += machine.nodes[number].children
    assert reached == known, "a node hangs nowhere"
    told = json.dumps(workflow_object(machine))
    assert json.dumps(workflow_object(replay(run.journal, KINDS, random.Random))) == told


@settings(
    max_examples=EXAMPLES // 7, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(workflow=workflows(), seed=st.integers(0, 2**32))
def test_the_journal_folds_into_the_live_state_after_every_event(workflow, seed):
    run = Watched(workflow, seed, ())
    machine = None
    for _ in range(60):
        if run.due is None or run.finished is not None:
            break
        seen = len(run.journal)
        run.step()
        if machine is None:
            machine = replay(run.journal, KINDS, random.Random)
        else:
            for data in run.journal[seen:]:
                machine.handle(decode_event(data))
        assert json.dumps(workflow_object(machine)) == json.dumps(workflow_object(run.machine))


@settings(
    max_examples=EXAMPLES // 7, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(workflow=workflows(), seed=st.integers(0, 2**32), people=PEOPLE)
def test_the_same_events_give_the_same_status(workflow, seed, people):
    one, two = Watched(workflow, seed, people), Watched(workflow, seed, people)
    one.to_the_end()
    two.to_the_end()
    assert one.journal == two.journal
    assert json.dumps(workflow_object(one.machine)) == json.dumps(workflow_object(two.machine))
