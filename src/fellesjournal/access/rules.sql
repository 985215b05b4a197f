-- Who may see whom, and why: one view for each rule, (reader, patient, allow, ground, …), under its legal source.
-- reader is a session's id. A rule answers both "may I open this one?" and "which ones?".
-- Deny is the default, and a deny wins over every allow. rank orders the grounds that are named first.
-- Grounds are rows of access.ground: a new one names the rule it belongs to and needs no new SQL.

-- Does the duty list keep this reader out of the unit that they act in? False for units that keep to none.
CREATE OR REPLACE FUNCTION access.is_off_duty(p_unit bigint, p_person bigint, p_role text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM access.duty_rule d WHERE d.unit = p_unit AND d.from_at <= clock_timestamp() AND d.until_at > clock_timestamp()
      AND p_role <> ALL (d.exempt_roles)
      AND NOT EXISTS (SELECT 1 FROM access.duty x WHERE x.person = p_person AND x.unit = d.unit
                      AND x.from_at <= clock_timestamp() AND x.until_at > clock_timestamp()));
END $$;

-- A staff session with each live fact that its role can use: of its unit, or of this person there.
-- Where the unit keeps to its duty list, only emergency access counts for who is not on it (rule_off_duty).
CREATE OR REPLACE VIEW access.live_fact AS
  SELECT s.id AS reader, r.patient, g.rule, g.kind, r.ground, g.may_write, r.from_at, r.until_at, r.source AS ref, g.rank, r.id AS relation
  FROM access.relation r JOIN identity.session s ON s.kind = 'staff' AND s.unit = r.unit AND (r.person IS NULL OR r.person = s.person)
  JOIN access.ground g ON g.code = r.ground AND s.role = ANY (g.roles) AND g.valid_from <= (SELECT current_date) AND g.valid_until > (SELECT current_date)
  WHERE r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp()
    AND (g.kind IN ('emergency', 'override') OR NOT access.is_off_duty(s.unit, s.person, s.role));

-- The citizen's own record. Pasient- og brukerrettighetsloven § 5-1; pasientjournalloven § 18.
CREATE OR REPLACE VIEW access.rule_own_record AS
  SELECT s.id AS reader, s.patient, true AS allow, 'EGEN'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 1 AS rank, true AS may_write
  FROM identity.session s WHERE s.kind = 'citizen' AND NOT s.on_behalf;

-- Staff never read their own record as staff. Helsepersonelloven § 21 a; access.md, "Own record: refused".
CREATE OR REPLACE VIEW access.rule_own_as_staff AS
  SELECT s.id AS reader, p.patient, false AS allow, 'EGEN_SOM_ANSATT'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 0 AS rank, false AS may_write
  FROM identity.session s JOIN identity.person p ON p.id = s.person
  WHERE s.kind = 'staff' AND p.patient IS NOT NULL;

-- The patient's block of the whole record, unless it is overridden for this reader. Pasient- og brukerrettighetsloven § 5-3;
-- pasientjournalloven § 17.
CREATE OR REPLACE VIEW access.rule_block AS
  SELECT s.id AS reader, b.patient, false AS allow, 'SPERRET'::text AS ground, b.until_at, b.id AS ref, 0 AS rank, false AS may_write
  FROM access.block b JOIN identity.session s ON s.kind = 'staff'
    AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = s.unit OR b.person = s.person)
  WHERE b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()
    AND NOT EXISTS (SELECT 1 FROM access.live_fact o WHERE o.reader = s.id AND o.patient = b.patient AND o.kind = 'override');

-- A strictly protected record opens for named personnel alone, in an emergency, and for the house's own systems. Folkeregisterloven § 10-4;
-- helsepersonelloven §§ 21 and 21 a; access.md, "Address protection".
CREATE OR REPLACE VIEW access.rule_not_named AS
  SELECT s.id AS reader, p.patient, false AS allow, 'IKKE_NAVNGITT'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 0 AS rank, false AS may_write
  FROM access.protected p JOIN identity.session s ON s.kind = 'staff' OR (s.kind = 'system' AND s.app IS NOT NULL)
  WHERE p.level = 'strengt' AND NOT EXISTS (
    SELECT 1 FROM access.named_personnel n WHERE n.patient = p.patient AND n.person = s.person
    AND n.from_at <= clock_timestamp() AND n.until_at > clock_timestamp())
    AND NOT EXISTS (
        SELECT 1 FROM access.relation e JOIN access.ground g ON g.code = e.ground AND g.kind = 'emergency'
        WHERE e.patient = p.patient AND e.unit = s.unit AND e.person = s.person AND e.from_at <= clock_timestamp() AND e.until_at > clock_timestamp());

-- Close family: a need is there, and the record opens when the reader has given a reason in words, for a time; in an emergency at once.
-- A warning, never a refusal. Helsepersonelloven §§ 4 and 21 a; access.md, "Exceptions".
CREATE OR REPLACE VIEW access.rule_close_family AS
  SELECT s.id AS reader, k.patient, false AS allow, 'NAER_FAMILIE'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 1 AS rank, false AS may_write
  FROM access.kin k JOIN identity.session s ON s.kind = 'staff' AND s.person = k.person
  WHERE k.until_at = 'infinity'
    AND EXISTS (SELECT 1 FROM access.live_fact f WHERE f.reader = s.id AND f.patient = k.patient AND f.kind NOT IN ('override', 'relative'))
    AND NOT EXISTS (SELECT 1 FROM access.live_fact f WHERE f.reader = s.id AND f.patient = k.patient AND f.kind IN ('relative', 'emergency'));

-- Who is not on duty has no access in a unit that keeps to its duty list; emergency access is left. Helsepersonelloven §§ 7 and 21 a;
-- Normen 5.2; Akson SHS 5.3.2.2.
CREATE OR REPLACE VIEW access.rule_off_duty AS
  SELECT s.id AS reader, r.patient, false AS allow, 'IKKE_PA_VAKT'::text AS ground, d.until_at, NULL::bigint AS ref, 0 AS rank, false AS may_write
  FROM access.duty_rule d JOIN identity.session s ON s.kind = 'staff' AND s.unit = d.unit
  JOIN access.relation r ON r.unit = s.unit
  WHERE access.is_off_duty(s.unit, s.person, s.role)
    AND NOT EXISTS (SELECT 1 FROM access.live_fact e WHERE e.reader = s.id AND e.patient = r.patient AND e.kind = 'emergency');

-- An app that was launched for one patient opens no other's record, whatever its user may see. SMART App Launch 2.2; access.md, "Sharing outside".
-- It answers "may I open this one?"; as "which ones?" it names those whom the unit has a need for.
CREATE OR REPLACE VIEW access.rule_other_than_launched AS
  SELECT s.id AS reader, r.patient, false AS allow, 'ANNEN_ENN_STARTET'::text AS ground, 'infinity'::timestamptz AS until_at,
         NULL::bigint AS ref, 0 AS rank, false AS may_write
  FROM identity.session s JOIN access.relation r ON r.unit = s.unit
  WHERE s.kind = 'staff' AND s.patient IS NOT NULL AND r.patient <> s.patient;

-- The GP's list. Fastlegeforskriften; helsepersonelloven § 45.
CREATE OR REPLACE VIEW access.rule_gp_list AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'gp_list';

-- Who is responsible for this patient by name: treatment, primary contact, the record, informing, coordination, another role.
-- Helsepersonelloven §§ 10, 25, 39 and 45; helse- og omsorgstjenesteloven § 7-2; decision templates BEHANDLER, PRIMKONT, JOURANSV, INFOANSV, PASANSV, ROLPAS.
CREATE OR REPLACE VIEW access.rule_responsible AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'responsible';

-- A booked, awaited, ongoing or recent contact, a series of them; a stay or decided services. Helsepersonelloven § 45;
-- decision templates POLBESOK, PLANOPP, PLANKONT, KONSSERIE, BELEGG.
CREATE OR REPLACE VIEW access.rule_contact AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'contact';

-- A call to the legevakt. Akuttmedisinforskriften § 13; helsepersonelloven § 45.
CREATE OR REPLACE VIEW access.rule_call AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'call';

-- A referral to the unit, until some time after it was assessed. Helsepersonelloven §§ 25 and 45; decision templates HENVISNING, VURDHENV.
CREATE OR REPLACE VIEW access.rule_referral AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'referral';

-- A task, result or message on the unit's work list. Helsepersonelloven §§ 39 and 45; decision template ARBFLYT; Akson SHS 5.3.2.10.
CREATE OR REPLACE VIEW access.rule_work_list AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'work_list';

-- A ground that this reader chose, with a written reason, for at most a day. Helsepersonelloven §§ 25, 25 b, 26, 29 c, 39 and 45;
-- decision templates DELBEHAN, HENV_PAS, HENV_BEH, HENV_PAA, MELDT, TILSYN, EKSTSVAR, ETTERARB, PASADM, NYPAS, HHJELANPAS, EGENLAER, KVAL, INNSYN, OFFBEST, TILSYN2, TILSYN3, UNDERVISN, FORSK.
CREATE OR REPLACE VIEW access.rule_chosen AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'chosen';

-- Self-authorised because a rule is missing: chosen too, and told apart, since it shows where the rules must be better. Akson SHS 5.3.2.5; access.md, "Exceptions".
CREATE OR REPLACE VIEW access.rule_gap AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'gap';

-- Emergency access (blålys): help is urgent and no relation is known; for at most an hour, told to the patient, always judged afterwards.
-- Helsepersonelloven § 7; straffeloven § 17 (nødrett); Akson SHS 5.3.2.4.
CREATE OR REPLACE VIEW access.rule_emergency AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'emergency';

-- Support through the product: one ticket, one patient, a time box, granted by an administrator, never to oneself. Reading alone.
-- Helsepersonelloven § 25 second paragraph; Akson SHS 5.3.2.11; access.md, "Systems".
CREATE OR REPLACE VIEW access.rule_support AS
  SELECT f.reader, f.patient, true AS allow, f.ground, f.until_at, f.ref, f.rank, f.may_write FROM access.live_fact f WHERE f.rule = 'support';

-- A system's bounded patients: those that it loaded itself, or the one envelope that it carries. access.md, "Systems".
CREATE OR REPLACE VIEW access.rule_system AS
  SELECT s.id AS reader, r.patient, true AS allow, r.ground, least(r.until_at, g.until_at) AS until_at, r.source AS ref, 5 AS rank, true AS may_write
  FROM access.relation r
  JOIN identity.session s ON s.kind = 'system' AND s.unit = r.unit AND r.person = s.person
  JOIN access.system_grant g ON g.person = s.person AND g.purpose = s.purpose AND g.until_at > clock_timestamp()
  WHERE r.ground = 'SYSTEM' AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();

-- An app that acts by itself sees the people whom its unit has a need for, as an administrator declared; a block holds for it too.
-- Helsepersonelloven § 45; pasientjournalloven § 17; access.md, "Systems".
CREATE OR REPLACE VIEW access.rule_backend_app AS
  SELECT s.id AS reader, r.patient, true AS allow, r.ground, least(r.until_at, g.until_at) AS until_at, r.source AS ref, 5 AS rank, true AS may_write
  FROM access.relation r
  JOIN identity.session s ON s.kind = 'system' AND s.app IS NOT NULL AND s.unit = r.unit AND r.person IS NULL
  JOIN identity.app a ON a.id = s.app AND a.status = 'approved'
  JOIN access.system_grant g ON g.person = s.person AND g.purpose = s.purpose AND g.until_at > clock_timestamp()
  JOIN access.ground k ON k.code = r.ground AND k.kind = 'automatic'
  WHERE r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp()
    AND NOT EXISTS (SELECT 1 FROM access.block b WHERE b.patient = r.patient AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()
                    AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = s.unit OR b.person = s.person))
    AND NOT EXISTS (SELECT 1 FROM access.protected p WHERE p.patient = r.patient AND p.level = 'strengt');

-- All rules. A new rule is a view above, a branch here, a row in the law matrix.
CREATE OR REPLACE VIEW access.rules AS
  SELECT * FROM access.rule_own_as_staff
  UNION ALL SELECT * FROM access.rule_block
  UNION ALL SELECT * FROM access.rule_not_named
  UNION ALL SELECT * FROM access.rule_close_family
  UNION ALL SELECT * FROM access.rule_off_duty
  UNION ALL SELECT * FROM access.rule_other_than_launched
  UNION ALL SELECT * FROM access.rule_own_record
  UNION ALL SELECT * FROM access.rule_gp_list
  UNION ALL SELECT * FROM access.rule_responsible
  UNION ALL SELECT * FROM access.rule_contact
  UNION ALL SELECT * FROM access.rule_call
  UNION ALL SELECT * FROM access.rule_referral
  UNION ALL SELECT * FROM access.rule_work_list
  UNION ALL SELECT * FROM access.rule_chosen
  UNION ALL SELECT * FROM access.rule_gap
  UNION ALL SELECT * FROM access.rule_emergency
  UNION ALL SELECT * FROM access.rule_support
  UNION ALL SELECT * FROM access.rule_system
  UNION ALL SELECT * FROM access.rule_backend_app
  UNION ALL SELECT r.*, r.allow AS may_write FROM access.rules_of_representation r;

DO $$
DECLARE v text;
BEGIN
  FOR v IN SELECT viewname FROM pg_views WHERE schemaname = 'access' AND (viewname LIKE 'rule\_%' OR viewname IN ('rules', 'live_fact')) LOOP
    EXECUTE format('ALTER VIEW access.%I OWNER TO fj_owner', v);
    EXECUTE format('GRANT SELECT ON access.%I TO access_core', v);
  END LOOP;
END $$;
