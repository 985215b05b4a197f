"""The access log as FHIR AuditEvents, made at reading: nothing of it is stored twice, and nobody writes one.

Shape: R4 AuditEvent, for the readings of staff by the national profile no-domain-Trustframework-Auditevent 0.9.8
(HL7 Norge). Who is no member of staff (citizens, systems) can't have the profile's PractitionerRole, and isn't said to.
The patient is named by the record's own id, never by an identity number; a reader's reason stands nowhere.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fellesjournal.access.audit import LogLine, Place
from fellesjournal.fhir import RESOURCE_TYPES
from fellesjournal.kit import ids
from fellesjournal.record.ownership import slot_of

Json = dict[str, Any]

PROFILE: Final = "http://hl7.no/fhir/StructureDefinition/no-domain-Trustframework-Auditevent"
NAME: Final = "AuditEvent"

_EXTENSIONS: Final = "http://hl7.no/fhir/StructureDefinition/auditevent-"
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem/"
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_HPR: Final = "urn:oid:2.16.578.1.12.4.1.4.4"
_PROFESSION: Final = "urn:oid:2.16.578.1.12.4.1.1.9060"
_TEMPLATES: Final = "https://terminology.dips.com/decisiontemplate"
_IN_TEMPLATES: Final = frozenset(
    {"POLBESOK", "PLANOPP", "BELEGG", "ARBFLYT", "BLAALYS", "MELDT", "HENVISNING", "PRIMKONT"}
)
_PURPOSES: Final = {"TREAT": "TREAT", "PATRQT": "PATRQT"}
_OTHER_PURPOSE: Final = "HSYSADMIN"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID: Final = re.compile(r"([0-9]{1,17})-([0-9]{1,18})-([a-z0-9]{15}|0)")

READ: Final = ("open", "read", "history", "log", "export", "print")
CHANGED: Final = ("write",)
"""What the log knows is a writing, not whether it was the first; every other word of it is E, something carried out."""
HIDDEN: Final = "Skjermet enhet"
DISCLOSURE: Final = ("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose")
"""Said beside what was done, when another controller's information was shown (ISO 21089)."""


def event_id(line: LogLine) -> str:
    """Where the line stands, and in whose log: an id that leads back to it."""
    micros = (line.at - _EPOCH) // timedelta(microseconds=1)
    return f"{micros}-{line.pos}-{_patient_id(line) or 0}"


def _patient_id(line: LogLine) -> str:
    return ids.encode(slot_of(line.patient), line.patient) if line.patient else ""


def place_of(id_: str) -> tuple[Place, int] | None:
    """The place and the patient that an id leads to; None when it can't be one of ours."""
    match = _ID.fullmatch(id_)
    if match is None:
        return None
    key = (0, 0) if match[3] == "0" else ids.decode(match[3])
    return key and ((_EPOCH + timedelta(microseconds=int(match[1])), int(match[2])), key[1])


def action_of(line: LogLine) -> str:
    """FHIR's code for what was done."""
    return "R" if line.action in READ else "U" if line.action in CHANGED else "E"


def audit_event(line: LogLine, *, base: str, site: str) -> Json:
    """A line of the log as an AuditEvent. `base` is the address of our FHIR, `site` the server's name."""
    patient = f"Patient/{_patient_id(line)}" if line.patient else ""
    is_staff = bool(line.unit_number and patient) and not line.by_system and line.role != "innbygger"
    return {
        "resourceType": NAME,
        "id": event_id(line),
        **({"meta": {"profile": [PROFILE]}} if is_staff else {}),
        **({"contained": _contained(line, patient, base)} if is_staff else {}),
        **({"extension": [_patient_extension(), _relation(line)]} if is_staff else {}),
        "type": {"system": _DICOM, "code": "110110", "display": "Patient Record"},
        "subtype": [{"system": f"{base}/CodeSystem/logghandling", "code": line.action}, *_disclosed(line)],
        "action": action_of(line),
        "recorded": line.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "outcome": "4" if line.outcome == 1 else "0",
        "purposeOfEvent": [{"coding": _purposes(line)}],
        "agent": _agents(line, patient, base, is_staff=is_staff),
        "source": {
            "site": site,
            "observer": {"display": "Fellesjournal"},
            "type": [{"system": f"{_TERMINOLOGY}security-source-type", "code": "4", "display": "Application Server"}],
        },
        "entity": _entities(line, patient),
    }  # fmt: skip


def _purposes(line: LogLine) -> list[Json]:
    code = _PURPOSES.get(line.purpose, _OTHER_PURPOSE)
    coded = [{"system": f"{_TERMINOLOGY}v3-ActReason", "code": code}]
    return coded + ([{"system": _TEMPLATES, "code": line.ground}] if line.ground in _IN_TEMPLATES else [])


def _agents(line: LogLine, patient: str, base: str, *, is_staff: bool) -> list[Json]:
    if is_staff:
        who: Json = {"reference": "#role", "display": line.reader}
    elif line.role == "innbygger" and patient:
        who = {"reference": patient}
    else:
        who = {"display": line.reader or "Ukjent"}
    role = [{"role": [{"text": line.role}]}] if line.role else [{}]
    agents: list[Json] = [{**role[0], "who": who, "requestor": True}]
    agents += [{"who": {"display": line.app}, "requestor": False}] if line.app else []
    return agents + [
        {"type": {"coding": [{"system": f"{_TERMINOLOGY}v3-ParticipationType", "code": "CST", "display": "custodian"}]},
         "who": {"identifier": {"system": f"{base}/Organization", "value": ids.encode(0, number)}, "display": name},
         "requestor": False}
        for number, name in zip(line.disclosed_by, line.disclosed, strict=True)
    ]  # fmt: skip


def _disclosed(line: LogLine) -> list[Json]:
    """Whether it was a disclosure: information of one controller, shown to another's reader."""
    return [{"system": DISCLOSURE[0], "code": DISCLOSURE[1]}] if line.disclosed else []


def _entities(line: LogLine, patient: str) -> list[Json]:
    about = {"type": {"system": f"{_TERMINOLOGY}audit-entity-type", "code": "1", "display": "Person"},
             "role": {"system": f"{_TERMINOLOGY}object-role", "code": "1", "display": "Patient"}}  # fmt: skip
    people = [{"what": {"reference": patient}, **about}] if patient else []
    kinds = [RESOURCE_TYPES[n - 1] for n in line.kinds or (line.kind,) if 0 < n <= len(RESOURCE_TYPES)]
    return people + [
        {"type": {"system": "http://hl7.org/fhir/resource-types", "code": kind},
         "role": {"system": f"{_TERMINOLOGY}object-role", "code": "4", "display": "Domain Resource"}}
        for kind in kinds
    ]  # fmt: skip


def _patient_extension() -> Json:
    return {"url": f"{_EXTENSIONS}patient-extension", "valueReference": {"reference": "#patient"}}


def _relation(line: LogLine) -> Json:
    """The ground: which fact it was, its name, whether the reader chose it, and when it was decided."""
    parts = (
        ("decision-ref-id", "valueString", str(line.ground_ref or line.event)),
        ("decision-ref-description", "valueString", line.ground_names[0] or line.ground or "Ingen grunn er registrert"),
        ("decision-ref-user-selected", "valueBoolean", line.is_chosen),
        ("toa", "valueUnsignedInt", int(line.at.timestamp())),
    )
    made = [{"url": url, kind: value} for url, kind, value in parts]
    return {"extension": made, "url": f"{_EXTENSIONS}carerelation-metadata-extension"}


def _contained(line: LogLine, patient: str, base: str) -> list[Json]:
    own_id = patient.removeprefix("Patient/")
    unit, controller = (HIDDEN, HIDDEN) if line.hides_unit else (line.unit, line.controller_name or line.unit)
    numbers = (0, 0) if line.hides_unit else (line.unit_number, line.controller or line.unit_number)
    practitioner = ids.encode(0, line.practitioner) if line.practitioner else str(line.person)
    known_as = [{"system": _HPR, "value": line.licence}] if line.licence else []
    profession = [{"code": {"coding": [{"system": _PROFESSION, "code": line.profession}]}}] if line.profession else []
    return [
        {"resourceType": "Patient", "id": "patient", "identifier": [{"system": f"{base}/Patient", "value": own_id}]},
        {
            "resourceType": "Practitioner", "id": "practitioner",
            "identifier": [*known_as, {"system": f"{base}/Practitioner", "value": practitioner}],
            "name": [{"text": line.reader}],
            **({"qualification": profession} if profession else {}),
        },
        {
            "resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "#practitioner"},
            "organization": {"reference": "#unit"}, "location": [{"reference": "#place"}],
        },
        _organization("legal-entity", controller, base, numbers[1]),
        _organization("unit", unit, base, numbers[0]) | {"partOf": {"reference": "#legal-entity"}},
        {"resourceType": "Location", "id": "place", "managingOrganization": {"reference": "#unit"}},
    ]  # fmt: skip


def _organization(id_: str, name: str, base: str, number: int) -> Json:
    known = [{"system": f"{base}/Organization", "value": ids.encode(0, number)}] if number else []
    return {"resourceType": "Organization", "id": id_, **({"identifier": known} if known else {}), "name": name}
