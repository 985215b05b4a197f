-- Staff as the directory tells of them (Practitioner, PractitionerRole): what it has not been told yet, for the system that keeps it.

-- Does this secret belong to the system that keeps the directory, with a live grant?
CREATE OR REPLACE FUNCTION identity.keeps_directory(p_secret bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM identity.live s JOIN access.system_grant g ON g.person = s.person AND g.purpose = 'KATALOG' AND g.until_at > clock_timestamp()
                 WHERE s.secret_hash = sha256(p_secret) AND s.kind = 'system' AND s.purpose = 'KATALOG')
$$;

-- The staff, by number from one on, of whom the directory doesn't tell what holds now: never told of, changed since, or with a post that has
-- run out since. posts: all that they have had, as JSON. at: when this was read.
CREATE OR REPLACE FUNCTION identity.directory_behind(p_secret bytea, p_after bigint, p_limit integer)
RETURNS TABLE (person bigint, name text, licence text, practitioner bigint, version integer, at timestamptz, posts text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.id, p.name, p.licence, p.practitioner, p.version, statement_timestamp(), o.posts::text
  FROM identity.person p CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('id', x.id, 'unit', x.unit, 'unit_name', u.name, 'role', coalesce(r.name_nb, x.role),
             'from', nullif(x.from_at, '-infinity'), 'until', nullif(x.until_at, 'infinity'), 'is_over', x.until_at <= statement_timestamp(),
             'practitioner_role', x.practitioner_role) ORDER BY x.id) AS posts,
           bool_or(x.until_at <= statement_timestamp() AND x.until_at > p.told_at) AS has_run_out
    FROM identity.post x JOIN identity.unit u ON u.id = x.unit LEFT JOIN access.role r ON r.code = x.role WHERE x.person = p.id) o
  WHERE identity.keeps_directory(p_secret) AND p.kind = 'human' AND p.id > p_after AND o.posts IS NOT NULL
    AND (p.practitioner IS NULL OR p.version <> p.told_version OR o.has_run_out)
  ORDER BY p.id LIMIT p_limit
$$;

-- The directory tells of a person now: the Practitioner, and the PractitionerRole of each post. False: no grant.
CREATE OR REPLACE FUNCTION identity.directory_told(p_secret bytea, p_person bigint, p_version integer, p_at timestamptz, p_practitioner bigint,
                                                   p_posts bigint[], p_roles bigint[])
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT identity.keeps_directory(p_secret) THEN RETURN false; END IF;
  UPDATE identity.person SET practitioner = p_practitioner, told_version = p_version, told_at = p_at WHERE id = p_person AND kind = 'human';
  UPDATE identity.post o SET practitioner_role = a.pid FROM unnest(p_posts, p_roles) AS a (id, pid)
  WHERE o.id = a.id AND o.person = p_person AND o.practitioner_role IS DISTINCT FROM a.pid;
  RETURN true;
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
  FOREACH f IN ARRAY ARRAY['identity.keeps_directory(bytea)', 'identity.directory_behind(bytea, bigint, integer)',
      'identity.directory_told(bytea, bigint, integer, timestamptz, bigint, bigint[], bigint[])']::regprocedure[] LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO fj_owner', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION identity.directory_behind(bytea, bigint, integer),
  identity.directory_told(bytea, bigint, integer, timestamptz, bigint, bigint[], bigint[]) TO fj_worker;
