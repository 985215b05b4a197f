-- The vault's doors: policies, and the only functions through which anyone reads or writes clinical content.
-- Each door's owner has just the rights of that door. The application roles may EXECUTE, and own and select nothing.

-- May a row be seen that has these closed bits (its class & the reader's mask)? Most never can; three kinds are decided for each row:
-- one that names several patients is seen only by one who may see them all, one blocked for some by those whom it isn't blocked for,
-- one that is sensitive, or leads to where a strictly protected person is, by the unit that wrote it.
-- p_version NULL = the current one.
CREATE OR REPLACE FUNCTION vault.may_see(p_who bytea, p_closed smallint, p_slot smallint, p_pid bigint, p_version integer DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF (p_closed & ~15328) <> 0 THEN RETURN false; END IF;
  IF (p_closed & (2048 | 992)) <> 0 AND access.unit_of(p_who) IS DISTINCT FROM (SELECT r.org FROM vault.resource r WHERE r.slot = p_slot AND r.pid = p_pid)
  THEN RETURN false; END IF;
  IF (p_closed & 4096) <> 0 AND access.is_blocked_row(p_who, p_pid) THEN RETURN false; END IF;
  RETURN (p_closed & 8192) = 0 OR access.may_all(p_who, ARRAY(
    SELECT o.patient FROM vault.other_patient o WHERE o.slot = p_slot AND o.pid = p_pid
    AND CASE WHEN p_version IS NULL THEN o.to_version IS NULL
             ELSE o.from_version <= p_version AND (o.to_version IS NULL OR o.to_version >= p_version) END));
END $$;

-- The same for the reader in the seal, asked by the policies about the few rows that need it: what a policy names in itself is made
-- ready for each table of a search, asked or not.
CREATE OR REPLACE FUNCTION vault.is_open(p_sens smallint, p_slot smallint, p_pid bigint, p_version integer DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN vault.may_see(ctx.who(), p_sens & ctx.closed(), p_slot, p_pid, p_version);
END $$;

-- ── Policies ─────────────────────────────────────────────────────────────────────────────────────
-- Everyone who may see a row at all may see class 0: what is closed to the reader is looked up for the others alone.
-- vault_gate   learns whose a row is; column rights keep it from every body
-- vault_read   fixed reads by id: rows of the patients just decided (setting made by the door itself)
-- vault_chart  dynamic search in opened charts, vault_list in a unit's lists: context sealed by access_core
-- vault_write  rows of the patients just decided, nothing else (WITH CHECK)

DO $$
DECLARE t text; v_version text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    v_version := CASE t WHEN 'history' THEN ', version' ELSE '' END;
    EXECUTE format('DROP POLICY IF EXISTS chart ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY chart ON vault.%I FOR SELECT TO vault_chart USING (
      patient = ANY ((SELECT ctx.patients())::bigint[]) AND (sens = 0 OR (sens & (SELECT ctx.closed())) = 0
      OR ((sens & (SELECT ctx.closed() & ~15328)) = 0 AND vault.is_open(sens, slot, pid%s))))$p$, t, v_version);
    EXECUTE format('DROP POLICY IF EXISTS list ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY list ON vault.%1$I FOR SELECT TO vault_list USING (
      CASE WHEN patient > 0 THEN EXISTS (SELECT 1 FROM access.on_list l WHERE l.patient = %1$I.patient OFFSET 0)
               WHEN patient = 0 THEN (SELECT ctx.unit()) IS NOT NULL ELSE org = (SELECT ctx.unit()) END
      AND (sens = 0 OR (sens & (SELECT ctx.closed())) = 0
      OR ((sens & (SELECT ctx.closed() & ~15328)) = 0 AND vault.is_open(sens, slot, pid%2$s))))$p$, t, v_version);
    EXECUTE format('DROP POLICY IF EXISTS write ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY write ON vault.%I FOR ALL TO vault_write
      USING (patient = ANY ((SELECT nullif(current_setting('fj.writing', true), ''))::bigint[]))
      WITH CHECK (patient = ANY ((SELECT nullif(current_setting('fj.writing', true), ''))::bigint[]))$p$, t);
    EXECUTE format('GRANT SELECT ON vault.%I TO vault_chart, vault_list', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON vault.%I TO vault_write', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['resource', 'history'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS gate ON vault.%I', t);
    EXECUTE format('CREATE POLICY gate ON vault.%I FOR SELECT TO vault_gate USING (true)', t);
    EXECUTE format('DROP POLICY IF EXISTS read ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY read ON vault.%I FOR SELECT TO vault_read USING (
      patient = ANY ((SELECT nullif(current_setting('fj.reading', true), ''))::bigint[]))$p$, t);
  END LOOP;
END $$;
GRANT SELECT (slot, pid, rtype, version, patient, org, sens) ON vault.resource TO vault_gate;
GRANT SELECT (slot, pid, rtype, version, patient, org, sens) ON vault.history TO vault_gate;
GRANT SELECT ON vault.resource, vault.history TO vault_read;
GRANT SELECT, INSERT, UPDATE ON vault.resource TO vault_write;
GRANT SELECT, INSERT ON vault.history TO vault_write;

DROP POLICY IF EXISTS gate ON vault.other_patient;
CREATE POLICY gate ON vault.other_patient FOR SELECT TO vault_gate USING (true);
DROP POLICY IF EXISTS write ON vault.other_patient;
CREATE POLICY write ON vault.other_patient FOR ALL TO vault_write USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS write ON vault.identifier;
CREATE POLICY write ON vault.identifier FOR ALL TO vault_write USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS write ON vault.chosen_id;
CREATE POLICY write ON vault.chosen_id FOR ALL TO vault_write USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS gate ON vault.chosen_id;
CREATE POLICY gate ON vault.chosen_id FOR SELECT TO vault_gate USING (true);
GRANT SELECT ON vault.other_patient, vault.chosen_id TO vault_gate;
GRANT SELECT, INSERT, DELETE ON vault.identifier TO vault_write;
REVOKE DELETE ON vault.other_patient FROM vault_write;
GRANT SELECT, INSERT, UPDATE (to_version) ON vault.other_patient TO vault_write;
GRANT SELECT, INSERT ON vault.chosen_id TO vault_write;
DROP POLICY IF EXISTS write ON vault.idempotency;
CREATE POLICY write ON vault.idempotency FOR ALL TO vault_write USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON vault.idempotency TO vault_write;
DROP POLICY IF EXISTS feed ON vault.history;
CREATE POLICY feed ON vault.history FOR SELECT TO vault_feed USING (true);
GRANT SELECT (slot, pid, version, rtype, updated, patient, org, sens, op, xid, pos) ON vault.history TO vault_feed;
DROP POLICY IF EXISTS feed ON vault.sp_reference;
CREATE POLICY feed ON vault.sp_reference FOR SELECT TO vault_feed USING (true);
GRANT SELECT (slot, pid, tslot, tpid) ON vault.sp_reference TO vault_feed;
DROP POLICY IF EXISTS feed ON vault.feed_position;
CREATE POLICY feed ON vault.feed_position FOR ALL TO vault_feed USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON vault.feed_position TO vault_feed;
-- Identifying looks at Patients alone (rtype and params are FHIR's Patient; see fellesjournal.fhir).
DROP POLICY IF EXISTS identify ON vault.resource;
CREATE POLICY identify ON vault.resource FOR SELECT TO vault_identify USING (slot > 0 AND pid = patient);
GRANT SELECT ON vault.resource TO vault_identify;
DROP POLICY IF EXISTS identify ON vault.identifier;
CREATE POLICY identify ON vault.identifier FOR SELECT TO vault_identify USING (true);
GRANT SELECT ON vault.identifier TO vault_identify;
DROP POLICY IF EXISTS identify ON vault.sp_string;
CREATE POLICY identify ON vault.sp_string FOR SELECT TO vault_identify USING (pid = patient);
DROP POLICY IF EXISTS identify ON vault.sp_date;
CREATE POLICY identify ON vault.sp_date FOR SELECT TO vault_identify USING (pid = patient);
GRANT SELECT ON vault.sp_string, vault.sp_date TO vault_identify;

-- ── Whose is it ──────────────────────────────────────────────────────────────────────────────────

-- Owner columns of the rows named, one for each wish, NULLs where there is nothing. No content.
-- version: 0 = the current one, n = that one. others: who else it names, as the text of an array.
-- An old version is as hidden as the current one is now, too: its class is both together, and whom either names counts.
DROP FUNCTION IF EXISTS vault.owners(smallint[], bigint[], smallint[]);
CREATE OR REPLACE FUNCTION vault.owners(p_slot smallint[], p_pid bigint[], p_rtype smallint[], p_version integer[])
RETURNS TABLE (n integer, patient bigint, org bigint, sens smallint, others text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT a.ord::integer, x.patient, x.org, x.sens,
           CASE WHEN (x.sens & 8192) <> 0 THEN (ARRAY(
             SELECT DISTINCT o.patient FROM vault.other_patient o WHERE o.slot = a.slot AND o.pid = a.pid
             AND (o.to_version IS NULL OR (o.from_version <= x.version AND o.to_version >= x.version))))::text END
    FROM unnest(p_slot, p_pid, p_rtype, p_version) WITH ORDINALITY AS a (slot, pid, rtype, version, ord)
    LEFT JOIN LATERAL (
      SELECT r.patient, r.org, r.sens, r.version FROM vault.resource r
      WHERE a.version = 0 AND r.slot = a.slot AND r.pid = a.pid AND r.rtype = a.rtype
      UNION ALL
      SELECT h.patient, h.org, h.sens | r.sens, h.version
      FROM vault.history h JOIN vault.resource r ON r.slot = h.slot AND r.pid = h.pid
      WHERE a.version > 0 AND h.slot = a.slot AND h.pid = a.pid AND h.version = a.version AND h.rtype = a.rtype
    ) x ON true
    ORDER BY a.ord;
END $$;

-- ── Read by id ───────────────────────────────────────────────────────────────────────────────────

-- One call decides, logs and reads for all the point reads that wait. version 0 = the current one.
-- status: 200 shown, 404 absent or hidden, 410 deleted, 401 the secret opens nothing, 433 a close relative's: asks for a reason.
-- varies: what is shown of this version hangs on who reads, and when: it has a protected address or unit.
DROP FUNCTION IF EXISTS vault.read_many(bytea[], smallint[], smallint[], bigint[], integer[]);
CREATE FUNCTION vault.read_many(p_secret bytea[], p_rtype smallint[], p_slot smallint[], p_pid bigint[], p_version integer[])
RETURNS TABLE (n integer, status smallint, version integer, updated timestamptz, body text, varies boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_patient bigint[]; v_org bigint[]; v_sens smallint[]; v_others text[]; v_session bigint[]; v_allow boolean[]; v_closed smallint[]; v_ground text[];
BEGIN
  SELECT array_agg(o.patient ORDER BY o.n), array_agg(o.org ORDER BY o.n), array_agg(o.sens ORDER BY o.n), array_agg(o.others ORDER BY o.n)
  INTO v_patient, v_org, v_sens, v_others
  FROM vault.owners(p_slot, p_pid, p_rtype, p_version) o;
  SELECT array_agg(d.session ORDER BY d.n), array_agg(d.allow ORDER BY d.n), array_agg(d.closed ORDER BY d.n), array_agg(d.ground ORDER BY d.n)
  INTO v_session, v_allow, v_closed, v_ground
  FROM access.decide_many(p_secret, v_patient, v_org, v_sens, v_others, p_rtype, array_fill('read'::text, ARRAY[cardinality(p_pid)]),
                          p_pid) d;
  PERFORM set_config('fj.reading', coalesce(
    (SELECT array_agg(DISTINCT q.p) FROM unnest(v_patient, v_allow) AS q (p, a) WHERE q.a)::text, ''), true);
  -- The class is looked at again: a new version may have come since.
  RETURN QUERY
    SELECT a.ord::integer,
           CASE WHEN a.session IS NULL THEN 401 WHEN a.ground = 'NAER_FAMILIE' THEN 433 WHEN x.pid IS NULL THEN 404 WHEN x.body IS NULL THEN 410 ELSE 200 END::smallint,
           x.version, x.updated,
           CASE WHEN x.sens < 16384 THEN x.body
                ELSE vault.unshielded(a.secret, a.slot, a.pid, x.version, a.patient, x.org, x.body) END,
           coalesce(x.sens >= 16384, false)
    FROM unnest(p_secret, p_slot, p_pid, p_version, v_patient, v_session, v_allow, v_closed, v_ground) WITH ORDINALITY
      AS a (secret, slot, pid, version, patient, session, allow, closed, ground, ord)
    LEFT JOIN LATERAL (
      SELECT r.pid, r.version, r.updated, r.body, r.org, r.sens FROM vault.resource r
      WHERE a.version = 0 AND a.allow AND r.slot = a.slot AND r.pid = a.pid AND r.patient = a.patient
        AND ((r.sens & a.closed) = 0 OR vault.may_see(sha256(a.secret), r.sens & a.closed, r.slot, r.pid))
      UNION ALL
      SELECT h.pid, h.version, h.updated, h.body, h.org, h.sens FROM vault.history h
      JOIN vault.resource r ON r.slot = h.slot AND r.pid = h.pid AND r.patient = h.patient
      WHERE a.version > 0 AND a.allow AND h.slot = a.slot AND h.pid = a.pid AND h.version = a.version AND h.patient = a.patient
        AND ((h.sens & a.closed) = 0 OR vault.may_see(sha256(a.secret), h.sens & a.closed, h.slot, h.pid, h.version))
        AND ((r.sens & a.closed) = 0 OR vault.may_see(sha256(a.secret), r.sens & a.closed, r.slot, r.pid))
    ) x ON true
    ORDER BY a.ord;
  PERFORM set_config('fj.reading', '', true);
END $$;

-- All versions of one resource, newest first, below a version. status as above in the first row when it is not shown; no rows at all
-- when none of the versions lies in the time asked for. Hidden as a whole when the current version is hidden now.
-- p_since: made at that instant or later. p_from, p_until: current at some time in [p_from, p_until); a deletion: made in it.
DROP FUNCTION IF EXISTS vault.history_of(bytea, smallint, smallint, bigint, integer, integer);
CREATE OR REPLACE FUNCTION vault.history_of(
  p_secret bytea, p_rtype smallint, p_slot smallint, p_pid bigint, p_before integer, p_limit integer,
  p_since timestamptz DEFAULT '-infinity', p_from timestamptz DEFAULT '-infinity', p_until timestamptz DEFAULT 'infinity')
RETURNS TABLE (status smallint, version integer, updated timestamptz, op "char", body text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE o record; d record; v_others bigint[];
BEGIN
  SELECT * INTO o FROM vault.owners(ARRAY[p_slot], ARRAY[p_pid], ARRAY[p_rtype], ARRAY[0]);
  SELECT * INTO d FROM access.decide_many(ARRAY[p_secret], ARRAY[o.patient], ARRAY[o.org], ARRAY[o.sens], ARRAY[o.others], ARRAY[p_rtype],
                                          ARRAY['history'], ARRAY[p_pid]);
  IF d.session IS NULL THEN RETURN QUERY SELECT 401::smallint, 0, NULL::timestamptz, NULL::"char", NULL::text; RETURN; END IF;
  IF d.allow IS NOT TRUE THEN RETURN QUERY SELECT CASE d.ground WHEN 'NAER_FAMILIE' THEN 433 ELSE 404 END::smallint, 0, NULL::timestamptz, NULL::"char", NULL::text; RETURN; END IF;
  PERFORM set_config('fj.reading', ARRAY[o.patient]::text, true);
  FOR status, version, updated, op, body IN
    SELECT 200::smallint, h.version, h.updated, h.op, h.body FROM vault.history h
    WHERE h.slot = p_slot AND h.pid = p_pid AND h.version < p_before AND h.patient = o.patient
      AND h.updated >= p_since AND h.updated < p_until
      AND (h.updated >= p_from OR (h.op <> 'D' AND NOT EXISTS (
        SELECT 1 FROM vault.history x WHERE x.slot = h.slot AND x.pid = h.pid AND x.version = h.version + 1 AND x.updated <= p_from
        AND (x.sens & d.closed & ~12288) = 0)))
      AND ((h.sens & d.closed) = 0 OR vault.may_see(sha256(p_secret), h.sens & d.closed, h.slot, h.pid, h.version))
    ORDER BY h.version DESC LIMIT p_limit
  LOOP
    v_others := v_others || vault.named_in(p_slot, p_pid, version);
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('fj.reading', '', true);
  -- Whom only an older version names is shown too, and stands in the log with it.
  v_others := ARRAY(SELECT DISTINCT q.p FROM unnest(v_others) AS q (p) WHERE q.p <> ALL (coalesce(o.others::bigint[], '{}')));
  IF cardinality(v_others) > 0 THEN
    PERFORM access.log_event(p_secret, v_others, 'history', p_rtype, ARRAY[p_pid], d.ground, NULL, 0::smallint);
  END IF;
END $$;

-- Every other patient that one version of a resource names.
CREATE OR REPLACE FUNCTION vault.named_in(p_slot smallint, p_pid bigint, p_version integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ARRAY(SELECT o.patient FROM vault.other_patient o WHERE o.slot = p_slot AND o.pid = p_pid
               AND o.from_version <= p_version AND (o.to_version IS NULL OR o.to_version >= p_version));
END $$;

-- ── Search ───────────────────────────────────────────────────────────────────────────────────────

-- One query and nothing beside it: what is run for one reader must not be able to lay anything ready for the next
-- (a prepared statement stays in the connection).
CREATE OR REPLACE FUNCTION vault.check_query(p_sql text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_sql IS NULL OR strpos(p_sql, ';') > 0 OR NOT (starts_with(p_sql, 'SELECT ') OR starts_with(p_sql, 'WITH ')) THEN
    RAISE EXCEPTION 'not one query' USING ERRCODE = 'FJ020';
  END IF;
END $$;

DROP FUNCTION IF EXISTS vault.run_chart(text, bigint[], text[], timestamptz[], double precision[]),
  vault.run_list(text, bigint[], text[], timestamptz[], double precision[]),
  vault.run_list(text[], integer[], bigint[], text[], timestamptz[], double precision[]), vault.columns_of(text),
  vault.search_charts(bytea[], text[], text[], smallint[], text[], bigint[], integer[], text[], integer[], timestamptz[],
    integer[], double precision[], integer[]),
  vault.search_list(bytea, bigint, smallint, text[], integer[], bigint[], text[], timestamptz[], double precision[]);

-- The query whose one row is all rows of another, a column an array: nothing is then done row by row on the way out.
-- p_cut: where in $1 the number of rows stands that a page has (0 = all are shown); if there are more, one row in their place
-- says so (k = 111).
CREATE OR REPLACE FUNCTION vault.columns_of(p_sql text, p_cut integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_names text[] := '{k,slot,pid,rtype,version,updated,patient,sort,body,org}'; v_all text := 'array_agg(q.%I)';
  v_further text[] := '{111::smallint,NULL::smallint,NULL::bigint,NULL::smallint,NULL::integer,NULL::timestamptz,0::bigint,NULL::timestamptz,NULL::text,NULL::bigint}';
BEGIN
  PERFORM vault.check_query(p_sql);
  IF p_cut > 0 THEN v_all := format('(array_agg(q.%%I))[1:$1[%1$s]] || CASE WHEN count(*) > $1[%1$s] THEN ARRAY[%%s] END', p_cut); END IF;
  RETURN (SELECT format('SELECT %s FROM (%s) AS q (%s)', string_agg(format(v_all, x.name, x.further), ', '), p_sql, array_to_string(v_names, ', '))
          FROM unnest(v_names, v_further) AS x (name, further));
END $$;

-- Forgets the plans that this connection keeps; the marks of none are left (''). What is asked from now on is what is worth a plan.
CREATE OR REPLACE FUNCTION vault.forget_plans() RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_name text;
BEGIN
  FOR v_name IN SELECT p.name FROM pg_prepared_statements p WHERE p.from_sql AND p.name ~ '^[cl][0-9a-f]{32}$' LOOP
    EXECUTE format('DEALLOCATE %I', v_name);
  END LOOP;
  RETURN '';
END $$;

-- Runs compiled SQL as the chart role: nothing but what the sealed context lets through. One row of columns.
-- The plan of each SQL text is kept in the connection (most of a chart search's time was planning): same text, same plan,
-- made without looking at the values; at most 150 in a connection, since a plan takes some 100 kB: all are forgotten for one more.
-- A kept plan is the owner's: nobody else can run it, and it holds no value of anyone.
CREATE OR REPLACE FUNCTION vault.run_chart(
  p_sql text, p_cut integer, p_i bigint[], p_t text[], p_d timestamptz[], p_f double precision[],
  OUT k smallint[], OUT slot smallint[], OUT pid bigint[], OUT rtype smallint[], OUT version integer[], OUT updated timestamptz[],
  OUT patient bigint[], OUT sort timestamptz[], OUT body text[], OUT org bigint[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_name text := 'c' || md5(p_cut || p_sql); v_kept text := coalesce(current_setting('fj.plans', true), ''); v_sql text;
BEGIN
  IF strpos(v_kept, v_name) = 0 THEN
    v_sql := vault.columns_of(p_sql, p_cut);
    IF length(v_kept) > 33 * 150 THEN v_kept := vault.forget_plans(); END IF;
    BEGIN
      EXECUTE format('PREPARE %I (bigint[], text[], timestamptz[], double precision[]) AS %s', v_name, v_sql);
    EXCEPTION WHEN duplicate_prepared_statement THEN NULL;  -- made by a transaction that was rolled back: it stays, its mark doesn't
    END;
    PERFORM set_config('fj.plans', v_kept || v_name, false);
  END IF;
  BEGIN
    EXECUTE format('EXECUTE %I (%L, %L, %L, %L)', v_name, p_i, p_t, p_d, p_f)
    INTO k, slot, pid, rtype, version, updated, patient, sort, body, org;
  EXCEPTION WHEN invalid_sql_statement_name OR syntax_error THEN  -- the mark is there and the plan isn't: it is made the next time
    PERFORM set_config('fj.plans', replace(current_setting('fj.plans', true), v_name, ''), false);
    EXECUTE vault.columns_of(p_sql, p_cut) INTO k, slot, pid, rtype, version, updated, patient, sort, body, org USING p_i, p_t, p_d, p_f;
  END;
END $$;
-- Runs compiled SQL as the list role, as above. p_choices are plans of one answer, p_probes tell which to run: five numbers for
-- each plan but the last, 1 for a reference (0 a token), its parameter, where in p_i its hashes begin and end, a cap; for what lies
-- beyond a date or a number (see `vault.is_few_beyond`) its kind, its parameter, where in p_d or p_f that is, where in p_i its unit.
CREATE OR REPLACE FUNCTION vault.run_list(
  p_choices text[], p_probes integer[], p_cut integer, p_i bigint[], p_t text[], p_d timestamptz[], p_f double precision[],
  OUT k smallint[], OUT slot smallint[], OUT pid bigint[], OUT rtype smallint[], OUT version integer[], OUT updated timestamptz[],
  OUT patient bigint[], OUT sort timestamptz[], OUT body text[], OUT org bigint[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE n integer := 1; b integer; v_name text; v_kept text := coalesce(current_setting('fj.plans', true), ''); v_sql text;
BEGIN
  FOR b IN 0..cardinality(p_probes) - 1 BY 5 LOOP
    IF p_probes[b + 1] < 2 THEN
      EXIT WHEN vault.is_few(p_probes[b + 1], p_probes[b + 2], p_i[p_probes[b + 3]:p_probes[b + 4]], p_probes[b + 5]);
    ELSE
      EXIT WHEN vault.is_few_beyond(p_probes[b + 1], p_probes[b + 2], p_i[p_probes[b + 4]], p_d[p_probes[b + 3]], p_f[p_probes[b + 3]], p_probes[b + 5]);
    END IF;
    n := n + 1;
  END LOOP;
  v_name := 'l' || md5(p_cut || p_choices[n]);
  IF strpos(v_kept, v_name) = 0 THEN
    v_sql := vault.columns_of(p_choices[n], p_cut);
    IF length(v_kept) > 33 * 150 THEN v_kept := vault.forget_plans(); END IF;
    BEGIN
      EXECUTE format('PREPARE %I (bigint[], text[], timestamptz[], double precision[]) AS %s', v_name, v_sql);
    EXCEPTION WHEN duplicate_prepared_statement THEN NULL;  -- made by a transaction that was rolled back: it stays, its mark doesn't
    END;
    PERFORM set_config('fj.plans', v_kept || v_name, false);
  END IF;
  BEGIN
    EXECUTE format('EXECUTE %I (%L, %L, %L, %L)', v_name, p_i, p_t, p_d, p_f)
    INTO k, slot, pid, rtype, version, updated, patient, sort, body, org;
  EXCEPTION WHEN invalid_sql_statement_name OR syntax_error THEN  -- the mark is there and the plan isn't: it is made the next time
    PERFORM set_config('fj.plans', replace(current_setting('fj.plans', true), v_name, ''), false);
    EXECUTE vault.columns_of(p_choices[n], p_cut) INTO k, slot, pid, rtype, version, updated, patient, sort, body, org USING p_i, p_t, p_d, p_f;
  END;
END $$;

-- Chart searches that wait: one call decides, seals, runs and logs each, one durable commit. p_patients: the charts that each
-- names, as the text of an array. The parameters of all stand one after the other; n_… tells how many are whose.
-- One row for each, in order: verdict ('ok', 'none' = the secret opens nothing, 'refused', 'family' = a close relative's, which asks for
-- a reason), and its rows as columns.
CREATE OR REPLACE FUNCTION vault.search_charts(
  p_secret bytea[], p_patients text[], p_action text[], p_kind smallint[], p_sql text[], p_cut integer[],
  p_i bigint[], n_i integer[], p_t text[], n_t integer[], p_d timestamptz[], n_d integer[], p_f double precision[], n_f integer[])
RETURNS TABLE (verdict text, k smallint[], slot smallint[], pid bigint[], rtype smallint[], version integer[], updated timestamptz[],
               patient bigint[], sort timestamptz[], body text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  j record; r record; done text; i integer := 0; t integer := 0; d integer := 0; f integer := 0; v_charts bigint[]; is_next boolean;
  v_outcome smallint[] := '{}'; v_ground text[] := '{}'; v_ref bigint[] := '{}';
  s_n integer[] := '{}'; s_owner bigint[] := '{}'; s_what bigint[] := '{}'; s_kind smallint[] := '{}'; s_org bigint[] := '{}';
BEGIN
  FOR n IN 1..cardinality(p_secret) LOOP
    -- One reader's questions about one chart stand together: one decision and one seal for them.
    is_next := p_secret[n] = p_secret[n - 1] AND p_patients[n] = p_patients[n - 1];
    IF is_next IS NOT TRUE THEN
      v_charts := p_patients[n]::bigint[];
      j := access.judge_all(p_secret[n], v_charts);
      -- An assignment of one call is cheaper than PERFORM, which starts a query.
      IF j.allow THEN done := ctx.seal_chart(sha256(p_secret[n]), j.closed, (v_charts || 0::bigint)::text); END IF;
    END IF;
    v_outcome := v_outcome || CASE WHEN j.allow THEN 0 ELSE 1 END::smallint; v_ground := v_ground || j.ground; v_ref := v_ref || j.ref;
    IF j.allow THEN
      IF j.is_limited THEN
        r := vault.run_chart_some(p_sql[n], p_cut[n], p_i[i + 1:i + n_i[n]], p_t[t + 1:t + n_t[n]], p_d[d + 1:d + n_d[n]], p_f[f + 1:f + n_f[n]]);
      ELSE
        r := vault.run_chart(p_sql[n], p_cut[n], p_i[i + 1:i + n_i[n]], p_t[t + 1:t + n_t[n]], p_d[d + 1:d + n_d[n]], p_f[f + 1:f + n_f[n]]);
      END IF;
      verdict := 'ok'; k := r.k; slot := r.slot; pid := r.pid; rtype := r.rtype; version := r.version; updated := r.updated;
      patient := r.patient; sort := r.sort; body := r.body;
      IF k IS NOT NULL THEN
        s_n := s_n || array_fill(n, ARRAY[cardinality(k)]); s_owner := s_owner || patient; s_what := s_what || pid; s_kind := s_kind || rtype; s_org := s_org || r.org;
      END IF;
    ELSE
      verdict := CASE WHEN j.session IS NULL THEN 'none' WHEN j.ground = 'NAER_FAMILIE' AND cardinality(v_charts) = 1 THEN 'family' ELSE 'refused' END;
      k := NULL; slot := NULL; pid := NULL; rtype := NULL; version := NULL; updated := NULL; patient := NULL; sort := NULL; body := NULL;
    END IF;
    RETURN NEXT;
    i := i + n_i[n]; t := t + n_t[n]; d := d + n_d[n]; f := f + n_f[n];
  END LOOP;
  PERFORM ctx.clear();
  PERFORM access.log_pages(p_secret, p_patients, v_outcome, p_action, p_kind, v_ground, v_ref, s_n, s_owner, s_what, s_kind, s_org);
END $$;

-- One search in the acting unit's lists (p_unit must be the session's unit): decides, seals, runs, logs every patient shown and
-- what of each. One row: the verdict and the rows as columns, as above.
CREATE OR REPLACE FUNCTION vault.search_list(p_secret bytea, p_unit bigint, p_kind smallint, p_choices text[], p_probes integer[], p_cut integer,
                                             p_i bigint[], p_t text[], p_d timestamptz[], p_f double precision[])
RETURNS TABLE (verdict text, k smallint[], slot smallint[], pid bigint[], rtype smallint[], version integer[], updated timestamptz[],
               patient bigint[], sort timestamptz[], body text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE r record; v_owner bigint[] := '{}'; v_what bigint[] := '{}'; v_kind smallint[] := '{}'; v_org bigint[] := '{}'; v_named text := '{0}';
BEGIN
  SELECT * INTO r FROM access.lister(p_secret);
  verdict := CASE WHEN NOT FOUND THEN 'none' WHEN r.allow IS NOT TRUE OR r.unit IS NULL OR r.unit IS DISTINCT FROM p_unit THEN 'refused'
             ELSE 'ok' END;
  IF verdict = 'ok' THEN
    PERFORM ctx.seal_list(sha256(p_secret), r.closed, r.unit, r.person, r.kept, r.is_staff, r.grounds);
    IF (1000::smallint = ANY (r.app_may)) IS NOT FALSE AND access.role_limits(sha256(p_secret), 'list') IS NULL THEN
      SELECT x.* INTO k, slot, pid, rtype, version, updated, patient, sort, body, v_org FROM vault.run_list(p_choices, p_probes, p_cut, p_i, p_t, p_d, p_f) x;
    ELSE
      SELECT x.* INTO k, slot, pid, rtype, version, updated, patient, sort, body, v_org FROM vault.run_list_some(p_choices, p_probes, p_cut, p_i, p_t, p_d, p_f) x;
    END IF;
    PERFORM ctx.clear();
    SELECT array_agg(x.p), array_agg(x.w), array_agg(x.q), array_agg(x.g) INTO v_owner, v_what, v_kind, v_org
    FROM unnest(patient, pid, rtype, body, v_org) AS x (p, w, q, b, g) WHERE x.p <> 0 AND x.b IS NOT NULL;
    IF v_owner IS NOT NULL THEN v_named := '{}'; END IF;
  END IF;
  PERFORM access.log_pages(ARRAY[p_secret], ARRAY[v_named], ARRAY[CASE verdict WHEN 'ok' THEN 0 ELSE 1 END]::smallint[],
                           ARRAY['list'], ARRAY[p_kind], ARRAY['ENHET'], ARRAY[NULL]::bigint[],
                           array_fill(1, ARRAY[coalesce(cardinality(v_owner), 0)]), v_owner, v_what, v_kind, v_org);
  RETURN NEXT;
END $$;

-- ── Identify ─────────────────────────────────────────────────────────────────────────────────────

-- Name, birth date, sex and number of one Patient body; no more than identifying may show.
CREATE OR REPLACE FUNCTION vault.identity_of(p_body text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('name', b -> 'name', 'birthDate', b -> 'birthDate', 'gender', b -> 'gender',
                                              'identifier', b -> 'identifier'))::text FROM (SELECT p_body::jsonb AS b) x
$$;

-- Is this Patient strictly protected? (Grunndata code strengtFortrolig, anywhere in meta.security)
CREATE OR REPLACE FUNCTION vault.is_strictly_protected(p_body text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p_body LIKE '%strengtFortrolig%' AND jsonb_path_exists(p_body::jsonb, '$.meta.security[*] ? (@.code == "strengtFortrolig")')
$$;

-- What representation must know of a person: the birth date (an incomplete one as its first day), the codes of protection, dead or not.
-- Nothing for no patient. Patient is number 103.
CREATE OR REPLACE FUNCTION vault.about(p_patient bigint, OUT born_on date, OUT codes text[], OUT is_dead boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE b jsonb; v_born text;
BEGIN
  SELECT r.body::jsonb INTO b FROM vault.resource r WHERE r.patient = p_patient AND r.rtype = 103 AND r.pid = p_patient AND r.slot > 0;
  v_born := b ->> 'birthDate';
  born_on := (v_born || CASE length(v_born) WHEN 4 THEN '-01-01' WHEN 7 THEN '-01' ELSE '' END)::date;
  codes := ARRAY(SELECT x ->> 'code' FROM jsonb_array_elements(b #> '{meta,security}') x);
  is_dead := b IS NULL OR b ? 'deceasedDateTime' OR coalesce((b ->> 'deceasedBoolean')::boolean, false);
END $$;

-- The rows of a patient that a mask closes and the patient sees, and the units that answer for such rows alone. Patient and RelatedPerson
-- (103, 114) tell of no unit.
CREATE OR REPLACE FUNCTION vault.closed_rows(p_patient bigint, p_closed integer, OUT pids bigint[], OUT units bigint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  SELECT coalesce(array_agg(r.pid) FILTER (WHERE r.sens & p_closed <> 0 AND r.sens & 1 = 0), '{}') INTO pids FROM vault.resource r WHERE r.patient = p_patient;
  units := ARRAY(SELECT r.org FROM vault.resource r WHERE r.patient = p_patient AND r.rtype NOT IN (103, 114) AND r.sens & 1 = 0
                 GROUP BY r.org HAVING bool_and(r.sens & p_closed <> 0));
END $$;

-- The rows of a patient that a mask closes, but for internal work that is named as such (Task, AuditEvent, Provenance, DetectedIssue,
-- Subscription): of what kind they are is told to nobody whom they are closed to.
CREATE OR REPLACE FUNCTION vault.unnamed_rows(p_patient bigint, p_closed integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ARRAY(SELECT r.pid FROM vault.resource r WHERE r.patient = p_patient AND r.sens & p_closed <> 0 AND r.rtype <> ALL ('{140,7,111,34,130}'));
END $$;

-- The types of rows of a patient, each once.
CREATE OR REPLACE FUNCTION vault.kinds_of(p_patient bigint, p_pids bigint[]) RETURNS smallint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT r.rtype FROM vault.resource r WHERE r.patient = p_patient AND r.pid = ANY (p_pids));
END $$;

-- By number (keyed hash). verdict: 'ok', 'none', 'role', 'rate'. At most one hit; the caller compares the number again.
CREATE OR REPLACE FUNCTION vault.identify_number(p_secret bytea, p_rtype smallint, p_h bigint)
RETURNS TABLE (verdict text, slot smallint, pid bigint, body text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v text := access.may_identify(p_secret);
BEGIN
  IF v = 'ok' THEN
    RETURN QUERY
      SELECT v, r.slot, r.pid, vault.identity_of(r.body) FROM vault.identifier i
      JOIN vault.resource r ON r.slot = i.slot AND r.pid = i.pid
      WHERE i.rtype = p_rtype AND i.h = p_h AND r.body IS NOT NULL;
    IF FOUND THEN
      PERFORM access.mark_identified(p_secret, ARRAY(SELECT i.pid FROM vault.identifier i WHERE i.rtype = p_rtype AND i.h = p_h));
      RETURN;
    END IF;
    PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'identify', p_rtype, NULL, 'IDENTIFISERT', NULL, 2::smallint);
    RETURN;
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'identify', p_rtype, NULL, v, NULL, 1::smallint);
  RETURN QUERY SELECT v, NULL::smallint, NULL::bigint, NULL::text;
END $$;

-- The Patient whose national number has this key; no row for none. Only the identity room asks.
CREATE OR REPLACE FUNCTION vault.patient_numbered(p_h bigint) RETURNS TABLE (slot smallint, pid bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT i.slot, i.pid FROM vault.identifier i WHERE i.rtype = 103 AND i.h = p_h;
END $$;

-- By names (each folded; all must match, and one has two letters at least) and birth date, which the record has to the
-- day. At most 10 hits; the strictly protected never. verdict: 'ok', 'few' (too little to identify by), 'none', 'role', 'rate'.
CREATE OR REPLACE FUNCTION vault.identify_name(p_secret bytea, p_name_param integer, p_names text[], p_birth_param integer, p_born timestamptz)
RETURNS TABLE (verdict text, slot smallint, pid bigint, body text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v text := access.may_identify(p_secret); v_hits bigint[];
BEGIN
  IF v = 'ok' AND NOT EXISTS (SELECT 1 FROM unnest(p_names) AS q (name) WHERE length(q.name) >= 2) THEN
    v := 'few';
  END IF;
  IF v = 'ok' THEN
    SELECT array_agg(h.pid) INTO v_hits FROM (
      SELECT r.pid FROM vault.sp_date d JOIN vault.resource r ON r.slot = d.slot AND r.pid = d.pid
      WHERE d.param = p_birth_param AND d.lo = p_born AND d.hi - d.lo <= interval '25 hours' AND r.body IS NOT NULL AND NOT vault.is_strictly_protected(r.body)
        AND (SELECT bool_and(EXISTS (SELECT 1 FROM vault.sp_string s WHERE s.patient = d.patient AND s.param = p_name_param AND s.v ^@ q.name))
             FROM unnest(p_names) AS q (name))
      ORDER BY r.pid LIMIT 10) h;
    IF v_hits IS NULL THEN
      PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'identify', 0::smallint, NULL, 'IDENTIFISERT', NULL, 2::smallint);
      RETURN;
    END IF;
    PERFORM access.mark_identified(p_secret, v_hits);
    RETURN QUERY SELECT v, r.slot, r.pid, vault.identity_of(r.body) FROM vault.resource r JOIN vault.sp_date d
                   ON d.slot = r.slot AND d.pid = r.pid AND d.param = p_birth_param AND d.lo = p_born
                 WHERE r.pid = ANY (v_hits) ORDER BY r.pid;
    RETURN;
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'identify', 0::smallint, NULL, v, NULL, 1::smallint);
  RETURN QUERY SELECT v, NULL::smallint, NULL::bigint, NULL::text;
END $$;

-- ── Write ────────────────────────────────────────────────────────────────────────────────────────

-- Writes versions with their search rows: one decision for each patient touched, all or nothing, a handful of statements.
-- Rows come sorted by (slot, pid). op: C create, U update, D delete. expect: 0 = must be new, -1 = any, n = must be version n.
-- body = head || version || '","lastUpdated":"' || instant || tail; deleted: head and tail NULL.
-- Search rows name their resource by its ordinal n (from 1).
-- g_…: rows of composite parameters. c_n, c_id, c_h: ids that the client chose for what is created. w_…: names that are referred to and
-- stood for nothing when the rows were made (see `vault.meet_names`). A deletion takes its patient from the row (p_patient NULL).
-- One row back for each resource; chosen: the id that its client chose, if any. status: 201 (new, or back from a deletion), 200, 204; else nothing at all was
-- written and the rows with faults say why:
-- 401 no session, 425 the search parameters are others than those of p_registry, 403 refused, 404 absent or hidden, 409 exists, 410 deleted before, 412 another version,
-- 433 a close relative's, which asks for a reason, 422 moved to another person, 423 its protection may not be taken away, 430 another unit's row.
DROP FUNCTION IF EXISTS vault.write(bytea, text[], smallint[], bigint[], smallint[], integer[], bigint[], bigint[], smallint[], timestamptz[], integer[], text[], text[],
  integer[], bigint[], integer[], bigint[], integer[], integer[], bigint[], integer[], integer[], bigint[], smallint[], bigint[],
  integer[], integer[], timestamptz[], timestamptz[], integer[], integer[], bigint[], double precision[], double precision[],
  integer[], integer[], text[], text[], integer[], integer[], text[]),
  vault.write(bytea, text[], smallint[], bigint[], smallint[], integer[], bigint[], bigint[], smallint[], timestamptz[], integer[], text[], text[],
  integer[], bigint[], integer[], bigint[], integer[], integer[], bigint[], integer[], integer[], bigint[], smallint[], bigint[],
  integer[], integer[], timestamptz[], timestamptz[], integer[], integer[], bigint[], double precision[], double precision[],
  integer[], integer[], text[], text[], integer[], integer[], text[], integer[], text[]),
  vault.write(bytea, text[], smallint[], bigint[], smallint[], integer[], bigint[], bigint[], smallint[], timestamptz[], integer[], text[], text[],
  integer[], bigint[], integer[], bigint[], integer[], integer[], bigint[], integer[], integer[], bigint[], smallint[], bigint[],
  integer[], integer[], timestamptz[], timestamptz[], integer[], integer[], bigint[], double precision[], double precision[],
  integer[], integer[], text[], text[], integer[], integer[], text[], integer[], text[],
  integer[], integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], double precision[], double precision[], double precision[],
  double precision[], timestamptz[], timestamptz[], text[]),
  vault.write(bytea, text[], smallint[], bigint[], smallint[], integer[], bigint[], bigint[], smallint[], timestamptz[], integer[], text[], text[],
  integer[], bigint[], integer[], bigint[], integer[], integer[], bigint[], integer[], integer[], bigint[], smallint[], bigint[],
  integer[], integer[], timestamptz[], timestamptz[], integer[], integer[], bigint[], double precision[], double precision[],
  integer[], integer[], text[], text[], integer[], integer[], text[], integer[], text[],
  integer[], integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], double precision[], double precision[], double precision[],
  double precision[], timestamptz[], timestamptz[], text[], bigint);
CREATE OR REPLACE FUNCTION vault.write(
  p_secret bytea, p_op text[], p_slot smallint[], p_pid bigint[], p_rtype smallint[], p_expect integer[],
  p_patient bigint[], p_org bigint[], p_sens smallint[], p_date timestamptz[], p_lu_param integer[], p_head text[], p_tail text[],
  o_n integer[], o_patient bigint[], i_n integer[], i_h bigint[],
  t_n integer[], t_param integer[], t_h bigint[],
  r_n integer[], r_param integer[], r_h bigint[], r_tslot smallint[], r_tpid bigint[],
  d_n integer[], d_param integer[], d_lo timestamptz[], d_hi timestamptz[],
  q_n integer[], q_param integer[], q_unit bigint[], q_lo double precision[], q_hi double precision[],
  s_n integer[], s_param integer[], s_v text[], s_exact text[],
  u_n integer[], u_param integer[], u_v text[],
  c_n integer[], c_id text[],
  g_n integer[], g_param integer[], g_h bigint[], g_hs bigint[], g_hy bigint[], g_h2 bigint[], g_h2s bigint[], g_h2y bigint[],
  g_lo double precision[], g_hi double precision[], g_lo2 double precision[], g_hi2 double precision[],
  g_dlo timestamptz[], g_dhi timestamptz[], g_v text[], p_registry bigint DEFAULT 0, c_h bigint[] DEFAULT '{}',
  w_n integer[] DEFAULT '{}', w_rtype smallint[] DEFAULT '{}', w_id text[] DEFAULT '{}', w_open boolean[] DEFAULT '{}', w_h bigint[] DEFAULT '{}')
RETURNS TABLE (n integer, status smallint, version integer, updated timestamptz, chosen text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  s record; v_count integer := cardinality(p_pid); v_now timestamptz := date_trunc('milliseconds', clock_timestamp());
  v_all bigint[]; v_new bigint[]; v_now_of bigint[]; v_bad bigint[]; v_status smallint[]; v_anywhere boolean; v_version integer[]; v_updated timestamptz[]; v_org bigint[];
  v_sens smallint[]; v_ground text; v_ref bigint; v_changed bigint[]; v_patient bigint[]; v_chosen text[]; v_head text[];
  v_kinds smallint[]; v_nobodys bigint[]; v_kin bigint[];
BEGIN
  SELECT l.session, l.unit, l.kind, l.purpose, l.may_write, l.may_register, l.person, l.app_may INTO s FROM access.writer(p_secret) l;
  IF NOT FOUND THEN
    RETURN QUERY SELECT g, 401::smallint, 0, NULL::timestamptz, NULL::text FROM generate_series(1, v_count) g; RETURN;
  END IF;
  -- First a number for this transaction, then the look: whoever fills in rows waits for the numbers from before a change.
  PERFORM pg_current_xact_id();
  IF p_registry IS DISTINCT FROM (SELECT r.version FROM vault.search_registry r) THEN
    RETURN QUERY SELECT g, 425::smallint, 0, NULL::timestamptz, NULL::text FROM generate_series(1, v_count) g; RETURN;
  END IF;

  v_anywhere := s.kind = 'system' AND s.purpose IN ('LOAD', 'DISTRIBUTE');
  -- Every row has its controller: everybody else writes for the unit of their session, which is one that has.
  IF v_anywhere THEN v_nobodys := access.without_controller(p_org); END IF;
  v_kinds := access.role_limits(sha256(p_secret), 'write');

  -- Who is touched: owners, and everyone else that a row names. A Patient made here is the writer's to make, by its right.
  v_new := ARRAY(SELECT p_pid[g] FROM generate_subscripts(p_pid, 1) g WHERE p_op[g] = 'C' AND p_patient[g] = p_pid[g]);
  -- Whoever a changed row is about now is asked for too: told apart are then a move (422) and what is hidden (404).
  IF p_op && ARRAY['U', 'D'] THEN
    v_now_of := ARRAY(SELECT CASE WHEN p_op[o.n] <> 'C' THEN o.patient END
                      FROM vault.owners(p_slot, p_pid, p_rtype, array_fill(0, ARRAY[v_count])) o ORDER BY o.n);
  END IF;
  v_all := ARRAY(SELECT DISTINCT x FROM unnest(p_patient || o_patient || v_now_of) AS q (x) WHERE x > 0 AND x <> ALL (v_new));
  SELECT array_agg(j.patient) FILTER (WHERE NOT j.allow), min(j.ground) FILTER (WHERE j.allow), min(j.ref) FILTER (WHERE j.allow)
  INTO v_bad, v_ground, v_ref FROM access.judge(p_secret, v_all, 'write') j;
  IF v_bad IS NOT NULL THEN v_kin := ARRAY(SELECT j.patient FROM access.judge(p_secret, v_bad, 'write') j WHERE j.ground = 'NAER_FAMILIE'); END IF;
  IF cardinality(v_new) > 0 AND NOT s.may_register THEN v_bad := v_bad || v_new; END IF;
  v_status := ARRAY(
    SELECT CASE WHEN NOT s.may_write OR p_patient[g] = ANY (v_bad)
                  OR EXISTS (SELECT 1 FROM unnest(o_n, o_patient) AS o (n, p) WHERE o.n = g AND o.p = ANY (v_bad))
                THEN CASE WHEN s.may_write AND v_bad <@ v_kin THEN 433 ELSE 403 END
                WHEN p_rtype[g] <> ALL (v_kinds) THEN 403
                WHEN s.app_may IS NOT NULL AND NOT access.app_holds(s.session, s.app_may, p_op[g], p_rtype[g], p_pid[g]) THEN 403
                WHEN coalesce(p_patient[g], v_now_of[g]) = 0 AND s.kind <> 'system' THEN 403
                WHEN p_op[g] = 'C' AND p_org[g] = ANY (v_nobodys) THEN 430
                WHEN p_op[g] = 'C' AND p_org[g] IS DISTINCT FROM s.unit AND NOT v_anywhere THEN 430
                ELSE 0 END::smallint
    FROM generate_subscripts(p_pid, 1) g ORDER BY g);
  IF v_status && '{403,430,433}' THEN
    PERFORM access.log_event(p_secret, coalesce(nullif(v_bad, '{}'), ARRAY[0]::bigint[]), 'write', p_rtype[1], NULL, v_ground, NULL, 1::smallint);
    RETURN QUERY SELECT g, v_status[g], 0, NULL::timestamptz, NULL::text FROM generate_series(1, v_count) g WHERE v_status[g] <> 0; RETURN;
  END IF;

  PERFORM vault.hold_against_blocks(v_all || v_new);
  -- The rows as they are, locked in order. Rows of people outside this decision are as absent as absent ones.
  v_all := ARRAY(SELECT x FROM unnest(v_all) AS q (x) WHERE x <> ALL (coalesce(v_bad, '{}')));
  PERFORM set_config('fj.writing', (v_all || v_new || ARRAY[0, -1]::bigint[])::text, true);
  SELECT array_agg(CASE
           WHEN a.op = 'C' AND x.pid IS NOT NULL THEN 409
           WHEN a.op = 'C' THEN 201
           WHEN x.pid IS NULL OR x.rtype <> a.rtype OR x.hidden THEN 404
           WHEN x.patient <> a.patient THEN 422
           WHEN x.org IS DISTINCT FROM s.unit AND NOT v_anywhere THEN 430
           WHEN a.expect >= 0 AND x.version <> a.expect THEN 412
           WHEN x.gone AND a.op = 'D' THEN 410
           -- What was deleted and comes back is created again (FHIR http, update).
           WHEN a.op = 'D' THEN 204 WHEN x.gone THEN 201 ELSE 200 END::smallint ORDER BY a.ord),
         array_agg(coalesce(x.version, 0) + 1 ORDER BY a.ord),
         array_agg(greatest(v_now, x.updated + interval '1 millisecond') ORDER BY a.ord),
         array_agg(coalesce(x.org, a.org) ORDER BY a.ord),
         array_agg(CASE WHEN a.op = 'D' THEN x.sens ELSE a.sens END ORDER BY a.ord),  -- what was hidden stays hidden when deleted
         array_agg(coalesce(a.patient, x.patient) ORDER BY a.ord), array_agg(x.chosen ORDER BY a.ord)
  INTO v_status, v_version, v_updated, v_org, v_sens, v_patient, v_chosen
  FROM unnest(p_slot, p_pid, p_rtype, p_op, p_expect, p_patient, p_org, p_sens) WITH ORDINALITY
    AS a (slot, pid, rtype, op, expect, patient, org, sens, ord)
  LEFT JOIN LATERAL (
    SELECT r.pid, r.rtype, r.patient, r.org, r.version, r.updated, r.sens, r.body IS NULL AS gone,
           -- What was withdrawn (1024) is taken up again by the unit that wrote it, and is absent for every other.
           ((r.patient = -1 OR (r.sens & 1024) <> 0) AND r.org IS DISTINCT FROM s.unit AND NOT v_anywhere)
           OR (r.sens <> 0 AND NOT vault.may_see(sha256(p_secret), (r.sens & access.closed_for(s.session, s.kind, r.patient) & ~1024)::smallint, r.slot, r.pid))
           AS hidden,
           (SELECT c.id FROM vault.chosen_id c WHERE c.slot = r.slot AND c.pid = r.pid) AS chosen
    FROM vault.resource r
    WHERE a.op <> 'C' AND r.slot = a.slot AND r.pid = a.pid FOR UPDATE) x ON true;
  IF 103 = ANY (p_rtype) THEN v_status := vault.keep_protection(p_secret, p_op, p_rtype, p_pid, p_tail, v_status); END IF;
  IF EXISTS (SELECT 1 FROM unnest(v_status) AS q (x) WHERE x >= 400) THEN
    PERFORM access.log_event(p_secret, coalesce(nullif(v_all || coalesce(v_bad, '{}'), '{}'), ARRAY[0]::bigint[]), 'write', p_rtype[1], NULL,
                             v_ground, v_ref, 1::smallint);
    PERFORM set_config('fj.writing', '', true);
    RETURN QUERY SELECT g, v_status[g], 0, NULL::timestamptz, NULL::text FROM generate_series(1, v_count) g WHERE v_status[g] >= 400; RETURN;
  END IF;

  v_sens := vault.classified(v_sens, p_op, p_tail, v_org, v_patient);
  -- A resource keeps the id that its client chose, by whichever of its two ids it is updated.
  v_head := CASE WHEN array_remove(v_chosen, NULL) = '{}' THEN p_head ELSE ARRAY(
    SELECT coalesce(left(a.head, strpos(a.head, '","id":"') + 7) || a.chosen || '","meta":{"versionId":"', a.head)
    FROM unnest(p_head, v_chosen) WITH ORDINALITY AS a (head, chosen, ord) ORDER BY a.ord) END;
  INSERT INTO vault.history (slot, pid, version, rtype, updated, patient, org, sens, op, session, body)
  SELECT a.slot, a.pid, a.version, a.rtype, a.updated, a.patient, a.org, a.sens, a.op::"char", s.session,
         a.head || a.version || '","lastUpdated":"' || to_char(a.updated AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || a.tail
  FROM unnest(p_slot, p_pid, v_version, p_rtype, v_updated, v_patient, v_org, v_sens, p_op, v_head, p_tail)
    AS a (slot, pid, version, rtype, updated, patient, org, sens, op, head, tail);
  INSERT INTO vault.resource AS r (slot, pid, rtype, version, updated, patient, org, sens, date, body)
  SELECT a.slot, a.pid, a.rtype, a.version, a.updated, a.patient, a.org, a.sens, coalesce(a.date, a.updated),
         a.head || a.version || '","lastUpdated":"' || to_char(a.updated AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || a.tail
  FROM unnest(p_slot, p_pid, v_version, p_rtype, v_updated, v_patient, v_org, v_sens, p_date, v_head, p_tail)
    AS a (slot, pid, version, rtype, updated, patient, org, sens, date, head, tail)
  ON CONFLICT (slot, pid) DO UPDATE SET version = excluded.version, updated = excluded.updated, sens = excluded.sens,
                                        date = excluded.date, body = excluded.body;

  v_changed := ARRAY(SELECT p_pid[g] FROM generate_subscripts(p_pid, 1) g WHERE p_op[g] <> 'C');
  IF cardinality(v_changed) > 0 THEN
    DELETE FROM vault.sp_token x WHERE x.pid = ANY (v_changed);
    DELETE FROM vault.sp_reference x WHERE x.pid = ANY (v_changed);
    DELETE FROM vault.sp_date x WHERE x.pid = ANY (v_changed);
    DELETE FROM vault.sp_quantity x WHERE x.pid = ANY (v_changed);
    DELETE FROM vault.sp_string x WHERE x.pid = ANY (v_changed);
    DELETE FROM vault.sp_uri x WHERE x.pid = ANY (v_changed);
    DELETE FROM vault.sp_composite x WHERE x.pid = ANY (v_changed);
    DELETE FROM vault.identifier x WHERE x.pid = ANY (v_changed);
    UPDATE vault.other_patient x SET to_version = a.version - 1
    FROM unnest(p_slot, p_pid, v_version, p_op) AS a (slot, pid, version, op)
    WHERE x.slot = a.slot AND x.pid = a.pid AND x.to_version IS NULL AND a.op = 'U';
  END IF;
  IF cardinality(t_n) > 0 THEN
    INSERT INTO vault.sp_token (param, slot, sens, pid, patient, org, date, h)
    SELECT a.param, p_slot[a.n], v_sens[a.n], p_pid[a.n], v_patient[a.n], v_org[a.n], coalesce(p_date[a.n], v_updated[a.n]), a.h
    FROM unnest(t_n, t_param, t_h) AS a (n, param, h);
  END IF;
  IF cardinality(r_n) > 0 THEN
    INSERT INTO vault.sp_reference (param, slot, sens, pid, patient, org, date, h, tslot, tpid)
    SELECT a.param, p_slot[a.n], v_sens[a.n], p_pid[a.n], v_patient[a.n], v_org[a.n], coalesce(p_date[a.n], v_updated[a.n]), a.h, a.tslot, a.tpid
    FROM unnest(r_n, r_param, r_h, r_tslot, r_tpid) AS a (n, param, h, tslot, tpid);
  END IF;
  INSERT INTO vault.sp_date (param, slot, sens, pid, patient, org, date, lo, hi)
  SELECT a.param, p_slot[a.n], v_sens[a.n], p_pid[a.n], v_patient[a.n], v_org[a.n], coalesce(p_date[a.n], v_updated[a.n]), a.lo, a.hi
  FROM unnest(d_n, d_param, d_lo, d_hi) AS a (n, param, lo, hi)
  UNION ALL
  SELECT a.param, a.slot, a.sens, a.pid, a.patient, a.org, coalesce(a.date, a.updated), a.updated, a.updated + interval '1 millisecond'
  FROM unnest(p_lu_param, p_slot, v_sens, p_pid, v_patient, v_org, p_date, v_updated, p_op)
    AS a (param, slot, sens, pid, patient, org, date, updated, op) WHERE a.op <> 'D';
  IF cardinality(q_n) > 0 THEN
    INSERT INTO vault.sp_quantity (param, slot, sens, pid, patient, org, date, unit, lo, hi)
    SELECT a.param, p_slot[a.n], v_sens[a.n], p_pid[a.n], v_patient[a.n], v_org[a.n], coalesce(p_date[a.n], v_updated[a.n]), a.unit, a.lo, a.hi
    FROM unnest(q_n, q_param, q_unit, q_lo, q_hi) AS a (n, param, unit, lo, hi);
  END IF;
  IF cardinality(s_n) > 0 THEN
    INSERT INTO vault.sp_string (param, slot, sens, pid, patient, org, date, v, exact)
    SELECT a.param, p_slot[a.n], v_sens[a.n], p_pid[a.n], v_patient[a.n], v_org[a.n], coalesce(p_date[a.n], v_updated[a.n]), a.v, a.exact
    FROM unnest(s_n, s_param, s_v, s_exact) AS a (n, param, v, exact);
  END IF;
  IF cardinality(u_n) > 0 THEN
    INSERT INTO vault.sp_uri (param, slot, sens, pid, patient, org, date, v)
    SELECT a.param, p_slot[a.n], v_sens[a.n], p_pid[a.n], v_patient[a.n], v_org[a.n], coalesce(p_date[a.n], v_updated[a.n]), a.v
    FROM unnest(u_n, u_param, u_v) AS a (n, param, v);
  END IF;
  IF cardinality(g_n) > 0 THEN
    INSERT INTO vault.sp_composite (param, slot, sens, pid, patient, org, date, h, hs, hy, h2, h2s, h2y, lo, hi, lo2, hi2, dlo, dhi, v)
    SELECT a.param, p_slot[a.n], v_sens[a.n], p_pid[a.n], v_patient[a.n], v_org[a.n], coalesce(p_date[a.n], v_updated[a.n]),
           a.h, a.hs, a.hy, a.h2, a.h2s, a.h2y, a.lo, a.hi, a.lo2, a.hi2, a.dlo, a.dhi, a.v
    FROM unnest(g_n, g_param, g_h, g_hs, g_hy, g_h2, g_h2s, g_h2y, g_lo, g_hi, g_lo2, g_hi2, g_dlo, g_dhi, g_v)
      AS a (n, param, h, hs, hy, h2, h2s, h2y, lo, hi, lo2, hi2, dlo, dhi, v);
  END IF;
  IF cardinality(i_n) > 0 THEN
    INSERT INTO vault.identifier (rtype, h, slot, pid)
    SELECT p_rtype[a.n], a.h, p_slot[a.n], p_pid[a.n] FROM unnest(i_n, i_h) AS a (n, h);
    PERFORM identity.patients_numbered(ARRAY(SELECT p_pid[x] FROM unnest(i_n) AS q (x)), ARRAY(SELECT p_slot[x] FROM unnest(i_n) AS q (x)), i_h);
  END IF;
  IF cardinality(c_n) + cardinality(w_n) > 0 THEN
    PERFORM vault.meet_names(ARRAY(SELECT p_rtype[g] FROM unnest(c_n) AS q (g)), c_id, ARRAY(SELECT v_org[g] FROM unnest(c_n) AS q (g)),
                             ARRAY(SELECT p_slot[g] FROM unnest(c_n) AS q (g)), ARRAY(SELECT p_pid[g] FROM unnest(c_n) AS q (g)),
                             ARRAY(SELECT v_patient[g] = 0 FROM unnest(c_n) AS q (g)), c_h,
                             w_rtype, w_id, ARRAY(SELECT v_org[g] FROM unnest(w_n) AS q (g)), w_open, w_h);
  END IF;
  IF cardinality(o_n) > 0 THEN
    INSERT INTO vault.other_patient (slot, pid, patient, from_version)
    SELECT DISTINCT p_slot[a.n], p_pid[a.n], a.p, v_version[a.n] FROM unnest(o_n, o_patient) AS a (n, p);
  END IF;
  IF cardinality(v_new) > 0 THEN
    PERFORM access.put_relation(v_new, s.unit, CASE WHEN s.kind = 'system' THEN s.person END,
                                CASE WHEN s.kind = 'system' THEN 'SYSTEM' ELSE 'POLBESOK' END, NULL, clock_timestamp(),
                                CASE WHEN s.kind = 'system' THEN 'infinity'::timestamptz ELSE clock_timestamp() + interval '72 hours' END,
                                s.session);
  END IF;
  IF p_rtype && '{9,11,19,20,23,24,26,29,30,40,41,42,53,74,113,114}' THEN PERFORM vault.attach_written(p_slot, v_patient, p_pid, p_rtype, p_tail); END IF;
  PERFORM vault.block_written(v_patient, p_pid, p_sens);
  PERFORM vault.shield(p_secret, p_slot, p_pid, v_version, v_patient);
  PERFORM access.log_page(p_secret, '{}', v_patient || o_patient, p_pid || ARRAY(SELECT p_pid[g] FROM unnest(o_n) AS q (g)),
                          p_rtype || ARRAY(SELECT p_rtype[g] FROM unnest(o_n) AS q (g)), 'write', p_rtype[1], coalesce(v_ground, CASE WHEN s.kind = 'system' THEN 'SYSTEM' ELSE 'ENHET' END), v_ref);
  PERFORM set_config('fj.writing', '', true);
  RETURN QUERY SELECT g, v_status[g], v_version[g], v_updated[g], v_chosen[g] FROM generate_series(1, v_count) g;
END $$;

-- ── The feed ─────────────────────────────────────────────────────────────────────────────────────

-- Where a reader of the feed has come; (0, 0) for a new one or after a restore.
CREATE OR REPLACE FUNCTION vault.feed_at(p_reader text, p_epoch uuid) RETURNS TABLE (xid xid8, pos bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
  SELECT coalesce(max(f.xid::text), '0')::xid8, coalesce(max(f.pos), 0) FROM vault.feed_position f
  WHERE f.reader = p_reader AND f.epoch = p_epoch
$$;

-- Remembers where a reader has come. Same transaction as what it did.
CREATE OR REPLACE FUNCTION vault.feed_reached(p_reader text, p_epoch uuid, p_xid xid8, p_pos bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
  INSERT INTO vault.feed_position (reader, epoch, xid, pos) VALUES (p_reader, p_epoch, p_xid, p_pos)
  ON CONFLICT (reader) DO UPDATE SET epoch = excluded.epoch, xid = excluded.xid, pos = excluded.pos
$$;

-- The right to one envelope: the patient of one note (Composition, number 26) of the last seven days in the feed, or of one request or
-- task (124, 140) that is, or was, another unit's need, for five minutes. The patient; 0 for nobody's, and for what concerns no other
-- unit: its patient is not opened; NULL without the grant.
CREATE OR REPLACE FUNCTION vault.open_envelope(p_secret bytea, p_slot smallint, p_pid bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_patient bigint; v_rtype smallint; v_org bigint;
BEGIN
  SELECT h.patient, h.rtype, h.org INTO v_patient, v_rtype, v_org FROM vault.history h
  WHERE h.slot = p_slot AND h.pid = p_pid AND h.rtype IN (26, 124, 140) AND h.updated > clock_timestamp() - interval '7 days'
  ORDER BY h.version DESC LIMIT 1;
  IF v_patient IS NULL OR v_patient <= 0 OR (v_rtype <> 26 AND NOT access.is_referral(p_pid, v_org, ARRAY(
      SELECT x.tpid FROM vault.sp_reference x WHERE x.pid = p_pid AND x.slot = p_slot AND x.tslot = 0))) THEN RETURN 0; END IF;
  IF NOT access.open_envelope(p_secret, v_patient, p_pid) THEN RETURN NULL; END IF;
  RETURN v_patient;
END $$;

-- ── What older releases had ──────────────────────────────────────────────────────────────────────

DROP FUNCTION IF EXISTS vault.may_others(bytea, smallint, bigint, integer), vault.stronger(smallint, smallint), ctx.classes(),
  vault.may_others(bigint, smallint, bigint), access.may_all(bigint, bigint[]), ctx.session(),
  access.listed(bigint, bigint, bigint), access.hidden_for(bigint, bigint), access.listed(bytea, bigint),
  vault.search(bytea, bigint[], bigint, text, smallint, text, bigint[], text[], timestamptz[], double precision[]);

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
ALTER FUNCTION vault.owners(smallint[], bigint[], smallint[], integer[]) OWNER TO vault_gate;
ALTER FUNCTION vault.may_see(bytea, smallint, smallint, bigint, integer) OWNER TO vault_gate;
ALTER FUNCTION vault.is_open(smallint, smallint, bigint, integer) OWNER TO vault_gate;
ALTER FUNCTION vault.read_many(bytea[], smallint[], smallint[], bigint[], integer[]) OWNER TO vault_read;
ALTER FUNCTION vault.history_of(bytea, smallint, smallint, bigint, integer, integer, timestamptz, timestamptz, timestamptz) OWNER TO vault_read;
ALTER FUNCTION vault.named_in(smallint, bigint, integer) OWNER TO vault_gate;
ALTER FUNCTION vault.run_chart(text, integer, bigint[], text[], timestamptz[], double precision[]) OWNER TO vault_chart;
ALTER FUNCTION vault.run_list(text[], integer[], integer, bigint[], text[], timestamptz[], double precision[]) OWNER TO vault_list;
ALTER FUNCTION vault.search_charts(bytea[], text[], text[], smallint[], text[], integer[], bigint[], integer[], text[], integer[], timestamptz[],
  integer[], double precision[], integer[]) OWNER TO vault_open;
ALTER FUNCTION vault.search_list(bytea, bigint, smallint, text[], integer[], integer, bigint[], text[], timestamptz[], double precision[]) OWNER TO vault_open;
ALTER FUNCTION vault.identity_of(text) OWNER TO vault_identify;
ALTER FUNCTION vault.about(bigint) OWNER TO vault_identify;
ALTER FUNCTION vault.closed_rows(bigint, integer) OWNER TO vault_gate;
ALTER FUNCTION vault.kinds_of(bigint, bigint[]) OWNER TO vault_gate;
ALTER FUNCTION vault.unnamed_rows(bigint, integer) OWNER TO vault_gate;
GRANT EXECUTE ON FUNCTION vault.closed_rows(bigint, integer), vault.unnamed_rows(bigint, integer), vault.kinds_of(bigint, bigint[]) TO access_core;
GRANT USAGE ON SCHEMA vault TO access_core;
GRANT EXECUTE ON FUNCTION vault.about(bigint) TO access_core;
ALTER FUNCTION vault.is_strictly_protected(text) OWNER TO vault_identify;
ALTER FUNCTION vault.identify_number(bytea, smallint, bigint) OWNER TO vault_identify;
ALTER FUNCTION vault.patient_numbered(bigint) OWNER TO vault_identify;
GRANT EXECUTE ON FUNCTION vault.patient_numbered(bigint) TO fj_owner;
ALTER FUNCTION vault.identify_name(bytea, integer, text[], integer, timestamptz) OWNER TO vault_identify;
ALTER FUNCTION vault.write(bytea, text[], smallint[], bigint[], smallint[], integer[], bigint[], bigint[], smallint[], timestamptz[], integer[], text[], text[],
  integer[], bigint[], integer[], bigint[], integer[], integer[], bigint[], integer[], integer[], bigint[], smallint[], bigint[],
  integer[], integer[], timestamptz[], timestamptz[], integer[], integer[], bigint[], double precision[], double precision[],
  integer[], integer[], text[], text[], integer[], integer[], text[], integer[], text[],
  integer[], integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], double precision[], double precision[], double precision[],
  double precision[], timestamptz[], timestamptz[], text[], bigint, bigint[], integer[], smallint[], text[], boolean[], bigint[]) OWNER TO vault_write;
ALTER FUNCTION vault.feed_at(text, uuid) OWNER TO vault_feed;
ALTER FUNCTION vault.feed_reached(text, uuid, xid8, bigint) OWNER TO vault_feed;
ALTER FUNCTION vault.open_envelope(bytea, smallint, bigint) OWNER TO vault_feed;

GRANT EXECUTE ON FUNCTION vault.check_query(text), vault.columns_of(text, integer), vault.forget_plans() TO vault_chart, vault_list;
GRANT EXECUTE ON FUNCTION vault.named_in(smallint, bigint, integer) TO vault_read;
GRANT EXECUTE ON FUNCTION vault.owners(smallint[], bigint[], smallint[], integer[]) TO vault_read, vault_write;
GRANT USAGE ON SCHEMA ctx TO vault_gate;
GRANT EXECUTE ON FUNCTION ctx.who(), ctx.closed() TO vault_gate;
GRANT EXECUTE ON FUNCTION vault.is_open(smallint, smallint, bigint, integer) TO vault_chart, vault_list;
GRANT EXECUTE ON FUNCTION vault.may_see(bytea, smallint, smallint, bigint, integer) TO vault_read, vault_chart, vault_list, vault_write;
GRANT EXECUTE ON FUNCTION vault.run_chart(text, integer, bigint[], text[], timestamptz[], double precision[]),
  vault.run_list(text[], integer[], integer, bigint[], text[], timestamptz[], double precision[]) TO vault_open;

GRANT USAGE ON SCHEMA vault TO fj_web, fj_worker, fj_migrate;
GRANT EXECUTE ON FUNCTION vault.read_many(bytea[], smallint[], smallint[], bigint[], integer[]),
  vault.history_of(bytea, smallint, smallint, bigint, integer, integer, timestamptz, timestamptz, timestamptz),
  vault.search_charts(bytea[], text[], text[], smallint[], text[], integer[], bigint[], integer[], text[], integer[], timestamptz[], integer[],
    double precision[], integer[]),
  vault.search_list(bytea, bigint, smallint, text[], integer[], integer, bigint[], text[], timestamptz[], double precision[]),
  vault.write(bytea, text[], smallint[], bigint[], smallint[], integer[], bigint[], bigint[], smallint[], timestamptz[], integer[], text[], text[],
    integer[], bigint[], integer[], bigint[], integer[], integer[], bigint[], integer[], integer[], bigint[], smallint[], bigint[],
    integer[], integer[], timestamptz[], timestamptz[], integer[], integer[], bigint[], double precision[], double precision[],
    integer[], integer[], text[], text[], integer[], integer[], text[], integer[], text[],
  integer[], integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], double precision[], double precision[], double precision[],
  double precision[], timestamptz[], timestamptz[], text[], bigint, bigint[], integer[], smallint[], text[], boolean[], bigint[]) TO fj_web, fj_worker;
GRANT EXECUTE ON FUNCTION vault.identify_number(bytea, smallint, bigint), vault.identify_name(bytea, integer, text[], integer, timestamptz) TO fj_web;
GRANT EXECUTE ON FUNCTION vault.feed_at(text, uuid),
  vault.feed_reached(text, uuid, xid8, bigint), vault.open_envelope(bytea, smallint, bigint) TO fj_worker;
