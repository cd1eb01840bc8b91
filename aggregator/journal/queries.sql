-- Every statement of the SQLite journal, by name.

-- name: create_run
INSERT INTO runs (uid, name, namespace, row) VALUES (:uid, :name, :namespace, :row);

-- name: update_run
UPDATE runs SET row = :row WHERE serial = :serial;

-- name: serial_of
SELECT serial FROM runs WHERE uid = ?;

-- name: last_event
SELECT max(id) FROM events WHERE id >= :low AND id < :high;

-- name: append_event
INSERT INTO events (id, event) VALUES (?, ?);

-- name: read_events
SELECT id, event FROM events WHERE id >= :low AND id < :high ORDER BY id LIMIT :limit;

-- name: run_by_uid
SELECT row FROM runs WHERE uid = :uid;

-- name: run_by_name
SELECT row FROM runs
WHERE name = :name AND (:namespace IS NULL OR namespace = :namespace)
ORDER BY serial DESC LIMIT 1;

-- name: latest_run
SELECT row FROM runs WHERE :namespace IS NULL OR namespace = :namespace ORDER BY serial DESC LIMIT 1;

-- name: list_runs
SELECT row FROM runs WHERE :namespace IS NULL OR namespace = :namespace ORDER BY serial DESC;

-- name: list_names
SELECT name FROM runs WHERE :namespace IS NULL OR namespace = :namespace ORDER BY serial DESC;

-- name: delete_events
DELETE FROM events WHERE id >= :low AND id < :high;

-- name: delete_run
DELETE FROM runs WHERE serial = :serial;

-- name: leave_request
INSERT INTO requests (serial, event) VALUES (:serial, :event);

-- name: take_requests
DELETE FROM requests WHERE serial = :serial RETURNING id, event;

-- name: has_requests
SELECT EXISTS (SELECT 1 FROM requests WHERE serial = :serial);
