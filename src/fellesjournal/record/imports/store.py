"""One typed function for each query of `store.sql`: bulk imports. For `record` alone."""

from collections.abc import Sequence
from datetime import timedelta

from fellesjournal.kit.db import Connection, Database, Row, sql_file
from fellesjournal.record.imports.lines import Piece

_SQL = sql_file("fellesjournal.record.imports", "store.sql")


async def open_(
    db: Database, *, secret: bytes, id: int, request: str, source: str, names: Sequence[str],
    rtypes: Sequence[int | None],
) -> int:  # fmt: skip
    """Take an import in: 202, 401, 403 or 429."""
    status: int = await db.fetchval(_SQL.open, secret, id, request, source, list(names), list(rtypes))
    return status


async def stage(db: Database, *, secret: bytes, id: int, input: int, name: str, piece: Piece) -> bool:
    """Keep a piece of a file that is being sent; False when there is no such import."""
    return bool(
        await db.fetchval(
            _SQL.stage, secret, id, input, name, piece.rank, piece.n, piece.lines, piece.content
        )
    )


async def start(conn: Connection, *, secret: bytes, id: int) -> bool:
    """All is here that was to be sent, in the caller's transaction; False when there is no such import."""
    return bool(await conn.fetchval(_SQL.start, secret, id))


async def state(db: Database, *, secret: bytes, id: int) -> Row | None:
    """An import of the asker's own; None for that of another."""
    row: Row | None = await db.fetchrow(_SQL.state, secret, id)
    return row


async def cancel(db: Database, *, secret: bytes, id: int) -> bool:
    """Give an import up; False when there is none."""
    return bool(await db.fetchval(_SQL.cancel, secret, id))


async def errors(db: Database, *, secret: bytes, id: int, input: int, after: int, limit: int) -> list[Row]:
    """What was wrong with the lines of a file, after a line."""
    rows: list[Row] = await db.fetch(_SQL.errors, secret, id, input, after, limit)
    return rows


async def unfinished(db: Database) -> list[int]:
    """Imports with work to do, oldest first."""
    return [row["id"] for row in await db.fetch(_SQL.unfinished)]


async def session(db: Database, *, secret: bytes, id: int, secret_hash: bytes, max_s: int) -> Row:
    """Start the session that an import is written in; by the worker."""
    row: Row | None = await db.fetchrow(_SQL.session, secret, id, secret_hash, max_s)
    if row is None:
        raise LookupError("import_session gives one row")
    return row


async def to_fetch(db: Database, *, secret: bytes, id: int) -> Row | None:
    """The next file that is to be fetched; None when all are here."""
    row: Row | None = await db.fetchrow(_SQL.to_fetch, secret, id)
    return row


async def keep(db: Database, *, secret: bytes, id: int, input: int, piece: Piece) -> bool:
    """Keep a piece of a file that is being fetched; False when the import has been given up."""
    return bool(
        await db.fetchval(_SQL.keep, secret, id, input, piece.rank, piece.n, piece.lines, piece.content)
    )


async def fetched(db: Database, *, secret: bytes, id: int, input: int, error: str | None) -> None:
    """A file is here, or can't be had."""
    await db.execute(_SQL.fetched, secret, id, input, error)


async def take(conn: Connection, *, secret: bytes, id: int) -> Row:
    """The next piece, for as long as the caller's transaction lasts."""
    row: Row | None = await conn.fetchrow(_SQL.take, secret, id)
    if row is None:
        raise LookupError("import_take gives one row")
    return row


async def done(
    conn: Connection, *, secret: bytes, id: int, taken: Row, written: int, unchanged: int,
    errors: Sequence[tuple[int, str]], most: int,
) -> bool:  # fmt: skip
    """A piece is written, in the caller's transaction; False when it was another's."""
    return bool(
        await conn.fetchval(
            _SQL.done, secret, id, taken["rank"], taken["input"], taken["n"], written, unchanged,
            [line for line, _ in errors], [text for _, text in errors], most,
        )
    )  # fmt: skip


async def end(db: Database, *, secret: bytes, id: int, keep: timedelta) -> None:
    """No piece is left."""
    await db.execute(_SQL.end, secret, id, keep)


async def fail(db: Database, *, secret: bytes, id: int, keep: timedelta) -> None:
    """Give up an import that can't be carried out."""
    await db.execute(_SQL.fail, secret, id, keep)


async def sweep(db: Database) -> None:
    """Throw away what has run out."""
    await db.execute(_SQL.sweep)
