"""What every keeper of locks and every cache must do, held against each of them: the memory twin first, then SQLite."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from aggregator.engine.commands import LockWish, TakeLocks
from aggregator.errors import StoreError
from aggregator.journal.memory import MemoryJournal
from aggregator.journal.memory_cache import MemoryCache
from aggregator.journal.memory_locks import MemoryLocks
from aggregator.journal.shared import open_cache, open_locks
from aggregator.journal.sqlite import SqliteJournal
from aggregator.journal.sqlite_cache import SqliteCache
from aggregator.journal.sqlite_locks import SqliteLocks
from aggregator.ports import CacheRow, LockDenied


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "home" / "agg.db"
    SqliteJournal(path).close()
    return path


@pytest.fixture(params=["memory", "sqlite"])
def locks(request, database):
    made = MemoryLocks() if request.param == "memory" else SqliteLocks(database)
    yield made
    made.close()


@pytest.fixture(params=["memory", "sqlite"])
def cache(request, database):
    made = MemoryCache() if request.param == "memory" else SqliteCache(database)
    yield made
    made.close()


def wish(holder, *keys, limit=1, priority=0, since=0.0):
    return TakeLocks(0, holder, [LockWish(k, limit) for k in keys], priority, since)


class TestLocks:
    def test_a_mutex_has_one_holder(self, locks):
        assert locks.take(wish("ns/one", "m")) is None
        assert locks.take(wish("ns/two", "m")) == LockDenied("m", 1, 1)
        locks.release("ns/one")
        assert locks.take(wish("ns/two", "m")) is None

    def test_a_semaphore_has_as_many_as_its_limit(self, locks):
        assert [locks.take(wish(f"ns/{i}", "s", limit=2)) is None for i in range(3)] == [True, True, False]

    def test_a_limit_that_was_raised_counts_from_the_next_wish_on(self, locks):
        locks.take(wish("ns/one", "s"))
        assert locks.take(wish("ns/two", "s", limit=2)) is None

    def test_all_or_nothing(self, locks):
        locks.take(wish("ns/one", "b"))
        assert locks.take(wish("ns/two", "a", "b")) == LockDenied("b", 1, 1)
        locks.release("ns/one")
        assert locks.take(wish("ns/two", "a", "b")) is None

    def test_asking_for_what_one_holds_is_granted(self, locks):
        locks.take(wish("ns/one", "m"))
        assert locks.take(wish("ns/one", "m")) is None

    def test_the_queue_is_by_priority_then_time_then_arrival(self, locks):
        locks.take(wish("ns/holder", "m"))
        late, early, urgent = (
            wish("ns/late", "m", since=9.0),
            wish("ns/early", "m", since=1.0),
            wish("ns/urgent", "m", priority=5, since=9.0),
        )
        for each in (late, early, urgent):
            assert locks.take(each) is not None
        locks.release("ns/holder")
        left = [urgent, early, late]
        while left:
            assert all(locks.take(other) is not None for other in left[1:])
            assert locks.take(left[0]) is None
            locks.release(left.pop(0).holder)

    def test_others_of_the_same_run_are_let_through(self, locks):
        locks.take(wish("ns/run/1", "a"))
        assert locks.take(wish("ns/run/2", "a", "b")) is not None
        assert locks.take(wish("ns/other/1", "b")) == LockDenied("b", 0, 1)
        assert locks.take(wish("ns/run/3", "b")) is None

    def test_who_no_longer_waits_blocks_nobody(self, locks):
        locks.take(wish("ns/one", "m"))
        locks.take(wish("ns/two", "m"))
        locks.take(wish("ns/three", "m"))
        locks.release("ns/two")
        locks.release("ns/one")
        assert locks.take(wish("ns/three", "m")) is None
        locks.release("nobody")


class TestBetweenProcesses:
    def test_close_gives_everything_back(self, database):
        one, two = SqliteLocks(database), SqliteLocks(database)
        one.take(wish("ns/one", "m"))
        one.close()
        assert two.take(wish("ns/two", "m")) is None
        two.close()
        memory = MemoryLocks()
        memory.take(wish("ns/one", "m"))
        memory.close()
        assert memory.take(wish("ns/two", "m")) is None

    HOLDER = """
        import pathlib, sys, time
        from aggregator.engine.commands import LockWish, TakeLocks
        from aggregator.journal.sqlite_locks import SqliteLocks
        locks = SqliteLocks(pathlib.Path(sys.argv[1]))
        print(locks.take(TakeLocks(0, "ns/child", [LockWish("m", 1)], 0, 0.0)), flush=True)
        time.sleep(60)
    """

    def test_what_a_killed_process_held_is_free(self, database):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(self.HOLDER), str(database)], stdout=subprocess.PIPE
        )
        try:
            assert child.stdout.readline() == b"None\n"
            locks = SqliteLocks(database)
            assert locks.take(wish("ns/here", "m")) == LockDenied("m", 1, 1)
            child.send_signal(signal.SIGKILL)
            child.wait()
            assert locks.take(wish("ns/here", "m")) is None
            assert [p.name for p in (database.parent / "locks").glob("process-*")] == [locks._process]
            locks.close()
            assert not list((database.parent / "locks").glob("process-*"))
        finally:
            child.kill()
            child.wait()
            child.stdout.close()

    def test_a_file_that_is_gone_stands_for_no_process(self, database):
        one, two = SqliteLocks(database), SqliteLocks(database)
        one.take(wish("ns/one", "m"))
        (database.parent / "locks" / one._process).unlink()
        assert two.take(wish("ns/two", "m")) is None
        one.close()
        two.close()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_that_can_t_be_written(self, database):
        locks = SqliteLocks(database)
        (database.parent / "locks").mkdir(mode=0o500)
        with pytest.raises(StoreError):
            locks.take(wish("ns/one", "m"))
        locks.close()

    def test_a_place_that_is_a_file(self, database, monkeypatch):
        import aggregator.journal.sqlite_locks as module

        locks = SqliteLocks(database)
        monkeypatch.setattr(module.secrets, "token_hex", lambda _: "same")
        locks.take(wish("ns/one", "m"))
        other = SqliteLocks(database)
        with pytest.raises(StoreError, match="can't lock"):
            other.take(wish("ns/two", "m"))
        other.close()
        locks.close()

    def test_a_database_that_is_gone(self, database):
        locks = SqliteLocks(database)
        locks._base.db.execute("DROP TABLE lock_keys")
        with pytest.raises(StoreError):
            locks.take(wish("ns/one", "m"))
        locks._base.close()


ENTRY = {"nodeID": "n", "outputs": {"result": "é"}, "creationTimestamp": "2023-11-14T22:13:20Z", "lastHitTimestamp": ""}


class TestCache:
    def test_what_was_saved_is_found(self, cache):
        assert cache.look_up("c", "k", 0.0) is None
        cache.save("c", "k", ENTRY)
        assert cache.look_up("c", "k", 0.0) == ENTRY
        assert cache.look_up("c", "other", 0.0) is None
        assert cache.look_up("other", "k", 0.0) is None

    def test_a_hit_leaves_its_time(self, cache):
        cache.save("c", "k", ENTRY)
        cache.look_up("c", "k", 1_700_000_000.0)
        assert cache.look_up("c", "k", 0.0)["lastHitTimestamp"] == "2023-11-14T22:13:20Z"

    def test_a_newer_entry_replaces_the_older(self, cache):
        cache.save("c", "k", ENTRY)
        cache.save("c", "k", {**ENTRY, "nodeID": "m"})
        assert cache.look_up("c", "k", 0.0)["nodeID"] == "m"

    def test_list_and_delete(self, cache):
        for name, key in (("b", "2"), ("a", "1"), ("b", "1")):
            cache.save(name, key, ENTRY)
        assert cache.entries("b") == [CacheRow("b", "1", ENTRY), CacheRow("b", "2", ENTRY)]
        assert [(r.cache, r.key) for r in cache.entries()] == [("a", "1"), ("b", "1"), ("b", "2")]
        assert (cache.delete("b", "2"), cache.delete("b", "2"), cache.delete("b")) == (1, 0, 1)
        assert [r.cache for r in cache.entries()] == ["a"]


def test_the_journal_decides_which_it_is(tmp_path):
    """Locks and cache live where the journal lives."""
    journal = SqliteJournal(tmp_path / "agg.db")
    locks, cache = open_locks(journal), open_cache(journal)
    assert (type(locks), type(cache)) == (SqliteLocks, SqliteCache)
    cache.save("c", "k", ENTRY)
    locks.close()
    cache.close()
    again = open_cache(journal)
    assert again.look_up("c", "k", 0.0) == ENTRY
    again.close()
    journal.close()
    memory = MemoryJournal()
    assert (type(open_locks(memory)), type(open_cache(memory))) == (MemoryLocks, MemoryCache)
