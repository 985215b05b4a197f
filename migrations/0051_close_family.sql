-- Close family: who of the patients is a reader's own, as dated facts; and the ground by which a reader opens their record all the same.
-- Helsepersonelloven §§ 4, 16 and 21 a; access.md, "Exceptions": a warning, a written ground and a reviewer's task, never a refusal.

-- A ground that opens no record by itself and gives no need: like an override it answers a warning.
ALTER TABLE access.ground DROP CONSTRAINT ground_kind_check, DROP CONSTRAINT ground_limits, DROP COLUMN is_chosen;
ALTER TABLE access.ground
  ADD CONSTRAINT ground_kind_check CHECK (kind IN (
    'automatic', 'chosen', 'gap', 'emergency', 'override', 'relative', 'support', 'own', 'representation', 'system', 'identify', 'review')),
  ADD CONSTRAINT ground_limits CHECK (CASE
    WHEN kind IN ('emergency', 'override') THEN max_min IS NOT NULL AND max_min BETWEEN 1 AND 60
    WHEN kind IN ('chosen', 'gap', 'relative', 'support') THEN max_min IS NOT NULL AND max_min BETWEEN 1 AND 1440 ELSE max_min IS NULL END),
  ADD COLUMN is_chosen boolean NOT NULL GENERATED ALWAYS AS (kind IN ('chosen', 'gap', 'emergency', 'override', 'relative', 'support')) STORED;
INSERT INTO access.ground (code, name_nb, name_nn, name_en, kind, roles, rule, rank, max_min, may_write, purpose, source) VALUES
 ('FAMILIE', 'Nær familie, med skriftlig grunn', 'Nær familie, med skriftleg grunn', 'Close family, for a written reason', 'relative',
  '{lege,sykepleier,helsesykepleier,helsefagarbeider,helsesekretaer,assistent}', 'relative', 92, 480, true, 'TREAT',
  '[K] helsepersonelloven §§ 4 og 21 a; access.md, Exceptions');

-- What a RelatedPerson must be called to be close family, seen from the patient: F a parent, B a child, E a spouse or partner, G a sibling.
CREATE TABLE access.kin_code (
  system text NOT NULL, code text NOT NULL,
  kind "char" NOT NULL CHECK (kind IN ('F', 'B', 'E', 'G')),
  source text NOT NULL, valid_from date NOT NULL DEFAULT '2026-01-01', valid_until date NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (system, code, valid_from)
);
INSERT INTO access.kin_code (system, code, kind, source)
  SELECT s.system, c.code, c.kind::"char", s.source FROM (VALUES
    ('http://hl7.no/fhir/CodeSystem/no-basis-family-relation', '[K] no-basis: who counts as close family is the authors'' reading', ARRAY[
      'mor', 'F', 'far', 'F', 'medmor', 'F', 'forelder', 'F', 'barn', 'B', 'ektefelleEllerPartner', 'E', 'søsken', 'G']),
    ('http://terminology.hl7.org/CodeSystem/v3-RoleCode', '[K] HL7 v3 RoleCode: parents, children, spouses, siblings, with step and foster ones', ARRAY[
      'PRN', 'F', 'MTH', 'F', 'FTH', 'F', 'NMTH', 'F', 'NFTH', 'F', 'STPPRN', 'F', 'STPMTH', 'F', 'STPFTH', 'F', 'PRNFOST', 'F', 'MTHFOST', 'F', 'FTHFOST', 'F', 'ADOPTP', 'F',
      'CHILD', 'B', 'SON', 'B', 'DAU', 'B', 'DAUC', 'B', 'SONC', 'B', 'NCHILD', 'B', 'STPCHLD', 'B', 'CHLDFOST', 'B', 'CHLDADOPT', 'B',
      'SPS', 'E', 'HUSB', 'E', 'WIFE', 'E', 'DOMPART', 'E', 'SIGOTHR', 'E', 'SIB', 'G', 'BRO', 'G', 'SIS', 'G', 'HSIB', 'G', 'HBRO', 'G', 'HSIS', 'G'])
  ) AS s (system, source, pairs) CROSS JOIN LATERAL (
    SELECT s.pairs[n] AS code, s.pairs[n + 1] AS kind FROM generate_series(1, cardinality(s.pairs), 2) AS n) c;
ALTER TABLE access.trait DROP CONSTRAINT trait_kind_check;
ALTER TABLE access.trait ADD CONSTRAINT trait_kind_check CHECK (kind IN ('A', 'S', 'N', 'I', 'P', 'K', 'F', 'B', 'E', 'G'));
-- Those who were read before have none of the new traits: everybody is read once more.
UPDATE vault.people_read SET upto = '-infinity';

-- Whose close family a patient is, of those who sign in as staff: what the patient is to them. Dated; what has ended stays.
CREATE TABLE access.kin (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person bigint NOT NULL REFERENCES identity.person,
  patient bigint NOT NULL,
  relation text NOT NULL CHECK (relation IN ('partner', 'child', 'parent', 'sibling', 'household')),
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE UNIQUE INDEX kin_live ON access.kin (person, patient, relation) WHERE until_at = 'infinity';
ALTER TABLE access.kin OWNER TO fj_owner;
ALTER TABLE access.kin_code OWNER TO fj_owner;
GRANT SELECT ON access.kin, access.kin_code TO access_core;
GRANT INSERT, UPDATE (until_at) ON access.kin TO access_core;

-- The same, live, with the reader: every decision looks here, and for most people there is nothing to look at.
ALTER TABLE identity.person ADD COLUMN kin bigint[] NOT NULL DEFAULT '{}';
GRANT UPDATE (kin) ON identity.person TO access_core;
