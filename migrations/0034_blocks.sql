-- Blocks of parts of a record, made and lifted by the citizen, or registered for them; and release of what is delayed for the citizen.

DO $$
BEGIN
  CREATE ROLE vault_class NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

-- A block against a service is a row that names no unit (-1) and, under it (of), one for each of the service's units: a decision asks for units alone.
ALTER TABLE access.block ADD COLUMN service text, ADD COLUMN of bigint REFERENCES access.block, ADD COLUMN made_by bigint, ADD COLUMN lifted_by bigint;
CREATE INDEX block_service ON access.block (service) WHERE service IS NOT NULL;
GRANT INSERT ON access.block TO access_core;
GRANT UPDATE (until_at, lifted_by) ON access.block TO access_core;

-- What a citizen can block by kind: types of resource (their numbers: fellesjournal.fhir.TYPE_NUMBER), or rows of these class bits.
CREATE TABLE access.block_category (
  code text PRIMARY KEY,
  name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL,
  kinds smallint[] NOT NULL DEFAULT '{}',
  bits smallint NOT NULL DEFAULT 0,
  place smallint NOT NULL
);
INSERT INTO access.block_category (code, name_nb, name_nn, name_en, kinds, bits, place) VALUES
 ('psychiatry', 'Psykisk helse', 'Psykisk helse', 'Mental health', '{}', 32, 1),
 ('substance-use', 'Rus', 'Rus', 'Substance use', '{}', 64, 2),
 ('sexual-health', 'Seksuell helse', 'Seksuell helse', 'Sexual health', '{}', 128, 3),
 ('notes', 'Notater', 'Notat', 'Notes', '{26,21}', 0, 4),
 ('results', 'Prøvesvar og målinger', 'Prøvesvar og målingar', 'Test results and measurements', '{96,40,126,61,74}', 0, 5),
 ('documents', 'Brev og dokumenter', 'Brev og dokument', 'Letters and documents', '{42,41}', 0, 6),
 ('medicines', 'Legemidler', 'Legemiddel', 'Medicines', '{80,79,77,76}', 0, 7),
 ('diagnoses', 'Diagnoser og helseproblemer', 'Diagnosar og helseproblem', 'Diagnoses and health problems', '{28}', 0, 8),
 ('messages', 'Meldinger', 'Meldingar', 'Messages', '{23,24}', 0, 9);

-- How long what is delayed for the citizen (NORU) waits when no day is given: dated configuration.
CREATE TABLE access.release_delay (
  valid_from date PRIMARY KEY,
  days integer NOT NULL CHECK (days BETWEEN 0 AND 3650),
  source text NOT NULL
);
INSERT INTO access.release_delay (valid_from, days, source) VALUES
 ('2026-01-01', 14, 'pasient- og brukerrettighetsloven § 5-1; Volven 9603, NORU: utsatt til innbygger; the number of days is the municipality''s own');

ALTER TABLE access.block_category OWNER TO fj_owner;
ALTER TABLE access.release_delay OWNER TO fj_owner;
GRANT SELECT ON access.block_category, access.release_delay TO access_core;

-- What is internal, unfinished or withheld has been kept from the citizen alone, since nobody else read for them: it is kept from those, too.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('UPDATE vault.%I SET sens = sens | 6 WHERE (sens & 7) = 1', t);
  END LOOP;
END $$;

CREATE INDEX resource_delayed ON vault.resource (pid) WHERE (sens & 8::smallint) <> 0;
