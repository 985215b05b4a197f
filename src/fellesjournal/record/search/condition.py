"""Conditions as semi-joins on a row that is already found. Every table read is under row-level security.

Each EXISTS ends in OFFSET 0: it stays a probe of one row and is never turned into a join of everything.
"""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from fellesjournal import fhir
from fellesjournal.fhir.keys import COMMON_PARAMS, Hash64
from fellesjournal.kit.ids import decode
from fellesjournal.record.search.match import (
    hashes,
    holds,
    is_hashed,
    matches,
    may_hold,
    one_param,
    rows_of,
    table_of,
)
from fellesjournal.record.search.model import Chain, Clause, Condition, Group, Has, TextValue
from fellesjournal.record.search.sql import Names, Params
from fellesjournal.record.search.words import WordsValue

FEW: Final = 100
"""So many hashes are each looked for in the index."""
Chosen = Mapping[tuple[str, str], tuple[int, int]]
"""(slot, pid) of ids that clients chose, by (type, id)."""


@dataclass(frozen=True)
class Row:
    """A found resource: SQL for its key, and what ties a search row (alias `{a}`) to it.

    `is_typed` when its type is certain: a row met through a reference may be of another.
    """

    slot: str
    pid: str
    tie: str
    is_typed: bool


@dataclass
class Writer:
    """Writes conditions of one compiled search."""

    params: Params
    hash64: Hash64
    chosen: Chosen = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    def condition(self, wanted: Condition, row: Row) -> str:
        """SQL that is true when the row fulfils the condition."""
        if isinstance(wanted, Clause):
            return self._clause(wanted, row)
        if isinstance(wanted, Group):
            return self._group(wanted, row)
        return self._chain(wanted, row) if isinstance(wanted, Chain) else self._has(wanted, row)

    def keys(self, clause: Clause) -> list[tuple[int, int]]:
        """(slot, pid) of an `_id` clause's ids; ids that can't be ours are left out."""
        ids = [cast(TextValue, v).text for v in clause.values]
        found = [decode(i) or self.chosen.get((clause.rtype, i)) for i in ids]
        return list(dict.fromkeys(key for key in found if key))

    def typed(self, row: Row, rtype: str) -> str:
        """True when the row is there for this reader, and of this type."""
        y = self.names.new()
        return (
            f"EXISTS (SELECT 1 FROM vault.resource {y} WHERE {y}.slot = {row.slot} AND {y}.pid = {row.pid}"
            f" AND {y}.rtype = {self.params.number(fhir.TYPE_NUMBER[rtype])} AND {y}.body IS NOT NULL"
            f" OFFSET 0)"
        )

    def _clause(self, clause: Clause, row: Row) -> str:
        if clause.type == "id":
            found = f"{row.pid} = ANY ({self.params.numbers(pid for _, pid in self.keys(clause))})"
            return found if row.is_typed else f"({found} AND {self.typed(row, clause.rtype)})"
        if clause.type == "text":
            return self._words(clause, row)
        x = self.names.new()
        negated = clause.modifier == "not" or (
            clause.modifier == "missing" and cast(TextValue, clause.values[0]).text == "true"
        )
        exists = (
            f"EXISTS (SELECT 1 FROM {table_of(clause)} {x} WHERE {row.tie.format(a=x)}"
            f" AND {self._fits(clause, x)} OFFSET 0)"
        )
        if clause.modifier == "missing" and clause.type in ("token", "reference"):
            exists = f"({exists} OR {self._has_text(clause, row)})"
        sql = f"NOT {exists}" if negated else exists
        if row.is_typed or not (negated or clause.code in COMMON_PARAMS):
            return sql
        return f"({sql} AND {self.typed(row, clause.rtype)})"

    def _fits(self, clause: Clause, a: str) -> str:
        if not is_hashed(clause) or len(clause.values) <= FEW:
            return matches(clause, a, self.params, self.hash64)
        # As an expression it is a look into one table of hashes, made once, and not a probe of an index for each.
        found = self.params.numbers(hashes(clause, self.hash64))
        return f"{one_param(a, rows_of(clause), self.params)} AND ({a}.h IN (SELECT unnest({found}))) IS TRUE"

    def _words(self, clause: Clause, row: Row) -> str:
        """A body that may hold the words is made readable, and looked at again."""
        y, z = self.names.new(), self.names.new()
        wanted = cast(WordsValue, clause.values[0])
        what = "true" if clause.code == "_text" else "false"
        return (
            f"EXISTS (SELECT 1 FROM (SELECT {y}.body FROM vault.resource {y} WHERE {y}.slot = {row.slot}"
            f" AND {y}.pid = {row.pid} AND {y}.rtype = {self.params.number(fhir.TYPE_NUMBER[clause.rtype])}"
            f" AND {y}.body IS NOT NULL AND {may_hold(wanted, f'{y}.body', self.params)} OFFSET 0) {y}"
            f" CROSS JOIN LATERAL (SELECT vault.readable({y}.body, {what}) AS text OFFSET 0) {z}"
            f" WHERE {holds(wanted, f'{z}.text', self.params)} OFFSET 0)"
        )

    def _group(self, group: Group, row: Row) -> str:
        if not row.is_typed:
            # What is hidden, or of another type, is not what "not" looks for.
            return f"({self.typed(row, group.rtype)} AND {self._group(group, replace(row, is_typed=True))})"
        parts = [self.condition(part, row) for part in group.parts]
        return f"(NOT {parts[0]})" if group.op == "not" else f"({f' {group.op.upper()} '.join(parts)})"

    def _has_text(self, clause: Clause, row: Row) -> str:
        """What has a text and no code, or no reference, is there all the same."""
        x = self.names.new()
        param = one_param(x, fhir.kept_as(clause.rtype, clause.code, clause.param), self.params)
        return f"EXISTS (SELECT 1 FROM vault.sp_string {x} WHERE {row.tie.format(a=x)} AND {param} OFFSET 0)"

    def _chain(self, chain: Chain, row: Row) -> str:
        x = self.names.new()
        target = Row(f"{x}.tslot", f"{x}.tpid", "{a}.pid = " + f"{x}.tpid", is_typed=False)
        links = " OR ".join(self.condition(link, target) for link in chain.links)
        return (
            f"EXISTS (SELECT 1 FROM vault.sp_reference {x} WHERE {row.tie.format(a=x)}"
            f" AND {x}.param = {self.params.number(chain.param)} AND {x}.tpid IS NOT NULL AND"
            f" ({links}) OFFSET 0)"
        )

    def _has(self, has: Has, row: Row) -> str:
        x = self.names.new()
        source = Row(
            f"{x}.slot",
            f"{x}.pid",
            "{a}.pid = " + f"{x}.pid AND " + "{a}.date = " + f"{x}.date",
            is_typed=True,
        )
        return (
            f"EXISTS (SELECT 1 FROM vault.sp_reference {x} WHERE {x}.tpid = {row.pid} AND {x}.tslot ="
            f" {row.slot}"
            f" AND {x}.param = {self.params.number(has.param)} AND {self.condition(has.link, source)}"
            f" OFFSET 0)"
        )
