"""The setting `http.transport = "httpx"`: the same leaves over httpx's own clients."""

import asyncio

from aggregator.runtimes.http.bridge import HttpxTransport
from aggregator.runtimes.http.exchange import Request


def test_httpx_clients_of_the_environment_send_requests_and_close(stub_server):
    url, seen = stub_server(lambda method, path: (200, {"X-Path": path}, b"well"))

    async def go():
        transport = HttpxTransport.from_environment(4)
        try:
            plain = await transport.send(Request("GET", f"{url}/a", [("X-One", "1")], b""))
            unverified = await transport.send(Request("POST", f"{url}/b", [], b"body", insecure=True))
        finally:
            await transport.close()
        return plain, unverified

    plain, unverified = asyncio.run(go())
    assert (plain.status, plain.body, plain.header("x-path")) == (200, b"well", "/a")
    assert unverified.header("x-path") == "/b"
    assert [(method, path, body) for method, path, _, body in seen] == [("GET", "/a", b""), ("POST", "/b", b"body")]
