-- Sensitivity: what needs a stronger ground than others, and who has it. All rows here are dated configuration; those marked [K] are the
-- authors' general knowledge, to be confirmed by a lawyer. Helsepersonelloven §§ 21, 25 and 45; pasientjournalloven § 19; access.md, condition 4.

-- The categories: a bit of a row's class each (access/classes.sql).
CREATE TABLE access.sensitivity (
  bit smallint PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL
);
INSERT INTO access.sensitivity VALUES
 (32, 'PSYCHIATRY', 'Psykisk helse', 'Psykisk helse', 'Mental health'), (64, 'SUBSTANCE_USE', 'Rus', 'Rus', 'Substance use'),
 (128, 'SEXUAL_HEALTH', 'Seksuell helse', 'Seksuell helse', 'Sexual health'), (256, 'CHILD_PROTECTION', 'Barnevern', 'Barnevern', 'Child protection'),
 (512, 'PRISON', 'Fengselshelse', 'Fengselshelse', 'Prison health');

-- Codes that make a row sensitive: from first to last, compared by as many letters as first has.
CREATE TABLE access.sensitive_code (
  system text NOT NULL, first text COLLATE "C" NOT NULL, last text COLLATE "C" NOT NULL,
  bit smallint NOT NULL REFERENCES access.sensitivity,
  source text NOT NULL, valid_from date NOT NULL DEFAULT '2026-01-01', valid_until date NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (system, first, bit, valid_from),
  CHECK (length(first) = length(last) AND first <= last)
);
INSERT INTO access.sensitive_code (system, first, last, bit, source) VALUES
 ('urn:oid:2.16.578.1.12.4.1.1.7170', 'P15', 'P19', 64, '[K] ICPC-2: misuse of alcohol, tobacco, medicines, drugs'),
 ('urn:oid:2.16.578.1.12.4.1.1.7170', 'P70', 'P99', 32, '[K] ICPC-2 chapter P: diagnoses'),
 ('urn:oid:2.16.578.1.12.4.1.1.7170', 'X70', 'X74', 128, '[K] ICPC-2: sexually transmitted infections, women'),
 ('urn:oid:2.16.578.1.12.4.1.1.7170', 'X90', 'X92', 128, '[K] ICPC-2: genital herpes, condylomata, chlamydia, women'),
 ('urn:oid:2.16.578.1.12.4.1.1.7170', 'Y70', 'Y76', 128, '[K] ICPC-2: sexually transmitted infections, men'),
 ('urn:oid:2.16.578.1.12.4.1.1.7170', 'W82', 'W83', 128, '[K] ICPC-2: abortion'),
 ('urn:oid:2.16.578.1.12.4.1.1.7170', 'B90', 'B90', 128, '[K] ICPC-2: HIV'),
 ('urn:oid:2.16.578.1.12.4.1.1.7110', 'F10', 'F19', 64, '[K] ICD-10 chapter V'),
 ('urn:oid:2.16.578.1.12.4.1.1.7110', 'F20', 'F99', 32, '[K] ICD-10 chapter V'),
 ('urn:oid:2.16.578.1.12.4.1.1.7110', 'A50', 'A64', 128, '[K] ICD-10: sexually transmitted infections'),
 ('urn:oid:2.16.578.1.12.4.1.1.7110', 'B20', 'B24', 128, '[K] ICD-10: HIV'),
 ('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'PSY', 'PSY', 32, 'HL7 v3 ActCode PSY, PSYTHPN'),
 ('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'ETH', 'ETH', 64, 'HL7 v3 ActCode ETH, ETHUD'),
 ('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'SUD', 'SUD', 64, 'HL7 v3 ActCode SUD'),
 ('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'SEX', 'SEX', 128, 'HL7 v3 ActCode SEX'),
 ('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'STD', 'STD', 128, 'HL7 v3 ActCode STD'),
 ('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'HIV', 'HIV', 128, 'HL7 v3 ActCode HIV'),
 ('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'SDV', 'SDV', 128, 'HL7 v3 ActCode SDV: sexual and domestic violence'),
 ('urn:fellesjournal:sensitivity', 'PSYCHIATRY', 'PSYCHIATRY', 32, 'our own label'),
 ('urn:fellesjournal:sensitivity', 'SUBSTANCE_USE', 'SUBSTANCE_USE', 64, 'our own label'),
 ('urn:fellesjournal:sensitivity', 'SEXUAL_HEALTH', 'SEXUAL_HEALTH', 128, 'our own label'),
 ('urn:fellesjournal:sensitivity', 'CHILD_PROTECTION', 'CHILD_PROTECTION', 256, 'our own label'),
 ('urn:fellesjournal:sensitivity', 'PRISON', 'PRISON', 512, 'our own label');

-- Kinds of unit whose every row is sensitive.
CREATE TABLE access.sensitive_unit (
  unit_kind text NOT NULL, bit smallint NOT NULL REFERENCES access.sensitivity,
  source text NOT NULL, valid_from date NOT NULL DEFAULT '2026-01-01', valid_until date NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (unit_kind, bit, valid_from)
);
INSERT INTO access.sensitive_unit (unit_kind, bit, source) VALUES
 ('mental_health', 32, '[K] municipal mental health team'), ('addiction', 64, '[K] municipal team on substance use'),
 ('youth_clinic', 128, '[K] helsestasjon for ungdom'), ('child_protection', 256, '[K] work with barnevernet'), ('prison_health', 512, '[K] KX01 fengselshelse');

-- Who sees what without choosing it: role × kind of unit × relation. NULL = any. The unit that wrote a row sees it in any case.
CREATE TABLE access.sensitive_right (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  role text NOT NULL, unit_kind text, ground text REFERENCES access.ground, bits smallint NOT NULL CHECK (bits & 992 = bits),
  source text NOT NULL, valid_from date NOT NULL DEFAULT '2026-01-01', valid_until date NOT NULL DEFAULT 'infinity'
);
INSERT INTO access.sensitive_right (role, unit_kind, ground, bits, source) VALUES
 ('lege', 'gp', 'FASTLEGE', 992, '[K] fastlegeforskriften; helsepersonelloven § 45: the GP follows the whole person'),
 ('sykepleier', 'gp', 'FASTLEGE', 224, '[K] helsepersonelloven §§ 5 and 45: who works under the GP'),
 ('lege', 'legevakt', 'POLBESOK', 96, '[K] akuttmedisinforskriften; helsepersonelloven § 45'),
 ('helsesykepleier', 'child_health', NULL, 416, '[K] forskrift om helsestasjons- og skolehelsetjenesten'),
 ('lege', 'child_health', NULL, 416, '[K] forskrift om helsestasjons- og skolehelsetjenesten'),
 ('lege', 'nursing_home', 'BELEGG', 224, '[K] helsepersonelloven § 45: the treating service'),
 ('sykepleier', 'nursing_home', 'BELEGG', 96, '[K] helsepersonelloven § 45: the treating service'),
 ('sykepleier', 'home_care', 'BELEGG', 96, '[K] helsepersonelloven § 45: the treating service');
-- Emergency access opens them too: it has its reason and its reviewer already.
INSERT INTO access.sensitive_right (role, unit_kind, ground, bits, source)
  SELECT r, NULL, 'BLAALYS', 992, 'helsepersonelloven § 7; straffeloven § 17' FROM unnest(ARRAY['lege', 'sykepleier', 'helsesykepleier', 'helsefagarbeider']) r;

-- Who may choose to open them, for how long, and whether a reviewer looks at it afterwards.
CREATE TABLE access.sensitive_asker (
  role text NOT NULL, minutes integer NOT NULL CHECK (minutes BETWEEN 1 AND 480), is_reviewed boolean NOT NULL,
  source text NOT NULL, valid_from date NOT NULL DEFAULT '2026-01-01', valid_until date NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (role, valid_from)
);
INSERT INTO access.sensitive_asker (role, minutes, is_reviewed, source)
  SELECT r, 60, true, '[K] helsepersonelloven §§ 21 a and 45' FROM unnest(ARRAY['lege', 'sykepleier', 'helsesykepleier', 'helsefagarbeider']) r;

-- Every time somebody chose it: the reason in their own words, which the patient never sees. Append-only.
CREATE TABLE access.sensitive_open (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL, session bigint NOT NULL, person bigint NOT NULL, unit bigint NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 10 AND 2000),
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(), until_at timestamptz NOT NULL, event bigint NOT NULL
);
CREATE INDEX sensitive_open_session ON access.sensitive_open (session, patient);

-- People with a sensitive row, now or once: for all others nobody has to ask what is open.
CREATE TABLE access.sensitive_patient (patient bigint PRIMARY KEY);

-- How far the rows have been looked at with the configuration of this hash; a job goes on from there.
CREATE TABLE vault.classing (
  id boolean PRIMARY KEY DEFAULT true CHECK (id), config text NOT NULL DEFAULT '', at_patient bigint NOT NULL DEFAULT 0, is_done boolean NOT NULL DEFAULT false
);
INSERT INTO vault.classing DEFAULT VALUES;
ALTER TABLE vault.classing OWNER TO fj_owner;
GRANT SELECT, UPDATE ON vault.classing TO vault_shield;
ALTER TABLE vault.classing ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.classing FORCE ROW LEVEL SECURITY;
CREATE POLICY classing ON vault.classing FOR ALL TO vault_shield USING (true) WITH CHECK (true);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['sensitivity', 'sensitive_code', 'sensitive_unit', 'sensitive_right', 'sensitive_asker', 'sensitive_open', 'sensitive_patient'] LOOP
    EXECUTE format('ALTER TABLE access.%I OWNER TO fj_owner', t);
    EXECUTE format('GRANT SELECT ON access.%I TO access_core', t);
  END LOOP;
END $$;
GRANT INSERT ON access.sensitive_open, access.sensitive_patient TO access_core;
