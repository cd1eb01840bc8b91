"""Large events lie in files beside the database: they come back as they were, are sealed when secret, and go with their run."""

from __future__ import annotations

import stat

import pytest

from aggregator.errors import StoreError
from aggregator.journal.sqlite import SqliteJournal
from aggregator.ports import RunRow

LARGE = b'{"result":"' + b"x" * (3 << 20) + b'"}'


@pytest.fixture
def journal(tmp_path):
    made = SqliteJournal(tmp_path / "agg.db")
    made.create(RunRow(uid="u", name="wf"))
    yield made
    made.close()


def files(tmp_path):
    return sorted(path for path in (tmp_path / "large").rglob("*") if path.is_file())


def test_a_large_event_is_no_row_of_the_database_and_comes_back_in_its_place(journal, tmp_path):
    journal.append("u", [b"before", LARGE, b"after"])
    assert list(journal.read("u")) == [b"before", LARGE, b"after"]
    (kept,) = files(tmp_path)
    assert kept.read_bytes() == LARGE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (tmp_path / "agg.db-wal").stat().st_size < 1 << 20


def test_equal_values_are_kept_once(journal, tmp_path):
    journal.append("u", [LARGE])
    journal.append("u", [LARGE])
    assert len(files(tmp_path)) == 1
    assert list(journal.read("u")) == [LARGE, LARGE]


def test_a_large_event_with_a_secret_is_sealed_in_its_file(journal, tmp_path):
    secret = LARGE.replace(b"xxxx", b"hush", 1)
    journal.guard(lambda data: data.replace(b"hush", b"***"))
    journal.append("u", [secret])
    assert b"hush" not in files(tmp_path)[0].read_bytes()
    assert list(journal.read("u")) == [secret]


def test_large_events_are_deleted_with_their_run_alone(journal, tmp_path):
    journal.create(RunRow(uid="other", name="other"))
    journal.append("u", [LARGE])
    journal.append("other", [LARGE])
    journal.delete("u")
    assert [path.parent.name for path in files(tmp_path)] == ["other"]
    assert list(journal.read("other")) == [LARGE]


@pytest.mark.parametrize(("harm", "said"), [("remove", "can't be read"), ("change", "is damaged")])
def test_a_lost_or_changed_file_is_said_with_its_place(journal, tmp_path, harm, said):
    journal.append("u", [LARGE])
    (kept,) = files(tmp_path)
    if harm == "remove":
        kept.unlink()
    else:
        kept.write_bytes(LARGE[:-1])
    with pytest.raises(StoreError, match=said) as caught:
        list(journal.read("u"))
    assert str(kept) in caught.value.message


def test_a_folder_that_can_not_be_written_loses_no_earlier_event(journal, tmp_path):
    journal.append("u", [b"kept"])
    (tmp_path / "large").write_text("in the way")
    with pytest.raises(Exception, match="large"):
        journal.append("u", [b"lost", LARGE])
    assert list(journal.read("u")) == [b"kept"]


def test_synced_to_the_disk_where_the_journal_is(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    made = SqliteJournal(tmp_path / "full" / "agg.db", synchronous="full")
    made.create(RunRow(uid="u", name="wf"))
    made.append("u", [LARGE])
    assert synced
    made.close()
