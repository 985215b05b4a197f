# ruff: noqa: E501 - queries read best a line each
"""A database with data in it goes from every earlier release to this one, and nothing in it changes."""

import itertools
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.migrate import _default_folder, find_migrations, migrate
from fellesjournal.kit.programs import find_programs, run_programs

_numbers = itertools.count()
FIRST_WITH_A_VAULT = 4
AS_BITS = next(n for n, m in enumerate(find_migrations(), 1) if m.name.endswith("row_classes.sql"))
"""The release from which the class of a row is a set of bits."""

ROWS = (
    "INSERT INTO vault.history (slot, pid, version, rtype, updated, patient, org, sens, op, session, body) SELECT 7, g, 1, 1, now(), g, 10, CASE WHEN g % 3 = 0 THEN 100 ELSE 0 END, 'C', 0, 'body ' || g FROM generate_series(1, 200) g",
    "INSERT INTO vault.resource (slot, pid, rtype, version, updated, patient, org, sens, date, body) SELECT slot, pid, rtype, version, updated, patient, org, sens, updated, body FROM vault.history",
    "INSERT INTO vault.other_patient (slot, pid, patient) SELECT 7, g, g + 1 FROM generate_series(3, 198, 3) g",
    "INSERT INTO vault.sp_token SELECT 1, slot, sens, pid, patient, org, date, pid * 17 FROM vault.resource",
    "INSERT INTO vault.identifier SELECT 1, pid * 3, slot, pid FROM vault.resource",
    "INSERT INTO access.relation (patient, unit, ground, made_by) SELECT g, 10, 'FASTLEGE', 0 FROM generate_series(1, 200) g",
    "INSERT INTO access.log (event, patient, action) SELECT g, g, 'read' FROM generate_series(1, 300) g",
)
KEPT = {
    "vault.history": "slot, pid, version, rtype, updated, patient, org, sens, op, session, body",
    "vault.resource": "slot, pid, rtype, version, updated, patient, org, sens, date, body",
    "vault.other_patient": "slot, pid, patient",
    "vault.sp_token": "param, slot, sens, pid, patient, org, date, h",
    "vault.identifier": "rtype, h, slot, pid",
    "access.relation": "patient, unit, ground, from_at, until_at",
    "access.log": "at, event, patient, action",
}


@pytest.fixture
async def empty(embedded_server: tuple[Dsn, Keys], worker_id: str) -> AsyncGenerator[tuple[Dsn, Keys], None]:
    """A database that doesn't exist yet."""
    dsn, keys = embedded_server
    name = f"fj_up_{worker_id}_{next(_numbers)}"
    yield dsn.to(name), keys
    connection = await db.connect(dsn)
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.close()


async def content(connection: Any, *, as_in_this_release: bool = False) -> dict[str, str]:
    """A hash of every row, by table. The class of rows was 100, not 8192, when they name another patient."""
    bits = "CASE WHEN sens >= 100 THEN sens + 8092 ELSE sens END AS sens" if as_in_this_release else "sens"
    return {
        table: await connection.fetchval(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM (SELECT {columns.replace('sens', bits)} FROM {table}) t"
        )
        for table, columns in KEPT.items()
    }


@pytest.mark.parametrize("release", range(FIRST_WITH_A_VAULT, len(find_migrations())))
async def test_data_of_an_earlier_release_is_the_same_in_this_one(empty: tuple[Dsn, Keys], release: int) -> None:
    dsn, keys = empty
    found = find_migrations()
    await migrate(dsn, keys, migrations=found[:release])
    connection = await db.connect(dsn)
    try:
        for statement in ROWS:
            await connection.execute(statement if release < AS_BITS else statement.replace("100 ELSE", "8192 ELSE"))
        before = await content(connection, as_in_this_release=release < AS_BITS)
        assert await migrate(dsn, keys) == [migration.name for migration in found[release:]]
        assert await content(connection) == before
        assert await migrate(dsn, keys) == []
        assert await content(connection) == before
    finally:
        await connection.close()


async def test_programs_are_run_again_when_one_of_them_changes_and_only_then(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    await migrate(dsn, keys)
    programs = find_programs(_default_folder())
    connection = await db.connect(dsn)
    try:
        assert await run_programs(connection, programs) is False
        name, text = programs[-1]
        changed = [*programs[:-1], (name, text + "\n-- a later release")]
        assert await run_programs(connection, changed) is True
        assert await run_programs(connection, changed) is False
        assert await run_programs(connection, programs) is True
        broken = [*programs, ("broken.sql", "DROP VIEW access.rules CASCADE; SELECT 1 / 0")]
        with pytest.raises(db.DbError):
            await run_programs(connection, broken)
        assert await connection.fetchval("SELECT to_regclass('access.rules') IS NOT NULL")
        assert await run_programs(connection, programs) is False
    finally:
        await connection.close()


async def test_an_old_row_that_names_another_patient_stays_hidden_after_the_migration(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    await migrate(dsn, keys, migrations=find_migrations()[:7])
    connection = await db.connect(dsn)
    try:
        for statement in ROWS:
            await connection.execute(statement)
        await migrate(dsn, keys)
        row = await connection.fetchrow("SELECT from_version, to_version FROM vault.other_patient LIMIT 1")
        assert (row["from_version"], row["to_version"]) == (1, None)
    finally:
        await connection.close()
