-- Who refers to a resource: `_has`, `_revinclude` and chains that start from their far end.
CREATE INDEX sp_reference_target ON vault.sp_reference (tpid, param) WHERE tpid IS NOT NULL;
