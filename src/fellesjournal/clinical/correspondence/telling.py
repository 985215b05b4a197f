"""The worker's part in subscriptions: the feed's reader that numbers events, and what carries them out."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from fellesjournal.clinical.correspondence.actors import FEED, SystemSession
from fellesjournal.identity.model import Reader
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.health import Health
from fellesjournal.kit.jobs import Worker
from fellesjournal.kit.outbound import Outbound
from fellesjournal.record.feed import FeedReader
from fellesjournal.record.journal import Vault
from fellesjournal.record.subscriptions import standing, watch
from fellesjournal.record.subscriptions.deliver import Deliverer
from fellesjournal.record.subscriptions.watch import Watcher

_PAUSE = timedelta(seconds=5)
_UNITS = 50
"""Units that a session is kept for, to write how their subscriptions stand."""


class Telling:
    """Tells subscribers. `feed` is a session that may read the feed."""

    def __init__(self, vault: Vault, *, sessions: Sessions, feed: SystemSession, hosts: Sequence[str]) -> None:
        self._vault = vault
        self._sessions = sessions
        self._outbound = Outbound(allowed=hosts)
        self._watcher = Watcher(vault, sessions=sessions, secret=feed.secret)
        self._at_units: OrderedDict[int, SystemSession] = OrderedDict()
        self._reader = FeedReader(
            vault.db, name=watch.READER, secret=feed.secret, wants=self._watcher.wants, handle=self._watcher.handle,
            parked=watch.PARKED, prepare=self._watcher.renew,
        )  # fmt: skip
        self._deliverer = Deliverer(
            vault, sessions=sessions, secret=feed.secret, reader_at=self._reader_at, outbound=self._outbound
        )

    def register(self, worker: Worker, health: Health | None) -> None:
        """What is tried again, what is done each night, and whether the reader of the feed is at work."""
        worker.register(watch.PARKED, self._watcher.handle_job, first_pause=_PAUSE)
        worker.schedule("told-events", "47 3 * * *", partial(standing.sweep, self._vault.db))
        if health is not None:
            health.register("subscriptions", self._reader.check)

    async def run(self, stop: asyncio.Event) -> None:
        """Number events and send them until told to stop."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reader.run(stop))
            group.create_task(self._deliverer.run(stop))

    async def close(self) -> None:
        """Close connections and end sessions."""
        await self._outbound.close()
        for session in self._at_units.values():
            await session.end()

    async def _reader_at(self, unit: int) -> Reader:
        session = self._at_units.get(unit)
        if session is None:
            session = self._at_units[unit] = SystemSession(self._sessions, actor=FEED, unit=unit)
            if len(self._at_units) > _UNITS:
                _, oldest = self._at_units.popitem(last=False)
                await oldest.end()
        return await session.reader()
