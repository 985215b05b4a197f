-- Reading the log: the citizen their own, staff that of a patient they have a need for, reviewers what their controllers' people did.
-- Reading the log is logged. Never the free-text reason.

-- A row of the log with the names that belong to it, as all who read it get it.
DROP FUNCTION IF EXISTS access.own_log(bytea, timestamptz, integer), access.patient_log(bytea, bigint, timestamptz, integer);
DROP TYPE IF EXISTS access.told CASCADE;
CREATE TYPE access.told AS (
  at timestamptz, pos bigint, event bigint, person bigint, reader_name text, reader_kind text, practitioner bigint, profession text,
  licence text, role text, unit bigint, unit_name text, unit_kind text, controller bigint, controller_name text, municipality text,
  patient bigint, action text, kind smallint, kinds smallint[], what bigint[], purpose text, ground text, ground_name_nb text,
  ground_name_nn text, ground_name_en text, ground_ref bigint, chosen boolean, device text, app_name text, outcome smallint, hides_unit boolean,
  disclosed bigint[], disclosed_names text[]
);
ALTER TYPE access.told OWNER TO fj_owner;

-- Rows of one patient, one reader or one unit (p_key says which p_id is), newest first, after the cursor (p_at, p_pos; NULL = the newest).
-- Every other argument narrows; NULL does not. p_for_others: what the patient blocks, lifts and looks up of it is for the patient
-- alone. p_session: the citizen's who reads; one who acts for another is told nothing of what is closed to them. It looks at a month's partition, then at the ones before, and stops when it has enough:
-- a question without an end in time would ask every partition for its first row. A strictly protected person's units are not named:
-- they count as address (folkeregisterloven § 10-4).
CREATE OR REPLACE FUNCTION access.log_of(
  p_key text, p_id bigint, p_patient bigint, p_controllers bigint[], p_since timestamptz, p_until timestamptz, p_manner text,
  p_actions text[], p_outcomes smallint[], p_name text, p_unit_name text, p_people boolean, p_own boolean, p_at timestamptz, p_pos bigint,
  p_limit integer, p_person bigint DEFAULT NULL, p_unit bigint DEFAULT NULL, p_not_by bigint DEFAULT NULL, p_not_of bigint DEFAULT NULL,
  p_not_actions text[] DEFAULT NULL, p_for_others boolean DEFAULT false, p_session bigint DEFAULT NULL, p_disclosed boolean DEFAULT NULL)
RETURNS SETOF access.told LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_upper timestamptz := least(p_until, p_at + interval '1 microsecond', clock_timestamp() + interval '1 hour');
  v_lower timestamptz := date_trunc('month', v_upper AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  v_left integer := p_limit; v_count integer; v_months integer := 1; h record;
BEGIN
  IF p_key NOT IN ('patient', 'person', 'unit') THEN RAISE EXCEPTION 'no such key'; END IF;
  SELECT * INTO h FROM access.log_hidden(p_session);
  WHILE v_left > 0 AND v_upper > coalesce(p_since, '-infinity') LOOP
    RETURN QUERY EXECUTE format($q$
      SELECT l.at, l.pos, l.event, l.person, p.name, p.kind, p.practitioner, o.profession, l.licence,
             coalesce(CASE WHEN l.role = 'innbygger' THEN access.acted_as(l.session, l.patient) END, l.role), l.unit, CASE WHEN NOT x.strict THEN u.name END, u.kind,
             l.controller, CASE WHEN NOT x.strict THEN c.name END, CASE WHEN NOT x.strict THEN u.municipality END, l.patient, l.action, l.kind, access.kinds_left(l.patient, l.what, l.kinds, $26),
             CASE WHEN $26 IS NULL THEN l.what END, l.purpose, l.ground, g.name_nb, g.name_nn,
             g.name_en, l.ground_ref, l.chosen OR coalesce(g.is_chosen, false), coalesce(d.name, l.device), a.name, l.outcome, x.strict,
             CASE WHEN NOT x.strict THEN l.disclosed_from END,
             CASE WHEN NOT x.strict THEN ARRAY(SELECT n.name FROM identity.unit n WHERE n.id = ANY (l.disclosed_from) ORDER BY n.name) END
      FROM (SELECT * FROM access.log l
            WHERE l.%I = $1 AND l.at >= $2 AND l.at < $3 AND ($4 IS NULL OR (l.at, l.pos) < ($4, $5))
              AND ($7 IS NULL OR l.patient = $7) AND ($8 IS NULL OR l.controller = ANY ($8))
              AND ($25 IS NULL OR $25 = (l.disclosed_from IS NOT NULL))
              AND ($9 IS NULL OR ($9 = 'disclosed' AND l.disclosed_from IS NOT NULL) OR $9 = CASE WHEN l.outcome = 1 THEN 'refused' WHEN l.action IN ('list', 'identify', 'write') THEN l.action
                                      ELSE 'read' END)
              AND ($10 IS NULL OR l.action = ANY ($10)) AND ($11 IS NULL OR l.outcome = ANY ($11))
              AND ($12 IS NULL OR EXISTS (SELECT 1 FROM identity.person n WHERE n.id = l.person AND strpos(lower(n.name), lower($12)) > 0))
              AND ($13 IS NULL OR EXISTS (SELECT 1 FROM identity.unit n WHERE n.id = l.unit AND strpos(lower(n.name), lower($13)) > 0))
              AND ($14 IS NOT TRUE OR EXISTS (SELECT 1 FROM identity.person n WHERE n.id = l.person AND n.kind <> 'system'))
              AND ($15 IS NOT FALSE OR l.role IS DISTINCT FROM 'innbygger' OR l.app IS NOT NULL
                   OR access.acted_as(l.session, l.patient) IS NOT NULL)
              AND access.is_line_open(l.what, l.unit, l.session, $22, $23, $24) AND ($27 IS NULL OR l.action <> ALL ($27))
              AND ($21 IS NOT TRUE OR (l.action NOT IN ('block', 'unblock') AND NOT (l.kind = 29 AND l.role IS NOT DISTINCT FROM 'innbygger')))
              AND ($20 IS NULL OR l.action <> ALL ($20))
              AND ($16 IS NULL OR l.person = $16) AND ($17 IS NULL OR l.unit = $17)
              AND ($18 IS NULL OR (l.person IS DISTINCT FROM $18 AND l.patient IS DISTINCT FROM $19))
            ORDER BY l.at DESC, l.pos DESC LIMIT $6) l
      CROSS JOIN LATERAL (SELECT l.patient > 0 AND access.is_strictly_protected(l.patient) AS strict) x
      LEFT JOIN identity.app a ON a.id = l.app
      LEFT JOIN identity.device d ON d.key = l.device
      LEFT JOIN identity.person p ON p.id = l.person
      LEFT JOIN identity.unit u ON u.id = l.unit
      LEFT JOIN identity.unit c ON c.id = l.controller
      LEFT JOIN identity.session s ON s.id = l.session
      LEFT JOIN identity.post o ON o.id = s.post
      LEFT JOIN access.ground g ON g.code = l.ground
      ORDER BY l.at DESC, l.pos DESC $q$, p_key)
    USING p_id, greatest(v_lower, p_since), v_upper, p_at, p_pos, v_left, p_patient, p_controllers, p_manner, p_actions, p_outcomes, p_name,
          p_unit_name, p_people, p_own, p_person, p_unit, p_not_by, p_not_of,
          p_not_actions, p_for_others, h.pids, h.units, h.sessions, p_disclosed, h.unnamed,
          h.actions;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    v_left := v_left - v_count; v_upper := v_lower;
    v_lower := CASE WHEN v_months > 100 THEN '-infinity' ELSE v_lower - make_interval(months => v_months) END;
    v_months := 2 * v_months;
  END LOOP;
END $$;

-- Citizen: who has seen my record, as they narrow it, at most 1,000 rows. Where units are not named, none is found by its name.
CREATE OR REPLACE FUNCTION access.own_log(
  p_secret bytea, p_since timestamptz, p_until timestamptz, p_manner text, p_name text, p_unit_name text, p_people boolean, p_own boolean,
  p_at timestamptz, p_pos bigint, p_limit integer)
RETURNS SETOF access.told LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_patient bigint; v_session bigint;
BEGIN
  SELECT s.patient, s.id INTO v_patient, v_session FROM identity.live s WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen' AND s.app IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM access.log_event(p_secret, ARRAY[v_patient], 'log', 0::smallint, NULL, 'EGEN', NULL, 0::smallint);
  RETURN QUERY SELECT * FROM access.log_of('patient', v_patient, NULL, NULL, p_since, p_until, p_manner, NULL, NULL, p_name,
                                           CASE WHEN NOT access.is_strictly_protected(v_patient) THEN p_unit_name END, p_people,
                                           p_own, p_at, p_pos, least(p_limit, 1000), p_session => v_session);
END $$;

-- Staff: who has seen the record of a patient that they may open, newest first, before an instant (the storyboard's link to the log).
CREATE OR REPLACE FUNCTION access.patient_log(p_secret bytea, p_patient bigint, p_before timestamptz, p_limit integer)
RETURNS SETOF access.told LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE j record;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'read');
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'log', 0::smallint, NULL, j.ground, j.ref,
                           CASE WHEN j.allow THEN 0 ELSE 1 END::smallint);
  IF NOT j.allow THEN RETURN; END IF;
  RETURN QUERY SELECT * FROM access.log_of('patient', p_patient, NULL, NULL, NULL, p_before, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                           least(p_limit, 200), p_for_others => true);
END $$;

-- The log as FHIR asks for it. verdict: 'ok', 'none' (the secret opens nothing), 'refused' (the row alone).
-- A citizen (and their app) gets the own log; staff that of a patient whom they may read; a reviewer what was done by a person or at a unit
-- of their controllers, but never what they did themselves or what was done in the own record. p_is_one: the row just below (p_at, p_pos) is
-- asked for by its id, which a reviewer may within the same bounds without naming the person or the unit.
CREATE OR REPLACE FUNCTION access.audit_events(
  p_secret bytea, p_patient bigint, p_practitioner bigint, p_unit bigint, p_since timestamptz, p_until timestamptz, p_actions text[],
  p_not_actions text[], p_outcomes smallint[], p_disclosed boolean, p_at timestamptz, p_pos bigint, p_limit integer, p_is_one boolean, OUT verdict text, OUT events access.told[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record; j record; v record; v_ground text; v_ref bigint; v_key text; v_id bigint; v_patient bigint := p_patient; v_controllers bigint[];
        v_not_by bigint; v_not_of bigint;
        v_person bigint := CASE WHEN p_practitioner IS NOT NULL THEN
          coalesce((SELECT p.id FROM identity.person p WHERE p.practitioner = p_practitioner ORDER BY p.id LIMIT 1), -1) END;
BEGIN
  SELECT l.kind, l.patient, l.person, l.id, l.app_may INTO s FROM identity.live l WHERE l.secret_hash = sha256(p_secret) AND l.level >= 4;
  IF NOT FOUND THEN verdict := 'none'; RETURN; END IF;
  verdict := 'refused';
  -- AuditEvent is number 7.
  IF NOT coalesce(access.app_holds(s.id, s.app_may, 'read', 7::smallint, 0::bigint), true) THEN
    PERFORM access.log_event(p_secret, ARRAY[coalesce(p_patient, 0)], 'log', 0::smallint, NULL, NULL, NULL, 1::smallint);
    RETURN;
  END IF;
  IF s.kind = 'citizen' THEN
    v_patient := coalesce(p_patient, s.patient);
    IF v_patient = s.patient THEN verdict := 'ok'; v_ground := 'EGEN'; END IF;
  ELSIF p_patient IS NOT NULL THEN
    SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'read');
    v_ground := j.ground; v_ref := j.ref;
    IF j.allow THEN verdict := 'ok'; END IF;
  END IF;
  IF verdict = 'refused' AND (v_person IS NOT NULL OR p_unit IS NOT NULL OR p_is_one) THEN
    SELECT * INTO v FROM access.review_reach(p_secret);
    IF FOUND AND v_person IS DISTINCT FROM v.person AND p_patient IS DISTINCT FROM v.own THEN
      verdict := 'ok'; v_controllers := v.controllers; v_ground := 'LOGGKONTROLL'; v_not_by := v.person; v_not_of := v.own;
    END IF;
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[coalesce(v_patient, 0)], 'log', 0::smallint, NULL, v_ground, v_ref,
                           CASE verdict WHEN 'ok' THEN 0 ELSE 1 END::smallint);
  IF verdict <> 'ok' THEN RETURN; END IF;
  v_key := CASE WHEN v_controllers IS NULL OR p_is_one THEN 'patient' WHEN v_person IS NOT NULL THEN 'person' ELSE 'unit' END;
  v_id := CASE v_key WHEN 'patient' THEN v_patient WHEN 'person' THEN v_person ELSE p_unit END;
  events := ARRAY(
    SELECT e FROM access.log_of(v_key, v_id, v_patient, v_controllers, CASE WHEN p_is_one THEN p_at ELSE p_since END, p_until, NULL, p_actions, p_outcomes, NULL, NULL, NULL, NULL,
                                p_at, p_pos, least(p_limit, 1001), v_person, p_unit, v_not_by, v_not_of, p_not_actions, s.kind <> 'citizen',
                                CASE s.kind WHEN 'citizen' THEN s.id END, p_disclosed) e);
END $$;

-- The citizen, and nobody for them, asks about a line of the own log: a task for the reviewers of the unit, one for each line; when it is due.
-- No row: no such line in this log, or one that no unit answers for. At most 20 wait for an answer at a time: 'many'.
CREATE OR REPLACE FUNCTION access.ask_about(p_secret bytea, p_at timestamptz, p_pos bigint, p_question text)
RETURNS TABLE (verdict text, due_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record; l record; v_review bigint;
BEGIN
  SELECT x.patient, x.id INTO s FROM identity.live x WHERE x.secret_hash = sha256(p_secret) AND x.kind = 'citizen' AND x.app IS NULL
    AND NOT (SELECT b.on_behalf FROM identity.session b WHERE b.id = x.id);
  IF NOT FOUND THEN RETURN; END IF;
  SELECT x.* INTO l FROM access.log x
  WHERE x.patient = s.patient AND x.at = p_at AND x.pos = p_pos AND x.unit IS NOT NULL AND x.role IS DISTINCT FROM 'innbygger';
  IF NOT FOUND THEN RETURN; END IF;
  IF (SELECT count(*) FROM access.review r WHERE r.patient = s.patient AND r.kind = 'QUESTION' AND r.state = 'open') >= 20 THEN
    verdict := 'many'; RETURN NEXT; RETURN;
  END IF;
  v_review := access.review_open('QUESTION', l.unit, l.person, s.patient, l.session, l.event, l.pos, p_question,
                                 jsonb_build_object('at', l.at, 'action', l.action, 'ground', l.ground));
  PERFORM access.log_event(p_secret, ARRAY[s.patient], 'ask', 0::smallint, NULL, 'EGEN', v_review, 0::smallint);
  RETURN QUERY SELECT 'ok', r.due_at FROM access.review r WHERE r.id = v_review;
END $$;
