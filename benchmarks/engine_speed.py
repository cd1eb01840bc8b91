"""How fast the engine is: events a minute through the machine alone, and `agg test` of big runs, linear in their nodes.

Limits: 1.5 million events a minute; 100,000 elements of a loop, or tasks of a static DAG, in `agg test` under 20 s and 400 MB;
a node of 100,000 costs at most twice the time and memory of one of 1,000. All times are CPU times, so that other work on the
machine counts little. `python benchmarks/engine_speed.py [NODES]` measures fewer nodes.
"""

import gc
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

import msgspec

from aggregator.engine.commands import SetTimer, StartLeaf
from aggregator.engine.events import LeafFinished, LeafStarted, Outcome, Submitted, TimerFired
from aggregator.engine.machine import Machine
from aggregator.kinds import KINDS
from aggregator.spec.allocation import building

NODES = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
SIZES = tuple(n for n in (1_000, 10_000, 100_000) if n <= NODES)
EVENTS_A_MINUTE = 1_500_000
SECONDS, MEGABYTES = 20.0, 400.0
GROWTH = 2.0
ROUNDS = 2
WIDTH = 100
"""Tasks of a DAG that may run side by side: each needs one of the row before it, some two."""

SUCCEEDED = Outcome(phase="Succeeded", result="1")
FAILED = Outcome(phase="Failed", message="busy", exit_code=1)


# ------------------------------------------------------------------ workflows


def workflow(main, **leaf):
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "big"},
        "spec": {
            "entrypoint": "main",
            "templates": [
                {"name": "main", **main},
                {
                    "name": "leaf",
                    "inputs": {"parameters": [{"name": "number"}]},
                    "container": {"image": "busybox", "command": ["echo", "{{inputs.parameters.number}}"]},
                    **leaf,
                },
            ],
        },
    }


def call(value):
    return {"template": "leaf", "arguments": {"parameters": [{"name": "number", "value": value}]}}


def loop(count, **leaf):
    """One step, `count` elements."""
    return workflow({"steps": [[{"name": "each", **call("{{item}}"), "withSequence": {"count": str(count)}}]]}, **leaf)


def dag(count, arguments=False):
    """`count` tasks written down, in rows; each needs the one above it, every tenth also its neighbour."""
    tasks = []
    for i in range(count):
        task = {"name": f"t{i}", **(call(f"{i}") if arguments else {"template": "leaf"})}
        if i >= WIDTH:
            above = [f"t{i - WIDTH}"]
            task["dependencies"] = above if i % 10 else [*above, f"t{i - WIDTH + (1 if i % WIDTH < WIDTH - 1 else -1)}"]
        tasks.append(task)
    return workflow(
        {"dag": {"tasks": tasks}}, **({} if arguments else {"inputs": {}, "container": {"image": "busybox"}})
    )


def dag_with_arguments(count):
    """The same, and every task hands a text to its leaf."""
    return dag(count, arguments=True)


def mixed(count):
    """A loop whose leaves fail now and then and are tried again, after some seconds."""
    return loop(count, retryStrategy={"limit": "3", "backoff": {"duration": "2s", "factor": "2"}})


# ------------------------------------------------------------------ the machine alone


def drive(document, failing=0.0):
    """Events that the machine handled until the run's end, and the CPU seconds they took with nothing else done."""
    machine = Machine(KINDS, random.Random, observed=False)
    chance = random.Random(1)
    queue = deque([Submitted(at=0.0, name="big", uid="u", seed=0, workflow=document)])
    events, at = 0, 0.0
    gc.collect()
    with building():
        began = time.process_time()
        while queue:
            commands = machine.handle(queue.popleft()).commands
            events += 1
            for command in commands:
                at += 0.001
                if type(command) is StartLeaf:
                    number = command.attempt.node
                    queue.append(LeafStarted(at, number))
                    queue.append(LeafFinished(at, number, FAILED if chance.random() < failing else SUCCEEDED))
                elif type(command) is SetTimer:
                    at = max(at, command.at)
                    queue.append(TimerFired(at, command.timer))
        took = time.process_time() - began
    assert machine.phase in ("Succeeded", "Failed"), machine.phase
    return events, took, len(machine.nodes)


# ------------------------------------------------------------------ agg test


PEAK = """
import resource, sys
from aggregator.cli import main
code = main(["test", sys.argv[1]])
used = resource.getrusage(resource.RUSAGE_SELF)
# ru_maxrss would also count what this process was before it became python.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(used.ru_utime + used.ru_stime, int(peak.split()[1]) / 1024, file=sys.stderr)
sys.exit(code)
"""
CASE = """workflow: big.yaml
mocks:
- default: {phase: Succeeded}
expect:
  phase: Succeeded
  nodes: {big: {phase: Succeeded}}
"""


def tested(document, folder):
    """CPU seconds and peak megabytes of `agg test` for this workflow."""
    Path(folder, "big.yaml").write_bytes(msgspec.yaml.encode(document))
    path = Path(folder, "big.aggtest.yaml")
    path.write_text(CASE)
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    seconds, megabytes = map(float, done.stderr.split()[-2:])
    return seconds, megabytes


# ------------------------------------------------------------------ the table


def judge(found, failures, what):
    """Prints one row per size, and how the cost of a node grows from size to size, less what a run of one node costs."""
    (least_seconds, least_megabytes), *rows = found
    first = None
    for nodes, seconds, megabytes, told in rows:
        a_node = (seconds - least_seconds) / nodes * 1e6
        kilobytes = (megabytes - least_megabytes) / nodes * 1024
        first = first or (a_node, kilobytes)
        ratio, fatter = a_node / first[0], kilobytes / first[1] if first[1] > 0 else 1.0
        print(f"{what:28} {nodes:8,} {seconds:7.2f} s {a_node:7.1f} us a node, x{ratio:.2f} {told}", end="")
        print(f" {megabytes:5.0f} MB {kilobytes:5.2f} KB a node, x{fatter:.2f}" if megabytes else "", flush=True)
        if ratio > GROWTH or (megabytes and fatter > GROWTH):
            failures.append(f"{what}: a node of {nodes:,} costs more than {GROWTH} times one of {rows[0][0]:,}")
    return rows[-1]


def machine_alone(failures):
    for what, make, failing in (
        ("machine: loop", loop, 0.0),
        ("machine: DAG", dag, 0.0),
        ("machine: DAG with arguments", dag_with_arguments, 0.0),
        ("machine: loop with retries", mixed, 0.2),
    ):
        rows = [(0.0, 0.0)]
        for count in SIZES:
            events, seconds, nodes = min((drive(make(count), failing) for _ in range(ROUNDS)), key=lambda r: r[1])
            rate = events / seconds * 60
            rows.append((nodes, seconds, 0.0, f"{rate:12,.0f} events a minute"))
            if rate < EVENTS_A_MINUTE:
                failures.append(f"{what}, {count:,}: {rate:,.0f} events a minute, {EVENTS_A_MINUTE:,} are asked for")
        judge(rows, failures, what)


def agg_test(failures):
    with tempfile.TemporaryDirectory() as folder:
        for what, make, limited in (
            ("agg test: loop", loop, True),
            ("agg test: static DAG", dag, True),
            ("agg test: DAG with arguments", dag_with_arguments, False),
        ):
            rows = [tested(make(1), folder), *((count, *tested(make(count), folder), "") for count in SIZES)]
            count, seconds, megabytes, _ = judge(rows, failures, what)
            if limited and (seconds > SECONDS or megabytes > MEGABYTES):
                failures.append(
                    f"{what}, {count:,}: {seconds:.1f} s and {megabytes:.0f} MB, at most {SECONDS:.0f} s and {MEGABYTES:.0f} MB"
                )


def main():
    failures = []
    machine_alone(failures)
    agg_test(failures)
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
