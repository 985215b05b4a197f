"""Withholding rows from parents, with all that would reveal them, and ending it: in force when the transaction ends.

Pasient- og brukerrettighetsloven § 3-4. How rows follow: `record/withholding.sql`.
"""

from collections.abc import Sequence

from fellesjournal.access.decide import Decision
from fellesjournal.access.model import PatientId
from fellesjournal.access.withholding import check
from fellesjournal.kit.db import Database
from fellesjournal.record import store
from fellesjournal.record.names import Key


async def withhold(
    db: Database, *, decision: Decision, patient: PatientId, rows: Sequence[Key], ground: str, reason: str
) -> None:
    """Withhold rows that this member of staff can see. Raises WithholdingRefused, NoNeed."""
    secret = decision.secret
    check(await store.withhold(db, secret=secret, patient=patient.pid, rows=rows, ground=ground, reason=reason))


async def end(db: Database, *, decision: Decision, patient: PatientId, withholding: int, reason: str) -> None:
    """Let parents see again what one withholding covers and no other. Raises WithholdingRefused, NoNeed."""
    check(
        await store.end_withholding(
            db, secret=decision.secret, patient=patient.pid, withholding=withholding, reason=reason
        )
    )


async def withheld_among(db: Database, *, decision: Decision, patient: PatientId, rows: Sequence[Key]) -> set[Key]:
    """Those of these rows that parents don't see now; empty when refused."""
    found = await store.withheld_now(db, secret=decision.secret, patient=patient.pid, pids=[pid for _slot, pid in rows])
    return {row for row in rows if row[1] in found}
