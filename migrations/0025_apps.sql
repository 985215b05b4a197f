-- Apps (SMART App Launch): who is registered, what was granted to them, and the sessions that their tokens are.

-- One row for each app that was ever registered. A removed one stays, since grants and the log name it.
CREATE TABLE identity.app (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  client_id text NOT NULL UNIQUE CHECK (length(client_id) BETWEEN 1 AND 100),
  name text NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'suspended', 'removed')),
  registration text NOT NULL,            -- JSON, as identity/apps/registration.py reads it
  secret_hash bytea,                     -- SHA-256 of 32 random bytes, for an app that keeps a secret
  person bigint REFERENCES identity.person,  -- the system that it acts as by itself, and the unit whose people it sees
  unit bigint REFERENCES identity.unit,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What was done with a registration, by whom. Append-only.
CREATE TABLE identity.app_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  app bigint NOT NULL REFERENCES identity.app,
  person bigint REFERENCES identity.person,  -- NULL: the operator, by the command line
  session bigint,
  did text NOT NULL,
  registration text NOT NULL
);
CREATE INDEX app_event_app ON identity.app_event (app, id DESC);

-- What somebody let an app do: the root of a family of codes, tokens and refresh tokens.
CREATE TABLE identity.app_grant (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  app bigint NOT NULL REFERENCES identity.app,
  kind text NOT NULL CHECK (kind IN ('staff', 'citizen', 'system')),
  person bigint NOT NULL REFERENCES identity.person,
  post bigint REFERENCES identity.post,
  unit bigint REFERENCES identity.unit,
  role text NOT NULL,
  level smallint NOT NULL,
  session bigint,                        -- it ends with this session; NULL: it goes on when the person has signed out
  scopes text NOT NULL,
  patient bigint,                        -- the patient of the launch
  patient_slot smallint,
  is_bound boolean NOT NULL DEFAULT false,  -- that patient's record and no other
  encounter text NOT NULL DEFAULT '',
  jkt text NOT NULL DEFAULT '',          -- the key that its tokens are bound to (RFC 9449)
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_why text NOT NULL DEFAULT ''
);
CREATE INDEX app_grant_person ON identity.app_grant (person) WHERE revoked_at IS NULL;
CREATE INDEX app_grant_app ON identity.app_grant (app) WHERE revoked_at IS NULL;

-- Launches from an open chart, authorization codes, refresh tokens: the secret is with its holder, here stands its SHA-256.
CREATE TABLE identity.app_launch (
  hash bytea PRIMARY KEY,
  app bigint NOT NULL REFERENCES identity.app,
  session bigint NOT NULL,
  patient bigint NOT NULL,
  patient_slot smallint NOT NULL,
  encounter text NOT NULL DEFAULT '',
  until_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE TABLE identity.app_code (
  hash bytea PRIMARY KEY,
  app_grant bigint NOT NULL REFERENCES identity.app_grant,
  redirect_uri text NOT NULL,
  challenge text NOT NULL,
  nonce text NOT NULL DEFAULT '',
  until_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE TABLE identity.app_refresh (
  hash bytea PRIMARY KEY,
  app_grant bigint NOT NULL REFERENCES identity.app_grant,
  until_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX app_refresh_grant ON identity.app_refresh (app_grant);

-- The keys that id tokens are signed with, sealed under a key that is not in the database.
CREATE TABLE identity.signing_key (
  alg text PRIMARY KEY,
  sealed text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['app', 'app_event', 'app_grant', 'app_launch', 'app_code', 'app_refresh', 'signing_key'] LOOP
    EXECUTE format('ALTER TABLE identity.%I OWNER TO fj_owner', t);
  END LOOP;
END $$;

-- An access token is a session of its grant. A staff session with a patient opens that patient's record alone.
ALTER TABLE identity.session ADD COLUMN app bigint, ADD COLUMN app_grant bigint, ADD COLUMN app_scopes text;
CREATE INDEX session_app_grant ON identity.session (app_grant) WHERE app_grant IS NOT NULL AND ended_at IS NULL;
ALTER TABLE access.log ADD COLUMN app bigint;

-- An app's session dies with its grant, with the app's approval, and with the session that it stands on.
CREATE OR REPLACE VIEW identity.live AS
  SELECT s.id, s.secret_hash, s.kind, s.person, s.post, s.unit, s.role, s.level, s.purpose, s.patient, s.device,
         u.controller, u.kind AS unit_kind, s.expires_at, s.app
  FROM identity.session s
  LEFT JOIN identity.unit u ON u.id = s.unit
  LEFT JOIN identity.post p ON p.id = s.post
  WHERE s.ended_at IS NULL AND s.expires_at > clock_timestamp()
    AND s.seen_at + make_interval(secs => s.idle_s) > clock_timestamp()
    AND (s.post IS NULL OR (p.from_at <= clock_timestamp() AND p.until_at > clock_timestamp()))
    AND (s.app_grant IS NULL OR EXISTS (
      SELECT 1 FROM identity.app_grant g JOIN identity.app a ON a.id = g.app
      WHERE g.id = s.app_grant AND g.revoked_at IS NULL AND g.until_at > clock_timestamp() AND a.status = 'approved'
        AND (g.session IS NULL OR EXISTS (
          SELECT 1 FROM identity.session o WHERE o.id = g.session AND o.ended_at IS NULL AND o.expires_at > clock_timestamp()
            AND o.seen_at + make_interval(secs => o.idle_s) > clock_timestamp()))));
GRANT SELECT ON identity.app TO access_core;

-- Its shape changes; the room's own file makes it anew.
DROP FUNCTION IF EXISTS identity.who(bytea);
