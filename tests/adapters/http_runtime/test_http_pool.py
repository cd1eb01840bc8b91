"""The transport: pooled connections, what servers do well and badly, and the kinds of its failures."""

import asyncio
import gzip
import os
import socket

import pytest

from aggregator.runtimes.http.exchange import Request, TransportFailure
from aggregator.runtimes.http.pool import PooledTransport


@pytest.fixture
def send(http):
    """Send one request against a server that answers by `handle`; the answer or the failure's kind, and the server."""

    def go(handle, url="", connect_timeout=5.0, **fields):
        async def scenario():
            async with http.Server(handle) as server:
                transport = PooledTransport(user_agent="agg/test", connect_timeout=connect_timeout)
                try:
                    return await transport.send(
                        Request(fields.pop("method", "GET"), url or server.url, **fields)
                    ), server
                except TransportFailure as failure:
                    return failure.kind, server
                finally:
                    await transport.close()

        return asyncio.run(scenario())

    return go


async def echo(wire):
    wire.answer(201, gzip.compress(wire.body) if wire.header("accept-encoding") == "gzip" else wire.body,
                **({"Content_Encoding": "gzip"} if wire.header("accept-encoding") == "gzip" else {}), X_Two="a")  # fmt: skip


def test_an_answer_is_a_status_headers_and_a_decoded_body(send):
    answer, server = send(echo, method="POST", body=b"hello", headers=[("X-Mine", "1"), ("Host", "h.example")])
    assert (answer.status, answer.body, answer.header("x-two")) == (201, b"hello", "a")
    wire = server.seen[0]
    assert (wire.method, wire.header("host"), wire.header("x-mine")) == ("POST", "h.example", "1")
    assert wire.header("user-agent") == "agg/test"
    assert wire.header("content-type") is None


def test_without_gzip_the_bytes_come_as_they_are(send):
    answer, server = send(echo, method="POST", body=b"hello", gzip=False, headers=[("User-Agent", "mine")])
    assert answer.body == b"hello"
    assert server.seen[0].header("user-agent") == "mine"


async def nothing(wire):
    await asyncio.sleep(30)


async def close(wire):
    wire.close()


async def reset_in_body(wire):
    wire.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await wire.drain()
    await asyncio.sleep(0.05)
    wire.close()


async def garbage(wire):
    wire.raw(b"220 smtp\r\n\r\n")
    wire.close()


async def bad_gzip(wire):
    wire.answer(200, b"none", Content_Encoding="gzip")


@pytest.mark.parametrize(
    ("handle", "fields", "kinds"),
    [
        (nothing, {"timeout": 0.2}, {"limit"}),
        (close, {}, {"closed"}),
        (reset_in_body, {}, {"truncated"}),
        (garbage, {}, {"protocol"}),
        (bad_gzip, {}, {"decode"}),
        (close, {"url": "http://no-such-host.invalid/"}, {"dns"}),
        (close, {"url": "http://far.example/", "proxy": "http://127.0.0.1:{free}"}, {"proxy", "refused"}),
        (close, {"url": "http://127.0.0.1:{free}/"}, {"refused"}),
    ],
)
def test_failures_have_the_same_kind(send, handle, fields, kinds):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    filled = {key: value.replace("{free}", port) if isinstance(value, str) else value for key, value in fields.items()}
    found, _ = send(handle, **filled)
    assert found in kinds


def several(http, handle, count=2, pause=0.0, **fields):
    """The answers to so many requests, one after the other, and the server."""

    async def scenario():
        async with http.Server(handle) as server:
            transport = PooledTransport(user_agent="agg/test")
            found = []
            for _ in range(count):
                try:
                    found.append(await transport.send(Request(fields.get("method", "GET"), server.url)))
                except TransportFailure as failure:
                    found.append(failure.kind)
                await asyncio.sleep(pause)
            await transport.close()
            return found, server

    return asyncio.run(scenario())


def test_connections_are_used_again(http):
    found, server = several(http, echo, 5)
    assert [answer.status for answer in found] == [201] * 5
    assert server.connections == 1


def test_a_connection_that_the_server_wants_closed_is_not_used_again(http):
    async def once(wire):
        wire.answer(200, b"x", Connection="close")

    found, server = several(http, once)
    assert [answer.body for answer in found] == [b"x", b"x"]
    assert server.connections == 2


@pytest.mark.parametrize(("method", "second"), [("GET", "answer"), ("POST", "closed")])
def test_a_request_that_met_a_stale_connection_is_sent_again_if_that_does_no_harm(http, method, second):
    async def one_each(wire):
        if wire.first:
            wire.answer(200, b"x")
        else:
            wire.reset()

    seen = []

    async def handle(wire):
        wire.first = id(wire._writer) not in seen
        seen.append(id(wire._writer))
        await one_each(wire)

    found, server = several(http, handle, method=method)
    assert found[0].body == b"x"
    if second == "answer":
        assert found[1].body == b"x"
        assert server.connections == 2
    else:
        assert found[1] in ("closed", "reset")
        assert server.connections == 1


def test_a_connection_that_closed_while_idle_is_noticed(http):
    async def handle(wire):
        wire.answer(200, b"x")
        asyncio.get_running_loop().call_later(0.02, wire.close)

    found, server = several(http, handle, pause=0.1, method="POST")
    assert [answer.body for answer in found] == [b"x", b"x"]
    assert server.connections == 2


def test_bytes_that_nobody_asked_for_end_the_connection(http):
    async def handle(wire):
        wire.answer(200, b"x")
        asyncio.get_running_loop().call_later(0.02, wire.raw, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    found, server = several(http, handle, pause=0.1)
    assert [answer.body for answer in found] == [b"x", b"x"]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n",
            200,
            b"abcde",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", 200, b"old"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, b""),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            200,
            b"ok",
        ),
        (b"HTTP/1.1 299\r\nContent-Length: 1\r\n\r\nx", 299, b"x"),
    ],
)
def test_every_way_to_tell_the_length_of_an_answer(send, raw, status, body):
    async def handle(wire):
        for at in range(0, len(raw), 9):
            wire.raw(raw[at : at + 9])
            await wire.drain()
            await asyncio.sleep(0.002)
        wire.close()

    answer, _ = send(handle)
    assert (answer.status, answer.body) == (status, body)


def test_the_answer_to_head_has_a_length_and_no_body(send):
    async def handle(wire):
        wire.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")

    answer, _ = send(handle, method="HEAD", gzip=False)
    assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", "1000")


def test_a_chunked_body_that_breaks_off_is_truncated(send):
    async def handle(wire):
        wire.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc")
        await wire.drain()
        wire.close()

    assert send(handle)[0] == "truncated"


def test_a_switch_of_protocols_and_endless_headers_are_refused(send):
    async def switch(wire):
        wire.raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")

    async def endless(wire):
        wire.raw(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(2000)) + b"\r\n")

    assert send(switch)[0] == "protocol"
    assert send(endless)[0] == "protocol"


def test_a_gzip_body_may_have_several_members_and_must_be_whole(send):
    body = gzip.compress(b"one ") + gzip.compress(b"two")

    async def whole(wire):
        wire.answer(200, body, Content_Encoding="gzip")

    async def half(wire):
        wire.answer(200, body[:-4], Content_Encoding="gzip")

    answer, _ = send(whole)
    assert (answer.body, answer.header("content-encoding")) == (b"one two", None)
    assert send(half)[0] == "decode"


def test_paths_go_out_percent_encoded_and_host_names_in_ascii(http):
    async def scenario():
        async with http.Server(echo) as server:
            transport = PooledTransport(user_agent="agg/test")
            await transport.send(Request("GET", server.url + "/a b/ü?q=ä&p=%20"))
            await transport.send(Request("GET", server.url + "?only=query"))
            await transport.close()
            return [wire.target for wire in server.seen]

    assert asyncio.run(scenario()) == ["/a%20b/%C3%BC?q=%C3%A4&p=%20", "/?only=query"]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_after_close_no_socket_is_left_whatever_was_going_on(http, loop):
    async def scenario():
        async with http.Server(nothing) as server:
            before = len(os.listdir("/proc/self/fd"))
            transport = PooledTransport(user_agent="agg/test")
            tasks = [asyncio.ensure_future(transport.send(Request("GET", server.url))) for _ in range(5)]
            while len(server.seen) < 5:
                await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await transport.close()
            await asyncio.sleep(0.1)
            return len(os.listdir("/proc/self/fd")) - before

    if loop == "uvloop":
        import uvloop

        assert uvloop.run(scenario()) == 0
    else:
        assert asyncio.run(scenario()) == 0
