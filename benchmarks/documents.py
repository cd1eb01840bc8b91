"""How long it takes to read documents: a 20,000-task file, 1 MB of JSON, and the worst of many mutants of a small one."""

import json
import random
import resource
import time

from aggregator.source import Source
from aggregator.spec.decode import decode_text
from aggregator.spec.fields import uses
from aggregator.spec.yaml import parse_text

TASKS = 20_000
MUTANTS = 2_000
HEAD = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: big-}
spec:
  entrypoint: main
  templates:
  - name: leaf
    inputs: {parameters: [{name: n}]}
    container: {image: busybox}
  - name: main
    dag:
      tasks:
"""
TASK = """      - name: t{0}
        template: leaf
        arguments:
          parameters:
          - name: n
            value: "{0}"
"""


def timed(label, act):
    started = time.perf_counter()
    result = act()
    print(f"{label:<46} {time.perf_counter() - started:8.3f} s")
    return result


def slowest_mutant():
    text = HEAD + "".join(TASK.format(i) for i in range(20))
    chance = random.Random(1)
    worst = 0.0
    for _ in range(MUTANTS):
        at, cut = chance.randrange(len(text)), chance.randrange(30)
        chunk = chance.choice(["", "[", "{", "&a ", "*a", "\t", ": ", "'", "\n---\n", "- " * 60, "{{"])
        started = time.perf_counter()
        decode_text(Source("mutant", text[:at] + chunk + text[at + cut :]))
        worst = max(worst, time.perf_counter() - started)
    return worst


def main():
    text = HEAD + "".join(TASK.format(i) for i in range(TASKS))
    source = Source("big.yaml", text)
    print(f"{TASKS} tasks, {len(text) / 1e6:.2f} MB of YAML")
    parsed = timed("parse: values and places", lambda: parse_text(source))
    bundle = timed("decode: parse, models, diagnostics", lambda: decode_text(source))
    timed("ledger: every field used", lambda: uses(bundle.workflows[0]))
    as_json = json.dumps(parsed.documents[0].value)
    timed(f"decode the same as {len(as_json) / 1e6:.2f} MB of JSON", lambda: decode_text(Source("big.json", as_json)))
    worst = timed(f"{MUTANTS} mutants of a small file", slowest_mutant)
    print(f"{'the slowest mutant':<46} {worst:8.3f} s")
    print(f"{'peak memory':<46} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
