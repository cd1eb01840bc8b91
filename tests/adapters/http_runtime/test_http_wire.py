"""The HTTP runtime over real sockets: what servers do wrong, TLS, gzip, pooling, proxies and cancellation."""

import asyncio
import gzip
import os
import socket

import pytest


async def fine(wire):
    wire.answer(200, b'{"id": 1}')


def test_the_result_is_the_full_body_and_the_status_is_told(http):
    outcome, server = http.against(fine, path="/posts/1?x=1")
    assert (outcome.phase, outcome.result, outcome.http_status, outcome.message) == ("Succeeded", '{"id": 1}', 200, "")
    assert server.seen[0].line == "GET /posts/1?x=1 HTTP/1.1"
    assert server.seen[0].header("host") == f"127.0.0.1:{server.port}"
    assert server.seen[0].header("user-agent").startswith("agg/")


def test_a_body_of_many_megabytes_is_kept_whole(http):
    size = 12_000_000

    async def huge(wire):
        wire.answer(200, b"x" * size)
        await wire.drain()

    outcome, _ = http.against(huge)
    assert len(outcome.result) == size


def test_bytes_that_are_no_utf_8_are_replaced_as_go_does_when_it_writes_json(http):
    async def latin(wire):
        wire.answer(200, "fenêtre".encode("latin-1"), Content_Type="text/plain; charset=iso-8859-1")

    assert http.against(latin)[0].result == "fen�tre"


def test_gzip_is_asked_for_and_decoded(http):
    async def packed(wire):
        wire.answer(200, gzip.compress(b"hello"), Content_Encoding="gzip")

    outcome, server = http.against(packed)
    assert outcome.result == "hello"
    assert server.seen[0].header("accept-encoding") == "gzip"


def test_with_an_accept_encoding_of_its_own_the_leaf_gets_the_bytes_as_they_come(http):
    async def packed(wire):
        wire.answer(200, b"still packed", Content_Encoding="gzip")

    outcome, server = http.against(packed, {"headers": [{"name": "Accept-Encoding", "value": "identity"}]})
    assert outcome.result == "still packed"
    assert [value for name, value in server.seen[0].headers if name.lower() == "accept-encoding"] == ["identity"]


def test_a_body_that_is_not_the_gzip_it_claims_to_be_fails(http):
    async def broken(wire):
        wire.answer(200, b"no gzip at all", Content_Encoding="gzip")

    outcome, _ = http.against(broken)
    assert outcome.phase == "Failed"
    assert "cannot be decoded" in outcome.message


def test_503_is_failed_and_transient_and_hands_on_what_retry_after_asks(http):
    async def busy(wire):
        wire.answer(503, b"come back later", Retry_After="7")

    outcome, server = http.against(busy, path="/a")
    assert (outcome.phase, outcome.http_status, outcome.result) == ("Failed", 503, "come back later")
    assert (outcome.transient, outcome.retry_after) == (True, 7.0)
    assert outcome.message == (
        f"received non-2xx response code: 503 Service Unavailable from GET {server.url}/a, body: come back later"
    )


def test_under_strict_argo_a_503_is_not_transient_and_retry_after_is_not_heard(http):
    async def busy(wire):
        wire.answer(503, b"", Retry_After="7")

    outcome, _ = http.against(busy, strict_argo=True)
    assert (outcome.transient, outcome.retry_after) == (False, None)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("reset", "connection reset by peer"),
        ("reset-in-body", "connection reset by peer"),
        ("close", "closed the connection without an answer"),
        ("short", "broke off"),
    ],
)
def test_a_connection_lost_before_or_within_the_answer_is_failed_transient_and_has_no_result(http, way, words):
    async def lose(wire):
        if way in ("reset-in-body", "short"):
            wire.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            await wire.drain()
            await asyncio.sleep(0.05)
        if way.startswith("reset"):
            wire.reset()
        else:
            wire.close()

    outcome, server = http.against(lose, path="/x")
    assert (outcome.phase, outcome.result, outcome.http_status, outcome.transient) == ("Failed", None, None, True)
    assert outcome.message.startswith(f'Get "{server.url}/x": ')
    assert words in outcome.message


def test_an_answer_that_is_no_http_is_failed_and_not_transient(http):
    async def garbage(wire):
        wire.raw(b"220 smtp ready\r\n\r\n")
        wire.close()

    outcome, _ = http.against(garbage)
    assert (outcome.phase, outcome.transient) == ("Failed", False)
    assert "malformed HTTP response" in outcome.message


@pytest.mark.parametrize("part", ["nothing", "half"])
def test_a_stall_ends_after_timeout_seconds_of_the_whole_exchange(http, part):
    async def stall(wire):
        if part == "half":
            wire.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await asyncio.sleep(30)

    outcome, server = http.against(stall, {"timeoutSeconds": 0.2})
    assert (outcome.phase, outcome.transient, outcome.result) == ("Failed", True, None)
    assert outcome.message == (
        f'Get "{server.url}": context deadline exceeded: timeout, no complete answer within timeoutSeconds: 0.2'
    )
    assert server.lost.is_set() or server.connections == 1


def test_redirects_share_one_limit(http):
    async def slow(wire):
        await asyncio.sleep(0.15)
        wire.answer(302, b"", Location="/again")

    outcome, server = http.against(slow, {"timeoutSeconds": 0.4})
    assert "context deadline exceeded" in outcome.message
    assert 2 <= len(server.seen) <= 4


def test_over_tls_the_limit_is_kept_too(http, tmp_path, monkeypatch):
    context, path = http.certificate(tmp_path, authority=True)
    monkeypatch.setenv("SSL_CERT_FILE", path)

    async def stall(wire):
        await asyncio.sleep(30)

    outcome, _ = http.against(stall, {"timeoutSeconds": 0.3}, tls=context)
    assert (outcome.phase, outcome.transient) == ("Failed", True)
    assert "no complete answer within timeoutSeconds: 0.3" in outcome.message


def test_the_attempts_deadline_ends_the_exchange_too(http):
    async def stall(wire):
        await asyncio.sleep(30)

    async def scenario():
        async with http.Server(stall) as server:
            runtime = http.Runtime(secrets=http.Secrets(), environ={})
            outcome = await runtime.run(
                http.attempt(url=server.url, deadline=http.soon(0.2), timeoutSeconds=60), None, http.Sink()
            )
            await runtime.stop()
            return outcome

    outcome = asyncio.run(scenario())
    assert outcome.phase == "Failed"
    assert "left until the deadline" in outcome.message


def test_a_refused_connection_says_so_in_words_that_argo_takes_for_transient(http):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for strict in (False, True):
        outcome = http.run(http.attempt(url=f"http://127.0.0.1:{port}/"), strict_argo=strict)
        assert (outcome.phase, outcome.transient) == ("Failed", True)
        assert f"dial tcp 127.0.0.1:{port}: connect: connection refused" in outcome.message


def test_a_name_that_does_not_resolve_is_failed_and_not_transient(http):
    outcome = http.run(http.attempt(url="http://no-such-host.invalid/posts"))
    assert (outcome.phase, outcome.transient, outcome.result) == ("Failed", False, None)
    assert "lookup no-such-host.invalid: no such host: the DNS name does not resolve" in outcome.message


def test_an_unknown_certificate_is_refused_with_the_reason_and_what_to_do(http, tmp_path):
    context, _ = http.certificate(tmp_path, authority=True)
    outcome, server = http.against(fine, tls=context)
    assert (outcome.phase, outcome.transient) == ("Failed", False)
    assert f"TLS failure with 127.0.0.1:{server.port}" in outcome.message
    assert "self-signed certificate" in outcome.message
    assert "insecureSkipVerify" in outcome.message
    assert server.seen == []


def test_insecure_skip_verify_takes_any_certificate(http, tmp_path):
    context, _ = http.certificate(tmp_path, authority=False)
    assert http.against(fine, {"insecureSkipVerify": True}, tls=context)[0].phase == "Succeeded"


@pytest.mark.parametrize("authority", [True, False], ids=["marked as an authority", "plain"])
def test_a_self_signed_certificate_named_by_ssl_cert_file_is_trusted(http, tmp_path, monkeypatch, authority):
    context, path = http.certificate(tmp_path, authority=authority)
    monkeypatch.setenv("SSL_CERT_FILE", path)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    outcomes, server = http.against(fine, {}, {}, tls=context)
    assert [one.phase for one in outcomes] == ["Succeeded", "Succeeded"]
    assert len(server.seen) == 2


def test_a_fan_out_reuses_its_connections_and_never_has_more_in_flight_than_allowed(http):
    flying = []
    most = []

    async def count(wire):
        flying.append(1)
        most.append(len(flying))
        await asyncio.sleep(0.005)
        flying.pop()
        wire.answer(200, b"{}")

    outcomes, server = http.against(count, *({} for _ in range(60)), concurrency=6)
    assert {one.phase for one in outcomes} == {"Succeeded"}
    assert max(most) <= 6
    assert server.connections <= 6


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_cancelling_an_attempt_drops_its_connection(http, method):
    async def stall(wire):
        await asyncio.sleep(30)

    async def scenario():
        async with http.Server(stall) as server:
            runtime = http.Runtime(secrets=http.Secrets(), environ={})
            task = asyncio.create_task(runtime.run(http.attempt(url=server.url, method=method), None, http.Sink()))
            while not server.seen:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.lost.wait(), 10)
            await runtime.stop()

    asyncio.run(scenario())


def test_a_route_stands_in_for_a_host_and_its_name_stays_in_the_host_header(http):
    async def scenario():
        async with http.Server(fine) as server:
            routes = {"jsonplaceholder.typicode.com": server.url, "*.amazonaws.com": server.url + "/aws"}
            environ = {"HTTPS_PROXY": "http://127.0.0.1:9"}
            runtime = http.Runtime(secrets=http.Secrets(), environ=environ, routes=routes)
            for url in ("https://jsonplaceholder.typicode.com/posts/1?a=b", "https://x.s3.eu-west-1.amazonaws.com/k"):
                assert (await runtime.run(http.attempt(url=url), None, http.Sink())).phase == "Succeeded"
            await runtime.stop()
            return server

    server = asyncio.run(scenario())
    assert [(wire.target, wire.header("host")) for wire in server.seen] == [
        ("/posts/1?a=b", "jsonplaceholder.typicode.com"),
        ("/aws/k", "x.s3.eu-west-1.amazonaws.com"),
    ]


def test_a_proxy_of_the_environment_is_used_but_not_for_loopback(http):
    async def scenario():
        async with http.Server(fine) as server, http.Server(fine) as proxy:
            runtime = http.Runtime(secrets=http.Secrets(), environ={"http_proxy": f"127.0.0.1:{proxy.port}"})
            first = await runtime.run(http.attempt(url="http://far.example/x"), None, http.Sink())
            second = await runtime.run(http.attempt(url=server.url), None, http.Sink())
            await runtime.stop()
            return first, second, server, proxy

    first, second, server, proxy = asyncio.run(scenario())
    assert (first.phase, second.phase) == ("Succeeded", "Succeeded")
    assert proxy.seen[0].line == "GET http://far.example/x HTTP/1.1"
    assert len(proxy.seen) == len(server.seen) == 1


def test_a_proxy_that_cannot_be_reached_is_named_as_the_culprit(http):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = http.run(http.attempt(url="https://far.example/"), environ={"HTTPS_PROXY": f"http://127.0.0.1:{port}"})
    assert outcome.phase == "Failed"
    assert "proxy" in outcome.message


def test_importing_the_runtime_does_not_import_httpx_or_aiohttp():
    import subprocess
    import sys

    code = "import sys, aggregator.runtimes.http; print([m for m in ('httpx', 'aiohttp', 'boto3', 'requests') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.strip() == "[]", done.stderr
