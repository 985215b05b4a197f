"""Begin a contact, move it on, judge its urgency again, end it. Each gathers into the journal; the caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fellesjournal.access.model import PatientId
from fellesjournal.access.relations import Fact
from fellesjournal.clinical.encounters import fhir
from fellesjournal.clinical.encounters.model import (
    ACCESS_AFTER,
    Contact,
    ContactClosed,
    NotThisContact,
    Stage,
)
from fellesjournal.clinical.pieces import id_in, patient_id
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.record.errors import NotFound, VersionConflict
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.terminology.model import Diagnosis

_LASTING = ("FASTLEGE", "BELEGG")
_PERSONAL = ("BEHANDLER",)


def register_contact(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    kind: str,
    reason: str,
    urgency: str | None,
    at: datetime,
    diagnoses: Sequence[Diagnosis] = (),
    stage: Stage = "room",
    ground: str = "POLBESOK",
) -> str:
    """Gather a contact and, unless a lasting need stands already, the fact that it makes; the Encounter's id.

    The fact (`ground`) gives the unit access until 72 hours after. A unit that has no need yet must have identified the
    person in this session; else `commit` raises NoNeed.
    """
    made = journal.create(
        fhir.encounter(
            patient=patient,
            reader=reader,
            kind=kind,
            stage=stage,
            reason=reason,
            urgency=urgency,
            diagnoses=diagnoses,
            at=at,
        )
    )
    has = journal.decision.ground
    if has is None or has.code not in _LASTING:
        tell_contact(journal, patient=patient, reader=reader, encounter=made, ground=ground, at=at)
    return made


def tell_contact(
    journal: Journal, *, patient: PatientId, reader: Reader, encounter: str, ground: str, at: datetime
) -> None:
    """Gather the fact that a contact makes for the reader's unit; BEHANDLER is the reader's alone."""
    key = ids.decode(encounter)
    if reader.unit is not None:
        person = reader.person if ground in _PERSONAL else None
        source = key[1] if key else None
        journal.establish(Fact(patient.pid, reader.unit, ground, at, at + ACCESS_AFTER, person, source))


async def read_contact(journal: Journal, *, patient: PatientId, encounter: str) -> tuple[Stored, Contact]:
    """A contact of this patient. Raises NotThisContact, also for another patient's."""
    try:
        stored = await journal.read("Encounter", encounter)
    except NotFound:
        raise NotThisContact from None
    resource = stored.resource()
    if id_in(resource.get("subject"), "Patient") != patient_id(patient):
        raise NotThisContact
    return stored, fhir.contact_from(resource, version=stored.version, id=encounter)


async def move_contact(
    journal: Journal, *, patient: PatientId, encounter: str, version: int, to: Stage, at: datetime
) -> None:
    """Gather the contact's next stage. Raises NotThisContact, ContactClosed, VersionConflict."""
    stored, contact = await read_contact(journal, patient=patient, encounter=encounter)
    _check(stored, contact, version)
    gathered = journal.gathered("Encounter", encounter)
    resource = gathered or stored.resource()
    fhir.move(resource, to=to, at=at)
    if gathered is None:
        journal.update(encounter, resource, expect=version)


async def code_contact(
    journal: Journal,
    *,
    patient: PatientId,
    encounter: str,
    added: Sequence[Diagnosis] = (),
    removed: Sequence[Diagnosis] = (),
) -> None:
    """Gather the contact's diagnoses as its notes have them, also when it has ended. Another unit's contact stays
    as it is: what it was about is that unit's to say. Raises NotThisContact.
    """
    gathered = journal.gathered("Encounter", encounter)
    if gathered is not None:
        fhir.code_reasons(gathered, added=added, removed=removed)
        return
    stored, contact = await read_contact(journal, patient=patient, encounter=encounter)
    resource = stored.resource()
    is_own = contact.unit_id == ids.encode(0, journal.decision.reader.unit or 1)
    if is_own and fhir.code_reasons(resource, added=added, removed=removed):
        journal.update(encounter, resource, expect=stored.version)


async def close_contact(journal: Journal, *, patient: PatientId, encounter: str, version: int, at: datetime) -> None:
    """Gather the contact's end; access goes on for 72 hours. Raises NotThisContact, ContactClosed, VersionConflict."""
    await move_contact(journal, patient=patient, encounter=encounter, version=version, to="done", at=at)
    journal.end_facts(patient=patient, source=encounter)


async def set_urgency(
    journal: Journal, *, patient: PatientId, encounter: str, version: int, urgency: str, at: datetime
) -> None:
    """Gather a new judgement of urgency. Raises NotThisContact, ContactClosed, VersionConflict."""
    stored, contact = await read_contact(journal, patient=patient, encounter=encounter)
    _check(stored, contact, version)
    resource = stored.resource()
    fhir.judge(resource, urgency=urgency, at=at)
    journal.update(encounter, resource, expect=version)


def _check(stored: Stored, contact: Contact, version: int) -> None:
    if stored.version != version:
        raise VersionConflict
    if not contact.is_open:
        raise ContactClosed
