"""The small pieces of FHIR that the clinical rooms write and read: references, codes, instants, narratives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from html import escape, unescape
from typing import Any

from fellesjournal.access.model import PatientId
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.kit.clock import OSLO
from fellesjournal.terminology.model import Diagnosis

Json = dict[str, Any]

VOLVEN = "urn:oid:2.16.578.1.12.4.1.1."
LOCAL = "https://fellesjournal.no/fhir/CodeSystem/"
HL7 = "http://terminology.hl7.org/CodeSystem/"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
TASK = f"{LOCAL}task"

_BREAK = re.compile(r"</p>|<br\s*/?>|</li>|</div>|</tr>|</h\d>")
_TAG = re.compile(r"<[^>]*>")


def patient_id(patient: PatientId) -> str:
    """The FHIR id of a patient."""
    return ids.encode(patient.slot, patient.pid)


def patient_ref(patient: PatientId) -> Json:
    """A reference to the patient; without a name, which would go wherever the resource goes."""
    return {"reference": f"Patient/{patient_id(patient)}"}


def practitioner_ref(reader: Reader) -> Json:
    """The reader as an author."""
    if reader.practitioner is None:
        return {"display": reader.name}
    return {"reference": f"Practitioner/{ids.encode(0, reader.practitioner)}", "display": reader.name}


def unit_ref(reader: Reader) -> Json:
    """The reader's acting unit."""
    if reader.unit is None:
        return {"display": reader.unit_name}
    return {"reference": f"Organization/{ids.encode(0, reader.unit)}", "display": reader.unit_name}


def ref(rtype: str, id: str) -> Json:
    """A reference by type and id."""
    return {"reference": f"{rtype}/{id}"}


def id_in(reference: Mapping[str, Any] | None, rtype: str) -> str | None:
    """The id that a reference to this type holds, else None."""
    kind, _, id_ = str((reference or {}).get("reference", "")).partition("/")
    return id_ if kind == rtype and id_ else None


def concept(system: str, code: str, display: str = "", *, text: str = "") -> Json:
    """A concept with one coding."""
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


def diagnosis_concept(diagnosis: Diagnosis) -> Json:
    """A diagnosis as a concept."""
    return concept(diagnosis.system, diagnosis.code, diagnosis.display)


def diagnosis_in(found: Mapping[str, Any] | None) -> Diagnosis | None:
    """The first coding as a diagnosis; the free text alone has no code; None when nothing is said."""
    for coding in (found or {}).get("coding", ()):
        if coding.get("code"):
            display = coding.get("display") or (found or {}).get("text") or ""
            return Diagnosis(coding.get("system", ""), coding["code"], display)
    text = (found or {}).get("text")
    return Diagnosis("", "", text) if text else None


def words(found: Mapping[str, Any] | None) -> str:
    """What a concept says, in words: its text, else its first display, else its first code."""
    if not found:
        return ""
    codings = found.get("coding", ())
    displays = (coding.get("display") for coding in codings)
    codes = (coding.get("code") for coding in codings)
    return str(found.get("text") or next(filter(None, displays), None) or next(filter(None, codes), ""))


def codes_in(found: Mapping[str, Any] | None, system: str | None = None) -> tuple[str, ...]:
    """Every code of a concept, of one system if it is named."""
    codings = (found or {}).get("coding", ())
    return tuple(c["code"] for c in codings if "code" in c and system in (None, c.get("system")))


def has_category(resource: Mapping[str, Any], code: str) -> bool:
    """Whether one of a resource's categories has this code."""
    return any(code in codes_in(category) for category in resource.get("category", ()))


def instant(at: datetime) -> str:
    """An instant as FHIR writes it, in Norwegian time, to the second."""
    return at.astimezone(OSLO).isoformat(timespec="seconds")


def moment(text: str | None) -> datetime | None:
    """An instant of a FHIR date, dateTime or instant; a day is its first moment in Norway.

    None when not said.
    """
    if not text:
        return None
    if "T" in text:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=OSLO)
    padded = text + "-01" * (2 - text.count("-"))
    return datetime.fromisoformat(padded).replace(tzinfo=OSLO)


def day(text: str | None) -> date | None:
    """The day of a FHIR date or dateTime, in Norway; None when not said."""
    at = moment(text)
    return at.astimezone(OSLO).date() if at else None


def narrative(text: str) -> Json:
    """A person's own words as a safe narrative, one paragraph for each line."""
    body = "".join(f"<p>{escape(line, quote=False)}</p>" for line in text.split("\n"))
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'}


def plain_text(found: Mapping[str, Any] | None) -> str:
    """The words of a narrative, a line for each paragraph."""
    div = str((found or {}).get("div", ""))
    return unescape(_TAG.sub("", _BREAK.sub("\n", div))).strip()


def display_of(references: Iterable[Mapping[str, Any]] | None) -> str:
    """The first name that a list of references tells."""
    return next((str(r["display"]) for r in references or () if r.get("display")), "")
