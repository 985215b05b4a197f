-- Which rows are sensitive: found at write from the codings, the labels and the unit that wrote them; and again when the configuration changes.

-- The sensitive bits of one body. Most bodies have no coding of a system that the configuration knows, which costs one look at the text.
CREATE OR REPLACE FUNCTION vault.sensitive_bits(p_body text, p_org bigint) RETURNS smallint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_systems text[]; v_codes text[];
BEGIN
  IF p_body ~ '(4\.1\.1\.7170"|4\.1\.1\.7110"|"security":|urn:fellesjournal:sensitivity)' THEN
    SELECT array_agg(c ->> 'system'), array_agg(c ->> 'code') INTO v_systems, v_codes FROM (
      SELECT jsonb_path_query(b.body, '$.**.coding[*]') AS c FROM (SELECT p_body::jsonb AS body) b
      UNION ALL SELECT jsonb_path_query(b.body, '$.meta.security[*]') FROM (SELECT p_body::jsonb AS body) b
      UNION ALL SELECT jsonb_path_query(b.body, '$.securityLabel[*].coding[*]') FROM (SELECT p_body::jsonb AS body) b) q
    WHERE jsonb_typeof(c) = 'object';
  END IF;
  RETURN access.sensitive_bits(coalesce(v_systems, '{}'), coalesce(v_codes, '{}'), p_org);
END $$;

-- The classes of rows about to be written, with their sensitive bits; directory rows have none. What is deleted keeps its class.
CREATE OR REPLACE FUNCTION vault.classified(p_sens smallint[], p_op text[], p_tail text[], p_org bigint[], p_patient bigint[]) RETURNS smallint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v smallint[];
BEGIN
  v := ARRAY(SELECT CASE WHEN a.op = 'D' OR a.patient = 0 THEN a.sens
                         ELSE a.sens | vault.sensitive_bits('{"meta":{"versionId":"' || a.tail, a.org) END
             FROM unnest(p_sens, p_op, p_tail, p_org, p_patient) WITH ORDINALITY AS a (sens, op, tail, org, patient, ord) ORDER BY a.ord);
  IF EXISTS (SELECT 1 FROM unnest(v) AS q (x) WHERE x & 992 <> 0) THEN
    PERFORM access.has_sensitive(ARRAY(SELECT a.patient FROM unnest(v, p_patient) AS a (sens, patient) WHERE a.sens & 992 <> 0));
  END IF;
  RETURN v;
END $$;

-- The next people after one, for a job that looks at everybody: numbers alone.
CREATE OR REPLACE FUNCTION vault.people_after(p_after bigint, p_limit integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ARRAY(SELECT r.patient FROM vault.resource r WHERE r.patient > p_after AND r.pid = r.patient ORDER BY r.patient LIMIT p_limit);
END $$;

-- Looks at the rows of the next so many people with the configuration of today; how many people are looked at, 0 when all have been.
-- One short transaction each; stopped anywhere it goes on from there. Nothing comes out.
CREATE OR REPLACE FUNCTION vault.reclassify(p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE c record; v_people bigint[]; r record; t text; v_config text := access.sensitive_config();
BEGIN
  SELECT * INTO c FROM vault.classing FOR UPDATE;
  IF c.config IS DISTINCT FROM v_config THEN c.at_patient := 0; ELSIF c.is_done THEN RETURN 0; END IF;
  v_people := vault.people_after(c.at_patient, p_limit);
  PERFORM set_config('fj.shielding', v_people::text, true);
  FOR r IN SELECT h.slot, h.pid, h.version, h.patient, vault.sensitive_bits(coalesce(w.body, h.body), h.org) AS bits, h.sens & 992 AS now
           FROM vault.history h LEFT JOIN vault.shielded w ON w.slot = h.slot AND w.pid = h.pid AND w.version = h.version
           WHERE h.patient = ANY (v_people) AND h.body IS NOT NULL LOOP
    CONTINUE WHEN r.bits = r.now;
    UPDATE vault.history h SET sens = h.sens & ~992 | r.bits WHERE h.slot = r.slot AND h.pid = r.pid AND h.version = r.version;
    UPDATE vault.resource x SET sens = x.sens & ~992 | r.bits WHERE x.slot = r.slot AND x.pid = r.pid AND x.version = r.version;
    IF FOUND THEN
      FOREACH t IN ARRAY ARRAY['sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
        EXECUTE format('UPDATE vault.%I x SET sens = x.sens & ~992 | $1 WHERE x.patient = $2 AND x.pid = $3', t) USING r.bits, r.patient, r.pid;
      END LOOP;
    END IF;
    IF r.bits <> 0 THEN PERFORM access.has_sensitive(ARRAY[r.patient]); END IF;
  END LOOP;
  PERFORM set_config('fj.shielding', '', true);
  PERFORM vault.attach_all(v_people);
  UPDATE vault.classing SET config = v_config, at_patient = coalesce(v_people[cardinality(v_people)], c.at_patient), is_done = cardinality(v_people) < p_limit;
  RETURN cardinality(v_people);
END $$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['sp_date', 'sp_quantity', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS shield ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY shield ON vault.%I FOR ALL TO vault_shield
      USING (patient = ANY ((SELECT nullif(current_setting('fj.shielding', true), ''))::bigint[]))
      WITH CHECK (patient = ANY ((SELECT nullif(current_setting('fj.shielding', true), ''))::bigint[]))$p$, t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['sp_token', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('GRANT SELECT, UPDATE (sens) ON vault.%I TO vault_shield', t);
  END LOOP;
END $$;
ALTER FUNCTION vault.sensitive_bits(text, bigint) OWNER TO vault_shield;
ALTER FUNCTION vault.classified(smallint[], text[], text[], bigint[], bigint[]) OWNER TO vault_shield;
ALTER FUNCTION vault.people_after(bigint, integer) OWNER TO vault_gate;
ALTER FUNCTION vault.reclassify(integer) OWNER TO vault_shield;
REVOKE ALL ON FUNCTION vault.sensitive_bits(text, bigint), vault.classified(smallint[], text[], text[], bigint[], bigint[]),
  vault.people_after(bigint, integer), vault.reclassify(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.classified(smallint[], text[], text[], bigint[], bigint[]) TO vault_write;
GRANT EXECUTE ON FUNCTION vault.people_after(bigint, integer) TO vault_shield;
GRANT EXECUTE ON FUNCTION vault.reclassify(integer) TO fj_worker;
GRANT EXECUTE ON FUNCTION access.sensitive_bits(text[], text[], bigint), access.has_sensitive(bigint[]), access.sensitive_config() TO vault_shield;
