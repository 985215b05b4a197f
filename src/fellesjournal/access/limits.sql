-- The kinds of information that a role is limited to (access.role_rule), where more than one resource is at stake: searches and writes.

-- The kinds that the session of this hash may search or write; NULL = every kind. A list shows what may be listed and read.
-- Most installations limit nobody, and no session is looked up.
CREATE OR REPLACE FUNCTION access.limits_of(p_who bytea, p_action text) RETURNS smallint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v smallint[]; r record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM access.role_rule x WHERE x.kinds IS NOT NULL) THEN RETURN NULL; END IF;
  FOR r IN SELECT rr.kinds FROM identity.session s JOIN access.role_right rr ON rr.role = s.role AND rr.kinds IS NOT NULL
             AND (rr.action = p_action OR (p_action = 'list' AND rr.action = 'read'))
           WHERE s.secret_hash = p_who LOOP
    v := CASE WHEN v IS NULL THEN r.kinds ELSE ARRAY(SELECT q.k FROM unnest(v) AS q (k) WHERE q.k = ANY (r.kinds)) END;
  END LOOP;
  RETURN v;
END $$;

-- The units among these that have no controller: no row may be made for them. Pasientjournalloven § 8.
CREATE OR REPLACE FUNCTION access.without_controller(p_units bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT q.u FROM unnest(p_units) AS q (u) WHERE NOT EXISTS (SELECT 1 FROM identity.unit x WHERE x.id = q.u));
END $$;
