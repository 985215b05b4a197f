-- name: administer
-- One wish by whoever the secret lets act: a status and what it was about.
SELECT status, subject FROM identity.administer($1, $2)

-- name: administer_as_operator
-- The same by an operator, who is named.
SELECT status, subject FROM identity.administer_as_operator($1, $2)

-- name: changed_now
-- What this transaction has changed, in order.
SELECT subject, subject_id, about_name, did, before, after FROM identity.changed_now()

-- name: staff
-- Staff within reach, by number.
SELECT * FROM identity.staff($1, $2, $3, $4, $5, $6)

-- name: staff_count
-- How many that is.
SELECT identity.staff_count($1)

-- name: units
-- Units within reach, by name.
SELECT * FROM identity.units($1)

-- name: roles
-- Roles that can be given.
SELECT * FROM identity.roles($1)

-- name: rights
-- What may be given to each role, and what it has.
SELECT * FROM identity.rights($1)

-- name: kind_sets
-- What a right may be limited to.
SELECT * FROM identity.kind_sets($1)

-- name: right_wishes
-- Rights that wait to be decided.
SELECT * FROM identity.right_wishes($1)

-- name: scim_clients
-- Systems that bring staff in.
SELECT * FROM identity.scim_clients($1)

-- name: scim_token
-- A new token of such a system; when it ends, or NULL.
SELECT identity.scim_token($1, $2, $3)

-- name: changes
-- What was changed within reach, newest first.
SELECT * FROM identity.changes($1, $2, $3, $4)

-- name: propose
-- An operator proposes a first administrator.
SELECT identity.propose_administrator($1, $2, $3, $4, $5)

-- name: confirm
-- Another operator confirms.
SELECT identity.confirm_administrator($1, $2)

-- name: keep_controllers
-- Gives every unit the controller that holds now.
SELECT identity.keep_controllers()
