"""2,000 processes that do nothing, four at a time: `agg run` (journaled) beside xargs and GNU parallel, in the same sitting.

    python benchmarks/process_speed.py [--count 2000] [--rounds 5]

Each round runs every way once, in turn, so that a busy machine is busy for all of them; the ratios are what counts. CPU time
is that of all processes of a way together. Needs xargs; parallel and bwrap where they are there.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

AT_ONCE = 4

WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: speed-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: count, value: "10"}]}
  templates:
    - name: main
      steps: [[{name: each, template: leaf, withSequence: {count: "{{workflow.parameters.count}}"}}]]
    - name: leaf
      container: {image: alpine, command: ["true"]}
"""
ISOLATED = "--ro-bind / / --dev-bind /dev /dev --tmpfs /tmp"
BARE_BUBBLEWRAP = f"bwrap {ISOLATED} --die-with-parent --unshare-pid --proc /proc --new-session true"


def timed(argv: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Seconds on the clock, and of processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    seconds = time.monotonic() - start
    if done.returncode:
        raise SystemExit(f"{argv} ended with {done.returncode}\n{done.stderr.decode()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    count = options.count
    # Below HOME, as state folders are: below /tmp, of which each leaf has its own, bubblewrap has one mount more to make.
    with tempfile.TemporaryDirectory(dir=pathlib.Path.home(), prefix=".agg-speed-") as scratch:
        folder = pathlib.Path(scratch)
        (folder / "speed.yaml").write_text(WORKFLOW)
        env = {**os.environ, "AGG_HOME": str(folder / "home")}
        agg = [sys.executable, "-m", "aggregator", "run", str(folder / "speed.yaml"), "-p", f"count={count}"]
        agg += ["--runtime", "process", "--max-parallel", str(AT_ONCE), "--progress", "none"]
        ways: dict[str, tuple[list[str], dict[str, str]]] = {
            "agg, without isolation": (agg, {**env, "AGG_PROCESS_ISOLATION": "none"}),
            "xargs": (["sh", "-c", f"seq {count} | xargs -P{AT_ONCE} -n1 true"], env),
        }
        if shutil.which("parallel"):
            ways["GNU parallel"] = (["sh", "-c", f"seq {count} | parallel --will-cite -j{AT_ONCE} true"], env)
        if shutil.which("bwrap"):
            ways["agg, with bubblewrap"] = (agg, {**env, "AGG_PROCESS_ISOLATION": "bubblewrap"})
            line = f"seq {count} | xargs -P{AT_ONCE} -n1 {BARE_BUBBLEWRAP} || true"
            ways["xargs over bare bubblewrap"] = (["sh", "-c", line], env)
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, (argv, environ) in ways.items():
                seen[name].append(timed(argv, environ))
        print(f"{count:,} processes `true`, {AT_ONCE} at a time, median of {options.rounds} rounds")
        print(f"{'':<28}{'seconds':>9}{'a second':>10}{'cpu s':>8}")
        for name, results in seen.items():
            seconds = statistics.median(s for s, _ in results)
            cpu = statistics.median(c for _, c in results)
            print(f"{name:<28}{seconds:>9.2f}{count / seconds:>10.0f}{cpu:>8.2f}")
        for ours, theirs in (
            ("agg, without isolation", "xargs"),
            ("agg, without isolation", "GNU parallel"),
            ("agg, with bubblewrap", "xargs over bare bubblewrap"),
        ):
            if ours in seen and theirs in seen:
                wall, cpu = (
                    statistics.median(a[n] / b[n] for a, b in zip(seen[ours], seen[theirs], strict=True))
                    for n in (0, 1)
                )
                print(f"{ours} / {theirs}: {wall:.2f} times the seconds, {cpu:.2f} times the cpu (median of pairs)")


if __name__ == "__main__":
    main()
