-- An id that a client chose is unique within the unit that chose it: what another unit has, nobody learns by choosing.
-- Nothing wrote to the table before, so that the column needs no value for old rows.
ALTER TABLE vault.chosen_id ADD COLUMN org bigint NOT NULL;
ALTER TABLE vault.chosen_id DROP CONSTRAINT chosen_id_pkey;
ALTER TABLE vault.chosen_id ADD PRIMARY KEY (rtype, id, org);
CREATE UNIQUE INDEX chosen_id_row ON vault.chosen_id (slot, pid);

-- Old answers are looked for by their age.
CREATE INDEX idempotency_made ON vault.idempotency (made_at);
