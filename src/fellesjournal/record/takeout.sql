-- A controller's data taken out whole: its rows with every version, their binaries, the log of who saw them, blocks and facts that
-- concern them, units, staff and posts. By a system with an operator's grant, patient by patient, each logged as an export.
-- Nothing of another controller's goes along but the Patient row of a person whose rows do: they mean nothing without it.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'blob', 'blob_chunk'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS takeout ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY takeout ON vault.%I FOR SELECT TO vault_takeout USING (
      org = ANY ((SELECT nullif(current_setting('fj.takeout', true), ''))::bigint[]))$p$, t);
    EXECUTE format('GRANT SELECT ON vault.%I TO vault_takeout', t);
  END LOOP;
END $$;
DROP POLICY IF EXISTS takeout_people ON vault.resource;
CREATE POLICY takeout_people ON vault.resource FOR SELECT TO vault_takeout USING (
  slot > 0 AND rtype = 103 AND pid = patient AND current_setting('fj.takeout', true) <> '');
DROP POLICY IF EXISTS takeout ON vault.shielded;
CREATE POLICY takeout ON vault.shielded FOR SELECT TO vault_takeout USING (current_setting('fj.takeout', true) <> '');
DROP POLICY IF EXISTS takeout ON vault.chosen_id;
CREATE POLICY takeout ON vault.chosen_id FOR SELECT TO vault_takeout USING (current_setting('fj.takeout', true) <> '');
GRANT SELECT ON vault.shielded, vault.chosen_id TO vault_takeout;
DROP POLICY IF EXISTS takeout ON vault.takeout;
CREATE POLICY takeout ON vault.takeout FOR ALL TO vault_takeout USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (done_at, manifest) ON vault.takeout TO vault_takeout;

-- ── Who may, and what ────────────────────────────────────────────────────────────────────────────

-- The session of a system with an operator's grant to take out; no row without.
CREATE OR REPLACE FUNCTION access.takeout_session(p_secret bytea) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT s.id FROM identity.live s JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'TAKEOUT'
          AND g.until_at > clock_timestamp()
          WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'system' AND s.purpose = 'TAKEOUT');
END $$;

-- A controller by its code, its name or its number, and the units that it answers for now. No row: nobody's, or several'.
CREATE OR REPLACE FUNCTION access.takeout_controller(p_name text)
RETURNS TABLE (controller bigint, code text, name text, units bigint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT u.id, coalesce(u.code, ''), u.name, ARRAY(SELECT x.id FROM identity.unit x WHERE x.controller = u.id AND x.kind <> 'system' ORDER BY x.id)
    FROM identity.unit u
    WHERE u.id = (SELECT min(c.id) FROM identity.unit c WHERE p_name IN (c.code, c.name)
                  AND EXISTS (SELECT 1 FROM identity.unit x WHERE x.controller = c.id AND x.kind <> 'system') HAVING count(*) = 1);
END $$;

-- Begins one: its number, whose, and the units. verdict: 'ok', 'none' (no grant), 'controller'.
CREATE OR REPLACE FUNCTION vault.takeout_begin(p_secret bytea, p_controller text, p_operator text, p_reason text)
RETURNS TABLE (verdict text, id bigint, code text, name text, units bigint[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_session bigint := access.takeout_session(p_secret); c record;
BEGIN
  verdict := 'none';
  IF v_session IS NULL THEN RETURN NEXT; RETURN; END IF;
  SELECT * INTO c FROM access.takeout_controller(p_controller);
  verdict := 'controller';
  IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
  INSERT INTO vault.takeout AS t (controller, units, session, operator, reason) VALUES (c.controller, c.units, v_session, p_operator, p_reason)
  RETURNING t.id INTO id;
  PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'export', 0::smallint, ARRAY[id], 'SYSTEM', id, 0::smallint);
  verdict := 'ok'; code := c.code; name := c.name; units := c.units;
  RETURN NEXT;
END $$;

-- The one that this secret's session began, as long as it is not done.
CREATE OR REPLACE FUNCTION vault.takeout_open(p_secret bytea, p_id bigint) RETURNS vault.takeout
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t vault.takeout;
BEGIN
  SELECT * INTO t FROM vault.takeout x WHERE x.id = p_id AND x.session = access.takeout_session(p_secret) AND x.done_at IS NULL;
  IF NOT FOUND THEN RAISE EXCEPTION 'no such takeout is under way' USING ERRCODE = 'FJ024'; END IF;
  RETURN t;
END $$;

-- Whether every writer from before it has ended: what it takes is then the same whenever it is looked at.
CREATE OR REPLACE FUNCTION vault.takeout_ready(p_secret bytea, p_id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (vault.takeout_open(p_secret, p_id)).began < pg_snapshot_xmin(pg_current_snapshot());
END $$;

-- ── Rows ─────────────────────────────────────────────────────────────────────────────────────────

-- The next people, in order, of whom the controller has a row, at most p_limit. upto: the last of them; NULL: there are no more.
-- Each stands in the log as exported.
CREATE OR REPLACE FUNCTION vault.takeout_people(p_secret bytea, p_id bigint, p_after bigint, p_limit integer, OUT people bigint[], OUT upto bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE t vault.takeout := vault.takeout_open(p_secret, p_id);
BEGIN
  PERFORM set_config('fj.takeout', t.units::text, true);
  people := '{}'; upto := p_after;
  WHILE cardinality(people) < p_limit LOOP
    SELECT h.patient INTO upto FROM vault.history h
    WHERE h.patient > upto AND h.patient > 0 AND h.org = ANY (t.units) AND h.xid < t.began ORDER BY h.patient LIMIT 1;
    EXIT WHEN NOT FOUND;
    people := people || upto;
  END LOOP;
  PERFORM set_config('fj.takeout', '', true);
  IF cardinality(people) > 0 THEN
    PERFORM access.log_event(p_secret, people, 'export', 0::smallint, ARRAY[p_id], 'SYSTEM', p_id, 0::smallint);
  END IF;
END $$;

-- Every version of the rows of these people, by (slot, pid, version) after a key; of nobody's (p_people '{0}' the directory, '{-1}' the
-- units' own) likewise. whole: as it was written, with what a protected person's rows hide. chosen: the id that a client chose.
CREATE OR REPLACE FUNCTION vault.takeout_versions(p_secret bytea, p_id bigint, p_people bigint[], p_slot smallint, p_pid bigint,
                                                  p_version integer, p_limit integer)
RETURNS TABLE (slot smallint, pid bigint, version integer, rtype smallint, updated timestamptz, patient bigint, org bigint, sens smallint,
               op "char", whole text, chosen text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE t vault.takeout := vault.takeout_open(p_secret, p_id);
BEGIN
  PERFORM set_config('fj.takeout', t.units::text, true);
  RETURN QUERY
    SELECT h.slot, h.pid, h.version, h.rtype, h.updated, h.patient, h.org, h.sens, h.op, coalesce(s.body, h.body), c.id
    FROM vault.history h
    LEFT JOIN vault.shielded s ON s.slot = h.slot AND s.pid = h.pid AND s.version = h.version
    LEFT JOIN vault.chosen_id c ON c.slot = h.slot AND c.pid = h.pid
    WHERE h.patient = ANY (p_people) AND h.org = ANY (t.units) AND h.xid < t.began AND (h.slot, h.pid, h.version) > (p_slot, p_pid, p_version)
    ORDER BY h.slot, h.pid, h.version LIMIT p_limit;
  PERFORM set_config('fj.takeout', '', true);
END $$;

-- The Patient rows, as they are now, of those of these people whom another controller registered. An address that is protected stays
-- behind: it is that controller's to disclose.
CREATE OR REPLACE FUNCTION vault.takeout_persons(p_secret bytea, p_id bigint, p_people bigint[])
RETURNS TABLE (slot smallint, pid bigint, version integer, updated timestamptz, org bigint, body text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t vault.takeout := vault.takeout_open(p_secret, p_id);
BEGIN
  PERFORM set_config('fj.takeout', t.units::text, true);
  RETURN QUERY
    SELECT r.slot, r.pid, r.version, r.updated, r.org, r.body FROM vault.resource r
    WHERE r.patient = ANY (p_people) AND r.rtype = 103 AND r.pid = r.patient AND r.slot > 0 AND r.org <> ALL (t.units) AND r.body IS NOT NULL
    ORDER BY r.pid;
  PERFORM set_config('fj.takeout', '', true);
END $$;

-- The binaries of these people's rows, or of nobody's: where each one's content is.
CREATE OR REPLACE FUNCTION vault.takeout_binaries(p_secret bytea, p_id bigint, p_people bigint[])
RETURNS TABLE (slot smallint, pid bigint, version integer, bytes bigint, upload bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t vault.takeout := vault.takeout_open(p_secret, p_id);
BEGIN
  PERFORM set_config('fj.takeout', t.units::text, true);
  RETURN QUERY
    SELECT h.slot, h.pid, h.version, b.bytes, b.upload FROM vault.history h
    JOIN vault.blob b ON b.slot = h.slot AND b.pid = h.pid AND b.version = h.version
    WHERE h.patient = ANY (p_people) AND h.org = ANY (t.units) AND h.xid < t.began ORDER BY h.slot, h.pid, h.version;
  PERFORM set_config('fj.takeout', '', true);
END $$;

-- One piece of a binary; NULL after the last.
CREATE OR REPLACE FUNCTION vault.takeout_piece(p_secret bytea, p_id bigint, p_upload bigint, p_n integer) RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t vault.takeout := vault.takeout_open(p_secret, p_id); v bytea;
BEGIN
  PERFORM set_config('fj.takeout', t.units::text, true);
  SELECT c.content INTO v FROM vault.blob_chunk c WHERE c.upload = p_upload AND c.n = p_n AND c.patient IS NOT NULL;
  PERFORM set_config('fj.takeout', '', true);
  RETURN v;
END $$;

-- ── What stands about them ───────────────────────────────────────────────────────────────────────

-- Rows of access and identity as JSON: of these people what concerns the controller's units and staff ('facts', 'blocks', 'part_blocks',
-- 'choices', 'objections', 'withholdings', 'parent_cuts', 'named', 'reviews'), or of nobody ('units', 'staff', 'posts', 'duties').
CREATE OR REPLACE FUNCTION access.takeout_lines(p_units bigint[], p_controller bigint, p_part text, p_people bigint[]) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE v_staff bigint[] := ARRAY(SELECT DISTINCT o.person FROM identity.post o WHERE o.unit = ANY (p_units));
BEGIN
  RETURN QUERY SELECT q.line FROM (
    SELECT u.id, to_jsonb(u)::text FROM identity.unit u WHERE p_part = 'units' AND u.id = ANY (p_units)
    UNION ALL SELECT p.id, jsonb_build_object('id', p.id, 'kind', p.kind, 'name', p.name, 'practitioner', p.practitioner, 'licence', p.licence)::text
      FROM identity.person p WHERE p_part = 'staff' AND p.id = ANY (v_staff)
    UNION ALL SELECT o.id, to_jsonb(o)::text FROM identity.post o WHERE p_part = 'posts' AND o.unit = ANY (p_units)
    UNION ALL SELECT d.id, to_jsonb(d)::text FROM access.duty d WHERE p_part = 'duties' AND d.unit = ANY (p_units)
    UNION ALL SELECT r.id, to_jsonb(r)::text FROM access.relation r WHERE p_part = 'facts' AND r.patient = ANY (p_people) AND r.unit = ANY (p_units)
    UNION ALL SELECT b.id, to_jsonb(b)::text FROM access.block b WHERE p_part = 'blocks' AND b.patient = ANY (p_people)
      AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = ANY (p_units) OR b.person = ANY (v_staff)
           OR EXISTS (SELECT 1 FROM access.block x WHERE x.of = b.id AND x.unit = ANY (p_units)))
    UNION ALL SELECT b.id, to_jsonb(b)::text FROM access.part_block b WHERE p_part = 'part_blocks' AND b.patient = ANY (p_people)
      AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = ANY (p_units) OR b.person = ANY (v_staff))
      AND (b.scope <> 'origin' OR b.target = ANY (p_units))
    UNION ALL SELECT c.id, to_jsonb(c)::text FROM access.choice c WHERE p_part = 'choices' AND c.patient = ANY (p_people) AND c.unit = ANY (p_units)
    UNION ALL SELECT o.patient, to_jsonb(o)::text FROM access.objection o WHERE p_part = 'objections' AND o.patient = ANY (p_people)
    UNION ALL SELECT w.id, to_jsonb(w)::text FROM access.withholding w WHERE p_part = 'withholdings' AND w.patient = ANY (p_people) AND w.unit = ANY (p_units)
    UNION ALL SELECT x.id, to_jsonb(x)::text FROM access.parent_cut x WHERE p_part = 'parent_cuts' AND x.child = ANY (p_people) AND x.unit = ANY (p_units)
    UNION ALL SELECT n.id, to_jsonb(n)::text FROM access.named_personnel n WHERE p_part = 'named' AND n.patient = ANY (p_people) AND n.person = ANY (v_staff)
    UNION ALL SELECT v.id, to_jsonb(v)::text FROM access.review v WHERE p_part = 'reviews' AND v.patient = ANY (p_people) AND v.controller = p_controller
  ) AS q (id, line) ORDER BY q.id, q.line;
END $$;

-- The log of one person, oldest first after a place: what the controller's people did, and whoever else was shown one of p_own, the
-- controller's rows.
CREATE OR REPLACE FUNCTION access.takeout_log(p_controller bigint, p_began xid8, p_person bigint, p_own bigint[], p_at timestamptz, p_pos bigint,
                                              p_limit integer)
RETURNS TABLE (at timestamptz, pos bigint, line text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN QUERY
    SELECT l.at, l.pos, to_jsonb(l)::text FROM access.log l
    WHERE l.patient = p_person AND (l.at, l.pos) > (p_at, p_pos) AND l.xid < p_began
      AND (l.controller = p_controller OR l.disclosed_from @> ARRAY[p_controller] OR l.what && p_own)
    ORDER BY l.at, l.pos LIMIT p_limit;
END $$;

-- Both, for the one who takes out.
CREATE OR REPLACE FUNCTION vault.takeout_lines(p_secret bytea, p_id bigint, p_part text, p_people bigint[]) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t vault.takeout := vault.takeout_open(p_secret, p_id);
BEGIN
  RETURN QUERY SELECT * FROM access.takeout_lines(t.units, t.controller, p_part, p_people);
END $$;
CREATE OR REPLACE FUNCTION vault.takeout_log(p_secret bytea, p_id bigint, p_person bigint, p_at timestamptz, p_pos bigint, p_limit integer)
RETURNS TABLE (at timestamptz, pos bigint, line text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t vault.takeout := vault.takeout_open(p_secret, p_id); v_own bigint[];
BEGIN
  PERFORM set_config('fj.takeout', t.units::text, true);
  v_own := ARRAY(SELECT DISTINCT h.pid FROM vault.history h WHERE h.patient = p_person AND h.patient > 0 AND h.org = ANY (t.units) AND h.xid < t.began);
  PERFORM set_config('fj.takeout', '', true);
  RETURN QUERY SELECT * FROM access.takeout_log(t.controller, t.began, p_person, v_own, p_at, p_pos, p_limit);
END $$;

-- It is written: what the file holds.
CREATE OR REPLACE FUNCTION vault.takeout_end(p_secret bytea, p_id bigint, p_manifest text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t vault.takeout := vault.takeout_open(p_secret, p_id);
BEGIN
  UPDATE vault.takeout x SET done_at = clock_timestamp(), manifest = p_manifest::jsonb WHERE x.id = t.id;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace AND p.proname LIKE 'takeout%' LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_takeout', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    IF f::text NOT LIKE 'vault.takeout_open(%' THEN EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO fj_migrate', f); END IF;
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace AND p.proname LIKE 'takeout%' LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO access_core', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO vault_takeout', f);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA vault, access TO vault_takeout;
GRANT USAGE ON SCHEMA vault TO fj_migrate;
GRANT EXECUTE ON FUNCTION access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint) TO vault_takeout;
