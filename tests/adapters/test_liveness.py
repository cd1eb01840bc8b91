"""How a run stands, by its row and the processes of this machine."""

import os
import platform
import subprocess
import sys

import pytest

from aggregator.journal import liveness
from aggregator.journal.liveness import birth, standing
from aggregator.ports import RunRow


def row(**fields):
    values = {"phase": "Running", "pid": os.getpid(), "born": birth(os.getpid()), "host": platform.node(), **fields}
    return RunRow(uid="u", name="wf", **values)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, "driven"),
        ({"phase": "Succeeded"}, "ended"),
        ({"phase": "Failed", "pid": 0}, "ended"),
        ({"pid": 0}, "detached"),
        ({"host": "another"}, "elsewhere"),
        ({"born": "boot:1"}, "gone"),
        ({"born": ""}, "driven"),
    ],
)
def test_a_run_stands_as_its_row_says(fields, found):
    assert standing(row(**fields)) == found


def test_a_process_is_told_apart_by_its_birth_and_a_dead_one_is_none():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = birth(child.pid)
    assert born
    assert born == birth(child.pid)
    assert born != birth(os.getpid())
    assert standing(row(pid=child.pid, born=born)) == "driven"
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert birth(child.pid) == "ended", "a zombie drives nothing"
    assert standing(row(pid=child.pid, born=born)) == "gone"
    child.communicate()
    assert birth(child.pid) == ""
    assert standing(row(pid=child.pid, born=born)) == "gone"


def test_a_process_of_another_user_counts_as_alive(monkeypatch):
    def refuse(pid, number):
        raise PermissionError

    monkeypatch.setattr(liveness.os, "kill", refuse)
    assert standing(row(born="unknown")) == "driven"
