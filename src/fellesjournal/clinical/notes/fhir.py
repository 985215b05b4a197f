"""A note as a Composition, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.notes.model import KINDS, Note
from fellesjournal.clinical.pieces import (
    HL7,
    VOLVEN,
    Json,
    codes_in,
    concept,
    diagnosis_concept,
    display_of,
    id_in,
    instant,
    moment,
    narrative,
    patient_ref,
    plain_text,
    practitioner_ref,
    ref,
    unit_ref,
)
from fellesjournal.identity.model import Reader
from fellesjournal.terminology.model import Diagnosis

DISTRIBUTION = "https://fellesjournal.no/fhir/CodeSystem/distribution"
COPY_TO_GP = "copy-to-gp"
DOCUMENT_TYPE = f"{VOLVEN}9602"


def composition(
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str | None,
    text: str,
    title: str,
    kind: str,
    conditions: Sequence[str],
    copy_to_gp: bool,
    at: datetime,
) -> Json:
    """A note just signed. The signature is the legal attester: who, and when."""
    found: Json = {
        "resourceType": "Composition",
        "status": "final",
        "type": concept(DOCUMENT_TYPE, kind, KINDS.get(kind, "")),
        "subject": patient_ref(patient),
        "date": instant(at),
        "author": [practitioner_ref(reader)],
        "title": title,
        "attester": [signature(reader, at)],
        "custodian": unit_ref(reader),
        "section": [section(text, conditions)],
    }
    if encounter:
        found["encounter"] = ref("Encounter", encounter)
    if copy_to_gp:
        found["meta"] = {"tag": [{"system": DISTRIBUTION, "code": COPY_TO_GP}]}
    return found


def signature(reader: Reader, at: datetime) -> Json:
    """Who answers for a version, and when it was signed."""
    return {"mode": "legal", "time": instant(at), "party": practitioner_ref(reader)}


def section(text: str, conditions: Sequence[str]) -> Json:
    """The words of a note, with the diagnoses of the contact as entries."""
    found: Json = {"text": narrative(text)}
    if conditions:
        found["entry"] = [ref("Condition", one) for one in conditions]
    return found


def contact_condition(
    diagnosis: Diagnosis, *, patient: PatientId, reader: Reader, encounter: str | None, at: datetime
) -> Json:
    """A diagnosis of one contact. It says nothing of the problem list."""
    found: Json = {
        "resourceType": "Condition",
        "clinicalStatus": concept(f"{HL7}condition-clinical", "active"),
        "verificationStatus": concept(f"{HL7}condition-ver-status", "confirmed"),
        "category": [concept(f"{HL7}condition-category", "encounter-diagnosis")],
        "code": diagnosis_concept(diagnosis),
        "subject": patient_ref(patient),
        "recordedDate": instant(at),
        "recorder": practitioner_ref(reader),
    }
    if encounter:
        found["encounter"] = ref("Encounter", encounter)
    return found


def note_from(resource: dict[str, Any], *, version: int, id: str = "") -> Note:
    """A stored Composition as it is read."""
    sections = resource.get("section", ())
    authors = resource.get("author", ())
    at = moment(resource.get("date")) or datetime.fromtimestamp(0, UTC)
    return Note(
        id=id or resource["id"],
        version=version,
        status=resource.get("status", ""),
        title=resource.get("title", ""),
        kind=next(iter(codes_in(resource.get("type"), DOCUMENT_TYPE)), ""),
        text=_text(resource, sections),
        at=at,
        signed_at=_signed_at(resource) or at,
        author=display_of(authors),
        author_id=next((found for a in authors if (found := id_in(a, "Practitioner"))), None),
        unit=display_of([resource.get("custodian", {})]),
        unit_id=id_in(resource.get("custodian"), "Organization"),
        encounter=id_in(resource.get("encounter"), "Encounter"),
        conditions=tuple(_conditions(sections)),
        copy_to_gp=any(tag.get("code") == COPY_TO_GP for tag in resource.get("meta", {}).get("tag", ())),
    )


def _text(resource: dict[str, Any], sections: Sequence[Json]) -> str:
    parts = [_section_text(one, titled=len(sections) > 1) for one in sections]
    return "\n\n".join(filter(None, parts)) or plain_text(resource.get("text"))


def _section_text(section: Json, *, titled: bool) -> str:
    body = plain_text(section.get("text"))
    title = section.get("title", "") if titled else ""
    return f"{title}\n{body}" if title and body else body


def _conditions(sections: Sequence[Json]) -> list[str]:
    entries = [entry for one in sections for entry in one.get("entry", ())]
    return [found for entry in entries if (found := id_in(entry, "Condition"))]


def _signed_at(resource: dict[str, Any]) -> datetime | None:
    times = [moment(one.get("time")) for one in resource.get("attester", ())]
    return max((t for t in times if t), default=None)
