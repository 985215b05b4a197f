"""Filling in rows for search parameters that were added, and deleting those of removed ones: the worker's job.

A resource is looked at once, in the order of the keys. Each page is one short transaction, and where it ended is
remembered in it: a worker that is killed goes on from there, and two that meet do no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fellesjournal import fhir
from fellesjournal.access.model import SessionOver
from fellesjournal.kit.db import Database
from fellesjournal.kit.jobs import Payload
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.log import get_logger
from fellesjournal.record import index_store as store
from fellesjournal.record import names
from fellesjournal.record.definitions import Definitions
from fellesjournal.record.rows import targets

JOB: Final = "search.index"
COMPLETE: Final = "references.complete"
"""The job that lets further references lead to what was made under the id that they name."""
EVERY_MINUTE: Final = "* * * * *"
PAGE: Final = 1000
_WAIT_S: Final = 0.5

_log = get_logger("record.indexing")


@dataclass(frozen=True)
class Indexer:
    """What the worker needs: `secret` gives a live session with the INDEX grant, `stop` ends between two pages."""

    db: Database
    keys: Keys
    definitions: Definitions
    secret: Callable[[], Awaitable[bytes]]
    stop: asyncio.Event

    async def handle(self, payload: Payload) -> None:
        """A job: work on one parameter until it is done. Raises SessionOver without the grant."""
        await self.work(int(payload["edition"]))

    async def complete(self, payload: Payload) -> None:
        """A job: complete the next references to one row; there is another job when there are more.

        Raises SessionOver without the grant.
        """
        h, slot, pid, org = (int(payload[name]) for name in ("h", "slot", "pid", "org"))
        secret = await self.secret()
        if await store.complete_further(self.db, secret=secret, h=h, slot=slot, pid=pid, org=org) is None:
            raise SessionOver

    async def work_on_all(self) -> None:
        """Go on with what a stopped worker has left."""
        for edition in await store.index_unfinished(self.db):
            await self.work(edition)

    async def work(self, edition: int) -> None:
        """Page after page, until the parameter is ready or gone, somebody else works on it, or it is time to stop."""
        while not self.stop.is_set():
            state = await store.index_state(self.db, secret=await self.secret(), edition=edition)
            if state == "none":
                raise SessionOver
            if state == "done":
                return
            if state == "wait":
                await asyncio.sleep(_WAIT_S)
            elif not await (self._remove(edition) if state == "removing" else self._fill(edition)):
                _log.info("search parameter done", edition=edition, state=state)
                return

    async def _remove(self, edition: int) -> bool:
        return await store.index_remove(self.db, secret=await self.secret(), edition=edition, limit=PAGE)

    async def _fill(self, edition: int) -> bool:
        """One page; whether there may be more to do."""
        added = await self._added(edition)
        page = await store.index_read(self.db, secret=await self.secret(), edition=edition, limit=PAGE)
        if added is None or page is None:
            return False
        known = await self._names(page.items) if added.param.type == "reference" else {}
        rows, faults = fhir.IndexRows(), 0
        for n, item in enumerate(page.items, start=1):
            own = names.with_own_ids(fhir.parse(item.body.encode()), item.body, known.get(item.org, {}))
            faults += not fhir.extract_added(own, added, into=rows, n=n, hash64=self.keys.hash64)
        is_mine = await store.index_write(
            self.db, secret=await self.secret(), edition=edition, page=page, faults=faults, rows=_arguments(rows)
        )
        return is_mine and not page.is_last

    async def _added(self, edition: int) -> fhir.AddedParam | None:
        registry = await self.definitions.renew()
        return next((added for added in registry.added if added.edition == edition), None)

    async def _names(self, items: list[store.IndexItem]) -> Mapping[int, Mapping[names.Name, names.Key]]:
        """What ids chosen by clients stand for, by the unit that controls what refers to them."""
        wanted = list(dict.fromkeys((name, item.org) for item in items for name in names.foreign(item.body)))
        if not wanted:
            return {}
        found = await store.index_names(self.db, secret=await self.secret(), wanted=[
            (fhir.TYPE_NUMBER[rtype], name, org) for (rtype, name), org in wanted
        ])  # fmt: skip
        known: dict[int, dict[names.Name, names.Key]] = {}
        for n, key in found:
            name, org = wanted[n]
            known.setdefault(org, {})[name] = key
        return known


def _arguments(x: fhir.IndexRows) -> list[list[object]]:
    slots, pids = targets(x.reference_target)
    columns: list[list[object]] = [
        [*x.token_n], [*x.token_param], [*x.token_h], [*x.reference_n], [*x.reference_param], [*x.reference_h],
        [*slots], [*pids], [*x.date_n], [*x.date_param], [*x.date_lo], [*x.date_hi], [*x.quantity_n],
        [*x.quantity_param], [*x.quantity_unit], [*x.quantity_lo], [*x.quantity_hi], [*x.string_n], [*x.string_param],
        [*x.string_v], [*x.string_exact], [*x.uri_n], [*x.uri_param], [*x.uri_v],
    ]  # fmt: skip
    return columns
