"""What the HTTP runtime sends: headers, bodies, credentials, and where redirects lead."""

import asyncio

import pytest


async def fine(wire):
    wire.answer(200, b'{"id": 1}')


def test_headers_body_and_host_go_out_as_written(http):
    rows = [
        {"name": "X-Token", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}},
        {"name": "x-twice", "value": "1"},
        {"name": "x-twice", "value": "2"},
        {"name": "Host", "value": "api.example.com"},
        {"name": "Content-Length", "value": "999"},
    ]
    outcome, server = http.against(
        fine, {"method": "POST", "body": "plain", "headers": rows}, secrets=http.Secrets(api_token="s3cr3t")
    )
    wire = server.seen[0]
    assert outcome.phase == "Succeeded"
    assert (wire.method, wire.body) == ("POST", b"plain")
    assert wire.header("x-token") == "s3cr3t"
    assert [value for name, value in wire.headers if name.lower() == "x-twice"] == ["1", "2"]
    assert [value for name, value in wire.headers if name.lower() == "host"] == ["api.example.com"]


def test_body_from_bytes_is_base64_and_wins_over_body(http):
    _, server = http.against(fine, {"method": "PUT", "body": "loses", "bodyFrom": {"bytes": "AAH/"}})
    assert server.seen[0].body == b"\x00\x01\xff"


def test_user_info_of_the_url_becomes_basic_authorization_and_shows_nowhere(http):
    async def refuse(wire):
        wire.answer(401, b"no")

    async def scenario():
        async with http.Server(refuse) as server:
            runtime = http.Runtime(secrets=http.Secrets(), environ={})
            url = server.url.replace("://", "://me:p%40ss@")
            outcome = await runtime.run(http.attempt(url=url), None, http.Sink())
            await runtime.stop()
            return outcome, server

    outcome, server = asyncio.run(scenario())
    assert server.seen[0].header("authorization") == "Basic bWU6cEBzcw=="
    assert "p%40ss" not in outcome.message
    assert "p@ss" not in outcome.message


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "PUT", "GET"),
        (303, "DELETE", "GET"),
        (302, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
def test_redirects_keep_or_change_the_method_as_gos_client_does(http, status, method, then):
    async def hop(wire):
        if wire.target == "/a":
            wire.answer(status, b"", Location="b?x=1")
        else:
            wire.answer(200, b"" if wire.method == "HEAD" else b"there")

    outcome, server = http.against(hop, {"method": method, "body": "payload"}, path="/a")
    assert outcome.phase == "Succeeded"
    assert (server.seen[1].method, server.seen[1].target) == (then, "/b?x=1")
    assert server.seen[1].body == (b"payload" if then == method and method != "HEAD" else b"")
    assert server.seen[1].header("referer") == f"{server.url}/a"


def test_after_ten_requests_in_a_row_no_redirect_is_followed(http):
    async def onward(wire):
        wire.answer(302, b"", Location=f"/{int(wire.target[1:]) + 1}")

    outcome, server = http.against(onward, path="/0")
    assert outcome.phase == "Failed"
    assert "stopped after 10 redirects" in outcome.message
    assert len(server.seen) == 10


def test_a_redirect_without_a_location_is_the_answer(http):
    async def nowhere(wire):
        wire.answer(302, b"where?")

    outcome, _ = http.against(nowhere)
    assert (outcome.phase, outcome.http_status, outcome.result) == ("Failed", 302, "where?")


def test_secret_headers_do_not_follow_a_redirect_to_another_host(http):
    async def scenario():
        async with http.Server(fine) as other:

            async def away(wire):
                wire.answer(302, b"", Location=f"http://localhost:{other.port}/x")

            async with http.Server(away) as first:
                runtime = http.Runtime(secrets=http.Secrets(), environ={})
                rows = [{"name": "Authorization", "value": "Bearer t"}, {"name": "X-Kept", "value": "1"}]
                outcome = await runtime.run(http.attempt(url=first.url, headers=rows), None, http.Sink())
                await runtime.stop()
                return outcome, other

    outcome, other = asyncio.run(scenario())
    assert outcome.phase == "Succeeded"
    assert other.seen[0].header("authorization") is None
    assert other.seen[0].header("x-kept") == "1"
