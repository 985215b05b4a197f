-- Administration of oversight: the well-known people whose readings weigh more in the nightly analysis, and whose reviewers judge how access
-- was used at which controller. Every change is a row of identity.change, whoever makes it. Nobody makes themselves anybody's reviewer.
-- Pasientjournalloven §§ 16 and 22; helsepersonelloven § 21 a; Normen 5.4.4.

-- ── Well-known people ────────────────────────────────────────────────────────────────────────────

CREATE OR REPLACE FUNCTION identity.known_told(p_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('name', k.name, 'reason', k.reason, 'until', nullif(k.until_at, 'infinity')) FROM access.known_person k WHERE k.id = p_id
$$;

-- Is this the number of the one who acts, or of one who keeps the tokens of the system that does?
CREATE OR REPLACE FUNCTION identity.is_own_number(a identity.actor, p_hash bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM identity.person p WHERE p.number_hash = p_hash AND identity.is_self(a, p.id))
$$;

-- Puts somebody on the list, or changes what stands there: {hash (hex) with keys, or (operators) patient, name, reason, until}.
-- Takes one off: {known, at}. An administrator's rows are the own legal entity's; whether the person has a record is never told.
CREATE OR REPLACE FUNCTION identity.wish_known(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE k access.known_person; v_entity bigint := CASE WHEN a.operator = '' THEN a.entity END; v_hash bytea := decode(w ->> 'hash', 'hex');
        v_now timestamptz := clock_timestamp(); v_until timestamptz := coalesce((w ->> 'until')::timestamptz, 'infinity'); v_before jsonb;
BEGIN
  IF a.client IS NOT NULL OR (a.operator = '' AND w ? 'patient') THEN status := 'scope'; RETURN; END IF;
  -- Two who add the same person in one moment come one after the other.
  PERFORM pg_advisory_xact_lock(7166141025316072);
  SELECT * INTO k FROM access.known_person x
  WHERE CASE WHEN w ? 'known' THEN x.id = (w ->> 'known')::bigint AND (a.operator <> '' OR x.entity = v_entity) AND x.until_at > v_now
             WHEN w ? 'patient' THEN x.patient = (w ->> 'patient')::bigint
             ELSE x.number_hash = v_hash AND x.entity IS NOT DISTINCT FROM v_entity END FOR UPDATE;
  IF w ? 'known' AND k.id IS NULL THEN status := 'unknown'; RETURN; END IF;
  IF a.operator = '' AND identity.is_own_number(a, coalesce(k.number_hash, v_hash)) THEN status := 'self'; RETURN; END IF;
  v_before := CASE WHEN k.until_at > v_now THEN identity.known_told(k.id) END;
  IF w ? 'known' THEN
    UPDATE access.known_person SET until_at = v_now WHERE id = k.id;
    subject := k.id; status := 'done';
    PERFORM identity.tell(a, 'known', k.id, NULL, NULL, k.entity, 'ended', v_before, identity.known_told(k.id));
    RETURN;
  END IF;
  IF coalesce(length(w ->> 'reason'), 0) NOT BETWEEN 1 AND 200 THEN status := 'reason'; RETURN; END IF;
  IF coalesce(length(w ->> 'name'), 0) NOT BETWEEN 2 AND 200 THEN status := 'name'; RETURN; END IF;
  IF v_until <= v_now THEN status := 'period'; RETURN; END IF;
  IF k.id IS NULL THEN
    INSERT INTO access.known_person (patient, number_hash, keys, entity, name, reason, until_at)
    VALUES ((w ->> 'patient')::bigint, v_hash, identity.keys_in(w), v_entity, w ->> 'name', w ->> 'reason', v_until) RETURNING id INTO subject;
  ELSE
    UPDATE access.known_person SET name = w ->> 'name', reason = w ->> 'reason', until_at = v_until,
      from_at = CASE WHEN v_before IS NULL THEN v_now ELSE k.from_at END WHERE id = k.id RETURNING id INTO subject;
  END IF;
  status := CASE WHEN v_before = identity.known_told(subject) THEN 'same' ELSE 'done' END;
  IF status = 'done' THEN
    PERFORM identity.tell(a, 'known', subject, NULL, NULL, v_entity, CASE WHEN v_before IS NULL THEN 'added' ELSE 'changed' END,
                          v_before, identity.known_told(subject));
  END IF;
END $$;

-- The Patients on the list at an instant, for the analysis.
CREATE OR REPLACE FUNCTION identity.known_patients(p_at timestamptz) RETURNS TABLE (patient bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT k.patient FROM access.known_person k WHERE k.patient IS NOT NULL AND k.from_at <= p_at AND k.until_at > p_at
    UNION SELECT n.pid FROM access.known_person k CROSS JOIN unnest(k.keys) AS q (h) CROSS JOIN LATERAL vault.patient_numbered(q.h) n
          WHERE k.from_at <= p_at AND k.until_at > p_at;
END $$;

-- Those on the list now whom this actor may see, by name. may_end: the actor's own; the others are operators'.
CREATE OR REPLACE FUNCTION identity.known_within(a identity.actor)
RETURNS TABLE (id bigint, name text, reason text, from_at timestamptz, until_at timestamptz, may_end boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.id, k.name, k.reason, nullif(k.from_at, '-infinity'), nullif(k.until_at, 'infinity'), a.operator <> '' OR k.entity = a.entity
  FROM access.known_person k
  WHERE k.until_at > clock_timestamp() AND a.client IS NULL AND (a.operator <> '' OR k.entity = a.entity OR k.entity IS NULL) ORDER BY k.name, k.id
$$;

-- ── Who reviews for whom ─────────────────────────────────────────────────────────────────────────

-- Those who can judge at a unit, now or (p_later) later too.
CREATE OR REPLACE FUNCTION identity.reviewers_at(p_unit bigint, p_later boolean) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT p.person FROM identity.post p JOIN access.role_right r ON r.role = p.role AND r.action = 'review'
  WHERE p.unit = p_unit AND p.until_at > clock_timestamp() AND (p_later OR p.from_at <= clock_timestamp())
$$;

-- The units whose reviewers judge for a controller now: its own, and those let do it. source NULL: its own.
CREATE OR REPLACE FUNCTION identity.reviewing(p_controller bigint)
RETURNS TABLE (unit bigint, source text, from_at timestamptz, until_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT u.id, NULL, NULL::timestamptz, NULL::timestamptz FROM identity.unit u
  WHERE u.controller = p_controller AND EXISTS (SELECT 1 FROM identity.reviewers_at(u.id, false))
  UNION ALL
  SELECT s.unit, s.source, nullif(s.from_at, '-infinity'), nullif(s.until_at, 'infinity') FROM access.review_scope s
  WHERE s.controller = p_controller AND s.from_at <= clock_timestamp() AND s.until_at > clock_timestamp()
$$;

CREATE OR REPLACE FUNCTION identity.review_told(p_unit bigint, p_controller bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('reviewers', u.name, 'controller', c.name, 'source', s.source, 'until', nullif(s.until_at, 'infinity'))
  FROM access.review_scope s JOIN identity.unit u ON u.id = s.unit JOIN identity.unit c ON c.id = s.controller
  WHERE s.unit = p_unit AND s.controller = p_controller AND s.until_at > clock_timestamp()
$$;

-- Lets the reviewers of a unit judge for a controller too: {unit or unit_code, controller or controller_code (any unit of it), source, until}.
-- With {is_over} it ends, from either side. 'self': whoever reviews at the unit doesn't
-- let themselves. 'own': they judge for their own controller already. 'last': nobody would be left to judge.
CREATE OR REPLACE FUNCTION identity.wish_review(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_unit bigint := coalesce(identity.unit_of(w ->> 'unit_code', (w ->> 'unit')::bigint), identity.unit_named(w ->> 'unit_code'));
        v_now timestamptz := clock_timestamp(); v_until timestamptz := coalesce((w ->> 'until')::timestamptz, 'infinity');
        v_reach bigint[] := identity.units_of(a); v_before jsonb; c record;
BEGIN
  SELECT x.* INTO c FROM identity.unit u JOIN identity.unit x ON x.id = u.controller
  WHERE u.id = coalesce(identity.unit_of(w ->> 'controller_code', (w ->> 'controller')::bigint), identity.unit_named(w ->> 'controller_code'));
  subject := c.id;
  IF v_unit IS NULL OR c.id IS NULL THEN status := 'unit'; RETURN; END IF;
  IF a.client IS NOT NULL OR (c.id <> ALL (v_reach) AND (v_unit <> ALL (v_reach) OR NOT w ? 'is_over')) THEN status := 'scope'; RETURN; END IF;
  PERFORM 1 FROM access.review_scope s WHERE s.controller = c.id FOR UPDATE;
  v_before := identity.review_told(v_unit, c.id);
  IF w ? 'is_over' THEN
    IF v_before IS NULL THEN status := 'unknown'; RETURN; END IF;
    IF EXISTS (SELECT 1 FROM identity.reviewers_at(v_unit, false)) AND NOT EXISTS (
         SELECT 1 FROM identity.reviewing(c.id) r CROSS JOIN LATERAL identity.reviewers_at(r.unit, false) WHERE r.unit <> v_unit) THEN
      status := 'last'; RETURN;
    END IF;
    UPDATE access.review_scope SET until_at = v_now WHERE unit = v_unit AND controller = c.id;
    PERFORM identity.tell(a, 'review', c.id, NULL, v_unit, c.entity, 'ended', v_before, v_before || jsonb_build_object('until', v_now));
    status := 'done'; RETURN;
  END IF;
  IF a.person IN (SELECT identity.reviewers_at(v_unit, true)) THEN status := 'self'; RETURN; END IF;
  IF c.id = (SELECT u.controller FROM identity.unit u WHERE u.id = v_unit) THEN status := 'own'; RETURN; END IF;
  IF coalesce(length(w ->> 'source'), 0) NOT BETWEEN 1 AND 200 THEN status := 'source'; RETURN; END IF;
  IF v_until <= v_now THEN status := 'period'; RETURN; END IF;
  INSERT INTO access.review_scope AS s (unit, controller, source, until_at) VALUES (v_unit, c.id, w ->> 'source', v_until)
  ON CONFLICT (unit, controller) DO UPDATE SET source = excluded.source, until_at = excluded.until_at,
    from_at = CASE WHEN s.until_at > v_now THEN s.from_at ELSE v_now END;
  status := CASE WHEN v_before = identity.review_told(v_unit, c.id) THEN 'same' ELSE 'done' END;
  IF status = 'done' THEN
    PERFORM identity.tell(a, 'review', c.id, NULL, v_unit, c.entity, CASE WHEN v_before IS NULL THEN 'added' ELSE 'changed' END,
                          v_before, identity.review_told(v_unit, c.id));
  END IF;
END $$;

-- ── What administrators see of it ────────────────────────────────────────────────────────────────

CREATE OR REPLACE FUNCTION identity.known_people(p_secret bytea)
RETURNS TABLE (id bigint, name text, reason text, from_at timestamptz, until_at timestamptz, may_end boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.* FROM identity.acting(p_secret) a CROSS JOIN LATERAL identity.known_within(a) k
$$;

CREATE OR REPLACE FUNCTION identity.known_people_as_operator()
RETURNS TABLE (id bigint, name text, reason text, from_at timestamptz, until_at timestamptz, may_end boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.* FROM identity.known_within(ROW(NULL, NULL, NULL, NULL, NULL, 'operator')::identity.actor) k
$$;

-- A row for each controller within reach and each unit whose reviewers judge for it (unit NULL: none), and for each controller out of reach that
-- a unit within reach judges for. reviewers: their names.
CREATE OR REPLACE FUNCTION identity.review_map(p_secret bytea)
RETURNS TABLE (controller bigint, controller_name text, is_ours boolean, unit bigint, unit_name text, source text, from_at timestamptz,
               until_at timestamptz, reviewers text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH who AS MATERIALIZED (SELECT identity.units_of(a) AS units FROM identity.acting(p_secret) a WHERE a.client IS NULL),
  asked AS (
    SELECT DISTINCT u.controller AS id, true AS ours FROM who w JOIN identity.unit u ON u.controller = ANY (w.units) WHERE u.kind <> 'system'
    UNION SELECT s.controller, false FROM who w JOIN access.review_scope s ON s.unit = ANY (w.units) AND s.controller <> ALL (w.units)
    WHERE s.until_at > clock_timestamp()
  )
  SELECT c.id, c.name, q.ours, u.id, u.name, r.source, r.from_at, r.until_at,
         ARRAY(SELECT p.name FROM identity.reviewers_at(u.id, false) AS x (person) JOIN identity.person p ON p.id = x.person ORDER BY p.name)
  FROM asked q JOIN identity.unit c ON c.id = q.id CROSS JOIN who w
  LEFT JOIN LATERAL (SELECT x.* FROM identity.reviewing(c.id) x WHERE q.ours OR x.unit = ANY (w.units)) r ON true
  LEFT JOIN identity.unit u ON u.id = r.unit
  ORDER BY q.ours DESC, c.name, c.id, r.source NULLS FIRST, u.name
$$;

-- The units that have reviewers now, by name; none where the one who asks is one of them.
CREATE OR REPLACE FUNCTION identity.review_units(p_secret bytea) RETURNS TABLE (id bigint, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT u.id, u.name FROM identity.acting(p_secret) a JOIN identity.unit u ON u.kind <> 'system'
  WHERE a.client IS NULL AND EXISTS (SELECT 1 FROM identity.reviewers_at(u.id, false)) AND a.person NOT IN (SELECT identity.reviewers_at(u.id, true))
  ORDER BY u.name, u.id
$$;

DO $$
DECLARE f regprocedure;
BEGIN
  FOREACH f IN ARRAY ARRAY['identity.known_told(bigint)', 'identity.is_own_number(identity.actor, bytea)', 'identity.wish_known(identity.actor, jsonb)',
      'identity.known_patients(timestamptz)', 'identity.known_within(identity.actor)', 'identity.reviewers_at(bigint, boolean)',
      'identity.reviewing(bigint)', 'identity.review_told(bigint, bigint)', 'identity.wish_review(identity.actor, jsonb)',
      'identity.known_people(bytea)', 'identity.known_people_as_operator()', 'identity.review_map(bytea)',
      'identity.review_units(bytea)']::regprocedure[] LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO fj_owner', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION identity.known_people(bytea), identity.review_map(bytea), identity.review_units(bytea) TO fj_web;
GRANT EXECUTE ON FUNCTION identity.known_people_as_operator() TO fj_migrate;
GRANT EXECUTE ON FUNCTION identity.known_patients(timestamptz) TO access_core;
