"""Single writes of one session that wait go to the vault together: one decision, one commit, one event of the log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from fellesjournal.kit.db import Database, DbError, Deadlock, LockTimeout, Row, StatementTimeout, UniqueViolation
from fellesjournal.record import store
from fellesjournal.record.rows import Columns, joined
from fellesjournal.record.waiting import Waiting

WRITES: Final = 16
_LONGEST: Final = 50_000
_REFUSED: Final = (UniqueViolation, Deadlock, LockTimeout, StatementTimeout)


@dataclass(frozen=True)
class SingleWrite:
    """One version to be written, in a transaction of its own as far as its client can tell."""

    secret: bytes
    columns: Columns

    @property
    def is_fit(self) -> bool:
        """Whether it may wait with others: what is long would hold them up."""
        columns = self.columns
        return len(columns.pid) == 1 and len(columns.tail[0] or "") < _LONGEST

    @property
    def alike(self) -> tuple[bytes, int, int]:
        """What writes that go together have in common: a log event has one session and one kind."""
        return self.secret, self.columns.rtype[0], self.columns.registry

    @property
    def key(self) -> tuple[int, int]:
        """Its row; rows are locked in this order."""
        return self.columns.slot[0], self.columns.pid[0]


Outcome = Row | Exception


def single_writes(db: Database) -> "Waiting[SingleWrite, Outcome]":
    """Writes that wait. Each gets the row of `vault.write`, or the error that its asker is to raise."""

    async def fetch(items: list[SingleWrite]) -> list[Outcome]:
        found: dict[int, Outcome] = {}
        for group in _together(items):
            found.update(zip(group, await _written(db, [items[n] for n in group]), strict=True))
        return [found[n] for n in range(len(items))]

    return Waiting(fetch, batch=WRITES, patience=WRITES // 2)


async def _written(db: Database, items: Sequence[SingleWrite]) -> list[Outcome]:
    """Of these all or none is made by one call; if none is, each is tried by itself, so that no other's fault counts.

    Only what the database refused is tried again: whether a call was carried out that got no answer, nobody knows.
    """
    try:
        rows = await store.write(db, secret=items[0].secret, columns=joined([item.columns for item in items]))
    except _REFUSED as error:
        if len(items) == 1:
            return [error]
    except DbError as error:
        return [error] * len(items)
    else:
        if len(items) == 1 or all(row["status"] < 400 for row in rows):
            return [*rows]
    return [outcome for item in items for outcome in await _written(db, [item])]


def _together(items: Sequence[SingleWrite]) -> Iterable[list[int]]:
    """The numbers of those that go in one call: alike, in the order of their rows, no row twice."""
    order = sorted(range(len(items)), key=lambda n: (items[n].alike, items[n].key, n))
    for _, alike in groupby(order, key=lambda n: items[n].alike):
        waiting = [*alike]
        while waiting:
            first = [n for i, n in enumerate(waiting) if i == 0 or items[n].key != items[waiting[i - 1]].key]
            yield first
            waiting = [n for n in waiting if n not in first]
