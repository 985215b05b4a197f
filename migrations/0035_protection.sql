-- Address protection: who is protected, what of their rows lies apart, who may open a strictly protected record, who needs an address.
-- Folkeregisterloven § 10-4; folkeregisterforskriften § 10-4-1 flg.; access.md, "Address protection".

DO $$
BEGIN
  CREATE ROLE vault_shield NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;
GRANT USAGE ON SCHEMA vault, access TO vault_shield;

-- One row for each person whose address is protected, or once was ('open'). Kept by the vault as Patients are written.
CREATE TABLE access.protected (
  patient bigint PRIMARY KEY,
  level text NOT NULL CHECK (level IN ('open', 'fortrolig', 'strengt')),
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  set_by bigint NOT NULL,                -- session
  changed_in xid8 NOT NULL               -- the transaction that last changed it
);

-- The whole of a row of a protected person of which vault.resource and vault.history show a part: byte for byte as it was written.
CREATE TABLE vault.shielded (
  slot smallint NOT NULL,
  pid bigint NOT NULL,
  version integer NOT NULL,
  patient bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (slot, pid, version)
);
CREATE INDEX shielded_patient ON vault.shielded (patient);
ALTER TABLE vault.shielded OWNER TO fj_owner;
ALTER TABLE vault.shielded ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.shielded FORCE ROW LEVEL SECURITY;

-- The only people who open the record of a strictly protected person, besides emergency access: by name, for a time.
CREATE TABLE access.named_personnel (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL,
  person bigint NOT NULL REFERENCES identity.person,
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  named_by bigint REFERENCES identity.person,  -- NULL: by rule, as who registered the person, and their GP
  ended_by bigint REFERENCES identity.person,
  CHECK (from_at <= until_at),
  CHECK (named_by <> person)
);
CREATE INDEX named_patient ON access.named_personnel (patient, person);

-- Roles that may name personnel, besides those who are named: dated configuration. Nobody names themselves.
CREATE TABLE access.naming_role (
  role text NOT NULL,
  source text NOT NULL,
  valid_from date NOT NULL DEFAULT '2026-01-01',
  valid_until date NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (role, valid_from)
);
INSERT INTO access.naming_role (role, source) VALUES ('administrator', '[K] Normen 5.2: rights are given by those whom the management appointed');

-- Who sees a `fortrolig` address without asking for it: dated configuration. The fact must begin near now: a visit today.
CREATE TABLE access.address_need (
  unit_kind text NOT NULL,
  roles text[] NOT NULL,
  ground text NOT NULL REFERENCES access.ground,
  before_h integer NOT NULL,
  after_h integer NOT NULL,
  source text NOT NULL,
  valid_from date NOT NULL DEFAULT '2026-01-01',
  valid_until date NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (unit_kind, ground, valid_from)
);
INSERT INTO access.address_need (unit_kind, roles, ground, before_h, after_h, source) VALUES
 ('home_care', '{sykepleier,helsefagarbeider,assistent}', 'PLANOPP', 12, 12,
  '[K] folkeregisterloven § 10-4; helsepersonelloven § 45: the address is needed to come to the door; to be confirmed by a lawyer');

-- Who may ask for a `fortrolig` address, and how long it then shows: dated configuration.
CREATE TABLE access.address_asker (
  role text NOT NULL,
  minutes integer NOT NULL CHECK (minutes BETWEEN 1 AND 60),
  source text NOT NULL,
  valid_from date NOT NULL DEFAULT '2026-01-01',
  valid_until date NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (role, valid_from)
);
INSERT INTO access.address_asker (role, minutes, source)
  SELECT r, 15, '[K] folkeregisterloven § 10-4; helsepersonelloven § 45' FROM unnest(ARRAY['lege', 'sykepleier', 'helsesykepleier', 'helsesekretaer', 'helsefagarbeider']) r;

-- Every time somebody asked for an address: the reason in their own words, which the patient never sees. Append-only.
CREATE TABLE access.address_shown (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL,
  session bigint NOT NULL,
  person bigint NOT NULL,
  unit bigint NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 10 AND 2000),
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL,
  event bigint NOT NULL                  -- of access.log
);
CREATE INDEX address_shown_session ON access.address_shown (session, patient);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['protected', 'named_personnel', 'naming_role', 'address_need', 'address_asker', 'address_shown'] LOOP
    EXECUTE format('ALTER TABLE access.%I OWNER TO fj_owner', t);
    EXECUTE format('GRANT SELECT ON access.%I TO access_core', t);
  END LOOP;
END $$;
GRANT INSERT, UPDATE, DELETE ON access.protected TO access_core;
GRANT INSERT ON access.named_personnel, access.address_shown TO access_core;
GRANT UPDATE (until_at, ended_by) ON access.named_personnel TO access_core;
