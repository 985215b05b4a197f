-- The patient's blocks: of the whole record (access.block), of a part (access.part_block) with the rows that it covers (access.block_row).
-- Pasient- og brukerrettighetsloven § 5-3; pasientjournalloven § 17.

-- How many entries of this patient are hidden from this reader by blocks of parts; the one disclosure of them: without which, whose or why.
CREATE OR REPLACE FUNCTION access.hidden_count(p_session bigint, p_kind text, p_patient bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_closed integer := access.closed_for(p_session, p_kind, p_patient) & 4112; v_count bigint;
BEGIN
  IF v_closed = 0 OR NOT access.has_part_blocks(ARRAY[p_patient]) THEN RETURN 0; END IF;
  SELECT count(DISTINCT x.pid) INTO v_count
  FROM access.part_block b JOIN access.block_row x ON x.block = b.id JOIN identity.session s ON s.id = p_session
  WHERE b.patient = p_patient AND b.until_at > clock_timestamp()
    AND CASE WHEN b.unit IS NULL AND b.person IS NULL AND b.service IS NULL THEN (v_closed & 16) <> 0
             ELSE (v_closed & 4096) <> 0 AND (b.unit = s.unit OR b.person = s.person
                                              OR b.service = (SELECT u.kind FROM identity.unit u WHERE u.id = s.unit)) END;
  RETURN v_count;
END $$;

-- Has any of these a live block of a part, or something withheld from parents?
CREATE OR REPLACE FUNCTION access.has_part_blocks(p_patients bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM access.part_block b WHERE b.patient = ANY (p_patients) AND b.until_at > clock_timestamp())
    OR EXISTS (SELECT 1 FROM access.withholding w WHERE w.patient = ANY (p_patients) AND w.until_at = 'infinity');
END $$;

-- The live blocks of parts of one record, with what each covers: a row, units, types of resource, class bits. What is withheld from parents
-- (access/withholding.sql) covers rows in the same way: under its number with a minus, once for each row that staff named.
CREATE OR REPLACE FUNCTION access.live_parts(p_patient bigint)
RETURNS TABLE (id bigint, target bigint, units bigint[], kinds smallint[], bits smallint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT b.id, CASE b.scope WHEN 'document' THEN b.target END,
           CASE b.scope WHEN 'origin' THEN ARRAY[b.target]
                        WHEN 'service' THEN ARRAY(SELECT u.id FROM identity.unit u WHERE u.kind = b.code) ELSE '{}' END,
           coalesce(c.kinds, '{}'), coalesce(c.bits, 0::smallint)
    FROM access.part_block b LEFT JOIN access.block_category c ON b.scope = 'category' AND c.code = b.code
    WHERE b.patient = p_patient AND b.until_at > clock_timestamp()
    UNION ALL SELECT -w.id, q.pid, '{}', '{}', 0::smallint FROM access.withholding w CROSS JOIN LATERAL unnest(w.what) AS q (pid)
    WHERE w.patient = p_patient AND w.until_at = 'infinity' ORDER BY 1;
END $$;

-- Takes rows under a block or a withholding, and the bits that those over rows give them together.
CREATE OR REPLACE FUNCTION access.cover(p_block bigint, p_patient bigint, p_pids bigint[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO access.block_row (pid, block, patient) SELECT q.p, p_block, p_patient FROM unnest(p_pids) AS q (p) WHERE p_block > 0 ON CONFLICT DO NOTHING;
  INSERT INTO access.withheld_row (pid, withholding, patient) SELECT q.p, -p_block, p_patient FROM unnest(p_pids) AS q (p) WHERE p_block < 0 ON CONFLICT DO NOTHING
$$;
CREATE OR REPLACE FUNCTION access.block_bits(p_pids bigint[]) RETURNS TABLE (pid bigint, bits smallint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT q.p, coalesce(bit_or(CASE WHEN b.id IS NULL THEN 0 WHEN b.unit IS NULL AND b.person IS NULL AND b.service IS NULL THEN 16 ELSE 4096 END), 0)::smallint
             | CASE WHEN EXISTS (SELECT 1 FROM access.withheld_row w WHERE w.pid = q.p) THEN 2 ELSE 0 END::smallint
    FROM unnest(p_pids) AS q (p)
    LEFT JOIN (access.block_row x JOIN access.part_block b ON b.id = x.block AND b.until_at > clock_timestamp()) ON x.pid = q.p
    GROUP BY q.p;
END $$;
CREATE OR REPLACE FUNCTION access.covered_by(p_block bigint) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY(SELECT x.pid FROM access.block_row x WHERE x.block = p_block UNION ALL SELECT w.pid FROM access.withheld_row w WHERE w.withholding = -p_block)
$$;

-- Makes a block: a citizen's own, or one that staff with a ground register for the patient. Logged either way.
-- verdict: 'ok', 'none' (no session), 'refused', 'unknown' (no such unit, person, service or category), 'many'. A block that stands already
-- is answered with itself. Staff get no way to see or lift what stands.
CREATE OR REPLACE FUNCTION access.make_block(p_secret bytea, p_patient bigint, p_scope text, p_target bigint, p_code text, p_unit bigint,
                                             p_person bigint, p_service text, OUT verdict text, OUT id bigint, OUT is_new boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE j record;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'read');
  IF NOT FOUND THEN verdict := 'none'; RETURN; END IF;
  is_new := false;
  verdict := CASE
    WHEN NOT j.allow OR j.kind NOT IN ('citizen', 'staff') OR (j.kind = 'citizen' AND NOT access.may_act(j.session)) OR EXISTS (SELECT 1 FROM identity.session s WHERE s.id = j.session AND s.app IS NOT NULL)
      OR (j.kind = 'staff' AND NOT EXISTS (SELECT 1 FROM access.judge(p_secret, ARRAY[p_patient], 'write') w WHERE w.allow)) THEN 'refused'
    WHEN num_nonnulls(p_unit, p_person, p_service) > 1 OR p_scope NOT IN ('all', 'document', 'category', 'service', 'origin')
      OR (p_scope IN ('document', 'origin')) IS DISTINCT FROM (p_target IS NOT NULL) OR (p_scope IN ('category', 'service')) IS DISTINCT FROM (p_code IS NOT NULL)
      OR (p_unit IS NOT NULL AND NOT EXISTS (SELECT 1 FROM identity.unit u WHERE u.id = p_unit))
      OR (p_person IS NOT NULL AND NOT EXISTS (SELECT 1 FROM access.log l WHERE l.patient = p_patient AND l.person = p_person))
      OR (p_service IS NOT NULL AND NOT EXISTS (SELECT 1 FROM identity.unit u WHERE u.kind = p_service))
      OR (p_scope = 'origin' AND NOT EXISTS (SELECT 1 FROM identity.unit u WHERE u.id = p_target))
      OR (p_scope = 'service' AND NOT EXISTS (SELECT 1 FROM identity.unit u WHERE u.kind = p_code))
      OR (p_scope = 'category' AND NOT EXISTS (SELECT 1 FROM access.block_category c WHERE c.code = p_code)) THEN 'unknown'
    WHEN (SELECT count(*) FROM access.part_block b WHERE b.patient = p_patient AND b.until_at > clock_timestamp())
       + (SELECT count(*) FROM access.block b WHERE b.patient = p_patient AND b.of IS NULL AND b.until_at > clock_timestamp()) >= 200 THEN 'many'
    ELSE 'ok' END;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'block', 29::smallint, CASE WHEN p_scope = 'document' THEN ARRAY[p_target] END, j.ground, j.ref,
                           CASE WHEN verdict = 'ok' THEN 0 ELSE 1 END::smallint);
  IF verdict <> 'ok' THEN RETURN; END IF;
  IF p_scope = 'all' THEN
    SELECT b.id INTO id FROM access.block b WHERE b.patient = p_patient AND b.until_at > clock_timestamp()
      AND (b.unit, b.person, b.service) IS NOT DISTINCT FROM (CASE WHEN p_service IS NULL THEN p_unit ELSE -1 END, p_person, p_service);
    IF FOUND THEN RETURN; END IF;
    INSERT INTO access.block (patient, unit, person, service, made_by)
    VALUES (p_patient, CASE WHEN p_service IS NULL THEN p_unit ELSE -1 END, p_person, p_service, j.session) RETURNING block.id INTO id;
    INSERT INTO access.block (patient, unit, of, made_by) SELECT p_patient, u.id, make_block.id, j.session FROM identity.unit u WHERE u.kind = p_service;
  ELSE
    SELECT b.id INTO id FROM access.part_block b WHERE b.patient = p_patient AND b.until_at > clock_timestamp() AND b.scope = p_scope
      AND (b.target, b.code, b.unit, b.person, b.service) IS NOT DISTINCT FROM (p_target, p_code, p_unit, p_person, p_service);
    IF FOUND THEN RETURN; END IF;
    INSERT INTO access.part_block (patient, scope, target, code, unit, person, service, made_by)
    VALUES (p_patient, p_scope, p_target, p_code, p_unit, p_person, p_service, j.session) RETURNING part_block.id INTO id;
  END IF;
  is_new := true;
END $$;

-- A row that came with the label «sperret» (Volven 9603, NORS) is blocked for everybody, as if its patient had blocked it here.
CREATE OR REPLACE FUNCTION access.block_labelled(p_patient bigint, p_pid bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO access.part_block (patient, scope, target) SELECT p_patient, 'document', p_pid
  WHERE NOT EXISTS (SELECT 1 FROM access.part_block b WHERE b.patient = p_patient AND b.scope = 'document' AND b.target = p_pid
                    AND b.until_at > clock_timestamp() AND b.unit IS NULL AND b.person IS NULL AND b.service IS NULL)
$$;

-- Lifts one of the citizen's own blocks. verdict: 'ok', 'none', 'unknown'. pids: the rows that it covered.
CREATE OR REPLACE FUNCTION access.lift_block(p_secret bytea, p_is_part boolean, p_id bigint, OUT verdict text, OUT patient bigint, OUT pids bigint[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record;
BEGIN
  SELECT l.id, l.patient INTO s FROM identity.live l WHERE l.secret_hash = sha256(p_secret) AND l.kind = 'citizen' AND l.app IS NULL AND l.level >= 4
    AND (NOT l.on_behalf OR access.may_act(l.id));
  IF NOT FOUND THEN verdict := 'none'; RETURN; END IF;
  patient := s.patient;
  PERFORM pg_advisory_xact_lock(7310, (s.patient % 64)::integer);  -- as `vault.hold_against_blocks` says
  IF p_is_part THEN
    UPDATE access.part_block b SET until_at = clock_timestamp(), lifted_by = s.id
    WHERE b.id = p_id AND b.patient = s.patient AND b.until_at > clock_timestamp();
  ELSE
    UPDATE access.block b SET until_at = clock_timestamp(), lifted_by = s.id
    WHERE (b.id = p_id AND b.of IS NULL OR b.of = p_id) AND b.patient = s.patient AND b.until_at > clock_timestamp();
  END IF;
  verdict := CASE WHEN FOUND THEN 'ok' ELSE 'unknown' END;
  PERFORM access.log_event(p_secret, ARRAY[s.patient], 'unblock', 29::smallint, NULL, 'EGEN', NULL, CASE verdict WHEN 'ok' THEN 0 ELSE 1 END::smallint);
  IF verdict = 'ok' AND p_is_part THEN
    WITH gone AS (DELETE FROM access.block_row x WHERE x.block = p_id RETURNING x.pid) SELECT array_agg(g.pid) INTO pids FROM gone g;
  END IF;
END $$;

-- The citizen's own blocks, those in force first, the newest first; lifted ones of the last year after them. The reading is logged.
CREATE OR REPLACE FUNCTION access.own_blocks(p_secret bytea)
RETURNS TABLE (id bigint, is_part boolean, scope text, target bigint, code text, code_nb text, code_nn text, code_en text, unit bigint, unit_name text,
               person bigint, person_name text, service text, origin_name text, from_at timestamptz, until_at timestamptz, covers bigint,
               made_by text, made_at_unit text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_patient bigint; v_session bigint; h record;
BEGIN
  SELECT l.patient, l.id INTO v_patient, v_session FROM identity.live l
  WHERE l.secret_hash = sha256(p_secret) AND l.kind = 'citizen' AND l.app IS NULL AND l.level >= 4
    AND (NOT l.on_behalf OR access.may_act(l.id));
  IF NOT FOUND THEN RETURN; END IF;
  SELECT * INTO h FROM access.log_hidden(v_session);
  PERFORM access.log_event(p_secret, ARRAY[v_patient], 'read', 29::smallint, NULL, 'EGEN', NULL, 0::smallint);
  RETURN QUERY
    SELECT b.id, b.is_part, b.scope, b.target, b.code, c.name_nb, c.name_nn, c.name_en, b.unit, u.name, b.person, p.name, b.service, o.name,
           b.from_at, b.until_at, (SELECT count(*) FROM access.block_row x WHERE b.is_part AND x.block = b.id), m.name, mu.name
    FROM (SELECT x.id, true AS is_part, x.patient, x.scope, x.target, x.code, x.unit, x.person, x.service, x.from_at, x.until_at, x.made_by
          FROM access.part_block x
          UNION ALL SELECT x.id, false, x.patient, 'all', NULL, NULL, x.unit, x.person, x.service, x.from_at, x.until_at, x.made_by
          FROM access.block x WHERE x.of IS NULL) b
    LEFT JOIN access.block_category c ON b.scope = 'category' AND c.code = b.code
    LEFT JOIN identity.unit u ON u.id = b.unit LEFT JOIN identity.person p ON p.id = b.person
    LEFT JOIN identity.unit o ON b.scope = 'origin' AND o.id = b.target
    LEFT JOIN identity.session s ON s.id = b.made_by AND s.kind = 'staff'
    LEFT JOIN identity.person m ON m.id = s.person LEFT JOIN identity.unit mu ON mu.id = s.unit
    WHERE b.patient = v_patient AND b.until_at > clock_timestamp() - interval '1 year'
      AND NOT coalesce(b.scope = 'document' AND b.target = ANY (h.pids) OR b.scope = 'origin' AND b.target = ANY (h.units), false)
    ORDER BY b.until_at <= clock_timestamp(), b.from_at DESC, b.id DESC LIMIT 400;
END $$;

-- What a block can be made of and against, for the citizen or for staff who may register one: kind 'unit', 'service', 'category', or 'person'
-- (who has opened the record in the last two years, the latest first).
CREATE OR REPLACE FUNCTION access.block_choices(p_secret bytea, p_patient bigint)
RETURNS TABLE (kind text, id bigint, code text, name_nb text, name_nn text, name_en text, at_unit text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_since timestamptz := clock_timestamp() - interval '2 years'; v_session bigint; h record;
BEGIN
  SELECT j.session INTO v_session FROM access.judge(p_secret, ARRAY[p_patient], 'read') j WHERE j.allow AND j.kind IN ('citizen', 'staff');
  IF NOT FOUND THEN RETURN; END IF;
  SELECT * INTO h FROM access.log_hidden(v_session);
  RETURN QUERY
    SELECT 'unit', u.id, u.kind, u.name, u.name, u.name, ''::text FROM identity.unit u WHERE u.kind NOT IN ('system', 'municipality')
    UNION ALL SELECT DISTINCT 'service', NULL::bigint, u.kind, ''::text, ''::text, ''::text, ''::text FROM identity.unit u
              WHERE u.kind NOT IN ('system', 'municipality')
    UNION ALL (SELECT 'category', NULL::bigint, c.code, c.name_nb, c.name_nn, c.name_en, ''::text FROM access.block_category c ORDER BY c.place)
    UNION ALL (SELECT 'person', x.person, ''::text, x.name, x.name, x.name, coalesce(x.unit_name, '') FROM (
      SELECT DISTINCT ON (l.person) l.person, p.name, u.name AS unit_name, l.at
      FROM (SELECT y.person, y.unit, y.at FROM access.log y WHERE y.patient = p_patient AND y.at > v_since AND y.role <> 'innbygger'
              AND access.is_line_open(y.what, y.unit, y.session, h.pids, h.units, h.sessions) AND (h.actions IS NULL OR y.action <> ALL (h.actions))
            ORDER BY y.at DESC LIMIT 5000) l
      JOIN identity.person p ON p.id = l.person AND p.kind = 'human' LEFT JOIN identity.unit u ON u.id = l.unit
      ORDER BY l.person, l.at DESC) x ORDER BY x.at DESC LIMIT 200);
END $$;

-- A unit that comes to a service comes under the blocks against the service, and what it writes under those of it.
CREATE OR REPLACE FUNCTION access.unit_under_blocks() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO access.block (patient, unit, of, made_by)
  SELECT b.patient, NEW.id, b.id, b.made_by FROM access.block b
  WHERE b.service = NEW.kind AND b.until_at > clock_timestamp()
    AND NOT EXISTS (SELECT 1 FROM access.block x WHERE x.of = b.id AND x.unit = NEW.id AND x.until_at > clock_timestamp());
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS under_blocks ON identity.unit;
CREATE TRIGGER under_blocks AFTER INSERT OR UPDATE OF kind ON identity.unit FOR EACH ROW EXECUTE FUNCTION access.unit_under_blocks();

-- The days that what is delayed waits, when it doesn't say itself.
CREATE OR REPLACE FUNCTION access.release_days() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.days FROM access.release_delay d WHERE d.valid_from <= current_date ORDER BY d.valid_from DESC LIMIT 1
$$;
