-- Searches of a reader who is limited to some kinds of information: by roles of their own, which see those kinds alone, also in
-- chains, conditions on others' rows, includes, totals and sorting. Everybody else's searches cost nothing more.

DO $$
DECLARE t text; r text; v_open text;
BEGIN
  FOREACH r IN ARRAY ARRAY['chart', 'list'] LOOP
    v_open := format('rtype = ANY ((SELECT access.limits_of((SELECT ctx.who()), %L))::smallint[])', CASE r WHEN 'list' THEN 'list' ELSE 'read' END);
    FOREACH t IN ARRAY ARRAY['resource', 'history'] LOOP
      EXECUTE format('DROP POLICY IF EXISTS %I ON vault.%I', 'some_' || r, t);
      EXECUTE format('CREATE POLICY %I ON vault.%I AS RESTRICTIVE FOR SELECT TO vault_%s_some USING (%s)', 'some_' || r, t, r, v_open);
    END LOOP;
    -- What is found of a row is found by those who see the row.
    FOREACH t IN ARRAY ARRAY['sp_token', 'sp_reference', 'sp_date', 'sp_quantity', 'sp_string', 'sp_uri', 'sp_composite'] LOOP
      EXECUTE format('DROP POLICY IF EXISTS %I ON vault.%I', 'some_' || r, t);
      EXECUTE format('CREATE POLICY %1$I ON vault.%2$I AS RESTRICTIVE FOR SELECT TO vault_%3$s_some USING (
        EXISTS (SELECT 1 FROM vault.resource o WHERE o.slot = %2$I.slot AND o.pid = %2$I.pid OFFSET 0))', 'some_' || r, t, r);
    END LOOP;
  END LOOP;
END $$;

-- The same functions with another owner: their plans are kept under names of their own.
DO $$
DECLARE f regprocedure; v_text text; v_name text;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'vault'::regnamespace AND p.proname IN ('run_chart', 'run_list') LOOP
    SELECT p.proname INTO v_name FROM pg_proc p WHERE p.oid = f;
    v_text := pg_get_functiondef(f);
    v_text := replace(replace(replace(v_text, 'FUNCTION vault.' || v_name || '(', 'FUNCTION vault.' || v_name || '_some('), '''c'' || md5', '''C'' || md5'), '''l'' || md5', '''L'' || md5');
    EXECUTE v_text;
    EXECUTE format('ALTER FUNCTION %s OWNER TO %s', replace(f::text, 'vault.' || v_name || '(', 'vault.' || v_name || '_some('),
                   CASE v_name WHEN 'run_chart' THEN 'vault_chart_some' ELSE 'vault_list_some' END);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', replace(f::text, 'vault.' || v_name || '(', 'vault.' || v_name || '_some('));
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO vault_open', replace(f::text, 'vault.' || v_name || '(', 'vault.' || v_name || '_some('));
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION vault.run_chart_some(text, integer, bigint[], text[], timestamptz[], double precision[]) TO vault_export;
