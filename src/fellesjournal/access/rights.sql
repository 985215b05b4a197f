-- Owners and rights of all that the files before this one make.

DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO access_core', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'ctx'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO ctx_keeper', f);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$;
ALTER FUNCTION access.keep_log_partitions() OWNER TO fj_owner;
ALTER FUNCTION access.begin_log_era() OWNER TO fj_owner;

GRANT USAGE ON SCHEMA access TO fj_web, fj_worker, fj_migrate, fj_log, vault_gate, vault_read, vault_open, vault_chart, vault_list, vault_write,
  vault_identify, vault_feed;
GRANT USAGE ON SCHEMA ctx TO vault_open, vault_chart, vault_list;
GRANT EXECUTE ON FUNCTION ctx.seal_chart(bytea, smallint, text),
  ctx.seal_list(bytea, smallint, bigint, bigint, bigint[], boolean, text[]), ctx.clear() TO vault_open;
GRANT EXECUTE ON FUNCTION ctx.unit(), ctx.who(), ctx.closed(), ctx.patients(), ctx.listing() TO vault_chart, vault_list;

GRANT EXECUTE ON FUNCTION access.decide_many(bytea[], bigint[], bigint[], smallint[], text[], smallint[], text[], bigint[]) TO vault_read;
GRANT EXECUTE ON FUNCTION access.judge(bytea, bigint[], text) TO vault_read, vault_write, vault_identify, vault_feed;
GRANT EXECUTE ON FUNCTION access.judge_all(bytea, bigint[]), access.lister(bytea),
  access.log_pages(bytea[], text[], smallint[], text[], smallint[], text[], bigint[], integer[], bigint[], bigint[], smallint[], bigint[]) TO vault_open;
GRANT EXECUTE ON FUNCTION access.log_event(bytea, bigint[], text, smallint, bigint[], text, bigint, smallint)
  TO vault_read, vault_open, vault_write, vault_identify, vault_feed;
GRANT EXECUTE ON FUNCTION access.log_page(bytea, bigint[], bigint[], bigint[], smallint[], text, smallint, text, bigint) TO vault_open, vault_write;
GRANT EXECUTE ON FUNCTION access.writer(bytea), access.without_controller(bigint[]) TO vault_write;
GRANT EXECUTE ON FUNCTION access.role_limits(bytea, text) TO vault_open, vault_write;
GRANT EXECUTE ON FUNCTION access.limits_of(bytea, text) TO vault_chart, vault_list;
GRANT EXECUTE ON FUNCTION access.app_holds(bigint, smallint[], text, smallint, bigint) TO vault_write;
GRANT EXECUTE ON FUNCTION access.may_feed(bytea) TO vault_feed;
GRANT EXECUTE ON FUNCTION access.put_relation(bigint[], bigint, bigint, text, bigint, timestamptz, timestamptz, bigint) TO vault_write;
GRANT EXECUTE ON FUNCTION access.mark_identified(bytea, bigint[]), access.may_identify(bytea) TO vault_identify;
GRANT EXECUTE ON FUNCTION access.may_all(bytea, bigint[]), access.is_blocked_row(bytea, bigint), access.unit_of(bytea) TO vault_gate;
GRANT EXECUTE ON FUNCTION access.closed_for(bigint, text, bigint) TO vault_write;

GRANT EXECUTE ON FUNCTION access.decide(bytea, bigint, text, smallint), access.log_refusal(bytea, bigint[], text, smallint),
  access.establish(bytea, bigint, bigint, bigint, text, bigint, timestamptz, timestamptz), access.end_relation(bytea, bigint, bigint)
  TO fj_web, fj_worker;
GRANT EXECUTE ON FUNCTION access.keep_referral(bytea, bigint, bigint, bigint[], text, boolean) TO fj_worker;
GRANT EXECUTE ON FUNCTION access.own_blocks(bytea), access.block_choices(bytea, bigint) TO fj_web;
GRANT EXECUTE ON FUNCTION
  access.own_log(bytea, timestamptz, timestamptz, text, text, text, boolean, boolean, timestamptz, bigint, integer),
  access.patient_log(bytea, bigint, timestamptz, integer),
  access.audit_events(bytea, bigint, bigint, bigint, timestamptz, timestamptz, text[], text[], smallint[], boolean, timestamptz, bigint, integer, boolean),
  access.ask_about(bytea, timestamptz, bigint, text) TO fj_web;
GRANT EXECUTE ON FUNCTION access.review_list(bytea, text, text, bigint, bigint, boolean, timestamptz, bigint, integer), access.review_get(bytea, bigint),
  access.review_judge(bytea, bigint, text, text[], text, text), access.review_counts(bytea),
  access.review_figures(bytea, timestamptz, timestamptz), access.review_own(bytea), access.review_kinds(),
  access.review_signs(bytea) TO fj_web;
GRANT EXECUTE ON FUNCTION access.review_orphans() TO fj_migrate;
GRANT EXECUTE ON FUNCTION access.review_patient(bytea, bigint) TO vault_identify;
GRANT EXECUTE ON FUNCTION access.keep_traits(bytea, bigint[], "char"[], bigint[], "char"[], bigint[]), access.readers_named(bytea, bigint, integer),
  access.keep_reader_names(bytea, bigint[], bigint[]), access.day_to_analyse(bytea, integer), access.analyse_readers(bytea, date),
  access.analyse_readings(bytea, date) TO fj_worker;
GRANT EXECUTE ON FUNCTION access.analysed_days(integer) TO fj_migrate;
GRANT EXECUTE ON FUNCTION access.choices(bytea, bigint), access.choose(bytea, bigint, text, text, integer), access.end_choice(bytea, bigint, text),
  access.explain(bytea, bigint), access.own_notices(bytea, timestamptz), access.own_supports(bytea), access.object(bytea, text, boolean),
  access.grant_support(bytea, bigint, bigint, text, text, integer) TO fj_web;
GRANT EXECUTE ON FUNCTION access.set_duty_rule(bigint, boolean, text[], text), access.put_duty(bigint, bigint, timestamptz, timestamptz),
  access.name_for_ground(bigint, text, timestamptz, text), access.open_support(bytea, text, text, bigint, text, text, integer),
  access.close_support(bytea, text), access.open_supports(), access.set_duty_list(text, boolean, text[], text),
  access.load_duties(text, integer[], text[], text[], timestamptz[], timestamptz[]), access.duties_of(text) TO fj_migrate;
GRANT EXECUTE ON FUNCTION access.duty_reach(bytea), access.duty_list(bytea), access.duty_staff(bytea),
  access.duty_put(bytea, bigint, timestamptz, timestamptz), access.duty_end(bytea, bigint) TO fj_web;
GRANT EXECUTE ON FUNCTION access.open_envelope(bytea, bigint, bigint), access.is_referral(bigint, bigint, bigint[]) TO vault_feed;
GRANT EXECUTE ON FUNCTION access.keep_log_partitions() TO fj_worker, fj_migrate;
GRANT EXECUTE ON FUNCTION access.next_seal(integer), access.put_seal(bigint, smallint, smallint, xid8, bigint, xid8, bigint, integer, bytea,
  bytea, bytea, xid8, timestamptz, bytea, bytea, bytea) TO fj_worker;
GRANT EXECUTE ON FUNCTION access.seals(bigint, integer) TO fj_web, fj_log;
GRANT EXECUTE ON FUNCTION access.seal_marks(bigint), access.log_lines(smallint, xid8, bigint, xid8, bigint, integer), access.log_eras(), access.changed_devices() TO fj_log;

GRANT EXECUTE ON FUNCTION access.represents(bigint, bigint), access.acting(bigint, bigint), access.may_act(bigint) TO fj_owner;
GRANT EXECUTE ON FUNCTION access.may_act(bigint) TO vault_erase;
GRANT EXECUTE ON FUNCTION access.represented(bytea), access.representatives(bytea), access.proxy_areas(),
  access.proxy_give(bytea, bytea, text, text[], boolean, timestamptz), access.proxy_end(bytea, bigint),
  access.kin_choose(bytea, text, text, text, text, bigint), access.kin_of(bytea, bigint), access.kin_shares(),
  access.overview_of_representatives(bytea, bigint), access.parent_cut_put(bytea, bigint, bigint, text, text, boolean),
  access.withhold_grounds(bytea, bigint, text), access.withholdings(bytea, bigint), access.to_tell(bytea, bigint),
  access.parents_told_put(bytea, bigint, bigint, smallint, bigint[], text), access.parents_told(bytea, bigint) TO fj_web;
GRANT EXECUTE ON FUNCTION access.put_parenthood(bigint, bytea, text, boolean, boolean, text),
  access.put_guardianship(bigint, bytea, text, boolean, timestamptz, text),
  access.put_proxy(bigint, bytea, text[], boolean, timestamptz, text), access.put_chosen_kin(bigint, text, text, text) TO fj_migrate;

SELECT access.keep_log_partitions();
