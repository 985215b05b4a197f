-- name: read_many
-- Decides, logs and reads all point reads that wait; one row for each, in order.
SELECT n, status, version, updated, body, varies FROM vault.read_many($1, $2, $3, $4, $5)

-- name: history_of
-- Versions of one resource below a version, newest first.
SELECT status, version, updated, op, body FROM vault.history_of($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: search_charts
-- Decides, searches and logs all chart searches that wait; one row for each, in order, its rows as columns.
SELECT verdict, k, slot, pid, rtype, version, updated, patient, sort, body
FROM vault.search_charts($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: search_list
-- Decides, searches in the acting unit's lists and logs what was shown; one row, its rows as columns.
SELECT verdict, k, slot, pid, rtype, version, updated, patient, sort, body
FROM vault.search_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: write
-- Decides and writes versions with their search rows, all or nothing.
SELECT n, status, version, updated, chosen FROM vault.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
  $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43,
  $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59,
  $60, $61, $62, $63, $64, $65)

-- name: find_ids
-- The rows that ids which clients chose stand for, to this reader.
SELECT rtype, id, slot, pid FROM vault.find_ids($1, $2, $3)

-- name: lock_questions
-- One after the other, in order: who asks and then writes goes before or after everyone who does so by the same question.
SELECT pg_catalog.pg_advisory_xact_lock(q.key) FROM (SELECT key FROM unnest($1::bigint[]) AS u (key) ORDER BY key OFFSET 0) q

-- name: claim_answer
-- Whether the request behind an idempotency key is new, with the kept answer when it is not.
SELECT state, answer FROM vault.claim_answer($1, $2, $3)

-- name: keep_answer
-- Keeps the answer of a claimed key.
SELECT vault.keep_answer($1, $2, $3, $4, $5)

-- name: forget_answers
-- Deletes the answers older than a day.
SELECT vault.forget_answers()

-- name: identify_number
-- The person with a national id (keyed hash), logged.
SELECT verdict, slot, pid, body FROM vault.identify_number($1, $2, $3)

-- name: identify_name
-- People with these names and birth date, at most ten, logged.
SELECT verdict, slot, pid, body FROM vault.identify_name($1, $2, $3, $4, $5)

-- name: feed
-- The next entries of the history after a position; ids alone. allowed false: the secret has no grant (any more).
SELECT allowed, xid::text AS xid, pos, slot, pid, version, rtype, patient, org, op, updated, purpose
FROM vault.feed_entries($1, $2::text::xid8, $3, $4)

-- name: feed_at
-- Where a reader of the feed has come.
SELECT xid::text AS xid, pos FROM vault.feed_at($1, $2::text::uuid)

-- name: feed_reached
-- Remembers where a reader has come.
SELECT vault.feed_reached($1, $2::text::uuid, $3::text::xid8, $4)

-- name: open_envelope
-- The right to the patient of one resource in the feed, for five minutes; NULL without the grant.
SELECT vault.open_envelope($1, $2, $3)

-- name: stage_chunk
-- Stages one piece of an upload, in a transaction of its own; its status.
SELECT vault.stage_chunk($1, $2, $3, $4)

-- name: drop_upload
-- Throws away what this session has staged under a number.
SELECT vault.drop_upload($1, $2)

-- name: keep_blob
-- Makes what was staged the content of a version written in this transaction; false when it can't be.
SELECT vault.keep_blob($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: read_chunk
-- One piece of a version's content, and the length and hash of the whole; n = -1: without a piece.
SELECT bytes, digest, content FROM vault.read_chunk($1, $2, $3, $4, $5, $6)

-- name: make_block
-- Makes a block of a record or a part of it; the verdict and the block's number.
SELECT verdict, id FROM vault.make_block($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: lift_block
-- Lifts one of the citizen's own blocks; the verdict.
SELECT vault.lift_block($1, $2, $3)

-- name: own_blocks
-- The citizen's own blocks; empty for anybody else.
SELECT id, is_part, scope, target, code, code_nb, code_nn, code_en, unit, unit_name, person_name, service, origin_name, from_at,
       CASE WHEN isfinite(until_at) THEN until_at END AS until_at, covers, made_by, made_at_unit
FROM access.own_blocks($1)

-- name: block_choices
-- What a block can be made of and against; empty for who may not make one.
SELECT * FROM access.block_choices($1, $2)

-- name: release_due
-- Opens for the citizen what was delayed and is due; how many rows.
SELECT vault.release_due()

-- name: sweep_uploads
-- Throws away what was staged and never kept; how many pieces.
SELECT vault.sweep_uploads()

-- name: reclassify
-- Looks again at what is sensitive of the next people; 0 when all have been.
SELECT vault.reclassify($1)

-- name: withhold
-- Withholds rows from parents; the verdict.
SELECT vault.withhold($1, $2, $3, $4, $5, $6)

-- name: end_withholding
-- Ends a withholding; the verdict.
SELECT vault.withhold_end($1, $2, $3, $4)

-- name: withheld_now
-- Those of these rows that parents don't see now.
SELECT vault.withheld_now($1, $2, $3)
