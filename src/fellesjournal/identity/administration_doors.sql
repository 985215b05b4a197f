-- Administration, continued: rights and controllers, systems that bring staff in, the first administrator, what administrators see,
-- and the doors through which all of it is reached.

-- ── Rights ───────────────────────────────────────────────────────────────────────────────────────

-- Makes a right hold, or (p_set NULL) not hold, in a time. What held before holds until then, and again after.
CREATE OR REPLACE FUNCTION identity.put_right(a identity.actor, p_id bigint, p_role text, p_action text, p_set text, p_from timestamptz, p_until timestamptz)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_before jsonb;
BEGIN
  SELECT jsonb_build_object('role', p_role, 'action', p_action, 'kinds', (SELECT k.code FROM access.kind_set k WHERE k.kinds IS NOT DISTINCT FROM r.kinds))
  INTO v_before FROM access.role_rule r WHERE r.role = p_role AND r.action = p_action AND r.from_at <= p_from AND r.until_at > p_from;
  INSERT INTO access.role_rule (role, action, kinds, from_at, until_at)
  SELECT r.role, r.action, r.kinds, p_until, r.until_at FROM access.role_rule r
  WHERE r.role = p_role AND r.action = p_action AND r.from_at < p_until AND r.until_at > p_until;
  DELETE FROM access.role_rule r WHERE r.role = p_role AND r.action = p_action AND r.from_at >= p_from AND r.from_at < p_until;
  UPDATE access.role_rule r SET until_at = p_from
  WHERE r.role = p_role AND r.action = p_action AND r.from_at < p_from AND r.until_at > p_from;
  IF p_set IS NOT NULL THEN
    INSERT INTO access.role_rule (role, action, kinds, from_at, until_at)
    SELECT p_role, p_action, k.kinds, p_from, p_until FROM access.kind_set k WHERE k.code = p_set;
  END IF;
  PERFORM identity.tell(a, 'right', p_id, NULL, NULL, NULL, CASE WHEN p_set IS NULL THEN 'ended' WHEN v_before IS NULL THEN 'added' ELSE 'changed' END,
    v_before, jsonb_build_object('role', p_role, 'action', p_action, 'kinds', p_set, 'from', p_from, 'until', nullif(p_until, 'infinity')));
END $$;

-- Wishes a right changed: {role, action, kinds (a set, or null to take away), from, until}. An operator's holds at once; an
-- administrator's when another one has approved it, since rights hold everywhere. Nobody wishes for a role of their own.
CREATE OR REPLACE FUNCTION identity.wish_right(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_from timestamptz := greatest(coalesce((w ->> 'from')::timestamptz, clock_timestamp()), clock_timestamp());
        v_until timestamptz := coalesce((w ->> 'until')::timestamptz, 'infinity');
BEGIN
  IF a.client IS NOT NULL THEN status := 'scope'; RETURN; END IF;
  IF NOT EXISTS (SELECT 1 FROM access.role_offer o WHERE o.role = w ->> 'role' AND o.action = w ->> 'action') THEN status := 'offer'; RETURN; END IF;
  IF w ->> 'kinds' IS NOT NULL AND NOT EXISTS (SELECT 1 FROM access.kind_set k WHERE k.code = w ->> 'kinds') THEN status := 'kind'; RETURN; END IF;
  IF v_from >= v_until THEN status := 'period'; RETURN; END IF;
  IF identity.holds_role(a.person, w ->> 'role') THEN status := 'self'; RETURN; END IF;
  IF NOT w ? 'from' AND NOT w ? 'until' AND EXISTS (
       SELECT 1 FROM (SELECT 1) x LEFT JOIN access.role_rule r ON r.role = w ->> 'role' AND r.action = w ->> 'action'
         AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp()
       WHERE (SELECT k.code FROM access.kind_set k WHERE r.id IS NOT NULL AND k.kinds IS NOT DISTINCT FROM r.kinds) IS NOT DISTINCT FROM w ->> 'kinds') THEN
    status := 'same'; RETURN;
  END IF;
  IF a.operator <> '' THEN
    subject := 0; status := 'done';
    PERFORM identity.put_right(a, 0, w ->> 'role', w ->> 'action', w ->> 'kinds', v_from, v_until);
    RETURN;
  END IF;
  INSERT INTO access.right_wish (role, action, kind_set, from_at, until_at, wished_by)
  VALUES (w ->> 'role', w ->> 'action', w ->> 'kinds', v_from, v_until, a.person) RETURNING id INTO subject;
  status := 'done';
END $$;

-- Does this person hold the role anywhere, now or later?
CREATE OR REPLACE FUNCTION identity.holds_role(p_person bigint, p_role text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM identity.post p WHERE p.person = p_person AND p.role = p_role AND p.until_at > clock_timestamp())
$$;

-- Another administrator decides: {wish, approve}. Whoever wished may take it back, and approves nothing of their own.
CREATE OR REPLACE FUNCTION identity.wish_decision(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE x record; v_approve boolean := coalesce((w ->> 'approve')::boolean, false);
BEGIN
  subject := (w ->> 'wish')::bigint;
  SELECT * INTO x FROM access.right_wish r WHERE r.id = subject AND r.decision IS NULL FOR UPDATE;
  IF NOT FOUND THEN status := 'unknown'; RETURN; END IF;
  IF a.client IS NOT NULL THEN status := 'scope'; RETURN; END IF;
  IF v_approve AND (x.wished_by = a.person OR identity.holds_role(a.person, x.role)) THEN status := 'self'; RETURN; END IF;
  IF v_approve AND x.until_at <= clock_timestamp() THEN status := 'period'; RETURN; END IF;
  UPDATE access.right_wish SET decided_by = a.person, decided_at = clock_timestamp(),
    decision = CASE WHEN v_approve THEN 'approved' ELSE 'refused' END WHERE id = subject;
  IF v_approve THEN
    PERFORM identity.put_right(a, subject, x.role, x.action, x.kind_set, greatest(x.from_at, clock_timestamp()), x.until_at);
  END IF;
  status := 'done';
END $$;

-- ── Controllers ──────────────────────────────────────────────────────────────────────────────────

-- Says who is responsible: {municipality, kind or null, controller (a unit's code), model, from, until}. Operators alone.
CREATE OR REPLACE FUNCTION identity.wish_controllership(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_controller bigint := identity.unit_of(w ->> 'controller', NULL); v_from timestamptz := coalesce((w ->> 'from')::timestamptz, '-infinity');
        v_until timestamptz := coalesce((w ->> 'until')::timestamptz, 'infinity'); c record; v_before jsonb;
BEGIN
  IF a.operator = '' THEN status := 'scope'; RETURN; END IF;
  IF v_controller IS NULL THEN status := 'unit'; RETURN; END IF;
  IF v_from >= v_until THEN status := 'period'; RETURN; END IF;
  SELECT * INTO c FROM identity.controllership x
  WHERE x.municipality = w ->> 'municipality' AND x.kind IS NOT DISTINCT FROM w ->> 'kind' AND x.from_at = v_from FOR UPDATE;
  subject := c.id;
  IF c.controller = v_controller AND c.model = (w ->> 'model')::smallint AND c.until_at = v_until THEN status := 'same'; RETURN; END IF;
  IF c.id IS NOT NULL THEN
    v_before := jsonb_build_object('controller', (SELECT u.code FROM identity.unit u WHERE u.id = c.controller), 'model', c.model, 'until', nullif(c.until_at, 'infinity'));
    UPDATE identity.controllership SET controller = v_controller, model = (w ->> 'model')::smallint, until_at = v_until WHERE id = c.id;
  ELSE
    -- One after the other: what held until now ends when this begins.
    UPDATE identity.controllership x SET until_at = v_from
    WHERE x.municipality = w ->> 'municipality' AND x.kind IS NOT DISTINCT FROM w ->> 'kind' AND x.from_at < v_from AND x.until_at > v_from;
    INSERT INTO identity.controllership (municipality, kind, controller, model, from_at, until_at)
    VALUES (w ->> 'municipality', w ->> 'kind', v_controller, (w ->> 'model')::smallint, v_from, v_until) RETURNING id INTO subject;
  END IF;
  PERFORM identity.keep_controllers();
  PERFORM identity.tell(a, 'controllership', subject, NULL, NULL, NULL, CASE WHEN c.id IS NULL THEN 'added' ELSE 'changed' END, v_before,
                        (w - 'do') || jsonb_build_object('from', nullif(v_from, '-infinity'), 'until', nullif(v_until, 'infinity')));
  status := 'done';
END $$;

-- ── Systems that bring staff in ──────────────────────────────────────────────────────────────────

-- A system of the administrator's own unit: {name, until} makes one, {client} ends one, with its tokens, at once.
CREATE OR REPLACE FUNCTION identity.wish_client(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_person bigint; c record;
BEGIN
  IF a.client IS NOT NULL OR a.person IS NULL THEN status := 'scope'; RETURN; END IF;
  IF w ? 'client' THEN
    subject := (w ->> 'client')::bigint;
    UPDATE identity.scim_client x SET ended_at = clock_timestamp()
    FROM identity.unit u WHERE x.id = subject AND u.id = x.unit AND u.entity = a.entity AND x.ended_at IS NULL RETURNING x.* INTO c;
    IF c.id IS NULL THEN status := 'unknown'; RETURN; END IF;
    UPDATE identity.session SET ended_at = clock_timestamp() WHERE person = c.person AND ended_at IS NULL;
    PERFORM identity.tell(a, 'client', subject, NULL, c.unit, a.entity, 'ended', jsonb_build_object('name', c.name), NULL);
    status := 'done'; RETURN;
  END IF;
  IF (w ->> 'until')::timestamptz <= clock_timestamp() OR (w ->> 'until')::timestamptz > clock_timestamp() + interval '366 days' THEN
    status := 'period'; RETURN;
  END IF;
  INSERT INTO identity.person (kind, name, managed_by) VALUES ('system', w ->> 'name', a.entity) RETURNING id INTO v_person;
  INSERT INTO identity.scim_client (name, person, unit, until_at) VALUES (w ->> 'name', v_person, a.unit, (w ->> 'until')::timestamptz) RETURNING id INTO subject;
  INSERT INTO identity.scim_keeper (client, person) VALUES (subject, a.person);
  PERFORM identity.tell(a, 'client', subject, NULL, a.unit, a.entity, 'added', NULL, w - 'do');
  status := 'done';
END $$;

-- A token of such a system: a session with the purpose SCIM and no right to any record. Whoever makes one keeps it, and is given
-- nothing by it from then on. The one before ends. NULL: not an administrator's, or no such system.
CREATE OR REPLACE FUNCTION identity.scim_token(p_secret bytea, p_client bigint, p_hash bytea) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a identity.actor; c record;
BEGIN
  SELECT * INTO a FROM identity.acting(p_secret);
  SELECT x.* INTO c FROM identity.scim_client x JOIN identity.unit u ON u.id = x.unit
  WHERE x.id = p_client AND u.entity = a.entity AND a.client IS NULL AND x.ended_at IS NULL AND x.until_at > clock_timestamp() FOR UPDATE OF x;
  IF c.id IS NULL THEN RETURN NULL; END IF;
  INSERT INTO identity.scim_keeper (client, person) VALUES (p_client, a.person) ON CONFLICT DO NOTHING;
  UPDATE identity.session SET ended_at = clock_timestamp() WHERE person = c.person AND ended_at IS NULL;
  INSERT INTO identity.session (secret_hash, kind, person, unit, role, level, purpose, idle_s, expires_at, device)
  VALUES (p_hash, 'system', c.person, c.unit, 'scim', 4, 'SCIM', 40000000, c.until_at, 'scim');
  PERFORM identity.tell(a, 'client', p_client, NULL, c.unit, a.entity, 'changed', NULL, jsonb_build_object('name', c.name, 'token', 'new'));
  RETURN c.until_at;
END $$;

-- ── The first administrator ──────────────────────────────────────────────────────────────────────

-- One operator proposes, another confirms within a day. Only where the legal entity has no administrator: after that they appoint each other.
-- 'done', 'unit', or 'there' (there is an administrator).
CREATE OR REPLACE FUNCTION identity.propose_administrator(p_operator text, p_code_hash bytea, p_number_hash bytea, p_name text, p_unit text)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE u record;
BEGIN
  SELECT x.* INTO u FROM identity.unit x WHERE x.id = coalesce(identity.unit_of(p_unit, NULL), identity.unit_named(p_unit));
  IF NOT FOUND THEN RETURN 'unit'; END IF;
  IF identity.has_administrator(u.entity) THEN RETURN 'there'; END IF;
  INSERT INTO identity.proposal (code_hash, number_hash, name, unit, proposed_by) VALUES (p_code_hash, p_number_hash, p_name, u.id, p_operator);
  RETURN 'done';
END $$;

CREATE OR REPLACE FUNCTION identity.has_administrator(p_entity bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM identity.post p JOIN identity.unit u ON u.id = p.unit
                 WHERE p.role = 'administrator' AND u.entity = p_entity AND p.from_at <= clock_timestamp() AND p.until_at > clock_timestamp())
$$;

-- 'done'; 'code' (wrong, old or used), 'same' (the operator who proposed it), 'there'.
CREATE OR REPLACE FUNCTION identity.confirm_administrator(p_operator text, p_code_hash bytea)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE x record; a identity.actor; r record;
BEGIN
  SELECT p.*, u.entity INTO x FROM identity.proposal p JOIN identity.unit u ON u.id = p.unit
  WHERE p.code_hash = p_code_hash AND p.used_at IS NULL AND p.until_at > clock_timestamp() FOR UPDATE OF p;
  IF NOT FOUND THEN RETURN 'code'; END IF;
  IF lower(x.proposed_by) = lower(p_operator) THEN RETURN 'same'; END IF;
  IF identity.has_administrator(x.entity) THEN RETURN 'there'; END IF;
  UPDATE identity.proposal SET used_at = clock_timestamp() WHERE id = x.id;
  a := ROW(NULL, NULL, NULL, x.entity, NULL, x.proposed_by || ' + ' || p_operator)::identity.actor;
  SELECT * INTO r FROM identity.wish_person(a, jsonb_build_object('hash', encode(x.number_hash, 'hex'), 'name', x.name));
  PERFORM identity.wish_post(a, jsonb_build_object('person', r.subject, 'unit', x.unit, 'role', 'administrator'));
  RETURN 'done';
END $$;

-- ── The doors ────────────────────────────────────────────────────────────────────────────────────

CREATE OR REPLACE FUNCTION identity.carry_out(a identity.actor, w jsonb, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE r record;
BEGIN
  CASE w ->> 'do'
    WHEN 'unit' THEN SELECT * INTO r FROM identity.wish_unit(a, w - 'do');
    WHEN 'person' THEN SELECT * INTO r FROM identity.wish_person(a, w - 'do');
    WHEN 'post' THEN SELECT * INTO r FROM identity.wish_post(a, w - 'do');
    WHEN 'end' THEN SELECT * INTO r FROM identity.wish_end(a, w - 'do');
    WHEN 'stop' THEN SELECT * INTO r FROM identity.wish_stop(a, w - 'do');
    WHEN 'complete' THEN SELECT * INTO r FROM identity.wish_complete(a, w - 'do');
    WHEN 'right' THEN SELECT * INTO r FROM identity.wish_right(a, w - 'do');
    WHEN 'decision' THEN SELECT * INTO r FROM identity.wish_decision(a, w - 'do');
    WHEN 'controllership' THEN SELECT * INTO r FROM identity.wish_controllership(a, w - 'do');
    WHEN 'client' THEN SELECT * INTO r FROM identity.wish_client(a, w - 'do');
    WHEN 'known' THEN SELECT * INTO r FROM identity.wish_known(a, w - 'do');
    WHEN 'review' THEN SELECT * INTO r FROM identity.wish_review(a, w - 'do');
  END CASE;
  status := r.status; subject := r.subject;
END $$;

-- One wish by whoever this secret lets act: 'done', 'same', 'nobody', or why not. The caller rolls back what is refused.
CREATE OR REPLACE FUNCTION identity.administer(p_secret bytea, p_wish text, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a identity.actor; r record;
BEGIN
  SELECT * INTO a FROM identity.acting(p_secret);
  IF NOT FOUND THEN status := 'nobody'; RETURN; END IF;
  SELECT * INTO r FROM identity.carry_out(a, p_wish::jsonb);
  status := r.status; subject := r.subject;
END $$;

-- The same by an operator on the server, who is named.
CREATE OR REPLACE FUNCTION identity.administer_as_operator(p_operator text, p_wish text, OUT status text, OUT subject bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE r record;
BEGIN
  IF coalesce(p_operator, '') = '' THEN status := 'nobody'; RETURN; END IF;
  -- Administrators are appointed by two operators, or by one another.
  IF p_wish::jsonb ->> 'do' = 'post' AND p_wish::jsonb ->> 'role' IN (SELECT x.code FROM access.role x WHERE x.grants) THEN
    status := 'role'; RETURN;
  END IF;
  SELECT * INTO r FROM identity.carry_out(ROW(NULL, NULL, NULL, NULL, NULL, p_operator)::identity.actor, p_wish::jsonb);
  status := r.status; subject := r.subject;
END $$;

-- What this transaction has changed, in order: the difference that a file or a page makes.
CREATE OR REPLACE FUNCTION identity.changed_now()
RETURNS TABLE (subject text, subject_id bigint, about_name text, did text, before text, after text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.subject, c.subject_id, p.name, c.did, c.before::text, c.after::text
  FROM identity.change c LEFT JOIN identity.person p ON p.id = c.about WHERE c.batch = txid_current() ORDER BY c.id
$$;

-- ── What administrators see ──────────────────────────────────────────────────────────────────────

-- The staff within reach, by number; p_words: the beginnings of names, all of which must be there. posts: those within reach, as JSON.
CREATE OR REPLACE FUNCTION identity.staff(p_secret bytea, p_id bigint, p_user_name text, p_words text[], p_after bigint, p_limit integer)
RETURNS TABLE (id bigint, name text, user_name text, external text, licence text, active boolean, version integer, made_at timestamptz,
               changed_at timestamptz, is_managed boolean, is_self boolean, posts text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH who AS MATERIALIZED (SELECT a, identity.units_of(a) AS units FROM identity.acting(p_secret) a)
  SELECT p.id, p.name, p.user_name, p.external, p.licence, p.active, p.version, p.made_at, p.changed_at, identity.manages(w.a, p.id),
         identity.is_self(w.a, p.id),
         (SELECT coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'unit', o.unit, 'unit_code', u.code, 'unit_name', u.name, 'role', o.role,
                   'from', nullif(o.from_at, '-infinity'), 'until', nullif(o.until_at, 'infinity'), 'licence', o.licence,
                   'is_live', o.from_at <= clock_timestamp() AND o.until_at > clock_timestamp(), 'is_over', o.until_at <= clock_timestamp())
                   ORDER BY o.until_at DESC, u.name, o.role), '[]')
          FROM identity.post o JOIN identity.unit u ON u.id = o.unit WHERE o.person = p.id AND o.unit = ANY (w.units))::text
  FROM who w CROSS JOIN identity.person p
  WHERE p.kind = 'human' AND p.id > p_after AND (p_id IS NULL OR p.id = p_id) AND (p_user_name IS NULL OR lower(p.user_name) = lower(p_user_name))
    AND (p.managed_by = (w.a).entity OR EXISTS (SELECT 1 FROM identity.post o WHERE o.person = p.id AND o.unit = ANY (w.units)))
    AND NOT EXISTS (SELECT 1 FROM unnest(p_words) AS q (word) WHERE NOT EXISTS (
      SELECT 1 FROM unnest(string_to_array(lower(p.name), ' ')) AS n (part) WHERE starts_with(n.part, lower(q.word))))
  ORDER BY p.id LIMIT p_limit
$$;

-- How many people are within reach.
CREATE OR REPLACE FUNCTION identity.staff_count(p_secret bytea) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH who AS MATERIALIZED (SELECT a, identity.units_of(a) AS units FROM identity.acting(p_secret) a)
  SELECT count(*) FROM who w CROSS JOIN identity.person p WHERE p.kind = 'human'
    AND (p.managed_by = (w.a).entity OR EXISTS (SELECT 1 FROM identity.post o WHERE o.person = p.id AND o.unit = ANY (w.units)))
$$;

-- The units within reach, by name; people: how many hold a post there now.
CREATE OR REPLACE FUNCTION identity.units(p_secret bytea)
RETURNS TABLE (id bigint, code text, name text, kind text, parent bigint, municipality text, controller_name text, model smallint,
               from_at timestamptz, until_at timestamptz, people bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT u.id, u.code, u.name, u.kind, CASE WHEN u.parent = ANY (w.units) THEN u.parent END, u.municipality, c.name,
         (SELECT x.model FROM identity.controllership x WHERE x.municipality = u.municipality AND (x.kind IS NULL OR x.kind = u.kind)
          AND x.from_at <= clock_timestamp() AND x.until_at > clock_timestamp() ORDER BY x.kind NULLS LAST, x.from_at DESC LIMIT 1),
         nullif(u.from_at, '-infinity'), nullif(u.until_at, 'infinity'),
         (SELECT count(DISTINCT p.person) FROM identity.post p WHERE p.unit = u.id AND p.from_at <= clock_timestamp() AND p.until_at > clock_timestamp())
  FROM (SELECT identity.units_of(a) AS units FROM identity.acting(p_secret) a) w
  JOIN identity.unit u ON u.id = ANY (w.units) LEFT JOIN identity.unit c ON c.id = u.controller
  ORDER BY u.name, u.id
$$;

-- The roles that can be given, in order; to whoever acts.
CREATE OR REPLACE FUNCTION identity.roles(p_secret bytea)
RETURNS TABLE (code text, name_nb text, name_nn text, name_en text, needs_licence boolean, grants boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.code, r.name_nb, r.name_nn, r.name_en, r.needs_licence, r.grants FROM identity.acting(p_secret) a, access.role r
  WHERE a.client IS NULL OR NOT r.grants ORDER BY r.rank
$$;

-- What may be given to each role, and what it has now and later; kinds NULL: nothing.
CREATE OR REPLACE FUNCTION identity.rights(p_secret bytea)
RETURNS TABLE (role text, action text, kinds text, name_nb text, name_nn text, name_en text, from_at timestamptz, until_at timestamptz, is_live boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.role, o.action, k.code, k.name_nb, k.name_nn, k.name_en, nullif(r.from_at, '-infinity'), nullif(r.until_at, 'infinity'),
         coalesce(r.from_at <= clock_timestamp(), true)
  FROM identity.acting(p_secret) a CROSS JOIN access.role_offer o JOIN access.role x ON x.code = o.role
  LEFT JOIN access.role_rule r ON r.role = o.role AND r.action = o.action AND r.until_at > clock_timestamp()
  LEFT JOIN access.kind_set k ON r.id IS NOT NULL AND k.kinds IS NOT DISTINCT FROM r.kinds
  WHERE a.client IS NULL ORDER BY x.rank, o.action, r.from_at
$$;

-- The sets of kinds that a right may be limited to.
CREATE OR REPLACE FUNCTION identity.kind_sets(p_secret bytea)
RETURNS TABLE (code text, name_nb text, name_nn text, name_en text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.code, k.name_nb, k.name_nn, k.name_en FROM identity.acting(p_secret) a, access.kind_set k ORDER BY k.rank
$$;

-- Rights that somebody wishes changed, and nobody has decided.
CREATE OR REPLACE FUNCTION identity.right_wishes(p_secret bytea)
RETURNS TABLE (id bigint, role text, action text, kinds text, from_at timestamptz, until_at timestamptz, wished_by text, wished_at timestamptz, is_own boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT w.id, w.role, w.action, w.kind_set, w.from_at, nullif(w.until_at, 'infinity'), p.name, w.wished_at, w.wished_by = a.person
  FROM identity.acting(p_secret) a, access.right_wish w JOIN identity.person p ON p.id = w.wished_by
  WHERE w.decision IS NULL AND a.client IS NULL ORDER BY w.id
$$;

-- The systems of the own legal entity that bring staff in.
CREATE OR REPLACE FUNCTION identity.scim_clients(p_secret bytea)
RETURNS TABLE (id bigint, name text, unit_name text, made_at timestamptz, until_at timestamptz, seen_at timestamptz, keepers text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.id, c.name, u.name, c.made_at, c.until_at,
         (SELECT max(s.seen_at) FROM identity.session s WHERE s.person = c.person AND s.ended_at IS NULL),
         ARRAY(SELECT p.name FROM identity.scim_keeper k JOIN identity.person p ON p.id = k.person WHERE k.client = c.id ORDER BY p.name)
  FROM identity.acting(p_secret) a JOIN identity.unit u ON u.entity = a.entity JOIN identity.scim_client c ON c.unit = u.id
  WHERE a.client IS NULL AND c.ended_at IS NULL ORDER BY c.name, c.id
$$;

-- What was changed within reach, newest first, before one (0: from the newest); of one person alone when one is named.
CREATE OR REPLACE FUNCTION identity.changes(p_secret bytea, p_before bigint, p_about bigint, p_limit integer)
RETURNS TABLE (id bigint, at timestamptz, by_name text, operator text, subject text, about bigint, about_name text, unit_name text, did text,
               before text, after text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.id, c.at, coalesce(b.name, ''), c.operator, c.subject, c.about, p.name, u.name, c.did, c.before::text, c.after::text
  FROM identity.acting(p_secret) a
  JOIN identity.change c ON (c.entity IS NULL OR c.entity = a.entity OR c.unit = ANY (identity.units_of(a))) AND (p_before = 0 OR c.id < p_before)
    AND (p_about IS NULL OR c.about = p_about)
  LEFT JOIN identity.person b ON b.id = c.person LEFT JOIN identity.person p ON p.id = c.about LEFT JOIN identity.unit u ON u.id = c.unit
  WHERE a.client IS NULL ORDER BY c.id DESC LIMIT least(p_limit, 200)
$$;

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'identity'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO fj_owner', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION identity.administer(bytea, text), identity.staff(bytea, bigint, text, text[], bigint, integer), identity.staff_count(bytea),
  identity.units(bytea), identity.roles(bytea), identity.rights(bytea), identity.kind_sets(bytea), identity.right_wishes(bytea),
  identity.scim_clients(bytea), identity.changes(bytea, bigint, bigint, integer), identity.changed_now() TO fj_web;
GRANT EXECUTE ON FUNCTION identity.scim_token(bytea, bigint, bytea) TO fj_signin;
GRANT EXECUTE ON FUNCTION identity.administer_as_operator(text, text), identity.changed_now(),
  identity.propose_administrator(text, bytea, bytea, text, text), identity.confirm_administrator(text, bytea),
  identity.keep_controllers() TO fj_migrate;
GRANT EXECUTE ON FUNCTION identity.keep_controllers() TO fj_worker;
GRANT EXECUTE ON FUNCTION identity.tell(identity.actor, text, bigint, bigint, bigint, bigint, text, jsonb, jsonb) TO access_core;
