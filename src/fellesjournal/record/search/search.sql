-- What search needs beyond the tables: the acting unit's people, for a name search over them.

-- The patients that the unit in the sealed context has a live need for. Nothing without a seal.
-- Blocks and the reader's own record are kept out by the policies of the rows that these lead to.
CREATE OR REPLACE VIEW access.people WITH (security_barrier) AS
  SELECT r.patient FROM access.roster r
  WHERE r.unit = (SELECT ctx.unit()) AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();
ALTER VIEW access.people OWNER TO access_core;
REVOKE ALL ON access.people FROM PUBLIC;
GRANT SELECT ON access.people TO vault_list;

-- Has the sealed unit at most so many rows with one of these keys? Chooses between two plans of one answer: an index is
-- counted up to the cap, whoever the rows are about, and nothing of them is shown.
CREATE OR REPLACE FUNCTION vault.is_few(p_reference boolean, p_param integer, p_h bigint[], p_cap integer) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_unit bigint := ctx.unit();
BEGIN
  IF p_reference THEN
    RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_reference d
            WHERE d.org = v_unit AND d.param = p_param AND d.h = ANY (p_h) LIMIT p_cap + 1) q);
  END IF;
  RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_token d
          WHERE d.org = v_unit AND d.param = p_param AND d.h = ANY (p_h) LIMIT p_cap + 1) q);
END $$;
ALTER FUNCTION vault.is_few(boolean, integer, bigint[], integer) OWNER TO vault_gate;
REVOKE ALL ON FUNCTION vault.is_few(boolean, integer, bigint[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.is_few(boolean, integer, bigint[], integer) TO vault_list;
GRANT USAGE ON SCHEMA ctx TO vault_gate;
GRANT EXECUTE ON FUNCTION ctx.unit() TO vault_gate;
GRANT SELECT (org, param, h) ON vault.sp_token, vault.sp_reference TO vault_gate;
DROP POLICY IF EXISTS gate ON vault.sp_token;
CREATE POLICY gate ON vault.sp_token FOR SELECT TO vault_gate USING (true);
DROP POLICY IF EXISTS gate ON vault.sp_reference;
CREATE POLICY gate ON vault.sp_reference FOR SELECT TO vault_gate USING (true);
