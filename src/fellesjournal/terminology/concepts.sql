-- Concepts of installed code systems: the operator's doors put them in, those of the running processes ask. No person in them.

GRANT USAGE ON SCHEMA terminology TO terminology_keeper, fj_web, fj_worker, fj_migrate;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  terminology.system, terminology.concept, terminology.descent, terminology.property, terminology.text, terminology.map, terminology.map_group
  TO terminology_keeper;
GRANT USAGE ON SCHEMA definitions TO terminology_keeper;
GRANT SELECT (id, package, rtype, url) ON definitions.artifact TO terminology_keeper;
GRANT SELECT (id, state) ON definitions.package TO terminology_keeper;

-- ── Known to every process ───────────────────────────────────────────────────────────────────────

-- The heads of some code systems, by their artifacts.
CREATE OR REPLACE FUNCTION terminology.heads(p_systems bigint[]) RETURNS TABLE (system bigint, head text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.id, s.head FROM terminology.system s WHERE s.id = ANY (p_systems) AND s.is_whole
$$;

-- The code systems that are seen: of packages that are ready.
CREATE OR REPLACE VIEW terminology.seen AS
  SELECT s.id, s.url, s.version, s.value_set, s.supplements, s.head FROM terminology.system s
  JOIN definitions.artifact a ON a.id = s.id JOIN definitions.package p ON p.id = a.package AND p.state = 'ready'
  WHERE s.is_whole;
ALTER VIEW terminology.seen OWNER TO terminology_keeper;
REVOKE ALL ON terminology.seen FROM PUBLIC;

-- The address of the code system whose every code a value set has; NULL for none.
CREATE OR REPLACE FUNCTION terminology.system_of(p_value_set text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT min(s.url) FROM terminology.seen s WHERE s.value_set = p_value_set AND p_value_set <> ''
$$;

-- All code systems that are seen, by address.
CREATE OR REPLACE FUNCTION terminology.systems() RETURNS TABLE (url text, version text, head text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.url, s.version, s.head FROM terminology.seen s WHERE s.supplements = '' ORDER BY s.url, s.version
$$;

-- Some codes of a system, with all that is known of them. `plain`: as in the table.
CREATE OR REPLACE FUNCTION terminology.concepts(p_system bigint, p_plain text[])
RETURNS TABLE (n integer, code text, plain text, flags smallint, display text, definition text, properties text, parents integer[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT c.n, c.code, c.plain, c.flags, c.display, c.definition, c.properties, c.parents
    FROM unnest(p_plain) AS a (plain) CROSS JOIN LATERAL (
      SELECT * FROM terminology.concept c WHERE c.system = p_system AND c.plain = a.plain OFFSET 0) c;
END $$;

-- The designations of some places of a system: its own, then those of supplements that are seen.
CREATE OR REPLACE FUNCTION terminology.designations(p_system bigint, p_n integer[])
RETURNS TABLE (n integer, language text, use text, value text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT t.n, t.language, t.use, t.value FROM terminology.text t
    WHERE t.system = p_system AND t.n = ANY (p_n) AND t.place > 0
      AND (t.source = p_system OR t.source IN (SELECT s.id FROM terminology.seen s WHERE s.supplements <> ''))
    ORDER BY t.n, t.source <> p_system, t.source, t.place;
END $$;

-- Which of these codes there are, in their systems: places in the arrays, from 1.
CREATE OR REPLACE FUNCTION terminology.existing(p_systems bigint[], p_plain text[]) RETURNS SETOF integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT a.ord::integer FROM unnest(p_systems, p_plain) WITH ORDINALITY AS a (system, plain, ord)
    WHERE EXISTS (SELECT 1 FROM terminology.concept c WHERE c.system = a.system AND c.plain = a.plain OFFSET 0);
END $$;

-- A page of a system in its order: all but some codes or (p_is_rest false) these alone; p_hidden: flags that are left out.
CREATE OR REPLACE FUNCTION terminology.page(
  p_system bigint, p_named text[], p_is_rest boolean, p_hidden smallint, p_offset integer, p_limit integer)
RETURNS TABLE (n integer, code text, flags smallint, display text, parents integer[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF p_is_rest AND cardinality(p_named) = 0 AND p_hidden = 0 THEN
    -- Places have no gaps.
    RETURN QUERY SELECT c.n, c.code, c.flags, c.display, c.parents FROM terminology.concept c
      WHERE c.system = p_system AND c.n >= p_offset AND c.n < p_offset + p_limit ORDER BY c.n;
    RETURN;
  END IF;
  RETURN QUERY SELECT c.n, c.code, c.flags, c.display, c.parents FROM terminology.concept c
    WHERE c.system = p_system AND c.flags & p_hidden = 0
      AND (c.n IN (SELECT x.n FROM terminology.named(p_system, p_named) x)) <> p_is_rest
    ORDER BY c.n LIMIT p_limit OFFSET p_offset;
END $$;

-- How many codes such a page is one of.
CREATE OR REPLACE FUNCTION terminology.count(p_system bigint, p_named text[], p_is_rest boolean, p_hidden smallint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN (SELECT count(*) FROM terminology.concept c WHERE c.system = p_system AND c.flags & p_hidden = 0
          AND (c.n IN (SELECT x.n FROM terminology.named(p_system, p_named) x)) <> p_is_rest);
END $$;

-- The places of some codes.
CREATE OR REPLACE FUNCTION terminology.named(p_system bigint, p_plain text[]) RETURNS TABLE (n integer)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.n FROM unnest(p_plain) AS a (plain) CROSS JOIN LATERAL (
    SELECT c.n FROM terminology.concept c WHERE c.system = p_system AND c.plain = a.plain OFFSET 0) c
$$;

-- Codes that a few words find, best first: those that begin as a code does (how 0: exactly, 1), whose text begins so (2), and in which
-- every word begins some word (3); of these shorter texts first. p_systems in the order that ties have; for each, all codes but some or
-- these alone, as in `page`. p_words is a tsquery. What an index finds is gathered first, whichever system it is of: then each kind
-- has one plan, and the next kind is looked for only when there is room for it.
CREATE OR REPLACE FUNCTION terminology.search(
  p_systems bigint[], p_is_rest boolean[], p_named_system bigint[], p_named text[], p_hidden smallint,
  p_code text, p_start text, p_words text, p_limit integer)
RETURNS TABLE (how integer, length integer, key text, system bigint, n integer, code text, flags smallint, display text, parents integer[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  v_left integer := p_limit; v_count integer; v_named_system bigint[]; v_named integer[];
  v_code_end constant text := p_code || chr(1114111); v_start_end constant text := p_start || chr(1114111);
BEGIN
  SELECT array_agg(c.system), array_agg(c.n) INTO v_named_system, v_named
  FROM unnest(p_named_system, p_named) AS a (system, plain) CROSS JOIN LATERAL (
    SELECT c.system, c.n FROM terminology.concept c WHERE c.system = a.system AND c.plain = a.plain OFFSET 0) c;
  RETURN QUERY
    WITH g AS MATERIALIZED (
      SELECT c.key, c.system, c.n, c.flags FROM terminology.concept c WHERE c.key >= p_code AND c.key < v_code_end)
    SELECT CASE WHEN f.key = p_code THEN 0 ELSE 1 END, 0, f.key, f.system, f.n, c.code, c.flags, c.display, c.parents
    FROM (SELECT g.key, g.system, g.n, s.ord FROM g JOIN unnest(p_systems, p_is_rest) WITH ORDINALITY AS s (id, is_rest, ord) ON s.id = g.system
          WHERE g.flags & p_hidden = 0 AND CASE WHEN v_named IS NULL THEN s.is_rest ELSE
            ((g.system, g.n) IN (SELECT * FROM unnest(v_named_system, v_named))) <> s.is_rest END
          ORDER BY g.key, s.ord, g.n LIMIT v_left) f
    CROSS JOIN LATERAL (SELECT * FROM terminology.concept c WHERE c.system = f.system AND c.n = f.n OFFSET 0) c
    ORDER BY f.key, f.ord, f.n;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  v_left := v_left - v_count;
  IF v_left = 0 THEN RETURN; END IF;
  RETURN QUERY
    WITH g AS MATERIALIZED (
      SELECT length(t.folded) AS length, t.key, t.system, t.n, t.flags FROM terminology.text t
      WHERE t.folded >= p_start AND t.folded < v_start_end)
    SELECT 2, f.length, f.key, f.system, f.n, c.code, c.flags, c.display, c.parents
    FROM (SELECT min(g.length) AS length, g.key, g.system, g.n, s.ord
          FROM g JOIN unnest(p_systems, p_is_rest) WITH ORDINALITY AS s (id, is_rest, ord) ON s.id = g.system
          WHERE g.flags & p_hidden = 0 AND NOT (g.key >= p_code AND g.key < v_code_end) AND CASE WHEN v_named IS NULL THEN s.is_rest ELSE
            ((g.system, g.n) IN (SELECT * FROM unnest(v_named_system, v_named))) <> s.is_rest END
          GROUP BY g.key, g.system, g.n, s.ord ORDER BY 1, 2, s.ord, g.n LIMIT v_left) f
    CROSS JOIN LATERAL (SELECT * FROM terminology.concept c WHERE c.system = f.system AND c.n = f.n OFFSET 0) c
    ORDER BY f.length, f.key, f.ord, f.n;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  v_left := v_left - v_count;
  IF v_left = 0 THEN RETURN; END IF;
  RETURN QUERY
    WITH g AS MATERIALIZED (
      SELECT length(t.folded) AS length, t.folded >= p_start AND t.folded < v_start_end AS is_start, t.key, t.system, t.n, t.flags
      FROM terminology.text t WHERE t.words @@ p_words::tsquery)
    SELECT 3, f.length, f.key, f.system, f.n, c.code, c.flags, c.display, c.parents
    FROM (SELECT min(g.length) AS length, g.key, g.system, g.n, s.ord
          FROM g JOIN unnest(p_systems, p_is_rest) WITH ORDINALITY AS s (id, is_rest, ord) ON s.id = g.system
          WHERE g.flags & p_hidden = 0 AND NOT (g.key >= p_code AND g.key < v_code_end) AND CASE WHEN v_named IS NULL THEN s.is_rest ELSE
            ((g.system, g.n) IN (SELECT * FROM unnest(v_named_system, v_named))) <> s.is_rest END
          GROUP BY g.key, g.system, g.n, s.ord HAVING NOT bool_or(g.is_start) ORDER BY 1, 2, s.ord, g.n LIMIT v_left) f
    CROSS JOIN LATERAL (SELECT * FROM terminology.concept c WHERE c.system = f.system AND c.n = f.n OFFSET 0) c
    ORDER BY f.length, f.key, f.ord, f.n;
END $$;

-- The codes below one, or above it, in the order of the system. No row when the system has no such code.
CREATE OR REPLACE FUNCTION terminology.related(p_system bigint, p_plain text, p_op text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_n integer;
BEGIN
  SELECT c.n INTO v_n FROM terminology.concept c WHERE c.system = p_system AND c.plain = p_plain;
  IF NOT FOUND THEN RETURN; END IF;
  IF p_op = 'generalizes' THEN
    RETURN QUERY SELECT c.code FROM terminology.concept c WHERE c.system = p_system AND (
      c.n = v_n OR c.n IN (SELECT d.above FROM terminology.descent d WHERE d.system = p_system AND d.below = v_n)) ORDER BY c.n;
  ELSE
    RETURN QUERY SELECT c.code FROM terminology.concept c WHERE c.system = p_system AND (
      c.n = v_n OR c.n IN (SELECT d.below FROM terminology.descent d WHERE d.system = p_system AND d.above = v_n)) ORDER BY c.n;
  END IF;
END $$;

-- The codes right above (`is_up`) and right below one.
CREATE OR REPLACE FUNCTION terminology.kin(p_system bigint, p_plain text) RETURNS TABLE (is_up boolean, code text, display text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_n integer;
BEGIN
  SELECT c.n INTO v_n FROM terminology.concept c WHERE c.system = p_system AND c.plain = p_plain;
  RETURN QUERY SELECT true, c.code, c.display FROM terminology.descent d JOIN terminology.concept c ON c.system = d.system AND c.n = d.above
    WHERE d.system = p_system AND d.below = v_n AND d.is_direct ORDER BY c.n;
  RETURN QUERY SELECT false, c.code, c.display FROM terminology.descent d JOIN terminology.concept c ON c.system = d.system AND c.n = d.below
    WHERE d.system = p_system AND d.above = v_n AND d.is_direct ORDER BY c.n;
END $$;

-- How two codes stand to each other; NULL when the system lacks one of them.
CREATE OR REPLACE FUNCTION terminology.relation(p_system bigint, p_one text, p_other text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE a integer; b integer;
BEGIN
  SELECT c.n INTO a FROM terminology.concept c WHERE c.system = p_system AND c.plain = p_one;
  SELECT c.n INTO b FROM terminology.concept c WHERE c.system = p_system AND c.plain = p_other;
  RETURN CASE
    WHEN a IS NULL OR b IS NULL THEN NULL
    WHEN a = b THEN 'equivalent'
    WHEN EXISTS (SELECT 1 FROM terminology.descent d WHERE d.system = p_system AND d.above = a AND d.below = b) THEN 'subsumes'
    WHEN EXISTS (SELECT 1 FROM terminology.descent d WHERE d.system = p_system AND d.above = b AND d.below = a) THEN 'subsumed-by'
    ELSE 'not-subsumed' END;
END $$;

-- The codes that have a property, with its values; p_values: with one of these alone. In the order of the system.
CREATE OR REPLACE FUNCTION terminology.with_property(p_system bigint, p_property text, p_values text[]) RETURNS TABLE (code text, value text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT c.code, p.value::text FROM terminology.property p JOIN terminology.concept c ON c.system = p.system AND c.n = p.n
    WHERE p.system = p_system AND p.code = p_property AND (p_values IS NULL OR p.value = ANY (p_values)) ORDER BY c.n;
END $$;

-- Every code with what each has: p_what is `code`, `display` or `definition`. In the order of the system.
CREATE OR REPLACE FUNCTION terminology.every(p_system bigint, p_what text) RETURNS TABLE (code text, value text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT c.code, CASE p_what WHEN 'code' THEN c.code WHEN 'display' THEN c.display ELSE c.definition END
    FROM terminology.concept c WHERE c.system = p_system ORDER BY c.n;
END $$;

-- The ConceptMaps that are seen and go from one system to another ('' = from or to any), by address.
CREATE OR REPLACE FUNCTION terminology.maps(p_source text, p_target text) RETURNS TABLE (canonical text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT m.url || CASE WHEN m.version = '' THEN '' ELSE '|' || m.version END AS canonical
  FROM terminology.map_group g JOIN terminology.map m ON m.id = g.map
  JOIN definitions.artifact a ON a.id = m.id JOIN definitions.package p ON p.id = a.package AND p.state = 'ready'
  WHERE p_source IN ('', g.source) AND p_target IN ('', g.target) ORDER BY 1
$$;

-- ── The operator's ───────────────────────────────────────────────────────────────────────────────

-- What ready packages have that is not wholly in: their CodeSystems, and ConceptMaps that can be found.
CREATE OR REPLACE FUNCTION terminology.missing() RETURNS TABLE (package bigint, artifact bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.package, a.id FROM definitions.artifact a JOIN definitions.package p ON p.id = a.package AND p.state = 'ready'
  WHERE a.rtype = 'CodeSystem' AND NOT EXISTS (SELECT 1 FROM terminology.system s WHERE s.id = a.id AND s.is_whole)
    OR a.rtype = 'ConceptMap' AND a.url IS NOT NULL AND NOT EXISTS (SELECT 1 FROM terminology.map m WHERE m.id = a.id)
  ORDER BY 1, 2
$$;

-- Begins with a code system; what an earlier try has put in goes. Locked until the transaction ends.
CREATE OR REPLACE FUNCTION terminology.begin_system(
  p_system bigint, p_url text, p_version text, p_value_set text, p_supplements text, p_head text, p_is_cased boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM terminology.system s WHERE s.id = p_system;
  INSERT INTO terminology.system (id, url, version, value_set, supplements, head, is_cased)
  VALUES (p_system, p_url, p_version, p_value_set, p_supplements, p_head, p_is_cased);
END $$;

-- Puts some concepts in.
CREATE OR REPLACE FUNCTION terminology.put_concepts(
  p_system bigint, p_n integer[], p_code text[], p_plain text[], p_key text[], p_flags smallint[], p_display text[], p_definition text[],
  p_properties text[], p_parents text[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO terminology.concept (system, n, code, plain, key, flags, display, definition, properties, parents)
  SELECT p_system, a.n, a.code, a.plain, a.key, a.flags, a.display, a.definition, a.properties, a.parents::integer[]
  FROM unnest(p_n, p_code, p_plain, p_key, p_flags, p_display, p_definition, p_properties, p_parents)
    AS a (n, code, plain, key, flags, display, definition, properties, parents)
$$;

-- Puts some texts in. p_words: words and key, with spaces between.
CREATE OR REPLACE FUNCTION terminology.put_texts(
  p_system bigint, p_n integer[], p_place smallint[], p_language text[], p_use text[], p_value text[], p_folded text[], p_key text[],
  p_flags smallint[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO terminology.text (system, n, source, place, language, use, value, folded, key, flags, words)
  SELECT p_system, a.n, p_system, a.place, a.language, a.use, a.value, a.folded, a.key, a.flags,
         array_to_tsvector(array_remove(string_to_array(a.folded || ' ' || a.key, ' '), ''))
  FROM unnest(p_n, p_place, p_language, p_use, p_value, p_folded, p_key, p_flags) AS a (n, place, language, use, value, folded, key, flags)
$$;

-- Puts some values of properties in.
CREATE OR REPLACE FUNCTION terminology.put_properties(p_system bigint, p_n integer[], p_code text[], p_value text[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO terminology.property (system, code, value, n)
  SELECT DISTINCT p_system, a.code, a.value, a.n FROM unnest(p_n, p_code, p_value) AS a (n, code, value)
$$;

-- Ends with a code system: who is above whom; and what supplements say, of it or, when it is one itself, of others.
CREATE OR REPLACE FUNCTION terminology.finish_system(p_system bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE p record;
BEGIN
  INSERT INTO terminology.descent (system, above, below, is_direct)
  WITH RECURSIVE step (above, below) AS (
    SELECT u.above, c.n FROM terminology.concept c CROSS JOIN unnest(c.parents) AS u (above) WHERE c.system = p_system
    UNION
    SELECT u.above, s.below FROM step s JOIN terminology.concept c ON c.system = p_system AND c.n = s.above CROSS JOIN unnest(c.parents) AS u (above))
  SELECT p_system, s.above, s.below, s.above = ANY (c.parents) FROM step s JOIN terminology.concept c ON c.system = p_system AND c.n = s.below;
  -- Relatives are properties too.
  INSERT INTO terminology.property (system, code, value, n)
  SELECT p_system, r.code, r.value, r.n FROM terminology.descent d JOIN terminology.concept a ON a.system = p_system AND a.n = d.above
  JOIN terminology.concept b ON b.system = p_system AND b.n = d.below
  CROSS JOIN LATERAL (VALUES ('parent', left(a.code, 500), b.n), ('child', left(b.code, 500), a.n)) AS r (code, value, n)
  WHERE d.system = p_system AND d.is_direct ON CONFLICT DO NOTHING;
  FOR p IN SELECT b.id AS base, b.is_cased, x.id AS more FROM terminology.system x
           JOIN terminology.system b ON b.url = split_part(x.supplements, '|', 1) AND b.supplements = ''
             AND split_part(x.supplements, '|', 2) IN ('', b.version)
           WHERE x.id = p_system OR (x.supplements <> '' AND b.id = p_system) LOOP
    INSERT INTO terminology.text (system, n, source, place, language, use, value, folded, key, flags, words)
    SELECT p.base, c.n, t.source, t.place, t.language, t.use, t.value, t.folded, t.key, c.flags, t.words
    FROM terminology.text t JOIN terminology.concept o ON o.system = p.more AND o.n = t.n
    JOIN terminology.concept c ON c.system = p.base AND c.plain = CASE WHEN p.is_cased THEN o.code ELSE lower(o.code) END
    WHERE t.system = p.more AND t.place > 0 ON CONFLICT DO NOTHING;
  END LOOP;
  UPDATE terminology.system s SET is_whole = true WHERE s.id = p_system;
END $$;

-- Puts a ConceptMap in: the pairs of systems that it goes between.
CREATE OR REPLACE FUNCTION terminology.put_map(p_map bigint, p_url text, p_version text, p_source text[], p_target text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM terminology.map m WHERE m.id = p_map;
  INSERT INTO terminology.map (id, url, version) VALUES (p_map, p_url, p_version);
  INSERT INTO terminology.map_group (map, place, source, target)
  SELECT p_map, a.place, a.source, a.target FROM unnest(p_source, p_target) WITH ORDINALITY AS a (source, target, place);
END $$;

-- Takes away what was made of one artifact; of all that a package has, one by one.
CREATE OR REPLACE FUNCTION terminology.remove_system(p_package bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM terminology.system s WHERE s.id = (
    SELECT a.id FROM definitions.artifact a JOIN terminology.system t ON t.id = a.id WHERE a.package = p_package LIMIT 1);
  RETURN FOUND;
END $$;

-- ── Owners and rights ────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'terminology'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO terminology_keeper', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION terminology.heads(bigint[]), terminology.system_of(text), terminology.systems(), terminology.concepts(bigint, text[]),
  terminology.designations(bigint, integer[]), terminology.existing(bigint[], text[]),
  terminology.page(bigint, text[], boolean, smallint, integer, integer), terminology.count(bigint, text[], boolean, smallint),
  terminology.search(bigint[], boolean[], bigint[], text[], smallint, text, text, text, integer),
  terminology.related(bigint, text, text), terminology.kin(bigint, text), terminology.relation(bigint, text, text),
  terminology.with_property(bigint, text, text[]), terminology.every(bigint, text), terminology.maps(text, text)
  TO fj_web, fj_worker, fj_migrate;
GRANT EXECUTE ON FUNCTION terminology.missing(), terminology.begin_system(bigint, text, text, text, text, text, boolean),
  terminology.put_concepts(bigint, integer[], text[], text[], text[], smallint[], text[], text[], text[], text[]),
  terminology.put_texts(bigint, integer[], smallint[], text[], text[], text[], text[], text[], smallint[]),
  terminology.put_properties(bigint, integer[], text[], text[]), terminology.finish_system(bigint),
  terminology.put_map(bigint, text, text, text[], text[]), terminology.remove_system(bigint) TO fj_migrate;
