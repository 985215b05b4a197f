-- Staff of whom the directory is to be told, and that it has been.

-- name: behind
-- Those of whom it doesn't tell what holds now, by number after one.
SELECT * FROM identity.directory_behind($1, $2, $3)

-- name: told
-- It tells of this one now.
SELECT identity.directory_told($1, $2, $3, $4, $5, $6, $7)
