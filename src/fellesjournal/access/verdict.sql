-- The verdict: what the rules say of one reader and one patient, asked on every request.

-- The same answer as the first row of `access.rules` by (allow, rank), found by two queries of few looks: the session with what is
-- particular about this patient; its facts about them, each with its ground. Only where the unit keeps to a duty list, or the patient
-- has a block, is strictly protected or close family, the rules themselves are asked.
-- No row of any rule = NULLs; NULLs, too, for a block against one who has no need, or a strictly protected record that they are not named
-- for: it is not theirs to know.
-- may_write: the ground lets its reader write.
-- Settings of its own would cost a tenth: every caller is a definer with a search path and generic plans.
DROP FUNCTION IF EXISTS access.verdict(bigint, text, bigint);
CREATE FUNCTION access.verdict(p_reader bigint, p_kind text, p_patient bigint,
                               OUT allow boolean, OUT ground text, OUT until_at timestamptz, OUT ref bigint, OUT may_write boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_now timestamptz; v_today date; v_no text; v_unit bigint; v_person bigint; v_role text; v_is_narrowed boolean; v_has_block boolean;
  v_is_protected boolean; v_is_kin boolean;
  f record;
BEGIN
  IF p_kind = 'staff' THEN
    SELECT s.unit, s.person, s.role, EXISTS (SELECT 1 FROM access.duty_rule d WHERE d.unit = s.unit),
           EXISTS (SELECT 1 FROM access.block b WHERE b.patient = p_patient),
           EXISTS (SELECT 1 FROM access.protected x WHERE x.patient = p_patient AND x.level = 'strengt'),
           CASE WHEN p.patient = p_patient THEN 'EGEN_SOM_ANSATT' WHEN s.patient <> p_patient THEN 'ANNEN_ENN_STARTET' END, p_patient = ANY (p.kin)
    INTO v_unit, v_person, v_role, v_is_narrowed, v_has_block, v_is_protected, v_no, v_is_kin
    FROM identity.session s LEFT JOIN identity.person p ON p.id = s.person
    WHERE s.id = p_reader;
    IF v_no IS NOT NULL THEN
      allow := false; ground := v_no; until_at := 'infinity'; may_write := false;
      RETURN;
    END IF;
    v_now := clock_timestamp(); v_today := current_date;
    SELECT true, r.ground, r.until_at, r.source, g.may_write INTO allow, ground, until_at, ref, may_write
    FROM access.relation r JOIN access.ground g ON g.code = r.ground
    WHERE r.patient = p_patient AND r.unit = v_unit AND r.until_at > v_now AND r.from_at <= v_now AND (r.person IS NULL OR r.person = v_person)
      AND v_role = ANY (g.roles) AND g.kind NOT IN ('override', 'relative') AND g.valid_from <= v_today AND g.valid_until > v_today
    ORDER BY g.rank, r.until_at DESC LIMIT 1;
    IF allow AND v_is_narrowed THEN
      SELECT true, x.ground, x.until_at, x.ref, x.may_write INTO allow, ground, until_at, ref, may_write FROM access.live_fact x
      WHERE x.reader = p_reader AND x.patient = p_patient AND x.kind NOT IN ('override', 'relative') ORDER BY x.rank LIMIT 1;
    END IF;
    -- A condition with a query in it would be begun even where what stands before it is false: each has an IF of its own.
    IF allow AND v_is_protected THEN
      IF EXISTS (SELECT 1 FROM access.rule_not_named x WHERE x.reader = p_reader AND x.patient = p_patient) THEN
        allow := false; ground := 'IKKE_NAVNGITT'; until_at := 'infinity'; ref := NULL; may_write := false;
      END IF;
    END IF;
    IF allow AND v_has_block THEN
      SELECT x.allow, x.ground, x.until_at, x.ref, x.may_write INTO f FROM access.rule_block x
      WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
      IF FOUND THEN allow := f.allow; ground := f.ground; until_at := f.until_at; ref := f.ref; may_write := f.may_write; END IF;
    END IF;
    IF allow AND v_is_kin THEN
      IF NOT EXISTS (SELECT 1 FROM access.live_fact x WHERE x.reader = p_reader AND x.patient = p_patient AND x.kind IN ('relative', 'emergency')) THEN
        allow := false; ground := 'NAER_FAMILIE'; until_at := 'infinity'; ref := NULL; may_write := false;
      END IF;
    END IF;
  ELSIF p_kind = 'citizen' THEN
    SELECT x.allow, x.ground, x.until_at, x.ref, x.may_write INTO allow, ground, until_at, ref, may_write FROM access.rule_own_record x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
    IF FOUND THEN RETURN; END IF;
    SELECT x.allow, x.ground, x.until_at, x.ref, x.allow INTO allow, ground, until_at, ref, may_write FROM access.rules_of_representation x
    WHERE x.reader = p_reader AND x.patient = p_patient ORDER BY x.rank LIMIT 1;
  ELSE
    SELECT x.allow, x.ground, x.until_at, x.ref, x.may_write INTO allow, ground, until_at, ref, may_write FROM (
      SELECT * FROM access.rule_system UNION ALL SELECT * FROM access.rule_backend_app) x
    WHERE x.reader = p_reader AND x.patient = p_patient LIMIT 1;
  END IF;
END $$;
