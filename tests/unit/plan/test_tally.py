"""Nodes, attempts and requests of a run in which all succeeds, and of one in which all fails; each counted by a run, too."""

import random

import pytest

from aggregator.engine.events import NodeSet, Outcome
from aggregator.lang.context import Context
from aggregator.plan.compile import compile_workflow
from aggregator.plan.tally import tally
from aggregator.source import Source
from aggregator.spec.yaml import parse_text
from aggregator.testing.dry import dry_answer
from aggregator.testing.virtual import Answer, Script, VirtualRun

LEAVES = """
- {name: leaf, inputs: {parameters: [{name: p, default: d}]}, container: {image: x}}
- {name: web, http: {url: 'http://x'}}
- {name: again, retryStrategy: {limit: 2}, container: {image: x}}
- {name: errors, retryStrategy: {limit: 1, retryPolicy: OnError}, container: {image: x}}
- {name: ask, suspend: {}}
- {name: set, containerSet: {containers: [{name: main, image: x}, {name: b, image: x}]}}
- {name: twice, retryStrategy: {limit: 1, retryPolicy: Always}, steps: [[{name: in, template: leaf}]]}
- {name: failures, retryStrategy: {limit: 1}, dag: {tasks: [{name: in, template: leaf}]}}
- {name: transient, retryStrategy: {limit: 1, retryPolicy: OnTransientError}, steps: [[{name: in, template: leaf}]]}
- {name: judged, retryStrategy: {limit: 1, expression: 'true'}, container: {image: x}}
- {name: forever, retryStrategy: {}, container: {image: x}}
- {name: patient, retryStrategy: {limit: 9, backoff: {duration: '1', maxDuration: '3'}}, container: {image: x}}
- {name: kept, memoize: {key: k, cache: {configMap: {name: c}}}, container: {image: x}}
- {name: needy, inputs: {parameters: [{name: p}]}, container: {image: x}}
- {name: mapped, inputs: {parameters: [{name: p, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}, container: {image: x}}
- {name: few, synchronization: {semaphores: [{configMapKeyRef: {name: c, key: k}}]}, container: {image: x}}
- {name: fast, failFast: true, steps: [[{name: in, template: leaf}]]}
- {name: self, steps: [[{name: in, template: self}]]}
- {name: made, outputs: {parameters: [{name: o, valueFrom: {path: /o}}], artifacts: [{name: f, path: /f}]}, container: {image: x}}
"""


def document(main, spec=""):
    indented = "".join(f"  {line}\n" for line in f"- name: main\n  {main}\n{LEAVES.strip()}".splitlines())
    text = f"metadata: {{name: w}}\nspec:\n  entrypoint: main\n{spec}  templates:\n{indented}"
    (found,) = parse_text(Source("w", text)).documents
    return found.value


def planned(workflow, fails, **known):
    context = Context(now=0, random=random.Random(1), keep=lambda _, make: make())
    known = {f"workflow.parameters.{key}": value for key, value in known.items()}
    return tally(compile_workflow(workflow), context, known, fails=fails)


def ran(workflow, fails):
    """The counts of a run, in which people fail what waits for them, too."""

    def answer(attempt):
        if not fails:
            return dry_answer(run, attempt)
        retry = run.machine.nodes[attempt.node].template.retry
        phase = "Error" if retry is not None and retry.tree.value.get("retryPolicy") == "OnError" else "Failed"
        return Answer(Outcome(phase=phase, transient=True, exit_code=1))

    run = VirtualRun(workflow, answer, Script())
    while run.run() is None:
        run.post(NodeSet(run.now, "", "Failed" if fails else "Succeeded"))
    requests = sum(attempt.kind == "http" for attempt in run.attempts)
    return len(run.machine.nodes), len(run.attempts), requests


def steps(*groups):
    return "steps: [" + ", ".join(f"[{group}]" for group in groups) + "]"


def dag(*tasks, more=""):
    return "dag: {" + more + "tasks: [" + ", ".join(f"{{{task}}}" for task in tasks) + "]}"


EXACT = [
    steps("{name: a, template: leaf}, {name: b, template: web}", "{name: c, template: again}"),
    steps("{name: a, template: again, continueOn: {failed: true}}", "{name: b, template: errors}", "{name: c, template: leaf}"),
    steps("{name: a, template: errors, continueOn: {error: true}}", "{name: b, template: set}"),
    steps("{name: a, template: ask}", "{name: b, template: leaf}"),
    steps("{name: a, template: twice}, {name: b, template: failures}, {name: c, template: transient}"),
    steps("{name: a, template: leaf, withItems: [1, 2, 3]}, {name: b, template: leaf, withSequence: {count: '0'}}"),
    steps("{name: a, template: leaf, withItems: [1, 2, 3], when: '{{item}} > 1'}", "{name: b, template: leaf}"),
    steps("{name: a, template: leaf, withItems: [1, 2], when: 'false'}", "{name: b, template: leaf, when: '1 == 1'}"),
    steps("{name: a, template: leaf}", "{name: b, template: leaf, when: '{{steps.a.status}} != Succeeded'}"),
    steps("{name: a, template: leaf, hooks: {exit: {template: again}}, withItems: [1, 2]}"),
    dag("name: a, template: leaf", "name: b, template: leaf, depends: a", "name: c, template: web, depends: a.Failed"),
    dag("name: a, template: leaf", "name: b, template: leaf, depends: a.Failed && c.Omitted", "name: c, template: leaf, dependencies: [a]").replace("dependencies: [a]", "depends: a"),
    dag("name: a, template: leaf", "name: b, template: leaf, depends: a", "name: c, template: leaf, depends: b", "name: d, template: leaf", more="target: c, "),
    dag("name: a, template: again, withItems: [1, 2]", "name: b, template: leaf, depends: a.AllFailed", "name: c, template: leaf, depends: a.AnySucceeded"),
    dag("name: a, template: leaf, continueOn: {failed: true}", "name: b, template: leaf, dependencies: [a], when: '{{tasks.a.status}} == Failed'"),
    dag("name: a, template: leaf, withSequence: {count: '0'}", "name: b, template: leaf, dependencies: [a]"),
    "container: {image: x}",
]  # fmt: skip


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("main", EXACT)
@pytest.mark.parametrize("spec", ["", "  onExit: leaf\n", "  retryStrategy: {limit: 1}\n"])
def test_what_is_exact_is_what_runs(main, spec, fails):
    workflow = document(main, spec)
    found = planned(workflow, fails)
    assert found.exact or "retryStrategy" in spec
    if found.exact:
        assert (found.nodes, found.attempts, found.requests) == ran(workflow, fails)


def test_numbers_by_hand():
    """Root, two groups, a leaf, a request, a wrapper and its attempts; all failing, the first group is the last."""
    workflow = document(EXACT[0])
    one = planned(workflow, False)
    assert (one.nodes, one.attempts, one.requests, one.phase) == (7, 3, 1, "Succeeded")
    one = planned(workflow, True)
    assert (one.nodes, one.attempts, one.requests, one.phase) == (4, 2, 1, "Failed")


UNTOLD = [
    (steps("{name: a, template: leaf, when: '{{steps.b.outputs.result}} == x'}"), "  ", (False, False)),
    (steps("{name: a, template: leaf, when: '1 <'}"), "", (False, False)),
    (steps("{name: a, template: leaf, when: \"'text'\"}"), "", (False, False)),
    (steps("{name: a, template: leaf, withParam: '{{workflow.parameters.unknown}}'}"), "", (False, False)),
    (steps("{name: a, template: leaf, withSequence: {count: '30000'}}"), "", (False, False)),
    (steps("{name: a, template: nobody}"), "", (False, False)),
    (steps("{name: a, template: self}"), "", (False, False)),
    (steps("{name: a, template: kept}"), "", (False, False)),
    (steps("{name: a, template: needy}"), "", (False, False)),
    (steps("{name: a, template: mapped}"), "", (False, False)),
    (steps("{name: a, template: few}"), "", (False, False)),
    (steps("{name: a, template: leaf, hooks: {h: {template: leaf, expression: 'true'}}}"), "", (False, False)),
    (dag("name: a, template: leaf", "name: b, template: leaf, depends: '{{workflow.parameters.need}}'"), "", (False, False)),
    (steps("{name: a, template: judged}"), "", (True, False)),
    (steps("{name: a, template: forever}"), "", (True, False)),
    (steps("{name: a, template: patient}"), "", (True, False)),
    (steps("{name: a, template: fast}"), "", (True, False)),
    (steps("{name: a, template: made}", "{name: b, template: leaf, arguments: {parameters: [{name: p, value: '{{steps.a.outputs.parameters.o}}'}]}}").replace("template: made}", "template: made, continueOn: {failed: true}}"), "", (True, False)),
    (steps("{name: a, template: made, continueOn: {failed: true}}", "{name: b, template: leaf, arguments: {artifacts: [{name: f, from: '{{steps.a.outputs.artifacts.f}}'}]}}"), "", (True, False)),
    ("container: {image: x}", "  hooks: {h: {template: leaf, expression: 'true'}}\n", (False, False)),
    ("container: {image: x}", "  synchronization: {semaphores: [{configMapKeyRef: {name: c, key: k}}]}\n", (False, False)),
    ("container: {image: x}", "  arguments: {parameters: [{name: p, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}\n", (False, False)),
    ("container: {image: x}", "  onExit: self\n", (False, False)),
]  # fmt: skip


@pytest.mark.parametrize(("main", "spec", "exact"), UNTOLD)
def test_what_only_a_run_can_tell_is_not_exact(main, spec, exact):
    workflow = document(main, spec if spec.strip() else "")
    assert tuple(planned(workflow, fails).exact for fails in (False, True)) == exact


def test_parameters_decide():
    workflow = document(steps("{name: a, template: leaf, withSequence: {count: '{{workflow.parameters.n}}'}}"))
    assert [planned(workflow, False, n=str(n)).attempts for n in (1, 5)] == [1, 5]


def test_a_walk_ends_when_it_has_gone_far_enough():
    """What calls itself in many ways, and loops of loops, end the count instead of filling the memory."""
    inner = steps("{name: a, template: leaf, withSequence: {count: '1000'}}")
    workflow = document(steps("{name: a, template: many, withSequence: {count: '1000'}}"))
    workflow["spec"]["templates"].append({**document(inner)["spec"]["templates"][0], "name": "many"})
    found = planned(workflow, False)
    assert not found.exact
    assert found.attempts <= 21_000
