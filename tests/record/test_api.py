"""FHIR over HTTP, as an outside client meets it."""

from typing import Any

from tests.site import ELDERLY, GP, TONIGHT, Site


def test_a_client_reads_the_patient_that_it_created(demo_site: Site) -> None:
    with demo_site.fhir() as client:
        made = client.post("/Patient", json={"resourceType": "Patient", "name": [{"family": "Testesen"}]})
        assert made.status_code == 201
        read = client.get(f"/Patient/{made.json()['id']}")
        assert read.content == made.content
        assert read.headers["etag"] == 'W/"1"'
        found = client.get("/Patient", params={"family": "testes"}).json()
        assert [entry["resource"]["id"] for entry in found["entry"]] == [made.json()["id"]]


def test_a_gp_finds_only_people_on_the_own_list(demo_site: Site) -> None:
    with demo_site.fhir(GP) as client:
        assert client.get("/Patient", params={"family": "Ulvestad"}).json()["entry"]
        assert "entry" not in client.get("/Patient", params={"family": "Sætervik"}).json()


def test_another_gps_patient_is_refused_and_hidden(demo_site: Site) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    with demo_site.fhir(GP) as client:
        assert client.get(f"/Patient/{stranger}").status_code == 404
        assert client.get("/Observation", params={"patient": stranger}).status_code == 403


def test_a_citizen_sees_the_own_signed_notes_alone(demo_site: Site) -> None:
    own = demo_site.patient_id(ELDERLY)
    with demo_site.fhir(ELDERLY) as client:
        notes: list[dict[str, Any]] = client.get("/Composition", params={"_count": "100"}).json()["entry"]
        assert {entry["resource"]["subject"]["reference"] for entry in notes} == {f"Patient/{own}"}
        assert "entry" not in client.get("/Task").json()
