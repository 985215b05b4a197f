"""Facts that make a need. Care rooms tell them here; access never asks.

Always in the transaction of the resource that is the fact.
"""

from dataclasses import dataclass
from datetime import datetime

from fellesjournal.access import store
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed
from fellesjournal.kit.db import Connection, Database


@dataclass(frozen=True)
class Fact:
    """A live fact: this unit (or one person of it) needs this patient, on this ground, from and until."""

    patient: int
    unit: int
    ground: str
    from_at: datetime
    until_at: datetime | None = None
    person: int | None = None
    source: int | None = None


async def establish(conn: Connection, *, decision: Decision, fact: Fact) -> None:
    """Tell a fact. Raises NoNeed when this reader may not tell it: the whole transaction is to be given up."""
    told = await store.establish(
        conn, secret=decision.secret, patient=fact.patient, unit=fact.unit, person=fact.person, ground=fact.ground,
        source=fact.source, from_at=fact.from_at, until_at=fact.until_at,
    )  # fmt: skip
    if not told:
        raise NoNeed


@dataclass(frozen=True)
class Referral:
    """What one resource says of units' needs: these have this ground from now; other facts that it made end.

    `at_once`: they were a mistake; else access lasts the ground's after-time.
    """

    patient: int
    source: int
    units: tuple[int, ...]
    ground: str
    at_once: bool = False


async def keep_referral(db: Database, *, decision: Decision, referral: Referral) -> bool:
    """Make the facts of a referral what it says, as the system that distributes; whether it may. Twice is once."""
    return await store.keep_referral(
        db, secret=decision.secret, patient=referral.patient, source=referral.source, units=referral.units,
        ground=referral.ground, at_once=referral.at_once,
    )  # fmt: skip


async def end(conn: Connection, *, decision: Decision, patient: int, source: int) -> int:
    """End the facts that a resource made; access goes on for the ground's after-time. How many ended."""
    return await store.end_relation(conn, secret=decision.secret, patient=patient, source=source)
