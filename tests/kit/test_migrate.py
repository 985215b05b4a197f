"""Migrations: forward only, watched, one at a time."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.migrate import (
    Migration,
    MigrationError,
    find_migrations,
    installation,
    migrate,
    pending,
    renew_epoch,
)

FIRST = Migration(1, "0001_a.sql", "CREATE TABLE kit.a (x int); INSERT INTO kit.a VALUES (1);")
SECOND = Migration(2, "0002_b.sql", "ALTER TABLE kit.a ADD y int NOT NULL DEFAULT 7;")
_numbers = itertools.count()


@pytest.fixture
async def empty(embedded_server: tuple[Dsn, Keys], worker_id: str) -> AsyncGenerator[tuple[Dsn, Keys], None]:
    """A database that doesn't exist yet."""
    dsn, keys = embedded_server
    name = f"fj_m_{worker_id}_{next(_numbers)}"
    yield dsn.to(name), keys
    connection = await db.connect(dsn)
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.close()


async def _fetchval(dsn: Dsn, query: str) -> Any:
    connection = await db.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_files_run_once_in_order_and_keep_the_rows(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    assert await migrate(dsn, keys, migrations=[FIRST]) == ["0001_a.sql"]
    assert await migrate(dsn, keys, migrations=[FIRST, SECOND]) == ["0002_b.sql"]
    assert await migrate(dsn, keys, migrations=[FIRST, SECOND]) == []
    assert await _fetchval(dsn, "SELECT x + y FROM kit.a") == 8


async def test_two_processes_at_once_run_each_file_once(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    await migrate(dsn, keys, migrations=[])
    done = await asyncio.gather(*(migrate(dsn, keys, migrations=[FIRST, SECOND]) for _ in range(3)))
    assert sorted(name for names in done for name in names) == ["0001_a.sql", "0002_b.sql"]


async def test_changed_file_is_an_error(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    await migrate(dsn, keys, migrations=[FIRST])
    with pytest.raises(MigrationError, match=r"changed after it was run: 0001_a\.sql"):
        await migrate(dsn, keys, migrations=[replace(FIRST, text=FIRST.text + "\n")])


async def test_database_newer_than_the_release_is_an_error(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    await migrate(dsn, keys, migrations=[FIRST, SECOND])
    with pytest.raises(MigrationError, match="newer than this release"):
        await migrate(dsn, keys, migrations=[FIRST])


async def test_file_that_comes_too_late_is_an_error(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    await migrate(dsn, keys, migrations=[Migration(2, "0002_b.sql", "SELECT 1")])
    with pytest.raises(MigrationError, match=r"0001_a\.sql comes before"):
        await migrate(dsn, keys, migrations=[FIRST, Migration(2, "0002_b.sql", "SELECT 1")])


async def test_failing_file_leaves_nothing_behind(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    broken = Migration(2, "0002_b.sql", "CREATE TABLE kit.b (x int); SELECT 1/0;")
    with pytest.raises(MigrationError, match=r"0002_b\.sql failed"):
        await migrate(dsn, keys, migrations=[FIRST, broken])
    assert await _fetchval(dsn, "SELECT to_regclass('kit.a') IS NOT NULL AND to_regclass('kit.b') IS NULL")


async def test_demo_mark_is_set_when_the_database_is_made_and_never_after(empty: tuple[Dsn, Keys]) -> None:
    dsn, keys = empty
    await migrate(dsn, keys, migrations=[])
    await migrate(dsn, keys, demo=True, migrations=[])
    assert await _fetchval(dsn, "SELECT demo FROM kit.installation") is False
    with pytest.raises(db.DbError) as caught:
        await _fetchval(dsn, "UPDATE kit.installation SET demo = true")
    assert db.sqlstate(caught.value) == "FJ001"


async def test_epoch_is_renewed(admin: db.Database) -> None:
    async with admin.transaction() as tx:
        before = await installation(tx)
        assert await renew_epoch(tx) != before.epoch
        assert (await installation(tx)).demo is True


async def test_test_database_has_nothing_pending(admin: db.Database) -> None:
    async with admin.acquire() as connection:
        assert await pending(connection) == []
        missing = await pending(connection, [Migration(9999, "9999_x.sql", "")])
    assert missing == ["9999_x.sql"]


def test_files_need_numbers_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    assert [migration.number for migration in find_migrations(tmp_path)] == [1]
    (tmp_path / "0001_b.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match="same number"):
        find_migrations(tmp_path)
    (tmp_path / "0001_b.sql").rename(tmp_path / "two.sql")
    with pytest.raises(MigrationError, match=r"two\.sql"):
        find_migrations(tmp_path)
