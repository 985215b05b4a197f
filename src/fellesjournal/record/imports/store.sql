-- name: open
-- Takes an import in: 202, 401, 403 or 429.
SELECT vault.import_open($1, $2, $3, $4, $5, $6)

-- name: stage
-- Keeps a piece of a file that is being sent; false when there is no such import.
SELECT vault.import_stage($1, $2, $3, $4, $5, $6, $7, $8)

-- name: start
-- All is here that was to be sent; false when there is no such import.
SELECT vault.import_start($1, $2)

-- name: state
-- An import of the asker's own, with its files; no row for that of another.
SELECT state, request, asked_at, done_at, until_at, names, rtypes, written, unchanged, refused, errors, pieces FROM vault.import_state($1, $2)

-- name: cancel
-- Gives an import up; false when there is none.
SELECT vault.import_cancel($1, $2)

-- name: errors
-- What was wrong with the lines of a file, after a line.
SELECT line, content FROM vault.import_errors($1, $2, $3, $4, $5)

-- name: unfinished
-- Imports with work to do, oldest first.
SELECT id FROM vault.import_unfinished() AS id

-- name: session
-- Starts the session that an import is written in: ok, gone, none.
SELECT what, source FROM vault.import_session($1, $2, $3, $4)

-- name: to_fetch
-- The next file that is to be fetched; no row when all are here.
SELECT n, name FROM vault.import_to_fetch($1, $2)

-- name: keep
-- Keeps a piece of a file that is being fetched; false when the import has been given up.
SELECT vault.import_keep($1, $2, $3, $4, $5, $6, $7)

-- name: fetched
-- A file is here, or can't be had.
SELECT vault.import_fetched($1, $2, $3, $4)

-- name: take
-- The next piece, for as long as this transaction lasts: piece, wait, end, gone.
SELECT what, rank, input, n, rtype, lines, content FROM vault.import_take($1, $2)

-- name: done
-- A piece is written, in this very transaction.
SELECT vault.import_done($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: end
-- No piece is left.
SELECT vault.import_end($1, $2, $3)

-- name: fail
-- An import that can't be carried out.
SELECT vault.import_fail($1, $2, $3)

-- name: sweep
-- Throws away what has run out; how many imports.
SELECT vault.import_sweep()
