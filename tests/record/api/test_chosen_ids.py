"""Update as create: ids that clients choose, and everything that refers by them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from fellesjournal.kit.ids import encode
from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.record.test_api_bundles import bundle, count, entry, observed, urn
from tests.site import ELDERLY, GP, OTHER_GP, TONIGHT, Site


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


def put(client: httpx.Client, resource: dict[str, Any], **headers: str) -> httpx.Response:
    return client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource, headers=headers)


def ref(reference: str) -> dict[str, str]:
    return {"reference": reference}


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["resource"]["id"] for one in answer.json().get("entry", [])]


def test_a_put_of_a_chosen_id_creates_reads_updates_and_deletes(client: httpx.Client, demo_site: Site) -> None:
    made = put(client, person("Valgt", id="valgt-1.A"))
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"{demo_site.url}/fhir/Patient/valgt-1.A/_history/1"
    assert made.json()["id"] == "valgt-1.A"
    read = client.get("/Patient/valgt-1.A")
    assert read.content == made.content
    again = put(client, person("Valgtere", id="valgt-1.A"), **{"If-Match": 'W/"1"'})
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"2"')
    assert client.get("/Patient/valgt-1.A").content == again.content
    assert client.get("/Patient/valgt-1.A/_history/1").content == made.content
    history = client.get("/Patient/valgt-1.A/_history").json()["entry"]
    assert [one["resource"]["id"] for one in history] == ["valgt-1.A"] * 2
    assert put(client, person("X", id="valgt-1.A"), **{"If-Match": 'W/"1"'}).status_code == 412
    assert client.delete("/Patient/valgt-1.A").status_code == 204
    outcome(client.get("/Patient/valgt-1.A"), 410)
    back = put(client, person("Tilbake", id="valgt-1.A"))
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"4"')


def test_a_put_may_ask_that_nothing_is_there_yet(client: httpx.Client) -> None:
    new = {"If-None-Match": "*"}
    assert put(client, person("Ny", id="bare-ny"), **new).status_code == 201
    outcome(put(client, person("Ny igjen", id="bare-ny"), **new), 412)
    assert client.get("/Patient/bare-ny").json()["name"][0]["family"] == "Ny"
    outcome(put(client, person("Ny", id="bare-ny"), **{"If-None-Match": 'W/"1"'}), 400)
    outcome(put(client, person("Ny", id="bare-ny"), **new, **{"If-Match": 'W/"1"'}), 400)


def test_an_id_of_our_own_form_is_never_created(client: httpx.Client) -> None:
    outcome(put(client, person(id="000000000000001")), 403)
    observation = json.loads(weight(make_person(client))) | {"id": "000000000000001"}
    outcome(put(client, observation), 404)


@pytest.mark.parametrize("bad", ["a" * 65, "a_b", "a%20b", "æ"])
def test_what_can_be_no_id_is_refused(client: httpx.Client, bad: str) -> None:
    assert client.put(f"/Patient/{bad}", json=person(id=bad.replace("%20", " "))).status_code in (400, 404, 422)
    outcome(client.get(f"/Patient/{bad}"), 404)


@pytest.mark.parametrize("telling", ["13916900281", "fnr-13916900281.a"])
def test_a_national_number_is_no_id(client: httpx.Client, telling: str) -> None:
    answer = put(client, person(id=telling))
    assert outcome(answer, 422)["code"] == "business-rule"
    assert "13916900281" not in answer.text
    sent = bundle("transaction", entry("PUT", f"Patient/{telling}", person(id=telling)))
    assert outcome(client.post("", json=sent), 422)["expression"] == ["Bundle.entry[0].resource"]


def test_a_page_opens_the_chart_of_a_chosen_id(demo_site: Site, gp: httpx.Client) -> None:
    put(gp, person("Sidebesøk", id="paa-siden"))
    with demo_site.client(GP) as browser:
        assert "Sidebesøk" in browser.get("/pasienter/paa-siden").text
        hidden = browser.get("/pasienter/valgt-1.A")
        absent = browser.get("/pasienter/finnes-ikke")
        assert (hidden.status_code, absent.status_code) == (403, 403)


def test_a_version_of_what_is_not_there_is_not_created(client: httpx.Client) -> None:
    outcome(put(client, person(id="aldri-laget"), **{"If-Match": 'W/"1"'}), 412)
    outcome(client.get("/Patient/aldri-laget"), 404)


def test_what_belongs_to_a_chosen_patient_is_in_that_chart(client: httpx.Client) -> None:
    put(client, person("Eier", id="eier"))
    mine = make(client, "Observation", weight("eier"))
    assert put(client, json.loads(weight("eier", "80")) | {"id": "vekt-1"}).status_code == 201
    assert client.get(f"/Observation/{mine}").json()["subject"]["reference"] == "Patient/eier"
    for query in ({"patient": "eier"}, {"patient": "Patient/eier"}, {"subject": "Patient/eier"}):
        assert set(ids(client.get("/Observation", params=query))) == {mine, "vekt-1"}
    assert ids(client.get("/Observation", params={"patient": "eier", "_id": "vekt-1"})) == ["vekt-1"]
    assert ids(client.get("/Patient", params={"_id": "eier"})) == ["eier"]
    both = client.get("/Observation", params={"patient": "eier", "_include": "Observation:subject"})
    assert set(ids(both)) == {mine, "vekt-1", "eier"}
    full = {one["fullUrl"].rpartition("/fhir/")[2] for one in both.json()["entry"]}
    assert full == {f"Observation/{mine}", "Observation/vekt-1", "Patient/eier"}
    back = client.get("/Patient", params={"_id": "eier", "_revinclude": "Observation:subject"})
    assert set(ids(back)) == {mine, "vekt-1", "eier"}
    found = client.get("/Observation", params={"patient": "eier", "subject:Patient.family": "Eier"})
    assert set(ids(found)) == {mine, "vekt-1"}


def test_a_search_is_the_same_by_either_id_of_a_patient(client: httpx.Client, demo_site: Site) -> None:
    put(client, person("Tonavn", id="to-navn"))
    answer = client.post(
        "", json=bundle("transaction", entry("POST", "Observation", observed("Patient/to-navn"), name="1"))
    )
    kept = answer.json()["entry"][0]["response"]["location"].split("/")[1]
    own = _own_id(demo_site, "to-navn")
    assert client.get(f"/Patient/{own}").json()["id"] == "to-navn"
    by_own = make(client, "Observation", weight(own))
    for name in (own, "to-navn"):
        assert set(ids(client.get("/Observation", params={"patient": name}))) == {kept, by_own}


def test_an_update_by_the_own_form_keeps_the_chosen_id(client: httpx.Client, demo_site: Site) -> None:
    put(client, person("Først", id="beholdes"))
    own = _own_id(demo_site, "beholdes")
    changed = client.put(f"/Patient/{own}", json=person("Så", id=own))
    assert (changed.status_code, changed.json()["id"]) == (200, "beholdes")
    assert client.get("/Patient/beholdes").content == changed.content


def test_a_resource_with_a_chosen_id_never_moves_to_another_patient(client: httpx.Client) -> None:
    put(client, person("En", id="person-en"))
    other = make_person(client, "To")
    put(client, json.loads(weight("person-en")) | {"id": "flyttes-ikke"})
    outcome(put(client, json.loads(weight(other)) | {"id": "flyttes-ikke"}), 422)


def test_a_reference_to_nobody_is_refused(client: httpx.Client) -> None:
    answer = client.post("/Observation", content=weight("ingen-slik"), headers=JSON)
    assert outcome(answer, 422)["code"] == "not-found"


def test_entries_refer_to_chosen_ids_in_any_order(client: httpx.Client) -> None:
    answer = client.post(
        "",
        json=bundle(
            "transaction",
            entry("PUT", "Observation/t-obs", observed("Patient/t-pas", id="t-obs", encounter=ref("Encounter/t-enc"))),
            entry("PUT", "Encounter/t-enc", {"resourceType": "Encounter", "id": "t-enc", "status": "finished",
                                             "class": {"code": "AMB"}, "subject": ref("Patient/t-pas")}),
            entry("PUT", "Patient/t-pas", person("Rekke", id="t-pas")),
            entry("POST", "Observation", observed(urn("9")), name="8"),
            entry("PUT", "Patient/t-pas2", person("Andre", id="t-pas2"), name="9"),
        ),
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["201"] * 5
    assert answer.json()["entry"][0]["response"]["location"] == "Observation/t-obs/_history/1"
    assert ids(client.get("/Observation", params={"patient": "t-pas", "encounter": "Encounter/t-enc"})) == ["t-obs"]
    assert count(client, "t-pas2") == 1
    again = client.post("", json=bundle("transaction", entry("PUT", "Patient/t-pas", person("Ny", id="t-pas"))))
    assert again.json()["entry"][0]["response"]["status"] == "200"


# ── References that wait ─────────────────────────────────────────────────────────────────────────


def _encounter(id: str, patient: str, **more: Any) -> dict[str, Any]:
    resource = {"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "AMB"}}
    return resource | {"subject": ref(f"Patient/{patient}")} | more


def _weight(patient: str, **more: Any) -> bytes:
    return json.dumps(observed(f"Patient/{patient}", **more)).encode()


def _finds_both_ways(client: httpx.Client, patient: str, observation: str, encounter: str) -> None:
    about = {"patient": patient}
    both = client.get("/Observation", params=about | {"_include": "Observation:encounter"})
    assert set(ids(both)) == {observation, encounter}
    assert ids(client.get("/Observation", params=about | {"encounter:Encounter.status": "finished"})) == [observation]
    chart = {"patient": patient, "_has:Observation:encounter:code": "29463-7"}
    assert ids(client.get("/Encounter", params=chart)) == [encounter]
    back = client.get("/Encounter", params=about | {"_revinclude": "Observation:encounter"})
    assert set(ids(back)) == {observation, encounter}


def test_a_reference_finds_what_is_made_later_under_that_id(client: httpx.Client) -> None:
    patient = make_person(client, "Venter")
    early = make(client, "Observation", _weight(patient, encounter=ref("Encounter/kommer-senere")))
    assert ids(client.get("/Observation", params={"patient": patient, "_include": "*"})) == [early, patient]
    assert put(client, _encounter("kommer-senere", patient)).status_code == 201
    _finds_both_ways(client, patient, early, "kommer-senere")
    outcome(put(client, _encounter("kommer-senere", patient), **{"If-None-Match": "*"}), 412)


def test_a_transaction_finds_the_references_of_an_earlier_one(client: httpx.Client) -> None:
    patient = make_person(client, "Venter i bunt")
    first = bundle("transaction", entry("PUT", "Observation/for-tidlig", observed(
        f"Patient/{patient}", id="for-tidlig", encounter=ref("Encounter/i-bunten"))))  # fmt: skip
    assert client.post("", json=first).status_code == 200
    second = bundle("transaction", entry("PUT", "Encounter/i-bunten", _encounter("i-bunten", patient)))
    assert client.post("", json=second).status_code == 200
    _finds_both_ways(client, patient, "for-tidlig", "i-bunten")


def test_a_reference_of_another_chart_waits_for_the_directory(client: httpx.Client, gp: httpx.Client) -> None:
    patient = make_person(client, "Venter på lege")
    chart = make_person(gp, "Også hun")
    by = [ref("Practitioner/ny-lege")]
    waiting = [(client, patient, make(client, "Observation", _weight(patient, performer=by))),
               (gp, chart, make(gp, "Observation", _weight(chart, performer=by)))]  # fmt: skip
    assert put(client, {"resourceType": "Practitioner", "id": "ny-lege", "name": [{"family": "Ny"}]}).status_code == 201
    for who, whom, made in waiting:
        params = {"patient": whom, "performer:Practitioner.name": "ny", "_include": "Observation:performer"}
        assert set(ids(who.get("/Observation", params=params))) == {made, "ny-lege"}


def test_a_reference_does_not_find_what_another_unit_makes_of_a_patient(
    demo_site: Site, client: httpx.Client, gp: httpx.Client
) -> None:
    patient = demo_site.patient_id(ELDERLY)
    waiting = make(gp, "Observation", _weight(patient, encounter=ref("Encounter/andres")))
    stranger = make_person(client, "Fremmed")
    assert put(client, _encounter("andres", stranger)).status_code == 201
    params = {"patient": patient, "_id": waiting, "_include": "Observation:encounter"}
    assert ids(gp.get("/Observation", params=params)) == [waiting]


def test_who_refers_and_who_makes_meet_when_they_write_at_once(client: httpx.Client) -> None:
    patient = make_person(client, "Samtidig")
    made: list[httpx.Response] = []
    writes = [
        resource
        for n in range(12)
        for resource in (_encounter(f"samtidig-{n}", patient, partOf=ref(f"Encounter/samtidig-{(n + 1) % 12}")),
                         json.loads(_weight(patient, encounter=ref(f"Encounter/samtidig-{n}"))) | {"id": f"vekt-s-{n}"})
    ]  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        made += pool.map(lambda one: put(client, one), writes)
    assert {answer.status_code for answer in made} == {201}
    about = {"patient": patient, "_count": "100"}
    assert len(ids(client.get("/Observation", params=about | {"encounter:Encounter.status": "finished"}))) == 12
    assert len(ids(client.get("/Encounter", params=about | {"part-of:Encounter.status": "finished"}))) == 12


# ── Who ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_id_that_another_unit_has_is_free_for_whoever_may_not_see_it(
    client: httpx.Client, gp: httpx.Client
) -> None:
    hidden = put(client, person("Skjult", id="begge"))
    assert outcome(gp.get("/Patient/begge"), 404) == outcome(gp.get("/Patient/finnes-ikke"), 404)
    own = put(gp, person("Min", id="begge"))
    assert (own.status_code, own.headers["etag"]) == (201, 'W/"1"')
    assert gp.get("/Patient/begge").json()["name"][0]["family"] == "Min"
    assert client.get("/Patient/begge").content == hidden.content
    make(gp, "Observation", weight("begge", "61"))
    assert count(gp, "begge") == 1
    assert count(client, "begge") == 0
    outcome(gp.get("/Observation", params={"patient": "skjult-eller-borte"}), 403)


def test_another_unit_reads_by_the_chosen_id_what_it_may_see(
    demo_site: Site, gp: httpx.Client, client: httpx.Client
) -> None:
    patient = demo_site.patient_id(ELDERLY)
    note = json.loads(weight(patient, "55")) | {"id": "legens-vekt"}
    assert put(gp, note).status_code == 201
    with demo_site.fhir(ELDERLY) as citizen:
        assert citizen.get("/Observation/legens-vekt").status_code == 200
    with demo_site.fhir(OTHER_GP) as other:
        assert outcome(other.get("/Observation/legens-vekt"), 404)["code"] == "not-found"
    outcome(client.get("/Observation/legens-vekt"), 404)


def test_a_chosen_id_in_a_hidden_chart_stays_hidden(demo_site: Site, gp: httpx.Client) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    refused = put(gp, json.loads(weight(stranger)) | {"id": "hos-fremmed"})
    outcome(refused, 403)
    outcome(gp.get("/Observation/hos-fremmed"), 404)


def test_the_directory_is_written_by_systems_alone(client: httpx.Client, gp: httpx.Client) -> None:
    place = {"resourceType": "Location", "id": "rom-1", "name": "Rom 1"}
    assert put(client, place).status_code == 201
    assert gp.get("/Location/rom-1").status_code == 200
    outcome(put(gp, place), 403)
    outcome(put(gp, {"resourceType": "Location", "id": "rom-2", "name": "Rom 2"}), 403)


def _own_id(site: Site, chosen: str) -> str:
    row = site.row("SELECT slot, pid FROM vault.chosen_id WHERE id = $1", chosen)
    return encode(row["slot"], row["pid"])
