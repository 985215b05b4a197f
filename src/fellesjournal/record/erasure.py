"""Deletion of entries by law (helsepersonelloven § 43): asked for, proposed by one person, carried out by another.

What is deleted is gone in every version and from every index; a tombstone tells who, when and on which basis. An entry
that is only withdrawn or corrected is a new version, as any change is (§ 42). Nothing else takes content away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from fellesjournal import fhir
from fellesjournal.access.model import PatientId
from fellesjournal.kit import ids
from fellesjournal.kit.db import sql_file
from fellesjournal.record.errors import RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.names import Key
from fellesjournal.record.written import fault
from fellesjournal.web import _

_SQL: Final = sql_file("fellesjournal.record", "erasure_store.sql")

KEEPER: Final = 2
WRONG_PERSON: Final = 3
PATIENT: Final = 5
"""Codes of Volven 9234: on the initiative of who keeps the record; written about the wrong person; on the patient's."""
CORRECTION: Final = 0
"""No deletion: a citizen asks for a correction (§ 42)."""

State = Literal["asked", "proposed", "refused", "done"]
Outcome = Literal["proposed", "refused", "settled", "done"]
_OUTCOMES: Final[dict[int, Outcome]] = {200: "proposed", 202: "refused", 203: "settled", 204: "done"}


@dataclass(frozen=True)
class Erasure:
    """A wish to delete, or the tombstone of what was deleted; `is_own`: the last yes to it was the reader's."""

    id: int
    rtype: str
    entry: str
    basis: int
    reason: str
    state: State
    by_citizen: bool
    asked_name: str
    asked_at: datetime
    proposed_name: str
    decided_name: str
    decided_at: datetime | None
    answer: str
    is_own: bool
    may_decide: bool
    unit: str


@dataclass(frozen=True)
class Waiting:
    """A wish that waits for the acting unit."""

    patient: PatientId
    basis: int
    state: State
    by_citizen: bool
    asked_at: datetime
    is_own: bool


@dataclass(frozen=True)
class Reviewed:
    """A proposal that a reviewer may be the second person of; nothing of whom it is about."""

    id: int
    basis: int
    reason: str
    by_citizen: bool
    asked_name: str
    asked_at: datetime
    proposed_name: str
    unit_name: str


class MayNotErase(RecordError):
    """Neither this role nor an app deletes; nobody deletes the person behind a record."""

    status = 403
    code = "forbidden"
    text = _("Rollen din kan ikke foreslå eller gjennomføre sletting.")
    english = "Your role may not propose or carry out deletion."


class SamePerson(RecordError):
    """Two persons delete: the second yes was the first one's."""

    status = 409
    code = "conflict"
    text = _("Sletting skal vurderes av to personer. Du har allerede vurdert denne; en annen må gjøre det nå.")
    english = "An entry is deleted by two persons; you have given the first yes."


class AskedAlready(RecordError):
    """There is an open wish for this entry."""

    status = 409
    code = "duplicate"
    text = _("Det er allerede bedt om sletting av denne oppføringen.")
    english = "Deletion of this entry has been asked for already."


async def ask_erasure(
    journal: Journal, rtype: str, key: Key, *, basis: int, reason: str, along: Sequence[Key] = ()
) -> None:  # fmt: skip
    """Ask for the entry of this row and what goes `along` with it (rows of the same patient and unit) to be deleted.

    Raises NotFound (hidden too), MayNotErase, AskedAlready, WrongUnit, SessionOver.
    """
    status = await journal.vault.db.fetchval(
        _SQL.ask, _secret(journal), fhir.TYPE_NUMBER[rtype], *key, basis, reason,
        [slot for slot, _ in along], [pid for _, pid in along],
    )  # fmt: skip
    if status != 201:
        raise {403: MayNotErase(), 409: AskedAlready()}.get(status) or fault(status)


async def decide_erasure(
    journal: Journal, id: int, *, patient: PatientId | None, erase: bool, answer: str
) -> Outcome:  # fmt: skip
    """One person's yes or no, about this record, or as a reviewer who opens none (patient None).

    Raises NotFound, MayNotErase (the role may not), SamePerson, SessionOver.
    """
    status = await journal.vault.db.fetchval(_SQL.decide, _secret(journal), patient and patient.pid, id, erase, answer)
    if status not in _OUTCOMES:
        raise {403: MayNotErase(), 409: SamePerson()}.get(status) or fault(status)
    return _OUTCOMES[status]


async def erasures_about(journal: Journal, patient: PatientId) -> list[Erasure]:
    """The wishes and tombstones of a record that the reader may know of, newest first."""
    rows = await journal.vault.db.fetch(_SQL.about, _secret(journal), patient.pid)
    return [
        Erasure(
            id=row["id"], rtype=fhir.RESOURCE_TYPES[row["rtype"] - 1], entry=ids.encode(row["slot"], row["pid"]),
            basis=row["basis"], reason=row["reason"], state=row["state"], by_citizen=row["by_citizen"],
            asked_name=row["asked_name"] or "", asked_at=row["asked_at"], proposed_name=row["proposed_name"] or "",
            decided_name=row["decided_name"] or "", decided_at=row["decided_at"], answer=row["answer"],
            is_own=bool(row["is_own"]), may_decide=row["may_decide"], unit=ids.encode(0, row["unit"]),
        )
        for row in rows
    ]  # fmt: skip


async def erasures_waiting(journal: Journal) -> list[Waiting]:
    """What waits for the acting unit, oldest first."""
    rows = await journal.vault.db.fetch(_SQL.waiting, _secret(journal))
    return [
        Waiting(
            PatientId(row["slot"], row["patient"]), row["basis"], row["state"], row["by_citizen"], row["asked_at"],
            row["is_own"],
        )
        for row in rows
    ]  # fmt: skip


async def erasures_reviewed(journal: Journal) -> list[Reviewed]:
    """What waits for a reviewer, oldest first; nothing for anybody else."""
    return [Reviewed(*row) for row in await journal.vault.db.fetch(_SQL.reviewed, _secret(journal))]


async def withdrawn_of(journal: Journal, patient: PatientId) -> list[Stored]:
    """What the acting unit withdrew in a record, newest first, with content; nothing without a need to write there."""
    rows = await journal.vault.db.fetch(_SQL.withdrawn, _secret(journal), patient.pid)
    return [
        Stored(
            fhir.RESOURCE_TYPES[row["rtype"] - 1], ids.encode(row["slot"], row["pid"]), row["version"], row["updated"],
            row["body"], (row["slot"], row["pid"]),
        )
        for row in rows
    ]  # fmt: skip


def _secret(journal: Journal) -> bytes:
    """The session's secret. Raises MayNotErase for an app: a person deletes."""
    if journal.decision.reader.app is not None:
        raise MayNotErase
    return journal.decision.secret
