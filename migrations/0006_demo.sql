-- What the demo's loader has written, so that it can be stopped and started again. Empty in every other database.

CREATE SCHEMA demo AUTHORIZATION fj_owner;

CREATE TABLE demo.loaded (
  key text PRIMARY KEY,                  -- 'directory', or a person's key in the generated world
  step smallint NOT NULL,                -- 1 = the person is there, 2 = the whole chart
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE demo.run (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  seed integer NOT NULL, size integer NOT NULL, today date NOT NULL, people integer NOT NULL DEFAULT 0
);
ALTER TABLE demo.loaded OWNER TO fj_owner;
ALTER TABLE demo.run OWNER TO fj_owner;
GRANT USAGE ON SCHEMA demo TO fj_migrate, fj_web;
GRANT SELECT, INSERT, UPDATE ON demo.loaded, demo.run TO fj_migrate;
GRANT SELECT ON demo.loaded, demo.run TO fj_web;
