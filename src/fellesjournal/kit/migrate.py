"""Migrations: numbered plain SQL files, forward only, each in a transaction, watched by checksums.

Before the files the login roles are made, with passwords from the key file. Files may assume that they exist.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from fellesjournal.kit import db
from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.embedded import ADMIN
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.programs import find_programs, run_programs

LOGIN_ROLES = ("fj_web", "fj_signin", "fj_worker", "fj_migrate", "fj_log")
LOCK_TIMEOUT_MS = 5_000
_LOCK_KEY = 7_166_141_025_316_001
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class MigrationError(Exception):
    """The database and this release don't fit together; the text says how."""


@dataclass(frozen=True)
class Migration:
    """One file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Installation:
    """What a database says of itself."""

    epoch: str
    demo: bool
    created_at: Any


def find_migrations(folder: Path | None = None) -> list[Migration]:
    """The files in order: of `folder`, else those in the package, else those at the top of the source tree.

    Raises MigrationError for a wrong name or a number twice.
    """
    place = folder or _default_folder()
    found = [_read(path) for path in sorted(place.glob("*.sql"))]
    numbers = [migration.number for migration in found]
    if len(set(numbers)) != len(numbers):
        raise MigrationError(f"{place}: two migrations have the same number")
    return found


async def ensure_admin(dsn: Dsn, keys: Keys) -> None:
    """Give the embedded server's administrator its newest password after a rotation.

    Raises MigrationError when the key file isn't the one that this database was made with.
    """
    if dsn.user != ADMIN:
        return
    passwords = [key.hex() for key in keys.versions(ADMIN)]
    for password in passwords:
        try:
            connection = await db.connect(dsn.to("postgres").as_role(user=ADMIN, password=password))
        except db.InvalidPassword:
            continue
        try:
            if password != passwords[0]:
                await connection.execute(f"ALTER ROLE {ADMIN} PASSWORD '{passwords[0]}'")
        finally:
            await connection.close()
        return
    raise MigrationError("the key file does not belong to this database: put back its own keys.json")


async def ensure_database(dsn: Dsn) -> bool:
    """Create the database of the Dsn if the server doesn't have it; True if it was made now."""
    connection = await db.connect(dsn.to("postgres"))
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", dsn.database):
            return False
        await connection.execute(f"CREATE DATABASE {_quoted(dsn.database)} TEMPLATE template0")
        return True
    finally:
        await connection.close()


async def migrate(
    dsn: Dsn, keys: Keys, *, demo: bool = False, migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Bring a database up to this release, as its administrator; the names of the files that were run.

    Makes the database, the login roles and the `kit` schema if they are missing. `demo` marks the database
    when it is made and has no effect later. Only one process migrates at a time, the others wait and then
    find nothing to do. Raises MigrationError when a file that was run has changed since or the database is
    newer than this release; a failing file is rolled back whole and stops the rest.
    """
    wanted = find_migrations() if migrations is None else migrations
    await ensure_admin(dsn, keys)
    await ensure_database(dsn)
    connection = await db.connect(dsn)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK_KEY})")
        await ensure_roles(connection, keys)
        await _ensure_kit(connection, demo=demo)
        ran = await _run_missing(connection, wanted)
        if migrations is None:
            await run_programs(connection, find_programs(_default_folder()))
        return ran
    finally:
        await connection.close()


async def ensure_roles(connection: Any, keys: Keys) -> None:
    """Make the login roles that are missing and give all of them the passwords of the key file."""
    for role in LOGIN_ROLES:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await _ignore_race(connection, f"CREATE ROLE {role} LOGIN")
        password = keys.role_password(role)
        await _retry_race(
            connection,
            f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{password}'",
        )


async def installation(connection: db.Connection) -> Installation:
    """What the database says of itself: its lineage and whether it is a demo."""
    row = await connection.fetchrow("SELECT epoch::text, demo, created_at FROM kit.installation")
    if row is None:
        raise MigrationError("the database has no installation row")
    return Installation(epoch=row["epoch"], demo=row["demo"], created_at=row["created_at"])


async def renew_epoch(connection: db.Connection) -> str:
    """Give the database a new lineage: readers of the feed from before a restore must start again."""
    return str(
        await connection.fetchval(
            "UPDATE kit.installation SET epoch = gen_random_uuid() RETURNING epoch::text"
        )
    )


async def pending(connection: db.Connection, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Names of the files that this release has and the database hasn't run."""
    wanted = find_migrations() if migrations is None else migrations
    if not await connection.fetchval("SELECT to_regclass('kit.migration') IS NOT NULL"):
        return [migration.name for migration in wanted]
    done = {row["number"] for row in await connection.fetch("SELECT number FROM kit.migration")}
    return [migration.name for migration in wanted if migration.number not in done]


_KIT = """
CREATE SCHEMA IF NOT EXISTS kit;
CREATE TABLE IF NOT EXISTS kit.migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    run_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS kit.installation (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    epoch uuid NOT NULL DEFAULT gen_random_uuid(),
    demo boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE OR REPLACE FUNCTION kit.refuse_demo_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    RAISE EXCEPTION 'the demo mark of a database can never change' USING ERRCODE = 'FJ001';
END $$;
CREATE OR REPLACE TRIGGER demo_is_for_ever BEFORE UPDATE OF demo ON kit.installation
    FOR EACH ROW WHEN (OLD.demo IS DISTINCT FROM NEW.demo) EXECUTE FUNCTION kit.refuse_demo_change();
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA kit TO fj_web, fj_signin, fj_worker, fj_migrate, fj_log;
GRANT SELECT ON kit.migration, kit.installation TO fj_web, fj_signin, fj_worker, fj_migrate, fj_log;
"""


async def _ensure_kit(connection: Any, *, demo: bool) -> None:
    async with connection.transaction():
        await connection.execute(_KIT)
        if not await connection.fetchval("SELECT 1 FROM kit.installation"):
            await connection.execute("INSERT INTO kit.installation (demo) VALUES ($1)", demo)
        await _close_to_public(connection)


async def _close_to_public(connection: Any) -> None:
    """Only our own roles come in, and none of them makes temporary tables (a copy of a database forgets this)."""
    if await connection.fetchval(
        "SELECT has_database_privilege('public', current_database(), 'TEMPORARY, CONNECT')"
    ):
        name = _quoted(await connection.fetchval("SELECT current_database()"))
        await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {', '.join(LOGIN_ROLES)}")
        await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")


async def _run_missing(connection: Any, wanted: Sequence[Migration]) -> list[str]:
    done = {
        row["number"]: row
        for row in await connection.fetch("SELECT number, name, checksum FROM kit.migration")
    }
    _check_history(done, {migration.number: migration for migration in wanted})
    missing = [migration for migration in wanted if migration.number not in done]
    for migration in missing:
        await _run(connection, migration)
    return [migration.name for migration in missing]


def _check_history(done: dict[int, db.Row], wanted: dict[int, Migration]) -> None:
    newer = sorted(set(done) - set(wanted))
    if newer:
        raise MigrationError(f"the database is newer than this release: it has run {done[newer[-1]]['name']}")
    changed = [row["name"] for number, row in done.items() if row["checksum"] != wanted[number].checksum]
    late = [
        migration.name
        for number, migration in wanted.items()
        if number not in done and number < max(done, default=0)
    ]
    if late:
        raise MigrationError(f"{late[0]} comes before a file that was run already; give it the next number")
    if changed:
        raise MigrationError(
            f"changed after it was run: {', '.join(sorted(changed))}; put the file back, write a new one"
        )


async def _run(connection: Any, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            await connection.execute(migration.text)
            await connection.execute(
                "INSERT INTO kit.migration (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number, migration.name, migration.checksum,
            )  # fmt: skip
    except db.DbError as error:
        raise MigrationError(f"{migration.name} failed and was rolled back: {error}") from error


async def _ignore_race(connection: Any, statement: str) -> None:
    try:
        await connection.execute(statement)
    except (db.DuplicateObject, db.UniqueViolation):
        # Another database of the same server was migrated at the same time.
        return


async def _retry_race(connection: Any, statement: str) -> None:
    """Roles belong to the whole server: two databases that are migrated at once may touch the same row."""
    for _ in range(20):
        try:
            await connection.execute(statement)
        except db.DbError as error:
            if "concurrently updated" not in str(error):
                raise
        else:
            return
    raise MigrationError(
        "could not set the password of a database role: another process changes it all the time"
    )


def _default_folder() -> Path:
    package = Path(str(files("fellesjournal")))
    packaged = package / "migrations"
    return packaged if packaged.is_dir() else package.parent.parent / "migrations"


def _read(path: Path) -> Migration:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise MigrationError(f"{path.name}: a migration is named like 0001_vault.sql")
    return Migration(number=int(match[1]), name=path.name, text=path.read_text("utf-8"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
