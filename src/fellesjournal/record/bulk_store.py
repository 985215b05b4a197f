"""One typed function for each query of `bulk_store.sql`: bulk exports. For `record` alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from fellesjournal.kit.db import Connection, Database, Row, sql_file
from fellesjournal.record.search import Compiled

_SQL = sql_file("fellesjournal.record", "bulk_store.sql")


async def begin(
    conn: Connection, *, secret: bytes, id: int, request: str, has_directory: bool, wanted: Sequence[int] | None,
    types: Sequence[int], since: datetime, filters: str, elements: str, left_out: int, keep: timedelta,
) -> int:  # fmt: skip
    """Take an export in, in the caller's transaction: 202, 401, 403 or 429."""
    status: int = await conn.fetchval(
        _SQL.begin, secret, id, request, has_directory, None if wanted is None else list(wanted), list(types), since,
        filters, elements, left_out, keep,
    )  # fmt: skip
    return status


async def state(db: Database, *, secret: bytes, id: int) -> Row | None:
    """An export of the asker's own; None for that of another."""
    row: Row | None = await db.fetchrow(_SQL.state, secret, id)
    return row


async def cancel(db: Database, *, secret: bytes, id: int) -> bool:
    """Give an export up; False when there is none."""
    return bool(await db.fetchval(_SQL.cancel, secret, id))


async def piece(db: Database, *, secret: bytes, id: int, rtype: int, after: int) -> Row | None:
    """The next piece of a file; None after the last."""
    row: Row | None = await db.fetchrow(_SQL.piece, secret, id, rtype, after)
    return row


async def unfinished(db: Database) -> list[int]:
    """Exports with work to do, oldest first."""
    return [row["id"] for row in await db.fetch(_SQL.unfinished)]


async def following(db: Database, *, secret: bytes, id: int, limit: int) -> Row:
    """What an export needs next."""
    row: Row | None = await db.fetchrow(_SQL.next, secret, id, limit)
    if row is None:
        raise LookupError("export_next gives one row")
    return row


async def copy(
    conn: Connection, *, secret: bytes, id: int, patients: Sequence[int] | None, filters: Sequence[Compiled],
) -> str:  # fmt: skip
    """Copy the rows of these patients, or of the next type, in the caller's transaction."""
    done: str = await conn.fetchval(
        _SQL.copy, secret, id, None if patients is None else list(patients), [one.kind for one in filters],
        [one.sql for one in filters],
        [x for one in filters for x in one.i], [len(one.i) for one in filters],
        [x for one in filters for x in one.t], [len(one.t) for one in filters],
        [x for one in filters for x in one.d], [len(one.d) for one in filters],
        [x for one in filters for x in one.f], [len(one.f) for one in filters],
    )  # fmt: skip
    return done


async def fail(db: Database, *, secret: bytes, id: int) -> None:
    """Give up an export that can't be carried out."""
    await db.execute(_SQL.fail, secret, id)


async def sweep(db: Database) -> None:
    """Throw away what has run out."""
    await db.execute(_SQL.sweep)
