-- What apps ask of the database: only its own functions, never a table.

-- name: find
-- An app that was not removed, by its client id.
SELECT * FROM identity.app_find($1);

-- name: all
-- All apps that were not removed.
SELECT * FROM identity.app_all();

-- name: events
-- What was done with an app, for an administrator.
SELECT * FROM identity.app_events($1, $2);

-- name: has_secret
-- Whether an app's secret has this hash.
SELECT identity.app_has_secret($1, $2);

-- name: write
-- Writes a registration, as the operator; NULL without the unit.
SELECT identity.app_write($1, $2, $3, $4, $5, $6, $7, NULL, NULL);

-- name: write_by
-- Writes a registration, as an administrator; NULL for anybody else, and without the unit.
SELECT identity.app_write_by($1, $2, $3, $4, $5, $6, $7, $8);

-- name: mark
-- Approves, suspends or removes an app, as the operator; false when there is none.
SELECT identity.app_mark($1, $2, NULL, NULL);

-- name: mark_by
-- The same as an administrator; false for anybody else.
SELECT identity.app_mark_by($1, $2, $3);

-- name: unit_named
-- A unit by its name.
SELECT identity.unit_named($1);

-- name: launch_start
-- A launch from an open chart; false without a session.
SELECT identity.app_launch_start($1, $2, $3, $4, $5, $6, $7);

-- name: launch_use
-- Uses a launch up.
SELECT * FROM identity.app_launch_use($1, $2, $3);

-- name: grant_start
-- A grant by whoever is signed in, with its code; NULL when nobody is.
SELECT identity.app_grant_start($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: grant_of
-- A grant that is alive.
SELECT * FROM identity.app_grant_of($1);

-- name: grant_end
-- Ends a grant with all its tokens.
SELECT identity.app_grant_end($1, $2);

-- name: grant_bind
-- Binds a grant to a key; false when it can't be.
SELECT identity.app_grant_bind($1, $2);

-- name: code_use
-- Uses a code up; its grant and nonce.
SELECT * FROM identity.app_code_use($1, $2, $3, $4);

-- name: token_start
-- Starts an access token; until when.
SELECT identity.app_token_start($1, $2, $3, $4, $5);

-- name: refresh_put
-- Keeps a refresh token.
SELECT identity.app_refresh_put($1, $2);

-- name: refresh_use
-- Uses a refresh token up; its grant.
SELECT identity.app_refresh_use($1, $2, $3);

-- name: backend_start
-- A grant of an app to itself; NULL when it has no unit, or its time is over.
SELECT identity.app_backend_start($1, $2, $3, $4);

-- name: inspect
-- What a token is worth.
SELECT * FROM identity.app_inspect($1);

-- name: refresh_app
-- The client id of the app whose refresh token it is, or was.
SELECT identity.app_of_refresh($1);

-- name: revoke
-- Ends a token at its app's wish.
SELECT identity.app_revoke($1, $2);

-- name: grants_of
-- What somebody has let apps do.
SELECT * FROM identity.app_grants_of($1);

-- name: withdraw
-- Takes a grant back; false when it is not theirs.
SELECT identity.app_withdraw($1, $2);

-- name: signing_keys
-- The keys for id tokens, sealed.
SELECT * FROM identity.signing_keys();

-- name: signing_key_put
-- Keeps a key unless there is one.
SELECT identity.signing_key_put($1, $2, $3);
