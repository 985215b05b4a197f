# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""What one reader should be answered: the naive search over the permitted rows, and what comes along with its matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from fellesjournal.fhir import param_id
from fellesjournal.record.ownership import DIRECTORY_TYPES
from fellesjournal.record.search import Chart, Listing, SearchQuery
from fellesjournal.record.search.model import Chain, Clause, Condition, Has, Include
from tests.law.oracle.facts import Reader
from tests.law.oracle.world import OracleWorld
from tests.record.search.naive import Naive
from tests.record.search.plainly import fulfils
from tests.record.search.world import Known

_UNIT: Final = param_id("Encounter", "service-provider")
"""Leads to where somebody was: of a strictly protected person it is the unit's that wrote it alone."""
_STATUSES: Final = {
    "http://hl7.org/fhir/ValueSet/observation-status": {
        "registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown",
    },
}  # fmt: skip
_BY_CONTENT: Final = frozenset({"text", "of-type"})


@dataclass
class Memory:
    """What is the same for every reader: which rows fulfil a clause, and who refers to whom."""

    rows: list[Known]
    clauses: dict[Clause, frozenset[int]] = field(default_factory=dict)
    by_ref: dict[str, Known] = field(default_factory=dict)
    referring: dict[tuple[str, int], list[Known]] = field(default_factory=dict)
    targets: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows:
            self.by_ref[row.ref] = row
            for param, target in zip(row.rows.reference_param, row.rows.reference_target, strict=True):
                if target:
                    self.targets.setdefault((row.pid, param), []).append(target)
                    self.referring.setdefault((target, param), []).append(row)


class View(Naive):
    """One reader in the charts that were opened, or in the lists (`charts` None)."""

    def __init__(self, world: OracleWorld, memory: Memory, reader: Reader, charts: tuple[int, ...] | None) -> None:
        scope = Listing(reader.unit) if charts is None else Chart(charts)
        super().__init__(world, scope, frozenset(), frozenset())
        self.town, self.memory, self.reader, self.charts = world, memory, reader, charts
        self.seen: dict[int, bool] = {}

    def sees(self, item: Known) -> bool:
        if item.pid not in self.seen:
            self.seen[item.pid] = self.town.law.sees(self.reader, item, charts=self.charts)
        return self.seen[item.pid]

    def listed(self, item: Known) -> bool:
        if item.rtype == "Patient" and self.charts is None:
            return self.sees(item) and self.town.law.is_on_roster(self.reader, item.pid)
        if item.rtype in DIRECTORY_TYPES or self.charts is not None:
            return self.sees(item)
        return item.org == self.reader.unit and self.sees(item)

    def search(self, query: SearchQuery) -> list[Known]:
        types = [part.rtype for part in query.parts] or [query.rtype]
        clauses = {part.rtype: part.clauses for part in query.parts} or {query.rtype: query.clauses}
        found = [
            row for row in self.memory.rows if row.rtype in types and self.listed(row)
            and all(self.fulfils(row, clause) for clause in clauses[row.rtype])
        ]  # fmt: skip
        return sorted(found, key=lambda row: (-row.date.timestamp(), row.pid))

    def fulfils(self, item: Known, wanted: Condition) -> bool:
        if isinstance(wanted, Chain):
            named = (self.memory.by_ref.get(ref) for ref in self.named(item, wanted.param))
            return any(row and self.sees(row) and self._any(row, wanted.links) for row in named)
        if isinstance(wanted, Has):
            return any(
                row.rtype == wanted.rtype and self.sees(row) and self.fulfils(row, wanted.link)
                for row in self.naming(item, wanted.param)
            )
        return super().fulfils(item, wanted)

    def _any(self, row: Known, links: Iterable[Condition]) -> bool:
        return any(self.fulfils(row, link) for link in links)

    def _clause(self, item: Known, c: Clause) -> bool:
        if c.param == _UNIT and item.patient in self.town.facts.strict and not self._knows_place(item):
            return c.modifier == "not" or (c.modifier == "missing" and c.values[0].text == "true")  # type: ignore[union-attr]
        if c not in self.memory.clauses:
            rows = (row for row in self.memory.rows if row.rtype == c.rtype)
            self.memory.clauses[c] = frozenset(row.pid for row in rows if self._plainly(row, c))
        return item.pid in self.memory.clauses[c]

    def _plainly(self, row: Known, c: Clause) -> bool:
        if c.modifier in ("in", "not-in"):
            (known,) = [_STATUSES[value.text] for value in c.values]  # type: ignore[union-attr]
            return (row.resource["status"] in known) == (c.modifier == "in")
        if c.type == "composite" or c.modifier in _BY_CONTENT:
            return fulfils(row.resource, c)
        return super()._clause(row, c)

    def _knows_place(self, row: Known) -> bool:
        return self.reader.kind == "system" or row.org == self.reader.unit

    # ── What comes along ─────────────────────────────────────────────────────────────────────────

    def named(self, row: Known, param: int) -> list[str]:
        """What a row refers to by a parameter, as far as this reader may know."""
        if param == _UNIT and row.patient in self.town.facts.strict and not self._knows_place(row):
            return []
        return self.memory.targets.get((row.pid, param), [])

    def naming(self, row: Known, param: int) -> list[Known]:
        """The rows that refer to a row by a parameter."""
        return [one for one in self.memory.referring.get((row.ref, param), []) if row.ref in self.named(one, param)]

    def along(self, query: SearchQuery, matches: Sequence[Known]) -> set[str]:
        """What a page of these matches brings with it."""
        page = {row.pid: row for row in matches}
        found = {row.pid: row for row in self._along(query, matches, only_iterate=False)}
        fresh = [row for row in found.values() if row.pid not in page]
        while fresh:
            more = {row.pid: row for row in self._along(query, fresh, only_iterate=True)}
            fresh = [row for pid, row in more.items() if pid not in found and pid not in page]
            found |= more
        return {row.ref for pid, row in found.items() if pid not in page}

    def _along(self, query: SearchQuery, rows: Sequence[Known], *, only_iterate: bool) -> Iterable[Known]:
        for include in query.includes:
            if include.iterate or not only_iterate:
                yield from self._forwards(include, rows)
        for include in query.revincludes:
            if include.iterate or not only_iterate:
                yield from self._backwards(include, rows)

    def _forwards(self, include: Include, rows: Sequence[Known]) -> Iterable[Known]:
        for row in rows:
            for param in include.params if row.rtype == include.source else ():
                for ref in self.named(row, param):
                    target = self.memory.by_ref.get(ref)
                    if target and self.sees(target) and include.target in ("", target.rtype):
                        yield target

    def _backwards(self, include: Include, rows: Sequence[Known]) -> Iterable[Known]:
        for row in rows:
            for param in include.params:
                for source in self.naming(row, param):
                    if source.rtype == include.source and self.sees(source) and include.target in ("", row.rtype):
                        yield source


def sort_key(order: str, row: Known) -> Any:
    """What a row is sorted by."""
    if "_id" in order:
        return row.pid
    return row.updated if "_lastUpdated" in order else row.date


def newest(rows: Iterable[Known]) -> datetime:
    """When the newest of some rows happened."""
    return max(row.date for row in rows)
