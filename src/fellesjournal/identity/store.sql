-- What sign-in asks of the database: only its own functions, never a table.

-- name: who
-- The live session of a secret, with what a request must know of it; marks it as seen. No row when it has ended.
SELECT w.*, CASE WHEN isfinite(w.acts_until) THEN w.acts_until END AS acts_until_at FROM identity.who($1) w;

-- name: seconds_left
-- Seconds until the session of a secret ends, NULL when it has.
SELECT identity.seconds_left($1);

-- name: extend
-- Marks the session of a secret as seen now.
SELECT identity.extend($1);

-- name: end_session
-- Ends the session of a secret.
SELECT identity.end_session($1);

-- name: recognise
-- The person of a hashed national id, whose keys are known from now on.
SELECT * FROM identity.recognise($1, $2);

-- name: own_record
-- The patient that a person is.
SELECT identity.own_record($1);

-- name: posts_of
-- The roles that a person may act in now.
SELECT * FROM identity.posts_of($1);

-- name: start_staff
-- A new staff session; NULL when the post is not theirs and valid.
SELECT identity.start_staff($1, $2, $3, $4, $5, $6, $7);

-- name: switch_staff
-- From one post to another; NULL when nothing was changed.
SELECT identity.switch_staff($1, $2, $3, $4, $5);

-- name: switch_citizen
-- From one record to another that the citizen may open; NULL when nothing was changed.
SELECT identity.switch_citizen($1, $2, $3, $4);

-- name: acting_over
-- The own record to go on with when acting for another has ended; NULL when it has not, or the session is over.
SELECT identity.acting_over($1);

-- name: start_citizen
-- A new citizen session; NULL when there is no record.
SELECT identity.start_citizen($1, $2, $3, $4, $5, $6);

-- name: start_system
-- A new system session; NULL without a live grant.
SELECT identity.start_system($1, $2, $3, $4, $5, $6);

-- name: find_demo
-- The person of a demo name.
SELECT * FROM identity.find_demo($1);

-- name: use_once
-- True the first time a digest comes.
SELECT identity.use_once($1, $2);

-- name: find_system
-- A system by its hashed name, and the unit that it acts in.
SELECT * FROM identity.find_system($1);
