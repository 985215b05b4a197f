"""One typed function for each query of `store.sql`. For `record` alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from fellesjournal import fhir
from fellesjournal.access.model import AccessError, CloseFamily, NoNeed, SessionOver
from fellesjournal.kit.db import Connection, Database, Row, sql_file
from fellesjournal.record.rows import Columns
from fellesjournal.record.search import Compiled
from fellesjournal.record.waiting import Waiting

_SQL = sql_file("fellesjournal.record")
READS, SEARCHES = 64, 16
"""At most so many wait for one call."""
_PATIENCE = 8


class Hit(NamedTuple):
    """One row of a search (see `search.compile.COLUMNS`)."""

    k: int
    slot: int
    pid: int
    rtype: int
    version: int
    updated: datetime
    patient: int
    sort: datetime
    body: str


@dataclass(frozen=True)
class PointRead:
    """One row by its key. version 0 = the current one."""

    secret: bytes
    rtype: int
    slot: int
    pid: int
    version: int = 0


@dataclass(frozen=True)
class Question:
    """A compiled search, and the charts that it opens; none = the acting unit's lists."""

    secret: bytes
    compiled: Compiled
    patients: tuple[int, ...] = ()
    action: str = "search"


@dataclass(frozen=True)
class Answer:
    """What came of it: `ok`, `refused`, `family` for a close relative's chart, `none` when the secret opens nothing."""

    verdict: str
    hits: list[Hit]


def refusal(verdict: str) -> AccessError:
    """The refusal that a verdict other than `ok` stands for."""
    if verdict == "none":
        return SessionOver()
    return CloseFamily() if verdict == "family" else NoNeed()


def reads(db: Database) -> "Waiting[PointRead, Row]":
    """Point reads that wait; each gets its row of `vault.read_many` (status, version, updated, body)."""

    async def fetch(items: list[PointRead]) -> list[Row]:
        return await read_many(db, items)

    return Waiting(fetch, batch=READS, patience=_PATIENCE)


def chart_searches(db: Database) -> "Waiting[Question, Answer]":
    """Chart searches that wait."""

    async def fetch(items: list[Question]) -> list[Answer]:
        # Side by side, a reader's questions about one chart share its decision and its seal.
        order = sorted(range(len(items)), key=lambda n: (items[n].secret, items[n].patients))
        rows = await _search_charts(db, [items[n] for n in order])
        return [_answer(row) for _, row in sorted(zip(order, rows, strict=True))]

    return Waiting(fetch, batch=SEARCHES, patience=_PATIENCE)


async def search_chart(db: Database | Connection, question: Question) -> Answer:
    """One chart search alone: what takes long must not hold up others."""
    return _answer((await _search_charts(db, [question]))[0])


async def search_list(db: Database | Connection, question: Question, *, unit: int) -> Answer:
    """One search in the acting unit's lists."""
    c = question.compiled
    (row,) = await db.fetch(
        _SQL.search_list, question.secret, unit, c.kind, c.choices, c.probes, c.cut, c.i, c.t, c.d, c.f
    )  # fmt: skip
    return _answer(row)


async def _search_charts(db: Database | Connection, items: list[Question]) -> list[Row]:
    all_of = [q.compiled for q in items]
    rows: list[Row] = await db.fetch(
        _SQL.search_charts, [q.secret for q in items], [_array(q.patients) for q in items], [q.action for q in items],
        [c.kind for c in all_of], [c.sql for c in all_of], [c.cut for c in all_of],
        [x for c in all_of for x in c.i], [len(c.i) for c in all_of],
        [x for c in all_of for x in c.t], [len(c.t) for c in all_of],
        [x for c in all_of for x in c.d], [len(c.d) for c in all_of],
        [x for c in all_of for x in c.f], [len(c.f) for c in all_of],
    )  # fmt: skip
    return rows


def _array(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def _answer(row: Row) -> Answer:
    columns = tuple(row)
    return Answer(columns[0], list(map(Hit._make, zip(*columns[1:], strict=True))) if columns[1] else [])


async def read_many(conn: Database | Connection, items: Sequence[PointRead]) -> list[Row]:
    """Point reads, decided and logged: one row each (status, version, updated, body), in order."""
    rows: list[Row] = await conn.fetch(
        _SQL.read_many, [i.secret for i in items], [i.rtype for i in items], [i.slot for i in items],
        [i.pid for i in items], [i.version for i in items],
    )  # fmt: skip
    return rows


async def find_ids(conn: Database | Connection, *, secret: bytes, rtype: list[int], id: list[str]) -> list[Row]:
    """The rows (rtype, id, slot, pid) that ids which clients chose stand for to this reader."""
    rows: list[Row] = await conn.fetch(_SQL.find_ids, secret, rtype, id)
    return rows


async def lock_questions(conn: Connection, keys: Sequence[int]) -> None:
    """Wait for every other transaction that asks one of these questions before it writes; held until the commit."""
    await conn.fetch(_SQL.lock_questions, sorted(set(keys)))


async def claim_answer(conn: Connection, *, secret: bytes, key: bytes, request: bytes) -> tuple[str, bytes | None]:
    """(state, answer) of an idempotency key: new, again, other or none."""
    row: Any = await conn.fetchrow(_SQL.claim_answer, secret, key, request)
    return str(row["state"]), row["answer"]


async def keep_answer(
    conn: Connection, *, secret: bytes, key: bytes, request: bytes, status: int, answer: bytes
) -> None:
    """Keep the answer of the key that was claimed in this transaction."""
    await conn.fetch(_SQL.keep_answer, secret, key, request, status, answer)


async def forget_answers(db: Database) -> int:
    """Delete the answers that are older than a day; how many."""
    return int(await db.fetchval(_SQL.forget_answers))


async def history_of(
    db: Database | Connection, *, secret: bytes, rtype: int, slot: int, pid: int, before: int, limit: int,
    since: datetime = fhir.OPEN_START, start: datetime = fhir.OPEN_START, end: datetime = fhir.OPEN_END,
) -> list[Row]:  # fmt: skip
    """Versions of one resource made since, and current in [start, end); newest first; row 0 has the status."""
    rows: list[Row] = await db.fetch(_SQL.history_of, secret, rtype, slot, pid, before, limit, since, start, end)
    return rows


async def write(conn: Database | Connection, *, secret: bytes, columns: Columns) -> list[Row]:
    """Write versions; one row each: (n, status, version, updated, chosen)."""
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


async def stage_chunk(db: Database | Connection, *, secret: bytes, upload: int, n: int, content: bytes) -> int:
    """Stage one piece, in a transaction of its own: 200, 401 or 403."""
    status: int = await db.fetchval(_SQL.stage_chunk, secret, upload, n, content)
    return status


async def drop_upload(db: Database | Connection, *, secret: bytes, upload: int) -> None:
    """Throw away what was staged under a number and not kept."""
    await db.fetchval(_SQL.drop_upload, secret, upload)


async def keep_blob(conn: Connection, *arguments: Any) -> bool:
    """Make an upload the content of a version written in this transaction: the arguments of `vault.keep_blob`."""
    is_kept: bool = await conn.fetchval(_SQL.keep_blob, *arguments)
    return is_kept


async def read_chunk(
    db: Database | Connection, *, secret: bytes, rtype: int, slot: int, pid: int, version: int, n: int
) -> Row | None:
    """One piece of a version's content (bytes, digest, content); None when there is none to be shown."""
    row: Row | None = await db.fetchrow(_SQL.read_chunk, secret, rtype, slot, pid, version, n)
    return row


async def sweep_uploads(db: Database) -> int:
    """Throw away what was staged and never kept."""
    count: int = await db.fetchval(_SQL.sweep_uploads)
    return count


async def make_block(db: Database, *arguments: Any) -> Row:
    """Make a block: the arguments of `vault.make_block`; its verdict and number."""
    row: Row = await db.fetchrow(_SQL.make_block, *arguments)
    return row


async def lift_block(db: Database, *, secret: bytes, is_part: bool, number: int) -> str:
    """Lift one of the citizen's own blocks; the verdict."""
    verdict: str = await db.fetchval(_SQL.lift_block, secret, is_part, number)
    return verdict


async def own_blocks(db: Database, *, secret: bytes) -> list[Row]:
    """The citizen's own blocks, those in force first; empty for anybody else. Logged."""
    rows: list[Row] = await db.fetch(_SQL.own_blocks, secret)
    return rows


async def block_choices(db: Database, *, secret: bytes, patient: int) -> list[Row]:
    """What a block can be made of and against; empty for who may not make one."""
    rows: list[Row] = await db.fetch(_SQL.block_choices, secret, patient)
    return rows


async def release_due(db: Database) -> int:
    """Open for the citizen what was delayed and is due; how many rows."""
    count: int = await db.fetchval(_SQL.release_due)
    return count


async def reclassify(db: Database, *, people: int) -> int:
    """Look again at what is sensitive of the next so many people; how many were looked at."""
    return int(await db.fetchval(_SQL.reclassify, people))


async def withhold(
    db: Database, *, secret: bytes, patient: int, rows: Sequence[tuple[int, int]], ground: str, reason: str
) -> str:
    """Withhold rows (slot, number) from parents; the verdict."""
    slots, pids = [slot for slot, _ in rows], [pid for _, pid in rows]
    verdict: str = await db.fetchval(_SQL.withhold, secret, patient, slots, pids, ground, reason)
    return verdict


async def end_withholding(db: Database, *, secret: bytes, patient: int, withholding: int, reason: str) -> str:
    """End a withholding; the verdict."""
    verdict: str = await db.fetchval(_SQL.end_withholding, secret, patient, withholding, reason)
    return verdict


async def withheld_now(db: Database, *, secret: bytes, patient: int, pids: Sequence[int]) -> set[int]:
    """Those of these rows that parents don't see now."""
    return set(await db.fetchval(_SQL.withheld_now, secret, patient, list(pids)))
