-- Search parameters that an operator adds while the site runs.

DO $$
BEGIN
  CREATE ROLE vault_index NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

-- One row. The version is another one after each change; whoever writes says which one he knows.
CREATE TABLE vault.search_registry (
  is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),
  version bigint NOT NULL DEFAULT 0
);
INSERT INTO vault.search_registry DEFAULT VALUES;

-- One row for each parameter and resource type. edition: another one each time that a parameter of this name is added.
CREATE TABLE vault.search_parameter (
  edition bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rtype smallint NOT NULL,
  code text NOT NULL,
  param integer NOT NULL UNIQUE,
  numbers integer[] NOT NULL,            -- every number that its rows stand under
  type text NOT NULL,
  expression text NOT NULL,
  targets text[] NOT NULL,
  url text NOT NULL,
  state text NOT NULL DEFAULT 'indexing' CHECK (state IN ('indexing', 'ready', 'removing')),
  began xid8,                            -- writers that were older than this did not know of it
  at_slot smallint NOT NULL DEFAULT -1, at_pid bigint NOT NULL DEFAULT 0,  -- the last resource that was looked at
  seen bigint NOT NULL DEFAULT 0,        -- resources of the type looked at
  faults bigint NOT NULL DEFAULT 0,      -- of these, those in which the expression failed: they have no value
  added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ready_at timestamptz,
  UNIQUE (rtype, code)
);

-- The system that fills in rows reads every body: a purpose of its own, which opens no record.
ALTER TABLE access.system_grant DROP CONSTRAINT system_grant_purpose_check;
ALTER TABLE access.system_grant ADD CONSTRAINT system_grant_purpose_check
  CHECK (purpose IN ('LOAD', 'FEED', 'DISTRIBUTE', 'INTEGRATION', 'INDEX'));

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['search_registry', 'search_parameter'] LOOP
    EXECUTE format('ALTER TABLE vault.%I OWNER TO fj_owner', t);
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
END $$;
