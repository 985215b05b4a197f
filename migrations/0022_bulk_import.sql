-- Bulk imports: lines that wait to be written, in pieces that go as they are; what was wrong with those that were refused.

DO $$
BEGIN
  CREATE ROLE vault_import NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

-- One row for each import. The asker's session names who asks: everything is written by a session that is bounded as that one is.
CREATE TABLE vault.import (
  id bigint PRIMARY KEY,
  session bigint NOT NULL, person bigint NOT NULL, unit bigint,
  request text NOT NULL,                 -- the address that was asked, for the answer
  source text NOT NULL,                  -- `inputSource`: the `meta.source` of what has none
  asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at timestamptz,
  state text NOT NULL DEFAULT 'taking' CHECK (state IN ('taking', 'running', 'done', 'failed')),
  until_at timestamptz NOT NULL
);
CREATE INDEX import_person ON vault.import (person) WHERE state IN ('taking', 'running');

-- What is read: a file that was sent, or one that is fetched from `url`. rtype: the type that its lines were said to be of.
CREATE TABLE vault.import_input (
  import bigint NOT NULL REFERENCES vault.import ON DELETE CASCADE,
  n integer NOT NULL,
  name text NOT NULL,
  rtype smallint,
  is_here boolean NOT NULL,
  fetching_until timestamptz NOT NULL DEFAULT '-infinity',  -- some worker is at it
  written bigint NOT NULL DEFAULT 0, unchanged bigint NOT NULL DEFAULT 0, refused bigint NOT NULL DEFAULT 0,
  errors bigint NOT NULL DEFAULT 0,      -- of those refused, how many are told about
  PRIMARY KEY (import, n)
);

-- Whole lines, and which they are. Pieces of a lower rank are written first: others refer to what is in them.
CREATE TABLE vault.import_piece (
  import bigint NOT NULL REFERENCES vault.import ON DELETE CASCADE,
  rank smallint NOT NULL, input integer NOT NULL, n integer NOT NULL,
  lines integer[] NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (import, rank, input, n)
);

CREATE TABLE vault.import_error (
  import bigint NOT NULL REFERENCES vault.import ON DELETE CASCADE,
  input integer NOT NULL, line integer NOT NULL,
  content text NOT NULL,
  PRIMARY KEY (import, input, line)
);

ALTER TABLE access.system_grant DROP CONSTRAINT system_grant_purpose_check;
ALTER TABLE access.system_grant ADD CONSTRAINT system_grant_purpose_check
  CHECK (purpose IN ('LOAD', 'FEED', 'DISTRIBUTE', 'INTEGRATION', 'INDEX', 'EXPORT', 'BULK', 'IMPORT'));

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['import', 'import_input', 'import_piece', 'import_error'] LOOP
    EXECUTE format('ALTER TABLE vault.%I OWNER TO fj_owner', t);
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
END $$;
