"""The transaction of a journal: what is one in it, what is taken back alone, and what of it stays in the log."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fellesjournal.access import audit
from fellesjournal.access.model import AccessError
from fellesjournal.kit.db import Connection, Database
from fellesjournal.record.errors import RecordError
from fellesjournal.record.gathering import Gathering


@dataclass(kw_only=True)
class Transacted(Gathering):
    """A connection while a transaction is open, and whom it has written about so far."""

    _conn: Connection | None = None
    _touched: set[int] = field(default_factory=set)
    _has_written: bool = False

    @asynccontextmanager
    async def together(self) -> AsyncGenerator[Connection, None]:
        """All that this journal does inside is one transaction; inside another it is a part of that.

        A refusal ends it: what was written goes, and what was only asked for stays in the log.
        """
        if self._conn is not None:
            yield self._conn
            return
        async with self._part(self._pool.transaction()) as conn:
            yield conn

    @asynccontextmanager
    async def apart(self) -> AsyncGenerator[Connection, None]:
        """The same, but a refusal inside another transaction takes back this part of it alone."""
        async with self._part((self._conn or self._pool).transaction()) as conn:
            yield conn

    @asynccontextmanager
    async def _part(self, transaction: AbstractAsyncContextManager[Any]) -> AsyncGenerator[Connection, None]:
        outer, touched, has_written = self._conn, self._touched, self._has_written
        refusal: Exception | None = None
        try:
            async with transaction as opened:
                self._conn, self._touched, self._has_written = outer or opened, set(), False
                try:
                    yield self._conn
                except (AccessError, RecordError) as error:
                    # A deletion touches nobody that is known here, and is taken back like any write.
                    if self._has_written:
                        raise
                    refusal = error
                finally:
                    self._conn = outer
        except (AccessError, RecordError):
            # What the database logged went with the transaction.
            await self._log_refusal(self._touched)
            self._has_written = False
            raise
        finally:
            self._touched, self._has_written = self._touched | touched, self._has_written or has_written
        if refusal is not None:
            raise refusal

    @property
    @abstractmethod
    def _pool(self) -> Database: ...

    @property
    def _db(self) -> Database | Connection:
        return self._conn or self._pool

    async def _log_refusal(self, patients: Iterable[int]) -> None:
        named = sorted({max(patient, 0) for patient in patients})
        await audit.log_refusal(self._db, decision=self.decision, action="write", patients=named)
