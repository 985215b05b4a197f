"""The log of access: what is told to the citizen and to staff, and refusals that stand alone.

Every other row is written by the database functions that decide, in the transaction that shows or writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fellesjournal.access import store
from fellesjournal.access.decide import Decision
from fellesjournal.kit.db import Connection, Database, Row


@dataclass(frozen=True)
class LogLine:
    """One access to one record: who, where, when, what and why. `kinds` are all the kinds of
    data that a page showed. outcome: 0 shown, 1 refused, 2 nothing found. `app` is the app that it was done by, if any.
    """

    at: datetime
    reader: str
    role: str
    unit: str
    action: str
    kind: int
    purpose: str
    ground: str
    ground_names: tuple[str, str, str]
    outcome: int
    by_system: bool = False
    kinds: tuple[int, ...] = ()
    app: str = ""

    def why(self, language: str) -> str:
        """The ground in a language (`nb`, `nn`, `en`); its code when it has no name."""
        names = dict(zip(("nb", "nn", "en"), self.ground_names, strict=True))
        return names.get(language) or self.ground_names[0] or self.ground


async def own_log(
    db: Database, *, decision: Decision, before: datetime, limit: int = 50
) -> list[LogLine]:
    """Who has seen the citizen's own record, newest first. The reading of the log is logged too."""
    rows = await store.own_log(db, secret=decision.secret, before=before, limit=limit)
    return [_line(row, by_system=row["reader_kind"] == "system", kinds=row["kinds"]) for row in rows]


async def patient_log(
    db: Database, *, decision: Decision, before: datetime, limit: int = 50
) -> list[LogLine]:
    """Who has seen this patient's record, for staff with a need, newest first; logged; empty when refused."""
    patient = decision.patient.pid if decision.patient else 0
    rows = await store.patient_log(
        db, secret=decision.secret, patient=patient, before=before, limit=limit
    )
    return [_line(row, by_system=row["role"] == "system") for row in rows]


async def log_refusal(
    db: Database | Connection, *, decision: Decision, patients: Sequence[int], action: str, kind: int = 0
) -> None:
    """Log a refused wish whose transaction was rolled back."""
    await store.log_refusal(db, secret=decision.secret, patients=patients, action=action, kind=kind)


async def keep_partitions(db: Database) -> None:
    """Make the log's partitions for this month and the two next; the worker does it each night."""
    await store.keep_partitions(db)


def _line(row: Row, *, by_system: bool, kinds: Sequence[int] | None = None) -> LogLine:
    return LogLine(
        at=row["at"], reader=row["reader_name"] or "", role=row["role"] or "", unit=row["unit_name"] or "",
        action=row["action"], kind=row["kind"], purpose=row["purpose"] or "", ground=row["ground"] or "",
        ground_names=(row["ground_name_nb"] or "", row["ground_name_nn"] or "", row["ground_name_en"] or ""),
        outcome=row["outcome"], by_system=by_system, kinds=tuple(kinds or ()), app=row["app_name"] or "",
    )  # fmt: skip
