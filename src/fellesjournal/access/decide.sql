-- The decision: what the rules say of a reader and a patient, alone, in batches, for lists. Owned by access_core,
-- which alone reads sessions, facts and rules.

-- Decides and logs a batch of wishes, one answer for each, in order. The log rows are in the caller's transaction.
-- patient: NULL = nothing there; 0 = directory; -1 = a unit's own row (org tells whose).
-- what: the row; sens: its class; others: every other patient that it names, as the text of an array (NULL = nobody).
-- session NULL = the secret opens nothing (answer 401). ground NAER_FAMILIE: shown as soon as the reader has given a reason. closed: the classes that are closed to the reader in this record.
DROP FUNCTION IF EXISTS access.decide_many(bytea[], bigint[], bigint[], smallint[], text[], bigint[]),
  access.decide_many(bytea[], bigint[], bigint[], smallint[], text[], smallint[], text[], bigint[]),
  access.judge(bytea, bigint[], text), access.judge_all(bytea, bigint[]), access.lister(bytea), access.classes_of(text);
CREATE OR REPLACE FUNCTION access.decide_many(
  p_secret bytea[], p_patient bigint[], p_org bigint[], p_sens smallint[], p_others text[], p_kind smallint[], p_action text[],
  p_what bigint[])
RETURNS TABLE (n integer, session bigint, unit bigint, allow boolean, ground text, closed smallint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_event bigint := nextval('access.event');
BEGIN
  RETURN QUERY
  WITH ask AS (
    SELECT a.ord::integer AS k, a.secret, a.patient, a.org, a.sens, a.others::bigint[] AS others, a.kind, a.action, a.what
    FROM unnest(p_secret, p_patient, p_org, p_sens, p_others, p_kind, p_action, p_what) WITH ORDINALITY
      AS a (secret, patient, org, sens, others, kind, action, what, ord)
  ), verdict AS MATERIALIZED (
    SELECT ask.k, ask.patient, ask.others, ask.kind, ask.action, ask.what, ask.org, s.id AS sid, s.person, s.role, s.unit AS sunit, s.controller, s.sphere,
           s.purpose, s.device, s.app, s.licence, c.closed,
           CASE WHEN ask.patient = 0 THEN 'KATALOG' WHEN ask.patient = -1 THEN 'ENHET' ELSE r.ground END AS ground,
           r.ref,
           CASE WHEN r.ground = 'NAER_FAMILIE' THEN (rr.kinds IS NULL OR ask.kind = ANY (rr.kinds)) AND (ask.sens & c.closed) = 0 AND ask.others IS NULL
             AND (s.app_may IS NULL OR access.app_holds(s.id, s.app_may, ask.action, ask.kind, ask.what)) END AS is_all_else,
           (s.id IS NOT NULL AND s.level >= 4 AND rr.role IS NOT NULL
            AND (rr.kinds IS NULL OR ask.kind = ANY (rr.kinds))
            AND (s.app_may IS NULL OR access.app_holds(s.id, s.app_may, ask.action, ask.kind, ask.what))
            AND CASE WHEN ask.patient IS NULL THEN false WHEN ask.patient = 0 THEN true
                     WHEN ask.patient = -1 THEN coalesce(ask.org = s.unit, false) AND NOT access.is_off_duty(s.unit, s.person, s.role)
                     ELSE coalesce(r.allow AND (ask.action <> 'write' OR r.may_write), false) END
            AND (ask.sens & c.closed & ~13280) = 0 AND ((ask.sens & c.closed & 992) = 0 OR coalesce(ask.org = s.unit, false))
            AND ((ask.sens & c.closed & 4096) = 0 OR NOT access.is_blocked_row(sha256(ask.secret), ask.what))
            AND (ask.others IS NULL OR access.may_all(sha256(ask.secret), ask.others))) AS allow
    FROM ask
    LEFT JOIN identity.live s ON s.secret_hash = sha256(ask.secret)
    LEFT JOIN access.role_right rr ON rr.role = s.role AND rr.action = CASE ask.action WHEN 'write' THEN 'write' ELSE 'read' END
    LEFT JOIN LATERAL (SELECT x.allow, x.ground, x.ref, x.may_write FROM access.verdict(s.id, s.kind, ask.patient) x WHERE ask.patient > 0) r ON true
    LEFT JOIN LATERAL (SELECT access.closed_for(s.id, s.kind, ask.patient) AS closed) c ON true
  ), written AS (
    INSERT INTO access.log (event, session, person, role, licence, unit, controller, patient, action, kind, what, purpose, ground,
                            ground_ref, chosen, device, app, outcome, disclosed_from)
    SELECT v_event, v.sid, v.person, v.role, v.licence, v.sunit, v.controller, q.p, v.action, v.kind, ARRAY[v.what],
           coalesce(g.purpose, v.purpose), v.ground, v.ref, g.purpose IS NOT NULL, coalesce(v.device, ''), v.app,
           CASE WHEN v.allow THEN 0 WHEN v.patient IS NULL THEN 2 ELSE 1 END,
           CASE WHEN v.allow AND v.org <> v.sunit AND v.action <> 'write' THEN access.disclosed(ARRAY[v.org], v.sphere) END
    FROM verdict v LEFT JOIN access.ground g ON g.code = v.ground AND g.is_chosen CROSS JOIN LATERAL unnest(coalesce(v.patient, 0) || v.others) AS q (p) WHERE v.patient IS NULL OR q.p <> 0
  )
  SELECT v.k, v.sid, v.sunit, v.allow, CASE WHEN v.is_all_else IS FALSE THEN NULL ELSE v.ground END, v.closed
  FROM verdict v ORDER BY v.k;
END $$;

-- Decides without logging: for callers that log what they then show. One row for each patient.
-- Patient 0 asks for no record: whether the role may do such a thing at all.
CREATE OR REPLACE FUNCTION access.judge(p_secret bytea, p_patients bigint[], p_action text)
RETURNS TABLE (patient bigint, session bigint, unit bigint, kind text, allow boolean, ground text, until_at timestamptz,
               ref bigint, closed smallint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT q.p, s.id, s.unit, s.kind, (rr.role IS NOT NULL AND s.level >= 4 AND coalesce(r.allow AND (p_action <> 'write' OR r.may_write), q.p = 0, false)), r.ground, r.until_at, r.ref,
           access.closed_for(s.id, s.kind, q.p)
    FROM identity.live s
    CROSS JOIN unnest(p_patients) AS q (p)
    LEFT JOIN access.role_right rr ON rr.role = s.role AND rr.action = p_action
    LEFT JOIN LATERAL (SELECT x.allow, x.ground, x.until_at, x.ref, x.may_write FROM access.verdict(s.id, s.kind, q.p) x WHERE q.p > 0) r ON true
    WHERE s.secret_hash = sha256(p_secret);
END $$;

-- The same for a search in the charts of all these patients together, without a set of rows to go through on the way: one answer.
-- session NULL = the secret opens nothing. Without a patient nothing is allowed. is_limited: to some kinds of information, by role or scopes.
DROP FUNCTION IF EXISTS access.judge_many(bytea[], text[]), access.judge_all(bytea, bigint[]);
CREATE FUNCTION access.judge_all(p_secret bytea, p_patients bigint[],
                                 OUT session bigint, OUT allow boolean, OUT ground text, OUT ref bigint, OUT closed smallint, OUT is_limited boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_kind text; v_patient bigint; v record; v_is_any_limited boolean;
BEGIN
  SELECT s.id, s.kind, s.level >= 4 AND EXISTS (SELECT 1 FROM access.role_right rr WHERE rr.role = s.role AND rr.action = 'read'),
         (1000::smallint = ANY (s.app_may)) IS FALSE, EXISTS (SELECT 1 FROM access.role_rule x WHERE x.kinds IS NOT NULL)
  INTO session, v_kind, allow, is_limited, v_is_any_limited FROM identity.live s WHERE s.secret_hash = sha256(p_secret);
  IF NOT FOUND THEN RETURN; END IF;
  IF v_is_any_limited AND NOT is_limited THEN is_limited := access.role_limits(sha256(p_secret), 'read') IS NOT NULL; END IF;
  allow := allow AND cardinality(p_patients) > 0; closed := 0;
  FOREACH v_patient IN ARRAY p_patients LOOP
    v := access.verdict(session, v_kind, v_patient);
    allow := allow AND v.allow IS TRUE; ground := least(ground, v.ground); ref := least(ref, v.ref);
    closed := closed | access.closed_for(session, v_kind, v_patient);
  END LOOP;
END $$;

-- Those of a reader's close family whose records wait for a reason.
CREATE OR REPLACE FUNCTION access.kept_kin(p_session bigint, p_kin bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF p_kin = '{}' THEN RETURN p_kin; END IF;
  RETURN ARRAY(SELECT q.p FROM unnest(p_kin) AS q (p) WHERE NOT EXISTS (
    SELECT 1 FROM access.live_fact f WHERE f.reader = p_session AND f.patient = q.p AND f.kind IN ('relative', 'emergency')));
END $$;

-- Who asks for a unit's lists, with all that the policy on lists must know. No row = the secret opens nothing.
-- grounds: those that this reader's role can use, of the facts that a unit has; none for a citizen.
-- kept: who stays off the lists for this reader: themselves, and close family until a reason was given.
DROP FUNCTION IF EXISTS access.lister(bytea);
CREATE FUNCTION access.lister(p_secret bytea)
RETURNS TABLE (unit bigint, person bigint, kept bigint[], is_staff boolean, grounds text[], closed smallint, allow boolean, app_may smallint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT s.unit, s.person,
           CASE WHEN s.kind = 'staff' THEN coalesce(p.patient, 0) || access.kept_kin(s.id, p.kin) ELSE '{}' END,
           s.kind = 'staff' OR (s.kind = 'system' AND s.app IS NOT NULL),
           CASE
             WHEN s.kind = 'staff' THEN ARRAY(SELECT g.code FROM access.ground g WHERE s.role = ANY (g.roles) AND s.patient IS NULL AND g.kind <> 'relative'
               AND g.valid_from <= (SELECT current_date) AND g.valid_until > (SELECT current_date))
             WHEN s.kind = 'system' THEN ARRAY(SELECT g.code FROM access.ground g
               WHERE (CASE WHEN s.app IS NULL THEN g.code = 'SYSTEM' ELSE g.kind = 'automatic' END) AND EXISTS (
                 SELECT 1 FROM access.system_grant x WHERE x.person = s.person AND x.purpose = s.purpose AND x.until_at > clock_timestamp()))
             ELSE ARRAY[]::text[] END,
           -- An app that was launched for one patient has no lists, nor has who is not on duty where that counts.
           access.closed_for(s.id, s.kind, 0), s.level >= 4 AND rr.role IS NOT NULL
             AND NOT (s.kind = 'staff' AND (s.patient IS NOT NULL OR access.is_off_duty(s.unit, s.person, s.role))),
           s.app_may
    FROM identity.live s JOIN identity.person p ON p.id = s.person
    LEFT JOIN access.role_right rr ON rr.role = s.role AND rr.action = 'list'
    WHERE s.secret_hash = sha256(p_secret);
END $$;

-- May this reader open this patient? Logged as an opening or a refusal; the page shows the ground or the way on.
-- No row = the secret opens nothing. Unknown patients are refused like hidden ones. override_until: blocks are overridden until then.
-- relative_until: a close relative's record is open until then.
DROP FUNCTION IF EXISTS access.decide(bytea, bigint, text, smallint);
CREATE FUNCTION access.decide(p_secret bytea, p_patient bigint, p_action text, p_kind smallint)
RETURNS TABLE (session bigint, unit bigint, allow boolean, ground text, ground_name_nb text, ground_name_nn text,
               ground_name_en text, until_at timestamptz, blocked bigint, ground_kind text, override_until timestamptz, relative_until timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], CASE p_action WHEN 'write' THEN 'write' ELSE 'read' END);
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], p_action, p_kind, NULL, j.ground, j.ref,
                           CASE WHEN j.allow THEN 0 ELSE 1 END::smallint);
  RETURN QUERY
    SELECT j.session, j.unit, j.allow, j.ground, g.name_nb, g.name_nn, g.name_en, j.until_at,
           CASE WHEN j.allow AND j.kind = 'staff' THEN access.hidden_count(j.session, j.kind, p_patient) ELSE 0 END,
           g.kind, CASE WHEN j.allow THEN (SELECT max(f.until_at) FROM access.live_fact f
                                           WHERE f.reader = j.session AND f.patient = p_patient AND f.kind = 'override') END,
           CASE WHEN j.allow THEN (SELECT max(f.until_at) FROM access.live_fact f
                                           WHERE f.reader = j.session AND f.patient = p_patient AND f.kind = 'relative') END
    FROM (SELECT 1) one LEFT JOIN access.ground g ON g.code = j.ground;
END $$;

-- What the vault's write door must know of the writer. No row = the secret opens nothing.
DROP FUNCTION IF EXISTS access.writer(bytea);
CREATE OR REPLACE FUNCTION access.writer(p_secret bytea)
RETURNS TABLE (session bigint, person bigint, unit bigint, kind text, purpose text, may_write boolean, may_register boolean, app_may smallint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT s.id, s.person, s.unit, s.kind, s.purpose,
           s.level >= 4 AND EXISTS (SELECT 1 FROM access.role_right rr WHERE rr.role = s.role AND rr.action = 'write')
             AND (NOT access.is_off_duty(s.unit, s.person, s.role) OR EXISTS (
               SELECT 1 FROM access.choice c JOIN access.ground g ON g.code = c.ground AND g.kind = 'emergency'
               WHERE c.person = s.person AND c.unit = s.unit AND c.until_at > clock_timestamp())),
           EXISTS (SELECT 1 FROM access.role_right rr WHERE rr.role = s.role AND rr.action = 'register'),
           s.app_may
    FROM identity.live s WHERE s.secret_hash = sha256(p_secret);
END $$;

-- Does this secret belong to a system with a live grant to read the feed?
CREATE OR REPLACE FUNCTION access.may_feed(p_secret bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM identity.live s JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'FEED'
                 AND g.until_at > clock_timestamp() WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'system');
END $$;

-- May this reader see every one of these patients? For rows that name more than one.
CREATE OR REPLACE FUNCTION access.may_all(p_who bytea, p_patients bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_session bigint; v_kind text;
BEGIN
  SELECT s.id, s.kind INTO v_session, v_kind FROM identity.session s WHERE s.secret_hash = p_who;
  RETURN NOT EXISTS (
    SELECT 1 FROM unnest(p_patients) AS q (p) WHERE (SELECT x.allow FROM access.verdict(v_session, v_kind, q.p) x) IS NOT TRUE);
END $$;
