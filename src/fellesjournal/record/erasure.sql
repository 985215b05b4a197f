-- Deletion of entries (helsepersonelloven § 43): asked for, proposed by one person, carried out by another, and what is left.
-- vault_erase alone can take content away, and only of the rows that the function below names.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'blob', 'blob_chunk', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri',
                           'sp_composite', 'shielded'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS erase ON vault.%I', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'blob', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri',
                           'sp_composite', 'shielded'] LOOP
    EXECUTE format($p$CREATE POLICY erase ON vault.%I FOR ALL TO vault_erase
      USING (pid = ANY ((SELECT nullif(current_setting('fj.erasing', true), ''))::bigint[]))$p$, t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['blob', 'shielded', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('GRANT SELECT, DELETE ON vault.%I TO vault_erase', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['erasure', 'erasure_item'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS erase ON vault.%I', t);
    EXECUTE format('CREATE POLICY erase ON vault.%I FOR ALL TO vault_erase USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT ON vault.%I TO vault_erase', t);
  END LOOP;
END $$;
DROP POLICY IF EXISTS withdrawn ON vault.resource;
CREATE POLICY withdrawn ON vault.resource FOR SELECT TO vault_erase
  USING (patient = (SELECT nullif(current_setting('fj.withdrawn', true), ''))::bigint AND sens & 1024 <> 0);
CREATE POLICY erase ON vault.blob_chunk FOR ALL TO vault_erase
  USING (upload IN (SELECT b.upload FROM vault.blob b WHERE b.pid = ANY ((SELECT nullif(current_setting('fj.erasing', true), ''))::bigint[])));
GRANT SELECT (upload), DELETE ON vault.blob_chunk TO vault_erase;
GRANT SELECT (slot, pid, rtype, version, updated, patient, org, sens, body), UPDATE (version, updated, body) ON vault.resource TO vault_erase;
GRANT SELECT (slot, pid, version, rtype), UPDATE (op, body), INSERT ON vault.history TO vault_erase;
GRANT UPDATE (state, reason, proposed_by, proposed_at, decided_by, decided_at, answer) ON vault.erasure TO vault_erase;
DROP POLICY IF EXISTS erase ON vault.identifier;
CREATE POLICY erase ON vault.identifier FOR ALL TO vault_erase USING (pid = ANY ((SELECT nullif(current_setting('fj.erasing', true), ''))::bigint[]));
GRANT SELECT, DELETE ON vault.identifier TO vault_erase;

-- May one with this secret's role be one of the two who delete?
CREATE OR REPLACE FUNCTION access.may_erase(p_secret bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM identity.live s JOIN access.role_right rr ON rr.role = s.role AND rr.action = 'erase'
                 WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'staff' AND s.level >= 4 AND s.app IS NULL);
END $$;

-- Does a reviewer of this unit's controller ask, about somebody else?
CREATE OR REPLACE FUNCTION access.may_review_erasure(p_secret bytea, p_unit bigint, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM access.review_reach(p_secret) v JOIN identity.unit u ON u.id = p_unit AND u.controller = ANY (v.controllers)
                 WHERE v.own <> p_patient);
END $$;

-- A wish to delete, and who of the unit may see to it: it is on the unit's work list for a month.
CREATE OR REPLACE FUNCTION access.call_for_erasure(p_patient bigint, p_unit bigint, p_source bigint, p_session bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM access.put_relation(ARRAY[p_patient], p_unit, NULL, 'ARBFLYT', p_source, clock_timestamp(), clock_timestamp() + interval '30 days', p_session);
END $$;

-- Names of those who took part, for those who may see that it happened.
CREATE OR REPLACE FUNCTION access.person_name(p_person bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT p.name FROM identity.person p WHERE p.id = p_person $$;

CREATE OR REPLACE FUNCTION access.unit_name(p_unit bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT u.name FROM identity.unit u WHERE u.id = p_unit $$;

-- Asks for an entry to be deleted, with what goes with it: 201; 401 no session; 404 hidden or absent; 403 may not; 409 asked for already;
-- 430 another unit's entry. What was withdrawn (class 1024) can be deleted too. A citizen asks about the own record; staff who may delete propose at once, others ask.
CREATE OR REPLACE FUNCTION vault.erasure_ask(p_secret bytea, p_rtype smallint, p_slot smallint, p_pid bigint, p_basis smallint, p_reason text,
                                             p_more_slot smallint[], p_more_pid bigint[]) RETURNS smallint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; o record; d record; v_id bigint; v_proposes boolean;
BEGIN
  SELECT * INTO s FROM access.writer(p_secret);
  IF NOT FOUND THEN RETURN 401; END IF;
  SELECT * INTO o FROM vault.owners(ARRAY[p_slot], ARRAY[p_pid], ARRAY[p_rtype], ARRAY[0]);
  SELECT * INTO d FROM access.decide_many(ARRAY[p_secret], ARRAY[o.patient], ARRAY[o.org], ARRAY[o.sens & ~1024]::smallint[], ARRAY[o.others],
                                          ARRAY[p_rtype], ARRAY[CASE s.kind WHEN 'citizen' THEN 'read' ELSE 'write' END], ARRAY[p_pid]);
  IF d.allow IS NOT TRUE THEN RETURN 404; END IF;
  IF s.kind NOT IN ('citizen', 'staff') OR o.patient <= 0 OR p_pid = o.patient THEN RETURN 403; END IF;
  IF s.kind = 'citizen' AND NOT access.may_act(s.session) THEN RETURN 403; END IF;  -- for another, to read alone
  IF s.kind = 'staff' AND o.org IS DISTINCT FROM s.unit THEN RETURN 430; END IF;
  IF s.kind = 'staff' AND p_basis = 0 THEN RETURN 403; END IF;  -- staff correct; they need not ask
  v_proposes := access.may_erase(p_secret);
  INSERT INTO vault.erasure (slot, pid, rtype, patient, org, basis, reason, state, by_citizen, asked_by, proposed_by, proposed_at)
  VALUES (p_slot, p_pid, p_rtype, o.patient, o.org, p_basis, p_reason, CASE WHEN v_proposes THEN 'proposed' ELSE 'asked' END, s.kind = 'citizen',
          s.person, CASE WHEN v_proposes THEN s.person END, CASE WHEN v_proposes THEN clock_timestamp() END)
  ON CONFLICT DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN RETURN 409; END IF;
  PERFORM set_config('fj.erasing', (p_pid || p_more_pid)::text, true);
  INSERT INTO vault.erasure_item (erasure, slot, pid, rtype)
  SELECT v_id, r.slot, r.pid, r.rtype FROM unnest(p_slot || p_more_slot, p_pid || p_more_pid) AS a (slot, pid)
  JOIN vault.resource r ON r.slot = a.slot AND r.pid = a.pid AND r.patient = o.patient AND r.org = o.org AND r.pid <> r.patient
  ON CONFLICT DO NOTHING;
  PERFORM set_config('fj.erasing', '', true);
  PERFORM access.call_for_erasure(o.patient, o.org, p_pid, s.session);
  RETURN 201;
END $$;

-- One person's word on a wish. p_erase: yes; the first yes proposes (200), the second, by another person, deletes (204).
-- A wish for correction alone is settled by one (203). No: the wish is refused, with an answer (202). 401 no session; 404 nothing there to decide on; 403 the role may not; 409 by the same person.
CREATE OR REPLACE FUNCTION vault.erasure_decide(p_secret bytea, p_patient bigint, p_id bigint, p_erase boolean, p_answer text) RETURNS smallint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; e record; d record;
BEGIN
  SELECT * INTO s FROM access.writer(p_secret);
  IF NOT FOUND THEN RETURN 401; END IF;
  SELECT * INTO e FROM vault.erasure x WHERE x.id = p_id AND x.state IN ('asked', 'proposed') FOR UPDATE;
  IF NOT FOUND OR s.kind <> 'staff' THEN RETURN 404; END IF;
  IF p_patient IS NULL THEN
    IF e.state <> 'proposed' OR NOT access.may_review_erasure(p_secret, e.org, e.patient) THEN RETURN 404; END IF;
    PERFORM access.log_event(p_secret, ARRAY[e.patient], 'review', e.rtype, ARRAY[e.pid], NULL, NULL, 0::smallint);
  ELSE
    IF e.patient <> p_patient OR e.org IS DISTINCT FROM s.unit THEN RETURN 404; END IF;
    SELECT * INTO d FROM access.decide_many(ARRAY[p_secret], ARRAY[e.patient], ARRAY[e.org], ARRAY[0]::smallint[], ARRAY[NULL]::text[],
                                            ARRAY[e.rtype], ARRAY['write'], ARRAY[e.pid]);
    IF d.allow IS NOT TRUE THEN RETURN 404; END IF;
    IF NOT access.may_erase(p_secret) THEN RETURN 403; END IF;
  END IF;
  IF NOT p_erase THEN
    UPDATE vault.erasure x SET state = 'refused', answer = p_answer, decided_by = s.person, decided_at = clock_timestamp() WHERE x.id = p_id;
    RETURN 202;
  END IF;
  IF e.basis = 0 THEN
    UPDATE vault.erasure x SET state = 'done', answer = p_answer, decided_by = s.person, decided_at = clock_timestamp() WHERE x.id = p_id;
    RETURN 203;
  END IF;
  IF e.state = 'asked' THEN
    UPDATE vault.erasure x SET state = 'proposed', proposed_by = s.person, proposed_at = clock_timestamp() WHERE x.id = p_id;
    RETURN 200;
  END IF;
  IF e.proposed_by = s.person THEN RETURN 409; END IF;
  PERFORM vault.erase(p_id, s.session);
  UPDATE vault.erasure x SET state = 'done', reason = '', answer = p_answer, decided_by = s.person, decided_at = clock_timestamp() WHERE x.id = p_id;
  RETURN 204;
END $$;

-- Takes the content of an erasure's rows away, every version and every index row, and says so in the change feed. Nobody's to call but the above.
CREATE OR REPLACE FUNCTION vault.erase(p_id bigint, p_session bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_pids bigint[] := ARRAY(SELECT i.pid FROM vault.erasure_item i WHERE i.erasure = p_id); t text;
BEGIN
  PERFORM set_config('fj.erasing', v_pids::text, true);
  UPDATE vault.history h SET body = NULL, op = 'D' WHERE h.pid = ANY (v_pids);
  UPDATE vault.resource r SET body = NULL, version = r.version + 1,
                              updated = greatest(date_trunc('milliseconds', clock_timestamp()), r.updated + interval '1 millisecond')
  WHERE r.pid = ANY (v_pids);
  INSERT INTO vault.history (slot, pid, version, rtype, updated, patient, org, sens, op, session, body)
  SELECT r.slot, r.pid, r.version, r.rtype, r.updated, r.patient, r.org, r.sens, 'D', p_session, NULL FROM vault.resource r WHERE r.pid = ANY (v_pids);
  DELETE FROM vault.blob_chunk c WHERE c.upload IN (SELECT b.upload FROM vault.blob b WHERE b.pid = ANY (v_pids));
  FOREACH t IN ARRAY ARRAY['blob', 'shielded', 'identifier', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('DELETE FROM vault.%I x WHERE x.pid = ANY ($1)', t) USING v_pids;
  END LOOP;
  PERFORM set_config('fj.erasing', '', true);
END $$;

-- The wishes about one patient that this reader may know of: the unit's own, and what was deleted by whomever; a citizen's own record.
-- No row too when there is no need. The reason is shown to those who wrote it and those who decide.
CREATE OR REPLACE FUNCTION vault.erasures(p_secret bytea, p_patient bigint)
RETURNS TABLE (id bigint, slot smallint, pid bigint, rtype smallint, basis smallint, reason text, state text, by_citizen boolean, asked_name text,
               asked_at timestamptz, proposed_name text, proposed_at timestamptz, decided_name text, decided_at timestamptz, answer text,
               is_own boolean, may_decide boolean, unit bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record; s record; v_may boolean;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'read');
  IF NOT FOUND OR NOT j.allow THEN RETURN; END IF;
  SELECT * INTO s FROM access.writer(p_secret);
  v_may := access.may_erase(p_secret);
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'read', 0::smallint, NULL, j.ground, j.ref, 0::smallint);
  RETURN QUERY
    SELECT e.id, e.slot, e.pid, e.rtype, e.basis, CASE WHEN e.org = s.unit OR e.asked_by = s.person THEN e.reason ELSE '' END, e.state, e.by_citizen,
           access.person_name(e.asked_by), e.asked_at, access.person_name(e.proposed_by), e.proposed_at, access.person_name(e.decided_by), e.decided_at,
           e.answer, coalesce(e.proposed_by, e.asked_by) = s.person, v_may AND e.org = s.unit AND e.state IN ('asked', 'proposed'), e.org
    FROM vault.erasure e
    WHERE e.patient = p_patient AND (e.org = s.unit OR e.state = 'done' OR (s.kind = 'citizen' AND (e.by_citizen OR e.state = 'done')))
    ORDER BY e.asked_at DESC LIMIT 200;
END $$;

-- What waits for the acting unit, oldest first: each patient is decided for and logged as shown on a list.
CREATE OR REPLACE FUNCTION vault.erasures_waiting(p_secret bytea)
RETURNS TABLE (slot smallint, patient bigint, basis smallint, state text, by_citizen boolean, asked_at timestamptz, is_own boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_allowed bigint[];
BEGIN
  SELECT * INTO s FROM access.writer(p_secret);
  IF NOT FOUND OR s.kind <> 'staff' THEN RETURN; END IF;
  v_allowed := ARRAY(SELECT j.patient FROM access.judge(p_secret, ARRAY(SELECT DISTINCT e.patient FROM vault.erasure e WHERE e.org = s.unit
                     AND e.state IN ('asked', 'proposed') LIMIT 200), 'read') j WHERE j.allow);
  PERFORM access.log_event(p_secret, v_allowed, 'list', 0::smallint, NULL, 'ARBFLYT', NULL, 0::smallint);
  RETURN QUERY
    SELECT e.slot, e.patient, e.basis, e.state, e.by_citizen, e.asked_at, coalesce(e.proposed_by, e.asked_by) = s.person  -- a person's rows are in one slot
    FROM vault.erasure e WHERE e.org = s.unit AND e.state IN ('asked', 'proposed') AND e.patient = ANY (v_allowed) ORDER BY e.asked_at LIMIT 200;
END $$;

-- What waits for a reviewer as the second person, oldest first: basis and reason, and nothing of whom it is about.
CREATE OR REPLACE FUNCTION vault.erasures_reviewed(p_secret bytea)
RETURNS TABLE (id bigint, basis smallint, reason text, by_citizen boolean, asked_name text, asked_at timestamptz, proposed_name text, unit_name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'review', 0::smallint, NULL, NULL, NULL, 0::smallint);
  RETURN QUERY
    SELECT e.id, e.basis, e.reason, e.by_citizen, CASE WHEN e.by_citizen THEN '' ELSE access.person_name(e.asked_by) END, e.asked_at,
           access.person_name(e.proposed_by), access.unit_name(e.org)
    FROM vault.erasure e WHERE e.state = 'proposed' AND access.may_review_erasure(p_secret, e.org, e.patient) ORDER BY e.asked_at LIMIT 200;
END $$;

-- What was withdrawn in one record by the acting unit, newest first, with its content: a reading of its own, logged as such.
CREATE OR REPLACE FUNCTION vault.erasure_withdrawn(p_secret bytea, p_patient bigint)
RETURNS TABLE (slot smallint, pid bigint, rtype smallint, version integer, updated timestamptz, body text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record; s record; v_pids bigint[];
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'write');
  SELECT * INTO s FROM access.writer(p_secret);
  IF j.allow IS NOT TRUE OR s.kind <> 'staff' THEN RETURN; END IF;
  PERFORM set_config('fj.withdrawn', p_patient::text, true);
  -- Whatever else is closed to this reader stays closed.
  v_pids := ARRAY(SELECT r.pid FROM vault.resource r WHERE r.patient = p_patient AND r.sens & 1024 <> 0 AND r.sens & j.closed & ~1024 = 0
                  AND r.org = s.unit AND r.body IS NOT NULL ORDER BY r.updated DESC LIMIT 200);
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'read', 0::smallint, v_pids, j.ground, j.ref, 0::smallint);
  RETURN QUERY SELECT r.slot, r.pid, r.rtype, r.version, r.updated, r.body FROM vault.resource r WHERE r.patient = p_patient AND r.pid = ANY (v_pids)
               ORDER BY r.updated DESC;
  PERFORM set_config('fj.withdrawn', '', true);
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace AND p.proname LIKE 'eras%' LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_erase', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace
           AND p.proname IN ('may_erase', 'may_review_erasure', 'call_for_erasure', 'person_name', 'unit_name') LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO access_core', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO vault_erase', f);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA vault, access TO vault_erase;
GRANT EXECUTE ON FUNCTION vault.owners(smallint[], bigint[], smallint[], integer[]) TO vault_erase;
GRANT EXECUTE ON FUNCTION access.writer(bytea), access.judge(bytea, bigint[], text),
  access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint),
  access.decide_many(bytea[], bigint[], bigint[], smallint[], text[], smallint[], text[], bigint[]) TO vault_erase;
GRANT EXECUTE ON FUNCTION vault.erasure_ask(bytea, smallint, smallint, bigint, smallint, text, smallint[], bigint[]),
  vault.erasure_decide(bytea, bigint, bigint, boolean, text), vault.erasures_reviewed(bytea), vault.erasures(bytea, bigint), vault.erasures_waiting(bytea), vault.erasure_withdrawn(bytea, bigint) TO fj_web;
