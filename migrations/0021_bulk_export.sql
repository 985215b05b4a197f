-- Bulk exports: what was asked for, how far it is, and the files until they are thrown away.

DO $$
BEGIN
  CREATE ROLE vault_export NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

-- One row for each export. The asker's session names who asks: each patient is decided for it when their rows are copied.
CREATE TABLE vault.export (
  id bigint PRIMARY KEY,
  session bigint NOT NULL, person bigint NOT NULL, unit bigint,
  request text NOT NULL,                 -- the address that was asked, for the manifest
  has_directory boolean NOT NULL,        -- the directory and the unit's own rows too
  wanted bigint[],                       -- these patients alone, in order; NULL = all that the asker may see
  types smallint[] NOT NULL,
  since timestamptz NOT NULL DEFAULT '-infinity',
  filters text NOT NULL DEFAULT '',      -- `_typeFilter`, as JSON
  elements text NOT NULL DEFAULT '',     -- `_elements`, as JSON
  asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),  -- what is in it is as it was then
  began xid8,                            -- writers older than this may have written before that instant
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  stage smallint NOT NULL DEFAULT 0,     -- 0 patients, 1 directory and the unit's own, a type at a time
  at bigint NOT NULL DEFAULT 0,          -- the last patient, or the place of the last type
  patients bigint NOT NULL DEFAULT 0, resources bigint NOT NULL DEFAULT 0, left_out bigint NOT NULL DEFAULT 0,
  until_at timestamptz NOT NULL
);
CREATE INDEX export_person ON vault.export (person) WHERE state IN ('waiting', 'running');

CREATE TABLE vault.export_file (
  export bigint NOT NULL REFERENCES vault.export ON DELETE CASCADE,
  rtype smallint NOT NULL,
  resources bigint NOT NULL, bytes bigint NOT NULL, next_n bigint NOT NULL,
  PRIMARY KEY (export, rtype)
);

-- A piece holds whole lines. patients: whoever is in it, so that it is shown only while each of them may be.
CREATE TABLE vault.export_piece (
  export bigint NOT NULL REFERENCES vault.export ON DELETE CASCADE,
  rtype smallint NOT NULL, n bigint NOT NULL,
  patients bigint[] NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (export, rtype, n)
);

-- What an administrator lets a system export; and the worker that carries exports out, which opens no record by itself.
ALTER TABLE access.system_grant DROP CONSTRAINT system_grant_purpose_check;
ALTER TABLE access.system_grant ADD CONSTRAINT system_grant_purpose_check
  CHECK (purpose IN ('LOAD', 'FEED', 'DISTRIBUTE', 'INTEGRATION', 'INDEX', 'EXPORT', 'BULK'));

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['export', 'export_file', 'export_piece'] LOOP
    EXECUTE format('ALTER TABLE vault.%I OWNER TO fj_owner', t);
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
END $$;
