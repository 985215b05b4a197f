-- Composite parameters: one row for each combination of values that stand together in one group (fhir/composite.py).
-- Nothing was written here before. Positions of Locations stand here too: latitude in lo, longitude in hi, no h.
DROP INDEX vault.sp_composite_list, vault.sp_composite_chart;
ALTER TABLE vault.sp_composite ALTER COLUMN h DROP NOT NULL;    -- keyed hash of the first token's code in any system, or of a reference
ALTER TABLE vault.sp_composite
  ADD COLUMN hs bigint, ADD COLUMN hy bigint,                   -- the same in its own system; the system alone
  ADD COLUMN h2s bigint, ADD COLUMN h2y bigint,                 -- h2: a second token or a unit; in its system; its system, or the unit's text
  ADD COLUMN lo2 double precision, ADD COLUMN hi2 double precision;  -- a second number
CREATE INDEX sp_composite_chart ON vault.sp_composite (patient, param, h, date DESC, pid);
CREATE INDEX sp_composite_list ON vault.sp_composite (org, param, h, date DESC, pid);
CREATE INDEX sp_composite_place ON vault.sp_composite (param, lo, hi) WHERE h IS NULL;

-- Locations by what is called what: the texts of codes and references are strings.
