-- What search needs beyond the tables: the acting unit's people, for a name search over them.

-- The patients that the unit in the sealed context has a live need for. Nothing without a seal.
-- Blocks and the reader's own record are kept out by the policies of the rows that these lead to.
CREATE OR REPLACE VIEW access.people WITH (security_barrier) AS
  SELECT r.patient FROM access.roster r
  WHERE r.unit = (SELECT ctx.unit()) AND r.from_at <= clock_timestamp() AND r.until_at > clock_timestamp();
ALTER VIEW access.people OWNER TO access_core;
REVOKE ALL ON access.people FROM PUBLIC;
GRANT SELECT ON access.people TO vault_list;

-- Has the sealed unit at most so many rows with one of these keys? Chooses between two plans of one answer: an index is
-- counted up to the cap, whoever the rows are about, and nothing of them is shown. p_kind: 0 tokens, 1 references.
DROP FUNCTION IF EXISTS vault.is_few(boolean, integer, bigint[], integer);
CREATE OR REPLACE FUNCTION vault.is_few(p_kind integer, p_param integer, p_h bigint[], p_cap integer) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_unit bigint := ctx.unit();
BEGIN
  IF p_kind = 1 THEN
    RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_reference d
            WHERE d.org = v_unit AND d.param = p_param AND d.h = ANY (p_h) LIMIT p_cap + 1) q);
  END IF;
  RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_token d
          WHERE d.org = v_unit AND d.param = p_param AND d.h = ANY (p_h) LIMIT p_cap + 1) q);
END $$;

-- The same for what lies beyond a date or a number. p_kind: 2 dates that begin before p_at, 3 that end after it; 4 numbers that
-- begin below p_value, 5 that end above it, in one unit or (NULL) any.
CREATE OR REPLACE FUNCTION vault.is_few_beyond(p_kind integer, p_param integer, p_unit bigint, p_at timestamptz, p_value double precision,
                                               p_cap integer) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE v_unit bigint := ctx.unit();
BEGIN
  IF p_kind = 2 THEN
    RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_date d
            WHERE d.org = v_unit AND d.param = p_param AND d.lo < p_at LIMIT p_cap + 1) q);
  ELSIF p_kind = 3 THEN
    RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_date d
            WHERE d.org = v_unit AND d.param = p_param AND d.hi > p_at LIMIT p_cap + 1) q);
  ELSIF p_kind = 4 AND p_unit IS NULL THEN
    RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_quantity d
            WHERE d.org = v_unit AND d.param = p_param AND d.lo < p_value LIMIT p_cap + 1) q);
  ELSIF p_kind = 4 THEN
    RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_quantity d
            WHERE d.org = v_unit AND d.param = p_param AND d.unit = p_unit AND d.lo < p_value LIMIT p_cap + 1) q);
  ELSIF p_unit IS NULL THEN
    RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_quantity d
            WHERE d.org = v_unit AND d.param = p_param AND d.hi > p_value LIMIT p_cap + 1) q);
  END IF;
  RETURN (SELECT count(*) <= p_cap FROM (SELECT 1 FROM vault.sp_quantity d
          WHERE d.org = v_unit AND d.param = p_param AND d.unit = p_unit AND d.hi > p_value LIMIT p_cap + 1) q);
END $$;
ALTER FUNCTION vault.is_few_beyond(integer, integer, bigint, timestamptz, double precision, integer) OWNER TO vault_gate;
REVOKE ALL ON FUNCTION vault.is_few_beyond(integer, integer, bigint, timestamptz, double precision, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.is_few_beyond(integer, integer, bigint, timestamptz, double precision, integer) TO vault_list;
ALTER FUNCTION vault.is_few(integer, integer, bigint[], integer) OWNER TO vault_gate;
REVOKE ALL ON FUNCTION vault.is_few(integer, integer, bigint[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.is_few(integer, integer, bigint[], integer) TO vault_list;
GRANT USAGE ON SCHEMA ctx TO vault_gate;
GRANT EXECUTE ON FUNCTION ctx.unit() TO vault_gate;
GRANT SELECT (org, param, h) ON vault.sp_token, vault.sp_reference TO vault_gate;
GRANT SELECT (org, param, lo, hi) ON vault.sp_date TO vault_gate;
GRANT SELECT (org, param, unit, lo, hi) ON vault.sp_quantity TO vault_gate;
DROP POLICY IF EXISTS gate ON vault.sp_token;
CREATE POLICY gate ON vault.sp_token FOR SELECT TO vault_gate USING (true);
DROP POLICY IF EXISTS gate ON vault.sp_reference;
CREATE POLICY gate ON vault.sp_reference FOR SELECT TO vault_gate USING (true);
REVOKE SELECT (org, param, h) ON vault.sp_composite FROM vault_gate;
DROP POLICY IF EXISTS gate ON vault.sp_composite;
DROP POLICY IF EXISTS gate ON vault.sp_date;
CREATE POLICY gate ON vault.sp_date FOR SELECT TO vault_gate USING (true);
DROP POLICY IF EXISTS gate ON vault.sp_quantity;
CREATE POLICY gate ON vault.sp_quantity FOR SELECT TO vault_gate USING (true);

-- ── Words ────────────────────────────────────────────────────────────────────────────────────────
-- `_text` and `_content` read bodies that were found already (docs/adr/0014-text-search.md).

-- A text with its character references and the letters of XHTML as what they stand for; `&amp;` last, `&quot;` a space.
CREATE OR REPLACE FUNCTION vault.without_entities(p_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v text := p_text; m text[]; v_point bigint; v_letters text[] := '{
    {Agrave,À},{Aacute,Á},{Acirc,Â},{Atilde,Ã},{Auml,Ä},{Aring,Å},{AElig,Æ},{Ccedil,Ç},{Egrave,È},{Eacute,É},{Ecirc,Ê},
    {Euml,Ë},{Igrave,Ì},{Iacute,Í},{Icirc,Î},{Iuml,Ï},{ETH,Ð},{Ntilde,Ñ},{Ograve,Ò},{Oacute,Ó},{Ocirc,Ô},{Otilde,Õ},
    {Ouml,Ö},{Oslash,Ø},{Ugrave,Ù},{Uacute,Ú},{Ucirc,Û},{Uuml,Ü},{Yacute,Ý},{THORN,Þ},{szlig,ß},{agrave,à},{aacute,á},
    {acirc,â},{atilde,ã},{auml,ä},{aring,å},{aelig,æ},{ccedil,ç},{egrave,è},{eacute,é},{ecirc,ê},{euml,ë},{igrave,ì},
    {iacute,í},{icirc,î},{iuml,ï},{eth,ð},{ntilde,ñ},{ograve,ò},{oacute,ó},{ocirc,ô},{otilde,õ},{ouml,ö},{oslash,ø},
    {ugrave,ù},{uacute,ú},{ucirc,û},{uuml,ü},{yacute,ý},{thorn,þ},{yuml,ÿ},{OElig,Œ},{oelig,œ},{Scaron,Š},{scaron,š},
    {Yuml,Ÿ}}';
BEGIN
  FOR m IN SELECT DISTINCT regexp_matches(p_text, '&#([0-9]{1,7}|[xX][0-9a-fA-F]{1,6});', 'g') LOOP
    v_point := CASE WHEN m[1] ~ '^[xX]' THEN ('x' || lpad(substr(m[1], 2), 8, '0'))::bit(32)::bigint ELSE m[1]::bigint END;
    IF v_point BETWEEN 32 AND 55295 OR v_point BETWEEN 57344 AND 1114111 THEN
      v := replace(v, '&#' || m[1] || ';', CASE v_point WHEN 34 THEN ' ' ELSE chr(v_point::integer) END);
    END IF;
  END LOOP;
  IF v ~ '&[A-Za-z]+;' THEN
    FOREACH m SLICE 1 IN ARRAY v_letters LOOP
      v := replace(v, '&' || m[1] || ';', m[2]);
    END LOOP;
    v := replace(replace(replace(replace(v, '&nbsp;', ' '), '&quot;', ' '), '&lt;', ' '), '&gt;', ' ');
    v := replace(replace(v, '&apos;', ' '), '&amp;', '&');
  END IF;
  RETURN v;
END $$;

-- What a person would read of a body: its narrative alone, or all its strings, each between quotation marks; no markup.
CREATE OR REPLACE FUNCTION vault.readable(p_body text, p_narrative boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE v text;
BEGIN
  IF p_narrative THEN
    v := regexp_replace(coalesce(p_body::json #>> '{text,div}', ''), '<!--.*?-->', ' ', 'g');
    v := replace(regexp_replace(v, '<(?:[^>"'']|"[^"]*"|''[^'']*'')*>', ' ', 'g'), '"', ' ');
  ELSE
    -- A quotation mark that a colon follows ends the name of a property: inside a string it has a backslash before it.
    v := regexp_replace(p_body, '"[^"\\]*":', ' ', 'g');
    v := regexp_replace(v, '\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})', ' ', 'g');
    IF strpos(v, '<!--') > 0 THEN v := regexp_replace(v, '<!--.*?-->', ' ', 'g'); END IF;
    v := regexp_replace(v, '</?[a-zA-Z][^<>"]*>', ' ', 'g');
  END IF;
  RETURN CASE WHEN strpos(v, '&') > 0 THEN vault.without_entities(v) ELSE v END;
END $$;
ALTER FUNCTION vault.without_entities(text) OWNER TO vault_gate;
ALTER FUNCTION vault.readable(text, boolean) OWNER TO vault_gate;
REVOKE ALL ON FUNCTION vault.without_entities(text), vault.readable(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION vault.without_entities(text), vault.readable(text, boolean) TO vault_chart, vault_list;
