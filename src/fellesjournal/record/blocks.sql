-- Blocks of parts of a record become bits of the rows that they cover: when they are made, when something is written, when they are lifted.
-- And what is delayed for the citizen is released when its time has come.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS class ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY class ON vault.%I FOR ALL TO vault_class
      USING (patient = ANY ((SELECT nullif(current_setting('fj.classing', true), ''))::bigint[]))
      WITH CHECK (patient = ANY ((SELECT nullif(current_setting('fj.classing', true), ''))::bigint[]))$p$, t);
    EXECUTE format('GRANT SELECT (slot, pid, patient, sens), UPDATE (sens) ON vault.%I TO vault_class', t);
  END LOOP;
END $$;
GRANT SELECT (slot, rtype, org, updated, body) ON vault.resource, vault.history TO vault_class;
GRANT SELECT (tpid) ON vault.sp_reference TO vault_class;
DROP POLICY IF EXISTS delayed ON vault.resource;
CREATE POLICY delayed ON vault.resource FOR SELECT TO vault_class USING ((sens & 8::smallint) <> 0);
DROP POLICY IF EXISTS class ON vault.blob;
CREATE POLICY class ON vault.blob FOR SELECT TO vault_class USING (true);
GRANT SELECT (pid, context_pid) ON vault.blob TO vault_class;

-- The id of a row as bodies spell it (kit/ids.py: encode): 12 bits of slot and 63 of number in Crockford's base32.
CREATE OR REPLACE FUNCTION vault.id_text(p_slot smallint, p_pid bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE a text := '0123456789abcdefghjkmnpqrstvwxyz'; t text := ''; s integer := p_slot;
BEGIN
  FOR g IN 0..11 LOOP t := substr(a, ((p_pid >> (5 * g)) & 31)::integer + 1, 1) || t; END LOOP;
  RETURN substr(a, (s >> 7) + 1, 1) || substr(a, ((s >> 2) & 31) + 1, 1) || substr(a, ((s & 3) << 3 | (p_pid >> 60)::integer) + 1, 1) || t;
END $$;

-- The bits 16 and 4096 of these rows, in every version and every search row, as the blocks over them say now; and bit 2 of those that are
-- withheld from parents, which is not taken away here: a row may have it of its own (record/withholding.sql).
CREATE OR REPLACE FUNCTION vault.reclass(p_patient bigint, p_pids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t text; v_slots smallint[];
BEGIN
  IF coalesce(cardinality(p_pids), 0) = 0 THEN RETURN; END IF;
  PERFORM set_config('fj.classing', ARRAY[p_patient, -1]::text, true);  -- a unit's own content stands behind somebody's entry
  v_slots := 0::smallint || ARRAY(SELECT r.slot FROM vault.resource r WHERE r.patient = p_patient AND r.rtype = 103);
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
    EXECUTE format('UPDATE vault.%I x SET sens = (x.sens & ~4112)::smallint | b.bits FROM access.block_bits($1) b
                    WHERE x.slot = ANY ($3) AND x.pid = b.pid AND x.patient IN ($2, -1) AND x.pid = ANY ($1) AND (x.sens & (4112 | (b.bits & 2))) <> b.bits', t)
    USING p_pids, p_patient, v_slots;
  END LOOP;
  PERFORM set_config('fj.classing', '', true);
END $$;

-- Takes rows under the live blocks of parts (or one of them): what each names, and all that would reveal it: whatever of the record
-- names a covered row, in any version, and the content (Binary, number 9) that a covered row names. What merely holds many things together
-- (Patient, Encounter, EpisodeOfCare, CarePlan, CareTeam, List, Account) is not covered because one of them is.
-- p_pids: rows just written; NULL = the whole record. Once covered, a row stays so as long as the block does.
CREATE OR REPLACE FUNCTION vault.spread_blocks(p_patient bigint, p_pids bigint[], p_block bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE b record; v_from bigint[]; v_to bigint[]; v_rows bigint[]; v_all bigint[] := coalesce(p_pids, '{}');
BEGIN
  PERFORM set_config('fj.classing', ARRAY[p_patient]::text, true);
  -- If what stands in `v_from` is covered, so is what stands beside it in `v_to`.
  WITH known AS MATERIALIZED (
    SELECT r.pid, r.rtype, vault.id_text(r.slot, r.pid) AS name FROM vault.resource r WHERE r.patient = p_patient
  ), named AS (
    SELECT h.pid, h.rtype, k.pid AS tpid, k.rtype AS trtype FROM (
      SELECT DISTINCT h.pid, h.rtype, x.m[1] AS name FROM vault.history h
      CROSS JOIN LATERAL regexp_matches(h.body, '/([0-9a-z]{15})["/|#]', 'g') AS x (m)
      WHERE h.patient = p_patient AND (p_pids IS NULL OR h.pid = ANY (p_pids))) h
    JOIN known k ON k.name = h.name
    UNION SELECT k.pid, k.rtype, t.pid, t.rtype FROM vault.sp_reference s JOIN known k ON k.pid = s.pid JOIN known t ON t.pid = s.tpid
          WHERE s.patient = p_patient AND (p_pids IS NULL OR s.pid = ANY (p_pids))
    UNION SELECT k.pid, k.rtype, t.pid, t.rtype FROM vault.blob o JOIN known k ON k.pid = o.pid JOIN known t ON t.pid = o.context_pid
          WHERE p_pids IS NULL OR o.pid = ANY (p_pids)
    UNION SELECT k.pid, k.rtype, a.content, 9::smallint FROM vault.attached a JOIN known k ON k.pid = a.holder
          WHERE a.content IS NOT NULL AND (p_pids IS NULL OR a.holder = ANY (p_pids) OR a.content = ANY (p_pids))
  ), flow AS (
    SELECT n.tpid AS a, n.pid AS b FROM named n WHERE n.rtype <> ALL ('{103,44,48,14,15,70,1}')
    UNION SELECT n.pid, n.tpid FROM named n WHERE n.trtype = 9
  ) SELECT array_agg(f.a), array_agg(f.b) INTO v_from, v_to FROM flow f WHERE f.a <> f.b AND p_patient NOT IN (f.a, f.b);

  FOR b IN SELECT * FROM access.live_parts(p_patient) l WHERE p_block IS NULL OR l.id = p_block LOOP
    WITH RECURSIVE flow AS MATERIALIZED (SELECT x.a, x.b FROM unnest(v_from, v_to) AS x (a, b)
    ), covered (pid) AS (
      SELECT r.pid FROM vault.resource r
      WHERE r.patient = p_patient AND r.pid <> p_patient AND (p_pids IS NULL OR r.pid = ANY (p_pids))
        AND (r.pid = b.target OR r.org = ANY (b.units) OR r.rtype = ANY (b.kinds) OR (r.sens & b.bits) <> 0)
      UNION SELECT q.p FROM unnest(access.covered_by(b.id)) AS q (p)
      UNION SELECT f.b FROM covered c JOIN flow f ON f.a = c.pid
    ) SELECT array_agg(c.pid) INTO v_rows FROM covered c;
    PERFORM access.cover(b.id, p_patient, v_rows);
    v_all := v_all || v_rows;
  END LOOP;
  PERFORM vault.reclass(p_patient, ARRAY(SELECT DISTINCT q.p FROM unnest(v_all) AS q (p)));
END $$;

-- What is written while somebody makes a block must not slip past it: writers hold a patient's bucket together, a block alone, each
-- before it locks any row and until its end.
CREATE OR REPLACE FUNCTION vault.hold_against_blocks(p_patients bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE done text;
BEGIN
  IF cardinality(p_patients) = 1 THEN
    done := pg_advisory_xact_lock_shared(7310, (p_patients[1] % 64)::integer);  -- an assignment is cheaper than PERFORM
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock_shared(7310, q.bucket) FROM (SELECT DISTINCT (x % 64)::integer AS bucket FROM unnest(p_patients) AS u (x) ORDER BY 1) q;
END $$;

-- The rows just written go under the blocks that stand, at the end of the writing; one whose own label says «sperret» makes one.
CREATE OR REPLACE FUNCTION vault.block_written(p_patient bigint[], p_pid bigint[], p_sens smallint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE is_labelled boolean := false; v_sens smallint;
BEGIN
  FOREACH v_sens IN ARRAY p_sens LOOP is_labelled := is_labelled OR (v_sens & 16) <> 0; END LOOP;
  IF NOT is_labelled AND NOT access.has_part_blocks(p_patient) THEN RETURN; END IF;
  PERFORM access.block_labelled(w.patient, w.pid) FROM unnest(p_patient, p_pid, p_sens) AS w (patient, pid, sens)
  WHERE (w.sens & 16) <> 0 AND w.patient > 0;
  PERFORM vault.spread_blocks(w.patient, array_agg(w.pid)) FROM unnest(p_patient, p_pid) AS w (patient, pid)
  WHERE w.patient > 0 AND access.has_part_blocks(ARRAY[w.patient]) GROUP BY w.patient;
END $$;

-- Makes a block, in force when the caller's transaction ends. p_slot, p_pid: the row of scope 'document', which the maker must be able to see.
-- verdict as `access.make_block` says; 'unknown' for a row that is hidden or absent.
CREATE OR REPLACE FUNCTION vault.make_block(p_secret bytea, p_patient bigint, p_scope text, p_slot smallint, p_pid bigint, p_code text, p_unit bigint,
                                            p_person bigint, p_service text, OUT verdict text, OUT id bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE m record;
BEGIN
  PERFORM pg_advisory_xact_lock(7310, (p_patient % 64)::integer);
  PERFORM set_config('fj.classing', ARRAY[p_patient]::text, true);
  IF p_scope = 'document' AND NOT EXISTS (
      SELECT 1 FROM vault.resource r JOIN access.judge(p_secret, ARRAY[p_patient], 'read') j ON j.allow
      WHERE r.pid = p_pid AND r.slot = p_slot AND r.patient = p_patient AND r.pid <> p_patient AND r.body IS NOT NULL
        AND ((r.sens & j.closed) = 0 OR vault.may_see(sha256(p_secret), r.sens & j.closed, r.slot, r.pid))) THEN
    PERFORM access.log_event(p_secret, ARRAY[p_patient], 'block', 29::smallint, NULL, NULL, NULL, 2::smallint);
    verdict := 'unknown'; RETURN;
  END IF;
  SELECT * INTO m FROM access.make_block(p_secret, p_patient, p_scope, p_pid, p_code, p_unit, p_person, p_service);
  verdict := m.verdict; id := m.id;
  IF m.is_new AND p_scope <> 'all' THEN PERFORM vault.spread_blocks(p_patient, NULL, m.id); END IF;
  PERFORM set_config('fj.classing', '', true);
END $$;

-- Lifts one of the citizen's own blocks: rows that no other block covers are open again when the caller's transaction ends.
CREATE OR REPLACE FUNCTION vault.lift_block(p_secret bytea, p_is_part boolean, p_id bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE l record;
BEGIN
  SELECT * INTO l FROM access.lift_block(p_secret, p_is_part, p_id);
  PERFORM vault.reclass(l.patient, l.pids);
  RETURN l.verdict;
END $$;

-- Opens what was delayed for the citizen and is due: at the instant that the label says (its extension `release-at`), else after
-- `access.release_days`; content with what it belongs to. How many rows. Run by the worker each minute.
CREATE OR REPLACE FUNCTION vault.release_due() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE r record; v_pids bigint[]; t text; v_count integer := 0;
BEGIN
  FOR r IN
    SELECT x.patient, array_agg(x.pid) AS pids FROM vault.resource x
    WHERE (x.sens & 8::smallint) <> 0 AND x.rtype <> 9
      AND vault.release_at(x.body, x.updated) <= clock_timestamp() GROUP BY x.patient
  LOOP
    PERFORM set_config('fj.classing', ARRAY[r.patient]::text, true);
    v_pids := r.pids || ARRAY(SELECT o.pid FROM vault.blob o WHERE o.context_pid = ANY (r.pids));
    FOREACH t IN ARRAY ARRAY['resource', 'history', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
      EXECUTE format('UPDATE vault.%I x SET sens = (x.sens & ~8)::smallint WHERE x.pid = ANY ($1) AND (x.sens & 8) <> 0', t) USING v_pids;
    END LOOP;
    PERFORM vault.lend_class(r.pids);
    v_count := v_count + cardinality(v_pids);
  END LOOP;
  PERFORM set_config('fj.classing', '', true);
  RETURN v_count;
END $$;

-- When a delayed body is released: the latest instant that its labels say, else some days after it was written. A deleted one is never delayed longer.
CREATE OR REPLACE FUNCTION vault.release_at(p_body text, p_updated timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v timestamptz;
BEGIN
  SELECT max((x.at #>> '{}')::timestamptz) INTO v
  FROM (VALUES ('lax $.meta.security[*].extension[*]'), ('lax $.securityLabel[*].coding[*].extension[*]')) AS p (path)
  CROSS JOIN LATERAL jsonb_path_query(p_body::jsonb, (p.path || ' ? (@.url == "https://fellesjournal.no/fhir/StructureDefinition/release-at").valueInstant')::jsonpath)
    AS x (at);
  RETURN coalesce(v, p_updated + make_interval(days => access.release_days()));
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace AND p.proname = ANY (ARRAY[
    'id_text', 'reclass', 'spread_blocks', 'hold_against_blocks', 'block_written', 'make_block', 'lift_block', 'release_due', 'release_at']) LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_class', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA vault, access TO vault_class;
GRANT EXECUTE ON FUNCTION access.has_part_blocks(bigint[]), access.live_parts(bigint), access.cover(bigint, bigint, bigint[]), access.block_bits(bigint[]),
  access.covered_by(bigint), access.block_labelled(bigint, bigint), access.make_block(bytea, bigint, text, bigint, text, bigint, bigint, text), access.lift_block(bytea, boolean, bigint),
  access.release_days(), access.judge(bytea, bigint[], text), access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint),
  vault.may_see(bytea, smallint, smallint, bigint, integer) TO vault_class;
GRANT EXECUTE ON FUNCTION vault.hold_against_blocks(bigint[]), vault.block_written(bigint[], bigint[], smallint[]) TO vault_write;
GRANT EXECUTE ON FUNCTION vault.make_block(bytea, bigint, text, smallint, bigint, text, bigint, bigint, text), vault.lift_block(bytea, boolean, bigint)
  TO fj_web;
GRANT EXECUTE ON FUNCTION vault.release_due() TO fj_worker;
