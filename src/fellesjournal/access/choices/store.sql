-- name: choices
-- The grounds that this reader can choose for this patient, in order.
SELECT * FROM access.choices($1, $2)

-- name: choose
-- Chooses a ground, with its reason, for some minutes: status and until when.
SELECT status, until_at FROM access.choose($1, $2, $3, $4, $5)

-- name: end_choice
-- Ends what this reader chose for this patient; how many choices ended.
SELECT access.end_choice($1, $2, $3)

-- name: explain
-- What every rule says of this reader and this patient.
SELECT * FROM access.explain($1, $2)

-- name: own_notices
-- Citizen: the exceptions by which the own record was opened since an instant, newest first.
SELECT * FROM access.own_notices($1, $2)

-- name: object_to
-- Citizen: refuse a use that the patient may refuse, or allow it again.
SELECT access.object($1, $2, $3)

-- name: grant_support
-- Administrator: gives one member of support one patient's record for one ticket; status and until when.
SELECT status, until_at FROM access.grant_support($1, $2, $3, $4, $5, $6)

-- name: kin_waiting
-- The close family of this reader whose records wait for a reason: patient, slot, relation.
SELECT patient, slot, relation FROM access.kin_waiting($1)

-- name: own_supports
-- What is open to the member of support who asks: patient, slot, ticket and until when.
SELECT patient, slot, ticket, until_at FROM access.own_supports($1)
