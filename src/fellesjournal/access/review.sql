-- The reviewer's tasks: made by what needs a second look, listed and judged by the reviewers of the controller.
-- A reviewer never sees or judges a task about own use, or about the own record. Every list and task that is shown is logged.

-- Makes a task, due when its kind says; the number of the task. Called by functions of access_core alone.
-- The same ref and event told twice is one task. Evidence: times, counts, codes and relations, never clinical text.
CREATE OR REPLACE FUNCTION access.review_open(
  p_kind text, p_unit bigint, p_reader bigint, p_patient bigint, p_session bigint, p_event bigint, p_ref bigint, p_reason text,
  p_evidence jsonb, p_due_at timestamptz DEFAULT NULL, p_about_on date DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_id bigint;
BEGIN
  INSERT INTO access.review (kind, unit, controller, reader, patient, session, event, ref, reason, evidence, due_at, about_on)
  SELECT k.code, u.id, CASE u.kind WHEN 'system' THEN access.review_home(p_patient, u.controller) ELSE u.controller END, p_reader, p_patient, p_session, p_event, p_ref, left(coalesce(p_reason, ''), 2000),
         coalesce(p_evidence, '{}'), coalesce(p_due_at, clock_timestamp() + make_interval(days => k.due_days)), p_about_on
  FROM access.review_kind k CROSS JOIN identity.unit u WHERE k.code = p_kind AND u.id = p_unit
  ON CONFLICT DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN
    SELECT r.id INTO STRICT v_id FROM access.review r
    WHERE r.kind = p_kind AND r.reader IS NOT DISTINCT FROM p_reader AND r.patient = p_patient
      AND ((r.ref = p_ref AND r.event IS NOT DISTINCT FROM p_event) OR (r.about_on = p_about_on AND r.kind = 'FINDING'));
  END IF;
  RETURN v_id;
END $$;

-- Who answers for what a system did with a patient: the controller of the practice, or of another unit that has a need; else the one given.
CREATE OR REPLACE FUNCTION access.review_home(p_patient bigint, p_else bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT u.controller FROM access.relation r JOIN identity.unit u ON u.id = r.unit AND u.kind <> 'system'
                   WHERE r.patient = p_patient ORDER BY r.ground <> 'FASTLEGE', r.until_at DESC, r.id DESC LIMIT 1), p_else)
$$;

-- Who reviews with this secret, and for which controllers. No row: the secret is no reviewer's, or an app's.
CREATE OR REPLACE FUNCTION access.review_reach(p_secret bytea)
RETURNS TABLE (session bigint, person bigint, own bigint, controllers bigint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT s.id, s.person, coalesce(p.patient, -1),
           s.controller || ARRAY(SELECT c.controller FROM access.review_scope c
                                 WHERE c.unit = s.unit AND c.from_at <= clock_timestamp() AND c.until_at > clock_timestamp())
    FROM identity.live s JOIN identity.person p ON p.id = s.person
    WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'staff' AND s.level >= 4 AND s.app IS NULL
      AND EXISTS (SELECT 1 FROM access.role_right rr WHERE rr.role = s.role AND rr.action = 'review');
END $$;

-- The tasks of one state that ask for this reviewer, the most urgent first; judged ones newest first. Says nothing of the patients.
-- p_kind, p_unit, p_reader: NULL = any. p_at, p_id: after this one; NULL = from the first. No row, too, when the secret is no reviewer's.
CREATE OR REPLACE FUNCTION access.review_list(
  p_secret bytea, p_state text, p_kind text, p_unit bigint, p_reader bigint, p_overdue boolean, p_at timestamptz, p_id bigint, p_limit integer)
RETURNS TABLE (id bigint, kind text, unit bigint, unit_name text, reader bigint, reader_name text, evidence jsonb, made_at timestamptz,
               due_at timestamptz, is_overdue boolean, judgement text, judged_at timestamptz, judged_name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v record;
BEGIN
  SELECT * INTO v FROM access.review_reach(p_secret);
  PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'review', 0::smallint, NULL, 'KONTROLL', NULL, CASE WHEN FOUND THEN 0 ELSE 1 END::smallint);
  IF v.person IS NULL THEN RETURN; END IF;
  RETURN QUERY
    SELECT r.id, r.kind, r.unit, u.name, r.reader, p.name, r.evidence, r.made_at, r.due_at,
           r.state = 'open' AND r.due_at < clock_timestamp(), r.judgement, r.judged_at, j.name
    FROM access.review r JOIN identity.unit u ON u.id = r.unit
    LEFT JOIN identity.person p ON p.id = r.reader LEFT JOIN identity.person j ON j.id = r.judged_by
    WHERE r.controller = ANY (v.controllers) AND r.state = p_state AND r.reader IS DISTINCT FROM v.person AND r.patient <> v.own
      AND (p_kind IS NULL OR r.kind = p_kind) AND (p_unit IS NULL OR r.unit = p_unit) AND (p_reader IS NULL OR r.reader = p_reader)
      AND (NOT p_overdue OR r.due_at < clock_timestamp())
      AND (p_at IS NULL OR CASE p_state WHEN 'open' THEN (r.due_at, r.id) > (p_at, p_id) ELSE (r.judged_at, r.id) < (p_at, p_id) END)
    ORDER BY CASE p_state WHEN 'open' THEN r.due_at END, CASE p_state WHEN 'judged' THEN r.judged_at END DESC NULLS LAST,
             CASE p_state WHEN 'open' THEN r.id ELSE -r.id END
    LIMIT least(p_limit, 200);
END $$;

-- One task with the readings that it is about: those of the reader and the patient, from 30 days before it to now, newest first.
-- No row: there is none, or it does not ask for this reviewer.
CREATE OR REPLACE FUNCTION access.review_get(p_secret bytea, p_id bigint)
RETURNS TABLE (id bigint, kind text, unit bigint, unit_name text, reader bigint, reader_name text, reader_role text, patient bigint, reason text,
               evidence jsonb, made_at timestamptz, due_at timestamptz, is_overdue boolean, state text, judgement text, follow_up text[], note text,
               answer text, judged_name text, judged_at timestamptz, trail jsonb, events jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v record; r access.review;
BEGIN
  SELECT * INTO v FROM access.review_reach(p_secret);
  SELECT * INTO r FROM access.review x WHERE x.id = p_id AND x.controller = ANY (v.controllers) AND x.reader IS DISTINCT FROM v.person AND x.patient <> v.own;
  PERFORM access.log_event(p_secret, ARRAY[coalesce(r.patient, 0)], 'review', 0::smallint, NULL, 'KONTROLL', NULL,
                           CASE WHEN r.id IS NULL THEN 1 ELSE 0 END::smallint);
  IF r.id IS NULL THEN RETURN; END IF;
  RETURN QUERY
    SELECT r.id, r.kind, r.unit, u.name, r.reader, p.name, (SELECT s.role FROM identity.session s WHERE s.id = r.session), r.patient, r.reason,
           r.evidence, r.made_at, r.due_at, r.state = 'open' AND r.due_at < clock_timestamp(), r.state, r.judgement, r.follow_up, r.note,
           r.answer, j.name, r.judged_at, access.review_trail(r.reader, r.patient, r.made_at - interval '30 days'),
           (SELECT jsonb_agg(jsonb_build_object('at', e.at, 'name', q.name, 'judgement', e.judgement, 'note', e.note) ORDER BY e.id)
            FROM access.review_event e LEFT JOIN identity.person q ON q.id = e.person WHERE e.review = r.id)
    FROM identity.unit u LEFT JOIN identity.person p ON p.id = r.reader LEFT JOIN identity.person j ON j.id = r.judged_by WHERE u.id = r.unit;
END $$;

-- What one reader did in one patient's record since then, newest first, at most 100: when, what was done, kinds, ground, where, outcome.
CREATE OR REPLACE FUNCTION access.review_trail(p_reader bigint, p_patient bigint, p_from timestamptz)
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.at DESC), '[]') FROM (
    SELECT l.at, l.action, l.kind, l.kinds, l.ground, g.name_nb, g.name_nn, g.name_en, l.role, u.name AS unit, l.outcome
    FROM access.log l LEFT JOIN access.ground g ON g.code = l.ground LEFT JOIN identity.unit u ON u.id = l.unit
    WHERE l.patient = p_patient AND p_patient > 0 AND l.person = p_reader AND l.at >= p_from
    ORDER BY l.at DESC LIMIT 100) x
$$;

-- Judges a task, or judges it anew; logged, and every judgement is kept. 'ok', 'none' (no such task for this reviewer), 'unknown' (no such judgement).
CREATE OR REPLACE FUNCTION access.review_judge(p_secret bytea, p_id bigint, p_judgement text, p_follow_up text[], p_note text, p_answer text)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v record; v_patient bigint;
BEGIN
  SELECT * INTO v FROM access.review_reach(p_secret);
  SELECT r.patient INTO v_patient FROM access.review r
  WHERE r.id = p_id AND r.controller = ANY (v.controllers) AND r.reader IS DISTINCT FROM v.person AND r.patient <> v.own FOR UPDATE;
  PERFORM access.log_event(p_secret, ARRAY[coalesce(v_patient, 0)], 'judge', 0::smallint, NULL, 'KONTROLL', NULL,
                           CASE WHEN v_patient IS NULL THEN 1 ELSE 0 END::smallint);
  IF v_patient IS NULL THEN RETURN 'none'; END IF;
  IF p_judgement IS NULL OR p_judgement NOT IN ('OK', 'DEVIATION', 'SUSPECTED') THEN RETURN 'unknown'; END IF;
  UPDATE access.review r SET state = 'judged', judgement = p_judgement, follow_up = p_follow_up, note = left(p_note, 4000),
    answer = left(p_answer, 4000), judged_by = v.person, judged_at = clock_timestamp() WHERE r.id = p_id;
  INSERT INTO access.review_event (review, person, judgement, follow_up, note, answer)
  VALUES (p_id, v.person, p_judgement, p_follow_up, left(p_note, 4000), left(p_answer, 4000));
  RETURN 'ok';
END $$;

-- How many tasks wait, by kind; other: those about the reviewer, which a colleague must judge. No person in it.
CREATE OR REPLACE FUNCTION access.review_counts(p_secret bytea)
RETURNS TABLE (kind text, waiting bigint, overdue bigint, other bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT r.kind, count(*) FILTER (WHERE NOT q.about_me), count(*) FILTER (WHERE NOT q.about_me AND r.due_at < clock_timestamp()),
           count(*) FILTER (WHERE q.about_me)
    FROM access.review_reach(p_secret) v JOIN access.review r ON r.controller = ANY (v.controllers) AND r.state = 'open'
    CROSS JOIN LATERAL (SELECT r.reader IS NOT DISTINCT FROM v.person OR r.patient = v.own AS about_me) q
    GROUP BY r.kind;
END $$;

-- The uses of exceptions from one day until another by unit and person, and what was said of them: one row for each that has any.
CREATE OR REPLACE FUNCTION access.review_figures(p_secret bytea, p_from timestamptz, p_until timestamptz)
RETURNS TABLE (unit bigint, unit_name text, reader bigint, reader_name text, kind text, uses bigint, waiting bigint, overdue bigint, ok bigint,
               deviations bigint, suspected bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT r.unit, u.name, r.reader, p.name, r.kind, count(*), count(*) FILTER (WHERE r.state = 'open'),
           count(*) FILTER (WHERE r.state = 'open' AND r.due_at < clock_timestamp()), count(*) FILTER (WHERE r.judgement = 'OK'),
           count(*) FILTER (WHERE r.judgement = 'DEVIATION'), count(*) FILTER (WHERE r.judgement = 'SUSPECTED')
    FROM access.review_reach(p_secret) v JOIN access.review r ON r.controller = ANY (v.controllers)
    JOIN identity.unit u ON u.id = r.unit LEFT JOIN identity.person p ON p.id = r.reader
    WHERE r.kind IN ('EMERGENCY', 'OVERRIDE', 'CHOSEN', 'RELATIVE') AND r.made_at >= p_from AND r.made_at < p_until
    GROUP BY r.unit, u.name, r.reader, p.name, r.kind ORDER BY count(*) DESC, u.name, p.name LIMIT 500;
END $$;

-- The questions that a citizen asked about the record that the session opens, with the answers, newest first. Never a note or a judgement.
CREATE OR REPLACE FUNCTION access.review_own(p_secret bytea)
RETURNS TABLE (id bigint, event bigint, question text, made_at timestamptz, due_at timestamptz, answer text, answered_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT r.id, r.event, r.reason, r.made_at, r.due_at, r.answer, r.judged_at
    FROM identity.live s JOIN identity.session b ON b.id = s.id AND NOT b.on_behalf
    JOIN access.review r ON r.patient = s.patient AND r.kind = 'QUESTION'
    WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen' ORDER BY r.made_at DESC LIMIT 100;
END $$;

-- The patient of a task that asks for this reviewer, for the vault's door to the name. 0: nobody.
CREATE OR REPLACE FUNCTION access.review_patient(p_secret bytea, p_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN coalesce((SELECT r.patient FROM access.review_reach(p_secret) v JOIN access.review r ON r.id = p_id
                   WHERE r.controller = ANY (v.controllers) AND r.reader IS DISTINCT FROM v.person AND r.patient <> v.own), 0);
END $$;

-- What makes a task, by the order in which a page shows them. Configuration; no person in it.
CREATE OR REPLACE FUNCTION access.review_kinds()
RETURNS TABLE (code text, name_nb text, name_nn text, name_en text, due_days integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.code, k.name_nb, k.name_nn, k.name_en, k.due_days FROM access.review_kind k ORDER BY k.due_days, k.code
$$;

-- What the analysis of the log weighs, heaviest first, with the threshold; to a reviewer alone, so that nobody learns how far to go.
CREATE OR REPLACE FUNCTION access.review_signs(p_secret bytea)
RETURNS TABLE (code text, grp text, points smallint, bound integer, name_nb text, name_nn text, name_en text, source text, threshold smallint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.code, g.grp, g.points, g.bound, g.name_nb, g.name_nn, g.name_en, g.source, c.threshold
  FROM access.review_reach(p_secret) v CROSS JOIN access.review_setting c CROSS JOIN access.review_sign g ORDER BY g.grp, g.points DESC, g.code
$$;

DROP FUNCTION IF EXISTS access.let_answer(text, text, text);
DROP FUNCTION IF EXISTS access.put_review_scope(bigint, bigint, text);

-- How many open tasks no reviewer can see, for the operator: a controller without one.
CREATE OR REPLACE FUNCTION access.review_orphans() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*) FROM access.review r WHERE r.state = 'open' AND NOT EXISTS (
    SELECT 1 FROM identity.post o JOIN identity.unit u ON u.id = o.unit
    JOIN access.role_right rr ON rr.role = o.role AND rr.action = 'review'
    WHERE o.until_at > clock_timestamp() AND (u.controller = r.controller OR EXISTS (
      SELECT 1 FROM access.review_scope c
      WHERE c.unit = u.id AND c.controller = r.controller AND c.from_at <= clock_timestamp() AND c.until_at > clock_timestamp())))
$$;
