"""The journal's seal: what holds a secret is unreadable in the database, and comes back byte for byte."""

import stat

import pytest

from aggregator.errors import StoreError
from aggregator.journal.seal import KEY_FILE, MARK, Seal
from aggregator.journal.sqlite import SqliteJournal
from aggregator.journal.sqlite_cache import SqliteCache
from aggregator.ports import RunRow

PLAIN, SECRET = b'{"result":"nothing"}', b'{"result":"hunter22"}'


def hide(data):
    return data.replace(b"hunter22", b"***")


@pytest.fixture
def home(tmp_path):
    return tmp_path


def row(**fields):
    return RunRow(uid="u1", name="n", namespace="default", phase="Running", created=1.0, folder="", **fields)


def test_events_with_a_secret_are_sealed_and_come_back(home):
    journal = SqliteJournal(home / "agg.db")
    journal.guard(hide)
    journal.create(row(message="said hunter22"))
    journal.append("u1", [PLAIN, SECRET], row(message="hunter22 again"))
    assert list(journal.read("u1")) == [PLAIN, SECRET]
    assert journal.run("n").message == "*** again"
    journal.close()
    assert b"hunter22" not in (home / "agg.db").read_bytes()
    assert PLAIN in (home / "agg.db").read_bytes(), "what holds no secret stays readable"
    again = SqliteJournal(home / "agg.db")
    assert list(again.read("u1", 1)) == [SECRET], "another process knows the key, not the secret"
    again.close()


def test_memoized_outputs_are_sealed_as_well(home):
    journal = SqliteJournal(home / "agg.db")
    journal.guard(hide)
    cache = SqliteCache(journal.path, journal.seal)
    cache.save("c", "k", {"outputs": "hunter22"})
    assert cache.look_up("c", "k", 2.0)["outputs"] == "hunter22"
    other = SqliteCache(journal.path)
    assert [found.entry["outputs"] for found in other.entries()] == ["hunter22"]
    other.close()
    cache.close()
    journal.close()
    assert b"hunter22" not in (home / "agg.db").read_bytes()


def test_the_key_is_private_made_once_and_only_when_needed(home):
    seal = Seal(home)
    assert seal.close(SECRET) == SECRET, "no secret is known yet"
    seal.hide = hide
    assert seal.close(PLAIN) == PLAIN
    assert not (home / KEY_FILE).exists()
    sealed = seal.close(SECRET)
    assert sealed.startswith(MARK)
    assert stat.S_IMODE((home / KEY_FILE).stat().st_mode) == 0o600
    other = Seal(home)
    other.hide = hide
    assert other.open(sealed) == SECRET
    assert seal.open(other.close(SECRET)) == SECRET
    assert [path.name for path in home.iterdir()] == [KEY_FILE]


def test_a_key_that_is_lost_changed_or_damaged_is_told(home):
    seal = Seal(home)
    seal.hide = hide
    sealed = seal.close(SECRET)
    (home / KEY_FILE).unlink()
    with pytest.raises(StoreError, match=r"mask\.key.* can't be read: no such file"):
        Seal(home).open(sealed)
    (home / KEY_FILE).write_bytes(b"no key")
    with pytest.raises(StoreError, match="is damaged"):
        Seal(home).open(sealed)
    (home / KEY_FILE).unlink()
    other = Seal(home)
    other.hide = hide
    other.close(SECRET)
    with pytest.raises(StoreError, match=r"can't be opened with .*mask\.key") as told:
        other.open(sealed)
    assert "restore the key file" in told.value.hint


def test_a_home_that_takes_no_key_is_told(home):
    seal = Seal(home / "gone")
    seal.hide = hide
    with pytest.raises(StoreError, match="can't be written: no such file or directory"):
        seal.close(SECRET)
