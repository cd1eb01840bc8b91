"""How processes end: deadlines, cancellations, grace periods, children left behind, and a thousand attempts that leave nothing."""

import asyncio
import os
import subprocess
import time

import pytest

DEADLINE = "Pod was active on the node longer than the specified deadline"


def shell(text):
    return {"container": {"image": "alpine", "command": ["sh", "-c", text]}}


def unique():
    """A number of seconds that marks a `sleep` as this test's."""
    return f"{os.getpid()}.{time.time_ns() % 1_000_000_000}"


async def until(condition):
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def gone(processes_with, word):
    await until(lambda: not processes_with(word))


def test_a_deadline_ends_the_leaf_as_failed_in_kubernetes_words(leaf):
    ran = leaf(sh="echo before; sleep 60", deadline=time.time() + 0.3)
    assert (ran.outcome.phase, ran.outcome.message, ran.outcome.exit_code) == ("Failed", DEADLINE, 143)
    assert ran.result == "before"


def test_a_deadline_that_has_passed_starts_nothing(leaf):
    ran = leaf(sh="echo x", deadline=time.time() - 1)
    assert (ran.outcome.phase, ran.outcome.message) == ("Failed", DEADLINE)
    assert ran.sink.calls == []


def test_a_leaf_that_ignores_sigterm_is_killed_after_the_grace_period(leaf):
    ran = leaf(sh="trap '' TERM; while :; do sleep 0.05; done", deadline=time.time() + 0.3, options={"grace": 0.2})
    assert (ran.outcome.message, ran.outcome.exit_code) == (DEADLINE, 137)


def test_a_leaf_may_clean_up_at_sigterm(leaf):
    ran = leaf(sh="trap 'echo bye; exit 7' TERM; sleep 60 & wait", deadline=time.time() + 0.3)
    assert (ran.outcome.phase, ran.outcome.exit_code, ran.result) == ("Failed", 7, "bye")


def test_sigterm_reaches_the_whole_group(leaf, processes_with):
    mark = unique()
    text = f"trap : TERM; (trap 'echo child; exit' TERM; sleep 6{mark} & wait) & wait; wait"
    ran = leaf(sh=text, deadline=time.time() + 0.4)
    assert ran.result == "child"
    assert not processes_with(mark)


def test_a_child_left_behind_ends_with_the_leaf_and_does_not_hold_it_up(
    make_runtime, isolation, run_leaf, new_attempt, tmp_path, processes_with
):
    mark = unique()

    async def check():
        begun = asyncio.get_running_loop().time()
        text = f"sleep 6{mark} & (setsid sleep 7{mark} &) ; echo done"
        ran = await run_leaf(make_runtime(isolation), new_attempt("container", shell(text)), tmp_path / "a")
        assert (ran.outcome.phase, ran.result) == ("Succeeded", "done")
        assert asyncio.get_running_loop().time() - begun < 30
        await gone(processes_with, mark)

    asyncio.run(check())


def test_cancelling_ends_the_leaf_with_its_group_before_the_cancellation_leaves(
    make_runtime, isolation, new_attempt, new_sink, tmp_path, processes_with
):
    mark = unique()

    async def check():
        runtime = make_runtime(isolation)
        attempt = new_attempt(
            "container",
            shell(f"trap 'echo bye; exit 1' TERM; echo ready; (setsid sleep 7{mark} &); sleep 6{mark} & wait"),
        )
        sink = new_sink()
        workspace = await runtime.open(attempt, tmp_path)
        running = asyncio.ensure_future(runtime.run(attempt, workspace, sink))
        await until(lambda: b"ready" in sink.bytes_of("stdout"))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        sink.over = True
        assert sink.bytes_of("stdout") == b"ready\nbye\n"
        await gone(processes_with, mark)
        await runtime.close(workspace)
        # A shell that is ended between its two commands may say so on stderr.
        assert {p.name for p in tmp_path.iterdir()} - {"stderr"} == {"stdout", "times"}

    asyncio.run(check())


def test_a_second_cancellation_ends_the_grace_period(
    make_runtime, isolation, new_attempt, new_sink, tmp_path, processes_with
):
    mark = unique()

    async def check():
        runtime = make_runtime(isolation, grace=3600)
        attempt = new_attempt(
            "container", shell(f"trap '' TERM; echo ready; while :; do sleep 0.0{mark.replace('.', '')}; done")
        )
        sink = new_sink()
        workspace = await runtime.open(attempt, tmp_path)
        running = asyncio.ensure_future(runtime.run(attempt, workspace, sink))
        await until(lambda: sink.bytes_of("stdout"))
        running.cancel()
        await asyncio.sleep(0.1)
        assert not running.done()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await gone(processes_with, mark.replace(".", ""))
        await runtime.close(workspace)

    asyncio.run(check())


def test_a_daemon_that_closed_its_pipes_and_left_the_group_ends_with_the_leaf(
    make_runtime, isolation, run_leaf, new_attempt, tmp_path, processes_with
):
    mark = unique()

    async def check():
        text = (
            f"(setsid sleep 7{mark} >/dev/null 2>&1 </dev/null &) ; until pidof sleep >/dev/null; do :; done; echo done"
        )
        runtime = make_runtime(isolation)
        ran = await run_leaf(runtime, new_attempt("container", shell(text)), tmp_path / "a")
        assert (ran.outcome.phase, ran.result) == ("Succeeded", "done")
        await gone(processes_with, mark)
        await runtime.stop()

    asyncio.run(check())


def test_a_thousand_attempts_of_which_a_third_are_killed_leave_nothing(
    make_runtime, isolation, run_leaf, new_attempt, tmp_path, processes_with
):
    # in both isolations together: 1,000; a third is cancelled or meets its deadline while it sleeps
    mark = unique()
    count = 800 if isolation == "none" else 200
    mounts = len(open_mounts())

    async def check():
        runtime = make_runtime(isolation, grace=0.2, scratch=tmp_path / "scratch")
        await run_leaf(runtime, new_attempt("container", shell("true")), tmp_path / "runs" / "first")
        before = set(os.listdir("/proc/self/fd"))
        texts = ["echo x; exit 1", f"(sleep 5{mark} &); true", "true"]

        async def one(number):
            kill = number % 3 == 0
            text = f"sleep 6{mark}" if kill else texts[number % len(texts)]
            deadline = time.time() + 0.05 if kill and number % 2 else None
            attempt = new_attempt("container", shell(text), number=number, deadline=deadline)
            job = asyncio.ensure_future(run_leaf(runtime, attempt, tmp_path / "runs" / str(number)))
            if kill and deadline is None:
                await asyncio.sleep(0.02)
                job.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await job
            else:
                await job

        queue = asyncio.Semaphore(16)

        async def in_turn(number):
            async with queue:
                await one(number)

        await asyncio.gather(*(in_turn(number) for number in range(count)))
        await gone(processes_with, mark)
        await runtime.stop()
        left = {
            number for number in set(os.listdir("/proc/self/fd")) - before if os.path.exists(f"/proc/self/fd/{number}")
        }
        assert left == set()

    asyncio.run(check())
    assert {p.name for folder in (tmp_path / "runs").iterdir() for p in folder.iterdir()} <= {
        "stdout",
        "stderr",
        "times",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]
    assert len(open_mounts()) <= mounts + 5  # others of this machine mount, too
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def open_mounts():
    with open("/proc/self/mountinfo") as mounts:
        return mounts.readlines()


def test_output_that_can_not_be_stored_is_an_error_and_does_not_block_the_leaf(
    bubblewrap, make_runtime, new_attempt, new_sink, tmp_path
):
    if os.getuid() != 0:
        pytest.skip("needs root to mount a small file system")
    full = tmp_path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(full)], check=True)
    try:

        async def check():
            runtime = make_runtime("none")
            attempt = new_attempt("container", shell("head -c 1000000 /dev/zero; echo end >&2"))
            workspace = await runtime.open(attempt, full)
            outcome = await runtime.run(attempt, workspace, new_sink())
            await runtime.close(workspace)
            return outcome

        outcome = asyncio.run(check())
        assert outcome.phase == "Error"
        assert "No space left" in outcome.message
        assert outcome.exit_code == 0
    finally:
        subprocess.run(["umount", str(full)], check=True)


def test_without_permission_to_make_process_ids_the_group_is_still_ended_with_grace(
    bubblewrap, make_runtime, run_leaf, new_attempt, tmp_path, processes_with
):
    # some containers permit a mount namespace but no new /proc; bwrap without process ids of its own stands for them
    fake = tmp_path / "bin" / "bwrap"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\nfor a in "$@"; do [ "$a" = --unshare-pid ] && exit 1; done\nexec {bubblewrap.program} "$@"\n'
    )
    fake.chmod(0o755)
    mark = unique()

    async def check():
        runtime = make_runtime("bubblewrap", environ={"PATH": f"{fake.parent}:{os.environ['PATH']}"})
        text = f"trap 'echo bye; exit 3' TERM; (setsid sleep 7{mark} &); sleep 6{mark} & wait"
        ran = await run_leaf(runtime, new_attempt("container", shell(text), deadline=time.time() + 0.5), tmp_path / "a")
        assert (ran.outcome.exit_code, ran.result) == (3, "bye")
        ran = await run_leaf(
            runtime,
            new_attempt("container", shell(f"sleep 8{mark} & (setsid sleep 9{mark} &); echo x")),
            tmp_path / "b",
        )
        assert (ran.outcome.phase, ran.result) == ("Succeeded", "x")
        await gone(processes_with, mark)

    asyncio.run(check())


def test_the_last_progress_that_the_leaf_wrote_is_told(leaf):
    ran = leaf(sh="echo 1/4 > $ARGO_PROGRESS_FILE; echo 2/4 >> $ARGO_PROGRESS_FILE")
    assert ran.sink.calls[-1] == ("progress", "2/4")
    assert not [call for call in leaf(sh="echo nonsense > $ARGO_PROGRESS_FILE").sink.calls if call[0] == "progress"]
