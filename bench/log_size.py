"""A log of millions of rows over a year: what the citizen's and the reviewers' questions cost, sealing, room.

As many rows for each patient, reader and unit as in a municipality's log of 50 million a year, so that each question
finds as much as it would there: 250, 25,000 and 250,000. Only how many patients, readers and units there are differs.
The indexes are built over the filled log, so that their size is the least that they can have.
"""

import random
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from bench.site import Site
from fellesjournal.access import chain
from fellesjournal.kit import db

FOR_PATIENT, FOR_READER, FOR_UNIT = 250, 25_000, 250_000
_AT_ONCE: Final = 100_000
_SEALED: Final = 500_000
"""So many are sealed and verified: that has the same pace however many there are."""
_ASKED: Final = 60
_FIRST: Final = 900_000_000
"""Numbers of people and units that nobody else has."""

_MONTHS = """
DO $$ DECLARE m timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
BEGIN
  FOR i IN 1..12 LOOP
    EXECUTE format('CREATE TABLE IF NOT EXISTS access.log_%s PARTITION OF access.log FOR VALUES FROM (%L) TO (%L)',
                   to_char((m - make_interval(months => i)) AT TIME ZONE 'UTC', 'YYYYMM'),
                   m - make_interval(months => i), m - make_interval(months => i - 1));
  END LOOP;
END $$"""

_ROWS = """
INSERT INTO access.log (at, event, session, person, role, licence, unit, controller, patient,
                        action, kind, kinds, what, purpose, ground, ground_ref, device, outcome)
SELECT now() - interval '1 year' + interval '1 year' * (n::float8 / $1), n, 1 + n / 40, $2 + (random() * $4)::bigint,
       'lege', '9144897', $2 + (random() * $5)::bigint, $2, $2 + (random() * $3)::bigint,
       (ARRAY['search', 'read', 'list', 'open', 'write'])[1 + n % 5], 12, '{12,103}', ARRAY[n, n + 1, n + 2], 'TREAT',
       'FASTLEGE', n, 'bench', 0
FROM generate_series($6::bigint, $7::bigint) AS q (n)"""

_INDEXES = """
SELECT indexrelid::regclass::text AS name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS text
FROM pg_index WHERE indrelid = 'access.log'::regclass"""

_ASK = (
    "SELECT count(*) FROM access.log_of($1, $2, NULL, NULL, $3, $4, NULL, NULL, NULL, $5,"
    " NULL, NULL, NULL, NULL, NULL, $6)"
)
_PLAN = """EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF)
SELECT * FROM access.log l WHERE l.patient = {patient} AND l.at >= now() - interval '1 month' AND l.at < now()
ORDER BY l.at DESC, l.pos DESC LIMIT 400"""


@dataclass(frozen=True)
class Asked:
    """One kind of question, asked about many: milliseconds in the database."""

    what: str
    p50: float
    p95: float


@dataclass(frozen=True)
class LogSize:
    """What was measured. Rates in rows a second."""

    rows: int
    filled_s: float
    bytes_heap: float
    bytes_all: float
    asked: list[Asked]
    sealed_per_s: float
    verified_per_s: float
    plan: str


async def measure(site: Site, *, rows: int) -> LogSize:
    """Fill the log and ask it."""
    patients, readers, units = (max(rows // each, 2) for each in (FOR_PATIENT, FOR_READER, FOR_UNIT))
    async with _connected(site) as admin:
        await admin.execute(_MONTHS)
        some = min(rows, _SEALED)
        filled_s = await _fill(admin, range(some), rows, patients, readers, units)
        sealed, verified = await _sealed(site, some)
        filled_s += await _fill(admin, range(some, rows), rows, patients, readers, units)
        sizes = await admin.fetchrow(
            "SELECT sum(pg_relation_size(i.inhrelid)) AS heap, sum(pg_total_relation_size(i.inhrelid)) AS every"
            " FROM pg_inherits i WHERE i.inhparent = 'access.log'::regclass"
        )
        asked = [one async for one in _questions(admin, patients, readers, units)]
        plan = await admin.fetch(_PLAN.format(patient=_FIRST + patients // 2))
    return LogSize(
        rows, filled_s, float(sizes["heap"]) / rows, float(sizes["every"]) / rows, asked, sealed, verified,
        "\n".join(line[0] for line in plan),
    )  # fmt: skip


@asynccontextmanager
async def _connected(site: Site) -> AsyncIterator[Any]:
    async with site.admin() as admin:
        await admin.execute("SET search_path = public")
        yield admin


async def _fill(admin: Any, part: range, rows: int, patients: int, readers: int, units: int) -> float:
    """The indexes are taken away meanwhile: a year's log comes in a year, ours in minutes."""
    await admin.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
    began = time.perf_counter()
    indexes = await admin.fetch(_INDEXES)
    for index in indexes:
        await admin.execute(f"DROP INDEX {index['name']}")
    for start in part[::_AT_ONCE]:
        end = min(start + _AT_ONCE, part.stop) - 1
        await admin.execute(_ROWS, float(rows), _FIRST, patients - 1.0, readers - 1.0, units - 1.0, start, end)
    for index in indexes:
        await admin.execute(index["text"])
    await admin.execute("RESET synchronous_commit")
    await admin.execute("VACUUM ANALYZE access.log")
    return time.perf_counter() - began


async def _questions(admin: Any, patients: int, readers: int, units: int) -> AsyncIterator[Asked]:
    day = "now() - make_interval(days => {})"
    yield await _ask(admin, "a patient's newest 400", "patient", patients, None, 400)
    yield await _ask(admin, "a patient's whole year, for nobody's name", "patient", patients, None, 400, "ingen")
    yield await _ask(admin, "a reader's newest 200", "person", readers, None, 200)
    yield await _ask(admin, "a reader's 200 on one day of the year", "person", readers, day, 200)
    yield await _ask(admin, "a unit's 200 on one day of the year", "unit", units, day, 200)


async def _ask(
    admin: Any, what: str, key: str, many: int, day: str | None, limit: int, name: str | None = None
) -> Asked:
    chance, times = random.Random(7), list[float]()
    for _ in range(_ASKED):
        since = until = None
        if day is not None:
            asked = day.format(chance.randrange(2, 360))
            since, until = await admin.fetchrow(f"SELECT {asked}, {asked} + interval '1 day'")
        number = _FIRST + chance.randrange(many)
        began = time.perf_counter()
        await admin.fetchval(_ASK, key, number, since, until, name, limit)
        times.append((time.perf_counter() - began) * 1000)
    return Asked(what, statistics.median(times), statistics.quantiles(times, n=20)[18])


async def _sealed(site: Site, rows: int) -> tuple[float, float]:
    async with await db.Database.connect(site.settings, site.keys, "fj_worker", max_size=1) as worker:
        began = time.perf_counter()
        await chain.seal_log(worker, keys=site.keys)
        sealed = rows / (time.perf_counter() - began)
    async with await db.Database.connect(site.settings, site.keys, "fj_log", max_size=1) as reader:
        began = time.perf_counter()
        states = [state async for state in chain.log_verified(reader, keys=site.keys)]
        if {finding.what for finding in states[-1].findings} - {"misdated"} or states[-1].rows < rows:
            raise RuntimeError("the bench's log does not verify")
        return sealed, states[-1].rows / (time.perf_counter() - began)
