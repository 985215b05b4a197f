"""Facts that make a need. Care rooms tell them here; access never asks.

Always in the transaction of the resource that is the fact.
"""

from dataclasses import dataclass
from datetime import datetime

from fellesjournal.access import store
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed
from fellesjournal.kit.db import Connection


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


async def end(conn: Connection, *, decision: Decision, patient: int, source: int) -> int:
    """End the facts that a resource made; access goes on for the ground's after-time. How many ended."""
    return await store.end_relation(conn, secret=decision.secret, patient=patient, source=source)
