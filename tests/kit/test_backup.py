"""Backup and restore: all rows or nothing, opened by the right key only."""

import io
import itertools
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.backup import BackupError, backup, restore, row_hashes, verify
from fellesjournal.kit.keys import create_keys
from fellesjournal.kit.migrate import installation
from fellesjournal.kit.sealed_file import PIECE_BYTES, SealedFileError, Sealer, unseal
from fellesjournal.kit.settings import Settings

_numbers = itertools.count()


def _url(dsn: Any) -> str:
    return f"postgresql://{dsn.user}:{dsn.password}@/{dsn.database}?host={dsn.host}&port={dsn.port}"


@pytest.fixture
async def source(database: Any) -> Settings:
    """Settings that name a database with rows in it."""
    async with await database.connect_admin() as admin:
        await admin.execute(
            "CREATE TABLE kit.chart (id int PRIMARY KEY, body text, at timestamptz, n numeric, raw bytea);"
            "INSERT INTO kit.chart "
            "SELECT g, 'æøå ' || g, '2026-10-25 02:30+02'::timestamptz + g * '1 s'::interval, "
            "g / 7.0, decode(md5(g::text), 'hex') FROM generate_series(1, 20000) g;"
            "CREATE UNLOGGED TABLE kit.passing (a int); INSERT INTO kit.passing VALUES (1);"
            "ALTER TABLE kit.chart ENABLE ROW LEVEL SECURITY; ALTER TABLE kit.chart FORCE ROW LEVEL SECURITY;"
            "GRANT SELECT ON kit.chart TO fj_web"
        )
    settings: Settings = replace(database.settings, database_url=_url(database.admin))
    return settings


@pytest.fixture
async def target(database: Any, source: Settings) -> AsyncGenerator[Settings, None]:
    """Settings that name a database which doesn't exist yet."""
    name = f"{database.admin.database}_r{next(_numbers)}"
    yield replace(source, database_url=_url(database.admin.to(name)), database_name=name)
    connection = await db.connect(database.admin)
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.close()


async def test_every_row_comes_back_and_the_epoch_is_new(
    database: Any, source: Settings, target: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "b.fj"
    seen: list[int] = []
    saved = await backup(source, database.keys, file, on_progress=seen.append)
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"generate_series" not in file.read_bytes()
    assert b"kit.chart" not in file.read_bytes()
    restored = await restore(target, database.keys, file)
    assert restored.tables == saved.tables
    assert saved.tables["kit.chart"][0] == 20000
    assert restored.epoch != saved.epoch
    assert restored.dump_bytes == saved.dump_bytes == seen[-1]
    connection = await db.connect(db.admin_dsn(target, database.keys))
    try:
        assert (await installation(connection)).demo is True
        assert await connection.fetchval("SELECT count(*) FROM kit.passing") == 0
        assert await connection.fetchval("SELECT has_table_privilege('fj_web', 'kit.chart', 'SELECT')")
        assert await connection.fetchval(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'kit.chart'::regclass"
        )
    finally:
        await connection.close()


async def test_the_content_of_binaries_is_in_the_backup_and_in_the_proof(
    database: Any, source: Settings, target: Settings, tmp_path: Path
) -> None:
    async with await database.connect_admin() as admin:
        await admin.execute(
            "INSERT INTO vault.blob_chunk (upload, n, session, patient, org, sens, content) "
            "SELECT 1, n, 1, 5, 1, 0, decode(repeat(md5(n::text), 24576), 'hex') FROM generate_series(0, 3) n;"
            "INSERT INTO vault.blob VALUES (1, 2, 1, 5, 1, 0, 1, 1572864, '\\x00', NULL, NULL)"
        )
    saved = await backup(source, database.keys, tmp_path / "b.fj")
    restored = await restore(target, database.keys, tmp_path / "b.fj")
    assert (saved.tables["vault.blob_chunk"][0], saved.tables["vault.blob"][0]) == (4, 1)
    assert restored.tables == saved.tables
    connection = await db.connect(db.admin_dsn(target, database.keys))
    try:
        await connection.execute("UPDATE vault.blob_chunk SET content = set_byte(content, 1000, 0) WHERE n = 2")
        assert (await row_hashes(connection))["vault.blob_chunk"] != saved.tables["vault.blob_chunk"]
    finally:
        await connection.close()


async def test_restore_refuses_a_database_with_content(database: Any, source: Settings, tmp_path: Path) -> None:
    await backup(source, database.keys, tmp_path / "b.fj")
    with pytest.raises(BackupError, match="not empty"):
        await restore(source, database.keys, tmp_path / "b.fj")


async def test_backup_overwrites_nothing_and_leaves_no_half_file(
    database: Any, source: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.fj").write_text("mine")
    with pytest.raises(BackupError, match="already"):
        await backup(source, database.keys, tmp_path / "b.fj")
    assert (tmp_path / "b.fj").read_text() == "mine"
    monkeypatch.setattr("fellesjournal.kit.backup._DUMP", ("--no-such-option",))
    with pytest.raises(BackupError, match="pg_dump failed"):
        await backup(source, database.keys, tmp_path / "c.fj")
    assert not list(tmp_path.glob("c*"))  # noqa: ASYNC240


@pytest.mark.parametrize("harm", ["cut", "cut a byte", "changed", "header", "longer", "empty"])
async def test_harmed_file_is_found_before_anything_is_restored(
    database: Any, source: Settings, target: Settings, tmp_path: Path, harm: str
) -> None:
    file = tmp_path / "b.fj"
    await backup(source, database.keys, file)
    content = bytearray(file.read_bytes())
    if harm == "changed":
        content[len(content) // 2] ^= 1
    elif harm == "header":
        content[60] ^= 1
    harmed = {
        "cut": content[: len(content) // 2],
        "cut a byte": content[:-1],
        "longer": content + b"x",
        "empty": b"",
    }
    file.write_bytes(bytes(harmed.get(harm, content)))
    with pytest.raises(BackupError):
        await restore(target, database.keys, file)
    connection = await db.connect(database.admin)
    try:
        assert not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", target.database_name)
    finally:
        await connection.close()


async def test_passphrase_opens_its_own_file_only(
    database: Any, source: Settings, target: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "b.fj"
    await backup(source, database.keys, file, passphrase="blåbær")
    for wrong in (None, "blabaer"):
        with pytest.raises(BackupError, match="passphrase"):
            await restore(target, database.keys, file, passphrase=wrong)
    await restore(target, database.keys, file, passphrase="blåbær")


async def test_backup_of_another_key_file_is_refused(
    database: Any, source: Settings, target: Settings, tmp_path: Path
) -> None:
    other = create_keys(tmp_path / "other")
    await backup(source, database.keys, tmp_path / "a.fj", passphrase="x")
    await backup(source, database.keys, tmp_path / "b.fj")
    with pytest.raises(BackupError, match="another key file"):
        await restore(target, other, tmp_path / "a.fj", passphrase="x")
    with pytest.raises(BackupError, match="does not open"):
        verify(other, tmp_path / "b.fj")


async def test_one_changed_value_changes_the_hash_and_the_order_of_rows_does_not(admin: db.Database) -> None:
    await admin.execute("CREATE TABLE kit.t (a int, b text); INSERT INTO kit.t VALUES (1, 'x'), (2, 'y')")
    hashes = []
    for statement in (
        "SELECT 1",
        "DELETE FROM kit.t WHERE a = 1; INSERT INTO kit.t VALUES (1, 'x')",
        "UPDATE kit.t SET b = 'z' WHERE a = 2",
    ):
        await admin.execute(statement)
        async with admin.acquire() as connection:
            hashes.append((await row_hashes(connection))["kit.t"])
    assert hashes[0] == hashes[1] != hashes[2]
    assert [count for count, _ in hashes] == [2, 2, 2]


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_sealed_file_gives_back_what_was_put_in(size: int) -> None:
    file, content = io.BytesIO(), bytes(range(256)) * (size // 256 + 1)
    sealer = Sealer(file, key_file_key=b"k" * 32)
    sealer.write(content[: size // 2])
    sealer.write(content[size // 2 : size])
    sealer.close()
    file.seek(0)
    assert b"".join(unseal(file, key_file_keys=[b"o" * 32, b"k" * 32])) == content[:size]


def test_pieces_that_change_places_are_found() -> None:
    file = io.BytesIO()
    sealer = Sealer(file, key_file_key=b"k" * 32)
    sealer.write(bytes(4 * PIECE_BYTES))
    sealer.close()
    raw = file.getvalue()
    piece = PIECE_BYTES + 16 + 4
    start = len(raw) - 4 * piece
    swapped = (
        raw[:start] + raw[start + piece : start + 2 * piece] + raw[start : start + piece] + raw[start + 2 * piece :]
    )
    for harmed in (swapped, raw[:-piece], raw[: start + piece] + raw[start + 2 * piece :]):
        with pytest.raises(SealedFileError):
            list(unseal(io.BytesIO(harmed), key_file_keys=[b"k" * 32]))
