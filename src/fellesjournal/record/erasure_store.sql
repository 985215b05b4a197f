-- name: ask
-- Ask for an entry to be deleted: 201, 401, 403, 404, 409 or 430.
SELECT vault.erasure_ask($1, $2, $3, $4, $5, $6, $7, $8)

-- name: decide
-- One person's word: 200 proposed, 203 settled, 204 deleted, 202 refused, 401, 403, 404 or 409.
SELECT vault.erasure_decide($1, $2, $3, $4, $5)

-- name: about
-- The wishes about a patient that the reader may know of, newest first.
SELECT * FROM vault.erasures($1, $2)

-- name: waiting
-- What waits for the acting unit, oldest first.
SELECT * FROM vault.erasures_waiting($1)

-- name: withdrawn
-- What the acting unit withdrew in a record, newest first.
SELECT * FROM vault.erasure_withdrawn($1, $2)

-- name: reviewed
-- What waits for a reviewer as the second person, oldest first.
SELECT * FROM vault.erasures_reviewed($1)
