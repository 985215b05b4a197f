-- Deletion of entries (helsepersonelloven § 43): who asked, who proposed, who carried it out, and what is left to say of it.

DO $$
BEGIN
  CREATE ROLE vault_erase NOLOGIN NOSUPERUSER NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
END $$;

-- One row for each wish to have an entry deleted. When it is done, it is the entry's tombstone: who, when and on which basis, no content.
-- basis: code of Volven 9234, or 0 when a citizen asks for a correction alone (§ 42), which one person answers; to_…: where the entry was moved to, when it had been written about the wrong person.
CREATE TABLE vault.erasure (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slot smallint NOT NULL, pid bigint NOT NULL, rtype smallint NOT NULL, patient bigint NOT NULL, org bigint NOT NULL,
  basis smallint NOT NULL CHECK (basis IN (0, 2, 3, 5)),
  reason text NOT NULL CHECK (length(reason) <= 2000),   -- emptied when it is done: it tells what was there
  state text NOT NULL CHECK (state IN ('asked', 'proposed', 'refused', 'done')),
  by_citizen boolean NOT NULL,
  asked_by bigint NOT NULL, asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  proposed_by bigint, proposed_at timestamptz,
  decided_by bigint, decided_at timestamptz,
  answer text NOT NULL DEFAULT '' CHECK (length(answer) <= 2000),
  CHECK (state <> 'done' OR basis = 0 OR (proposed_by IS NOT NULL AND decided_by IS NOT NULL AND proposed_by <> decided_by))
);
CREATE UNIQUE INDEX erasure_open ON vault.erasure (slot, pid) WHERE state IN ('asked', 'proposed');
CREATE INDEX erasure_patient ON vault.erasure (patient);
CREATE INDEX erasure_unit ON vault.erasure (org) WHERE state IN ('asked', 'proposed');

-- What goes with it: the note's diagnoses, a document's content.
CREATE TABLE vault.erasure_item (
  erasure bigint NOT NULL REFERENCES vault.erasure, slot smallint NOT NULL, pid bigint NOT NULL, rtype smallint NOT NULL,
  PRIMARY KEY (erasure, slot, pid)
);

-- Who may be one of the two. Helsepersonelloven § 43: the one who is responsible for health care; a licence is asked for.
INSERT INTO access.right_kind (code, about) VALUES ('erase', 'be one of the two who delete an entry');
INSERT INTO access.role_right (role, action) SELECT role, 'erase' FROM unnest(ARRAY['lege', 'sykepleier', 'helsesykepleier']) AS role;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['erasure', 'erasure_item'] LOOP
    EXECUTE format('ALTER TABLE vault.%I OWNER TO fj_owner', t);
    EXECUTE format('ALTER TABLE vault.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE vault.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
END $$;
