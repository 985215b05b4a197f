"""One bulk write for a decision: everything gathered with the facts that go with it, or nothing and a named fault."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fellesjournal.access import audit, relations
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed, WrongUnit
from fellesjournal.access.relations import Fact
from fellesjournal.kit.db import Connection, Database, Row, UniqueViolation
from fellesjournal.record import store
from fellesjournal.record.binary import Load
from fellesjournal.record.definitions import Definitions
from fellesjournal.record.errors import Busy, Duplicate, NotFound, RecordError, UnknownPatient, placed
from fellesjournal.record.names import Key, Name
from fellesjournal.record.rows import Body, Columns, NotOurPatient, Wanted, gather
from fellesjournal.record.search import CodeSets
from fellesjournal.record.single_writes import Outcome, SingleWrite
from fellesjournal.record.subscriptions.taking import Taking, asked_in
from fellesjournal.record.subscriptions.wish import Terms
from fellesjournal.record.waiting import Waiting
from fellesjournal.record.written import check, taken

_OTHER_PARAMETERS = 425
_TRIES = 5


@dataclass
class Writer:
    """Writes by the pool, or inside the transaction that is open. `touched`: the patients written about so far."""

    pool: Database
    waiting: Waiting[SingleWrite, Outcome]
    conn: Connection | None
    decision: Decision
    hash64: Callable[[str], int]
    known: Mapping[Name, Key]
    definitions: Definitions
    load: Load
    terms: Terms
    codes: CodeSets
    touched: set[int] = field(default_factory=set)

    async def write(
        self, wanted: Sequence[Wanted], bodies: Sequence[Body | None], *, facts: Sequence[Fact],
        ended: Sequence[tuple[int, int]],
    ) -> list[Row]:  # fmt: skip
        """The rows of `vault.write` for what was validated, in its order.

        Raises Invalid, UnknownPatient, NotFound, Gone, VersionConflict, AlreadyThere, Duplicate, OtherPatient, NoNeed,
        WrongUnit, SessionOver.
        """
        subscribing = await asked_in(wanted, reader=self.decision.reader, terms=self.terms, codes=self.codes)
        columns = self._columns(wanted, bodies)
        try:
            if facts or ended or self.load.uploads or subscribing:
                rows = await self._write_with_facts(wanted, bodies, columns, facts, ended, subscribing)
            else:
                rows = await self._put(wanted, bodies, columns)
        except UniqueViolation as error:
            raise await self._taken(error) from error
        check(rows, wanted)
        self.touched.update(_patients(columns))
        return rows

    def _columns(self, wanted: Sequence[Wanted], bodies: Sequence[Body | None]) -> Columns:
        try:
            registry = self.definitions.registry
            return gather(wanted, hash64=self.hash64, bodies=bodies, known=self.known, registry=registry)
        except NotOurPatient as error:
            raise placed(UnknownPatient(), error.place) from None

    async def _put(self, wanted: Sequence[Wanted], bodies: Sequence[Body | None], columns: Columns) -> list[Row]:
        if self.conn is None:
            return await self._store(self.pool, wanted, bodies, columns)
        # A key that is taken must not end the transaction.
        async with self.conn.transaction():
            return await self._store(self.conn, wanted, bodies, columns)

    async def _store(
        self, conn: Database | Connection, wanted: Sequence[Wanted], bodies: Sequence[Body | None], columns: Columns
    ) -> list[Row]:
        """Write; with search rows for other parameters when these have changed: nothing was written before that."""
        if not columns.pid:
            return []
        for _ in range(_TRIES):
            rows = await self._call(conn, columns)
            if rows[0]["status"] != _OTHER_PARAMETERS:
                return rows
            await self.definitions.renew(None if isinstance(conn, Database) else conn)
            columns = self._columns(wanted, bodies)
        raise Busy

    async def _call(self, conn: Database | Connection, columns: Columns) -> list[Row]:
        single = SingleWrite(self.decision.secret, columns)
        if conn is not self.pool or not single.is_fit:
            return await store.write(conn, secret=single.secret, columns=columns)
        outcome = await self.waiting.ask(single)
        if isinstance(outcome, Exception):
            raise outcome
        return [outcome]

    async def _write_with_facts(
        self, wanted: Sequence[Wanted], bodies: Sequence[Body | None], columns: Columns, facts: Sequence[Fact],
        ended: Sequence[tuple[int, int]], subscribing: Taking | None,
    ) -> list[Row]:  # fmt: skip
        try:
            async with self._transaction() as conn:
                for fact in facts:
                    await relations.establish(conn, decision=self.decision, fact=fact)
                rows = await self._store(conn, wanted, bodies, columns)
                check(rows, wanted)
                await self.load.keep(conn, wanted, rows)
                for patient, source in ended:
                    await relations.end(conn, decision=self.decision, patient=patient, source=source)
                if subscribing:
                    await subscribing.take(conn, self.decision, wanted, rows)
                return rows
        except (NoNeed, NotFound, WrongUnit):
            # What the database logged went with the transaction.
            await self._log_refusal({*(fact.patient for fact in facts), *_patients(columns)}, "write")
            raise

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[Connection, None]:
        if self.conn is None:
            async with self.pool.transaction() as conn:
                yield conn
        else:
            async with self.conn.transaction():
                yield self.conn

    async def _taken(self, error: UniqueViolation) -> RecordError:
        """What was there already. That a national number is taken tells that somebody has it: logged as a look-up."""
        found = taken(error)
        if isinstance(found, Duplicate):
            await self._log_refusal([0], "identify")
        return found

    async def _log_refusal(self, patients: Iterable[int], action: str) -> None:
        named = sorted({max(patient, 0) for patient in patients})
        await audit.log_refusal(self.conn or self.pool, decision=self.decision, action=action, patients=named)


def _patients(columns: Columns) -> Iterable[int]:
    return (patient for patient in columns.patient if patient is not None)
