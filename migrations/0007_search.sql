-- Who refers to a resource: `_has`, `_revinclude` and chains that start from their far end.
CREATE INDEX sp_reference_target ON vault.sp_reference (tpid, param) WHERE tpid IS NOT NULL;

-- People by name and number, whoever their controller is: the policy tells which of them the reader's unit has.
CREATE INDEX sp_string_person ON vault.sp_string (param, v) WHERE pid = patient;
CREATE INDEX sp_token_person ON vault.sp_token (param, h) WHERE pid = patient;
