"""One container: its command, environment, files, limits and ends."""

import time

import pytest


def test_both_streams_are_kept_apart_and_any_bytes_survive(pods, sh):
    ran = pods({"container": sh(r"printf 'a\000\377b\r'; printf 'bad\n' >&2; printf 'c\n'")})
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Succeeded", 0)
    assert (ran.folder / "stdout").read_bytes() == b"a\x00\xffb\rc\n"
    assert (ran.folder / "stderr").read_bytes() == b"bad\n"
    assert ran.result == "a\x00\ufffdb\rc"
    assert b"".join(call[1] for call in ran.sink.calls if call[0] == "stdout") == b"a\x00\xffb\rc\n"
    assert ran.sink.calls[0] == ("started",)


def test_output_of_some_megabytes_is_whole(docker, sh):
    ran = docker({"container": sh("seq 1 500000")})
    assert ran.result.splitlines()[-1] == "500000"
    assert len(ran.result) == 3388894


def test_command_replaces_the_images_entrypoint_and_args_its_command(docker):
    """argosay's entrypoint speaks the words after `echo`; its image is one whose entrypoint is set."""
    said = docker({"container": {"image": "argoproj/argosay:v2", "args": ["echo", "by the entrypoint"]}})
    assert said.result.strip() == "by the entrypoint"
    said = docker({"container": {"image": "argoproj/argosay:v2", "command": ["echo"], "args": ["replaced"]}})
    assert said.result == "replaced"


def test_the_environment_is_what_the_yaml_says_and_nothing_of_ours(pods, sh, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    container = sh(
        "env; echo $(A)",
        env=[
            {"name": "A", "value": "1"},
            {"name": "B", "value": "$(A)$(A)"},
            {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        envFrom=[{"configMapRef": {"name": "c"}, "prefix": "P_"}],
    )
    ran = pods(
        {"container": container},
        secrets={"s": {"k": "secret"}},
        config_maps={"c": {"x": "y"}},
        extra_env={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    )
    lines = ran.result.splitlines()
    assert {"A=1", "B=11", "S=secret", "P_x=y", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "1"} <= set(lines)
    assert not any(line.startswith("AWS_SECRET") for line in lines)


def test_a_secret_that_is_nowhere_is_an_error_that_says_so(docker, sh):
    env = [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    ran = docker({"container": sh("true", env=env)})
    assert ran.outcome.phase == "Error"
    assert "Secret 's' is nowhere" in ran.outcome.message


def test_inputs_wait_at_their_paths_and_outputs_are_taken_from_anywhere(pods, sh):
    template = {
        "inputs": {"artifacts": [{"name": "i", "path": "/etc/deep/in.txt"}]},
        "outputs": {
            "artifacts": [{"name": "d", "path": "/opt/out"}, {"name": "in", "path": "/etc/deep/in.txt"}],
            "parameters": [
                {"name": "p", "valueFrom": {"path": "/opt/out/p"}},
                {"name": "none", "valueFrom": {"path": "/opt/none"}},
            ],
        },
        "container": sh(
            "cat /etc/deep/in.txt; echo more >> /etc/deep/in.txt; mkdir -p /opt/out/sub; echo v > /opt/out/p; "
            "ln -s ../p /opt/out/sub/l; ln -s /opt/out/p /opt/out/sub/m; ln -s /etc/passwd /opt/out/n"
        ),
    }
    ran = pods(template, stage={"/etc/deep/in.txt": "given\n"})
    assert ran.result == "given"
    assert ran.outputs == {
        "/opt/out": ["p", "sub", "sub/l -> ../p", "sub/m -> ../p"],
        "/etc/deep/in.txt": "given\nmore\n",
        "/opt/out/p": "v\n",
        "/opt/none": None,
    }
    assert sorted(path.name for path in ran.folder.iterdir()) == ["stdout", "times"]
    assert pods.notices == ["output /opt/out: the link /opt/out/n -> /etc/passwd leads out of it and is left out"]


def test_a_link_means_a_file_of_the_container_never_one_of_the_host(pods, sh, tmp_path):
    secret = tmp_path / "host"
    secret.write_text("of the host")
    template = {
        "inputs": {"artifacts": [{"name": "i", "path": "/in"}]},
        "outputs": {
            "artifacts": [{"name": "a", "path": "/out"}, {"name": "i", "path": "/v/link"}, {"name": "b", "path": "/b"}]
        },
        "volumes": [{"name": "v", "emptyDir": {}}],
        "container": sh(
            f"ln -s {secret} /out; ln -s {secret} /v/link; echo inside > /real; ln -s /real /b",
            volumeMounts=[{"name": "v", "mountPath": "/v"}],
        ),
    }
    ran = pods(template)
    assert ran.outcome.phase == "Succeeded"
    assert ran.outputs == {"/out": None, "/v/link": None, "/b": "inside\n"}


def test_outputs_of_a_failed_leaf_are_there(docker, sh):
    template = {
        "outputs": {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p"}}]},
        "container": sh("echo left > /tmp/p; exit 3"),
    }
    ran = docker(template)
    assert (ran.outcome.phase, ran.outcome.message, ran.outcome.exit_code) == ("Failed", "main: Error (exit code 3)", 3)
    assert ran.outputs == {"/tmp/p": "left\n"}


def test_a_scripts_source_is_the_last_argument_of_its_command(pods):
    script = {"image": "alpine:3.23", "command": ["sh"], "source": 'echo "from $0"; pwd', "workingDir": "/srv/made"}
    ran = pods({"script": script})
    assert ran.result == "from /argo/staging/script\n/srv/made"


def test_users_groups_and_root_filesystems_are_as_the_context_says(pods, sh):
    context = {"runAsUser": 1000, "runAsGroup": 2000, "fsGroup": 3000, "readOnlyRootFilesystem": True}
    ran = pods({"container": sh("id -u; id -g; id -G; touch /x || echo read-only", securityContext=context)})
    assert ran.result.splitlines() == ["1000", "2000", "2000 3000", "read-only"]


@pytest.mark.parametrize("context", [{"privileged": True}, {"capabilities": {"add": ["SYS_ADMIN"]}}])
def test_what_would_give_a_container_the_machine_must_be_allowed(docker, sh, context):
    ran = docker({"container": sh("true", securityContext=context)})
    assert ran.outcome.phase == "Error"
    assert "[docker] privileged = true" in ran.outcome.message
    # An engine that is itself confined can't give the powers; it is asked for them now.
    allowed = docker({"container": sh("true", securityContext=context)}, privileged=True).outcome
    assert allowed.phase == "Succeeded" or "operation not permitted" in allowed.message


def test_limits_reach_the_engine(docker, sh):
    resources = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m", "memory": "32Mi"}}
    told = []
    sink = type(docker({"container": sh("true")}).sink)(
        on=lambda call: (
            told.append(docker.command("ps", "-q", "--filter", "label=agg.dev/run=the-uid").stdout.split())
            if call[0] == "started"
            else None
        )
    )
    text = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    ran = docker({"container": sh(f"sleep 0.2; {text}", resources=resources)}, sink=sink)
    assert ran.result == str(64 << 20)
    assert len(told[0]) == 1


def test_using_more_memory_than_the_limit_is_told_as_that(docker, sh):
    """In a shell `tail` of endless zeros keeps them all."""
    ran = docker({"container": sh("exec tail /dev/zero", resources={"limits": {"memory": "16Mi"}})})
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 137)
    assert ran.outcome.message.startswith("main: OOMKilled (exit code 137)")


def test_a_more_generous_cpu_limit_than_the_machine_has_is_no_fault(docker, sh):
    assert docker({"container": sh("true", resources={"limits": {"cpu": "4096"}})}).outcome.phase == "Succeeded"


def test_a_deadline_ends_what_does_not_listen_to_sigterm_at_once(docker, sh):
    began = time.monotonic()
    ran = docker({"container": sh("sleep 600")}, deadline=time.time() + 1.5, grace=60.0)
    assert ran.outcome.phase == "Failed"
    assert "deadline" in ran.outcome.message
    assert time.monotonic() - began < 50


def test_what_listens_to_sigterm_gets_its_grace(docker, sh):
    ran = docker(
        {"container": sh("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.1; done")},
        deadline=time.time() + 2.5,
        grace=20.0,
    )
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 7)
    assert (ran.folder / "stdout").read_text() == "up\nbye\n"


def test_progress_is_told(docker, sh):
    ran = docker({"container": sh("echo 1/2 > $ARGO_PROGRESS_FILE; sleep 1.3; echo 2/2 > $ARGO_PROGRESS_FILE")})
    assert [call for call in ran.sink.calls if call[0] == "progress"] == [("progress", "1/2"), ("progress", "2/2")]


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"command": ["agg-no-such"]}, ["'agg-no-such'", "was not found in the image"]),
        ({"command": ["/no/such"]}, ["'/no/such'", "was not found in the image"]),
        ({"command": ["/etc/passwd"]}, ["not executable"]),
    ],
)
def test_a_command_that_can_not_be_run_is_the_leafs_failure_with_argos_exit_code(pods, container, words):
    ran = pods({"container": {"image": "alpine:3.23", **container}})
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 64)
    assert all(word in ran.outcome.message for word in words), ran.outcome.message
    assert "\n" not in ran.outcome.message


def test_a_file_that_is_no_program_is_told_as_one(docker):
    template = {
        "inputs": {"artifacts": [{"name": "p", "path": "/p"}]},
        "container": {"image": "alpine:3.23", "command": ["/p"]},
    }

    async def main():
        runtime = await docker.runtime()
        attempt = docker.attempt(template)
        folder = docker.folder / attempt.pod_name
        folder.mkdir(mode=0o700)
        workspace = await runtime.open(attempt, folder)
        place = workspace.host_path("/p")
        place.write_text("no program")
        place.chmod(0o755)
        try:
            return await runtime.run(
                attempt, workspace, type("Quiet", (), {"started": lambda s: 0, "write": lambda *a: 0})()
            )
        finally:
            await runtime.close(workspace)
            await runtime.stop()

    import asyncio

    outcome = asyncio.run(main())
    assert (outcome.phase, outcome.exit_code) == ("Failed", 64)
    assert "exec format error" in outcome.message


def test_an_image_that_is_nowhere_is_an_error_with_the_next_command(pods):
    ran = pods({"container": {"image": "agg-no-such/image:1", "command": ["true"], "imagePullPolicy": "Never"}})
    assert ran.outcome.phase == "Error"
    assert "imagePullPolicy is Never" in ran.outcome.message
    assert "pull agg-no-such/image:1" in ran.outcome.message


def test_an_image_that_can_not_be_pulled_is_an_error_in_the_registrys_words(docker):
    ran = docker({"container": {"image": "127.0.0.1:9/none:1", "command": ["true"]}})
    assert ran.outcome.phase == "Error"
    assert "could not be pulled" in ran.outcome.message
    assert "127.0.0.1:9" in ran.outcome.message


def test_secrets_are_in_no_command_line_of_the_machine(docker, sh):
    """What the engine is told goes over its socket, and the container has it in its environment only."""
    seen = []

    def look(call):
        if call[0] == "stdout":
            seen.append(docker.command("ps", "-a", "--no-trunc", "--format", "{{.Command}}").stdout)

    from pathlib import Path

    def cmdlines(call):
        look(call)
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(each.read_bytes().decode(errors="replace"))
            except OSError:
                continue

    env = [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    sink = type(docker({"container": sh("true")}).sink)(on=cmdlines)
    ran = docker({"container": sh("echo $S; sleep 0.3", env=env)}, secrets={"s": {"k": "hushed"}}, sink=sink)
    assert ran.result == "hushed"
    assert len(seen) > 2
    assert not any("hushed" in text for text in seen)


def test_a_pod_spec_patch_is_laid_over_the_container(docker, sh):
    patch = "containers:\n- name: main\n  env: [{name: A, value: patched}]\n  resources: {limits: {memory: 64Mi}}"
    text = "echo $A; cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    ran = docker({"container": sh(text), "podSpecPatch": patch})
    assert ran.result == f"patched\n{64 << 20}"


@pytest.mark.parametrize(("signal", "code"), [("TERM", 143), ("INT", 130), ("ABRT", 134), ("KILL", 137)])
def test_a_signal_that_a_command_sends_itself_ends_it_as_in_any_pod(docker, sh, signal, code):
    """A first process of a container would be spared by the kernel; in a pod the executor is the first."""
    ran = docker({"container": sh(f"kill -{signal} $$$$; sleep 5; echo spared")})
    assert (ran.outcome.phase, ran.outcome.exit_code, ran.result) == ("Failed", code, "")
    assert ran.outcome.message == f"main: Error (exit code {code})"


def test_commands_are_started_by_the_image_where_the_engine_has_no_first_process(docker, sh, monkeypatch):
    """Then they are the first themselves, and what can't be run is told as always."""
    from aggregator.runtimes.docker.engine import Engine

    async def machine(self):
        return 1, False

    monkeypatch.setattr(Engine, "machine", machine)
    assert docker({"container": sh("echo $$$$")}).result == "1"
    ran = docker({"container": {"image": "alpine:3.23", "command": ["/etc/passwd"]}})
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 64)
    assert "not executable" in ran.outcome.message


def test_a_pipe_in_an_output_folder_is_left_out_and_that_is_said(docker, sh):
    outputs = {"outputs": {"artifacts": [{"name": "o", "path": "/o"}]}}
    ran = docker({**outputs, "container": sh("mkdir /o; mkfifo /o/p; touch /o/f")})
    assert ran.outputs == {"/o": ["f"]}
    assert docker.notices == ["output /o: the pipe or device /o/p is nothing to keep, and is left out"]
