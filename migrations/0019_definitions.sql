-- Installed packages of definitions: profiles, code systems, value sets. Nothing here is about a person.

DO $$
BEGIN
  CREATE ROLE definitions_keeper NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

CREATE SCHEMA definitions AUTHORIZATION fj_owner;

-- One row for each version of each package. Only one that is ready is seen by anybody but the operator.
CREATE TABLE definitions.package (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  version text NOT NULL,
  rank text COLLATE "C" NOT NULL,        -- the version, so that a greater text is a newer version
  title text NOT NULL,
  canonical text NOT NULL,
  licence text NOT NULL,
  fhir_version text NOT NULL,
  source text NOT NULL,                  -- name of the file or folder it was read from
  sha256 bytea NOT NULL,                 -- of what was read
  dependencies text NOT NULL,            -- JSON: name of a package → version
  left_out text NOT NULL,                -- JSON: file → why it is not among the artifacts
  artifacts integer NOT NULL,
  examples integer NOT NULL,
  state text NOT NULL DEFAULT 'installing' CHECK (state IN ('installing', 'ready', 'removing')),
  installed_by text NOT NULL,
  installed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (name, version)
);

-- One row for each definition. Never changed: another content has another id.
CREATE TABLE definitions.artifact (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  package bigint NOT NULL REFERENCES definitions.package,
  place integer NOT NULL,                -- its number in the package
  file text NOT NULL,
  rtype text NOT NULL,
  url text,
  version text NOT NULL,                 -- empty: it has none of its own, and the package's stands for it
  rank text COLLATE "C" NOT NULL,
  standing smallint NOT NULL,            -- 2 active, 1 draft, 0 retired
  fhir_id text NOT NULL,
  name text NOT NULL,
  title text NOT NULL,
  kind text NOT NULL,
  refs text[] NOT NULL,                  -- canonicals of the StructureDefinitions it stands on
  aliases text[] NOT NULL,               -- other names that it answers to: the OID of a CodeSystem
  body text NOT NULL,
  UNIQUE (package, place)
);
CREATE INDEX artifact_url ON definitions.artifact (url) WHERE url IS NOT NULL;
CREATE INDEX artifact_alias ON definitions.artifact USING gin (aliases) WHERE aliases <> '{}';

-- What was changed, when and by whom: append-only. The greatest id is the version of the whole.
CREATE TABLE definitions.change (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  who text NOT NULL,
  action text NOT NULL CHECK (action IN ('install', 'remove')),
  name text NOT NULL,
  version text NOT NULL,
  sha256 bytea NOT NULL
);

ALTER TABLE definitions.package OWNER TO fj_owner;
ALTER TABLE definitions.artifact OWNER TO fj_owner;
ALTER TABLE definitions.change OWNER TO fj_owner;
