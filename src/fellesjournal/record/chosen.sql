-- Ids that clients chose, references that wait for such an id, and answers that a repeated request gets again.

-- ── Ids that clients chose ───────────────────────────────────────────────────────────────────────

-- The rows that ids stand for, to this reader: the acting unit's own choice first, else the oldest one that the reader may see.
-- An id that neither has gives no row: hidden and absent are the same. Keys alone; whoever reads with them is decided about again.
CREATE OR REPLACE FUNCTION vault.find_ids(p_secret bytea, p_rtype smallint[], p_id text[])
RETURNS TABLE (rtype smallint, id text, slot smallint, pid bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_unit bigint; v_closed smallint; v_others bigint[]; v_may bigint[];
BEGIN
  SELECT j.unit, j.closed INTO v_unit, v_closed FROM access.judge(p_secret, ARRAY[0]::bigint[], 'read') j WHERE j.allow;
  IF NOT FOUND THEN RETURN; END IF;
  v_others := ARRAY(
    SELECT DISTINCT r.patient FROM unnest(p_rtype, p_id) AS a (rtype, id)
    JOIN vault.chosen_id c ON c.rtype = a.rtype AND c.id = a.id JOIN vault.resource r ON r.slot = c.slot AND r.pid = c.pid
    WHERE c.org IS DISTINCT FROM v_unit AND r.patient > 0);
  IF cardinality(v_others) > 0 THEN
    v_may := ARRAY(SELECT j.patient FROM access.judge(p_secret, v_others, 'read') j WHERE j.allow);
  END IF;
  RETURN QUERY
    SELECT DISTINCT ON (a.rtype, a.id) a.rtype, a.id, c.slot, c.pid
    FROM unnest(p_rtype, p_id) AS a (rtype, id)
    JOIN vault.chosen_id c ON c.rtype = a.rtype AND c.id = a.id JOIN vault.resource r ON r.slot = c.slot AND r.pid = c.pid
    WHERE c.org = v_unit
       OR ((r.patient = 0 OR r.patient = ANY (v_may)) AND vault.may_see(sha256(p_secret), r.sens & v_closed, r.slot, r.pid))
    ORDER BY a.rtype, a.id, c.org IS DISTINCT FROM v_unit, c.pid;
END $$;

-- ── References that wait ─────────────────────────────────────────────────────────────────────────

-- Registers the ids that were chosen (c_…), and lets references written before (w_…) find them, whichever comes first. Same transaction.
-- A name that is referred to has a row without a resource until something is made under it: there who refers and who makes meet, and
-- the second one waits for the first. A unit's name is found by its own references; what is about no patient (c_open, w_open), by
-- everybody's, who meet in a row of no unit (-1). An id that is taken is a unique violation of chosen_id_pkey.
CREATE OR REPLACE FUNCTION vault.meet_names(
  c_rtype smallint[], c_id text[], c_org bigint[], c_slot smallint[], c_pid bigint[], c_open boolean[], c_h bigint[],
  w_rtype smallint[], w_id text[], w_org bigint[], w_open boolean[], w_h bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE r record;
BEGIN
  -- In one order for all, so that two who make what the other refers to never wait for each other. Who makes holds the name alone;
  -- those who refer hold it together, else everybody who refers to what never comes would write one after the other.
  FOR r IN
    SELECT a.rtype, a.id, a.org, max(a.slot) AS slot, max(a.pid) AS pid, bool_or(a.makes) AS makes FROM (
      SELECT c.rtype, c.id, c.org, c.slot, c.pid, true AS makes FROM unnest(c_rtype, c_id, c_org, c_slot, c_pid) AS c (rtype, id, org, slot, pid)
      UNION ALL SELECT c.rtype, c.id, -1, NULL, NULL, true FROM unnest(c_rtype, c_id, c_open) AS c (rtype, id, open) WHERE c.open
      UNION ALL SELECT w.rtype, w.id, w.org, NULL, NULL, false FROM unnest(w_rtype, w_id, w_org) AS w (rtype, id, org)
      UNION ALL SELECT w.rtype, w.id, -1, NULL, NULL, false FROM unnest(w_rtype, w_id, w_open) AS w (rtype, id, open) WHERE w.open) a
    GROUP BY a.rtype, a.id, a.org ORDER BY a.rtype, a.id, a.org LOOP
    IF r.makes THEN
      INSERT INTO vault.chosen_id AS x (rtype, id, org, slot, pid) VALUES (r.rtype, r.id, r.org, r.slot, r.pid)
      ON CONFLICT (rtype, id, org) DO UPDATE SET slot = excluded.slot, pid = excluded.pid WHERE x.pid IS NULL AND excluded.pid IS NOT NULL;
    ELSE
      INSERT INTO vault.chosen_id (rtype, id, org) VALUES (r.rtype, r.id, r.org) ON CONFLICT (rtype, id, org) DO NOTHING;
      PERFORM 1 FROM vault.chosen_id x WHERE x.rtype = r.rtype AND x.id = r.id AND x.org = r.org AND x.pid IS NULL FOR SHARE;
    END IF;
  END LOOP;
  IF cardinality(c_id) > (SELECT count(*) FROM unnest(c_rtype, c_id, c_org, c_pid) AS c (rtype, id, org, pid) JOIN vault.chosen_id k
                          ON k.rtype = c.rtype AND k.id = c.id AND k.org = c.org AND k.pid = c.pid) THEN
    RAISE EXCEPTION 'an id is taken' USING ERRCODE = 'unique_violation', CONSTRAINT = 'chosen_id_pkey';
  END IF;
  IF cardinality(c_id) > 0 THEN
    PERFORM vault.complete_references(c_h, c_slot, c_pid, ARRAY(
      SELECT CASE WHEN NOT q.open THEN q.org END FROM unnest(c_org, c_open) WITH ORDINALITY AS q (org, open, ord) ORDER BY q.ord));
  END IF;
  -- What has been made since the references were looked up.
  FOR r IN SELECT DISTINCT ON (w.rtype, w.id, w.org) w.h, w.org, k.slot, k.pid
           FROM unnest(w_rtype, w_id, w_org, w_open, w_h) AS w (rtype, id, org, open, h)
           JOIN vault.chosen_id k ON k.rtype = w.rtype AND k.id = w.id AND k.pid IS NOT NULL
             AND (k.org = w.org OR (w.open AND EXISTS (SELECT 1 FROM vault.resource o WHERE o.slot = k.slot AND o.pid = k.pid AND o.patient = 0)))
           ORDER BY w.rtype, w.id, w.org, k.org <> w.org, k.pid LOOP
    PERFORM vault.complete_references(ARRAY[r.h], ARRAY[r.slot], ARRAY[r.pid], ARRAY[r.org]);
  END LOOP;
END $$;

-- Lets references that lead nowhere lead to the rows that their text names by now (h: its hash; org NULL: whoever controls what refers).
-- At most 5,000 of a name here, the worker does the rest; what another transaction is about to write anew finds it by itself.
-- Says nothing about who may see either end: each is under its own policy.
CREATE OR REPLACE FUNCTION vault.complete_references(p_h bigint[], p_slot smallint[], p_pid bigint[], p_org bigint[]) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE r record; v_count integer := 0;
BEGIN
  FOR r IN
    WITH found AS (
      SELECT x.ctid AS row, a.ord, a.slot, a.pid FROM unnest(p_h, p_slot, p_pid, p_org) WITH ORDINALITY AS a (h, slot, pid, org, ord)
      CROSS JOIN LATERAL (SELECT y.ctid FROM vault.sp_reference y WHERE y.h = a.h AND y.tpid IS NULL AND (a.org IS NULL OR y.org = a.org)
                          LIMIT 5000 FOR UPDATE SKIP LOCKED) x),
    completed AS (
      UPDATE vault.sp_reference x SET tslot = f.slot, tpid = f.pid FROM found f WHERE x.ctid = f.row RETURNING f.ord)
    SELECT c.ord, count(*)::integer AS n FROM completed c GROUP BY c.ord LOOP
    v_count := v_count + r.n;
    IF r.n = 5000 THEN
      PERFORM jobs.enqueue('references.complete', convert_to(json_build_object(
        'h', p_h[r.ord], 'slot', p_slot[r.ord], 'pid', p_pid[r.ord], 'org', coalesce(p_org[r.ord], 0))::text, 'UTF8'));
    END IF;
  END LOOP;
  RETURN v_count;
END $$;

-- The worker's: the next of the references to one row (p_org 0: whoever controls them); NULL without the grant to fill in rows.
CREATE OR REPLACE FUNCTION vault.complete_further(p_secret bytea, p_h bigint, p_slot smallint, p_pid bigint, p_org bigint) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT access.may_index(p_secret) THEN RETURN NULL; END IF;
  RETURN vault.complete_references(ARRAY[p_h], ARRAY[p_slot], ARRAY[p_pid], ARRAY[nullif(p_org, 0)]);
END $$;

-- ── Answers kept for a repeated request ──────────────────────────────────────────────────────────

-- Who asks with this key and request: 'new' (answer it, and keep the answer in this transaction), 'again' (with the answer kept),
-- 'other' (the key was used for another request), 'none' (the secret opens nothing). A second one with the key waits for the first.
CREATE OR REPLACE FUNCTION vault.claim_answer(p_secret bytea, p_key bytea, p_request bytea) RETURNS TABLE (state text, answer bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_person bigint; v_request bytea;
BEGIN
  SELECT w.person INTO v_person FROM access.writer(p_secret) w;
  IF NOT FOUND THEN RETURN QUERY SELECT 'none', NULL::bytea; RETURN; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('idempotency' || v_person || encode(p_key, 'hex'), 0));
  SELECT i.request_hash, i.answer INTO v_request, answer FROM vault.idempotency i
  WHERE i.person = v_person AND i.key_hash = p_key AND i.made_at > clock_timestamp() - interval '24 hours';
  state := CASE WHEN NOT FOUND THEN 'new' WHEN v_request = p_request THEN 'again' ELSE 'other' END;
  IF state = 'other' THEN answer := NULL; END IF;
  RETURN NEXT;
END $$;

-- Keeps an answer for the key that was claimed in this transaction.
CREATE OR REPLACE FUNCTION vault.keep_answer(p_secret bytea, p_key bytea, p_request bytea, p_status smallint, p_answer bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  DELETE FROM vault.idempotency i USING access.writer(p_secret) w WHERE i.person = w.person AND i.key_hash = p_key;
  INSERT INTO vault.idempotency (person, key_hash, request_hash, status, answer)
  SELECT w.person, p_key, p_request, p_status, p_answer FROM access.writer(p_secret) w;
END $$;

-- Deletes the answers that are older than a day; how many. The worker does it each night.
CREATE OR REPLACE FUNCTION vault.forget_answers() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_count integer;
BEGIN
  DELETE FROM vault.idempotency i WHERE i.made_at < clock_timestamp() - interval '24 hours';
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

GRANT EXECUTE ON FUNCTION access.judge(bytea, bigint[], text) TO vault_gate;
GRANT UPDATE (slot, pid) ON vault.chosen_id TO vault_write;
GRANT UPDATE (tslot, tpid) ON vault.sp_reference TO vault_index;
ALTER FUNCTION vault.meet_names(smallint[], text[], bigint[], smallint[], bigint[], boolean[], bigint[], smallint[], text[], bigint[], boolean[], bigint[])
  OWNER TO vault_write;
ALTER FUNCTION vault.complete_references(bigint[], smallint[], bigint[], bigint[]) OWNER TO vault_index;
ALTER FUNCTION vault.complete_further(bytea, bigint, smallint, bigint, bigint) OWNER TO vault_index;
REVOKE ALL ON FUNCTION vault.complete_references(bigint[], smallint[], bigint[], bigint[]), vault.complete_further(bytea, bigint, smallint, bigint, bigint),
  vault.meet_names(smallint[], text[], bigint[], smallint[], bigint[], boolean[], bigint[], smallint[], text[], bigint[], boolean[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.complete_references(bigint[], smallint[], bigint[], bigint[]) TO vault_write;
GRANT EXECUTE ON FUNCTION vault.complete_further(bytea, bigint, smallint, bigint, bigint) TO fj_worker;
GRANT DELETE ON vault.idempotency TO vault_write;
ALTER FUNCTION vault.find_ids(bytea, smallint[], text[]) OWNER TO vault_gate;
ALTER FUNCTION vault.claim_answer(bytea, bytea, bytea) OWNER TO vault_write;
ALTER FUNCTION vault.keep_answer(bytea, bytea, bytea, smallint, bytea) OWNER TO vault_write;
ALTER FUNCTION vault.forget_answers() OWNER TO vault_write;
REVOKE ALL ON FUNCTION vault.find_ids(bytea, smallint[], text[]), vault.claim_answer(bytea, bytea, bytea),
  vault.keep_answer(bytea, bytea, bytea, smallint, bytea), vault.forget_answers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.find_ids(bytea, smallint[], text[]) TO fj_web, fj_worker;
GRANT EXECUTE ON FUNCTION vault.claim_answer(bytea, bytea, bytea), vault.keep_answer(bytea, bytea, bytea, smallint, bytea) TO fj_web;
GRANT EXECUTE ON FUNCTION vault.forget_answers() TO fj_worker;
