-- name: decide
-- May this reader open this patient? Logged. No row: the secret opens nothing.
SELECT session, unit, allow, ground, ground_name_nb, ground_name_nn, ground_name_en,
       CASE WHEN isfinite(until_at) THEN until_at END AS until_at, blocked, ground_kind, override_until, relative_until
FROM access.decide($1, $2, $3, $4)

-- name: log_refusal
-- Logs a refused wish by itself, after its transaction was rolled back.
SELECT access.log_refusal($1, $2, $3, $4)

-- name: establish
-- Tells a fact that makes a need; false when this reader may not tell it. until NULL = no end.
SELECT access.establish($1, $2, $3, $4, $5, $6, $7, coalesce($8, 'infinity'::timestamptz))

-- name: end_relation
-- Ends the fact that a resource made; how many facts ended.
SELECT access.end_relation($1, $2, $3)

-- name: keep_referral
-- Makes the facts of a referral what it says.
SELECT access.keep_referral($1, $2, $3, $4, $5, $6)

-- name: own_log
-- Citizen: who has seen my record, newest first, narrowed, after a cursor.
SELECT * FROM access.own_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: patient_log
-- Staff: who has seen this patient's record, newest first, before an instant.
SELECT * FROM access.patient_log($1, $2, $3, $4)

-- name: keep_partitions
-- Makes the log's partitions for this month and the two next.
SELECT access.keep_log_partitions()

-- name: show_address
-- Asks for a protected address, with a reason; logged.
SELECT access.show_address($1, $2, $3)

-- name: may_name
-- May this reader name personnel for a strictly protected patient?
SELECT access.may_name($1, $2)

-- name: named_for
-- Who is and was named for a strictly protected patient; until NULL = no end.
SELECT id, name, from_at, CASE WHEN isfinite(until_at) THEN until_at END AS until_at, named_by, is_live FROM access.named_for($1, $2)

-- name: nameable
-- The controller's staff by a part of their name.
SELECT person, name, role, unit_name FROM access.nameable($1, $2, $3)

-- name: name_personnel
-- Names somebody for a strictly protected patient; logged.
SELECT access.name_personnel($1, $2, $3, $4)

-- name: end_naming
-- Ends what was named; logged.
SELECT access.end_naming($1, $2, $3)

-- name: open_sensitive
-- Chooses to see what is sensitive in a record, with a reason; logged.
SELECT access.open_sensitive($1, $2, $3)

-- name: audit_events
-- The log as FHIR asks for it: a verdict, and rows newest first.
SELECT r.verdict, e.* FROM access.audit_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) r LEFT JOIN unnest(r.events) e ON true

-- name: ask_about
-- Citizen: asks the unit about a line of the own log. No row: there is no such line.
SELECT verdict, due_at FROM access.ask_about($1, $2, $3, $4)

-- name: questions
-- Citizen: what was asked about the own log, with the answers, newest first.
SELECT id, event, question, made_at, due_at, answer, answered_at FROM access.review_own($1)
