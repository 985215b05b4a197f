-- Close family of those who sign in as staff: learnt from what the record says of people (access.trait), told as dated facts.

-- Who is close family of whom today: (reader, patient, what the patient is to them). One reader and patient may stand here in several ways.
-- By a RelatedPerson of either's record, by parents in common, by parental responsibility, by an address where few live.
CREATE OR REPLACE VIEW access.family AS
  WITH staff AS (
    SELECT p.id AS person, p.patient AS own FROM identity.person p
    WHERE p.kind = 'human' AND p.patient IS NOT NULL AND EXISTS (SELECT 1 FROM identity.post o WHERE o.person = p.id AND o.until_at > clock_timestamp())
  ), mine AS MATERIALIZED (
    SELECT s.person, s.own, t.kind, t.h FROM staff s JOIN access.trait t ON t.patient = s.own AND t.kind IN ('A', 'I', 'P', 'F', 'B', 'E', 'G')
  ), parent AS MATERIALIZED (
    SELECT f.child, f.parent, p.patient AS as_patient FROM access.parenthood f JOIN identity.person p ON p.id = f.parent
    WHERE f.from_at <= clock_timestamp() AND f.until_at > clock_timestamp()
  ), found AS (
    SELECT m.person, m.own, t.patient, m.kind FROM mine m JOIN access.trait t ON t.h = m.h AND t.kind IN ('I', 'P') WHERE m.kind IN ('F', 'B', 'E', 'G')
    UNION ALL SELECT m.person, m.own, t.patient, CASE t.kind WHEN 'F' THEN 'B' WHEN 'B' THEN 'F' ELSE t.kind END
      FROM mine m JOIN access.trait t ON t.h = m.h AND t.kind IN ('F', 'B', 'E', 'G') WHERE m.kind IN ('I', 'P')
    UNION ALL SELECT m.person, m.own, t.patient, 'G' FROM mine m JOIN access.trait t ON t.h = m.h AND t.kind = 'F' WHERE m.kind = 'F'
    UNION ALL SELECT m.person, m.own, t.patient, 'A' FROM mine m JOIN access.trait t ON t.h = m.h AND t.kind = 'A'
      WHERE m.kind = 'A' AND (SELECT count(*) FROM access.trait x WHERE x.kind = 'A' AND x.h = m.h) <= (SELECT g.bound FROM access.review_sign g WHERE g.code = 'HOUSEHOLD')
    UNION ALL SELECT s.person, s.own, f.child, 'B' FROM staff s JOIN parent f ON f.parent = s.person
    UNION ALL SELECT s.person, s.own, f.as_patient, 'F' FROM staff s JOIN parent f ON f.child = s.own WHERE f.as_patient IS NOT NULL
    UNION ALL SELECT s.person, s.own, o.child, 'G' FROM staff s JOIN parent f ON f.child = s.own JOIN parent o ON o.parent = f.parent
  )
  SELECT f.person, f.patient, CASE f.kind WHEN 'E' THEN 'partner' WHEN 'B' THEN 'child' WHEN 'F' THEN 'parent' WHEN 'G' THEN 'sibling' ELSE 'household' END AS relation
  FROM found f WHERE f.patient <> f.own;

-- Tells who is close family today: what is new begins, what is no more ends. How many facts changed. The nearest relation is the one that is kept.
CREATE OR REPLACE FUNCTION access.refresh_family() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_changed bigint;
BEGIN
  WITH today AS MATERIALIZED (
    SELECT DISTINCT ON (f.person, f.patient) f.person, f.patient, f.relation FROM access.family f
    ORDER BY f.person, f.patient, array_position(ARRAY['partner', 'child', 'parent', 'sibling', 'household'], f.relation)
  ), ended AS (
    UPDATE access.kin k SET until_at = clock_timestamp() WHERE k.until_at = 'infinity' AND NOT EXISTS (
      SELECT 1 FROM today t WHERE t.person = k.person AND t.patient = k.patient AND t.relation = k.relation) RETURNING 1
  ), begun AS (
    INSERT INTO access.kin (person, patient, relation) SELECT t.person, t.patient, t.relation FROM today t
    WHERE NOT EXISTS (SELECT 1 FROM access.kin k WHERE k.person = t.person AND k.patient = t.patient AND k.relation = t.relation AND k.until_at = 'infinity')
    RETURNING 1)
  SELECT (SELECT count(*) FROM ended) + (SELECT count(*) FROM begun) INTO v_changed;
  UPDATE identity.person p SET kin = x.kin
  FROM (SELECT o.id, ARRAY(SELECT k.patient FROM access.kin k WHERE k.person = o.id AND k.until_at = 'infinity' ORDER BY k.patient) AS kin
        FROM identity.person o WHERE o.kin <> '{}' OR EXISTS (SELECT 1 FROM access.kin k WHERE k.person = o.id AND k.until_at = 'infinity')) x
  WHERE x.id = p.id AND x.kin <> p.kin;
  RETURN v_changed;
END $$;

-- The same for the system that reads people. NULL: no grant.
CREATE OR REPLACE FUNCTION access.tell_family(p_secret bytea) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE WHEN access.may_analyse(p_secret) THEN access.refresh_family() END;
END $$;

-- What a RelatedPerson must be called to be close family, today: configuration.
CREATE OR REPLACE FUNCTION access.kin_codes() RETURNS TABLE (system text, code text, kind "char")
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.system, k.code, k.kind FROM access.kin_code k WHERE k.valid_from <= current_date AND k.valid_until > current_date
$$;

-- What a patient is to a reader; NULL: no close family.
CREATE OR REPLACE FUNCTION access.relation_to(p_person bigint, p_patient bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.relation FROM access.kin k WHERE k.person = p_person AND k.patient = p_patient AND k.until_at = 'infinity'
$$;

-- May this reader give a reason for opening a close relative's record? Where there is a need, or the person has just been identified here:
-- without either a reason would open nothing, and the answer would tell of a record.
CREATE OR REPLACE FUNCTION access.may_open_kin(p_session bigint, p_person bigint, p_patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM identity.person p WHERE p.id = p_person AND p_patient = ANY (p.kin)) THEN RETURN false; END IF;
  RETURN (SELECT v.allow OR v.ground = 'NAER_FAMILIE' FROM access.verdict(p_session, 'staff', p_patient) v) IS TRUE
    OR (access.is_strictly_protected(p_patient) IS FALSE AND EXISTS (
      SELECT 1 FROM access.identified i WHERE i.session = p_session AND i.patient = p_patient AND i.at > clock_timestamp() - interval '30 minutes'));
END $$;

-- The close family of this reader whose records wait for a reason: the unit has a need, and nothing but the warning closes them.
-- No name and nothing of the record. Empty for one without family here.
CREATE OR REPLACE FUNCTION access.kin_waiting(p_secret bytea) RETURNS TABLE (patient bigint, slot smallint, relation text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
    SELECT k.patient, vault.slot_of(k.patient), k.relation
    FROM identity.live s JOIN identity.person p ON p.id = s.person AND p.kin <> '{}'
    JOIN access.kin k ON k.person = s.person AND k.until_at = 'infinity'
    WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'staff'
      AND (SELECT v.ground FROM access.verdict(s.id, s.kind, k.patient) v) = 'NAER_FAMILIE'
    ORDER BY array_position(ARRAY['partner', 'child', 'parent', 'sibling', 'household'], k.relation), k.patient;
END $$;

-- Owners and rights are set by access/rights.sql, but these.
ALTER VIEW access.family OWNER TO fj_owner;
GRANT SELECT ON access.family TO access_core;
GRANT EXECUTE ON FUNCTION access.tell_family(bytea), access.kin_codes() TO fj_worker;
GRANT EXECUTE ON FUNCTION access.kin_waiting(bytea) TO fj_web;
