-- Every statement of the locks and the cache, by name.

-- name: add_wish
INSERT INTO lock_wishes (holder, process, priority, since) VALUES (:holder, :process, :priority, :since);

-- name: add_key
INSERT INTO lock_keys (key, serial) VALUES (?, ?);

-- name: wish_of
SELECT serial, taken FROM lock_wishes WHERE holder = ?;

-- name: wishes_for
SELECT w.serial, w.holder, w.process, w.priority, w.since, w.taken
FROM lock_keys k JOIN lock_wishes w ON w.serial = k.serial
WHERE k.key = ?;

-- name: grant
UPDATE lock_wishes SET taken = 1 WHERE serial = ?;

-- name: forget_holder
DELETE FROM lock_wishes WHERE holder = ?;

-- name: forget_process
DELETE FROM lock_wishes WHERE process = ?;

-- name: look_up
SELECT entry FROM cache WHERE cache = :cache AND key = :key;

-- name: save
INSERT INTO cache (cache, key, entry) VALUES (:cache, :key, :entry)
ON CONFLICT (cache, key) DO UPDATE SET entry = excluded.entry;

-- name: entries
SELECT cache, key, entry FROM cache WHERE :cache IS NULL OR cache = :cache ORDER BY cache, key;

-- name: delete
DELETE FROM cache WHERE cache = :cache AND (:key IS NULL OR key = :key);
