-- Searches of a reader whose role is limited to some kinds of information: the same rights, and one policy more.

DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['chart', 'list'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE vault_%s_some NOLOGIN NOSUPERUSER NOBYPASSRLS', r);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- roles are shared by the databases of a cluster
    END;
    IF NOT pg_has_role(format('vault_%s_some', r), format('vault_%s', r), 'USAGE') THEN
      EXECUTE format('GRANT vault_%s TO vault_%s_some', r, r);
    END IF;
  END LOOP;
END $$;
