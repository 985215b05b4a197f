"""Planted snooping in a small town's log: what the nightly analysis finds, and how seldom it cries without cause.

The town is the bench's, which knows nothing of the analysis; the whole of it is `python -m bench --only snooping`.
"""

from bench.snooping.trial import judge, make, put
from fellesjournal.kit import db
from tests.conftest import TestDatabase


async def test_most_of_the_planted_snooping_is_found_and_few_others_are_named(database: TestDatabase) -> None:
    trial = make(seed=7, inhabitants=8000, days=31, cases=24, staffed=0.2)
    assert 15_000 < trial.ledger.readings < 40_000
    connection = await db.connect(database.admin)
    try:
        await put(connection, trial, hash64=database.keys.hash64)
        found = await judge(connection, trial)
    finally:
        await connection.close()
    assert found.found >= 21, found
    assert found.false_alarms <= 6, found
