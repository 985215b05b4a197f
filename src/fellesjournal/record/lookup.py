"""Searches of a journal: which charts or lists a question opens, one call to the vault, rows to pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed, SessionOver
from fellesjournal.kit import ids
from fellesjournal.kit.db import Connection, Database
from fellesjournal.kit.keys import Keys
from fellesjournal.record import names, store
from fellesjournal.record.errors import TooCostly
from fellesjournal.record.search import (
    K_INCLUDE,
    K_MATCH,
    K_MORE,
    K_NOTICE,
    K_TOTAL,
    NOTICE_INDEX,
    NOTICE_SORT,
    NOTICE_TEXT,
    Chart,
    CodeSets,
    Compiled,
    Cursor,
    Listing,
    Lists,
    NotIndexed,
    Scope,
    SearchQuery,
    ask_patients,
    compile_first_page,
    compile_many,
    compile_search,
    next_cursor,
    open_cursor,
    parse_search,
    seal_cursor,
    with_codes,
    with_members,
)
from fellesjournal.record.waiting import Waiting

Pairs = Sequence[tuple[str, str]]
_LONG: Final = 2_000


class Stored(NamedTuple):
    """A version as it is stored; `body` goes out as it is. `id` is what its client knows it by, `key` its row.

    `varies`: what is shown of the version hangs on who reads and when, so that nobody can know that they have it.
    """

    rtype: str
    id: str
    version: int
    updated: datetime
    body: str
    key: names.Key = (0, 0)
    varies: bool = False

    @property
    def own_id(self) -> str:
        """The id of our own form, which is the same to every reader."""
        return ids.encode(*self.key)

    def resource(self) -> dict[str, Any]:
        """The content, decimals as Decimal."""
        return fhir.parse(self.body.encode())


@dataclass
class Page:
    """One page of a search: matches in order, what came along, the next page's cursor, the total if asked for."""

    matches: list[Stored] = field(default_factory=list)
    included: list[Stored] = field(default_factory=list)
    next: str | None = None
    total: int | None = None
    notices: list[str] = field(default_factory=list)


class Asides(CodeSets, Lists, Protocol):
    """Codes and Lists, as one reader sees them."""


@dataclass(frozen=True)
class Asker:
    """Who asks, and with what: the pool, or the connection of a transaction."""

    db: Database | Connection
    keys: Keys
    decision: Decision
    chart_searches: Waiting[store.Question, store.Answer] | None
    """Where a chart search waits for others; None inside a transaction."""
    asides: Asides
    """What is asked of the reader's own view before a search is compiled."""

    async def page(self, query: SearchQuery, *, after: str | None = None) -> Page:
        """One page. Raises SessionOver, NoNeed, TooCostly, SearchError (a cursor that isn't ours)."""
        query = await self._answered(query)
        scope = self._scope(query)
        cursor = self._opened(after, query)
        hash64 = self.keys.hash64
        coded = await with_codes(query, self.asides)
        if isinstance(scope, Chart):
            coded = await with_members(coded, self.asides)
        if cursor is None and coded is query and sum(len(value) for _, value in query.params) < _LONG:
            compiled = compile_first_page(query, scope, hash64)
        else:
            # Long texts and thousands of codes or members would fill what is kept.
            compiled = compile_search(coded, scope=scope, hash64=hash64, after=cursor, is_alone=True)
        hits = await self._run(compiled, scope)
        page = pages_of(hits, {K_MATCH}).get(K_MATCH) or Page()
        _refuse_costly(page)
        following = next_cursor([(hit.k, hit.sort, hit.pid) for hit in hits], after=cursor)
        if following:
            page.next = seal_cursor(following, keys=self.keys, query=query, **self._bound())
        return page

    async def pages(self, wishes: Sequence[tuple[str, str, Pairs]]) -> dict[str, Page]:
        """Many first pages in one call to the vault, by their names; all in the same chart, or all in the lists."""
        queries = [
            await with_codes(await self._answered(parse_search(rtype, params)), self.asides)
            for _, rtype, params in wishes
        ]
        scope = self._common_scope(queries)
        parts = [
            (number, compile_search(query, scope=scope, hash64=self.keys.hash64))
            for number, query in enumerate(queries)
        ]
        hits = await self._run(compile_many(parts), scope, is_long=True)
        found = pages_of(hits, set(range(len(wishes))))
        return {name: found.get(number) or Page() for number, (name, _, _) in enumerate(wishes)}

    async def read(self, wanted: Sequence[tuple[str, names.Key, int]]) -> list[Stored]:
        """The versions (type, row, version) that may be seen, each decided and logged by itself. Raises SessionOver."""
        found: list[Stored] = []
        for begin in range(0, len(wanted), store.READS):
            some = wanted[begin : begin + store.READS]
            items = [
                store.PointRead(self.decision.secret, fhir.TYPE_NUMBER[rtype], *key, version)
                for rtype, key, version in some
            ]
            for (rtype, key, _), row in zip(some, await store.read_many(self.db, items), strict=True):
                if row["status"] == SessionOver.status:
                    raise SessionOver
                if row["body"]:
                    found.append(_stored(fhir.TYPE_NUMBER[rtype], key, row["version"], row["updated"], row["body"]))
        return found

    async def find(self, wanted: Sequence[names.Name]) -> dict[names.Name, names.Key]:
        """The rows that ids stand for to this reader; what is hidden or absent is left out."""
        if not wanted:
            return {}
        rows = await store.find_ids(
            self.db, secret=self.decision.secret, rtype=[fhir.TYPE_NUMBER[rtype] for rtype, _ in wanted],
            id=[name for _, name in wanted],
        )  # fmt: skip
        return {(fhir.RESOURCE_TYPES[row["rtype"] - 1], row["id"]): (row["slot"], row["pid"]) for row in rows}

    async def _answered(self, query: SearchQuery) -> SearchQuery:
        wanted = names.asked_for(query)
        return names.answered(query, await self.find(list(dict.fromkeys(wanted)))) if wanted else query

    def _scope(self, query: SearchQuery) -> Scope:
        reader = self.decision.reader
        named = ask_patients(query)
        if named is not None:
            return Chart(tuple(_pid(patient) for patient in named))
        if reader.kind == "citizen":
            return Chart((reader.patient or 0,))
        return Listing(reader.unit or 0)

    def _common_scope(self, queries: Sequence[SearchQuery]) -> Scope:
        charts = [scope for scope in map(self._scope, queries) if isinstance(scope, Chart)]
        if not charts:
            return self._scope(queries[0])
        if any(chart != charts[0] for chart in charts):
            raise ValueError("searches in one call are in one chart")
        return charts[0]

    async def _run(self, compiled: Compiled, scope: Scope, *, is_long: bool = False) -> list[store.Hit]:
        patients = scope.patients if isinstance(scope, Chart) else ()
        question = store.Question(self.decision.secret, compiled, patients)
        if not isinstance(scope, Chart):
            answer = await store.search_list(self.db, question, unit=self.decision.reader.unit or 0)
        elif is_long or self.chart_searches is None:
            answer = await store.search_chart(self.db, question)
        else:
            answer = await self.chart_searches.ask(question)
        if answer.verdict != "ok":
            raise store.refusal(answer.verdict)
        return answer.hits

    def _opened(self, after: str | None, query: SearchQuery) -> Cursor | None:
        return open_cursor(after, keys=self.keys, query=query, **self._bound()) if after else None

    def _bound(self) -> dict[str, int]:
        return {"person": self.decision.reader.person, "unit": self.decision.reader.unit or 0}


def pages_of(hits: Sequence[store.Hit], parts: set[int]) -> dict[int, Page]:
    """Hits by part; one that is no match tells its part by `version` when there are several."""
    pages: dict[int, Page] = {}
    for k, slot, pid, rtype, version, updated, _, _, body in hits:
        part = k if k in parts else version if len(parts) > 1 and k > K_INCLUDE else min(parts)
        page = pages.setdefault(part, Page())
        if k in parts:
            page.matches.append(_stored(rtype, (slot, pid), version, updated, body))
        elif k == K_INCLUDE:
            page.included.append(_stored(rtype, (slot, pid), version, updated, body))
        elif k == K_TOTAL:
            page.total = pid
        elif k == K_NOTICE:
            page.notices.append(body)
        elif k == K_MORE:
            page.next = page.next or ""
    return pages


def _stored(number: int, key: names.Key, version: int, updated: datetime, body: str) -> Stored:
    rtype = fhir.RESOURCE_TYPES[number - 1]
    return Stored(rtype, names.id_of(rtype, body, key), version, updated, body, key)


def _refuse_costly(page: Page) -> None:
    if NOTICE_INDEX in page.notices:
        raise NotIndexed([fhir.Issue("error", NotIndexed.code, "", NotIndexed.english)])
    if NOTICE_SORT in page.notices:
        raise TooCostly
    if NOTICE_TEXT in page.notices:
        raise TooCostly("There is too much to read for words; narrow the search by patient, code or date.")


def _pid(patient: str) -> int:
    """The pid of a Patient's id; what can't be one is refused as a hidden one is."""
    found = ids.decode(patient)
    if found is None or found[0] == 0:
        raise NoNeed
    return found[1]
