# ruff: noqa: E501 - queries read best a line each
"""Whoever comes to work and whoever has a record here are one when their number is: the own record is refused to them as staff."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from fellesjournal.national.identifiers import FNR
from fellesjournal.onboarding.scim.model import STAFF
from tests.identity.administration.making import number
from tests.onboarding.office import UNIT, Office, patch, user
from tests.record.samples import make_person

LICENCE = "1234567"


def by_file(office: Office, name: str, serial: int) -> int:
    csv = f"national_id;name;licence;unit;role\n{number(serial)};{name};{LICENCE};{UNIT};sykepleier\n"
    assert office.upload(csv, "gjennomfor").status_code == 200
    return int(office.site.row("SELECT id FROM identity.person WHERE name = $1", name)[0])


def by_page(office: Office, name: str, serial: int) -> int:
    typed = {"nummer": number(serial), "navn": name, "hpr": LICENCE, "enhet": str(office.unit), "rolle": "sykepleier"}
    return int(office.post("/personer/ny", **typed).url.path.rpartition("/")[2])


def by_scim(office: Office, name: str, serial: int) -> int:
    told = user(name, serial, posts=[{"unit": UNIT, "role": "sykepleier"}])
    told[STAFF]["hprNumber"] = LICENCE
    return int(office.scim.post("/Users", json=told).json()["id"])


DOORS: list[Callable[[Office, str, int], int]] = [by_file, by_page, by_scim]


def nurse_of(office: Office) -> httpx.Client:
    """A nurse of the unit, who registers people: everybody who works there then has a ground for three days."""
    nurse = office.site.row("SELECT person FROM identity.post WHERE unit = $1 AND role = 'sykepleier' ORDER BY id", office.unit)
    return office.fhir_as(nurse[0])


def registered(office: Office, family: str, serial: int) -> str:
    with nurse_of(office) as client:
        return make_person(client, family, identifier=[{"system": FNR, "value": number(serial)}])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("is_first", [True, False])
def test_the_own_record_is_refused_whoever_comes_first(
    office: Office, door: Callable[[Office, str, int], int], is_first: bool
) -> None:
    serial = 70 + 2 * DOORS.index(door) + is_first
    name = f"Ellen{serial} Egen"
    patient = registered(office, name, serial) if is_first else ""
    someone = door(office, name, serial)
    if not is_first:
        assert office.own_record(someone) is None
        patient = registered(office, name, serial)
    assert office.own_record(someone) == patient
    other = registered(office, f"Annen{serial}", serial + 50)
    with office.fhir_as(someone) as staff, office.fhir_as(someone, "innbygger") as citizen:
        assert staff.get(f"/Patient/{other}").status_code == 200
        assert staff.get(f"/Patient/{patient}").status_code in (403, 404)
        assert staff.get(f"/Observation?patient={patient}").status_code in (403, 404)
        assert citizen.get(f"/Patient/{patient}").status_code == 200


def test_a_number_that_was_another_persons_gives_the_record_back(office: Office) -> None:
    mistaken, rightful = by_page(office, "Mona Mistatt", 90), by_page(office, "Reidun Rett", 91)
    patient = registered(office, "Rett", 90)
    with nurse_of(office) as nurse:
        was = nurse.get(f"/Patient/{patient}").json()
        del was["identifier"]
        with office.fhir_as(mistaken, "innbygger") as citizen:
            assert citizen.get(f"/Patient/{patient}").status_code == 200
            # Without a number it is still hers: nobody takes a record from somebody by leaving the number out.
            assert nurse.put(f"/Patient/{patient}", json=was).status_code == 200
            assert office.own_record(mistaken) == patient
            named = {**was, "identifier": [{"system": FNR, "value": number(91)}]}
            assert nurse.put(f"/Patient/{patient}", json=named).status_code == 200
            assert citizen.get(f"/Patient/{patient}").status_code == 401
    assert (office.own_record(mistaken), office.own_record(rightful)) == (None, patient)


def test_an_employer_does_not_learn_who_has_a_record(office: Office) -> None:
    someone, other = by_scim(office, "Signe Stille", 92), by_scim(office, "Unni Stille", 93)
    registered(office, "Stille", 92)
    for number_of in (someone, other):
        renamed = patch(office.scim, str(number_of), {"op": "replace", "path": "name.familyName", "value": "Nytt"})
        assert renamed.json()["name"]["familyName"] == "Nytt"
    told = [office.get(f"/personer/{one}") + office.scim.get(f"/Users/{one}").text for one in (someone, other)]
    page, same = (re.sub(r"(?i)\d+|[\w-]{18,}|signe|unni", "", text) for text in told)
    assert page == same
