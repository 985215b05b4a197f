"""One typed function for each query of `store.sql`. For this room alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from fellesjournal.kit.db import Connection, Database, Row, sql_file
from fellesjournal.packages.model import Artifact, Package, rank

_SQL = sql_file("fellesjournal.packages")


class Begun(NamedTuple):
    """A package that is being installed: its id, how it stands (`installing`, `ready`, `other`, `removing`), and how
    many of its artifacts are in.
    """

    package: int
    state: str
    is_in: int


class Held(NamedTuple):
    """An installed definition: its number, its body as JSON, and since when it is there."""

    artifact: int
    rtype: str
    installed_at: datetime
    body: bytes


async def version(db: Database | Connection) -> int:
    """The number of the last change; 0 before the first."""
    number: int = await db.fetchval(_SQL.version)
    return number


async def find(db: Database | Connection, *, canonicals: Sequence[str], rtype: str | None) -> dict[str, int | None]:
    """The artifact that each canonical means; None for one that is not installed."""
    rows = await db.fetch(_SQL.find, list(canonicals), rtype)
    return {row["canonical"]: row["artifact"] for row in rows}


async def closure(db: Database | Connection, *, canonicals: Sequence[str], limit: int) -> dict[str, int | None]:
    """The StructureDefinitions that these canonicals mean, and those they stand on; None for what is not installed."""
    rows = await db.fetch(_SQL.closure, list(canonicals), limit)
    return {row["canonical"]: row["artifact"] for row in rows}


async def versions(db: Database | Connection, *, rtype: str, url: str, version: str | None) -> list[int]:
    """Every artifact of a type with this url, best first; of this version unless it is None."""
    return [row["artifact"] for row in await db.fetch(_SQL.versions, rtype, url, version)]


async def bodies(db: Database | Connection, *, artifacts: Sequence[int]) -> list[Held]:
    """Those that are still installed, in any order."""
    rows = await db.fetch(_SQL.bodies, list(artifacts))
    return [Held(row["artifact"], row["rtype"], row["installed_at"], row["body"].encode()) for row in rows]


async def begin_package(db: Database | Connection, package: Package, *, who: str) -> Begun:
    """Begin or go on with a package."""
    row = await db.fetchrow(
        _SQL.begin_package, package.name.name, package.name.version, rank(package.name.version), package.title,
        package.canonical, package.licence, package.fhir_version, package.source, package.sha256,
        _json(dict(package.dependencies)), _json(dict(package.left_out)), len(package.artifacts), package.examples, who,
    )  # fmt: skip
    if row is None:
        raise LookupError("no answer to the beginning of a package")
    return Begun(row["package"], row["state"], row["is_in"])


async def put_artifacts(
    db: Database | Connection, *, package: int, place: int, artifacts: Sequence[Artifact], package_version: str
) -> bool:
    """Put some in, numbered from `place` on; False when the package is not being installed."""
    columns = zip(*(_columns(one, package_version) for one in artifacts), strict=True)
    is_open: bool = await db.fetchval(_SQL.put_artifacts, package, place, *map(list, columns))
    return is_open


async def finish_package(db: Database | Connection, *, package: int, who: str) -> bool:
    """Show a package to everybody; False when not all of it is in."""
    is_whole: bool = await db.fetchval(_SQL.finish_package, package, who)
    return is_whole


async def begin_removal(db: Database | Connection, *, name: str, version: str, who: str) -> int | None:
    """Take a package out of sight; its id, None when there is none."""
    package: int | None = await db.fetchval(_SQL.begin_removal, name, version, who)
    return package


async def remove_artifacts(db: Database | Connection, *, package: int, limit: int) -> bool:
    """Delete some artifacts of a package that is being removed; whether there are more."""
    has_more: bool = await db.fetchval(_SQL.remove_artifacts, package, limit)
    return has_more


async def list_packages(db: Database | Connection) -> list[Row]:
    """Every package, by name and version."""
    rows: list[Row] = await db.fetch(_SQL.list_packages)
    return rows


async def list_artifacts(db: Database | Connection, *, package: int) -> list[Row]:
    """What stands in a package, by type and name."""
    rows: list[Row] = await db.fetch(_SQL.list_artifacts, package)
    return rows


async def read_package(
    db: Database | Connection, *, package: int, rtypes: Sequence[str], after: int, limit: int
) -> list[Row]:
    """The next bodies of some types, in the package's order."""
    rows: list[Row] = await db.fetch(_SQL.read_package, package, list(rtypes), after, limit)
    return rows


def _columns(one: Artifact, package_version: str) -> tuple[object, ...]:
    return (
        one.file, one.rtype, one.url, one.version, rank(one.version or package_version), one.standing, one.id, one.name,
        one.title, one.kind, _json(one.refs), _json(one.aliases), one.body.decode(),
    )  # fmt: skip


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
