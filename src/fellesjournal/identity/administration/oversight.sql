-- name: known_people
-- The well-known people whom an administrator may see.
SELECT * FROM identity.known_people($1)

-- name: known_people_as_operator
-- All of them.
SELECT * FROM identity.known_people_as_operator()

-- name: review_map
-- Who judges for each controller within reach, and for whom else the units within reach judge.
SELECT * FROM identity.review_map($1)

-- name: review_units
-- The units that have reviewers.
SELECT * FROM identity.review_units($1)
