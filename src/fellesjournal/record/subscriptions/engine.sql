-- Subscriptions by topic: taken in with the write of the Subscription, fed by the change feed, carried out for the subscriber.
-- No content stands here. The worker may act by its FEED grant; whether the subscriber may see an event is decided each time
-- by the subscriber's own session, and what is sent is read (and logged) through `vault.read_many` with that session's secret.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['subscription', 'subscription_event'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS tell ON vault.%I', t);
    EXECUTE format('CREATE POLICY tell ON vault.%I FOR ALL TO vault_tell USING (true) WITH CHECK (true)', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON vault.%I TO vault_tell', t);
    -- Rows that are deleted with the subscription are looked for by their owner.
    EXECUTE format('DROP POLICY IF EXISTS cascade ON vault.%I', t);
    EXECUTE format('CREATE POLICY cascade ON vault.%I FOR ALL TO fj_owner USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;

-- ── The subscriber's session ─────────────────────────────────────────────────────────────────────

-- A session that goes on for its holder after they have signed out: the same person, post, unit and purpose, and no more. It ends
-- with the post or the grant, and at the instant said. The worker alone makes one, with a secret that comes from a key which is not in
-- the database: whoever takes over the pages can use the sessions that pass by, and make none that lasts.
-- Of an app that acts by itself: under a grant of its own with the scopes of the token, which ends as every grant of the app does.
CREATE OR REPLACE FUNCTION identity.continue_session(p_session bigint, p_hash bytea, p_until timestamptz, p_device text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v bigint; v_grant bigint;
BEGIN
  UPDATE identity.session s SET ended_at = clock_timestamp() WHERE s.secret_hash = p_hash AND s.ended_at IS NULL;
  INSERT INTO identity.app_grant (app, kind, person, unit, role, level, scopes, until_at)
  SELECT a.id, s.kind, s.person, s.unit, s.role, s.level, s.app_scopes, least(p_until, g.until_at)
  FROM identity.session s JOIN identity.app a ON a.id = s.app AND a.status = 'approved' AND a.person = s.person AND a.unit = s.unit
  JOIN identity.app_grant t ON t.id = s.app_grant AND t.revoked_at IS NULL
  JOIN access.system_grant g ON g.person = s.person AND g.purpose = s.purpose AND g.until_at > clock_timestamp()
  WHERE s.id = p_session AND s.kind = 'system' RETURNING id INTO v_grant;
  INSERT INTO identity.session (secret_hash, kind, person, post, unit, role, level, purpose, patient, on_behalf, idle_s, expires_at, device,
                                app, app_grant, app_scopes, app_may)
  SELECT p_hash, s.kind, s.person, s.post, s.unit, s.role, s.level, s.purpose, s.patient, s.on_behalf, 2000000000,
         least(p_until, p.until_at, g.until_at), p_device, s.app, v_grant, s.app_scopes, s.app_may
  FROM identity.session s LEFT JOIN identity.post p ON p.id = s.post
  LEFT JOIN access.system_grant g ON s.kind = 'system' AND g.person = s.person AND g.purpose = s.purpose
  WHERE s.id = p_session AND (s.app IS NULL OR v_grant IS NOT NULL) RETURNING id INTO v;
  RETURN v;
END $$;

CREATE OR REPLACE FUNCTION identity.end_continued(p_session bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE identity.app_grant g SET revoked_at = clock_timestamp(), revoked_why = 'no longer wished'
  FROM identity.session s WHERE s.id = p_session AND s.ended_at IS NULL AND g.id = s.app_grant AND g.revoked_at IS NULL;
  UPDATE identity.session s SET ended_at = clock_timestamp() WHERE s.id = p_session AND s.ended_at IS NULL
$$;

-- Whether a session is valid now; that of a system only as long as its grant is.
CREATE OR REPLACE FUNCTION access.is_live(p_session bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM identity.live s WHERE s.id = p_session AND s.level >= 4 AND (s.kind <> 'system' OR EXISTS (
    SELECT 1 FROM access.system_grant g WHERE g.person = s.person AND g.purpose = s.purpose AND g.until_at > clock_timestamp())));
END $$;

-- Whether a session may be told of a row: the decision of a reading, without a line in the log. A block counts for systems too.
DROP FUNCTION IF EXISTS access.may_be_told(bigint, smallint, bigint, bigint, smallint, text);
CREATE OR REPLACE FUNCTION access.may_be_told(p_session bigint, p_rtype smallint, p_pid bigint, p_patient bigint, p_org bigint, p_sens smallint,
                                              p_others text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_closed integer;
BEGIN
  SELECT l.kind, l.unit, l.person, l.role, l.secret_hash, l.app_may INTO s FROM identity.live l WHERE l.id = p_session;
  IF NOT FOUND OR NOT access.is_live(p_session) OR p_patient IS NULL THEN RETURN false; END IF;
  v_closed := p_sens & access.closed_for(p_session, s.kind, p_patient);
  IF p_org = s.unit THEN v_closed := v_closed & ~992; END IF;  -- what is sensitive is open to the unit that wrote it
  IF (v_closed & ~12288) <> 0 OR ((v_closed & 4096) <> 0 AND access.is_blocked_row(s.secret_hash, p_pid)) THEN RETURN false; END IF;
  IF p_patient = -1 AND p_org IS DISTINCT FROM s.unit THEN RETURN false; END IF;
  IF NOT EXISTS (SELECT 1 FROM access.role_right rr WHERE rr.role = s.role AND rr.action = 'read'
                 AND (rr.kinds IS NULL OR p_rtype = ANY (rr.kinds))) THEN RETURN false; END IF;
  IF s.app_may IS NOT NULL AND NOT access.app_holds(p_session, s.app_may, 'read', p_rtype, p_pid) THEN RETURN false; END IF;
  RETURN NOT EXISTS (
    SELECT 1 FROM unnest(p_patient || p_others::bigint[]) AS q (p) WHERE q.p > 0 AND (
      (SELECT v.allow FROM access.verdict(p_session, s.kind, q.p) v) IS NOT TRUE
      OR (s.kind <> 'citizen' AND EXISTS (
        SELECT 1 FROM access.block b WHERE b.patient = q.p AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()
        AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = s.unit OR b.person = s.person)))));
END $$;

-- ── With the write of a Subscription ─────────────────────────────────────────────────────────────

-- Takes a version in, in the transaction that wrote it, for the one who wrote it. 'ok'; 'skip': whoever loads or carries subscribes to
-- nothing; 'many': a hundred of theirs are there; 'none': no such version of the writer's unit. Subscription is number 130.
CREATE OR REPLACE FUNCTION vault.subscribe(
  p_secret bytea, p_slot smallint, p_pid bigint, p_version integer, p_channel text, p_wish text, p_heartbeat_s integer, p_off boolean,
  p_since timestamptz, p_until timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE w record; o record; v record;
BEGIN
  SELECT * INTO w FROM access.writer(p_secret);
  SELECT * INTO o FROM vault.owners(ARRAY[p_slot], ARRAY[p_pid], ARRAY[130]::smallint[], ARRAY[p_version]);
  IF w.session IS NULL OR o.org IS DISTINCT FROM w.unit THEN RETURN 'none'; END IF;
  IF w.kind = 'system' AND w.purpose <> 'INTEGRATION' THEN RETURN 'skip'; END IF;
  SELECT * INTO v FROM vault.subscription x WHERE x.slot = p_slot AND x.pid = p_pid FOR UPDATE;
  IF FOUND THEN PERFORM identity.end_continued(v.session); ELSIF p_off THEN RETURN 'ok'; END IF;
  IF p_off THEN
    UPDATE vault.subscription x SET status = 'off', error = '', version = p_version WHERE x.slot = p_slot AND x.pid = p_pid;
    RETURN 'ok';
  END IF;
  IF v.pid IS NULL AND (SELECT count(*) FROM vault.subscription x WHERE x.person = w.person AND x.status <> 'off') >= 100 THEN
    RETURN 'many';
  END IF;
  INSERT INTO vault.subscription AS x (slot, pid, version, org, person, made_by, channel, wish, since, until_at, heartbeat_s)
  VALUES (p_slot, p_pid, p_version, w.unit, w.person, w.session, p_channel, p_wish, p_since, p_until, p_heartbeat_s)
  ON CONFLICT (slot, pid) DO UPDATE SET
    version = excluded.version, person = excluded.person, made_by = excluded.made_by, session = NULL, channel = excluded.channel, wish = excluded.wish,
    until_at = excluded.until_at, heartbeat_s = excluded.heartbeat_s, status = 'requested', error = '', failures = 0,
    next_at = clock_timestamp(), busy_until = '-infinity',
    -- What was stopped begins anew: nothing of the time between is told.
    since = CASE x.status WHEN 'off' THEN excluded.since ELSE x.since END,
    sent = CASE x.status WHEN 'off' THEN x.events ELSE x.sent END;
  RETURN 'ok';
END $$;

-- A Subscription is deleted by its unit: nothing of it is left here.
CREATE OR REPLACE FUNCTION vault.unsubscribe(p_secret bytea, p_slot smallint, p_pid bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record;
BEGIN
  DELETE FROM vault.subscription x USING access.writer(p_secret) w
  WHERE x.slot = p_slot AND x.pid = p_pid AND x.org = w.unit RETURNING x.session INTO v;
  IF FOUND THEN PERFORM identity.end_continued(v.session); END IF;
END $$;

-- Versions that were taken in and have no session yet.
CREATE OR REPLACE FUNCTION vault.subscriptions_new(p_secret bytea) RETURNS TABLE (slot smallint, pid bigint, version integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT x.slot, x.pid, x.version FROM vault.subscription x
               WHERE x.session IS NULL AND x.status <> 'off' AND access.may_feed(p_secret);
END $$;

-- Gives a version the session that it is carried out with.
CREATE OR REPLACE FUNCTION vault.subscription_begin(p_secret bytea, p_slot smallint, p_pid bigint, p_version integer, p_hash bytea)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE x record;
BEGIN
  IF NOT access.may_feed(p_secret) THEN RETURN; END IF;
  SELECT y.made_by, y.until_at INTO x FROM vault.subscription y
  WHERE y.slot = p_slot AND y.pid = p_pid AND y.version = p_version AND y.session IS NULL AND y.status <> 'off' FOR UPDATE;
  IF FOUND THEN
    UPDATE vault.subscription y SET session = identity.continue_session(x.made_by, p_hash, x.until_at, 'subscription')
    WHERE y.slot = p_slot AND y.pid = p_pid;
  END IF;
END $$;

-- ── The feed's ───────────────────────────────────────────────────────────────────────────────────

-- What is to be told of, for the reader of the feed.
CREATE OR REPLACE FUNCTION vault.subscriptions(p_secret bytea)
RETURNS TABLE (slot smallint, pid bigint, version integer, session bigint, wish text, since timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT x.slot, x.pid, x.version, x.session, x.wish, x.since FROM vault.subscription x
               WHERE x.session IS NOT NULL AND x.status <> 'off' AND x.channel <> 'search' AND x.until_at > clock_timestamp() AND access.may_feed(p_secret);
END $$;

-- Those of these sessions that may be told of a version.
CREATE OR REPLACE FUNCTION vault.may_be_told(p_secret bytea, p_sessions bigint[], p_slot smallint, p_pid bigint, p_rtype smallint,
                                             p_version integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE o record;
BEGIN
  IF NOT access.may_feed(p_secret) THEN RETURN '{}'; END IF;
  SELECT * INTO o FROM vault.owners(ARRAY[p_slot], ARRAY[p_pid], ARRAY[p_rtype], ARRAY[p_version]);
  RETURN ARRAY(SELECT q.s FROM unnest(p_sessions) AS q (s) WHERE access.may_be_told(q.s, p_rtype, p_pid, o.patient, o.org, o.sens, o.others));
END $$;

-- Gives a version its number in a subscription, once. Who listens is told that there is something, by the ids of the subscription.
CREATE OR REPLACE FUNCTION vault.note_event(p_secret bytea, p_sub_slot smallint, p_sub_pid bigint, p_slot smallint, p_pid bigint,
                                            p_version integer, p_rtype smallint, p_op "char", p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record;
BEGIN
  IF NOT access.may_feed(p_secret) THEN RETURN NULL; END IF;
  SELECT x.events + 1 AS number, x.channel INTO v FROM vault.subscription x
  WHERE x.slot = p_sub_slot AND x.pid = p_sub_pid AND x.status <> 'off' FOR UPDATE;
  IF NOT FOUND OR EXISTS (SELECT 1 FROM vault.subscription_event e WHERE e.sub_slot = p_sub_slot AND e.sub_pid = p_sub_pid
                          AND e.pid = p_pid AND e.version = p_version) THEN RETURN NULL; END IF;
  UPDATE vault.subscription x SET events = v.number WHERE x.slot = p_sub_slot AND x.pid = p_sub_pid;
  INSERT INTO vault.subscription_event (sub_slot, sub_pid, number, slot, pid, version, rtype, op, at)
  VALUES (p_sub_slot, p_sub_pid, v.number, p_slot, p_pid, p_version, p_rtype, p_op, p_at);
  IF v.channel = 'websocket' THEN PERFORM pg_notify('subscription', p_sub_slot || '.' || p_sub_pid); END IF;
  RETURN v.number;
END $$;

-- ── Carrying out ─────────────────────────────────────────────────────────────────────────────────

-- What has something to do now, taken by this worker for as long as it says: a handshake, events, a heartbeat, an end.
CREATE OR REPLACE FUNCTION vault.subscriptions_due(p_secret bytea, p_lease interval, p_limit integer)
RETURNS TABLE (slot smallint, pid bigint, version integer, org bigint, channel text, wish text, status text, failures integer,
               events bigint, sent bigint, is_over boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_now timestamptz := clock_timestamp();
BEGIN
  IF NOT access.may_feed(p_secret) THEN RETURN; END IF;
  RETURN QUERY
    -- Materialized: else a plan may look for the first of them anew for every row, and take them all.
    WITH due AS MATERIALIZED (
      SELECT y.slot, y.pid, NOT access.is_live(y.session) OR y.until_at <= v_now AS is_over FROM vault.subscription y
      WHERE y.status <> 'off' AND y.session IS NOT NULL AND y.busy_until < v_now
        AND (y.until_at <= v_now OR NOT access.is_live(y.session)
             OR (y.next_at <= v_now AND (y.status = 'requested' OR (y.status = 'active' AND y.channel = 'rest-hook'
                 AND (y.events > y.sent OR (y.heartbeat_s > 0 AND y.last_at + make_interval(secs => y.heartbeat_s) <= v_now))))))
      ORDER BY y.next_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
    UPDATE vault.subscription x SET busy_until = v_now + p_lease FROM due
    WHERE x.slot = due.slot AND x.pid = due.pid
    RETURNING x.slot, x.pid, x.version, x.org, x.channel, x.wish, x.status, x.failures, x.events, x.sent, due.is_over;
END $$;

-- Whether this secret may carry a subscription out: the worker's, or over a socket the subscriber's own.
CREATE OR REPLACE FUNCTION vault.may_carry(p_secret bytea, p_slot smallint, p_pid bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN access.may_feed(p_secret) OR EXISTS (
    SELECT 1 FROM vault.subscription x JOIN access.writer(p_secret) w ON w.person = x.person AND w.unit = x.org
    WHERE x.slot = p_slot AND x.pid = p_pid AND x.channel = 'websocket');
END $$;

-- Something was received: events up to a number (0: a handshake or a heartbeat). The status before and now; no row for another version.
-- The worker alone makes it active, and writes so into the resource.
CREATE OR REPLACE FUNCTION vault.subscription_told(p_secret bytea, p_slot smallint, p_pid bigint, p_version integer, p_sent bigint,
                                                   p_lease interval) RETURNS TABLE (before text, status text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT vault.may_carry(p_secret, p_slot, p_pid) THEN RETURN; END IF;
  RETURN QUERY
    UPDATE vault.subscription x SET sent = least(greatest(x.sent, p_sent), x.events), failures = 0, error = '',
      status = CASE WHEN access.may_feed(p_secret) THEN 'active' ELSE x.status END,
      last_at = clock_timestamp(), next_at = clock_timestamp(), busy_until = clock_timestamp() + p_lease
    FROM (SELECT y.status FROM vault.subscription y WHERE y.slot = p_slot AND y.pid = p_pid FOR UPDATE) old
    WHERE x.slot = p_slot AND x.pid = p_pid AND x.version = p_version AND x.status IN ('requested', 'active')
    RETURNING old.status, x.status;
END $$;

-- Nothing was received. The next try is after a pause; p_give_up: none before somebody asks for it. True when it is the end for now.
CREATE OR REPLACE FUNCTION vault.subscription_failed(p_secret bytea, p_slot smallint, p_pid bigint, p_version integer, p_error text,
                                                     p_pause interval, p_give_up boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT access.may_feed(p_secret) THEN RETURN false; END IF;
  UPDATE vault.subscription x SET failures = x.failures + 1, error = p_error, next_at = clock_timestamp() + p_pause,
    busy_until = '-infinity', status = CASE WHEN p_give_up THEN 'error' ELSE x.status END
  WHERE x.slot = p_slot AND x.pid = p_pid AND x.version = p_version AND x.status IN ('requested', 'active');
  RETURN FOUND AND p_give_up;
END $$;

-- It is over: its end has come, or the subscriber's right has ended.
CREATE OR REPLACE FUNCTION vault.subscription_over(p_secret bytea, p_slot smallint, p_pid bigint, p_version integer, p_error text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record;
BEGIN
  IF NOT access.may_feed(p_secret) THEN RETURN false; END IF;
  UPDATE vault.subscription x SET status = 'off', error = p_error, busy_until = '-infinity'
  WHERE x.slot = p_slot AND x.pid = p_pid AND x.version = p_version AND x.status <> 'off' RETURNING x.session INTO v;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM identity.end_continued(v.session);
  RETURN true;
END $$;

-- The worker is still at these.
CREATE OR REPLACE FUNCTION vault.subscriptions_held(p_secret bytea, p_slots smallint[], p_pids bigint[], p_lease interval) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE vault.subscription x SET busy_until = clock_timestamp() + p_lease FROM unnest(p_slots, p_pids) AS h (slot, pid)
  WHERE x.slot = h.slot AND x.pid = h.pid AND x.busy_until > clock_timestamp() AND access.may_feed(p_secret)
$$;

-- The worker lets go of a subscription before its time is up.
CREATE OR REPLACE FUNCTION vault.subscription_let_go(p_secret bytea, p_slot smallint, p_pid bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE vault.subscription x SET busy_until = '-infinity' WHERE x.slot = p_slot AND x.pid = p_pid AND access.may_feed(p_secret)
$$;

-- Events between two numbers, in order. is_open: decided now, for the subscriber when the worker asks, else for who asks
-- (of the same unit).
CREATE OR REPLACE FUNCTION vault.subscription_events(p_secret bytea, p_sub_slot smallint, p_sub_pid bigint, p_from bigint, p_to bigint,
                                                     p_limit integer)
RETURNS TABLE (number bigint, slot smallint, pid bigint, version integer, rtype smallint, op "char", at timestamptz, is_open boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE x record; w record; v_session bigint;
BEGIN
  SELECT y.session, y.org INTO x FROM vault.subscription y WHERE y.slot = p_sub_slot AND y.pid = p_sub_pid;
  IF NOT FOUND THEN RETURN; END IF;
  v_session := x.session;
  IF NOT access.may_feed(p_secret) THEN
    SELECT a.session, a.unit INTO w FROM access.writer(p_secret) a;
    IF w.session IS NULL OR w.unit IS DISTINCT FROM x.org THEN RETURN; END IF;
    v_session := w.session;
  END IF;
  RETURN QUERY
    SELECT e.number, e.slot, e.pid, e.version, e.rtype, e.op, e.at,
           (SELECT access.may_be_told(v_session, e.rtype, e.pid, o.patient, o.org, o.sens, o.others)
            FROM vault.owners(ARRAY[e.slot], ARRAY[e.pid], ARRAY[e.rtype], ARRAY[e.version]) o)
    FROM vault.subscription_event e
    WHERE e.sub_slot = p_sub_slot AND e.sub_pid = p_sub_pid AND e.number BETWEEN p_from AND p_to ORDER BY e.number LIMIT p_limit;
END $$;

-- How a subscription stands, for its unit. is_own: whoever asks is the subscriber.
CREATE OR REPLACE FUNCTION vault.subscription_state(p_secret bytea, p_slot smallint, p_pid bigint)
RETURNS TABLE (version integer, status text, error text, channel text, wish text, events bigint, sent bigint, is_own boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT x.version, x.status, x.error, x.channel, x.wish, x.events, x.sent, x.person = w.person
               FROM access.writer(p_secret) w JOIN vault.subscription x ON x.org = w.unit
               WHERE x.slot = p_slot AND x.pid = p_pid;
END $$;

-- ── The operator's ───────────────────────────────────────────────────────────────────────────────

-- Every subscription, without what it asks for: no address, no header, no patient.
CREATE OR REPLACE FUNCTION vault.list_subscriptions()
RETURNS TABLE (slot smallint, pid bigint, unit text, channel text, status text, error text, events bigint, sent bigint, failures integer,
               next_at timestamptz, until_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT x.slot, x.pid, access.unit_name(x.org), x.channel, x.status, x.error, x.events, x.sent, x.failures, x.next_at, x.until_at
               FROM vault.subscription x ORDER BY x.status = 'off', x.status <> 'error', x.pid;
END $$;

CREATE OR REPLACE FUNCTION access.unit_name(p_unit bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT u.name FROM identity.unit u WHERE u.id = p_unit);
END $$;

-- Sends again from a number (NULL: what has not been received), after a new handshake. False for one that is off, or unknown.
CREATE OR REPLACE FUNCTION vault.resend_subscription(p_slot smallint, p_pid bigint, p_from bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE vault.subscription x SET sent = least(coalesce(greatest(p_from, 1) - 1, x.sent), x.events), status = 'requested', failures = 0,
    error = '', next_at = clock_timestamp(), busy_until = '-infinity'
  WHERE x.slot = p_slot AND x.pid = p_pid AND x.status <> 'off';
  RETURN FOUND;
END $$;

-- What was received a month ago is thrown away; of a subscription that is off, everything.
CREATE OR REPLACE FUNCTION vault.sweep_events() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v bigint;
BEGIN
  DELETE FROM vault.subscription_event e USING vault.subscription x
  WHERE e.made_at < clock_timestamp() - interval '30 days' AND x.slot = e.sub_slot AND x.pid = e.sub_pid
    AND (e.number <= x.sent OR x.status = 'off');
  GET DIAGNOSTICS v = ROW_COUNT;
  RETURN v;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

ALTER FUNCTION identity.continue_session(bigint, bytea, timestamptz, text) OWNER TO fj_owner;
ALTER FUNCTION identity.end_continued(bigint) OWNER TO fj_owner;
ALTER FUNCTION access.is_live(bigint) OWNER TO access_core;
ALTER FUNCTION access.may_be_told(bigint, smallint, bigint, bigint, bigint, smallint, text) OWNER TO access_core;
ALTER FUNCTION access.unit_name(bigint) OWNER TO access_core;
REVOKE ALL ON FUNCTION identity.continue_session(bigint, bytea, timestamptz, text), identity.end_continued(bigint), access.is_live(bigint),
  access.may_be_told(bigint, smallint, bigint, bigint, bigint, smallint, text), access.unit_name(bigint) FROM PUBLIC;

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace AND p.proname = ANY (ARRAY[
    'subscribe', 'unsubscribe', 'subscriptions_new', 'subscription_begin', 'subscriptions', 'may_be_told', 'note_event', 'subscriptions_due', 'may_carry', 'subscription_told',
    'subscription_failed', 'subscription_over', 'subscriptions_held', 'subscription_let_go', 'subscription_events', 'subscription_state', 'list_subscriptions',
    'resend_subscription', 'sweep_events']) LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_tell', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;

GRANT USAGE ON SCHEMA vault, access, identity TO vault_tell;
GRANT EXECUTE ON FUNCTION identity.continue_session(bigint, bytea, timestamptz, text), identity.end_continued(bigint), access.is_live(bigint),
  access.may_be_told(bigint, smallint, bigint, bigint, bigint, smallint, text), access.unit_name(bigint), access.may_feed(bytea),
  access.writer(bytea), vault.owners(smallint[], bigint[], smallint[], integer[]) TO vault_tell;

GRANT EXECUTE ON FUNCTION
  vault.subscribe(bytea, smallint, bigint, integer, text, text, integer, boolean, timestamptz, timestamptz),
  vault.unsubscribe(bytea, smallint, bigint), vault.subscription_told(bytea, smallint, bigint, integer, bigint, interval),
  vault.subscription_events(bytea, smallint, bigint, bigint, bigint, integer), vault.subscription_state(bytea, smallint, bigint)
  TO fj_web, fj_worker;
GRANT EXECUTE ON FUNCTION vault.subscriptions_new(bytea), vault.subscription_begin(bytea, smallint, bigint, integer, bytea),
  vault.subscriptions(bytea), vault.may_be_told(bytea, bigint[], smallint, bigint, smallint, integer),
  vault.note_event(bytea, smallint, bigint, smallint, bigint, integer, smallint, "char", timestamptz),
  vault.subscriptions_due(bytea, interval, integer), vault.subscription_failed(bytea, smallint, bigint, integer, text, interval, boolean),
  vault.subscription_over(bytea, smallint, bigint, integer, text), vault.subscription_let_go(bytea, smallint, bigint),
  vault.subscriptions_held(bytea, smallint[], bigint[], interval), vault.sweep_events() TO fj_worker;
GRANT EXECUTE ON FUNCTION vault.list_subscriptions(), vault.resend_subscription(smallint, bigint, bigint) TO fj_migrate;
