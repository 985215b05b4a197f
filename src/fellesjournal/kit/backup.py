"""Backup and restore of the whole database in one encrypted file, with proof that every row came back.

The file holds a dump by PostgreSQL's own pg_dump and, before it, the roles that own things and a count and hash of
every table's rows, all from one snapshot. Restoring reads the whole file through first, so that a damaged file changes
nothing, runs in one transaction, compares the hashes, and gives the database a new epoch.

The key file is not in the backup: search hashes need it, so keep a copy of it apart. A backup from another
key file is refused.
"""

import asyncio
import hashlib
import json
import os
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fellesjournal.kit import db
from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.migrate import ensure_admin, ensure_database, ensure_roles, renew_epoch
from fellesjournal.kit.postgres_programs import find_client
from fellesjournal.kit.sealed_file import PIECE_BYTES, SealedFileError, Sealer, sealed_output, unseal
from fellesjournal.kit.settings import Settings

RowHashes = dict[str, tuple[int, str]]
Progress = Callable[[int], None]


class BackupError(Exception):
    """The backup could not be made or restored; the text says why, and nothing is half done."""


@dataclass(frozen=True)
class Report:
    """What was saved or brought back: rows and hash of every table, and the bytes of the dump."""

    tables: RowHashes
    dump_bytes: int
    epoch: str

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(count for count, _ in self.tables.values())


async def backup(
    settings: Settings,
    keys: Keys,
    out: Path,
    *,
    passphrase: str | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Write an encrypted backup; `out` appears only when it is whole and on disk, and is never overwritten.

    The file is opened by the passphrase if one is given, else by the key `backup` of the key file.
    Raises BackupError, DatabaseUnavailable.
    """
    _refuse_overwrite(out)
    dsn = db.admin_dsn(settings, keys)
    with sealed_output(out, key_file_key=keys.current("backup"), passphrase=passphrase) as sealer:
        return await _write_backup(settings, dsn, keys, sealer, on_progress)


async def restore(
    settings: Settings,
    keys: Keys,
    file: Path,
    *,
    passphrase: str | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Bring a backup back into an empty database, which is made if it is missing; then prove that all rows are there.

    Raises BackupError: the database isn't empty, the file is damaged, cut off, made with another key file or by a newer
    PostgreSQL, or the rows differ afterwards. Until the file is read through and found whole, nothing is changed.
    """
    dsn = db.admin_dsn(settings, keys)
    manifest = await asyncio.to_thread(verify, keys, file, passphrase=passphrase)
    _check_key_file(manifest, keys)
    await ensure_admin(dsn, keys)
    await ensure_database(dsn)
    connection = await db.connect(dsn)
    try:
        server = await _check_target(connection, manifest)
        await ensure_roles(connection, keys)
        await _ensure_owners(connection, manifest)
        program = find_client("pg_restore", settings.pg_bin, server=server)
        size = await _run_restore(program, dsn, _open_dump(keys, file, passphrase), on_progress)
        tables = await row_hashes(connection)
        _compare(_hashes(manifest), tables)
        epoch = await renew_epoch(connection)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return Report(tables=tables, dump_bytes=size, epoch=epoch)


def verify(keys: Keys, file: Path, *, passphrase: str | None = None) -> dict[str, Any]:
    """Read a backup through; what it says of itself.

    Raises BackupError if it is damaged, cut off, or not ours to open.
    """
    try:
        with file.open("rb") as source:
            manifest, pieces = _split(
                unseal(source, key_file_keys=keys.versions("backup"), passphrase=passphrase)
            )
            for _ in pieces:
                pass
    except (SealedFileError, OSError, ValueError) as error:
        raise BackupError(f"{file}: {error}") from error
    return manifest


async def row_hashes(connection: db.Connection) -> RowHashes:
    """Count and hash of the rows of every table that a backup keeps, whatever their order. All from one snapshot.

    A table that row-level security hides from this role is an error, never a wrong answer.
    """
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return await _row_hashes(connection)


_LOCAL_SETTINGS = """SET LOCAL row_security = off;
SET LOCAL statement_timeout = 0; SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex'; SET LOCAL search_path = ''"""
_TABLES = r"""SELECT format('%I.%I', n.nspname, c.relname) AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\_%'
AND n.nspname <> 'information_schema'
ORDER BY 1"""
_HASH = """SELECT count(*) AS n,
    coalesce(sum(('x' || left(h, 16))::bit(64)::bigint::numeric), 0)::text AS a,
    coalesce(sum(('x' || substr(h, 17, 16))::bit(64)::bigint::numeric), 0)::text AS b
FROM (SELECT encode(sha256(convert_to(t::text, 'UTF8')), 'hex') AS h FROM {table} AS t) AS hashed"""
_OWNERS = r"""SELECT rolname FROM pg_roles
WHERE NOT rolcanlogin AND NOT rolsuper AND rolname NOT LIKE 'pg\_%' ORDER BY rolname"""
_MEMBERS = r"""SELECT g.rolname AS role, m.rolname AS member
FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE g.rolname NOT LIKE 'pg\_%' AND NOT m.rolsuper ORDER BY 1, 2"""
_EMPTY = r"""SELECT NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname NOT LIKE 'pg\_%'
AND n.nspname <> 'information_schema')"""


async def _row_hashes(connection: db.Connection) -> RowHashes:
    await connection.execute(_LOCAL_SETTINGS)
    hashes: RowHashes = {}
    for table in await connection.fetch(_TABLES):
        # The name comes from the catalogue, quoted by the server.
        row = await connection.fetchrow(_HASH.format(table=table["name"]), timeout=3600)
        if row is None:
            raise BackupError(f"no answer about {table['name']}")
        digest = hashlib.sha256(f"{row['n']}:{row['a']}:{row['b']}".encode()).hexdigest()
        hashes[table["name"]] = (row["n"], digest)
    return hashes


async def _write_backup(
    settings: Settings, dsn: Dsn, keys: Keys, sealer: Sealer, on_progress: Progress | None
) -> Report:
    connection = await db.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            manifest = await _manifest(connection, keys)
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            content = json.dumps(manifest).encode()
            sealer.write(struct.pack(">I", len(content)) + content)
            argv = [*_DUMP, f"--snapshot={snapshot}", f"--dbname={dsn.url()}"]
            size = await _dump(settings, dsn, argv, manifest["server"], sealer, on_progress)
    finally:
        await connection.close()
    return Report(tables=_hashes(manifest), dump_bytes=size, epoch=manifest["epoch"])


# Unlogged tables hold only what may be gone after a crash.
_DUMP = ("--format=custom", "--compress=3", "--no-unlogged-table-data", "--no-password")
_RESTORE = ("--single-transaction", "--exit-on-error", "--no-password")


async def _manifest(connection: db.Connection, keys: Keys) -> dict[str, Any]:
    return {
        "format": 1,
        "server": await connection.fetchval("SELECT current_setting('server_version_num')::int / 10000"),
        "epoch": await connection.fetchval("SELECT epoch::text FROM kit.installation"),
        "key_file": _fingerprint(keys),
        "owners": [row["rolname"] for row in await connection.fetch(_OWNERS)],
        "members": [[row["role"], row["member"]] for row in await connection.fetch(_MEMBERS)],
        "tables": await _row_hashes(connection),
    }


async def _dump(
    settings: Settings, dsn: Dsn, argv: list[str], server: int, sealer: Sealer, on_progress: Progress | None
) -> int:
    size = 0
    async with _program(find_client("pg_dump", settings.pg_bin, server=server), argv, dsn) as process:
        while content := await process.stdout.read(PIECE_BYTES):
            sealer.write(content)
            size += len(content)
            if on_progress:
                on_progress(size)
    return size


async def _run_restore(program: Path, dsn: Dsn, pieces: Iterator[bytes], on_progress: Progress | None) -> int:
    size = 0
    async with _program(program, [*_RESTORE, f"--dbname={dsn.url()}"], dsn) as process:
        for content in pieces:
            size += len(content)
            await _feed(process.stdin, content)
            if on_progress:
                on_progress(size)
        process.stdin.close()
    return size


def _open_dump(keys: Keys, file: Path, passphrase: str | None) -> Iterator[bytes]:
    with file.open("rb") as source:
        _, pieces = _split(unseal(source, key_file_keys=keys.versions("backup"), passphrase=passphrase))
        yield from pieces


async def _feed(pipe: Any, content: bytes) -> None:
    try:
        pipe.write(content)
        await pipe.drain()
    except ConnectionError:
        # The program has ended early; its own message says why.
        return


@asynccontextmanager
async def _program(path: Path, argv: list[str], dsn: Dsn) -> AsyncIterator[Any]:
    """Run one of PostgreSQL's programs; raises BackupError with its first words when it fails."""
    process = await asyncio.create_subprocess_exec(
        path,
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", ""), "PGAPPNAME": "fellesjournal backup"}
        | dsn.libpq_environment(),
        limit=4 * PIECE_BYTES,
    )
    words = asyncio.create_task(_first_words(process.stderr))
    try:
        yield process
        code = await process.wait()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if code:
        raise BackupError(f"{path.name} failed: {await words}")


async def _first_words(pipe: asyncio.StreamReader | None) -> str:
    """The first line only: those that follow may quote rows. Reads to the end."""
    text = await pipe.read(-1) if pipe else b""
    return text[:2000].decode(errors="replace").partition("\n")[0]


def _refuse_overwrite(out: Path) -> None:
    if out.exists():
        raise BackupError(f"{out} is there already")


def _split(pieces: Iterator[bytes]) -> tuple[dict[str, Any], Iterator[bytes]]:
    """The manifest, and the dump that follows it."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= 4 and len(held) >= 4 + struct.unpack(">I", held[:4])[0]:
            break
    end = 4 + struct.unpack(">I", held[:4])[0] if len(held) >= 4 else 0
    if not end or len(held) < end:
        raise SealedFileError("the file is cut off")
    return json.loads(bytes(held[4:end])), _chain(bytes(held[end:]), pieces)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


async def _check_target(connection: db.Connection, manifest: dict[str, Any]) -> int:
    """The server's major version."""
    if not await connection.fetchval(_EMPTY):
        raise BackupError("the database is not empty: restore only into a new one")
    server = await connection.fetchval("SELECT current_setting('server_version_num')::int / 10000")
    if server < manifest["server"]:
        raise BackupError(f"the backup was made by PostgreSQL {manifest['server']}, this server is {server}")
    return int(server)


async def _ensure_owners(connection: db.Connection, manifest: dict[str, Any]) -> None:
    """The roles that own tables and functions belong to the server, not to the dump of one database."""
    for role in manifest["owners"]:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {_quoted(role)} NOLOGIN")
    for role, member in manifest["members"]:
        await connection.execute(f"GRANT {_quoted(role)} TO {_quoted(member)}")


def _check_key_file(manifest: dict[str, Any], keys: Keys) -> None:
    if manifest["key_file"] != _fingerprint(keys):
        raise BackupError(
            "the backup belongs to another key file: put back the keys.json that it was made with"
        )


def _fingerprint(keys: Keys) -> str:
    """Tells two hash keys apart without telling them."""
    return hashlib.blake2b(b"fingerprint", key=keys.current("hash"), digest_size=8).hexdigest()


def _compare(saved: RowHashes, restored: RowHashes) -> None:
    differing = sorted(
        name for name in saved.keys() | restored.keys() if saved.get(name) != restored.get(name)
    )
    if differing:
        raise BackupError(f"rows differ after the restore: {', '.join(differing)}; do not use this database")


def _hashes(manifest: dict[str, Any]) -> RowHashes:
    return {name: (count, digest) for name, (count, digest) in manifest["tables"].items()}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


__all__ = ["BackupError", "Report", "backup", "restore", "row_hashes", "verify"]
