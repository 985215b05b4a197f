-- The vault: current versions, every version ever, and one row for each value that can be searched.
--
-- Every row carries: slot (bucket of the person; 0 = not patient-bound), pid (63-bit, server-made),
--   patient (> 0 the owner's pid; 0 = directory, open to all who are signed in; -1 = a unit's own, nobody's record),
--   org (the controller unit), sens (class: 2 × category + withheld from the citizen; + 100 if it names another patient too),
--   date (the clinical sort date).

CREATE TABLE vault.resource (
  slot smallint NOT NULL,
  pid bigint NOT NULL,
  rtype smallint NOT NULL,
  version integer NOT NULL,
  updated timestamptz NOT NULL,
  patient bigint NOT NULL,
  org bigint NOT NULL,
  sens smallint NOT NULL,
  date timestamptz NOT NULL,
  body text,                             -- NULL = deleted
  PRIMARY KEY (slot, pid)
);
CREATE INDEX resource_chart ON vault.resource (patient, rtype, date DESC, pid);
CREATE INDEX resource_list ON vault.resource (org, rtype, date DESC, pid);

CREATE TABLE vault.history (
  slot smallint NOT NULL,
  pid bigint NOT NULL,
  version integer NOT NULL,
  rtype smallint NOT NULL,
  updated timestamptz NOT NULL,
  patient bigint NOT NULL,
  org bigint NOT NULL,
  sens smallint NOT NULL,
  op "char" NOT NULL,                    -- C created, U updated, D deleted
  session bigint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  pos bigint GENERATED ALWAYS AS IDENTITY (CACHE 64),
  body text,
  PRIMARY KEY (slot, pid, version)
);
CREATE INDEX history_feed ON vault.history (xid, pos);
CREATE INDEX history_chart ON vault.history (patient, updated DESC) WHERE patient > 0;
CREATE INDEX history_list ON vault.history (org, rtype, updated DESC);

-- Every other patient that a resource names: the reader must pass for all of them.
CREATE TABLE vault.other_patient (
  slot smallint NOT NULL, pid bigint NOT NULL, patient bigint NOT NULL,
  PRIMARY KEY (slot, pid, patient)
);

-- Unique business keys: a national id belongs to one Patient. Matches are checked again on the value.
CREATE TABLE vault.identifier (
  rtype smallint NOT NULL, h bigint NOT NULL, slot smallint NOT NULL, pid bigint NOT NULL,
  PRIMARY KEY (rtype, h)
);
CREATE INDEX identifier_pid ON vault.identifier (pid);

-- Ids that a client chose (update as create): the few that do not carry their slot.
CREATE TABLE vault.chosen_id (
  rtype smallint NOT NULL, id text NOT NULL, slot smallint NOT NULL, pid bigint NOT NULL,
  PRIMARY KEY (rtype, id)
);

CREATE TABLE vault.sp_token (
  param integer NOT NULL, slot smallint NOT NULL, sens smallint NOT NULL,
  pid bigint NOT NULL, patient bigint NOT NULL, org bigint NOT NULL, date timestamptz NOT NULL,
  h bigint NOT NULL
);
CREATE INDEX sp_token_chart ON vault.sp_token (patient, param, h, date DESC, pid);
CREATE INDEX sp_token_list ON vault.sp_token (org, param, h, date DESC, pid);

CREATE TABLE vault.sp_reference (
  param integer NOT NULL, slot smallint NOT NULL, sens smallint NOT NULL,
  pid bigint NOT NULL, patient bigint NOT NULL, org bigint NOT NULL, date timestamptz NOT NULL,
  h bigint NOT NULL,                     -- keyed hash of "Type/id", of a url, or of a logical reference
  tslot smallint, tpid bigint            -- the local target
);
CREATE INDEX sp_reference_chart ON vault.sp_reference (patient, param, h, date DESC, pid);
CREATE INDEX sp_reference_list ON vault.sp_reference (org, param, h, date DESC, pid);

CREATE TABLE vault.sp_date (
  param integer NOT NULL, slot smallint NOT NULL, sens smallint NOT NULL,
  pid bigint NOT NULL, patient bigint NOT NULL, org bigint NOT NULL, date timestamptz NOT NULL,
  lo timestamptz NOT NULL, hi timestamptz NOT NULL    -- half-open, UTC
);
CREATE INDEX sp_date_chart ON vault.sp_date (patient, param, lo, pid);
CREATE INDEX sp_date_list ON vault.sp_date (org, param, lo, pid);

CREATE TABLE vault.sp_quantity (         -- numbers too: unit 0
  param integer NOT NULL, slot smallint NOT NULL, sens smallint NOT NULL,
  pid bigint NOT NULL, patient bigint NOT NULL, org bigint NOT NULL, date timestamptz NOT NULL,
  unit bigint NOT NULL, lo double precision NOT NULL, hi double precision NOT NULL
);
CREATE INDEX sp_quantity_chart ON vault.sp_quantity (patient, param, lo, pid);
CREATE INDEX sp_quantity_list ON vault.sp_quantity (org, param, unit, lo, pid);

CREATE TABLE vault.sp_string (
  param integer NOT NULL, slot smallint NOT NULL, sens smallint NOT NULL,
  pid bigint NOT NULL, patient bigint NOT NULL, org bigint NOT NULL, date timestamptz NOT NULL,
  v text COLLATE "C" NOT NULL, exact text COLLATE "C" NOT NULL
);
CREATE INDEX sp_string_chart ON vault.sp_string (patient, param, v);
CREATE INDEX sp_string_list ON vault.sp_string (org, param, v);

CREATE TABLE vault.sp_uri (
  param integer NOT NULL, slot smallint NOT NULL, sens smallint NOT NULL,
  pid bigint NOT NULL, patient bigint NOT NULL, org bigint NOT NULL, date timestamptz NOT NULL,
  v text COLLATE "C" NOT NULL
);
CREATE INDEX sp_uri_chart ON vault.sp_uri (patient, param, v);
CREATE INDEX sp_uri_list ON vault.sp_uri (org, param, v);

CREATE TABLE vault.sp_composite (        -- one row for each group of components
  param integer NOT NULL, slot smallint NOT NULL, sens smallint NOT NULL,
  pid bigint NOT NULL, patient bigint NOT NULL, org bigint NOT NULL, date timestamptz NOT NULL,
  h bigint NOT NULL, h2 bigint, lo double precision, hi double precision, dlo timestamptz, dhi timestamptz, v text COLLATE "C"
);
CREATE INDEX sp_composite_chart ON vault.sp_composite (patient, param, h, date DESC, pid);
CREATE INDEX sp_composite_list ON vault.sp_composite (org, param, h, date DESC, pid);

-- The old search rows of a resource are found by its pid when it gets a new version.
CREATE INDEX sp_token_pid ON vault.sp_token (pid);
CREATE INDEX sp_reference_pid ON vault.sp_reference (pid);
CREATE INDEX sp_date_pid ON vault.sp_date (pid);
CREATE INDEX sp_quantity_pid ON vault.sp_quantity (pid);
CREATE INDEX sp_string_pid ON vault.sp_string (pid);
CREATE INDEX sp_uri_pid ON vault.sp_uri (pid);
CREATE INDEX sp_composite_pid ON vault.sp_composite (pid);

-- Answers that a retried request gets again instead of a second write.
CREATE TABLE vault.idempotency (
  person bigint NOT NULL, key_hash bytea NOT NULL, request_hash bytea NOT NULL, status smallint NOT NULL,
  answer bytea NOT NULL, made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (person, key_hash)
);

-- How far each reader of the feed has come. The epoch makes a position from before a restore invalid.
CREATE TABLE vault.feed_position (
  reader text PRIMARY KEY, epoch uuid NOT NULL, xid xid8 NOT NULL, pos bigint NOT NULL
);

GRANT USAGE ON SCHEMA vault TO vault_gate, vault_read, vault_open, vault_chart, vault_list, vault_write, vault_identify, vault_feed;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'other_patient', 'identifier', 'chosen_id', 'idempotency', 'feed_position',
      'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('ALTER TABLE vault.%I OWNER TO fj_owner', t);
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)', t);
  END LOOP;
END $$;
