-- The sealed context of a dynamic search: what the policies of the vault's tables ask for.

-- HMAC-SHA-256 (RFC 2104) of the context, this backend, this transaction and the newest seal in it, under the database's own nonce.
CREATE OR REPLACE FUNCTION ctx.mac(p_context text)
RETURNS bytea LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE k bytea; m bytea;
BEGIN
  SELECT n.nonce INTO k FROM ctx.nonce n;
  IF NOT FOUND THEN
    INSERT INTO ctx.nonce (nonce) VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))
    ON CONFLICT (id) DO NOTHING;
    SELECT n.nonce INTO STRICT k FROM ctx.nonce n;
  END IF;
  m := convert_to(p_context || '|' || pg_backend_pid() || '|' || extract(epoch FROM transaction_timestamp()) || '|' ||
                  currval('ctx.seal_number'), 'UTF8');
  RETURN sha256(decode('5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 'hex') || k || sha256(decode('36363636363636363636363636363636', 'hex') || k || m));
END $$;

-- Seals a context into this transaction, for the policies: who asks (the hash of the session's secret: what a policy asks
-- with it can't be asked about another reader), and which classes of rows are closed; then the charts opened, or whose lists.
-- Several searches may share a transaction: the next seal, or its end, makes the one before worthless.
DROP FUNCTION IF EXISTS ctx.seal(bigint, bigint, smallint[], bigint[]), ctx.seal(bigint, bytea, smallint[], bigint[]),
  ctx.seal_chart(bytea, smallint[], text), ctx.seal_list(bytea, smallint[], bigint, bigint, bigint, boolean, text[]),
  ctx.seal_list(bytea, smallint, bigint, bigint, bigint, boolean, text[]);
CREATE OR REPLACE FUNCTION ctx.seal_chart(p_who bytea, p_closed smallint, p_patients text)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE c text := encode(p_who, 'hex') || ';' || p_closed || ';' || p_patients; v text;
BEGIN
  v := nextval('ctx.seal_number')::text;
  v := set_config('fj.context', c || '#' || encode(ctx.mac(c), 'hex'), true);
END $$;
CREATE OR REPLACE FUNCTION ctx.seal_list(p_who bytea, p_closed smallint, p_unit bigint, p_person bigint, p_kept bigint[], p_staff boolean,
                                         p_grounds text[])
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE c text := encode(p_who, 'hex') || ';' || p_closed || ';{};' || p_unit || ';' || p_person || ';' || p_kept::text || ';'
                  || p_staff || ';' || p_grounds::text; v text;
BEGIN
  v := nextval('ctx.seal_number')::text;
  v := set_config('fj.context', c || '#' || encode(ctx.mac(c), 'hex'), true);
END $$;

-- Takes the context away again.
CREATE OR REPLACE FUNCTION ctx.clear() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM nextval('ctx.seal_number');
  PERFORM set_config('fj.context', '', true);
END $$;

-- The fields of the context if its seal is good, else nothing at all.
CREATE OR REPLACE FUNCTION ctx.open() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v text := current_setting('fj.context', true); c text; k bytea; m bytea;
BEGIN
  IF v IS NULL OR v = '' THEN RETURN NULL; END IF;
  c := split_part(v, '#', 1);
  SELECT n.nonce INTO k FROM ctx.nonce n;
  IF NOT FOUND THEN RETURN NULL; END IF;
  m := convert_to(c || '|' || pg_backend_pid() || '|' || extract(epoch FROM transaction_timestamp()) || '|' ||
                  currval('ctx.seal_number'), 'UTF8');
  IF encode(sha256(decode('5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 'hex') || k
                   || sha256(decode('36363636363636363636363636363636', 'hex') || k || m)), 'hex')
     <> split_part(v, '#', 2) THEN RETURN NULL; END IF;
  RETURN string_to_array(c, ';');
END $$;

CREATE OR REPLACE FUNCTION ctx.who() RETURNS bytea LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN decode((ctx.open())[1], 'hex'); END $$;
CREATE OR REPLACE FUNCTION ctx.closed() RETURNS smallint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN (ctx.open())[2]::smallint; END $$;
CREATE OR REPLACE FUNCTION ctx.patients() RETURNS bigint[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN (ctx.open())[3]::bigint[]; END $$;
CREATE OR REPLACE FUNCTION ctx.unit() RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN (ctx.open())[4]::bigint; END $$;
-- Whose lists are open: one row, or none without a list's seal.
CREATE OR REPLACE FUNCTION ctx.listing() RETURNS TABLE (unit bigint, person bigint, kept bigint[], is_staff boolean, grounds text[])
LANGUAGE plpgsql STABLE ROWS 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE f text[] := ctx.open();
BEGIN
  IF f[4] IS NOT NULL THEN
    unit := f[4]::bigint; person := f[5]::bigint; kept := f[6]::bigint[]; is_staff := f[7]::boolean; grounds := f[8]::text[];
    RETURN NEXT;
  END IF;
END $$;

-- The people on the lists of the reader in the seal: what `access.rules` says, by one look at each table for each person.
-- A policy asks it about every row of a list (a function in its place cost ten times as much).
CREATE OR REPLACE VIEW access.on_list WITH (security_barrier) AS
  SELECT r.patient FROM ctx.listing() c JOIN access.relation r ON r.unit = c.unit
  WHERE r.ground = ANY (c.grounds) AND r.ground <> 'OVERSTYR' AND (r.person = c.person OR (r.person IS NULL AND c.is_staff)) AND r.patient <> ALL (c.kept)
    AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp()
    AND NOT (c.is_staff AND EXISTS (
      SELECT 1 FROM access.block b WHERE b.patient = r.patient AND b.from_at <= clock_timestamp() AND b.until_at > clock_timestamp()
      AND ((b.unit IS NULL AND b.person IS NULL) OR b.unit = c.unit OR b.person = c.person)
      AND NOT ('OVERSTYR' = ANY (c.grounds) AND EXISTS (SELECT 1 FROM access.relation o WHERE o.patient = b.patient AND o.unit = c.unit AND (o.person = c.person OR o.person IS NULL)
                      AND o.ground = 'OVERSTYR' AND o.from_at <= clock_timestamp() AND o.until_at > clock_timestamp())) OFFSET 0))
    AND NOT EXISTS (
      SELECT 1 FROM access.protected p WHERE p.patient = r.patient AND p.level = 'strengt' AND c.is_staff AND NOT EXISTS (
        SELECT 1 FROM access.named_personnel n WHERE n.patient = p.patient AND n.person = c.person
        AND n.from_at <= clock_timestamp() AND n.until_at > clock_timestamp()) OFFSET 0);
DROP FUNCTION IF EXISTS ctx.lister();  -- what the view was made of before
ALTER VIEW access.on_list OWNER TO access_core;
REVOKE ALL ON access.on_list FROM PUBLIC;
GRANT SELECT ON access.on_list TO vault_list;
