-- The nightly analysis of the log: who read without need? Helsepersonelloven § 21 a; pasientjournalloven §§ 16 and 22; Normen 5.4.4.
-- One day at a time, by sets; what it weighs stands in access.review_sign. A finding is a reviewer's task, never a judgement.

-- Does this secret belong to the system that reads the log, with a live grant?
CREATE OR REPLACE FUNCTION access.may_analyse(p_secret bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM identity.live s JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'KONTROLL' AND g.until_at > clock_timestamp()
                 WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'system' AND s.purpose = 'KONTROLL');
END $$;

-- Keeps the traits of people, in the place of those that they had of these kinds. One row for each (patient, kind, h).
CREATE OR REPLACE FUNCTION access.keep_traits(p_secret bytea, p_patients bigint[], p_kinds "char"[], p_patient bigint[], p_kind "char"[], p_h bigint[])
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT access.may_analyse(p_secret) THEN RETURN false; END IF;
  DELETE FROM access.trait t WHERE t.patient = ANY (p_patients) AND t.kind = ANY (p_kinds);
  INSERT INTO access.trait (patient, kind, h) SELECT DISTINCT a.p, a.k, a.h FROM unnest(p_patient, p_kind, p_h) AS a (p, k, h)
  ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

-- The people who can sign in as staff, by name, after the last one seen: for the family names of readers.
CREATE OR REPLACE FUNCTION access.readers_named(p_secret bytea, p_after bigint, p_limit integer)
RETURNS TABLE (person bigint, name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT access.may_analyse(p_secret) THEN RETURN; END IF;
  RETURN QUERY SELECT p.id, p.name FROM identity.person p
    WHERE p.id > p_after AND p.kind = 'human' AND EXISTS (SELECT 1 FROM identity.post o WHERE o.person = p.id) ORDER BY p.id LIMIT p_limit;
END $$;

-- Keeps the family names of readers, in the place of those that they had.
CREATE OR REPLACE FUNCTION access.keep_reader_names(p_secret bytea, p_person bigint[], p_h bigint[])
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT access.may_analyse(p_secret) THEN RETURN false; END IF;
  DELETE FROM access.reader_name r WHERE r.person = ANY (p_person);
  INSERT INTO access.reader_name (person, h) SELECT DISTINCT a.p, a.h FROM unnest(p_person, p_h) AS a (p, h) ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

-- The oldest of the last 40 days that is over by the hours given (so that late entries count) and has not been read through; NULL: none.
CREATE OR REPLACE FUNCTION access.day_to_analyse(p_secret bytea, p_after_h integer) RETURNS date
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_last date := ((clock_timestamp() - make_interval(hours => p_after_h)) AT TIME ZONE 'Europe/Oslo')::date - 1;
BEGIN
  IF NOT access.may_analyse(p_secret) THEN RETURN NULL; END IF;
  RETURN (SELECT min(d.day)::date FROM generate_series(v_last - 39, v_last, interval '1 day') AS d (day)
          -- One that was read by hand before it was over is read again.
          WHERE NOT EXISTS (SELECT 1 FROM access.analysed_day a WHERE a.on_day = d.day::date AND a.at >= access.day_begins(a.on_day + 1)));
END $$;

-- What staff did with each patient in a period: one row for each reader, unit and patient, with what was shown, tried and written.
CREATE OR REPLACE FUNCTION access.visits(p_from timestamptz, p_until timestamptz)
RETURNS TABLE (person bigint, unit bigint, patient bigint, role text, session bigint, event bigint, own bigint, shown integer, wrote boolean,
               refused boolean, chosen boolean, refs bigint[], first_at timestamptz, last_at timestamptz, refused_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.person, l.unit, l.patient, min(l.role), min(l.session), min(l.event), min(p.patient),
         (count(*) FILTER (WHERE l.outcome = 0 AND l.action <> 'write'))::integer,
         coalesce(bool_or(l.outcome = 0 AND l.action = 'write'), false), bool_or(l.outcome = 1),
         coalesce(bool_or(l.outcome = 0 AND l.chosen), false),
         array_agg(DISTINCT l.ground_ref) FILTER (WHERE l.ground_ref IS NOT NULL),
         min(l.at), max(l.at), min(l.at) FILTER (WHERE l.outcome = 1)
  FROM access.log l JOIN identity.person p ON p.id = l.person AND p.kind = 'human'
  WHERE l.at >= p_from AND l.at < p_until AND l.patient > 0 AND l.unit IS NOT NULL AND l.role <> 'innbygger' AND l.outcome < 2
    AND l.action NOT IN ('list', 'identify', 'log', 'review', 'judge', 'choose', 'choose_end')
  GROUP BY l.person, l.unit, l.patient
$$;

-- How a reader and a patient stand to each other: one row for each sign of the group RELATION, for pairs that are given.
CREATE OR REPLACE FUNCTION access.relations_of(p_person bigint[], p_unit bigint[], p_patient bigint[], p_at timestamptz)
RETURNS TABLE (person bigint, unit bigint, patient bigint, sign text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH pair AS MATERIALIZED (
    SELECT a.person, a.unit, a.patient, p.patient AS own FROM unnest(p_person, p_unit, p_patient) AS a (person, unit, patient)
    JOIN identity.person p ON p.id = a.person
  ), here AS MATERIALIZED (
    SELECT pair.*, t.kind, t.h FROM pair JOIN access.trait t ON t.patient = pair.patient AND t.kind IN ('A', 'S', 'I', 'P', 'K')
    WHERE pair.own IS NOT NULL AND pair.own <> pair.patient
  ), same AS (
    SELECT h.person, h.unit, h.patient, h.kind, (SELECT count(*) FROM access.trait x WHERE x.kind = h.kind AND x.h = h.h) AS living
    FROM here h JOIN access.trait m ON m.patient = h.own AND m.h = h.h AND m.kind = h.kind WHERE h.kind IN ('A', 'S')
  ), named AS (
    SELECT pair.person, pair.unit, pair.patient, t.h FROM pair JOIN access.trait t ON t.patient = pair.patient AND t.kind = 'N'
    JOIN access.reader_name r ON r.person = pair.person AND r.h = t.h WHERE pair.own IS DISTINCT FROM pair.patient
  ), bearing AS (
    SELECT x.h, (SELECT count(*) FROM access.trait t WHERE t.kind = 'N' AND t.h = x.h) * 10000.0
           / greatest(1, (SELECT count(*) FROM access.trait t WHERE t.kind = 'I')) AS share
    FROM (SELECT DISTINCT n.h FROM named n) x
  )
  SELECT pair.person, pair.unit, pair.patient, 'OWN' FROM pair WHERE pair.own = pair.patient
  UNION SELECT s.person, s.unit, s.patient, CASE WHEN s.kind = 'A' AND s.living <= g.bound THEN 'HOUSEHOLD' ELSE 'NEIGHBOUR' END
        FROM same s JOIN access.review_sign g ON g.code = 'HOUSEHOLD'
  UNION SELECT h.person, h.unit, h.patient, 'KIN' FROM here h JOIN access.trait m ON m.patient = h.own AND m.h = h.h
        WHERE (h.kind = 'K' AND m.kind IN ('I', 'P')) OR (h.kind IN ('I', 'P') AND m.kind = 'K')
  UNION SELECT pair.person, pair.unit, pair.patient, 'COLLEAGUE' FROM pair JOIN identity.person c ON c.patient = pair.patient AND c.id <> pair.person
        JOIN identity.post o ON o.person = c.id AND o.unit = pair.unit AND o.from_at <= p_at AND o.until_at > p_at
  UNION SELECT pair.person, pair.unit, pair.patient, 'KNOWN' FROM pair JOIN identity.known_patients(p_at) k ON k.patient = pair.patient
  UNION SELECT n.person, n.unit, n.patient, g.code FROM named n JOIN bearing b ON b.h = n.h
        JOIN access.review_sign g ON g.code IN ('SURNAME_RARE', 'SURNAME') AND b.share <= g.bound
$$;

-- First half of a day: what each reader did, for this day's volumes and for the days to come. False: the secret has no grant.
-- The halves are transactions of their own, and each writes last: a transaction that has written holds up the change feed.
CREATE OR REPLACE FUNCTION access.analyse_readers(p_secret bytea, p_day date) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT access.may_analyse(p_secret) THEN RETURN false; END IF;
  INSERT INTO access.reader_day AS d (person, on_day, role, records, unwritten, readings, hours)
  SELECT x.person, p_day, x.role, x.records, x.unwritten, x.readings, x.hours FROM access.days_of(access.day_begins(p_day), access.day_begins(p_day + 1)) x
  ON CONFLICT (person, on_day) DO UPDATE SET role = excluded.role, records = excluded.records, unwritten = excluded.unwritten,
    readings = excluded.readings, hours = excluded.hours;
  RETURN true;
END $$;

-- Second half: makes a task of each reading, and of each reader's day, that weighs as much as the threshold.
-- Said again it does it again, and makes no task twice. No row: the secret has no grant.
DROP FUNCTION IF EXISTS access.analyse_day(bytea, date);
CREATE OR REPLACE FUNCTION access.analyse_readings(p_secret bytea, p_day date)
RETURNS TABLE (readings bigint, staff_days bigint, findings bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_from timestamptz := access.day_begins(p_day); v_until timestamptz := access.day_begins(p_day + 1); v record;
BEGIN
  IF NOT access.may_analyse(p_secret) THEN RETURN; END IF;
  findings := 0;
  SELECT coalesce(sum(d.readings), 0), count(*) INTO readings, staff_days FROM access.reader_day d WHERE d.on_day = p_day;
  FOR v IN SELECT * FROM (SELECT * FROM access.weighed(p_day, v_from, v_until) UNION ALL SELECT * FROM access.volumes(p_day, v_from, v_until)) x
           ORDER BY x.person, x.patient LOOP
    PERFORM access.review_open('FINDING', v.unit, v.person, v.patient, v.session, v.event, NULL, '', v.evidence, NULL, p_day);
    findings := findings + 1;
  END LOOP;
  INSERT INTO access.analysed_day AS a (on_day, readings, staff_days, findings) VALUES (p_day, readings, staff_days, findings)
  ON CONFLICT (on_day) DO UPDATE SET at = clock_timestamp(), readings = excluded.readings, staff_days = excluded.staff_days, findings = excluded.findings;
  PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'log', 0::smallint, NULL, 'SYSTEM', NULL, 0::smallint);
  RETURN NEXT;
END $$;

-- When a Norwegian day begins.
CREATE OR REPLACE FUNCTION access.day_begins(p_day date) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT p_day::timestamp AT TIME ZONE 'Europe/Oslo' $$;

-- The signs of need for each visit of a period: exactly one of OWN_ENTRY, UNIT_ENTRY, CONTACT and NO_NEED.
CREATE OR REPLACE FUNCTION access.needs_of(p_from timestamptz, p_until timestamptz)
RETURNS TABLE (person bigint, unit bigint, patient bigint, role text, session bigint, event bigint, shown integer, refused boolean, chosen boolean,
               first_at timestamptz, last_at timestamptz, refused_at timestamptz, need text, self_made boolean, late boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH b AS (
    SELECT max(g.bound) FILTER (WHERE g.code = 'OWN_ENTRY') AS own, max(g.bound) FILTER (WHERE g.code = 'UNIT_ENTRY') AS unit,
           max(g.bound) FILTER (WHERE g.code = 'CONTACT') AS contact, max(g.bound) FILTER (WHERE g.code = 'LATE') AS late FROM access.review_sign g
  ), visit AS MATERIALIZED (SELECT * FROM access.visits(p_from, p_until)),
  entry AS MATERIALIZED (
    SELECT l.patient, l.unit, l.person, min(l.at) AS first_at, max(l.at) AS last_at FROM access.log l
    WHERE l.at >= p_from - make_interval(days => (SELECT b.unit FROM b)) AND l.at < p_until + make_interval(days => (SELECT b.unit FROM b))
      AND l.action = 'write' AND l.outcome = 0 AND l.patient > 0 AND l.unit IS NOT NULL
    GROUP BY l.patient, l.unit, l.person
  ), fact AS MATERIALIZED (
    -- What began or ended around the day tells of a contact then; a fact that goes on (a GP's list, a stay) does not.
    SELECT v.person, v.unit, v.patient,
           bool_or(r.made_by <> v.session AND m.person IS DISTINCT FROM v.person AND (
             r.from_at BETWEEN v.first_at - make_interval(days => b.contact) AND v.last_at + make_interval(days => b.contact)
             OR r.until_at - make_interval(hours => g.after_h) BETWEEN v.first_at - make_interval(days => b.contact)
                AND v.last_at + make_interval(days => b.contact))) AS contact,
           bool_or((r.made_by = v.session OR m.person = v.person) AND g.told = 'identified') AS self_made,
           coalesce(max(r.until_at - make_interval(hours => g.after_h)) FILTER (WHERE r.from_at <= v.first_at AND r.until_at > v.first_at), 'infinity')
             < min(v.first_at) - make_interval(hours => max(b.late)) AS late
    FROM visit v CROSS JOIN b JOIN access.relation r ON r.patient = v.patient AND r.unit = v.unit AND (r.person IS NULL OR r.person = v.person)
    JOIN access.ground g ON g.code = r.ground AND NOT g.is_chosen LEFT JOIN identity.session m ON m.id = r.made_by
    GROUP BY v.person, v.unit, v.patient
  )
  SELECT v.person, v.unit, v.patient, v.role, v.session, v.event, v.shown, v.refused, v.chosen, v.first_at, v.last_at, v.refused_at,
         CASE WHEN v.wrote OR mine.patient IS NOT NULL THEN 'OWN_ENTRY' WHEN unit.patient IS NOT NULL THEN 'UNIT_ENTRY'
              WHEN f.contact AND NOT coalesce(f.late, false) THEN 'CONTACT' ELSE 'NO_NEED' END,
         coalesce(f.self_made, false), coalesce(f.late, false)
  FROM visit v CROSS JOIN b
  LEFT JOIN entry mine ON mine.patient = v.patient AND mine.unit = v.unit AND mine.person = v.person
    AND mine.first_at < p_until + make_interval(days => b.own) AND mine.last_at >= p_from - make_interval(days => b.own)
  LEFT JOIN (SELECT DISTINCT e.patient, e.unit FROM entry e) unit ON unit.patient = v.patient AND unit.unit = v.unit
  LEFT JOIN fact f ON f.person = v.person AND f.unit = v.unit AND f.patient = v.patient
$$;

-- What each reader did in a period, for the history: one row a reader.
CREATE OR REPLACE FUNCTION access.days_of(p_from timestamptz, p_until timestamptz)
RETURNS TABLE (person bigint, role text, records integer, unwritten integer, readings integer, hours integer[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH need AS MATERIALIZED (SELECT * FROM access.needs_of(p_from, p_until)),
  at AS (SELECT n.person, extract(hour FROM n.first_at AT TIME ZONE 'Europe/Oslo') AS hour, count(*) AS n FROM need n GROUP BY 1, 2),
  hour AS (
    SELECT p.person, array_agg(coalesce(a.n, 0)::integer ORDER BY h.hour) AS hours
    FROM (SELECT DISTINCT n.person FROM need n) p CROSS JOIN generate_series(0, 23) AS h (hour)
    LEFT JOIN at a ON a.person = p.person AND a.hour = h.hour GROUP BY p.person
  )
  SELECT n.person, min(n.role), (count(*) FILTER (WHERE n.shown > 0))::integer, (count(*) FILTER (WHERE n.shown > 0 AND n.need <> 'OWN_ENTRY'))::integer,
         sum(n.shown)::integer, min(h.hours)
  FROM need n JOIN hour h ON h.person = n.person GROUP BY n.person
$$;

-- The visits of a day that weigh as much as the threshold, with the signs that were found, the heaviest first.
CREATE OR REPLACE FUNCTION access.weighed(p_day date, p_from timestamptz, p_until timestamptz)
RETURNS TABLE (person bigint, unit bigint, patient bigint, session bigint, event bigint, evidence jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH c AS (SELECT x.threshold, x.history_days FROM access.review_setting x),
  need AS MATERIALIZED (SELECT * FROM access.needs_of(p_from, p_until)),
  usual AS MATERIALIZED (
    SELECT d.person, sum(d.readings)::numeric / greatest(1, sum(d.records)) AS each, sum(h.n) AS visits,
           array_agg(h.n ORDER BY h.hour) AS hours
    FROM (SELECT x.person, sum(x.readings) AS readings, sum(x.records) AS records FROM access.reader_day x CROSS JOIN c
          WHERE x.on_day < p_day AND x.on_day >= p_day - c.history_days GROUP BY x.person) d
    JOIN (SELECT x.person, q.hour, sum(q.n) AS n FROM access.reader_day x CROSS JOIN c CROSS JOIN LATERAL unnest(x.hours) WITH ORDINALITY AS q (n, hour)
          WHERE x.on_day < p_day AND x.on_day >= p_day - c.history_days GROUP BY x.person, q.hour) h ON h.person = d.person
    GROUP BY d.person
  ), sign AS MATERIALIZED (
    SELECT n.person, n.unit, n.patient, n.need AS code FROM need n
    UNION ALL SELECT n.person, n.unit, n.patient, 'REFUSED' FROM need n WHERE n.refused AND n.shown = 0
    UNION ALL SELECT n.person, n.unit, n.patient, 'AFTER_REFUSAL' FROM need n JOIN access.review_sign g ON g.code = 'AFTER_REFUSAL'
      WHERE n.shown > 0 AND n.need <> 'OWN_ENTRY' AND (n.refused_at < n.last_at OR EXISTS (
        SELECT 1 FROM access.log l WHERE l.patient = n.patient AND l.person = n.person AND l.outcome = 1 AND l.at < n.first_at
          AND l.at >= n.first_at - make_interval(days => g.bound)))
    UNION ALL SELECT n.person, n.unit, n.patient, 'CHOSEN' FROM need n WHERE n.chosen AND n.need <> 'OWN_ENTRY'
    UNION ALL SELECT n.person, n.unit, n.patient, 'SELF_MADE' FROM need n WHERE n.self_made AND n.need = 'NO_NEED' AND n.shown > 0
    UNION ALL SELECT n.person, n.unit, n.patient, 'LATE' FROM need n WHERE n.late AND n.need = 'NO_NEED' AND n.shown > 0
    UNION ALL SELECT n.person, n.unit, n.patient, 'DEEP' FROM need n JOIN access.review_sign g ON g.code = 'DEEP' LEFT JOIN usual u ON u.person = n.person
      WHERE n.need <> 'OWN_ENTRY' AND n.shown >= greatest(g.bound, 2 * coalesce(u.each, 0))
    UNION ALL SELECT n.person, n.unit, n.patient, 'ODD_TIME' FROM need n JOIN access.review_sign g ON g.code = 'ODD_TIME' JOIN usual u ON u.person = n.person
      WHERE n.need <> 'OWN_ENTRY' AND n.shown > 0 AND u.visits >= 100
        AND (SELECT sum(u.hours[1 + (extract(hour FROM n.first_at AT TIME ZONE 'Europe/Oslo')::integer + near + 24) % 24]) FROM generate_series(-1, 1) near) * 100
            <= u.visits * g.bound
  ), related AS MATERIALIZED (
    SELECT r.person, r.unit, r.patient, r.sign AS code FROM (
      SELECT array_agg(n.person) AS person, array_agg(n.unit) AS unit, array_agg(n.patient) AS patient FROM need n) a
    CROSS JOIN LATERAL access.relations_of(a.person, a.unit, a.patient, p_from) r
  ), points AS (
    SELECT x.person, x.unit, x.patient, sum(x.points) AS score, jsonb_agg(jsonb_build_object('code', x.code, 'points', x.points) ORDER BY x.points DESC) AS signs
    FROM (SELECT s.person, s.unit, s.patient, s.code, g.points FROM sign s JOIN access.review_sign g ON g.code = s.code
          UNION ALL
          -- Of what reader and patient are to each other the strongest counts; the rest is told with no points.
          SELECT r.person, r.unit, r.patient, r.code,
                 CASE WHEN row_number() OVER (PARTITION BY r.person, r.unit, r.patient ORDER BY g.points DESC, r.code) = 1 THEN g.points ELSE 0 END
          FROM related r JOIN access.review_sign g ON g.code = r.code) x
    GROUP BY x.person, x.unit, x.patient
  )
  SELECT n.person, n.unit, n.patient, n.session, n.event,
         jsonb_build_object('score', p.score, 'threshold', c.threshold, 'signs', p.signs, 'first_at', n.first_at, 'last_at', n.last_at, 'shown', n.shown)
  FROM points p CROSS JOIN c JOIN need n ON n.person = p.person AND n.unit = p.unit AND n.patient = p.patient
  WHERE p.score >= c.threshold ORDER BY p.score DESC
$$;

-- The readers whose day holds far more records that they wrote nothing in than their own and their role's days do.
CREATE OR REPLACE FUNCTION access.volumes(p_day date, p_from timestamptz, p_until timestamptz)
RETURNS TABLE (person bigint, unit bigint, patient bigint, session bigint, event bigint, evidence jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH c AS (SELECT x.threshold, x.history_days FROM access.review_setting x),
  past AS MATERIALIZED (SELECT d.* FROM access.reader_day d CROSS JOIN c WHERE d.on_day < p_day AND d.on_day >= p_day - c.history_days),
  role AS (SELECT d.role, avg(d.unwritten) + 3 * coalesce(stddev(d.unwritten), 0) AS upto FROM past d GROUP BY d.role HAVING count(*) >= 30),
  own AS (SELECT d.person, avg(d.unwritten) + 4 * greatest(1.5, coalesce(stddev(d.unwritten), 0)) AS upto
          FROM past d GROUP BY d.person HAVING count(*) >= 5)
  SELECT d.person, w.unit, 0::bigint, w.session, w.event,
         jsonb_build_object('score', g.points, 'threshold', c.threshold, 'shown', d.records, 'unwritten', d.unwritten, 'first_at', w.first_at,
                            'last_at', w.last_at, 'signs', jsonb_build_array(jsonb_build_object('code', g.code, 'points', g.points)))
  FROM access.reader_day d CROSS JOIN c JOIN access.review_sign g ON g.code = 'VOLUME' AND d.unwritten >= g.bound
  JOIN role r ON r.role = d.role LEFT JOIN own o ON o.person = d.person
  CROSS JOIN LATERAL (SELECT max(l.unit) AS unit, min(l.session) AS session, min(l.event) AS event, min(l.at) AS first_at, max(l.at) AS last_at
                      FROM access.log l WHERE l.person = d.person AND l.at >= p_from AND l.at < p_until AND l.unit IS NOT NULL) w
  WHERE d.on_day = p_day AND g.points >= c.threshold AND d.unwritten > r.upto AND d.unwritten > coalesce(o.upto, 0)
$$;

DROP FUNCTION IF EXISTS access.keep_known(bigint, text, text, timestamptz);

-- The last days that were read through, newest first: counts alone.
CREATE OR REPLACE FUNCTION access.analysed_days(p_limit integer)
RETURNS TABLE (on_day date, at timestamptz, readings bigint, staff_days bigint, findings bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.on_day, a.at, a.readings, a.staff_days, a.findings FROM access.analysed_day a ORDER BY a.on_day DESC LIMIT p_limit
$$;
