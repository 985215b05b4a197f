-- Reviewers ask what was done at a unit in a time.
CREATE INDEX log_unit ON access.log (unit, at DESC);
