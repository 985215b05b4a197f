-- Facts that make a need: told by the care rooms, by systems within their grant, and by identifying a person.

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

-- Tells a fact. Staff tell the facts that their ground lets them (access.ground.told) for their own unit: about those they may already
-- see, or some about those they have just identified;
-- a system with the LOAD or DISTRIBUTE grant tells them for other units too, within its bounded patients.
-- Answers false when that is not so; nothing is written then.
CREATE OR REPLACE FUNCTION access.establish(p_secret bytea, p_patient bigint, p_unit bigint, p_person bigint, p_ground text,
                                            p_source bigint, p_from timestamptz, p_until timestamptz)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record; g access.ground; v_purpose text;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'write');
  IF NOT FOUND THEN RETURN false; END IF;
  IF j.kind = 'staff' THEN
    SELECT * INTO g FROM access.ground x WHERE x.code = p_ground AND x.told IN ('identified', 'staff');
    IF NOT FOUND OR p_unit IS DISTINCT FROM j.unit OR j.ground IN ('SPERRET', 'EGEN_SOM_ANSATT') THEN RETURN false; END IF;
    IF NOT j.allow AND NOT (g.told = 'identified' AND EXISTS (
        SELECT 1 FROM access.identified i WHERE i.session = j.session AND i.patient = p_patient
        AND i.at > clock_timestamp() - interval '30 minutes')) THEN RETURN false; END IF;
    -- A contact that somebody registers lasts as long as the ground says, whatever is asked for.
    IF g.told = 'identified' THEN p_until := least(p_until, clock_timestamp() + make_interval(hours => g.after_h)); END IF;
    -- A fact about one person is about somebody who works in the unit.
    IF p_person IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM identity.post o WHERE o.person = p_person AND o.unit = p_unit AND o.until_at > clock_timestamp()) THEN RETURN false; END IF;
  ELSIF j.kind = 'system' THEN
    SELECT s.purpose INTO v_purpose FROM identity.live s WHERE s.id = j.session;
    IF v_purpose NOT IN ('LOAD', 'DISTRIBUTE') OR NOT j.allow THEN RETURN false; END IF;
    IF v_purpose = 'DISTRIBUTE' AND p_ground <> 'ARBFLYT' THEN RETURN false; END IF;
    IF NOT EXISTS (SELECT 1 FROM access.ground x WHERE x.code = p_ground AND x.told IS NOT NULL) THEN RETURN false; END IF;
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

-- The facts of one referral (p_source) are what it says now: these units have this ground, from now; of no other unit or ground of it
-- is anything left but the after-time (p_at_once: nothing). An assessment lasts its after-time from now; p_ground NULL: it was taken back.
-- Only for a system that distributes, about the patient of the envelope that it opened. Told again, nothing changes.
CREATE OR REPLACE FUNCTION access.keep_referral(p_secret bytea, p_patient bigint, p_source bigint, p_units bigint[], p_ground text, p_at_once boolean)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE j record; v_now timestamptz := clock_timestamp(); g access.ground; v_unit bigint;
BEGIN
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[p_patient], 'write');
  IF NOT FOUND OR NOT j.allow OR j.kind <> 'system' OR NOT EXISTS (
    SELECT 1 FROM identity.live s WHERE s.id = j.session AND s.purpose = 'DISTRIBUTE') THEN RETURN false; END IF;
  UPDATE access.relation r
  SET until_at = CASE WHEN p_at_once OR p_ground IS NOT NULL AND r.unit = ANY (p_units) THEN v_now
                      ELSE least(r.until_at, v_now + make_interval(hours => x.after_h)) END
  FROM access.ground x
  WHERE r.source = p_source AND r.patient = p_patient AND x.code = r.ground AND x.rule = 'referral' AND r.until_at > v_now
    AND (r.until_at = 'infinity' OR p_at_once OR r.unit = ANY (p_units)) AND NOT (r.unit = ANY (p_units) AND r.ground IS NOT DISTINCT FROM p_ground);
  SELECT * INTO g FROM access.ground x WHERE x.code = p_ground AND x.rule = 'referral';
  IF FOUND THEN
    FOR v_unit IN SELECT u.id FROM identity.unit u WHERE u.id = ANY (p_units) AND u.kind <> 'system' AND NOT EXISTS (
        SELECT 1 FROM access.relation r WHERE r.source = p_source AND r.patient = p_patient AND r.unit = u.id AND r.ground = p_ground
        AND (r.until_at > v_now OR p_ground = 'VURDHENV')) ORDER BY u.id LOOP
      PERFORM access.put_relation(ARRAY[p_patient], v_unit, NULL, p_ground, p_source, v_now,
                                  CASE p_ground WHEN 'VURDHENV' THEN v_now + make_interval(hours => g.after_h) ELSE 'infinity' END, j.session);
    END LOOP;
  END IF;
  UPDATE access.roster o SET until_at = x.until_at
  FROM (SELECT r.unit, max(r.until_at) AS until_at FROM access.relation r
        WHERE r.patient = p_patient AND r.unit IN (SELECT e.unit FROM access.relation e WHERE e.source = p_source) GROUP BY r.unit) x
  WHERE o.patient = p_patient AND o.unit = x.unit AND o.until_at IS DISTINCT FROM x.until_at;
  RETURN true;
END $$;

-- Does this row tell of another unit's need: refers it to a unit (p_named) that did not write it, or has it made such a fact before?
CREATE OR REPLACE FUNCTION access.is_referral(p_source bigint, p_org bigint, p_named bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM identity.unit u WHERE u.id = ANY (p_named) AND u.id <> p_org AND u.kind <> 'system')
    OR EXISTS (SELECT 1 FROM access.relation r JOIN access.ground g ON g.code = r.ground AND g.rule = 'referral' WHERE r.source = p_source);
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
    SELECT CASE WHEN rr.role IS NULL OR s.kind <> 'staff' OR NOT coalesce(access.app_holds(s.id, s.app_may, 'read', 103::smallint, 0::bigint), true) THEN 'role'
                WHEN (SELECT count(DISTINCT l.event) FROM access.log l WHERE l.person = s.person AND l.action = 'identify'
                      AND l.at > clock_timestamp() - interval '10 minutes') >= 60 THEN 'rate'
                ELSE 'ok' END
    FROM identity.live s LEFT JOIN access.role_right rr ON rr.role = s.role AND rr.action = 'identify'
    WHERE s.secret_hash = sha256(p_secret)), 'none')
$$;
