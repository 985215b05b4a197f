-- Administration: the tree of units, roles and what they may do with validity, who brings staff in, and every change.

-- ── Units ────────────────────────────────────────────────────────────────────────────────────────

-- code is the unit's name in files and for systems outside (HER-id, RESH id, organisation number). entity is the legal entity that the
-- unit belongs to; controller is who is responsible for its rows now, as identity.controllership says (else the entity).
ALTER TABLE identity.unit
  ADD COLUMN code text UNIQUE CHECK (length(code) BETWEEN 1 AND 100),
  ADD COLUMN parent bigint REFERENCES identity.unit CHECK (parent <> id),
  ADD COLUMN entity bigint,
  ADD COLUMN from_at timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN until_at timestamptz NOT NULL DEFAULT 'infinity';
UPDATE identity.unit SET entity = controller;
ALTER TABLE identity.unit ALTER COLUMN entity SET NOT NULL;
CREATE INDEX unit_parent ON identity.unit (parent) WHERE parent IS NOT NULL;
CREATE INDEX unit_controller ON identity.unit (controller);

-- ── People ───────────────────────────────────────────────────────────────────────────────────────

-- user_name and external are those of the system that the person comes from (SCIM), never a national number. managed_by is the
-- legal entity whose administrators brought the person in, so that they find somebody without a post. version is the ETag.
ALTER TABLE identity.person
  ADD COLUMN user_name text CHECK (length(user_name) BETWEEN 1 AND 200),
  ADD COLUMN external text CHECK (length(external) <= 200),
  ADD COLUMN licence text CHECK (licence ~ '^[0-9]{7,9}$'),
  ADD COLUMN managed_by bigint,
  ADD COLUMN active boolean NOT NULL DEFAULT true,
  ADD COLUMN version integer NOT NULL DEFAULT 1,
  ADD COLUMN made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ADD COLUMN changed_at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE UNIQUE INDEX person_user_name ON identity.person (lower(user_name)) WHERE user_name IS NOT NULL;
CREATE INDEX person_managed ON identity.person (managed_by) WHERE managed_by IS NOT NULL;
CREATE INDEX post_unit ON identity.post (unit);
CREATE INDEX session_post ON identity.session (post) WHERE post IS NOT NULL AND ended_at IS NULL;

-- ── Roles and what they may do ───────────────────────────────────────────────────────────────────

-- The roles that can be given. needs_licence: only to one with a number in HPR (helsepersonelloven § 48).
-- grants: who has it gives roles to others, so that it is never given through a system (SCIM).
CREATE TABLE access.role (
  code text PRIMARY KEY,
  name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL,
  needs_licence boolean NOT NULL DEFAULT false,
  grants boolean NOT NULL DEFAULT false,
  source text NOT NULL,
  rank smallint NOT NULL
);
INSERT INTO access.role (code, name_nb, name_nn, name_en, needs_licence, grants, source, rank) VALUES
 ('lege', 'Lege', 'Lege', 'Doctor', true, false, 'helsepersonelloven § 48', 10),
 ('sykepleier', 'Sykepleier', 'Sjukepleiar', 'Nurse', true, false, 'helsepersonelloven § 48', 20),
 ('helsesykepleier', 'Helsesykepleier', 'Helsesjukepleiar', 'Public health nurse', true, false, 'helsepersonelloven § 48', 30),
 ('helsesekretaer', 'Helsesekretær', 'Helsesekretær', 'Medical secretary', false, false, 'helsepersonelloven §§ 5, 48', 40),
 ('helsefagarbeider', 'Helsefagarbeider', 'Helsefagarbeidar', 'Health care worker', true, false, 'helsepersonelloven § 48', 50),
 ('assistent', 'Assistent', 'Assistent', 'Assistant', false, false, 'helsepersonelloven § 5', 60),
 ('leder', 'Leder', 'Leiar', 'Manager', false, false, 'helse- og omsorgstjenesteloven § 4-2', 70),
 ('reviewer', 'Innsynsansvarlig', 'Innsynsansvarleg', 'Access reviewer', false, false, 'Normen 5.4.4; pasientjournalloven § 22', 80),
 ('administrator', 'Administrator', 'Administrator', 'Administrator', false, true, 'Normen 5.2: styring av tilganger', 90);

-- What may be given to a role: the closed list that the page offers. Nothing else can be given, whoever asks.
CREATE TABLE access.role_offer (role text NOT NULL REFERENCES access.role, action text NOT NULL, PRIMARY KEY (role, action));

-- Named sets of kinds of resource, by their numbers in R4: what a right may be limited to.
CREATE TABLE access.kind_set (
  code text PRIMARY KEY,
  name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL,
  kinds smallint[],                      -- NULL = every kind
  rank smallint NOT NULL
);
INSERT INTO access.kind_set (code, name_nb, name_nn, name_en, kinds, rank) VALUES
 ('ALT', 'Alle opplysninger', 'Alle opplysningar', 'All information', NULL, 1),
 -- Patient, RelatedPerson, Encounter, EpisodeOfCare, Appointment, AppointmentResponse, Schedule, Slot, Task, Communication, Coverage;
 -- and the directory: Organization, Practitioner, PractitionerRole, Location, HealthcareService.
 ('KONTAKT', 'Personopplysninger, timer, kontakter og oppgaver', 'Personopplysningar, timar, kontaktar og oppgåver',
  'Personal details, appointments, contacts and tasks', '{103,114,44,48,5,6,122,125,140,23,31,100,108,109,71,60}', 2),
 -- The same, and Observation, AllergyIntolerance, CarePlan, Flag, MedicationStatement.
 ('PLEIE', 'Kontakter, målinger, planer, allergier og legemidler i bruk', 'Kontaktar, målingar, planar, allergiar og legemiddel i bruk',
  'Contacts, measurements, plans, allergies and medicines in use',
  '{103,114,44,48,5,6,122,125,140,23,31,100,108,109,71,60,96,4,14,55,80}', 3);

-- Every right with the time that it holds; access.role_right shows those that hold now.
ALTER TABLE access.role_right RENAME TO role_rule;
ALTER TABLE access.role_rule
  DROP CONSTRAINT role_right_pkey,
  ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ADD COLUMN from_at timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN until_at timestamptz NOT NULL DEFAULT 'infinity',
  ADD CHECK (from_at < until_at);
CREATE UNIQUE INDEX role_rule_begins ON access.role_rule (role, action, from_at);
CREATE VIEW access.role_right AS
  SELECT r.role, r.action, r.kinds FROM access.role_rule r
  WHERE r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();
INSERT INTO access.role_offer (role, action)
  SELECT r.role, r.action FROM access.role_rule r JOIN access.role o ON o.code = r.role
  UNION SELECT 'helsefagarbeider', action FROM unnest(ARRAY['identify', 'register']) action
  UNION SELECT 'assistent', 'write'
  UNION SELECT 'leder', action FROM unnest(ARRAY['read', 'list']) action;

-- A changed right that one administrator wishes and another decides. kind_set NULL: the right is taken away.
CREATE TABLE access.right_wish (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  role text NOT NULL, action text NOT NULL,
  kind_set text REFERENCES access.kind_set,
  from_at timestamptz NOT NULL, until_at timestamptz NOT NULL,
  wished_by bigint NOT NULL REFERENCES identity.person,
  wished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  decided_by bigint REFERENCES identity.person CHECK (decided_by <> wished_by OR decision = 'refused'),
  decided_at timestamptz,
  decision text CHECK (decision IN ('approved', 'refused')),
  FOREIGN KEY (role, action) REFERENCES access.role_offer,
  CHECK (from_at < until_at)
);

-- ── Controllers ──────────────────────────────────────────────────────────────────────────────────

-- Who is responsible (dataansvarlig) for which municipality's or service's rows, from when: 1 joint (felles, personvernforordningen
-- art. 26), 2 central (one company for all), 3 mixed (by service). Pasientjournalloven §§ 8–9. kind NULL: every service there.
CREATE TABLE identity.controllership (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  municipality text NOT NULL,
  kind text,
  controller bigint NOT NULL,
  model smallint NOT NULL CHECK (model IN (1, 2, 3)),
  from_at timestamptz NOT NULL DEFAULT '-infinity',
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  CHECK (from_at < until_at)
);
CREATE UNIQUE INDEX controllership_begins ON identity.controllership (municipality, coalesce(kind, ''), from_at);

-- ── Who brings staff in ──────────────────────────────────────────────────────────────────────────

-- A system that brings staff in (SCIM 2.0): the person that it acts as, and where. Its tokens are sessions with the purpose SCIM.
CREATE TABLE identity.scim_client (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  person bigint NOT NULL REFERENCES identity.person,
  unit bigint NOT NULL REFERENCES identity.unit,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL,
  ended_at timestamptz
);
-- Whoever has ever made a token of it: it can give them nothing.
CREATE TABLE identity.scim_keeper (
  client bigint NOT NULL REFERENCES identity.scim_client,
  person bigint NOT NULL REFERENCES identity.person,
  PRIMARY KEY (client, person)
);

-- A first administrator, proposed by one operator, to be confirmed by another.
CREATE TABLE identity.proposal (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code_hash bytea NOT NULL UNIQUE,
  number_hash bytea NOT NULL,
  name text NOT NULL,
  unit bigint NOT NULL REFERENCES identity.unit,
  proposed_by text NOT NULL CHECK (length(proposed_by) BETWEEN 1 AND 80),
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '24 hours',
  used_at timestamptz
);

-- ── Every change ─────────────────────────────────────────────────────────────────────────────────

-- Who changed what, and when. Append-only; no national number and nothing clinical in it.
CREATE TABLE identity.change (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  batch bigint NOT NULL DEFAULT txid_current(),  -- what was changed together
  person bigint REFERENCES identity.person,      -- the administrator or the system; NULL: an operator on the server
  session bigint,
  operator text NOT NULL DEFAULT '',
  subject text NOT NULL CHECK (subject IN ('unit', 'person', 'post', 'right', 'controllership', 'client')),
  subject_id bigint NOT NULL,
  about bigint REFERENCES identity.person,       -- whose post, or who
  unit bigint,
  entity bigint,                         -- the legal entity whose administrators may see it; NULL: all
  did text NOT NULL CHECK (did IN ('added', 'changed', 'ended')),
  before jsonb NOT NULL DEFAULT '{}',
  after jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX change_entity ON identity.change (entity, id DESC);
CREATE INDEX change_about ON identity.change (about, id DESC) WHERE about IS NOT NULL;

-- Who acts: an administrator, a system that brings staff in (client), or an operator on the server, by name.
CREATE TYPE identity.actor AS (person bigint, session bigint, unit bigint, entity bigint, client bigint, operator text);

CREATE FUNCTION identity.is_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was changed stays on record' USING ERRCODE = 'FJ030';
END $$;
CREATE TRIGGER for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON identity.change FOR EACH STATEMENT EXECUTE FUNCTION identity.is_for_ever();

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['access.role', 'access.role_offer', 'access.kind_set', 'access.role_rule', 'access.right_wish', 'identity.controllership',
                           'identity.scim_client', 'identity.scim_keeper', 'identity.proposal', 'identity.change'] LOOP
    EXECUTE format('ALTER TABLE %s OWNER TO fj_owner', t);
  END LOOP;
END $$;
REVOKE UPDATE, DELETE, TRUNCATE ON identity.change FROM fj_owner;
ALTER TYPE identity.actor OWNER TO fj_owner;
ALTER VIEW access.role_right OWNER TO fj_owner;
ALTER FUNCTION identity.is_for_ever() OWNER TO fj_owner;
GRANT SELECT ON access.role_right, access.role_rule, access.role TO access_core;
