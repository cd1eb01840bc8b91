"""When agg itself is killed, or is the first process of a container, its leaves leave nothing behind."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest


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


def test_kill_9_of_ourselves_takes_leaves_without_isolation_along(tmp_path, processes_with):
    mark = unique()
    program = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from aggregator.engine.commands import Attempt
        from aggregator.runtimes.process import ProcessRuntime

        class Sink:
            def write(self, stream, data): print("ready", flush=True)
            def started(self): pass

        async def main():
            runtime = ProcessRuntime(isolation="none", secrets=None, notice=print)
            attempt = Attempt(node=1, node_id="n", name="n", display_name="n", template_name="t", pod_name="p", kind="container", index=0,
                template={{"container": {{"image": "a", "command": ["sh", "-c", "(setsid sleep 7{mark} &); echo x; sleep 6{mark}"]}}}},
                workflow="w", uid="u", namespace="d", deadline=None, want_result=False)
            workspace = await runtime.open(attempt, Path({str(tmp_path)!r}))
            await runtime.run(attempt, workspace, Sink())

        asyncio.run(main())
        """)
    ours = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert ours.stdout.readline() == b"ready\n"
    assert processes_with(mark)
    ours.send_signal(signal.SIGKILL)
    ours.wait()
    ours.stdout.close()
    asyncio.run(gone(processes_with, mark))


def test_kill_9_of_ourselves_takes_isolated_leaves_along(bubblewrap, tmp_path, processes_with):
    mark = unique()
    program = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from aggregator.engine.commands import Attempt
        from aggregator.runtimes.process import ProcessRuntime

        class Sink:
            def write(self, stream, data): print("ready", flush=True)
            def started(self): pass

        async def main():
            runtime = ProcessRuntime(isolation="bubblewrap", secrets=None, notice=print)
            attempt = Attempt(node=1, node_id="n", name="n", display_name="n", template_name="t", pod_name="p", kind="container", index=0,
                template={{"container": {{"image": "a", "command": ["sh", "-c", "echo x; (setsid sleep 7{mark} &); sleep 6{mark}"]}}}},
                workflow="w", uid="u", namespace="d", deadline=None, want_result=False)
            workspace = await runtime.open(attempt, Path({str(tmp_path)!r}))
            await runtime.run(attempt, workspace, Sink())

        asyncio.run(main())
        """)
    ours = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert ours.stdout.readline() == b"ready\n"
    assert processes_with(mark)
    ours.send_signal(signal.SIGKILL)
    ours.wait()
    ours.stdout.close()
    asyncio.run(gone(processes_with, mark))


def test_as_first_process_of_a_container_no_zombie_of_bubblewrap_is_kept(bubblewrap, tmp_path):
    if os.getuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare to be the first process")
    program = textwrap.dedent(f"""
        import asyncio, os
        from pathlib import Path
        from aggregator.engine.commands import Attempt
        from aggregator.runtimes.process import ProcessRuntime

        class Sink:
            def started(self): pass

        async def main():
            runtime = ProcessRuntime(isolation="bubblewrap", secrets=None, notice=print)
            for number in range(5):
                attempt = Attempt(node=1, node_id="n", name="n", display_name="n", template_name="t", pod_name="p", kind="container", index=0,
                    template={{"container": {{"image": "a", "command": ["true"]}}}},
                    workflow="w", uid="u", namespace="d", deadline=None, want_result=False)
                folder = Path({str(tmp_path)!r}, str(number))
                folder.mkdir()
                workspace = await runtime.open(attempt, folder)
                assert (await runtime.run(attempt, workspace, Sink())).phase == "Succeeded"
                await runtime.close(workspace)
            await runtime.stop()

        asyncio.run(main())
        print(os.getpid(), open("/proc/self/task/1/children").read().split())
        """)
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", program], capture_output=True, text=True
    )
    if done.returncode != 0 and "unshare" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stdout == "1 []\n", done.stderr
