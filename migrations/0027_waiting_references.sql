-- A name that is referred to before anything is made under it has a row that leads nowhere yet (vault.meet_names).
ALTER TABLE vault.chosen_id ALTER COLUMN slot DROP NOT NULL, ALTER COLUMN pid DROP NOT NULL;
ALTER TABLE vault.chosen_id ADD CONSTRAINT chosen_id_leads CHECK ((slot IS NULL) = (pid IS NULL));

-- References that lead to nothing here are found by what they say when it is made.
CREATE INDEX sp_reference_waiting ON vault.sp_reference (h) WHERE tpid IS NULL;
