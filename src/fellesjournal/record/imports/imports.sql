-- Bulk imports: asked for by a session, whose lines wait here; written by the worker, through the doors that every write goes
-- through, in a session that is a copy of the asker's and lives no longer than its leave.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['import', 'import_input', 'import_piece', 'import_error'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS import ON vault.%I', t);
    EXECUTE format('CREATE POLICY import ON vault.%I FOR ALL TO vault_import USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON vault.%I TO vault_import', t);
    -- Rows that are deleted with the import are looked for by their owner.
    EXECUTE format('DROP POLICY IF EXISTS cascade ON vault.%I', t);
    EXECUTE format('CREATE POLICY cascade ON vault.%I FOR ALL TO fj_owner USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;

-- ── Who may ──────────────────────────────────────────────────────────────────────────────────────

-- Who asks for an import, and whether they may at all: a system that an operator has let.
CREATE OR REPLACE FUNCTION access.importer(p_secret bytea)
RETURNS TABLE (session bigint, person bigint, unit bigint, allow boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT s.id, s.person, s.unit, s.level >= 4 AND access.may_import(s.id)
               FROM identity.live s WHERE s.secret_hash = sha256(p_secret);
END $$;

CREATE OR REPLACE FUNCTION access.may_import(p_session bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM identity.session s JOIN access.role_right rr ON rr.role = s.role AND rr.action = 'write'
    JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'IMPORT' AND g.until_at > clock_timestamp()
    WHERE s.id = p_session AND s.kind = 'system');
END $$;

-- A session like another one of a system, with whatever bounds that: for work that goes on after its holder has gone.
CREATE OR REPLACE FUNCTION identity.start_like(p_session bigint, p_secret_hash bytea, p_max_s integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.session OVERRIDING SYSTEM VALUE
  SELECT r.* FROM identity.session s CROSS JOIN LATERAL jsonb_populate_record(s, jsonb_build_object(
    'id', nextval(pg_get_serial_sequence('identity.session', 'id')), 'secret_hash', p_secret_hash, 'made_at', clock_timestamp(),
    'seen_at', clock_timestamp(), 'idle_s', p_max_s, 'expires_at', clock_timestamp() + make_interval(secs => p_max_s),
    'ended_at', NULL)) AS r
  WHERE s.id = p_session AND s.kind = 'system'
  RETURNING id
$$;

-- ── The asker's ──────────────────────────────────────────────────────────────────────────────────

-- Takes an import in, with the files that are to be fetched. status: 202, 401 the secret opens nothing, 403 may not import,
-- 429 three of theirs are under way.
CREATE OR REPLACE FUNCTION vault.import_open(
  p_secret bytea, p_id bigint, p_request text, p_source text, p_names text[], p_rtypes smallint[]) RETURNS smallint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record;
BEGIN
  SELECT * INTO s FROM access.importer(p_secret);
  IF NOT FOUND THEN RETURN 401; END IF;
  PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'import', 0::smallint, ARRAY[p_id], NULL, NULL,
                           CASE WHEN s.allow THEN 0 ELSE 1 END::smallint);
  IF s.allow IS NOT TRUE THEN RETURN 403; END IF;
  IF (SELECT count(*) FROM vault.import x WHERE x.person = s.person AND x.state IN ('taking', 'running')) >= 3 THEN RETURN 429; END IF;
  INSERT INTO vault.import (id, session, person, unit, request, source, until_at)
  VALUES (p_id, s.session, s.person, s.unit, p_request, p_source, clock_timestamp() + interval '1 hour');
  INSERT INTO vault.import_input (import, n, name, rtype, is_here)
  SELECT p_id, a.ord, a.name, a.rtype, false FROM unnest(p_names, p_rtypes) WITH ORDINALITY AS a (name, rtype, ord);
  RETURN 202;
END $$;

-- Keeps one piece of a file that is being sent; false when there is no such import, or all of it was here before.
CREATE OR REPLACE FUNCTION vault.import_stage(
  p_secret bytea, p_id bigint, p_input integer, p_name text, p_rank smallint, p_n integer, p_lines integer[], p_content bytea)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE vault.import x SET until_at = clock_timestamp() + interval '1 hour' FROM access.importer(p_secret) s
  WHERE x.id = p_id AND x.person = s.person AND x.unit IS NOT DISTINCT FROM s.unit AND x.state = 'taking' AND s.allow;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO vault.import_input (import, n, name, is_here) VALUES (p_id, p_input, p_name, true) ON CONFLICT DO NOTHING;
  INSERT INTO vault.import_piece (import, rank, input, n, lines, content) VALUES (p_id, p_rank, p_input, p_n, p_lines, p_content);
  RETURN true;
END $$;

-- All is here that was to be sent: the worker may begin.
CREATE OR REPLACE FUNCTION vault.import_start(p_secret bytea, p_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE vault.import x SET state = 'running', until_at = clock_timestamp() + interval '30 days' FROM access.importer(p_secret) s
  WHERE x.id = p_id AND x.person = s.person AND x.unit IS NOT DISTINCT FROM s.unit AND x.state = 'taking' AND s.allow;
  RETURN FOUND;
END $$;

-- An import of the asker's own with its files, or no row: that of another is as absent as an absent one.
CREATE OR REPLACE FUNCTION vault.import_state(p_secret bytea, p_id bigint)
RETURNS TABLE (state text, request text, asked_at timestamptz, done_at timestamptz, until_at timestamptz, names text[], rtypes smallint[],
               written bigint[], unchanged bigint[], refused bigint[], errors bigint[], pieces bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT x.state, x.request, x.asked_at, x.done_at, x.until_at, array_agg(i.name ORDER BY i.n), array_agg(i.rtype ORDER BY i.n),
           array_agg(i.written ORDER BY i.n), array_agg(i.unchanged ORDER BY i.n), array_agg(i.refused ORDER BY i.n),
           array_agg(i.errors ORDER BY i.n), (SELECT count(*) FROM vault.import_piece p WHERE p.import = x.id)
    FROM access.importer(p_secret) s
    JOIN vault.import x ON x.id = p_id AND x.person = s.person AND x.unit IS NOT DISTINCT FROM s.unit AND x.until_at > clock_timestamp()
    LEFT JOIN vault.import_input i ON i.import = x.id
    WHERE s.allow AND x.state <> 'taking' GROUP BY x.id;
END $$;

-- Gives an import up: what is written stays, what waits goes. False when there is none of the asker's.
CREATE OR REPLACE FUNCTION vault.import_cancel(p_secret bytea, p_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM vault.import x USING access.importer(p_secret) s
  WHERE x.id = p_id AND x.person = s.person AND x.unit IS NOT DISTINCT FROM s.unit;
  RETURN FOUND;
END $$;

-- What was wrong with the lines of a file, after a line; in their order.
CREATE OR REPLACE FUNCTION vault.import_errors(p_secret bytea, p_id bigint, p_input integer, p_after integer, p_limit integer)
RETURNS TABLE (line integer, content text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT e.line, e.content FROM access.importer(p_secret) s
    JOIN vault.import x ON x.id = p_id AND x.person = s.person AND x.unit IS NOT DISTINCT FROM s.unit AND x.until_at > clock_timestamp()
    JOIN vault.import_error e ON e.import = x.id AND e.input = p_input AND e.line > p_after
    WHERE s.allow AND x.state <> 'taking' ORDER BY e.line LIMIT p_limit;
END $$;

-- ── The worker's ─────────────────────────────────────────────────────────────────────────────────

-- Imports with work to do, oldest first.
CREATE OR REPLACE FUNCTION vault.import_unfinished() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT x.id FROM vault.import x WHERE x.state = 'running' ORDER BY x.asked_at
$$;

-- Starts the session that an import is written in. 'none' = no grant of the worker's, 'gone' = given up, or its asker may not any more.
CREATE OR REPLACE FUNCTION vault.import_session(p_secret bytea, p_id bigint, p_secret_hash bytea, p_max_s integer)
RETURNS TABLE (what text, source text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE x record;
BEGIN
  what := 'none';
  IF access.may_carry_out(p_secret) THEN
    what := 'gone';
    SELECT i.session, i.source INTO x FROM vault.import i WHERE i.id = p_id AND i.state = 'running';
    IF FOUND AND NOT access.may_import(x.session) THEN
      UPDATE vault.import i SET state = 'failed' WHERE i.id = p_id;
      DELETE FROM vault.import_piece p WHERE p.import = p_id;
    ELSIF FOUND THEN
      PERFORM identity.start_like(x.session, p_secret_hash, p_max_s);
      what := 'ok'; source := x.source;
    END IF;
  END IF;
  RETURN NEXT;
END $$;

-- The next file that is to be fetched, without what an earlier try has left of it. n NULL: other workers are at those that are left;
-- no row when all are here.
CREATE OR REPLACE FUNCTION vault.import_to_fetch(p_secret bytea, p_id bigint) RETURNS TABLE (n integer, name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT access.may_carry_out(p_secret) THEN RETURN; END IF;
  -- Found first and marked then: inside the update a plan may look for one anew for every row, and mark them all.
  SELECT q.n, q.name INTO n, name FROM vault.import x JOIN vault.import_input q ON q.import = x.id
  WHERE x.id = p_id AND x.state = 'running' AND NOT q.is_here AND q.fetching_until < clock_timestamp()
  ORDER BY q.n LIMIT 1 FOR UPDATE OF q SKIP LOCKED;
  IF FOUND THEN
    UPDATE vault.import_input i SET fetching_until = clock_timestamp() + interval '90 seconds'
    WHERE i.import = p_id AND i.n = import_to_fetch.n;
    DELETE FROM vault.import_piece p WHERE p.import = p_id AND p.input = import_to_fetch.n;
    RETURN NEXT;
  ELSIF EXISTS (SELECT 1 FROM vault.import x JOIN vault.import_input i ON i.import = x.id
                WHERE x.id = p_id AND x.state = 'running' AND NOT i.is_here) THEN
    RETURN NEXT;
  END IF;
END $$;

-- Keeps one piece of a file that is being fetched; false when the import has been given up.
CREATE OR REPLACE FUNCTION vault.import_keep(
  p_secret bytea, p_id bigint, p_input integer, p_rank smallint, p_n integer, p_lines integer[], p_content bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE vault.import_input i SET fetching_until = clock_timestamp() + interval '90 seconds' FROM vault.import x
  WHERE x.id = p_id AND x.state = 'running' AND i.import = x.id AND i.n = p_input AND NOT i.is_here AND access.may_carry_out(p_secret);
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO vault.import_piece (import, rank, input, n, lines, content) VALUES (p_id, p_rank, p_input, p_n, p_lines, p_content);
  RETURN true;
END $$;

-- A file is here, or can't be had: p_error tells why, and what came of it goes.
CREATE OR REPLACE FUNCTION vault.import_fetched(p_secret bytea, p_id bigint, p_input integer, p_error text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE vault.import_input i SET is_here = true, refused = i.refused + CASE WHEN p_error IS NULL THEN 0 ELSE 1 END,
                                  errors = i.errors + CASE WHEN p_error IS NULL THEN 0 ELSE 1 END
  WHERE i.import = p_id AND i.n = p_input AND NOT i.is_here AND access.may_carry_out(p_secret);
  IF FOUND AND p_error IS NOT NULL THEN
    DELETE FROM vault.import_piece p WHERE p.import = p_id AND p.input = p_input;
    INSERT INTO vault.import_error (import, input, line, content) VALUES (p_id, p_input, 0, p_error);
  END IF;
END $$;

-- The next piece, for as long as this transaction lasts. what: 'piece'; 'wait' = others are at what comes before; 'end' = none is left;
-- 'gone'. Nothing of a higher rank before all of a lower one.
CREATE OR REPLACE FUNCTION vault.import_take(p_secret bytea, p_id bigint)
RETURNS TABLE (what text, rank smallint, input integer, n integer, rtype smallint, lines integer[], content bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_rank smallint;
BEGIN
  what := 'gone';
  PERFORM 1 FROM vault.import x WHERE x.id = p_id AND x.state = 'running' AND x.until_at > clock_timestamp();
  IF FOUND AND access.may_carry_out(p_secret) THEN
    SELECT min(p.rank) INTO v_rank FROM vault.import_piece p WHERE p.import = p_id;
    what := CASE WHEN v_rank IS NULL THEN 'end' ELSE 'wait' END;
    SELECT p.rank, p.input, p.n, p.lines, p.content INTO rank, input, n, lines, content
    FROM vault.import_piece p WHERE p.import = p_id AND p.rank = v_rank ORDER BY p.input, p.n LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
      what := 'piece';
      SELECT i.rtype INTO rtype FROM vault.import_input i WHERE i.import = p_id AND i.n = input;
    END IF;
  END IF;
  RETURN NEXT;
END $$;

-- A piece is written, in this very transaction: it goes, and what was wrong in it is kept (of each file at most p_most).
CREATE OR REPLACE FUNCTION vault.import_done(
  p_secret bytea, p_id bigint, p_rank smallint, p_input integer, p_n integer, p_written bigint, p_unchanged bigint,
  p_lines integer[], p_errors text[], p_most bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_room bigint;
BEGIN
  IF NOT access.may_carry_out(p_secret) THEN RETURN false; END IF;
  DELETE FROM vault.import_piece p WHERE p.import = p_id AND p.rank = p_rank AND p.input = p_input AND p.n = p_n;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE vault.import_input i
  SET written = i.written + p_written, unchanged = i.unchanged + p_unchanged, refused = i.refused + cardinality(p_errors),
      errors = least(i.errors + cardinality(p_errors), greatest(p_most, i.errors))
  WHERE i.import = p_id AND i.n = p_input RETURNING i.errors INTO v_room;
  IF cardinality(p_errors) > 0 THEN
    v_room := v_room - (SELECT count(*) FROM vault.import_error e WHERE e.import = p_id AND e.input = p_input);
    INSERT INTO vault.import_error (import, input, line, content)
    SELECT p_id, p_input, a.line, a.content FROM unnest(p_lines, p_errors) AS a (line, content) ORDER BY a.line LIMIT greatest(v_room, 0);
  END IF;
  RETURN true;
END $$;

-- No piece is left: the import is done, and what was wrong is kept for a time.
CREATE OR REPLACE FUNCTION vault.import_end(p_secret bytea, p_id bigint, p_keep interval) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE vault.import x SET state = 'done', done_at = clock_timestamp(), until_at = clock_timestamp() + p_keep
  WHERE x.id = p_id AND x.state = 'running' AND access.may_carry_out(p_secret)
    AND NOT EXISTS (SELECT 1 FROM vault.import_piece p WHERE p.import = p_id)
    AND NOT EXISTS (SELECT 1 FROM vault.import_input i WHERE i.import = p_id AND NOT i.is_here);
END $$;

-- An import that can't be carried out: what waits goes, and its asker is told.
CREATE OR REPLACE FUNCTION vault.import_fail(p_secret bytea, p_id bigint, p_keep interval) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE vault.import x SET state = 'failed', until_at = clock_timestamp() + p_keep
  WHERE x.id = p_id AND x.state = 'running' AND access.may_carry_out(p_secret);
  IF FOUND THEN DELETE FROM vault.import_piece p WHERE p.import = p_id; END IF;
END $$;

-- Throws away what has run out; how many imports. Run by the worker.
CREATE OR REPLACE FUNCTION vault.import_sweep() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_count integer;
BEGIN
  DELETE FROM vault.import x WHERE x.until_at <= clock_timestamp();
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace AND p.proname LIKE 'import\_%' LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_import', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace AND p.proname IN ('importer', 'may_import') LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO access_core', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO vault_import', f);
  END LOOP;
END $$;
ALTER FUNCTION identity.start_like(bigint, bytea, integer) OWNER TO fj_owner;
REVOKE ALL ON FUNCTION identity.start_like(bigint, bytea, integer) FROM PUBLIC;
GRANT USAGE ON SCHEMA vault, access, identity TO vault_import;
GRANT EXECUTE ON FUNCTION identity.start_like(bigint, bytea, integer), access.may_carry_out(bytea),
  access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint) TO vault_import;
GRANT EXECUTE ON FUNCTION vault.import_open(bytea, bigint, text, text, text[], smallint[]),
  vault.import_stage(bytea, bigint, integer, text, smallint, integer, integer[], bytea), vault.import_start(bytea, bigint),
  vault.import_state(bytea, bigint), vault.import_cancel(bytea, bigint), vault.import_errors(bytea, bigint, integer, integer, integer)
  TO fj_web;
GRANT EXECUTE ON FUNCTION vault.import_unfinished(), vault.import_session(bytea, bigint, bytea, integer),
  vault.import_to_fetch(bytea, bigint), vault.import_keep(bytea, bigint, integer, smallint, integer, integer[], bytea),
  vault.import_fetched(bytea, bigint, integer, text), vault.import_take(bytea, bigint),
  vault.import_done(bytea, bigint, smallint, integer, integer, bigint, bigint, integer[], text[], bigint),
  vault.import_end(bytea, bigint, interval), vault.import_fail(bytea, bigint, interval), vault.import_sweep() TO fj_worker;
