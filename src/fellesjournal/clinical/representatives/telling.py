"""Telling the parents of a young person what parental responsibility requires: in the record, noted and logged.

The words stand in a Communication of the record, so that they come under the same decisions as all else.
Pasient- og brukerrettighetsloven § 3-4 fjerde ledd; helsepersonelloven § 40.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fellesjournal import fhir
from fellesjournal.access import withholding
from fellesjournal.access.model import PatientId
from fellesjournal.access.withholding import Parent, ParentsTold
from fellesjournal.clinical.pieces import Json, instant, patient_ref, practitioner_ref
from fellesjournal.kit import ids
from fellesjournal.record.journal import Journal

CATEGORY: Final = {"coding": [{"system": "urn:fellesjournal:communication", "code": "told-parents"}],
                   "text": "Opplysning til foreldre"}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What was told, to whom and why."""

    parents: tuple[Parent, ...]
    ground: str
    text: str


@dataclass(frozen=True)
class Told:
    """That parents were told something, with the words; no words for a reader who may not see them."""

    made: ParentsTold
    text: str


async def tell(journal: Journal, *, patient: PatientId, wish: Wish, at: datetime) -> None:
    """Write what was told, note and log it, in one transaction. Raises WithholdingRefused, NoNeed."""
    async with journal.together() as conn:
        made = journal.create(_communication(journal, patient, wish, at))
        await journal.commit()
        await withholding.note_telling(
            conn, decision=journal.decision, patient=patient, what=_pid_of(made), ground=wish.ground,
            kind=fhir.TYPE_NUMBER["Communication"], parents=[one.person for one in wish.parents],
        )  # fmt: skip


async def with_words(journal: Journal, made: Sequence[ParentsTold], *, slot: int) -> list[Told]:
    """What was told with its words, in the same order; each reading is decided and logged."""
    wanted = [("Communication", ids.encode(slot, one.what), 0) for one in made]
    words = {stored.key[1]: _words(stored.resource()) for stored in await journal.read_all(wanted)}
    return [Told(one, words.get(one.what, "")) for one in made]


def _communication(journal: Journal, patient: PatientId, wish: Wish, at: datetime) -> Json:
    sender = practitioner_ref(journal.decision.reader)
    return {
        "resourceType": "Communication", "status": "completed", "category": [CATEGORY], "subject": patient_ref(patient),
        "sent": instant(at), "recipient": [{"display": one.name} for one in wish.parents],
        "payload": [{"contentString": wish.text}],
    } | ({"sender": sender} if sender else {})  # fmt: skip


def _words(resource: Json) -> str:
    return "\n".join(str(one.get("contentString", "")) for one in resource.get("payload", ()))


def _pid_of(id: str) -> int:
    found = ids.decode(id)
    assert found is not None  # noqa: S101 - the journal made it
    return found[1]
