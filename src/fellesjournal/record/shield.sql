-- The shield: what a row of a protected person tells of where they are lies apart (vault.shielded), byte for byte as it was written.
-- vault.resource and vault.history hold the rest, so that whatever reads them (searches, lists, histories, exports, messages, words,
-- code that is yet to come) has nothing to give away. One door gives it back: reading by id, to who needs it (docs/adr/0024-address-protection.md).
-- Bits of a row's class: 16384 SHIELDED, a part of it lies apart; 2048 PLACE, a search row that leads to a unit of a strictly protected person.

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'history', 'shielded', 'sp_string', 'sp_token', 'sp_reference'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS shield ON vault.%I', t);
    EXECUTE format($p$CREATE POLICY shield ON vault.%I FOR ALL TO vault_shield
      USING (patient = ANY ((SELECT nullif(current_setting('fj.shielding', true), ''))::bigint[]))
      WITH CHECK (patient = ANY ((SELECT nullif(current_setting('fj.shielding', true), ''))::bigint[]))$p$, t);
  END LOOP;
END $$;
-- Which types directory rows are of.
DROP POLICY IF EXISTS shield_directory ON vault.resource;
CREATE POLICY shield_directory ON vault.resource FOR SELECT TO vault_shield USING (slot = 0 AND patient = 0);
GRANT SELECT, UPDATE (body, sens) ON vault.resource, vault.history TO vault_shield;
GRANT SELECT, INSERT, UPDATE, DELETE ON vault.shielded TO vault_shield;
GRANT SELECT, DELETE ON vault.sp_string, vault.sp_token TO vault_shield;
GRANT SELECT, UPDATE (sens) ON vault.sp_reference TO vault_shield;

-- The search parameters whose values are addresses: of Patient, RelatedPerson and Person (a test holds them against R4's).
CREATE OR REPLACE FUNCTION vault.place_params() RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '{940742138,1221118788,1958481834,1796515853,1945317390,933329427,1384422071,1841797326,423068255,744269173,2117817699,843553588,
           38680030,1911378472,1593235651,1952621406,936261860,294376688}'::integer[]
$$;

-- How a Patient says that its address is protected: codes of Grunndata in meta.security. NULL = it isn't.
CREATE OR REPLACE FUNCTION vault.protection_in(p_body text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_body LIKE '%strengtFortrolig"%' AND jsonb_path_exists(p_body::jsonb, '$.meta.security[*] ? (@.code == "strengtFortrolig")') THEN RETURN 'strengt';
  ELSIF p_body LIKE '%"fortrolig"%' AND jsonb_path_exists(p_body::jsonb, '$.meta.security[*] ? (@.code == "fortrolig")') THEN RETURN 'fortrolig'; END IF;
  RETURN NULL;
END $$;

-- ── What is shown ────────────────────────────────────────────────────────────────────────────────

-- The number of a row of ours that is no person's, from its id; NULL for every other text.
CREATE OR REPLACE FUNCTION vault.directory_pid(p_id text) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v bigint := 0;
BEGIN
  IF p_id !~ '^00[0-7][0-9abcdefghjkmnpqrstvwxyz]{12}$' THEN RETURN NULL; END IF;
  FOR n IN 1..15 LOOP v := v * 32 + strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(p_id, n, 1)) - 1; END LOOP;
  RETURN v;
END $$;

-- What stands for a reference to a unit of a strictly protected person: that it is masked, and of what kind of service (Volven 8663) it was.
CREATE OR REPLACE FUNCTION vault.masked(p_reference text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v jsonb;
BEGIN
  SELECT jsonb_path_query_first(r.body::jsonb, '$.type[*].coding[*] ? (@.system == "urn:oid:2.16.578.1.12.4.1.1.8663")') INTO v
  FROM vault.resource r WHERE r.slot = 0 AND r.pid = vault.directory_pid(substring(p_reference FROM '^Organization/([^/]+)')) AND r.body IS NOT NULL;
  RETURN format('{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}%s],"display":%s}',
                CASE WHEN v ->> 'code' IS NOT NULL THEN format(',{"url":"urn:oid:2.16.578.1.12.4.1.1.8663","valueCode":%s}', v -> 'code') ELSE '' END,
                to_json(coalesce(v ->> 'display', 'Skjermet enhet')));
END $$;

-- A part of a resource without addresses; p_strict: and without units. NULL = nothing is left of it. Order and numbers stay as they are.
CREATE OR REPLACE FUNCTION vault.without_place(p_part json, p_strict boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_unit constant text := 'Organization|Location|HealthcareService|PractitionerRole|Endpoint|OrganizationAffiliation|InsurancePlan';
  v text; v_all text[] := '{}'; x record;
BEGIN
  IF json_typeof(p_part) = 'array' THEN
    FOR x IN SELECT e.value FROM json_array_elements(p_part) e LOOP
      CONTINUE WHEN json_typeof(x.value) = 'object' AND (x.value -> 'valueAddress' IS NOT NULL OR x.value ->> 'url' LIKE '%municipalitycode');
      v := vault.without_place(x.value, p_strict);
      IF v IS NOT NULL THEN v_all := v_all || v; END IF;
    END LOOP;
    RETURN CASE WHEN cardinality(v_all) > 0 THEN '[' || array_to_string(v_all, ',') || ']' END;
  ELSIF json_typeof(p_part) <> 'object' THEN
    RETURN p_part::text;
  ELSIF p_strict AND (p_part ->> 'reference' ~ ('(^|/)(' || v_unit || ')/') OR p_part ->> 'type' ~ ('^(' || v_unit || ')$')) THEN
    RETURN vault.masked(p_part ->> 'reference');
  ELSIF p_strict AND p_part ->> 'resourceType' ~ ('^(' || v_unit || ')$') THEN
    RETURN format('{"resourceType":%s,"id":%s}', p_part -> 'resourceType', p_part -> 'id');
  END IF;
  FOR x IN SELECT e.key, e.value FROM json_each(p_part) e LOOP
    CONTINUE WHEN x.key IN ('address', '_address', 'valueAddress', 'locationAddress') AND json_typeof(x.value) <> 'string';
    -- A narrative of who somebody is, or of where they were, repeats it.
    CONTINUE WHEN x.key = 'text' AND p_part ->> 'resourceType' = ANY (CASE WHEN p_strict
      THEN '{Patient,RelatedPerson,Person,Encounter,EpisodeOfCare,Appointment,AppointmentResponse,CareTeam,ServiceRequest,Task,Coverage,Account}'::text[]
      ELSE '{Patient,RelatedPerson,Person}'::text[] END);
    v := vault.without_place(x.value, p_strict);
    IF v IS NOT NULL THEN v_all := v_all || (to_json(x.key)::text || ':' || v); END IF;
  END LOOP;
  RETURN CASE WHEN cardinality(v_all) > 0 THEN '{' || array_to_string(v_all, ',') || '}' END;
END $$;

-- A body as it is shown, labelled REDACTED; the same text when there is nothing to hide.
CREATE OR REPLACE FUNCTION vault.redacted(p_body text, p_strict boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v text; v_meta json; v_labels text;
BEGIN
  IF p_body IS NULL OR NOT (strpos(p_body, 'ddress"') > 0 OR strpos(p_body, 'municipalitycode') > 0
    OR (p_strict AND p_body ~ '(Organization|Location|HealthcareService|PractitionerRole|Endpoint|OrganizationAffiliation|InsurancePlan)[/"]')
    OR p_body ~ '^{"resourceType":"(Patient|RelatedPerson|Person)".*"text":') THEN RETURN p_body; END IF;
  v := vault.without_place(p_body::json, p_strict);
  IF v = p_body THEN RETURN p_body; END IF;
  v_meta := v::json -> 'meta';
  v_labels := coalesce(rtrim((v_meta -> 'security')::text, ']') || ',', '[')
              || '{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED"}]';
  RETURN vault.with_member(v, 'meta', vault.with_member(v_meta::text, 'security', v_labels));
END $$;

-- An object with this member, in its old place or last; NULL takes it away.
CREATE OR REPLACE FUNCTION vault.with_member(p_object text, p_key text, p_value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN '{' || (
    SELECT string_agg(to_json(q.key)::text || ':' || q.value, ',' ORDER BY q.ord) FROM (
      SELECT e.key, CASE e.key WHEN p_key THEN p_value ELSE e.value::text END AS value, e.ord
      FROM json_each(p_object::json) WITH ORDINALITY AS e (key, value, ord)
      UNION ALL SELECT p_key, p_value, 1000000 WHERE p_object::json -> p_key IS NULL) q
    WHERE q.value IS NOT NULL) || '}';
END $$;

-- ── What was sent, with what its sender wasn't shown ─────────────────────────────────────────────

-- What was sent, where it is as it was shown, is as it was before: what is hidden is not lost when the rest is changed.
CREATE OR REPLACE FUNCTION vault.rejoined(p_sent json, p_shown json, p_whole json) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v text; v_all text[] := '{}'; x record;
BEGIN
  IF p_sent::jsonb = p_shown::jsonb THEN RETURN p_whole::text; END IF;
  IF json_typeof(p_sent) = 'object' AND json_typeof(p_shown) = 'object' AND json_typeof(p_whole) = 'object' THEN
    FOR x IN SELECT e.key, e.value FROM json_each(p_sent) e
             UNION ALL SELECT e.key, NULL FROM json_each(p_whole) e WHERE p_sent -> e.key IS NULL AND p_shown -> e.key IS NULL LOOP
      v := CASE WHEN x.value IS NULL THEN (p_whole -> x.key)::text
                WHEN p_shown -> x.key IS NULL OR p_whole -> x.key IS NULL THEN x.value::text
                ELSE vault.rejoined(x.value, p_shown -> x.key, p_whole -> x.key) END;
      v_all := v_all || (to_json(x.key)::text || ':' || v);
    END LOOP;
    RETURN '{' || array_to_string(v_all, ',') || '}';
  ELSIF json_typeof(p_sent) = 'array' AND json_typeof(p_shown) = 'array' AND json_typeof(p_whole) = 'array'
    AND json_array_length(p_sent) = json_array_length(p_shown) AND json_array_length(p_shown) = json_array_length(p_whole) THEN
    FOR n IN 0..json_array_length(p_sent) - 1 LOOP
      v_all := v_all || vault.rejoined(p_sent -> n, p_shown -> n, p_whole -> n);
    END LOOP;
    RETURN '[' || array_to_string(v_all, ',') || ']';
  END IF;
  RETURN p_sent::text;
END $$;

-- A body without the label that says that it was redacted.
CREATE OR REPLACE FUNCTION vault.unlabelled(p_body text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_meta json;
BEGIN
  IF strpos(p_body, '"REDACTED"') = 0 THEN RETURN p_body; END IF;
  v_meta := p_body::json -> 'meta';
  RETURN vault.with_member(p_body, 'meta', vault.with_member(v_meta::text, 'security', (
    SELECT '[' || string_agg(e.value::text, ',' ORDER BY e.ord) || ']' FROM json_array_elements(v_meta -> 'security') WITH ORDINALITY AS e (value, ord)
    WHERE e.value ->> 'code' IS DISTINCT FROM 'REDACTED')));
END $$;

-- ── At each write ────────────────────────────────────────────────────────────────────────────────

-- Remembers what Patients about to be written say of their protection. The status of each: 423 for one whose protection its writer
-- may not take away; then nothing is remembered. p_status: nothing is done when something is wrong already. Patient is number 103.
CREATE OR REPLACE FUNCTION vault.keep_protection(p_secret bytea, p_op text[], p_rtype smallint[], p_pid bigint[], p_tail text[], p_status smallint[])
RETURNS smallint[] LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_patients bigint[]; v_levels text[]; v_refused bigint[];
BEGIN
  IF EXISTS (SELECT 1 FROM unnest(p_status) AS q (x) WHERE x >= 400) THEN RETURN p_status; END IF;
  SELECT array_agg(a.pid), array_agg(vault.protection_in('{"meta":{"versionId":"' || a.tail)) INTO v_patients, v_levels
  FROM unnest(p_op, p_rtype, p_pid, p_tail) AS a (op, rtype, pid, tail) WHERE a.rtype = 103 AND a.op <> 'D';
  IF v_patients IS NULL THEN RETURN p_status; END IF;
  v_refused := access.protect(p_secret, v_patients, v_levels);
  RETURN ARRAY(SELECT CASE WHEN p_pid[g] = ANY (v_refused) THEN 423 ELSE p_status[g] END::smallint FROM generate_subscripts(p_pid, 1) g ORDER BY g);
END $$;

-- Shields what was just written of protected people, in the same transaction. Nothing to do costs one look for all rows together.
CREATE OR REPLACE FUNCTION vault.shield(p_secret bytea, p_slot smallint[], p_pid bigint[], p_version integer[], p_patient bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_before text; v_strict boolean; p record; r record;
BEGIN
  FOR p IN SELECT * FROM access.to_shield(p_patient) LOOP
    v_before := coalesce(v_before, current_setting('fj.shielding', true), '');
    PERFORM set_config('fj.shielding', ARRAY[p.patient]::text, true);
    -- What was sent by one who was shown a part is made whole before it is taken apart again.
    FOR r IN SELECT h.slot, h.pid, h.version, h.org, h.body AS sent, b.body AS shown, w.body AS whole
             FROM unnest(p_slot, p_pid, p_version, p_patient) AS a (slot, pid, version, patient)
             JOIN vault.history h ON h.slot = a.slot AND h.pid = a.pid AND h.version = a.version
             JOIN vault.history b ON b.slot = a.slot AND b.pid = a.pid AND b.version = a.version - 1
             JOIN vault.shielded w ON w.slot = b.slot AND w.pid = b.pid AND w.version = b.version
             WHERE a.patient = p.patient AND h.body IS NOT NULL AND b.body IS NOT NULL LOOP
      IF strpos(r.sent, '"REDACTED"') > 0 OR access.sees_place(p_secret, p.patient, r.org) IS DISTINCT FROM 'all' THEN
        UPDATE vault.history h SET body = vault.unlabelled(vault.rejoined(r.sent::json, r.shown::json, r.whole::json))
        WHERE h.slot = r.slot AND h.pid = r.pid AND h.version = r.version;
      END IF;
    END LOOP;
    IF p.is_changed THEN PERFORM vault.shield_rows(p.patient, p.level, NULL, NULL, NULL);
    ELSE PERFORM vault.shield_rows(p.patient, p.level, p_slot, p_pid, p_version); END IF;
  END LOOP;
  IF v_before IS NOT NULL THEN PERFORM set_config('fj.shielding', v_before, true); END IF;
END $$;

-- Takes rows of one person apart, or (no level) puts them together again; which: versions just written, or NULL = all that ever were.
CREATE OR REPLACE FUNCTION vault.shield_rows(p_patient bigint, p_level text, p_slot smallint[], p_pid bigint[], p_version integer[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE r record; v_whole text; v_shown text; v_bit integer;
BEGIN
  FOR r IN SELECT h.slot, h.pid, h.version, h.body, w.body AS whole
           FROM vault.history h LEFT JOIN vault.shielded w ON w.slot = h.slot AND w.pid = h.pid AND w.version = h.version
           WHERE h.patient = p_patient AND h.body IS NOT NULL AND p_pid IS NULL
           UNION ALL
           SELECT h.slot, h.pid, h.version, h.body, NULL
           FROM unnest(p_slot, p_pid, p_version) AS a (slot, pid, version)
           JOIN vault.history h ON h.slot = a.slot AND h.pid = a.pid AND h.version = a.version
           WHERE h.patient = p_patient AND h.body IS NOT NULL LOOP
    v_whole := coalesce(r.whole, r.body);
    v_shown := CASE WHEN p_level IS NULL THEN v_whole ELSE vault.redacted(v_whole, p_level = 'strengt') END;
    v_bit := CASE WHEN v_shown <> v_whole THEN 16384 ELSE 0 END;
    IF v_bit > 0 THEN
      INSERT INTO vault.shielded (slot, pid, version, patient, body) VALUES (r.slot, r.pid, r.version, p_patient, v_whole)
      ON CONFLICT (slot, pid, version) DO NOTHING;
    ELSIF r.whole IS NOT NULL THEN
      DELETE FROM vault.shielded w WHERE w.slot = r.slot AND w.pid = r.pid AND w.version = r.version;
    END IF;
    UPDATE vault.history h SET body = v_shown, sens = h.sens & ~16384 | v_bit
    WHERE h.slot = r.slot AND h.pid = r.pid AND h.version = r.version AND (h.body <> v_shown OR h.sens & 16384 <> v_bit);
    UPDATE vault.resource x SET body = v_shown, sens = x.sens & ~16384 | v_bit
    WHERE x.slot = r.slot AND x.pid = r.pid AND x.version = r.version AND (x.body <> v_shown OR x.sens & 16384 <> v_bit);
  END LOOP;
  IF p_level IS NOT NULL THEN
    DELETE FROM vault.sp_string x WHERE x.patient = p_patient AND x.param = ANY (vault.place_params());
    DELETE FROM vault.sp_token x WHERE x.patient = p_patient AND x.param = ANY (vault.place_params());
  END IF;
  -- Types that are units: 45 Endpoint, 60 HealthcareService, 66 InsurancePlan, 71 Location, 100 Organization, 101 OrganizationAffiliation,
  -- 109 PractitionerRole. What leads to no row of ours could be one.
  UPDATE vault.sp_reference x SET sens = CASE WHEN p_level = 'strengt' THEN x.sens | 2048 ELSE x.sens & ~2048 END
  WHERE x.patient = p_patient AND (p_pid IS NULL OR x.pid = ANY (p_pid))
    AND (x.sens & 2048 <> 0) IS DISTINCT FROM (p_level IS NOT DISTINCT FROM 'strengt')
    AND (p_level IS DISTINCT FROM 'strengt' OR x.tslot IS NULL OR (x.tslot = 0 AND EXISTS (
      SELECT 1 FROM vault.resource t WHERE t.slot = 0 AND t.pid = x.tpid AND t.rtype IN (45, 60, 66, 71, 100, 101, 109))));
END $$;

-- ── The one door ─────────────────────────────────────────────────────────────────────────────────

-- The body of a shielded version for one reader who may see the row: as it is shown, or with what this reader needs.
CREATE OR REPLACE FUNCTION vault.unshielded(p_secret bytea, p_slot smallint, p_pid bigint, p_version integer, p_patient bigint, p_org bigint, p_body text)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_sees text := access.sees_place(p_secret, p_patient, CASE WHEN p_pid <> p_patient THEN p_org END); v_before text := coalesce(current_setting('fj.shielding', true), ''); v text;
BEGIN
  IF v_sees IS NULL OR p_body IS NULL THEN RETURN p_body; END IF;
  PERFORM set_config('fj.shielding', ARRAY[p_patient]::text, true);
  SELECT w.body INTO v FROM vault.shielded w WHERE w.slot = p_slot AND w.pid = p_pid AND w.version = p_version;
  PERFORM set_config('fj.shielding', v_before, true);
  RETURN CASE v_sees WHEN 'all' THEN v ELSE vault.redacted(v, false) END;
END $$;

-- The same among the rows of a search, under its seal: the unit that wrote a row of a strictly protected person sees which units it names.
-- Its pages could not go on with the contact otherwise. No address comes this way.
CREATE OR REPLACE FUNCTION vault.own_places(p_slot smallint, p_pid bigint, p_version integer, p_patient bigint, p_org bigint, p_body text)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_before text; v text;
BEGIN
  IF p_pid = p_patient OR NOT access.wrote_place(ctx.who(), p_patient, p_org) THEN RETURN p_body; END IF;
  v_before := coalesce(current_setting('fj.shielding', true), '');
  PERFORM set_config('fj.shielding', ARRAY[p_patient]::text, true);
  SELECT vault.redacted(w.body, false) INTO v FROM vault.shielded w WHERE w.slot = p_slot AND w.pid = p_pid AND w.version = p_version;
  PERFORM set_config('fj.shielding', v_before, true);
  RETURN v;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace
           AND p.proname IN ('place_params', 'protection_in', 'directory_pid', 'masked', 'without_place', 'redacted', 'with_member', 'rejoined', 'unlabelled', 'shield',
                             'shield_rows', 'unshielded', 'own_places') LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO vault_shield', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
ALTER FUNCTION vault.keep_protection(bytea, text[], smallint[], bigint[], text[], smallint[]) OWNER TO vault_write;
REVOKE ALL ON FUNCTION vault.keep_protection(bytea, text[], smallint[], bigint[], text[], smallint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.protection_in(text), vault.shield(bytea, smallint[], bigint[], integer[], bigint[]) TO vault_write;
GRANT EXECUTE ON FUNCTION vault.unshielded(bytea, smallint, bigint, integer, bigint, bigint, text) TO vault_read;
GRANT EXECUTE ON FUNCTION vault.own_places(smallint, bigint, integer, bigint, bigint, text) TO vault_chart, vault_list;
GRANT USAGE ON SCHEMA ctx TO vault_shield;
GRANT EXECUTE ON FUNCTION ctx.who() TO vault_shield;
GRANT EXECUTE ON FUNCTION access.wrote_place(bytea, bigint, bigint) TO vault_shield;
GRANT EXECUTE ON FUNCTION access.protect(bytea, bigint[], text[]) TO vault_write;
GRANT EXECUTE ON FUNCTION access.to_shield(bigint[]), access.sees_place(bytea, bigint, bigint) TO vault_shield;
GRANT USAGE ON SCHEMA access, vault TO vault_shield;
