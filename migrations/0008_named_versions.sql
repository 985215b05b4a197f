-- Which versions of a resource name another patient: an old version stays hidden from those who may not see everyone in it,
-- also when a later version names nobody else.
ALTER TABLE vault.other_patient ADD COLUMN from_version integer NOT NULL DEFAULT 1;
ALTER TABLE vault.other_patient ADD COLUMN to_version integer;  -- NULL: the current version too
ALTER TABLE vault.other_patient DROP CONSTRAINT other_patient_pkey;
ALTER TABLE vault.other_patient ADD PRIMARY KEY (slot, pid, patient, from_version);
