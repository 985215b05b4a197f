-- The content of Binaries: staged in pieces by a session, kept with the version that it is written with, read piece by piece.

DROP POLICY IF EXISTS write ON vault.blob;
CREATE POLICY write ON vault.blob FOR ALL TO vault_write
  USING (patient = ANY ((SELECT nullif(current_setting('fj.writing', true), ''))::bigint[]))
  WITH CHECK (patient = ANY ((SELECT nullif(current_setting('fj.writing', true), ''))::bigint[]));
DROP POLICY IF EXISTS read ON vault.blob;
CREATE POLICY read ON vault.blob FOR SELECT TO vault_read
  USING (patient = ANY ((SELECT nullif(current_setting('fj.reading', true), ''))::bigint[]));
GRANT SELECT, INSERT ON vault.blob TO vault_write;
GRANT SELECT ON vault.blob TO vault_read;

-- A staged piece is its session's alone, and nobody can read it.
DROP POLICY IF EXISTS write ON vault.blob_chunk;
CREATE POLICY write ON vault.blob_chunk FOR ALL TO vault_write
  USING (session = (SELECT nullif(current_setting('fj.uploading', true), ''))::bigint
         AND (patient IS NULL OR patient = ANY ((SELECT nullif(current_setting('fj.writing', true), ''))::bigint[])))
  WITH CHECK (session = (SELECT nullif(current_setting('fj.uploading', true), ''))::bigint
              AND (patient IS NULL OR patient = ANY ((SELECT nullif(current_setting('fj.writing', true), ''))::bigint[])));
DROP POLICY IF EXISTS read ON vault.blob_chunk;
CREATE POLICY read ON vault.blob_chunk FOR SELECT TO vault_read
  USING (patient = ANY ((SELECT nullif(current_setting('fj.reading', true), ''))::bigint[]));
DROP POLICY IF EXISTS sweep ON vault.blob_chunk;
CREATE POLICY sweep ON vault.blob_chunk FOR ALL TO vault_gate USING (patient IS NULL);
GRANT SELECT (upload, n, session, patient), INSERT, UPDATE (patient, org, sens), DELETE ON vault.blob_chunk TO vault_write;
GRANT SELECT (content) ON vault.blob_chunk TO vault_write;  -- for its length
GRANT SELECT ON vault.blob_chunk TO vault_read;
GRANT SELECT (upload, staged_at, patient), DELETE ON vault.blob_chunk TO vault_gate;

-- Stages one piece; a transaction of its own, so that a slow sender holds none. status: 200, 401 no session, 403 may not write.
CREATE OR REPLACE FUNCTION vault.stage_chunk(p_secret bytea, p_upload bigint, p_n integer, p_content bytea) RETURNS smallint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE s record;
BEGIN
  SELECT l.session, l.may_write INTO s FROM access.writer(p_secret) l;
  IF NOT FOUND THEN RETURN 401; END IF;
  IF NOT s.may_write THEN
    PERFORM access.log_event(p_secret, ARRAY[0]::bigint[], 'write', 0::smallint, NULL, NULL, NULL, 1::smallint);
    RETURN 403;
  END IF;
  PERFORM set_config('fj.uploading', s.session::text, true);
  INSERT INTO vault.blob_chunk (upload, n, session, content) VALUES (p_upload, p_n, s.session, p_content);
  PERFORM set_config('fj.uploading', '', true);
  RETURN 200;
END $$;

-- Throws away what this session has staged under a number and not kept.
CREATE OR REPLACE FUNCTION vault.drop_upload(p_secret bytea, p_upload bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM set_config('fj.uploading', coalesce((SELECT l.session::text FROM access.writer(p_secret) l), ''), true);
  DELETE FROM vault.blob_chunk c WHERE c.upload = p_upload AND c.patient IS NULL;
  PERFORM set_config('fj.uploading', '', true);
END $$;

-- Makes what was staged the content of a version that this session has written in this very transaction, with its owner columns.
-- False when that is not so, when a piece is missing, or when the context is another patient's: the caller then takes all back.
CREATE OR REPLACE FUNCTION vault.keep_blob(
  p_secret bytea, p_upload bigint, p_pieces integer, p_bytes bigint, p_digest bytea, p_rtype smallint, p_slot smallint, p_pid bigint,
  p_version integer, p_context_rtype smallint, p_context_slot smallint, p_context_pid bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_session bigint; v_patient bigint; h record; v_pieces integer; v_bytes bigint;
BEGIN
  SELECT l.session INTO v_session FROM access.writer(p_secret) l;
  SELECT o.patient INTO v_patient FROM vault.owners(ARRAY[p_slot], ARRAY[p_pid], ARRAY[p_rtype], ARRAY[p_version]) o;
  IF v_session IS NULL OR v_patient IS NULL THEN RETURN false; END IF;
  PERFORM set_config('fj.writing', ARRAY[v_patient]::text, true), set_config('fj.uploading', v_session::text, true);
  SELECT x.patient, x.org, x.sens INTO h FROM vault.history x
  WHERE x.slot = p_slot AND x.pid = p_pid AND x.version = p_version AND x.session = v_session AND x.xid = pg_current_xact_id();
  IF NOT FOUND THEN RETURN false; END IF;
  IF p_context_pid IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM vault.owners(ARRAY[p_context_slot], ARRAY[p_context_pid], ARRAY[p_context_rtype], ARRAY[0]) o
      WHERE o.patient = h.patient) THEN RETURN false; END IF;
  SELECT count(*), coalesce(sum(octet_length(c.content)), 0) INTO v_pieces, v_bytes FROM vault.blob_chunk c
  WHERE c.upload = p_upload AND c.session = v_session AND c.patient IS NULL;
  IF v_pieces <> p_pieces OR v_bytes <> p_bytes THEN RETURN false; END IF;
  UPDATE vault.blob_chunk c SET patient = h.patient, org = h.org, sens = h.sens
  WHERE c.upload = p_upload AND c.session = v_session AND c.patient IS NULL;
  INSERT INTO vault.blob (slot, pid, version, patient, org, sens, upload, bytes, digest, context_slot, context_pid)
  VALUES (p_slot, p_pid, p_version, h.patient, h.org, h.sens, p_upload, p_bytes, p_digest, p_context_slot, p_context_pid);
  PERFORM set_config('fj.writing', '', true), set_config('fj.uploading', '', true);
  RETURN true;
END $$;

-- Did this session's log, in the last hour, come to hold that this row of this patient was shown to it or written by it?
CREATE OR REPLACE FUNCTION access.was_shown(p_secret bytea, p_patient bigint, p_what bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_session bigint; v_since timestamptz := clock_timestamp() - interval '1 hour';  -- a value: an index takes no volatile function
BEGIN
  SELECT s.id INTO v_session FROM identity.live s WHERE s.secret_hash = sha256(p_secret);
  PERFORM 1 FROM access.log l
  WHERE l.patient = p_patient AND l.at > v_since AND l.session = v_session AND l.outcome = 0
    AND l.action IN ('read', 'write') AND p_what = ANY (l.what)
  ORDER BY l.at DESC LIMIT 1;
  RETURN FOUND;
END $$;

-- One piece of a version's content, and how long the whole is; no row when there is none to be shown. n = -1: the length alone.
-- Every call decides again, and shows nothing that the log doesn't hold already: a reading of the version comes first.
-- What has a context is shown only while the context is: else the row comes without its length.
CREATE OR REPLACE FUNCTION vault.read_chunk(p_secret bytea, p_rtype smallint, p_slot smallint, p_pid bigint, p_version integer, p_n integer)
RETURNS TABLE (bytes bigint, digest bytea, content bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE o record; j record;
BEGIN
  SELECT * INTO o FROM vault.owners(ARRAY[p_slot], ARRAY[p_pid], ARRAY[p_rtype], ARRAY[p_version]);
  IF o.patient IS NULL OR p_version <= 0 THEN RETURN; END IF;
  SELECT * INTO j FROM access.judge(p_secret, ARRAY[greatest(o.patient, 0)], 'read');
  IF NOT FOUND OR j.allow IS NOT TRUE OR NOT vault.may_see(sha256(p_secret), (o.sens & j.closed & ~8192)::smallint, p_slot, p_pid) OR (o.patient <= 0 AND o.org IS DISTINCT FROM j.unit)
     OR EXISTS (SELECT 1 FROM access.judge(p_secret, o.others::bigint[], 'read') x WHERE x.allow IS NOT TRUE)
     OR NOT access.was_shown(p_secret, o.patient, p_pid) THEN RETURN; END IF;
  PERFORM set_config('fj.reading', ARRAY[o.patient]::text, true);
  RETURN QUERY
    SELECT CASE WHEN x.is_shown THEN b.bytes END, b.digest, CASE WHEN x.is_shown THEN c.content END
    FROM vault.blob b
    CROSS JOIN LATERAL (SELECT b.context_pid IS NULL OR EXISTS (
        SELECT 1 FROM vault.resource r WHERE r.slot = b.context_slot AND r.pid = b.context_pid
        AND vault.may_see(sha256(p_secret), r.sens & j.closed, r.slot, r.pid)) AS is_shown) x
    LEFT JOIN vault.blob_chunk c ON c.upload = b.upload AND c.n = p_n
    WHERE b.slot = p_slot AND b.pid = p_pid AND b.version = p_version AND (b.sens & j.closed & ~12288) = 0;
  PERFORM set_config('fj.reading', '', true);
END $$;

-- Throws away what was staged and not kept for an hour; how many pieces. Run by the worker.
CREATE OR REPLACE FUNCTION vault.sweep_uploads() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_count integer; v_old timestamptz := clock_timestamp() - interval '1 hour';
BEGIN
  DELETE FROM vault.blob_chunk c WHERE c.patient IS NULL AND c.staged_at < v_old
    AND NOT EXISTS (SELECT 1 FROM vault.blob_chunk y WHERE y.upload = c.upload AND y.staged_at >= v_old);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

REVOKE ALL ON FUNCTION vault.stage_chunk(bytea, bigint, integer, bytea), vault.drop_upload(bytea, bigint),
  vault.keep_blob(bytea, bigint, integer, bigint, bytea, smallint, smallint, bigint, integer, smallint, smallint, bigint),
  access.was_shown(bytea, bigint, bigint), vault.read_chunk(bytea, smallint, smallint, bigint, integer, integer), vault.sweep_uploads()
  FROM PUBLIC;
ALTER FUNCTION vault.stage_chunk(bytea, bigint, integer, bytea) OWNER TO vault_write;
ALTER FUNCTION vault.drop_upload(bytea, bigint) OWNER TO vault_write;
ALTER FUNCTION vault.keep_blob(bytea, bigint, integer, bigint, bytea, smallint, smallint, bigint, integer, smallint, smallint, bigint)
  OWNER TO vault_write;
ALTER FUNCTION access.was_shown(bytea, bigint, bigint) OWNER TO access_core;
ALTER FUNCTION vault.read_chunk(bytea, smallint, smallint, bigint, integer, integer) OWNER TO vault_read;
ALTER FUNCTION vault.sweep_uploads() OWNER TO vault_gate;
GRANT EXECUTE ON FUNCTION access.was_shown(bytea, bigint, bigint) TO vault_read;
GRANT EXECUTE ON FUNCTION vault.stage_chunk(bytea, bigint, integer, bytea), vault.drop_upload(bytea, bigint),
  vault.keep_blob(bytea, bigint, integer, bigint, bytea, smallint, smallint, bigint, integer, smallint, smallint, bigint),
  vault.read_chunk(bytea, smallint, smallint, bigint, integer, integer) TO fj_web, fj_worker;
GRANT EXECUTE ON FUNCTION vault.sweep_uploads() TO fj_worker;
