"""How long `agg lint` takes: all example files in one process, a 20,000-task file, and the worst of many mutants.

AGG_MUTANTS says how many mutants, 2,000 else.
Limits: examples under 2 s; 20,000 tasks under 3 s and 300 MB; the slowest mutant under 1 s.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path

from aggregator.source import Source
from aggregator.spec.checks import check_documents, effectless
from aggregator.spec.decode import decode_text
from aggregator.spec.write import to_yaml
from aggregator.spec.yaml import parse_text

CORPUS = Path(os.environ.get("AGG_CORPUS") or Path(__file__).parents[2] / "shared" / "argo")
TASKS = 20_000
MUTANTS = int(os.environ.get("AGG_MUTANTS", "2000"))
HEAD = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: big-}
spec:
  entrypoint: main
  templates:
  - name: leaf
    inputs: {parameters: [{name: text}]}
    container: {image: busybox, command: [echo, "{{inputs.parameters.text}}"]}
  - name: main
    dag:
      tasks:
"""
TASK = """      - name: t{0}
        template: leaf
{1}        arguments:
          parameters:
          - name: text
            value: "{2}"
"""
# What each task depends on, and the task whose result it asks for.
SHAPES = {
    "chain, each asks for the first": (lambda i: [i - 1], lambda _: 0),
    "chain, each asks for the one before": (lambda i: [i - 1], lambda i: i - 1),
    "one before all the others": (lambda _: [0], lambda _: 0),
    "tree with cross edges": (lambda i: [i // 2, max(0, i - 7)], lambda _: 0),
}


def big(shape):
    needs, asks = SHAPES[shape]
    lines = [HEAD, TASK.format(0, "", "x")]
    for i in range(1, TASKS):
        wanted = ", ".join(f"t{n}" for n in sorted(set(needs(i))))
        lines.append(TASK.format(i, f"        dependencies: [{wanted}]\n", f"{{{{tasks.t{asks(i)}.outputs.result}}}}"))
    return "".join(lines)


def lint(*arguments):
    """Seconds, seconds of CPU, peak megabytes so far, and findings of one process."""
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "aggregator", "lint", *arguments, "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shown = json.loads(done.stdout)
    return (
        seconds,
        cpu,
        after.ru_maxrss / 1024,
        f"{len(shown['documents'])} documents, {shown['errors']} errors, {shown['warnings']} warnings",
    )


def report(label, limit, measured):
    seconds, cpu, peak, found = measured
    print(f"{label:<58} {seconds:6.2f} s, CPU {cpu:5.2f} s  (limit {limit} s)  peak {peak:4.0f} MB  {found}")


def places(value, found):
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        found.append((value, key))
        if isinstance(value[key], dict | list):
            places(value[key], found)
    return found


def slowest_mutant(files):
    """The most CPU seconds that reading and checking one mutant took, and what it was made of."""
    chance = random.Random(1)
    seeds = [
        (path.name, [d.value for d in parse_text(Source(path.name, path.read_text())).documents]) for path in files
    ]
    worst = (0.0, "")
    for _ in range(MUTANTS):
        name, documents = chance.choice(seeds)
        documents = deepcopy(documents)
        for _ in range(chance.randrange(1, 6)):
            spots = places(documents, [])
            if not spots:
                break
            holder, key = chance.choice(spots)
            other, theirs = chance.choice(spots)
            if chance.random() < 0.3:
                del holder[key]
            elif theirs in other if isinstance(other, dict) else theirs < len(other):
                holder[key] = deepcopy(other[theirs])
        text = to_yaml(documents)
        started = time.process_time()
        bundle = decode_text(Source("mutant.yaml", text))
        found = [
            *bundle.workflows,
            *bundle.workflow_templates,
            *bundle.cluster_workflow_templates,
            *bundle.cron_workflows,
        ]
        check_documents(bundle, found, submitted=True)
        for document in found:
            effectless(document)
        worst = max(worst, (time.process_time() - started, name))
    return worst


def main():
    examples = CORPUS / "examples"
    files = (
        sorted(examples.rglob("*.yaml"))
        if examples.exists()
        else [Path(__file__).parents[1] / "configs" / "dynamic-deal-aggregator.yaml"]
    )
    report(
        f"{len(files)} example files, one process",
        2,
        lint(*(["--with", str(examples), str(examples)] if len(files) > 1 else [str(files[0])])),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.yaml"
        for shape in SHAPES:
            path.write_text(big(shape))
            report(f"{TASKS:,} tasks: {shape}", 3, lint(str(path)))
    seconds, name = slowest_mutant(files)
    print(f"{f'slowest of {MUTANTS:,} mutants (of {name})':<58} {seconds:6.2f} s  (limit 1 s, CPU time)")


if __name__ == "__main__":
    main()
