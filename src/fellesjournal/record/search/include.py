"""What is sent along with the matches: every row authorised by its own policy before the limit counts it."""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

from collections.abc import Sequence
from typing import Final

from fellesjournal import fhir
from fellesjournal.record.search.model import Include, SearchQuery
from fellesjournal.record.search.sql import Params

INCLUDE_CAP: Final = 1000
"""Rows sent along with one page, at most; a notice says when there were more."""
MAX_DEPTH: Final = 3
"""How often `:iterate` goes on from what was included."""


def include_tables(query: SearchQuery, params: Params) -> str:
    """The table (CTE) `sent (slot, pid, n)` and those that it needs, from `page`; '' without includes."""
    if not query.includes and not query.revincludes:
        return ""
    limit = params.number(INCLUDE_CAP + 1)
    levels = [_level(1, "page WHERE is_shown", query.includes, query.revincludes, limit, params)]
    on = [i for i in query.includes if i.iterate], [i for i in query.revincludes if i.iterate]
    if any(on):
        levels += [_level(n, f"sent{n - 1} WHERE true", *on, limit, params) for n in range(2, MAX_DEPTH + 1)]
    names = " UNION ".join(f"SELECT slot, pid FROM sent{n}" for n in range(1, len(levels) + 1))
    gathered = (
        f"sent AS MATERIALIZED (SELECT u.slot, u.pid, row_number() OVER (ORDER BY u.pid) AS n FROM (({names})"
        f" EXCEPT SELECT slot, pid FROM page WHERE is_shown) u LIMIT {limit})"
    )
    return ",\n" + ",\n".join([*levels, gathered])


def _level(
    n: int,
    source: str,
    includes: Sequence[Include],
    revincludes: Sequence[Include],
    limit: str,
    params: Params,
) -> str:
    selects = [_forward(source, i, params) for i in includes] + [_backward(source, i, params) for i in revincludes]
    return f"sent{n} AS MATERIALIZED (SELECT * FROM ({' UNION '.join(selects)}) v LIMIT {limit})"


def _forward(source: str, include: Include, params: Params) -> str:
    """What the rows refer to."""
    return _followed(
        source, "x.pid = b.pid AND x.tpid IS NOT NULL", "x.tslot", "x.tpid", include, include.target, params
    )


def _backward(source: str, include: Include, params: Params) -> str:
    """What refers to the rows: of the type that the include names."""
    tie = "x.tpid = b.pid AND x.tslot = b.slot"
    return _followed(source, tie, "x.slot", "x.pid", include, include.source, params)


def _followed(source: str, tie: str, slot: str, pid: str, include: Include, rtype: str, params: Params) -> str:
    only = f" AND x.param = ANY ({params.numbers(include.params)})" if include.source else ""
    typed = f" AND r.rtype = {params.number(fhir.TYPE_NUMBER[rtype])}" if rtype else ""
    if include.among:
        typed += f" AND r.rtype = ANY ({params.numbers(fhir.TYPE_NUMBER[one] for one in include.among)})"
    return (
        f"(SELECT r.slot, r.pid FROM (SELECT slot, pid FROM {source}) b"
        f" CROSS JOIN LATERAL (SELECT {slot} AS slot, {pid} AS pid FROM vault.sp_reference x"
        f" WHERE {tie}{only} OFFSET 0) t"
        f" CROSS JOIN LATERAL (SELECT r.slot, r.pid FROM vault.resource r"
        f" WHERE r.slot = t.slot AND r.pid = t.pid AND r.body IS NOT NULL{typed} OFFSET 0) r)"
    )
