"""From resources of the own record to what the pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from fellesjournal.citizen.own.model import (
    Allergy,
    Medicine,
    Meeting,
    Paper,
    Problem,
    Series,
    Vaccine,
    Value,
)
from fellesjournal.citizen.own.words import CONTACTS, LABORATORY, LEVELS, MEASUREMENTS, VACCINES, Words
from fellesjournal.clinical.directory import Directory
from fellesjournal.clinical.notes.fhir import note_from
from fellesjournal.clinical.pieces import LOCAL, Json, codes_in, day, moment, words
from fellesjournal.web import _
from fellesjournal.web.formats import number

ATC = "http://www.whocc.no/atc"


def paper(resource: Json, *, version: int, directory: Directory) -> Paper:
    """A signed note."""
    note = note_from(resource, version=version)
    return Paper(
        id=note.id,
        version=version,
        title=note.title,
        text=note.text,
        at=note.at,
        signed_at=note.signed_at,
        author=", ".join(filter(None, map(directory.name, resource.get("author", ())))),
        unit=directory.name(resource.get("custodian")),
        is_corrected=note.is_corrected,
        encounter=note.encounter,
    )


def medicine(resource: Json, *, directory: Directory) -> Medicine:
    """A MedicationStatement."""
    what = resource.get("medicationCodeableConcept", {})
    period = resource.get("effectivePeriod", {})
    doses = resource.get("dosage", ())
    substance = next((c.get("display", "") for c in what.get("coding", ()) if c.get("system") == ATC), "")
    return Medicine(
        name=words(what),
        substance=substance if substance.lower() not in words(what).lower() else "",
        dose=", ".join(one["text"] for one in doses if one.get("text")),
        reason=", ".join(filter(None, map(words, resource.get("reasonCode", ())))),
        since=day(period.get("start") or resource.get("effectiveDateTime")),
        until=day(period.get("end")),
        by=directory.name(resource.get("informationSource")),
        as_needed=any(one.get("asNeededBoolean") for one in doses),
    )


def allergy(resource: Json) -> Allergy:
    """An AllergyIntolerance."""
    shown = [words(m) for reaction in resource.get("reaction", ()) for m in reaction.get("manifestation", ())]
    return Allergy(
        words(resource.get("code")), ", ".join(filter(None, shown)), resource.get("criticality") == "high"
    )


def problem(resource: Json) -> Problem:
    """A Condition of the problem list."""
    return Problem(words(resource.get("code")), day(resource.get("onsetDateTime")))


def warning(resource: Json) -> str:
    """A Flag: critical information."""
    return words(resource.get("code"))


def vaccine(resource: Json, *, directory: Directory) -> Vaccine:
    """An Immunization."""
    what = resource.get("vaccineCode", {})
    doses = (one.get("doseNumberPositiveInt") for one in resource.get("protocolApplied", ()))
    known = (VACCINES[code] for code in codes_in(what, ATC) if code in VACCINES)
    return Vaccine(
        against=next(known, words(what)),
        name=words(what),
        on=day(resource.get("occurrenceDateTime")),
        dose=next(filter(None, doses), None),
        by=", ".join(
            filter(None, (directory.name(one.get("actor")) for one in resource.get("performer", ())))
        ),
    )


def appointment(resource: Json, *, directory: Directory, places: Mapping[str, str]) -> Meeting | None:
    """A booked Appointment; None without a start. `places` are names of Locations by reference."""
    at = moment(resource.get("start"))
    actors = [one.get("actor", {}) for one in resource.get("participant", ())]
    staff = [a for a in actors if a.get("reference", "").startswith("Practitioner/")]
    where = [a for a in actors if a.get("reference", "").startswith(("Location/", "Organization/"))]
    if at is None:
        return None
    return Meeting(
        id=resource["id"],
        at=at,
        title=", ".join(filter(None, map(words, resource.get("serviceType", ())))),
        reason=", ".join(filter(None, map(words, resource.get("reasonCode", ())))),
        people=", ".join(filter(None, map(directory.name, staff))),
        place=", ".join(filter(None, (places.get(a["reference"]) or directory.name(a) for a in where))),
        until=moment(resource.get("end")),
    )


def contact(resource: Json, *, directory: Directory) -> Meeting | None:
    """An Encounter; None without a start."""
    at = moment(resource.get("period", {}).get("start"))
    people = [one.get("individual") for one in resource.get("participant", ())]
    if at is None:
        return None
    return Meeting(
        id=resource["id"],
        at=at,
        title=_kind_of_contact(resource),
        reason=", ".join(filter(None, map(words, resource.get("reasonCode", ())))),
        people=", ".join(filter(None, map(directory.name, people))),
        place=directory.name(resource.get("serviceProvider")),
        until=moment(resource.get("period", {}).get("end")),
    )


def series(resources: Iterable[Json], *, directory: Directory, laboratory: bool) -> list[Series]:
    """Measurements by kind, each newest first; the kinds in the order of the words, unknown ones last."""
    grouped: dict[str, list[Json]] = {}
    for resource in resources:
        grouped.setdefault(_code(resource), []).append(resource)
    order = list(LABORATORY if laboratory else MEASUREMENTS)
    ranked = sorted(grouped, key=lambda code: order.index(code) if code in order else len(order))
    return [made for code in ranked if (made := _series(code, grouped[code], directory)) is not None]


def _series(code: str, resources: list[Json], directory: Directory) -> Series | None:
    dated = [(at, one) for one in resources if (at := moment(one.get("effectiveDateTime"))) is not None]
    dated.sort(key=lambda pair: pair[0], reverse=True)
    found = tuple(value for at, one in dated if (value := _value(at, one, directory)) is not None)
    if not found:
        return None
    newest = dated[0][1]
    known = LABORATORY.get(code) or MEASUREMENTS.get(code) or Words(words(newest.get("code")))
    return Series(code, known.name, known.told, _unit(newest), _usual(newest), found)


def _value(at: Any, resource: Json, directory: Directory) -> Value | None:
    parts = [one["valueQuantity"]["value"] for one in _parts(resource)]
    shown = "/".join(number(part) for part in parts) or _said(resource)
    by = ", ".join(filter(None, map(directory.name, resource.get("performer", ()))))
    marks = [code for one in resource.get("interpretation", ()) for code in codes_in(one)]
    level = next((LEVELS[mark] for mark in marks if mark in LEVELS), None)
    return Value(at, shown, level, tuple(Decimal(part) for part in parts), by) if shown else None


def _said(resource: Json) -> str:
    """A value that is no number."""
    if "valueBoolean" in resource:
        return _("Ja") if resource["valueBoolean"] else _("Nei")
    return words(resource.get("valueCodeableConcept")) or str(resource.get("valueString", ""))


def _parts(resource: Json) -> list[Json]:
    """The resource itself, or its components, where a number stands."""
    return [
        one for one in (resource, *resource.get("component", ())) if "value" in one.get("valueQuantity", {})
    ]


def _unit(resource: Json) -> str:
    return next((one["valueQuantity"].get("unit", "") for one in _parts(resource)), "")


def _usual(resource: Json) -> str:
    """The reference range as it is said: from–to, under or over."""
    for bounds in resource.get("referenceRange", ()):
        low, high = (bounds.get(edge, {}).get("value") for edge in ("low", "high"))
        if low is not None and high is not None:
            return f"{number(low)}–{number(high)}"
        if low is not None or high is not None:
            return f"< {number(high)}" if low is None else f"> {number(low)}"
    return ""


def _code(resource: Json) -> str:
    codes = codes_in(resource.get("code"))
    return next(
        (c for c in codes if c in MEASUREMENTS or c in LABORATORY),
        codes[0] if codes else words(resource.get("code")),
    )


def _kind_of_contact(resource: Json) -> str:
    for kind in resource.get("type", ()):
        for code in codes_in(kind, f"{LOCAL}contact-type"):
            if code in CONTACTS:
                return CONTACTS[code]
    return next(filter(None, map(words, resource.get("type", ()))), "")
