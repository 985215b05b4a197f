-- name: begin
-- Begins one: verdict, its number, whose and which units.
SELECT verdict, id, code, name, units FROM vault.takeout_begin($1, $2, $3, $4)

-- name: ready
-- Whether every writer from before it has ended.
SELECT vault.takeout_ready($1, $2)

-- name: people
-- The next people of whom the controller has a row; logs them.
SELECT people, upto FROM vault.takeout_people($1, $2, $3, $4)

-- name: versions
-- Versions of these people's rows, after a key, in order.
SELECT slot, pid, version, rtype, updated, patient, org, sens, op::text, whole, chosen FROM vault.takeout_versions($1, $2, $3, $4, $5, $6, $7)

-- name: persons
-- The Patient rows that another controller registered.
SELECT slot, pid, version, updated, org, body FROM vault.takeout_persons($1, $2, $3)

-- name: binaries
-- Where the content of these people's binaries is.
SELECT slot, pid, version, bytes, upload FROM vault.takeout_binaries($1, $2, $3)

-- name: piece
-- One piece of a binary; NULL after the last.
SELECT vault.takeout_piece($1, $2, $3, $4)

-- name: lines
-- What stands about these people, or of nobody, as JSON.
SELECT line FROM vault.takeout_lines($1, $2, $3, $4) AS line

-- name: log
-- The log of one person after a place, oldest first.
SELECT at, pos, line FROM vault.takeout_log($1, $2, $3, $4, $5, $6)

-- name: end
-- It is written.
SELECT vault.takeout_end($1, $2, $3)
