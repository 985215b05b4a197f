-- Row classes: what a row is closed for, and which of that is closed to a reader.
--
-- A row's class (sens) is a set of bits; a reader has a mask of closed bits; a row is seen when (sens & closed) = 0.
-- The bits are named in Python by fellesjournal.fhir.row_class.RowClass (a test compares the two).
--      1 WITHHELD         withheld from the citizen
--      2 NOT_PARENTS      withheld from parents
--      4 NOT_AGENTS       withheld from other representatives
--      8 DELAYED          delayed for the citizen; a job clears it when the time has come
--     16 BLOCKED          blocked by the patient for everybody
--     32 PSYCHIATRY, 64 SUBSTANCE_USE, 128 SEXUAL_HEALTH, 256 CHILD_PROTECTION, 512 PRISON   need a stronger ground
--   1024 REMOVED          removed as a correction
--   2048 PLACE            a search row that leads to a unit of a strictly protected person
--   4096 BLOCKED_FOR_SOME blocked by the patient against somebody in particular
--   8192 NAMES_OTHERS     names another patient too
--  16384 SHIELDED         a part of it lies apart (record/shield.sql); never in a mask
-- 2048, 4096 and 8192 are decided row by row (14336 is all three; a whole resource never has 2048), and so are 32 to 512 (992), which are
-- open to the unit that wrote the row (15328 is all of these): a mask that has them says "ask `vault.may_see`", one that lacks them "open".

-- The classes of rows that are closed to a session in one patient's record (patient 0: in lists and directories, by the reader alone).
-- The one place where masks are made: a new rule adds its bits here, or takes them away; a deny wins.
CREATE OR REPLACE FUNCTION access.closed_for(p_session bigint, p_kind text, p_patient bigint) RETURNS smallint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record; v_is_sensitive boolean; v_is_overridden boolean; v_closed smallint := 992;
BEGIN
  IF p_kind = 'staff' THEN
    IF p_patient <= 0 THEN RETURN 992 | 16 | 1024 | 2048 | 4096 | 8192; END IF;
    -- Most people have nothing sensitive and no override under way: one look at two small indexes tells.
    SELECT EXISTS (SELECT 1 FROM access.sensitive_patient x WHERE x.patient = p_patient),
           EXISTS (SELECT 1 FROM access.relation r WHERE r.patient = p_patient AND r.ground = 'OVERSTYR') INTO v_is_sensitive, v_is_overridden;
    IF v_is_sensitive THEN v_closed := access.closed_sensitive(p_session, p_patient); END IF;
    -- A live override opens what is blocked in this one record. Pasient- og brukerrettighetsloven § 5-3.
    IF v_is_overridden AND EXISTS (
      SELECT 1 FROM access.relation r JOIN identity.session s ON s.id = p_session AND s.person = r.person AND s.unit = r.unit
      JOIN access.ground g ON g.code = r.ground AND s.role = ANY (g.roles)
      WHERE r.patient = p_patient AND r.ground = 'OVERSTYR' AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp()) THEN
      RETURN v_closed | 1024 | 2048 | 8192;
    END IF;
    RETURN v_closed | 16 | 1024 | 2048 | 4096 | 8192;
  END IF;
  -- Citizens see what they have blocked for others.
  IF p_kind = 'citizen' THEN
    SELECT x.person, x.patient, x.on_behalf INTO v FROM identity.session x WHERE x.id = p_session;
    IF v.on_behalf IS NOT TRUE THEN RETURN 1 | 8 | 1024 | 2048 | 8192; END IF;
    -- Who acts for another sees what their ground and the other's age open, and what is refused the patient alone
    -- (pasient- og brukerrettighetsloven § 5-1); all is closed when the ground has ended.
    RETURN 8 | 1024 | 2048 | 8192 | coalesce((SELECT a.closed FROM access.acting(v.person, v.patient) a), 32767);
  END IF;
  -- A system within the house carries what it is sent with; an app that acts by itself reads as its unit's people do.
  IF EXISTS (SELECT 1 FROM identity.session s WHERE s.id = p_session AND s.app IS NOT NULL) THEN RETURN 992 | 16 | 1024 | 2048 | 4096 | 8192; END IF;
  RETURN 8192;
END $$;

-- The unit that the session acts for whose secret has this hash; NULL for a citizen.
CREATE OR REPLACE FUNCTION access.unit_of(p_who bytea) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN (SELECT s.unit FROM identity.session s WHERE s.secret_hash = p_who);
END $$;

-- Is this row, of class 4096, in a block against this reader? One look for each such row.
CREATE OR REPLACE FUNCTION access.is_blocked_row(p_who bytea, p_pid bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN EXISTS (
    SELECT 1 FROM access.block_row x JOIN access.part_block b ON b.id = x.block AND b.until_at > clock_timestamp()
    JOIN identity.session s ON s.secret_hash = p_who
    WHERE x.pid = p_pid AND (b.unit = s.unit OR b.person = s.person
                             OR b.service = (SELECT u.kind FROM identity.unit u WHERE u.id = s.unit)));
END $$;
