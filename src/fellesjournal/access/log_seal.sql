-- The hash chain of the log: what a batch of rows comes to, seals, and what a verification reads.
-- Requests pay for none of it: the worker seals each minute what can no longer change.

-- A row as it is sealed, format 1: its columns in this order as PostgreSQL writes a row. Whoever has the row can write it again.
-- What came later stands after it, where there is something: rows from before are as they were sealed.
CREATE OR REPLACE FUNCTION access.log_line(l access.log) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ROW(l.era, l.xid, l.pos, (extract(epoch FROM l.at) * 1000000)::bigint, l.event, l.session, l.person, l.role, l.licence, l.unit,
             l.controller, l.patient, l.action, l.kind, l.kinds, l.what, l.purpose, l.ground, l.ground_ref, l.chosen, l.device, l.app,
             l.outcome)::text || coalesce(l.disclosed_from::text, '')
$$;

-- The next batch to be sealed, of p_limit rows at the most: those after the newest seal that no running transaction can come before.
-- No row when nothing waits, or when somebody else is sealing. Old eras are sealed to their end first.
CREATE OR REPLACE FUNCTION access.next_seal(p_limit integer)
RETURNS TABLE (number bigint, era smallint, from_xid xid8, from_pos bigint, to_xid xid8, to_pos bigint, rows integer, digest bytea,
               marks bytea, previous bytea, seen_xid xid8, seen_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE s record; v_horizon xid8; v_newest smallint := (SELECT max(e.era) FROM access.log_era e); v_leaves bytea;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('access.log_seal')) THEN RETURN; END IF;
  SELECT x.number, x.era, x.to_xid, x.to_pos, x.seal INTO s FROM access.log_seal x ORDER BY x.number DESC LIMIT 1;
  number := coalesce(s.number, 0) + 1; previous := coalesce(s.seal, ''); era := coalesce(s.era, 0);
  from_xid := coalesce(s.to_xid, '0'); from_pos := coalesce(s.to_pos, 0);
  LOOP
    -- The instant first: what the snapshot does not know yet, began after it.
    seen_at := clock_timestamp();
    SELECT pg_snapshot_xmax(n.now), pg_snapshot_xmin(n.now) INTO seen_xid, v_horizon FROM (SELECT pg_current_snapshot() AS now) n;
    SELECT count(*), string_agg(b.leaf, '' ORDER BY b.xid, b.pos), string_agg(substring(b.leaf FOR 8), '' ORDER BY b.xid, b.pos),
           max(b.xid), (array_agg(b.pos ORDER BY b.xid DESC, b.pos DESC))[1]
    INTO rows, v_leaves, marks, to_xid, to_pos
    FROM (SELECT l.xid, l.pos, sha256(convert_to(access.log_line(l), 'UTF8')) AS leaf FROM access.log l
          WHERE l.era = next_seal.era AND l.xid >= from_xid AND (l.xid, l.pos) > (from_xid, from_pos)
            AND (l.era < v_newest OR l.xid < v_horizon)
          ORDER BY l.era, l.xid, l.pos LIMIT p_limit) b;
    EXIT WHEN rows > 0;
    IF era >= v_newest THEN RETURN; END IF;
    era := era + 1; from_xid := '0'; from_pos := 0;
  END LOOP;
  digest := sha256(v_leaves);
  RETURN NEXT;
END $$;

-- Adds a seal to the chain, in the transaction that asked for it.
CREATE OR REPLACE FUNCTION access.put_seal(
  p_number bigint, p_format smallint, p_era smallint, p_from_xid xid8, p_from_pos bigint, p_to_xid xid8, p_to_pos bigint, p_rows integer,
  p_digest bytea, p_marks bytea, p_previous bytea, p_seen_xid xid8, p_seen_at timestamptz, p_seal bytea, p_key bytea, p_signature bytea)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_previous IS DISTINCT FROM coalesce((SELECT x.seal FROM access.log_seal x ORDER BY x.number DESC LIMIT 1), '') THEN
    RAISE EXCEPTION 'a seal is chained to the newest one' USING ERRCODE = 'FJ022';
  END IF;
  INSERT INTO access.log_seal (number, format, era, from_xid, from_pos, to_xid, to_pos, rows, digest, marks, previous, seen_xid, seen_at,
                               seal, key, signature)
  VALUES (p_number, p_format, p_era, p_from_xid, p_from_pos, p_to_xid, p_to_pos, p_rows, p_digest, p_marks, p_previous, p_seen_xid,
          p_seen_at, p_seal, p_key, p_signature);
END $$;

-- Seals from a number on, oldest first: what is published, and no word of any row.
CREATE OR REPLACE FUNCTION access.seals(p_from bigint, p_limit integer)
RETURNS TABLE (number bigint, format smallint, era smallint, from_xid xid8, from_pos bigint, to_xid xid8, to_pos bigint, rows integer,
               digest bytea, seen_xid xid8, seen_at timestamptz, previous bytea, seal bytea, key bytea, signature bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT x.number, x.format, x.era, x.from_xid, x.from_pos, x.to_xid, x.to_pos, x.rows, x.digest, x.seen_xid, x.seen_at, x.previous, x.seal,
         x.key, x.signature
  FROM access.log_seal x WHERE x.number >= p_from ORDER BY x.number LIMIT least(p_limit, 1000)
$$;

-- The marks of one seal, for finding the row that differs.
CREATE OR REPLACE FUNCTION access.seal_marks(p_number bigint) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT x.marks FROM access.log_seal x WHERE x.number = p_number
$$;

-- The rows between two places of an era, in their order, as they are sealed. For who verifies.
CREATE OR REPLACE FUNCTION access.log_lines(p_era smallint, p_from_xid xid8, p_from_pos bigint, p_to_xid xid8, p_to_pos bigint, p_limit integer)
RETURNS TABLE (xid xid8, pos bigint, at timestamptz, line text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN QUERY
    SELECT l.xid, l.pos, l.at, access.log_line(l) FROM access.log l
    WHERE l.era = p_era AND l.xid >= p_from_xid AND (l.xid, l.pos) > (p_from_xid, p_from_pos)
      AND l.xid <= p_to_xid AND (l.xid, l.pos) <= (p_to_xid, p_to_pos)
    ORDER BY l.era, l.xid, l.pos LIMIT p_limit;
END $$;

-- The devices whose name is no longer the one that their key was made of.
CREATE OR REPLACE FUNCTION access.changed_devices() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.key FROM identity.device d WHERE d.key <> identity.device_key(d.name) ORDER BY d.key
$$;

-- The eras that rows say they are of, known or not: a look at the ends of an index.
CREATE OR REPLACE FUNCTION access.log_eras() RETURNS TABLE (era smallint, is_known boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.era, true FROM access.log_era e
  UNION ALL (SELECT l.era, false FROM access.log l WHERE l.era > (SELECT max(e.era) FROM access.log_era e) ORDER BY l.era LIMIT 1)
$$;

-- A restored database counts transactions anew: what is logged from now on belongs to the next era.
CREATE OR REPLACE FUNCTION access.begin_log_era() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_era smallint;
BEGIN
  INSERT INTO access.log_era (era) SELECT max(e.era) + 1 FROM access.log_era e RETURNING era INTO v_era;
  EXECUTE format('ALTER TABLE access.log ALTER COLUMN era SET DEFAULT %s', v_era);
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER log_era AFTER UPDATE OF epoch ON kit.installation FOR EACH ROW
  WHEN (OLD.epoch IS DISTINCT FROM NEW.epoch) EXECUTE FUNCTION access.begin_log_era();
