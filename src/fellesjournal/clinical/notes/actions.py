"""Sign a note and correct one.

Both gather into the journal; the caller commits, so that a contact is one commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fellesjournal.access.model import PatientId, WrongUnit
from fellesjournal.clinical.encounters import code_contact
from fellesjournal.clinical.notes import fhir
from fellesjournal.clinical.notes.model import JOURNAL_NOTE, EmptyNote, Note
from fellesjournal.clinical.pieces import HL7, codes_in, concept, diagnosis_in, id_in, patient_id
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.record.errors import NotFound, VersionConflict
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.terminology.model import Diagnosis


async def sign_note(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str | None,
    text: str,
    diagnoses: Sequence[Diagnosis] = (),
    title: str,
    kind: str = JOURNAL_NOTE,
    copy_to_gp: bool = False,
    at: datetime,
) -> str:
    """Gather a signed note and its contact diagnoses, which the contact gets too; the Composition's id.

    With `copy_to_gp` the feed puts it in the GP's inbox. Raises EmptyNote, NotThisContact.
    """
    if not text.strip():
        raise EmptyNote
    if encounter and diagnoses:
        await code_contact(journal, patient=patient, encounter=encounter, added=diagnoses)
    conditions = [
        journal.create(fhir.contact_condition(one, patient=patient, reader=reader, encounter=encounter, at=at))
        for one in diagnoses
    ]
    return journal.create(
        fhir.composition(
            patient=patient,
            reader=reader,
            encounter=encounter,
            text=text,
            title=title,
            kind=kind,
            conditions=conditions,
            copy_to_gp=copy_to_gp,
            at=at,
        )
    )


async def correct_note(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    note_id: str,
    version: int,
    text: str,
    title: str = "",
    diagnoses: Sequence[Diagnosis] | None = None,
    at: datetime,
) -> str:
    """Gather a new version with status amended; the old one stays in the history. Its id.

    `version` is the one that was shown. diagnoses None leaves them as they are; else those left out are
    marked as entered in error, and the contact's own diagnoses follow. Raises EmptyNote, NotFound, NotThisContact,
    VersionConflict, WrongUnit (another unit's note).
    """
    if not text.strip():
        raise EmptyNote
    stored, old = await read_note(journal, patient=patient, note_id=note_id)
    if stored.version != version:
        raise VersionConflict
    if old.unit_id not in (None, ids.encode(0, reader.unit or 1)):
        raise WrongUnit
    kept = list(old.conditions)
    if diagnoses is not None:
        kept = await _changed_diagnoses(journal, patient=patient, reader=reader, old=old, diagnoses=diagnoses, at=at)
    resource = stored.resource()
    resource["status"] = "amended"
    resource["title"] = title or old.title
    resource["section"] = [fhir.section(text, kept)]
    resource["attester"] = [*resource.get("attester", ()), fhir.signature(reader, at)]
    journal.update(note_id, resource, expect=version)
    return note_id


async def read_note(journal: Journal, *, patient: PatientId, note_id: str, version: int = 0) -> tuple[Stored, Note]:
    """A note of this patient, current or as a version was. Raises NotFound, also for another patient's."""
    stored = await journal.read("Composition", note_id, version=version)
    resource = stored.resource()
    if id_in(resource.get("subject"), "Patient") != patient_id(patient):
        raise NotFound
    return stored, fhir.note_from(resource, version=stored.version, id=note_id)


async def _changed_diagnoses(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    old: Note,
    diagnoses: Sequence[Diagnosis],
    at: datetime,
) -> list[str]:
    """Ids of the contact's diagnoses after the change: those kept, then new ones."""
    wished = {one.code: one for one in diagnoses}
    kept, removed = [], []
    for condition in old.conditions:
        stored = await journal.read("Condition", condition)
        resource = stored.resource()
        found = diagnosis_in(resource.get("code"))
        if found and wished.pop(found.code, None):
            kept.append(condition)
            continue
        removed += [found] if found else []
        resource["verificationStatus"] = concept(f"{HL7}condition-ver-status", "entered-in-error")
        resource.pop("clinicalStatus", None)
        journal.update(condition, resource, expect=stored.version)
    if old.encounter and (removed or wished):
        others = await _diagnoses_of_others(journal, patient=patient, encounter=old.encounter, but=old.conditions)
        gone = [one for one in removed if (one.system, one.code) not in others]
        await code_contact(
            journal, patient=patient, encounter=old.encounter, added=[*wished.values()], removed=gone
        )
    new = [
        fhir.contact_condition(one, patient=patient, reader=reader, encounter=old.encounter, at=at)
        for one in wished.values()
    ]
    return [*kept, *(journal.create(one) for one in new)]


async def _diagnoses_of_others(
    journal: Journal, *, patient: PatientId, encounter: str, but: Sequence[str]
) -> set[tuple[str, str]]:
    """(system, code) of what the contact's other notes have as diagnoses."""
    about = [("patient", patient_id(patient)), ("encounter", f"Encounter/{encounter}"), ("_count", "100")]
    page = await journal.search("Condition", about)
    rows = (stored.resource() for stored in page.matches if stored.id not in but)
    standing = (one for one in rows if "entered-in-error" not in codes_in(one.get("verificationStatus")))
    return {(found.system, found.code) for one in standing if (found := diagnosis_in(one.get("code")))}
