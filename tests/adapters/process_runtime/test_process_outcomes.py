"""Outcomes of processes: exit codes, results, output of any kind and size, commands that can't start."""

import asyncio
import contextlib
import os
import resource

import pytest

from aggregator.errors import TransientError


def test_exit_code_zero_is_success_and_the_result_is_stdout_without_one_newline(leaf):
    ran = leaf(sh="printf 'a\\n\\n'; echo aside >&2")
    assert (ran.outcome.phase, ran.outcome.message, ran.outcome.exit_code) == ("Succeeded", "", 0)
    assert ran.result == "a\n"
    assert ran.sink.calls[0] == ("started",)
    assert ran.sink.bytes_of("stderr") == b"aside\n"


def test_another_exit_code_is_failed_with_argos_words(leaf):
    ran = leaf(sh="echo so; exit 3")
    assert (ran.outcome.phase, ran.outcome.message, ran.outcome.exit_code) == ("Failed", "main: Error (exit code 3)", 3)
    assert ran.result == "so"


def test_death_by_a_signal_is_an_exit_code_above_128(leaf):
    ran = leaf(
        body={"container": {"image": "python:3", "command": ["python", "-c", "import os; os.kill(os.getpid(), 9)"]}}
    )
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 137)


def test_no_result_is_kept_when_nobody_asks_for_it(leaf):
    assert leaf(sh="echo x", want_result=False).result is None


def test_streams_are_kept_in_files_of_mode_0600_and_nothing_else_is_left(leaf):
    ran = leaf(sh="echo out; echo err >&2; touch here")
    assert {p.name for p in ran.folder.iterdir()} == {"stderr", "stdout", "times"}
    assert (ran.folder / "stdout").read_bytes() == b"out\n"
    assert (ran.folder / "stderr").stat().st_mode & 0o777 == 0o600


def test_a_silent_leaf_leaves_an_empty_folder(leaf):
    assert list(leaf(sh="true").folder.iterdir()) == []


def test_any_bytes_survive_in_the_file_and_become_replacement_characters_in_the_result(leaf):
    ran = leaf(sh="printf '\\377\\000a\\r\\nb'")
    assert (ran.folder / "stdout").read_bytes() == b"\xff\x00a\r\nb"
    assert ran.result == "\ufffd\x00a\r\nb"


def test_output_larger_than_a_pipe_does_not_block_and_the_result_has_all_of_it(leaf):
    ran = leaf(sh="head -c 3000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2")
    assert ran.result == "x" * 3_000_000
    assert ran.sink.bytes_of("stderr") == b"y" * 300_000


def test_stdout_can_be_opened_again_by_its_name(leaf):
    # with a file in place of a pipe this would truncate what was printed before
    assert leaf(sh="echo one; echo two > /dev/stdout; echo three").result == "one\ntwo\nthree"


def test_stdin_is_empty(leaf):
    assert leaf(sh="cat; echo end").result == "end"


def test_a_script_is_a_file_given_as_the_last_argument(leaf):
    ran = leaf(
        "script",
        {
            "script": {
                "image": "python:3.12",
                "command": ["python"],
                "source": "import sys\nprint(open(sys.argv[0]).read())\n",
            }
        },
    )
    assert ran.result == "import sys\nprint(open(sys.argv[0]).read())\n"


def test_a_script_of_a_hundred_thousand_lines_runs(leaf):
    source = "".join(f"x{n} = {n}\n" for n in range(100_000)) + "print(x99999)"
    assert (
        leaf("script", {"script": {"image": "python:3.12", "command": ["python"], "source": source}}).result == "99999"
    )


@pytest.mark.parametrize(
    "command", ["agg-no-such-program", "/usr/local/nowhere/agg-no-such-program", "./agg-no-such-program"]
)
def test_a_command_that_is_not_there_fails_with_64_and_names_command_image_and_rule(leaf, command):
    ran = leaf(body={"container": {"image": "me/tool:1", "command": [command]}})
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 64)
    assert ran.outcome.message.startswith("main: Error (exit code 64): command ")
    assert "agg-no-such-program" in ran.outcome.message
    assert "me/tool:1" in ran.outcome.message
    if not command.startswith("."):
        assert '[process.images."me/tool:1"]' in ran.outcome.message
    assert ran.sink.calls == []


@pytest.mark.parametrize(("mode", "words"), [(0o600, "not executable"), (0o755, "exec format error")])
def test_a_file_that_is_no_program_fails_with_64_and_says_why(leaf, mode, words):
    inputs = {"artifacts": [{"name": "t", "path": "/tmp/agg-tool"}]}
    body = {"container": {"image": "x", "command": ["/tmp/agg-tool"]}, "inputs": inputs}
    ran = leaf(body=body, stage={"/tmp/agg-tool": "hello"}, mode=mode)
    assert (ran.outcome.phase, ran.outcome.exit_code) == ("Failed", 64)
    assert words in ran.outcome.message


def test_a_script_file_whose_interpreter_is_missing_is_said_to_lack_it(leaf):
    inputs = {"artifacts": [{"name": "t", "path": "/tmp/agg-tool"}]}
    ran = leaf(
        body={"container": {"image": "x", "command": ["/tmp/agg-tool"]}, "inputs": inputs},
        stage={"/tmp/agg-tool": "#!/no/such/shell\n"},
        mode=0o755,
    )
    assert ran.outcome.exit_code == 64
    assert "/no/such/shell" in ran.outcome.message


def test_too_few_descriptors_may_pass_and_leak_none(make_runtime, new_attempt, new_sink, tmp_path):
    async def check():
        runtime = make_runtime("none")
        attempt = new_attempt("container", {"container": {"image": "x", "command": ["true"]}})
        workspace = await runtime.open(attempt, tmp_path)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        before = len(os.listdir("/proc/self/fd"))
        try:
            for spare in range(6):
                resource.setrlimit(resource.RLIMIT_NOFILE, (before + spare, hard))
                with contextlib.suppress(TransientError):
                    await runtime.run(attempt, workspace, new_sink())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await runtime.stop()
        assert len(os.listdir("/proc/self/fd")) == before
        await runtime.close(workspace)

    asyncio.run(check())
