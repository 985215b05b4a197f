"""Everything of one patient, or of one contact: a page of the chart in one walk, with the directory rows it refers to.

The order is that of the chart's index: by type, newest first in each. No search parameter is looked at, so that the
cost is that of the rows that are sent.
Source: https://hl7.org/fhir/R4/operation-patient-everything.html, operation-encounter-everything.html
"""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Final, NamedTuple

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.kit.db import Connection, Database
from fellesjournal.kit.keys import Keys
from fellesjournal.record import names, store
from fellesjournal.record.errors import NotFound
from fellesjournal.record.lookup import Page, pages_of
from fellesjournal.record.search import K_INCLUDE, K_MATCH, K_MORE, K_NOTICE, NOTICE_INCLUDES, Compiled
from fellesjournal.record.search.cursor import bound_to, instant_of, micros_of, open_place, seal_place
from fellesjournal.record.search.error import refusal
from fellesjournal.record.search.include import INCLUDE_CAP
from fellesjournal.record.search.sql import Params

MAX_COUNT: Final = 1000
_COLUMNS: Final = "slot, pid, rtype, version, updated, patient, date, body, org"
_R_COLUMNS: Final = ", ".join(f"r.{name}" for name in _COLUMNS.split(", "))
_PLACE: Final = struct.Struct(">BHqq")
_VERSION: Final = 1
_PADDED_TO: Final = 8
_NO_ROW: Final = (
    "0::bigint, NULL::smallint, NULL::bigint, NULL::smallint, NULL::integer, NULL::timestamptz, 0::bigint,"
    " NULL::timestamptz"
)


@dataclass(frozen=True)
class EverythingQuery:
    """What was asked for: care in [start, end), changed at `since` or later, of these types (empty: all)."""

    rtype: str
    id: str
    types: tuple[str, ...] = ()
    since: datetime = fhir.OPEN_START
    start: datetime = fhir.OPEN_START
    end: datetime = fhir.OPEN_END
    count: int = MAX_COUNT
    params: tuple[tuple[str, str], ...] = ()

    @property
    def is_dated(self) -> bool:
        """Whether the time of care matters."""
        return (self.start, self.end) != (fhir.OPEN_START, fhir.OPEN_END)

    def fingerprint(self) -> bytes:
        """The same for the same question alone; a cursor is bound to it."""
        lines = [f"$everything {self.rtype}/{self.id}", *(f"{name}\x1f{value}" for name, value in self.params)]
        return sha256("\x1e".join(lines).encode()).digest()


class Focus(NamedTuple):
    """The row that everything is about, and whose it is: the pid of a Patient, -1 for the acting unit's own."""

    key: names.Key
    patient: int


class _Place(NamedTuple):
    """The last row shown."""

    rtype: int
    date: datetime
    pid: int


async def read_everything(
    db: Database | Connection, keys: Keys, decision: Decision, query: EverythingQuery, focus: Focus, *,
    after: str | None = None,
) -> Page:  # fmt: skip
    """One page: first of all the focus, then the chart by type; with it what it refers to, as `included`.

    Raises NotFound (hidden too), SessionOver, SearchError for a cursor that isn't ours.
    """
    reader = decision.reader
    bound = bound_to(query.fingerprint(), person=reader.person, unit=reader.unit or 0)
    place = _opened(after, keys, bound) if after else None
    compiled = _compiled(query, focus, place)
    question = store.Question(decision.secret, compiled, (focus.patient,) if focus.patient > 0 else ())
    # A page is long: what waits for point reads and searches must not wait for it.
    if question.patients:
        answer = await store.search_chart(db, question)
    else:
        answer = await store.search_list(db, question, unit=reader.unit or 0)
    if answer.verdict != "ok":
        raise NotFound if answer.verdict == "refused" else store.refusal(answer.verdict)
    page = pages_of(answer.hits, {K_MATCH}).get(K_MATCH) or Page()
    if place is None and _shows(query, query.rtype) and not any(one.key == focus.key for one in page.matches):
        raise NotFound
    if any(hit.k == K_MORE for hit in answer.hits):
        last = [hit for hit in answer.hits if hit.k == K_MATCH][-1]
        body = _PLACE.pack(_VERSION, last.rtype, micros_of(last.sort), last.pid)
        page.next = seal_place(body, keys=keys, bound=bound)
    return page


def _opened(text: str, keys: Keys, bound: bytes) -> _Place:
    try:
        version, rtype, micros, pid = _PLACE.unpack(open_place(text, keys=keys, bound=bound))
    except struct.error:
        version = rtype = micros = pid = 0
    if version != _VERSION:
        raise refusal("cursor", "not one that this operation has given to you; start again from the first page")
    return _Place(rtype, instant_of(micros), pid)


def _shows(query: EverythingQuery, rtype: str) -> bool:
    return not query.types or rtype in query.types


def _compiled(query: EverythingQuery, focus: Focus, after: _Place | None) -> Compiled:
    params = Params()
    slot, pid, patient = (params.number(n) for n in (*focus.key, focus.patient))
    count = params.number(query.count)
    own = f"r.patient = {patient} AND r.pid <> {pid} AND r.body IS NOT NULL{_filters(query, after, params)}"
    walk = _chart(own) if query.rtype == "Patient" else _referring(own, slot, pid, patient, params)
    pages = [f"SELECT 0::bigint AS n, {_COLUMNS} FROM focus", f"SELECT n, {_COLUMNS} FROM ranked WHERE n <= {count}"]
    tables = [
        f"found AS MATERIALIZED ({walk} ORDER BY r.rtype, r.date DESC, r.pid LIMIT {count} + 1)",
        f"ranked AS (SELECT {_COLUMNS}, row_number() OVER (ORDER BY rtype, date DESC, pid) AS n FROM found)",
        f"focus AS ({_focus(slot, pid, is_shown=after is None and _shows(query, query.rtype))})",
        f"page AS MATERIALIZED ({' UNION ALL '.join(pages)})",
        *_sent(query, params),
    ]
    cap = params.number(INCLUDE_CAP)
    selects = [
        f"SELECT {K_MATCH}::smallint AS k, n, {_COLUMNS} FROM page",
        f"SELECT {K_INCLUDE}::smallint, n, {_COLUMNS} FROM sent WHERE n <= {cap}",
        f"SELECT {K_NOTICE}::smallint, {_NO_ROW}, '{NOTICE_INCLUDES}', NULL WHERE (SELECT count(*) FROM sent) > {cap}",
        f"SELECT {K_MORE}::smallint, {_NO_ROW}, NULL, NULL WHERE (SELECT count(*) FROM found) > {count}",
    ]
    sql = (
        f"WITH {', '.join(tables)} SELECT z.k, z.slot, z.pid, z.rtype, z.version, z.updated, z.patient, z.date, z.body,"
        f" z.org FROM ({' UNION ALL '.join(selects)}) z ORDER BY z.k, z.n"
    )
    return Compiled([sql], params.i, params.t, params.d, params.f, fhir.TYPE_NUMBER[query.rtype])


def _chart(own: str) -> str:
    """Every row of the patient, in the order of the chart's index."""
    return f"SELECT {_R_COLUMNS} FROM vault.resource r WHERE {own}"


def _referring(own: str, slot: str, pid: str, patient: str, params: Params) -> str:
    """Every row of the same patient, or unit, that stands in the contact's compartment."""
    return (
        f"SELECT {_R_COLUMNS} FROM (SELECT DISTINCT x.slot, x.pid FROM vault.sp_reference x WHERE x.tpid = {pid}"
        f" AND x.tslot = {slot} AND x.patient = {patient} AND x.param = ANY ({params.numbers(_encounter_params())})) q"
        f" CROSS JOIN LATERAL (SELECT {_R_COLUMNS} FROM vault.resource r WHERE r.slot = q.slot AND r.pid = q.pid"
        f" AND {own} OFFSET 0) r"
    )


def _focus(slot: str, pid: str, *, is_shown: bool) -> str:
    where = f"r.slot = {slot} AND r.pid = {pid} AND r.body IS NOT NULL{'' if is_shown else ' AND false'}"
    return f"SELECT {_R_COLUMNS} FROM vault.resource r WHERE {where}"


def _filters(query: EverythingQuery, after: _Place | None, params: Params) -> str:
    parts = []
    if query.types:
        parts.append(f"r.rtype = ANY ({_types(query.types, params)})")
    if query.since != fhir.OPEN_START:
        parts.append(f"r.updated >= {params.date(query.since)}")
    if query.is_dated:
        timeless = params.numbers(_timeless())
        span = f"r.date >= {params.date(query.start)} AND r.date < {params.date(query.end)}"
        parts.append(f"(r.rtype = ANY ({timeless}) OR ({span}))")
    if after is not None:
        rtype, date, pid = params.number(after.rtype), params.date(after.date), params.number(after.pid)
        beyond = f"r.rtype > {rtype} OR r.date < {date} OR (r.date = {date} AND r.pid > {pid})"
        parts.append(f"r.rtype >= {rtype} AND ({beyond})")
    return "".join(f" AND {part}" for part in parts)


def _sent(query: EverythingQuery, params: Params) -> list[str]:
    """What the page refers to in the directory, and what that refers to there; from a contact also in the chart."""
    cap = params.number(INCLUDE_CAP)
    directory = " AND x.tslot = 0"
    near = directory if query.rtype == "Patient" else ""
    typed = f" AND r.rtype = ANY ({_types(query.types, params)})" if query.types else ""
    targets = (
        "SELECT DISTINCT t.tslot, t.tpid FROM {source} s CROSS JOIN LATERAL (SELECT x.tslot, x.tpid FROM"
        " vault.sp_reference x WHERE x.pid = s.{pid} AND x.tpid IS NOT NULL{only} OFFSET 0) t"
    )
    rows = (
        f"SELECT {_R_COLUMNS} FROM (SELECT tslot, tpid FROM first UNION SELECT tslot, tpid FROM second"
        f" EXCEPT SELECT slot, pid FROM page) u CROSS JOIN LATERAL (SELECT {_R_COLUMNS} FROM vault.resource r"
        f" WHERE r.slot = u.tslot AND r.pid = u.tpid AND r.body IS NOT NULL{typed} OFFSET 0) r LIMIT {cap} + 1"
    )
    return [
        f"first AS MATERIALIZED ({targets.format(source='page', pid='pid', only=near)} LIMIT {cap} + 1)",
        f"second AS MATERIALIZED ({targets.format(source='first', pid='tpid', only=directory)} LIMIT {cap} + 1)",
        f"sent AS MATERIALIZED (SELECT row_number() OVER (ORDER BY v.rtype, v.pid) AS n, v.* FROM ({rows}) v)",
    ]


def _types(types: Sequence[str], params: Params) -> str:
    """The types' numbers, some of them twice: few lengths make few plans."""
    numbers = sorted(fhir.TYPE_NUMBER[rtype] for rtype in types)
    return params.numbers(numbers + numbers[-1:] * (-len(numbers) % _PADDED_TO))


@cache
def _timeless() -> tuple[int, ...]:
    """Types that have no time of care, and the Patient, whose date is the birth: a period leaves them in."""
    types = (rtype for rtype in fhir.RESOURCE_TYPES if rtype == "Patient" or not fhir.date_elements(rtype))
    return tuple(fhir.TYPE_NUMBER[rtype] for rtype in types)


@cache
def _encounter_params() -> tuple[int, ...]:
    """The reference parameters that put a row in an Encounter's compartment."""
    found = []
    for rtype in fhir.compartment_types("Encounter"):
        known = fhir.search_params(rtype)
        codes = fhir.compartment_params(rtype, compartment="Encounter")
        found += [known[code].id for code in codes if code in known]
    return tuple(found)
