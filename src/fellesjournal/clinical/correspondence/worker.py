"""The worker's part: the feed's readers (notes, subscriptions), what was put aside, search rows, exports, imports."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from fellesjournal.access import audit, chain
from fellesjournal.clinical.correspondence.actors import ACTORS, SystemSession
from fellesjournal.clinical.correspondence.distribute import Distributor
from fellesjournal.clinical.correspondence.model import is_carried
from fellesjournal.clinical.correspondence.referrals import may_be_referral
from fellesjournal.clinical.correspondence.telling import Telling
from fellesjournal.clinical.review import jobs as review
from fellesjournal.clinical.review.jobs import Analyst
from fellesjournal.clinical.staff import jobs as staff
from fellesjournal.identity.administration import ledger
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.db import Database
from fellesjournal.kit.health import Health
from fellesjournal.kit.jobs import Worker
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.settings import Settings
from fellesjournal.record import binary, blocks, bulk, imports, indexing, sensitivity
from fellesjournal.record.bulk import Carrier
from fellesjournal.record.feed import Entry, FeedReader
from fellesjournal.record.imports import Importer
from fellesjournal.record.indexing import Indexer
from fellesjournal.record.journal import Vault
from fellesjournal.record.subscriptions.wish import Terms

READER = "correspondence"
PARKED = "correspondence.carry"
_PAUSE = timedelta(seconds=5)


async def run(settings: Settings, keys: Keys, stop: asyncio.Event, *, health: Health | None = None) -> None:
    """Carry notes until told to stop; what is under way is finished first. Raises DatabaseUnavailable at start.

    `health` gets the worker's parts: its database and its reading of the feed.
    """
    async with await Database.connect(settings, keys, "fj_worker", max_size=6) as db:
        sessions = Sessions(signin=db, web=db, settings=settings, keys=keys)
        vault = Vault(db, keys=keys, required=settings.required_profiles, terms=Terms.of(settings))
        systems = [SystemSession(sessions, actor=actor) for actor in ACTORS]
        feed, distribute, index, bulky, control, directory = systems
        distributor = Distributor(vault, reader=distribute.reader)
        reader = FeedReader(
            db, name=READER, secret=feed.secret, wants=is_told, handle=distributor.handle, parked=PARKED
        )
        if health is not None:
            health.register("database", partial(_answers, db))
            health.register("feed", reader.check)
        parked = Worker(db)
        parked.schedule("log-partitions", "17 3 * * *", partial(audit.keep_partitions, db))
        parked.schedule("log-seals", "* * * * *", partial(chain.keep_sealed, db, keys=keys))
        parked.schedule("controllers", "* * * * *", partial(ledger.keep_controllers, db))
        parked.schedule("delayed-rows", blocks.EVERY_MINUTE, partial(blocks.release_due, db))
        parked.schedule("row-classes", sensitivity.EVERY_MINUTE, partial(sensitivity.keep_classified, db))
        parked.schedule("unkept-uploads", "*/10 * * * *", partial(binary.sweep, db))
        parked.schedule("kept-answers", "37 3 * * *", vault.forget_answers)
        parked.register(PARKED, distributor.handle_job, first_pause=_PAUSE)
        indexer = Indexer(db, keys=keys, definitions=vault.definitions, secret=index.secret, stop=stop)
        parked.register(indexing.JOB, indexer.handle, concurrency=1, first_pause=_PAUSE)
        parked.register(indexing.COMPLETE, indexer.complete, concurrency=1, first_pause=_PAUSE)
        parked.schedule(indexing.JOB, indexing.EVERY_MINUTE, indexer.work_on_all)
        carrier = Carrier(vault, base_url=settings.base_url, secret=bulky.secret, stop=stop)
        parked.register(bulk.JOB, carrier.handle, concurrency=1, first_pause=_PAUSE)
        parked.schedule(bulk.JOB, bulk.EVERY_MINUTE, carrier.work_on_all)
        parked.schedule("old-exports", "*/10 * * * *", partial(bulk.sweep, db))
        importer = Importer(vault, sessions, settings, secret=bulky.secret, stop=stop)
        parked.register(imports.JOB, importer.handle, concurrency=1, first_pause=_PAUSE)
        parked.schedule(imports.JOB, imports.EVERY_MINUTE, importer.work_on_all)
        parked.schedule("old-imports", "*/10 * * * *", partial(imports.sweep, db))
        analyst = Analyst(db, hash64=keys.hash64, secret=control.secret, stop=stop)
        parked.schedule(review.JOB, review.EACH_NIGHT, analyst.work)
        parked.schedule(staff.JOB, staff.EACH_MINUTE, staff.Keeper(db, vault, directory.reader).work)
        parked.schedule(review.FAMILY_JOB, review.OFTEN, analyst.tell_family)
        told = Telling(vault, sessions=sessions, feed=feed, hosts=settings.subscription_hosts)
        told.register(parked, health)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(reader.run(stop))
                group.create_task(told.run(stop))
                group.create_task(parked.run())
                group.create_task(_stop_with(parked, stop))
        finally:
            await told.close()
            for system in systems:
                await system.end()


def is_told(entry: Entry) -> bool:
    """Whether the entry may be something that a unit is told of."""
    return is_carried(entry) or may_be_referral(entry)


async def _answers(db: Database) -> None:
    await db.fetchval("SELECT 1")


async def _stop_with(parked: Worker, stop: asyncio.Event) -> None:
    await stop.wait()
    parked.stop()
