-- name: reach
-- The unit whose duty list this secret keeps; no row: none.
SELECT unit_name, is_kept FROM access.duty_reach($1)

-- name: shifts
-- Who is on duty there now and later.
SELECT * FROM access.duty_list($1)

-- name: staff
-- Who can be put on duty there.
SELECT * FROM access.duty_staff($1)

-- name: put_on
-- Puts somebody on duty: a status.
SELECT access.duty_put($1, $2, $3, $4)

-- name: take_off
-- Ends a shift, or takes it away. False: there is none.
SELECT access.duty_end($1, $2)
