-- The person who signs in and the Patient of the same national number are one: the own record is refused to them as staff
-- (access.rule_own_as_staff), the nightly analysis knows their family, and it is theirs as citizens. Helsepersonelloven § 21 a.
-- Both sides tell what they are given, and both look for the other, so that it doesn't matter which comes first. What is compared are
-- keyed hashes; the key is not in the database.

-- The lock under which the two meet, until they commit: Patients take it shared and people alone, so that of two who come in the same
-- moment the later sees the first. One lock, so that nobody waits in a ring.
DROP FUNCTION IF EXISTS identity.number_lock(bigint);
CREATE OR REPLACE FUNCTION identity.number_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT 7166141025316064 $$;

-- Remembers the keys of a person's number. What is new is looked up when the transaction commits.
CREATE OR REPLACE FUNCTION identity.know_number(p_person bigint, p_keys bigint[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO identity.number_key (h, person) SELECT k.h, p_person FROM unnest(p_keys) AS k (h) WHERE p_person IS NOT NULL
  ON CONFLICT DO NOTHING
$$;

-- A number came to be known: its Patient, if there is one, is the person's own. When there is none, what was known stays.
-- Deferred: a file of staff holds nobody up before its end.
CREATE OR REPLACE FUNCTION identity.number_known() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(identity.number_lock());
  UPDATE identity.person p SET patient = o.pid, patient_slot = o.slot FROM vault.patient_numbered(NEW.h) o
  WHERE p.id = NEW.person AND p.kind = 'human' AND p.patient IS DISTINCT FROM o.pid;
  RETURN NULL;
END $$;

-- Patients were written: one row for each national number of each. The people of these numbers are linked. Who was linked by a number that
-- the Patient no longer has, having another, is no longer: their sessions on that record end. A Patient that has lost its number is still
-- theirs.
CREATE OR REPLACE FUNCTION identity.patients_numbered(p_patients bigint[], p_slots smallint[], p_keys bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_freed bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(identity.number_lock());
  WITH freed AS (
    UPDATE identity.person p SET patient = NULL, patient_slot = NULL
    WHERE p.patient = ANY (p_patients) AND p.kind = 'human' AND EXISTS (SELECT 1 FROM identity.number_key n WHERE n.person = p.id)
      AND NOT EXISTS (SELECT 1 FROM identity.number_key n JOIN unnest(p_patients, p_keys) AS k (patient, h) ON k.h = n.h
                      WHERE n.person = p.id AND k.patient = p.patient)
    RETURNING p.id)
  SELECT array_agg(f.id) INTO v_freed FROM freed f;
  IF v_freed IS NOT NULL THEN
    UPDATE identity.session s SET ended_at = clock_timestamp()
    WHERE s.person = ANY (v_freed) AND s.kind = 'citizen' AND NOT s.on_behalf AND s.patient = ANY (p_patients) AND s.ended_at IS NULL;
  END IF;
  UPDATE identity.person p SET patient = a.pid, patient_slot = a.slot
  FROM unnest(p_patients, p_slots, p_keys) AS a (pid, slot, h) JOIN identity.number_key n ON n.h = a.h
  WHERE p.id = n.person AND p.kind = 'human' AND p.patient IS DISTINCT FROM a.pid;
END $$;

-- The person whom the sign-in service vouched for, by the hash of the number; its keys are known from now on, and the link is made
-- before anything is opened. No row for nobody.
CREATE OR REPLACE FUNCTION identity.recognise(p_number_hash bytea, p_keys bigint[])
RETURNS TABLE (person bigint, name text, patient bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SET CONSTRAINTS identity.number_known IMMEDIATE;
  PERFORM identity.know_number((SELECT p.id FROM identity.person p WHERE p.number_hash = p_number_hash AND p.kind = 'human'), p_keys);
  RETURN QUERY SELECT p.id, p.name, p.patient FROM identity.person p WHERE p.number_hash = p_number_hash;
END $$;

DROP TRIGGER IF EXISTS number_known ON identity.number_key;
CREATE CONSTRAINT TRIGGER number_known AFTER INSERT ON identity.number_key DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION identity.number_known();

DO $$
DECLARE f regprocedure;
BEGIN
  FOREACH f IN ARRAY ARRAY['identity.number_lock()', 'identity.know_number(bigint, bigint[])', 'identity.number_known()',
      'identity.patients_numbered(bigint[], smallint[], bigint[])', 'identity.recognise(bytea, bigint[])']::regprocedure[] LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO fj_owner', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT USAGE ON SCHEMA identity TO vault_write;
GRANT EXECUTE ON FUNCTION identity.patients_numbered(bigint[], smallint[], bigint[]) TO vault_write;
GRANT EXECUTE ON FUNCTION identity.recognise(bytea, bigint[]) TO fj_signin;
