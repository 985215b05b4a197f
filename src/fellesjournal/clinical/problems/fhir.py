"""A problem as a Condition of category problem-list-item, and back."""

from __future__ import annotations

from datetime import date, datetime

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.directory import Directory
from fellesjournal.clinical.pieces import (
    HL7,
    Json,
    codes_in,
    concept,
    day,
    diagnosis_concept,
    diagnosis_in,
    instant,
    moment,
    patient_ref,
    practitioner_ref,
    words,
)
from fellesjournal.clinical.problems.model import Problem, Standing
from fellesjournal.identity.model import Reader
from fellesjournal.terminology.model import Diagnosis

CATEGORY = "problem-list-item"
CLINICAL = f"{HL7}condition-clinical"


def condition(diagnosis: Diagnosis, *, patient: PatientId, reader: Reader, onset_on: date | None, at: datetime) -> Json:
    """A problem just raised."""
    found: Json = {
        "resourceType": "Condition",
        "clinicalStatus": concept(CLINICAL, "active"),
        "verificationStatus": concept(f"{HL7}condition-ver-status", "confirmed"),
        "category": [concept(f"{HL7}condition-category", CATEGORY)],
        "code": diagnosis_concept(diagnosis),
        "subject": patient_ref(patient),
        "recordedDate": instant(at),
        "recorder": practitioner_ref(reader),
    }
    if onset_on:
        found["onsetDateTime"] = onset_on.isoformat()
    return found


def problem_from(resource: Json, directory: Directory) -> Problem | None:
    """A problem of the list; None for one that was entered in error."""
    if "entered-in-error" in codes_in(resource.get("verificationStatus")):
        return None
    recorded = moment(resource.get("recordedDate"))
    return Problem(
        id=resource["id"],
        version=int(resource.get("meta", {}).get("versionId", "1")),
        diagnosis=diagnosis_in(resource.get("code")) or Diagnosis("", "", words(resource.get("code"))),
        standing=_standing(resource),
        onset_on=day(resource.get("onsetDateTime")),
        ended_on=day(resource.get("abatementDateTime")),
        recorded_at=recorded,
        recorder=directory.name(resource.get("recorder")),
    )


def problems_from(rows: list[Json], directory: Directory) -> tuple[Problem, ...]:
    """Active ones first, those that began last before older ones."""
    found = [one for row in rows if (one := problem_from(row, directory))]
    newest = sorted(found, key=lambda one: one.onset_on or date.min, reverse=True)
    return tuple(sorted(newest, key=lambda one: not one.is_active))


def _standing(resource: Json) -> Standing:
    codes = codes_in(resource.get("clinicalStatus"))
    if {"resolved", "remission"} & {*codes}:
        return "resolved"
    return "inactive" if "inactive" in codes else "active"
