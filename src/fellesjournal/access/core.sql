-- The decision, the log and the sealed context. Owned by access_core, which alone reads sessions, facts and rules.

-- ── Classes ──────────────────────────────────────────────────────────────────────────────────────

-- The classes of rows that a kind of reader may see: a citizen never what is withheld (odd numbers).
CREATE OR REPLACE FUNCTION access.classes_of(p_kind text) RETURNS smallint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE p_kind WHEN 'citizen' THEN '{0,100}'::smallint[] ELSE '{0,1,100,101}'::smallint[] END
$$;

-- ── Decide and log ───────────────────────────────────────────────────────────────────────────────

-- What the rules say of one reader and one patient: the same answer as the first row of `access.rules` by (allow, rank),
-- found by asking one rule after the other (denies first), which costs a third of asking all. No row of any rule = NULLs.
CREATE OR REPLACE FUNCTION access.verdict(p_reader bigint, p_kind text, p_patient bigint,
                                          OUT allow boolean, OUT ground text, OUT until_at timestamptz, OUT ref bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF p_kind = 'staff' THEN
    SELECT x.allow, x.ground, x.until_at, x.ref INTO allow, ground, until_at, ref FROM (
      SELECT * FROM access.rule_own_as_staff UNION ALL SELECT * FROM access.rule_other_than_launched) x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
    IF FOUND THEN RETURN; END IF;
    SELECT x.allow, x.ground, x.until_at, x.ref INTO allow, ground, until_at, ref FROM access.rule_block x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
    IF FOUND THEN RETURN; END IF;
    SELECT x.allow, x.ground, x.until_at, x.ref INTO allow, ground, until_at, ref FROM access.rule_gp_list x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
    IF FOUND THEN RETURN; END IF;
    SELECT x.allow, x.ground, x.until_at, x.ref INTO allow, ground, until_at, ref FROM access.rule_contact x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
    IF FOUND THEN RETURN; END IF;
    SELECT x.allow, x.ground, x.until_at, x.ref INTO allow, ground, until_at, ref FROM access.rule_work_list x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
  ELSIF p_kind = 'citizen' THEN
    SELECT x.allow, x.ground, x.until_at, x.ref INTO allow, ground, until_at, ref FROM access.rule_own_record x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
  ELSE
    SELECT x.allow, x.ground, x.until_at, x.ref INTO allow, ground, until_at, ref FROM (
      SELECT * FROM access.rule_system UNION ALL SELECT * FROM access.rule_backend_app) x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
  END IF;
END $$;

-- Decides and logs a batch of wishes, one answer for each, in order. The log rows are in the caller's transaction.
-- patient: NULL = nothing there; 0 = directory; -1 = a unit's own row (org tells whose).
-- sens: the row's class; others: every other patient that it names, as the text of an array (NULL = nobody).
-- session NULL = the secret opens nothing (answer 401).
DROP FUNCTION IF EXISTS access.decide_many(bytea[], bigint[], bigint[], smallint[], text[], bigint[]);
CREATE OR REPLACE FUNCTION access.decide_many(
  p_secret bytea[], p_patient bigint[], p_org bigint[], p_sens smallint[], p_others text[], p_kind smallint[], p_action text[],
  p_what bigint[])
RETURNS TABLE (n integer, session bigint, unit bigint, allow boolean, ground text, classes smallint[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_event bigint := nextval('access.event');
BEGIN
  RETURN QUERY
  WITH ask AS (
    SELECT a.ord::integer AS k, a.secret, a.patient, a.org, a.sens, a.others::bigint[] AS others, a.kind, a.action, a.what
    FROM unnest(p_secret, p_patient, p_org, p_sens, p_others, p_kind, p_action, p_what) WITH ORDINALITY
      AS a (secret, patient, org, sens, others, kind, action, what, ord)
  ), verdict AS MATERIALIZED (
    SELECT ask.k, ask.patient, ask.others, ask.kind, ask.action, ask.what, s.id AS sid, s.person, s.role, s.unit AS sunit, s.controller,
           s.purpose, s.device, s.app, s.kind AS skind,
           CASE WHEN ask.patient = 0 THEN 'KATALOG' WHEN ask.patient = -1 THEN 'ENHET' ELSE r.ground END AS ground,
           r.ref,
           (s.id IS NOT NULL AND s.level >= 4 AND rr.role IS NOT NULL
            AND (rr.kinds IS NULL OR ask.kind = ANY (rr.kinds))
            AND CASE WHEN ask.patient IS NULL THEN false WHEN ask.patient = 0 THEN true
                     WHEN ask.patient = -1 THEN coalesce(ask.org = s.unit, false) ELSE coalesce(r.allow, false) END
            AND ask.sens = ANY (access.classes_of(s.kind))
            AND (ask.others IS NULL OR access.may_all(sha256(ask.secret), ask.others))) AS allow
    FROM ask
    LEFT JOIN identity.live s ON s.secret_hash = sha256(ask.secret)
    LEFT JOIN access.role_right rr ON rr.role = s.role AND rr.action = CASE ask.action WHEN 'write' THEN 'write' ELSE 'read' END
    LEFT JOIN LATERAL (SELECT x.allow, x.ground, x.ref FROM access.verdict(s.id, s.kind, ask.patient) x WHERE ask.patient > 0) r ON true
  ), written AS (
    INSERT INTO access.log (event, session, person, role, unit, controller, patient, action, kind, what, purpose, ground,
                            ground_ref, device, app, outcome)
    SELECT v_event, v.sid, v.person, v.role, v.sunit, v.controller, q.p, v.action, v.kind, ARRAY[v.what],
           v.purpose, v.ground, v.ref, coalesce(v.device, ''), v.app,
           CASE WHEN v.allow THEN 0 WHEN v.patient IS NULL THEN 2 ELSE 1 END
    FROM verdict v CROSS JOIN LATERAL unnest(coalesce(v.patient, 0) || v.others) AS q (p) WHERE v.patient IS NULL OR q.p <> 0
  )
  SELECT v.k, v.sid, v.sunit, v.allow, v.ground, access.classes_of(v.skind)
  FROM verdict v ORDER BY v.k;
END $$;

-- Decides without logging: for callers that log what they then show. One row for each patient.
-- Patient 0 asks for no record: whether the role may do such a thing at all.
CREATE OR REPLACE FUNCTION access.judge(p_secret bytea, p_patients bigint[], p_action text)
RETURNS TABLE (patient bigint, session bigint, unit bigint, kind text, allow boolean, ground text, until_at timestamptz,
               ref bigint, classes smallint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT q.p, s.id, s.unit, s.kind, (rr.role IS NOT NULL AND s.level >= 4 AND coalesce(r.allow, q.p = 0, false)), r.ground, r.until_at, r.ref,
           access.classes_of(s.kind)
    FROM identity.live s
    CROSS JOIN unnest(p_patients) AS q (p)
    LEFT JOIN access.role_right rr ON rr.role = s.role AND rr.action = p_action
    LEFT JOIN LATERAL (SELECT x.allow, x.ground, x.until_at, x.ref FROM access.verdict(s.id, s.kind, q.p) x WHERE q.p > 0) r ON true
    WHERE s.secret_hash = sha256(p_secret);
END $$;

-- The same for a search in the charts of all these patients together, without a set of rows to go through on the way: one answer.
-- session NULL = the secret opens nothing. Without a patient nothing is allowed.
DROP FUNCTION IF EXISTS access.judge_many(bytea[], text[]);
CREATE OR REPLACE FUNCTION access.judge_all(p_secret bytea, p_patients bigint[],
                                            OUT session bigint, OUT allow boolean, OUT ground text, OUT ref bigint, OUT classes smallint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_kind text; v_patient bigint; v record;
BEGIN
  SELECT s.id, s.kind, s.level >= 4 AND EXISTS (SELECT 1 FROM access.role_right rr WHERE rr.role = s.role AND rr.action = 'read')
  INTO session, v_kind, allow FROM identity.live s WHERE s.secret_hash = sha256(p_secret);
  IF NOT FOUND THEN RETURN; END IF;
  allow := allow AND cardinality(p_patients) > 0;
  FOREACH v_patient IN ARRAY p_patients LOOP
    v := access.verdict(session, v_kind, v_patient);
    allow := allow AND v.allow IS TRUE; ground := least(ground, v.ground); ref := least(ref, v.ref);
  END LOOP;
  classes := access.classes_of(v_kind);
END $$;

-- Who asks for a unit's lists, with all that the policy on lists must know. No row = the secret opens nothing.
-- grounds: those that this reader's role can use, of the facts that a unit has; none for a citizen.
CREATE OR REPLACE FUNCTION access.lister(p_secret bytea)
RETURNS TABLE (unit bigint, person bigint, own bigint, is_staff boolean, grounds text[], classes smallint[], allow boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT s.unit, s.person, CASE s.kind WHEN 'staff' THEN p.patient END, s.kind = 'staff' OR (s.kind = 'system' AND s.app IS NOT NULL),
           CASE
             WHEN s.kind = 'staff' THEN ARRAY(SELECT g.code FROM access.ground g WHERE s.role = ANY (g.roles) AND s.patient IS NULL
                                     AND g.code IN ('FASTLEGE', 'POLBESOK', 'PLANOPP', 'BELEGG', 'ARBFLYT'))
             WHEN s.kind = 'system' THEN ARRAY(SELECT x.code FROM unnest(CASE WHEN s.app IS NULL THEN ARRAY['SYSTEM']
                 ELSE ARRAY['FASTLEGE', 'POLBESOK', 'PLANOPP', 'BELEGG', 'ARBFLYT'] END) AS x (code) WHERE EXISTS (
               SELECT 1 FROM access.system_grant g WHERE g.person = s.person AND g.purpose = s.purpose AND g.until_at > clock_timestamp()))
             ELSE ARRAY[]::text[] END,
           -- An app that was launched for one patient has no lists.
           access.classes_of(s.kind), s.level >= 4 AND rr.role IS NOT NULL AND NOT (s.kind = 'staff' AND s.patient IS NOT NULL)
    FROM identity.live s JOIN identity.person p ON p.id = s.person
    LEFT JOIN access.role_right rr ON rr.role = s.role AND rr.action = 'list'
    WHERE s.secret_hash = sha256(p_secret);
END $$;

-- Writes the log of one event: one row for each patient named. Callable by the vault's functions only.
CREATE OR REPLACE FUNCTION access.log_event(p_secret bytea, p_patients bigint[], p_action text, p_kind smallint,
                                            p_what bigint[], p_ground text, p_ref bigint, p_outcome smallint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_event bigint := nextval('access.event');
BEGIN
  INSERT INTO access.log (event, session, person, role, unit, controller, patient, action, kind, what, purpose, ground, ground_ref,
                          device, app, outcome)
  SELECT v_event, s.id, s.person, s.role, s.unit, s.controller, q.p, p_action, p_kind, p_what, s.purpose, p_ground, p_ref,
         coalesce(s.device, ''), s.app, p_outcome
  FROM unnest(p_patients) AS q (p) LEFT JOIN identity.live s ON s.secret_hash = sha256(p_secret);
END $$;

-- Writes the log of pages: for each one row a patient named or shown, with what was shown of that patient alone.
-- p_named: the patients of each page, as the text of an array; p_outcome 1 = refused.
-- Rows shown, of all pages together: s_n the page, s_owner, s_what and s_kind of each; rows that are no patient's have owner 0.
CREATE OR REPLACE FUNCTION access.log_pages(
  p_secret bytea[], p_named text[], p_outcome smallint[], p_action text[], p_kind smallint[], p_ground text[], p_ref bigint[],
  s_n integer[], s_owner bigint[], s_what bigint[], s_kind smallint[])
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  INSERT INTO access.log (event, session, person, role, unit, controller, patient, action, kind, kinds, what, purpose, ground,
                          ground_ref, device, app, outcome)
  SELECT a.event, a.id, a.person, a.role, a.unit, a.controller, q.p, a.action, a.kind, q.kinds, q.what, a.purpose, a.ground, a.ref,
         coalesce(a.device, ''), a.app, CASE WHEN a.outcome = 1 THEN 1 WHEN q.what IS NULL THEN 2 ELSE 0 END
  FROM (SELECT b.outcome, b.action, b.kind, b.ground, b.ref, b.ord, nextval('access.event') AS event,
               s.id, s.person, s.role, s.unit, s.controller, s.purpose, s.device, s.app
        FROM unnest(p_secret, p_outcome, p_action, p_kind, p_ground, p_ref) WITH ORDINALITY
          AS b (secret, outcome, action, kind, ground, ref, ord)
        LEFT JOIN identity.live s ON s.secret_hash = sha256(b.secret) OFFSET 0) AS a
  JOIN (SELECT x.n, x.p, array_agg(DISTINCT x.what) FILTER (WHERE x.what IS NOT NULL) AS what,
               array_agg(DISTINCT x.kind) FILTER (WHERE x.kind IS NOT NULL) AS kinds
        FROM (SELECT m.ord::integer, coalesce(named.p, 0), NULL::bigint, NULL::smallint
              FROM unnest(p_named) WITH ORDINALITY AS m (patients, ord) CROSS JOIN LATERAL unnest(m.patients::bigint[]) AS named (p)
              UNION ALL SELECT o.n, o.p, o.w, o.k FROM unnest(s_n, s_owner, s_what, s_kind) AS o (n, p, w, k) WHERE o.p <> 0
             ) AS x (n, p, what, kind) GROUP BY x.n, x.p) AS q ON a.ord = q.n;
END $$;

-- The log of one page. p_owner, p_what and p_kinds go together, one for each row shown.
CREATE OR REPLACE FUNCTION access.log_page(p_secret bytea, p_named bigint[], p_owner bigint[], p_what bigint[], p_kinds smallint[],
                                           p_action text, p_kind smallint, p_ground text, p_ref bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM access.log_pages(ARRAY[p_secret], ARRAY[p_named::text], ARRAY[0]::smallint[], ARRAY[p_action], ARRAY[p_kind], ARRAY[p_ground],
                           ARRAY[p_ref], array_fill(1, ARRAY[cardinality(p_what)]), p_owner, p_what, p_kinds);
END $$;

-- May this reader open this patient? Logged as an opening or a refusal; the page shows the ground or the way on.
-- No row = the secret opens nothing. Unknown patients are refused like hidden ones.
CREATE OR REPLACE FUNCTION access.decide(p_secret bytea, p_patient bigint, p_action text, p_kind smallint)
RETURNS TABLE (session bigint, unit bigint, allow boolean, ground text, ground_name_nb text, ground_name_nn text,
               ground_name_en text, until_at timestamptz, blocked bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], CASE p_action WHEN 'write' THEN 'write' ELSE 'read' END);
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], p_action, p_kind, NULL, j.ground, j.ref,
                           CASE WHEN j.allow THEN 0 ELSE 1 END::smallint);
  RETURN QUERY
    SELECT j.session, j.unit, j.allow, j.ground, g.name_nb, g.name_nn, g.name_en, j.until_at,
           CASE WHEN j.allow AND j.kind = 'staff' THEN
             (SELECT count(*) FROM access.block b WHERE b.patient = p_patient
              AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()) ELSE 0 END
    FROM (SELECT 1) one LEFT JOIN access.ground g ON g.code = j.ground;
END $$;

-- A refused wish that stands alone, after its transaction was rolled back.
CREATE OR REPLACE FUNCTION access.log_refusal(p_secret bytea, p_patients bigint[], p_action text, p_kind smallint)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
  SELECT access.log_event(p_secret, p_patients, p_action, p_kind, NULL, NULL, NULL, 1::smallint)
$$;

-- What the vault's write door must know of the writer. No row = the secret opens nothing.
CREATE OR REPLACE FUNCTION access.writer(p_secret bytea)
RETURNS TABLE (session bigint, person bigint, unit bigint, kind text, purpose text, may_write boolean, may_register boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT s.id, s.person, s.unit, s.kind, s.purpose,
           s.level >= 4 AND EXISTS (SELECT 1 FROM access.role_right rr WHERE rr.role = s.role AND rr.action = 'write'),
           EXISTS (SELECT 1 FROM access.role_right rr WHERE rr.role = s.role AND rr.action = 'register')
    FROM identity.live s WHERE s.secret_hash = sha256(p_secret);
END $$;

-- Does this secret belong to a system with a live grant to read the feed?
CREATE OR REPLACE FUNCTION access.may_feed(p_secret bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM identity.live s JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'FEED'
                 AND g.until_at > clock_timestamp() WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'system');
END $$;

-- ── Facts ────────────────────────────────────────────────────────────────────────────────────────

-- Keeps the roster beside the relations. The same fact told twice is one fact.
CREATE OR REPLACE FUNCTION access.put_relation(p_patients bigint[], p_unit bigint, p_person bigint, p_ground text, p_source bigint,
                                               p_from timestamptz, p_until timestamptz, p_session bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  INSERT INTO access.relation (patient, unit, person, ground, source, from_at, until_at, made_by)
  SELECT q.p, p_unit, p_person, p_ground, p_source, p_from, p_until, p_session FROM unnest(p_patients) AS q (p)
  WHERE NOT EXISTS (
    SELECT 1 FROM access.relation o
    WHERE o.patient = q.p AND o.unit = p_unit AND o.person IS NOT DISTINCT FROM p_person AND o.ground = p_ground
    AND o.source IS NOT DISTINCT FROM p_source AND o.from_at = p_from AND o.until_at = p_until);
  INSERT INTO access.roster AS r (unit, patient, from_at, until_at)
  SELECT DISTINCT p_unit, q.p, p_from, p_until FROM unnest(p_patients) AS q (p)
  ON CONFLICT (unit, patient) DO UPDATE SET from_at = least(r.from_at, excluded.from_at),
                                            until_at = greatest(r.until_at, excluded.until_at);
END $$;

-- Tells a fact. Staff tell facts for their own unit about those they may already see, or have just identified;
-- a system with the LOAD or DISTRIBUTE grant tells them for other units too, within its bounded patients.
-- Answers false when that is not so; nothing is written then.
CREATE OR REPLACE FUNCTION access.establish(p_secret bytea, p_patient bigint, p_unit bigint, p_person bigint, p_ground text,
                                            p_source bigint, p_from timestamptz, p_until timestamptz)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record; v_purpose text;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'write');
  IF NOT FOUND THEN RETURN false; END IF;
  IF j.kind = 'staff' THEN
    IF p_unit IS DISTINCT FROM j.unit OR j.ground IN ('SPERRET', 'EGEN_SOM_ANSATT') THEN RETURN false; END IF;
    IF NOT j.allow AND NOT (p_ground = 'POLBESOK' AND EXISTS (
        SELECT 1 FROM access.identified i WHERE i.session = j.session AND i.patient = p_patient
        AND i.at > clock_timestamp() - interval '30 minutes')) THEN RETURN false; END IF;
    IF p_ground NOT IN ('POLBESOK', 'PLANOPP', 'ARBFLYT', 'BELEGG') THEN RETURN false; END IF;
    -- A contact that somebody registers lasts as long as the ground says, whatever is asked for.
    IF p_ground = 'POLBESOK' THEN p_until := least(p_until, clock_timestamp() + interval '72 hours'); END IF;
  ELSIF j.kind = 'system' THEN
    SELECT s.purpose INTO v_purpose FROM identity.live s WHERE s.id = j.session;
    IF v_purpose NOT IN ('LOAD', 'DISTRIBUTE') OR NOT j.allow THEN RETURN false; END IF;
    IF v_purpose = 'DISTRIBUTE' AND p_ground <> 'ARBFLYT' THEN RETURN false; END IF;
  ELSE RETURN false;
  END IF;
  PERFORM access.put_relation(ARRAY[p_patient], p_unit, p_person, p_ground, p_source, p_from, p_until, j.session);
  RETURN true;
END $$;

-- Ends the fact that a resource made, for the unit of the session; access lasts the ground's after-time longer.
CREATE OR REPLACE FUNCTION access.end_relation(p_secret bytea, p_patient bigint, p_source bigint)
RETURNS integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record; v_count integer;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'write');
  IF NOT FOUND OR NOT j.allow THEN RETURN 0; END IF;
  UPDATE access.relation r SET until_at = least(r.until_at, clock_timestamp() + make_interval(hours => g.after_h))
  FROM access.ground g
  WHERE r.source = p_source AND r.patient = p_patient AND g.code = r.ground AND (j.kind = 'system' OR r.unit = j.unit);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  UPDATE access.roster o SET until_at = x.until_at
  FROM (SELECT r.unit, r.patient, max(r.until_at) AS until_at FROM access.relation r
        WHERE r.patient = p_patient AND r.unit IN (SELECT unit FROM access.relation WHERE source = p_source)
        GROUP BY r.unit, r.patient) x
  WHERE o.unit = x.unit AND o.patient = x.patient;
  RETURN v_count;
END $$;

-- Opens one envelope for a distributing system: the patient of one history entry, for five minutes.
CREATE OR REPLACE FUNCTION access.open_envelope(p_secret bytea, p_patient bigint, p_source bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record;
BEGIN
  SELECT l.id, l.unit, l.person INTO s FROM identity.live l
  JOIN access.system_grant g ON g.person = l.person AND g.purpose = 'DISTRIBUTE' AND g.until_at > clock_timestamp()
  WHERE l.secret_hash = sha256(p_secret) AND l.kind = 'system' AND l.purpose = 'DISTRIBUTE';
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM access.put_relation(ARRAY[p_patient], s.unit, s.person, 'SYSTEM', p_source, clock_timestamp(),
                              clock_timestamp() + interval '5 minutes', s.id);
  RETURN true;
END $$;

-- Marks people as just identified in this session, and logs each hit shown. Called by the vault's identify.
CREATE OR REPLACE FUNCTION access.mark_identified(p_secret bytea, p_patients bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  INSERT INTO access.identified (session, patient)
  SELECT s.id, q.p FROM identity.live s, unnest(p_patients) AS q (p) WHERE s.secret_hash = sha256(p_secret)
  ON CONFLICT (session, patient) DO UPDATE SET at = clock_timestamp();
  PERFORM access.log_event(p_secret, p_patients, 'identify', 0::smallint, NULL, 'IDENTIFISERT', NULL, 0::smallint);
END $$;

-- May this reader identify people now? 'ok', 'none' (no session), 'role' or 'rate' (over 60 in ten minutes).
CREATE OR REPLACE FUNCTION access.may_identify(p_secret bytea)
RETURNS text LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
  SELECT coalesce((
    SELECT CASE WHEN rr.role IS NULL OR s.kind <> 'staff' THEN 'role'
                WHEN (SELECT count(DISTINCT l.event) FROM access.log l WHERE l.person = s.person AND l.action = 'identify'
                      AND l.at > clock_timestamp() - interval '10 minutes') >= 60 THEN 'rate'
                ELSE 'ok' END
    FROM identity.live s LEFT JOIN access.role_right rr ON rr.role = s.role AND rr.action = 'identify'
    WHERE s.secret_hash = sha256(p_secret)), 'none')
$$;

-- Citizen: who has seen my record. Newest first, below the cursor; the reading of the log is itself logged.
DROP FUNCTION IF EXISTS access.own_log(bytea, timestamptz, integer), access.patient_log(bytea, bigint, timestamptz, integer);
CREATE OR REPLACE FUNCTION access.own_log(p_secret bytea, p_before timestamptz, p_limit integer)
RETURNS TABLE (at timestamptz, reader_name text, role text, unit_name text, controller bigint, municipality text, action text, kind smallint,
               kinds smallint[], purpose text, ground text, ground_name_nb text, ground_name_nn text, ground_name_en text,
               outcome smallint, reader_kind text, app_name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_patient bigint;
BEGIN
  SELECT s.patient INTO v_patient FROM identity.live s WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen';
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM access.log_event(p_secret, ARRAY[v_patient], 'log', 0::smallint, NULL, 'EGEN', NULL, 0::smallint);
  RETURN QUERY
    SELECT l.at, p.name, l.role, u.name, l.controller, u.municipality, l.action, l.kind, l.kinds, l.purpose,
           l.ground, g.name_nb, g.name_nn, g.name_en, l.outcome, p.kind, a.name
    FROM access.log l
    LEFT JOIN identity.app a ON a.id = l.app
    LEFT JOIN identity.person p ON p.id = l.person
    LEFT JOIN identity.unit u ON u.id = l.unit
    LEFT JOIN access.ground g ON g.code = l.ground
    WHERE l.patient = v_patient AND l.at < p_before
    ORDER BY l.at DESC LIMIT least(p_limit, 200);
END $$;

-- Staff: the latest readings of a patient that they may open (the storyboard's link to the log).
CREATE OR REPLACE FUNCTION access.patient_log(p_secret bytea, p_patient bigint, p_before timestamptz, p_limit integer)
RETURNS TABLE (at timestamptz, reader_name text, role text, unit_name text, action text, kind smallint, purpose text, ground text,
               ground_name_nb text, ground_name_nn text, ground_name_en text, outcome smallint, app_name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'read');
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'log', 0::smallint, NULL, j.ground, j.ref,
                           CASE WHEN j.allow THEN 0 ELSE 1 END::smallint);
  IF NOT j.allow THEN RETURN; END IF;
  RETURN QUERY
    SELECT l.at, p.name, l.role, u.name, l.action, l.kind, l.purpose, l.ground, g.name_nb, g.name_nn, g.name_en, l.outcome, a.name
    FROM access.log l
    LEFT JOIN identity.app a ON a.id = l.app
    LEFT JOIN identity.person p ON p.id = l.person
    LEFT JOIN identity.unit u ON u.id = l.unit
    LEFT JOIN access.ground g ON g.code = l.ground
    WHERE l.patient = p_patient AND l.at < p_before
    ORDER BY l.at DESC LIMIT least(p_limit, 200);
END $$;

-- Makes the log's partitions for this month and the two next. Run by migration and by the worker each day.
CREATE OR REPLACE FUNCTION access.keep_log_partitions()
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE m date; t text; v_from timestamptz; v_to timestamptz;
BEGIN
  FOR i IN 0..2 LOOP
    m := (date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
    t := 'log_' || to_char(m, 'YYYYMM');
    v_from := m::timestamp AT TIME ZONE 'UTC';
    v_to := (m + interval '1 month')::timestamp AT TIME ZONE 'UTC';
    CONTINUE WHEN to_regclass('access.' || t) IS NOT NULL;
    IF NOT EXISTS (SELECT 1 FROM access.log_rest r WHERE r.at >= v_from AND r.at < v_to) THEN
      EXECUTE format('CREATE TABLE access.%I PARTITION OF access.log FOR VALUES FROM (%L) TO (%L)', t, v_from, v_to);
    ELSE
      -- Nobody made the month's partition in time: its rows are in the rest and move over, the same in every column.
      LOCK TABLE access.log_rest IN EXCLUSIVE MODE;
      EXECUTE format('CREATE TABLE access.%I (LIKE access.log INCLUDING DEFAULTS)', t);
      EXECUTE format('WITH moved AS (DELETE FROM access.log_rest r WHERE r.at >= $1 AND r.at < $2 RETURNING *) INSERT INTO access.%I SELECT * FROM moved', t)
      USING v_from, v_to;
      EXECUTE format('ALTER TABLE access.log ATTACH PARTITION access.%I FOR VALUES FROM (%L) TO (%L)', t, v_from, v_to);
    END IF;
  END LOOP;
END $$;

-- ── The sealed context of a dynamic search ───────────────────────────────────────────────────────

-- HMAC-SHA-256 (RFC 2104) of the context, this backend, this transaction and the newest seal in it, under the database's own nonce.
CREATE OR REPLACE FUNCTION ctx.mac(p_context text)
RETURNS bytea LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE k bytea; m bytea;
BEGIN
  SELECT n.nonce INTO k FROM ctx.nonce n;
  IF NOT FOUND THEN
    INSERT INTO ctx.nonce (nonce) VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))
    ON CONFLICT (id) DO NOTHING;
    SELECT n.nonce INTO STRICT k FROM ctx.nonce n;
  END IF;
  m := convert_to(p_context || '|' || pg_backend_pid() || '|' || extract(epoch FROM transaction_timestamp()) || '|' ||
                  currval('ctx.seal_number'), 'UTF8');
  RETURN sha256(decode('5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 'hex') || k || sha256(decode('36363636363636363636363636363636', 'hex') || k || m));
END $$;

-- Seals a context into this transaction, for the policies: who asks (the hash of the session's secret: what a policy asks
-- with it can't be asked about another reader), with which classes; then the charts opened, or whose lists.
-- Several searches may share a transaction: the next seal, or its end, makes the one before worthless.
DROP FUNCTION IF EXISTS ctx.seal(bigint, bigint, smallint[], bigint[]), ctx.seal(bigint, bytea, smallint[], bigint[]);
CREATE OR REPLACE FUNCTION ctx.seal_chart(p_who bytea, p_classes smallint[], p_patients text)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE c text := encode(p_who, 'hex') || ';' || p_classes::text || ';' || p_patients; v text;
BEGIN
  v := nextval('ctx.seal_number')::text;
  v := set_config('fj.context', c || '#' || encode(ctx.mac(c), 'hex'), true);
END $$;
CREATE OR REPLACE FUNCTION ctx.seal_list(p_who bytea, p_classes smallint[], p_unit bigint, p_person bigint, p_own bigint, p_staff boolean,
                                         p_grounds text[])
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE c text := encode(p_who, 'hex') || ';' || p_classes::text || ';{};' || p_unit || ';' || p_person || ';' || coalesce(p_own, 0) || ';'
                  || p_staff || ';' || p_grounds::text; v text;
BEGIN
  v := nextval('ctx.seal_number')::text;
  v := set_config('fj.context', c || '#' || encode(ctx.mac(c), 'hex'), true);
END $$;

-- Takes the context away again.
CREATE OR REPLACE FUNCTION ctx.clear() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM nextval('ctx.seal_number');
  PERFORM set_config('fj.context', '', true);
END $$;

-- The fields of the context if its seal is good, else nothing at all.
CREATE OR REPLACE FUNCTION ctx.open() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v text := current_setting('fj.context', true); c text; k bytea; m bytea;
BEGIN
  IF v IS NULL OR v = '' THEN RETURN NULL; END IF;
  c := split_part(v, '#', 1);
  SELECT n.nonce INTO k FROM ctx.nonce n;
  IF NOT FOUND THEN RETURN NULL; END IF;
  m := convert_to(c || '|' || pg_backend_pid() || '|' || extract(epoch FROM transaction_timestamp()) || '|' ||
                  currval('ctx.seal_number'), 'UTF8');
  IF encode(sha256(decode('5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 'hex') || k
                   || sha256(decode('36363636363636363636363636363636', 'hex') || k || m)), 'hex')
     <> split_part(v, '#', 2) THEN RETURN NULL; END IF;
  RETURN string_to_array(c, ';');
END $$;

CREATE OR REPLACE FUNCTION ctx.who() RETURNS bytea LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN decode((ctx.open())[1], 'hex'); END $$;
CREATE OR REPLACE FUNCTION ctx.classes() RETURNS smallint[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN (ctx.open())[2]::smallint[]; END $$;
CREATE OR REPLACE FUNCTION ctx.patients() RETURNS bigint[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN (ctx.open())[3]::bigint[]; END $$;
CREATE OR REPLACE FUNCTION ctx.unit() RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN (ctx.open())[4]::bigint; END $$;
-- Whose lists are open: one row, or none without a list's seal.
CREATE OR REPLACE FUNCTION ctx.lister() RETURNS TABLE (unit bigint, person bigint, own bigint, is_staff boolean, grounds text[])
LANGUAGE plpgsql STABLE ROWS 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE f text[] := ctx.open();
BEGIN
  IF f[4] IS NOT NULL THEN
    unit := f[4]::bigint; person := f[5]::bigint; own := f[6]::bigint; is_staff := f[7]::boolean; grounds := f[8]::text[];
    RETURN NEXT;
  END IF;
END $$;

-- The people on the lists of the reader in the seal: what `access.rules` says, by one look at each table for each person.
-- A policy asks it about every row of a list (a function in its place cost ten times as much).
CREATE OR REPLACE VIEW access.on_list WITH (security_barrier) AS
  SELECT r.patient FROM ctx.lister() c JOIN access.relation r ON r.unit = c.unit
  WHERE r.ground = ANY (c.grounds) AND (r.person = c.person OR (r.person IS NULL AND c.is_staff)) AND r.patient <> c.own
    AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp()
    AND NOT (c.is_staff AND EXISTS (
      SELECT 1 FROM access.block b WHERE b.patient = r.patient AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()
      AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = c.unit OR b.person = c.person) OFFSET 0));
ALTER VIEW access.on_list OWNER TO access_core;
REVOKE ALL ON access.on_list FROM PUBLIC;
GRANT SELECT ON access.on_list TO vault_list;

-- May this reader see every one of these patients? For rows that name more than one.
CREATE OR REPLACE FUNCTION access.may_all(p_who bytea, p_patients bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_session bigint; v_kind text;
BEGIN
  SELECT s.id, s.kind INTO v_session, v_kind FROM identity.session s WHERE s.secret_hash = p_who;
  RETURN NOT EXISTS (
    SELECT 1 FROM unnest(p_patients) AS q (p) WHERE (SELECT x.allow FROM access.verdict(v_session, v_kind, q.p) x) IS NOT TRUE);
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO access_core', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'ctx'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO ctx_keeper', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
ALTER FUNCTION access.keep_log_partitions() OWNER TO fj_owner;

GRANT USAGE ON SCHEMA access TO fj_web, fj_worker, fj_migrate, vault_gate, vault_read, vault_open, vault_chart, vault_list, vault_write,
  vault_identify, vault_feed;
GRANT USAGE ON SCHEMA ctx TO vault_open, vault_chart, vault_list;
GRANT EXECUTE ON FUNCTION ctx.seal_chart(bytea, smallint[], text),
  ctx.seal_list(bytea, smallint[], bigint, bigint, bigint, boolean, text[]), ctx.clear() TO vault_open;
GRANT EXECUTE ON FUNCTION ctx.unit(), ctx.who(), ctx.classes(), ctx.patients(), ctx.lister() TO vault_chart, vault_list;

GRANT EXECUTE ON FUNCTION access.decide_many(bytea[], bigint[], bigint[], smallint[], text[], smallint[], text[], bigint[]) TO vault_read;
GRANT EXECUTE ON FUNCTION access.judge(bytea, bigint[], text) TO vault_read, vault_write, vault_identify, vault_feed;
GRANT EXECUTE ON FUNCTION access.judge_all(bytea, bigint[]), access.lister(bytea),
  access.log_pages(bytea[], text[], smallint[], text[], smallint[], text[], bigint[], integer[], bigint[], bigint[], smallint[]) TO vault_open;
GRANT EXECUTE ON FUNCTION access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint)
  TO vault_read, vault_open, vault_write, vault_identify, vault_feed;
GRANT EXECUTE ON FUNCTION access.log_page(bytea, bigint[], bigint[], bigint[], smallint[], text, smallint, text, bigint) TO vault_open, vault_write;
GRANT EXECUTE ON FUNCTION access.writer(bytea) TO vault_write;
GRANT EXECUTE ON FUNCTION access.may_feed(bytea) TO vault_feed;
GRANT EXECUTE ON FUNCTION access.put_relation(bigint[], bigint, bigint, text, bigint, timestamptz, timestamptz, bigint) TO vault_write;
GRANT EXECUTE ON FUNCTION access.mark_identified(bytea, bigint[]), access.may_identify(bytea) TO vault_identify;
GRANT EXECUTE ON FUNCTION access.may_all(bytea, bigint[]) TO vault_gate;

GRANT EXECUTE ON FUNCTION access.decide(bytea, bigint, text, smallint), access.log_refusal(bytea, bigint[], text, smallint),
  access.establish(bytea, bigint, bigint, bigint, text, bigint, timestamptz, timestamptz), access.end_relation(bytea, bigint, bigint)
  TO fj_web, fj_worker;
GRANT EXECUTE ON FUNCTION access.own_log(bytea, timestamptz, integer), access.patient_log(bytea, bigint, timestamptz, integer) TO fj_web;
GRANT EXECUTE ON FUNCTION access.open_envelope(bytea, bigint, bigint) TO vault_feed;
GRANT EXECUTE ON FUNCTION access.keep_log_partitions() TO fj_worker;
GRANT EXECUTE ON FUNCTION access.keep_log_partitions() TO fj_migrate;

SELECT access.keep_log_partitions();
