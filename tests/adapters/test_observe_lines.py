"""Plain lines, JSON lines and logs: what is told, what is left out, and that secrets never are."""

from __future__ import annotations

import io
import json

import pytest

from aggregator.observe.jsonl import JsonLines
from aggregator.observe.lines import PlainLines
from aggregator.observe.logs import LogLines, split_lines
from aggregator.ports import Change


def change(node, display, phase, parent=0, kind="phase", at=100.0, **fields):
    full = "wf" if parent is None else f"wf.{display}"
    defaults = {"type": "Pod", "leaf": True}
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


def told(*changes, mask=str, **options):
    """The plain lines without their times."""
    stream = io.StringIO()
    observer = PlainLines(stream, mask, few=20, **options)
    for each in changes:
        observer.on_change(each)
    observer.close()
    return [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()]


ROOT = change(0, "wf", "Running", None, type="DAG", leaf=False)


def test_each_node_is_told_when_it_begins_and_when_it_ends():
    lines = told(
        ROOT,
        change(1, "a", "Pending", kind="created"),
        change(1, "a", "Running"),
        change(1, "a", "Succeeded", kind="finished", at=103.0, duration=3.0),
        change(0, "wf", "Succeeded", None, kind="finished", at=104.0, type="DAG", leaf=False, duration=64.0),
    )
    assert [line.split() for line in lines] == [
        ["Running", "wf"],
        ["Running", "a"],
        ["Succeeded", "a", "3.0s"],
        ["Succeeded", "wf", "1m04s"],
    ]


def test_a_failure_tells_its_message_and_place():
    lines = told(
        ROOT,
        change(1, "a", "Failed", kind="finished", message="Error (exit code 3)", position="f.yaml:4:7", duration=0.0),
    )
    assert lines[-1].endswith("a  0.0s  Error (exit code 3)  (f.yaml:4:7)")


def test_groups_and_retry_wrappers_are_told_only_when_they_fail():
    group = {"type": "StepGroup", "leaf": False}
    lines = told(ROOT, change(1, "[0]", "Running", **group), change(1, "[0]", "Succeeded", kind="finished", **group))
    assert len(lines) == 1
    assert len(told(ROOT, change(1, "[0]", "Failed", kind="finished", message="m", **group))) == 2


def test_pending_is_told_only_with_a_reason_and_nothing_twice():
    waiting = change(1, "a", "Pending", kind="message", message="waiting for the mutex m")
    assert len(told(ROOT, change(1, "a", "Pending", kind="created"), waiting, waiting)) == 2


def loop(count, ends, *, step=0.1):
    yield ROOT
    yield change(1, "all", "Running", type="TaskGroup", loop=count, leaf=False)
    for i, end in enumerate(ends):
        at = 100 + i * step
        yield change(10 + i, f"all({i}:x)", "Running", 1, at=at, in_loop=True)
        yield change(
            10 + i, f"all({i}:x)", end, 1, kind="finished", at=at, in_loop=True, message="no" if end == "Failed" else ""
        )


def test_a_small_loop_is_told_element_by_element():
    lines = told(*loop(3, ["Succeeded", "Failed", "Succeeded"]))
    assert [line.split()[:2] for line in lines[2:]] == [
        [word, f"all({i}:x)"] for i, end in enumerate(["Succeeded", "Failed", "Succeeded"]) for word in ("Running", end)
    ]


def test_a_large_loop_is_told_by_failures_and_a_tally_every_few_seconds():
    ends = ["Failed" if i == 500 else "Succeeded" for i in range(1000)]
    lines = told(*loop(1000, ends, step=0.02), every=5.0)
    about = [line for line in lines if "all(" in line]
    assert len(about) <= 6
    assert sum("all(500:x)  no" in line for line in about) == 1
    assert about[-1].split()[:3] == ["Failed", "all(0..999)", "1000/1000"]
    assert any("eta" in line and "/s" in line for line in about)


def test_a_loop_at_the_threshold_is_small():
    assert len(told(*loop(20, ["Succeeded"] * 20))) == 2 + 2 * 20


def test_retries_in_a_large_loop_are_one_line_each_with_the_cause():
    wrapper = {"type": "Retry", "leaf": False, "in_loop": True}
    lines = told(
        ROOT,
        change(1, "all", "Running", type="TaskGroup", loop=100, leaf=False),
        change(2, "all(0:x)", "Running", 1, **wrapper),
        change(3, "all(0:x)(0)", "Running", 2, attempt=0),
        change(3, "all(0:x)(0)", "Failed", 2, kind="finished", attempt=0, message="status 503"),
        change(2, "all(0:x)", "Running", 1, kind="retry", message="Backoff for 2s", **wrapper),
        change(4, "all(0:x)(1)", "Running", 2, attempt=1),
        change(4, "all(0:x)(1)", "Failed", 2, kind="finished", attempt=1, message="status 500"),
        change(2, "all(0:x)", "Failed", 1, kind="finished", message="No more retries left", **wrapper),
    )
    assert [" ".join(line.split()) for line in lines[2:]] == [
        "Retry all(0:x) Backoff for 2s; status 503",
        "Failed all(0:x) No more retries left; status 500",
    ]


def test_secrets_and_control_characters_never_reach_the_stream():
    lines = told(
        ROOT, change(1, "a", "Failed", message="hunter2\n\x1b[2J"), mask=lambda text: text.replace("hunter2", "***")
    )
    assert "***" in lines[-1]
    assert "\x1b" not in lines[-1]
    assert len(lines) == 2


def test_a_reader_that_left_stops_the_writing_and_nothing_else():
    class Pipe(io.StringIO):
        calls = 0

        def write(self, text):
            self.calls += 1
            raise BrokenPipeError

    pipe = Pipe()
    observer = PlainLines(pipe)
    observer.on_change(ROOT)
    observer.notice("x")
    assert pipe.calls == 1


def test_an_encoding_that_lacks_a_character_gets_a_substitute():
    raw = io.BytesIO()
    observer = PlainLines(io.TextIOWrapper(raw, encoding="ascii"))
    observer.notice("déjà")
    assert raw.getvalue() == b"d?j?\n"


def test_json_lines_hold_every_change_output_and_notice():
    stream = io.StringIO()
    observer = JsonLines(stream, lambda text: text.replace("hunter2", "***"))
    observer.on_change(change(1, "a", "Running", message="hunter2"))
    observer.on_output(1, "stderr", b"hunter2 \xff\n")
    observer.notice("n")
    first, second, third = map(json.loads, stream.getvalue().splitlines())
    assert (first["kind"], first["display_name"], first["message"]) == ("phase", "a", "***")
    assert second == {"kind": "output", "node": 1, "stream": "stderr", "text": "*** \ufffd\n"}
    assert third == {"kind": "notice", "message": "n"}


def logged(*calls, **options):
    stream = io.StringIO()
    observer = LogLines(stream, lambda text: text.replace("hunter2", "***"), **options)
    for method, *arguments in calls:
        getattr(observer, method)(*arguments)
    observer.close()
    return stream.getvalue().splitlines()


LEAF = Change(
    at=1.0,
    kind="phase",
    node=1,
    id="wf-123",
    name="wf.a",
    display_name="a",
    type="Pod",
    phase="Running",
    template="t",
    leaf=True,
)


def test_log_lines_stand_behind_the_pods_name_whole_and_masked():
    lines = logged(
        ("on_change", LEAF),
        ("on_output", 1, "stdout", b"one\ntw"),
        ("on_output", 1, "stderr", b"err hunter2\n"),
        ("on_output", 1, "stdout", b"o\nlast"),
        (
            "on_change",
            Change(
                at=2.0,
                kind="finished",
                node=1,
                id="wf-123",
                name="wf.a",
                display_name="a",
                type="Pod",
                phase="Succeeded",
                leaf=True,
            ),
        ),
    )
    assert lines == ["wf-t-123: one", "wf-t-123: err ***", "wf-t-123: two", "wf-t-123: last"]


def test_what_is_unfinished_when_all_ends_is_shown_too():
    assert logged(("on_change", LEAF), ("on_output", 1, "stdout", b"no break")) == ["wf-t-123: no break"]


def test_a_label_may_be_chosen_and_coloured():
    lines = logged(
        ("on_change", LEAF), ("on_output", 1, "stdout", b"x\n"), label=lambda change: change.display_name, color=True
    )
    assert lines[0].endswith("ma\x1b[0m: x")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", [b""]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\n", [b"a", b"b", b""]),
        (b"10%\r20%\r", [b"10%", b"20%\r"]),
        (b"\n\n", [b"", b"", b""]),
    ],
)
def test_line_breaks_are_lf_crlf_and_cr(data, lines):
    assert split_lines(data) == lines


def test_a_line_without_end_takes_bounded_memory():
    lines = logged(("on_change", LEAF), *[("on_output", 1, "stdout", b"x" * (1 << 19)) for _ in range(5)])
    assert sum(len(line) - len("wf-t-123: ") for line in lines) == 5 * (1 << 19)
    assert len(lines) > 1
