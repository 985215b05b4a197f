"""Which rows a search starts from, and how they are walked or gathered.

In a chart everything is near: one walk, over the most selective clause, in the order of the answer.
In a unit's lists a walk may be long. Clauses that can be gathered are gathered up to a cap first; the first
that stays under it is the start, and the walk runs only when none does. The plans are the same for every value:
only the choice between them, made while it runs, differs. With keys alone to gather each plan is a text of its own
(`choice`), and the vault counts before it runs one; else the choice stands inside a single text.
"""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

from dataclasses import dataclass
from typing import Final, cast

from fellesjournal.fhir import TYPE_NUMBER, param_id
from fellesjournal.fhir.keys import COMMON_PARAMS
from fellesjournal.record.ownership import DIRECTORY_TYPES
from fellesjournal.record.search.condition import Row, Writer
from fellesjournal.record.search.cursor import Cursor
from fellesjournal.record.search.match import hashes, is_hashed, matches, one_of, one_param, rows_of, table_of
from fellesjournal.record.search.model import (
    Chain,
    Clause,
    Condition,
    Group,
    Has,
    SearchQuery,
    TextValue,
)
from fellesjournal.record.search.own import holds_for_all
from fellesjournal.record.search.probe import bound, few, probe
from fellesjournal.record.search.rank import (
    Gathered,
    can_start,
    cap_of,
    is_change,
    is_choice,
    is_counted,
    is_far,
    is_keyed,
    is_listed,
    is_open,
    names_ids,
    narrowness,
    selectivity,
)
from fellesjournal.record.search.scope import Listing, Scope, bounds, is_people

LONG_NAME: Final = 4
"""From so many letters on, a name is looked up among all people, not person by person in the roster."""
MAX_GATHERS: Final = 3
MAX_BRANCHES: Final = 16
_NUMBERS_OF_PEOPLE: Final = ("identifier", "phone", "email", "telecom")


@dataclass(frozen=True)
class Order:
    """The order of a walk: by the rows' own date, or by their last change; newest first or last."""

    by_change: bool
    descending: bool

    def sql(self, alias: str) -> str:
        """ORDER BY, as the index gives it: among equal instants by number, mirrored when ascending."""
        back = self.descending != self.by_change
        return f"{alias}.date{' DESC' if self.descending else ''}, {alias}.pid{'' if back else ' DESC'}"


@dataclass(frozen=True)
class Start:
    """Rows to start from: FROM and WHERE over alias `d`, and the condition that they fulfil already."""

    table: str
    where: str
    done: Condition | None
    hashed: tuple[int, ...] = ()
    is_typed: bool = True
    rows: tuple[int, ...] = ()
    is_distinct: bool = False


class Driver:
    """The rows of a query in a scope, in any order that is asked for."""

    def __init__(self, query: SearchQuery, scope: Scope, writer: Writer) -> None:
        self.query, self.scope, self.writer = query, scope, writer
        self.choice: int | None = None
        self.params = writer.params
        self.bounds = bounds(scope, query.rtype, self.params)
        self.rtype = self.params.number(TYPE_NUMBER[query.rtype])
        self.is_people = is_people(scope, query.rtype)
        self.ranked = sorted((c for c in query.clauses if isinstance(c, Clause) and can_start(c)), key=selectivity)

    def matches(self, order: Order, *, limit: str, after: Cursor | None) -> str:
        """A select of (date, pid, slot): each match after the cursor, once. `limit` '' = all, in no order."""
        if self.is_people and (order.by_change or not names_ids(self.ranked)):
            return self._people(order, limit, after)
        gathers = self._gathers(order)
        walk = self._walk(order, limit, after, is_last=bool(gathers))
        if not gathers or self.choice == len(gathers):
            return walk
        if self.choice is not None:
            return self._gathered(gathers[self.choice], order, limit, after)
        return self._gated(gathers, walk, order, limit, after)

    def probes(self, order: Order) -> list[tuple[int, int, int, int, int]]:
        """What to count before one of several plans is chosen; none when the choice must stand inside the plan."""
        if self.is_people or self.query.sort[1:]:
            return []
        gathers = [c for c in self._gathers(order) if isinstance(c, Clause)]
        if len(gathers) < len(self._gathers(order)) or not all(map(is_counted, gathers)):
            return []
        return [probe(clause, self.writer) for clause in gathers]

    def _gathers(self, order: Order) -> list[Gathered]:
        """Clauses to gather before a walk: in lists, unless the walk itself is over the only condition."""
        if not isinstance(self.scope, Listing) or self.query.rtype in DIRECTORY_TYPES or self.is_people:
            return []
        if len(self.query.clauses) == 1 and self.ranked and is_keyed(self.ranked[0]) and not order.by_change:
            return []
        narrow = sorted(self.ranked, key=narrowness)
        starts: list[Gathered] = [c for c in self.query.clauses if is_listed(c)]
        starts += [c for c in self.query.clauses if is_far(c)]
        starts += narrow[: MAX_GATHERS - 1]
        starts += [c for c in self.query.clauses if isinstance(c, Clause) and is_open(c)]
        starts += [c for c in self.query.clauses if is_choice(c)]
        return [c for c in starts if not (order.by_change and is_change(c))][:MAX_GATHERS]

    # ── One walk ─────────────────────────────────────────────────────────────────────────────────

    def _walk(self, order: Order, limit: str, after: Cursor | None, *, is_last: bool) -> str:
        if order.by_change:
            return self._change_walk(order, limit, after)
        start = self._start(is_last=is_last)
        keys = [(row, h) for row in start.rows for h in start.hashed]
        if len(keys) > MAX_BRANCHES and len(start.rows) == 1 and isinstance(self.scope, Listing) and limit:
            return self._each(start, order, limit, after)
        if 1 < len(keys) <= MAX_BRANCHES and isinstance(self.scope, Listing) and limit:
            branches = [f"({self._select(start, (row,), [h], order, limit, after)})" for row, h in keys]
            return merged(branches, order, limit)
        return self._select(start, start.rows, list(start.hashed), order, limit, after)

    def _start(self, *, is_last: bool) -> Start:
        """The best clause to walk, else the resources of the type themselves.

        After gathering, ranges have proved too wide to sort: only what is kept in order is walked then.
        """
        listed = next((c for c in self.query.clauses if is_listed(c)), None)
        if listed is not None and not is_last:
            return self._by_list(listed)
        for clause in self.ranked:
            if clause.type == "id":
                return self._by_ids(clause)
            if is_hashed(clause):
                return self._by_hash(clause)
            if not is_last:
                return self._by_value(clause)
        where = f"d.rtype = {self.rtype} AND d.body IS NOT NULL"
        return Start("vault.resource", self._bounded(where), None, is_distinct=True)

    def _by_list(self, listed: Has) -> Start:
        """The members of a List: from its own rows to each."""
        lists = self.params.numbers(pid for _, pid in self.writer.keys(cast(Clause, listed.link)))
        table = (
            f"(SELECT r.* FROM (SELECT DISTINCT x.tslot, x.tpid FROM (SELECT x.param, x.tslot, x.tpid FROM"
            f" vault.sp_reference x WHERE x.pid = ANY ({lists}) OFFSET 0) x"
            f" WHERE x.param = {self.params.number(listed.param)} AND x.tpid IS NOT NULL) l CROSS JOIN LATERAL (SELECT"
            f" r.slot, r.pid, r.date, r.rtype, r.patient, r.org, r.body FROM vault.resource r"
            f" WHERE r.slot = l.tslot AND r.pid = l.tpid OFFSET 0) r)"
        )
        where = f"d.rtype = {self.rtype} AND d.body IS NOT NULL"
        return Start(table, self._bounded(where), listed, is_distinct=True)

    def _by_ids(self, clause: Clause) -> Start:
        keys = self.writer.keys(clause)
        slots, pids = (
            self.params.numbers(slot for slot, _ in keys),
            self.params.numbers(pid for _, pid in keys),
        )
        keyed = f"d.slot = ANY (({slots})::smallint[]) AND d.pid = ANY ({pids})"
        where = f"{keyed} AND d.rtype = {self.rtype} AND d.body IS NOT NULL"
        return Start("vault.resource", self._bounded(where), clause, is_distinct=True)

    def _by_hash(self, clause: Clause) -> Start:
        where = matches(clause, "d", self.params, self.writer.hash64) if clause.type == "composite" else ""
        found = tuple(hashes(clause, self.writer.hash64))
        is_typed = clause.code not in COMMON_PARAMS
        return Start(table_of(clause), self._bounded(where), clause, found, is_typed, rows_of(clause))

    def _by_value(self, clause: Clause) -> Start:
        where = matches(clause, "d", self.params, self.writer.hash64)
        return Start(table_of(clause), self._bounded(where), clause, (), clause.code not in COMMON_PARAMS)

    def _bounded(self, where: str) -> str:
        return " AND ".join(part for part in (self.bounds.format(a="d"), where) if part)

    def _select(
        self, start: Start, rows: tuple[int, ...], hashed: list[int], order: Order, limit: str, after: Cursor | None
    ) -> str:
        parts = [start.where] if start.where else []
        if hashed:
            parts += [one_param("d", rows, self.params), one_of("d", hashed, self.params)]
        parts += self._after("d.date", "d.pid", order, after)
        parts += self._others("d", start)
        distinct = "" if start.is_distinct else "DISTINCT ON (d.date, d.pid) "
        sql = f"SELECT {distinct}d.date, d.pid, d.slot FROM {start.table} d WHERE {' AND '.join(parts)}"
        return _limited(sql, order, "d", limit)

    def _each(self, start: Start, order: Order, limit: str, after: Cursor | None) -> str:
        """A walk over more keys than there are branches for: in each as far as a page needs, not over all of them."""
        parts = [start.where] if start.where else []
        parts += [one_param("d", start.rows, self.params), "d.h = k.h"]
        parts += [*self._after("d.date", "d.pid", order, after), *self._others("d", start)]
        distinct = "DISTINCT ON (d.date, d.pid) "
        walk = f"SELECT {distinct}d.date, d.pid, d.slot FROM {start.table} d WHERE {' AND '.join(parts)}"
        keys = f"(SELECT unnest({self.params.numbers(start.hashed)}) AS h) k"
        each = f"SELECT e.date, e.pid, e.slot FROM {keys} CROSS JOIN LATERAL ({_limited(walk, order, 'd', limit)}) e"
        return merged([each], order, limit)

    def _change_walk(self, order: Order, limit: str, after: Cursor | None) -> str:
        """Over the rows of `_lastUpdated`: one for each resource of any type, so the type is looked up."""
        row = self._row("d", is_typed=True)
        bounding = [c for c in self.query.clauses if is_change(c)]
        parts = [self._bounded(f"d.param = {self.params.number(param_id(self.query.rtype, '_lastUpdated'))}")]
        parts += [matches(c, "d", self.params, self.writer.hash64) for c in bounding if isinstance(c, Clause)]
        parts += self._after("d.lo", "d.pid", order, after)
        parts.append(self.writer.typed(row, self.query.rtype))
        parts += [self._condition(c, row) for c in self.query.clauses if c not in bounding]
        inner = f"SELECT d.lo AS date, d.pid, d.slot FROM vault.sp_date d WHERE {' AND '.join(parts)}"
        return _limited(inner, order, "d", limit).replace("ORDER BY d.date", "ORDER BY d.lo")

    # ── Gather, or walk ──────────────────────────────────────────────────────────────────────────

    def _gated(self, gathers: list[Gathered], walk: str, order: Order, limit: str, after: Cursor | None) -> str:
        tables, branches = list[str](), list[str]()
        too_many: list[str] = []
        for n, clause in enumerate(gathers, start=1):
            tables.append(f"g{n} AS MATERIALIZED ({self._gather(clause)})")
            few = self._few(n, clause)
            branches.append(f"({self._sift(f'g{n}', clause, [*too_many, few], order, limit, after)})")
            too_many.append(f"NOT {few}")
        branches.append(f"(SELECT w.date, w.pid, w.slot FROM ({walk}) w WHERE {' AND '.join(too_many)})")
        return f"WITH {', '.join(tables)} {merged(branches, order, limit)}"

    def _gathered(self, clause: Gathered, order: Order, limit: str, after: Cursor | None) -> str:
        return self._sift(f"({self._gather(clause)})", clause, [], order, limit, after)

    def _few(self, n: int, clause: Gathered) -> str:
        """Whether there is little to gather: by a look at the unit's index where that tells, which costs no policy."""
        if is_counted(clause):
            return few(clause, self.writer)
        return f"((SELECT count(*) FROM g{n}) <= {self.params.number(cap_of(clause))})"

    def _gather(self, clause: Gathered, cap: int = 0) -> str:
        """Every row of the condition up to one over the cap: a resource stands there once for each of its rows.

        What is counted against the cap must be what was cut off at it, so that none is taken for all.
        """
        cap = cap or cap_of(clause)
        if isinstance(clause, Group):
            return " UNION ALL ".join(f"({self._gather(cast(Clause | Chain, part), cap)})" for part in clause.parts)
        if isinstance(clause, Chain):
            return self._gather_far(clause, cap)
        if isinstance(clause, Has):
            start = self._by_list(clause)
        else:
            start = self._by_ids(clause) if clause.type == "id" else self._by_value(clause)
        where = start.where if start.is_typed else f"{start.where} AND {self._typed('d')}"
        if isinstance(clause, Clause) and is_open(clause):
            where += f" AND {bound(clause, 'd', self.writer)}"
        return f"SELECT d.date, d.pid, d.slot FROM {start.table} d WHERE {where} LIMIT {self.params.number(cap + 1)}"

    def _gather_far(self, chain: Chain, cap: int) -> str:
        """Everything of the type that refers to what fulfils the chain's link."""
        link = cast(Clause, chain.links[0])
        far = "t.pid = t.patient" if link.rtype == "Patient" else "t.patient = 0"
        fits = matches(link, "t", self.params, self.writer.hash64)
        param = f"d.param = {self.params.number(chain.param)}"
        tie = f"d.tpid = t.pid AND d.tslot = t.slot AND {self._bounded(param)}"
        return (
            f"SELECT d.date, d.pid, d.slot FROM"
            f" (SELECT DISTINCT t.slot, t.pid FROM {table_of(link)} t WHERE {far} AND {fits}) t"
            f" CROSS JOIN LATERAL"
            f" (SELECT d.date, d.pid, d.slot FROM vault.sp_reference d WHERE {tie} OFFSET 0) d"
            f" LIMIT {self.params.number(cap + 1)}"
        )

    def _sift(
        self, source: str, clause: Gathered, gates: list[str], order: Order, limit: str, after: Cursor | None
    ) -> str:
        others = self._others("d", Start("", "", clause))
        date, lateral = "d.date", ""
        if order.by_change:
            date, lateral = (
                "y.updated",
                (
                    " CROSS JOIN LATERAL (SELECT y.updated FROM vault.resource y"
                    " WHERE y.slot = d.slot AND y.pid = d.pid OFFSET 0) y"
                ),
            )
        parts = [*gates, *self._after(date, "d.pid", order, after), *others]
        once = f"(SELECT DISTINCT g.date, g.pid, g.slot FROM {source} g)"
        inner = f"SELECT {date} AS date, d.pid, d.slot FROM {once} d{lateral} WHERE {' AND '.join(parts) or 'true'}"
        return _limited(f"SELECT s.date, s.pid, s.slot FROM ({inner}) s", order, "s", limit)

    # ── A unit's people ──────────────────────────────────────────────────────────────────────────

    def _is_direct(self) -> bool:
        """Whether few enough people can match the best clause to look among everybody's."""
        best = next((c for c in self.ranked if c.type != "id"), None)
        if best is None or best.code in COMMON_PARAMS:
            return False
        if best.type == "string":
            return all(len(v.text) >= LONG_NAME for v in best.values if isinstance(v, TextValue))
        return best.code in _NUMBERS_OF_PEOPLE

    def _people(self, order: Order, limit: str, after: Cursor | None) -> str:
        """From the roster to each person's own rows; or, for what few people share, from those rows alone.

        The policy lets only the unit's people through in both.
        """
        start = self._people_start()
        is_direct = self._is_direct()
        tie = "d.pid = d.patient" if is_direct else "d.patient = p.patient"
        parts = [f"{tie} AND {start.where}", *self._others("d", start)]
        date = "d.date"
        if order.by_change:
            date = "(SELECT y.updated FROM vault.resource y WHERE y.slot = d.slot AND y.pid = d.pid)"
        where = " AND ".join(parts)
        own = f"SELECT DISTINCT {date} AS date, d.pid, d.slot FROM {start.table} d WHERE {where} OFFSET 0"
        source = f"({own}) q" if is_direct else f"access.people p CROSS JOIN LATERAL ({own}) q"
        inner = f"SELECT q.date, q.pid, q.slot FROM {source}"
        cut = self._after("q.date", "q.pid", order, after)
        return _limited(inner + (f" WHERE {' AND '.join(cut)}" if cut else ""), order, "q", limit)

    def _people_start(self) -> Start:
        for clause in self.ranked:
            if clause.type != "id":
                return self._by_value(clause)
        return Start("vault.resource", f"d.rtype = {self.rtype} AND d.body IS NOT NULL", None)

    # ── Pieces ───────────────────────────────────────────────────────────────────────────────────

    def _others(self, alias: str, start: Start) -> list[str]:
        row = self._row(alias, is_typed=start.is_typed)
        typed = [] if start.is_typed else [self._typed(alias)]
        left = [c for c in self.query.clauses if c is not start.done]
        row = Row(row.slot, row.pid, row.tie, is_typed=True)
        return [*typed, *(self._condition(c, row) for c in left)]

    def _condition(self, wanted: Condition, row: Row) -> str:
        held = holds_for_all(wanted, self.scope, self.params, self.writer.hash64)
        if held == "true":
            return held
        return f"({held} OR {self.writer.condition(wanted, row)})" if held else self.writer.condition(wanted, row)

    def _typed(self, alias: str) -> str:
        return self.writer.typed(self._row(alias, is_typed=False), self.query.rtype)

    def _row(self, alias: str, *, is_typed: bool) -> Row:
        tie = "{a}.pid = " + f"{alias}.pid"
        if self.is_people:
            tie += " AND {a}.patient = " + f"{alias}.pid"
        elif self.bounds:
            # All search rows of a resource have its date: with it the index on keys is probed at one place.
            tie += " AND {a}.date = " + f"{alias}.date AND {self.bounds}"
        return Row(f"{alias}.slot", f"{alias}.pid", tie, is_typed)

    def _after(self, date: str, pid: str, order: Order, after: Cursor | None) -> list[str]:
        if after is None:
            return []
        at, last = self.params.date(after.sort), self.params.number(after.pid)
        further = "<" if order.descending else ">"
        beyond = ">" if order.descending != order.by_change else "<"
        return [f"{date} {further}= {at} AND ({date} {further} {at} OR {pid} {beyond} {last})"]


def _limited(sql: str, order: Order, alias: str, limit: str) -> str:
    return f"{sql} ORDER BY {order.sql(alias)} LIMIT {limit}" if limit else sql


def merged(branches: list[str], order: Order, limit: str) -> str:
    """The rows of all branches, each once, in order."""
    union = f"SELECT DISTINCT ON (u.date, u.pid) u.date, u.pid, u.slot FROM ({' UNION ALL '.join(branches)}) u"
    return _limited(union, order, "u", limit)
