-- Facts that give access, and the log of every access.

-- A fact that makes a need: one row for each (patient, unit or person, ground). Told by the care rooms.
CREATE TABLE access.relation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL,
  unit bigint NOT NULL,
  person bigint,                         -- only this person of the unit; NULL = the unit
  ground text NOT NULL,
  source bigint,                         -- pid of the resource that is the fact
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  made_by bigint NOT NULL                -- session
);
CREATE INDEX relation_patient ON access.relation (patient, unit, until_at DESC);
CREATE INDEX relation_source ON access.relation (source) WHERE source IS NOT NULL;

-- Who a unit has a need for at all: the union of its relations, kept beside them so that lists are fast.
CREATE TABLE access.roster (
  unit bigint NOT NULL,
  patient bigint NOT NULL,
  from_at timestamptz NOT NULL,
  until_at timestamptz NOT NULL,
  PRIMARY KEY (unit, patient)
);

-- The grounds of the national list that this installation knows, with how long each lasts: dated configuration.
CREATE TABLE access.ground (
  code text PRIMARY KEY,
  name_nb text NOT NULL,
  name_nn text NOT NULL,
  name_en text NOT NULL,
  roles text[] NOT NULL,                 -- roles that the ground can serve
  after_h integer NOT NULL DEFAULT 0,    -- access ends this long after the fact
  chosen boolean NOT NULL DEFAULT false, -- chosen by the user rather than a fact in the data
  source text NOT NULL,
  valid_from date NOT NULL DEFAULT '2026-01-01'
);

-- What a role may do, whatever the relation: role × action × kinds of resource (NULL = all kinds).
CREATE TABLE access.role_right (
  role text NOT NULL,
  action text NOT NULL CHECK (action IN ('read', 'write', 'identify', 'register', 'list', 'sign')),
  kinds smallint[],
  PRIMARY KEY (role, action)
);

-- A patient's own block (pasient- og brukerrettighetsloven § 5-3, pasientjournalloven § 17).
CREATE TABLE access.block (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL,
  unit bigint,                           -- NULL with person NULL: everybody
  person bigint,
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity'
);
CREATE INDEX block_patient ON access.block (patient);

-- What a system (worker, loader, backend client) may do, until when, granted by whom.
CREATE TABLE access.system_grant (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person bigint NOT NULL REFERENCES identity.person,
  purpose text NOT NULL CHECK (purpose IN ('LOAD', 'FEED', 'DISTRIBUTE', 'INTEGRATION')),
  until_at timestamptz NOT NULL,
  granted_by text NOT NULL,
  UNIQUE (person, purpose)
);

-- Patients that a reader has just identified: the ground for registering a contact.
CREATE TABLE access.identified (
  session bigint NOT NULL,
  patient bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (session, patient)
);

-- The access log (pasientjournalloven § 22, pasientjournalforskriften § 14, Normen 5.4.4). Append-only.
-- One row for each (event, patient). outcome: 0 shown, 1 refused, 2 nothing found.
CREATE TABLE access.log (
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  pos bigint GENERATED ALWAYS AS IDENTITY,
  event bigint NOT NULL,
  session bigint,
  person bigint,
  role text,
  unit bigint,
  controller bigint,
  patient bigint NOT NULL,
  action text NOT NULL,
  kind smallint NOT NULL DEFAULT 0,
  what bigint[],
  purpose text,
  ground text,
  ground_ref bigint,
  chosen boolean NOT NULL DEFAULT false,
  device text NOT NULL DEFAULT '',
  outcome smallint NOT NULL DEFAULT 0
) PARTITION BY RANGE (at);
CREATE TABLE access.log_rest PARTITION OF access.log DEFAULT;
CREATE INDEX log_patient ON access.log (patient, at DESC);
CREATE INDEX log_person ON access.log (person, at DESC);
CREATE SEQUENCE access.event AS bigint CACHE 32;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['relation', 'roster', 'ground', 'role_right', 'block', 'system_grant', 'identified', 'log', 'log_rest'] LOOP
    EXECUTE format('ALTER TABLE access.%I OWNER TO fj_owner', t);
  END LOOP;
END $$;
ALTER SEQUENCE access.event OWNER TO fj_owner;

GRANT USAGE ON SCHEMA access TO access_core;
GRANT SELECT ON ALL TABLES IN SCHEMA access TO access_core;
GRANT INSERT ON access.relation, access.roster, access.identified, access.log TO access_core;
GRANT UPDATE (until_at) ON access.relation, access.roster TO access_core;
GRANT UPDATE (from_at) ON access.roster TO access_core;
GRANT UPDATE (at) ON access.identified TO access_core;
GRANT USAGE ON SEQUENCE access.event TO access_core;

INSERT INTO access.ground (code, name_nb, name_nn, name_en, roles, after_h, chosen, source) VALUES
 ('FASTLEGE', 'Står på fastlegens liste', 'Står på lista til fastlegen', 'On the GP''s list',
  '{lege,sykepleier,helsesekretaer}', 0, false, 'fastlegeforskriften; helsepersonelloven § 45'),
 ('POLBESOK', 'Pågående eller nylig kontakt', 'Pågåande eller nyleg kontakt', 'Ongoing or recent contact',
  '{lege,sykepleier,helsesekretaer,helsesykepleier,helsefagarbeider,assistent}', 72, false, 'helsepersonelloven § 45; beslutningsmal POLBESOK'),
 ('PLANOPP', 'Har avtalt time', 'Har avtalt time', 'Has an appointment',
  '{lege,sykepleier,helsesekretaer,helsesykepleier}', 72, false, 'helsepersonelloven § 45; beslutningsmal PLANOPP'),
 ('ARBFLYT', 'Oppgave eller melding til enheten', 'Oppgåve eller melding til eininga', 'Task or message to the unit',
  '{lege,sykepleier,helsesekretaer,helsesykepleier,helsefagarbeider}', 72, false, 'helsepersonelloven § 45; beslutningsmal ARBFLYT'),
 ('BELEGG', 'Opphold eller vedtak om tjenester', 'Opphald eller vedtak om tenester', 'Stay, or decided services',
  '{lege,sykepleier,helsefagarbeider,assistent,helsesykepleier}', 72, false, 'helse- og omsorgstjenesteloven § 3-2; beslutningsmal BELEGG'),
 ('IDENTIFISERT', 'Identifisert før kontakt registreres', 'Identifisert før kontakt blir registrert', 'Identified before a contact is registered',
  '{lege,sykepleier,helsesekretaer,helsesykepleier}', 0, false, 'access.md, Identifying a person'),
 ('EGEN', 'Egen journal', 'Eigen journal', 'Own record', '{innbygger}', 0, false, 'pasient- og brukerrettighetsloven § 5-1; pasientjournalloven § 18'),
 ('SYSTEM', 'Systembeslutning', 'Systemavgjerd', 'System decision', '{system}', 0, false, 'access.md, Systems');

INSERT INTO access.role_right (role, action, kinds)
  SELECT role, action, NULL::smallint[] FROM unnest(ARRAY['lege', 'sykepleier', 'helsesykepleier']) role,
         unnest(ARRAY['read', 'write', 'identify', 'register', 'list', 'sign']) action
  UNION ALL SELECT 'helsesekretaer', action, NULL FROM unnest(ARRAY['read', 'write', 'identify', 'register', 'list']) action
  UNION ALL SELECT 'helsefagarbeider', action, NULL FROM unnest(ARRAY['read', 'write', 'list', 'sign']) action
  UNION ALL SELECT 'assistent', action, NULL FROM unnest(ARRAY['read', 'list']) action
  UNION ALL SELECT 'innbygger', 'read', NULL
  UNION ALL SELECT 'system', action, NULL FROM unnest(ARRAY['read', 'write', 'register', 'list']) action;
