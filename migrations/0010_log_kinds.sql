-- A page shows several kinds of data at once: the log tells them all, not the first alone.
ALTER TABLE access.log ADD COLUMN kinds smallint[];

-- Their shapes change; the rooms' own files make them anew.
DROP FUNCTION IF EXISTS access.log_page(bytea, bigint[], bigint[], bigint[], text, smallint, text, bigint);
DROP FUNCTION IF EXISTS access.own_log(bytea, timestamptz, integer);
