-- Address protection (folkeregisterloven § 10-4): who is protected, who may open a strictly protected record, who sees an address.
-- What is hidden in a row, and how, is the vault's matter (record/shield.sql).

-- 'fortrolig', 'strengt', or NULL.
CREATE OR REPLACE FUNCTION access.protection_of(p_patient bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN (SELECT p.level FROM access.protected p WHERE p.patient = p_patient AND p.level <> 'open');
END $$;

-- Is this person strictly protected (kode 6)? Such a person cannot represent or be represented, and is on no route list.
CREATE OR REPLACE FUNCTION access.is_strictly_protected(p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM access.protected p WHERE p.patient = p_patient AND p.level = 'strengt');
END $$;

-- How people's rows are to be shielded: those of these who are protected, or have just ceased to be (level NULL).
-- is_changed: in this transaction, so that all their rows are to be looked at.
CREATE OR REPLACE FUNCTION access.to_shield(p_patients bigint[]) RETURNS TABLE (patient bigint, level text, is_changed boolean)
LANGUAGE plpgsql STABLE ROWS 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT p.patient, nullif(p.level, 'open'), p.changed_in = pg_current_xact_id_if_assigned() FROM access.protected p
               WHERE p.patient = ANY (p_patients) AND (p.level <> 'open' OR p.changed_in = pg_current_xact_id_if_assigned());
END $$;

-- Remembers how people are protected (NULL: not at all), as the Patients say that are being written in this transaction.
-- Those for whom this writer may not take protection away; if there are any, nothing is remembered: the Population Register gives and
-- takes it, through a system. Anybody who writes may give it.
-- Who registers a strictly protected person, and their GP by name, are named for it.
CREATE OR REPLACE FUNCTION access.protect(p_secret bytea, p_patients bigint[], p_levels text[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_refused bigint[]; v_changed bigint[]; v_levels text[];
BEGIN
  SELECT array_agg(a.patient), array_agg(a.level) INTO v_changed, v_levels
  FROM unnest(p_patients, p_levels) AS a (patient, level) LEFT JOIN access.protected p ON p.patient = a.patient
  WHERE coalesce(a.level, 'open') <> coalesce(p.level, 'open');
  IF v_changed IS NULL THEN RETURN '{}'; END IF;
  SELECT l.id, l.person, l.kind, l.kind = 'system' AND l.app IS NULL AS may_lower INTO s FROM identity.live l WHERE l.secret_hash = sha256(p_secret);
  v_refused := ARRAY(SELECT a.patient FROM unnest(v_changed, v_levels) AS a (patient, level)
                     WHERE s.may_lower IS NOT TRUE AND (a.level IS NULL OR EXISTS (SELECT 1 FROM access.protected p WHERE p.patient = a.patient AND p.level = 'strengt')));
  IF cardinality(v_refused) > 0 THEN RETURN v_refused; END IF;
  INSERT INTO access.protected AS p (patient, level, set_by, changed_in)
  SELECT a.patient, coalesce(a.level, 'open'), s.id, pg_current_xact_id() FROM unnest(v_changed, v_levels) AS a (patient, level)
  ON CONFLICT (patient) DO UPDATE SET level = excluded.level, from_at = clock_timestamp(), set_by = excluded.set_by, changed_in = excluded.changed_in;
  INSERT INTO access.named_personnel (patient, person, until_at)
  SELECT a.patient, s.person, clock_timestamp() + interval '72 hours' FROM unnest(v_changed, v_levels) AS a (patient, level)
  WHERE a.level = 'strengt' AND s.kind = 'staff'
  UNION ALL
  SELECT DISTINCT a.patient, r.person, 'infinity'::timestamptz FROM unnest(v_changed, v_levels) AS a (patient, level)
  JOIN access.relation r ON r.patient = a.patient AND r.ground = 'FASTLEGE' AND r.person IS NOT NULL AND r.until_at > clock_timestamp()
  WHERE a.level = 'strengt';
  RETURN '{}';
END $$;

-- ── Named personnel ──────────────────────────────────────────────────────────────────────────────

-- Is this person named for this patient now?
CREATE OR REPLACE FUNCTION access.is_named(p_person bigint, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM access.named_personnel n WHERE n.patient = p_patient AND n.person = p_person
                 AND n.from_at <= clock_timestamp() AND n.until_at > clock_timestamp());
END $$;

-- May this secret name personnel for a strictly protected person? One who is named and may open the record, or a role of the table.
CREATE OR REPLACE FUNCTION access.may_name(p_secret bytea, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN access.is_strictly_protected(p_patient) AND EXISTS (
    SELECT 1 FROM identity.live s WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'staff' AND s.level >= 4 AND s.app IS NULL
      AND (EXISTS (SELECT 1 FROM access.naming_role n WHERE n.role = s.role AND n.valid_from <= current_date AND n.valid_until > current_date)
           OR (access.is_named(s.person, p_patient) AND (SELECT j.allow FROM access.judge(p_secret, ARRAY[p_patient], 'write') j))));
END $$;

-- Names a member of staff of the same controller for a strictly protected person. Logged.
-- 'ok', 'refused' (also: no session), 'self', 'unknown' (no such member of staff there), 'until' (not within two years).
CREATE OR REPLACE FUNCTION access.name_personnel(p_secret bytea, p_patient bigint, p_person bigint, p_until timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v text := 'ok';
BEGIN
  SELECT l.id, l.person, l.controller INTO s FROM identity.live l WHERE l.secret_hash = sha256(p_secret);
  IF NOT FOUND OR NOT access.may_name(p_secret, p_patient) THEN v := 'refused';
  ELSIF s.person = p_person THEN v := 'self';
  ELSIF NOT EXISTS (SELECT 1 FROM identity.post o JOIN identity.unit u ON u.id = o.unit WHERE o.person = p_person AND u.controller = s.controller
                    AND o.until_at > clock_timestamp()) THEN v := 'unknown';
  ELSIF p_until <= clock_timestamp() OR p_until > clock_timestamp() + interval '2 years' THEN v := 'until';
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'name', 0::smallint, ARRAY[p_person], NULL, NULL, CASE v WHEN 'ok' THEN 0 ELSE 1 END::smallint);
  IF v = 'ok' THEN
    UPDATE access.named_personnel n SET until_at = clock_timestamp(), ended_by = s.person
    WHERE n.patient = p_patient AND n.person = p_person AND n.until_at > clock_timestamp();
    INSERT INTO access.named_personnel (patient, person, until_at, named_by) VALUES (p_patient, p_person, p_until, s.person);
  END IF;
  RETURN v;
END $$;

-- Names the person of a Practitioner without an end: the operator's own, as when an installation is begun. Nothing for an unknown one.
CREATE OR REPLACE FUNCTION access.put_named(p_patient bigint, p_practitioner bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO access.named_personnel (patient, person) SELECT p_patient, p.id FROM identity.person p
  WHERE p.practitioner = p_practitioner AND NOT access.is_named(p.id, p_patient)
$$;

-- Ends what was named. False when there is nothing, or this secret may not. Logged.
CREATE OR REPLACE FUNCTION access.end_naming(p_secret bytea, p_patient bigint, p_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_done boolean := false;
BEGIN
  IF access.may_name(p_secret, p_patient) THEN
    UPDATE access.named_personnel n SET until_at = clock_timestamp(), ended_by = s.person FROM identity.live s
    WHERE s.secret_hash = sha256(p_secret) AND n.id = p_id AND n.patient = p_patient AND n.until_at > clock_timestamp();
    v_done := FOUND;
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'name', 0::smallint, ARRAY[p_id], NULL, NULL, CASE WHEN v_done THEN 0 ELSE 1 END::smallint);
  RETURN v_done;
END $$;

-- Who is and was named, newest first, to one who may name. No row: nobody, or not for this secret.
CREATE OR REPLACE FUNCTION access.named_for(p_secret bytea, p_patient bigint)
RETURNS TABLE (id bigint, name text, from_at timestamptz, until_at timestamptz, named_by text, is_live boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT access.may_name(p_secret, p_patient) THEN RETURN; END IF;
  RETURN QUERY
    SELECT n.id, p.name, n.from_at, n.until_at, coalesce(b.name, ''), n.until_at > clock_timestamp()
    FROM access.named_personnel n JOIN identity.person p ON p.id = n.person LEFT JOIN identity.person b ON b.id = n.named_by
    WHERE n.patient = p_patient ORDER BY n.until_at DESC, n.id DESC LIMIT 200;
END $$;

-- The staff who can be named: of the same controller, by a part of their name; at most 20, to one who may name.
CREATE OR REPLACE FUNCTION access.nameable(p_secret bytea, p_patient bigint, p_words text)
RETURNS TABLE (person bigint, name text, role text, unit_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF length(p_words) < 2 OR NOT access.may_name(p_secret, p_patient) THEN RETURN; END IF;
  RETURN QUERY
    SELECT DISTINCT ON (p.name, p.id) p.id, p.name, o.role, u.name
    FROM identity.live s JOIN identity.unit u ON u.controller = s.controller JOIN identity.post o ON o.unit = u.id AND o.until_at > clock_timestamp()
    JOIN identity.person p ON p.id = o.person AND p.kind = 'human' AND p.id <> s.person AND p.patient IS DISTINCT FROM p_patient
    WHERE s.secret_hash = sha256(p_secret) AND strpos(lower(p.name), lower(p_words)) > 0
    ORDER BY p.name, p.id LIMIT 20;
END $$;

-- ── Who sees a place ─────────────────────────────────────────────────────────────────────────────

-- What this secret sees of the places in a row of a protected person that unit p_org wrote (NULL: the Patient itself):
-- 'all' = addresses too; 'units' = the units that a strictly protected person's row names; NULL = neither.
-- A strict address is seen by nobody. Apps see none; neither do lists, searches, histories, exports, messages, which never ask.
CREATE OR REPLACE FUNCTION access.sees_place(p_secret bytea, p_patient bigint, p_org bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_level text := access.protection_of(p_patient);
BEGIN
  SELECT l.id, l.kind, l.unit, l.unit_kind, l.role, l.person, l.purpose, l.patient INTO s FROM identity.live l
  WHERE l.secret_hash = sha256(p_secret) AND l.app IS NULL;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF v_level = 'strengt' THEN
    RETURN CASE WHEN s.kind = 'system' AND s.purpose IN ('LOAD', 'DISTRIBUTE') THEN 'units' WHEN s.kind = 'staff' AND s.unit = p_org THEN 'units' END;
  END IF;
  RETURN CASE
    WHEN v_level IS NULL OR (s.kind = 'system' AND s.purpose = 'LOAD') THEN 'all'
    WHEN s.kind = 'citizen' AND EXISTS (SELECT 1 FROM identity.person o WHERE o.id = s.person AND o.patient = p_patient) THEN 'all'
    WHEN s.kind <> 'staff' THEN NULL
    WHEN EXISTS (SELECT 1 FROM access.address_shown a WHERE a.session = s.id AND a.patient = p_patient AND a.until_at > clock_timestamp()) THEN 'all'
    WHEN EXISTS (
      SELECT 1 FROM access.address_need n JOIN access.relation r ON r.ground = n.ground AND r.patient = p_patient AND r.unit = s.unit
      WHERE n.unit_kind = s.unit_kind AND s.role = ANY (n.roles) AND n.valid_from <= current_date AND n.valid_until > current_date
        AND (r.person IS NULL OR r.person = s.person) AND r.until_at > clock_timestamp()
        AND r.from_at BETWEEN clock_timestamp() - make_interval(hours => n.after_h) AND clock_timestamp() + make_interval(hours => n.before_h))
    THEN 'all' END;
END $$;

-- Does the session whose secret has this hash act for the unit that wrote a row of a strictly protected person? No app's.
CREATE OR REPLACE FUNCTION access.wrote_place(p_who bytea, p_patient bigint, p_org bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN access.is_strictly_protected(p_patient)
         AND EXISTS (SELECT 1 FROM identity.session s WHERE s.secret_hash = p_who AND s.kind = 'staff' AND s.app IS NULL AND s.unit = p_org);
END $$;

-- Asks for a `fortrolig` address, with a reason: it shows to this session for some minutes. Logged, and the patient sees the click.
-- 'ok', 'refused' (no session, no need, a role that may not ask), 'strict' (shown to nobody), 'open' (not protected), 'reason' (too short or long).
CREATE OR REPLACE FUNCTION access.show_address(p_secret bytea, p_patient bigint, p_reason text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v text := 'ok'; v_level text; v_reason text := btrim(coalesce(p_reason, '')); v_minutes integer;
BEGIN
  SELECT l.id, l.kind, l.person, l.unit, l.role, l.app INTO s FROM identity.live l WHERE l.secret_hash = sha256(p_secret);
  IF NOT FOUND THEN RETURN 'refused'; END IF;
  SELECT a.minutes INTO v_minutes FROM access.address_asker a
  WHERE a.role = s.role AND a.valid_from <= current_date AND a.valid_until > current_date ORDER BY a.valid_from DESC LIMIT 1;
  IF s.kind <> 'staff' OR s.app IS NOT NULL OR v_minutes IS NULL
     OR (SELECT j.allow FROM access.judge(p_secret, ARRAY[p_patient], 'read') j) IS NOT TRUE THEN v := 'refused';
  ELSE
    v_level := access.protection_of(p_patient);
    v := CASE WHEN v_level IS NULL THEN 'open' WHEN v_level = 'strengt' THEN 'strict' WHEN length(v_reason) NOT BETWEEN 10 AND 2000 THEN 'reason' ELSE 'ok' END;
  END IF;
  IF v IN ('open', 'reason') THEN RETURN v; END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'address', 0::smallint, NULL, NULL, NULL, CASE v WHEN 'ok' THEN 0 ELSE 1 END::smallint);
  IF v = 'ok' THEN
    INSERT INTO access.address_shown (patient, session, person, unit, reason, until_at, event)
    VALUES (p_patient, s.id, s.person, s.unit, v_reason, clock_timestamp() + make_interval(mins => v_minutes), currval('access.event'));
  END IF;
  RETURN v;
END $$;

-- The owners are set by access/rights.sql.
GRANT EXECUTE ON FUNCTION access.show_address(bytea, bigint, text), access.may_name(bytea, bigint),
  access.name_personnel(bytea, bigint, bigint, timestamptz), access.end_naming(bytea, bigint, bigint), access.named_for(bytea, bigint),
  access.nameable(bytea, bigint, text) TO fj_web;
GRANT EXECUTE ON FUNCTION access.put_named(bigint, bigint) TO fj_migrate;
