"""The sandbox's sample posts API over real sockets: its posts, its manners, and the faults it was asked for."""

import asyncio
import http.client
import json
import re
import socket
import threading
from collections import Counter

import pytest

from aggregator.errors import UsageError
from aggregator.sandbox.posts import Faults, document, post, serve
from aggregator.sandbox.world import World


@pytest.fixture
def api():
    """Start the API in a thread; gives a function of its faults that returns (host, port)."""
    loops = []

    def start(faults=None, stall_seconds=0.3):
        ready = threading.Event()
        found = []

        def run():
            async def main():
                server = await serve(faults or Faults(), stall_seconds)
                end = asyncio.Event()
                found.append((server.sockets[0].getsockname(), asyncio.get_running_loop(), end))
                ready.set()
                await end.wait()
                server.close()

            asyncio.run(main())

        thread = threading.Thread(target=run)
        thread.start()
        assert ready.wait(10)
        loops.append((thread, found[0][1], found[0][2]))
        return found[0][0]

    yield start
    for thread, loop, end in loops:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)


def get(address, path, method="GET"):
    connection = http.client.HTTPConnection(*address, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def talk(address, data):
    with socket.create_connection(address, timeout=10) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        found = b""
        while chunk := sock.recv(65536):
            found += chunk
        return found


def test_a_post_has_jsonplaceholders_shape_and_is_always_the_same(api):
    address = api()
    status, headers, body = get(address, "/posts/7")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(body) == post(7)
    assert list(post(7)) == ["userId", "id", "title", "body"]
    assert (post(7)["userId"], post(7)["id"], post(10)["userId"], post(11)["userId"]) == (1, 7, 1, 2)
    assert body == document(7) != document(8)
    assert re.fullmatch(r"\w+( \w+){2,6}", post(7)["title"])
    assert len(post(7)["body"].split("\n")) == 4


def test_there_are_a_million_posts_and_nothing_else(api):
    address = api()
    assert get(address, "/posts/1000000")[0] == 200
    for path in ("/posts/1000001", "/posts/0", "/posts/01", "/posts/x", "/posts/", "/users/1", "/posts/99999999"):
        status, _, body = get(address, path)
        assert (status, body) == (404, b"{}"), path


def test_queries_and_whole_urls_name_the_same_post(api):
    address = api()
    assert get(address, "/posts/3?_=1")[2] == document(3)
    assert get(address, "http://jsonplaceholder.typicode.com/posts/3")[2] == document(3)


def test_head_tells_the_length_and_sends_no_body(api):
    status, headers, body = get(api(), "/posts/3", method="HEAD")
    assert (status, int(headers["Content-Length"]), body) == (200, len(document(3)), b"")


def test_posting_is_404_and_its_body_is_read_over(api):
    found = talk(api(), b"POST /posts HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET /posts/1 HTTP/1.1\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 404")
    assert found.endswith(document(1))


def test_connections_are_kept_and_requests_may_be_pipelined_and_cut_anywhere(api):
    address = api()
    requests = b"GET /posts/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /posts/2 HTTP/1.1\r\nConnection: close\r\n\r\n"
    with socket.create_connection(address, timeout=10) as sock:
        for at in range(0, len(requests), 7):
            sock.sendall(requests[at : at + 7])
        found = b""
        while chunk := sock.recv(65536):
            found += chunk
    assert found.count(b"HTTP/1.1 200 OK") == 2
    assert found.endswith(document(2))


@pytest.mark.parametrize("data", [b"hello\r\n\r\n", b"GET /posts/1 HTTP/3\r\n\r\n", b"x" * 70_000])
def test_what_is_no_request_is_400_and_the_end_of_the_connection(api, data):
    assert talk(api(), data).startswith(b"HTTP/1.1 400")


def test_http_1_0_is_answered_and_closed(api):
    assert b"Connection: close" in talk(api(), b"GET /posts/1 HTTP/1.0\r\n\r\n")


def test_without_faults_nothing_goes_wrong():
    faults = Faults(rate=0.0)
    assert {faults.draw(number) for number in range(1, 500)} == {None}


def test_faults_are_a_seeded_share_and_do_not_depend_on_the_order_of_the_posts():
    forward, backward, other = (Faults(rate=0.2, seed=seed) for seed in (1, 1, 2))
    there = {number: forward.draw(number) for number in range(1, 2001)}
    back = {number: backward.draw(number) for number in range(2000, 0, -1)}
    elsewhere = {number: other.draw(number) for number in range(1, 2001)}
    assert there == back
    assert there != elsewhere
    share = Counter(there.values())
    assert 300 < 2000 - share[None] < 500
    assert {kind for kind in share if kind} == {"busy", "busy-now", "reset", "stall"}


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_no_post_goes_wrong_more_often_than_the_limit(limit):
    faults = Faults(rate=1.0, limit=limit)
    drawn = [faults.draw(5) for _ in range(10)]
    assert all(drawn[:limit])
    assert drawn[limit:] == [None] * (10 - limit)


class Always:
    """Faults that are always of one kind."""

    def __init__(self, kind):
        self.kind = kind

    def draw(self, number):
        return self.kind


def test_busy_is_503_and_sometimes_asks_to_come_back_at_once(api):
    assert "Retry-After" not in get(api(Always("busy")), "/posts/1")[1]
    status, headers, _ = get(api(Always("busy-now")), "/posts/1")
    assert (status, headers["Retry-After"]) == (503, "0")


def test_a_reset_is_a_reset(api):
    with pytest.raises(ConnectionResetError):
        get(api(Always("reset")), "/posts/1")


def test_a_stall_stops_half_way_and_in_the_end_cuts_the_connection(api):
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(api(Always("stall")), "/posts/1")
    assert document(1).startswith(caught.value.partial)


def test_in_the_world_the_api_is_a_process_of_its_own_with_the_faults_asked_for():
    told = []
    world = World.start(
        workflow={}, parameters={}, aws=False, faults=1.0, fault_limit=1, stall_seconds=0.1, notice=told.append
    )
    try:
        assert world.routes == {"jsonplaceholder.typicode.com": world.posts_endpoint}
        assert world.posts_endpoint in told[0]
        assert (world.env, world.report().objects) == ({}, [])
        host, port = world.posts_endpoint.removeprefix("http://").split(":")
        address = (host, int(port))
        bad = 0
        for number in range(1, 6):
            for _ in range(2):
                try:
                    bad += get(address, f"/posts/{number}")[0] != 200
                except (OSError, http.client.HTTPException):
                    bad += 1
        assert bad == 5
    finally:
        world.stop()
    with pytest.raises(OSError, match="refused"):
        get(address, "/posts/1")


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(UsageError, match="not between 0 and 1"):
        World.start(workflow={}, parameters={}, aws=False, faults=share)
