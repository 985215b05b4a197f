-- Representation: who may act for whom, and how far. A citizen's session stays that person's; acting for another is a session of its
-- own, which ends by itself when the fact behind it ends. Nothing is kept of an age: it is reckoned from the birth date at each decision.

-- What representation must know of a patient, from the Patient itself: an incomplete birth date counts as its first day.
CREATE OR REPLACE FUNCTION access.about(p_patient bigint, OUT born_on date, OUT codes text[], OUT is_dead boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT x.born_on, x.codes, x.is_dead INTO born_on, codes, is_dead FROM vault.about(p_patient) x;
END $$;

-- The instant when somebody reaches an age: midnight in Norway. Born on 29 February: on 1 March in other years, as kit.clock.age_on.
CREATE OR REPLACE FUNCTION access.reaches(p_born_on date, p_years integer) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (d + CASE WHEN extract(day FROM d) < extract(day FROM p_born_on) THEN 1 ELSE 0 END)::timestamp AT TIME ZONE 'Europe/Oslo'
  FROM (SELECT (p_born_on + make_interval(years => p_years))::date AS d) q
$$;

-- How far a way of acting goes for somebody of this birth date at an instant, and until when the age lets it. No row: not at all.
CREATE OR REPLACE FUNCTION access.reach_of(p_ground text, p_born_on date, p_at timestamptz)
RETURNS TABLE (may_act boolean, closed integer, until_at timestamptz)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.may_act, k.closed, coalesce(access.reaches(p_born_on, k.until_age), 'infinity')
  FROM access.representation_kind k
  WHERE k.ground = p_ground AND p_at >= access.reaches(p_born_on, k.from_age)
    AND (k.until_age IS NULL OR p_at < access.reaches(p_born_on, k.until_age))
    AND (p_at AT TIME ZONE 'Europe/Oslo')::date >= k.valid_from AND (p_at AT TIME ZONE 'Europe/Oslo')::date < k.valid_until
$$;

-- Is one of the two kept from representation by a protected address?
CREATE OR REPLACE FUNCTION access.is_barred(p_person bigint, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_codes text[];
BEGIN
  SELECT coalesce(a.codes, '{}') || coalesce(b.codes, '{}') INTO v_codes
  FROM access.about(p_patient) a, access.about((SELECT p.patient FROM identity.person p WHERE p.id = p_person)) b;
  RETURN EXISTS (SELECT 1 FROM access.representation_bar x WHERE x.code = ANY (v_codes));
END $$;

-- ── Who may act for whom: (person, patient, …), one view a way, whatever the session ──────────────────

-- Parents with parental responsibility, when one who has it lives with the child.
CREATE OR REPLACE VIEW access.as_parent AS
  SELECT f.parent AS person, f.child AS patient, 'FORELDER'::text AS ground, f.relation, least(f.until_at, r.until_at) AS until_at, f.id AS ref,
         r.may_act, '{}'::text[] AS areas, r.closed, 1 AS rank
  FROM access.parenthood f CROSS JOIN LATERAL access.about(f.child) a CROSS JOIN LATERAL access.reach_of('FORELDER', a.born_on, clock_timestamp()) r
  WHERE f.has_responsibility AND f.from_at <= clock_timestamp() AND f.until_at > clock_timestamp() AND NOT a.is_dead
    AND EXISTS (SELECT 1 FROM access.parenthood o WHERE o.child = f.child AND o.has_responsibility AND o.shares_address
                AND o.from_at <= clock_timestamp() AND o.until_at > clock_timestamp());

-- Guardians whose mandate holds personal affairs; a child's in the place of parents.
CREATE OR REPLACE VIEW access.as_guardian AS
  SELECT f.guardian AS person, f.ward AS patient, 'VERGE'::text AS ground, 'verge'::text AS relation, least(f.until_at, r.until_at) AS until_at,
         f.id AS ref, r.may_act, '{}'::text[] AS areas, r.closed, 2 AS rank
  FROM access.guardianship f CROSS JOIN LATERAL access.about(f.ward) a
  CROSS JOIN LATERAL access.reach_of(CASE WHEN f.of_minor THEN 'VERGE_BARN' ELSE 'VERGE' END, a.born_on, clock_timestamp()) r
  WHERE f.mandate IN ('PERSONLIG', 'BEGGE') AND f.from_at <= clock_timestamp() AND f.until_at > clock_timestamp() AND NOT a.is_dead;

-- Fullmakt that the patient gave, in its time, not taken back.
CREATE OR REPLACE VIEW access.as_proxy AS
  SELECT f.receiver AS person, f.giver AS patient, 'FULLMAKT'::text AS ground, 'fullmektig'::text AS relation, least(f.until_at, r.until_at) AS until_at,
         f.id AS ref, f.may_act AND r.may_act AS may_act, f.areas, r.closed, 3 AS rank
  FROM access.proxy f CROSS JOIN LATERAL access.about(f.giver) a CROSS JOIN LATERAL access.reach_of('FULLMAKT', a.born_on, clock_timestamp()) r
  WHERE f.revoked_at IS NULL AND f.from_at <= clock_timestamp() AND f.until_at > clock_timestamp() AND NOT a.is_dead;

-- A parent whom staff have kept out of this record.
CREATE OR REPLACE VIEW access.as_cut_off AS
  SELECT c.parent AS person, c.child AS patient, c.id AS ref, c.until_at FROM access.parent_cut c
  WHERE c.from_at <= clock_timestamp() AND c.until_at > clock_timestamp();

-- Every way in which somebody may act for another, without those who may not.
CREATE OR REPLACE VIEW access.representative AS
  SELECT x.* FROM (SELECT * FROM access.as_parent UNION ALL SELECT * FROM access.as_guardian UNION ALL SELECT * FROM access.as_proxy) x
  WHERE NOT EXISTS (SELECT 1 FROM access.as_cut_off c WHERE c.person = x.person AND c.patient = x.patient)
    AND NOT access.is_barred(x.person, x.patient);

-- ── The rules: (reader, patient, …) as in rules.sql ──────────────────────────────────────────────────

-- A parent with parental responsibility, of a child under 16; from 12 they see less and may not act. Barnelova § 30;
-- pasient- og brukerrettighetsloven §§ 3-4 og 4-4.
CREATE OR REPLACE VIEW access.rule_parent AS
  SELECT s.id AS reader, x.patient, true AS allow, x.ground, x.until_at, x.ref, 6 AS rank
  FROM identity.session s JOIN access.as_parent x ON x.person = s.person AND x.patient = s.patient WHERE s.kind = 'citizen' AND s.on_behalf;

-- A guardian for personal affairs. Vergemålsloven §§ 17 og 32; pasient- og brukerrettighetsloven § 4-7.
CREATE OR REPLACE VIEW access.rule_guardian AS
  SELECT s.id AS reader, x.patient, true AS allow, x.ground, x.until_at, x.ref, 7 AS rank
  FROM identity.session s JOIN access.as_guardian x ON x.person = s.person AND x.patient = s.patient WHERE s.kind = 'citizen' AND s.on_behalf;

-- Fullmakt given by the patient, until it is taken back. Pasient- og brukerrettighetsloven § 5-1; access.md, "Blocks, children, representation, protection".
CREATE OR REPLACE VIEW access.rule_proxy AS
  SELECT s.id AS reader, x.patient, true AS allow, x.ground, x.until_at, x.ref, 8 AS rank
  FROM identity.session s JOIN access.as_proxy x ON x.person = s.person AND x.patient = s.patient WHERE s.kind = 'citizen' AND s.on_behalf;

-- One parent is kept out of the child's record. Pasient- og brukerrettighetsloven §§ 3-4 tredje ledd og 5-1 andre ledd; barnelova § 47.
CREATE OR REPLACE VIEW access.rule_parent_cut_off AS
  SELECT s.id AS reader, x.patient, false AS allow, 'STENGT_FOR_FORELDER'::text AS ground, x.until_at, x.ref, 0 AS rank
  FROM identity.session s JOIN access.as_cut_off x ON x.person = s.person AND x.patient = s.patient WHERE s.kind = 'citizen' AND s.on_behalf;

-- Whoever has a protected address neither acts for others nor is acted for. Folkeregisterloven § 10-4; access.md, "Address protection".
CREATE OR REPLACE VIEW access.rule_protected_representation AS
  SELECT s.id AS reader, s.patient, false AS allow, 'VERNET_ADRESSE'::text AS ground, 'infinity'::timestamptz AS until_at, NULL::bigint AS ref, 0 AS rank
  FROM identity.session s WHERE s.kind = 'citizen' AND s.on_behalf AND access.is_barred(s.person, s.patient);

-- All that is said of a citizen who acts for another.
CREATE OR REPLACE VIEW access.rules_of_representation AS
  SELECT * FROM access.rule_parent_cut_off UNION ALL SELECT * FROM access.rule_protected_representation
  UNION ALL SELECT * FROM access.rule_parent UNION ALL SELECT * FROM access.rule_guardian UNION ALL SELECT * FROM access.rule_proxy;

-- May this person act for this patient now? Asked about by every look at a session that acts for another.
CREATE OR REPLACE FUNCTION access.represents(p_person bigint, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM access.representative x WHERE x.person = p_person AND x.patient = p_patient);
END $$;

-- The way in which a person acts for a patient: the nearest one; no row when there is none.
CREATE OR REPLACE FUNCTION access.acting(p_person bigint, p_patient bigint)
RETURNS TABLE (ground text, relation text, until_at timestamptz, may_act boolean, areas text[], closed integer, types text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT x.ground, x.relation, x.until_at, x.may_act, x.areas, x.closed,
           CASE WHEN x.areas = '{}' THEN '{}'::text[]
                ELSE ARRAY(SELECT DISTINCT t.t FROM access.proxy_area a CROSS JOIN LATERAL unnest(a.types) t (t) WHERE a.code = ANY (x.areas)) END
    FROM access.representative x WHERE x.person = p_person AND x.patient = p_patient ORDER BY x.rank, cardinality(x.areas) LIMIT 1;
END $$;

-- May this session do more than read: the own record, or acting for somebody whose ground lets it?
CREATE OR REPLACE FUNCTION access.may_act(p_session bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM identity.session s WHERE s.id = p_session AND s.kind = 'citizen'
    AND (NOT s.on_behalf OR (SELECT a.may_act FROM access.acting(s.person, s.patient) a)));
END $$;

-- ── What the citizen sees and does ───────────────────────────────────────────────────────────────────

-- Whom the person of this session may act for, by name: from any of their sessions, an app's never.
CREATE OR REPLACE FUNCTION access.represented(p_secret bytea)
RETURNS TABLE (patient bigint, name text, ground text, relation text, until_at timestamptz, may_act boolean, areas text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT DISTINCT ON (p.name, x.patient) x.patient, p.name, x.ground, x.relation, x.until_at, x.may_act, x.areas
    FROM identity.live s JOIN access.representative x ON x.person = s.person JOIN identity.person p ON p.patient = x.patient
    WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen' AND s.app IS NULL ORDER BY p.name, x.patient, x.rank;
END $$;

-- Who acts for the person of the record that the session opens; a representative does not see the others.
CREATE OR REPLACE FUNCTION access.representatives(p_secret bytea)
RETURNS TABLE (name text, ground text, relation text, until_at timestamptz, may_act boolean, areas text[], proxy bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT p.name, x.ground, x.relation, x.until_at, x.may_act, x.areas, CASE x.ground WHEN 'FULLMAKT' THEN x.ref END
    FROM identity.live s JOIN access.representative x ON x.patient = s.patient JOIN identity.person p ON p.id = x.person
    WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen' AND s.app IS NULL AND NOT s.on_behalf ORDER BY x.rank, p.name;
END $$;

-- Gives fullmakt over the own record. 'ok', 'none' (the secret is nobody's such), 'young', 'person' (nobody of that number and family name),
-- 'self', 'barred', 'scope' (unknown area), 'time' (ended before it begins, or longer than five years), 'many' (twenty in force), 'rate' (ten wrong tries a day).
CREATE OR REPLACE FUNCTION access.proxy_give(p_secret bytea, p_number_hash bytea, p_family text, p_areas text[], p_act boolean, p_until timestamptz)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record; v_person bigint;
BEGIN
  SELECT l.id, l.person, l.patient INTO s FROM identity.live l
  WHERE l.secret_hash = sha256(p_secret) AND l.kind = 'citizen' AND l.app IS NULL AND NOT l.on_behalf;
  IF NOT FOUND THEN RETURN 'none'; END IF;
  IF NOT EXISTS (SELECT 1 FROM access.about(s.patient) a CROSS JOIN LATERAL access.reach_of('FULLMAKT', a.born_on, clock_timestamp())) THEN RETURN 'young'; END IF;
  IF p_until <= clock_timestamp() OR p_until > clock_timestamp() + interval '5 years 1 day' THEN RETURN 'time'; END IF;
  IF EXISTS (SELECT 1 FROM unnest(p_areas) q (c) WHERE NOT EXISTS (SELECT 1 FROM access.proxy_area a WHERE a.code = q.c)) THEN RETURN 'scope'; END IF;
  SELECT p.id INTO v_person FROM identity.person p
  WHERE p.number_hash = p_number_hash AND p.kind = 'human' AND lower(regexp_replace(p.name, '^.* ', '')) = lower(p_family);
  IF v_person = s.person THEN RETURN 'self'; END IF;
  -- A barred receiver is answered as an unknown one: that somebody has a protected address is told to nobody. Nobody guesses on and on.
  IF v_person IS NULL OR access.is_barred(v_person, NULL) THEN
    IF (SELECT count(*) FROM access.log l WHERE l.patient = s.patient AND l.person = s.person AND l.action = 'proxy' AND l.outcome = 1
        AND l.at > clock_timestamp() - interval '1 day') >= 10 THEN RETURN 'rate'; END IF;
    PERFORM access.log_event(p_secret, ARRAY[s.patient], 'proxy', 0::smallint, NULL, 'EGEN', NULL, 1::smallint);
    RETURN 'person';
  END IF;
  IF access.is_barred(NULL, s.patient) THEN RETURN 'barred'; END IF;
  IF (SELECT count(*) FROM access.proxy x WHERE x.giver = s.patient AND x.revoked_at IS NULL AND x.until_at > clock_timestamp()) >= 20 THEN RETURN 'many'; END IF;
  INSERT INTO access.proxy (giver, receiver, areas, may_act, until_at, session, source)
  VALUES (s.patient, v_person, p_areas, p_act, p_until, s.id, 'gitt av innbyggeren her');
  PERFORM access.log_event(p_secret, ARRAY[s.patient], 'proxy', 0::smallint, NULL, 'EGEN', NULL, 0::smallint);
  RETURN 'ok';
END $$;

-- Takes a fullmakt back: the giver's own, or one that was given to the person of the session. In force at once. False: no such one.
CREATE OR REPLACE FUNCTION access.proxy_end(p_secret bytea, p_proxy bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_giver bigint;
BEGIN
  UPDATE access.proxy x SET revoked_at = clock_timestamp() FROM identity.live s
  WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'citizen' AND s.app IS NULL AND NOT s.on_behalf AND x.id = p_proxy AND x.revoked_at IS NULL
    AND x.giver = s.patient RETURNING x.giver INTO v_giver;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM access.log_event(p_secret, ARRAY[v_giver], 'proxy', 0::smallint, NULL, 'EGEN', NULL, 0::smallint);
  RETURN true;
END $$;

-- The areas that a fullmakt may be bounded to.
CREATE OR REPLACE FUNCTION access.proxy_areas() RETURNS TABLE (code text, name_nb text, name_nn text, name_en text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.code, a.name_nb, a.name_nn, a.name_en FROM access.proxy_area a ORDER BY a.source
$$;

-- Chooses one more next of kin and what they may be told, or (p_end) lets one go: the patient alone, at most five. It gives no access.
-- 'ok', 'none', 'many', 'share' (no such choice).
DROP FUNCTION IF EXISTS access.kin_choose(bytea, text, text, text, bigint), access.kin_of(bytea, bigint);
CREATE OR REPLACE FUNCTION access.kin_choose(p_secret bytea, p_name text, p_relation text, p_phone text, p_share text, p_end bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record;
BEGIN
  SELECT l.id, l.patient INTO s FROM identity.live l WHERE l.secret_hash = sha256(p_secret) AND l.kind = 'citizen' AND l.app IS NULL AND NOT l.on_behalf;
  IF NOT FOUND THEN RETURN 'none'; END IF;
  IF p_end IS NOT NULL THEN
    UPDATE access.chosen_kin k SET until_at = clock_timestamp() WHERE k.id = p_end AND k.patient = s.patient AND k.until_at = 'infinity';
    IF NOT FOUND THEN RETURN 'none'; END IF;
  ELSIF NOT EXISTS (SELECT 1 FROM access.kin_shares() k WHERE k.code = p_share) THEN RETURN 'share';
  ELSIF (SELECT count(*) FROM access.chosen_kin k WHERE k.patient = s.patient AND k.until_at = 'infinity') >= 5 THEN RETURN 'many';
  ELSE
    INSERT INTO access.chosen_kin (patient, name, relation, phone, share, session) VALUES (s.patient, p_name, p_relation, p_phone, p_share, s.id);
  END IF;
  PERFORM access.log_event(p_secret, ARRAY[s.patient], 'kin', 0::smallint, NULL, 'EGEN', NULL, 0::smallint);
  RETURN 'ok';
END $$;

-- What a next of kin may be told, the least first.
CREATE OR REPLACE FUNCTION access.kin_shares() RETURNS TABLE (code text, name_nb text, name_nn text, name_en text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.code, k.name_nb, k.name_nn, k.name_en FROM access.kin_share k
  WHERE current_date >= k.valid_from AND current_date < k.valid_until ORDER BY k.place
$$;

-- The next of kin that the patient chose: for the patient, and for staff who may open the record. Nothing for a representative.
CREATE FUNCTION access.kin_of(p_secret bytea, p_patient bigint)
RETURNS TABLE (id bigint, name text, relation text, phone text, share_nb text, share_nn text, share_en text, from_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF (SELECT j.allow AND (j.kind = 'staff' OR NOT s.on_behalf) FROM access.judge(p_secret, ARRAY[p_patient], 'read') j
      JOIN identity.session s ON s.id = j.session) IS NOT TRUE THEN RETURN; END IF;
  RETURN QUERY SELECT k.id, k.name, k.relation, k.phone, h.name_nb, h.name_nn, h.name_en, k.from_at
               FROM access.chosen_kin k JOIN access.kin_share h ON h.code = k.share
               WHERE k.patient = p_patient AND k.until_at = 'infinity' ORDER BY k.id;
END $$;

-- ── The log, as a citizen and a representative read it ────────────────────────────────────────────────

-- What would tell a representative of an item that is closed to them: its rows and all that a withholding covers, the units that they would know of by such rows alone, and
-- the sessions in which people wrote them: lines that they don't see. unnamed: rows that are closed to them or, in the own record, to the
-- citizen: lines about these are there, since everybody may know who has read (pasientjournalforskriften § 14), and say nothing of their
-- kind. actions: what was done that is not for a representative to know; for one who only reads, the patient's own choices too.
-- NULLs for anybody else.
DROP FUNCTION IF EXISTS access.log_hidden(bigint) CASCADE;
CREATE FUNCTION access.log_hidden(p_session bigint, OUT pids bigint[], OUT units bigint[], OUT sessions bigint[], OUT unnamed bigint[],
                                  OUT actions text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record; v_closed integer;
BEGIN
  SELECT x.person, x.patient, x.on_behalf INTO v FROM identity.session x WHERE x.id = p_session AND x.kind = 'citizen';
  IF NOT FOUND THEN RETURN; END IF;
  v_closed := CASE WHEN v.on_behalf THEN coalesce((SELECT a.closed FROM access.acting(v.person, v.patient) a), 32767) ELSE 1 END;
  unnamed := vault.unnamed_rows(v.patient, v_closed | 8);
  IF NOT v.on_behalf THEN RETURN; END IF;
  SELECT w.pids, w.units INTO pids, units FROM vault.closed_rows(v.patient, v_closed) w;
  IF (v_closed & 2) <> 0 THEN
    pids := pids || ARRAY(SELECT x.pid FROM access.withheld_row x WHERE x.patient = v.patient);
  END IF;
  actions := ARRAY['withhold', 'withhold_end', 'cut', 'cut_end', 'represent', 'tell']
    || CASE WHEN access.may_act(p_session) THEN '{}' ELSE ARRAY['block', 'unblock', 'kin', 'proxy', 'ask', 'object'] END;
  sessions := ARRAY(SELECT DISTINCT l.session FROM access.log l WHERE l.patient = v.patient AND l.action = 'write' AND l.what && pids
                    AND l.session IS NOT NULL AND l.role IS DISTINCT FROM 'system');
END $$;

-- May a representative see a line of the log? Not when all that it showed is hidden, nor what was done about it.
CREATE OR REPLACE FUNCTION access.is_line_open(p_what bigint[], p_unit bigint, p_session bigint, p_pids bigint[], p_units bigint[], p_sessions bigint[])
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_pids IS NULL OR NOT (coalesce(p_what <@ p_pids AND cardinality(p_what) > 0, false) OR coalesce(p_unit = ANY (p_units), false)
                                OR coalesce(p_session = ANY (p_sessions), false))
$$;

-- The kinds of data in a line without those of hidden rows; -1 alone: something, and not of what kind.
CREATE OR REPLACE FUNCTION access.kinds_left(p_patient bigint, p_what bigint[], p_kinds smallint[], p_pids bigint[]) RETURNS smallint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_pids IS NULL OR p_what IS NULL OR NOT p_what && p_pids THEN RETURN p_kinds; END IF;
  RETURN coalesce(nullif(vault.kinds_of(p_patient, ARRAY(SELECT q.w FROM unnest(p_what) q (w) WHERE q.w <> ALL (p_pids))), '{}'), '{-1}');
END $$;

-- As what somebody acted for a patient: of any time, for lines of the log. NULL in the own record.
CREATE OR REPLACE FUNCTION access.acted_as(p_session bigint, p_patient bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT coalesce(
      (SELECT f.relation FROM access.parenthood f WHERE f.parent = s.person AND f.child = p_patient ORDER BY f.id DESC LIMIT 1),
      (SELECT 'verge' FROM access.guardianship f WHERE f.guardian = s.person AND f.ward = p_patient LIMIT 1), 'fullmektig')
    FROM identity.session s WHERE s.id = p_session AND s.on_behalf);
END $$;

-- ── What the registers tell ──────────────────────────────────────────────────────────────────────────

-- A parent of a child as Folkeregisteret tells now; what was told before of the two ends. By number hashes, so that the caller needs no ids.
CREATE OR REPLACE FUNCTION access.put_parenthood(p_child bigint, p_parent_hash bytea, p_relation text, p_responsibility boolean, p_shares_address boolean,
                                                 p_source text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM access.parenthood f JOIN identity.person p ON p.id = f.parent
             WHERE f.child = p_child AND p.number_hash = p_parent_hash AND f.until_at = 'infinity' AND f.relation = p_relation
               AND f.has_responsibility = p_responsibility AND f.shares_address = p_shares_address) THEN RETURN; END IF;
  UPDATE access.parenthood f SET until_at = clock_timestamp() FROM identity.person p
  WHERE p.id = f.parent AND p.number_hash = p_parent_hash AND f.child = p_child AND f.until_at = 'infinity';
  INSERT INTO access.parenthood (child, parent, relation, has_responsibility, shares_address, source)
  SELECT p_child, p.id, p_relation, p_responsibility, p_shares_address, p_source FROM identity.person p WHERE p.number_hash = p_parent_hash;
END $$;

-- A guardian as the register tells; until NULL = no end.
CREATE OR REPLACE FUNCTION access.put_guardianship(p_ward bigint, p_guardian_hash bytea, p_mandate text, p_of_minor boolean, p_until timestamptz,
                                                   p_source text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM access.guardianship f JOIN identity.person p ON p.id = f.guardian
             WHERE f.ward = p_ward AND p.number_hash = p_guardian_hash AND f.until_at > clock_timestamp()) THEN RETURN; END IF;
  INSERT INTO access.guardianship (ward, guardian, mandate, of_minor, until_at, source)
  SELECT p_ward, p.id, p_mandate, p_of_minor, coalesce(p_until, 'infinity'), p_source FROM identity.person p WHERE p.number_hash = p_guardian_hash;
END $$;

-- A next of kin that a patient chose elsewhere; the same once.
CREATE OR REPLACE FUNCTION access.put_chosen_kin(p_patient bigint, p_name text, p_relation text, p_share text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO access.chosen_kin (patient, name, relation, share, session) SELECT p_patient, p_name, p_relation, p_share, 0
  WHERE NOT EXISTS (SELECT 1 FROM access.chosen_kin k WHERE k.patient = p_patient AND k.name = p_name)
$$;

-- A fullmakt that another register holds; the same once.
CREATE OR REPLACE FUNCTION access.put_proxy(p_giver bigint, p_receiver_hash bytea, p_areas text[], p_act boolean, p_until timestamptz, p_source text)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM access.proxy f JOIN identity.person p ON p.id = f.receiver WHERE f.giver = p_giver AND p.number_hash = p_receiver_hash
             AND f.source = p_source) THEN RETURN; END IF;
  INSERT INTO access.proxy (giver, receiver, areas, may_act, until_at, source)
  SELECT p_giver, p.id, p_areas, p_act, p_until, p_source FROM identity.person p WHERE p.number_hash = p_receiver_hash;
END $$;

DO $$
DECLARE v text;
BEGIN
  FOREACH v IN ARRAY ARRAY['as_parent', 'as_guardian', 'as_proxy', 'as_cut_off', 'representative', 'rule_parent', 'rule_guardian', 'rule_proxy',
                           'rule_parent_cut_off', 'rule_protected_representation', 'rules_of_representation'] LOOP
    EXECUTE format('ALTER VIEW access.%I OWNER TO access_core', v);
    EXECUTE format('GRANT SELECT ON access.%I TO fj_owner', v);
  END LOOP;
END $$;
