"""Record measurements, and read the latest of each. Recording gathers into the journal; the caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.measurements import fhir
from fellesjournal.clinical.measurements.model import Measurement
from fellesjournal.clinical.pieces import moment, patient_id
from fellesjournal.identity.model import Reader
from fellesjournal.record.journal import Journal


def record(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str | None,
    values: Sequence[Measurement],
    at: datetime,
) -> list[str]:
    """Gather an Observation for each measurement; their ids, in order."""
    return [
        journal.create(fhir.observation(one, patient=patient, reader=reader, encounter=encounter, at=at))
        for one in values
    ]


async def read_latest(
    journal: Journal, *, patient: PatientId, kinds: tuple[str, ...], encounter: str | None = None
) -> dict[str, tuple[Measurement, datetime, str]]:
    """The newest of each kind: (measurement, when, Observation id); of one contact alone if it is named."""
    where = [
        ("patient", patient_id(patient)),
        ("code", fhir.search_codes(kinds)),
        ("_sort", "-date"),
        ("_count", "100"),
    ]
    if encounter:
        where.append(("encounter", f"Encounter/{encounter}"))
    page = await journal.search("Observation", where)
    found: dict[str, tuple[Measurement, datetime, str]] = {}
    for stored in page.matches:
        resource = stored.resource()
        one, at = fhir.measurement_from(resource), moment(resource.get("effectiveDateTime"))
        if one and at and resource.get("status") not in ("entered-in-error", "cancelled"):
            found.setdefault(one.kind, (one, at, stored.id))
    return found
