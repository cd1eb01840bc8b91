"""Several containers in one attempt: init containers, sidecars, container sets and daemons."""

import asyncio
import os
import time

import pytest

VOLUME = {"volumes": [{"name": "v", "emptyDir": {}}]}
MOUNT = {"volumeMounts": [{"name": "v", "mountPath": "/agg-pod"}]}


def sh(text, name="main", **rest):
    return {"name": name, "image": "alpine", "command": ["sh", "-c"], "args": [text], **rest}


def test_init_containers_run_in_order_before_main_and_share_its_volumes(leaf):
    body = {
        **VOLUME,
        "initContainers": [
            sh("echo one > /agg-pod/f", "a", **MOUNT),
            sh("echo two >> /agg-pod/f", "b", mirrorVolumeMounts=True),
        ],
        "container": sh("cat /agg-pod/f", **MOUNT),
    }
    ran = leaf(body=body)
    assert (ran.outcome.phase, ran.result, ran.outcome.containers) == ("Succeeded", "one\ntwo", {"a": 0, "b": 0})


def test_a_failing_init_container_fails_the_pod_and_main_never_starts(leaf):
    ran = leaf(
        body={"initContainers": [sh("echo why >&2; exit 5", "setup"), sh("true", "b")], "container": sh("echo never")}
    )
    assert (ran.outcome.phase, ran.outcome.message, ran.outcome.exit_code) == (
        "Failed",
        "setup: Error (exit code 5)",
        None,
    )
    assert ran.outcome.containers == {"setup": 5}
    assert ran.result == ""
    assert (ran.folder / "setup.stderr").read_bytes() == b"why\n"


def test_sidecars_run_beside_main_and_are_ended_after_it(leaf):
    body = {
        **VOLUME,
        "sidecars": [sh("trap 'exit 9' TERM; touch /agg-pod/up; sleep 60 & wait", "helper", mirrorVolumeMounts=True)],
        "container": sh("while [ ! -e /agg-pod/up ]; do sleep 0.01; done; echo seen", **MOUNT),
    }
    ran = leaf(body=body)
    assert (ran.outcome.phase, ran.result, ran.outcome.containers) == ("Succeeded", "seen", {"helper": 9})


def test_a_sidecar_that_can_not_start_is_an_error_that_names_it(leaf):
    ran = leaf(
        body={"sidecars": [{"name": "helper", "image": "x", "command": ["agg-no-such"]}], "container": sh("sleep 0.05")}
    )
    assert ran.outcome.phase == "Error"
    assert "helper" in ran.outcome.message
    assert "agg-no-such" in ran.outcome.message


def test_main_never_waits_for_a_sidecar_that_can_not_start(leaf):
    """It usually does, until something answers."""
    sidecars = [sh("sleep 60", "other"), {"name": "helper", "image": "x", "command": ["agg-no-such"]}]
    ran = leaf(body={"sidecars": sidecars, "container": sh("sleep 60; echo never")})
    assert (ran.outcome.phase, ran.result) == ("Error", "")
    assert "sidecar helper" in ran.outcome.message


@pytest.mark.parametrize("isolation", ["bubblewrap"], indirect=True)
def test_containers_of_a_pod_have_files_of_their_own_but_for_volumes(leaf):
    body = {"initContainers": [sh("echo x > /tmp/agg-mine", "a")], "container": sh("ls /tmp/agg-mine || echo none")}
    assert leaf(body=body).result == "none"


def test_a_container_set_runs_by_dependencies_and_its_result_is_mains(leaf):
    containers = [
        sh("cat /agg-pod/f", dependencies=["b", "c"]),
        sh("echo a >> /agg-pod/f", "a"),
        sh("echo b >> /agg-pod/f", "b", dependencies=["a"]),
        sh("sleep 0.1; echo c >> /agg-pod/f", "c", dependencies=["b"]),
    ]
    ran = leaf("containerSet", {**VOLUME, "containerSet": {**MOUNT, "containers": containers}})
    assert (ran.outcome.phase, ran.result, ran.outcome.exit_code) == ("Succeeded", "a\nb\nc", 0)
    assert ran.outcome.containers == {"main": 0, "a": 0, "b": 0, "c": 0}


def test_what_depends_on_a_failed_container_of_a_set_does_not_run(leaf):
    containers = [
        sh("echo never", dependencies=["b"]),
        sh("exit 2", "a"),
        sh("echo never", "b", dependencies=["a"]),
        sh("true", "c"),
    ]
    ran = leaf("containerSet", {"containerSet": {"containers": containers}})
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 64)
    assert ran.outcome.containers == {"main": 64, "a": 2, "b": 64, "c": 0}
    assert ran.sink.bytes_of("stdout") == b""


def test_containers_of_a_set_are_tried_again_as_often_as_the_set_says(leaf):
    containers = [sh("echo x >> /agg-pod/f; test $(wc -l < /agg-pod/f) -ge 3")]
    body = {
        **VOLUME,
        "containerSet": {**MOUNT, "containers": containers, "retryStrategy": {"retries": "3", "duration": "10ms"}},
    }
    assert leaf("containerSet", body).outcome.phase == "Succeeded"
    body["containerSet"]["retryStrategy"]["retries"] = 2
    assert leaf("containerSet", body).outcome.phase == "Failed"


def test_a_deadline_ends_all_containers_of_a_pod(leaf):
    containers = [sh("sleep 60"), sh("sleep 60", "b")]
    ran = leaf("containerSet", {"containerSet": {"containers": containers}}, deadline=time.time() + 0.3)
    assert ran.outcome.phase == "Failed"
    assert ran.outcome.containers == {"main": 143, "b": 143}


@pytest.mark.parametrize("probe", ["none", "tcpSocket", "httpGet", "exec"])
def test_a_daemon_is_told_ready_once_and_runs_until_it_is_cancelled(
    make_runtime, isolation, new_attempt, new_sink, tmp_path, probe, unused_port
):
    server = f"import http.server as h; h.HTTPServer(('127.0.0.1', {unused_port}), h.SimpleHTTPRequestHandler).serve_forever()"
    probes = {
        "none": {},
        "tcpSocket": {"tcpSocket": {"port": unused_port}},
        "httpGet": {"httpGet": {"port": unused_port, "path": "/"}},
        "exec": {
            "exec": {
                "command": ["python", "-c", f"import socket; socket.create_connection(('127.0.0.1', {unused_port}))"]
            }
        },
    }
    container = {"image": "python:3", "command": ["python", "-c", server], "readinessProbe": probes[probe]}

    async def check():
        runtime = make_runtime(isolation)
        attempt = new_attempt("container", {"daemon": True, "container": container})
        workspace = await runtime.open(attempt, tmp_path)
        sink = new_sink()
        running = asyncio.ensure_future(runtime.run(attempt, workspace, sink))
        async with asyncio.timeout(60):
            while ("ready", "127.0.0.1") not in sink.calls:
                assert not running.done(), await running
                await asyncio.sleep(0.02)
            if probe != "none":
                _, writer = await asyncio.open_connection("127.0.0.1", unused_port)
                writer.close()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await runtime.close(workspace)
        assert [call for call in sink.calls if call[0] in ("started", "ready")] == [
            ("started",),
            ("ready", "127.0.0.1"),
        ]

    asyncio.run(check())


def test_a_daemon_that_ends_by_itself_has_failed_even_with_exit_code_zero(leaf):
    ran = leaf(body={"daemon": True}, sh="exit 0")
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 0)


@pytest.fixture
def unused_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_kind_that_is_no_pod_is_unsupported(make_runtime, isolation, new_attempt, tmp_path):
    with pytest.raises(Exception, match="http"):
        asyncio.run(make_runtime(isolation).open(new_attempt("http", {"http": {"url": "x"}}), tmp_path))
    assert os.listdir(tmp_path) == []
