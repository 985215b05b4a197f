-- The change feed: what was written, in the order of commit, by whom on what purpose.

-- What the writer of a session was there for: TREAT, LOAD, DISTRIBUTE … No other word of the session.
CREATE OR REPLACE FUNCTION access.session_purpose(p_session bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT s.purpose FROM identity.session s WHERE s.id = p_session);
END $$;
ALTER FUNCTION access.session_purpose(bigint) OWNER TO access_core;
REVOKE ALL ON FUNCTION access.session_purpose(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.session_purpose(bigint) TO vault_feed;
GRANT SELECT (session) ON vault.history TO vault_feed;

-- The next entries after a position, oldest first, none missed: below the oldest transaction still running.
-- Ids alone; a reader decides again for each. Only a system with the FEED grant: for others the one row that says so.
CREATE OR REPLACE FUNCTION vault.feed_entries(p_secret bytea, p_xid xid8, p_pos bigint, p_limit integer)
RETURNS TABLE (allowed boolean, xid xid8, pos bigint, slot smallint, pid bigint, version integer, rtype smallint,
               patient bigint, org bigint, op "char", updated timestamptz, purpose text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT access.may_feed(p_secret) THEN
    allowed := false; RETURN NEXT; RETURN;
  END IF;
  RETURN QUERY
    WITH entry AS MATERIALIZED (
      SELECT h.xid, h.pos, h.slot, h.pid, h.version, h.rtype, h.patient, h.org, h.op, h.updated, h.session
      FROM vault.history h
      WHERE (h.xid, h.pos) > (p_xid, p_pos) AND h.xid < pg_snapshot_xmin(pg_current_snapshot())
      ORDER BY h.xid, h.pos LIMIT p_limit
    ), writer AS MATERIALIZED (
      SELECT d.session, access.session_purpose(d.session) AS purpose FROM (SELECT DISTINCT e.session FROM entry e) d
    )
    SELECT true, e.xid, e.pos, e.slot, e.pid, e.version, e.rtype, e.patient, e.org, e.op, e.updated, w.purpose
    FROM entry e JOIN writer w ON w.session = e.session ORDER BY e.xid, e.pos;
END $$;
ALTER FUNCTION vault.feed_entries(bytea, xid8, bigint, integer) OWNER TO vault_feed;
REVOKE ALL ON FUNCTION vault.feed_entries(bytea, xid8, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.feed_entries(bytea, xid8, bigint, integer) TO fj_worker;
