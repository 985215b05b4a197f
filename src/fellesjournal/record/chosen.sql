-- Ids that clients chose, and answers that a repeated request gets again.

-- ── Ids that clients chose ───────────────────────────────────────────────────────────────────────

-- The rows that ids stand for, to this reader: the acting unit's own choice first, else the oldest one that the reader may see.
-- An id that neither has gives no row: hidden and absent are the same. Keys alone; whoever reads with them is decided about again.
CREATE OR REPLACE FUNCTION vault.find_ids(p_secret bytea, p_rtype smallint[], p_id text[])
RETURNS TABLE (rtype smallint, id text, slot smallint, pid bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_unit bigint; v_classes smallint[]; v_others bigint[]; v_may bigint[];
BEGIN
  SELECT j.unit, j.classes INTO v_unit, v_classes FROM access.judge(p_secret, ARRAY[0]::bigint[], 'read') j WHERE j.allow;
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
       OR ((r.patient = 0 OR r.patient = ANY (v_may)) AND r.sens = ANY (v_classes)
           AND (r.sens < 100 OR vault.may_others(sha256(p_secret), r.slot, r.pid)))
    ORDER BY a.rtype, a.id, c.org IS DISTINCT FROM v_unit, c.pid;
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
