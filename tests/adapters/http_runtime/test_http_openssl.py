"""The second transport, over OpenSSL, tells the same failures by the same names as the first."""

import asyncio
import gzip
import socket

import pytest

from aggregator.runtimes.http.exchange import Request, TransportFailure
from aggregator.runtimes.http.openssl import OpensslTransport
from aggregator.runtimes.http.reqwest import ReqwestTransport


@pytest.fixture(params=[ReqwestTransport, OpensslTransport], ids=["pyreqwest", "openssl"])
def send(request, http):
    """Send one request against a server that answers by `handle`; the answer or the failure's kind, and the server."""

    def go(handle, url="", connect_timeout=5.0, **fields):
        async def scenario():
            async with http.Server(handle) as server:
                transport = request.param(user_agent="agg/test", connect_timeout=connect_timeout)
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
