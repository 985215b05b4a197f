"""The decision: the only place that makes one.

A `Decision` is a question that the database answers: it carries the reader's secret and what is wished, and every call
with it is decided again, in the transaction that reads or writes. `open_chart` asks ahead, so that a page can say why
it opens or why not.
"""

from dataclasses import dataclass, field
from datetime import datetime

from fellesjournal.access import store
from fellesjournal.access.model import REFUSALS, Ground, NoNeed, PatientId, SessionOver
from fellesjournal.identity.model import Reader
from fellesjournal.kit.db import Database


@dataclass(frozen=True)
class Decision:
    """Who wishes what. patient None = the unit's lists, or rows that the database finds the owner of itself.

    `override_until`: what the patient blocked is open to this reader until then. `relative_until`: a close relative's
    record is open until then, for the reason that this reader gave.
    """

    reader: Reader
    patient: PatientId | None = None
    ground: Ground | None = None
    blocked: int = 0
    override_until: datetime | None = None
    relative_until: datetime | None = None
    secret: bytes = field(default=b"", repr=False)


async def open_chart(
    db: Database, *, reader: Reader, patient: PatientId, action: str = "open", kind: int = 0
) -> Decision:
    """Decide about one patient, logged and committed before this returns.

    Raises SessionOver, NoNeed, OwnRecord, Blocked or CloseFamily; refusals are logged too.
    """
    row = await store.decide(db, secret=reader.secret, patient=patient.pid, action=action, kind=kind)
    if row is None:
        raise SessionOver
    if not row["allow"]:
        raise REFUSALS.get(row["ground"], NoNeed)
    ground = Ground(
        row["ground"], row["ground_name_nb"], row["ground_name_nn"], row["ground_name_en"], row["until_at"],
        row["ground_kind"] or "automatic",
    )  # fmt: skip
    return Decision(
        reader=reader, patient=patient, ground=ground, blocked=row["blocked"],
        override_until=row["override_until"], relative_until=row["relative_until"], secret=reader.secret,
    )  # fmt: skip


def about(reader: Reader, patient: PatientId) -> Decision:
    """A question about the access itself: which patient, with no record opened."""
    return Decision(reader=reader, patient=patient, secret=reader.secret)


def within(reader: Reader) -> Decision:
    """A decision that the database takes together with each call: lists, reads by id, writes, FHIR requests."""
    return Decision(reader=reader, secret=reader.secret)
