"""The change feed: every version ever written, in the order of commit, for a reader that must miss none.

The position is (transaction, place) and stands in the database, bound to the database's lineage: after a
restore a
reader begins again. So handlers must bear to be told the same thing twice.
Nothing waits on the writers: the reader looks four times a second, and sees nothing of a transaction before
all
older ones have ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fellesjournal import fhir
from fellesjournal.access.model import SessionOver
from fellesjournal.kit import ids, jobs, metrics
from fellesjournal.kit.db import ConnectionLost, Database, Row
from fellesjournal.kit.log import get_logger
from fellesjournal.kit.migrate import installation
from fellesjournal.record import store

LOOK_EVERY_S = 0.25
STANDS_AFTER_S = 60.0
AT_ONCE = 500
TRIES = 3
FIRST_PAUSE_S = 0.2
PARKED_FOR = timedelta(seconds=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_log = get_logger("record.feed")
_lag = metrics.gauge(
    "feed_lag_seconds", "Age of the newest entry that a feed reader has handled.", ("feed",)
)
_handled = metrics.counter("feed_entries", "Entries of the feed that were handled.", ("feed", "outcome"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One version that was written: ids alone. `purpose` is what its writer was there for (TREAT, LOAD …)."""

    xid: str
    pos: int
    slot: int
    pid: int
    version: int
    rtype: str
    patient: int
    org: int
    op: str
    updated: datetime
    purpose: str

    @property
    def id(self) -> str:
        """The resource's id."""
        return ids.encode(self.slot, self.pid)

    def payload(self) -> dict[str, int | str]:
        """The entry as a job carries it."""
        at = (self.updated - _EPOCH) // timedelta(milliseconds=1)
        key = {"slot": self.slot, "pid": self.pid, "version": self.version}
        return {**key, "rtype": self.rtype, "op": self.op, "at": at, "org": self.org}

    @classmethod
    def of_payload(cls, payload: Mapping[str, int | str]) -> Entry:
        """The entry that a job carries; without its position, owner and purpose."""
        at = _EPOCH + timedelta(milliseconds=int(payload["at"]))
        slot, pid, version = int(payload["slot"]), int(payload["pid"]), int(payload["version"])
        return cls("", 0, slot, pid, version, str(payload["rtype"]), 0, 0, str(payload["op"]), at, "")


Wants = Callable[[Entry], bool]
Handle = Callable[[Entry], Awaitable[None]]
Secret = Callable[[], Awaitable[bytes]]
Prepare = Callable[[], Awaitable[None]]


class FeedStands(Exception):
    """The feed has not been read for a minute."""


class FeedReader:
    """Tells a handler of every entry that it wants, once at least, in order, until it is stopped.

    `secret` gives a live session with the FEED grant; `wants` passes by what does not concern the handler.
    `prepare` is awaited when entries have been read, before the first is looked at: it learns what was when they came.
    An entry that fails is tried again with growing pauses, then
    put aside as a job named `parked` (tried for hours, then held for an operator), so that it never stops
    the others.
    """

    def __init__(
        self, db: Database, *, name: str, secret: Secret, wants: Wants, handle: Handle, parked: str,
        look_every_s: float = LOOK_EVERY_S, first_pause_s: float = FIRST_PAUSE_S, prepare: Prepare | None = None,
    ) -> None:  # fmt: skip
        self._db = db
        self._name = name
        self._secret = secret
        self._wants = wants
        self._handle = handle
        self._prepare = prepare
        self._parked = parked
        self._look_every_s = look_every_s
        self._first_pause_s = first_pause_s
        self._epoch = ""
        self._read_at = time.monotonic()

    async def check(self) -> None:
        """For `/health/ready`. Raises FeedStands when not even "nothing is new" has been read for a minute."""
        if time.monotonic() - self._read_at > STANDS_AFTER_S:
            raise FeedStands

    async def run(self, stop: asyncio.Event) -> None:
        """Read until told to stop; waits out a database that is gone."""
        while not stop.is_set():
            try:
                more = await self.read_once(stop)
            except (*ConnectionLost, SessionOver, TimeoutError) as error:
                _log.warning("feed waits", reader=self._name, error=type(error).__name__)
                more = False
                await _wait(stop, 2.0)
            if not more:
                await _wait(stop, self._look_every_s)

    async def read_once(self, stop: asyncio.Event | None = None) -> bool:
        """Handle what stands next; whether there may be more at once. Raises SessionOver without the
        grant.
        """
        if not self._epoch:
            self._epoch = await self._lineage()
        xid, pos = await store.feed_at(self._db, reader=self._name, epoch=self._epoch)
        rows = await store.feed(self._db, secret=await self._secret(), xid=xid, pos=pos, limit=AT_ONCE)
        if rows and not rows[0]["allowed"]:
            raise SessionOver
        last = None
        self._read_at = time.monotonic()
        if rows and self._prepare is not None:
            await self._prepare()
        for last in map(_entry, rows):
            if self._wants(last) and not await self._take(last):
                await self._reached(last)
            if stop is not None and stop.is_set():
                break
        if last is not None and not self._wants(last):
            await self._reached(last)
        _lag.labels(self._name).set(_age(rows) if len(rows) == AT_ONCE else 0)
        return len(rows) == AT_ONCE

    async def _take(self, entry: Entry) -> bool:
        """Handle one entry; True when it was put aside (and the position with it)."""
        for attempt in range(TRIES):
            try:
                await self._handle(entry)
            except ConnectionLost:
                raise
            except Exception as error:  # noqa: BLE001 logged without its text, tried again, then put aside
                _log.warning(
                    "feed entry failed",
                    reader=self._name,
                    attempt=attempt + 1,
                    rtype=entry.rtype,
                    exc_info=error,
                )
                await asyncio.sleep(self._first_pause_s * 4**attempt if attempt + 1 < TRIES else 0)
            else:
                _handled.labels(self._name, "handled").inc()
                return False
        await self._park(entry)
        return True

    async def _park(self, entry: Entry) -> None:
        _handled.labels(self._name, "parked").inc()
        async with self._db.transaction() as conn:
            await jobs.enqueue(conn, self._parked, entry.payload(), delay=PARKED_FOR)
            await store.feed_reached(conn, reader=self._name, epoch=self._epoch, xid=entry.xid, pos=entry.pos)

    async def _reached(self, entry: Entry) -> None:
        await store.feed_reached(self._db, reader=self._name, epoch=self._epoch, xid=entry.xid, pos=entry.pos)

    async def _lineage(self) -> str:
        async with self._db.acquire() as connection:
            return (await installation(connection)).epoch


def _entry(row: Row) -> Entry:
    op = row["op"]
    return Entry(
        xid=row["xid"],
        pos=row["pos"],
        slot=row["slot"],
        pid=row["pid"],
        version=row["version"],
        rtype=fhir.RESOURCE_TYPES[row["rtype"] - 1],
        patient=row["patient"],
        org=row["org"],
        op=op.decode() if isinstance(op, bytes) else str(op),
        updated=row["updated"],
        purpose=row["purpose"] or "",
    )


def _age(rows: list[Row]) -> float:
    newest: datetime = rows[-1]["updated"]
    return max(0.0, (datetime.now(UTC) - newest).total_seconds())


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
