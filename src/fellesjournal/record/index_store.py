"""One typed function for each query of `index_store.sql`: added search parameters, their rows. For `record` alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fellesjournal.kit.db import Connection, Database, Row, sql_file

_SQL = sql_file("fellesjournal.record", "index_store.sql")


class IndexItem(NamedTuple):
    """A resource to fill in rows for."""

    slot: int
    pid: int
    version: int
    org: int
    body: str


@dataclass(frozen=True)
class IndexPage:
    """Some of them, and where their page begins (after `start`) and ends."""

    items: list[IndexItem]
    start: tuple[int, int]
    end: tuple[int, int]
    is_last: bool


async def search_parameters(db: Database | Connection, *, known: int) -> tuple[int, str | None]:
    """(version of the registry, its parameters as JSON); None for these when the version is the known one."""
    row = await db.fetchrow(_SQL.search_parameters, known)
    if row is None:
        raise LookupError("the registry of search parameters has no row")
    return row["version"], row["parameters"]


async def add_search_parameter(
    db: Database | Connection, *, rtype: list[int], param: list[int], numbers: Sequence[Sequence[int]], code: str,
    type: str, expression: str, targets: list[str], url: str,
) -> list[int]:  # fmt: skip
    """Add a parameter for several types; its editions. Raises UniqueViolation for a name that is taken."""
    arrays = ["{" + ",".join(map(str, one)) + "}" for one in numbers]
    rows = await db.fetch(_SQL.add_search_parameter, rtype, param, arrays, code, type, expression, targets, url)
    return [row["edition"] for row in rows]


async def remove_search_parameter(db: Database | Connection, *, code: str) -> int:
    """Take a parameter back; from how many types."""
    count: int = await db.fetchval(_SQL.remove_search_parameter, code)
    return count


async def list_search_parameters(db: Database | Connection) -> list[Row]:
    """All that were added, and how far they are."""
    rows: list[Row] = await db.fetch(_SQL.list_search_parameters)
    return rows


async def index_unfinished(db: Database) -> list[int]:
    """Editions with work to do, oldest first."""
    return [row["edition"] for row in await db.fetch(_SQL.index_unfinished)]


async def index_state(db: Database, *, secret: bytes, edition: int) -> str:
    """none, done, wait, indexing or removing."""
    state: str = await db.fetchval(_SQL.index_state, secret, edition)
    return state


async def index_read(db: Database, *, secret: bytes, edition: int, limit: int) -> IndexPage | None:
    """The next page; None when there is none to be had."""
    rows = await db.fetch(_SQL.index_read, secret, edition, limit)
    if not rows:
        return None
    *items, end = rows
    first = end["org"], end["body"]
    start = int(first[0]), int(first[1])
    return IndexPage([IndexItem(*row) for row in items], start, (end["slot"], end["pid"]), end["version"] == 1)


async def index_names(
    db: Database, *, secret: bytes, wanted: list[tuple[int, str, int]]
) -> list[tuple[int, tuple[int, int]]]:
    """(place in `wanted`, row) of the ids that stand for one; `wanted` are (type, id, unit)."""
    rtypes, ids, orgs = zip(*wanted, strict=True)
    rows = await db.fetch(_SQL.index_names, secret, list(rtypes), list(ids), list(orgs))
    return [(row["n"] - 1, (row["slot"], row["pid"])) for row in rows]


async def index_write(
    db: Database, *, secret: bytes, edition: int, page: IndexPage, faults: int, rows: list[list[object]]
) -> bool:
    """Fill in the rows of a page (`rows`: columns in the order of `vault.index_write`); False when it was not ours."""
    is_mine: bool = await db.fetchval(
        _SQL.index_write, secret, edition, *page.start, *page.end, page.is_last, faults, [i.slot for i in page.items],
        [i.pid for i in page.items], [i.version for i in page.items], *rows,
    )  # fmt: skip
    return is_mine


async def index_remove(db: Database, *, secret: bytes, edition: int, limit: int) -> bool:
    """Delete the rows of a page; whether there is more."""
    has_more: bool = await db.fetchval(_SQL.index_remove, secret, edition, limit)
    return has_more


async def complete_further(db: Database, *, secret: bytes, h: int, slot: int, pid: int, org: int) -> int | None:
    """How many more references lead to a row now; None without the grant. org 0: whoever controls them."""
    count: int | None = await db.fetchval(_SQL.complete_further, secret, h, slot, pid, org)
    return count
