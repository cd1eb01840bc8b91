"""The live tree: on a real pty of 80 by 24 with 1,000 elements, as frames, and under any sequence of changes."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aggregator.observe import choose_progress, make_observer
from aggregator.observe.board import Board
from aggregator.observe.columns import cells
from aggregator.observe.frame import frame
from aggregator.observe.jsonl import JsonLines
from aggregator.observe.lines import PlainLines
from aggregator.observe.logs import LogLines
from aggregator.ports import Change

COLUMNS, LINES = 80, 24

SCRIPT = """
import sys, time
from aggregator.observe import choose_progress, make_observer
from aggregator.ports import Change
import os

name = choose_progress("auto", sys.stderr, os.environ)
print(name)
observer = make_observer(name, sys.stderr, lambda text: text.replace("hunter2", "***"))

def change(node, display, phase, parent, kind="phase", type="Pod", **fields):
    full = "wf" if parent is None else f"wf.{display}"
    observer.on_change(Change(at=time.time(), kind=kind, node=node, id=full, name=full, display_name=display, type=type,
                              phase=phase, parent=parent, **fields))

N = 1000
change(0, "wf", "Running", None, type="DAG")
change(1, "prepare", "Running", 0, leaf=True)
change(1, "prepare", "Succeeded", 0, leaf=True)
change(2, "fetch-all", "Running", 0, type="TaskGroup", loop=N)
observer.notice("a notice with hunter2 in it")
for i in range(N):
    change(10 + i, f"fetch-all({i}:{i})", "Pending", 2, "created", leaf=True, in_loop=True)
for i in range(N):
    change(10 + i, f"fetch-all({i}:{i})", "Running", 2, leaf=True, in_loop=True)
    if i % 100 == 7:
        change(10 + i, f"fetch-all({i}:{i})", "Running", 2, "retry", leaf=True, in_loop=True)
    change(10 + i, f"fetch-all({i}:{i})", "Failed" if i % 300 == 299 else "Succeeded", 2, "finished", leaf=True, in_loop=True)
    if i % 50 == 0:
        time.sleep(0.05)
change(2, "fetch-all", "Failed", 0, "finished", type="TaskGroup", loop=N, message="child 'x' failed, hunter2")
change(3, "long-" * 30, "Error", 0, "finished", leaf=True, message="a very long message " * 20)
change(0, "wf", "Failed", None, "finished", type="DAG", message="child failed")
observer.close()
"""


def on_a_terminal(script, *, term="xterm-256color", **environment):
    """Run a script with a pty as its standard error; all that it wrote there, and its standard output."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    env = {**os.environ, "TERM": term, "PYTHONUTF8": "1", **environment}
    for name in {"COLUMNS", "LINES", "NO_COLOR"} - set(environment):
        env.pop(name, None)
    written = b""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=inner,
        stdout=subprocess.PIPE,
        stderr=inner,
        env=env,
        cwd=Path(__file__).parents[2],
    ) as child:
        os.close(inner)
        while True:
            ready, _, _ = select.select([outer], [], [], 60)
            assert ready, "the script hangs"
            try:
                data = os.read(outer, 65536)
            except OSError:
                break
            if not data:
                break
            written += data
        out = child.stdout.read().decode()
        assert child.wait() == 0, written.decode()
    os.close(outer)
    return written.decode(), out


class Screen:
    """As much of a terminal as the live tree uses; every line written is checked against the width."""

    def __init__(self):
        self.rows = [""]
        self.row = 0
        self.highest = 0

    def feed(self, text):
        for part in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
            if part == "\n":
                self.row += 1
                if self.row == len(self.rows):
                    self.rows.append("")
            elif part == "\r" or part.endswith(("m", "h", "l")):
                pass
            elif part == "\x1b[2K":
                self.rows[self.row] = ""
            elif part.endswith("A"):
                self.row -= int(part[2:-1] or 1)
                self.highest = max(self.highest, len(self.rows) - self.row)
                assert self.row >= 0
            elif part.startswith("\x1b"):
                raise AssertionError(f"unexpected control sequence {part!r}")
            else:
                self.rows[self.row] += part
                assert cells(self.rows[self.row]) <= COLUMNS, self.rows[self.row]


def test_a_thousand_elements_fit_a_terminal_of_80_by_24_and_the_last_frame_tells_the_end():
    written, out = on_a_terminal(SCRIPT)
    assert out == "tree\n"
    assert "hunter2" not in written
    screen = Screen()
    screen.feed(written)
    assert screen.highest <= LINES, "the tree never grows beyond the screen"
    text = "\n".join(row.rstrip() for row in screen.rows)
    assert "a notice with *** in it" in text
    assert re.search(r"✖ Failed wf  \S+  child failed", text)
    assert "✔ Succeeded prepare" in text
    assert re.search(r"✖ Failed fetch-all\(0\.\.999\)  1000/1000  3 failed  10 retries  \S+", text)
    assert "⚠ Error long-" in text
    assert text.count("fetch-all") == 1, "the loop is one line"


LOGGING = SCRIPT.replace(
    "N = 1000",
    """
logs = make_observer("logs", sys.stderr, lambda text: text.replace("hunter2", "***"))
logs.on_change(Change(at=1.0, kind="phase", node=1, id="wf-1", name="wf.prepare", display_name="prepare", type="Pod",
                      phase="Running", template="t", leaf=True))
def chatter(i):
    logs.on_output(1, "stdout", f"line {i} of hunter2\\n".encode())
N = 100""",
).replace("    if i % 50 == 0:", "    chatter(i)\n    if i % 10 == 0:")


def test_logs_on_the_same_terminal_scroll_above_the_tree():
    written, _ = on_a_terminal(LOGGING)
    screen = Screen()
    screen.feed(written)
    lines = [row.rstrip() for row in screen.rows if row.strip()]
    first = lines.index("wf-t-1: line 0 of ***")
    assert lines[first : first + 100] == [f"wf-t-1: line {i} of ***" for i in range(100)]
    tree = "\n".join(lines[first + 100 :])
    assert re.match(r"✖ Failed wf .*\n✔ Succeeded prepare .*\n✔ Succeeded fetch-all\(0\.\.99\)  100/100", tree)


def test_without_a_capable_terminal_or_with_no_color_lines_are_plain():
    for environment in ({"term": "dumb"}, {"NO_COLOR": "1"}):
        written, out = on_a_terminal(SCRIPT, **environment)
        assert out == "plain\n"
        assert "\x1b" not in written
        assert "hunter2" not in written
        lines = written.splitlines()
        assert len(lines) > 2000, "a loop of 1,000 is told element by element: one line an event"
        assert len([line for line in lines if " Failed " in line and "fetch-all(" in line and "999)" not in line]) >= 2


def test_a_setting_other_than_auto_is_taken_as_it_is():
    assert choose_progress("tree", io.StringIO(), {}) == "tree"
    assert choose_progress("auto", io.StringIO(), {"TERM": "xterm"}) == "plain"


def change(node, display, phase, parent=0, kind="phase", at=100.0, **fields):
    full = "wf" if parent is None else f"wf.{display}"
    defaults = {"type": "Pod"}
    return Change(
        at=at,
        kind=kind,
        node=node,
        id=full,
        name=full,
        display_name=display,
        phase=phase,
        parent=parent,
        **{**defaults, **fields},
    )


def draw(changes, *, now=200.0, width=80, height=24):
    board = Board()
    for each in changes:
        board.apply(each)
    return [text for text, _ in frame(board, now, width, height)]


def test_a_loop_shows_tally_rate_and_time_left():
    changes = [
        change(0, "wf", "Running", None, type="DAG"),
        change(1, "fetch-all", "Running", type="TaskGroup", loop=1000),
    ]
    for i in range(412):
        at = 100 + i / 38
        changes.append(change(10 + i, f"fetch-all({i}:x)", "Running", 1, at=at, leaf=True, in_loop=True))
        changes.append(change(10 + i, f"fetch-all({i}:x)", "Failed" if i < 3 else "Succeeded", 1, at=at, in_loop=True))
    lines = draw(changes, now=100 + 412 / 38)
    assert lines[1] == "● Running fetch-all(0..999)  412/1000  3 failed  38/s  eta 15s"


def test_a_loop_of_steps_hangs_from_its_group_beside_other_steps():
    changes = [
        change(0, "wf", "Running", None, type="Steps"),
        change(1, "[0]", "Running", type="StepGroup", loop=3),
        change(2, "one", "Running", 1, leaf=True),
        *(change(3 + i, f"many({i}:x)", "Running", 1, leaf=True, in_loop=True) for i in range(3)),
        change(9, "many(0:x)(0)", "Running", 3, leaf=True, attempt=0),
        change(3, "many(0:x)", "Running", 1, "retry", type="Retry", in_loop=True),
    ]
    lines = draw(changes)
    assert [line.split("  ")[0] for line in lines] == ["● Running wf", "● Running one", "● Running many(0..2)"]
    assert "0/3  1 retry" in lines[2]


def test_single_attempts_give_way_and_several_are_shown():
    changes = [
        change(0, "wf", "Running", None, type="DAG"),
        change(1, "a", "Running", type="Retry"),
        change(2, "a(0)", "Failed", 1, leaf=True, attempt=0, message="exit code 1"),
    ]
    assert [line.split("  ")[0] for line in draw(changes)] == ["● Running wf", "✖ Failed a(0)"]
    changes += [
        change(1, "a", "Running", kind="retry", type="Retry"),
        change(3, "a(1)", "Running", 1, leaf=True, attempt=1),
    ]
    assert [line.split("  ")[0] for line in draw(changes)][1:] == ["● Running a", "├─✖ Failed a(0)", "└─● Running a(1)"]


def test_more_rows_than_lines_show_failures_and_what_runs_and_count_the_rest():
    changes = [change(0, "wf", "Running", None, type="DAG")]
    changes += [change(i, f"t{i}", "Succeeded", leaf=True) for i in range(1, 500)]
    changes += [change(i, f"t{i}", "Running", leaf=True) for i in range(500, 600)]
    changes += [change(600, "t600", "Failed", leaf=True, message="exit code 3")]
    lines = draw(changes)
    assert len(lines) <= 24
    assert "exit code 3" in lines[1]
    assert any("Running t500" in line for line in lines)
    assert "499 ended" not in lines[-1]
    assert "601 lines in all, 500 ended, 101 running, 1 failed" in lines[-1]


def test_the_head_says_running_while_the_exit_handler_runs():
    changes = [
        change(0, "wf", "Running", None, type="DAG"),
        change(0, "wf", "Failed", None, "finished", at=110.0, type="DAG"),
        change(1, "wf.onExit", "Running", 0, at=110.0, leaf=True),
    ]
    assert draw(changes, now=120.0)[0].startswith("● Running wf  20s")
    changes.append(change(1, "wf.onExit", "Succeeded", 0, at=115.0, leaf=True))
    assert draw(changes, now=120.0)[0].startswith("✖ Failed wf  15s")


CHANGES = st.lists(
    st.builds(
        Change,
        at=st.floats(0, 2e9),
        kind=st.sampled_from(["run", "created", "phase", "expanded", "retry", "message", "finished"]),
        node=st.integers(0, 8),
        id=st.sampled_from(["wf", "wf-1", "x"]),
        name=st.sampled_from(["wf", "wf.a", "wf[0]", "wf.a(0:x)", ""]),
        display_name=st.text(max_size=6) | st.sampled_from(["a(0:x)", "a(1:y)(0)"]),
        type=st.sampled_from(["Pod", "DAG", "Steps", "StepGroup", "TaskGroup", "Retry", "Suspend", "HTTP", "Skipped"]),
        phase=st.sampled_from(["", "Pending", "Running", "Succeeded", "Failed", "Error", "Skipped", "Omitted"]),
        message=st.text(max_size=6),
        template=st.sampled_from(["", "t"]),
        parent=st.none() | st.integers(0, 8),
        attempt=st.none() | st.integers(0, 2),
        loop=st.none() | st.integers(0, 30),
        leaf=st.booleans(),
        in_loop=st.booleans(),
        position=st.sampled_from(["", "f.yaml:1:2"]),
    ),
    max_size=30,
)


@given(CHANGES, st.integers(1, 100), st.integers(1, 30))
def test_any_changes_can_be_drawn_into_any_screen(changes, width, height):
    board = Board()
    for each in changes:
        board.apply(each)
    lines = frame(board, 2e9, width, max(2, height))
    assert len(lines) <= max(3, height)
    assert all(cells(text) <= width and "\n" not in text for text, _ in lines)
    for loop in board.active_loops.values():
        assert 0 <= loop.done <= loop.total


@given(
    CHANGES,
    st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["stdout", "stderr"]), st.binary(max_size=20)), max_size=9),
)
def test_no_observer_ever_raises_and_plain_ones_write_whole_lines(changes, outputs):
    for make in (PlainLines, JsonLines, LogLines):
        stream = io.StringIO()
        observer = make(stream, str)
        for each in changes:
            observer.on_change(each)
        for output in outputs:
            observer.on_output(*output)
        observer.notice("n")
        observer.close()
        assert stream.getvalue() == "" or stream.getvalue().endswith("\n")


def test_the_live_tree_survives_a_terminal_that_goes_away():
    class Gone(io.StringIO):
        encoding = "utf-8"

        def write(self, text):
            raise OSError("gone")

    observer = make_observer("tree", Gone(), str)
    observer.on_change(change(0, "wf", "Running", None))
    observer.notice("x")
    time.sleep(0.3)
    observer.close()
