-- The class of a row (sens) becomes a set of bits: access/classes.sql tells what each says.
-- Before: 1 = withheld from the citizen, + 100 = names another patient too.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri',
                           'sp_composite', 'blob', 'blob_chunk'] LOOP
    EXECUTE format('UPDATE vault.%I SET sens = 8192 + sens - 100 WHERE sens >= 100', t);
  END LOOP;
END $$;

-- A block of a part of a record (pasient- og brukerrettighetsloven § 5-3, pasientjournalloven § 17); access.block is of the whole.
CREATE TABLE access.part_block (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL,
  scope text NOT NULL CHECK (scope IN ('document', 'category', 'service', 'origin')),
  target bigint,                         -- document: its pid; origin: the unit that made the entries
  code text,                             -- category, service: which
  unit bigint,                           -- against whom; unit, person and service NULL: everybody
  person bigint,
  service text,
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',  -- lifted
  made_by bigint,                        -- session
  lifted_by bigint,
  CHECK ((scope IN ('document', 'origin')) = (target IS NOT NULL)),
  CHECK ((scope IN ('category', 'service')) = (code IS NOT NULL))
);
CREATE INDEX part_block_patient ON access.part_block (patient);

-- The rows that a live block of a part covers: one for each block and resource. They are the bits 16 and 4096 of those rows.
CREATE TABLE access.block_row (
  pid bigint NOT NULL,
  block bigint NOT NULL REFERENCES access.part_block,
  patient bigint NOT NULL,
  PRIMARY KEY (pid, block)
);
CREATE INDEX block_row_patient ON access.block_row (patient);
CREATE INDEX block_row_block ON access.block_row (block);

ALTER TABLE access.part_block OWNER TO fj_owner;
ALTER TABLE access.block_row OWNER TO fj_owner;
GRANT SELECT, INSERT ON access.part_block TO access_core;
GRANT UPDATE (until_at, lifted_by) ON access.part_block TO access_core;
GRANT SELECT, INSERT, DELETE ON access.block_row TO access_core;
