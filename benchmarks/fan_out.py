"""10,000 GETs of 300-byte JSON: `agg run` (journaled, validated, aggregated) beside bare scripts, in the same sitting.

    python benchmarks/fan_out.py [--count 10000] [--rounds 3]

Needs nginx and curl; wrk, where it is there, shows what the server itself can do. Prints a table; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

BODY = json.dumps({"userId": 1, "id": 1, "title": "t" * 60, "body": "b" * 198})
IN_FLIGHT = 64

WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: fan-out-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: count, value: "10"}, {name: baseUrl, value: ""}]}
  templates:
    - name: main
      dag:
        tasks:
          - name: fetch-all
            template: fetch
            withSequence: {count: "{{workflow.parameters.count}}", start: "1"}
            arguments: {parameters: [{name: url, value: "{{workflow.parameters.baseUrl}}/posts/{{item}}"}]}
          - name: check
            template: check
            depends: fetch-all.Succeeded
            arguments:
              parameters: [{name: expected, value: "{{workflow.parameters.count}}"}]
              artifacts: [{name: responses, raw: {data: "{{tasks.fetch-all.outputs.result}}"}}]
    - name: fetch
      inputs: {parameters: [{name: url}]}
      retryStrategy: {limit: "3", retryPolicy: OnTransientError, backoff: {duration: 1s, factor: "2"}}
      http:
        url: "{{inputs.parameters.url}}"
        timeoutSeconds: 60
        successCondition: response.statusCode == 200 && response.body contains "userId" && response.body contains "id"
    - name: check
      inputs:
        parameters: [{name: expected}]
        artifacts: [{name: responses, path: /tmp/responses.json}]
      script:
        image: python:3.12
        command: [python]
        source: |
          import json, sys
          sys.exit(len(json.load(open("/tmp/responses.json"))) != int("{{inputs.parameters.expected}}"))
"""

HTTPX = """
import asyncio, json, sys, httpx
async def main(base, count, workers):
    numbers, out = iter(range(1, count + 1)), [None] * count
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=workers, max_keepalive_connections=workers)) as client:
        async def work():
            for n in numbers:
                r = await client.get(f"{base}/posts/{n}")
                assert r.status_code == 200 and "userId" in r.text
                out[n - 1] = r.json()
        await asyncio.gather(*(work() for _ in range(workers)))
    json.dumps(out)
asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""

AIOHTTP = """
import asyncio, json, sys, aiohttp
async def main(base, count, workers):
    numbers, out = iter(range(1, count + 1)), [None] * count
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=workers)) as session:
        async def work():
            for n in numbers:
                async with session.get(f"{base}/posts/{n}") as r:
                    text = await r.text()
                    assert r.status == 200 and "userId" in text
                    out[n - 1] = json.loads(text)
        await asyncio.gather(*(work() for _ in range(workers)))
    json.dumps(out)
asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_nginx(folder: pathlib.Path) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{ access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location /posts/ {{ default_type application/json; return 200 '{BODY}'; }} }} }}"""
    )
    process = subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{url}/posts/1", timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process, url
    raise SystemExit("nginx did not start")


def timed(argv: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Seconds, and the peak memory in MB, of one process."""
    start = time.monotonic()
    process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{argv[:4]} ended with {process.returncode}\n{errors.decode()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    count = options.count
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        nginx, url = start_nginx(folder)
        try:
            (folder / "fan.yaml").write_text(WORKFLOW)
            urls = (f'url = "{url}/posts/{n}"\noutput = /dev/null\n' for n in range(1, count + 1))
            (folder / "curl.txt").write_text("".join(urls))
            env = {**os.environ, "AGG_HOME": str(folder / "home")}
            agg = [
                sys.executable,
                "-m",
                "aggregator",
                "run",
                str(folder / "fan.yaml"),
                "-p",
                f"count={count}",
                "-p",
                f"baseUrl={url}",
            ]
            rows = {
                "agg run": [*agg, "--progress", "none"],
                "agg run, plain progress": [*agg, "--progress", "plain"],
                "httpx script, 64 workers": [sys.executable, "-c", HTTPX, url, str(count), str(IN_FLIGHT)],
                "aiohttp script, 64 workers": [sys.executable, "-c", AIOHTTP, url, str(count), str(IN_FLIGHT)],
                "curl --parallel": [
                    "curl",
                    "-s",
                    "--parallel",
                    "--parallel-max",
                    str(IN_FLIGHT),
                    "--config",
                    str(folder / "curl.txt"),
                ],
            }
            seen: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
            for _ in range(options.rounds):
                for name, argv in rows.items():
                    seen[name].append(timed(argv, env))
            base = statistics.median(s for s, _ in seen["httpx script, 64 workers"])
            print(f"{count:,} GETs of {len(BODY)} bytes, {IN_FLIGHT} in flight, median of {options.rounds}")
            print(f"{'':<28}{'seconds':>9}{'items/s':>10}{'x httpx':>9}{'peak MB':>9}")
            for name, results in seen.items():
                seconds = statistics.median(s for s, _ in results)
                memory = max(m for _, m in results)
                print(f"{name:<28}{seconds:>9.2f}{count / seconds:>10.0f}{base / seconds:>9.2f}{memory:>9.0f}")
            if shutil.which("wrk"):
                told = subprocess.run(
                    ["wrk", "-t1", "-c64", "-d3s", f"{url}/posts/1"], capture_output=True, text=True, check=True
                )
                line = next(li for li in told.stdout.splitlines() if "Requests/sec" in li)
                print(f"the server's own ceiling (wrk): {line.split()[-1]} requests/s")
        finally:
            nginx.terminate()
            nginx.wait()


if __name__ == "__main__":
    main()
