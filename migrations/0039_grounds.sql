-- The grounds of the national list as dated configuration, the choices that readers make, and duty lists.
-- Codes, meanings: https://terminology.dips.com/decisiontemplate (HL7 Norway, AuditEvent); names and limits are ours.

ALTER TABLE access.ground
  ADD COLUMN kind text NOT NULL DEFAULT 'automatic' CHECK (kind IN (
    'automatic', 'chosen', 'gap', 'emergency', 'override', 'support', 'own', 'representation', 'system', 'identify', 'review')),
  ADD COLUMN rule text,                  -- the view of access/rules.sql that it belongs to
  ADD COLUMN rank integer NOT NULL DEFAULT 50,  -- of several grounds the lowest is named; those that let nobody write come last
  ADD COLUMN max_min integer,            -- how long a choice lasts at most
  ADD COLUMN may_write boolean NOT NULL DEFAULT true,
  ADD COLUMN told text CHECK (told IN ('identified', 'staff', 'system')),  -- who may tell the fact: see access.establish
  ADD COLUMN is_named boolean NOT NULL DEFAULT false,  -- only for people on the list access.ground_person
  ADD COLUMN can_object boolean NOT NULL DEFAULT false,  -- the patient may refuse it (access.objection)
  ADD COLUMN purpose text NOT NULL DEFAULT 'TREAT',  -- HL7 v3 PurposeOfUse
  ADD COLUMN hint_nb text NOT NULL DEFAULT '', ADD COLUMN hint_nn text NOT NULL DEFAULT '', ADD COLUMN hint_en text NOT NULL DEFAULT '',
  ADD COLUMN valid_until date NOT NULL DEFAULT 'infinity';
ALTER TABLE access.ground DROP COLUMN chosen;
ALTER TABLE access.ground ADD COLUMN is_chosen boolean NOT NULL GENERATED ALWAYS AS (kind IN ('chosen', 'gap', 'emergency', 'override', 'support')) STORED;

UPDATE access.ground SET rule = 'gp_list', rank = 10, told = 'system' WHERE code = 'FASTLEGE';
UPDATE access.ground SET rule = 'contact', rank = 22, told = 'identified' WHERE code = 'POLBESOK';
UPDATE access.ground SET rule = 'contact', rank = 23, told = 'staff' WHERE code = 'PLANOPP';
UPDATE access.ground SET rule = 'contact', rank = 20, told = 'staff' WHERE code = 'BELEGG';
UPDATE access.ground SET rule = 'work_list', rank = 41, told = 'staff' WHERE code = 'ARBFLYT';
UPDATE access.ground SET kind = 'own', rule = 'own_record', rank = 1, purpose = 'PATRQT' WHERE code = 'EGEN';
UPDATE access.ground SET kind = 'system', rule = 'system', rank = 5, told = 'system' WHERE code = 'SYSTEM';
UPDATE access.ground SET kind = 'identify', roles = '{}' WHERE code = 'IDENTIFISERT';
UPDATE access.ground SET kind = 'review' WHERE code = 'KONTROLL';
UPDATE access.ground SET kind = 'representation', rule = 'representation' WHERE roles = '{innbygger}' AND code <> 'EGEN';

INSERT INTO access.ground (code, name_nb, name_nn, name_en, roles, after_h, rule, rank, told, source) VALUES
 ('BEHANDLER', 'Har behandlingsansvar', 'Har behandlingsansvar', 'Responsible for the treatment',
  '{lege,sykepleier,helsesykepleier}', 72, 'responsible', 12, 'staff', 'helsepersonelloven §§ 25 og 45; beslutningsmal BEHANDLER'),
 ('PRIMKONT', 'Er primærkontakt', 'Er primærkontakt', 'Primary contact',
  '{lege,sykepleier,helsesykepleier,helsefagarbeider,assistent}', 72, 'responsible', 13, 'staff', 'helsepersonelloven §§ 25 og 45; beslutningsmal PRIMKONT'),
 ('JOURANSV', 'Er journalansvarlig', 'Er journalansvarleg', 'Responsible for the record',
  '{lege,sykepleier,helsesykepleier}', 72, 'responsible', 14, 'staff', 'helsepersonelloven § 39; beslutningsmal JOURANSV'),
 ('INFOANSV', 'Er informasjonsansvarlig', 'Er informasjonsansvarleg', 'Responsible for informing the patient',
  '{lege,sykepleier,helsesykepleier}', 72, 'responsible', 15, 'staff', 'helsepersonelloven § 10; beslutningsmal INFOANSV'),
 ('PASANSV', 'Er koordinator', 'Er koordinator', 'Coordinator',
  '{lege,sykepleier,helsesykepleier,helsefagarbeider}', 72, 'responsible', 16, 'staff', 'helse- og omsorgstjenesteloven § 7-2; beslutningsmal PASANSV'),
 ('ROLPAS', 'Har en rolle overfor pasienten', 'Har ei rolle overfor pasienten', 'Has a role towards the patient',
  '{lege,sykepleier,helsesykepleier,helsefagarbeider,assistent}', 72, 'responsible', 17, 'staff', 'helsepersonelloven §§ 25 og 45; beslutningsmal ROLPAS'),
 ('LVANROP', 'Samtale med legevakten', 'Samtale med legevakta', 'Call to the legevakt',
  '{lege,sykepleier,helsesekretaer,helsesykepleier}', 72, 'call', 21, 'identified', 'akuttmedisinforskriften § 13; helsepersonelloven § 45'),
 ('PLANKONT', 'Venter på planlagt kontakt', 'Ventar på planlagd kontakt', 'Awaits a planned contact',
  '{lege,sykepleier,helsesekretaer,helsesykepleier}', 72, 'contact', 24, 'staff', 'helsepersonelloven § 45; beslutningsmal PLANKONT'),
 ('KONSSERIE', 'Pågående rekke av kontakter', 'Pågåande rekkje av kontaktar', 'Open series of contacts',
  '{lege,sykepleier,helsesekretaer,helsesykepleier}', 72, 'contact', 25, 'staff', 'helsepersonelloven § 45; beslutningsmal KONSSERIE'),
 ('HENVISNING', 'Henvist og ikke vurdert ennå', 'Tilvist og ikkje vurdert enno', 'Referred, not yet assessed',
  '{lege,sykepleier,helsesekretaer,helsesykepleier,helsefagarbeider}', 72, 'referral', 30, 'staff', 'helsepersonelloven §§ 25 og 45; beslutningsmal HENVISNING'),
 ('VURDHENV', 'Henvisningen er vurdert', 'Tilvisinga er vurdert', 'Referral assessed',
  '{lege,sykepleier,helsesekretaer,helsesykepleier,helsefagarbeider}', 720, 'referral', 31, 'staff', 'helsepersonelloven §§ 25 og 45; beslutningsmal VURDHENV'),
 ('SVAR', 'Prøvesvar som skal signeres', 'Prøvesvar som skal signerast', 'Result to sign',
  '{lege,sykepleier,helsesekretaer,helsesykepleier}', 72, 'work_list', 40, 'staff', 'helsepersonelloven §§ 39 og 45; Akson SHS 5.3.2.10');

INSERT INTO access.ground (code, name_nb, name_nn, name_en, kind, roles, rule, rank, max_min, may_write, is_named, can_object, purpose, source,
                           hint_nb, hint_nn, hint_en) VALUES
 ('DELBEHAN', 'Deltar i behandlingen', 'Deltek i behandlinga', 'Takes part in the treatment', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsefagarbeider}', 'chosen', 60, 1440, true, false, false, 'TREAT', 'helsepersonelloven § 25; beslutningsmal DELBEHAN',
  'Du er trukket inn i behandlingen uten at en kontakt er registrert.', 'Du er trekt inn i behandlinga utan at ein kontakt er registrert.', 'You were drawn in and no contact has been registered.'),
 ('HENV_PAS', 'Henvendelse fra pasienten', 'Førespurnad frå pasienten', 'Asked by the patient', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer}', 'chosen', 61, 1440, true, false, false, 'TREAT', 'helsepersonelloven § 45; beslutningsmal HENV_PAS',
  'Pasienten har ringt, skrevet eller møtt opp.', 'Pasienten har ringt, skrive eller møtt opp.', 'The patient has called, written or come.'),
 ('HENV_BEH', 'Henvendelse fra en annen behandler', 'Førespurnad frå ein annan behandlar', 'Asked by another clinician', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer}', 'chosen', 62, 1440, true, false, false, 'TREAT', 'helsepersonelloven §§ 25 og 45; beslutningsmal HENV_BEH',
  'En som behandler pasienten, ber deg om råd eller hjelp.', 'Ein som behandlar pasienten, ber deg om råd eller hjelp.', 'Somebody who treats the patient asks you for advice or help.'),
 ('HENV_PAA', 'Henvendelse fra pårørende', 'Førespurnad frå pårørande', 'Asked by next of kin', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer}', 'chosen', 63, 1440, true, false, false, 'TREAT', 'helsepersonelloven §§ 10 a og 45; beslutningsmal HENV_PAA',
  'Pårørende har tatt kontakt om helsehjelp til pasienten.', 'Pårørande har teke kontakt om helsehjelp til pasienten.', 'Next of kin have asked for care of the patient.'),
 ('MELDT', 'Meldt pasient', 'Meld pasient', 'Announced patient', 'chosen',
  '{lege,sykepleier,helsesykepleier}', 'chosen', 64, 1440, true, false, false, 'TREAT', 'helsepersonelloven § 45; beslutningsmal MELDT',
  'Pasienten er på vei, meldt for eksempel av ambulansen.', 'Pasienten er på veg, meld til dømes av ambulansen.', 'The patient is on the way, announced by the ambulance for example.'),
 ('TILSYN', 'Tilsyn for en annen enhet', 'Tilsyn for ei anna eining', 'Asked in by another unit', 'chosen',
  '{lege,sykepleier,helsesykepleier}', 'chosen', 65, 1440, true, false, false, 'TREAT', 'helsepersonelloven § 25; beslutningsmal TILSYN',
  'En annen enhet har bedt deg se til pasienten. Skriv hvem.', 'Ei anna eining har bede deg sjå til pasienten. Skriv kven.', 'Another unit has asked you to see the patient. Say who.'),
 ('EKSTSVAR', 'Eksternt svar eller notat til vurdering', 'Eksternt svar eller notat til vurdering', 'Result or note from outside', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer}', 'chosen', 66, 1440, true, false, false, 'TREAT', 'helsepersonelloven § 45; beslutningsmal EKSTSVAR',
  'Et svar eller notat utenfra må vurderes.', 'Eit svar eller notat utanfrå må vurderast.', 'A result or note from outside must be judged.'),
 ('ETTERARB', 'Etterarbeid', 'Etterarbeid', 'Work after a contact', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer,helsefagarbeider}', 'chosen', 67, 1440, true, false, false, 'TREAT', 'helsepersonelloven § 39; beslutningsmal ETTERARB',
  'Du fullfører dokumentasjon etter at tilgangen gikk ut.', 'Du fullfører dokumentasjon etter at tilgangen gjekk ut.', 'You finish your records after access has ended.'),
 ('PASADM', 'Administrative oppgaver', 'Administrative oppgåver', 'Administrative tasks', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer}', 'chosen', 68, 480, true, false, false, 'PATADMIN', 'helsepersonelloven § 26; beslutningsmal PASADM',
  'For eksempel skanning eller retting av personopplysninger.', 'Til dømes skanning eller retting av personopplysningar.', 'Scanning or correcting personal details, for example.'),
 ('NYPAS', 'Registrering av ny pasient', 'Registrering av ny pasient', 'Registering a new patient', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer}', 'chosen', 69, 480, true, false, false, 'PATADMIN', 'helsepersonelloven § 26; beslutningsmal NYPAS',
  'Pasienten skal følges opp her og er ikke registrert ennå.', 'Pasienten skal følgjast opp her og er ikkje registrert enno.', 'The patient will be followed here and is not registered yet.'),
 ('HHJELANPAS', 'Helsehjelp til en annen pasient', 'Helsehjelp til ein annan pasient', 'Care of another patient', 'chosen',
  '{lege,sykepleier,helsesykepleier}', 'chosen', 110, 1440, false, true, true, 'TREAT', 'helsepersonelloven § 25 b; beslutningsmal HHJELANPAS',
  'Opplysningene trengs for å hjelpe en annen. Skriv hvorfor.', 'Opplysningane trengst for å hjelpe ein annan. Skriv kvifor.', 'The information is needed to help somebody else. Say why.'),
 ('EGENLAER', 'Egen læring og kvalitetssikring', 'Eiga læring og kvalitetssikring', 'Own learning', 'chosen',
  '{lege,sykepleier,helsesykepleier}', 'chosen', 111, 480, false, true, true, 'TRAIN', 'helsepersonelloven § 29 c; beslutningsmal EGENLAER',
  'Du vil lære av behandling som du selv har gitt.', 'Du vil lære av behandling som du sjølv har gitt.', 'You want to learn from treatment that you gave.'),
 ('KVAL', 'Internkontroll og kvalitetssikring', 'Internkontroll og kvalitetssikring', 'Internal control', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer}', 'chosen', 112, 480, false, true, false, 'HQUALIMP', 'helsepersonelloven § 26; beslutningsmal KVAL',
  'Oppdrag fra virksomhetens ledelse.', 'Oppdrag frå leiinga i verksemda.', 'A task from the management.'),
 ('INNSYN', 'Pasienten ber om innsyn', 'Pasienten ber om innsyn', 'The patient asks to see the record', 'chosen',
  '{lege,sykepleier,helsesykepleier,helsesekretaer}', 'chosen', 113, 480, false, false, false, 'PATRQT', 'pasient- og brukerrettighetsloven § 5-1; beslutningsmal INNSYN',
  'Du skal gjøre klar en kopi som pasienten har bedt om.', 'Du skal gjere klar ein kopi som pasienten har bede om.', 'You prepare a copy that the patient has asked for.'),
 ('OFFBEST', 'Bestilling fra offentlig myndighet eller forsikring', 'Bestilling frå offentleg styresmakt eller forsikring', 'Order by an authority or an insurer', 'chosen',
  '{lege,helsesekretaer}', 'chosen', 114, 480, false, true, false, 'HLEGAL', 'helsepersonelloven kapittel 5 og 6; beslutningsmal OFFBEST',
  'Skriv hvem som bestiller, og hjemmelen.', 'Skriv kven som bestiller, og heimelen.', 'Say who orders, and by which law.'),
 ('TILSYN2', 'Tilsyn med helsepersonell', 'Tilsyn med helsepersonell', 'Supervision of health personnel', 'chosen',
  '{lege}', 'chosen', 115, 480, false, true, false, 'HLEGAL', 'helsepersonelloven § 30; beslutningsmal TILSYN2',
  'Etter pålegg. Skriv hvem som fører tilsyn.', 'Etter pålegg. Skriv kven som fører tilsyn.', 'By order. Say who supervises.'),
 ('TILSYN3', 'Statlig tilsyn', 'Statleg tilsyn', 'State supervision', 'chosen',
  '{lege}', 'chosen', 116, 480, false, true, false, 'HLEGAL', 'helsetilsynsloven; pasientjournalloven § 26; beslutningsmal TILSYN3',
  'Etter pålegg. Skriv saksnummeret.', 'Etter pålegg. Skriv saksnummeret.', 'By order. Give the case number.'),
 ('UNDERVISN', 'Undervisning', 'Undervisning', 'Teaching', 'chosen',
  '{lege,sykepleier,helsesykepleier}', 'chosen', 117, 480, false, true, true, 'TRAIN', 'helsepersonelloven § 29 c; beslutningsmal UNDERVISN',
  'Undervisning av helsepersonell om behandling de har gitt.', 'Undervisning av helsepersonell om behandling dei har gitt.', 'Teaching health personnel about treatment that they gave.'),
 ('FORSK', 'Forskning', 'Forsking', 'Research', 'chosen',
  '{lege,sykepleier,helsesykepleier}', 'chosen', 118, 480, false, true, false, 'HRESCH', 'helseforskningsloven § 33 flg.; beslutningsmal FORSK',
  'Godkjent prosjekt. Skriv prosjektnummeret.', 'Godkjent prosjekt. Skriv prosjektnummeret.', 'An approved project. Give its number.'),
 ('SELVAUT', 'Selvautorisert fordi regelen mangler', 'Sjølvautorisert fordi regelen manglar', 'Self-authorised because the rule is missing', 'gap',
  '{lege,sykepleier,helsesykepleier,helsefagarbeider,helsesekretaer}', 'gap', 80, 480, true, false, false, 'TREAT', 'helsepersonelloven §§ 25 og 45; Akson SHS 5.3.2.5',
  'Du har behov for journalen i arbeidet ditt, og ingen av grunnene passer. Skriv hva som mangler: det brukes til å bedre reglene.',
  'Du har behov for journalen i arbeidet ditt, og ingen av grunnane passar. Skriv kva som manglar: det blir brukt til å betre reglane.',
  'Your work needs the record and no ground fits. Say what is missing: it is used to improve the rules.'),
 ('BLAALYS', 'Blålys: øyeblikkelig hjelp', 'Blålys: augeblikkeleg hjelp', 'Emergency access', 'emergency',
  '{lege,sykepleier,helsesykepleier,helsefagarbeider}', 'emergency', 90, 60, true, false, false, 'ETREAT', 'helsepersonelloven § 7; straffeloven § 17; beslutningsmal BLAALYS',
  '', '', ''),
 ('OVERSTYR', 'Sperring overstyrt av tungtveiende grunner', 'Sperring overstyrt av tungtvegande grunnar', 'Block overridden for weighty reasons', 'override',
  '{lege,sykepleier,helsesykepleier}', 'override', 91, 60, true, false, false, 'BTG', 'pasient- og brukerrettighetsloven § 5-3', '', '', ''),
 ('SUPPORT', 'Brukerstøtte etter avtale', 'Brukarstøtte etter avtale', 'Support by agreement', 'support',
  '{brukerstotte}', 'support', 130, 480, false, false, false, 'HSYSADMIN', 'helsepersonelloven § 25 andre ledd; Akson SHS 5.3.2.11', '', '', '');

ALTER TABLE access.ground ALTER COLUMN rule SET DEFAULT 'contact',
  ADD CONSTRAINT ground_limits CHECK (CASE kind
    WHEN 'emergency' THEN max_min IS NOT NULL AND max_min BETWEEN 1 AND 60 WHEN 'override' THEN max_min IS NOT NULL AND max_min BETWEEN 1 AND 60
    WHEN 'chosen' THEN max_min IS NOT NULL AND max_min BETWEEN 1 AND 1440 WHEN 'gap' THEN max_min IS NOT NULL AND max_min BETWEEN 1 AND 1440
    WHEN 'support' THEN max_min IS NOT NULL AND max_min BETWEEN 1 AND 1440 ELSE max_min IS NULL END);

-- The people who may choose a ground that is for named people alone, granted by whom.
CREATE TABLE access.ground_person (
  ground text NOT NULL REFERENCES access.ground,
  person bigint NOT NULL REFERENCES identity.person,
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL,
  granted_by text NOT NULL,
  PRIMARY KEY (ground, person)
);

-- A patient's own no to a use that they may refuse (helsepersonelloven §§ 25 b and 29 c).
CREATE TABLE access.objection (
  patient bigint NOT NULL,
  ground text NOT NULL REFERENCES access.ground,
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (patient, ground)
);

-- Every ground that a reader chose, with the reason in their own words, which the patient never sees. Append-only but for an early end.
CREATE TABLE access.choice (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ground text NOT NULL REFERENCES access.ground,
  patient bigint NOT NULL,
  unit bigint NOT NULL,
  person bigint NOT NULL,
  session bigint NOT NULL,               -- in which it was chosen; support: the administrator's
  role text NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 10 AND 2000),
  ticket text NOT NULL DEFAULT '',       -- support: the case that it is for
  from_at timestamptz NOT NULL,
  until_at timestamptz NOT NULL,
  extends bigint REFERENCES access.choice,
  event bigint NOT NULL                  -- of access.log
);
CREATE INDEX choice_patient ON access.choice (patient, from_at DESC);
CREATE INDEX choice_person ON access.choice (person, from_at DESC);

-- Units where nobody has access but those on duty, and the roles that are exempt. Akson SHS 5.3.2.2.
CREATE TABLE access.duty_rule (
  unit bigint PRIMARY KEY REFERENCES identity.unit,
  exempt_roles text[] NOT NULL DEFAULT '{}',
  from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  until_at timestamptz NOT NULL DEFAULT 'infinity',
  set_by text NOT NULL
);

-- Who is on duty where, from and until.
CREATE TABLE access.duty (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person bigint NOT NULL REFERENCES identity.person,
  unit bigint NOT NULL REFERENCES identity.unit,
  from_at timestamptz NOT NULL,
  until_at timestamptz NOT NULL,
  CHECK (from_at < until_at),
  UNIQUE (person, unit, from_at)
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['ground_person', 'objection', 'choice', 'duty_rule', 'duty'] LOOP
    EXECUTE format('ALTER TABLE access.%I OWNER TO fj_owner', t);
    EXECUTE format('GRANT SELECT ON access.%I TO access_core', t);
  END LOOP;
END $$;
GRANT INSERT ON access.choice, access.objection, access.duty, access.duty_rule, access.ground_person TO access_core;
GRANT USAGE ON SEQUENCE access.choice_id_seq TO access_core;
GRANT UPDATE (until_at) ON access.choice, access.objection TO access_core;
GRANT UPDATE (from_at) ON access.objection TO access_core;
GRANT UPDATE (exempt_roles, from_at, until_at, set_by) ON access.duty_rule TO access_core;
GRANT UPDATE (until_at) ON access.duty TO access_core;
GRANT UPDATE (from_at, until_at, granted_by) ON access.ground_person TO access_core;

-- Support reads what one ticket is about, and writes nothing. No lists.
INSERT INTO access.role (code, name_nb, name_nn, name_en, source, rank) VALUES
 ('brukerstotte', 'Brukerstøtte', 'Brukarstøtte', 'Support', 'helsepersonelloven § 25 andre ledd; Akson SHS 5.3.2.11', 85);
INSERT INTO access.role_offer (role, action) VALUES ('brukerstotte', 'read');
INSERT INTO access.role_rule (role, action, kinds) VALUES ('brukerstotte', 'read', NULL);

-- Asked for every mask of closed rows: a small index of its own.
CREATE INDEX relation_override ON access.relation (patient, person) WHERE ground = 'OVERSTYR';
