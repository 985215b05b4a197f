-- Search parameters that an operator adds: told to every process, and filled in for what is there already.
-- Whoever writes says which version of the registry he knows (`vault.write`, p_registry); one who knows an older one is refused
-- before anything is written. So a resource without rows for a parameter was written before it was added, and is found by
-- looking through all resources once, as soon as every transaction from before has ended.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['search_registry', 'search_parameter'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS index ON vault.%I', t);
    EXECUTE format('CREATE POLICY index ON vault.%I FOR ALL TO vault_index USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, UPDATE ON vault.%I TO vault_index', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS index ON vault.%I', t);
    EXECUTE format('CREATE POLICY index ON vault.%I FOR ALL TO vault_index USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON vault.%I TO vault_index', t);
  END LOOP;
END $$;
GRANT INSERT, DELETE ON vault.search_parameter TO vault_index;
DROP POLICY IF EXISTS write ON vault.search_registry;
CREATE POLICY write ON vault.search_registry FOR SELECT TO vault_write USING (true);
GRANT SELECT ON vault.search_registry TO vault_write;
-- A search that uses an added parameter looks, in its own snapshot, whether that is ready.
DROP POLICY IF EXISTS search ON vault.search_parameter;
CREATE POLICY search ON vault.search_parameter FOR SELECT TO vault_chart, vault_list USING (true);
GRANT SELECT (edition, state) ON vault.search_parameter TO vault_chart, vault_list;
-- Rows are locked while they are filled in, and that right is one to update; the policy lets nothing be changed.
DROP POLICY IF EXISTS index ON vault.resource;
CREATE POLICY index ON vault.resource FOR SELECT TO vault_index USING (true);
DROP POLICY IF EXISTS index_lock ON vault.resource;
CREATE POLICY index_lock ON vault.resource FOR UPDATE TO vault_index USING (true) WITH CHECK (false);
GRANT SELECT, UPDATE (version) ON vault.resource TO vault_index;
DROP POLICY IF EXISTS index ON vault.chosen_id;
CREATE POLICY index ON vault.chosen_id FOR SELECT TO vault_index USING (true);
GRANT SELECT ON vault.chosen_id TO vault_index;

-- Does this secret belong to a system with a live grant to fill in search rows?
CREATE OR REPLACE FUNCTION access.may_index(p_secret bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM identity.live s JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'INDEX'
                 AND g.until_at > clock_timestamp()
                 WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'system' AND s.purpose = 'INDEX');
END $$;

-- ── Known to every process ───────────────────────────────────────────────────────────────────────

-- The version of the registry and, when it is another one than that known, its parameters as JSON. No person in it.
CREATE OR REPLACE FUNCTION vault.search_parameters(p_known bigint) RETURNS TABLE (version bigint, parameters text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT g.version, CASE WHEN g.version IS DISTINCT FROM p_known THEN (
    SELECT coalesce(json_agg(json_build_object(
      'edition', p.edition, 'rtype', p.rtype, 'code', p.code, 'param', p.param, 'type', p.type, 'expression', p.expression,
      'targets', p.targets, 'url', p.url, 'state', p.state) ORDER BY p.edition), '[]')::text FROM vault.search_parameter p) END
  FROM vault.search_registry g;
END $$;

-- ── The operator's ───────────────────────────────────────────────────────────────────────────────

CREATE OR REPLACE FUNCTION vault.registry_changed() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$ UPDATE vault.search_registry SET version = version + 1 $$;

-- Adds one parameter to several resource types; their editions. A name that is taken is a unique violation.
CREATE OR REPLACE FUNCTION vault.add_search_parameter(
  p_rtype smallint[], p_param integer[], p_numbers text[], p_code text, p_type text, p_expression text, p_targets text[], p_url text)
RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v bigint;
BEGIN
  PERFORM vault.registry_changed();
  FOR v IN INSERT INTO vault.search_parameter (rtype, param, numbers, code, type, expression, targets, url)
           SELECT a.rtype, a.param, a.numbers::integer[], p_code, p_type, p_expression, p_targets, p_url
           FROM unnest(p_rtype, p_param, p_numbers) AS a (rtype, param, numbers) RETURNING edition LOOP
    PERFORM jobs.enqueue('search.index', convert_to(json_build_object('edition', v)::text, 'UTF8'));
    RETURN NEXT v;
  END LOOP;
END $$;

-- Takes a parameter back, from one resource type or (NULL) from all; how many there were. Its rows go afterwards.
CREATE OR REPLACE FUNCTION vault.remove_search_parameter(p_code text, p_rtype smallint) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v bigint; v_count integer := 0;
BEGIN
  PERFORM vault.registry_changed();
  FOR v IN UPDATE vault.search_parameter p SET state = 'removing', began = NULL, at_slot = -1, at_pid = 0, seen = 0, faults = 0
           WHERE p.code = p_code AND (p_rtype IS NULL OR p.rtype = p_rtype) AND p.state <> 'removing' RETURNING p.edition LOOP
    PERFORM jobs.enqueue('search.index', convert_to(json_build_object('edition', v)::text, 'UTF8'));
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END $$;

-- Every added parameter, how far it is, and how many resources of its type have been looked at.
CREATE OR REPLACE FUNCTION vault.list_search_parameters()
RETURNS TABLE (edition bigint, rtype smallint, code text, type text, expression text, url text, state text, seen bigint, faults bigint,
               added_at timestamptz, ready_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.edition, p.rtype, p.code, p.type, p.expression, p.url, p.state, p.seen, p.faults, p.added_at, p.ready_at
  FROM vault.search_parameter p ORDER BY p.code, p.rtype
$$;

-- ── The worker's ─────────────────────────────────────────────────────────────────────────────────

-- What is not finished, oldest first.
CREATE OR REPLACE FUNCTION vault.index_unfinished() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.edition FROM vault.search_parameter p WHERE p.state <> 'ready' ORDER BY p.edition
$$;

-- Whether the work on a parameter may begin or go on: 'none' (no grant), 'done', 'wait' (someone who did not know of it is still
-- writing), 'indexing' or 'removing'. An instant of another lineage, as after a restore, is no beginning.
CREATE OR REPLACE FUNCTION vault.index_state(p_secret bytea, p_edition bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE p record;
BEGIN
  IF NOT access.may_index(p_secret) THEN RETURN 'none'; END IF;
  SELECT x.state, x.began INTO p FROM vault.search_parameter x WHERE x.edition = p_edition;
  IF NOT FOUND OR p.state = 'ready' THEN RETURN 'done'; END IF;
  IF p.began IS NULL OR p.began >= pg_snapshot_xmax(pg_current_snapshot()) THEN
    UPDATE vault.search_parameter x SET began = pg_current_xact_id() WHERE x.edition = p_edition;
    RETURN 'wait';
  END IF;
  RETURN CASE WHEN pg_snapshot_xmin(pg_current_snapshot()) < p.began THEN 'wait' ELSE p.state END;
END $$;

-- The next resources of the type, in the order of their keys, after the last one that was looked at: at most p_limit keys of any
-- type, and 8 MB of bodies or one body. The last row tells where the page ends, and in `org` and `body` where it began; its version is 1 at the end of all.
-- One line of the log for each page that shows a body: no person reads it.
CREATE OR REPLACE FUNCTION vault.index_read(p_secret bytea, p_edition bigint, p_limit integer)
RETURNS TABLE (slot smallint, pid bigint, version integer, org bigint, body text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE p record; r record; v_count integer := 0; v_bytes bigint := 0; v_shown boolean := false;
BEGIN
  IF NOT access.may_index(p_secret) THEN RETURN; END IF;
  SELECT x.rtype, x.at_slot, x.at_pid INTO p FROM vault.search_parameter x WHERE x.edition = p_edition AND x.state = 'indexing';
  IF NOT FOUND THEN RETURN; END IF;
  slot := p.at_slot; pid := p.at_pid;
  FOR r IN SELECT o.slot, o.pid, o.version, o.org, CASE WHEN o.rtype = p.rtype THEN o.body END AS body FROM vault.resource o
           WHERE (o.slot, o.pid) > (p.at_slot, p.at_pid) ORDER BY o.slot, o.pid LIMIT p_limit LOOP
    v_count := v_count + 1; slot := r.slot; pid := r.pid;
    IF r.body IS NOT NULL THEN
      version := r.version; org := r.org; body := r.body; v_shown := true; v_bytes := v_bytes + octet_length(r.body);
      RETURN NEXT;
      EXIT WHEN v_bytes > 8000000;
    END IF;
  END LOOP;
  IF v_shown THEN
    PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'index', p.rtype, ARRAY[p_edition], 'SYSTEM', NULL, 0::smallint);
  END IF;
  version := CASE WHEN v_count < p_limit AND v_bytes <= 8000000 THEN 1 ELSE 0 END; org := p.at_slot; body := p.at_pid;
  RETURN NEXT;
END $$;

-- The rows that ids chosen by clients stand for, to the unit that controls what refers to them; its own choice first.
CREATE OR REPLACE FUNCTION vault.index_names(p_secret bytea, p_rtype smallint[], p_id text[], p_org bigint[])
RETURNS TABLE (n integer, slot smallint, pid bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT access.may_index(p_secret) THEN RETURN; END IF;
  RETURN QUERY
    SELECT DISTINCT ON (a.ord) a.ord::integer, c.slot, c.pid
    FROM unnest(p_rtype, p_id, p_org) WITH ORDINALITY AS a (rtype, id, org, ord)
    JOIN vault.chosen_id c ON c.rtype = a.rtype AND c.id = a.id AND c.pid IS NOT NULL
    ORDER BY a.ord, c.org <> a.org, c.pid;
END $$;

-- Fills in the rows of one page, and remembers where it ended, in one transaction. Resources that have another version by now have
-- their rows from whoever wrote it. False when somebody else has done the page, or the parameter is gone.
CREATE OR REPLACE FUNCTION vault.index_write(
  p_secret bytea, p_edition bigint, p_from_slot smallint, p_from_pid bigint, p_to_slot smallint, p_to_pid bigint, p_is_last boolean,
  p_faults integer, p_slot smallint[], p_pid bigint[], p_version integer[],
  t_n integer[], t_param integer[], t_h bigint[],
  r_n integer[], r_param integer[], r_h bigint[], r_tslot smallint[], r_tpid bigint[],
  d_n integer[], d_param integer[], d_lo timestamptz[], d_hi timestamptz[],
  q_n integer[], q_param integer[], q_unit bigint[], q_lo double precision[], q_hi double precision[],
  s_n integer[], s_param integer[], s_v text[], s_exact text[],
  u_n integer[], u_param integer[], u_v text[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_numbers integer[]; v_sens smallint[]; v_patient bigint[]; v_org bigint[]; v_date timestamptz[]; v_live bigint[];
BEGIN
  IF NOT access.may_index(p_secret) THEN RETURN false; END IF;
  -- In the order of locks that adding and removing have.
  IF p_is_last THEN PERFORM vault.registry_changed(); END IF;
  UPDATE vault.search_parameter x
  SET at_slot = p_to_slot, at_pid = p_to_pid, seen = x.seen + cardinality(p_pid), faults = x.faults + p_faults,
      state = CASE WHEN p_is_last THEN 'ready' ELSE x.state END, ready_at = CASE WHEN p_is_last THEN clock_timestamp() END
  WHERE x.edition = p_edition AND x.state = 'indexing' AND x.at_slot = p_from_slot AND x.at_pid = p_from_pid
  RETURNING x.numbers INTO v_numbers;
  IF NOT FOUND THEN RETURN false; END IF;
  IF NOT v_numbers @> (t_param || r_param || d_param || q_param || s_param || u_param) THEN
    RAISE EXCEPTION 'rows of another parameter' USING ERRCODE = 'FJ021';
  END IF;
  -- In the order of their keys, as every writer locks them.
  SELECT array_agg(l.sens ORDER BY a.ord), array_agg(l.patient ORDER BY a.ord), array_agg(l.org ORDER BY a.ord),
         array_agg(l.date ORDER BY a.ord), array_agg(l.pid ORDER BY a.ord)
  INTO v_sens, v_patient, v_org, v_date, v_live
  FROM unnest(p_slot, p_pid, p_version) WITH ORDINALITY AS a (slot, pid, version, ord)
  LEFT JOIN LATERAL (SELECT o.pid, o.sens, o.patient, o.org, o.date FROM vault.resource o
                     WHERE o.slot = a.slot AND o.pid = a.pid AND o.version = a.version FOR KEY SHARE) l ON true;
  DELETE FROM vault.sp_token x WHERE x.pid = ANY (v_live) AND x.param = ANY (v_numbers);
  DELETE FROM vault.sp_reference x WHERE x.pid = ANY (v_live) AND x.param = ANY (v_numbers);
  DELETE FROM vault.sp_date x WHERE x.pid = ANY (v_live) AND x.param = ANY (v_numbers);
  DELETE FROM vault.sp_quantity x WHERE x.pid = ANY (v_live) AND x.param = ANY (v_numbers);
  DELETE FROM vault.sp_string x WHERE x.pid = ANY (v_live) AND x.param = ANY (v_numbers);
  DELETE FROM vault.sp_uri x WHERE x.pid = ANY (v_live) AND x.param = ANY (v_numbers);
  INSERT INTO vault.sp_token (param, slot, sens, pid, patient, org, date, h)
  SELECT a.param, p_slot[a.n], v_sens[a.n], v_live[a.n], v_patient[a.n], v_org[a.n], v_date[a.n], a.h
  FROM unnest(t_n, t_param, t_h) AS a (n, param, h) WHERE v_live[a.n] IS NOT NULL;
  INSERT INTO vault.sp_reference (param, slot, sens, pid, patient, org, date, h, tslot, tpid)
  SELECT a.param, p_slot[a.n], v_sens[a.n], v_live[a.n], v_patient[a.n], v_org[a.n], v_date[a.n], a.h, a.tslot, a.tpid
  FROM unnest(r_n, r_param, r_h, r_tslot, r_tpid) AS a (n, param, h, tslot, tpid) WHERE v_live[a.n] IS NOT NULL;
  INSERT INTO vault.sp_date (param, slot, sens, pid, patient, org, date, lo, hi)
  SELECT a.param, p_slot[a.n], v_sens[a.n], v_live[a.n], v_patient[a.n], v_org[a.n], v_date[a.n], a.lo, a.hi
  FROM unnest(d_n, d_param, d_lo, d_hi) AS a (n, param, lo, hi) WHERE v_live[a.n] IS NOT NULL;
  INSERT INTO vault.sp_quantity (param, slot, sens, pid, patient, org, date, unit, lo, hi)
  SELECT a.param, p_slot[a.n], v_sens[a.n], v_live[a.n], v_patient[a.n], v_org[a.n], v_date[a.n], a.unit, a.lo, a.hi
  FROM unnest(q_n, q_param, q_unit, q_lo, q_hi) AS a (n, param, unit, lo, hi) WHERE v_live[a.n] IS NOT NULL;
  INSERT INTO vault.sp_string (param, slot, sens, pid, patient, org, date, v, exact)
  SELECT a.param, p_slot[a.n], v_sens[a.n], v_live[a.n], v_patient[a.n], v_org[a.n], v_date[a.n], a.v, a.exact
  FROM unnest(s_n, s_param, s_v, s_exact) AS a (n, param, v, exact) WHERE v_live[a.n] IS NOT NULL;
  INSERT INTO vault.sp_uri (param, slot, sens, pid, patient, org, date, v)
  SELECT a.param, p_slot[a.n], v_sens[a.n], v_live[a.n], v_patient[a.n], v_org[a.n], v_date[a.n], a.v
  FROM unnest(u_n, u_param, u_v) AS a (n, param, v) WHERE v_live[a.n] IS NOT NULL;
  RETURN true;
END $$;

-- Deletes the rows of a removed parameter, resource by resource; true when there is more. In the end the parameter itself goes.
CREATE OR REPLACE FUNCTION vault.index_remove(p_secret bytea, p_edition bigint, p_limit integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE p record; v_slot smallint[]; v_pid bigint[]; v_mine bigint[]; v_count integer;
BEGIN
  IF NOT access.may_index(p_secret) THEN RETURN false; END IF;
  SELECT x.rtype, x.numbers, x.at_slot, x.at_pid INTO p FROM vault.search_parameter x
  WHERE x.edition = p_edition AND x.state = 'removing' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT array_agg(o.slot ORDER BY o.slot, o.pid), array_agg(o.pid ORDER BY o.slot, o.pid), array_agg(o.pid) FILTER (WHERE o.rtype = p.rtype)
  INTO v_slot, v_pid, v_mine
  FROM (SELECT r.slot, r.pid, r.rtype FROM vault.resource r WHERE (r.slot, r.pid) > (p.at_slot, p.at_pid)
        ORDER BY r.slot, r.pid LIMIT p_limit) o;
  v_count := coalesce(cardinality(v_pid), 0);
  DELETE FROM vault.sp_token x WHERE x.pid = ANY (v_mine) AND x.param = ANY (p.numbers);
  DELETE FROM vault.sp_reference x WHERE x.pid = ANY (v_mine) AND x.param = ANY (p.numbers);
  DELETE FROM vault.sp_date x WHERE x.pid = ANY (v_mine) AND x.param = ANY (p.numbers);
  DELETE FROM vault.sp_quantity x WHERE x.pid = ANY (v_mine) AND x.param = ANY (p.numbers);
  DELETE FROM vault.sp_string x WHERE x.pid = ANY (v_mine) AND x.param = ANY (p.numbers);
  DELETE FROM vault.sp_uri x WHERE x.pid = ANY (v_mine) AND x.param = ANY (p.numbers);
  IF v_count < p_limit THEN
    DELETE FROM vault.search_parameter x WHERE x.edition = p_edition;
    PERFORM vault.registry_changed();
    RETURN false;
  END IF;
  UPDATE vault.search_parameter x SET at_slot = v_slot[v_count], at_pid = v_pid[v_count], seen = x.seen + coalesce(cardinality(v_mine), 0)
  WHERE x.edition = p_edition;
  RETURN true;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

ALTER FUNCTION access.may_index(bytea) OWNER TO access_core;
REVOKE ALL ON FUNCTION access.may_index(bytea) FROM PUBLIC;
GRANT USAGE ON SCHEMA vault, access, jobs TO vault_index;
GRANT EXECUTE ON FUNCTION access.may_index(bytea), access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint),
  jobs.enqueue(text, bytea, interval, text, integer) TO vault_index;
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace
           AND (p.proname LIKE 'index\_%' OR p.proname LIKE '%search\_parameter%' OR p.proname = 'registry_changed') LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_index', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION vault.search_parameters(bigint) TO fj_web, fj_worker, fj_migrate;
GRANT EXECUTE ON FUNCTION vault.add_search_parameter(smallint[], integer[], text[], text, text, text, text[], text),
  vault.remove_search_parameter(text, smallint), vault.list_search_parameters() TO fj_migrate;
GRANT EXECUTE ON FUNCTION vault.index_unfinished(), vault.index_state(bytea, bigint), vault.index_read(bytea, bigint, integer),
  vault.index_names(bytea, smallint[], text[], bigint[]), vault.index_remove(bytea, bigint, integer),
  vault.index_write(bytea, bigint, smallint, bigint, smallint, bigint, boolean, integer, smallint[], bigint[], integer[],
    integer[], integer[], bigint[], integer[], integer[], bigint[], smallint[], bigint[], integer[], integer[], timestamptz[], timestamptz[],
    integer[], integer[], bigint[], double precision[], double precision[], integer[], integer[], text[], text[],
    integer[], integer[], text[]) TO fj_worker;
