"""What only the SQLite journal promises: private files, migrations, and errors that say what to do."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from aggregator.errors import AggError, StoreError, TransientError
from aggregator.journal import sqlite as module
from aggregator.journal.sqlite import APPLICATION_ID, SqliteJournal
from aggregator.journal.statements import load_statements
from aggregator.ports import RunRow


def test_the_file_and_its_side_files_are_for_their_owner_alone_whatever_the_umask(tmp_path):
    old = os.umask(0)
    try:
        journal = SqliteJournal(tmp_path / "home" / "agg.db")
        journal.create(RunRow(uid="u", name="wf"))
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "home").iterdir()}
    assert modes == dict.fromkeys(["agg.db", "agg.db-wal", "agg.db-shm"], 0o600)
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    journal.close()


def test_a_file_that_was_open_to_others_is_closed_to_them(tmp_path):
    SqliteJournal(tmp_path / "agg.db").close()
    (tmp_path / "agg.db").chmod(0o644)
    SqliteJournal(tmp_path / "agg.db").close()
    assert stat.S_IMODE((tmp_path / "agg.db").stat().st_mode) == 0o600


def test_a_full_disk_is_said_and_takes_nothing_that_was_there(tmp_path):
    journal = SqliteJournal(tmp_path / "agg.db")
    journal.create(RunRow(uid="u", name="wf"))
    journal.append("u", [b"kept"])
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="disk is full") as caught:
        journal.append("u", [b"x" * 100_000])
    assert "free some space" in caught.value.hint
    assert not isinstance(caught.value, TransientError)
    assert list(journal.read("u")) == [b"kept"]
    journal.close()


def test_a_full_file_system_is_said(tmp_path):
    mounted = tmp_path / "small"
    mounted.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mounted)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"can't mount a tmpfs here: {done.stderr.decode().strip()}")
    try:
        journal = SqliteJournal(mounted / "agg.db")
        journal.create(RunRow(uid="u", name="wf"))
        journal.append("u", [b"kept"])
        with pytest.raises(StoreError, match="full"):
            journal.append("u", [b"x" * 50_000] * 100)
        assert next(journal.read("u")) == b"kept"
        journal.close()
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_a_text_file_is_no_journal(tmp_path):
    (tmp_path / "agg.db").write_text("hello, I am a text file, and not a small one\n" * 100)
    with pytest.raises(StoreError, match="not a SQLite database") as caught:
        SqliteJournal(tmp_path / "agg.db")
    assert "move the file away" in caught.value.hint


def test_another_programs_database_is_left_alone(tmp_path):
    other = sqlite3.connect(tmp_path / "agg.db")
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreError, match="not a journal of agg"):
        SqliteJournal(tmp_path / "agg.db")


def test_a_journal_of_a_newer_agg_is_refused(tmp_path):
    SqliteJournal(tmp_path / "agg.db").close()
    db = sqlite3.connect(tmp_path / "agg.db")
    db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(StoreError, match="newer agg"):
        SqliteJournal(tmp_path / "agg.db")


def test_an_older_journal_is_brought_forward_and_keeps_its_runs(tmp_path, monkeypatch):
    journal = SqliteJournal(tmp_path / "agg.db")
    journal.create(RunRow(uid="u", name="wf"))
    journal.append("u", [b"1"])
    journal.close()
    blocks = load_statements("schema.sql")
    newer = str(max(map(int, blocks)) + 1)
    later = {**blocks, newer: "ALTER TABLE runs ADD COLUMN note TEXT;\nUPDATE runs SET note = 'a;b';"}
    monkeypatch.setattr(
        module, "load_statements", lambda name: later if name == "schema.sql" else load_statements(name)
    )
    journal = SqliteJournal(tmp_path / "agg.db")
    assert journal._db.execute("PRAGMA user_version").fetchone() == (int(newer),)
    assert journal._db.execute("SELECT note FROM runs").fetchone() == ("a;b",)
    assert list(journal.read("u")) == [b"1"]
    journal.close()


def test_a_migration_that_fails_changes_nothing(tmp_path, monkeypatch):
    SqliteJournal(tmp_path / "agg.db").close()
    blocks = load_statements("schema.sql")
    newer = str(max(map(int, blocks)) + 1)
    later = {**blocks, newer: "ALTER TABLE runs ADD COLUMN note TEXT;\nNONSENSE;"}
    with monkeypatch.context() as patched:
        patched.setattr(
            module, "load_statements", lambda name: later if name == "schema.sql" else load_statements(name)
        )
        with pytest.raises(StoreError):
            SqliteJournal(tmp_path / "agg.db")
    journal = SqliteJournal(tmp_path / "agg.db")
    columns = [column[1] for column in journal._db.execute("PRAGMA table_info(runs)")]
    assert "note" not in columns
    journal.close()


def test_the_file_says_whose_it_is(tmp_path):
    SqliteJournal(tmp_path / "agg.db").close()
    db = sqlite3.connect(tmp_path / "agg.db")
    assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_a_database_that_stays_busy_is_a_transient_error(tmp_path):
    journal = SqliteJournal(tmp_path / "agg.db", busy=0.05)
    journal.create(RunRow(uid="u", name="wf"))
    other = sqlite3.connect(tmp_path / "agg.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError, match="busy"):
        journal.append("u", [b"x"])
    other.execute("ROLLBACK")
    other.close()
    journal.append("u", [b"x"])
    assert list(journal.read("u")) == [b"x"]
    journal.close()


def test_a_home_whose_path_is_a_file_is_said(tmp_path):
    (tmp_path / "home").write_text("")
    for path in (tmp_path / "home" / "agg.db", tmp_path / "home" / "deeper" / "agg.db"):
        with pytest.raises(AggError, match="folder") as caught:
            SqliteJournal(path)
        assert "AGG_HOME" in caught.value.hint


AS_NOBODY = """
import os, sys
from pathlib import Path
from aggregator.errors import AggError
from aggregator.journal.sqlite import SqliteJournal
from aggregator.journal.statements import load_statements
load_statements("schema.sql")  # everything is imported before the rights are gone: the interpreter may be root's own
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    SqliteJournal(Path(sys.argv[1]))
except AggError as error:
    print(type(error).__name__, error.message, error.hint, sep="\\n")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("what", ["folder not writable", "file not readable", "parent not writable"])
def test_another_user_without_rights_is_told_what_to_do(tmp_path, what):
    for folder in [tmp_path, *tmp_path.parents[:3]]:
        if str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    home = tmp_path / "home"
    path = home / "agg.db"
    if what != "parent not writable":
        home.mkdir(mode=0o755)
    if what == "file not readable":
        home.chmod(0o777)
        SqliteJournal(path).close()
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, str(path)], capture_output=True, text=True, check=True)
    name, message, hint = done.stdout.splitlines()
    assert name == "StoreError"
    assert str(home) in message
    assert "AGG_HOME" in hint
