"""A whole consultation signed at once: the contact, its note, measurements, diagnoses, and what goes on the
problem list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.encounters import CONTACT_KINDS, register_contact
from fellesjournal.clinical.measurements import BadValue, Measurement, doubts, parse, record
from fellesjournal.clinical.notes.actions import sign_note
from fellesjournal.clinical.notes.model import EmptyNote, contact_diagnoses
from fellesjournal.clinical.pieces import patient_id, ref
from fellesjournal.clinical.problems.actions import raise_problem
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.record.errors import NotFound
from fellesjournal.record.journal import Journal
from fellesjournal.terminology import icpc2
from fellesjournal.terminology.model import Diagnosis
from fellesjournal.web import Form

KINDS: Final = ("consultation", "phone", "e-consultation", "home-visit")
_WAITING: Final = ("booked", "arrived", "checked-in", "pending")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the writer of a consultation has chosen. `raised` are the diagnoses to be problems too."""

    text: str
    kind: str
    diagnoses: tuple[Diagnosis, ...]
    raised: tuple[Diagnosis, ...]
    measurements: tuple[Measurement, ...]
    appointment: str | None


def wish_from(form: Form) -> Wish:
    """The form as a wish. Raises EmptyNote, ProcessCode, UnknownCode, BadValue."""
    text = form.text("tekst")
    if not text:
        raise EmptyNote
    diagnoses = contact_diagnoses(tuple(code for code, _text in form.note_diagnoses()))
    raised = {value.partition("|")[0] for value in form.texts("problem")}
    kind = form.text("slag")
    return Wish(
        text=text,
        kind=kind if kind in KINDS else KINDS[0],
        diagnoses=diagnoses,
        raised=tuple(one for one in diagnoses if one.code in raised or form.is_on("problem_alle")),
        measurements=tuple(parse(code, value) for code, value in form.note_measurements()),
        appointment=form.text("time") or None,
    )


async def sign_consultation(journal: Journal, *, patient: PatientId, reader: Reader, wish: Wish, at: datetime) -> str:
    """Gather everything of one consultation; the note's id. An appointment that it came of is fulfilled."""
    booking = await _booking(journal, patient, wish.appointment)
    encounter = register_contact(
        journal,
        patient=patient,
        reader=reader,
        kind=wish.kind,
        reason="",
        urgency=None,
        at=at,
        diagnoses=wish.diagnoses,
        stage="done",
    )
    record(journal, patient=patient, reader=reader, encounter=encounter, values=wish.measurements, at=at)
    for one in wish.raised:
        raise_problem(journal, patient=patient, reader=reader, diagnosis=one, onset_on=None, at=at)
    if booking:
        booking[1]["status"] = "fulfilled"
        journal.update(booking[0], booking[1])
    return await sign_note(
        journal,
        patient=patient,
        reader=reader,
        encounter=encounter,
        text=wish.text,
        diagnoses=wish.diagnoses,
        title=CONTACT_KINDS[wish.kind],
        at=at,
    )


def question_about(wish: Wish) -> tuple[list[BadValue], str]:
    """What is rare enough among the measurements to ask about, and the answer that confirms exactly these values."""
    found = doubts(wish.measurements)
    return found, ";".join(f"{one.about['label']} {one.about['value']}" for one in found)


def kept_or_found(codes: tuple[str, ...], form: Form) -> tuple[Diagnosis, ...]:
    """The diagnoses of a correction: those of ICPC-2 as it is now, and older ones as they were written."""
    said = dict(form.note_diagnoses())
    known = [code for code in codes if icpc2.lookup(code) or icpc2.is_process(code) or not said.get(code)]
    found = {one.code: one for one in contact_diagnoses(tuple(known))}
    return tuple(found.get(code.upper()) or Diagnosis(icpc2.SYSTEM, code, said[code]) for code in codes)


async def _booking(
    journal: Journal, patient: PatientId, appointment: str | None
) -> tuple[str, dict[str, object]] | None:
    """The appointment if it is this patient's and still waits."""
    if appointment is None or ids.decode(appointment) is None:
        return None
    try:
        resource = (await journal.read("Appointment", appointment)).resource()
    except NotFound:
        return None
    actors = [one.get("actor", {}).get("reference") for one in resource.get("participant", ())]
    is_own = ref("Patient", patient_id(patient))["reference"] in actors
    return (appointment, resource) if is_own and resource.get("status") in _WAITING else None
