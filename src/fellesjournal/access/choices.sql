-- What a reader may choose when no fact in the record gives access: a ground of the national list, emergency access, the override of a block;
-- and support, which an administrator gives. Each with a reason, a time limit, a log line and a task for a reviewer. access.md, "Exceptions".

-- The session of a reader who may choose at all: staff at the screen, at level 4. An app chooses nothing.
CREATE OR REPLACE FUNCTION access.chooser(p_secret bytea)
RETURNS TABLE (session bigint, person bigint, unit bigint, role text, own bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT s.id, s.person, s.unit, s.role, coalesce(p.patient, -1) FROM identity.live s JOIN identity.person p ON p.id = s.person
    WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'staff' AND s.level >= 4 AND s.app IS NULL;
END $$;

-- Does this reader know of this patient: just identified in this session, or one whom the unit has or has had a need for? Of a strictly
-- protected patient no unit knows, but those who are named.
CREATE OR REPLACE FUNCTION access.knows_of(p_session bigint, p_person bigint, p_unit bigint, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM access.identified i
                 WHERE i.session = p_session AND i.patient = p_patient AND i.at > clock_timestamp() - interval '30 minutes')
    OR CASE WHEN access.is_strictly_protected(p_patient) THEN access.is_named(p_person, p_patient)
            ELSE EXISTS (SELECT 1 FROM access.relation r WHERE r.patient = p_patient AND r.unit = p_unit) END;
END $$;

-- The grounds that this reader can choose for this patient, in order: chosen ones, the gap, emergency access, override.
-- None for a patient whom they don't know of, there or not: identifying comes before any need, and the answer would tell of a record.
-- Those for named people alone are there for the people named; those that a patient refused are not.
-- Who is not on duty where that counts is left with emergency access. An override is there for a reader with a need, of what is blocked;
-- the reason for opening a close relative's record for whom it is one.
CREATE OR REPLACE FUNCTION access.choices(p_secret bytea, p_patient bigint)
RETURNS TABLE (code text, kind text, name_nb text, name_nn text, name_en text, hint_nb text, hint_nn text, hint_en text, max_min integer,
               may_write boolean, source text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record;
BEGIN
  SELECT * INTO s FROM access.chooser(p_secret);
  IF NOT FOUND OR s.own = p_patient OR NOT access.knows_of(s.session, s.person, s.unit, p_patient) THEN RETURN; END IF;
  RETURN QUERY
    SELECT g.code, g.kind, g.name_nb, g.name_nn, g.name_en, g.hint_nb, g.hint_nn, g.hint_en, g.max_min, g.may_write, g.source
    FROM access.ground g
    WHERE g.kind IN ('chosen', 'gap', 'emergency', 'override', 'relative') AND s.role = ANY (g.roles)
      AND g.valid_from <= (SELECT current_date) AND g.valid_until > (SELECT current_date)
      AND (NOT g.is_named OR EXISTS (
        SELECT 1 FROM access.ground_person n WHERE n.ground = g.code AND n.person = s.person
          AND n.from_at <= clock_timestamp() AND n.until_at > clock_timestamp()))
      AND NOT (g.can_object AND EXISTS (
        SELECT 1 FROM access.objection o WHERE o.patient = p_patient AND o.ground = g.code
          AND o.from_at <= clock_timestamp() AND o.until_at > clock_timestamp()))
      AND (g.kind = 'emergency' OR NOT access.is_off_duty(s.unit, s.person, s.role))
      AND (g.kind <> 'override' OR access.may_override(s.session, p_patient))
      AND (g.kind <> 'relative' OR access.may_open_kin(s.session, s.person, p_patient))
    ORDER BY g.rank;
END $$;

-- Has this session a need for this patient's record, and is something of it blocked?
CREATE OR REPLACE FUNCTION access.may_override(p_session bigint, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM access.live_fact f WHERE f.reader = p_session AND f.patient = p_patient AND f.kind NOT IN ('override', 'relative'))
    AND (EXISTS (SELECT 1 FROM access.block b WHERE b.patient = p_patient AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp())
         OR EXISTS (SELECT 1 FROM access.part_block b WHERE b.patient = p_patient AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()));
END $$;

-- Chooses a ground: the choice, the fact that it makes for this person in this unit, a log line and a reviewer's task, in one transaction.
-- It lasts p_minutes from now, at most as long as the ground does; chosen again with a new reason, it lasts from then.
-- status: 'ok'; 'none' the secret opens nothing, or is no chooser's; 'reason' shorter than ten signs; 'refused' not this reader's to choose,
-- or a patient whom they don't know of, there or not, or a strictly protected one that they are not named for: one answer for all, and logged.
CREATE OR REPLACE FUNCTION access.choose(p_secret bytea, p_patient bigint, p_ground text, p_reason text, p_minutes integer,
                                         OUT status text, OUT until_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; c record; v_id bigint; v_extends bigint; v_reason text := left(btrim(coalesce(p_reason, '')), 2000);
BEGIN
  SELECT * INTO s FROM access.chooser(p_secret);
  IF NOT FOUND THEN status := 'none'; RETURN; END IF;
  IF length(v_reason) < 10 THEN status := 'reason'; RETURN; END IF;
  SELECT x.kind, x.max_min INTO c FROM access.choices(p_secret, p_patient) x WHERE x.code = p_ground;
  IF NOT FOUND
     OR (c.kind <> 'emergency' AND access.is_strictly_protected(p_patient) AND NOT access.is_named(s.person, p_patient)) THEN
    PERFORM access.log_event(p_secret, ARRAY[p_patient], 'choose', 0::smallint, NULL, NULL, NULL, 1::smallint);
    status := 'refused';
    RETURN;
  END IF;
  SELECT x.id INTO v_extends FROM access.choice x
  WHERE x.patient = p_patient AND x.person = s.person AND x.unit = s.unit AND x.ground = p_ground AND x.until_at > clock_timestamp()
  ORDER BY x.id DESC LIMIT 1;
  until_at := clock_timestamp() + make_interval(mins => least(greatest(coalesce(p_minutes, c.max_min), 1), c.max_min));
  v_id := access.keep_choice(p_secret, p_ground, p_patient, s.unit, s.person, s.session, s.role, v_reason, '', until_at, v_extends);
  PERFORM access.review_open(
    CASE c.kind WHEN 'emergency' THEN 'EMERGENCY' WHEN 'override' THEN 'OVERRIDE' WHEN 'relative' THEN 'RELATIVE' ELSE 'CHOSEN' END,
    s.unit, s.person, p_patient, s.session, (SELECT x.event FROM access.choice x WHERE x.id = v_id), v_id, v_reason,
    jsonb_strip_nulls(jsonb_build_object('ground', p_ground, 'until', until_at, 'extends', v_extends, 'relation', access.relation_to(s.person, p_patient))));
  status := 'ok';
END $$;

-- Writes down a choice, tells the fact that it makes, and logs it; its number. One choice goes on until its own end.
CREATE OR REPLACE FUNCTION access.keep_choice(
  p_secret bytea, p_ground text, p_patient bigint, p_unit bigint, p_person bigint, p_session bigint, p_role text, p_reason text, p_ticket text,
  p_until timestamptz, p_extends bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_id bigint := nextval(pg_get_serial_sequence('access.choice', 'id')); v_now timestamptz := clock_timestamp();
BEGIN
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'choose', 0::smallint, NULL, p_ground, v_id, 0::smallint);
  INSERT INTO access.choice (id, ground, patient, unit, person, session, role, reason, ticket, from_at, until_at, extends, event)
  OVERRIDING SYSTEM VALUE
  VALUES (v_id, p_ground, p_patient, p_unit, p_person, p_session, p_role, p_reason, p_ticket, v_now, p_until, p_extends, currval('access.event'));
  INSERT INTO access.relation (patient, unit, person, ground, source, from_at, until_at, made_by)
  VALUES (p_patient, p_unit, p_person, p_ground, v_id, v_now, p_until, p_session);
  RETURN v_id;
END $$;

-- Ends what this person chose for this patient in this unit, before its time; how many choices ended.
CREATE OR REPLACE FUNCTION access.end_choice(p_secret bytea, p_patient bigint, p_ground text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_ended bigint[];
BEGIN
  SELECT * INTO s FROM access.chooser(p_secret);
  IF NOT FOUND THEN RETURN 0; END IF;
  WITH ended AS (
    UPDATE access.choice c SET until_at = clock_timestamp()
    WHERE c.patient = p_patient AND c.person = s.person AND c.unit = s.unit AND c.ground = p_ground AND c.until_at > clock_timestamp()
    RETURNING c.id)
  SELECT array_agg(e.id) INTO v_ended FROM ended e;
  IF v_ended IS NULL THEN RETURN 0; END IF;
  UPDATE access.relation r SET until_at = clock_timestamp()
  WHERE r.patient = p_patient AND r.person = s.person AND r.unit = s.unit AND r.ground = p_ground AND r.source = ANY (v_ended);
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'choose_end', 0::smallint, NULL, p_ground, v_ended[1], 0::smallint);
  RETURN cardinality(v_ended);
END $$;

-- What somebody chose in a session ends with it: sign-out, a switch of context, a session that is taken away. Support is the
-- administrator's to give, and goes on without them.
CREATE OR REPLACE FUNCTION access.end_choices_of_session() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH ended AS (
    UPDATE access.choice c SET until_at = clock_timestamp()
    WHERE c.person = NEW.person AND c.from_at > clock_timestamp() - interval '1 day' AND c.session = NEW.id AND c.until_at > clock_timestamp()
    RETURNING c.id, c.patient, c.ground)
  UPDATE access.relation r SET until_at = clock_timestamp() FROM ended e
  WHERE r.patient = e.patient AND r.source = e.id AND r.ground = e.ground AND r.person = NEW.person AND r.until_at > clock_timestamp();
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER end_choices AFTER UPDATE OF ended_at ON identity.session FOR EACH ROW
  WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.kind = 'staff') EXECUTE FUNCTION access.end_choices_of_session();

-- ── Why, and why not ─────────────────────────────────────────────────────────────────────────────

-- Everything that the rules say of this reader and this patient, denies first, then the facts by rank; the first allow is the one that is named.
-- No allow: there is no need, and blocks are not told of. rule: the view; the law stands above it, and in source.
CREATE OR REPLACE FUNCTION access.explain(p_secret bytea, p_patient bigint)
RETURNS TABLE (rule text, allow boolean, ground text, kind text, name_nb text, name_nn text, name_en text, source text,
               from_at timestamptz, until_at timestamptz, may_write boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_has_need boolean;
BEGIN
  SELECT l.id, l.kind, l.person, l.unit, l.role INTO s FROM identity.live l WHERE l.secret_hash = sha256(p_secret);
  IF NOT FOUND THEN RETURN; END IF;
  v_has_need := EXISTS (SELECT 1 FROM access.live_fact f WHERE f.reader = s.id AND f.patient = p_patient AND f.kind NOT IN ('override', 'relative'));
  RETURN QUERY
    SELECT 'rule_own_as_staff', false, x.ground, 'deny', NULL, NULL, NULL, 'helsepersonelloven § 21 a', NULL::timestamptz, NULL::timestamptz, false
    FROM access.rule_own_as_staff x WHERE x.reader = s.id AND x.patient = p_patient
    UNION ALL SELECT 'rule_not_named', false, x.ground, 'deny', NULL, NULL, NULL, 'folkeregisterloven § 10-4; helsepersonelloven § 21 a', NULL, NULL, false
    FROM access.rule_not_named x WHERE v_has_need AND x.reader = s.id AND x.patient = p_patient
    UNION ALL SELECT 'rule_off_duty', false, 'IKKE_PA_VAKT', 'deny', NULL, NULL, NULL, 'helsepersonelloven § 21 a; Normen 5.2', NULL, NULL, false
    WHERE s.kind = 'staff' AND access.is_off_duty(s.unit, s.person, s.role)
    UNION ALL (SELECT 'rule_block', false, x.ground, 'deny', NULL, NULL, NULL, 'pasient- og brukerrettighetsloven § 5-3; pasientjournalloven § 17', NULL, NULL, false
    FROM access.rule_block x WHERE v_has_need AND x.reader = s.id AND x.patient = p_patient LIMIT 1)
    UNION ALL (SELECT 'rule_close_family', false, x.ground, 'deny', NULL, NULL, NULL, 'helsepersonelloven §§ 4 og 21 a', NULL, NULL, false
    FROM access.rule_close_family x WHERE x.reader = s.id AND x.patient = p_patient LIMIT 1)
    UNION ALL SELECT 'rule_own_record', true, g.code, g.kind, g.name_nb, g.name_nn, g.name_en, g.source, NULL, NULL, false
    FROM access.rule_own_record x JOIN access.ground g ON g.code = x.ground WHERE x.reader = s.id AND x.patient = p_patient
    UNION ALL (SELECT 'rule_' || coalesce(f.rule, f.kind), true, g.code, g.kind, g.name_nb, g.name_nn, g.name_en, g.source, f.from_at,
                      CASE WHEN isfinite(f.until_at) THEN f.until_at END, g.may_write
    FROM access.live_fact f JOIN access.ground g ON g.code = f.ground
    WHERE f.reader = s.id AND f.patient = p_patient AND (v_has_need OR f.kind NOT IN ('override', 'relative')) ORDER BY f.rank, f.until_at DESC);
END $$;

-- ── What the patient is told ─────────────────────────────────────────────────────────────────────

-- Citizen: when emergency access, an override or support opened the own record since an instant, newest first. The reader's own words are not in it.
-- Who acts for another is not told of a unit or a session that they would know what is withheld by.
CREATE OR REPLACE FUNCTION access.own_notices(p_secret bytea, p_since timestamptz)
RETURNS TABLE (at timestamptz, until_at timestamptz, kind text, ground text, name_nb text, name_nn text, name_en text, reader_name text,
               role text, unit_name text, judged_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT c.from_at, c.until_at, g.kind, g.code, g.name_nb, g.name_nn, g.name_en, p.name, c.role, u.name, r.judged_at
    FROM identity.live s JOIN access.choice c ON c.patient = s.patient AND c.from_at >= p_since
    CROSS JOIN LATERAL access.log_hidden(s.id) h
    JOIN access.ground g ON g.code = c.ground AND g.kind IN ('emergency', 'override', 'support')
    LEFT JOIN identity.person p ON p.id = c.person LEFT JOIN identity.unit u ON u.id = c.unit
    LEFT JOIN access.review r ON r.ref = c.id AND r.patient = c.patient AND r.reader = c.person AND r.kind IN ('EMERGENCY', 'OVERRIDE', 'SUPPORT')
    WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen'
      AND access.is_line_open(NULL, c.unit, c.session, h.pids, h.units, h.sessions)
    ORDER BY c.from_at DESC LIMIT 100;
END $$;

-- Citizen: refuse, or allow again, a use that the patient may refuse (helsepersonelloven §§ 25 b and 29 c). What is under way on it ends.
CREATE OR REPLACE FUNCTION access.object(p_secret bytea, p_ground text, p_objects boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_patient bigint;
BEGIN
  SELECT s.patient INTO v_patient FROM identity.live s WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen' AND access.may_act(s.id);
  IF NOT FOUND OR NOT EXISTS (SELECT 1 FROM access.ground g WHERE g.code = p_ground AND g.can_object) THEN RETURN false; END IF;
  INSERT INTO access.objection AS o (patient, ground, until_at)
  VALUES (v_patient, p_ground, CASE WHEN p_objects THEN 'infinity'::timestamptz ELSE clock_timestamp() END)
  ON CONFLICT (patient, ground) DO UPDATE SET until_at = excluded.until_at,
    from_at = CASE WHEN p_objects AND o.until_at <= clock_timestamp() THEN clock_timestamp() ELSE o.from_at END;
  IF p_objects THEN
    UPDATE access.choice c SET until_at = clock_timestamp() WHERE c.patient = v_patient AND c.ground = p_ground AND c.until_at > clock_timestamp();
    UPDATE access.relation r SET until_at = clock_timestamp() WHERE r.patient = v_patient AND r.ground = p_ground AND r.until_at > clock_timestamp();
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[v_patient], 'object', 0::smallint, NULL, p_ground, NULL, 0::smallint);
  RETURN true;
END $$;

-- ── Support ──────────────────────────────────────────────────────────────────────────────────────

-- Gives one member of support the reading of one patient's record for one ticket; p_by tells who gives it. 'ok'; 'reason'; 'ticket';
-- 'refused' no such patient, or no post in support.
CREATE OR REPLACE FUNCTION access.give_support(p_secret bytea, p_session bigint, p_by jsonb, p_person bigint, p_patient bigint, p_ticket text,
                                               p_reason text, p_minutes integer, OUT status text, OUT until_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE o record; g access.ground; v_id bigint; v_reason text := left(btrim(coalesce(p_reason, '')), 2000); v_ticket text := left(btrim(coalesce(p_ticket, '')), 60);
BEGIN
  IF length(v_reason) < 10 THEN status := 'reason'; RETURN; END IF;
  IF v_ticket = '' THEN status := 'ticket'; RETURN; END IF;
  SELECT x.unit, x.role INTO o FROM identity.post x
  WHERE x.person = p_person AND x.role = 'brukerstotte' AND x.from_at <= clock_timestamp() AND x.until_at > clock_timestamp() ORDER BY x.id LIMIT 1;
  SELECT * INTO g FROM access.ground x WHERE x.kind = 'support' AND x.valid_from <= current_date AND x.valid_until > current_date;
  IF o.unit IS NULL OR g.code IS NULL OR NOT EXISTS (SELECT 1 FROM access.relation r WHERE r.patient = p_patient) THEN status := 'refused'; RETURN; END IF;
  until_at := clock_timestamp() + make_interval(mins => least(greatest(coalesce(p_minutes, g.max_min), 1), g.max_min));
  v_id := access.keep_choice(p_secret, g.code, p_patient, o.unit, p_person, p_session, o.role, v_reason, v_ticket, until_at, NULL);
  PERFORM access.review_open('SUPPORT', o.unit, p_person, p_patient, p_session, (SELECT x.event FROM access.choice x WHERE x.id = v_id), v_id, v_reason,
                             jsonb_build_object('ground', g.code, 'ticket', v_ticket, 'until', until_at) || p_by);
  status := 'ok';
END $$;

-- The same by an administrator. 'none' no administrator's secret; 'self' nobody gives to themselves.
CREATE OR REPLACE FUNCTION access.grant_support(p_secret bytea, p_person bigint, p_patient bigint, p_ticket text, p_reason text, p_minutes integer,
                                                OUT status text, OUT until_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record;
BEGIN
  SELECT l.id, l.person INTO s FROM identity.live l
  WHERE l.secret_hash = sha256(p_secret) AND l.kind = 'staff' AND l.level >= 4 AND l.app IS NULL AND l.role = 'administrator';
  IF NOT FOUND THEN status := 'none'; RETURN; END IF;
  IF s.person = p_person THEN status := 'self'; RETURN; END IF;
  SELECT * INTO status, until_at
  FROM access.give_support(p_secret, s.id, jsonb_build_object('granted_by', s.person), p_person, p_patient, p_ticket, p_reason, p_minutes);
END $$;

-- The session of a system that an operator on the server has granted to give support; NULL without.
CREATE OR REPLACE FUNCTION access.support_session(p_secret bytea) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT s.id FROM identity.live s JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'SUPPORT'
          AND g.until_at > clock_timestamp() WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'system' AND s.purpose = 'SUPPORT');
END $$;

-- The same by an operator on the server, by name, for the one member of support of that name ('person': none, or several). No one of the
-- operator's own name: nobody gives to themselves.
CREATE OR REPLACE FUNCTION access.open_support(p_secret bytea, p_operator text, p_name text, p_patient bigint, p_ticket text, p_reason text,
                                               p_minutes integer, OUT status text, OUT until_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_session bigint := access.support_session(p_secret); v_people bigint[];
BEGIN
  IF v_session IS NULL THEN status := 'none'; RETURN; END IF;
  IF lower(btrim(p_operator)) = lower(btrim(p_name)) THEN status := 'self'; RETURN; END IF;
  v_people := ARRAY(SELECT DISTINCT p.id FROM identity.person p JOIN identity.post o ON o.person = p.id AND o.role = 'brukerstotte'
                    AND o.from_at <= clock_timestamp() AND o.until_at > clock_timestamp() WHERE lower(p.name) = lower(btrim(p_name)));
  IF cardinality(v_people) <> 1 THEN status := 'person'; RETURN; END IF;
  SELECT * INTO status, until_at FROM access.give_support(
    p_secret, v_session, jsonb_build_object('operator', left(btrim(p_operator), 200)), v_people[1], p_patient, p_ticket, p_reason, p_minutes);
END $$;

-- Ends what is open for a ticket, before its time; how many records.
CREATE OR REPLACE FUNCTION access.close_support(p_secret bytea, p_ticket text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c record; v_count integer := 0;
BEGIN
  IF access.support_session(p_secret) IS NULL THEN RETURN 0; END IF;
  FOR c IN UPDATE access.choice x SET until_at = clock_timestamp() FROM access.ground g
           WHERE g.code = x.ground AND g.kind = 'support' AND x.ticket = btrim(p_ticket) AND x.until_at > clock_timestamp()
           RETURNING x.id, x.patient, x.ground, x.person LOOP
    UPDATE access.relation r SET until_at = clock_timestamp()
    WHERE r.patient = c.patient AND r.person = c.person AND r.ground = c.ground AND r.source = c.id;
    PERFORM access.log_event(p_secret, ARRAY[c.patient], 'choose_end', 0::smallint, NULL, c.ground, c.id, 0::smallint);
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END $$;

-- What is open for support now, oldest first.
CREATE OR REPLACE FUNCTION access.open_supports() RETURNS TABLE (ticket text, person_name text, patient bigint, from_at timestamptz, until_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT c.ticket, p.name, c.patient, c.from_at, c.until_at FROM access.choice c JOIN access.ground g ON g.code = c.ground AND g.kind = 'support'
               JOIN identity.person p ON p.id = c.person WHERE c.until_at > clock_timestamp() ORDER BY c.from_at;
END $$;

-- What is open to the member of support who asks, the first to close first. Empty for anybody else.
CREATE OR REPLACE FUNCTION access.own_supports(p_secret bytea) RETURNS TABLE (patient bigint, slot smallint, ticket text, until_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT c.patient, vault.slot_of(c.patient), c.ticket, c.until_at FROM access.chooser(p_secret) s
               JOIN access.choice c ON c.person = s.person AND c.unit = s.unit AND c.until_at > clock_timestamp()
               JOIN access.ground g ON g.code = c.ground AND g.kind = 'support' ORDER BY c.until_at, c.id;
END $$;

-- ── Named people: by the operator's command ──────────────────────────────────────────────────────

-- Names a person who may choose a ground that is for named people alone, until.
CREATE OR REPLACE FUNCTION access.name_for_ground(p_person bigint, p_ground text, p_until timestamptz, p_by text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM access.ground g WHERE g.code = p_ground AND g.is_named) THEN RETURN false; END IF;
  INSERT INTO access.ground_person (ground, person, until_at, granted_by) VALUES (p_ground, p_person, p_until, p_by)
  ON CONFLICT (ground, person) DO UPDATE SET until_at = excluded.until_at, granted_by = excluded.granted_by, from_at = clock_timestamp();
  RETURN true;
END $$;
