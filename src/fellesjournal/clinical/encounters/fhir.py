"""A contact as an Encounter, and back.

Stage on the wire: by telephone = class VR; arrived, with a practitioner and done = the Encounter's own
status.
The judgements of urgency are kept as `statusHistory` beside an extension with the instant of the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.encounters.model import CONTACT_KINDS, Contact, Stage
from fellesjournal.clinical.encounters.urgency import DEFAULT_SCALE
from fellesjournal.clinical.pieces import (
    HL7,
    LOCAL,
    VOLVEN,
    Json,
    codes_in,
    concept,
    diagnosis_concept,
    diagnosis_in,
    display_of,
    id_in,
    instant,
    moment,
    patient_ref,
    practitioner_ref,
    unit_ref,
    words,
)
from fellesjournal.identity.model import Reader
from fellesjournal.terminology.model import Diagnosis

CONTACT_TYPE = f"{LOCAL}contact-type"
URGENCY = f"{LOCAL}urgency"
TRIAGED_AT = "https://fellesjournal.no/fhir/StructureDefinition/triaged-at"

_ACT = f"{HL7}v3-ActCode"
_CLASSES = {
    "consultation": ("AMB", "ambulatory"),
    "phone": ("VR", "virtual"),
    "e-consultation": ("VR", "virtual"),
    "emergency": ("EMER", "emergency"),
    "home-visit": ("HH", "home health"),
}
_SERVICES = {
    "gp": "KA01",
    "legevakt": "KA02",
    "home_care": "KP02",
    "nursing_home": "KP02",
    "child_health": "KF01",
}
_STATUS: dict[Stage, str] = {
    "phone": "in-progress",
    "arrived": "arrived",
    "room": "in-progress",
    "done": "finished",
}
_WAITING = ("arrived", "triaged", "planned")
_OVER = ("finished", "cancelled", "entered-in-error")


def encounter(
    *,
    patient: PatientId,
    reader: Reader,
    kind: str,
    stage: Stage,
    reason: str,
    urgency: str | None,
    diagnoses: Sequence[Diagnosis],
    at: datetime,
) -> Json:
    """A contact that begins now."""
    found: Json = {
        "resourceType": "Encounter",
        "status": _STATUS[stage],
        "class": _class(kind),
        "type": [concept(CONTACT_TYPE, kind, CONTACT_KINDS[kind])],
        "subject": patient_ref(patient),
        "participant": [{"individual": practitioner_ref(reader)}],
        "period": {"start": instant(at)},
        "serviceProvider": unit_ref(reader),
    }
    service = _SERVICES.get(reader.unit_kind)
    if service:
        found["serviceType"] = concept(f"{VOLVEN}8663", service)
    reasons = [diagnosis_concept(one) for one in diagnoses] + ([{"text": reason}] if reason else [])
    if reasons:
        found["reasonCode"] = reasons
    if stage == "done":
        found["period"]["end"] = instant(at)
    if urgency:
        judge(found, urgency=urgency, at=at)
    return found


def judge(resource: Json, *, urgency: str, at: datetime) -> None:
    """Write down a judgement of urgency and when it was made."""
    level = DEFAULT_SCALE.level(urgency)
    resource["priority"] = concept(URGENCY, urgency, level.name if level else "")
    others = [one for one in resource.get("extension", ()) if one.get("url") != TRIAGED_AT]
    resource["extension"] = [*others, {"url": TRIAGED_AT, "valueDateTime": instant(at)}]


def code_reasons(resource: Json, *, added: Sequence[Diagnosis], removed: Sequence[Diagnosis]) -> bool:
    """Take diagnoses out of a contact's reasons and put others in, each once; whether anything changed.

    Reasons in words alone stay, after the coded ones.
    """
    before = list(resource.get("reasonCode", ()))
    gone = {(one.system, one.code) for one in removed}
    kept = [one for one in before if _code_of(one) not in gone]
    there = {_code_of(one) for one in kept}
    new = [diagnosis_concept(one) for one in dict.fromkeys(added) if (one.system, one.code) not in there]
    coded, told = [one for one in kept if _code_of(one)], [one for one in kept if not _code_of(one)]
    if not new and kept == before:
        return False
    resource["reasonCode"] = [*coded, *new, *told]
    if not resource["reasonCode"]:
        del resource["reasonCode"]
    return True


def move(resource: Json, *, to: Stage, at: datetime) -> None:
    """Take a contact on to a stage; what it was is kept in its history of status and class."""
    before = resource["status"]
    since = _last_change(resource)
    resource["statusHistory"] = [
        *resource.get("statusHistory", ()),
        {"status": before, "period": {"start": since, "end": instant(at)}},
    ]
    if to != "phone" and resource["class"].get("code") == "VR" and to != "done":
        resource["classHistory"] = [
            *resource.get("classHistory", ()),
            {
                "class": resource["class"],
                "period": {"start": resource["period"]["start"], "end": instant(at)},
            },
        ]
        resource["class"] = _class("emergency")
        resource["type"] = [concept(CONTACT_TYPE, "emergency", CONTACT_KINDS["emergency"])]
    resource["status"] = _STATUS[to]
    if to == "done":
        resource["period"] = {**resource["period"], "end": instant(at)}


def contact_from(resource: dict[str, Any], *, version: int, id: str = "") -> Contact:
    """A stored Encounter as the rooms see it."""
    period = resource.get("period", {})
    return Contact(
        id=id or resource["id"],
        version=version,
        patient=id_in(resource.get("subject"), "Patient") or "",
        kind=_kind(resource),
        stage=_stage(resource),
        began_at=moment(period.get("start")) or datetime.fromtimestamp(0, UTC),
        ended_at=moment(period.get("end")),
        reason=_reason(resource),
        urgency=next(iter(codes_in(resource.get("priority"), URGENCY)), None),
        triaged_at=_triaged_at(resource),
        author=display_of([one.get("individual", {}) for one in resource.get("participant", ())]),
        unit=display_of([resource.get("serviceProvider", {})]),
        unit_id=id_in(resource.get("serviceProvider"), "Organization"),
    )


def _class(kind: str) -> Json:
    code, display = _CLASSES[kind]
    return {"system": _ACT, "code": code, "display": display}


def _kind(resource: Json) -> str:
    return next((code for one in resource.get("type", ()) for code in codes_in(one, CONTACT_TYPE)), "")


def _stage(resource: Json) -> Stage:
    status = resource.get("status")
    if status in _OVER:
        return "done"
    if resource.get("class", {}).get("code") == "VR":
        return "phone"
    return "arrived" if status in _WAITING else "room"


def _reason(resource: Json) -> str:
    """What was told when the contact began; without such words its diagnoses."""
    reasons = resource.get("reasonCode", ())
    told = [one["text"] for one in reasons if one.get("text") and not _code_of(one)]
    return ", ".join(dict.fromkeys(told or filter(None, map(words, reasons))))


def _code_of(reason: Json) -> tuple[str, str] | None:
    found = diagnosis_in(reason)
    return (found.system, found.code) if found and found.code else None


def _triaged_at(resource: Json) -> datetime | None:
    for one in resource.get("extension", ()):
        if one.get("url") == TRIAGED_AT:
            return moment(one.get("valueDateTime"))
    return None


def _last_change(resource: Json) -> str:
    history = resource.get("statusHistory", ())
    return str(history[-1]["period"]["end"] if history else resource["period"]["start"])
