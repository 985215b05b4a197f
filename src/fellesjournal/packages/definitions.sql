-- Installed definitions: the operator's doors write them, those of the running processes read them. No person in them.
-- A package is put in bit by bit and is seen from the moment that it is ready; it is out of sight before it is taken away.

GRANT USAGE ON SCHEMA definitions TO definitions_keeper, fj_web, fj_worker, fj_migrate;
GRANT SELECT, INSERT, UPDATE, DELETE ON definitions.package, definitions.artifact TO definitions_keeper;
GRANT SELECT, INSERT ON definitions.change TO definitions_keeper;

-- ── Known to every process ───────────────────────────────────────────────────────────────────────

-- The number of the last change.
CREATE OR REPLACE FUNCTION definitions.version() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(max(c.id), 0) FROM definitions.change c
$$;

-- The artifact that a canonical (`url` or `url|version`) means, NULL for none. Of several: one of this very url before one that
-- has it as another name, active before draft before retired, then the newest version, then the newest package.
CREATE OR REPLACE FUNCTION definitions.resolve(p_canonical text, p_rtype text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_url text := split_part(p_canonical, '|', 1); v_version text := nullif(split_part(p_canonical, '|', 2), '');
BEGIN
  RETURN (
    SELECT a.id FROM definitions.artifact a JOIN definitions.package p ON p.id = a.package AND p.state = 'ready'
    WHERE (a.url = v_url OR (a.aliases <> '{}' AND a.aliases @> ARRAY[v_url])) AND (p_rtype IS NULL OR a.rtype = p_rtype)
      AND (v_version IS NULL OR a.version = v_version OR (a.version = '' AND p.version = v_version))
    ORDER BY (a.url IS NOT DISTINCT FROM v_url) DESC, a.standing DESC, a.rank DESC, p.rank DESC, a.id DESC LIMIT 1);
END $$;

-- What each canonical means: one row each, in their order.
CREATE OR REPLACE FUNCTION definitions.find(p_canonicals text[], p_rtype text) RETURNS TABLE (canonical text, artifact bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.canonical, definitions.resolve(c.canonical, p_rtype) FROM unnest(p_canonicals) WITH ORDINALITY AS c (canonical, n) ORDER BY c.n
$$;

-- What each canonical means, and what these stand on, and so on: StructureDefinitions alone, NULL for what there is none of. No further
-- round is begun beyond p_limit.
CREATE OR REPLACE FUNCTION definitions.closure(p_canonicals text[], p_limit integer) RETURNS TABLE (canonical text, artifact bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_seen text[] := '{}'; v_next text[] := p_canonicals; v_found bigint[];
BEGIN
  WHILE coalesce(cardinality(v_next), 0) > 0 AND cardinality(v_seen) < p_limit LOOP
    v_seen := v_seen || v_next;
    SELECT array_agg(f.artifact) INTO v_found FROM definitions.find(v_next, 'StructureDefinition') f;
    RETURN QUERY SELECT q.c, q.a FROM unnest(v_next, v_found) AS q (c, a);
    SELECT array_agg(DISTINCT r.ref) INTO v_next
    FROM definitions.artifact a CROSS JOIN unnest(a.refs) AS r (ref) WHERE a.id = ANY (v_found) AND r.ref <> ALL (v_seen);
  END LOOP;
END $$;

-- Every artifact of a type with this url, and this version unless that is NULL, in every package: as `resolve` orders them.
CREATE OR REPLACE FUNCTION definitions.versions(p_rtype text, p_url text, p_version text) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id FROM definitions.artifact a JOIN definitions.package p ON p.id = a.package AND p.state = 'ready'
  WHERE a.url = p_url AND a.rtype = p_rtype AND (p_version IS NULL OR a.version = p_version)
  ORDER BY a.standing DESC, a.rank DESC, p.rank DESC, a.id DESC LIMIT 200
$$;

-- Artifacts whole, in any order. One of a package that is no longer ready is missing.
DROP FUNCTION IF EXISTS definitions.bodies(bigint[]);
CREATE FUNCTION definitions.bodies(p_artifacts bigint[])
RETURNS TABLE (artifact bigint, rtype text, installed_at timestamptz, body text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, a.rtype, p.installed_at, a.body FROM definitions.artifact a JOIN definitions.package p ON p.id = a.package AND p.state = 'ready'
  WHERE a.id = ANY (p_artifacts)
$$;

-- ── The operator's ───────────────────────────────────────────────────────────────────────────────

-- Begins or goes on with a package: its id, how it stands ('installing', or 'ready' when this very content is there already,
-- 'other' when another content is there under this name and version, 'removing'), and how many of its artifacts are in.
-- What was begun with another content and never finished is thrown away.
CREATE OR REPLACE FUNCTION definitions.begin_package(
  p_name text, p_version text, p_rank text, p_title text, p_canonical text, p_licence text, p_fhir_version text, p_source text,
  p_sha256 bytea, p_dependencies text, p_left_out text, p_artifacts integer, p_examples integer, p_who text)
RETURNS TABLE (package bigint, state text, is_in integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record;
BEGIN
  INSERT INTO definitions.package AS p (name, version, rank, title, canonical, licence, fhir_version, source, sha256, dependencies, left_out,
                                        artifacts, examples, installed_by)
  VALUES (p_name, p_version, p_rank, p_title, p_canonical, p_licence, p_fhir_version, p_source, p_sha256, p_dependencies, p_left_out,
          p_artifacts, p_examples, p_who)
  ON CONFLICT (name, version) DO NOTHING;
  SELECT p.id, p.state, p.sha256 INTO v FROM definitions.package p WHERE p.name = p_name AND p.version = p_version FOR UPDATE;
  IF v.sha256 <> p_sha256 AND v.state = 'installing' THEN
    DELETE FROM definitions.artifact a WHERE a.package = v.id;
    UPDATE definitions.package p SET
      title = p_title, canonical = p_canonical, licence = p_licence, fhir_version = p_fhir_version, source = p_source, sha256 = p_sha256,
      dependencies = p_dependencies, left_out = p_left_out, artifacts = p_artifacts, examples = p_examples, installed_by = p_who
    WHERE p.id = v.id;
  END IF;
  RETURN QUERY SELECT v.id, CASE WHEN v.state = 'ready' AND v.sha256 <> p_sha256 THEN 'other' ELSE v.state END,
    (SELECT count(*)::integer FROM definitions.artifact a WHERE a.package = v.id);
END $$;

-- Puts some artifacts in, numbered from p_place on; those that are in already stay. p_refs and p_aliases are JSON lists. False when the package is not being installed.
CREATE OR REPLACE FUNCTION definitions.put_artifacts(
  p_package bigint, p_place integer, p_file text[], p_rtype text[], p_url text[], p_version text[], p_rank text[], p_standing smallint[],
  p_fhir_id text[], p_name text[], p_title text[], p_kind text[], p_refs text[], p_aliases text[], p_body text[])
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM 1 FROM definitions.package p WHERE p.id = p_package AND p.state = 'installing' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO definitions.artifact (package, place, file, rtype, url, version, rank, standing, fhir_id, name, title, kind, refs, aliases, body)
  SELECT p_package, p_place + a.n - 1, a.file, a.rtype, a.url, a.version, a.rank, a.standing, a.fhir_id, a.name, a.title, a.kind,
         ARRAY(SELECT jsonb_array_elements_text(a.refs::jsonb)), ARRAY(SELECT jsonb_array_elements_text(a.aliases::jsonb)), a.body
  FROM unnest(p_file, p_rtype, p_url, p_version, p_rank, p_standing, p_fhir_id, p_name, p_title, p_kind, p_refs, p_aliases, p_body)
       WITH ORDINALITY AS a (file, rtype, url, version, rank, standing, fhir_id, name, title, kind, refs, aliases, body, n)
  ON CONFLICT (package, place) DO NOTHING;
  RETURN true;
END $$;

-- Shows a package to everybody from now on; false when not all of it is in.
CREATE OR REPLACE FUNCTION definitions.finish_package(p_package bigint, p_who text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Changes are numbered in the order in which they are committed: who has seen one has seen those before.
  PERFORM pg_advisory_xact_lock(7166141025316002);
  UPDATE definitions.package p SET state = 'ready', installed_by = p_who, installed_at = clock_timestamp()
  WHERE p.id = p_package AND p.state = 'installing'
    AND p.artifacts = (SELECT count(*) FROM definitions.artifact a WHERE a.package = p.id);
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO definitions.change (who, action, name, version, sha256)
  SELECT p_who, 'install', p.name, p.version, p.sha256 FROM definitions.package p WHERE p.id = p_package;
  RETURN true;
END $$;

-- Takes a package out of everybody's sight; its id, NULL when there is none. What it holds goes by `remove_artifacts`.
CREATE OR REPLACE FUNCTION definitions.begin_removal(p_name text, p_version text, p_who text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v record;
BEGIN
  PERFORM pg_advisory_xact_lock(7166141025316002);
  SELECT p.id, p.state, p.sha256 INTO v FROM definitions.package p WHERE p.name = p_name AND p.version = p_version FOR UPDATE;
  IF v.state = 'ready' THEN
    INSERT INTO definitions.change (who, action, name, version, sha256) VALUES (p_who, 'remove', p_name, p_version, v.sha256);
  END IF;
  UPDATE definitions.package p SET state = 'removing' WHERE p.id = v.id;
  RETURN v.id;
END $$;

-- Deletes some artifacts of a package that is being removed; whether there are more. In the end the package itself goes.
CREATE OR REPLACE FUNCTION definitions.remove_artifacts(p_package bigint, p_limit integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM 1 FROM definitions.package p WHERE p.id = p_package AND p.state = 'removing' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM definitions.artifact a WHERE a.id IN (
    SELECT b.id FROM definitions.artifact b WHERE b.package = p_package ORDER BY b.place LIMIT p_limit);
  IF FOUND THEN RETURN true; END IF;
  DELETE FROM definitions.package p WHERE p.id = p_package;
  RETURN false;
END $$;

-- Every package, those that are not ready too, by name and version.
CREATE OR REPLACE FUNCTION definitions.list_packages()
RETURNS TABLE (id bigint, name text, version text, title text, canonical text, licence text, fhir_version text, source text, sha256 bytea,
               dependencies text, left_out text, artifacts integer, examples integer, state text, installed_by text, installed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.id, p.name, p.version, p.title, p.canonical, p.licence, p.fhir_version, p.source, p.sha256, p.dependencies, p.left_out,
         p.artifacts, p.examples, p.state, p.installed_by, p.installed_at
  FROM definitions.package p ORDER BY p.name, p.rank, p.version
$$;

-- What stands in a package, without bodies, by type and name.
CREATE OR REPLACE FUNCTION definitions.list_artifacts(p_package bigint)
RETURNS TABLE (id bigint, rtype text, url text, version text, fhir_id text, name text, title text, kind text, standing smallint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, a.rtype, a.url, a.version, a.fhir_id, a.name, a.title, a.kind, a.standing
  FROM definitions.artifact a WHERE a.package = p_package ORDER BY a.rtype, a.name, a.place
$$;

-- The next bodies of some type in a package that is being installed or is ready, after a place.
CREATE OR REPLACE FUNCTION definitions.read_package(p_package bigint, p_rtypes text[], p_after integer, p_limit integer)
RETURNS TABLE (artifact bigint, place integer, rtype text, body text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, a.place, a.rtype, a.body FROM definitions.artifact a
  WHERE a.package = p_package AND a.place > p_after AND a.rtype = ANY (p_rtypes) ORDER BY a.place LIMIT p_limit
$$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'definitions'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO definitions_keeper', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION definitions.version(), definitions.find(text[], text), definitions.closure(text[], integer), definitions.bodies(bigint[]),
  definitions.versions(text, text, text)
  TO fj_web, fj_worker, fj_migrate;
GRANT EXECUTE ON FUNCTION
  definitions.begin_package(text, text, text, text, text, text, text, text, bytea, text, text, integer, integer, text),
  definitions.put_artifacts(bigint, integer, text[], text[], text[], text[], text[], smallint[], text[], text[], text[], text[], text[], text[], text[]),
  definitions.finish_package(bigint, text), definitions.begin_removal(text, text, text), definitions.remove_artifacts(bigint, integer),
  definitions.list_packages(), definitions.list_artifacts(bigint), definitions.read_package(bigint, text[], integer, integer) TO fj_migrate;
