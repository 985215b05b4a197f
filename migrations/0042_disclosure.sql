-- Reading across responsibilities is a disclosure (utlevering), and stands in the log as one.
-- Personvernforordningen art. 4 (9), 26; pasientjournalloven §§ 8, 9, 19; helsepersonelloven § 45.

-- Within which responsibility nothing is disclosed: who is responsible for the unit's rows, or the one that a joint responsibility is
-- registered under. NULL: a system, which discloses to nobody. Kept by identity.keep_controllers.
ALTER TABLE identity.unit ADD COLUMN sphere bigint;
UPDATE identity.unit u SET sphere = coalesce((
  SELECT c.controller FROM identity.controllership c
  WHERE c.municipality = u.municipality AND (c.kind IS NULL OR c.kind = u.kind) AND c.from_at <= clock_timestamp() AND c.until_at > clock_timestamp()
  ORDER BY c.kind NULLS LAST, c.from_at DESC LIMIT 1), u.entity)
WHERE u.kind <> 'system';

-- The controllers whose rows were shown to a reader of another responsibility; NULL: none.
ALTER TABLE access.log ADD COLUMN disclosed_from bigint[];

-- They get one argument more.
DROP FUNCTION IF EXISTS access.log_pages(bytea[], text[], smallint[], text[], smallint[], text[], bigint[], integer[], bigint[], bigint[], smallint[]),
  access.log_page(bytea, bigint[], bigint[], bigint[], smallint[], text, smallint, text, bigint),
  access.log_export(bigint, bigint, bigint[], smallint[]),
  access.log_of(text, bigint, bigint, bigint[], timestamptz, timestamptz, text, text[], smallint[], text, text, boolean, boolean, timestamptz,
    bigint, integer, bigint, bigint, bigint, bigint, text[], boolean, bigint);
DROP FUNCTION IF EXISTS identity.controller_of(text, text, bigint);
DROP FUNCTION IF EXISTS vault.run_chart(text, integer, bigint[], text[], timestamptz[], double precision[]),
  vault.run_list(text[], integer[], integer, bigint[], text[], timestamptz[], double precision[]),
  vault.run_chart_some(text, integer, bigint[], text[], timestamptz[], double precision[]),
  vault.run_list_some(text[], integer[], integer, bigint[], text[], timestamptz[], double precision[]),
  vault.walk_history(boolean, smallint, smallint[], integer, timestamptz, timestamptz, timestamptz, timestamptz, bigint, integer, interval);
