-- name: search_parameters
-- The version of the registry of search parameters, and these when it is another one than that known.
SELECT version, parameters FROM vault.search_parameters($1)

-- name: add_search_parameter
-- Adds a search parameter to several types; one edition for each.
SELECT edition FROM vault.add_search_parameter($1, $2, $3, $4, $5, $6, $7, $8) AS edition

-- name: remove_search_parameter
-- Takes a search parameter back from all types; from how many.
SELECT vault.remove_search_parameter($1, NULL)

-- name: list_search_parameters
-- All that were added, and how far they are.
SELECT edition, rtype, code, type, expression, url, state, seen, faults, added_at, ready_at FROM vault.list_search_parameters()

-- name: index_unfinished
-- Editions that rows are to be filled in for, or deleted, oldest first.
SELECT edition FROM vault.index_unfinished() AS edition

-- name: index_state
-- Whether the work on one may begin or go on: none, done, wait, indexing, removing.
SELECT vault.index_state($1, $2)

-- name: index_read
-- The next resources to fill in rows for; the last row is where the page ends.
SELECT slot, pid, version, org, body FROM vault.index_read($1, $2, $3)

-- name: index_names
-- The rows that ids chosen by clients stand for, by the place of the question.
SELECT n, slot, pid FROM vault.index_names($1, $2, $3, $4)

-- name: index_write
-- Fills in the rows of one page; false when it was not ours to do.
SELECT vault.index_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
  $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)

-- name: index_remove
-- Deletes the rows of one page for a removed parameter; true when there is more.
SELECT vault.index_remove($1, $2, $3)

-- name: complete_further
-- Lets the next references lead to a row that was made under the id that they name; how many.
SELECT vault.complete_further($1, $2, $3, $4, $5)
