-- Rows withheld from parents: bit 2 of what staff named and of all that would reveal it, as long as the withholding stands; what is written later
-- comes under it as under a block (record/blocks.sql). A label that a row brought itself (Volven 9603) stands until it is taken away there.

-- Withholds rows (p_slots and p_pids go together) that the caller sees. verdict: 'ok', 'none', 'unknown' (hidden or absent rows), 'ground', 'reason', 'many'.
CREATE OR REPLACE FUNCTION vault.withhold(p_secret bytea, p_patient bigint, p_slots smallint[], p_pids bigint[], p_ground text, p_reason text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_kinds smallint[]; m record;
BEGIN
  PERFORM pg_advisory_xact_lock(7310, (p_patient % 64)::integer);  -- as `vault.hold_against_blocks` says
  PERFORM set_config('fj.classing', ARRAY[p_patient]::text, true);
  SELECT array_agg(r.rtype) INTO v_kinds
  FROM unnest(p_slots, p_pids) AS q (slot, pid) JOIN vault.resource r ON r.slot = q.slot AND r.pid = q.pid AND r.patient = p_patient
  JOIN access.judge(p_secret, ARRAY[p_patient], 'read') j ON j.allow
  WHERE r.pid <> p_patient AND r.body IS NOT NULL AND ((r.sens & j.closed) = 0 OR vault.may_see(sha256(p_secret), r.sens & j.closed, r.slot, r.pid));
  IF coalesce(cardinality(v_kinds), 0) <> cardinality(p_pids) OR cardinality(p_pids) = 0 THEN RETURN 'unknown'; END IF;
  SELECT * INTO m FROM access.withholding_put(p_secret, p_patient, p_pids, v_kinds[1], p_ground, p_reason);
  IF m.verdict = 'ok' THEN PERFORM vault.spread_blocks(p_patient, NULL, -m.id); END IF;
  PERFORM set_config('fj.classing', '', true);
  RETURN m.verdict;
END $$;

-- Ends one: rows that nothing else withholds are open to parents again. verdict: 'ok', 'none', 'reason'.
CREATE OR REPLACE FUNCTION vault.withhold_end(p_secret bytea, p_patient bigint, p_id bigint, p_reason text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE m record;
BEGIN
  PERFORM pg_advisory_xact_lock(7310, (p_patient % 64)::integer);
  SELECT * INTO m FROM access.withholding_end(p_secret, p_patient, p_id, p_reason);
  IF m.verdict = 'ok' THEN PERFORM vault.open_withheld(p_patient, m.pids); END IF;
  RETURN m.verdict;
END $$;

-- Takes bit 2 from rows that no withholding covers, unless they have it of themselves: internal rows and unknown labels have bit 4 too, a row's own
-- label stands in its body, and content is as closed as what it belongs to.
CREATE OR REPLACE FUNCTION vault.open_withheld(p_patient bigint, p_pids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_left bigint[] := access.withheld_among(p_pids); v_open bigint[]; t text;
BEGIN
  PERFORM set_config('fj.classing', ARRAY[p_patient]::text, true);
  v_open := ARRAY(SELECT r.pid FROM vault.resource r WHERE r.patient = p_patient AND r.pid = ANY (p_pids) AND r.pid <> ALL (v_left)
                  AND (r.sens & 6) = 2 AND r.rtype <> 9 AND coalesce(r.body !~ 'NORN_FORANS', true));
  v_open := v_open || ARRAY(
    SELECT r.pid FROM vault.resource r WHERE r.patient = p_patient AND r.pid = ANY (p_pids) AND r.pid <> ALL (v_left) AND (r.sens & 6) = 2 AND r.rtype = 9
      AND NOT EXISTS (SELECT 1 FROM vault.blob o JOIN vault.resource c ON c.pid = o.context_pid WHERE o.pid = r.pid AND (c.sens & 2) <> 0 AND c.pid <> ALL (v_open)));
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('UPDATE vault.%I x SET sens = (x.sens & ~2)::smallint WHERE x.patient = $1 AND x.pid = ANY ($2) AND (x.sens & 2) <> 0 %s', t,
                   CASE t WHEN 'history' THEN $q$AND coalesce(x.body !~ 'NORN_FORANS', true)$q$ ELSE '' END) USING p_patient, v_open;
  END LOOP;
  PERFORM set_config('fj.classing', '', true);
END $$;

-- Those of these rows that are closed to parents now, by a withholding or a label, for staff who may open the record.
CREATE OR REPLACE FUNCTION vault.withheld_now(p_secret bytea, p_patient bigint, p_pids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (SELECT j.allow AND j.kind = 'staff' FROM access.judge(p_secret, ARRAY[p_patient], 'read') j) IS NOT TRUE THEN RETURN '{}'; END IF;
  RETURN ARRAY(SELECT r.pid FROM vault.resource r WHERE r.patient = p_patient AND r.pid = ANY (p_pids) AND (r.sens & 2) <> 0);
END $$;

ALTER FUNCTION vault.withhold(bytea, bigint, smallint[], bigint[], text, text) OWNER TO vault_class;
ALTER FUNCTION vault.withhold_end(bytea, bigint, bigint, text) OWNER TO vault_class;
ALTER FUNCTION vault.open_withheld(bigint, bigint[]) OWNER TO vault_class;
ALTER FUNCTION vault.withheld_now(bytea, bigint, bigint[]) OWNER TO vault_gate;
REVOKE ALL ON FUNCTION vault.withhold(bytea, bigint, smallint[], bigint[], text, text), vault.withhold_end(bytea, bigint, bigint, text),
  vault.open_withheld(bigint, bigint[]), vault.withheld_now(bytea, bigint, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.withholding_put(bytea, bigint, bigint[], smallint, text, text), access.withholding_end(bytea, bigint, bigint, text),
  access.withheld_among(bigint[]) TO vault_class;
GRANT EXECUTE ON FUNCTION access.judge(bytea, bigint[], text) TO vault_gate;
GRANT EXECUTE ON FUNCTION vault.withhold(bytea, bigint, smallint[], bigint[], text, text), vault.withhold_end(bytea, bigint, bigint, text),
  vault.withheld_now(bytea, bigint, bigint[]) TO fj_web;
