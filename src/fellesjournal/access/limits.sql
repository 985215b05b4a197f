-- The kinds of information that a role (access.role_rule) or an app's token is limited to, by type.
--
-- What a token may do (identity.session.app_may) is a set of numbers, made of its scopes when it is issued: the type's number, and
-- 1000 to read, 2000 to create, 3000 to update, 4000 to delete; a type's number 0 is every type; 999: who the user is.
-- NULL: no app's. The process asks the scopes whole (record/capped.py); this is what holds when it errs.

-- The kinds that the role in the session of this hash may search or write; NULL = every kind. A list shows what may be listed and read.
-- Most installations limit nobody, and no session is looked up.
CREATE OR REPLACE FUNCTION access.role_limits(p_who bytea, p_action text) RETURNS smallint[]
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

-- May an app's token do this with a row of this type? Action: read, history; C, U, D or write. NULL for no app's.
CREATE OR REPLACE FUNCTION access.app_holds(p_session bigint, p_may smallint[], p_action text, p_kind smallint, p_what bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_base integer := CASE p_action WHEN 'read' THEN 1000 WHEN 'history' THEN 1000 WHEN 'C' THEN 2000 WHEN 'D' THEN 4000 ELSE 3000 END;
BEGIN
  IF p_may IS NULL THEN RETURN NULL; END IF;
  RETURN p_may && ARRAY[v_base, v_base + p_kind]::smallint[]
      OR (p_action = 'read' AND 999::smallint = ANY (p_may) AND EXISTS (
        SELECT 1 FROM identity.session s JOIN identity.person p ON p.id = s.person
        WHERE s.id = p_session AND p_what = CASE s.kind WHEN 'citizen' THEN s.patient ELSE p.practitioner END));
END $$;

-- The kinds that the session of this hash may search: what its role may, and its app's token if it has one; NULL = every kind.
CREATE OR REPLACE FUNCTION access.limits_of(p_who bytea, p_action text) RETURNS smallint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v smallint[] := access.role_limits(p_who, p_action);
        v_may smallint[] := (SELECT coalesce(s.app_may, '{}') FROM identity.session s WHERE s.secret_hash = p_who AND s.app IS NOT NULL);
BEGIN
  IF v_may IS NULL OR 1000::smallint = ANY (v_may) THEN RETURN v; END IF;
  RETURN ARRAY(SELECT (q.k - 1000)::smallint FROM unnest(v_may) AS q (k) WHERE q.k BETWEEN 1001 AND 1999 AND (v IS NULL OR q.k - 1000 = ANY (v)));
END $$;

-- The units among these that have no controller: no row may be made for them. Pasientjournalloven § 8.
CREATE OR REPLACE FUNCTION access.without_controller(p_units bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT q.u FROM unnest(p_units) AS q (u) WHERE NOT EXISTS (SELECT 1 FROM identity.unit x WHERE x.id = q.u));
END $$;
