-- Duty lists: who is at work where, told by an operator from the unit's own system, or by the unit's leader. Where a unit keeps to its list,
-- nobody else has access there but in an emergency (rules.sql: is_off_duty). Akson SHS 5.3.2.2; Normen 5.2.

-- Turns a unit's duty list on (with the roles that are exempt) or off.
CREATE OR REPLACE FUNCTION access.set_duty_rule(p_unit bigint, p_on boolean, p_exempt text[], p_by text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO access.duty_rule (unit, exempt_roles, until_at, set_by)
  VALUES (p_unit, coalesce(p_exempt, '{}'), CASE WHEN p_on THEN 'infinity'::timestamptz ELSE clock_timestamp() END, p_by)
  ON CONFLICT (unit) DO UPDATE SET exempt_roles = excluded.exempt_roles, until_at = excluded.until_at, set_by = excluded.set_by
$$;

-- Puts somebody on duty; told again with the same beginning, the end is moved.
CREATE OR REPLACE FUNCTION access.put_duty(p_person bigint, p_unit bigint, p_from timestamptz, p_until timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO access.duty (person, unit, from_at, until_at) VALUES (p_person, p_unit, p_from, p_until)
  ON CONFLICT (person, unit, from_at) DO UPDATE SET until_at = excluded.until_at
$$;

-- A unit by its code, or by a name that is its alone; NULL: none, or several.
CREATE OR REPLACE FUNCTION access.duty_unit(p_name text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT u.id FROM identity.unit u WHERE u.code = p_name),
                  (SELECT min(u.id) FROM identity.unit u WHERE u.name = p_name AND u.kind <> 'system' HAVING count(*) = 1))
$$;

-- The one who has a post at this unit by a user name, a licence or a name; NULL: none, or several.
CREATE OR REPLACE FUNCTION access.duty_person(p_unit bigint, p_name text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT min(p.id) FROM identity.person p
  WHERE (lower(p.user_name) = lower(p_name) OR p.licence = p_name OR lower(p.name) = lower(p_name))
    AND EXISTS (SELECT 1 FROM identity.post o WHERE o.person = p.id AND o.unit = p_unit AND o.until_at > clock_timestamp())
  HAVING count(*) = 1
$$;

-- The same by the unit's code or name. NULL: done; 'unit': there is none.
CREATE OR REPLACE FUNCTION access.set_duty_list(p_unit text, p_on boolean, p_exempt text[], p_by text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_unit bigint := access.duty_unit(p_unit);
BEGIN
  IF v_unit IS NULL THEN RETURN 'unit'; END IF;
  PERFORM access.set_duty_rule(v_unit, p_on, p_exempt, p_by);
  PERFORM identity.tell(ROW(NULL, NULL, NULL, NULL, NULL, p_by)::identity.actor, 'unit', v_unit, NULL, v_unit,
                        (SELECT u.entity FROM identity.unit u WHERE u.id = v_unit), 'changed', '{}',
                        jsonb_build_object('duty_list', p_on, 'exempt', p_exempt));
  RETURN NULL;
END $$;

-- The duty lists of these units from now on, all of it or nothing: what was planned and isn't named is taken away, what has begun ends now.
-- A row for each fault: its place, and 'unit', 'person' or 'period'; nothing was changed then.
CREATE OR REPLACE FUNCTION access.load_duties(p_by text, p_place integer[], p_unit text[], p_person text[], p_from timestamptz[], p_until timestamptz[])
RETURNS TABLE (place integer, fault text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_now timestamptz := clock_timestamp(); v_units bigint[]; v_people bigint[]; u record;
BEGIN
  v_units := ARRAY(SELECT access.duty_unit(q.name) FROM unnest(p_unit) WITH ORDINALITY AS q (name, n) ORDER BY q.n);
  v_people := ARRAY(SELECT access.duty_person(q.unit, q.name) FROM unnest(v_units, p_person) WITH ORDINALITY AS q (unit, name, n) ORDER BY q.n);
  RETURN QUERY
    SELECT q.place, CASE WHEN q.unit IS NULL THEN 'unit' WHEN q.person IS NULL THEN 'person' ELSE 'period' END
    FROM unnest(p_place, v_units, v_people, p_from, p_until) AS q (place, unit, person, from_at, until_at)
    WHERE q.unit IS NULL OR q.person IS NULL OR q.until_at <= q.from_at OR q.until_at > q.from_at + interval '7 days' ORDER BY q.place;
  IF FOUND THEN RETURN; END IF;
  DELETE FROM access.duty d WHERE d.unit = ANY (v_units) AND d.from_at >= v_now;
  UPDATE access.duty d SET until_at = v_now
  WHERE d.unit = ANY (v_units) AND d.until_at > v_now AND d.from_at < v_now AND NOT EXISTS (
    SELECT 1 FROM unnest(v_units, v_people, p_from) AS q (unit, person, from_at) WHERE q.unit = d.unit AND q.person = d.person AND q.from_at = d.from_at);
  INSERT INTO access.duty (person, unit, from_at, until_at)
  SELECT q.person, q.unit, q.from_at, max(q.until_at) FROM unnest(v_units, v_people, p_from, p_until) AS q (unit, person, from_at, until_at)
  GROUP BY q.person, q.unit, q.from_at
  ON CONFLICT (person, unit, from_at) DO UPDATE SET until_at = excluded.until_at;
  FOR u IN SELECT q.unit, count(*) AS n FROM unnest(v_units) AS q (unit) GROUP BY q.unit LOOP
    PERFORM identity.tell(ROW(NULL, NULL, NULL, NULL, NULL, p_by)::identity.actor, 'unit', u.unit, NULL, u.unit,
                          (SELECT x.entity FROM identity.unit x WHERE x.id = u.unit), 'changed', '{}', jsonb_build_object('shifts', u.n));
  END LOOP;
END $$;

-- Who is on duty at a unit now and later, by time.
CREATE OR REPLACE FUNCTION access.duties_of(p_unit text) RETURNS TABLE (from_at timestamptz, until_at timestamptz, name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT d.from_at, d.until_at, p.name FROM access.duty d JOIN identity.person p ON p.id = d.person
               WHERE d.unit = access.duty_unit(p_unit) AND d.until_at > clock_timestamp() ORDER BY d.from_at, p.name;
END $$;

-- ── The leader's page ────────────────────────────────────────────────────────────────────────────

-- Who keeps a unit's duty list with this secret, and whether the unit keeps to it. No row: nobody does.
CREATE OR REPLACE FUNCTION access.duty_reach(p_secret bytea)
RETURNS TABLE (session bigint, person bigint, unit bigint, entity bigint, unit_name text, is_kept boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT s.id, s.person, u.id, u.entity, u.name,
           EXISTS (SELECT 1 FROM access.duty_rule d WHERE d.unit = u.id AND d.from_at <= clock_timestamp() AND d.until_at > clock_timestamp())
    FROM identity.live s JOIN identity.unit u ON u.id = s.unit
    WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'staff' AND s.level >= 4 AND s.app IS NULL
      AND EXISTS (SELECT 1 FROM access.role_right r WHERE r.role = s.role AND r.action = 'duty');
END $$;

-- Who is on duty at the unit now and later, by time.
CREATE OR REPLACE FUNCTION access.duty_list(p_secret bytea)
RETURNS TABLE (id bigint, name text, from_at timestamptz, until_at timestamptz, is_now boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT d.id, p.name, d.from_at, d.until_at, d.from_at <= clock_timestamp()
    FROM access.duty_reach(p_secret) v JOIN access.duty d ON d.unit = v.unit AND d.until_at > clock_timestamp()
    JOIN identity.person p ON p.id = d.person ORDER BY d.from_at, p.name, d.id LIMIT 1000;
END $$;

-- Who can be put on duty: those with a post at the unit now or later, but the one who asks; with their roles.
CREATE OR REPLACE FUNCTION access.duty_staff(p_secret bytea) RETURNS TABLE (person bigint, name text, roles text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT p.id, p.name, array_agg(DISTINCT o.role)
    FROM access.duty_reach(p_secret) v JOIN identity.post o ON o.unit = v.unit AND o.until_at > clock_timestamp() AND o.person <> v.person
    JOIN identity.person p ON p.id = o.person AND p.kind = 'human' GROUP BY p.id, p.name ORDER BY p.name, p.id;
END $$;

-- Puts somebody on duty at the own unit: 'done', 'nobody' (keeps no list), 'self', 'person' (no post there in all that time), 'period' (over, or
-- longer than 7 days), 'there' (on duty then already). On record by who did it.
CREATE OR REPLACE FUNCTION access.duty_put(p_secret bytea, p_person bigint, p_from timestamptz, p_until timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record; v_from timestamptz := greatest(p_from, clock_timestamp()); v_id bigint;
BEGIN
  SELECT * INTO v FROM access.duty_reach(p_secret);
  IF NOT FOUND THEN RETURN 'nobody'; END IF;
  IF p_person = v.person THEN RETURN 'self'; END IF;
  IF p_until <= v_from OR p_until > v_from + interval '7 days' OR v_from > clock_timestamp() + interval '366 days' THEN RETURN 'period'; END IF;
  IF NOT EXISTS (SELECT 1 FROM identity.post o WHERE o.person = p_person AND o.unit = v.unit AND o.from_at <= v_from AND o.until_at >= p_until) THEN
    RETURN 'person';
  END IF;
  -- Two who put the same person on in one moment come one after the other.
  PERFORM pg_advisory_xact_lock(7166141025316073);
  IF EXISTS (SELECT 1 FROM access.duty d WHERE d.person = p_person AND d.unit = v.unit AND d.from_at < p_until AND d.until_at > v_from) THEN
    RETURN 'there';
  END IF;
  INSERT INTO access.duty (person, unit, from_at, until_at) VALUES (p_person, v.unit, v_from, p_until) RETURNING id INTO v_id;
  PERFORM identity.tell(ROW(v.person, v.session, v.unit, v.entity, NULL, '')::identity.actor, 'duty', v_id, p_person, v.unit, v.entity, 'added',
                        '{}', jsonb_build_object('shift_from', v_from, 'shift_until', p_until));
  RETURN 'done';
END $$;

-- Takes somebody off: what has begun ends now, what is planned is taken away. False: no such shift at the own unit.
CREATE OR REPLACE FUNCTION access.duty_end(p_secret bytea, p_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record; d record; v_now timestamptz := clock_timestamp();
BEGIN
  SELECT * INTO v FROM access.duty_reach(p_secret);
  SELECT * INTO d FROM access.duty x WHERE x.id = p_id AND x.unit = v.unit AND x.until_at > v_now FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM access.duty x WHERE x.id = p_id AND x.from_at >= v_now;
  UPDATE access.duty x SET until_at = v_now WHERE x.id = p_id;
  PERFORM identity.tell(ROW(v.person, v.session, v.unit, v.entity, NULL, '')::identity.actor, 'duty', p_id, d.person, v.unit, v.entity, 'ended',
                        jsonb_build_object('shift_from', d.from_at, 'shift_until', d.until_at),
                        jsonb_build_object('shift_from', d.from_at, 'shift_until', greatest(v_now, d.from_at)));
  RETURN true;
END $$;
