"""The nightly analysis of the log: what it must know of people, and the days that it reads through.

As a system with the KONTROLL grant; the work is done by the database, a day at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fellesjournal.access.model import SessionOver
from fellesjournal.access.traits import KINDS, Hash64, KinCodes, reader_names, traits_of
from fellesjournal.kit.db import Database, Row, sql_file

_SQL = sql_file("fellesjournal.access", "review_store.sql")

AFTER_H: Final = 24
"""Hours after a day's end before it is read through, so that entries made the day after count."""
DAY_S: Final = 1800
"""The longest that the reading of a day may take."""
_READERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was read through: readings of records, days of readers, and findings."""

    on: date
    readings: int
    staff_days: int
    findings: int


async def keep_traits(
    db: Database, *, secret: bytes, people: Iterable[tuple[int, Sequence[Mapping[str, Any]]]], hash64: Hash64
) -> None:
    """Keep the traits of people: (patient, its Patient and RelatedPersons), in the place of what was kept of them."""
    patients: list[int] = []
    rows: list[tuple[int, str, int]] = []
    close = await _kin_codes(db)
    for patient, resources in people:
        patients.append(patient)
        rows += ((patient, kind, h) for one in resources for kind, h in traits_of(one, hash64, close=close))
    columns: Any = zip(*rows, strict=True) if rows else ((), (), ())
    owner, kind, h = (list(column) for column in columns)
    await db.execute(_SQL.keep_traits, secret, patients, _chars(KINDS), owner, _chars(kind), h)


async def tell_family(db: Database, *, secret: bytes) -> int:
    """Tell which patients are close family of which staff, by the traits: how many facts began or ended.

    Raises SessionOver without the grant.
    """
    changed = await db.fetchval(_SQL.tell_family, secret)
    if changed is None:
        raise SessionOver
    return int(changed)


async def _kin_codes(db: Database) -> KinCodes:
    return {(row["system"], row["code"]): row["kind"].decode() for row in await db.fetch(_SQL.kin_codes)}


async def keep_readers(db: Database, *, secret: bytes, hash64: Hash64) -> None:
    """Keep the family names of all who can sign in as staff."""
    last = 0
    while rows := await db.fetch(_SQL.readers, secret, last, _READERS):
        named = [(row["person"], h) for row in rows for h in reader_names(row["name"], hash64)]
        await db.execute(_SQL.keep_reader_names, secret, [person for person, _ in named], [h for _, h in named])
        last = rows[-1]["person"]


async def analyse(db: Database, *, secret: bytes, day: date) -> Day | None:
    """Read one day through, also again, in two transactions; None without the grant."""
    readers = await _in_time(db, _SQL.analyse_readers, secret, day)
    row = await _in_time(db, _SQL.analyse_readings, secret, day) if readers and readers[0] else None
    return Day(day, row["readings"], row["staff_days"], row["findings"]) if row else None


async def next_day(db: Database, *, secret: bytes) -> date | None:
    """The oldest day of the last 40 that is to be read through; None when there is none."""
    found: date | None = await db.fetchval(_SQL.analysis_day, secret, AFTER_H)
    return found


async def _in_time(db: Database, query: str, secret: bytes, day: date) -> Row | None:
    """The first row of what may take its time, in a transaction of its own."""
    async with db.transaction() as conn:
        await conn.execute(f"SET LOCAL statement_timeout = {DAY_S * 1000}")
        return await conn.fetchrow(query, secret, day, timeout=DAY_S)


def _chars(kinds: Iterable[str]) -> list[bytes]:
    return [kind.encode() for kind in kinds]
