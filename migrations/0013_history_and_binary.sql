-- The directory's history in order; a unit's and a chart's are in order by history_list and history_chart.
CREATE INDEX history_directory ON vault.history (rtype, updated DESC) WHERE patient = 0;

-- The content of a Binary's version: its bytes stand beside the resource, in pieces, never in its body.

-- One row for each version that has content, with the version's own owner columns.
CREATE TABLE vault.blob (
  slot smallint NOT NULL, pid bigint NOT NULL, version integer NOT NULL,
  patient bigint NOT NULL, org bigint NOT NULL, sens smallint NOT NULL,
  upload bigint NOT NULL UNIQUE,
  bytes bigint NOT NULL,
  digest bytea NOT NULL,                 -- keyed hash of the content
  context_slot smallint, context_pid bigint,  -- its securityContext when that is no Patient: shown only as long as that is
  PRIMARY KEY (slot, pid, version)
);

-- One row for each piece. Staged by a session under an upload's number until a version is written with it; nobody's before.
CREATE TABLE vault.blob_chunk (
  upload bigint NOT NULL,
  n integer NOT NULL CHECK (n BETWEEN 0 AND 4095),
  session bigint NOT NULL,
  staged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  patient bigint, org bigint, sens smallint,  -- NULL = staged
  content bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 1048576),
  PRIMARY KEY (upload, n)
);
CREATE INDEX blob_chunk_staged ON vault.blob_chunk (staged_at) WHERE patient IS NULL;
-- Most of it is compressed already, and a part of a piece is read without the rest.
ALTER TABLE vault.blob_chunk ALTER COLUMN content SET STORAGE EXTERNAL;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['blob', 'blob_chunk'] LOOP
    EXECUTE format('ALTER TABLE vault.%I OWNER TO fj_owner', t);
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)', t);
  END LOOP;
END $$;
