-- What one controller answers for, taken out whole. Pasientjournalloven §§ 8, 25; personvernforordningen art. 24, 28 (3) g.

DO $$
BEGIN
  CREATE ROLE vault_takeout NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

INSERT INTO access.system_purpose (code, about) VALUES ('TAKEOUT', 'take out what one controller answers for');

-- One row for each time: whose, by whom and why, of what was there before an instant, and what the file then held.
CREATE TABLE vault.takeout (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  controller bigint NOT NULL,
  units bigint[] NOT NULL,               -- that the controller answers for
  session bigint NOT NULL,
  operator text NOT NULL CHECK (length(operator) BETWEEN 1 AND 200),
  reason text NOT NULL CHECK (length(reason) BETWEEN 10 AND 2000),
  begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  began xid8 NOT NULL DEFAULT pg_current_xact_id(),  -- what was written before this is in it
  done_at timestamptz,
  manifest jsonb                         -- as it stands in the file
);
ALTER TABLE vault.takeout OWNER TO fj_owner;
ALTER TABLE vault.takeout ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.takeout FORCE ROW LEVEL SECURITY;
