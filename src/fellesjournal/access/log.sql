-- The access log: written in the reader's transaction, read by the citizen and by staff with a ground, one partition a month.

-- Writes the log of one event: one row for each patient named. Callable by the vault's functions only.
-- A chosen ground is marked as one, and brings its own purpose.
CREATE OR REPLACE FUNCTION access.log_event(p_secret bytea, p_patients bigint[], p_action text, p_kind smallint,
                                            p_what bigint[], p_ground text, p_ref bigint, p_outcome smallint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_event bigint := nextval('access.event');
BEGIN
  INSERT INTO access.log (event, session, person, role, licence, unit, controller, patient, action, kind, what, purpose, ground, ground_ref,
                          chosen, device, app, outcome)
  SELECT v_event, s.id, s.person, s.role, s.licence, s.unit, s.controller, q.p, p_action, p_kind, p_what, coalesce(g.purpose, s.purpose), p_ground,
         p_ref, g.purpose IS NOT NULL, coalesce(s.device, ''), s.app, p_outcome
  FROM unnest(p_patients) AS q (p) LEFT JOIN identity.live s ON s.secret_hash = sha256(p_secret)
  LEFT JOIN access.ground g ON g.code = p_ground AND g.is_chosen;
END $$;

-- Writes the log of pages: for each one row a patient named or shown, with what was shown of that patient alone.
-- p_named: the patients of each page, as the text of an array; p_outcome 1 = refused.
-- Rows shown, of all pages together: s_n the page, s_owner, s_what and s_kind of each; rows that are no patient's have owner 0.
CREATE OR REPLACE FUNCTION access.log_pages(
  p_secret bytea[], p_named text[], p_outcome smallint[], p_action text[], p_kind smallint[], p_ground text[], p_ref bigint[],
  s_n integer[], s_owner bigint[], s_what bigint[], s_kind smallint[])
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  INSERT INTO access.log (event, session, person, role, licence, unit, controller, patient, action, kind, kinds, what, purpose, ground,
                          ground_ref, chosen, device, app, outcome)
  SELECT a.event, a.id, a.person, a.role, a.licence, a.unit, a.controller, q.p, a.action, a.kind, q.kinds, q.what, coalesce(a.use, a.purpose),
         a.ground, a.ref, a.use IS NOT NULL, coalesce(a.device, ''), a.app, CASE WHEN a.outcome = 1 THEN 1 WHEN q.what IS NULL THEN 2 ELSE 0 END
  FROM (SELECT b.outcome, b.action, b.kind, b.ground, b.ref, b.ord, nextval('access.event') AS event,
               s.id, s.person, s.role, s.licence, s.unit, s.controller, s.purpose, s.device, s.app,
               (SELECT g.purpose FROM access.ground g WHERE g.code = b.ground AND g.is_chosen) AS use
        FROM unnest(p_secret, p_outcome, p_action, p_kind, p_ground, p_ref) WITH ORDINALITY
          AS b (secret, outcome, action, kind, ground, ref, ord)
        LEFT JOIN identity.live s ON s.secret_hash = sha256(b.secret) OFFSET 0) AS a
  JOIN (SELECT x.n, x.p, array_agg(DISTINCT x.what) FILTER (WHERE x.what IS NOT NULL) AS what,
               array_agg(DISTINCT x.kind) FILTER (WHERE x.kind IS NOT NULL) AS kinds
        FROM (SELECT m.ord::integer, coalesce(named.p, 0), NULL::bigint, NULL::smallint
              FROM unnest(p_named) WITH ORDINALITY AS m (patients, ord) CROSS JOIN LATERAL unnest(m.patients::bigint[]) AS named (p)
              UNION ALL SELECT o.n, o.p, o.w, o.k FROM unnest(s_n, s_owner, s_what, s_kind) AS o (n, p, w, k) WHERE o.p <> 0
             ) AS x (n, p, what, kind) GROUP BY x.n, x.p) AS q ON a.ord = q.n;
END $$;

-- The log of one page. p_owner, p_what and p_kinds go together, one for each row shown.
CREATE OR REPLACE FUNCTION access.log_page(p_secret bytea, p_named bigint[], p_owner bigint[], p_what bigint[], p_kinds smallint[],
                                           p_action text, p_kind smallint, p_ground text, p_ref bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM access.log_pages(ARRAY[p_secret], ARRAY[p_named::text], ARRAY[0]::smallint[], ARRAY[p_action], ARRAY[p_kind], ARRAY[p_ground],
                           ARRAY[p_ref], array_fill(1, ARRAY[cardinality(p_what)]), p_owner, p_what, p_kinds);
END $$;

-- A refused wish that stands alone, after its transaction was rolled back.
CREATE OR REPLACE FUNCTION access.log_refusal(p_secret bytea, p_patients bigint[], p_action text, p_kind smallint)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
  SELECT access.log_event(p_secret, p_patients, p_action, p_kind, NULL, NULL, NULL, 1::smallint)
$$;

-- A strictly protected person's log names no units: they count as address (folkeregisterloven § 10-4).

-- Citizen: who has seen my record. Newest first, below the cursor; the reading of the log is itself logged.
DROP FUNCTION IF EXISTS access.own_log(bytea, timestamptz, integer), access.patient_log(bytea, bigint, timestamptz, integer);
CREATE OR REPLACE FUNCTION access.own_log(p_secret bytea, p_before timestamptz, p_limit integer)
RETURNS TABLE (at timestamptz, reader_name text, role text, unit_name text, controller bigint, municipality text, action text, kind smallint,
               kinds smallint[], purpose text, ground text, ground_name_nb text, ground_name_nn text, ground_name_en text,
               outcome smallint, reader_kind text, app_name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_patient bigint; v_session bigint; v_strict boolean; h record;
BEGIN
  SELECT s.patient, s.id INTO v_patient, v_session FROM identity.live s WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen';
  IF NOT FOUND THEN RETURN; END IF;
  SELECT * INTO h FROM access.log_hidden(v_session);
  v_strict := access.is_strictly_protected(v_patient);
  PERFORM access.log_event(p_secret, ARRAY[v_patient], 'log', 0::smallint, NULL, 'EGEN', NULL, 0::smallint);
  RETURN QUERY
    SELECT l.at, p.name, coalesce(CASE WHEN l.role = 'innbygger' THEN access.acted_as(l.session, l.patient) END, l.role),
           CASE WHEN NOT v_strict THEN u.name END, l.controller, CASE WHEN NOT v_strict THEN u.municipality END, l.action, l.kind,
           access.kinds_left(l.patient, l.what, l.kinds, h.pids), l.purpose,
           l.ground, g.name_nb, g.name_nn, g.name_en, l.outcome, p.kind, a.name
    FROM access.log l
    LEFT JOIN identity.app a ON a.id = l.app
    LEFT JOIN identity.person p ON p.id = l.person
    LEFT JOIN identity.unit u ON u.id = l.unit
    LEFT JOIN access.ground g ON g.code = l.ground
    WHERE l.patient = v_patient AND l.at < p_before AND access.is_line_open(l.what, l.unit, l.session, h.pids, h.units, h.sessions)
    ORDER BY l.at DESC LIMIT least(p_limit, 200);
END $$;

-- Staff: the latest readings of a patient that they may open (the storyboard's link to the log).
CREATE OR REPLACE FUNCTION access.patient_log(p_secret bytea, p_patient bigint, p_before timestamptz, p_limit integer)
RETURNS TABLE (at timestamptz, reader_name text, role text, unit_name text, action text, kind smallint, purpose text, ground text,
               ground_name_nb text, ground_name_nn text, ground_name_en text, outcome smallint, app_name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record; v_strict boolean := access.is_strictly_protected(p_patient);
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'read');
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'log', 0::smallint, NULL, j.ground, j.ref,
                           CASE WHEN j.allow THEN 0 ELSE 1 END::smallint);
  IF NOT j.allow THEN RETURN; END IF;
  RETURN QUERY
    SELECT l.at, p.name, l.role, CASE WHEN NOT v_strict THEN u.name END, l.action, l.kind, l.purpose, l.ground, g.name_nb, g.name_nn, g.name_en, l.outcome, a.name
    FROM access.log l
    LEFT JOIN identity.app a ON a.id = l.app
    LEFT JOIN identity.person p ON p.id = l.person
    LEFT JOIN identity.unit u ON u.id = l.unit
    LEFT JOIN access.ground g ON g.code = l.ground
    -- What the patient blocks, lifts and looks up of it is for the patient alone.
    WHERE l.patient = p_patient AND l.at < p_before AND l.action NOT IN ('block', 'unblock') AND NOT (l.kind = 29 AND l.role = 'innbygger')
    ORDER BY l.at DESC LIMIT least(p_limit, 200);
END $$;

-- Makes the log's partitions for this month and the two next. Run by migration and by the worker each day.
CREATE OR REPLACE FUNCTION access.keep_log_partitions()
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE m date; t text; v_from timestamptz; v_to timestamptz;
BEGIN
  FOR i IN 0..2 LOOP
    m := (date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
    t := 'log_' || to_char(m, 'YYYYMM');
    v_from := m::timestamp AT TIME ZONE 'UTC';
    v_to := (m + interval '1 month')::timestamp AT TIME ZONE 'UTC';
    CONTINUE WHEN to_regclass('access.' || t) IS NOT NULL;
    IF NOT EXISTS (SELECT 1 FROM access.log_rest r WHERE r.at >= v_from AND r.at < v_to) THEN
      EXECUTE format('CREATE TABLE access.%I PARTITION OF access.log FOR VALUES FROM (%L) TO (%L)', t, v_from, v_to);
    ELSE
      -- Nobody made the month's partition in time: its rows are in the rest and move over, the same in every column.
      LOCK TABLE access.log_rest IN EXCLUSIVE MODE;
      EXECUTE format('CREATE TABLE access.%I (LIKE access.log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', t);
      EXECUTE format('WITH moved AS (DELETE FROM access.log_rest r WHERE r.at >= $1 AND r.at < $2 RETURNING *) INSERT INTO access.%I SELECT * FROM moved', t)
      USING v_from, v_to;
      EXECUTE format('ALTER TABLE access.log ATTACH PARTITION access.%I FOR VALUES FROM (%L) TO (%L)', t, v_from, v_to);
    END IF;
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON access.%I FROM fj_owner', t);
  END LOOP;
END $$;
