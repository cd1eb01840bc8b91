"""The transport behind a proxy: requests by whole URLs, tunnels, and credentials."""

import asyncio
import contextlib
import gzip

import pytest

from aggregator.runtimes.http.exchange import Request, TransportFailure
from aggregator.runtimes.http.pool import PooledTransport


async def echo(wire):
    wire.answer(201, gzip.compress(wire.body) if wire.header("accept-encoding") == "gzip" else wire.body,
                **({"Content_Encoding": "gzip"} if wire.header("accept-encoding") == "gzip" else {}), X_Two="a")  # fmt: skip


def through_proxy(http, url, answers, credentials="me:p%40ss@", **fields):
    """Send one request through a proxy whose first lines are answered by `answers`; (result, lines it got)."""
    got = []

    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        got.append(head.decode())
        writer.write(answers)
        await writer.drain()
        writer.close()

    async def scenario():
        proxy = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = proxy.sockets[0].getsockname()[1]
        transport = PooledTransport(user_agent="agg/test")
        try:
            return await transport.send(Request("GET", url, proxy=f"http://{credentials}127.0.0.1:{port}", **fields))
        except TransportFailure as failure:
            return failure
        finally:
            await transport.close()
            proxy.close()
            await proxy.wait_closed()

    return asyncio.run(scenario()), got


def test_plain_http_goes_to_the_proxy_by_its_whole_url_with_the_credentials(http):
    answer, got = through_proxy(http, "http://far.example/x?y=1", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert answer.body == b"ok"
    assert got[0].startswith("GET http://far.example/x?y=1 HTTP/1.1\r\nHost: far.example\r\n")
    assert "Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in got[0]


def test_https_asks_the_proxy_for_a_tunnel_and_is_told_when_it_gets_none(http):
    failure, got = through_proxy(http, "https://far.example/x", b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    assert failure.kind == "proxy"
    assert "CONNECT far.example:443 was answered 403" in failure.reason
    assert got[0].startswith("CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n")
    assert "Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in got[0]


def test_a_proxy_of_another_kind_is_refused_by_name(http):
    async def scenario():
        transport = PooledTransport(user_agent="agg/test")
        try:
            await transport.send(Request("GET", "http://far.example/", proxy="socks5://127.0.0.1:1"))
        finally:
            await transport.close()

    with pytest.raises(TransportFailure, match="its scheme is socks5"):
        asyncio.run(scenario())


@pytest.mark.parametrize("fine", [True, False])
def test_through_a_tunnel_tls_is_spoken_with_the_origin_itself(http, tls, fine):
    context, _ = tls

    async def scenario():
        async with http.Server(echo, context) as server:

            async def talk(reader, writer):
                await reader.readuntil(b"\r\n\r\n")
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

            async def pump(source, sink):
                with contextlib.suppress(ConnectionError):
                    while data := await source.read(65536):
                        sink.write(data)
                sink.close()

            proxy = await asyncio.start_server(talk, "127.0.0.1", 0)
            port = proxy.sockets[0].getsockname()[1]
            transport = PooledTransport(user_agent="agg/test")
            found = []
            try:
                for _ in range(2):
                    request = Request("POST", server.url, body=b"hi", insecure=fine, proxy=f"http://127.0.0.1:{port}")
                    found.append(await transport.send(request))
            except TransportFailure as failure:
                found.append(failure)
            await transport.close()
            await asyncio.sleep(0.05)
            proxy.close()
            await proxy.wait_closed()
            return found, server

    found, server = asyncio.run(scenario())
    if fine:
        assert [answer.body for answer in found] == [b"hi", b"hi"]
        assert server.connections == 1
    else:
        assert (found[0].kind, server.seen) == ("tls", [])
        assert "self-signed" in found[0].reason
