-- Duty lists: who is at work where, told by an operator from the unit's own system. Where a unit keeps to its list, nobody else has access
-- there but in an emergency (rules.sql: is_off_duty). Akson SHS 5.3.2.2; Normen 5.2.

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
