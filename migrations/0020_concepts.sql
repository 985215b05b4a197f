-- Concepts of installed code systems, so that they can be looked up, searched and compared. Nothing here is about a person.

DO $$
BEGIN
  CREATE ROLE terminology_keeper NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

CREATE SCHEMA terminology AUTHORIZATION fj_owner;

-- One row for each installed CodeSystem, its artifact; what it has goes with it.
CREATE TABLE terminology.system (
  id bigint PRIMARY KEY REFERENCES definitions.artifact ON DELETE CASCADE,
  url text NOT NULL,
  version text NOT NULL,
  value_set text NOT NULL,               -- the value set of all its codes
  supplements text NOT NULL,             -- canonical of the system that it adds texts to
  head text NOT NULL,                    -- JSON, as terminology.concept.Head
  is_cased boolean NOT NULL,             -- whether upper and lower case are told apart
  is_whole boolean NOT NULL DEFAULT false -- all of it is in
);
CREATE INDEX system_url ON terminology.system (url);
CREATE INDEX system_value_set ON terminology.system (value_set) WHERE value_set <> '';
CREATE INDEX system_supplements ON terminology.system (supplements) WHERE supplements <> '';

-- One row for each code. n: its place in the system, which is its order.
CREATE TABLE terminology.concept (
  system bigint NOT NULL REFERENCES terminology.system ON DELETE CASCADE,
  n integer NOT NULL,
  code text NOT NULL,
  plain text COLLATE "C" NOT NULL,       -- the code, in lower case where case is nothing
  key text COLLATE "C" NOT NULL,         -- as it is typed: folded, letters and digits alone
  flags smallint NOT NULL,               -- 1 inactive, 2 abstract
  display text NOT NULL,
  definition text NOT NULL,
  properties text NOT NULL,              -- JSON, as terminology.concept.Property
  parents integer[] NOT NULL,
  PRIMARY KEY (system, n)
);
CREATE UNIQUE INDEX concept_code ON terminology.concept (system, plain);
CREATE INDEX concept_key ON terminology.concept (key, system);

-- One row for each code and each that is above it. steps: 1 for its own parents.
CREATE TABLE terminology.descent (
  system bigint NOT NULL REFERENCES terminology.system ON DELETE CASCADE,
  above integer NOT NULL,
  below integer NOT NULL,
  is_direct boolean NOT NULL,
  PRIMARY KEY (system, above, below)
);
CREATE INDEX descent_below ON terminology.descent (system, below);

-- One row for each value of a property, shortened to what an index holds.
CREATE TABLE terminology.property (
  system bigint NOT NULL REFERENCES terminology.system ON DELETE CASCADE,
  code text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  n integer NOT NULL,
  PRIMARY KEY (system, code, value, n)
);

-- One row for each text of a code: place 0 its display, then its designations. source: the system that brings it, a supplement perhaps.
CREATE TABLE terminology.text (
  system bigint NOT NULL REFERENCES terminology.system ON DELETE CASCADE,
  n integer NOT NULL,
  source bigint NOT NULL REFERENCES terminology.system ON DELETE CASCADE,
  place smallint NOT NULL,
  language text NOT NULL,
  use text NOT NULL,                     -- JSON of a Coding, or empty
  value text NOT NULL,
  folded text COLLATE "C" NOT NULL,      -- its words, folded, with single spaces
  key text COLLATE "C" NOT NULL,         -- of its code
  flags smallint NOT NULL,               -- of its code
  words tsvector NOT NULL,               -- its words and its code's key
  PRIMARY KEY (system, n, source, place)
);
CREATE INDEX text_folded ON terminology.text (folded, system);
CREATE INDEX text_words ON terminology.text USING gin (words) WITH (fastupdate = off);
CREATE INDEX text_source ON terminology.text (source) WHERE source <> system;

-- One row for each installed ConceptMap, its artifact.
CREATE TABLE terminology.map (
  id bigint PRIMARY KEY REFERENCES definitions.artifact ON DELETE CASCADE,
  url text NOT NULL,
  version text NOT NULL
);

-- One row for each pair of systems that a ConceptMap goes between, and each value set that it is for ('' if unsaid).
CREATE TABLE terminology.map_group (
  map bigint NOT NULL REFERENCES terminology.map ON DELETE CASCADE,
  place integer NOT NULL,
  source text NOT NULL,
  target text NOT NULL,
  PRIMARY KEY (map, place)
);
CREATE INDEX map_group_source ON terminology.map_group (source);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['system', 'concept', 'descent', 'property', 'text', 'map', 'map_group'] LOOP
    EXECUTE format('ALTER TABLE terminology.%I OWNER TO fj_owner', t);
  END LOOP;
END $$;
