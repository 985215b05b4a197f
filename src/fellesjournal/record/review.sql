-- What those who look after the log may know of people: whom a task is about, and who is whose neighbour and family.

-- The person of a reviewer's task: names and birth date. Of the strictly protected: that they are. No row: nobody, or not this reviewer's.
CREATE OR REPLACE FUNCTION vault.subject_of_review(p_secret bytea, p_task bigint, p_rtype smallint)
RETURNS TABLE (is_protected boolean, names text, born text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_patient bigint := access.review_patient(p_secret, p_task);
BEGIN
  IF v_patient <= 0 THEN RETURN; END IF;
  PERFORM access.log_event(p_secret, ARRAY[v_patient], 'review', p_rtype, ARRAY[v_patient], 'KONTROLL', p_task, 0::smallint);
  RETURN QUERY
    SELECT x.hidden, CASE WHEN NOT x.hidden THEN x.b ->> 'name' END, CASE WHEN NOT x.hidden THEN x.b ->> 'birthDate' END
    FROM (SELECT vault.is_strictly_protected(r.body) AS hidden, r.body::jsonb AS b FROM vault.resource r
          WHERE r.patient = v_patient AND r.rtype = p_rtype AND r.pid = r.patient AND r.body IS NOT NULL) x;
END $$;

-- What the analysis compares of people (names, birth date, address, numbers, protection, who is family and in what way; no more): the next ones in the order in which they
-- were written, one row a person with the Patient and its RelatedPersons. p_updated … are where the page before ended; NULL: where the last run
-- did, less an hour, since what was written may be seen late. at… tell where this one ends. One line of the log for each page: no person reads it.
CREATE OR REPLACE FUNCTION vault.people_to_read(p_secret bytea, p_updated timestamptz, p_slot smallint, p_pid bigint, p_limit integer)
RETURNS TABLE (at timestamptz, at_slot smallint, at_pid bigint, patient bigint, people text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT access.may_analyse(p_secret) THEN RETURN; END IF;
  IF p_updated IS NULL THEN SELECT u.upto - interval '1 hour', 0, 0 INTO p_updated, p_slot, p_pid FROM vault.people_read u; END IF;
  RETURN QUERY
    WITH page AS MATERIALIZED (
      SELECT r.updated, r.slot, r.pid, r.patient FROM vault.resource r
      WHERE r.rtype IN (103, 114) AND (r.updated, r.slot, r.pid) > (p_updated, p_slot, p_pid)
      ORDER BY r.updated, r.slot, r.pid LIMIT p_limit
    ), last AS (SELECT x.updated, x.slot, x.pid FROM page x ORDER BY x.updated DESC, x.slot DESC, x.pid DESC LIMIT 1)
    SELECT l.updated, l.slot, l.pid, w.patient, w.people
    FROM last l CROSS JOIN (
      SELECT d.patient, coalesce(jsonb_agg(vault.traits_in(o.body)) FILTER (WHERE o.body IS NOT NULL), '[]')::text AS people
      FROM (SELECT DISTINCT x.patient FROM page x WHERE x.patient > 0) d
      LEFT JOIN vault.resource o ON o.patient = d.patient AND o.rtype IN (103, 114) GROUP BY d.patient) w;
  IF FOUND THEN
    PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'index', 103::smallint, NULL, 'SYSTEM', NULL, 0::smallint);
  END IF;
END $$;

-- Of a Patient or a RelatedPerson what the analysis compares.
CREATE OR REPLACE FUNCTION vault.traits_in(p_body text) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('resourceType', b -> 'resourceType', 'name', b -> 'name', 'birthDate', b -> 'birthDate', 'active', b -> 'active', 'period', b -> 'period', 'relationship', b -> 'relationship',
    'address', b -> 'address', 'identifier', b -> 'identifier', 'meta', jsonb_build_object('security', b #> '{meta,security}')))
  FROM (SELECT p_body::jsonb AS b) x
$$;

-- The bucket that a person's record lies in, which an address of ours carries; NULL for nobody.
CREATE OR REPLACE FUNCTION vault.slot_of(p_patient bigint) RETURNS smallint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN (SELECT r.slot FROM vault.resource r WHERE r.patient = p_patient AND r.rtype = 103 AND r.pid = p_patient AND r.slot > 0);
END $$;

-- Remembers how far people were read. False: no grant.
CREATE OR REPLACE FUNCTION vault.people_were_read(p_secret bytea, p_upto timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT access.may_analyse(p_secret) THEN RETURN false; END IF;
  UPDATE vault.people_read SET upto = p_upto;
  RETURN true;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DROP POLICY IF EXISTS kin ON vault.resource;
CREATE POLICY kin ON vault.resource FOR SELECT TO vault_kin USING (rtype IN (103, 114));
DROP POLICY IF EXISTS kin ON vault.people_read;
CREATE POLICY kin ON vault.people_read FOR ALL TO vault_kin USING (true) WITH CHECK (true);
GRANT SELECT (slot, pid, rtype, updated, patient, body) ON vault.resource TO vault_kin;
GRANT SELECT, UPDATE (upto) ON vault.people_read TO vault_kin;
GRANT USAGE ON SCHEMA vault, access TO vault_kin;
GRANT EXECUTE ON FUNCTION access.may_analyse(bytea), access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint) TO vault_kin;
ALTER FUNCTION vault.subject_of_review(bytea, bigint, smallint) OWNER TO vault_identify;
ALTER FUNCTION vault.traits_in(text) OWNER TO vault_kin;
ALTER FUNCTION vault.slot_of(bigint) OWNER TO vault_gate;
REVOKE ALL ON FUNCTION vault.slot_of(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.slot_of(bigint) TO access_core;
ALTER FUNCTION vault.people_to_read(bytea, timestamptz, smallint, bigint, integer) OWNER TO vault_kin;
ALTER FUNCTION vault.people_were_read(bytea, timestamptz) OWNER TO vault_kin;
REVOKE ALL ON FUNCTION vault.subject_of_review(bytea, bigint, smallint), vault.traits_in(text),
  vault.people_to_read(bytea, timestamptz, smallint, bigint, integer), vault.people_were_read(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.subject_of_review(bytea, bigint, smallint) TO fj_web;
GRANT EXECUTE ON FUNCTION vault.people_to_read(bytea, timestamptz, smallint, bigint, integer), vault.people_were_read(bytea, timestamptz) TO fj_worker;
