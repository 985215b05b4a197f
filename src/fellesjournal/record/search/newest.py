"""The newest rows of each code: a page in the order of the codes, newest first in each."""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

from typing import Final

from fellesjournal.record.search.model import SearchQuery
from fellesjournal.record.search.sql import Params

_FIRST: Final = "c.code -> 'coding' -> 0"
_CODE: Final = (
    f"coalesce({_FIRST} ->> 'system' || '|' || ({_FIRST} ->> 'code'), {_FIRST} ->> 'code',"
    " lower(c.code ->> 'text'), '')"
)
"""A code is its first coding, else its text. As `json`, which looks at no number: a body may hold any."""


def newest_page(found: str, query: SearchQuery, params: Params) -> str:
    """The table (CTE) `page` of the `query.newest` newest of each code among the rows that are found."""
    count = params.number(query.count)
    coded = (
        f"SELECT f.date, f.pid, f.slot, {_CODE} COLLATE \"C\" AS code FROM ({found}) f CROSS JOIN LATERAL"
        " (SELECT y.body::json -> 'code' AS code FROM vault.resource y WHERE y.slot = f.slot AND y.pid = f.pid"
        " OFFSET 0) c"
    )
    placed = (
        "SELECT k.date, k.pid, k.slot, k.code, row_number() OVER (PARTITION BY k.code ORDER BY k.date DESC, k.pid DESC)"
        f" AS place FROM ({coded}) k"
    )
    ordered = (
        "SELECT p.date, p.pid, p.slot, row_number() OVER (ORDER BY p.code, p.date DESC, p.pid DESC) AS n"
        f" FROM ({placed}) p WHERE p.place <= {params.number(query.newest)}"
    )
    return (
        f"page AS MATERIALIZED (SELECT o.date, o.pid, o.slot, o.n, o.n <= {count} AS is_shown FROM ({ordered}) o"
        f" WHERE o.n <= {count} + 1)"
    )
