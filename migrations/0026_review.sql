-- The reviewer's tasks: what somebody must look at again. Helsepersonelloven §§ 16 and 21 a; pasientjournalloven §§ 16 and 22; Normen 5.4.4.

-- What makes a task, with the days until it must be judged: dated configuration.
CREATE TABLE access.review_kind (
  code text PRIMARY KEY,
  name_nb text NOT NULL, name_nn text NOT NULL, name_en text NOT NULL,
  due_days integer NOT NULL CHECK (due_days BETWEEN 0 AND 365),
  source text NOT NULL,
  valid_from date NOT NULL DEFAULT '2026-01-01'
);
INSERT INTO access.review_kind (code, name_nb, name_nn, name_en, due_days, source) VALUES
 ('EMERGENCY', 'Blålystilgang', 'Blålystilgang', 'Emergency access', 7, 'access.md, Exceptions; Akson SHS 5.3.2.4: every use is handled as a deviation'),
 ('OVERRIDE', 'Åpnet sperret journal', 'Opna sperra journal', 'Override of a block', 7, 'pasient- og brukerrettighetsloven § 5-3'),
 ('CHOSEN', 'Selvvalgt grunnlag', 'Sjølvvald grunnlag', 'Ground chosen by the reader', 14, 'access.md, Exceptions; beslutningsmaler'),
 ('RELATIVE', 'Nær familie', 'Nær familie', 'Close family', 14, 'access.md, Exceptions: a warning, a written ground and a reviewer''s task'),
 ('QUESTION', 'Spørsmål fra innbygger', 'Spørsmål frå innbyggjar', 'Question from a citizen', 30, 'personvernforordningen art. 12 nr. 3; pasientjournalforskriften § 14'),
 ('FINDING', 'Funn i loggen', 'Funn i loggen', 'Finding in the log', 14, 'helsepersonelloven § 21 a; pasientjournalloven § 16'),
 ('SUPPORT', 'Leverandørens support', 'Leverandørsupport', 'Support by the vendor', 14, 'Akson SHS 5.3.2.11; access.md, Systems');

-- One row for each task. It holds no clinical text: evidence is times, counts, codes and relations.
CREATE TABLE access.review (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL REFERENCES access.review_kind,
  unit bigint NOT NULL,                  -- where the reader acted
  controller bigint NOT NULL,            -- whose reviewer judges it
  reader bigint,                         -- the person who read; NULL: the question names nobody
  patient bigint NOT NULL,               -- 0: about no one patient
  session bigint,
  event bigint,                          -- of access.log
  ref bigint,                            -- what made the task: the use of emergency access, the chosen ground …
  about_on date,                         -- a finding: the day that was read through
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),  -- the reader's reason or the citizen's question
  evidence jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(evidence) = 'object'),
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  due_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'judged')),
  judgement text CHECK (judgement IN ('OK', 'DEVIATION', 'SUSPECTED')),
  follow_up text[] NOT NULL DEFAULT '{}',
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 4000),
  answer text NOT NULL DEFAULT '' CHECK (length(answer) <= 4000),  -- the citizen sees it
  judged_by bigint,
  judged_at timestamptz,
  CHECK ((state = 'judged') = (judgement IS NOT NULL AND judged_by IS NOT NULL AND judged_at IS NOT NULL)),
  CHECK (judged_by IS DISTINCT FROM reader OR judged_by IS NULL)
);
CREATE INDEX review_open ON access.review (controller, due_at, id) WHERE state = 'open';
CREATE INDEX review_judged ON access.review (controller, judged_at DESC, id) WHERE state = 'judged';
CREATE INDEX review_patient ON access.review (patient, made_at DESC);
CREATE INDEX review_reader ON access.review (reader, made_at DESC);
CREATE UNIQUE INDEX review_ref ON access.review (kind, reader, patient, ref) WHERE ref IS NOT NULL;
CREATE UNIQUE INDEX review_finding ON access.review (reader, patient, about_on) WHERE kind = 'FINDING';

-- Every judgement that was made of a task, also one that was changed. Append-only.
CREATE TABLE access.review_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  review bigint NOT NULL REFERENCES access.review,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  person bigint NOT NULL,
  judgement text NOT NULL, follow_up text[] NOT NULL, note text NOT NULL, answer text NOT NULL
);
CREATE INDEX review_event_review ON access.review_event (review, id);

-- The controllers that the reviewers of a unit answer for, besides the unit's own. Personvernforordningen art. 26 and 28: by agreement.
CREATE TABLE access.review_scope (
  unit bigint NOT NULL,
  controller bigint NOT NULL,
  source text NOT NULL,
  PRIMARY KEY (unit, controller)
);

-- What a role may do grows with the rooms: a table that a migration adds rows to, instead of a constraint that each one replaces.
CREATE TABLE access.right_kind (code text PRIMARY KEY, about text NOT NULL);
INSERT INTO access.right_kind (code, about) VALUES
 ('read', 'read a record'), ('write', 'write in a record'), ('identify', 'look a person up'), ('register', 'register a contact'),
 ('list', 'see the unit''s lists'), ('sign', 'sign what was written'), ('review', 'judge how access was used');
ALTER TABLE access.role_right DROP CONSTRAINT role_right_action_check;
ALTER TABLE access.role_right ADD CONSTRAINT role_right_action_known FOREIGN KEY (action) REFERENCES access.right_kind;

-- The reviewer opens no record: the tasks and their evidence, and the name of whom a task is about.
INSERT INTO access.role_right (role, action) VALUES ('reviewer', 'review');

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['review_kind', 'review', 'review_event', 'review_scope', 'right_kind'] LOOP
    EXECUTE format('ALTER TABLE access.%I OWNER TO fj_owner', t);
  END LOOP;
END $$;
GRANT SELECT ON access.review_kind, access.review, access.review_event, access.review_scope TO access_core;
GRANT INSERT ON access.review, access.review_event TO access_core;
GRANT UPDATE (state, judgement, follow_up, note, answer, judged_by, judged_at, evidence) ON access.review TO access_core;
