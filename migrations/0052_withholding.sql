-- Withholding from parents is kept as a fact with an end, and the rows that it covers follow by themselves; why staff may withhold, cut off
-- or tell depends on the patient's age; what parents of a young person were told; what each chosen next of kin may be told.

-- Grounds hold for some ages. TELL: why parents who have no access may be told something. Dated configuration.
ALTER TABLE access.withhold_ground
  ADD COLUMN from_age smallint NOT NULL DEFAULT 0 CHECK (from_age >= 0),
  ADD COLUMN until_age smallint NOT NULL DEFAULT 18 CHECK (until_age > from_age),
  ADD COLUMN valid_until date NOT NULL DEFAULT 'infinity',
  DROP CONSTRAINT withhold_ground_what_check,
  ADD CONSTRAINT withhold_ground_what_check CHECK (what IN ('PARENT', 'ITEM', 'TELL'));
UPDATE access.withhold_ground SET until_age = 16, from_age = CASE code WHEN 'BARNETS_ONSKE' THEN 12 ELSE 0 END WHERE what = 'ITEM';
INSERT INTO access.withhold_ground (code, what, from_age, until_age, name_nb, name_nn, name_en, source) VALUES
 ('FORELDREANSVAR', 'TELL', 16, 18, 'Nødvendig for å oppfylle foreldreansvaret', 'Nødvendig for å oppfylle foreldreansvaret',
  'Needed in order to fulfil parental responsibility', 'pasient- og brukerrettighetsloven § 3-4 fjerde ledd'),
 ('SAMTYKKE', 'TELL', 16, 18, 'Den unge samtykker', 'Den unge samtykkjer', 'The young person consents',
  'helsepersonelloven § 22; pasient- og brukerrettighetsloven § 3-3');

-- A withholding: rows that staff named, from then until it is ended. Nothing of it but its end can be changed. Those that were noted before
-- stand as labels of the rows themselves.
ALTER TABLE access.withholding
  ADD COLUMN until_at timestamptz NOT NULL DEFAULT 'infinity',
  ADD COLUMN ended_by bigint,
  ADD COLUMN end_reason text NOT NULL DEFAULT '' CHECK (length(end_reason) <= 2000);
UPDATE access.withholding SET until_at = at;
ALTER TABLE access.withholding DROP COLUMN is_on;
CREATE INDEX withholding_live ON access.withholding (patient) WHERE until_at = 'infinity';
GRANT UPDATE (until_at, ended_by, end_reason) ON access.withholding TO access_core;

-- The rows that a withholding covers: what it names, and all that would reveal it.
CREATE TABLE access.withheld_row (
  pid bigint NOT NULL,
  withholding bigint NOT NULL REFERENCES access.withholding,
  patient bigint NOT NULL,
  PRIMARY KEY (pid, withholding)
);
CREATE INDEX withheld_row_withholding ON access.withheld_row (withholding);
ALTER TABLE access.withheld_row OWNER TO fj_owner;
GRANT SELECT, INSERT, DELETE ON access.withheld_row TO access_core;

ALTER TABLE access.parent_cut ADD COLUMN end_reason text NOT NULL DEFAULT '' CHECK (length(end_reason) <= 2000);
GRANT UPDATE (end_reason) ON access.parent_cut TO access_core;

-- That parents were told something of a young person whose record they don't open. What was told stands in the record (what: its row).
CREATE TABLE access.told_parents (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient bigint NOT NULL,
  what bigint NOT NULL,
  parents bigint[] NOT NULL CHECK (cardinality(parents) > 0),
  ground text NOT NULL REFERENCES access.withhold_ground,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  person bigint NOT NULL, unit bigint NOT NULL, session bigint NOT NULL
);
CREATE INDEX told_parents_patient ON access.told_parents (patient, at DESC);
ALTER TABLE access.told_parents OWNER TO fj_owner;
GRANT SELECT, INSERT ON access.told_parents TO access_core;

INSERT INTO access.ground (code, name_nb, name_nn, name_en, kind, rule, roles, source) VALUES
 ('FORELDREANSVAR', 'Foreldrene fikk vite det foreldreansvaret krever', 'Foreldra fekk vite det foreldreansvaret krev',
  'The parents were told what parental responsibility requires', 'representation', 'representation', '{}', 'pasient- og brukerrettighetsloven § 3-4 fjerde ledd'),
 ('SAMTYKKE', 'Du samtykket i at foreldrene fikk vite det', 'Du samtykte i at foreldra fekk vite det', 'You consented that the parents were told', 'representation', 'representation',
  '{}', 'helsepersonelloven § 22');

-- What a next of kin may be told: the patient's own choice. Dated configuration.
CREATE TABLE access.kin_share (
  code text PRIMARY KEY,
  place smallint NOT NULL,
  name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL,
  source text NOT NULL, valid_from date NOT NULL DEFAULT '2026-01-01', valid_until date NOT NULL DEFAULT 'infinity'
);
INSERT INTO access.kin_share (code, place, name_nb, name_nn, name_en, source) VALUES
 ('KONTAKT', 1, 'Kan ringes, men skal ikke få vite noe om helsen', 'Kan bli ringt, men skal ikkje få vite noko om helsa', 'May be called, but is told nothing of the health',
  'helsepersonelloven § 21'),
 ('ALVORLIG', 2, 'Skal få vite det hvis noe alvorlig skjer', 'Skal få vite det dersom noko alvorleg skjer', 'Is told if something serious happens',
  'pasient- og brukerrettighetsloven § 3-3 første ledd'),
 ('TILSTAND', 3, 'Kan få vite om helsetilstanden og hjelpen som gis', 'Kan få vite om helsetilstanden og hjelpa som blir gitt', 'May be told of the state of health and the care given',
  'pasient- og brukerrettighetsloven § 3-3 første ledd');
ALTER TABLE access.kin_share OWNER TO fj_owner;
GRANT SELECT ON access.kin_share TO access_core;
ALTER TABLE access.chosen_kin ADD COLUMN share text NOT NULL DEFAULT 'KONTAKT' REFERENCES access.kin_share;
