"""Compares ways to make 10,000 GETs of 300 bytes of JSON, 64 at a time, from nginx on 127.0.0.1; prints a table.

`python benchmarks/http_transport.py [--requests N] [--only NAME]...`; needs nginx, and wrk for the server's own ceiling.
Each contender runs in a process of its own, one after the other, so that the ratios of one table belong together.
"""

import argparse
import asyncio
import json
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

WORKERS = 64
BODY = json.dumps({"userId": 1, "id": 1, "title": "a post of three hundred bytes", "body": "x" * 226})
CONFIG = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 '{body}'; }} }}
}}
"""


@contextmanager
def nginx():
    """The URL of a server that is not the limit."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "nginx.conf")
        config.write_text(CONFIG.format(folder=folder, port=port, body=BODY))
        server = subprocess.Popen(["nginx", "-c", str(config), "-e", f"{folder}/error.log"])
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/posts/1"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def ceiling(url):
    """What wrk gets out of the server, or None without wrk."""
    if not shutil.which("wrk"):
        return None
    done = subprocess.run(["wrk", "-t1", f"-c{WORKERS}", "-d2s", url], capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("Requests/sec"))
    return float(line.split()[1])


# Each contender gives (one request, close), both coroutine functions.


def plain_httpx(url):
    import httpx

    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=WORKERS, max_keepalive_connections=WORKERS))

    async def one():
        answer = await client.get(url)
        assert len(answer.text) == len(BODY)

    return one, client.aclose


def httpx_over_aiohttp(url):
    import httpx
    from httpx_aiohttp import AiohttpTransport

    client = httpx.AsyncClient(transport=AiohttpTransport())

    async def one():
        answer = await client.get(url)
        assert len(answer.text) == len(BODY)

    return one, client.aclose


def httpx_aiohttp_direct(url):
    import httpx
    from httpx_aiohttp import AiohttpTransport

    transport = AiohttpTransport()
    ready = httpx.Request("GET", url)

    async def one():
        answer = await transport.handle_async_request(ready)
        body = await answer.aread()
        await answer.aclose()
        assert len(body) == len(BODY)

    return one, transport.aclose


def httpx_types_over_aiohttp(url):
    import aiohttp
    import httpx
    from yarl import URL

    class Thin(httpx.AsyncBaseTransport):
        def __init__(self):
            self.session = aiohttp.ClientSession()

        async def handle_async_request(self, request):
            async with self.session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=request.content or None,
                allow_redirects=False,
            ) as answer:
                return httpx.Response(answer.status, headers=answer.raw_headers, content=await answer.read())

        async def aclose(self):
            await self.session.close()

    transport = Thin()

    async def one():
        answer = await transport.handle_async_request(httpx.Request("GET", url))
        assert len(answer.content) == len(BODY)

    return one, transport.aclose


def httpx_types_over_pyreqwest(url):
    import httpx
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().no_proxy().follow_redirects(False).build()

    async def one():
        request = httpx.Request("GET", url)
        builder = client.request(request.method, str(request.url)).headers(request.headers.multi_items())
        answer = await builder.build().send()
        body = (await answer.bytes()).to_bytes()
        response = httpx.Response(answer.status, headers=list(answer.headers.items()), content=body)
        assert len(response.content) == len(BODY)

    return one, client.close


def pyreqwests_httpx_adapter(url):
    import httpx
    from pyreqwest.compatibility.httpx import HttpxTransport

    transport = HttpxTransport()

    async def one():
        answer = await transport.handle_async_request(httpx.Request("GET", url))
        body = await answer.aread()
        await answer.aclose()
        assert len(body) == len(BODY)

    return one, transport.aclose


def bare_aiohttp(url):
    import aiohttp

    session = aiohttp.ClientSession()

    async def one():
        async with session.get(url) as answer:
            assert len(await answer.read()) == len(BODY)

    return one, session.close


def bare_pyreqwest(url):
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().no_proxy().build()

    async def one():
        answer = await client.get(url).build().send()
        assert len(await answer.bytes()) == len(BODY)

    return one, client.close


def own_transport(url):
    from aggregator.runtimes.http.exchange import Request
    from aggregator.runtimes.http.pool import PooledTransport

    transport = PooledTransport(user_agent="agg-benchmark")

    async def one():
        answer = await transport.send(Request("GET", url))
        assert len(answer.body) == len(BODY)

    return one, transport.close


def whole_runtime(url):
    from aggregator.engine.commands import Attempt
    from aggregator.runtimes.http import HttpRuntime

    runtime = HttpRuntime(secrets=None, concurrency=WORKERS, environ={})  # type: ignore[arg-type]
    body = {
        "url": url,
        "timeoutSeconds": 60,
        "successCondition": 'response.statusCode == 200 && response.body contains "userId"',
    }
    attempt = Attempt(
        node=1, node_id="n", name="n", display_name="n", template_name="t", pod_name="n", kind="http",
        template={"http": body}, index=0, workflow="w", uid="u", namespace="default", deadline=None, want_result=True,
    )  # fmt: skip

    async def one():
        outcome = await runtime.run(attempt, None, None)  # type: ignore[arg-type]
        assert outcome.phase == "Succeeded", outcome.message

    return one, runtime.stop


CONTENDERS = {
    "httpx": ("httpx.AsyncClient, its default transport", plain_httpx),
    "httpx-aiohttp": ("httpx.AsyncClient over httpx-aiohttp", httpx_over_aiohttp),
    "httpx-aiohttp-direct": ("httpx-aiohttp's transport, one ready Request", httpx_aiohttp_direct),
    "aiohttp-httpx-types": ("thin transport over aiohttp, httpx's types", httpx_types_over_aiohttp),
    "pyreqwest-adapter": ("pyreqwest's own httpx adapter", pyreqwests_httpx_adapter),
    "pyreqwest-httpx-types": ("thin transport over pyreqwest, httpx's types", httpx_types_over_pyreqwest),
    "aiohttp": ("bare aiohttp session", bare_aiohttp),
    "pyreqwest": ("bare pyreqwest client", bare_pyreqwest),
    "own": ("our pooled transport over httptools", own_transport),
    "runtime": ("HttpRuntime.run: read, limit, send, successCondition", whole_runtime),
}


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(name, url, requests):
    one, close = CONTENDERS[name][1](url)

    async def fan_out(count):
        numbers = iter(range(count))

        async def worker():
            for _ in numbers:
                await one()

        await asyncio.gather(*(worker() for _ in range(WORKERS)))

    await fan_out(WORKERS * 4)  # connections are open and code is warm
    cpu, loop_cpu, at = used(), time.thread_time(), time.perf_counter()
    await fan_out(requests)
    took, cpu, loop_cpu = time.perf_counter() - at, used() - cpu, time.thread_time() - loop_cpu
    await close()
    return {"rate": requests / took, "cpu": cpu / requests * 1e6, "loop": loop_cpu / requests * 1e6}


def child(name, url, requests):
    try:
        import uvloop

        print(json.dumps(uvloop.run(measure(name, url, requests))))
    except ImportError:
        print(json.dumps(asyncio.run(measure(name, url, requests))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--only", action="append", choices=list(CONTENDERS))
    parser.add_argument("--child", nargs=2, metavar=("NAME", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child, given.requests)
        return
    with nginx() as url:
        limit = ceiling(url)
        print(f"{given.requests} GETs of {len(BODY)} bytes, {WORKERS} in flight, Python {sys.version.split()[0]}")
        print(f"nginx itself, by wrk: {limit:,.0f} req/s" if limit else "wrk is not installed: no ceiling shown")
        print(f"{'contender':<54}{'req/s':>9}{'x httpx':>9}{'us CPU':>9}{'us loop':>9}")
        first = None
        for name in given.only or CONTENDERS:
            command = [sys.executable, __file__, "--child", name, url, "--requests", str(given.requests)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(f"{CONTENDERS[name][0]:<54} failed: {done.stderr.strip().splitlines()[-1]}")
                continue
            found = json.loads(done.stdout)
            first = first or (found["rate"] if name == "httpx" else None)
            ratio = f"{found['rate'] / first:.1f}" if first else "-"
            print(
                f"{CONTENDERS[name][0]:<54}{found['rate']:>9,.0f}{ratio:>9}{found['cpu']:>9.0f}{found['loop']:>9.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
