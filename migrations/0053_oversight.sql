-- Well-known people and who reviews for whom: kept by administrators too, with the time that it holds, and every change on record.

-- Who is known is named by keyed hashes of the national number, as whoever works here: the list tells nobody who has a record, and holds for
-- a Patient who comes later. An operator may name a Patient instead. entity: whose administrators keep the row; NULL: operators.
ALTER TABLE access.known_person DROP CONSTRAINT known_person_pkey;
ALTER TABLE access.known_person ALTER COLUMN patient DROP NOT NULL;
ALTER TABLE access.known_person ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
ALTER TABLE access.known_person ADD COLUMN name text NOT NULL DEFAULT '' CHECK (length(name) <= 200);
ALTER TABLE access.known_person ADD COLUMN number_hash bytea;
ALTER TABLE access.known_person ADD COLUMN keys bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE access.known_person ADD COLUMN entity bigint REFERENCES identity.unit;
ALTER TABLE access.known_person ADD CHECK (patient IS NOT NULL OR (number_hash IS NOT NULL AND keys <> '{}'));
CREATE UNIQUE INDEX known_person_number ON access.known_person (coalesce(entity, 0), number_hash) WHERE number_hash IS NOT NULL;
CREATE UNIQUE INDEX known_person_patient ON access.known_person (patient) WHERE patient IS NOT NULL;

ALTER TABLE access.review_scope ADD COLUMN from_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE access.review_scope ALTER COLUMN from_at SET DEFAULT clock_timestamp();
ALTER TABLE access.review_scope ADD COLUMN until_at timestamptz NOT NULL DEFAULT 'infinity';
ALTER TABLE access.review_scope ADD CHECK (length(source) <= 200) NOT VALID;

ALTER TABLE identity.change DROP CONSTRAINT change_subject_check;
ALTER TABLE identity.change ADD CONSTRAINT change_subject_check
  CHECK (subject IN ('unit', 'person', 'post', 'right', 'controllership', 'client', 'known', 'review'));

-- What was done before it was written down.
INSERT INTO identity.change (at, operator, subject, subject_id, did, after)
SELECT k.from_at, k.kept_by, 'known', k.id, 'added', jsonb_build_object('name', k.name, 'reason', k.reason) FROM access.known_person k;
ALTER TABLE access.known_person DROP COLUMN kept_by;
