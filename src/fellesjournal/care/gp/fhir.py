"""An Appointment as a line of the day list."""

from __future__ import annotations

from collections.abc import Mapping

from fellesjournal.care.gp.model import Appointment
from fellesjournal.clinical.directory import Directory, person_name
from fellesjournal.clinical.pieces import Json, day, id_in, moment, words

_OFF = frozenset(("cancelled", "entered-in-error", "proposed", "waitlist"))


def appointment_from(resource: Json, people: Mapping[str, Json], directory: Directory) -> Appointment | None:
    """A line; None for what is called off, or has no hour or patient."""
    start, end = moment(resource.get("start")), moment(resource.get("end"))
    actors = [one.get("actor", {}) for one in resource.get("participant", ())]
    patient = next((found for one in actors if (found := id_in(one, "Patient"))), None)
    if start is None or patient is None or resource.get("status") in _OFF:
        return None
    person = people.get(patient, {})
    doctor: Json = next((one for one in actors if id_in(one, "Practitioner")), {})
    return Appointment(
        id=resource["id"],
        patient=patient,
        patient_name=person_name(person) if person else "",
        born_on=day(person.get("birthDate")),
        sex=person.get("gender", ""),
        at=start,
        minutes=int((end - start).total_seconds() // 60) if end else 0,
        reason=words(next(iter(resource.get("reasonCode", ())), None)) or resource.get("description", ""),
        doctor=directory.name(doctor),
        doctor_id=id_in(doctor, "Practitioner"),
        status=resource.get("status", ""),
    )
