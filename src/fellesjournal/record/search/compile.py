"""From a `SearchQuery` to one SQL text for the vault: fixed pieces, every value a parameter.

Rows come as (k, slot, pid, rtype, version, updated, patient, sort, body, org), ordered by k and then as asked for:
`K_MATCH` a match, `K_INCLUDE` what goes along, `K_NOTICE` a notice (its body is one of the `NOTICE_…` words),
`K_TOTAL` the total (in pid), `K_MORE` there is a further page. Notices, totals and the like have patient 0
and no content, so that they don't count as shown.
"""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from fellesjournal import fhir
from fellesjournal.record.search.condition import Chosen, Writer
from fellesjournal.record.search.cursor import Cursor
from fellesjournal.record.search.drive import Driver, Order
from fellesjournal.record.search.include import INCLUDE_CAP, include_tables
from fellesjournal.record.search.model import SearchQuery
from fellesjournal.record.search.newest import newest_page
from fellesjournal.record.search.order import sort_sql
from fellesjournal.record.search.reading import Reader, reads
from fellesjournal.record.search.scope import OWN_DATE, Chart, Scope
from fellesjournal.record.search.sql import Params
from fellesjournal.record.search.together import Together

K_MATCH: Final = 0
K_INCLUDE: Final = 100
K_NOTICE: Final = 101
K_TOTAL: Final = 110
K_MORE: Final = 111
NOTICE_SORT: Final = "too-many-to-sort"
"""More than SORT_CAP matches for an order that no index has: no matches are sent; narrow the search."""
NOTICE_TEXT: Final = "too-many-to-read"
"""More to read than a search for words may: no matches are sent; narrow the search."""
NOTICE_INDEX: Final = "not-indexed"
"""A search parameter that was added is not ready, or gone: what was found may not be all."""
NOTICE_INCLUDES: Final = "more-includes"
"""More than INCLUDE_CAP rows to send along: the rest is left out."""
SORT_CAP: Final = 5000
ESTIMATE_CAP: Final = 5000
"""An estimated total stops counting here."""

NEWEST: Final = Order(by_change=False, descending=True)
COLUMNS: Final = "k, slot, pid, rtype, version, updated, patient, sort, body, org"


@dataclass(frozen=True)
class Compiled:
    """One search, ready for the vault.

    `choices` are plans of one answer over the same parameters. For each but the last there is a probe, five numbers:
    1 for a reference (0 a token), the parameter, where its hashes begin and end in `i`, and a cap; for what lies beyond
    a date or a number its kind, the parameter, where in `d` or `f` that is, where in `i` its unit (0 any), and a cap.
    The plan to run is the first whose probe finds no more rows of the unit than its cap, else the last.
    `cut` is where in `i` the number of rows stands that a page has, when the plan finds one more than that to tell
    whether there are more; else 0, and the plan marks it itself.
    """

    choices: list[str]
    i: list[int]
    t: list[str]
    d: list[datetime]
    f: list[float]
    kind: int
    probes: list[int] = field(default_factory=list)
    cut: int = 0

    @property
    def sql(self) -> str:
        """The plan when there is but one."""
        (sql,) = self.choices
        return sql


def compile_search(
    query: SearchQuery, *, scope: Scope, hash64: Callable[[str], int], after: Cursor | None = None,
    chosen: Chosen | None = None, is_alone: bool = False,
) -> Compiled:  # fmt: skip
    """SQL for one page of a search, from the start or after a cursor.

    `chosen` tells (slot, pid) of ids in `_id` that clients chose; ids that neither it nor `kit.ids` knows
    match nothing. With `is_alone` it is not made part of another: there may be several plans to choose from when it is
    run, and the vault cuts the page. Else there is one, with choice and cut inside it, which costs more to start.
    """
    params = Params()
    make = Together if query.parts else Reader if any(map(reads, query.clauses)) else Driver
    driver = make(query, scope, Writer(params, hash64, chosen or {}))
    probes = driver.probes(walk_order(query) or NEWEST) if is_alone else []
    choices, cut = list[str](), 0
    if is_alone and _is_plain(driver, query):
        params.number(query.count)
        cut = len(params.i)
    for choice in range(len(probes) + 1):
        driver.choice = choice if probes else None
        choices.append(_rows(driver, query, params, after) if cut else _sql(driver, query, scope, params, after))
    numbers = [number for probe in probes for number in probe]
    kind = fhir.TYPE_NUMBER.get(query.rtype, 0)
    return Compiled(choices, params.i, params.t, params.d, params.f, kind, numbers, cut)


@lru_cache(maxsize=1000)
def compile_first_page(query: SearchQuery, scope: Scope, hash64: Callable[[str], int]) -> Compiled:
    """The same for a first page, kept: a unit's lists are asked again and again in the same words."""
    return compile_search(query, scope=scope, hash64=hash64, is_alone=True)


def _is_plain(driver: Driver, query: SearchQuery) -> bool:
    """Whether there are only matches to find, in an order that an index has: no notice, no total, nothing beside."""
    beside = query.editions or query.includes or query.revincludes or query.newest
    bare = query.count and query.total == "none" and not beside
    return bool(bare) and walk_order(query) is not None and not isinstance(driver, Reader)


def _rows(driver: Driver, query: SearchQuery, params: Params, after: Cursor | None) -> str:
    """The matches of a plain page and one more."""
    order = walk_order(query) or NEWEST
    found = driver.matches(order, limit=params.number(query.count + 1), after=after)
    return f"SELECT {_row(K_MATCH, 'p.date')} FROM ({found}) p {_RESOURCE} ORDER BY {order.sql('p')}"


def _sql(driver: Driver, query: SearchQuery, scope: Scope, params: Params, after: Cursor | None) -> str:
    tables: list[str] = []
    selects: list[str] = []
    if isinstance(driver, Reader):
        tables.append(driver.near(NEWEST))
        selects.append(_marker(K_NOTICE, "NULL::bigint", f"'{NOTICE_TEXT}'::text", driver.is_over))
    if query.editions:
        selects.append(_marker(K_NOTICE, "NULL::bigint", f"'{NOTICE_INDEX}'::text", _unready(query, params)))
    if query.count:
        tables.append(_page(driver, query, scope, params, after))
        selects += _page_rows(query, params)
        includes = include_tables(query, params)
        if includes:
            tables.append(includes.removeprefix(",\n"))
            selects += _include_rows(params)
    if query.total != "none" or not query.count:
        selects.append(_total(driver, query, params))
    head = f"WITH {', '.join(tables)} " if tables else ""
    columns = ", ".join(f"z.{name.strip()}" for name in COLUMNS.split(","))
    return f"{head}SELECT {columns} FROM ({' UNION ALL '.join(selects)}) z ORDER BY z.k, z.n"


def _unready(query: SearchQuery, params: Params) -> str:
    """True when an added parameter of the search is not ready in the very snapshot that it is run in."""
    ready = (
        f"SELECT count(*) FROM vault.search_parameter s WHERE s.edition = ANY ({params.numbers(query.editions)})"
        f" AND s.state = 'ready'"
    )
    return f"({ready}) <> {params.number(len(query.editions))}"


def compile_many(parts: Sequence[tuple[int, Compiled]]) -> Compiled:
    """Several searches in one call. Matches come with their part's number (0 to 99) as k.

    What isn't a match keeps its k; of notices, totals and the like, `version` tells the part.
    """
    params = Params()
    selects: list[str] = []
    for number, part in parts:
        if not 0 <= number < K_INCLUDE:
            raise ValueError("a part's number is from 0 to 99")
        sql = _shifted(part.sql, params)
        selects.append(
            f"SELECT CASE WHEN p.k = 0 THEN {number}::smallint ELSE p.k END AS k, p.slot, p.pid, p.rtype,"
            f" CASE WHEN p.k > 100 THEN {number} ELSE p.version END AS version, p.updated, p.patient, p.sort,"
            f" p.body, p.org"
            f" FROM ({sql}) p"
        )
        params.i += part.i
        params.t += part.t
        params.d += part.d
        params.f += part.f
    return Compiled([" UNION ALL ".join(selects)], params.i, params.t, params.d, params.f, parts[0][1].kind)


def next_cursor(rows: Sequence[tuple[int, datetime, int]], *, after: Cursor | None) -> Cursor | None:
    """The cursor of the next page from this page's rows (k, sort, pid), in order; None after the last."""
    matches = [(sort, pid) for k, sort, pid in rows if k == K_MATCH]
    if not matches or all(k != K_MORE for k, _, _ in rows):
        return None
    return Cursor(*matches[-1], shown=len(matches) + (after.shown if after else 0))


_PARAMETER = re.compile(r"\$([1-4])\[(\d+)(?::(\d+))?\]")


def _shifted(sql: str, params: Params) -> str:
    """The same SQL with its parameters standing after those that are there already."""
    offsets = {"1": len(params.i), "2": len(params.t), "3": len(params.d), "4": len(params.f)}

    def shift(match: re.Match[str]) -> str:
        by = offsets[match[1]]
        until = f":{int(match[3]) + by}" if match[3] else ""
        return f"${match[1]}[{int(match[2]) + by}{until}]"

    return _PARAMETER.sub(shift, sql)


def walk_order(query: SearchQuery) -> Order | None:
    """The order of the answer when an index has it; None when matches must be gathered and sorted."""
    if not query.sort:
        return NEWEST
    key = query.sort[0]
    if len(query.sort) > 1:
        return None
    if key.code == "_lastUpdated":
        return Order(by_change=True, descending=key.descending)
    if key.code == OWN_DATE.get(query.rtype):
        return Order(by_change=False, descending=key.descending)
    return None


def _page(driver: Driver, query: SearchQuery, scope: Scope, params: Params, after: Cursor | None) -> str:
    if query.newest:
        return newest_page(driver.matches(NEWEST, limit="", after=None), query, params)
    order = walk_order(query)
    if order is None:
        return _sorted_page(driver, query, scope, params, after)
    found = driver.matches(order, limit=params.number(query.count + 1), after=after)
    return (
        f"page AS MATERIALIZED (SELECT o.date, o.pid, o.slot, o.n, o.n <="
        f" {params.number(query.count)} AS is_shown FROM ("
        f"SELECT q.date, q.pid, q.slot, row_number() OVER (ORDER BY {order.sql('q')}) AS n FROM"
        f" ({found}) q) o)"
    )


def _sorted_page(driver: Driver, query: SearchQuery, scope: Scope, params: Params, after: Cursor | None) -> str:
    """Everything found, sorted; in lists only when it is not too much.

    A page starts after the last row shown, or after as many as have been shown if that row has gone.
    """
    is_chart = isinstance(scope, Chart)
    limit = "" if is_chart else f" LIMIT {params.number(SORT_CAP + 1)}"
    found = f"SELECT a.date, a.pid, a.slot FROM ({driver.matches(NEWEST, limit='', after=None)}) a{limit}"
    gate = "true" if is_chart else f"(SELECT count(*) FROM found) <= {params.number(SORT_CAP)}"
    keys = ", ".join(sort_sql(query.rtype, key, params, driver.writer.hash64) for key in query.sort)
    start = "0"
    if after is not None:
        last, shown = params.number(after.pid), params.number(after.shown)
        start = f"coalesce((SELECT s.n FROM sorted s WHERE s.pid = {last}), {shown})"
    count = params.number(query.count)
    return (
        f"found AS MATERIALIZED ({found}), sorted AS MATERIALIZED (SELECT d.date, d.pid, d.slot,"
        f" row_number() OVER (ORDER BY {keys}, {NEWEST.sql('d')}) AS n FROM found d WHERE {gate}),"
        f" page AS MATERIALIZED (SELECT o.date, o.pid, o.slot, o.n - b.n AS n, o.n - b.n <= {count}"
        f" AS is_shown"
        f" FROM sorted o, (SELECT {start} AS n) b WHERE o.n > b.n AND o.n <= b.n + {count} + 1)"
    )


_EMPTY: Final = "NULL::smallint AS rtype, NULL::integer AS version, NULL::timestamptz AS updated, 0::bigint AS patient"


def _page_rows(query: SearchQuery, params: Params) -> list[str]:
    rows = [
        _bodies(K_MATCH, "page", "p.is_shown", "p.date"),
        _marker(K_MORE, "NULL::bigint", "NULL::text", "EXISTS (SELECT 1 FROM page WHERE NOT is_shown)"),
    ]
    if walk_order(query) is None:
        too_many = f"(SELECT count(*) FROM found) > {params.number(SORT_CAP)} AND NOT EXISTS (SELECT 1 FROM sorted)"
        rows.append(_marker(K_NOTICE, "NULL::bigint", f"'{NOTICE_SORT}'::text", too_many))
    return rows


def _include_rows(params: Params) -> list[str]:
    cap = params.number(INCLUDE_CAP)
    over = f"(SELECT count(*) FROM sent) > {cap}"
    return [
        _bodies(K_INCLUDE, "sent", f"p.n <= {cap}", "r.date"),
        _marker(K_NOTICE, "NULL::bigint", f"'{NOTICE_INCLUDES}'::text", over),
    ]


def _bodies(k: int, source: str, where: str, sort: str) -> str:
    columns = _row(k, sort).replace(" AS k,", " AS k, p.n,")
    return f"SELECT {columns} FROM {source} p {_RESOURCE} WHERE {where}"


def _row(k: int, sort: str) -> str:
    return f"{k}::smallint AS k, r.slot, r.pid, r.rtype, r.version, r.updated, r.patient, {sort} AS sort, r.body, r.org"


_RESOURCE: Final = (
    "CROSS JOIN LATERAL (SELECT r.slot, r.pid, r.rtype, r.version, r.updated, r.patient, r.date, r.org,"
    " CASE WHEN r.sens < 16384 THEN r.body"
    " ELSE vault.own_places(r.slot, r.pid, r.version, r.patient, r.org, r.body) END AS body"
    " FROM vault.resource r WHERE r.slot = p.slot AND r.pid = p.pid AND r.body IS NOT NULL OFFSET 0) r"
)


def _marker(k: int, pid: str, body: str, where: str) -> str:
    return (
        f"SELECT {k}::smallint AS k, 0::bigint AS n, NULL::smallint AS slot, {pid} AS pid, {_EMPTY},"
        f" NULL::timestamptz AS sort, {body} AS body, NULL::bigint AS org WHERE {where}"
    )


def _total(driver: Driver, query: SearchQuery, params: Params) -> str:
    found = driver.matches(NEWEST, limit="", after=None)
    cap = f" LIMIT {params.number(ESTIMATE_CAP)}" if query.total == "estimate" else ""
    counted = f"(SELECT count(*) FROM (SELECT a.pid FROM ({found}) a{cap}) c)"
    return _marker(K_TOTAL, counted, "NULL::text", "true")
