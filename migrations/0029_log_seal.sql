-- The log's own order, the reader's licence, and the seals of its hash chain.

-- xid: the transaction that wrote the row, so that what commits late still has its place. era: xids count anew after a restore.
ALTER TABLE access.log ADD COLUMN licence text,
                       ADD COLUMN era smallint NOT NULL DEFAULT 0 CHECK (era >= 0),
                       ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX log_place ON access.log (era, xid);

-- One row for each time that transactions began to be counted: at the start, and after each restore.
CREATE TABLE access.log_era (
  era smallint PRIMARY KEY CHECK (era >= 0),
  began_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO access.log_era (era) VALUES (0);

-- One row for each sealed batch: an ordered digest of its rows, chained to the seal before. Append-only.
-- It holds the rows after (from_xid, from_pos) up to and with (to_xid, to_pos) of its era; no transaction below to_xid was running.
CREATE TABLE access.log_seal (
  number bigint PRIMARY KEY CHECK (number > 0),
  format smallint NOT NULL,
  era smallint NOT NULL REFERENCES access.log_era,
  from_xid xid8 NOT NULL,
  from_pos bigint NOT NULL,
  to_xid xid8 NOT NULL,
  to_pos bigint NOT NULL,
  rows integer NOT NULL CHECK (rows > 0),
  digest bytea NOT NULL,                 -- SHA-256 of the rows' own SHA-256s, one after the other
  seen_xid xid8 NOT NULL,                -- transactions from this one on began after seen_at
  seen_at timestamptz NOT NULL,
  previous bytea NOT NULL,               -- the seal before; empty for the first
  seal bytea NOT NULL UNIQUE,            -- SHA-256 of what is signed (access/chain/model.py)
  key bytea NOT NULL,                    -- Ed25519, public
  signature bytea NOT NULL,
  marks bytea NOT NULL                   -- the first 8 bytes of each row's SHA-256: which row it is that differs
);
ALTER TABLE access.log_seal ALTER marks SET STORAGE EXTERNAL;
ALTER TABLE access.log_era OWNER TO fj_owner;
ALTER TABLE access.log_seal OWNER TO fj_owner;
GRANT SELECT ON access.log_era, access.log_seal TO access_core;
GRANT INSERT ON access.log_seal TO access_core;

-- Not even a function of the owner's can change or take away a row. What nobody made a partition for in time is moved
-- from the rest to its own (access.keep_log_partitions), so that one keeps its DELETE.
DO $$
DECLARE t regclass;
BEGIN
  FOR t IN SELECT 'access.log'::regclass UNION ALL SELECT 'access.log_seal'::regclass
           UNION ALL SELECT i.inhrelid::regclass FROM pg_inherits i WHERE i.inhparent = 'access.log'::regclass LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM fj_owner', t);
  END LOOP;
  GRANT DELETE ON access.log_rest TO fj_owner;
END $$;
