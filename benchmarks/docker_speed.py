"""100 containers by `agg run --runtime docker`, beside a shell loop of `docker run` at the same concurrency.

    python benchmarks/docker_speed.py [--containers 100] [--parallel 4] [--rounds 3] [--image alpine:3.23]

Both start the same containers of the same engine in the same sitting, in turns; the ratio of the medians counts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: speed-}}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - name: each
        template: one
        withSequence: {{count: "{count}"}}
  - name: one
    container: {{image: "{image}", command: ["true"]}}
"""


def timed(command, environment, **options):
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.perf_counter() - began


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--containers", type=int, default=100)
    options.add_argument("--parallel", type=int, default=4)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--image", default="alpine:3.23")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "AGG_HOME": f"{folder}/home", "NO_COLOR": "1"}
        file = Path(folder, "speed.yaml")
        file.write_text(WORKFLOW.format(count=given.containers, image=given.image))
        ours = [sys.executable, "-m", "aggregator", "run", str(file), "--runtime", "docker", "--progress", "none"]
        ours += ["--max-parallel", str(given.parallel)]
        loop = f"seq {given.containers} | xargs -P{given.parallel} -n1 sh -c 'docker run --rm {given.image} true'"
        took = {"docker run": [], "agg": []}
        for number in range(given.rounds):
            took["docker run"].append(timed(["sh", "-c", loop], environment))
            took["agg"].append(timed(ours, environment))
            print(f"round {number + 1}: " + ", ".join(f"{name} {times[-1]:.1f} s" for name, times in took.items()))
        medians = {name: statistics.median(times) for name, times in took.items()}
        print(
            f"{given.containers} containers, {given.parallel} at a time: "
            + ", ".join(f"{n} {m:.2f} s" for n, m in medians.items())
        )
        print(f"ratio: {medians['agg'] / medians['docker run']:.2f}")


if __name__ == "__main__":
    main()
