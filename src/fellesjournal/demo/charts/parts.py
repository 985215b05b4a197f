"""The small pieces of a FHIR resource: codes, references, quantities, instants.

Every call makes a new object, so that a reader may rewrite references in place.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from fellesjournal.national.identifiers import DNR, FNR
from fellesjournal.terminology import icpc2

Json = dict[str, Any]

VOLVEN = "urn:oid:2.16.578.1.12.4.1.1."
NATIONAL = "urn:oid:2.16.578.1.12.4.1.4."
LOCAL = "https://fellesjournal.no/fhir/CodeSystem/"
HL7 = "http://terminology.hl7.org/CodeSystem/"
ATC = "http://www.whocc.no/atc"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"


def ref(kind: str, key: str) -> Json:
    """A reference by local key; the loader makes it a server id."""
    return {"reference": f"{kind}/{key}"}


def coding(system: str, code: str, display: str | None = None) -> Json:
    """One coding."""
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(system: str, code: str, display: str | None = None, *, text: str | None = None) -> Json:
    """A concept with one coding."""
    found: Json = {"coding": [coding(system, code, display)]}
    if text:
        found["text"] = text
    return found


def diagnosis(code: str) -> Json:
    """An ICPC-2 diagnosis with its Norwegian text."""
    found = icpc2.lookup(code)
    return concept(icpc2.SYSTEM, code, found.display if found else None)


def quantity(value: Decimal, unit: str, code: str | None = None) -> Json:
    """A UCUM quantity; `code` when the printed unit is not the code."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code or unit}


def instant(at: datetime) -> str:
    """An aware time with its offset, to the second."""
    return at.isoformat(timespec="seconds")


def day(on: date) -> str:
    """A date."""
    return on.isoformat()


def national_number(value: str) -> Json:
    """An identity number in the system that it is of: a D-number's first digit is four more than a day's."""
    return {"system": DNR if value[0] >= "4" else FNR, "value": value}


def period(start: date | datetime, end: date | datetime | None = None) -> Json:
    """From and to, both as precise as they are given."""
    found = {"start": _moment(start)}
    if end is not None:
        found["end"] = _moment(end)
    return found


def narrative(text: str) -> Json:
    """A person's own words as a safe narrative, one paragraph for each line."""
    body = "".join(f"<p>{escape(line, quote=False)}</p>" for line in text.split("\n"))
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'}


def comma(value: Decimal | float | str) -> str:
    """A number as Norwegians write it."""
    return str(value).replace(".", ",")


def _moment(at: date | datetime) -> str:
    return instant(at) if isinstance(at, datetime) else at.isoformat()
