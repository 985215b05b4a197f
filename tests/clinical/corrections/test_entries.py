"""What is wrong in a record and is no note: found by its kind, withdrawn, moved, deleted as notes are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.clinical.corrections.entries import KINDS
from fellesjournal.clinical.corrections.model import standing, withdrawn
from fellesjournal.kit import ids
from tests.care.legevakt.test_pages import number_of
from tests.clinical.corrections.test_routes import hidden, send, wishes_of
from tests.site import DIABETIC, ELDERLY, GP, OTHER_GP, Site

WHY = "Ført på feil linje."


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(GP) as client:
        yield client


@pytest.fixture(scope="module")
def chart(demo_site: Site) -> str:
    return f"/pasienter/{demo_site.patient_id(DIABETIC)}"


def entries(patient: str) -> list[dict[str, Any]]:
    """One of each kind."""
    named = {"reference": f"Patient/{patient}"}
    hl7 = "http://terminology.hl7.org/CodeSystem/"

    def coded(system: str, code: str) -> dict[str, Any]:
        return {"coding": [{"system": f"{hl7}{system}", "code": code}]}

    return [
        {"resourceType": "Flag", "status": "active", "subject": named, "code": {"text": "Prøveflagg"}},
        {"resourceType": "AllergyIntolerance", "patient": named, "code": {"text": "Prøvepollen"},
         "clinicalStatus": coded("allergyintolerance-clinical", "inactive"),
         "verificationStatus": coded("allergyintolerance-verification", "unconfirmed")},
        {"resourceType": "Condition", "subject": named, "code": {"text": "Prøveplage"},
         "clinicalStatus": coded("condition-clinical", "resolved"),
         "verificationStatus": coded("condition-ver-status", "provisional")},
        {"resourceType": "MedicationStatement", "status": "completed", "subject": named,
         "medicationCodeableConcept": {"text": "Prøvamin"}},
        {"resourceType": "Observation", "status": "final", "subject": named, "code": {"text": "Prøvemål"},
         "valueQuantity": {"value": 7, "unit": "kg"}, "effectiveDateTime": "2026-11-01"},
        {"resourceType": "DiagnosticReport", "status": "final", "subject": named, "code": {"text": "Prøverapport"}},
        {"resourceType": "Immunization", "status": "completed", "patient": named, "vaccineCode": {"text": "Prøvevaks"},
         "occurrenceDateTime": "2026-11-01"},
        {"resourceType": "DocumentReference", "status": "current", "subject": named, "type": {"text": "Prøvebrev"},
         "content": [{"attachment": {"title": "Brev"}}]},
    ]  # fmt: skip


def made(site: Site, resource: dict[str, Any], name: str = GP) -> str:
    """The id of an entry that this person wrote."""
    with site.fhir(name) as client:
        answer = client.post(f"/{resource['resourceType']}", json=resource)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def place(chart: str, rtype: str, id_: str) -> str:
    return f"{chart}/oppforing/{fhir.TYPE_NUMBER[rtype]}/{id_}"


def test_every_kind_is_listed_withdrawn_with_a_reason_and_taken_up_as_it_was(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    resources = entries(chart.rsplit("/", 1)[1])
    assert [one["resourceType"] for one in resources] == list(KINDS)
    ids_ = [made(demo_site, one) for one in resources]
    page = gp.get(f"{chart}/oppforinger").text
    for resource, id_ in zip(resources, ids_, strict=True):
        rtype = resource["resourceType"]
        here = place(chart, rtype, id_)
        assert f'href="{here}/feil"' in page, rtype
        assert send(gp, here, "trekk", begrunnelse=" ").status_code == 422
        told = send(gp, here, "trekk", begrunnelse=WHY)
        assert "er trukket tilbake" in told.text, rtype
        with demo_site.fhir(GP) as client:
            assert client.get(f"/{rtype}/{id_}").status_code == 404
            forms = re.findall(rf'action="{here}/feil/angre"', told.text)
            assert len(forms) == 1, rtype
            again = gp.post(f"{here}/feil/angre", data=hidden(told.text))
            assert "står i journalen igjen" in again.text, rtype
            body = client.get(f"/{rtype}/{id_}").json()
        body["meta"] = {name: value for name, value in body["meta"].items() if name in ("tag", "security")}
        expected = resource | ({"status": "corrected"} if rtype == "Observation" else {})
        assert {name: value for name, value in body.items() if name not in ("id", "meta")} == expected
        assert body["meta"] == {}


def test_what_withdrawing_changes_is_put_back() -> None:
    for resource in entries("x"):
        labelled = resource | {"meta": {"tag": [{"system": "x", "code": "y"}]}}
        gone = withdrawn(labelled)
        assert "entered-in-error" in str(gone) and gone["meta"]["tag"][0] == {"system": "x", "code": "y"}
        back = standing(gone) | ({"status": "final"} if resource["resourceType"] == "Observation" else {})
        assert back == labelled


def test_an_entry_is_moved_to_the_right_person_and_proposed_deleted_here(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    wrong, right = chart.rsplit("/", 1)[1], demo_site.patient_id(ELDERLY)
    problem = made(demo_site, entries(wrong)[2])
    medicine = entries(wrong)[3] | {"reasonReference": [{"reference": f"Condition/{problem}"}]}
    id_ = made(demo_site, medicine)
    here = place(chart, "MedicationStatement", id_)
    hits = send(gp, here, "finn", hvem=number_of(demo_site, ELDERLY))
    sealed = re.search(r'name="person" value="([^"]+)"', hits.text)
    assert sealed
    moved = send(gp, here, "flytt", person=sealed[1], begrunnelse=WHY)
    assert "står nå hos rett person" in moved.text
    with demo_site.fhir(GP) as client:
        about = {"patient": right, "_sort": "-_lastUpdated", "_count": "1"}
        copy = client.get("/MedicationStatement", params=about).json()["entry"][0]["resource"]
        assert client.get(f"/MedicationStatement/{id_}").status_code == 404
    assert copy["medicationCodeableConcept"]["text"] == "Prøvamin" and "reasonReference" not in copy
    assert wrong not in str(copy) and id_ not in str(copy)
    assert wishes_of(demo_site, f"x/{id_}") == "proposed"


def test_a_document_with_an_attachment_is_not_moved_and_is_deleted_with_it(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    patient = chart.rsplit("/", 1)[1]
    content = {"resourceType": "Binary", "contentType": "text/plain", "data": "YWJj",
               "securityContext": {"reference": f"Patient/{patient}"}}  # fmt: skip
    binary = made(demo_site, content)
    letter = entries(patient)[7] | {"content": [{"attachment": {"url": f"Binary/{binary}"}}]}
    id_ = made(demo_site, letter)
    here = place(chart, "DocumentReference", id_)
    assert "/feil/flytt" not in gp.get(f"{here}/feil").text and "/feil/finn" not in gp.get(f"{here}/feil").text
    assert "Forslaget er registrert" in send(gp, here, "slett", grunnlag="2", begrunnelse=WHY).text
    wish = demo_site.row("SELECT max(id) AS id FROM vault.erasure")["id"]
    along = "SELECT array_agg(rtype ORDER BY rtype) AS kinds FROM vault.erasure_item WHERE erasure = $1"
    items = demo_site.row(along, wish)
    assert items["kinds"] == [fhir.TYPE_NUMBER["Binary"], fhir.TYPE_NUMBER["DocumentReference"]]


def test_another_units_entry_another_kind_and_another_persons_are_refused(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    patient = chart.rsplit("/", 1)[1]
    id_ = made(demo_site, entries(patient)[0])
    elsewhere = f"/pasienter/{demo_site.patient_id(ELDERLY)}"
    for address in (place(elsewhere, "Flag", id_), f"{chart}/oppforing/999/{id_}", f"{chart}/oppforing/x/{id_}",
                    place(chart, "Patient", patient), place(chart, "Condition", id_)):  # fmt: skip
        assert gp.get(f"{address}/feil").status_code == 404, address
    assert gp.post(f"{chart}/oppforing/999/{id_}/feil/angre", data={}).status_code in (403, 404)
    with demo_site.client(OTHER_GP) as stranger:
        assert stranger.get(f"{place(chart, 'Flag', id_)}/feil").status_code in (403, 404)
    theirs = demo_site.row(
        "SELECT r.slot, r.pid, r.rtype FROM vault.resource r JOIN identity.person p ON p.patient = r.patient"
        " WHERE p.name = $1 AND r.rtype = ANY ($2) AND r.sens = 0 AND r.org <>"
        " (SELECT x.org FROM vault.resource x WHERE x.pid = $3) LIMIT 1",
        ELDERLY, [fhir.TYPE_NUMBER[name] for name in KINDS], (ids.decode(id_) or (0, 0))[1],
    )  # fmt: skip
    here = f"{elsewhere}/oppforing/{theirs['rtype']}/{ids.encode(theirs['slot'], theirs['pid'])}"
    refused = send(gp, here, "trekk", begrunnelse=WHY)
    assert refused.status_code == 403 and WHY in refused.text
