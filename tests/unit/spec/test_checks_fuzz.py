"""Mutated documents give diagnostics, never another exception, and none takes 30 seconds.

CI tries a few hundred. A long hunt, in about ten minutes:
`AGG_MUTANTS=20000 pytest -n0 -o timeout=0 tests/unit/spec/test_checks_fuzz.py tests/unit/spec/test_spec_fuzz.py`
"""

import faulthandler
import os
import random
from copy import deepcopy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.source import Source
from aggregator.spec.checks import check_documents, check_submission, effectless
from aggregator.spec.decode import decode_text
from aggregator.spec.write import to_yaml
from aggregator.spec.yaml import parse_text

MUTANTS = int(os.environ.get("AGG_MUTANTS", "150"))
SEED = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: fuzz-, labels: {a: b}}
spec:
  entrypoint: main
  onExit: leaf
  arguments: {parameters: [{name: region, value: AWS_REGION, enum: [AWS_REGION]}], artifacts: [{name: f, raw: {data: x}}]}
  hooks: {running: {template: leaf, expression: workflow.status == "Running"}}
  volumes: [{name: v, emptyDir: {}}]
  synchronization: {mutexes: [{name: m}]}
  metrics: {prometheus: [{name: m, help: h, gauge: {value: "1", realtime: true}}]}
  templateDefaults: {retryStrategy: {limit: 2, retryPolicy: OnError, backoff: {duration: 1s}}}
  templates:
  - name: main
    inputs: {parameters: [{name: p, default: x}]}
    dag:
      target: a b
      tasks:
      - {name: a, template: leaf, withItems: [1, {k: v}], arguments: {parameters: [{name: q, value: "{{item.k}}"}]}}
      - {name: b, depends: a.AnySucceeded && !c, when: "{{tasks.a.outputs.result}} == a-b", templateRef: {name: stored, template: x}}
      - {name: c, inline: {steps: [[{name: s, template: main}], [{name: t, inline: {suspend: {}}, when: "{{steps.s.status}}"}]]}}
      - {name: d, dependencies: [c], template: set, arguments: {parameters: [{name: all, value: "{{tasks.a.outputs.result}}"}]}}
    outputs: {parameters: [{name: o, valueFrom: {expression: "tasks.a.outputs.result ?? inputs.parameters.p"}}]}
  - name: leaf
    inputs: {parameters: [{name: q, value: "{{workflow.parameters.region}}"}], artifacts: [{name: f, path: /f, optional: true}]}
    container: {image: x, command: [echo, "{{inputs.parameters.q}}"], env: [{name: AWS_REGION, value: "{{inputs.parameters.q}}"}, {name: MY_TOKEN, value: abcd}]}
    outputs: {parameters: [{name: o, valueFrom: {path: /o}, globalName: g}], artifacts: [{name: f, path: /g, s3: {bucket: b, key: k}}]}
  - name: set
    inputs: {parameters: [{name: all}]}
    containerSet: {containers: [{name: a, image: x, args: ["{{inputs.parameters.all}}"]}, {name: main, image: x, dependencies: [a]}]}
  - {name: res, resource: {action: create, manifest: "a: 1"}}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: cron}
spec: {schedules: ["*/5 1-3 * * mon"], timezone: UTC, workflowSpec: {workflowTemplateRef: {name: stored}}}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: stored}
spec:
  entrypoint: x
  templates: [{name: x, plugin: {aws-sns: {topicArn: "{{=workflow.parameters.t}}", message: "{{ =x}}"}}}]
"""
JUNK = [
    None, True, -1, 1.5, 2**70, "", "x", [], {}, [[]], {"a": {}}, [None], "{{x}}", "{{steps.a", "{{=", "{{=1 +}}", "{{tasks..}}",
    "{{tasks.}}", "{{inputs.parameters.{{item}}}}", "a && ", [{"name": 1}], {"name": []}, [{}], {"": ""},
]  # fmt: skip
KEYS = [
    "name",
    "template",
    "steps",
    "dag",
    "tasks",
    "depends",
    "dependencies",
    "inline",
    "templateRef",
    "withItems",
    "withParam",
    "withSequence",
    "hooks",
    "onExit",
    "when",
    "arguments",
    "parameters",
    "artifacts",
    "value",
    "valueFrom",
    "enum",
    "from",
    "container",
    "inputs",
    "outputs",
    "entrypoint",
    "templates",
    "spec",
    "metadata",
    "kind",
]


def places(value, found):
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        found.append((value, key))
        if isinstance(value[key], dict | list):
            places(value[key], found)
    return found


def mutated(documents, chance):
    holder, key = chance.choice(places(documents, []))
    other, name = chance.choice(places(documents, []))
    match chance.randrange(6):
        case 0:
            del holder[key]
        case 1:
            holder[key] = deepcopy(chance.choice(JUNK))
        case 2:
            holder[key] = deepcopy(other[name])
        case 3 if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = holder.pop(key)
        case 4 if isinstance(holder, list):
            holder.insert(0, deepcopy(holder[key]))
        case _ if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = deepcopy(chance.choice(JUNK))


WATCHDOG = 30  # seconds; then the place where it hangs is printed, and the process ends


def inspect(text):
    faulthandler.dump_traceback_later(WATCHDOG, exit=True)
    try:
        look(text)
    finally:
        faulthandler.cancel_dump_traceback_later()


def look(text):
    for strict in (True, False):
        bundle = decode_text(Source("fuzz.yaml", text), strict=strict)
        documents = [
            *bundle.workflows,
            *bundle.workflow_templates,
            *bundle.cluster_workflow_templates,
            *bundle.cron_workflows,
        ]
        found = check_documents(bundle, documents, submitted=strict)
        for document in documents:
            found += effectless(document)
        for workflow in bundle.workflows:
            found += check_submission(bundle, workflow, workflow.model.spec)
        for diagnostic in found:
            assert 0 <= diagnostic.span.start <= len(text)
            assert diagnostic.render()


@settings(max_examples=MUTANTS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_mutated_documents(seed, changes):
    chance = random.Random(seed)
    documents = [d.value for d in parse_text(Source("seed", SEED)).documents]
    for _ in range(changes):
        if places(documents, []):
            mutated(documents, chance)
    inspect(to_yaml(documents))


@settings(max_examples=MUTANTS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_mutated_examples(example_sources, seed, changes):
    chance = random.Random(seed)
    documents = [d.value for d in parse_text(chance.choice(example_sources)).documents]
    for _ in range(changes):
        if places(documents, []):
            mutated(documents, chance)
    inspect(to_yaml(documents))


def test_the_seed_uses_what_is_checked():
    bundle = decode_text(Source("seed", SEED))
    assert not bundle.errors
    found = {d.code for d in check_documents(bundle, bundle.workflows)}
    assert {"placeholder", "when-hyphen", "aggregate-in-env", "mixed-dependencies", "cycle"} & found
