"""What people have changed of name, address and family, and who is close family; each night, the log's days."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from fellesjournal.access import analysis
from fellesjournal.access.model import SessionOver
from fellesjournal.access.traits import Hash64
from fellesjournal.kit.db import Database
from fellesjournal.kit.log import get_logger
from fellesjournal.record.review import people_were_read, people_written

JOB: Final = "log-analysis"
EACH_NIGHT: Final = "40 1 * * *"
FAMILY_JOB: Final = "close-family"
OFTEN: Final = "*/5 * * * *"
_PAGE: Final = 500

_log = get_logger("clinical.review")


@dataclass(frozen=True)
class Analyst:
    """What the work needs: `secret` gives a live session with the KONTROLL grant, `stop` ends between two days."""

    db: Database
    hash64: Hash64
    secret: Callable[[], Awaitable[bytes]]
    stop: asyncio.Event

    async def work(self) -> None:
        """Learn what is new of people, then read every day that waits. Raises SessionOver without the grant."""
        await self.learn()
        while not self.stop.is_set():
            day = await analysis.next_day(self.db, secret=await self.secret())
            if day is None:
                return
            found = await analysis.analyse(self.db, secret=await self.secret(), day=day)
            if found is None:
                raise SessionOver
            _log.info("a day of the log read", day=day.isoformat(), readings=found.readings, findings=found.findings)

    async def tell_family(self) -> None:
        """Learn what is new of people, and tell who is close family of whom. Raises SessionOver without the grant."""
        await self.learn()
        changed = await analysis.tell_family(self.db, secret=await self.secret())
        if changed:
            _log.info("close family told", facts=changed)

    async def learn(self) -> None:
        """Take in who was written since the last time, page by page; and the names of those who read."""
        after = None
        while not self.stop.is_set():
            page = await people_written(self.db, secret=await self.secret(), after=after, limit=_PAGE)
            if page.end is None:
                break
            await analysis.keep_traits(self.db, secret=await self.secret(), people=page.people, hash64=self.hash64)
            after = page.end
        if after is not None:
            await people_were_read(self.db, secret=await self.secret(), upto=after[0])
        await analysis.keep_readers(self.db, secret=await self.secret(), hash64=self.hash64)
