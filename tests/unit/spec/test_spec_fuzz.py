"""Mutated documents give diagnostics or success: never another exception, and always places inside the text."""

import os
import random
from copy import deepcopy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.source import Source
from aggregator.spec.convert import convert_documents
from aggregator.spec.decode import decode_text
from aggregator.spec.fields import without_effect
from aggregator.spec.merge import apply_template_defaults, merge_workflow_template
from aggregator.spec.write import to_yaml
from aggregator.spec.yaml import parse_text

SEED = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: fuzz-, labels: {a: b}}
spec:
  entrypoint: main
  arguments: {parameters: [{name: count, value: 3, enum: [1, 3]}]}
  synchronization: {mutex: {name: m}}
  ttlSecondsAfterFinished: 5
  templateDefaults: {retryStrategy: {limit: 2, backoff: {duration: 1s}}}
  hooks: {exit: {template: leaf}}
  templates:
  - name: main
    dag:
      tasks:
      - &task {name: a, template: leaf, withItems: [1, {k: v}], depends: "b || c"}
      - {<<: *task, name: b, inline: {script: {image: x, source: print(1)}}}
  - name: group
    steps:
    - - {name: s, templateRef: {name: t, template: u}, withSequence: {count: "3"}}
  - name: leaf
    inputs: {artifacts: [{name: x, path: /x, s3: {bucket: b, key: k}}]}
    http: {url: "http://{{inputs.parameters.x}}", timeoutSeconds: 3, headers: [{name: a, value: b}]}
    outputs: {parameters: [{name: o, valueFrom: {path: /o, default: 1}}]}
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: Yg==}}]
"""
MUTANTS = int(os.environ.get("AGG_MUTANTS", "150"))  # per test; raise it for a long hunt
CHUNKS = ["", " ", "\n", "\t", ":", ": ", "- ", "[", "]", "{", "}", "{{", "}}", "'", '"', "|", ">", "&a ", "*a", "<<: ", "? ", "!!int ", "~", "y", "0x", "1e999", "#", "---", "\n---\n", "%", "@", "\x00", "\ufeff", "\ud800", "é", "name: x\n", "kind: Workflow\n", "9" * 30, "null"]  # fmt: skip
JUNK = [None, True, -1, 1.5, 2**70, "", "x", [], {}, [[]], {"a": {}}, [None], "{{x}}", [{"name": 1}], {"name": []}]


def check(text):
    source = Source("fuzz.yaml", text)
    for strict in (True, False):
        bundle = decode_text(source, strict=strict)
        for diagnostic in bundle.diagnostics:
            assert 0 <= diagnostic.span.start <= len(text)
            assert diagnostic.render()
        for item in bundle.workflows:
            for finding in without_effect(item):
                assert finding.render()
            spec = item.model.spec
            assert merge_workflow_template(spec, spec) is not None
            assert all(apply_template_defaults(t, spec.template_defaults).kinds == t.kinds for t in spec.templates)
    written = to_yaml(convert_documents(parse_text(source).documents))
    assert "retired-field" not in [d.code for d in decode_text(Source("again", written)).diagnostics]


@settings(max_examples=MUTANTS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(SEED)), st.integers(0, 12), st.sampled_from(CHUNKS)), max_size=4))
def test_mutated_text(edits):
    text = SEED
    for at, cut, chunk in edits:
        text = text[:at] + chunk + text[at + cut :]
    check(text)


def places(value, found):
    """Every container with every key of it."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            places(value[key], found)
    return found


@settings(max_examples=MUTANTS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_mutated_values(seed, changes):
    chance = random.Random(seed)
    documents = [d.value for d in parse_text(Source("seed", SEED)).documents]
    for _ in range(changes):
        found = places(documents, [])
        if not found:
            break
        holder, key = chance.choice(found)
        match chance.randrange(4):
            case 0:
                del holder[key]
            case 1:
                holder[key] = deepcopy(chance.choice(JUNK))
            case 2:
                other, name = chance.choice(found)
                if name in other if isinstance(other, dict) else name < len(other):
                    holder[key] = (
                        other[name] if not isinstance(other[name], dict | list) else deepcopy(chance.choice(JUNK))
                    )
            case _ if isinstance(holder, dict):
                holder[chance.choice(["schedule", "mutex", "name", "steps", "x", "<<", "items"])] = holder.pop(key)
    check(to_yaml(documents))


def test_the_seed_itself_is_clean():
    assert [d.code for d in decode_text(Source("seed", SEED)).diagnostics] == ["retired-field"] * 2
