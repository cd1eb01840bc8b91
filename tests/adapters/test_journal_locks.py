"""Named locks: one holder at a time on the machine, and a dead holder holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from aggregator.errors import LockHeld, UsageError
from aggregator.journal.home import Home
from aggregator.journal.locks import NamedLock

HOLDER = """
import sys, time
from pathlib import Path
from aggregator.journal.home import Home
from aggregator.journal.locks import NamedLock
lock = NamedLock(Home(Path(sys.argv[1])), "nightly")
lock.acquire()
lock.describe("wf-abc")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"held\n"
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def test_a_second_process_is_refused_at_once_and_told_who_holds_it(tmp_path, holder):
    with pytest.raises(LockHeld) as caught:
        NamedLock(Home(tmp_path), "nightly").acquire()
    assert caught.value.exit_code == 7
    assert str(holder.pid) in caught.value.message
    assert "wf-abc" in caught.value.message


def test_a_holder_that_got_kill_9_frees_the_lock(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with NamedLock(Home(tmp_path), "nightly"), pytest.raises(LockHeld, match=str(os.getpid())):
        NamedLock(Home(tmp_path), "nightly").acquire()


def test_a_released_lock_is_free_and_other_names_are_other_locks(tmp_path):
    first = NamedLock(Home(tmp_path), "a")
    first.acquire("run-1")
    with NamedLock(Home(tmp_path), "b"):
        first.release()
    with NamedLock(Home(tmp_path), "a"):
        pass


def test_a_child_process_does_not_inherit_the_lock(tmp_path):
    lock = NamedLock(Home(tmp_path), "a")
    lock.acquire()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        lock.release()
        with NamedLock(Home(tmp_path), "a"):
            pass
        child.communicate(b"\n")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 200, "a b"])
def test_a_name_that_could_leave_the_folder_is_a_usage_error(tmp_path, name):
    with pytest.raises(UsageError, match="--lock"):
        NamedLock(Home(tmp_path), name)
