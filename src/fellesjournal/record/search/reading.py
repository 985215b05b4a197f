"""Searches that read texts (`_text`, `_content`): everything else is found first, and no more is read than a cap.

What nothing else narrows is refused, never left to run: a list of many bodies has no index over its words.
"""

# ruff: noqa: S608 - SQL is composed here from fixed pieces; every value is a parameter

from dataclasses import replace
from typing import Final

from fellesjournal.record.search.condition import Writer
from fellesjournal.record.search.cursor import Cursor
from fellesjournal.record.search.drive import Driver, Order
from fellesjournal.record.search.model import Clause, Condition, SearchQuery, inner
from fellesjournal.record.search.scope import Chart, Scope

LIST_CAP: Final = 5000
CHART_CAP: Final = 20_000


def reads(condition: Condition) -> bool:
    """Whether a text must be read to tell."""
    if isinstance(condition, Clause):
        return condition.type == "text"
    return any(map(reads, inner(condition)))


class Reader(Driver):
    """The rows of a query that reads texts, from the table (CTE) `near` of those that fulfil all else."""

    def __init__(self, query: SearchQuery, scope: Scope, writer: Writer) -> None:
        super().__init__(query, scope, writer)
        self.texts = [c for c in query.clauses if reads(c)]
        rest = tuple(c for c in query.clauses if not reads(c))
        self.rest = Driver(replace(query, clauses=rest, sort=()), scope, writer)
        self.cap = self.params.number(CHART_CAP if isinstance(scope, Chart) else LIST_CAP)

    @property
    def is_over(self) -> str:
        """SQL that is true when there is more to read than the cap."""
        return f"((SELECT count(*) FROM near) > {self.cap})"

    def near(self, order: Order) -> str:
        """The table of what may be read."""
        found = self.rest.matches(order, limit="", after=None)
        return f"near AS MATERIALIZED (SELECT a.date, a.pid, a.slot FROM ({found}) a LIMIT {self.cap} + 1)"

    def matches(self, order: Order, *, limit: str, after: Cursor | None) -> str:
        """As every driver's; nothing at all when there is too much to read. Texts are read in order, until enough."""
        at, lateral = "n.date", ""
        if order.by_change:
            own = "SELECT y.updated FROM vault.resource y WHERE y.slot = n.slot AND y.pid = n.pid OFFSET 0"
            at, lateral = "y.updated", f" CROSS JOIN LATERAL ({own}) y"
        ranked = (
            f"SELECT s.at, s.date, s.pid, s.slot FROM (SELECT {at} AS at, n.date, n.pid, n.slot FROM near n{lateral}) s"
            f" ORDER BY {order.sql('s').replace('s.date', 's.at')} OFFSET 0"
        )
        row = self._row("d", is_typed=True)
        parts = [f"NOT {self.is_over}", *self._after("d.at", "d.pid", order, after)]
        parts += [self.writer.condition(c, row) for c in self.texts]
        read = f"SELECT d.at AS date, d.pid, d.slot FROM ({ranked}) d WHERE {' AND '.join(parts)}"
        ordered = f" ORDER BY {order.sql('w')} LIMIT {limit}" if limit else ""
        return f"SELECT w.date, w.pid, w.slot FROM ({read}) w{ordered}"

    def probes(self, order: Order) -> list[tuple[int, int, int, int, int]]:
        """None: there is one plan alone."""
        del order
        return []
