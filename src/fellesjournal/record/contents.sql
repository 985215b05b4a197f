-- What stands behind the address of an entry's attachment (a Binary, number 9) is closed as the entry is: withheld, delayed, sensitive and
-- withdrawn with it, and open again with it. Blocks reach it by `vault.spread_blocks`. Pasient- og brukerrettighetsloven §§ 3-4, 5-1 and 5-3;
-- FHIR R4 Attachment.url, Binary.securityContext.
--
-- The content's own class stands in its history; its current row and its search rows carry that of the entries besides. A row is only
-- shown where the current one is, so older versions follow.

DROP POLICY IF EXISTS class ON vault.attached;
CREATE POLICY class ON vault.attached FOR ALL TO vault_class USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (content) ON vault.attached TO vault_class;
GRANT SELECT (version) ON vault.resource, vault.history TO vault_class;
DROP POLICY IF EXISTS class ON vault.chosen_id;
CREATE POLICY class ON vault.chosen_id FOR SELECT TO vault_class USING (true);
GRANT SELECT (rtype, id, pid) ON vault.chosen_id TO vault_class;

-- The number in an id of our own form (`vault.id_text`), NULL for another one.
CREATE OR REPLACE FUNCTION vault.number_of(p_id text) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v bigint;
BEGIN
  IF p_id !~ '^[0-9a-hjkmnp-tv-z]{15}$' THEN RETURN NULL; END IF;
  v := (strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(p_id, 3, 1)) - 1) & 7;
  FOR g IN 4..15 LOOP v := v << 5 | (strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(p_id, g, 1)) - 1); END LOOP;
  RETURN v;
END $$;

-- The ids of content that a body names.
CREATE OR REPLACE FUNCTION vault.contents_in(p_body text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF strpos(p_body, 'Binary/') = 0 THEN RETURN; END IF;
  RETURN QUERY SELECT DISTINCT x.m[1] FROM regexp_matches(p_body, '"(?:url|reference)":"(?:[^"]*/)?Binary/([A-Za-z0-9.-]{1,64})', 'g') AS x (m);
END $$;

-- Notes that entries name content. A name that comes before what it names waits for it.
CREATE OR REPLACE FUNCTION vault.note_contents(p_slot smallint[], p_holder bigint[], p_patient bigint[], p_name text[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO vault.attached (slot, holder, name, patient, content)
  SELECT DISTINCT ON (a.holder, a.name) a.slot, a.holder, a.name, a.patient, coalesce(
    vault.number_of(a.name), (SELECT min(c.pid) FROM vault.chosen_id c WHERE c.rtype = 9 AND c.id = a.name))
  FROM unnest(p_slot, p_holder, p_patient, p_name) AS a (slot, holder, patient, name)
  ON CONFLICT (holder, name) DO UPDATE SET content = coalesce(vault.attached.content, excluded.content)
$$;

-- Gives content the class of what names it: these rows are content, or name some. What is nobody's (a unit's own, patient -1) gets it too
-- when somebody's entry names it. 2031: every bit that follows from what an entry says of itself; the others are decided otherwise.
CREATE OR REPLACE FUNCTION vault.lend_class(p_pids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c record; t text; v_lent smallint;
BEGIN
  FOR c IN SELECT a.content, array_agg(a.patient) AS patients, array_agg(a.slot) AS slots, array_agg(a.holder) AS holders, array_agg(a.name) AS names
           FROM vault.attached a
           WHERE a.content IN (SELECT x.content FROM vault.attached x WHERE x.holder = ANY (p_pids) OR x.content = ANY (p_pids))
           GROUP BY a.content LOOP
    PERFORM set_config('fj.classing', (c.patients || -1::bigint)::text, true);
    -- The last version that names it says how closed it is, with what the current one says.
    SELECT coalesce(bit_or(v.sens), 0) & 2031 INTO v_lent FROM unnest(c.slots, c.holders, c.names) AS h (slot, holder, name)
    CROSS JOIN LATERAL (SELECT r.sens | y.sens AS sens FROM vault.resource r JOIN vault.history y ON y.slot = r.slot AND y.pid = r.pid
                        WHERE r.slot = h.slot AND r.pid = h.holder AND strpos(y.body, 'Binary/' || h.name) > 0
                          AND EXISTS (SELECT 1 FROM vault.resource x WHERE x.slot IN (h.slot, 0) AND x.pid = c.content AND x.patient IN (r.patient, -1))
                        ORDER BY y.version DESC LIMIT 1) v;
    FOREACH t IN ARRAY ARRAY['resource', 'sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
      EXECUTE format('UPDATE vault.%I x SET sens = y.sens | $2 FROM vault.resource r JOIN vault.history y ON y.slot = r.slot AND y.pid = r.pid AND y.version = r.version
                      WHERE x.slot = ANY ($3) AND x.pid = $1 AND r.slot = ANY ($3) AND r.pid = $1 AND r.rtype = 9 AND x.sens <> (y.sens | $2)', t)
      USING c.content, v_lent, c.slots || 0::smallint;
    END LOOP;
  END LOOP;
  PERFORM set_config('fj.classing', '', true);
END $$;

-- What was just written, when it may name content or is some: noted, under the blocks that stand, and the class lent.
-- Types with attachments of a patient's, and documents that refer to content (numbers: fellesjournal.fhir.TYPE_NUMBER; a test compares).
CREATE OR REPLACE FUNCTION vault.attach_written(p_slot smallint[], p_patient bigint[], p_pid bigint[], p_rtype smallint[], p_tail text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE b record;
BEGIN
  PERFORM vault.note_contents(array_agg(w.slot), array_agg(w.pid), array_agg(w.patient), array_agg(n.name))
  FROM unnest(p_slot, p_patient, p_pid, p_rtype, p_tail) AS w (slot, patient, pid, rtype, tail) CROSS JOIN LATERAL vault.contents_in(w.tail) AS n (name)
  WHERE w.patient > 0 AND w.rtype = ANY ('{11,19,20,23,24,26,29,30,40,41,42,53,74,113,114}');
  IF 9 = ANY (p_rtype) THEN
    UPDATE vault.attached a SET content = c.pid FROM vault.chosen_id c
    WHERE a.content IS NULL AND c.rtype = 9 AND c.id = a.name AND c.pid = ANY (p_pid);
  END IF;
  FOR b IN SELECT a.patient, array_agg(a.content) AS contents FROM vault.attached a
           WHERE a.content = ANY (p_pid) AND access.has_part_blocks(ARRAY[a.patient]) GROUP BY a.patient LOOP
    PERFORM vault.spread_blocks(b.patient, b.contents);
  END LOOP;
  PERFORM vault.lend_class(p_pid);
END $$;

-- The same for all that these people have: what was written before this was noted, and after another configuration of sensitivity.
CREATE OR REPLACE FUNCTION vault.attach_all(p_patients bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_holders bigint[];
BEGIN
  PERFORM set_config('fj.classing', p_patients::text, true);
  SELECT array_agg(h.pid) INTO v_holders FROM vault.history h CROSS JOIN LATERAL vault.contents_in(h.body) AS n (name)
  CROSS JOIN LATERAL vault.note_contents(ARRAY[h.slot], ARRAY[h.pid], ARRAY[h.patient], ARRAY[n.name]) AS noted
  WHERE h.patient = ANY (p_patients) AND h.rtype = ANY ('{11,19,20,23,24,26,29,30,40,41,42,53,74,113,114}');
  PERFORM vault.lend_class(v_holders);
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace AND p.proname = ANY (ARRAY[
    'number_of', 'contents_in', 'note_contents', 'lend_class', 'attach_written', 'attach_all']) LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_class', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION vault.attach_written(smallint[], bigint[], bigint[], smallint[], text[]) TO vault_write;
GRANT EXECUTE ON FUNCTION vault.attach_all(bigint[]) TO vault_shield;
