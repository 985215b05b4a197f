"""The pool, its errors and the SQL files."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.db import parse_queries, sqlstate
from fellesjournal.kit.dsn import parse_dsn


@pytest.fixture
async def web(database: Any) -> AsyncGenerator[db.Database, None]:
    async with await database.connect("fj_web", max_size=1) as pool:
        yield pool


async def test_role_can_connect_and_owns_nothing(web: db.Database) -> None:
    row = await web.fetchrow(
        "SELECT current_user::text AS me, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole "
        "FROM pg_roles WHERE rolname = current_user"
    )
    assert row is not None
    assert tuple(row) == ("fj_web", False, False, False, False)
    with pytest.raises(db.InsufficientPrivilege):
        await web.execute("CREATE TABLE public.x (a int)")
    with pytest.raises(db.InsufficientPrivilege):
        await web.execute("UPDATE kit.installation SET epoch = gen_random_uuid()")


async def test_wrong_password_is_refused(database: Any) -> None:
    wrong = database.dsn("fj_web").as_role(user="fj_web", password="wrong")
    with pytest.raises(db.DatabaseUnavailable) as caught:
        await db.Database.open(wrong, settings=database.settings)
    assert "wrong" not in str(caught.value)


async def test_writes_are_durable(admin: db.Database) -> None:
    names = ["fsync", "full_page_writes", "synchronous_commit"]
    assert (
        await admin.fetchval("SELECT array_agg(current_setting(n)) FROM unnest($1::text[]) n", names)
        == ["on"] * 3
    )


async def test_database_log_holds_no_content(admin: db.Database) -> None:
    rows = await admin.fetch("SELECT name, setting FROM pg_settings WHERE name LIKE 'log%'")
    settings = {row["name"]: row["setting"] for row in rows}
    expected = {
        "log_min_messages": "fatal", "log_min_error_statement": "panic", "log_error_verbosity": "terse",
        "log_statement": "none", "log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0",
    }  # fmt: skip
    assert {name: settings[name] for name in expected} == expected


async def test_order_of_characters_is_that_of_bytes(admin: db.Database) -> None:
    row = await admin.fetchrow(
        "SELECT datcollate, lower('ÆØÅ'), 'Z' < 'a' FROM pg_database WHERE datname = current_database()"
    )
    assert row is not None
    assert tuple(row) == ("C", "æøå", True)


async def test_transaction_commits_or_rolls_back_as_a_whole(admin: db.Database) -> None:
    await admin.execute("CREATE TABLE kit.t (a int UNIQUE)")
    async with admin.transaction() as tx:
        await tx.execute("INSERT INTO kit.t VALUES (1)")
    with pytest.raises(db.UniqueViolation):  # noqa: PT012
        async with admin.transaction() as tx:
            await tx.execute("INSERT INTO kit.t VALUES (2)")
            await tx.execute("INSERT INTO kit.t VALUES (1)")
    assert [row["a"] for row in await admin.fetch("SELECT a FROM kit.t")] == [1]


async def test_read_only_transaction_writes_nothing(admin: db.Database) -> None:
    with pytest.raises(db.DbError):
        async with admin.transaction(readonly=True) as tx:
            await tx.execute("CREATE TABLE kit.t (a int)")


async def test_no_session_state_leaks_to_the_next_user(web: db.Database) -> None:
    """The pool has one connection and makes no reset: what a transaction set locally is gone all the same."""
    pid = await web.fetchval("SELECT pg_backend_pid()")
    async with web.transaction() as tx:
        await tx.execute("SELECT set_config('app.reader', 'someone', true)")
        await tx.execute("SET LOCAL statement_timeout = 0")
        await tx.execute("SELECT pg_advisory_xact_lock(1)")
    with pytest.raises(db.DbError):  # noqa: PT012
        async with web.transaction() as tx:
            await tx.execute("SET LOCAL search_path = 'kit'")
            await tx.execute("SELECT 1/0")
    assert await web.fetchval("SELECT pg_backend_pid()") == pid
    assert await web.fetchval("SELECT coalesce(current_setting('app.reader', true), '')") == ""
    assert await web.fetchval("SELECT current_setting('statement_timeout')") == "15s"
    assert await web.fetchval("SELECT current_setting('search_path')") in ("", '""')
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    assert await web.fetchval(held) == 0


async def test_transaction_left_open_is_rolled_back_when_the_connection_goes_back(admin: db.Database) -> None:
    async with admin.acquire() as connection:
        await connection.execute("BEGIN")
        await connection.execute("CREATE TABLE kit.left_open (a int)")
    assert await admin.fetchval("SELECT to_regclass('kit.left_open') IS NULL")


async def test_giving_a_connection_back_costs_no_round_trip(database: Any) -> None:
    async with await database.connect("fj_web", max_size=1) as pool:
        await pool.fetchval("SELECT 1")
        async with pool.acquire() as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
        async with await database.connect_admin() as admin:
            last = await admin.fetchval("SELECT query FROM pg_stat_activity WHERE pid = $1", pid)
    assert last == "SELECT pg_backend_pid()"


async def test_long_statement_is_stopped(database: Any) -> None:
    settings = replace(database.settings, statement_timeout_ms=50)
    async with await db.Database.open(database.dsn("fj_web"), settings=settings) as pool:
        with pytest.raises(db.StatementTimeout):
            await pool.fetchval("SELECT pg_sleep(5)")


async def test_killed_connection_is_replaced(database: Any, web: db.Database) -> None:
    pid = await web.fetchval("SELECT pg_backend_pid()")
    async with await database.connect_admin() as admin:
        waiting = asyncio.create_task(web.fetchval("SELECT pg_sleep(5)"))
        await asyncio.sleep(0.1)
        await admin.fetchval("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(db.ConnectionLost):
            await waiting
    assert await web.fetchval("SELECT 1") == 1


async def test_server_without_room_is_away(database: Any) -> None:
    async with await database.connect("fj_web", max_size=2) as pool, await database.connect_admin() as admin:
        name = await admin.fetchval("SELECT current_database()")
        await admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        async with pool.acquire() as held:
            with pytest.raises(db.ConnectionLost):
                await pool.fetchval("SELECT 1")
            assert await held.fetchval("SELECT 1") == 1


async def test_own_errors_are_known_by_their_class(admin: db.Database) -> None:
    with pytest.raises(db.DbError) as caught:
        await admin.execute("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'FJ123'; END $$")
    assert sqlstate(caught.value) == "FJ123"
    assert db.is_own_error(caught.value)
    assert not db.is_own_error(ValueError())


async def test_notifications_arrive(admin: db.Database) -> None:
    async with admin.listen("feed", "other") as notices:
        await admin.execute("SELECT pg_notify('other', '17')")
        assert await asyncio.wait_for(anext(notices), 5) == ("other", "17")


async def test_lost_listener_says_so(admin: db.Database) -> None:
    async with admin.listen("feed") as notices:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        )
        with pytest.raises(db.ConnectionLost):
            await asyncio.wait_for(anext(notices), 5)


def test_queries_have_names_words_and_sql() -> None:
    queries = parse_queries(
        "-- The store.\n\n-- name: read_many\n-- One row each,\n-- newest first.\n"
        "SELECT 1\n  -- why\n  FROM x;\n\n"
        "-- name: drop_one\n-- Gone.\nDELETE FROM x WHERE a = $1;\n"
    )
    assert queries.read_many == "SELECT 1\n  -- why\n  FROM x"
    assert queries.doc("read_many") == "One row each, newest first."
    assert list(queries) == ["read_many", "drop_one"]
    with pytest.raises(AttributeError, match="nothing"):
        _ = queries.nothing


@pytest.mark.parametrize(
    "text",
    [
        "-- name: a\nSELECT 1",
        "-- name: a\n-- Words.\n",
        "-- name: a b\n-- Words.\nSELECT 1",
        "SELECT 1;\n-- name: a\n-- Words.\nSELECT 1",
        "-- name: a\n-- W.\nSELECT 1;\n-- name: a\n-- W.\nSELECT 2",
    ],
)
def test_careless_sql_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_queries(text)


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "database"),
    [
        ("postgresql://u:p@h:5433/d", "h", "5433", "u", "d"),
        ("postgres://u@h", "h", "5432", "u", "postgres"),
        ("postgresql://u:p%40@a:1,b:2/d?sslmode=require", "a,b", "1,2", "u", "d"),
        ("postgresql://u:p@/d?host=/run/pg&port=5", "/run/pg", "5", "u", "d"),
        ("postgresql://u:p@[::1]:5/d", "::1", "5", "u", "d"),
    ],
)
def test_database_urls_are_understood(url: str, host: str, port: str, user: str, database: str) -> None:
    dsn = parse_dsn(url)
    assert (dsn.host, str(dsn.port), dsn.user, dsn.database) == (host, port, user, database)
    assert "p%40" not in repr(dsn) + dsn.url()
    assert "password" not in repr(dsn)


def test_url_of_another_database_is_refused() -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        parse_dsn("mysql://u:hemmelig@h/d")
