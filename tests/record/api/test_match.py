"""Patient/$match: the same look-up as in the pages."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.access.model import PatientId
from fellesjournal.national.identifiers import FNR
from fellesjournal.record.identify import Identified
from fellesjournal.record.match import Described, graded
from tests.record.api.test_history import log_since, position
from tests.record.samples import outcome
from tests.site import DIABETIC, LEGEVAKT_NURSE, TONIGHT, Site

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
HIT = Identified(PatientId(1, 2), "Ola Nordmann", date(1970, 2, 3), "male", "1")
WORDS, BORN = ("Ola", "Nordmann"), date(1970, 2, 3)


@pytest.fixture(scope="module")
def nurse(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(LEGEVAKT_NURSE) as opened:
        yield opened


@pytest.fixture(scope="module")
def known(demo_site: Site) -> dict[str, Any]:
    """The Patient as it stands in the record."""
    row = demo_site.row(
        "SELECT r.body FROM vault.resource r JOIN identity.person p ON p.patient = r.pid WHERE p.name = $1", TONIGHT
    )
    found: dict[str, Any] = json.loads(row["body"])
    return found


def ask(client: httpx.Client, resource: dict[str, Any], **more: Any) -> httpx.Response:
    given: list[dict[str, Any]] = [{"name": "resource", "resource": {"resourceType": "Patient"} | resource}]
    if "certain" in more:
        given.append({"name": "onlyCertainMatches", "valueBoolean": more["certain"]})
    if "count" in more:
        given.append({"name": "count", "valueInteger": more["count"]})
    return client.post("/Patient/$match", json={"resourceType": "Parameters", "parameter": given})


def grades(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    assert fhir.validate(fhir.parse(answer.content)) == []
    found = answer.json().get("entry", [])
    assert [entry["search"]["extension"][0]["url"] for entry in found] == [GRADE] * len(found)
    return [(entry["resource"]["id"], entry["search"]["extension"][0]["valueCode"]) for entry in found]


def named(known: dict[str, Any]) -> dict[str, Any]:
    name = known["name"][0]
    return {"name": [{"family": name["family"], "given": name["given"]}], "birthDate": known["birthDate"]}


def test_a_number_is_certain_and_shows_what_identifying_shows(
    nurse: httpx.Client, known: dict[str, Any], demo_site: Site
) -> None:
    before = position(demo_site)
    answer = ask(nurse, {"identifier": known["identifier"][:1]})
    assert grades(answer) == [(known["id"], "certain")]
    (entry,) = answer.json()["entry"]
    assert entry["search"]["score"] == 1.0
    assert set(entry["resource"]) <= {"resourceType", "id", "meta", "identifier", "name", "gender", "birthDate"}
    assert [row["action"] for row in log_since(demo_site, before)] == ["identify"]


def test_a_name_and_a_birth_date_are_never_certain(nurse: httpx.Client, known: dict[str, Any]) -> None:
    assert grades(ask(nurse, named(known)))[0] == (known["id"], "probable")
    begun = named(known)["name"][0]["family"][:3]
    shorter = ask(nurse, {"name": [{"family": begun}], "birthDate": known["birthDate"]})
    assert (known["id"], "possible") in grades(shorter)
    assert grades(ask(nurse, named(known), certain=True)) == []
    assert len(grades(ask(nurse, named(known), count=1))) == 1


def test_nobody_is_an_empty_answer(nurse: httpx.Client) -> None:
    assert grades(ask(nurse, {"name": [{"family": "Finnesikke"}], "birthDate": "1901-01-01"})) == []
    assert grades(ask(nurse, {"identifier": [{"system": FNR, "value": "00000000000"}]})) == []


@pytest.mark.parametrize(
    "resource",
    [{}, {"name": [{"family": "Ås"}]}, {"birthDate": "1970-01-01"}, {"name": [{"family": "Ås"}], "birthDate": "1970"}],
)
def test_too_little_to_identify_by_is_refused(nurse: httpx.Client, resource: dict[str, Any]) -> None:
    outcome(ask(nurse, resource), 422)


def test_what_is_no_patient_is_refused_and_so_is_a_get(nurse: httpx.Client) -> None:
    outcome(ask(nurse, {"resourceType": "Organization", "name": "Klinikken"}), 400)
    outcome(nurse.post("/Patient/$match", json={"resourceType": "Parameters"}), 400)
    assert nurse.get("/Patient/$match").status_code == 405


def test_a_citizen_may_not_look_people_up(demo_site: Site, known: dict[str, Any]) -> None:
    with demo_site.fhir(DIABETIC) as citizen:
        outcome(ask(citizen, named(known)), 403)


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (Described(numbers=((FNR, "1"),)), "certain"),
        (Described(WORDS, BORN, "male", ((FNR, "1"),)), "certain"),
        (Described(WORDS, date(1970, 2, 4), "male", ((FNR, "1"),)), "probable"),
        (Described(("Kari",), date(1970, 2, 4), "male", ((FNR, "1"),)), "possible"),
        (Described(WORDS, BORN, "male", ((FNR, "2"),)), "certainly-not"),
        (Described(("NORDMANN", "ola"), BORN), "probable"),
        (Described(WORDS, BORN, "female"), "possible"),
        (Described(("Nord",), BORN), "possible"),
    ],
)
def test_the_grade_follows_what_is_known(described: Described, expected: str) -> None:
    assert graded(HIT, described).grade == expected
