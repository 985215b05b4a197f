-- Bulk exports: asked for by a session, carried out by the worker under that session's own decision, fetched by the asker alone.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS export ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY export ON vault.%I FOR SELECT TO vault_export USING (
      patient = ANY ((SELECT nullif(current_setting('fj.exporting', true), ''))::bigint[]))$p$, t);
    EXECUTE format('GRANT SELECT ON vault.%I TO vault_export', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['export', 'export_file', 'export_piece'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS export ON vault.%I', t);
    EXECUTE format('CREATE POLICY export ON vault.%I FOR ALL TO vault_export USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON vault.%I TO vault_export', t);
    -- Rows that are deleted with the export are looked for by their owner.
    EXECUTE format('DROP POLICY IF EXISTS cascade ON vault.%I', t);
    EXECUTE format('CREATE POLICY cascade ON vault.%I FOR ALL TO fj_owner USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;
DROP POLICY IF EXISTS export ON vault.other_patient;
CREATE POLICY export ON vault.other_patient FOR SELECT TO vault_export USING (true);
DROP POLICY IF EXISTS export ON vault.chosen_id;
CREATE POLICY export ON vault.chosen_id FOR SELECT TO vault_export USING (true);
GRANT SELECT ON vault.other_patient, vault.chosen_id TO vault_export;

-- ── Who may ──────────────────────────────────────────────────────────────────────────────────────

-- Who asks for an export, and whether they may at all: a system that an administrator has let, a citizen their own record.
CREATE OR REPLACE FUNCTION access.exporter(p_secret bytea)
RETURNS TABLE (session bigint, person bigint, unit bigint, kind text, own bigint, allow boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT s.id, s.person, s.unit, s.kind, s.patient, s.level >= 4 AND access.may_export(s.id)
    FROM identity.live s WHERE s.secret_hash = sha256(p_secret);
END $$;

CREATE OR REPLACE FUNCTION access.may_export(p_session bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM identity.session s JOIN access.role_right rr ON rr.role = s.role AND rr.action = 'read'
    WHERE s.id = p_session AND (s.kind = 'citizen' OR (s.kind = 'system' AND EXISTS (
      SELECT 1 FROM access.system_grant g WHERE g.person = s.person AND g.purpose = 'EXPORT' AND g.until_at > clock_timestamp()))));
END $$;

-- Does this secret belong to the system that carries exports out?
CREATE OR REPLACE FUNCTION access.may_carry_out(p_secret bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM identity.live s JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'BULK'
                 AND g.until_at > clock_timestamp()
                 WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'system' AND s.purpose = 'BULK');
END $$;

-- The asker of an export, by its session: who decides is asked with, and the classes of rows that are closed to it. What a system exports
-- leaves the house: what is blocked (16, 4096) or withdrawn (1024) stays. Pasientjournalloven § 17; helsepersonelloven § 42.
DROP FUNCTION IF EXISTS access.export_asker(bigint);
CREATE OR REPLACE FUNCTION access.export_asker(p_session bigint)
RETURNS TABLE (who bytea, kind text, unit bigint, closed smallint, allow boolean, is_limited boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT s.secret_hash, s.kind, s.unit, (access.closed_for(s.id, s.kind, 0) | CASE s.kind WHEN 'system' THEN 5136 ELSE 0 END)::smallint,
                      access.may_export(s.id), access.limits_of(s.secret_hash, 'read') IS NOT NULL
               FROM identity.session s WHERE s.id = p_session;
END $$;

-- The next people that a session may know of, after one.
CREATE OR REPLACE FUNCTION access.export_people(p_session bigint, p_after bigint, p_limit integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ARRAY(SELECT q.patient FROM (
    SELECT r.patient FROM identity.session s JOIN access.roster r ON r.unit = s.unit
    WHERE s.id = p_session AND s.kind = 'system' AND r.patient > p_after
    UNION ALL SELECT s.patient FROM identity.session s WHERE s.id = p_session AND s.kind = 'citizen' AND s.patient > p_after
    ) q ORDER BY q.patient LIMIT p_limit);
END $$;

-- Those of these patients that this session may export: a rule allows it, and they have blocked neither all, the unit nor the system.
CREATE OR REPLACE FUNCTION access.export_allowed(p_session bigint, p_patients bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record;
BEGIN
  SELECT x.kind, x.unit, x.person INTO s FROM identity.session x WHERE x.id = p_session;
  RETURN ARRAY(
    SELECT q.p FROM unnest(p_patients) AS q (p)
    WHERE (SELECT v.allow FROM access.verdict(p_session, s.kind, q.p) v) IS TRUE
      AND NOT (s.kind <> 'citizen' AND EXISTS (
        SELECT 1 FROM access.block b WHERE b.patient = q.p AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()
        AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = s.unit OR b.person = s.person) OFFSET 0))
    ORDER BY q.p);
END $$;

-- Has one of these blocked a part of the record against this session since an instant?
CREATE OR REPLACE FUNCTION access.part_blocked_since(p_session bigint, p_patients bigint[], p_since timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM identity.session s LEFT JOIN identity.unit u ON u.id = s.unit
    JOIN access.part_block b ON b.patient = ANY (p_patients) AND b.from_at >= p_since AND b.until_at > clock_timestamp()
      AND (num_nonnulls(b.unit, b.person, b.service) = 0 OR b.unit = s.unit OR b.person = s.person OR b.service = u.kind)
    WHERE s.id = p_session AND s.kind <> 'citizen');
END $$;

-- Each of these patients stands in the log, with the types that were exported. o_patient, o_org: whose rows went out, and whose they are.
CREATE OR REPLACE FUNCTION access.log_export(p_session bigint, p_export bigint, p_patients bigint[], p_kinds smallint[], o_patient bigint[],
                                             o_org bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_event bigint := nextval('access.event');
BEGIN
  INSERT INTO access.log (event, session, person, role, licence, unit, controller, patient, action, kind, kinds, what, purpose, ground, device, app, outcome,
                          disclosed_from)
  SELECT v_event, s.id, s.person, s.role, o.licence, s.unit, u.controller, q.p, 'export', 0, p_kinds, ARRAY[p_export], s.purpose,
         CASE s.kind WHEN 'citizen' THEN 'EGEN' ELSE 'SYSTEM' END, coalesce(s.device, ''), s.app, 0,
         CASE s.kind WHEN 'system' THEN access.disclosed(w.orgs, u.sphere) END
  FROM unnest(p_patients) AS q (p) CROSS JOIN identity.session s LEFT JOIN identity.unit u ON u.id = s.unit
  LEFT JOIN identity.post o ON o.id = s.post
  LEFT JOIN (SELECT x.p, array_agg(x.g) AS orgs FROM unnest(o_patient, o_org) AS x (p, g) GROUP BY x.p) w ON w.p = q.p
  WHERE s.id = p_session;
END $$;

-- ── The asker's ──────────────────────────────────────────────────────────────────────────────────

-- Takes an export in. status: 202, 401 the secret opens nothing, 403 may not export, 429 three of theirs are under way.
CREATE OR REPLACE FUNCTION vault.export_begin(
  p_secret bytea, p_id bigint, p_request text, p_directory boolean, p_wanted bigint[], p_types smallint[], p_since timestamptz,
  p_filters text, p_elements text, p_left_out bigint, p_keep interval) RETURNS smallint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record; v_wanted bigint[] := p_wanted; v_outcome smallint := 0; v_kinds smallint[] := access.limits_of(sha256(p_secret), 'read');
BEGIN
  SELECT * INTO s FROM access.exporter(p_secret);
  IF NOT FOUND THEN RETURN 401; END IF;
  IF s.allow IS NOT TRUE THEN v_outcome := 1; END IF;
  PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'export', 0::smallint, ARRAY[p_id], NULL, NULL, v_outcome);
  IF v_outcome = 1 THEN RETURN 403; END IF;
  IF (SELECT count(*) FROM vault.export x WHERE x.person = s.person AND x.state IN ('waiting', 'running')) >= 3 THEN RETURN 429; END IF;
  IF v_wanted IS NOT NULL THEN v_wanted := ARRAY(SELECT DISTINCT q.p FROM unnest(v_wanted) AS q (p) WHERE q.p > 0 ORDER BY q.p); END IF;
  INSERT INTO vault.export (id, session, person, unit, request, has_directory, wanted, types, since, filters, elements, left_out, until_at)
  VALUES (p_id, s.session, s.person, s.unit, p_request, p_directory AND s.kind = 'system', v_wanted,
          ARRAY(SELECT DISTINCT q.t FROM unnest(p_types) AS q (t) WHERE v_kinds IS NULL OR q.t = ANY (v_kinds) ORDER BY q.t), p_since, p_filters, p_elements, p_left_out,
          clock_timestamp() + p_keep);
  RETURN 202;
END $$;

-- An export of the asker's own, or no row: that of another is as absent as an absent one.
CREATE OR REPLACE FUNCTION vault.export_state(p_secret bytea, p_id bigint)
RETURNS TABLE (state text, request text, asked_at timestamptz, until_at timestamptz, patients bigint, resources bigint, left_out bigint,
               elements text, rtypes smallint[], counts bigint[], sizes bigint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT e.state, e.request, e.asked_at, e.until_at, e.patients, e.resources, e.left_out, e.elements,
           array_agg(f.rtype ORDER BY f.rtype) FILTER (WHERE f.rtype IS NOT NULL), array_agg(f.resources ORDER BY f.rtype),
           array_agg(f.bytes ORDER BY f.rtype)
    FROM access.exporter(p_secret) s
    JOIN vault.export e ON e.id = p_id AND e.person = s.person AND e.unit IS NOT DISTINCT FROM s.unit AND e.until_at > clock_timestamp()
    LEFT JOIN vault.export_file f ON f.export = e.id
    WHERE s.allow GROUP BY e.id;
END $$;

-- Gives an export up, or throws its files away; false when there is none of the asker's.
CREATE OR REPLACE FUNCTION vault.export_cancel(p_secret bytea, p_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM vault.export e USING access.exporter(p_secret) s
  WHERE e.id = p_id AND e.person = s.person AND e.unit IS NOT DISTINCT FROM s.unit;
  RETURN FOUND;
END $$;

-- The next piece of a file after one, decided anew for everyone in it; no row after the last.
-- content NULL: somebody in it may not be shown any more, and the export is given up.
CREATE OR REPLACE FUNCTION vault.export_piece(p_secret bytea, p_id bigint, p_rtype smallint, p_after bigint)
RETURNS TABLE (n bigint, content bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record; x record;
BEGIN
  SELECT * INTO s FROM access.exporter(p_secret);
  IF s.allow IS NOT TRUE THEN RETURN; END IF;
  SELECT p.n, p.content, p.patients, e.session, e.asked_at INTO x
  FROM vault.export e JOIN vault.export_piece p ON p.export = e.id
  WHERE e.id = p_id AND e.person = s.person AND e.unit IS NOT DISTINCT FROM s.unit AND e.until_at > clock_timestamp() AND e.state = 'done'
    AND p.rtype = p_rtype AND p.n > p_after ORDER BY p.n LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  n := x.n; content := x.content;
  IF cardinality(vault.exportable(x.session, s.kind, x.patients)) <> cardinality(x.patients)
     OR access.part_blocked_since(x.session, x.patients, x.asked_at) THEN
    UPDATE vault.export e SET state = 'failed' WHERE e.id = p_id;
    content := NULL;
  END IF;
  RETURN NEXT;
END $$;

-- ── The worker's ─────────────────────────────────────────────────────────────────────────────────

-- Those of these patients that may be in an export; the strictly protected are in none but their own. Patient is number 103.
CREATE OR REPLACE FUNCTION vault.exportable(p_session bigint, p_kind text, p_patients bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v bigint[] := access.export_allowed(p_session, p_patients); v_before text := coalesce(current_setting('fj.exporting', true), '');
BEGIN
  IF p_kind <> 'citizen' AND cardinality(v) > 0 THEN
    PERFORM set_config('fj.exporting', v::text, true);
    v := ARRAY(SELECT q.p FROM unnest(v) AS q (p) WHERE NOT EXISTS (
      SELECT 1 FROM vault.resource r WHERE r.patient = q.p AND r.rtype = 103 AND r.pid = q.p
      AND vault.is_strictly_protected(r.body)) ORDER BY q.p);
    PERFORM set_config('fj.exporting', v_before, true);
  END IF;
  RETURN v;
END $$;

-- Exports with work to do, oldest first.
CREATE OR REPLACE FUNCTION vault.export_unfinished() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.id FROM vault.export e WHERE e.state IN ('waiting', 'running') ORDER BY e.asked_at
$$;

-- What comes next: 'none' (no grant), 'gone', 'wait' (a writer from before the instant may be at work), 'patients', 'type'.
CREATE OR REPLACE FUNCTION vault.export_next(p_secret bytea, p_id bigint, p_limit integer)
RETURNS TABLE (what text, patients bigint[], filters text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE e record; s record;
BEGIN
  what := 'none';
  IF NOT access.may_carry_out(p_secret) THEN RETURN NEXT; RETURN; END IF;
  SELECT * INTO e FROM vault.export x WHERE x.id = p_id AND x.state IN ('waiting', 'running') AND x.until_at > clock_timestamp() FOR UPDATE;
  what := 'gone';
  IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
  SELECT * INTO s FROM access.export_asker(e.session);
  IF s.allow IS NOT TRUE THEN
    UPDATE vault.export x SET state = 'failed' WHERE x.id = p_id;
    RETURN NEXT; RETURN;
  END IF;
  -- A number of another lineage, as after a restore, is no beginning.
  IF e.began IS NULL OR e.began >= pg_snapshot_xmax(pg_current_snapshot()) THEN
    what := 'wait';
    -- A writer looks at the clock a moment before it has a number.
    IF e.asked_at < clock_timestamp() - interval '1 second' THEN
      UPDATE vault.export x SET state = 'running', began = pg_current_xact_id() WHERE x.id = p_id;
    END IF;
    RETURN NEXT; RETURN;
  ELSIF e.began >= pg_snapshot_xmin(pg_current_snapshot()) THEN
    what := 'wait'; RETURN NEXT; RETURN;
  END IF;
  what := CASE e.stage WHEN 0 THEN 'patients' ELSE 'type' END; filters := e.filters;
  IF e.stage = 0 THEN
    patients := CASE WHEN e.wanted IS NULL THEN access.export_people(e.session, e.at, p_limit)
                     ELSE ARRAY(SELECT q.p FROM unnest(e.wanted) AS q (p) WHERE q.p > e.at ORDER BY q.p LIMIT p_limit) END;
  END IF;
  RETURN NEXT;
END $$;

-- A line about a row that was deleted: its type, its key, and the id that its client chose, if any.
CREATE OR REPLACE FUNCTION vault.export_deleted(p_rtype smallint, p_slot smallint, p_pid bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN p_rtype || ' ' || p_slot || ' ' || p_pid || ' ' || coalesce(
    (SELECT c.id FROM vault.chosen_id c WHERE c.slot = p_slot AND c.pid = p_pid), '');
END $$;

-- Copies the rows of these patients (as `export_next` named them), or of the next type: one short transaction, log and position in it.
-- p_sql …: for each filter its type and its search in the charts of these patients; the parameters of all stand one after the other,
-- n_… tells how many are whose. Answers: 'again' = the position was another one; 'many' = more
-- rows than a search can give: fewer patients are to be asked for; 'more', 'done'.
CREATE OR REPLACE FUNCTION vault.export_copy(
  p_secret bytea, p_id bigint, p_patients bigint[], p_rtypes smallint[], p_sql text[], p_i bigint[], n_i integer[],
  p_t text[], n_t integer[], p_d timestamptz[], n_d integer[], p_f double precision[], n_f integer[]) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' AS $$
DECLARE e record; s record; r record; v_ok bigint[] := '{}'; v_types smallint[]; v_hidden bigint[] := '{}'; v_others bigint[] := '{}';
        v_pids bigint[] := '{}'; v_patient bigint[]; v_org bigint[]; v_next integer; v_rows bigint; v_done text; i integer := 0; t integer := 0; d integer := 0; f integer := 0;
BEGIN
  IF NOT access.may_carry_out(p_secret) THEN RETURN 'none'; END IF;
  SELECT * INTO e FROM vault.export x WHERE x.id = p_id AND x.state = 'running' FOR UPDATE;
  IF NOT FOUND THEN RETURN 'again'; END IF;
  SELECT * INTO s FROM access.export_asker(e.session);
  IF s.allow IS NOT TRUE OR (e.stage = 0 AND p_patients[1] <= e.at) OR (e.stage = 1 AND p_patients IS NOT NULL) THEN RETURN 'again'; END IF;
  IF e.stage = 0 AND coalesce(cardinality(p_patients), 0) = 0 THEN
    UPDATE vault.export x SET stage = 1, at = 0, state = CASE WHEN e.has_directory THEN 'running' ELSE 'done' END WHERE x.id = p_id;
    RETURN CASE WHEN e.has_directory THEN 'more' ELSE 'done' END;
  ELSIF e.stage = 0 THEN
    v_ok := vault.exportable(e.session, s.kind, p_patients); v_types := e.types;
  ELSE
    v_next := e.at + 1;
    IF v_next > cardinality(e.types) THEN
      UPDATE vault.export x SET state = 'done' WHERE x.id = p_id;
      RETURN 'done';
    END IF;
    v_ok := '{0,-1}'; v_types := e.types[v_next:v_next];
  END IF;

  IF cardinality(v_ok) > 0 THEN
    -- Which of the rows the filters find, as the asker.
    IF e.filters <> '' THEN
      v_done := ctx.seal_chart(s.who, s.closed, (array_remove(v_ok, -1) || 0::bigint)::text);
      FOR g IN 1..cardinality(p_sql) LOOP
        IF p_rtypes[g] = ANY (v_types) THEN
          IF s.is_limited THEN
            r := vault.run_chart_some(p_sql[g], 0, p_i[i + 1:i + n_i[g]], p_t[t + 1:t + n_t[g]], p_d[d + 1:d + n_d[g]], p_f[f + 1:f + n_f[g]]);
          ELSE
            r := vault.run_chart(p_sql[g], 0, p_i[i + 1:i + n_i[g]], p_t[t + 1:t + n_t[g]], p_d[d + 1:d + n_d[g]], p_f[f + 1:f + n_f[g]]);
          END IF;
          IF r.k && '{101,111}'::smallint[] THEN PERFORM ctx.clear(); RETURN 'many'; END IF;
          v_pids := v_pids || r.pid;
        END IF;
        i := i + n_i[g]; t := t + n_t[g]; d := d + n_d[g]; f := f + n_f[g];
      END LOOP;
      PERFORM ctx.clear();
    END IF;
    PERFORM set_config('fj.exporting', v_ok::text, true);
    -- Whoever else is named must be one who may be shown, too.
    v_others := ARRAY(SELECT DISTINCT o.patient FROM vault.resource x JOIN vault.other_patient o ON o.slot = x.slot AND o.pid = x.pid
                      WHERE x.patient = ANY (v_ok) AND (x.sens & 8192) <> 0 AND x.rtype = ANY (v_types));
    IF cardinality(v_others) > 0 THEN
      v_hidden := v_others;
      v_others := vault.exportable(e.session, s.kind, v_others);
      v_hidden := ARRAY(SELECT q.p FROM unnest(v_hidden) AS q (p) WHERE q.p <> ALL (v_others));
    END IF;
    WITH line AS MATERIALIZED (
      SELECT CASE WHEN x.body IS NULL THEN 0 ELSE x.rtype END::smallint AS rtype, x.pid, x.patient, x.org,
             CASE WHEN x.body IS NULL THEN vault.export_deleted(x.rtype, x.slot, x.pid) ELSE x.body END AS body
      FROM vault.resource x
      WHERE x.patient = ANY (v_ok) AND x.rtype = ANY (v_types) AND x.updated > e.since AND x.updated <= e.asked_at
        AND (x.body IS NOT NULL OR e.since > '-infinity')
        AND (x.sens & s.closed & ~12288) = 0 AND ((x.sens & s.closed & 4096) = 0 OR vault.may_see(s.who, 4096::smallint, x.slot, x.pid))
        AND (x.patient >= 0 OR x.org = s.unit)
        AND ((x.sens & 8192) = 0 OR NOT EXISTS (SELECT 1 FROM vault.other_patient o WHERE o.slot = x.slot AND o.pid = x.pid AND o.patient = ANY (v_hidden)))
        AND (e.filters = '' OR x.rtype <> ALL (p_rtypes) OR x.pid = ANY (v_pids))
      UNION ALL
      -- What has been changed since is as it was; hidden when it is hidden now.
      SELECT CASE WHEN h.body IS NULL THEN 0 ELSE x.rtype END::smallint, x.pid, x.patient, x.org,
             CASE WHEN h.body IS NULL THEN vault.export_deleted(x.rtype, x.slot, x.pid) ELSE h.body END
      FROM vault.resource x
      CROSS JOIN LATERAL (SELECT q.body, q.sens, q.updated, q.patient, q.op FROM vault.history q WHERE q.slot = x.slot AND q.pid = x.pid
                          AND q.updated <= e.asked_at ORDER BY q.version DESC LIMIT 1) h
      WHERE x.patient = ANY (v_ok) AND x.rtype = ANY (v_types) AND x.updated > e.asked_at AND h.updated > e.since
        AND (h.body IS NOT NULL OR e.since > '-infinity')
        AND h.patient = x.patient AND ((x.sens | h.sens) & s.closed & ~12288) = 0
        AND (((x.sens | h.sens) & s.closed & 4096) = 0 OR vault.may_see(s.who, 4096::smallint, x.slot, x.pid)) AND (x.patient >= 0 OR x.org = s.unit)
        AND (((x.sens | h.sens) & 8192) = 0 OR NOT EXISTS (
          SELECT 1 FROM vault.other_patient o WHERE o.slot = x.slot AND o.pid = x.pid AND o.patient = ANY (v_hidden)))
        AND (e.filters = '' OR x.rtype <> ALL (p_rtypes) OR x.pid = ANY (v_pids))
    ), placed AS (
      SELECT l.rtype, l.pid, l.patient, l.body,
             sum(octet_length(l.body)) OVER (PARTITION BY l.rtype ORDER BY l.patient, l.pid) / 1000000 AS part
      FROM line l
    ), piece AS (
      SELECT q.rtype, q.part, count(*) AS resources, array_agg(DISTINCT q.patient) FILTER (WHERE q.patient > 0) AS patients,
             convert_to(string_agg(q.body, E'\n' ORDER BY q.patient, q.pid) || E'\n', 'UTF8') AS content
      FROM placed q GROUP BY q.rtype, q.part
    ), kept AS (
      INSERT INTO vault.export_piece (export, rtype, n, patients, content)
      SELECT p_id, q.rtype, coalesce(f.next_n, 0) + q.part, coalesce(q.patients, '{}') || v_others, q.content
      FROM piece q LEFT JOIN vault.export_file f ON f.export = p_id AND f.rtype = q.rtype
      RETURNING rtype, n, octet_length(content) AS bytes
    ), file AS (
      INSERT INTO vault.export_file AS f (export, rtype, resources, bytes, next_n)
      SELECT p_id, k.rtype, (SELECT sum(q.resources) FROM piece q WHERE q.rtype = k.rtype), sum(k.bytes), max(k.n) + 1
      FROM kept k GROUP BY k.rtype
      ON CONFLICT (export, rtype) DO UPDATE SET resources = f.resources + excluded.resources, bytes = f.bytes + excluded.bytes,
                                                next_n = excluded.next_n
      RETURNING 1
    )
    SELECT coalesce((SELECT sum(q.resources) FROM piece q), 0), array_agg(w.patient), array_agg(w.org) INTO v_rows, v_patient, v_org
    FROM (SELECT DISTINCT l.patient, l.org FROM line l) w;
    PERFORM set_config('fj.exporting', '', true);
    IF e.stage = 0 THEN
      PERFORM access.log_export(e.session, p_id, ARRAY(SELECT DISTINCT q.p FROM unnest(v_ok || v_others) AS q (p)), e.types, v_patient, v_org);
    END IF;
  END IF;
  UPDATE vault.export x
  SET at = CASE e.stage WHEN 0 THEN p_patients[cardinality(p_patients)] ELSE v_next END, resources = x.resources + coalesce(v_rows, 0),
      patients = x.patients + CASE e.stage WHEN 0 THEN cardinality(v_ok) ELSE 0 END,
      left_out = x.left_out + CASE WHEN e.stage = 0 AND e.wanted IS NOT NULL THEN cardinality(p_patients) - cardinality(v_ok) ELSE 0 END
  WHERE x.id = p_id;
  RETURN 'more';
END $$;

-- An export that can't be carried out: its files go, and its asker is told.
CREATE OR REPLACE FUNCTION vault.export_fail(p_secret bytea, p_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF access.may_carry_out(p_secret) THEN
    UPDATE vault.export e SET state = 'failed' WHERE e.id = p_id;
    DELETE FROM vault.export_file f WHERE f.export = p_id;
    DELETE FROM vault.export_piece p WHERE p.export = p_id;
  END IF;
END $$;

-- Throws away what has run out; how many exports. Run by the worker.
CREATE OR REPLACE FUNCTION vault.export_sweep() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_count integer;
BEGIN
  DELETE FROM vault.export e WHERE e.until_at <= clock_timestamp();
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace AND p.proname LIKE 'export%' LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_export', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace
           AND (p.proname LIKE 'export%' OR p.proname IN ('may_export', 'may_carry_out', 'log_export', 'part_blocked_since')) LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO access_core', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO vault_export', f);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA vault, access, ctx TO vault_export;
GRANT EXECUTE ON FUNCTION vault.is_strictly_protected(text),
  vault.run_chart(text, integer, bigint[], text[], timestamptz[], double precision[]),
  access.limits_of(bytea, text), ctx.seal_chart(bytea, smallint, text), ctx.clear(), vault.may_see(bytea, smallint, smallint, bigint, integer),
  access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint) TO vault_export;
GRANT EXECUTE ON FUNCTION vault.export_begin(bytea, bigint, text, boolean, bigint[], smallint[], timestamptz, text, text, bigint, interval),
  vault.export_state(bytea, bigint), vault.export_cancel(bytea, bigint), vault.export_piece(bytea, bigint, smallint, bigint) TO fj_web;
-- The operator lets a system export, by its name.
GRANT EXECUTE ON FUNCTION identity.find_system(bytea) TO fj_migrate;
GRANT EXECUTE ON FUNCTION vault.export_unfinished(), vault.export_next(bytea, bigint, integer),
  vault.export_copy(bytea, bigint, bigint[], smallint[], text[], bigint[], integer[], text[], integer[], timestamptz[], integer[],
    double precision[], integer[]), vault.export_fail(bytea, bigint),
  vault.export_sweep() TO fj_worker;
