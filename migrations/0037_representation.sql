-- Representation: who may act for another, told by registers, by the citizen and by staff; nothing of it is a right of its own.

-- What each way of acting for somebody opens, by the age of whom it is about: dated configuration. No row: nothing.
-- closed: bits of the row's class that stay closed (access/classes.sql); may_act: more than reading.
CREATE TABLE access.representation_kind (
  ground text NOT NULL,
  from_age smallint NOT NULL CHECK (from_age >= 0),
  until_age smallint CHECK (until_age > from_age),   -- NULL: no end
  may_act boolean NOT NULL,
  closed integer NOT NULL,
  source text NOT NULL,
  valid_from date NOT NULL DEFAULT '2026-01-01',
  valid_until date NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (ground, from_age, valid_from)
);
INSERT INTO access.representation_kind (ground, from_age, until_age, may_act, closed, source) VALUES
 ('FORELDER', 0, 12, true, 2, 'pasient- og brukerrettighetsloven §§ 3-4 og 4-4; helsenorge.no: foreldre ser barnets journal til det fyller 16'),
 ('FORELDER', 12, 16, false, 2 + 32 + 64 + 128 + 256, 'pasient- og brukerrettighetsloven § 3-4 andre ledd; helsenorge.no: innsynet blir mindre fra 12 år'),
 ('VERGE_BARN', 0, 12, true, 2, 'vergemålsloven § 17; pasient- og brukerrettighetsloven § 4-4'),
 ('VERGE_BARN', 12, 16, false, 2 + 32 + 64 + 128 + 256, 'vergemålsloven § 17; pasient- og brukerrettighetsloven § 3-4 andre ledd'),
 ('VERGE', 18, NULL, true, 4, 'vergemålsloven §§ 21 og 32: vergemål for personlige forhold'),
 ('FULLMAKT', 16, NULL, true, 4, 'pasient- og brukerrettighetsloven §§ 4-3 og 5-1; helsenorge.no: fullmakt');

-- Address protection that keeps a person from acting for others and from being acted for: dated configuration.
CREATE TABLE access.representation_bar (code text PRIMARY KEY, source text NOT NULL, valid_from date NOT NULL DEFAULT '2026-01-01');
INSERT INTO access.representation_bar (code, source) VALUES
 ('strengtFortrolig', 'helsenorge.no: personer med kode 6 kan ikke representere eller bli representert'),
 ('fortrolig', 'helsenorge.no: personer med kode 7 kan ikke representere eller bli representert');

-- Why staff may close a child's record for one parent, or withhold an item from parents: dated configuration. what: PARENT or ITEM.
CREATE TABLE access.withhold_ground (
  code text PRIMARY KEY,
  what text NOT NULL CHECK (what IN ('PARENT', 'ITEM')),
  name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL,
  source text NOT NULL, valid_from date NOT NULL DEFAULT '2026-01-01'
);
INSERT INTO access.withhold_ground (code, what, name_nb, name_nn, name_en, source) VALUES
 ('BARNETS_ONSKE', 'ITEM', 'Barnet er mellom 12 og 16 år og ønsker det, av grunner som bør respekteres', 'Barnet er mellom 12 og 16 år og ønskjer det, av grunnar som bør respekterast',
  'The child is between 12 and 16 and wishes it, for reasons that should be respected', 'pasient- og brukerrettighetsloven § 3-4 andre ledd'),
 ('BARNETS_BESTE', 'ITEM', 'Tungtveiende hensyn til barnet, uansett alder', 'Tungtvegande omsyn til barnet, uansett alder',
  'Compelling regard for the child, at any age', 'pasient- og brukerrettighetsloven § 3-4 tredje ledd'),
 ('FARE', 'PARENT', 'Fare for barnets liv eller helse', 'Fare for livet eller helsa til barnet', 'Danger to the child''s life or health',
  'pasient- og brukerrettighetsloven §§ 3-4 tredje ledd og 5-1 andre ledd'),
 ('AVGJORELSE', 'PARENT', 'Avgjørelse fra domstol eller barneverns- og helsenemnd', 'Avgjerd frå domstol eller barneverns- og helsenemnd', 'Decision by a court or a tribunal',
  'barnelova §§ 43 og 47; barnevernsloven § 5-1'),
 ('BESOKSFORBUD', 'PARENT', 'Besøks- eller kontaktforbud', 'Besøks- eller kontaktforbod', 'Restraining order', 'straffeloven § 57; straffeprosessloven § 222 a');

-- Parents as Folkeregisteret tells: one row for each child and parent in a time.
CREATE TABLE access.parenthood (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  child bigint NOT NULL,
  parent bigint NOT NULL REFERENCES identity.person,
  relation text NOT NULL CHECK (relation IN ('mor', 'far', 'medmor', 'forelder')),
  has_responsibility boolean NOT NULL,   -- foreldreansvar: alone or shared
  shares_address boolean NOT NULL,
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  source text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (child, parent, from_at)
);
CREATE INDEX parenthood_parent ON access.parenthood (parent, child);

-- Guardians as the register of guardianship tells. mandate: which of the ward's affairs.
CREATE TABLE access.guardianship (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ward bigint NOT NULL,
  guardian bigint NOT NULL REFERENCES identity.person,
  mandate text NOT NULL CHECK (mandate IN ('PERSONLIG', 'OKONOMI', 'BEGGE')),
  of_minor boolean NOT NULL DEFAULT false,  -- in the place of parents
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  source text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (ward, guardian, from_at)
);
CREATE INDEX guardianship_guardian ON access.guardianship (guardian, ward);

-- Fullmakt: given by the citizen, taken back at once. areas: what of the record; empty = all of it.
CREATE TABLE access.proxy_area (code text PRIMARY KEY, name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL, types text[] NOT NULL, source text NOT NULL);
INSERT INTO access.proxy_area (code, name_nb, name_nn, name_en, types, source) VALUES
 ('TIMER', 'Timer og kontakter', 'Timar og kontaktar', 'Appointments and contacts', '{Appointment,Encounter,Patient,RelatedPerson}', 'helsenorge.no: tjenesteområde 1'),
 ('LEGEMIDLER', 'Legemidler, allergier og vaksiner', 'Legemiddel, allergiar og vaksinar', 'Medicines, allergies and vaccinations',
  '{MedicationStatement,MedicationRequest,MedicationDispense,AllergyIntolerance,Immunization,Flag,Patient,RelatedPerson}', 'helsenorge.no: tjenesteområde 2'),
 ('PROVER', 'Målinger og prøvesvar', 'Målingar og prøvesvar', 'Measurements and results', '{Observation,DiagnosticReport,Patient,RelatedPerson}', 'helsenorge.no: tjenesteområde 3');
CREATE TABLE access.proxy (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  giver bigint NOT NULL,                 -- the patient
  receiver bigint NOT NULL REFERENCES identity.person,
  areas text[] NOT NULL DEFAULT '{}',
  may_act boolean NOT NULL DEFAULT false,
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL,
  session bigint,                        -- that it was given in; NULL: another register's
  source text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  revoked_at timestamptz,
  CHECK (until_at > from_at)
);
CREATE INDEX proxy_receiver ON access.proxy (receiver, giver) WHERE revoked_at IS NULL;
CREATE INDEX proxy_giver ON access.proxy (giver);

-- One parent kept out of a child's record. Append-only but for its end.
CREATE TABLE access.parent_cut (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  child bigint NOT NULL,
  parent bigint NOT NULL REFERENCES identity.person,
  ground text NOT NULL REFERENCES access.withhold_ground,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  person bigint NOT NULL, unit bigint NOT NULL, session bigint NOT NULL,
  ended_by bigint
);
CREATE INDEX parent_cut_child ON access.parent_cut (child, parent);

-- Every item that staff withheld from parents or opened again, with ground and who. Append-only. Which rows are withheld now, their class says.
CREATE TABLE access.withholding (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL,
  what bigint[] NOT NULL,                -- pids of the rows
  is_on boolean NOT NULL,
  ground text REFERENCES access.withhold_ground,
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  person bigint NOT NULL, unit bigint NOT NULL, session bigint NOT NULL
);
CREATE INDEX withholding_patient ON access.withholding (patient, at DESC);

-- Next of kin as the patient chose: no access by itself. One row in force for each rank.
CREATE TABLE access.chosen_kin (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  relation text NOT NULL CHECK (length(relation) <= 100),
  phone text NOT NULL DEFAULT '' CHECK (length(phone) <= 30),
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  session bigint NOT NULL
);
CREATE INDEX chosen_kin_patient ON access.chosen_kin (patient) WHERE until_at = 'infinity';

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['representation_kind', 'representation_bar', 'withhold_ground', 'parenthood', 'guardianship', 'proxy_area', 'proxy',
                           'parent_cut', 'withholding', 'chosen_kin'] LOOP
    EXECUTE format('ALTER TABLE access.%I OWNER TO fj_owner', t);
    EXECUTE format('GRANT SELECT ON access.%I TO access_core', t);
  END LOOP;
END $$;
GRANT INSERT ON access.parenthood, access.guardianship, access.proxy, access.parent_cut, access.withholding, access.chosen_kin TO access_core;
GRANT UPDATE (until_at) ON access.parenthood, access.guardianship, access.chosen_kin TO access_core;
GRANT UPDATE (shares_address, has_responsibility) ON access.parenthood TO access_core;
GRANT UPDATE (revoked_at) ON access.proxy TO access_core;
GRANT UPDATE (until_at, ended_by) ON access.parent_cut TO access_core;

INSERT INTO access.ground (code, name_nb, name_nn, name_en, roles, after_h, chosen, source) VALUES
 ('FORELDER', 'Har foreldreansvar for barnet', 'Har foreldreansvar for barnet', 'Has parental responsibility for the child', '{innbygger}', 0, false,
  'barnelova § 30; pasient- og brukerrettighetsloven §§ 3-4 og 4-4'),
 ('VERGE', 'Er verge', 'Er verje', 'Is the guardian', '{innbygger}', 0, false, 'vergemålsloven §§ 17 og 32'),
 ('FULLMAKT', 'Har fullmakt fra deg', 'Har fullmakt frå deg', 'Has your power of attorney', '{innbygger}', 0, false, 'pasient- og brukerrettighetsloven § 5-1');

-- A citizen's session opens one record: the own, or that of the one whom they act for.
ALTER TABLE identity.session ADD COLUMN on_behalf boolean NOT NULL DEFAULT false;
ALTER TABLE identity.session ADD CHECK (NOT on_behalf OR kind = 'citizen');

-- Its shape changes; the room's own file makes it anew.
DROP FUNCTION IF EXISTS identity.who(bytea);
