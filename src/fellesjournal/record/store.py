"""One typed function for each query of `store.sql`, and the batch that point reads wait in. For `record` alone."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fellesjournal import fhir
from fellesjournal.kit.db import Connection, Database, DbError, Row, sql_file
from fellesjournal.record.rows import Columns

_SQL = sql_file("fellesjournal.record")
BATCH = 64


@dataclass(frozen=True)
class PointRead:
    """One row by its key. version 0 = the current one."""

    secret: bytes
    rtype: int
    slot: int
    pid: int
    version: int = 0


class Reads:
    """Point reads that wait are taken together: one call decides, logs and reads them all, one durable commit.

    No timer: whatever has come in when the call before it is done goes next, so that a lone read never waits.
    One call at a time gathers the most; a second one starts when more wait than a call takes.
    """

    def __init__(self, db: Database, *, width: int = 2) -> None:
        self._db = db
        self._width = width
        self._running = 0
        self._waiting: deque[tuple[PointRead, asyncio.Future[Row]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def read(self, item: PointRead) -> "asyncio.Future[Row]":
        """The row of `vault.read_many` for this read (status, version, updated, body)."""
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if not self._running or (self._running < self._width and len(self._waiting) > BATCH):
            self._running += 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                count = min(BATCH, len(self._waiting))
                await self._serve([self._waiting.popleft() for _ in range(count)])
        finally:
            self._running -= 1

    async def _serve(self, batch: list[tuple[PointRead, "asyncio.Future[Row]"]]) -> None:
        try:
            rows = await self._fetch([item for item, _ in batch])
        except DbError:
            # One bad item must not take the others with it.
            for item, future in batch:
                await self._serve_alone(item, future)
        except BaseException as error:
            _fail(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), row in zip(batch, rows, strict=True):
                if not future.done():
                    future.set_result(row)

    async def _serve_alone(self, item: PointRead, future: "asyncio.Future[Row]") -> None:
        try:
            rows = await self._fetch([item])
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for this read
            _fail([(item, future)], error)
        else:
            if not future.done():
                future.set_result(rows[0])

    async def _fetch(self, items: list[PointRead]) -> list[Row]:
        rows: list[Row] = await self._db.fetch(
            _SQL.read_many, [i.secret for i in items], [i.rtype for i in items], [i.slot for i in items],
            [i.pid for i in items], [i.version for i in items],
        )  # fmt: skip
        return rows


def _fail(batch: Sequence[tuple[PointRead, "asyncio.Future[Row]"]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error if isinstance(error, Exception) else ConnectionError("stopped"))


async def history_of(
    db: Database, *, secret: bytes, rtype: int, slot: int, pid: int, before: int, limit: int,
    since: datetime = fhir.OPEN_START, start: datetime = fhir.OPEN_START, end: datetime = fhir.OPEN_END,
) -> list[Row]:  # fmt: skip
    """Versions of one resource made since, and current in [start, end); newest first; row 0 has the status."""
    rows: list[Row] = await db.fetch(_SQL.history_of, secret, rtype, slot, pid, before, limit, since, start, end)
    return rows


async def search(
    db: Database | Connection, *, secret: bytes, patients: Sequence[int], unit: int, action: str, kind: int, sql: str,
    i: list[int], t: list[str], d: list[datetime], f: list[float],
) -> list[Row]:  # fmt: skip
    """Rows of a compiled search; the last one (k = -1) is the verdict: ok, refused or none."""
    rows: list[Row] = await db.fetch(
        _SQL.search, secret, list(patients), unit, action, kind, sql, i, t, d, f
    )
    return rows


async def write(conn: Database | Connection, *, secret: bytes, columns: Columns) -> list[Row]:
    """Write versions; one row each: (n, status, version, updated)."""
    rows: list[Row] = await conn.fetch(_SQL.write, secret, *columns.arguments())
    return rows


async def identify_number(db: Database, *, secret: bytes, rtype: int, h: int) -> list[Row]:
    """The person with a number's hash: rows (verdict, slot, pid, body)."""
    rows: list[Row] = await db.fetch(_SQL.identify_number, secret, rtype, h)
    return rows


async def identify_name(
    db: Database, *, secret: bytes, name_param: int, names: list[str], birth_param: int, born: datetime
) -> list[Row]:
    """People by names and birth date: rows (verdict, slot, pid, body)."""
    rows: list[Row] = await db.fetch(_SQL.identify_name, secret, name_param, names, birth_param, born)
    return rows


async def feed(db: Database, *, secret: bytes, xid: str, pos: int, limit: int) -> list[Row]:
    """The next entries of the history, oldest first; one row that is not `allowed` without the grant."""
    rows: list[Row] = await db.fetch(_SQL.feed, secret, xid, pos, limit)
    return rows


async def feed_at(db: Database, *, reader: str, epoch: str) -> tuple[str, int]:
    """Position of a reader; ('0', 0) at first or after a restore."""
    row: Any = await db.fetchrow(_SQL.feed_at, reader, epoch)
    return str(row["xid"]), int(row["pos"])


async def feed_reached(conn: Database | Connection, *, reader: str, epoch: str, xid: str, pos: int) -> None:
    """Remember a position."""
    await conn.fetch(_SQL.feed_reached, reader, epoch, xid, pos)


async def open_envelope(db: Database, *, secret: bytes, slot: int, pid: int) -> int | None:
    """The patient whose record one feed entry opens, for five minutes; None without the grant."""
    patient: int | None = await db.fetchval(_SQL.open_envelope, secret, slot, pid)
    return patient


async def stage_chunk(db: Database, *, secret: bytes, upload: int, n: int, content: bytes) -> int:
    """Stage one piece, in a transaction of its own: 200, 401 or 403."""
    status: int = await db.fetchval(_SQL.stage_chunk, secret, upload, n, content)
    return status


async def drop_upload(db: Database, *, secret: bytes, upload: int) -> None:
    """Throw away what was staged under a number and not kept."""
    await db.fetchval(_SQL.drop_upload, secret, upload)


async def keep_blob(conn: Connection, *arguments: Any) -> bool:
    """Make an upload the content of a version written in this transaction: the arguments of `vault.keep_blob`."""
    is_kept: bool = await conn.fetchval(_SQL.keep_blob, *arguments)
    return is_kept


async def read_chunk(
    db: Database, *, secret: bytes, rtype: int, slot: int, pid: int, version: int, n: int
) -> Row | None:
    """One piece of a version's content (bytes, digest, content); None when there is none to be shown."""
    row: Row | None = await db.fetchrow(_SQL.read_chunk, secret, rtype, slot, pid, version, n)
    return row


async def sweep_uploads(db: Database) -> int:
    """Throw away what was staged and never kept."""
    count: int = await db.fetchval(_SQL.sweep_uploads)
    return count
