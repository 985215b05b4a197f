-- Administration: units, people, posts, rights and controllers, changed one wish at a time by an administrator (by the secret of the
-- own session), by a system that brings staff in (SCIM), or by an operator on the server. Every wish that changes something is a row in
-- identity.change. Nobody gives anything to themselves, whichever way they come. Helsepersonelloven § 48; Normen 5.2.

-- ── Who acts, and where ──────────────────────────────────────────────────────────────────────────

-- Who this secret lets act; no row for nobody. An app's token administers nothing.
CREATE OR REPLACE FUNCTION identity.acting(p_secret bytea) RETURNS SETOF identity.actor
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.person, l.id, l.unit, u.entity, c.id, ''::text
  FROM identity.live l JOIN identity.unit u ON u.id = l.unit
  LEFT JOIN identity.scim_client c ON c.person = l.person AND c.ended_at IS NULL AND c.until_at > clock_timestamp()
  WHERE l.secret_hash = sha256(p_secret) AND l.level >= 4 AND l.app IS NULL
    AND ((l.kind = 'staff' AND l.role = 'administrator') OR (l.kind = 'system' AND l.purpose = 'SCIM' AND c.id IS NOT NULL))
$$;

-- The units that somebody administers: those of the same legal entity, and those below the own unit; an operator all.
CREATE OR REPLACE FUNCTION identity.units_of(a identity.actor) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE below AS (
    SELECT u.id FROM identity.unit u WHERE u.kind <> 'system' AND (a.operator <> '' OR u.entity = a.entity OR u.id = a.unit)
    UNION SELECT u.id FROM identity.unit u JOIN below b ON u.parent = b.id)
  SELECT coalesce(array_agg(b.id), '{}') FROM below b
$$;

-- Is this person the one who acts, or one who keeps the tokens of the system that does?
CREATE OR REPLACE FUNCTION identity.is_self(a identity.actor, p_person bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.person IS NOT DISTINCT FROM p_person
    OR EXISTS (SELECT 1 FROM identity.scim_keeper k WHERE k.client = a.client AND k.person = p_person)
$$;

-- Writes down what was changed.
CREATE OR REPLACE FUNCTION identity.tell(
  a identity.actor, p_subject text, p_id bigint, p_about bigint, p_unit bigint, p_entity bigint, p_did text, p_before jsonb, p_after jsonb)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.change (person, session, operator, subject, subject_id, about, unit, entity, did, before, after)
  VALUES (a.person, a.session, coalesce(a.operator, ''), p_subject, p_id, p_about, p_unit, p_entity, p_did,
          coalesce(p_before, '{}'), coalesce(p_after, '{}'))
$$;

-- The parts of two objects that differ, as the first has them.
CREATE OR REPLACE FUNCTION identity.differing(p_a jsonb, p_b jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_object_agg(x.key, x.value), '{}') FROM jsonb_each(p_a) x WHERE p_b -> x.key IS DISTINCT FROM x.value
$$;

-- ── Units ────────────────────────────────────────────────────────────────────────────────────────

-- Who is responsible now for the rows of a kind of unit in a municipality, and within which responsibility they are no disclosure.
-- Joint responsibility leaves each entity its own rows, and they share the one that it is registered under. A system has no such.
CREATE OR REPLACE FUNCTION identity.responsible(p_municipality text, p_kind text, p_entity bigint, OUT controller bigint, OUT sphere bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT CASE c.model WHEN 1 THEN p_entity ELSE c.controller END, c.controller INTO controller, sphere FROM identity.controllership c
  WHERE c.municipality = p_municipality AND (c.kind IS NULL OR c.kind = p_kind)
    AND c.from_at <= clock_timestamp() AND c.until_at > clock_timestamp()
  ORDER BY c.kind NULLS LAST, c.from_at DESC LIMIT 1;
  controller := coalesce(controller, p_entity);
  sphere := CASE WHEN p_kind <> 'system' THEN coalesce(sphere, p_entity) END;
END $$;

-- Gives every unit the controller that holds now; how many were changed. Run when something is changed, and by the worker.
CREATE OR REPLACE FUNCTION identity.keep_controllers() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_count integer;
BEGIN
  UPDATE identity.unit u SET controller = r.controller, sphere = r.sphere
  FROM identity.unit x CROSS JOIN LATERAL identity.responsible(x.municipality, x.kind, x.entity) r
  WHERE u.id = x.id AND u.kind <> 'system' AND (u.controller, u.sphere) IS DISTINCT FROM (r.controller, r.sphere);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- A unit as it is told.
CREATE OR REPLACE FUNCTION identity.unit_told(p_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('code', u.code, 'name', u.name, 'kind', u.kind, 'parent', p.code, 'entity', e.code, 'municipality', u.municipality,
                            'from', nullif(u.from_at, '-infinity'), 'until', nullif(u.until_at, 'infinity'))
  FROM identity.unit u LEFT JOIN identity.unit p ON p.id = u.parent LEFT JOIN identity.unit e ON e.id = u.entity WHERE u.id = p_id
$$;

-- A unit by its code, or by its number.
CREATE OR REPLACE FUNCTION identity.unit_of(p_code text, p_id bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT u.id FROM identity.unit u WHERE u.kind <> 'system' AND CASE WHEN p_code IS NULL THEN u.id = p_id ELSE u.code = p_code END
$$;

-- Makes or changes a unit. {code, id (of a new one, or of one without a code), name, kind, parent, entity, municipality, from, until}
CREATE OR REPLACE FUNCTION identity.wish_unit(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE u record; v_parent record; v_entity bigint; v_before jsonb; v_after jsonb; v_scope bigint[] := identity.units_of(a);
BEGIN
  SELECT * INTO u FROM identity.unit x WHERE x.code = w ->> 'code' OR (x.id = (w ->> 'id')::bigint AND x.code IS NULL) FOR UPDATE;
  subject := coalesce(u.id, (w ->> 'id')::bigint);
  SELECT * INTO v_parent FROM identity.unit x WHERE x.code = w ->> 'parent';
  IF w ->> 'parent' IS NOT NULL AND v_parent.id IS NULL THEN status := 'parent'; RETURN; END IF;
  IF w ->> 'entity' IS NOT NULL THEN
    SELECT x.id INTO v_entity FROM identity.unit x WHERE x.code = w ->> 'entity';
    IF v_entity IS NULL AND w ->> 'entity' <> w ->> 'code' THEN status := 'entity'; RETURN; END IF;
    v_entity := coalesce(v_entity, subject);
  END IF;
  v_entity := coalesce(v_entity, u.entity, v_parent.entity, subject);
  -- An administrator makes units below the own ones, and gives none away.
  IF a.client IS NOT NULL OR (a.operator = '' AND (
       (u.id IS NOT NULL AND u.id <> ALL (v_scope)) OR (v_parent.id IS NOT NULL AND v_parent.id <> ALL (v_scope))
       OR (u.id IS NULL AND v_parent.id IS NULL) OR v_entity IS DISTINCT FROM coalesce(u.entity, v_parent.entity))) THEN
    status := 'scope'; RETURN;
  END IF;
  IF EXISTS (WITH RECURSIVE up AS (SELECT v_parent.id AS id UNION SELECT x.parent FROM identity.unit x JOIN up ON x.id = up.id)
             SELECT 1 FROM up WHERE up.id = u.id) THEN status := 'parent'; RETURN; END IF;
  IF coalesce((w ->> 'from')::timestamptz, '-infinity') >= coalesce((w ->> 'until')::timestamptz, 'infinity') THEN status := 'period'; RETURN; END IF;
  v_before := identity.unit_told(u.id);
  INSERT INTO identity.unit AS x (id, code, name, kind, parent, entity, controller, municipality, from_at, until_at)
  VALUES (subject, w ->> 'code', w ->> 'name', w ->> 'kind', v_parent.id, v_entity, v_entity, coalesce(w ->> 'municipality', v_parent.municipality, ''),
          coalesce((w ->> 'from')::timestamptz, '-infinity'), coalesce((w ->> 'until')::timestamptz, 'infinity'))
  ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, kind = excluded.kind, parent = coalesce(excluded.parent, x.parent),
    entity = excluded.entity, municipality = CASE WHEN w ? 'municipality' THEN excluded.municipality ELSE x.municipality END,
    from_at = CASE WHEN w ? 'from' THEN excluded.from_at ELSE x.from_at END,
    until_at = CASE WHEN w ? 'until' THEN excluded.until_at ELSE x.until_at END;
  PERFORM identity.keep_controllers();
  v_after := identity.unit_told(subject);
  status := CASE WHEN v_before IS NOT DISTINCT FROM v_after THEN 'same' ELSE 'done' END;
  IF status = 'done' THEN
    PERFORM identity.tell(a, 'unit', subject, NULL, subject, v_entity, CASE WHEN v_before IS NULL THEN 'added' ELSE 'changed' END,
                          identity.differing(v_before, v_after), identity.differing(v_after, coalesce(v_before, '{}')));
    -- No post outlives its unit.
    PERFORM identity.end_post(a, p.id, x.until_at) FROM identity.post p JOIN identity.unit x ON x.id = p.unit
    WHERE p.unit = subject AND p.until_at > x.until_at;
  END IF;
END $$;

-- ── People and posts ─────────────────────────────────────────────────────────────────────────────

CREATE OR REPLACE FUNCTION identity.person_told(p_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('name', p.name, 'user_name', p.user_name, 'external', p.external, 'licence', p.licence, 'active', p.active)
  FROM identity.person p WHERE p.id = p_id
$$;

-- May this actor change the person's own row? One who is nobody's yet may be taken over.
CREATE OR REPLACE FUNCTION identity.manages(a identity.actor, p_id bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.operator <> '' OR p.managed_by = a.entity OR (p.managed_by IS NULL AND NOT EXISTS (
    SELECT 1 FROM identity.post o WHERE o.person = p.id AND o.unit <> ALL (identity.units_of(a))
    AND o.until_at > clock_timestamp()))
  FROM identity.person p WHERE p.id = p_id AND p.kind = 'human'
$$;

-- Makes or changes a person. {hash (hex) with keys (of the national number) or person, name, user_name, external, licence, active, version (that was seen)}. A person whom others manage stays as they are.
-- is_new: refused ('taken') when the person is here already and managed.
CREATE OR REPLACE FUNCTION identity.wish_person(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE p record; v_before jsonb; v_after jsonb;
BEGIN
  SELECT * INTO p FROM identity.person x
  WHERE x.kind = 'human' AND CASE WHEN w ? 'person' THEN x.id = (w ->> 'person')::bigint ELSE x.number_hash = decode(w ->> 'hash', 'hex') END FOR UPDATE;
  subject := p.id;
  PERFORM identity.know_number(p.id, identity.keys_in(w));
  IF w ? 'person' AND p.id IS NULL THEN status := 'unknown'; RETURN; END IF;
  IF w ? 'version' AND p.version <> (w ->> 'version')::integer THEN status := 'version'; RETURN; END IF;
  IF (w ->> 'is_new')::boolean AND p.managed_by IS NOT NULL AND p.user_name IS NOT NULL THEN status := 'taken'; RETURN; END IF;
  IF EXISTS (SELECT 1 FROM identity.person x WHERE lower(x.user_name) = lower(w ->> 'user_name') AND x.id IS DISTINCT FROM p.id) THEN
    status := 'taken'; RETURN;
  END IF;
  IF p.id IS NULL THEN
    INSERT INTO identity.person (kind, number_hash, name, user_name, external, licence, managed_by)
    VALUES ('human', decode(w ->> 'hash', 'hex'), w ->> 'name', w ->> 'user_name', w ->> 'external', w ->> 'licence', a.entity) RETURNING id INTO subject;
    PERFORM identity.know_number(subject, identity.keys_in(w));
    PERFORM identity.tell(a, 'person', subject, subject, NULL, a.entity, 'added', NULL, jsonb_strip_nulls(identity.person_told(subject)));
    status := 'done'; RETURN;
  END IF;
  v_before := identity.person_told(p.id);
  IF identity.differing((w - '{hash,keys,person,is_new,version}'::text[]) - CASE WHEN p.patient IS NULL OR p.managed_by IS NOT NULL THEN '' ELSE 'name' END, v_before) = '{}' THEN
    status := 'same'; RETURN;
  END IF;
  IF identity.manages(a, p.id) IS NOT TRUE THEN
    -- Another's: it is known here by the name that it has here, and stays as it is.
    IF NOT w ? 'person' AND NOT identity.is_self(a, p.id) THEN
      UPDATE identity.person x SET user_name = coalesce(x.user_name, w ->> 'user_name'), external = coalesce(x.external, w ->> 'external')
      WHERE x.id = p.id;
    END IF;
    status := CASE WHEN w ? 'person' THEN 'scope' ELSE 'same' END; RETURN;
  END IF;
  IF a.operator = '' AND identity.is_self(a, p.id) THEN status := 'self'; RETURN; END IF;
  UPDATE identity.person x SET
    -- An inhabitant's name is the population register's until an employer answers for it; after that the same for all, so that no
    -- employer learns by it who has a record here.
    name = CASE WHEN w ? 'name' AND (x.patient IS NULL OR x.managed_by IS NOT NULL) THEN w ->> 'name' ELSE x.name END,
    user_name = CASE WHEN w ? 'user_name' THEN w ->> 'user_name' ELSE x.user_name END,
    external = CASE WHEN w ? 'external' THEN w ->> 'external' ELSE x.external END,
    licence = CASE WHEN w ? 'licence' THEN w ->> 'licence' ELSE x.licence END,
    active = CASE WHEN w ? 'active' THEN (w ->> 'active')::boolean ELSE x.active END,
    managed_by = coalesce(x.managed_by, a.entity)
  WHERE x.id = p.id;
  v_after := identity.person_told(p.id);
  status := CASE WHEN v_before = v_after THEN 'same' ELSE 'done' END;
  IF status = 'done' THEN
    PERFORM identity.changed(p.id);
    PERFORM identity.tell(a, 'person', p.id, p.id, NULL, a.entity, 'changed', identity.differing(v_before, v_after),
                          identity.differing(v_after, v_before));
  END IF;
END $$;

-- The keys of the national number in a wish.
CREATE OR REPLACE FUNCTION identity.keys_in(w jsonb) RETURNS bigint[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY(SELECT k::bigint FROM jsonb_array_elements_text(w -> 'keys') AS q (k))
$$;

CREATE OR REPLACE FUNCTION identity.changed(p_person bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE identity.person SET version = version + 1, changed_at = clock_timestamp() WHERE id = p_person
$$;

CREATE OR REPLACE FUNCTION identity.post_told(p_id bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('unit', u.name, 'role', p.role, 'licence', p.licence,
                            'from', nullif(p.from_at, '-infinity'), 'until', nullif(p.until_at, 'infinity'))
  FROM identity.post p JOIN identity.unit u ON u.id = p.unit WHERE p.id = p_id
$$;

-- Gives a post, or changes its time. {person, unit (number) or unit_code, role, licence, profession, from, until}
-- 'self': nobody gives to themselves, nor the system whose tokens they keep. Absent from: now, or as it was; absent until: no end.
CREATE OR REPLACE FUNCTION identity.wish_post(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE r record; u record; p record; o record; v_from timestamptz; v_until timestamptz; v_licence text; v_before jsonb;
BEGIN
  SELECT * INTO r FROM access.role x WHERE x.code = w ->> 'role';
  IF NOT FOUND OR (r.grants AND a.client IS NOT NULL) THEN status := 'role'; RETURN; END IF;
  SELECT * INTO u FROM identity.unit x WHERE x.id = identity.unit_of(w ->> 'unit_code', (w ->> 'unit')::bigint);
  IF NOT FOUND THEN status := 'unit'; RETURN; END IF;
  IF u.id <> ALL (identity.units_of(a)) THEN status := 'scope'; RETURN; END IF;
  SELECT * INTO p FROM identity.person x WHERE x.id = (w ->> 'person')::bigint AND x.kind = 'human';
  IF NOT FOUND THEN status := 'unknown'; RETURN; END IF;
  SELECT * INTO o FROM identity.post x WHERE x.person = p.id AND x.unit = u.id AND x.role = r.code FOR UPDATE;
  v_licence := coalesce(w ->> 'licence', o.licence, p.licence);
  IF r.needs_licence AND v_licence IS NULL THEN status := 'licence'; RETURN; END IF;
  v_from := coalesce((w ->> 'from')::timestamptz, CASE WHEN o.until_at > clock_timestamp() THEN o.from_at ELSE clock_timestamp() END);
  v_until := least(coalesce((w ->> 'until')::timestamptz, 'infinity'), u.until_at);
  IF v_from >= v_until OR v_from < u.from_at THEN status := 'period'; RETURN; END IF;
  IF o.from_at = v_from AND o.until_at = v_until AND o.licence IS NOT DISTINCT FROM v_licence THEN
    subject := o.id; status := 'same'; RETURN;
  END IF;
  IF a.operator = '' AND identity.is_self(a, p.id) THEN status := 'self'; RETURN; END IF;
  v_before := identity.post_told(o.id);
  -- Sessions of a time that is over don't come alive with the new one.
  IF o.until_at <= clock_timestamp() OR v_from > clock_timestamp() THEN PERFORM identity.end_sessions(o.id); END IF;
  INSERT INTO identity.post AS x (person, unit, role, profession, licence, from_at, until_at)
  VALUES (p.id, u.id, r.code, w ->> 'profession', v_licence, v_from, v_until)
  ON CONFLICT (person, unit, role) DO UPDATE SET profession = coalesce(excluded.profession, x.profession), licence = excluded.licence,
    from_at = excluded.from_at, until_at = excluded.until_at
  RETURNING x.id INTO subject;
  status := 'done';
  PERFORM identity.changed(p.id);
  PERFORM identity.tell(a, 'post', subject, p.id, u.id, u.entity, CASE WHEN v_before IS NULL THEN 'added' ELSE 'changed' END,
                        v_before, identity.post_told(subject));
END $$;

-- Ends the sessions of a post, and what they let apps do.
CREATE OR REPLACE FUNCTION identity.end_sessions(p_post bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE identity.app_grant SET revoked_at = clock_timestamp(), revoked_why = 'role ended' WHERE post = p_post AND revoked_at IS NULL;
  UPDATE identity.session SET ended_at = clock_timestamp() WHERE post = p_post AND ended_at IS NULL
$$;

-- Ends a post at an instant; its sessions, app grants and tokens too when that has come.
CREATE OR REPLACE FUNCTION identity.end_post(a identity.actor, p_post bigint, p_at timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE o record; v_before jsonb;
BEGIN
  SELECT p.*, u.entity INTO o FROM identity.post p JOIN identity.unit u ON u.id = p.unit WHERE p.id = p_post FOR UPDATE OF p;
  IF NOT FOUND THEN RETURN 'unknown'; END IF;
  IF o.unit <> ALL (identity.units_of(a)) THEN RETURN 'scope'; END IF;
  IF o.until_at <= least(p_at, clock_timestamp()) OR o.until_at = p_at THEN RETURN 'same'; END IF;
  -- Later than it ends is a prolonging, which is to be given.
  IF p_at > o.until_at THEN RETURN 'period'; END IF;
  v_before := identity.post_told(p_post);
  UPDATE identity.post SET until_at = greatest(p_at, clock_timestamp()) WHERE id = p_post;
  IF p_at <= clock_timestamp() THEN PERFORM identity.end_sessions(p_post); END IF;
  PERFORM identity.changed(o.person);
  PERFORM identity.tell(a, 'post', p_post, o.person, o.unit, o.entity, 'ended', v_before, identity.post_told(p_post));
  RETURN 'done';
END $$;

-- Ends a post. {post} or {person, unit or unit_code, role}, {at}
CREATE OR REPLACE FUNCTION identity.wish_end(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT p.id INTO subject FROM identity.post p
  WHERE CASE WHEN w ? 'post' THEN p.id = (w ->> 'post')::bigint
             ELSE p.person = (w ->> 'person')::bigint AND p.role = w ->> 'role'
                  AND p.unit = identity.unit_of(w ->> 'unit_code', (w ->> 'unit')::bigint) END;
  status := CASE WHEN subject IS NULL THEN 'unknown'
                 ELSE identity.end_post(a, subject, coalesce((w ->> 'at')::timestamptz, clock_timestamp())) END;
END $$;

-- The person stops here: every post within reach ends at once, with its sessions. {person}
CREATE OR REPLACE FUNCTION identity.wish_stop(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT p.id INTO subject FROM identity.person p WHERE p.id = (w ->> 'person')::bigint AND p.kind = 'human';
  IF subject IS NULL THEN status := 'unknown'; RETURN; END IF;
  PERFORM identity.end_post(a, o.id, clock_timestamp()) FROM identity.post o
  WHERE o.person = subject AND o.until_at > clock_timestamp() AND o.unit = ANY (identity.units_of(a));
  status := 'done';
  IF identity.manages(a, subject) THEN
    UPDATE identity.person SET active = false WHERE id = subject AND active;
    IF FOUND THEN
      PERFORM identity.changed(subject);
      PERFORM identity.tell(a, 'person', subject, subject, NULL, a.entity, 'ended', '{"active": true}', '{"active": false}');
    END IF;
  END IF;
END $$;

-- A unit's posts are those in a file and no others: {unit_code, keep: [[person, role], …]}. Administrators are never taken away so.
CREATE OR REPLACE FUNCTION identity.wish_complete(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  subject := identity.unit_of(w ->> 'unit_code', NULL);
  IF subject IS NULL THEN status := 'unit'; RETURN; END IF;
  IF subject <> ALL (identity.units_of(a)) THEN status := 'scope'; RETURN; END IF;
  PERFORM identity.end_post(a, p.id, clock_timestamp()) FROM identity.post p JOIN access.role r ON r.code = p.role AND NOT r.grants
  WHERE p.unit = subject AND p.until_at > clock_timestamp() AND NOT w -> 'keep' @> jsonb_build_array(jsonb_build_array(p.person, p.role));
  status := 'done';
END $$;
