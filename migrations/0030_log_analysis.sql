-- The nightly reading of the log: what it must know of people, what the signs weigh, and what it has been through.

DO $$
BEGIN
  CREATE ROLE vault_kin NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

-- Who lives where, is called what and is whose family, as keyed hashes: the key is not in the database. Two people are neighbours when
-- their hashes are equal. A person whose address is protected has none of the address.
-- kind: A the address, S the street, N a family name, I the person by name and birth date, P the person by number, K one of the person's family by either.
CREATE TABLE access.trait (
  patient bigint NOT NULL,
  kind "char" NOT NULL CHECK (kind IN ('A', 'S', 'N', 'I', 'P', 'K')),
  h bigint NOT NULL,
  PRIMARY KEY (patient, kind, h)
);
CREATE INDEX trait_same ON access.trait (kind, h);

-- The family names of those who read, also of them who have no record here.
CREATE TABLE access.reader_name (
  person bigint NOT NULL,
  h bigint NOT NULL,
  PRIMARY KEY (person, h)
);

-- People whom many know of, and whom the curious look up: kept by an administrator, with the reason.
CREATE TABLE access.known_person (
  patient bigint PRIMARY KEY,
  reason text NOT NULL CHECK (length(reason) <= 200),
  kept_by text NOT NULL,
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity'
);

-- The signs of a reading without need, with what each weighs. Of the group RELATION the strongest counts alone; the others are added up.
-- bound: the sign's own measure, in the unit that `about` says.
CREATE TABLE access.review_sign (
  code text PRIMARY KEY,
  grp text NOT NULL CHECK (grp IN ('RELATION', 'NEED', 'WAY', 'MANNER', 'VOLUME')),
  points smallint NOT NULL CHECK (points BETWEEN -100 AND 100),
  bound integer,
  name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL,
  about text NOT NULL,
  source text NOT NULL,
  valid_from date NOT NULL DEFAULT '2026-01-01'
);
INSERT INTO access.review_sign (code, grp, points, bound, name_nb, name_nn, name_en, about, source) VALUES
 ('OWN', 'RELATION', 100, NULL, 'Egen journal', 'Eigen journal', 'Own record', 'the reader''s own record', 'helsepersonelloven § 21 a; Normen: mønsterkontroll [K]'),
 ('HOUSEHOLD', 'RELATION', 60, 8, 'Samme adresse', 'Same adresse', 'Same address', 'one address, where at most so many live', 'domain.md 2.2, Snooping ban [K]'),
 ('KIN', 'RELATION', 60, NULL, 'Nær familie', 'Nær familie', 'Close family', 'one is registered as the other''s family', 'domain.md 2.2, Snooping ban [K]'),
 ('COLLEAGUE', 'RELATION', 60, NULL, 'Kollega', 'Kollega', 'Colleague', 'reader and patient have posts in one unit', 'domain.md 2.2, Snooping ban [K]'),
 ('KNOWN', 'RELATION', 60, NULL, 'Kjent person', 'Kjend person', 'Well-known person', 'on the administrator''s list', 'domain.md 2.2, Snooping ban: celebrity [K]'),
 ('NEIGHBOUR', 'RELATION', 50, NULL, 'Samme gate', 'Same gate', 'Same street', 'reader and patient live in one street', 'domain.md 2.2, Snooping ban: same address [K]'),
 ('SURNAME_RARE', 'RELATION', 50, 12, 'Samme sjeldne etternavn', 'Same sjeldne etternamn', 'Same rare family name', 'at most so many of 10 000 bear it', 'domain.md 2.2, Snooping ban: same name [K]'),
 ('SURNAME', 'RELATION', 15, 60, 'Samme etternavn', 'Same etternamn', 'Same family name', 'at most so many of 10 000 bear it', 'domain.md 2.2, Snooping ban: same name [K]'),
 ('NO_NEED', 'NEED', 30, NULL, 'Ingen føring og ingen kontakt rundt lesingen', 'Inga føring og ingen kontakt rundt lesinga', 'No entry and no contact around the reading', 'nobody of the unit wrote, and no contact, booking or task was there', 'pasientjournalloven § 16 [K]'),
 ('CONTACT', 'NEED', -15, 3, 'Kontakt, time eller oppgave da', 'Kontakt, time eller oppgåve då', 'A contact, booking or task at the time', 'a fact of the unit, not made by the reader, so many days around', 'helsepersonelloven § 45'),
 ('UNIT_ENTRY', 'NEED', -25, 2, 'Enheten førte i journalen', 'Eininga førte i journalen', 'The unit wrote in the record', 'so many days around', 'helsepersonelloven § 39'),
 ('OWN_ENTRY', 'NEED', -45, 1, 'Leseren førte i journalen', 'Lesaren førte i journalen', 'The reader wrote in the record', 'so many days around', 'helsepersonelloven § 39'),
 ('REFUSED', 'WAY', 30, NULL, 'Prøvde og fikk nei', 'Prøvde og fekk nei', 'Tried and was refused', 'nothing was shown', 'domain.md 2.2, What is logged: denied tries'),
 ('AFTER_REFUSAL', 'WAY', 20, 7, 'Leste etter å ha fått nei', 'Las etter å ha fått nei', 'Read after a refusal', 'refused within so many days before', 'domain.md 2.2, What is logged: denied tries'),
 ('CHOSEN', 'WAY', 25, NULL, 'Selvvalgt grunnlag uten føring', 'Sjølvvald grunnlag utan føring', 'Chosen ground without an entry', 'the reader chose the ground, and wrote nothing', 'access.md, Exceptions'),
 ('SELF_MADE', 'WAY', 25, NULL, 'Registrerte kontakten selv, uten føring', 'Registrerte kontakten sjølv, utan føring', 'Registered the contact, without an entry', 'the fact was made in the reader''s own session', 'access.md, Identifying a person'),
 ('LATE', 'WAY', 25, 24, 'Lenge etter at grunnlaget tok slutt', 'Lenge etter at grunnlaget tok slutt', 'Long after the ground ended', 'so many hours into the after-time, without an entry', 'access.md, The decision 3'),
 ('DEEP', 'MANNER', 20, 7, 'Leste mye uten å føre noe', 'Las mykje utan å føre noko', 'Read much and wrote nothing', 'so many readings or more, twice the reader''s usual', 'domain.md 2.2, Snooping ban [K]'),
 ('ODD_TIME', 'MANNER', 50, 1, 'Uvanlig tidspunkt', 'Uvanleg tidspunkt', 'Unusual time', 'per cent of the reader''s readings at that hour, at most', 'issue: unusual time [K]'),
 ('VOLUME', 'VOLUME', 80, 12, 'Uvanlig mange journaler uten føring', 'Uvanleg mange journalar utan føring', 'Unusually many records without an entry', 'so many or more, far beyond the reader''s and the role''s usual', 'issue: unusual volume [K]');

-- From so many points on a reading is a finding.
CREATE TABLE access.review_setting (
  is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),
  threshold smallint NOT NULL DEFAULT 80,
  history_days smallint NOT NULL DEFAULT 28
);
INSERT INTO access.review_setting DEFAULT VALUES;

-- What each reader did in a day, so that the usual is known without going through the log again.
CREATE TABLE access.reader_day (
  person bigint NOT NULL,
  on_day date NOT NULL,
  role text NOT NULL,
  records integer NOT NULL,              -- of which something was shown
  unwritten integer NOT NULL,            -- of these, in which the reader wrote nothing
  readings integer NOT NULL,
  hours integer[] NOT NULL,              -- records begun in each hour of the Norwegian day, from midnight
  PRIMARY KEY (person, on_day)
);
CREATE INDEX reader_day_role ON access.reader_day (on_day, role);

-- The days that have been read through.
CREATE TABLE access.analysed_day (
  on_day date PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  readings bigint NOT NULL, staff_days bigint NOT NULL, findings bigint NOT NULL
);

-- A day of the log is found without its index growing with every reading.
CREATE INDEX log_at ON access.log USING brin (at) WITH (autosummarize = on, pages_per_range = 32);

CREATE INDEX resource_people ON vault.resource (updated, slot, pid) WHERE rtype IN (103, 114);  -- Patient, RelatedPerson

-- How far people have been read, by when they were written.
CREATE TABLE vault.people_read (
  is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),
  upto timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO vault.people_read DEFAULT VALUES;

-- What a system may be granted grows with the rooms: a table that a migration adds rows to, instead of a constraint that each one replaces.
CREATE TABLE access.system_purpose (code text PRIMARY KEY, about text NOT NULL);
INSERT INTO access.system_purpose (code, about) VALUES
 ('LOAD', 'load a municipality'), ('FEED', 'read the change feed'), ('DISTRIBUTE', 'carry one envelope'), ('INTEGRATION', 'act as a client'),
 ('INDEX', 'fill in search rows'), ('EXPORT', 'ask for exports'), ('BULK', 'carry out exports and imports'), ('IMPORT', 'ask for imports'),
 ('KONTROLL', 'read the log for readings without need');
ALTER TABLE access.system_grant DROP CONSTRAINT system_grant_purpose_check;
ALTER TABLE access.system_grant ADD CONSTRAINT system_grant_purpose_known FOREIGN KEY (purpose) REFERENCES access.system_purpose;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['trait', 'reader_name', 'known_person', 'review_sign', 'review_setting', 'reader_day', 'analysed_day', 'system_purpose'] LOOP
    EXECUTE format('ALTER TABLE access.%I OWNER TO fj_owner', t);
    EXECUTE format('GRANT SELECT ON access.%I TO access_core', t);
  END LOOP;
  ALTER TABLE vault.people_read OWNER TO fj_owner;
  ALTER TABLE vault.people_read ENABLE ROW LEVEL SECURITY;
  ALTER TABLE vault.people_read FORCE ROW LEVEL SECURITY;
END $$;
GRANT INSERT, DELETE ON access.trait, access.reader_name TO access_core;
GRANT INSERT, UPDATE ON access.known_person, access.reader_day, access.analysed_day, access.review_scope TO access_core;
