-- Who may see whom, and why: one view for each rule, (reader, patient, allow, ground, …), under its legal source.
-- reader is a session's id. A rule answers both "may I open this one?" and "which ones?".
-- Deny is the default, and a deny wins over every allow. rank orders the grounds that are named first.

-- The citizen's own record. Pasient- og brukerrettighetsloven § 5-1; pasientjournalloven § 18.
CREATE OR REPLACE VIEW access.rule_own_record AS
  SELECT s.id AS reader, s.patient, true AS allow, 'EGEN'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 1 AS rank
  FROM identity.session s WHERE s.kind = 'citizen' AND NOT s.on_behalf;

-- Staff never read their own record as staff. Helsepersonelloven § 21 a; access.md, "Own record: refused".
CREATE OR REPLACE VIEW access.rule_own_as_staff AS
  SELECT s.id AS reader, p.patient, false AS allow, 'EGEN_SOM_ANSATT'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 0 AS rank
  FROM identity.session s JOIN identity.person p ON p.id = s.person
  WHERE s.kind = 'staff' AND p.patient IS NOT NULL;

-- The patient's block. Pasient- og brukerrettighetsloven § 5-3; pasientjournalloven § 17.
CREATE OR REPLACE VIEW access.rule_block AS
  SELECT s.id AS reader, b.patient, false AS allow, 'SPERRET'::text AS ground, b.until_at, b.id AS ref, 0 AS rank
  FROM access.block b JOIN identity.session s ON s.kind = 'staff'
    AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = s.unit OR b.person = s.person)
  WHERE b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp();

-- A strictly protected record opens for named personnel alone, and for the house's own systems. Folkeregisterloven § 10-4;
-- helsepersonelloven §§ 21 and 21 a; access.md, "Address protection".
CREATE OR REPLACE VIEW access.rule_not_named AS
  SELECT s.id AS reader, p.patient, false AS allow, 'IKKE_NAVNGITT'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 0 AS rank
  FROM access.protected p JOIN identity.session s ON s.kind = 'staff' OR (s.kind = 'system' AND s.app IS NOT NULL)
  WHERE p.level = 'strengt' AND NOT EXISTS (
    SELECT 1 FROM access.named_personnel n WHERE n.patient = p.patient AND n.person = s.person
    AND n.from_at <= clock_timestamp() AND n.until_at > clock_timestamp());

-- The GP's list. Fastlegeforskriften; helsepersonelloven § 45.
CREATE OR REPLACE VIEW access.rule_gp_list AS
  SELECT s.id AS reader, r.patient, true AS allow, r.ground, r.until_at, r.source AS ref, 2 AS rank
  FROM access.relation r JOIN identity.session s ON s.kind = 'staff' AND s.unit = r.unit
    AND (r.person IS NULL OR r.person = s.person)
  JOIN access.ground g ON g.code = r.ground AND s.role = ANY (g.roles)
  WHERE r.ground = 'FASTLEGE'
    AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();

-- A booked, ongoing or recent contact; a stay or decided services. Helsepersonelloven § 45; decision templates POLBESOK, PLANOPP, BELEGG.
CREATE OR REPLACE VIEW access.rule_contact AS
  SELECT s.id AS reader, r.patient, true AS allow, r.ground, r.until_at, r.source AS ref, 3 AS rank
  FROM access.relation r JOIN identity.session s ON s.kind = 'staff' AND s.unit = r.unit
    AND (r.person IS NULL OR r.person = s.person)
  JOIN access.ground g ON g.code = r.ground AND s.role = ANY (g.roles)
  WHERE r.ground IN ('POLBESOK', 'PLANOPP', 'BELEGG')
    AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();

-- A task, result or message on the unit's work list. Helsepersonelloven § 45; decision template ARBFLYT.
CREATE OR REPLACE VIEW access.rule_work_list AS
  SELECT s.id AS reader, r.patient, true AS allow, r.ground, r.until_at, r.source AS ref, 4 AS rank
  FROM access.relation r JOIN identity.session s ON s.kind = 'staff' AND s.unit = r.unit
    AND (r.person IS NULL OR r.person = s.person)
  JOIN access.ground g ON g.code = r.ground AND s.role = ANY (g.roles)
  WHERE r.ground = 'ARBFLYT'
    AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();

-- A system's bounded patients: those that it loaded itself, or the one envelope that it carries. access.md, "Systems".
CREATE OR REPLACE VIEW access.rule_system AS
  SELECT s.id AS reader, r.patient, true AS allow, r.ground, least(r.until_at, g.until_at) AS until_at, r.source AS ref, 5 AS rank
  FROM access.relation r
  JOIN identity.session s ON s.kind = 'system' AND s.unit = r.unit AND r.person = s.person
  JOIN access.system_grant g ON g.person = s.person AND g.purpose = s.purpose AND g.until_at > clock_timestamp()
  WHERE r.ground = 'SYSTEM' AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();

-- An app that was launched for one patient opens no other's record, whatever its user may see. SMART App Launch 2.2; access.md, "Sharing outside".
-- It answers "may I open this one?"; as "which ones?" it names those whom the unit has a need for.
CREATE OR REPLACE VIEW access.rule_other_than_launched AS
  SELECT s.id AS reader, r.patient, false AS allow, 'ANNEN_ENN_STARTET'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 0 AS rank
  FROM identity.session s JOIN access.relation r ON r.unit = s.unit
  WHERE s.kind = 'staff' AND s.patient IS NOT NULL AND r.patient <> s.patient;

-- An app that acts by itself sees the people whom its unit has a need for, as an administrator declared; a block holds for it too.
-- Helsepersonelloven § 45; pasientjournalloven § 17; access.md, "Systems".
CREATE OR REPLACE VIEW access.rule_backend_app AS
  SELECT s.id AS reader, r.patient, true AS allow, r.ground, least(r.until_at, g.until_at) AS until_at, r.source AS ref, 5 AS rank
  FROM access.relation r
  JOIN identity.session s ON s.kind = 'system' AND s.app IS NOT NULL AND s.unit = r.unit AND r.person IS NULL
  JOIN identity.app a ON a.id = s.app AND a.status = 'approved'
  JOIN access.system_grant g ON g.person = s.person AND g.purpose = s.purpose AND g.until_at > clock_timestamp()
  WHERE r.ground IN ('FASTLEGE', 'POLBESOK', 'PLANOPP', 'BELEGG', 'ARBFLYT')
    AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp()
    AND NOT EXISTS (SELECT 1 FROM access.block b WHERE b.patient = r.patient AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()
                    AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = s.unit OR b.person = s.person))
    AND NOT EXISTS (SELECT 1 FROM access.protected p WHERE p.patient = r.patient AND p.level = 'strengt');

-- All rules. A new rule is a view above, a branch here, a row in the law matrix.
CREATE OR REPLACE VIEW access.rules AS
  SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_own_as_staff
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_block
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_not_named
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_own_record
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_gp_list
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_contact
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_work_list
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_system
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_other_than_launched
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rule_backend_app
  UNION ALL SELECT reader, patient, allow, ground, until_at, ref, rank FROM access.rules_of_representation;

DO $$
DECLARE v text;
BEGIN
  FOREACH v IN ARRAY ARRAY['rules', 'rule_own_record', 'rule_own_as_staff', 'rule_block', 'rule_not_named', 'rule_gp_list', 'rule_contact',
                           'rule_work_list', 'rule_system', 'rule_other_than_launched', 'rule_backend_app'] LOOP
    EXECUTE format('ALTER VIEW access.%I OWNER TO fj_owner', v);
    EXECUTE format('GRANT SELECT ON access.%I TO access_core', v);
  END LOOP;
END $$;
