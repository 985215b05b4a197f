-- The access log: written in the reader's transaction, one partition a month. Who reads it: log_read.sql.

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

-- The controllers of these units who disclose what is theirs to a reader of this responsibility; NULL for none. A citizen and a system
-- have no such, and nothing is disclosed to them. The one place that says what is a disclosure (personvernforordningen art. 4 (9), 26).
CREATE OR REPLACE FUNCTION access.disclosed(p_units bigint[], p_sphere bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_sphere IS NULL THEN RETURN NULL; END IF;
  RETURN (SELECT array_agg(DISTINCT u.controller) FROM identity.unit u WHERE u.id = ANY (p_units) AND u.sphere <> p_sphere);
END $$;

-- Writes the log of pages: for each one row a patient named or shown, with what was shown of that patient alone.
-- p_named: the patients of each page, as the text of an array; p_outcome 1 = refused.
-- Rows shown, of all pages together: s_n the page, s_owner, s_what, s_kind and s_org of each; rows that are no patient's have owner 0.
-- s_org NULL: nothing was shown, but written.
CREATE OR REPLACE FUNCTION access.log_pages(
  p_secret bytea[], p_named text[], p_outcome smallint[], p_action text[], p_kind smallint[], p_ground text[], p_ref bigint[],
  s_n integer[], s_owner bigint[], s_what bigint[], s_kind smallint[], s_org bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  INSERT INTO access.log (event, session, person, role, licence, unit, controller, patient, action, kind, kinds, what, purpose, ground,
                          ground_ref, chosen, device, app, outcome, disclosed_from)
  SELECT a.event, a.id, a.person, a.role, a.licence, a.unit, a.controller, q.p, a.action, a.kind, q.kinds, q.what, coalesce(a.use, a.purpose),
         a.ground, a.ref, a.use IS NOT NULL, coalesce(a.device, ''), a.app, CASE WHEN a.outcome = 1 THEN 1 WHEN q.what IS NULL THEN 2 ELSE 0 END,
         CASE WHEN NOT q.orgs <@ ARRAY[a.unit] THEN access.disclosed(q.orgs, a.sphere) END
  FROM (SELECT b.outcome, b.action, b.kind, b.ground, b.ref, b.ord, nextval('access.event') AS event,
               s.id, s.person, s.role, s.licence, s.unit, s.controller, s.purpose, s.device, s.app, s.sphere,
               (SELECT g.purpose FROM access.ground g WHERE g.code = b.ground AND g.is_chosen) AS use
        FROM unnest(p_secret, p_outcome, p_action, p_kind, p_ground, p_ref) WITH ORDINALITY
          AS b (secret, outcome, action, kind, ground, ref, ord)
        LEFT JOIN identity.live s ON s.secret_hash = sha256(b.secret) OFFSET 0) AS a
  JOIN (SELECT x.n, x.p, array_agg(DISTINCT x.what) FILTER (WHERE x.what IS NOT NULL) AS what,
               array_agg(DISTINCT x.kind) FILTER (WHERE x.kind IS NOT NULL) AS kinds, array_agg(x.org) FILTER (WHERE x.org IS NOT NULL) AS orgs
        FROM (SELECT m.ord::integer, coalesce(named.p, 0), NULL::bigint, NULL::smallint, NULL::bigint
              FROM unnest(p_named) WITH ORDINALITY AS m (patients, ord) CROSS JOIN LATERAL unnest(m.patients::bigint[]) AS named (p)
              UNION ALL SELECT o.n, o.p, o.w, o.k, o.g FROM unnest(s_n, s_owner, s_what, s_kind, s_org) AS o (n, p, w, k, g) WHERE o.p <> 0
             ) AS x (n, p, what, kind, org) GROUP BY x.n, x.p) AS q ON a.ord = q.n;
END $$;

-- The log of one page that was written. p_owner, p_what and p_kinds go together, one for each row.
CREATE OR REPLACE FUNCTION access.log_page(p_secret bytea, p_named bigint[], p_owner bigint[], p_what bigint[], p_kinds smallint[],
                                           p_action text, p_kind smallint, p_ground text, p_ref bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM access.log_pages(ARRAY[p_secret], ARRAY[p_named::text], ARRAY[0]::smallint[], ARRAY[p_action], ARRAY[p_kind], ARRAY[p_ground],
                           ARRAY[p_ref], array_fill(1, ARRAY[cardinality(p_what)]), p_owner, p_what, p_kinds, NULL);
END $$;

-- A refused wish that stands alone, after its transaction was rolled back.
CREATE OR REPLACE FUNCTION access.log_refusal(p_secret bytea, p_patients bigint[], p_action text, p_kind smallint)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
  SELECT access.log_event(p_secret, p_patients, p_action, p_kind, NULL, NULL, NULL, 1::smallint)
$$;

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
