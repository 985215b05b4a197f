"""Organisations, places, services and staff as FHIR, with the units' and members' own keys as ids."""

from __future__ import annotations

from collections.abc import Iterator

from fellesjournal.demo.charts.parts import HL7, NATIONAL, VOLVEN, Json, concept, national_number, ref
from fellesjournal.demo.model import Address, Organization, Staff, Unit, World

_SERVICES = {
    "gp": ("KA01", "Fastlegetjeneste"),
    "legevakt": ("KA02", "Legevakt"),
    "home_care": ("KP02", "Sykepleietjeneste"),
    "nursing_home": ("KP02", "Sykepleietjeneste"),
    "child_health": ("KF01", "Helsestasjons- og skolehelsetjeneste"),
}
_PROFESSIONS = {
    "LE": "Lege", "SP": "Sykepleier", "HF": "Helsefagarbeider", "HE": "Helsesekretær", "VP": "Vernepleier",
    "JO": "Jordmor", "BI": "Bioingeniør", "XX": "Ukjent/uspesifisert",
}  # fmt: skip
LAB = "o-lab"
LAB_NAME = "Fjordriket sykehuslaboratorium (oppdiktet)"
"""The outside laboratory that answers the samples; a hospital's, so no unit of ours."""


def directory_resources(world: World) -> Iterator[Json]:
    """Organization, Location, HealthcareService, Practitioner, PractitionerRole; owners before their units."""
    yield {
        "resourceType": "Organization", "id": LAB, "active": True,
        "name": LAB_NAME,
    }  # fmt: skip
    for owner in world.organizations:
        yield _owner(owner)
    for unit in world.units:
        yield _unit(unit)
        yield _location(unit)
        yield _service(unit)
    for member in world.staff:
        yield _practitioner(member)
        yield from _roles(member)


def address(where: Address) -> Json:
    """A Norwegian address."""
    return {
        "use": "home", "type": "both", "line": [where.line], "city": where.city,
        "postalCode": where.postal_code,
        "country": "NO",
    }  # fmt: skip


def official_name(given: str, middle: str | None, family: str) -> Json:
    """A name as in the population register; the middle name by the Norwegian extension."""
    found: Json = {"use": "official", "family": family, "given": given.split()}
    if middle:
        found["given"] = [*found["given"], middle]
        found["extension"] = [
            {"url": "http://hl7.no/fhir/StructureDefinition/no-basis-middlename", "valueString": middle}
        ]
    return found


def _owner(owner: Organization) -> Json:
    return {
        "resourceType": "Organization",
        "id": owner.key,
        "identifier": [{"system": f"{NATIONAL}101", "value": owner.org_number}],
        "active": True,
        "type": [concept(f"{HL7}organization-type", "govt" if owner.name.endswith("kommune") else "prov")],
        "name": owner.name,
    }


def _unit(unit: Unit) -> Json:
    code, display = _SERVICES[unit.kind]
    return {
        "resourceType": "Organization",
        "id": unit.key,
        "identifier": [{"system": f"{NATIONAL}101", "value": unit.org_number}],
        "active": True,
        "type": [concept(f"{VOLVEN}8663", code, display)],
        "name": unit.name,
        "telecom": [{"system": "phone", "value": unit.phone, "use": "work"}],
        "address": [{**address(unit.address), "use": "work"}],
        "partOf": ref("Organization", unit.parent),
    }


def _location(unit: Unit) -> Json:
    return {
        "resourceType": "Location",
        "id": f"loc-{unit.key}",
        "status": "active",
        "name": unit.name,
        "mode": "instance",
        "address": {**address(unit.address), "use": "work"},
        "managingOrganization": ref("Organization", unit.key),
    }


def _service(unit: Unit) -> Json:
    code, display = _SERVICES[unit.kind]
    return {
        "resourceType": "HealthcareService",
        "id": f"hs-{unit.key}",
        "active": True,
        "providedBy": ref("Organization", unit.key),
        "type": [concept(f"{VOLVEN}8663", code, display)],
        "location": [ref("Location", f"loc-{unit.key}")],
        "name": unit.name,
    }


def _practitioner(member: Staff) -> Json:
    identifiers = [national_number(member.national_id)]
    if member.hpr:
        identifiers.append({"system": f"{NATIONAL}4", "value": member.hpr})
    return {
        "resourceType": "Practitioner",
        "id": member.key,
        "identifier": identifiers,
        "active": True,
        "name": [official_name(member.given, member.middle, member.family)],
        "telecom": [{"system": "phone", "value": member.phone, "use": "work"}],
        "gender": member.sex,
        "birthDate": member.birth_on.isoformat(),
        "qualification": [
            {"code": concept(f"{VOLVEN}9060", member.profession_code, _PROFESSIONS[member.profession_code])}
        ],
    }


def _roles(member: Staff) -> Iterator[Json]:
    for number, post in enumerate(member.posts, 1):
        roles = [concept(f"{VOLVEN}9034", "6", "Fastlege")] if post.role == "fastlege" else []
        yield {
            "resourceType": "PractitionerRole",
            "id": f"{member.key}-role-{number}",
            "active": True,
            "practitioner": ref("Practitioner", member.key),
            "organization": ref("Organization", post.unit_key),
            "code": [*roles, {"text": post.role}],
            "location": [ref("Location", f"loc-{post.unit_key}")],
            "healthcareService": [ref("HealthcareService", f"hs-{post.unit_key}")],
        }
