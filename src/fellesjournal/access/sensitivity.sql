-- Sensitivity: which bits of a row's class need a stronger ground (32, 64, 128, 256, 512; 992 is all), and who has it. All by tables.

-- The sensitive bits that these codings give, by the configuration of today, with those of the kind of unit that wrote the row.
CREATE OR REPLACE FUNCTION access.sensitive_bits(p_systems text[], p_codes text[], p_org bigint) RETURNS smallint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN (SELECT coalesce(bit_or(q.bit), 0::smallint) FROM (
    SELECT c.bit FROM unnest(p_systems, p_codes) AS a (system, code) JOIN access.sensitive_code c ON c.system = a.system
    WHERE left(a.code, length(c.first)) COLLATE "C" BETWEEN c.first AND c.last AND c.valid_from <= current_date AND c.valid_until > current_date
    UNION ALL
    SELECT u.bit FROM identity.unit o JOIN access.sensitive_unit u ON u.unit_kind = o.kind
    WHERE o.id = p_org AND u.valid_from <= current_date AND u.valid_until > current_date) q);
END $$;

-- Remembers that these people have sensitive rows.
CREATE OR REPLACE FUNCTION access.has_sensitive(p_patients bigint[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO access.sensitive_patient (patient) SELECT DISTINCT q.p FROM unnest(p_patients) AS q (p) WHERE q.p > 0 ON CONFLICT DO NOTHING
$$;

-- What decides a row's sensitive bits, as one text: another one asks for all rows to be looked at again (2: with what content they name).
CREATE OR REPLACE FUNCTION access.sensitive_config() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT md5('2' || coalesce((SELECT string_agg(c.system || c.first || c.last || c.bit, '|' ORDER BY c.system, c.first, c.bit) FROM access.sensitive_code c
                       WHERE c.valid_from <= current_date AND c.valid_until > current_date), '')
             || coalesce((SELECT string_agg(u.unit_kind || u.bit, '|' ORDER BY u.unit_kind, u.bit) FROM access.sensitive_unit u
                          WHERE u.valid_from <= current_date AND u.valid_until > current_date), ''))
$$;

-- The sensitive bits that are closed to a member of staff in a record that has sensitive rows.
-- A deny is the default: open is what the table gives for the role, the kind of unit and a live relation, or what was chosen with a reason.
CREATE OR REPLACE FUNCTION access.closed_sensitive(p_session bigint, p_patient bigint) RETURNS smallint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v smallint;
BEGIN
  IF EXISTS (SELECT 1 FROM access.sensitive_open o WHERE o.session = p_session AND o.patient = p_patient AND o.until_at > clock_timestamp()) THEN
    RETURN 0;
  END IF;
  SELECT bit_or(r.bits) INTO v
  FROM identity.session s JOIN identity.unit u ON u.id = s.unit
  JOIN access.sensitive_right r ON r.role = s.role AND (r.unit_kind IS NULL OR r.unit_kind = u.kind) AND r.valid_from <= current_date AND r.valid_until > current_date
  WHERE s.id = p_session AND (r.ground IS NULL OR EXISTS (
    SELECT 1 FROM access.relation f WHERE f.patient = p_patient AND f.unit = s.unit AND f.ground = r.ground AND (f.person IS NULL OR f.person = s.person)
    AND f.from_at <= clock_timestamp() AND f.until_at > clock_timestamp()));
  RETURN 992 & ~coalesce(v, 0::smallint);
END $$;

-- Chooses to see what is sensitive in a record, with a reason, for a time. Logged; a reviewer looks at it where the table says so.
-- 'ok', 'refused' (no session, no need, a role that may not, an app), 'reason' (too short or long). Says nothing of whether there is something.
CREATE OR REPLACE FUNCTION access.open_sensitive(p_secret bytea, p_patient bigint, p_reason text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; a record; v_reason text := btrim(coalesce(p_reason, '')); v text := 'ok'; v_event bigint; v_id bigint;
BEGIN
  SELECT l.id, l.kind, l.person, l.unit, l.role, l.app INTO s FROM identity.live l WHERE l.secret_hash = sha256(p_secret);
  IF NOT FOUND THEN RETURN 'refused'; END IF;
  SELECT x.minutes, x.is_reviewed INTO a FROM access.sensitive_asker x
  WHERE x.role = s.role AND x.valid_from <= current_date AND x.valid_until > current_date ORDER BY x.valid_from DESC LIMIT 1;
  IF NOT FOUND OR s.kind <> 'staff' OR s.app IS NOT NULL
     OR (SELECT j.allow FROM access.judge(p_secret, ARRAY[p_patient], 'read') j) IS NOT TRUE THEN v := 'refused';
  ELSIF length(v_reason) NOT BETWEEN 10 AND 2000 THEN RETURN 'reason';
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[p_patient], 'sensitive', 0::smallint, NULL, NULL, NULL, CASE v WHEN 'ok' THEN 0 ELSE 1 END::smallint);
  IF v = 'ok' THEN
    v_event := currval('access.event');
    INSERT INTO access.sensitive_open (patient, session, person, unit, reason, until_at, event)
    VALUES (p_patient, s.id, s.person, s.unit, v_reason, clock_timestamp() + make_interval(mins => a.minutes), v_event) RETURNING id INTO v_id;
    IF a.is_reviewed THEN
      PERFORM access.review_open('CHOSEN', s.unit, s.person, p_patient, s.id, v_event, v_id, v_reason, jsonb_build_object('what', 'sensitive', 'minutes', a.minutes));
    END IF;
  END IF;
  RETURN v;
END $$;

-- The owners are set by access/rights.sql.
GRANT EXECUTE ON FUNCTION access.open_sensitive(bytea, bigint, text) TO fj_web;
