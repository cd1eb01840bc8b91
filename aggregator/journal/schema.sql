-- The journal's tables, as numbered migrations: a file at version N is brought forward by the blocks above N, in order.

-- name: 1
CREATE TABLE runs (
    serial     INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of creation; also the upper half of the keys in `events`
    uid        TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    namespace  TEXT NOT NULL,
    row        BLOB NOT NULL,                      -- the RunRow, in JSON
    UNIQUE (namespace, name)
);
-- An event's key is serial * 2^32 + number. One integer key keeps a run's events side by side on disk in their order,
-- and makes an append touch nothing but the end of the run's range.
CREATE TABLE events (
    id     INTEGER PRIMARY KEY,
    event  BLOB NOT NULL
);
CREATE TABLE requests (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    serial  INTEGER NOT NULL REFERENCES runs (serial) ON DELETE CASCADE,
    event   BLOB NOT NULL
);
CREATE INDEX requests_by_run ON requests (serial, id);

-- name: 2
-- Mutexes and semaphores of workflows: who holds and who waits, in the order of the queue. `process` is the name of a file
-- under `locks/` that its process keeps locked; when that lock is gone, so is the process, and its rows mean nothing.
CREATE TABLE lock_wishes (
    serial    INTEGER PRIMARY KEY AUTOINCREMENT,
    holder    TEXT NOT NULL UNIQUE,
    process   TEXT NOT NULL,
    priority  INTEGER NOT NULL,
    since     REAL NOT NULL,
    taken     INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE lock_keys (
    key     TEXT NOT NULL,
    serial  INTEGER NOT NULL REFERENCES lock_wishes (serial) ON DELETE CASCADE,
    PRIMARY KEY (key, serial)
) WITHOUT ROWID;
CREATE INDEX lock_keys_by_wish ON lock_keys (serial);
-- Memoized outputs.
CREATE TABLE cache (
    cache  TEXT NOT NULL,
    key    TEXT NOT NULL,
    entry  BLOB NOT NULL,                          -- Argo's entry, in JSON
    PRIMARY KEY (cache, key)
) WITHOUT ROWID;
