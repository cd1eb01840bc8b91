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
