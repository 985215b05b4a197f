"""Rows looked at again when the configuration of sensitivity changes: a job that goes on where it stopped."""

from fellesjournal.kit.db import Database
from fellesjournal.record import store

EVERY_MINUTE = "* * * * *"
_PEOPLE = 100
_ROUNDS = 50


async def keep_classified(db: Database) -> None:
    """Look at the rows of the next people, some thousands at most, each hundred in a transaction of its own."""
    for _ in range(_ROUNDS):
        if not await store.reclassify(db, people=_PEOPLE):
            return
