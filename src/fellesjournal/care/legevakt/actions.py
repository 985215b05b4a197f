"""What is done at the legevakt: take in a contact with its triage, sign the note with its copy or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fellesjournal.access.model import PatientId
from fellesjournal.clinical import encounters, measurements
from fellesjournal.clinical.encounters import Stage
from fellesjournal.clinical.measurements.news2 import Score
from fellesjournal.clinical.notes.actions import sign_note
from fellesjournal.clinical.pieces import LOCAL, Json, concept, instant, patient_ref, practitioner_ref, ref
from fellesjournal.identity.model import Reader
from fellesjournal.record.journal import Journal
from fellesjournal.terminology.model import Diagnosis
from fellesjournal.web import _

Channel = Literal["telefon", "oppmote"]
NO_COPY = "no-copy-to-gp"
NOTE_TITLE = _("Legevaktnotat")
TREATING = ("lege", "sykepleier", "helsesykepleier")
"""Roles that treat: they are responsible for whom they take in."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What is told when somebody calls or comes."""

    channel: Channel
    urgency: str
    reason: str
    vitals: tuple[measurements.Measurement, ...] = ()
    says_pregnant: bool | None = None


def take_in(
    journal: Journal, *, patient: PatientId, reader: Reader, intake: Intake, at: datetime
) -> tuple[str, list[str]]:
    """Gather the contact, the fact that it is, and the vitals: (Encounter id, Observation ids)."""
    encounter = encounters.register_contact(
        journal,
        patient=patient,
        reader=reader,
        kind="phone" if intake.channel == "telefon" else "emergency",
        stage="phone" if intake.channel == "telefon" else "arrived",
        reason=intake.reason,
        urgency=intake.urgency,
        at=at,
        ground="LVANROP" if intake.channel == "telefon" else "POLBESOK",
    )
    made = measure(
        journal,
        patient=patient,
        reader=reader,
        encounter=encounter,
        values=intake.vitals,
        says_pregnant=intake.says_pregnant,
        at=at,
    )
    return encounter, made


async def move_on(
    journal: Journal, *, patient: PatientId, reader: Reader, encounter: str, version: int, to: Stage, at: datetime
) -> None:
    """Gather the contact's next stage, with the fact that it makes: who came is a visit, who takes them in treats them.

    Raises NotThisContact, ContactClosed, VersionConflict.
    """
    await encounters.move_contact(journal, patient=patient, encounter=encounter, version=version, to=to, at=at)
    told = ("POLBESOK", "BEHANDLER") if to == "room" else ("POLBESOK",)
    for ground in told if to != "done" else ():
        if ground != "BEHANDLER" or reader.role in TREATING:
            encounters.tell_contact(journal, patient=patient, reader=reader, encounter=encounter, ground=ground, at=at)


def measure(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str,
    values: Sequence[measurements.Measurement],
    says_pregnant: bool | None,
    at: datetime,
) -> list[str]:
    """Gather vitals, and what the patient says of being pregnant; ids of the vitals."""
    if says_pregnant is not None:
        measurements.record_pregnancy(
            journal, patient=patient, reader=reader, encounter=encounter, pregnant=says_pregnant, at=at
        )
    return measurements.record(journal, patient=patient, reader=reader, encounter=encounter, values=values, at=at)


def keep_score(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str,
    score: object,
    derived_from: Sequence[str],
    at: datetime,
) -> str | None:
    """Gather a whole NEWS2; nothing for one that is not whole or does not hold for the person."""
    if not isinstance(score, Score):
        return None
    return measurements.record_news2(
        journal,
        patient=patient,
        reader=reader,
        encounter=encounter,
        score=score,
        derived_from=derived_from,
        at=at,
    )


async def sign(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str,
    text: str,
    diagnoses: Sequence[Diagnosis],
    objects: bool,
    at: datetime,
) -> str:
    """Gather the signed note, for the GP too unless the patient objects; the objection is kept: who, when.

    Helsepersonelloven § 45 a: the summary goes to the GP unless the patient opposes it. Raises EmptyNote.
    """
    if objects:
        journal.create(_objection(patient=patient, reader=reader, encounter=encounter, at=at))
    return await sign_note(
        journal,
        patient=patient,
        reader=reader,
        encounter=encounter,
        text=text,
        diagnoses=diagnoses,
        title=NOTE_TITLE,
        copy_to_gp=not objects,
        at=at,
    )


def _objection(*, patient: PatientId, reader: Reader, encounter: str, at: datetime) -> Json:
    said = "Pasienten motsetter seg kopi til fastlegen"
    return {
        "resourceType": "Flag",
        "status": "active",
        "category": [concept(f"{LOCAL}flag-category", "distribution", "Kopi og deling")],
        "code": concept(f"{LOCAL}distribution", NO_COPY, said),
        "subject": patient_ref(patient),
        "period": {"start": instant(at)},
        "encounter": ref("Encounter", encounter),
        "author": practitioner_ref(reader),
    }
