"""One typed function for each query of `store.sql`. Only the chain imports this."""

from collections.abc import AsyncIterator
from typing import Final

from fellesjournal.access.chain.model import Row, Seal
from fellesjournal.kit.db import Connection, Database, sql_file
from fellesjournal.kit.db import Row as Record

_SQL = sql_file("fellesjournal.access.chain")
_AT_ONCE: Final = 20_000
END: Final = (2**64 - 1, 2**63 - 1)
"""A place after every other of an era."""


async def next_seal(conn: Connection, *, limit: int, format_: int) -> tuple[Seal, bytes] | None:
    """The next batch as a seal that nobody has signed, and its rows' marks; None when nothing waits."""
    row = await conn.fetchrow(_SQL.next_seal, limit)
    return None if row is None else (_seal(row, format_), row["marks"])


async def put_seal(conn: Connection, seal: Seal, *, marks: bytes) -> None:
    """Add a seal to the chain."""
    await conn.execute(
        _SQL.put_seal, seal.number, seal.format, seal.era, str(seal.from_xid), seal.from_pos, str(seal.to_xid),
        seal.to_pos, seal.rows, seal.digest, marks, seal.previous, str(seal.seen_xid), seal.seen_at, seal.seal,
        seal.key, seal.signature,
    )  # fmt: skip


async def seals(db: Database, *, start: int, limit: int) -> list[Seal]:
    """Seals from a number on, oldest first, at most a thousand."""
    return [_seal(row, row["format"], signed=True) for row in await db.fetch(_SQL.seals, start, limit)]


async def marks(db: Database, number: int) -> bytes:
    """The marks of one seal's rows; empty when there is no such seal."""
    return await db.fetchval(_SQL.marks, number) or b""


async def lines(
    db: Database, *, era: int, after: tuple[int, int], until: tuple[int, int]
) -> AsyncIterator[list[Row]]:
    """Rows of an era after one place (xid, pos), up to and with another, in order, some thousands at a time."""
    while True:
        found = await db.fetch(_SQL.lines, era, str(after[0]), after[1], str(until[0]), until[1], _AT_ONCE)
        rows = [Row(int(one["xid"]), one["pos"], one["at"], one["line"]) for one in found]
        if rows:
            yield rows
            after = rows[-1].xid, rows[-1].pos
        if len(rows) < _AT_ONCE:
            return


async def eras(db: Database) -> list[tuple[int, bool]]:
    """The eras that rows say they are of, and whether there was such a one."""
    return [(row["era"], row["is_known"]) for row in await db.fetch(_SQL.eras)]


async def changed_devices(db: Database) -> list[str]:
    """The keys of devices whose name was changed afterwards."""
    return [row["key"] for row in await db.fetch(_SQL.changed_devices)]


def _seal(row: Record, format_: int, *, signed: bool = False) -> Seal:
    more = {name: row[name] for name in ("seal", "key", "signature")} if signed else {}
    return Seal(
        number=row["number"], format=format_, era=row["era"], from_xid=int(row["from_xid"]), from_pos=row["from_pos"],
        to_xid=int(row["to_xid"]), to_pos=row["to_pos"], rows=row["rows"], digest=row["digest"],
        seen_xid=int(row["seen_xid"]), seen_at=row["seen_at"], previous=row["previous"], **more,
    )  # fmt: skip
