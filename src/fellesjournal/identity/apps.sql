-- Apps: registration, launches, grants and their tokens. fj_signin alone may make a grant or a token; what a page changes,
-- it changes with the secret of the session that it is shown in.

-- ── Registration ─────────────────────────────────────────────────────────────────────────────────

-- What anybody who serves an app must know of it; no row for one that was removed.
CREATE OR REPLACE FUNCTION identity.app_find(p_client_id text)
RETURNS TABLE (id bigint, client_id text, name text, status text, registration text, has_secret boolean, unit bigint,
               unit_name text, changed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, a.client_id, a.name, a.status, a.registration, a.secret_hash IS NOT NULL, a.unit, u.name, a.changed_at
  FROM identity.app a LEFT JOIN identity.unit u ON u.id = a.unit WHERE a.client_id = p_client_id AND a.status <> 'removed'
$$;

-- All apps that were not removed, by name.
CREATE OR REPLACE FUNCTION identity.app_all()
RETURNS TABLE (id bigint, client_id text, name text, status text, registration text, has_secret boolean, unit bigint,
               unit_name text, changed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, a.client_id, a.name, a.status, a.registration, a.secret_hash IS NOT NULL, a.unit, u.name, a.changed_at
  FROM identity.app a LEFT JOIN identity.unit u ON u.id = a.unit WHERE a.status <> 'removed' ORDER BY a.name, a.id LIMIT 500
$$;

-- What was done with an app, newest first; to an administrator alone.
CREATE OR REPLACE FUNCTION identity.app_events(p_secret bytea, p_client_id text)
RETURNS TABLE (at timestamptz, did text, by_name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.at, e.did, coalesce(p.name, '') FROM identity.app_event e JOIN identity.app a ON a.id = e.app
  LEFT JOIN identity.person p ON p.id = e.person
  WHERE a.client_id = p_client_id AND EXISTS (
    SELECT 1 FROM identity.live s WHERE s.secret_hash = sha256(p_secret) AND s.role = 'administrator' AND s.app IS NULL)
  ORDER BY e.id DESC LIMIT 50
$$;

-- Does an app's secret hold?
CREATE OR REPLACE FUNCTION identity.app_has_secret(p_client_id text, p_hash bytea)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM identity.app a WHERE a.client_id = p_client_id AND a.secret_hash = p_hash)
$$;

-- Ends every grant of an app, and the system's right that it acted by.
CREATE OR REPLACE FUNCTION identity.app_end_grants(p_app bigint, p_why text)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE identity.app_grant SET revoked_at = clock_timestamp(), revoked_why = p_why WHERE app = p_app AND revoked_at IS NULL
$$;

-- Writes a registration, which then waits for approval: a changed app is another app. What was granted to the former one ends.
CREATE OR REPLACE FUNCTION identity.app_write(
  p_client_id text, p_name text, p_registration text, p_secret_hash bytea, p_system bytea, p_unit bigint, p_until timestamptz,
  p_person bigint, p_session bigint)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_app bigint; v_person bigint;
BEGIN
  IF p_unit IS NOT NULL THEN
    IF NOT EXISTS (SELECT 1 FROM identity.unit u WHERE u.id = p_unit) THEN RETURN NULL; END IF;
    INSERT INTO identity.person (kind, number_hash, name) VALUES ('system', p_system, p_name)
    ON CONFLICT (number_hash) DO UPDATE SET name = excluded.name RETURNING id INTO v_person;
    INSERT INTO access.system_grant (person, purpose, until_at, granted_by)
    VALUES (v_person, 'INTEGRATION', p_until, 'app ' || p_client_id)
    ON CONFLICT (person, purpose) DO UPDATE SET until_at = excluded.until_at, granted_by = excluded.granted_by;
  END IF;
  INSERT INTO identity.app AS a (client_id, name, registration, secret_hash, person, unit)
  VALUES (p_client_id, p_name, p_registration, p_secret_hash, v_person, p_unit)
  ON CONFLICT (client_id) DO UPDATE SET name = excluded.name, registration = excluded.registration, status = 'pending',
    secret_hash = excluded.secret_hash, person = excluded.person, unit = excluded.unit, changed_at = clock_timestamp()
  RETURNING a.id INTO v_app;
  PERFORM identity.app_end_grants(v_app, 'changed');
  INSERT INTO identity.app_event (app, person, session, did, registration) VALUES (v_app, p_person, p_session, 'registered', p_registration);
  RETURN v_app;
END $$;

-- Approves, suspends or removes an app; false when there is none. Whatever it was granted ends unless it is approved.
CREATE OR REPLACE FUNCTION identity.app_mark(p_client_id text, p_status text, p_person bigint, p_session bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record;
BEGIN
  UPDATE identity.app SET status = p_status, changed_at = clock_timestamp(),
                          secret_hash = CASE p_status WHEN 'removed' THEN NULL ELSE secret_hash END
  WHERE client_id = p_client_id AND status <> 'removed' RETURNING * INTO v;
  IF NOT FOUND THEN RETURN false; END IF;
  IF p_status <> 'approved' THEN PERFORM identity.app_end_grants(v.id, p_status); END IF;
  INSERT INTO identity.app_event (app, person, session, did, registration) VALUES (v.id, p_person, p_session, p_status, v.registration);
  RETURN true;
END $$;

-- The same two by an administrator who is signed in. app_write_by: NULL, app_mark_by: false when the secret is nobody's such.
CREATE OR REPLACE FUNCTION identity.app_write_by(
  p_secret bytea, p_client_id text, p_name text, p_registration text, p_secret_hash bytea, p_system bytea, p_unit bigint,
  p_until timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record;
BEGIN
  SELECT l.id, l.person INTO s FROM identity.live l
  WHERE l.secret_hash = sha256(p_secret) AND l.kind = 'staff' AND l.role = 'administrator' AND l.app IS NULL;
  IF NOT FOUND THEN RETURN NULL; END IF;
  RETURN identity.app_write(p_client_id, p_name, p_registration, p_secret_hash, p_system, p_unit, p_until, s.person, s.id);
END $$;
CREATE OR REPLACE FUNCTION identity.app_mark_by(p_secret bytea, p_client_id text, p_status text)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record;
BEGIN
  SELECT l.id, l.person INTO s FROM identity.live l
  WHERE l.secret_hash = sha256(p_secret) AND l.kind = 'staff' AND l.role = 'administrator' AND l.app IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  RETURN identity.app_mark(p_client_id, p_status, s.person, s.id);
END $$;

-- A unit by its number, or by its name when that names one alone: for a registration that is bound to a unit.
CREATE OR REPLACE FUNCTION identity.unit_named(p_name text)
RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT min(u.id) FROM identity.unit u WHERE u.name = p_name HAVING count(*) = 1
$$;

-- ── Launch and grant ─────────────────────────────────────────────────────────────────────────────

-- A launch from an open chart: for this app, this session and this patient, once.
CREATE OR REPLACE FUNCTION identity.app_launch_start(
  p_secret bytea, p_app bigint, p_hash bytea, p_patient bigint, p_slot smallint, p_encounter text, p_ttl_s integer)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM identity.app_launch l WHERE l.until_at < clock_timestamp() - interval '1 day';
  INSERT INTO identity.app_launch (hash, app, session, patient, patient_slot, encounter, until_at)
  SELECT p_hash, a.id, s.id, p_patient, p_slot, p_encounter, clock_timestamp() + make_interval(secs => p_ttl_s)
  FROM identity.live s, identity.app a
  WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'staff' AND s.app IS NULL AND a.id = p_app AND a.status = 'approved';
  RETURN FOUND;
END $$;

-- Uses a launch up; no row when it is another session's or app's, old, or used before.
CREATE OR REPLACE FUNCTION identity.app_launch_use(p_secret bytea, p_app bigint, p_hash bytea)
RETURNS TABLE (patient bigint, patient_slot smallint, encounter text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE identity.app_launch l SET used_at = clock_timestamp() FROM identity.live s
  WHERE l.hash = p_hash AND l.app = p_app AND l.session = s.id AND s.secret_hash = sha256(p_secret)
    AND l.used_at IS NULL AND l.until_at > clock_timestamp()
  RETURNING l.patient, l.patient_slot, l.encounter
$$;

-- A grant by whoever is signed in, and its authorization code. A citizen's patient is their own. NULL when nobody is.
CREATE OR REPLACE FUNCTION identity.app_grant_start(
  p_secret bytea, p_app bigint, p_scopes text, p_patient bigint, p_slot smallint, p_bound boolean, p_encounter text, p_offline_s integer,
  p_code bytea, p_redirect text, p_challenge text, p_nonce text, p_ttl_s integer)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s record; v_grant bigint;
BEGIN
  DELETE FROM identity.app_code c WHERE c.until_at < clock_timestamp() - interval '1 day';
  SELECT l.* INTO s FROM identity.live l JOIN identity.app a ON a.id = p_app AND a.status = 'approved'
  WHERE l.secret_hash = sha256(p_secret) AND l.kind IN ('staff', 'citizen') AND l.app IS NULL;
  IF NOT FOUND OR (s.kind = 'citizen' AND p_patient IS DISTINCT FROM s.patient) THEN RETURN NULL; END IF;
  -- To let an app in is more than reading.
  IF s.on_behalf AND NOT access.may_act(s.id) THEN RETURN NULL; END IF;
  INSERT INTO identity.app_grant (app, kind, person, post, unit, role, level, session, scopes, patient, patient_slot, is_bound, encounter, until_at)
  VALUES (p_app, s.kind, s.person, s.post, s.unit, s.role, s.level, CASE p_offline_s WHEN 0 THEN s.id END, p_scopes, p_patient, p_slot,
          p_bound, p_encounter,
          CASE p_offline_s WHEN 0 THEN s.expires_at ELSE clock_timestamp() + make_interval(secs => p_offline_s) END)
  RETURNING id INTO v_grant;
  INSERT INTO identity.app_code (hash, app_grant, redirect_uri, challenge, nonce, until_at)
  VALUES (p_code, v_grant, p_redirect, p_challenge, p_nonce, clock_timestamp() + make_interval(secs => p_ttl_s));
  RETURN v_grant;
END $$;

-- ── Tokens ───────────────────────────────────────────────────────────────────────────────────────

-- Was this given by a citizen who acted for another? It lives as long as they do.
CREATE OR REPLACE FUNCTION identity.grant_is_for_another(p_grant bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.kind = 'citizen' AND g.patient IS DISTINCT FROM p.patient FROM identity.app_grant g JOIN identity.person p ON p.id = g.person WHERE g.id = p_grant
$$;

-- What a token's answer says of its grant; no row when the grant has ended, or the person's role, session or app with it.
CREATE OR REPLACE FUNCTION identity.app_grant_of(p_grant bigint)
RETURNS TABLE (app_grant bigint, app bigint, kind text, person bigint, scopes text, patient bigint, patient_slot smallint, encounter text,
               practitioner bigint, is_offline boolean, until_at timestamptz, jkt text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.id, g.app, g.kind, g.person, g.scopes, g.patient, g.patient_slot, g.encounter, p.practitioner, g.session IS NULL, g.until_at, g.jkt
  FROM identity.app_grant g JOIN identity.app a ON a.id = g.app AND a.status = 'approved' JOIN identity.person p ON p.id = g.person
  LEFT JOIN identity.post o ON o.id = g.post
  WHERE g.id = p_grant AND g.revoked_at IS NULL AND g.until_at > clock_timestamp()
    AND (g.post IS NULL OR (o.from_at <= clock_timestamp() AND o.until_at > clock_timestamp()))
    AND (g.session IS NULL OR EXISTS (SELECT 1 FROM identity.live l WHERE l.id = g.session))
    AND CASE WHEN identity.grant_is_for_another(g.id) THEN identity.still_acts(g.person, g.patient) ELSE true END
$$;

-- Ends a grant, with all its tokens.
CREATE OR REPLACE FUNCTION identity.app_grant_end(p_grant bigint, p_why text)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE identity.app_grant SET revoked_at = clock_timestamp(), revoked_why = p_why WHERE id = p_grant AND revoked_at IS NULL
$$;

-- Uses a code up: its grant and nonce. A code that comes again ends everything that came of it (RFC 6749 § 4.1.2).
-- No row when it is another app's, old, or told with another redirect or verifier: then too it is used up.
CREATE OR REPLACE FUNCTION identity.app_code_use(p_app bigint, p_hash bytea, p_redirect text, p_challenge text)
RETURNS TABLE (app_grant bigint, nonce text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c record;
BEGIN
  SELECT x.*, g.app INTO c FROM identity.app_code x JOIN identity.app_grant g ON g.id = x.app_grant WHERE x.hash = p_hash FOR UPDATE OF x;
  IF NOT FOUND OR c.app <> p_app THEN RETURN; END IF;
  IF c.used_at IS NOT NULL THEN
    PERFORM identity.app_grant_end(c.app_grant, 'code used twice');
    RETURN;
  END IF;
  UPDATE identity.app_code SET used_at = clock_timestamp() WHERE hash = p_hash;
  IF c.until_at > clock_timestamp() AND c.redirect_uri = p_redirect AND c.challenge = p_challenge THEN
    app_grant := c.app_grant; nonce := c.nonce; RETURN NEXT;
  ELSE
    PERFORM identity.app_grant_end(c.app_grant, 'code not proved');
  END IF;
END $$;

-- Binds a grant to a key, once; false when it is bound to another, or has been without one.
CREATE OR REPLACE FUNCTION identity.app_grant_bind(p_grant bigint, p_jkt text)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE identity.app_grant g SET jkt = p_jkt
  WHERE g.id = p_grant AND g.jkt = '' AND NOT EXISTS (SELECT 1 FROM identity.session s WHERE s.app_grant = g.id);
  RETURN EXISTS (SELECT 1 FROM identity.app_grant g WHERE g.id = p_grant AND g.jkt = p_jkt);
END $$;

-- An access token: a session of the grant, with scopes that may be narrower than the grant's for this token alone.
-- p_may: what the scopes let it do with which types (see access/limits.sql).
DROP FUNCTION IF EXISTS identity.app_token_start(bigint, bytea, text, integer);
CREATE OR REPLACE FUNCTION identity.app_token_start(p_grant bigint, p_hash bytea, p_scopes text, p_max_s integer, p_may smallint[])
RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.session (secret_hash, kind, person, post, unit, role, level, purpose, patient, idle_s, expires_at, device, app, app_grant,
                                app_scopes, app_may, on_behalf)
  SELECT p_hash, g.kind, g.person, g.post, g.unit, g.role, g.level,
         CASE g.kind WHEN 'citizen' THEN CASE WHEN identity.grant_is_for_another(g.id) THEN 'FAMRQT' ELSE 'PATRQT' END WHEN 'system' THEN 'INTEGRATION' ELSE 'TREAT' END,
         CASE WHEN g.kind = 'citizen' OR g.is_bound THEN g.patient END, p_max_s,
         least(clock_timestamp() + make_interval(secs => p_max_s), g.until_at), 'app ' || a.client_id, g.app, g.id, p_scopes, p_may,
         identity.grant_is_for_another(g.id)
  FROM identity.app_grant g JOIN identity.app a ON a.id = g.app WHERE g.id = p_grant
  RETURNING expires_at
$$;

CREATE OR REPLACE FUNCTION identity.app_refresh_put(p_grant bigint, p_hash bytea)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.app_refresh (hash, app_grant, until_at) SELECT p_hash, g.id, g.until_at FROM identity.app_grant g WHERE g.id = p_grant
$$;

-- Uses a refresh token up: its grant. One that comes again ends the whole family: either it or the one after it was stolen.
CREATE OR REPLACE FUNCTION identity.app_refresh_use(p_app bigint, p_hash bytea, p_jkt text)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE r record;
BEGIN
  SELECT x.*, g.app, g.jkt INTO r FROM identity.app_refresh x JOIN identity.app_grant g ON g.id = x.app_grant WHERE x.hash = p_hash FOR UPDATE OF x;
  IF NOT FOUND OR r.app <> p_app THEN RETURN NULL; END IF;
  IF r.used_at IS NOT NULL THEN
    PERFORM identity.app_grant_end(r.app_grant, 'refresh token used twice');
    RETURN NULL;
  END IF;
  -- A thief without the key can't use it up.
  IF r.jkt <> p_jkt OR r.until_at <= clock_timestamp() THEN RETURN NULL; END IF;
  UPDATE identity.app_refresh SET used_at = clock_timestamp() WHERE hash = p_hash;
  UPDATE identity.session SET ended_at = clock_timestamp() WHERE app_grant = r.app_grant AND ended_at IS NULL;
  RETURN r.app_grant;
END $$;

-- A grant of an app to itself (Backend Services): as the system and in the unit that an administrator declared.
CREATE OR REPLACE FUNCTION identity.app_backend_start(p_app bigint, p_scopes text, p_jkt text, p_max_s integer)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.app_grant (app, kind, person, unit, role, level, scopes, jkt, until_at)
  SELECT a.id, 'system', a.person, a.unit, 'system', 4, p_scopes, p_jkt,
         least(clock_timestamp() + make_interval(secs => p_max_s), g.until_at)
  FROM identity.app a JOIN access.system_grant g ON g.person = a.person AND g.purpose = 'INTEGRATION' AND g.until_at > clock_timestamp()
  WHERE a.id = p_app AND a.status = 'approved' AND a.unit IS NOT NULL
  RETURNING id
$$;

-- What a token is worth now (RFC 7662); no row for nothing. is_access: an access token, else a refresh token.
CREATE OR REPLACE FUNCTION identity.app_inspect(p_hash bytea)
RETURNS TABLE (app_grant bigint, app bigint, is_access boolean, scopes text, until_at timestamptz, made_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.app_grant, s.app, true, s.app_scopes, s.expires_at, s.made_at FROM identity.session s JOIN identity.live l ON l.id = s.id
  WHERE s.secret_hash = p_hash AND s.app_grant IS NOT NULL
  UNION ALL
  SELECT g.app_grant, g.app, false, g.scopes, r.until_at, NULL FROM identity.app_refresh r CROSS JOIN LATERAL identity.app_grant_of(r.app_grant) g
  WHERE r.hash = p_hash AND r.used_at IS NULL AND r.until_at > clock_timestamp()
$$;

-- Whose a refresh token is, or was: an app that keeps no secret need not name itself with one (RFC 6749 § 6).
CREATE OR REPLACE FUNCTION identity.app_of_refresh(p_hash bytea)
RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.client_id FROM identity.app_refresh r JOIN identity.app_grant g ON g.id = r.app_grant JOIN identity.app a ON a.id = g.app
  WHERE r.hash = p_hash
$$;

-- Ends a token at its app's wish (RFC 7009): an access token alone, a refresh token with its whole family.
CREATE OR REPLACE FUNCTION identity.app_revoke(p_app bigint, p_hash bytea)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_grant bigint;
BEGIN
  UPDATE identity.session SET ended_at = clock_timestamp() WHERE secret_hash = p_hash AND app = p_app AND ended_at IS NULL;
  SELECT r.app_grant INTO v_grant FROM identity.app_refresh r JOIN identity.app_grant g ON g.id = r.app_grant WHERE r.hash = p_hash AND g.app = p_app;
  IF FOUND THEN PERFORM identity.app_grant_end(v_grant, 'revoked by the app'); END IF;
END $$;

-- ── What the person sees of it ───────────────────────────────────────────────────────────────────

-- What the person of this session has let apps do, in any session, newest first; what was given as staff to staff, as citizen to citizens.
CREATE OR REPLACE FUNCTION identity.app_grants_of(p_secret bytea)
RETURNS TABLE (app_grant bigint, name text, registration text, scopes text, patient bigint, patient_slot smallint, is_offline boolean,
               made_at timestamptz, until_at timestamptz, used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.id, a.name, a.registration, g.scopes, g.patient, g.patient_slot, g.session IS NULL, g.made_at, g.until_at,
         (SELECT max(t.seen_at) FROM identity.session t WHERE t.app_grant = g.id)
  FROM identity.live s JOIN identity.app_grant g ON g.person = s.person AND g.kind = s.kind CROSS JOIN LATERAL identity.app_grant_of(g.id) l
  JOIN identity.app a ON a.id = g.app
  WHERE s.secret_hash = sha256(p_secret) AND s.app IS NULL AND g.revoked_at IS NULL
  ORDER BY g.id DESC LIMIT 100
$$;

-- The person takes a grant back; false when it is not theirs.
CREATE OR REPLACE FUNCTION identity.app_withdraw(p_secret bytea, p_grant bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM identity.live s JOIN identity.app_grant g ON g.person = s.person AND g.kind = s.kind
                 WHERE s.secret_hash = sha256(p_secret) AND s.app IS NULL AND g.id = p_grant) THEN RETURN false; END IF;
  PERFORM identity.app_grant_end(p_grant, 'withdrawn');
  RETURN true;
END $$;

-- ── Keys for id tokens ───────────────────────────────────────────────────────────────────────────

CREATE OR REPLACE FUNCTION identity.signing_keys()
RETURNS TABLE (alg text, sealed text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.alg, k.sealed FROM identity.signing_key k ORDER BY k.alg
$$;

-- Keeps a key unless another process was quicker, or replaces the one that can't be opened any more.
CREATE OR REPLACE FUNCTION identity.signing_key_put(p_alg text, p_sealed text, p_former text)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.signing_key AS k (alg, sealed) VALUES (p_alg, p_sealed)
  ON CONFLICT (alg) DO UPDATE SET sealed = excluded.sealed, made_at = clock_timestamp() WHERE k.sealed = p_former
$$;

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'identity'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO fj_owner', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION identity.app_find(text), identity.app_all() TO fj_web, fj_signin, fj_migrate;
GRANT EXECUTE ON FUNCTION identity.app_events(bytea, text), identity.app_mark_by(bytea, text, text),
  identity.app_write_by(bytea, text, text, text, bytea, bytea, bigint, timestamptz),
  identity.app_launch_start(bytea, bigint, bytea, bigint, smallint, text, integer), identity.app_launch_use(bytea, bigint, bytea),
  identity.app_grants_of(bytea), identity.app_withdraw(bytea, bigint), identity.unit_named(text) TO fj_web;
GRANT EXECUTE ON FUNCTION identity.app_has_secret(text, bytea), identity.app_grant_of(bigint),
  identity.app_grant_start(bytea, bigint, text, bigint, smallint, boolean, text, integer, bytea, text, text, text, integer),
  identity.app_code_use(bigint, bytea, text, text), identity.app_grant_bind(bigint, text),
  identity.app_grant_end(bigint, text), identity.app_token_start(bigint, bytea, text, integer, smallint[]), identity.app_refresh_put(bigint, bytea),
  identity.app_refresh_use(bigint, bytea, text), identity.app_of_refresh(bytea), identity.app_backend_start(bigint, text, text, integer), identity.app_inspect(bytea),
  identity.app_revoke(bigint, bytea), identity.signing_keys(), identity.signing_key_put(text, text, text) TO fj_signin;
GRANT EXECUTE ON FUNCTION identity.app_write(text, text, text, bytea, bytea, bigint, timestamptz, bigint, bigint),
  identity.app_mark(text, text, bigint, bigint), identity.unit_named(text) TO fj_migrate;
