"""What needs no engine: where one is looked for, credentials, names of images, the holder's program, answers read from a socket."""

import asyncio
import base64
import json
import subprocess
import sys

import pytest

from aggregator.errors import UsageError
from aggregator.runtimes.docker import Owner, find, holder
from aggregator.runtimes.docker.client import Client, EngineGone, EngineRefused
from aggregator.runtimes.docker.endpoints import Endpoint, endpoints
from aggregator.runtimes.docker.engine import split_tag
from aggregator.runtimes.docker.images import credentials, usual_policy
from aggregator.runtimes.docker.outputs import _inside


def urls(wanted, **environ):
    return [endpoint.url for endpoint in endpoints(wanted, environ)]


def test_a_named_engine_is_the_only_one_of_its_kind():
    assert urls("docker", DOCKER_HOST="unix:///x.sock") == ["unix:///x.sock"]
    assert urls("auto", DOCKER_HOST="tcp://h:1") == ["tcp://h:1"]
    assert urls("podman", CONTAINER_HOST="unix:///p.sock") == ["unix:///p.sock"]


def test_usual_sockets_are_asked_in_order_docker_first_and_rootless_ones_too():
    assert urls("auto", XDG_RUNTIME_DIR="/run/user/7", HOME="/home/u") == [
        "unix:///var/run/docker.sock",
        "unix:///run/user/7/docker.sock",
        "unix:///home/u/.docker/run/docker.sock",
        "unix:///run/user/7/podman/podman.sock",
        "unix:///run/podman/podman.sock",
    ]
    assert urls("podman") == ["unix:///run/podman/podman.sock"]


@pytest.mark.parametrize("url", ["ssh://host", "unix://", "nonsense"])
def test_other_addresses_are_refused_with_what_would_do(url):
    with pytest.raises(UsageError, match="neither unix://PATH nor tcp://HOST:PORT"):
        urls("docker", DOCKER_HOST=url)


def test_tls_is_used_when_docker_says_so(tmp_path):
    (plain,) = endpoints("docker", {"DOCKER_HOST": "tcp://h"})
    assert (plain.port, plain.tls, plain.local) == (2375, None, False)
    (safe,) = endpoints(
        "docker", {"DOCKER_HOST": "tcp://h", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    )
    assert safe.port == 2376
    assert safe.tls is not None


@pytest.mark.parametrize(
    ("image", "name", "tag", "policy"),
    [
        ("a", "a", "latest", "Always"),
        ("a:latest", "a", "latest", "Always"),
        ("a:1", "a", "1", "IfNotPresent"),
        ("h:5000/a", "h:5000/a", "latest", "Always"),
        ("h:5000/a:1", "h:5000/a", "1", "IfNotPresent"),
        ("a@sha256:00", "a", "sha256:00", "IfNotPresent"),
    ],
)
def test_names_of_images_and_the_pull_policy_that_follows(image, name, tag, policy):
    assert split_tag(image) == (name, tag)
    assert usual_policy(image) == policy


def test_credentials_are_those_that_docker_login_has_kept(tmp_path):
    auth = base64.b64encode(b"user:pass:word").decode()
    kept = {"auths": {"https://index.docker.io/v1/": {"auth": auth}, "reg.example:5000": {"identitytoken": "t"}}}
    (tmp_path / "config.json").write_text(json.dumps(kept))
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    hub = credentials("library/alpine", environ)
    assert (hub["username"], hub["password"]) == ("user", "pass:word")
    assert credentials("reg.example:5000/a/b:1", environ)["identitytoken"] == "t"
    assert credentials("other.example/a", environ) is None
    assert credentials("a", {"HOME": str(tmp_path / "none")}) is None


def test_owners_survive_their_label():
    owner = Owner(7, "boot:12", "vm/40265")
    assert Owner.of_label(owner.label()) == owner
    assert Owner.of_label("x") is None


@pytest.mark.skipif(sys.platform != "linux" or __import__("platform").machine() != "x86_64", reason="runs the program")
def test_the_holders_program_waits_for_ever(tmp_path):
    program = tmp_path / "pause"
    program.write_bytes(holder.program("x86_64"))
    program.chmod(0o755)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([program], timeout=0.5)


def test_the_holders_program_for_arm_is_an_elf_file_for_arm():
    made = holder.program("aarch64")
    assert made[:4] == b"\x7fELF"
    assert int.from_bytes(made[18:20], "little") == 183
    assert not holder.known("riscv64")


@pytest.mark.parametrize(
    ("below", "target", "expected"),
    [
        ("l", "f", "f"),
        ("d/l", "../f", "../f"),
        ("d/l", "/out/f", "../f"),
        ("l", "/out", "."),
        ("l", "../etc/passwd", None),
        ("l", "/etc/passwd", None),
        ("l", "/outside", None),
        ("d/l", "../../out/f", "../f"),
    ],
)
def test_links_stay_relative_inside_an_output_and_are_left_out_when_they_leave_it(below, target, expected):
    assert _inside(below, target, "/out") == expected


def served(tmp_path, answers, use):
    """Run `use(client)` against a socket that gives one of the byte strings to each connection."""
    path = f"{tmp_path}/e.sock"
    left = list(answers)

    async def main():
        async def serve(reader, writer):
            answer = left.pop(0)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_unix_server(serve, path)
        client = Client(Endpoint(f"unix://{path}", path))
        try:
            return await use(client)
        finally:
            await client.close()
            server.close()
            await server.wait_closed()

    return asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\nTrailer: t\r\n\r\n',
        b'HTTP/1.0 200 OK\r\n\r\n{"a":1}',
    ],
)
def test_bodies_are_read_however_their_end_is_told(tmp_path, answer):
    assert served(tmp_path, [answer], lambda client: client.call("GET", "/x")) == {"a": 1}


def test_a_refusal_is_told_in_the_engines_words(tmp_path):
    answer = b'HTTP/1.1 409 Conflict\r\nContent-Length: 18\r\n\r\n{"message": "no!"}'
    with pytest.raises(EngineRefused, match=r"^no!$") as caught:
        served(tmp_path, [answer], lambda client: client.call("POST", "/x"))
    assert caught.value.status == 409


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_an_answer_that_breaks_off_means_that_the_engine_is_gone(tmp_path, answer):
    with pytest.raises(EngineGone, match="does not answer"):
        served(tmp_path, [answer], lambda client: client.call("GET", "/x"))


def test_something_else_at_the_socket_is_told_as_that(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"
    with pytest.raises(EngineGone, match="something else listens there"):
        served(tmp_path, [answer], lambda client: client.call("GET", "/version"))


def test_where_no_engine_is_every_place_that_was_asked_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"no docker engine answers: unix:///nowhere\.sock"):
        asyncio.run(find("docker", {"DOCKER_HOST": "unix:///nowhere.sock"}))
