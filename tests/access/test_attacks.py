# ruff: noqa: E501 - tables of what is tried read best a line each
"""Lock 4: what an injection into the application, or a stolen password of a role, can get out of the database."""

import asyncio
import hashlib
import os
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.db import DbError
from fellesjournal.record import store
from fellesjournal.record.search import Compiled
from tests.access.conftest import CHART_DOOR, LIST_DOOR, Stage
from tests.record.search.world import UNIT_A

APPLICATION = ("fj_web", "fj_signin", "fj_worker", "fj_log", "fj_migrate")
COLUMNS = "0::smallint AS k, slot, pid, rtype, version, updated, patient, date AS sort, body, org"
ALL = f"SELECT {COLUMNS} FROM vault.resource"


NOT_THERE = ("42883", "42P01", "42703")


async def refuses(pool: Any, statement: str, *args: Any) -> None:
    with pytest.raises(DbError) as refusal:
        await pool.fetch(statement, *args)
    # A name that is not there is refused whoever asks: it would prove nothing.
    assert getattr(refusal.value, "sqlstate", "") not in NOT_THERE, statement


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────


async def test_no_application_role_touches_a_table_of_the_record_or_the_log(stage: Stage) -> None:
    tables = await stage.world.admin.fetch(
        "SELECT schemaname || '.' || tablename AS name, schemaname FROM pg_tables WHERE schemaname IN ('vault', 'access', 'identity', 'ctx', 'definitions')"
    )
    assert len(tables) > 25
    for role in APPLICATION:
        for right in ("SELECT", "INSERT", "UPDATE", "REFERENCES"):
            held = await stage.world.admin.fetch(
                "SELECT t FROM unnest($1::text[]) t WHERE has_table_privilege($2, t, $3) OR has_any_column_privilege($2, t, $3)",
                [table["name"] for table in tables], role, right,
            )  # fmt: skip
            assert held == [], (role, right)
        for right in ("DELETE", "TRUNCATE", "TRIGGER"):
            held = await stage.world.admin.fetch(
                "SELECT t FROM unnest($1::text[]) t WHERE has_table_privilege($2, t, $3)",
                [t["name"] for t in tables],
                role,
                right,
            )
            assert held == [], (role, right)
        async with await stage.world.test.connect(role) as pool:
            await refuses(pool, "SELECT * FROM vault.resource")
            await refuses(pool, "SELECT * FROM access.log")
            await refuses(pool, "DELETE FROM vault.history")


async def test_no_application_role_owns_creates_or_becomes_anything(stage: Stage) -> None:
    admin = stage.world.admin
    for role in APPLICATION:
        row = await admin.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = $1", role
        )
        assert not any(row.values())
        assert not await admin.fetchval(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = $1", role
        )
        async with await stage.world.test.connect(role) as pool:
            for owner in ("fj_owner", "access_core", "vault_chart", "vault_write", "definitions_keeper", "postgres"):
                await refuses(pool, f"SET ROLE {owner}")
            for place in ("public", "vault", "access", "ctx", "identity", "kit", "jobs", "definitions"):
                await refuses(pool, f"CREATE TABLE {place}.mine (a int)")
            for read in ("SELECT pg_read_file('/etc/passwd')", "SELECT * FROM pg_authid", "SELECT * FROM pg_shadow",
                         "COPY kit.migration TO PROGRAM 'id'", "SELECT lo_import('/etc/passwd')", "SELECT pg_ls_dir('/')"):  # fmt: skip
                await refuses(pool, read)


async def test_every_door_runs_with_a_search_path_of_its_own_and_is_closed_to_the_public(stage: Stage) -> None:
    rows = await stage.world.admin.fetch(
        "SELECT p.oid::regprocedure::text AS name, p.prosecdef, coalesce(p.proconfig::text, '') AS config,"
        " has_function_privilege('public', p.oid, 'EXECUTE') AS is_open FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('vault', 'access', 'identity', 'ctx', 'jobs', 'definitions')"
    )
    assert len(rows) > 45
    for row in rows:
        assert not row["is_open"], row["name"]
        if row["prosecdef"]:
            assert "search_path=" in row["config"], row["name"]


async def test_nobody_of_the_application_makes_temporary_tables(stage: Stage) -> None:
    from fellesjournal.kit.migrate import migrate

    await migrate(stage.world.test.admin, stage.world.test.keys)
    for role in APPLICATION:
        async with await stage.world.test.connect(role) as pool:
            await refuses(pool, "CREATE TEMPORARY TABLE resource (a int)")


async def test_the_record_is_under_forced_row_level_security(stage: Stage) -> None:
    rows = await stage.world.admin.fetch(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'vault' AND c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    )
    assert [row["relname"] for row in rows] == []


# ── A role without a secret ──────────────────────────────────────────────────────────────────────


async def test_a_wrong_secret_opens_nothing(stage: Stage) -> None:
    for secret in (b"", os.urandom(32), hashlib.sha256(stage.world.secrets["a"]).digest(), None):
        rows = await stage.web.fetch("SELECT status, body FROM vault.read_many($1, $2, $3, $4, $5)",
                                     [secret], [1], [stage.mine.slot], [stage.mine.pid], [0])  # fmt: skip
        assert [(row["status"], row["body"]) for row in rows] == [(401, None)]
        assert await stage.search(secret, [stage.mine.pid], ALL) == []  # type: ignore[arg-type]
        assert await stage.search(secret, [], ALL, unit=UNIT_A) == []  # type: ignore[arg-type]
        assert (
            await stage.web.fetchval(
                "SELECT allow FROM access.decide($1, $2, 'open', 0::smallint)", secret, stage.mine.pid
            )
            is None
        )
        assert await stage.web.fetch("SELECT * FROM access.own_log($1, NULL, NULL, NULL, NULL, NULL, false, true, NULL, NULL, 10)", secret) == []


async def test_an_ended_session_opens_nothing(stage: Stage) -> None:
    secret = stage.world.secrets["a"]
    assert await stage.bodies(secret, [stage.mine.pid], ALL)
    assert await stage.web.fetchval("SELECT identity.end_session($1)", secret)
    assert await stage.bodies(secret, [stage.mine.pid], ALL) == []
    assert await stage.bodies(secret, [], ALL, unit=UNIT_A) == []


async def test_a_session_ends_with_its_post_by_idling_and_by_age(stage: Stage) -> None:
    secret, admin = stage.world.secrets["a"], stage.world.admin
    for statement in (
        "UPDATE identity.post SET until_at = clock_timestamp() WHERE unit = 10",
        "UPDATE identity.session SET seen_at = clock_timestamp() - interval '2 hours'",
        "UPDATE identity.session SET expires_at = clock_timestamp()",
        "UPDATE identity.session SET level = 3",
    ):
        async with admin.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(statement)
            rows = await connection.fetch("SELECT status FROM vault.read_many($1, $2, $3, $4, $5)",
                                          [secret], [stage.my_row_type], [stage.my_row.slot], [stage.my_row.pid], [0])  # fmt: skip
            assert rows[0]["status"] in (401, 404), statement
            rows = await connection.fetch(LIST_DOOR, secret, ALL)
            assert [row["verdict"] for row in rows] in (["none"], ["refused"]), statement
            await transaction.rollback()


async def test_a_role_without_rights_reads_and_lists_nothing(stage: Stage) -> None:
    await stage.world.admin.execute("UPDATE identity.session SET role = 'vaktmester' WHERE unit = 10")
    secret = stage.world.secrets["a"]
    assert await stage.search(secret, [], ALL, unit=UNIT_A) == []
    assert await stage.search(secret, [stage.mine.pid], ALL) == []
    refused = await stage.log(outcome=1)
    assert {row["action"] for row in refused} == {"list", "search"}


async def test_the_worker_cannot_start_a_session_for_a_human(stage: Stage) -> None:
    async with await stage.world.test.connect("fj_worker") as worker:
        person = await stage.world.admin.fetchval("SELECT id FROM identity.person WHERE name = 'a'")
        post = await stage.world.admin.fetchval("SELECT id FROM identity.post WHERE person = $1", person)
        await refuses(worker, "SELECT identity.start_staff('\\x00', $1, $2, 4::smallint, 60, 60, '')", person, post)
        await refuses(worker, "SELECT identity.start_citizen('\\x00', $1, 4::smallint, 60, 60, '')", person)
        await refuses(worker, "SELECT identity.put_grant($1, 'LOAD', 'infinity', 'me')", person)


async def test_the_workers_password_alone_starts_no_session_of_a_system(stage: Stage) -> None:
    async with await stage.world.test.connect("fj_worker") as worker:
        start = "SELECT identity.start_system('\\x01', $1, 10, 'LOAD', 60, '')"
        assert await worker.fetchval(start, b"a guess") is None
        assert await worker.fetchval(start, None) is None


async def test_the_web_role_calls_none_of_the_inner_functions(stage: Stage) -> None:
    for function in ("identity.start_staff('\\x00', 1, 1, 4::smallint, 60, 60, '')", "identity.put_person('human', NULL, 'x', NULL, NULL, NULL, NULL)",
                     "access.put_relation('{1}', 1, 1, 'FASTLEGE', NULL, now(), 'infinity', 1)", "ctx.seal_chart('\\x00', 0::smallint, '{1}')",
                     "vault.run_chart('SELECT 1', 0, '{}', '{}', '{}', '{}')",
                     "access.judge_all('\\x00', '{1}')", "access.lister('\\x00')", "access.verdict(1, 'staff', 1)", "ctx.seal_list('\\x00', 0::smallint, 10, 1, 0, true, '{FASTLEGE}')", "access.judge('\\x00', '{1}', 'read')", "access.may_all('\\x00', '{1}')",
                     "vault.owners('{1}', '{1}', '{1}', '{0}')", "access.log_event('\\x00', '{1}', 'read', 1::smallint, NULL, NULL, NULL, 0::smallint)"):  # fmt: skip
        await refuses(stage.web, f"SELECT {function}")


# ── Settings that a policy reads ─────────────────────────────────────────────────────────────────


async def test_settings_made_by_hand_open_nothing(stage: Stage) -> None:
    everyone = f"{{{stage.mine.pid},{stage.theirs.pid},0,-1}}"
    value = f"10;00;{{0,1,100,101}};{everyone}#" + "00" * 32
    async with stage.web.acquire() as connection, connection.transaction():
        for name in ("fj.context", "fj.reading", "fj.writing"):
            await connection.execute(
                "SELECT set_config($1, $2, true)", name, value if name == "fj.context" else everyone
            )
        rows = await connection.fetch("SELECT status FROM vault.read_many($1, $2, $3, $4, $5)", [stage.world.secrets["a"]],
                                      [stage.their_row_type], [stage.their_row.slot], [stage.their_row.pid], [0])  # fmt: skip
        assert rows[0]["status"] == 404
    rows = await stage.bodies(
        stage.world.secrets["a"],
        [stage.mine.pid],
        f"SELECT {COLUMNS} FROM vault.resource, (SELECT set_config('fj.context', replace('{value.replace(';', '~')}', '~', chr(59)), true), set_config('fj.reading', '{everyone}', true),"
        f" set_config('fj.writing', '{everyone}', true)) AS x (a, b, c) WHERE a IS NOT NULL",
    )
    assert all(stage.theirs.id not in str(row) for row in rows)


async def test_the_seal_of_one_transaction_is_worth_nothing_in_the_next(stage: Stage) -> None:
    stolen = await stage.search(
        stage.world.secrets["b"], [stage.theirs.pid],
        "SELECT 0::smallint, 0::smallint, 1::bigint, 0::smallint, 0, now(), 0::bigint, now(), current_setting('fj.context'), 0::bigint",
    )  # fmt: skip
    seal = stolen[0].body
    assert "#" in seal
    hidden = seal.replace(";", "~")
    for pool in (stage.web, stage.world.admin):
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('fj.context', $1, true)", seal)
            rows = await connection.fetch(
                CHART_DOOR,
                stage.world.secrets["a"], [stage.mine.pid],
                f"SELECT {COLUMNS} FROM vault.resource, (SELECT set_config('fj.context', replace('{hidden}', '~', chr(59)), true)) AS x (a)"
                " WHERE a IS NOT NULL",
            )  # fmt: skip
            assert all(stage.theirs.id not in str(row["body"]) for row in rows)


async def test_the_seal_of_one_search_is_worth_nothing_in_the_next_of_the_same_call(stage: Stage) -> None:
    """Two requests of one attacker's in one batch: the second can't take up what the first laid down."""
    keep = (
        f"SELECT {COLUMNS} FROM vault.resource,"
        " (SELECT set_config('fj.kept', current_setting('fj.context'), false)) AS x (a) WHERE a IS NOT NULL"
    )
    again = keep.replace("'fj.kept', current_setting('fj.context')", "'fj.context', current_setting('fj.kept')")
    questions = [
        store.Question(stage.world.secrets[who], Compiled([sql], [], [], [], [], 1), (patient,))
        for who, patient, sql in (("b", stage.theirs.pid, keep), ("a", stage.mine.pid, again))
    ]
    first, second = await asyncio.gather(*map(store.chart_searches(stage.web).ask, questions))
    assert stage.their_row.pid in {hit.pid for hit in first.hits}
    assert {hit.patient for hit in second.hits} <= {stage.mine.pid, 0}


# ── SQL of the attacker's own, run by the search door ────────────────────────────────────────────


@pytest.mark.parametrize(
    "sql",
    [
        ALL,
        f"{ALL} UNION ALL SELECT {COLUMNS} FROM vault.resource WHERE patient <> 0",
        f"SELECT {COLUMNS} FROM vault.history".replace("date AS sort", "updated"),
        f"SELECT {COLUMNS} FROM vault.resource r WHERE EXISTS (SELECT 1 FROM vault.resource o WHERE o.patient <> r.patient AND o.patient > 0)",
        "SELECT 0::smallint, s.slot, s.pid, 0::smallint, 0, now(), s.patient, now(), s.v, 0::bigint FROM vault.sp_string s",
        "SELECT 0::smallint, s.slot, s.pid, 0::smallint, 0, now(), s.patient, now(), s.h::text, 0::bigint FROM vault.sp_token s",
    ],
)
async def test_an_injection_sees_what_the_decision_gives_and_no_more(stage: Stage, sql: str) -> None:
    for secret, patients, unit in (
        (stage.world.secrets["a"], [stage.mine.pid], None),
        (stage.world.secrets["a"], [], UNIT_A),
    ):
        rows = await stage.search(secret, patients, sql, unit=unit)
        assert {hit.patient for hit in rows} <= {stage.mine.pid, 0}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_authid",
        "SELECT * FROM identity.session",
        "SELECT * FROM access.relation",
        "SELECT * FROM access.log",
        "SELECT * FROM ctx.nonce",
        "SELECT * FROM vault.identifier",
        "SELECT * FROM vault.other_patient",
        "SELECT ctx.mac('00;{0};{1}')",
        "SELECT ctx.seal_chart('\\x00', 0::smallint, '{1}')",
        "SELECT ctx.seal_list('\\x00', 0::smallint, 10, 1, 0, true, '{FASTLEGE}')",
        "SELECT access.lister('\\x00')",
        "SELECT access.verdict(1, 'staff', 1)",
        "SELECT * FROM access.block",
        "SELECT access.judge('\\x00', '{1}', 'read')",
        "SELECT access.put_relation('{1}', 10, NULL, 'FASTLEGE', NULL, now(), 'infinity', 0)",
        "SELECT vault.owners('{1}', '{1}', '{1}', '{0}')",
        "SELECT access.may_all('\\x00', '{1}')",
        "WITH x AS (DELETE FROM vault.resource RETURNING *) SELECT * FROM x",
        "WITH x AS (UPDATE vault.resource SET body = '' RETURNING *) SELECT * FROM x",
        "SELECT * FROM vault.resource FOR UPDATE",
        "SELECT 1; SELECT 2",
        f"{ALL}; DEALLOCATE ALL",
        "DEALLOCATE ALL",
        "PREPARE evil AS SELECT 1",
        " SELECT 1",
        "SET ROLE vault_gate",
        "COPY vault.resource TO PROGRAM 'cat'",
        "SELECT query_to_xml('select * from identity.session', true, true, '')",
        "SELECT lo_import('/etc/passwd')",
    ],
)
async def test_an_injection_runs_one_query_with_the_rights_of_its_door_alone(stage: Stage, sql: str) -> None:
    for patients, unit in (([stage.mine.pid], None), ([], UNIT_A)):
        with pytest.raises(DbError):
            await stage.search(stage.world.secrets["a"], patients, sql, unit=unit)


async def test_an_injection_learns_of_a_list_only_who_is_on_the_readers_own(stage: Stage) -> None:
    """The one thing that a policy reads and an injection may read too: the reader's own people."""
    mine = "SELECT 0::smallint, 0::smallint, l.patient, 0::smallint, 0, now(), 0::bigint, now(), 'x', 0::bigint FROM access.on_list l"
    hits = await stage.search(stage.world.secrets["a"], [], mine, unit=UNIT_A)
    assert [hit.pid for hit in hits] == [stage.mine.pid]
    forged = f"{mine}, (SELECT set_config('fj.context', replace(current_setting('fj.context'), '10', '20'), true) OFFSET 0) f (x)"
    hits = await stage.search(stage.world.secrets["a"], [], f"{forged} WHERE f.x IS NOT NULL", unit=UNIT_A)
    assert {hit.pid for hit in hits} <= {stage.mine.pid}
    with pytest.raises(DbError):
        await stage.search(stage.world.secrets["a"], [stage.mine.pid], mine)


async def test_an_injection_cannot_keep_the_search_itself_out_of_the_log(stage: Stage) -> None:
    """What it can keep out is which items, and on a list which patients: SECURITY.md says so."""
    loot = COLUMNS.replace("patient, date", "0::bigint, date").replace("slot, pid, rtype", "0::smallint, 1::bigint, 0::smallint")
    logged = "SELECT patient, action, what FROM access.log WHERE log.at > $1 AND patient IN (0, $2) ORDER BY patient"
    for patients, unit, wanted in (
        ([stage.mine.pid], None, (stage.mine.pid, "search")),
        ([], UNIT_A, (0, "list")),
    ):
        since = await stage.world.admin.fetchval("SELECT clock_timestamp()")
        rows = await stage.search(stage.world.secrets["a"], patients, f"SELECT {loot} FROM vault.resource WHERE patient > 0", unit=unit)
        assert any(stage.mine.id in str(row.body) for row in rows)
        found = await stage.world.admin.fetch(logged, since, stage.mine.pid)
        assert wanted in [(row["patient"], row["action"]) for row in found]
        assert all(stage.mine.pid not in (row["what"] or ()) for row in found)


async def test_an_injection_writes_no_table_and_its_settings_open_nothing_later(stage: Stage) -> None:
    async with await stage.world.test.connect("fj_web", max_size=1) as one:
        everyone = f"{{{stage.mine.pid},{stage.theirs.pid},0,-1}}"
        lasting = ", ".join(
            f"set_config('{name}', '{everyone}', false)" for name in ("fj.reading", "fj.writing", "fj.context")
        )
        evil = f"SELECT {COLUMNS} FROM vault.resource, (SELECT {lasting}) AS x (a, b, c) WHERE a IS NOT NULL"
        await one.fetch(CHART_DOOR, stage.world.secrets["a"], [stage.mine.pid], evil)
        rows = await one.fetch(CHART_DOOR, stage.world.secrets["a"], [stage.mine.pid], ALL)
        assert rows and all(stage.theirs.id not in str(row["body"]) for row in rows)
        read = await one.fetch("SELECT status FROM vault.read_many($1, $2, $3, $4, $5)", [stage.world.secrets["a"]],
                               [stage.their_row_type], [stage.their_row.slot], [stage.their_row.pid], [0])  # fmt: skip
        assert read[0]["status"] == 404


async def test_nothing_that_an_injection_laid_ready_is_run_for_the_next_reader(stage: Stage) -> None:
    """A plan is kept in the connection under the hash of its text."""
    async with await stage.world.test.connect("fj_web", max_size=1) as one:
        name = "c" + hashlib.md5(ALL.encode(), usedforsecurity=False).hexdigest()
        evil = f"SELECT 0::smallint, 0::smallint, 1::bigint, 0::smallint, 0, now(), 0::bigint, now(), set_config('fj.loot', body, false), 0::bigint FROM vault.resource; PREPARE {name} AS SELECT 1"
        with pytest.raises(DbError):
            await one.fetch(CHART_DOOR, stage.world.secrets["a"], [stage.mine.pid], evil)
        # A mark without a plan must not stop the next reader either.
        await one.execute("SELECT set_config('fj.plans', $1, false)", name)
        rows = await one.fetch(CHART_DOOR, stage.world.secrets["b"], [stage.theirs.pid], ALL)
        assert stage.their_row.id in str([row["body"] for row in rows])
        assert await one.fetchval("SELECT coalesce(current_setting('fj.loot', true), '')") == ""


async def test_another_unit_cannot_be_named(stage: Stage) -> None:
    assert await stage.search(stage.world.secrets["a"], [], ALL, unit=20) == []
    assert await stage.search(stage.world.secrets["a"], [stage.mine.pid, stage.theirs.pid], ALL) == []
    for odd in (["NULL"], [0], [-1], [stage.mine.pid, "NULL"], [stage.mine.pid, 0]):
        assert await stage.search(stage.world.secrets["a"], odd, ALL) == []  # type: ignore[arg-type]


# ── The log and the history ──────────────────────────────────────────────────────────────────────


async def test_no_role_changes_or_deletes_what_was_logged_or_written(stage: Stage) -> None:
    inner = (
        "access_core",
        "vault_write",
        "vault_read",
        "vault_open",
        "vault_chart",
        "vault_list",
        "vault_identify",
        "vault_feed",
        "vault_gate",
        "vault_export",
        "vault_import",
        "vault_shield",
        "ctx_keeper",
    )
    for role in (*APPLICATION, *inner):
        for table in ("access.log", "access.log_rest", "vault.history"):
            for right in ("UPDATE", "DELETE", "TRUNCATE"):
                held = await stage.world.admin.fetchval("SELECT has_table_privilege($1, $2, $3)", role, table, right)
                assert not held, (role, table, right)


async def test_a_refusal_is_logged_with_the_patient_and_commits_by_itself(stage: Stage) -> None:
    assert await stage.search(stage.world.secrets["a"], [stage.theirs.pid], ALL) == []
    (row,) = await stage.log(outcome=1)
    assert (row["patient"], row["action"], row["unit"]) == (stage.theirs.pid, "search", UNIT_A)


async def test_the_worst_password_of_all_still_needs_a_secret(stage: Stage) -> None:
    """A connection as fj_web, every function that it may run, no secret: nothing of anyone comes out."""
    connection = await db.connect(stage.world.test.dsn("fj_web"))
    try:
        functions = await connection.fetch(
            "SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE n.nspname IN ('vault', 'access', 'identity', 'ctx') AND has_function_privilege(p.oid, 'EXECUTE')"
        )
        names = {row["name"].partition("(")[0] for row in functions}
        assert names == {
            "vault.read_many", "vault.history_of", "vault.search_charts", "vault.search_list", "vault.write", "vault.identify_number", "vault.identify_name",
            "vault.stage_chunk", "vault.drop_upload", "vault.keep_blob", "vault.read_chunk",
            "vault.find_ids", "vault.claim_answer", "vault.keep_answer", "vault.search_parameters",
            "vault.export_begin", "vault.export_state", "vault.export_cancel", "vault.export_piece",
            "vault.import_open", "vault.import_stage", "vault.import_start", "vault.import_state", "vault.import_cancel",
            "vault.import_errors",
            "vault.subscribe", "vault.unsubscribe", "vault.subscription_told", "vault.subscription_events", "vault.subscription_state",
            "access.decide", "access.log_refusal", "access.establish", "access.end_relation", "access.own_log", "access.patient_log",
            "access.review_list", "access.review_get", "access.review_judge", "access.review_counts", "access.review_figures", "access.review_own",
            "access.review_kinds", "access.review_signs", "vault.subject_of_review",
            "access.seals", "access.audit_events", "access.ask_about",
            "vault.erasure_ask", "vault.erasure_withdrawn", "vault.erasure_decide", "vault.erasures_reviewed", "vault.erasures", "vault.erasures_waiting",
            "access.kin_waiting", "access.own_blocks", "access.block_choices", "vault.make_block", "vault.lift_block",
            "access.choices", "access.choose", "access.end_choice", "access.explain", "access.own_notices", "access.own_supports", "access.object", "access.grant_support",
            "access.show_address", "access.may_name", "access.name_personnel", "access.end_naming", "access.named_for", "access.nameable", "access.open_sensitive",
            "access.represented", "access.representatives", "access.proxy_areas", "access.proxy_give", "access.proxy_end",
            "access.kin_choose", "access.kin_of", "access.overview_of_representatives", "access.parent_cut_put",
            "access.withhold_grounds", "access.withholdings", "access.parents_told",
            "access.parents_told_put", "access.to_tell", "access.kin_shares",
            "vault.withhold", "vault.withhold_end", "vault.withheld_now",
            "identity.app_find", "identity.app_all", "identity.app_events", "identity.app_mark_by", "identity.app_write_by",
            "identity.app_launch_start", "identity.app_launch_use", "identity.app_grants_of", "identity.app_withdraw", "identity.unit_named",
            "identity.administer", "identity.changed_now", "identity.staff", "identity.staff_count", "identity.units", "identity.roles",
            "identity.rights", "identity.kind_sets", "identity.right_wishes", "identity.scim_clients", "identity.changes",
            "identity.known_people", "identity.review_map", "identity.review_units",
            "access.duty_reach", "access.duty_list", "access.duty_staff", "access.duty_put", "access.duty_end",
            "identity.who", "identity.end_session", "identity.seconds_left", "identity.extend",
        }  # fmt: skip
    finally:
        await connection.close()


async def test_whatever_a_role_may_call_tells_nothing_to_a_guessed_secret(stage: Stage) -> None:
    """Every function that a role of the application may run and that takes a secret, jobs and streams among them: called with a guess."""
    asked = 0
    for role in APPLICATION:
        async with await stage.world.test.connect(role, max_size=1) as pool:
            functions = await pool.fetch(
                "SELECT p.oid::regprocedure::text AS name, p.proargtypes::regtype[]::text[] AS types, p.proargnames AS names FROM pg_proc p"
                " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('vault', 'access', 'identity', 'ctx')"
                " AND has_function_privilege(p.oid, 'EXECUTE') AND 'p_secret' = ANY (p.proargnames)"
            )
            for one in functions:
                named = dict(zip(one["names"], one["types"], strict=False))
                asked += 1
                assert await _told(pool, one["name"].partition("(")[0], named, stage) == [], (role, one["name"])
    assert asked > 100


async def _told(pool: Any, function: str, types: dict[str, str], stage: Stage) -> list[Any]:
    """What a guess is answered with, of the patients that there are; an error is an answer too."""
    numbers = {"bigint": stage.mine.pid, "bigint[]": [stage.mine.pid], "smallint": stage.mine.slot, "smallint[]": [stage.mine.slot]}
    secret = os.urandom(32)
    values = [
        (secret if kind == "bytea" else [secret]) if name == "p_secret" else numbers.get(kind) for name, kind in types.items()
    ]
    places = ", ".join(f"${n}::{kind}" for n, kind in enumerate(types.values(), start=1))
    try:
        rows = await pool.fetch(f"SELECT * FROM {function}({places})", *values)
    except DbError:
        return []
    return [row for row in rows if any(word in str(tuple(row)) for word in ("mitt", "deres", "Min", "Deres", stage.mine.id))]
