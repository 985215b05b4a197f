"""What the policies cost a search: its own functions, and copies of them over copied tables that have no policies.

The copies stand in a schema that only the bench has; nothing in the product can switch a policy off. Decision, seal and
log are the same on both sides.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.bulk import CODES, Bulk
from bench.site import Site
from fellesjournal.identity.cookies import secret_of
from fellesjournal.kit import db
from fellesjournal.kit.ids import decode
from fellesjournal.record.search import Chart, Compiled, Listing, compile_search, parse_search

_TABLES: Final = (
    "resource", "sp_token", "sp_reference", "sp_date", "sp_quantity", "sp_string", "sp_uri", "sp_composite",
)  # fmt: skip
_FUNCTIONS: Final = ("is_few", "is_few_beyond", "run_chart", "run_list", "search_charts", "search_list")
_COPIED: Final = re.compile(rf"\bvault\.({'|'.join((*_TABLES, *_FUNCTIONS))})\b")
_CHARTS: Final = "SELECT count(*) FROM {}.search_charts($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
_LIST: Final = "SELECT count(*) FROM {}.search_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_CALLS, _ROUNDS, _BATCH = 200, 7, 8


@dataclass(frozen=True)
class PredicateCost:
    """Processor µs of the database for one search, the least of interleaved rounds."""

    what: str
    with_us: float
    without_us: float

    @property
    def added(self) -> float:
        """The policies' own, as a share of the search without them."""
        return self.with_us / self.without_us - 1


async def measure_predicates(site: Site, filled: Bulk, *, token: str) -> list[PredicateCost]:
    """A patient's 20 newest by code, eight in a call; a unit's work list of 20."""
    await _make_copies(site)
    secret = secret_of(token) or b""
    charts, lists = _chart_calls(site, filled, secret), _list_calls(site, filled, secret)
    async with await db.Database.connect(site.settings, site.keys, "fj_web", max_size=1) as web:
        return [
            await _measure(site, web, "a patient's 20 newest by code", _CHARTS, charts, searches=_BATCH),
            await _measure(site, web, "a unit's work list of 20", _LIST, lists, searches=1),
        ]


async def _make_copies(site: Site) -> None:
    async with site.admin() as admin:
        await admin.execute("DROP SCHEMA IF EXISTS bench_open CASCADE; CREATE SCHEMA bench_open")
        await admin.execute("GRANT USAGE ON SCHEMA bench_open TO fj_web")
        for table in _TABLES:
            await admin.execute(f"CREATE TABLE bench_open.{table} (LIKE vault.{table} INCLUDING ALL)")
            await admin.execute(f"INSERT INTO bench_open.{table} SELECT * FROM vault.{table}")
            await admin.execute(f"VACUUM ANALYZE bench_open.{table}")
        for name in _FUNCTIONS:
            text = await admin.fetchval("SELECT pg_get_functiondef($1::regproc)", f"vault.{name}")
            await admin.execute(_open(str(text)))
        await admin.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bench_open TO fj_web")


def _open(text: str) -> str:
    return _COPIED.sub(r"bench_open.\1", text)


def _chart_calls(site: Site, filled: Bulk, secret: bytes) -> list[list[Any]]:
    calls = []
    for start in range(0, 40, _BATCH):
        asked = [(patient, CODES[place % 5]) for place, patient in enumerate(filled.patients[start : start + _BATCH])]
        compiled = [_compiled_chart(site, *one) for one in asked]
        calls.append([
            [secret] * len(asked), ["{" + str(_pid(patient)) + "}" for patient, _ in asked], ["search"] * len(asked),
            [c.kind for c in compiled], [c.sql for c in compiled], [c.cut for c in compiled],
            [x for c in compiled for x in c.i], [len(c.i) for c in compiled],
            [x for c in compiled for x in c.t], [len(c.t) for c in compiled],
            [x for c in compiled for x in c.d], [len(c.d) for c in compiled],
            [x for c in compiled for x in c.f], [len(c.f) for c in compiled],
        ])  # fmt: skip
    return calls


def _compiled_chart(site: Site, patient: str, code: str) -> Compiled:
    asked = [("patient", patient), ("code", f"http://loinc.org|{code}"), ("_sort", "-date"), ("_count", "20")]
    scope = Chart((_pid(patient),))
    return compile_search(parse_search("Observation", asked), scope=scope, hash64=site.keys.hash64, is_alone=True)


def _list_calls(site: Site, filled: Bulk, secret: bytes) -> list[list[Any]]:
    unit, calls = _pid(filled.unit), []
    for status in ("requested", "accepted"):
        owner = ("owner", f"Organization/{filled.unit}")
        asked = [owner, ("status", status), ("_sort", "-authored-on"), ("_count", "20")]
        c = compile_search(parse_search("Task", asked), scope=Listing(unit), hash64=site.keys.hash64, is_alone=True)
        calls.append([secret, unit, c.kind, c.choices, c.probes, c.cut, c.i, c.t, c.d, c.f])
    return calls


def _pid(id_: str) -> int:
    return (decode(id_) or (0, 0))[1]


async def _measure(
    site: Site, web: db.Database, what: str, query: str, calls: Sequence[list[Any]], *, searches: int
) -> PredicateCost:
    with_us, without_us = list[float](), list[float]()
    place = {_CHARTS: 4, _LIST: 3}[query]
    opened = [[_opened(one) if n == place else one for n, one in enumerate(call)] for call in calls]
    for _ in range(_ROUNDS):
        with_us.append(await _round(site, web, query.format("vault"), calls) / searches)
        without_us.append(await _round(site, web, query.format("bench_open"), opened) / searches)
    return PredicateCost(what, min(with_us), min(without_us))


def _opened(texts: list[str]) -> list[str]:
    return [_open(text) for text in texts]


async def _round(site: Site, web: db.Database, query: str, calls: Sequence[list[Any]]) -> float:
    postgres = site.postgres()
    before = postgres.cpu_s()
    for number in range(_CALLS):
        await web.fetch(query, *calls[number % len(calls)])
    return (postgres.cpu_s() - before) / _CALLS * 1e6
