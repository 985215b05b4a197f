"""Composition/$document: a Composition and all that it refers to."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from tests.record.api.test_history import WITHHELD
from tests.record.samples import make, make_person, outcome, weight
from tests.site import DIABETIC, ELDERLY, GP, Site


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def post(client: httpx.Client, rtype: str, **more: Any) -> str:
    return f"{rtype}/{make(client, rtype, json.dumps({'resourceType': rtype} | more).encode())}"


def composed(client: httpx.Client, patient: str, entries: list[str], **more: Any) -> str:
    section = {"title": "Målt", "entry": [{"reference": one} for one in entries]}
    return post(
        client, "Composition", status="final", type={"text": "Notat"}, title="Notat", date="2026-01-02",
        subject={"reference": f"Patient/{patient}"}, section=[section],
        **({"author": [{"display": "Lege"}]} | more),
    )  # fmt: skip


@pytest.fixture(scope="module")
def chart(client: httpx.Client) -> dict[str, str]:
    """A note with a weight; the weight's performer is a role, the role's a person in a clinic."""
    made = {"patient": make_person(client, "Dokumentsen")}
    made["clinic"] = post(client, "Organization", name="Klinikken")
    made["doctor"] = post(client, "Practitioner", active=True)
    made["role"] = post(
        client, "PractitionerRole", practitioner={"reference": made["doctor"]},
        organization={"reference": made["clinic"]},
    )  # fmt: skip
    body = json.loads(weight(made["patient"])) | {"performer": [{"reference": made["role"]}]}
    made["weight"] = post(client, **({"rtype": "Observation"} | body))
    made["beside"] = f"Observation/{make(client, 'Observation', weight(made['patient']))}"
    made["note"] = composed(client, made["patient"], [made["weight"], f"{made['weight']}/_history/1", "Task/nowhere"])
    return made


def held(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert fhir.validate(fhir.parse(answer.content)) == []
    bundle = answer.json()
    assert bundle["type"] == "document" and bundle["timestamp"] and bundle["identifier"]["value"].startswith("urn:uuid")
    urls = [entry["fullUrl"].partition("/fhir/")[2] for entry in bundle["entry"]]
    assert urls == [f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in bundle["entry"]]
    return urls


def test_a_document_has_the_composition_first_and_all_that_it_refers_to(
    client: httpx.Client, chart: dict[str, str]
) -> None:
    found = held(client.get(f"/{chart['note']}/$document"))
    assert found[0] == chart["note"]
    expected = [f"Patient/{chart['patient']}", *(chart[name] for name in ("weight", "role", "doctor", "clinic"))]
    assert sorted(found[1:]) == sorted(expected)
    assert held(client.post(f"/{chart['note']}/$document")) == found
    assert b"<Bundle" in client.get(f"/{chart['note']}/$document?_format=xml").content


def test_a_type_is_asked_by_id(client: httpx.Client, chart: dict[str, str]) -> None:
    found = held(client.get(f"/{chart['note']}/$document"))
    assert held(client.get(f"/Composition/$document?id={chart['note'].partition('/')[2]}")) == found
    asked = {"resourceType": "Parameters", "parameter": [{"name": "id", "valueUri": chart["note"]}]}
    assert held(client.post("/Composition/$document", json=asked)) == found


@pytest.mark.parametrize("asked", ["?persist=maybe", "?persist=true", "?graph=x", "?id=1", "?nothing=1"])
def test_what_is_not_offered_is_refused(client: httpx.Client, chart: dict[str, str], asked: str) -> None:
    said = outcome(client.get(f"/{chart['note']}/$document{asked}"), 400)
    if "persist=true" in asked:
        # It is said where clients look for it, with the reason.
        assert said["code"] == "not-supported"
        stated = client.get("/metadata").json()["rest"][0]["resource"]
        (notes,) = [every["operation"] for every in stated if every["type"] == "Composition"]
        (own,) = [one for one in notes if one["name"] == "document"]
        assert "persist=true is refused" in own["documentation"]


@pytest.mark.parametrize("asked", ["", "?id=http://elsewhere.no/fhir/Composition/1"])
def test_a_type_needs_an_id_of_ours(client: httpx.Client, asked: str) -> None:
    outcome(client.get(f"/Composition/$document{asked}"), 400)


def test_a_document_that_lacks_something_says_so(client: httpx.Client, chart: dict[str, str]) -> None:
    whole = composed(client, chart["patient"], [chart["weight"]])
    assert "meta" not in client.get(f"/{whole}/$document").json()
    tags = client.get(f"/{chart['note']}/$document").json()["meta"]["tag"]
    assert [tag["code"] for tag in tags] == ["SUBSETTED"]


def test_two_documents_have_two_identifiers(client: httpx.Client, chart: dict[str, str]) -> None:
    made = [client.get(f"/{chart['note']}/$document").json()["identifier"]["value"] for _ in range(2)]
    assert made[0] != made[1]


def test_what_the_reader_may_not_see_is_left_out(demo_site: Site) -> None:
    own, other = demo_site.patient_id(ELDERLY), demo_site.patient_id(DIABETIC)
    with demo_site.fhir(GP) as gp:
        shown = f"Observation/{make(gp, 'Observation', weight(own))}"
        withheld = f"Observation/{make(gp, 'Observation', weight(own)[:-1] + WITHHELD + b'}')}"
        both = json.loads(weight(own)) | {"focus": [{"reference": f"Patient/{other}"}]}
        of_two = f"Observation/{make(gp, 'Observation', json.dumps(both).encode())}"
        note = composed(gp, own, [shown, withheld, of_two])
        assert {shown, withheld, of_two, f"Patient/{other}"} <= set(held(gp.get(f"/{note}/$document")))
    with demo_site.fhir(ELDERLY) as citizen:
        answer = citizen.get(f"/{note}/$document")
        found = held(answer)
    assert answer.json()["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert shown in found and not {withheld, of_two, f"Patient/{other}"} & set(found)


def test_hidden_and_absent_are_the_same(demo_site: Site, chart: dict[str, str]) -> None:
    with demo_site.fhir(GP) as gp:
        hidden, absent = gp.get(f"/{chart['note']}/$document"), gp.get("/Composition/000000000000000/$document")
    assert hidden.status_code == 404 and hidden.content == absent.content
