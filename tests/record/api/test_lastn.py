"""Observation/$lastn: the newest of each code in one chart."""

import json
from collections.abc import Iterator

import httpx
import pytest

from fellesjournal import fhir
from tests.record.api.test_history import WITHHELD, log_since, position
from tests.record.samples import make, make_person, outcome, weight
from tests.site import DIABETIC, ELDERLY, GP, TONIGHT, Site

LASTN = "/Observation/$lastn"


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def measured(client: httpx.Client, patient: str, code: str, day: str, **more: object) -> str:
    body = json.loads(weight(patient, day=day))
    body["code"] = {"text": code} if code.isalpha() else {"coding": [{"system": "http://loinc.org", "code": code}]}
    return make(client, "Observation", json.dumps(body | more).encode())


@pytest.fixture(scope="module")
def chart(client: httpx.Client) -> dict[str, str]:
    made = {"patient": make_person(client, "Sistesen")}
    for name, code, day in (
        ("w1", "29463-7", "2026-01-01"), ("w2", "29463-7", "2026-01-02"), ("w3", "29463-7", "2026-01-03"),
        ("h1", "8302-2", "2025-05-01"), ("h2", "8302-2", "2025-06-01"), ("t1", "Temperatur", "2026-02-01"),
        ("t2", "temperatur", "2026-02-02"),
    ):  # fmt: skip
        made[name] = measured(client, made["patient"], code, day)
    made["wrong"] = measured(client, made["patient"], "29463-7", "2026-06-01", status="entered-in-error")
    return made


def found(answer: httpx.Response, chart: dict[str, str]) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert fhir.validate(fhir.parse(answer.content)) == []
    names = {id_: name for name, id_ in chart.items()}
    return [names[entry["resource"]["id"]] for entry in answer.json().get("entry", [])]


def test_the_newest_of_each_code_comes_in_the_order_of_codes(client: httpx.Client, chart: dict[str, str]) -> None:
    answer = client.get(LASTN, params={"patient": chart["patient"]})
    assert found(answer, chart) == ["w3", "h2", "t2"]
    assert "$lastn?patient=" in answer.json()["link"][0]["url"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("max=2", ["w3", "w2", "h2", "h1", "t2", "t1"]),
        ("max=2&code=http://loinc.org|29463-7", ["w3", "w2"]),
        ("date=lt2026-01-03", ["w2", "h2"]),
        ("max=99&code=29463-7,8302-2&date=ge2025-06-01", ["w3", "w2", "w1", "h2"]),
        ("code=29463-7&status=final,entered-in-error", ["wrong"]),
    ],
)
def test_search_parameters_choose_before_the_newest_are_taken(
    client: httpx.Client, chart: dict[str, str], asked: str, expected: list[str]
) -> None:
    assert found(client.get(f"{LASTN}?subject=Patient/{chart['patient']}&{asked}"), chart) == expected


def test_it_may_be_posted_and_brings_includes(client: httpx.Client, chart: dict[str, str]) -> None:
    parameters = [
        {"name": "patient", "valueString": chart["patient"]}, {"name": "max", "valuePositiveInt": 2},
        {"name": "code", "valueString": "8302-2"},
    ]  # fmt: skip
    answer = client.post(LASTN, json={"resourceType": "Parameters", "parameter": parameters})
    assert found(answer, chart) == ["h2", "h1"]
    both = client.get(f"{LASTN}?patient={chart['patient']}&code=8302-2&_include=Observation:subject")
    assert found(both, chart) == ["h2", "patient"]
    assert b"<Bundle" in client.get(f"{LASTN}?patient={chart['patient']}&_format=xml").content


@pytest.mark.parametrize(
    "asked", ["", "code=29463-7", "patient={p}&max=0", "patient={p}&max=x", "patient={p}&_sort=date", "patient={p}&x=1"]
)
def test_what_can_not_be_answered_is_refused(client: httpx.Client, chart: dict[str, str], asked: str) -> None:
    outcome(client.get(f"{LASTN}?{asked.format(p=chart['patient'])}"), 400)


def test_two_patients_are_asked_for_one_by_one(client: httpx.Client, chart: dict[str, str]) -> None:
    other = make_person(client)
    assert outcome(client.get(f"{LASTN}?patient={chart['patient']},{other}"), 400)["code"] == "too-costly"


def test_another_chart_is_refused_and_that_is_logged(demo_site: Site) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    with demo_site.fhir(GP) as gp:
        before = position(demo_site)
        outcome(gp.get(f"{LASTN}?patient={stranger}"), 403)
        assert [row["outcome"] for row in log_since(demo_site, before)] == [1]


def test_what_is_hidden_from_the_reader_takes_no_place(demo_site: Site) -> None:
    own, other = demo_site.patient_id(ELDERLY), demo_site.patient_id(DIABETIC)
    with demo_site.fhir(GP) as gp:
        seen = measured(gp, own, "77777-7", "2026-01-01")
        withheld = json.loads(weight(own)[:-1] + WITHHELD + b"}")["meta"]
        measured(gp, own, "77777-7", "2026-01-02", meta=withheld)
        measured(gp, own, "77777-7", "2026-01-03", focus=[{"reference": f"Patient/{other}"}])
    with demo_site.fhir(ELDERLY) as citizen:
        assert found(citizen.get(f"{LASTN}?code=77777-7"), {"seen": seen}) == ["seen"]
