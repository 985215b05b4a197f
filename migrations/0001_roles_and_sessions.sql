-- Roles, schemas, and who is signed in.
-- The login roles (fj_web, fj_signin, fj_worker, fj_log, fj_migrate) exist before this file runs; the owners below never log in.

DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['fj_owner', 'access_core', 'ctx_keeper', 'vault_gate', 'vault_read', 'vault_open',
                           'vault_chart', 'vault_list', 'vault_write', 'vault_identify', 'vault_feed'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', r);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
    END;
  END LOOP;
END $$;

CREATE SCHEMA identity AUTHORIZATION fj_owner;
CREATE SCHEMA access AUTHORIZATION fj_owner;
CREATE SCHEMA ctx AUTHORIZATION ctx_keeper;
CREATE SCHEMA vault AUTHORIZATION fj_owner;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- ── Units and people ─────────────────────────────────────────────────────────────────────────────

-- One row for each unit that can own rows or be acted for; id is the pid of its Organization.
CREATE TABLE identity.unit (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  kind text NOT NULL,                    -- gp, legevakt, home_care, nursing_home, child_health, system, municipality
  controller bigint NOT NULL,            -- dataansvarlig: the legal entity's Organization
  municipality text NOT NULL DEFAULT ''
);

-- One row for each human or system that can sign in.
CREATE TABLE identity.person (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('human', 'system')),
  number_hash bytea UNIQUE,              -- keyed hash of the national id; the key is not in the database
  name text NOT NULL,
  practitioner bigint,                   -- pid of the Practitioner
  patient bigint,                        -- pid of the own Patient: the own record
  patient_slot smallint,
  demo_name text UNIQUE                  -- only in a demo database: NAME of `fellesjournal token --as NAME`
);
CREATE INDEX person_patient ON identity.person (patient);

-- One row for each role that a person holds at a unit, with validity (Normen 5.2; access.md, condition 2).
CREATE TABLE identity.post (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person bigint NOT NULL REFERENCES identity.person,
  unit bigint NOT NULL REFERENCES identity.unit,
  role text NOT NULL,
  profession text,                       -- Volven 9060
  licence text,                          -- HPR number, only where the profession has one
  practitioner_role bigint,              -- pid of the PractitionerRole
  from_at timestamptz NOT NULL DEFAULT '-infinity',
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  UNIQUE (person, unit, role)
);

-- One row for each session or token. The secret is with its holder alone; here stands its SHA-256.
CREATE TABLE identity.session (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  secret_hash bytea NOT NULL UNIQUE,
  kind text NOT NULL CHECK (kind IN ('staff', 'citizen', 'system')),
  person bigint NOT NULL REFERENCES identity.person,
  post bigint REFERENCES identity.post,
  unit bigint REFERENCES identity.unit,
  role text NOT NULL,
  level smallint NOT NULL,
  purpose text NOT NULL DEFAULT 'TREAT',
  patient bigint,                        -- citizen: the record it opens
  device text NOT NULL DEFAULT '',
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  idle_s integer NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK (kind <> 'staff' OR (post IS NOT NULL AND unit IS NOT NULL)),
  CHECK (kind <> 'citizen' OR patient IS NOT NULL)
);
CREATE INDEX session_person ON identity.session (person) WHERE ended_at IS NULL;

ALTER TABLE identity.unit OWNER TO fj_owner;
ALTER TABLE identity.person OWNER TO fj_owner;
ALTER TABLE identity.post OWNER TO fj_owner;
ALTER TABLE identity.session OWNER TO fj_owner;

-- The sessions that are valid now, with what a decision needs of them.
-- A session dies with its post (role end), by idling, by age, by sign-out.
CREATE VIEW identity.live AS
  SELECT s.id, s.secret_hash, s.kind, s.person, s.post, s.unit, s.role, s.level, s.purpose, s.patient, s.device,
         u.controller, u.kind AS unit_kind, s.expires_at
  FROM identity.session s
  LEFT JOIN identity.unit u ON u.id = s.unit
  LEFT JOIN identity.post p ON p.id = s.post
  WHERE s.ended_at IS NULL AND s.expires_at > clock_timestamp()
    AND s.seen_at + make_interval(secs => s.idle_s) > clock_timestamp()
    AND (s.post IS NULL OR (p.from_at <= clock_timestamp() AND p.until_at > clock_timestamp()));
ALTER VIEW identity.live OWNER TO fj_owner;

GRANT USAGE ON SCHEMA identity TO access_core;
GRANT SELECT ON identity.unit, identity.person, identity.post, identity.session, identity.live TO access_core;

-- ── The transaction's own nonce ──────────────────────────────────────────────────────────────────

-- Seals the context of a dynamic search inside one transaction. Not a key to any data: it proves to a policy
-- that access.decide made this context in this very transaction. Unlogged: never in a backup, gone after a crash.
CREATE UNLOGGED TABLE ctx.nonce (id boolean PRIMARY KEY DEFAULT true CHECK (id), nonce bytea NOT NULL);
ALTER TABLE ctx.nonce OWNER TO ctx_keeper;
