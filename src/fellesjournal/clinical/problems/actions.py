"""Raise a problem, end it, take it up again. All gather into the journal; the caller commits."""

from __future__ import annotations

from datetime import date, datetime

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.pieces import concept, id_in, patient_id
from fellesjournal.clinical.problems import fhir
from fellesjournal.identity.model import Reader
from fellesjournal.record.errors import NotFound
from fellesjournal.record.journal import Journal
from fellesjournal.terminology.model import Diagnosis


def raise_problem(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    diagnosis: Diagnosis,
    onset_on: date | None,
    at: datetime,
) -> str:
    """Gather a new problem on the list; the Condition's id."""
    return journal.create(fhir.condition(diagnosis, patient=patient, reader=reader, onset_on=onset_on, at=at))


async def end_problem(journal: Journal, *, patient: PatientId, problem: str, version: int, on: date) -> None:
    """Gather the end of a problem. Raises NotFound, and VersionConflict at commit."""
    resource = await _problem(journal, patient, problem)
    resource["clinicalStatus"] = concept(fhir.CLINICAL, "resolved")
    resource["abatementDateTime"] = on.isoformat()
    journal.update(problem, resource, expect=version)


async def reopen_problem(journal: Journal, *, patient: PatientId, problem: str, version: int) -> None:
    """Gather that an ended problem is active again. Raises NotFound, and VersionConflict at commit."""
    resource = await _problem(journal, patient, problem)
    resource["clinicalStatus"] = concept(fhir.CLINICAL, "active")
    resource.pop("abatementDateTime", None)
    journal.update(problem, resource, expect=version)


async def _problem(journal: Journal, patient: PatientId, problem: str) -> dict[str, object]:
    resource = (await journal.read("Condition", problem)).resource()
    if id_in(resource.get("subject"), "Patient") != patient_id(patient):
        raise NotFound
    return resource
