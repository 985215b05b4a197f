-- What staff see and do about those who act for a patient: the overview, one parent kept out, items withheld from parents, what parents of
-- a young person were told. Pasient- og brukerrettighetsloven §§ 3-4 og 5-1. What of it is a rule stands in representation.sql.

DROP FUNCTION IF EXISTS access.overview_of_representatives(bytea, bigint), access.withhold_grounds(text),
  access.parent_cut_put(bytea, bigint, bigint, text, text, boolean), access.withholding_put(bytea, bigint, bigint[], boolean, text, text);

-- Everyone who is parent, guardian or proxy of a patient whom this member of staff may open, with what it opens now: 'ALL', 'LESS'
-- (12–15), 'AREAS', 'CUT', or 'NONE' (no responsibility, no shared address, too old, protected). `areas_…`: what a fullmakt holds; empty = all.
-- from_at, source: the fact's own; until_at: when what it opens ends, NULL = no end. Logged by the page that shows it.
CREATE OR REPLACE FUNCTION access.overview_of_representatives(p_secret bytea, p_patient bigint)
RETURNS TABLE (person bigint, name text, ground text, relation text, has_responsibility boolean, shares_address boolean, opens text, may_act boolean,
               from_at timestamptz, until_at timestamptz, source text, areas_nb text, areas_nn text, areas_en text, cut bigint, cut_ground_nb text,
               cut_ground_nn text, cut_ground_en text, cut_reason text, cut_at timestamptz, cut_by text, cut_unit text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF (SELECT j.allow AND j.kind = 'staff' FROM access.judge(p_secret, ARRAY[p_patient], 'read') j) IS NOT TRUE THEN RETURN; END IF;
  RETURN QUERY
    SELECT f.person, p.name, f.ground, f.relation, f.has_responsibility, f.shares_address,
           CASE WHEN c.ref IS NOT NULL THEN 'CUT' WHEN x.person IS NULL THEN 'NONE' WHEN x.areas <> '{}' THEN 'AREAS'
                WHEN x.ground = 'FORELDER' AND NOT x.may_act THEN 'LESS' ELSE 'ALL' END, coalesce(x.may_act, false),
           f.from_at, CASE WHEN isfinite(x.until_at) THEN x.until_at END, f.source, a.nb, a.nn, a.en,
           c.ref, g.name_nb, g.name_nn, g.name_en, k.reason, k.from_at, kp.name, ku.name
    FROM (SELECT h.parent AS person, 'FORELDER'::text AS ground, h.relation, h.has_responsibility, h.shares_address, h.from_at, h.source, '{}'::text[] AS areas
          FROM access.parenthood h WHERE h.child = p_patient AND h.from_at <= clock_timestamp() AND h.until_at > clock_timestamp()
          UNION ALL SELECT h.guardian, 'VERGE', 'verge', NULL, NULL, h.from_at, h.source, '{}' FROM access.guardianship h
          WHERE h.ward = p_patient AND h.from_at <= clock_timestamp() AND h.until_at > clock_timestamp()
          UNION ALL SELECT h.receiver, 'FULLMAKT', 'fullmektig', NULL, NULL, h.from_at, h.source, h.areas FROM access.proxy h
          WHERE h.giver = p_patient AND h.revoked_at IS NULL AND h.from_at <= clock_timestamp() AND h.until_at > clock_timestamp()) f
    JOIN identity.person p ON p.id = f.person
    LEFT JOIN LATERAL (SELECT r.* FROM access.representative r WHERE r.person = f.person AND r.patient = p_patient AND r.ground = f.ground
                       AND r.areas = f.areas ORDER BY r.until_at DESC LIMIT 1) x ON true
    LEFT JOIN LATERAL (SELECT string_agg(q.name_nb, ', ') AS nb, string_agg(q.name_nn, ', ') AS nn, string_agg(q.name_en, ', ') AS en
                       FROM access.proxy_area q WHERE q.code = ANY (f.areas)) a ON true
    LEFT JOIN access.as_cut_off c ON c.person = f.person AND c.patient = p_patient AND f.ground = 'FORELDER'
    LEFT JOIN access.parent_cut k ON k.id = c.ref LEFT JOIN access.withhold_ground g ON g.code = k.ground
    LEFT JOIN identity.person kp ON kp.id = k.person LEFT JOIN identity.unit ku ON ku.id = k.unit
    ORDER BY f.ground, p.name;
END $$;

-- The grounds that hold for a patient of this age today, of a kind: 'PARENT', 'ITEM' or 'TELL'. For staff who may open the record.
CREATE OR REPLACE FUNCTION access.withhold_grounds(p_secret bytea, p_patient bigint, p_what text)
RETURNS TABLE (code text, name_nb text, name_nn text, name_en text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF (SELECT j.allow AND j.kind = 'staff' FROM access.judge(p_secret, ARRAY[p_patient], 'read') j) IS NOT TRUE THEN RETURN; END IF;
  RETURN QUERY SELECT g.code, g.name_nb, g.name_nn, g.name_en FROM access.grounds_for(p_patient, p_what) g ORDER BY g.code;
END $$;

-- The same for the functions of this file.
CREATE OR REPLACE FUNCTION access.grounds_for(p_patient bigint, p_what text) RETURNS SETOF access.withhold_ground
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.* FROM access.withhold_ground g CROSS JOIN LATERAL access.about(p_patient) a
  WHERE g.what = p_what AND clock_timestamp() >= access.reaches(a.born_on, g.from_age) AND clock_timestamp() < access.reaches(a.born_on, g.until_age)
    AND (clock_timestamp() AT TIME ZONE 'Europe/Oslo')::date >= g.valid_from AND (clock_timestamp() AT TIME ZONE 'Europe/Oslo')::date < g.valid_until
$$;

-- A member of staff who may write in this record now, by no app. No row: nobody such.
CREATE OR REPLACE FUNCTION access.staff_writer(p_secret bytea, p_patient bigint)
RETURNS TABLE (id bigint, person bigint, unit bigint, ground text, ref bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.id, l.person, l.unit, j.ground, j.ref FROM access.judge(p_secret, ARRAY[p_patient], 'write') j JOIN identity.live l ON l.id = j.session
  WHERE j.allow AND j.kind = 'staff' AND l.app IS NULL
$$;

-- Keeps one parent out of a child's record, or lets them in again (p_off): staff who may write in it, each with a reason. Logged.
-- 'ok', 'none', 'ground', 'reason'.
CREATE OR REPLACE FUNCTION access.parent_cut_put(p_secret bytea, p_child bigint, p_parent bigint, p_ground text, p_reason text, p_off boolean)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_is_cut boolean;
BEGIN
  SELECT * INTO s FROM access.staff_writer(p_secret, p_child);
  IF NOT FOUND OR NOT EXISTS (SELECT 1 FROM access.parenthood f WHERE f.child = p_child AND f.parent = p_parent) THEN RETURN 'none'; END IF;
  IF btrim(coalesce(p_reason, '')) = '' THEN RETURN 'reason'; END IF;
  -- Two who cut off the same parent at once make one fact.
  PERFORM pg_advisory_xact_lock(7311, (p_child % 1024)::integer);
  v_is_cut := EXISTS (SELECT 1 FROM access.as_cut_off c WHERE c.person = p_parent AND c.patient = p_child);
  IF p_off THEN
    IF NOT v_is_cut THEN RETURN 'none'; END IF;
    UPDATE access.parent_cut c SET until_at = clock_timestamp(), ended_by = s.person, end_reason = left(p_reason, 2000)
    WHERE c.child = p_child AND c.parent = p_parent AND c.until_at > clock_timestamp();
    PERFORM access.log_event(p_secret, ARRAY[p_child], 'cut_end', 0::smallint, NULL, s.ground, s.ref, 0::smallint);
    RETURN 'ok';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM access.grounds_for(p_child, 'PARENT') g WHERE g.code = p_ground) THEN RETURN 'ground'; END IF;
  IF NOT v_is_cut THEN
    INSERT INTO access.parent_cut (child, parent, ground, reason, person, unit, session)
    VALUES (p_child, p_parent, p_ground, left(p_reason, 2000), s.person, s.unit, s.id);
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_child], 'cut', 0::smallint, NULL, s.ground, s.ref, 0::smallint);
  RETURN 'ok';
END $$;

-- ── Items withheld from parents: `vault.withhold` calls these, which alone knows the rows ─────────────────

-- Withholds rows. verdict: 'ok', 'none', 'ground', 'reason', 'many' (two hundred stand already). id: the withholding's number.
CREATE OR REPLACE FUNCTION access.withholding_put(p_secret bytea, p_patient bigint, p_pids bigint[], p_kind smallint, p_ground text, p_reason text,
                                                  OUT verdict text, OUT id bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record;
BEGIN
  SELECT * INTO s FROM access.staff_writer(p_secret, p_patient);
  verdict := CASE
    WHEN s.id IS NULL THEN 'none'
    WHEN NOT EXISTS (SELECT 1 FROM access.grounds_for(p_patient, 'ITEM') g WHERE g.code = p_ground) THEN 'ground'
    WHEN btrim(coalesce(p_reason, '')) = '' THEN 'reason'
    WHEN (SELECT count(*) FROM access.withholding w WHERE w.patient = p_patient AND w.until_at = 'infinity') >= 200 THEN 'many'
    ELSE 'ok' END;
  IF verdict <> 'ok' THEN RETURN; END IF;
  INSERT INTO access.withholding (patient, what, ground, reason, person, unit, session)
  VALUES (p_patient, p_pids, p_ground, left(p_reason, 2000), s.person, s.unit, s.id) RETURNING withholding.id INTO id;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'withhold', p_kind, p_pids, s.ground, s.ref, 0::smallint);
END $$;

-- Ends a withholding. verdict: 'ok', 'none', 'reason'. pids: the rows that it covered.
CREATE OR REPLACE FUNCTION access.withholding_end(p_secret bytea, p_patient bigint, p_id bigint, p_reason text, OUT verdict text, OUT pids bigint[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_what bigint[];
BEGIN
  SELECT * INTO s FROM access.staff_writer(p_secret, p_patient);
  verdict := CASE WHEN s.id IS NULL THEN 'none' WHEN btrim(coalesce(p_reason, '')) = '' THEN 'reason' ELSE 'ok' END;
  IF verdict <> 'ok' THEN RETURN; END IF;
  UPDATE access.withholding w SET until_at = clock_timestamp(), ended_by = s.person, end_reason = left(p_reason, 2000)
  WHERE w.id = p_id AND w.patient = p_patient AND w.until_at = 'infinity' RETURNING w.what INTO v_what;
  IF NOT FOUND THEN verdict := 'none'; RETURN; END IF;
  WITH gone AS (DELETE FROM access.withheld_row x WHERE x.withholding = p_id RETURNING x.pid) SELECT array_agg(g.pid) INTO pids FROM gone g;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'withhold_end', 0::smallint, v_what, s.ground, s.ref, 0::smallint);
END $$;

-- Those of these rows that a live withholding covers.
CREATE OR REPLACE FUNCTION access.withheld_among(p_pids bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY(SELECT DISTINCT x.pid FROM access.withheld_row x WHERE x.pid = ANY (p_pids))
$$;

-- What is withheld from parents in a record that this member of staff may open: those in force, then those ended within a year, each newest first.
CREATE OR REPLACE FUNCTION access.withholdings(p_secret bytea, p_patient bigint)
RETURNS TABLE (id bigint, kinds smallint[], covers bigint, name_nb text, name_nn text, name_en text, reason text, at timestamptz, by_name text,
               by_unit text, until_at timestamptz, end_name text, end_reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF (SELECT j.allow AND j.kind = 'staff' FROM access.judge(p_secret, ARRAY[p_patient], 'read') j) IS NOT TRUE THEN RETURN; END IF;
  RETURN QUERY
    SELECT w.id, vault.kinds_of(p_patient, w.what), (SELECT count(*) FROM access.withheld_row x WHERE x.withholding = w.id), g.name_nb, g.name_nn, g.name_en,
           w.reason, w.at, p.name, u.name, CASE WHEN isfinite(w.until_at) THEN w.until_at END, e.name, w.end_reason
    FROM access.withholding w JOIN access.withhold_ground g ON g.code = w.ground
    LEFT JOIN identity.person p ON p.id = w.person LEFT JOIN identity.unit u ON u.id = w.unit LEFT JOIN identity.person e ON e.id = w.ended_by
    WHERE w.patient = p_patient AND w.until_at > clock_timestamp() - interval '1 year' AND w.until_at > w.at
    ORDER BY w.until_at < 'infinity', w.at DESC LIMIT 400;
END $$;

-- ── What parents were told ───────────────────────────────────────────────────────────────────────────

-- Whom staff may tell now: those with parental responsibility who are not kept out, when a ground for telling holds.
CREATE OR REPLACE FUNCTION access.may_be_told(p_patient bigint) RETURNS TABLE (person bigint, name text, relation text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT f.parent, p.name, f.relation FROM access.parenthood f JOIN identity.person p ON p.id = f.parent
  WHERE f.child = p_patient AND f.has_responsibility AND f.from_at <= clock_timestamp() AND f.until_at > clock_timestamp()
    AND NOT EXISTS (SELECT 1 FROM access.as_cut_off c WHERE c.person = f.parent AND c.patient = p_patient)
    AND EXISTS (SELECT 1 FROM access.grounds_for(p_patient, 'TELL')) ORDER BY p.name
$$;

-- The same for the page.
CREATE OR REPLACE FUNCTION access.to_tell(p_secret bytea, p_patient bigint) RETURNS TABLE (person bigint, name text, relation text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF (SELECT j.allow AND j.kind = 'staff' FROM access.judge(p_secret, ARRAY[p_patient], 'read') j) IS NOT TRUE THEN RETURN; END IF;
  RETURN QUERY SELECT t.* FROM access.may_be_told(p_patient) t;
END $$;

-- Notes that parents were told what stands in a row just written, in its transaction. Logged by its own ground, which the young person sees.
-- 'ok', 'none', 'ground', 'person' (one who may not be told). Pasient- og brukerrettighetsloven § 3-4 fjerde ledd.
CREATE OR REPLACE FUNCTION access.parents_told_put(p_secret bytea, p_patient bigint, p_what bigint, p_kind smallint, p_parents bigint[], p_ground text)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record;
BEGIN
  SELECT * INTO s FROM access.staff_writer(p_secret, p_patient);
  IF NOT FOUND THEN RETURN 'none'; END IF;
  IF NOT EXISTS (SELECT 1 FROM access.grounds_for(p_patient, 'TELL') g WHERE g.code = p_ground) THEN RETURN 'ground'; END IF;
  IF coalesce(cardinality(p_parents), 0) = 0 OR NOT p_parents <@ ARRAY(SELECT t.person FROM access.may_be_told(p_patient) t) THEN RETURN 'person'; END IF;
  INSERT INTO access.told_parents (patient, what, parents, ground, person, unit, session) VALUES (p_patient, p_what, p_parents, p_ground, s.person, s.unit, s.id);
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'tell', p_kind, ARRAY[p_what], p_ground, NULL, 0::smallint);
  RETURN 'ok';
END $$;

-- What parents were told, newest first: for staff who may open the record, and for the one whom it is about; never for who acts for them.
CREATE OR REPLACE FUNCTION access.parents_told(p_secret bytea, p_patient bigint)
RETURNS TABLE (what bigint, at timestamptz, by_name text, by_unit text, told text[], name_nb text, name_nn text, name_en text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF (SELECT j.allow AND (j.kind = 'staff' OR (j.kind = 'citizen' AND NOT s.on_behalf)) FROM access.judge(p_secret, ARRAY[p_patient], 'read') j
      JOIN identity.session s ON s.id = j.session) IS NOT TRUE THEN RETURN; END IF;
  RETURN QUERY
    SELECT d.what, d.at, p.name, CASE WHEN NOT access.is_strictly_protected(p_patient) THEN u.name END,
           ARRAY(SELECT q.name FROM identity.person q WHERE q.id = ANY (d.parents) ORDER BY q.name), g.name_nb, g.name_nn, g.name_en
    FROM access.told_parents d JOIN access.withhold_ground g ON g.code = d.ground
    LEFT JOIN identity.person p ON p.id = d.person LEFT JOIN identity.unit u ON u.id = d.unit
    WHERE d.patient = p_patient ORDER BY d.at DESC LIMIT 200;
END $$;
