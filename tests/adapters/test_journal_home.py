"""The state folder and the logs in it: names, modes, errors, and lines in the order in which they were printed."""

from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import AggError, LockHeld, StoreError
from aggregator.journal import locks, logfiles
from aggregator.journal.home import Home, default_home
from aggregator.journal.locks import NamedLock
from aggregator.journal.logfiles import PodLog, pod_logs


def test_folders_are_for_their_owner_alone(tmp_path):
    home = Home(tmp_path / "a" / "home")
    folder = home.create_run_folder("wf", "0123456789abcdef")
    assert folder == home.path / "runs" / "wf-01234567"
    for path in (home.path, home.runs, folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert home.ensure() is home
    assert home.create_run_folder("wf", "0123456789abcdef") == folder


def test_every_place_lies_in_the_home(tmp_path):
    home = Home(tmp_path)
    names = {path.name for path in (home.database, home.config_file, home.locks, home.runs, home.crashes)}
    assert names == {"agg.db", "config.toml", "locks", "runs", "crashes"}


def test_a_name_of_any_length_makes_a_folder(tmp_path):
    assert Home(tmp_path).create_run_folder("x" * 253, "u" * 36).is_dir()


def test_the_default_is_the_platforms_folder_for_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_home() == tmp_path / "agg"


@pytest.mark.parametrize("deeper", ["", "x/y"])
def test_a_file_in_the_way_is_told_with_what_to_do(tmp_path, deeper):
    (tmp_path / "file").write_text("")
    with pytest.raises(AggError, match=r"file") as caught:
        Home(tmp_path / "file" / deeper).ensure()
    assert "--home" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_told():
    with pytest.raises(StoreError, match="/proc/agg"):
        Home(type(default_home())("/proc/agg")).ensure()


def test_a_lock_whose_file_says_nothing_is_still_held(tmp_path):
    home = Home(tmp_path)
    with NamedLock(home, "a"):
        (home.locks / "a.lock").write_text("")
        with pytest.raises(LockHeld, match="another process"):
            NamedLock(home, "a").acquire()


def test_a_lock_that_the_file_system_refuses_is_told(tmp_path, monkeypatch):
    def refuse(file, how):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(StoreError, match="no locks available"):
        NamedLock(Home(tmp_path), "a").acquire()


def test_a_lock_file_that_cannot_be_opened_is_told(tmp_path):
    home = Home(tmp_path)
    (home.locks / "a.lock").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"a\.lock"):
        NamedLock(home, "a").acquire()


def test_describing_and_releasing_what_is_not_held_does_nothing(tmp_path):
    lock = NamedLock(Home(tmp_path), "a")
    lock.describe("run")
    lock.release()
    assert not lock.path.exists()


def pod(tmp_path, **files):
    folder = tmp_path / "attempts" / "pod-1"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    return PodLog(folder)


def texts(log, *, final=True):
    return [line.text for line in log.read(final=final)]


def test_streams_merge_by_the_times_beside_them(tmp_path):
    log = pod(
        tmp_path,
        stdout=b"one\nthree\nfive",
        stderr=b"two\nfour\n",
        times=b"1.0 stdout 4\n2.0 stderr 4\n3.0 stdout 10\n4.0 stderr 9\n5.0 stdout 14\n",
    )
    lines = list(log.read(final=True))
    assert [line.text for line in lines] == [b"one", b"two", b"three", b"four", b"five"]
    assert [line.at for line in lines] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert {line.pod for line in lines} == {"pod-1"}


def test_times_fit_their_lines_whatever_breaks_them(tmp_path):
    data = b"\r\n".join(b"%03d" % number for number in range(500)) + b"\r\n"
    notes = b"".join(b"%d.0 stdout %d\n" % (number, 5 * number + 5) for number in range(500))
    lines = list(pod(tmp_path, stdout=data, times=notes).read(final=True))
    assert [line.at for line in lines] == [float(line.text) for line in lines]


def test_without_times_the_streams_come_one_after_the_other(tmp_path):
    assert texts(pod(tmp_path, stdout=b"a\nb\n", stderr=b"c\n")) == [b"a", b"b", b"c"]


def test_damaged_times_are_passed_over(tmp_path):
    log = pod(tmp_path, stdout=b"a\n", times=b"nonsense\n1.0 stdout 2\n1.0 std")
    assert [line.at for line in log.read(final=True)] == [1.0]


def test_each_reading_gives_what_is_new_and_keeps_back_an_unfinished_line(tmp_path):
    log = pod(tmp_path, stdout=b"a\nb")
    assert texts(log, final=False) == [b"a"]
    assert texts(log, final=False) == []
    with (log.folder / "stdout").open("ab") as file:
        file.write(b"c\r\nd\r")
    assert texts(log, final=False) == [b"bc"]
    assert texts(log) == [b"d"]


def test_other_containers_have_files_of_their_own(tmp_path):
    pod(tmp_path, stdout=b"main\n", side__stdout=b"side\n")
    (log,) = pod_logs(tmp_path, "side")
    assert texts(log) == [b"side"]
    assert [each.pod for each in pod_logs(tmp_path)] == ["pod-1"]


def test_a_run_without_attempts_has_no_logs(tmp_path):
    assert pod_logs(tmp_path / "nowhere") == []


def test_a_line_of_any_length_is_one_line_and_survives_unchanged(tmp_path, monkeypatch):
    # beyond LONGEST it is read in pieces, so that no memory is needed for it
    monkeypatch.setattr(logfiles, "LONGEST", 1 << 17)
    long = b"ab\xff" * 100_000
    lines = list(pod(tmp_path, stdout=b"first\n" + long + b"\nlast\n" + long).read(final=True))
    assert [b"".join(line.pieces()) for line in lines] == [b"first", long, b"last", long]
    assert len(list(lines[1].pieces())) > 1


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"bc"]), max_size=12), st.data())
def test_lines_are_the_same_however_the_file_grows(tmp_path_factory, pieces, data):
    whole = b"".join(pieces)
    folder = tmp_path_factory.mktemp("run")
    expected = texts(pod(folder, stdout=whole))
    grown = PodLog(folder / "attempts" / "pod-1")
    path = grown.folder / "stdout"
    path.write_bytes(b"")
    found = []
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        if data.draw(st.booleans()):
            found += texts(grown, final=False)
    found += texts(grown)
    assert found == expected
    os.unlink(path)
