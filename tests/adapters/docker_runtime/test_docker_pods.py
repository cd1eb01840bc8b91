"""Several containers in one attempt: a network and volumes that they share, sidecars, daemons and container sets."""

import asyncio
import os
import urllib.request

import pytest

from aggregator.runtimes.docker import find

VOLUME = {"volumes": [{"name": "v", "emptyDir": {}}]}
MOUNT = {"volumeMounts": [{"name": "v", "mountPath": "/shared"}]}


def test_init_containers_run_in_order_before_main_and_share_its_volumes(pods, sh):
    body = {
        **VOLUME,
        "initContainers": [
            sh("echo one > /shared/f", "a", **MOUNT),
            sh("echo two >> /shared/f", "b", mirrorVolumeMounts=True),
        ],
        "container": sh("cat /shared/f", **MOUNT),
    }
    ran = pods(body)
    assert (ran.outcome.phase, ran.result, ran.outcome.containers) == ("Succeeded", "one\ntwo", {"a": 0, "b": 0})


def test_a_failing_init_container_fails_the_pod_and_main_never_starts(docker, sh):
    ran = docker({"initContainers": [sh("echo why >&2; exit 5", "setup")], "container": sh("echo never")})
    assert (ran.outcome.phase, ran.outcome.message) == ("Failed", "setup: Error (exit code 5)")
    assert ran.result == ""
    assert (ran.folder / "setup.stderr").read_bytes() == b"why\n"


def test_a_sidecar_is_reached_at_localhost_and_ended_after_main(pods, sh):
    serve = "trap 'exit 9' TERM; while :; do echo served | nc -l -p 8080; done & wait"
    ask = "until nc 127.0.0.1 8080 </dev/null | grep served; do sleep 0.1; done"
    ran = pods({"sidecars": [sh(serve, "web")], "container": sh(ask)}, grace=20.0)
    assert (ran.outcome.phase, ran.result) == ("Succeeded", "served")
    assert ran.outcome.containers == {"web": 9}


def test_main_never_waits_for_a_sidecar_that_can_not_start(pods, sh):
    """It usually does, until something answers."""
    sidecar = {"name": "helper", "image": "alpine:3.23", "command": ["agg-no-such"]}
    ran = pods({"sidecars": [sidecar], "container": sh("sleep 60; echo never")})
    assert (ran.outcome.phase, ran.result) == ("Error", "")
    assert "sidecar helper: command 'agg-no-such' of image 'alpine:3.23' was not found" in ran.outcome.message


def test_volumes_of_every_kind_are_mounted(docker, sh, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "h").write_text("of the host")
    body = {
        "volumes": [
            {"name": "c", "configMap": {"name": "cm"}},
            {"name": "s", "secret": {"secretName": "sec"}},
            {"name": "h", "hostPath": {"path": str(allowed)}},
            {"name": "p", "persistentVolumeClaim": {"claimName": "claim"}},
        ],
        "container": sh(
            "cat /c/k /s/k /h/h; echo kept > /p/sub/f; touch /c/x || echo ro",
            volumeMounts=[
                {"name": "c", "mountPath": "/c", "readOnly": True},
                {"name": "s", "mountPath": "/s"},
                {"name": "h", "mountPath": "/h"},
                {"name": "p", "mountPath": "/p/sub", "subPath": "sub"},
            ],
        ),
    }
    given = {"secrets": {"sec": {"k": "B"}}, "config_maps": {"cm": {"k": "A"}}}
    ran = docker(body, host_folders=[str(allowed)], **given)
    assert ran.result == "ABof the hostro"
    assert (tmp_path / "claims" / "argo" / "claim" / "sub" / "f").read_text() == "kept\n"


def test_a_host_folder_that_is_not_allowed_is_refused(docker, sh, tmp_path):
    from aggregator.runtimes.process.refused import LeafRefused

    body = {
        "volumes": [{"name": "h", "hostPath": {"path": str(tmp_path)}}],
        "container": sh("true", volumeMounts=[{"name": "h", "mountPath": "/h"}]),
    }
    with pytest.raises(LeafRefused, match="none of the allowed folders"):
        docker(body)


def test_a_container_set_follows_its_dependencies_and_shares_files_through_volumes(pods, sh):
    body = {
        **VOLUME,
        "containerSet": {
            **MOUNT,
            "containers": [
                sh("echo a >> /shared/f", "a"),
                sh("echo b >> /shared/f", "b", dependencies=["a"]),
                sh("cat /shared/f", "main", dependencies=["b"]),
            ],
        },
    }
    ran = pods(body)
    assert (ran.outcome.phase, ran.result) == ("Succeeded", "a\nb")
    assert ran.outcome.containers == {"a": 0, "b": 0, "main": 0}


def test_a_container_of_a_set_is_tried_again_and_what_needs_a_failed_one_never_starts(docker, sh):
    body = {
        **VOLUME,
        "containerSet": {
            **MOUNT,
            "retryStrategy": {"retries": "3"},
            "containers": [
                sh("echo x >> /shared/f; [ $(wc -l < /shared/f) = 3 ]", "a"),
                sh("exit 4", "b"),
                sh("echo never", "c", dependencies=["b"]),
            ],
        },
    }
    ran = docker(body)
    assert ran.outcome.phase == "Failed"
    assert ran.outcome.containers == {"a": 0, "b": 4, "c": 64}


@pytest.mark.parametrize(
    "probe",
    [
        {"tcpSocket": {"port": 8080}},
        {"httpGet": {"path": "/", "port": 8080}},
        {"exec": {"command": ["sh", "-c", "test -e /up"]}},
        None,
    ],
)
def test_a_daemon_is_ready_when_its_probe_is_and_is_reached_at_its_address(pods, sh, probe):
    answer = r"printf 'HTTP/1.0 200 OK\r\n\r\nhello\n'"
    serve = f"sleep 0.3; touch /up; while :; do {answer} | nc -l -p 8080; done"
    template = {"daemon": True, "container": sh(serve, **({"readinessProbe": probe} if probe else {}))}

    async def main():
        runtime = await pods.runtime()
        told = asyncio.Event()
        from types import SimpleNamespace

        ips = []
        sink = SimpleNamespace(
            started=lambda: None, write=lambda *_: None, ready=lambda ip: (ips.append(ip), told.set())
        )
        daemon = asyncio.ensure_future(pods.drive(runtime, pods.attempt(template), sink=sink))
        async with asyncio.timeout(60):
            await told.wait()
        ask = f"until nc {ips[0]} 8080 </dev/null | grep hello; do sleep 0.1; done"
        client = await pods.drive(runtime, pods.attempt({"container": sh(ask)}))
        daemon.cancel()
        with pytest.raises(asyncio.CancelledError):
            await daemon
        await runtime.stop()
        return ips[0], client

    address, client = asyncio.run(main())
    assert address != "127.0.0.1"
    assert client.result == "hello"


def test_on_the_hosts_network_containers_reach_what_listens_there(docker, sh, stub_server):
    url, _ = stub_server(lambda method, path: (200, {}, b"of the host"))
    body = {"sidecars": [sh("sleep 600", "s")], "container": sh(f"wget -q -O - {url}/")}
    assert docker(body, network="host").result == "of the host"
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"of the host"


def test_a_cancelled_pod_is_removed_with_all_its_containers(docker, sh):
    async def main():
        runtime = await docker.runtime()
        from types import SimpleNamespace

        up = asyncio.Event()
        sink = SimpleNamespace(started=up.set, write=lambda *_: None)
        body = {"sidecars": [sh("sleep 600", "s")], "container": sh("sleep 600")}
        job = asyncio.ensure_future(docker.drive(runtime, docker.attempt(body), sink=sink))
        await up.wait()
        engine = await find("docker", os.environ)
        names = sorted(row["Labels"]["agg.dev/container"] for row in await engine.labelled("agg.dev/run=the-uid"))
        await engine.close()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await runtime.stop()
        return names

    assert asyncio.run(main()) == ["main", "network", "s"]


def test_what_a_dead_owner_left_is_swept_and_what_a_living_one_has_is_not(docker, sh):
    labels = ["--label", "agg.dev/owner=7 dead tests"]
    left = docker.command("create", *labels, "alpine:3.23", "true").stdout.strip()
    living = docker.command("create", "--label", "agg.dev/owner=8 alive tests", "alpine:3.23", "true").stdout.strip()
    try:
        docker({"container": sh("true")}, gone=lambda owner: owner.born == "dead")
        assert docker.command("inspect", left).returncode == 1
        assert docker.command("inspect", living).returncode == 0
        assert any("removed 1 containers" in text for text in docker.notices)
    finally:
        docker.command("rm", "-f", left, living)


def test_a_user_of_the_container_may_write_to_its_volumes_and_read_its_inputs(docker, sh):
    body = {
        "volumes": [
            {"name": "e", "emptyDir": {}},
            {"name": "p", "persistentVolumeClaim": {"claimName": "claim"}},
        ],
        "inputs": {"artifacts": [{"name": "i", "path": "/in"}]},
        "container": sh(
            "cat /in; echo x > /e/f; mkdir /p/d; echo y > /p/d/f; cat /e/f /p/d/f",
            securityContext={"runAsUser": 4711},
            volumeMounts=[{"name": "e", "mountPath": "/e"}, {"name": "p", "mountPath": "/p"}],
        ),
    }
    ran = docker(body, stage={"/in": "given "})
    assert (ran.outcome.phase, ran.result) == ("Succeeded", "given x\ny")
    assert not (ran.folder / "volumes").exists()


def test_a_container_that_is_tried_again_finds_its_own_files(pods, sh):
    body = {
        "containerSet": {
            "retryStrategy": {"retries": "2"},
            "containers": [sh("echo try; test -e /made || { touch /made; exit 1; }")],
        }
    }
    ran = pods(body)
    assert (ran.outcome.phase, ran.result) == ("Succeeded", "try\ntry")


CLAIM = {"volumes": [{"name": "p", "persistentVolumeClaim": {"claimName": "claim"}}]}


def claimed(path="/p", **rest):
    return [{"name": "p", "mountPath": path, **rest}]


def test_a_link_that_a_leaf_made_in_a_volume_never_shows_a_folder_of_the_host(docker, sh, tmp_path):
    """Not to a subPath of a later leaf, not to its inputs, and not to one of the same pod."""
    from aggregator.runtimes.process.refused import LeafRefused

    outside = tmp_path / "outside"
    outside.mkdir()
    docker({**CLAIM, "container": sh(f"ln -s {outside} /p/evil; ln -s x /p/inner; mkdir /p/x", volumeMounts=claimed())})
    with pytest.raises(LeafRefused, match="'evil' of volume 'p' leaves the volume"):
        docker({**CLAIM, "container": sh("touch /s/f", volumeMounts=claimed("/s", subPath="evil"))})
    inputs = {"inputs": {"artifacts": [{"name": "i", "path": "/p/evil/f"}]}}
    with pytest.raises(LeafRefused, match=r"leaves the volume at /p through a link"):
        docker({**CLAIM, **inputs, "container": sh("true", volumeMounts=claimed())}, stage={"/p/evil/f": "given"})
    changed = docker(
        {
            **CLAIM,
            "initContainers": [sh(f"rmdir /p/later; ln -s {outside} /p/later", "swap", volumeMounts=claimed())],
            "container": sh("touch /s/f", volumeMounts=claimed("/s", subPath="later")),
        }
    )
    assert changed.outcome.phase == "Error"
    assert "/s leaves its volume through a link" in changed.outcome.message
    kept = docker(
        {**CLAIM, "container": sh("touch /s/f; ls /p/x", volumeMounts=claimed() + claimed("/s", subPath="inner"))}
    )
    assert kept.result == "f"
    assert list(outside.iterdir()) == []


def test_an_input_takes_the_place_of_a_link_in_a_volume(docker, sh, tmp_path):
    there = tmp_path / "there"
    there.write_text("of the host")
    docker({**CLAIM, "container": sh(f"ln -s {there} /p/i", volumeMounts=claimed())})
    inputs = {"inputs": {"artifacts": [{"name": "i", "path": "/p/i"}]}}
    ran = docker({**CLAIM, **inputs, "container": sh("cat /p/i", volumeMounts=claimed())}, stage={"/p/i": "given"})
    assert ran.result == "given"
    assert there.read_text() == "of the host"


def test_the_runs_own_claims_lie_apart_from_named_ones(docker, sh, tmp_path):
    body = {
        "volumes": [
            {"name": "p", "persistentVolumeClaim": {"claimName": "named"}},
            {"name": "o", "persistentVolumeClaim": {"claimName": "wf-made"}},
        ],
        "container": sh(
            "touch /p/f /o/f", volumeMounts=[{"name": "p", "mountPath": "/p"}, {"name": "o", "mountPath": "/o"}]
        ),
    }
    docker(body, own_claims=tmp_path / "own")
    assert (tmp_path / "claims" / "argo" / "named" / "f").exists()
    assert (tmp_path / "own" / "argo" / "wf-made" / "f").exists()


INPUT = {"inputs": {"artifacts": [{"name": "i", "path": "/data/i"}]}}


def test_inputs_of_a_container_set_are_those_of_its_main_container(docker, sh):
    containers = [sh("cat /data/i || echo none > /shared/f", "pre"), sh("cat /data/i /shared/f", dependencies=["pre"])]
    ran = docker({**VOLUME, **INPUT, "containerSet": {**MOUNT, "containers": containers}}, stage={"/data/i": "given\n"})
    assert ran.result == "given\nnone"


def test_containers_that_mirror_the_mounts_of_main_see_its_inputs_too(docker, sh):
    first = [sh("cp /data/i /shared/f", "a", mirrorVolumeMounts=True), sh("ls /data && exit 1; true", "b")]
    body = {**VOLUME, **INPUT, "initContainers": first, "container": sh("cat /shared/f", **MOUNT)}
    assert docker(body, stage={"/data/i": "given"}).result == "given"
