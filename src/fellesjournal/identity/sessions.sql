-- Sign-in's own functions. fj_signin alone may start a session; web and worker may only use and end one.

-- Does this app's grant hold: not taken back, not over, the app still approved, the session that it stands on still open?
CREATE OR REPLACE FUNCTION identity.grant_lives(p_grant bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM identity.app_grant g JOIN identity.app a ON a.id = g.app
    WHERE g.id = p_grant AND g.revoked_at IS NULL AND g.until_at > clock_timestamp() AND a.status = 'approved'
      AND (g.session IS NULL OR EXISTS (
        SELECT 1 FROM identity.session o WHERE o.id = g.session AND o.ended_at IS NULL AND o.expires_at > clock_timestamp()
          AND o.seen_at + make_interval(secs => o.idle_s) > clock_timestamp())));
END $$;

-- May this person still act for this patient? A session that acts for another dies with the fact: fullmakt taken back, a parent's
-- responsibility ended, a sixteenth birthday.
CREATE OR REPLACE FUNCTION identity.still_acts(p_person bigint, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN access.represents(p_person, p_patient);
END $$;

-- The sessions that are valid now, with what a decision needs of them. A session dies with its post (role end), by idling, by age,
-- by sign-out; an app's session with its grant too; one that acts for another with what lets it.
-- A subplan for the grant cost every request 12 µs; few sessions are an app's.
CREATE OR REPLACE VIEW identity.live AS
  SELECT s.id, s.secret_hash, s.kind, s.person, s.post, s.unit, s.role, s.level, s.purpose, s.patient, s.device,
         u.controller, u.kind AS unit_kind, s.expires_at, s.app, p.licence, s.on_behalf, u.sphere,
         CASE WHEN s.app IS NOT NULL THEN coalesce(s.app_may, '{}') END AS app_may
  FROM identity.session s
  LEFT JOIN identity.unit u ON u.id = s.unit
  LEFT JOIN identity.post p ON p.id = s.post
  WHERE s.ended_at IS NULL AND s.expires_at > clock_timestamp()
    AND s.seen_at + make_interval(secs => s.idle_s) > clock_timestamp()
    AND (s.post IS NULL OR (p.from_at <= clock_timestamp() AND p.until_at > clock_timestamp()))
    AND CASE WHEN s.app_grant IS NULL THEN true ELSE identity.grant_lives(s.app_grant) END
    AND CASE WHEN s.on_behalf THEN identity.still_acts(s.person, s.patient) ELSE true END;

-- The person behind a national id (keyed hash), or nothing.
CREATE OR REPLACE FUNCTION identity.find_person(p_number_hash bytea)
RETURNS TABLE (person bigint, name text, practitioner bigint, patient bigint, patient_slot smallint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.id, p.name, p.practitioner, p.patient, p.patient_slot
  FROM identity.person p WHERE p.number_hash = p_number_hash
$$;

-- The patient that a person is; NULL for one without a record here.
CREATE OR REPLACE FUNCTION identity.own_record(p_person bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.patient FROM identity.person p WHERE p.id = p_person
$$;

-- The posts that a person can act in now, by unit name.
CREATE OR REPLACE FUNCTION identity.posts_of(p_person bigint)
RETURNS TABLE (post bigint, unit bigint, unit_name text, unit_kind text, role text, until_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.id, u.id, u.name, u.kind, p.role, p.until_at
  FROM identity.post p JOIN identity.unit u ON u.id = p.unit
  WHERE p.person = p_person AND p.from_at <= clock_timestamp() AND p.until_at > clock_timestamp()
  ORDER BY u.name, p.role
$$;

-- What staff of a role are there for (HL7 v3 PurposeOfUse): to treat, or to see that access was used rightly.
CREATE OR REPLACE FUNCTION identity.purpose_of(p_role text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT CASE p_role WHEN 'reviewer' THEN 'HCOMPL' ELSE 'TREAT' END $$;

-- Ends what this person left: staff sessions that have idled or lasted too long, which open nothing already. With a session ends what was
-- chosen in it (access.end_choices_of_session), which else would go on in the person's other sessions.
CREATE OR REPLACE FUNCTION identity.end_left(p_person bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE identity.session s SET ended_at = clock_timestamp()
  WHERE s.person = p_person AND s.ended_at IS NULL AND s.kind = 'staff'
    AND (s.expires_at <= clock_timestamp() OR s.seen_at + make_interval(secs => s.idle_s) <= clock_timestamp())
$$;

-- Starts a staff session in one post. The post must be the person's own and valid.
CREATE OR REPLACE FUNCTION identity.start_staff(p_secret_hash bytea, p_person bigint, p_post bigint, p_level smallint,
                                                p_idle_s integer, p_max_s integer, p_device text)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT identity.end_left(p_person);
  INSERT INTO identity.session (secret_hash, kind, person, post, unit, role, purpose, level, idle_s, expires_at, device)
  SELECT p_secret_hash, 'staff', p.person, p.id, p.unit, p.role, identity.purpose_of(p.role), p_level, p_idle_s,
         least(clock_timestamp() + make_interval(secs => p_max_s), p.until_at), p_device
  FROM identity.post p
  WHERE p.id = p_post AND p.person = p_person AND p_level >= 4
    AND p.from_at <= clock_timestamp() AND p.until_at > clock_timestamp()
  RETURNING id
$$;

-- Starts a citizen's session on the own record.
CREATE OR REPLACE FUNCTION identity.start_citizen(p_secret_hash bytea, p_person bigint, p_level smallint,
                                                  p_idle_s integer, p_max_s integer, p_device text)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.session (secret_hash, kind, person, role, level, purpose, patient, idle_s, expires_at, device)
  SELECT p_secret_hash, 'citizen', p.id, 'innbygger', p_level, 'PATRQT', p.patient, p_idle_s,
         clock_timestamp() + make_interval(secs => p_max_s), p_device
  FROM identity.person p
  WHERE p.id = p_person AND p.patient IS NOT NULL AND p_level >= 4
  RETURNING id
$$;

-- Starts a session of a system, named by the keyed hash of its name: the key is not in the database, so a role's password
-- alone starts none. Only one with a live grant, and never past the grant's end.
CREATE OR REPLACE FUNCTION identity.start_system(p_secret_hash bytea, p_name_hash bytea, p_unit bigint, p_purpose text,
                                                 p_max_s integer, p_device text)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.session (secret_hash, kind, person, unit, role, level, purpose, idle_s, expires_at, device)
  SELECT p_secret_hash, 'system', p.id, p_unit, 'system', 4, p_purpose, p_max_s,
         least(clock_timestamp() + make_interval(secs => p_max_s), g.until_at), p_device
  FROM identity.person p JOIN access.system_grant g ON g.person = p.id AND g.purpose = p_purpose
  WHERE p.number_hash = p_name_hash AND p.kind = 'system' AND g.until_at > clock_timestamp()
  RETURNING id
$$;

-- The system of a name (keyed hash) and the unit that it acts in, for a worker that starts its own sessions.
CREATE OR REPLACE FUNCTION identity.find_system(p_name_hash bytea)
RETURNS TABLE (person bigint, unit bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.id, o.unit FROM identity.person p JOIN identity.post o ON o.person = p.id
  WHERE p.number_hash = p_name_hash AND p.kind = 'system' AND o.role = 'system'
$$;

-- Who holds this secret: nothing if the session is not valid.
-- Marks the session as seen, at most once a minute, and at least four times in the time that it may idle; then the same person's sessions
-- that were left end, so that nothing chosen in one of them lasts a minute longer than it.
CREATE OR REPLACE FUNCTION identity.who(p_secret bytea)
RETURNS TABLE (session bigint, kind text, person bigint, name text, post bigint, unit bigint, unit_name text, unit_kind text,
               role text, purpose text, patient bigint, patient_slot smallint, practitioner bigint, practitioner_role bigint,
               expires_at timestamptz, idle_s integer, app bigint, client_id text, app_name text, app_scopes text, app_patient bigint,
               app_patient_slot smallint, is_bound boolean, jkt text, acts_for text, acts_as text, acts_on text, may_act boolean,
               acts_until timestamptz, acts_types text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_person bigint;
BEGIN
  RETURN QUERY
    SELECT l.id, l.kind, l.person, p.name, l.post, l.unit, u.name, l.unit_kind, l.role, l.purpose,
           CASE l.kind WHEN 'citizen' THEN l.patient END, CASE WHEN l.on_behalf THEN w.patient_slot ELSE p.patient_slot END, p.practitioner, o.practitioner_role, l.expires_at, s.idle_s,
           l.app, a.client_id, a.name, s.app_scopes, g.patient, g.patient_slot, g.is_bound, g.jkt,
           w.name, x.relation, x.ground, x.may_act, x.until_at, x.types
    FROM identity.live l
    JOIN identity.person p ON p.id = l.person
    JOIN identity.session s ON s.id = l.id
    LEFT JOIN identity.unit u ON u.id = l.unit
    LEFT JOIN identity.post o ON o.id = l.post
    LEFT JOIN identity.app_grant g ON g.id = s.app_grant
    LEFT JOIN identity.app a ON a.id = g.app
    LEFT JOIN identity.person w ON l.on_behalf AND w.patient = l.patient
    LEFT JOIN LATERAL (SELECT y.* FROM access.acting(l.person, l.patient) y WHERE l.on_behalf) x ON true
    WHERE l.secret_hash = sha256(p_secret);
  IF FOUND THEN
    UPDATE identity.session s SET seen_at = clock_timestamp()
    WHERE s.secret_hash = sha256(p_secret)
      AND s.seen_at < clock_timestamp() - make_interval(secs => least(60, s.idle_s / 4.0)) RETURNING s.person INTO v_person;
    IF v_person IS NOT NULL THEN PERFORM identity.end_left(v_person); END IF;
  END IF;
END $$;

-- Seconds until the session ends if nothing more is done in it; nothing if it is not valid. Does not extend it.
CREATE OR REPLACE FUNCTION identity.seconds_left(p_secret bytea)
RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT floor(extract(epoch FROM least(l.expires_at, s.seen_at + make_interval(secs => s.idle_s)) - clock_timestamp()))::integer
  FROM identity.live l JOIN identity.session s ON s.id = l.id
  WHERE l.secret_hash = sha256(p_secret)
$$;

-- Marks a valid session as seen now, because its holder asked for more time.
CREATE OR REPLACE FUNCTION identity.extend(p_secret bytea)
RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH seen AS (UPDATE identity.session s SET seen_at = clock_timestamp()
                FROM identity.live l WHERE l.id = s.id AND l.secret_hash = sha256(p_secret) RETURNING 1)
  SELECT EXISTS (SELECT 1 FROM seen)
$$;

-- From one post to another of the same person: the old session ends and the new one starts, both or neither.
-- The new one never outlives the old one's age, so that switching can't put off the next sign-in.
CREATE OR REPLACE FUNCTION identity.switch_staff(p_secret bytea, p_new_hash bytea, p_post bigint, p_idle_s integer, p_device text)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH old AS (UPDATE identity.session s SET ended_at = clock_timestamp()
               FROM identity.live l JOIN identity.post p ON p.person = l.person
               WHERE l.id = s.id AND l.secret_hash = sha256(p_secret) AND l.kind = 'staff' AND p.id = p_post
                 AND p.from_at <= clock_timestamp() AND p.until_at > clock_timestamp()
               RETURNING s.person, s.level, s.expires_at, p.id AS post, p.unit, p.role, p.until_at)
  INSERT INTO identity.session (secret_hash, kind, person, post, unit, role, purpose, level, idle_s, expires_at, device)
  SELECT p_new_hash, 'staff', o.person, o.post, o.unit, o.role, identity.purpose_of(o.role), o.level, p_idle_s, least(o.expires_at, o.until_at), p_device
  FROM old o
  RETURNING id
$$;

-- From a citizen's record to the record of somebody whom they act for, or back: the old session ends and the new one starts, both or
-- neither, so that nothing of one is opened by the other. NULL when they may not act for this patient.
CREATE OR REPLACE FUNCTION identity.switch_citizen(p_secret bytea, p_new_hash bytea, p_patient bigint, p_device text)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH old AS (UPDATE identity.session s SET ended_at = clock_timestamp()
               FROM identity.session o JOIN identity.person p ON p.id = o.person
               WHERE o.id = s.id AND o.secret_hash = sha256(p_secret) AND o.kind = 'citizen' AND o.app IS NULL AND o.ended_at IS NULL
                 AND o.expires_at > clock_timestamp() AND o.seen_at + make_interval(secs => o.idle_s) > clock_timestamp()
                 AND (p.patient = p_patient OR identity.still_acts(p.id, p_patient))
               RETURNING s.person, s.level, s.idle_s, s.expires_at, p.patient)
  INSERT INTO identity.session (secret_hash, kind, person, role, level, purpose, patient, on_behalf, idle_s, expires_at, device)
  SELECT p_new_hash, 'citizen', o.person, 'innbygger', o.level, CASE WHEN o.patient = p_patient THEN 'PATRQT' ELSE 'FAMRQT' END, p_patient,
         o.patient IS DISTINCT FROM p_patient, o.idle_s, o.expires_at, p_device
  FROM old o
  RETURNING id
$$;

-- The own record of somebody whose session acted for another, when that alone has ended: the fact behind it, not the session's time. NULL else.
CREATE OR REPLACE FUNCTION identity.acting_over(p_secret bytea)
RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.patient FROM identity.session s JOIN identity.person p ON p.id = s.person
  WHERE s.secret_hash = sha256(p_secret) AND s.on_behalf AND s.app IS NULL AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
    AND s.seen_at + make_interval(secs => s.idle_s) > clock_timestamp() AND NOT identity.still_acts(s.person, s.patient)
$$;

-- True the first time a digest comes, false ever after while it is valid. Rows that ran out go on the way.
CREATE OR REPLACE FUNCTION identity.use_once(p_digest bytea, p_ttl_s integer)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM identity.used_once u WHERE u.until_at < clock_timestamp();
  INSERT INTO identity.used_once (digest, until_at) VALUES (p_digest, clock_timestamp() + make_interval(secs => p_ttl_s))
  ON CONFLICT (digest) DO NOTHING;
  RETURN FOUND;
END $$;

-- Ends the session: sign-out, or a switch of context. Answers whether it was alive.
CREATE OR REPLACE FUNCTION identity.end_session(p_secret bytea)
RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH ended AS (UPDATE identity.session SET ended_at = clock_timestamp()
                 WHERE secret_hash = sha256(p_secret) AND ended_at IS NULL RETURNING 1)
  SELECT EXISTS (SELECT 1 FROM ended)
$$;

-- Units, people, posts and grants come from the loader (demo) or the administrator's file.
CREATE OR REPLACE FUNCTION identity.put_unit(p_id bigint, p_name text, p_kind text, p_controller bigint, p_municipality text)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO identity.unit (id, name, kind, entity, controller, municipality, sphere)
  SELECT p_id, p_name, p_kind, p_controller, r.controller, p_municipality, r.sphere
  FROM identity.responsible(p_municipality, p_kind, p_controller) r
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, entity = excluded.entity, controller = excluded.controller,
                                 municipality = excluded.municipality, sphere = excluded.sphere;
END $$;

CREATE OR REPLACE FUNCTION identity.put_person(p_kind text, p_number_hash bytea, p_name text, p_practitioner bigint,
                                               p_patient bigint, p_patient_slot smallint, p_demo_name text)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.person (kind, number_hash, name, practitioner, patient, patient_slot, demo_name)
  VALUES (p_kind, p_number_hash, p_name, p_practitioner, p_patient, p_patient_slot, p_demo_name)
  ON CONFLICT (number_hash) DO UPDATE SET name = excluded.name,
    practitioner = coalesce(excluded.practitioner, identity.person.practitioner),
    patient = coalesce(excluded.patient, identity.person.patient),
    patient_slot = coalesce(excluded.patient_slot, identity.person.patient_slot),
    demo_name = coalesce(excluded.demo_name, identity.person.demo_name)
  RETURNING id
$$;

-- No administrator comes by this way, which one operator can go alone (identity.confirm_administrator takes two): but for a demo's.
CREATE OR REPLACE FUNCTION identity.put_post(p_person bigint, p_unit bigint, p_role text, p_profession text, p_licence text,
                                             p_practitioner_role bigint, p_from timestamptz, p_until timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_post bigint;
BEGIN
  IF EXISTS (SELECT 1 FROM access.role r WHERE r.code = p_role AND r.grants) AND NOT (SELECT i.demo FROM kit.installation i) THEN
    RAISE EXCEPTION 'administrators are appointed by two operators, or by one another' USING ERRCODE = 'FJ031';
  END IF;
  INSERT INTO identity.post (person, unit, role, profession, licence, practitioner_role, from_at, until_at)
  VALUES (p_person, p_unit, p_role, p_profession, p_licence, p_practitioner_role, p_from, p_until)
  ON CONFLICT (person, unit, role) DO UPDATE SET profession = excluded.profession, licence = excluded.licence,
    practitioner_role = excluded.practitioner_role, from_at = excluded.from_at, until_at = excluded.until_at
  RETURNING id INTO v_post;
  RETURN v_post;
END $$;

CREATE OR REPLACE FUNCTION identity.put_grant(p_person bigint, p_purpose text, p_until timestamptz, p_granted_by text)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO access.system_grant (person, purpose, until_at, granted_by) VALUES (p_person, p_purpose, p_until, p_granted_by)
  ON CONFLICT (person, purpose) DO UPDATE SET until_at = excluded.until_at, granted_by = excluded.granted_by
$$;

-- The person of a demo name: `fellesjournal token --as NAME`, and the test identity provider's list.
CREATE OR REPLACE FUNCTION identity.find_demo(p_name text)
RETURNS TABLE (person bigint, kind text, name text, patient bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.id, p.kind, p.name, p.patient FROM identity.person p WHERE p.demo_name = p_name
$$;

-- The key of a device's name, made of the name; a short one stands for itself.
CREATE OR REPLACE FUNCTION identity.device_key(p_name text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN length(p_name) <= 13 AND p_name NOT LIKE '#%' THEN p_name
              ELSE '#' || translate(left(encode(sha256(convert_to(p_name, 'UTF8')), 'base64'), 12), '+/', '-_') END
$$;

-- A session holds the key of its device, whose name is kept once: all that it does stands in the log with it.
CREATE OR REPLACE FUNCTION identity.keep_device() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_key text := identity.device_key(NEW.device);
BEGIN
  IF v_key <> NEW.device THEN
    INSERT INTO identity.device (key, name) VALUES (v_key, NEW.device) ON CONFLICT DO NOTHING;
    NEW.device := v_key;
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_device BEFORE INSERT ON identity.session FOR EACH ROW EXECUTE FUNCTION identity.keep_device();

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'identity'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO fj_owner', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA identity TO fj_web, fj_signin, fj_worker;
GRANT EXECUTE ON FUNCTION identity.grant_lives(bigint), identity.still_acts(bigint, bigint), identity.device_key(text) TO access_core;
GRANT EXECUTE ON FUNCTION identity.who(bytea), identity.end_session(bytea) TO fj_web, fj_signin, fj_worker;
GRANT EXECUTE ON FUNCTION identity.seconds_left(bytea), identity.extend(bytea) TO fj_web;
GRANT EXECUTE ON FUNCTION identity.switch_staff(bytea, bytea, bigint, integer, text),
  identity.switch_citizen(bytea, bytea, bigint, text), identity.acting_over(bytea), identity.use_once(bytea, integer)
  TO fj_signin;
GRANT EXECUTE ON FUNCTION identity.own_record(bigint), identity.posts_of(bigint), identity.find_demo(text),
  identity.start_staff(bytea, bigint, bigint, smallint, integer, integer, text),
  identity.start_citizen(bytea, bigint, smallint, integer, integer, text),
  identity.start_system(bytea, bytea, bigint, text, integer, text) TO fj_signin;
GRANT EXECUTE ON FUNCTION identity.start_system(bytea, bytea, bigint, text, integer, text), identity.find_demo(text) TO fj_worker;
GRANT EXECUTE ON FUNCTION identity.put_unit(bigint, text, text, bigint, text),
  identity.put_person(text, bytea, text, bigint, bigint, smallint, text),
  identity.put_post(bigint, bigint, text, text, text, bigint, timestamptz, timestamptz),
  identity.put_grant(bigint, text, timestamptz, text), identity.find_demo(text),
  identity.start_system(bytea, bytea, bigint, text, integer, text) TO fj_migrate;
GRANT USAGE ON SCHEMA identity TO fj_migrate;
GRANT USAGE ON SCHEMA kit TO fj_owner;
GRANT SELECT ON kit.installation TO fj_owner;
GRANT EXECUTE ON FUNCTION identity.find_system(bytea) TO fj_worker;
REVOKE ALL ON FUNCTION identity.find_person(bytea) FROM fj_signin;
GRANT EXECUTE ON FUNCTION identity.find_person(bytea) TO fj_migrate;
