"""What every journal must do, held against each of them: the memory twin first, then SQLite."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from aggregator.errors import NotFound, UsageError
from aggregator.journal.memory import MemoryJournal
from aggregator.journal.sqlite import SqliteJournal
from aggregator.ports import RunRow


@pytest.fixture(params=["memory", "sqlite"])
def journal(request, tmp_path):
    journal = MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "home" / "agg.db")
    yield journal
    journal.close()


def row(name="wf", uid=None, **fields):
    return RunRow(uid=uid or f"uid-of-{name}", name=name, **fields)


def test_a_created_run_is_found_by_name_and_by_uid_with_all_its_fields(journal):
    made = row(
        phase="Running",
        message="é \n",
        created=12.5,
        started=13.0,
        finished=None,
        priority=-3,
        progress="1/2",
        labels={"a": "b"},
        parameters={"count": "5"},
        entry="-",
        folder="/tmp/x",
        pid=42,
        host="h",
    )
    journal.create(made)
    assert journal.run("wf") == made
    assert journal.run("uid-of-wf") == made


def test_a_name_is_taken_only_within_its_namespace(journal):
    journal.create(row("wf", "1"))
    with pytest.raises(UsageError, match="already exists"):
        journal.create(row("wf", "2"))
    journal.create(row("wf", "3", namespace="other"))
    assert journal.run("wf", "other").uid == "3"
    assert journal.run("wf", "default").uid == "1"


def test_latest_is_the_one_created_last_in_the_namespace(journal):
    for name, namespace in [("b", "default"), ("a", "default"), ("c", "other")]:
        journal.create(row(name, namespace=namespace))
    assert journal.run("@latest").name == "c"
    assert journal.run("@latest", "default").name == "a"


def test_runs_come_newest_first_and_may_be_limited_to_a_namespace(journal):
    for name, namespace in [("b", "default"), ("a", "default"), ("c", "other")]:
        journal.create(row(name, namespace=namespace))
    assert [run.name for run in journal.runs()] == ["c", "a", "b"]
    assert [run.name for run in journal.runs("default")] == ["a", "b"]


def test_an_unknown_name_is_not_found_and_the_nearest_name_is_told(journal):
    journal.create(row("hello-world"))
    with pytest.raises(NotFound, match="not found") as caught:
        journal.run("hello-wrld")
    assert "hello-world" in caught.value.hint


def test_latest_of_nothing_is_not_found(journal):
    with pytest.raises(NotFound, match="@latest"):
        journal.run("@latest")


def test_events_are_read_back_as_the_same_bytes_in_the_same_order(journal):
    journal.create(row("a"))
    journal.create(row("b"))
    first = [b"", b"\x00\xff", b'{"x":1}', b"y" * 100_000]
    journal.append("uid-of-a", first)
    journal.append("uid-of-b", [b"other"])
    journal.append("uid-of-a", [b"last"])
    assert list(journal.read("uid-of-a")) == [*first, b"last"]
    assert list(journal.read("uid-of-a", after=3)) == [first[3], b"last"]
    assert list(journal.read("uid-of-a", after=9)) == []


def test_more_events_than_any_page_holds_come_back_whole(journal):
    journal.create(row())
    events = [str(number).encode() for number in range(5000)]
    for start in range(0, 5000, 777):
        journal.append("uid-of-wf", events[start : start + 777])
    assert list(journal.read("uid-of-wf")) == events
    assert list(journal.read("uid-of-wf", 2500)) == events[2500:]


def test_a_reader_that_has_begun_also_sees_what_is_appended_before_it_ends(journal):
    journal.create(row())
    journal.append("uid-of-wf", [b"1", b"2"])
    reading = journal.read("uid-of-wf")
    assert next(reading) == b"1"
    journal.append("uid-of-wf", [b"3"])
    rest = list(reading)
    assert rest in ([b"2"], [b"2", b"3"])
    assert list(journal.read("uid-of-wf")) == [b"1", b"2", b"3"]


def test_append_renews_the_row_together_with_the_events(journal):
    journal.create(row())
    journal.append("uid-of-wf", [b"1"], row(phase="Succeeded", finished=2.0))
    assert journal.run("wf").phase == "Succeeded"
    journal.append("uid-of-wf", [], row(phase="Failed"))
    assert journal.run("wf").phase == "Failed"
    assert list(journal.read("uid-of-wf")) == [b"1"]


def test_a_row_that_its_owner_changes_later_is_unchanged_in_the_journal(journal):
    mine = row(labels={"a": "b"})
    journal.create(mine)
    mine.labels["a"] = "c"
    journal.run("wf").labels["a"] = "d"
    assert journal.run("wf").labels == {"a": "b"}


def test_a_deleted_run_is_gone_and_its_name_free(journal):
    journal.create(row())
    journal.append("uid-of-wf", [b"1"])
    journal.request("uid-of-wf", b"stop")
    journal.delete("uid-of-wf")
    with pytest.raises(NotFound):
        journal.run("wf")
    with pytest.raises(NotFound):
        journal.append("uid-of-wf", [b"2"])
    with pytest.raises(NotFound):
        list(journal.read("uid-of-wf"))
    journal.create(row("wf", "new"))
    assert list(journal.read("new")) == []
    assert journal.requests("new") == []


def test_requests_are_taken_once_in_the_order_they_were_left(journal):
    journal.create(row("a"))
    journal.create(row("b"))
    journal.request("uid-of-a", b"suspend")
    journal.request("uid-of-b", b"other")
    journal.request("uid-of-a", b"resume")
    assert journal.requests("uid-of-a") == [b"suspend", b"resume"]
    assert journal.requests("uid-of-a") == []
    assert journal.requests("uid-of-b") == [b"other"]


def test_requests_are_no_events_and_leave_the_row_alone(journal):
    made = row("a")
    journal.create(made)
    journal.append("uid-of-a", [b"1"])
    journal.request("uid-of-a", b"stop")
    assert list(journal.read("uid-of-a")) == [b"1"]
    assert journal.run("a") == made
    journal.append("uid-of-a", [b"2"])
    assert journal.requests("uid-of-a") == [b"stop"]
    assert list(journal.read("uid-of-a")) == [b"1", b"2"]


def test_a_request_of_another_process_is_taken_by_one_alone(tmp_path):
    mine, other, third = (SqliteJournal(tmp_path / "agg.db") for _ in range(3))
    mine.create(row("a"))
    assert mine.requests("uid-of-a") == []
    other.request("uid-of-a", b"stop")
    third.request("uid-of-a", b"terminate")
    assert mine.requests("uid-of-a") == [b"stop", b"terminate"]
    assert other.requests("uid-of-a") == []
    for journal in (mine, other, third):
        journal.close()


@pytest.mark.parametrize("call", ["append", "read", "delete", "request", "requests"])
def test_every_call_about_an_unknown_uid_is_not_found(journal, call):
    arguments = {"append": [[b"x"]], "request": [b"x"]}.get(call, [])
    with pytest.raises(NotFound):
        getattr(journal, call)("nobody", *arguments)


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from aggregator.journal.sqlite import SqliteJournal
    from aggregator.ports import RunRow

    journal = SqliteJournal(Path(sys.argv[1]))
    journal.create(RunRow(uid="u", name="wf"))
    number = 0
    while True:
        batch = [f"{number + i}".encode() for i in range(7)]
        number += len(batch)
        journal.append("u", batch, RunRow(uid="u", name="wf", progress=str(number)))
        print(number, flush=True)
    """
)


def test_a_writer_killed_with_kill_9_loses_no_batch_whose_append_returned_and_leaves_no_half_batch(tmp_path):
    path = tmp_path / "agg.db"
    for stop_after in (1, 20, 150):
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as child:
            for _ in range(stop_after):
                line = child.stdout.readline()
            os.kill(child.pid, signal.SIGKILL)
            rest = child.stdout.read().split(b"\n")
        acknowledged = max([int(line), *(int(text) for text in rest[:-1] if text)])
        journal = SqliteJournal(path)
        events = [int(event) for event in journal.read("u")]
        assert events == list(range(len(events)))
        assert len(events) >= acknowledged
        assert len(events) % 7 == 0
        assert journal.run("wf").progress == str(len(events)), "the row is renewed in the same transaction"
        journal.close()
        for side in ("-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)


def test_another_process_can_read_while_one_writes(tmp_path):
    path = tmp_path / "agg.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as child:
        try:
            child.stdout.readline()
            journal = SqliteJournal(path)
            seen = 0
            for _ in range(20):
                events = [int(event) for event in journal.read("u")]
                assert events == list(range(len(events)))
                assert len(events) >= seen
                seen = len(events)
            journal.request("u", b"stop")
            assert journal.requests("u") == [b"stop"]
            journal.close()
        finally:
            child.kill()
            child.stdout.read()
