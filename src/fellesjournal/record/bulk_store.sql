-- name: begin
-- Takes an export in: 202, 401, 403 or 429.
SELECT vault.export_begin($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: state
-- An export of the asker's own, with its files; no row for that of another.
SELECT state, request, asked_at, until_at, patients, resources, left_out, elements, rtypes, counts, sizes FROM vault.export_state($1, $2)

-- name: cancel
-- Gives an export up, or throws its files away; false when there is none.
SELECT vault.export_cancel($1, $2)

-- name: piece
-- The next piece of a file after one; content NULL when it may not be shown any more.
SELECT n, content FROM vault.export_piece($1, $2, $3, $4)

-- name: unfinished
-- Exports with work to do, oldest first.
SELECT id FROM vault.export_unfinished() AS id

-- name: next
-- What an export needs next: none, gone, wait, patients (with whom), type.
SELECT what, patients, filters FROM vault.export_next($1, $2, $3)

-- name: copy
-- Copies the rows of these patients, or of the next type: again, many, more, done, none.
SELECT vault.export_copy($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: fail
-- An export that can't be carried out.
SELECT vault.export_fail($1, $2)

-- name: sweep
-- Throws away what has run out; how many exports.
SELECT vault.export_sweep()
