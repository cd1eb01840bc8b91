"""What the tests of the HTTP runtime share: attempts, secrets, a sink, and a raw server on a real socket."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import struct
import time
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aggregator.engine.commands import Attempt
from aggregator.errors import NotFound
from aggregator.runtimes.http import HttpRuntime


def attempt(deadline=None, **http):
    return Attempt(
        node=1,
        node_id="wf-1",
        name="wf.fetch",
        display_name="fetch",
        template_name="fetch",
        pod_name="wf-fetch-1",
        kind="http",
        template={"name": "fetch", "http": http},
        index=0,
        workflow="wf",
        uid="u-1",
        namespace="default",
        deadline=deadline,
        want_result=True,
    )


class Sink:
    """Remembers what it was told."""

    def __init__(self):
        self.told = []

    def write(self, stream, data):
        self.told.append((stream, data))

    def started(self):
        self.told.append("started")

    def ready(self, ip):
        self.told.append(ip)

    def progress(self, text):
        self.told.append(text)


class Secrets:
    """Secrets in memory, masked by replacement."""

    def __init__(self, **values):
        self._values = values

    def secret(self, name, key):
        if (found := self._values.get(f"{name}_{key}")) is None:
            raise NotFound(f"secret {name!r} has no key {key!r}")
        return found

    def secret_keys(self, name):
        return {}

    def config_map(self, name):
        return {}

    def mask(self, text):
        for value in self._values.values():
            text = text.replace(value, "***")
        return text


def run(*attempts, **options):
    """The outcomes of the attempts, run together by one runtime; one outcome when there is one attempt."""

    async def scenario():
        runtime = HttpRuntime(**{"secrets": Secrets(), "environ": {}, **options})
        try:
            return await asyncio.gather(*(runtime.run(one, None, Sink()) for one in attempts))
        finally:
            await runtime.stop()

    outcomes = asyncio.run(scenario())
    return outcomes[0] if len(attempts) == 1 else outcomes


class Wire:
    """One connection as the server sees it: the request that came and ways, good and bad, to answer it."""

    def __init__(self, head, body, writer):
        self.line, *rows = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = self.line.split(" ")
        self.headers = [tuple(row.split(": ", 1)) for row in rows if row]
        self.body = body
        self._writer = writer

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def answer(self, status=200, body=b"", **headers):
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.raw("\r\n".join([*lines, "", ""]).encode() + body)

    def raw(self, data):
        self._writer.write(data)

    async def drain(self):
        await self._writer.drain()

    def reset(self):
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self):
        self._writer.close()


class Server:
    """A server on 127.0.0.1 in the test's own loop; `handle(wire)` answers, and `seen` keeps what came."""

    def __init__(self, handle, tls=None):
        self._handle = handle
        self._tls = tls
        self.seen = []
        self.connections = 0
        self.lost = asyncio.Event()

    async def __aenter__(self):
        self._tasks = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _serve(self, reader, writer):
        # A plain callback instead of a coroutine, so that the tasks are ours to end.
        task = asyncio.ensure_future(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                wire = Wire(head[:-4], b"", writer)
                wire.body = await reader.readexactly(int(wire.header("content-length") or 0))
                self.seen.append(wire)
                answering = asyncio.ensure_future(self._handle(wire))
                gone = asyncio.ensure_future(self._gone(reader))
                await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
                gone.cancel()
                if not answering.done():
                    answering.cancel()
                    self.lost.set()
                    break
                await answering
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            writer.close()

    @staticmethod
    async def _gone(reader):
        while not (reader.at_eof() or reader.exception()):
            await asyncio.sleep(0.01)


def against(handle, *bodies, tls=None, path="", **options):
    """Run one attempt for each http body against a server that answers by `handle`; (outcomes, server)."""

    async def scenario():
        async with Server(handle, tls) as server:
            runtime = HttpRuntime(**{"secrets": Secrets(), "environ": {}, **options})
            try:
                attempts = [attempt(**{"url": server.url + path, **body}) for body in bodies or ({},)]
                outcomes = await asyncio.gather(*(runtime.run(one, None, Sink()) for one in attempts))
            finally:
                await runtime.stop()
            return (outcomes[0] if len(outcomes) == 1 else outcomes), server

    return asyncio.run(scenario())


def soon(seconds):
    return time.time() + seconds


START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def certificate(folder, *, authority):
    """A self-signed certificate for 127.0.0.1 as (server context, path of the certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "agg test")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(START)
        .not_valid_after(START + dt.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "cert.pem"
    pem.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, str(pem)


@pytest.fixture
def tls(tmp_path):
    """A server's context with a self-signed certificate, and the certificate's path."""
    return certificate(tmp_path, authority=True)


@pytest.fixture
def http():
    """All of the above by one name; test modules can't import from here."""
    return SimpleNamespace(
        attempt=attempt,
        certificate=certificate,
        run=run,
        against=against,
        soon=soon,
        Server=Server,
        Secrets=Secrets,
        Sink=Sink,
        Runtime=HttpRuntime,
    )
