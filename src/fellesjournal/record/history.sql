-- History of a type and of the whole: every version in a chart or in a unit's own rows, newest first, as search sees them.

-- An old version is shown only where the current one is: what was taken back since stays back.
DROP POLICY IF EXISTS current ON vault.history;
CREATE POLICY current ON vault.history AS RESTRICTIVE FOR SELECT TO vault_chart, vault_list USING (
  EXISTS (SELECT 1 FROM vault.resource c WHERE c.slot = history.slot AND c.pid = history.pid));

-- Keys of versions in the sealed scope below a place in the order, newest first; no content, and nothing without a seal.
-- p_rtype 0 = every type. Each branch walks one index: history_directory, history_chart, history_list; the last one once for each
-- type when all are asked for, since a unit's rows are in order within a type.
CREATE OR REPLACE FUNCTION vault.history_keys(p_directory boolean, p_rtype smallint, p_types smallint[], p_since timestamptz,
                                              p_updated timestamptz, p_pid bigint, p_version integer, p_limit integer)
RETURNS TABLE (slot smallint, pid bigint, version integer, updated timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_unit bigint := ctx.unit(); v_patients bigint[] := array_remove(ctx.patients(), 0);
BEGIN
  IF v_patients IS NULL THEN RETURN; END IF;
  IF p_directory THEN
    RETURN QUERY
      SELECT h.slot, h.pid, h.version, h.updated FROM vault.history h
      WHERE h.patient = 0 AND h.rtype = p_rtype AND h.updated >= p_since AND h.updated <= p_updated
        AND (h.updated, h.pid, h.version) < (p_updated, p_pid, p_version)
      ORDER BY h.updated DESC, h.pid DESC, h.version DESC LIMIT p_limit;
  ELSIF cardinality(v_patients) > 0 THEN
    RETURN QUERY
      SELECT h.slot, h.pid, h.version, h.updated FROM vault.history h
      WHERE h.patient = v_patients[1] AND h.patient > 0
        AND CASE p_rtype WHEN 0 THEN h.rtype = ANY (p_types) ELSE h.rtype = p_rtype END
        AND h.updated >= p_since AND h.updated <= p_updated AND (h.updated, h.pid, h.version) < (p_updated, p_pid, p_version)
      ORDER BY h.updated DESC, h.pid DESC, h.version DESC LIMIT p_limit;
  ELSE
    RETURN QUERY
      SELECT k.slot, k.pid, k.version, k.updated
      FROM unnest(CASE WHEN p_rtype = 0 THEN p_types ELSE ARRAY[p_rtype] END) AS t (rtype)
      CROSS JOIN LATERAL (
        SELECT h.slot, h.pid, h.version, h.updated FROM vault.history h
        WHERE h.org = v_unit AND h.rtype = t.rtype AND h.updated >= p_since AND h.updated <= p_updated
          AND (h.updated, h.pid, h.version) < (p_updated, p_pid, p_version)
        ORDER BY h.updated DESC, h.pid DESC, h.version DESC LIMIT p_limit) k
      ORDER BY k.updated DESC, k.pid DESC, k.version DESC LIMIT p_limit;
  END IF;
END $$;

-- One page of it: the versions that the caller's policies let through, until there are p_count, or the time is up.
-- k: 1 created, 2 updated, 3 deleted (body empty); 9 = there may be more below this key, which is for the cursor alone.
-- p_from, p_until: current at some time in [p_from, p_until); a deletion: made in it.
CREATE OR REPLACE FUNCTION vault.walk_history(
  p_directory boolean, p_rtype smallint, p_types smallint[], p_count integer, p_since timestamptz, p_from timestamptz, p_until timestamptz,
  p_updated timestamptz, p_pid bigint, p_version integer, p_time interval DEFAULT '1 second')
RETURNS TABLE (k smallint, slot smallint, pid bigint, rtype smallint, version integer, updated timestamptz, patient bigint,
               sort timestamptz, body text, org bigint)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE x record; v_end timestamptz := clock_timestamp() + p_time; v_left integer := p_count; v_seen integer; v_is_shown boolean;
        v_updated timestamptz := p_updated; v_pid bigint := p_pid; v_version integer := p_version;
BEGIN
  <<walk>> LOOP
    v_seen := 0;
    FOR x IN SELECT q.slot, q.pid, q.version, q.updated
             FROM vault.history_keys(p_directory, p_rtype, p_types, p_since, v_updated, v_pid, v_version, p_count + 1) q LOOP
      SELECT CASE h.op WHEN 'C' THEN 1 WHEN 'U' THEN 2 ELSE 3 END, h.slot, h.pid, h.rtype, h.version, h.updated, h.patient, h.updated,
             coalesce(h.body, ''), h.org
      INTO k, slot, pid, rtype, version, updated, patient, sort, body, org
      FROM vault.history h
      WHERE h.slot = x.slot AND h.pid = x.pid AND h.version = x.version AND h.updated < p_until
        AND (h.updated >= p_from OR (h.op <> 'D' AND NOT EXISTS (
          SELECT 1 FROM vault.history n WHERE n.slot = h.slot AND n.pid = h.pid AND n.version = h.version + 1 AND n.updated <= p_from)));
      v_is_shown := FOUND;
      EXIT walk WHEN v_is_shown AND v_left = 0;
      v_seen := v_seen + 1; v_updated := x.updated; v_pid := x.pid; v_version := x.version;
      IF v_is_shown THEN
        v_left := v_left - 1;
        RETURN NEXT;
      END IF;
      EXIT walk WHEN clock_timestamp() > v_end;
    END LOOP;
    IF v_seen <= p_count THEN RETURN; END IF;
  END LOOP;
  k := 9; slot := NULL; pid := v_pid; rtype := NULL; version := v_version; updated := NULL; patient := NULL; sort := v_updated; body := NULL; org := NULL;
  RETURN NEXT;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

REVOKE ALL ON FUNCTION vault.history_keys(boolean, smallint, smallint[], timestamptz, timestamptz, bigint, integer, integer),
  vault.walk_history(boolean, smallint, smallint[], integer, timestamptz, timestamptz, timestamptz, timestamptz, bigint, integer, interval)
  FROM PUBLIC;
ALTER FUNCTION vault.history_keys(boolean, smallint, smallint[], timestamptz, timestamptz, bigint, integer, integer) OWNER TO vault_gate;
ALTER FUNCTION vault.walk_history(boolean, smallint, smallint[], integer, timestamptz, timestamptz, timestamptz, timestamptz, bigint, integer,
                                  interval) OWNER TO fj_owner;
GRANT SELECT (updated) ON vault.history TO vault_gate;
GRANT EXECUTE ON FUNCTION ctx.patients() TO vault_gate;
GRANT EXECUTE ON FUNCTION vault.history_keys(boolean, smallint, smallint[], timestamptz, timestamptz, bigint, integer, integer),
  vault.walk_history(boolean, smallint, smallint[], integer, timestamptz, timestamptz, timestamptz, timestamptz, bigint, integer, interval)
  TO vault_chart, vault_list;
