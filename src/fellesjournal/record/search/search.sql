-- What search needs beyond the tables: the acting unit's people, for a name search over them.

-- The patients that the unit in the sealed context has a live need for. Nothing without a seal.
-- Blocks and the reader's own record are kept out by the policies of the rows that these lead to.
CREATE OR REPLACE VIEW access.people WITH (security_barrier) AS
  SELECT r.patient FROM access.roster r
  WHERE r.unit = (SELECT ctx.unit()) AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();
ALTER VIEW access.people OWNER TO access_core;
REVOKE ALL ON access.people FROM PUBLIC;
GRANT SELECT ON access.people TO vault_list;
