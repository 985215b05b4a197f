"""Who the person is: Patient and RelatedPerson, with what a protected address hides."""

from __future__ import annotations

from datetime import datetime, time

from fellesjournal.demo.charts.chart import OSLO, Chart, Item
from fellesjournal.demo.charts.directory import address, official_name
from fellesjournal.demo.charts.parts import HL7, Json, coding, concept, day, national_number, ref
from fellesjournal.demo.model import Kin, Person

_CONFIDENTIALITY = "http://ehelse.no/fhir/CodeSystem/gd-address-confidentiality"
_FAMILY = "http://hl7.no/fhir/CodeSystem/no-basis-family-relation"
_MARITAL = "http://hl7.no/fhir/CodeSystem/no-basis-marital-status"
_PROTECTION = {
    "fortrolig": ("fortrolig", "Fortrolig"),
    "strengt fortrolig": ("strengtFortrolig", "Strengt fortrolig"),
}
_RELATIONS = {
    "mor": "Mor", "far": "Far", "barn": "Barn", "søsken": "Søsken",
    "ektefelleEllerPartner": "Ektefelle eller partner",
}  # fmt: skip


def record(chart: Chart) -> None:
    """The Patient first, then the next of kin."""
    first = patient(chart)
    at = first.at
    chart.items.append(first)
    for rank, kin in enumerate(chart.person.next_of_kin, 1):
        chart.add("RelatedPerson", _related(chart, kin, rank), unit=chart.home_unit, author=None, at=at)


def patient(chart: Chart) -> Item:
    """The Patient alone; the same as in the whole record."""
    at = datetime.combine(chart.start_on, time(12, 0), OSLO)
    return Item(chart.named(_patient(chart)), chart.home_unit, None, at)


def _patient(chart: Chart) -> Json:
    person = chart.person
    found: Json = {
        "resourceType": "Patient",
        "id": person.key,
        **({"identifier": numbers} if (numbers := _identifiers(person)) else {}),
        "active": True,
        "name": [official_name(person.given, person.middle, person.family)],
        "gender": person.sex,
        "birthDate": day(person.birth_on),
    }
    if person.protected:
        found["meta"] = {"security": [coding(_CONFIDENTIALITY, *_PROTECTION[person.protected])]}
    if person.phone and person.protected != "strengt fortrolig":
        found["telecom"] = [{"system": "phone", "value": person.phone, "use": "mobile"}]
    if person.deceased_on:
        found["deceasedDateTime"] = day(person.deceased_on)
    if person.protected != "strengt fortrolig":
        found["address"] = [_home(chart)]
    if person.age_on(chart.today) >= 18:
        found["maritalStatus"] = concept(_MARITAL, person.marital_status)
    found["communication"] = [{"language": concept("urn:ietf:bcp:47", "nn" if person.nynorsk else "nb")}]
    if person.gp_staff and person.gp_unit:
        found["generalPractitioner"] = [
            ref("Practitioner", person.gp_staff),
            ref("Organization", person.gp_unit),
        ]
    found["managingOrganization"] = ref("Organization", f"o-{person.address.municipality}")
    return found


def _identifiers(person: Person) -> list[Json]:
    if person.national_id is None:
        return []
    return [{"use": "official", **national_number(person.national_id)}]


def _home(chart: Chart) -> Json:
    """The official address with its municipality; a confidential one says so on the address too."""
    where = chart.person.address
    found = address(where)
    municipality = next(one for one in chart.world.municipalities if one.number == where.municipality)
    found["district"] = municipality.name
    found["_district"] = {
        "extension": [
            {
                "url": "http://hl7.no/fhir/StructureDefinition/no-basis-municipalitycode",
                "valueCoding": coding("urn:oid:2.16.578.1.12.4.1.1.3402", where.municipality, municipality.name),
            }
        ]
    }
    if chart.person.protected:
        found["extension"] = [
            {
                "url": "http://ehelse.no/fhir/StructureDefinition/gd-address-metadata",
                "extension": [
                    {
                        "url": "addressConfidentiality",
                        "valueCoding": coding(_CONFIDENTIALITY, *_PROTECTION[chart.person.protected]),
                    }
                ],
            }
        ]
    return found


def _related(chart: Chart, kin: Kin, rank: int) -> Json:
    other = chart.world.person(kin.person_key)
    contact = concept(f"{HL7}v2-0131", "N", "Next-of-Kin") if rank == 1 else None
    found: Json = {
        "active": True,
        "patient": chart.patient(),
        "relationship": [
            concept(_FAMILY, kin.relation, _RELATIONS[kin.relation]),
            *([contact] if contact else []),
        ],
        "name": [official_name(other.given, other.middle, other.family)],
        "gender": other.sex,
        "birthDate": day(other.birth_on),
    }
    if other.phone and not other.protected and not chart.person.protected:
        found["telecom"] = [{"system": "phone", "value": other.phone, "use": "mobile", "rank": rank}]
    return found
