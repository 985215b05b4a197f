-- Which content (Binary) stands behind which entry's attachments: the content is closed as the entries are. Filled by record/contents.sql,
-- for what was written before by the worker, once.

CREATE TABLE vault.attached (
  holder bigint NOT NULL,      -- the entry, and its bucket
  slot smallint NOT NULL,
  name text NOT NULL,          -- the content's id as the entry spells it
  patient bigint NOT NULL,     -- the entry's
  content bigint,              -- in the same bucket or in 0; NULL: nothing has that id yet
  PRIMARY KEY (holder, name)
);
CREATE INDEX attached_content ON vault.attached (content);
CREATE INDEX attached_waiting ON vault.attached (name) WHERE content IS NULL;
ALTER TABLE vault.attached OWNER TO fj_owner;
ALTER TABLE vault.attached ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.attached FORCE ROW LEVEL SECURITY;
