# ruff: noqa: E501 - tables of what is tried read best a line each
"""Each FHIR interaction, as an outside client meets it."""

import json
from collections.abc import Iterator

import httpx
import pytest

from fellesjournal import fhir
from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.site import ELDERLY, GP, TONIGHT, Site


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture
def patient(client: httpx.Client) -> str:
    return make_person(client)


# ── read, vread, history ─────────────────────────────────────────────────────────────────────────


def test_a_body_goes_out_as_it_came_in(client: httpx.Client, patient: str) -> None:
    sent = weight(patient)
    made = client.post("/Observation", content=sent, headers=JSON)
    kept = client.get(f"/Observation/{made.json()['id']}").content
    without_meta = kept.replace(kept[kept.index(b'"id":') : kept.index(b'"status"')], b"")
    assert without_meta == sent
    assert b'"value":72.50,' in kept


def test_order_unicode_and_large_numbers_are_kept(client: httpx.Client) -> None:
    text = '{"resourceType":"Basic","extension":[{"url":"http://x.no/å","valueDecimal":1.2300000000000000000001}],"code":{"text":"Æ 𝄞 \\u00e5 \\"sitat\\" æøå"}}'
    made = client.post("/Basic", content=text.encode(), headers=JSON)
    assert made.status_code == 201
    assert '"valueDecimal":1.2300000000000000000001' in made.text
    assert 'Æ 𝄞 å \\"sitat\\" æøå' in made.text
    assert made.text.index("extension") < made.text.index('"code"')


def test_a_read_has_version_and_time_in_its_headers(client: httpx.Client, patient: str) -> None:
    read = client.get(f"/Patient/{patient}")
    assert read.headers["etag"] == 'W/"1"'
    assert read.headers["last-modified"].endswith("GMT")
    assert read.headers["cache-control"] == "no-store"
    assert client.get(f"/Patient/{patient}", headers={"If-None-Match": 'W/"1"'}).status_code == 304
    assert client.get(f"/Patient/{patient}", headers={"If-None-Match": 'W/"2"'}).status_code == 200


def test_head_answers_as_get_without_the_body(client: httpx.Client, patient: str) -> None:
    head = client.head(f"/Patient/{patient}")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", 'W/"1"')
    assert client.head("/Patient/000000000000001").status_code == 404


def test_every_version_can_be_read_and_history_is_paged(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient, "1"))
    for value in ("2", "3", "4"):
        body = json.loads(weight(patient, value)) | {"id": id_}
        assert client.put(f"/Observation/{id_}", json=body).status_code == 200
    for version in (1, 2, 3, 4):
        read = client.get(f"/Observation/{id_}/_history/{version}")
        assert read.json()["valueQuantity"]["value"] == version
        assert read.json()["meta"]["versionId"] == str(version)
    assert client.get(f"/Observation/{id_}/_history/5").status_code == 404
    assert client.get(f"/Observation/{id_}/_history/0").status_code == 404
    page = client.get(f"/Observation/{id_}/_history", params={"_count": "3"}).json()
    assert [entry["response"]["etag"] for entry in page["entry"]] == ['W/"4"', 'W/"3"', 'W/"2"']
    assert page["entry"][0]["request"] == {"method": "PUT", "url": f"Observation/{id_}"}
    (following,) = [link["url"] for link in page["link"] if link["relation"] == "next"]
    last = client.get(following).json()
    assert [entry["resource"]["meta"]["versionId"] for entry in last["entry"]] == ["1"]
    assert last["entry"][0]["request"]["method"] == "POST"
    assert not [link for link in last["link"] if link["relation"] == "next"]
    assert fhir.validate(fhir.parse(client.get(following).content)) == []


def test_history_refuses_parameters_that_it_does_not_know(client: httpx.Client, patient: str) -> None:
    outcome(client.get(f"/Patient/{patient}/_history", params={"_sort": "x"}), 400)
    outcome(client.get(f"/Patient/{patient}/_history", params={"_count": "-1"}), 400)
    outcome(client.get(f"/Patient/{patient}/_history", params={"_count": "²"}), 400)
    lenient = client.get(f"/Patient/{patient}/_history", params={"_sort": "x"}, headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == 200


# ── create, update, delete ───────────────────────────────────────────────────────────────────────


def test_create_says_where_the_version_is(client: httpx.Client, demo_site: Site) -> None:
    made = client.post("/Patient", json=person(id="mine"))
    id_ = made.json()["id"]
    assert id_ != "mine"
    assert made.headers["location"] == f"{demo_site.url}/fhir/Patient/{id_}/_history/1"
    assert client.get(made.headers["location"]).content == made.content


@pytest.mark.parametrize("wish", ["minimal", "representation", "OperationOutcome"])
def test_prefer_return_is_honoured(client: httpx.Client, wish: str) -> None:
    made = client.post("/Patient", json=person(), headers={"Prefer": f"return={wish}"})
    assert made.status_code == 201
    assert made.headers["location"]
    if wish == "minimal":
        assert made.content == b""
    else:
        assert made.json()["resourceType"] == {"representation": "Patient"}.get(wish, "OperationOutcome")


def test_if_match_is_honoured_and_a_conflict_changes_nothing(client: httpx.Client, patient: str) -> None:
    first = person("Ett", id=patient)
    assert client.put(f"/Patient/{patient}", json=first, headers={"If-Match": 'W/"1"'}).status_code == 200
    for stale in ('W/"1"', 'W/"3"', 'W/"0"', '"1"'):
        answer = client.put(f"/Patient/{patient}", json=person("To", id=patient), headers={"If-Match": stale})
        assert outcome(answer, 412)["code"] == "conflict"
    outcome(client.put(f"/Patient/{patient}", json=first, headers=[(b"If-Match", "bøf".encode("latin-1"))]), 400)
    outcome(client.put(f"/Patient/{patient}", json=first, headers=[(b"If-Match", "²".encode("latin-1"))]), 400)
    kept = client.get(f"/Patient/{patient}")
    assert (kept.json()["name"][0]["family"], kept.headers["etag"]) == ("Ett", 'W/"2"')


def test_without_if_match_a_version_goes_on_top_and_none_is_lost(client: httpx.Client, patient: str) -> None:
    for family in ("A", "B"):
        assert client.put(f"/Patient/{patient}", json=person(family, id=patient)).status_code == 200
    history = client.get(f"/Patient/{patient}/_history").json()["entry"]
    assert [entry["resource"]["name"][0]["family"] for entry in history] == ["B", "A", "Testesen"]
    stamps = [entry["resource"]["meta"]["lastUpdated"] for entry in history]
    assert stamps == sorted(stamps, reverse=True)
    assert len(set(stamps)) == 3


def test_update_needs_the_same_id_and_type_and_an_existing_resource(client: httpx.Client, patient: str) -> None:
    outcome(client.put(f"/Patient/{patient}", json=person()), 400)
    outcome(client.put(f"/Patient/{patient}", json=person(id="000000000000001")), 400)
    outcome(client.put(f"/Patient/{patient}", content=weight(patient), headers=JSON), 400)
    outcome(client.put("/Patient/000000000000001", json=person(id="000000000000001")), 403)
    other_type = client.put(f"/Observation/{patient}", json=json.loads(weight(patient)) | {"id": patient})
    outcome(other_type, 404)


def test_a_deleted_resource_is_gone_but_its_history_stays(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient))
    assert client.delete(f"/Observation/{id_}", headers={"If-Match": 'W/"7"'}).status_code == 412
    gone = client.delete(f"/Observation/{id_}")
    assert (gone.status_code, gone.headers["etag"]) == (204, 'W/"2"')
    assert outcome(client.get(f"/Observation/{id_}"), 410)["code"] == "deleted"
    assert client.delete(f"/Observation/{id_}").status_code == 204
    assert client.get(f"/Observation/{id_}/_history/1").status_code == 200
    assert client.get(f"/Observation/{id_}/_history/2").status_code == 410
    history = client.get(f"/Observation/{id_}/_history").json()
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "POST"]
    assert "resource" not in history["entry"][0]
    assert "entry" not in client.get("/Observation", params={"patient": patient}).json()


def test_a_deleted_resource_comes_back_by_an_update(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient))
    client.delete(f"/Observation/{id_}")
    back = client.put(f"/Observation/{id_}", json=json.loads(weight(patient, "80")) | {"id": id_})
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"3"')
    assert back.headers["location"].endswith(f"/Observation/{id_}/_history/3")
    found = client.get("/Observation", params={"patient": patient}).json()["entry"]
    assert [entry["resource"]["id"] for entry in found] == [id_]


def test_a_resource_never_moves_to_another_patient(client: httpx.Client, patient: str) -> None:
    other = make_person(client, "Annen")
    id_ = make(client, "Observation", weight(patient))
    moved = client.put(f"/Observation/{id_}", json=json.loads(weight(other)) | {"id": id_})
    assert outcome(moved, 422)["code"] == "business-rule"
    assert client.get(f"/Observation/{id_}").headers["etag"] == 'W/"1"'


def test_a_reference_with_our_own_address_is_the_same_patient(
    client: httpx.Client, patient: str, demo_site: Site
) -> None:
    body = weight(patient).replace(b"Patient/", f"{demo_site.url}/fhir/Patient/".encode())
    made = client.post("/Observation", content=body, headers=JSON)
    assert made.json()["subject"]["reference"] == f"Patient/{patient}"
    assert client.get("/Observation", params={"patient": patient}).json()["entry"]


# ── search ───────────────────────────────────────────────────────────────────────────────────────


def test_search_answers_the_same_by_get_and_by_post(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient))
    query = {"patient": patient, "code": "http://loinc.org|29463-7"}
    by_get = client.get("/Observation", params=query).json()
    by_post = client.post("/Observation/_search", data=query).json()
    assert [e["resource"]["id"] for e in by_get["entry"]] == [e["resource"]["id"] for e in by_post["entry"]] == [id_]
    assert by_get["type"] == "searchset"
    assert fhir.validate(fhir.parse(client.get("/Observation", params=query).content)) == []


def test_search_pages_hold_every_match_once(client: httpx.Client, patient: str) -> None:
    made = [make(client, "Observation", weight(patient, str(n), day=f"2026-01-{n:02}")) for n in range(1, 8)]
    found: list[str] = []
    url = f"/Observation?patient={patient}&_count=3&_total=accurate"
    for _ in range(4):
        page = client.get(url).json()
        assert page["total"] == 7
        found += [entry["resource"]["id"] for entry in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        url = following[0]
    assert found == made[::-1]


def test_an_unknown_parameter_is_refused_unless_lenient(client: httpx.Client, patient: str) -> None:
    query = {"patient": patient, "skostørrelse": "43"}
    outcome(client.get("/Observation", params=query), 400)
    outcome(client.get("/Observation", params=query, headers={"Prefer": "handling=strict"}), 400)
    lenient = client.get("/Observation", params=query, headers={"Prefer": "return=minimal, handling=lenient"})
    assert lenient.json()["entry"][-1]["search"]["mode"] == "outcome"


@pytest.mark.parametrize("value", ["-1", "abc", "²", "1e3", ""])
def test_a_wrong_count_is_refused(client: httpx.Client, patient: str, value: str) -> None:
    outcome(client.get("/Observation", params={"patient": patient, "_count": value}), 400)


def test_a_cursor_is_good_for_its_search_and_reader_alone(client: httpx.Client, demo_site: Site, patient: str) -> None:
    for n in (1, 2, 3):
        make(client, "Observation", weight(patient, str(n)))
    page = client.get("/Observation", params={"patient": patient, "_count": "1"}).json()
    (url,) = [link["url"] for link in page["link"] if link["relation"] == "next"]
    cursor = httpx.URL(url).params["_cursor"]
    for forged in (cursor[:-2] + "xx", "A" * len(cursor), "", "æ", cursor + "A"):
        answer = client.get("/Observation", params={"patient": patient, "_count": "1", "_cursor": forged})
        assert forged == "" or outcome(answer, 400)
    outcome(client.get("/Observation", params={"patient": patient, "_count": "2", "_cursor": cursor}), 400)
    with demo_site.fhir(GP) as gp:
        assert gp.get(url).status_code in (400, 403)
        own = demo_site.patient_id(ELDERLY)
        stolen = gp.get("/Observation", params={"patient": own, "_count": "1", "_cursor": cursor})
        outcome(stolen, 400)


# ── The edge ─────────────────────────────────────────────────────────────────────────────────────


def test_the_capability_statement_is_valid_and_needs_no_token(demo_site: Site) -> None:
    answer = httpx.get(f"{demo_site.url}/fhir/metadata")
    statement = fhir.parse(answer.content)
    assert fhir.validate(statement) == []
    assert statement["resourceType"] == "CapabilityStatement"
    assert len(statement["rest"][0]["resource"]) == len(fhir.RESOURCE_TYPES)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Romskip/1", 404),
        ("GET", "/Romskip", 404),
        ("POST", "/Romskip", 404),
        ("GET", "/Patient/x/y/z", 404),
        ("GET", "/", 400),
        ("GET", "", 400),
        ("PATCH", "/Patient/000000000000001", 404),
        ("DELETE", "/Patient", 412),
        ("PUT", "/Patient", 400),
        ("POST", "/Patient/000000000000001", 405),
        ("POST", "/metadata/", 404),
        ("GET", "/Patient/_search", 404),
    ],
)
def test_what_is_not_there_is_said_as_an_operation_outcome(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    headers = JSON if method in ("POST", "PUT", "PATCH") else {}
    answer = client.request(method, path, headers=headers, content=b"{}" if headers else None)
    assert answer.status_code in (status, 400) if method == "POST" else answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_unforeseen_error_is_an_operation_outcome_that_tells_nothing(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Ola Testesen 01010112345")

    monkeypatch.setattr("fellesjournal.record.journal.Journal.read", broken)
    answer = client.get("/Patient/000000000000001")
    assert outcome(answer, 500)["code"] == "exception"
    assert "Testesen" not in answer.text


# ── Who ──────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_good_token_nothing_is_answered(demo_site: Site) -> None:
    token = demo_site.token(GP)
    forged = [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Bearer " + token[:-1] + ("A" if token[-1] != "A" else "B"),
        "Basic " + token,
    ]
    for value in forged:
        headers = {} if value is None else {"Authorization": value}
        answer = httpx.get(f"{demo_site.url}/fhir/Patient", headers=headers)
        assert outcome(answer, 401)["code"] == "login"
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_session_cookie_opens_nothing_below_fhir(demo_site: Site) -> None:
    with demo_site.client(GP) as browser:
        outcome(browser.get("/fhir/Patient"), 401)
        outcome(browser.post("/fhir/Patient", json=person()), 401)


def test_an_id_that_is_guessed_answers_as_one_that_is_hidden(demo_site: Site) -> None:
    hidden = demo_site.patient_id(TONIGHT)
    with demo_site.fhir(GP) as gp:
        seen = {
            gp.get(f"/Patient/{id_}").text for id_ in (hidden, "000000000000001", "zzzzzzzzzzzzzzz", "nei", "a" * 64)
        }
        assert len(seen) == 1
        for method in ("put", "delete"):
            body = {"json": person(id=hidden)} if method == "put" else {}
            assert getattr(gp, method)(f"/Patient/{hidden}", **body).status_code in (403, 404)


def test_a_consent_that_would_look_like_a_block_is_refused_and_says_where_blocks_are_made(client: httpx.Client, patient: str) -> None:
    hl7 = "http://terminology.hl7.org/CodeSystem/"
    research = {"resourceType": "Consent", "status": "active", "scope": {"coding": [{"system": f"{hl7}consentscope", "code": "research"}]},
                "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}], "patient": {"reference": f"Patient/{patient}"},
                "policyRule": {"coding": [{"system": f"{hl7}v3-ActCode", "code": "OPTIN"}]}}  # fmt: skip
    privacy = research | {"scope": {"coding": [{"system": f"{hl7}consentscope", "code": "patient-privacy"}]}}
    deny = privacy | {"provision": {"type": "deny"}}
    opted_out = privacy | {"policyRule": {"coding": [{"system": f"{hl7}v3-ActCode", "code": "OPTOUT"}]}}
    for block in (deny, opted_out):
        refused = client.post("/Consent", json=block)
        assert "/min-journal/sperringer" in str(outcome(refused, 422))
        validated = client.post("/Consent/$validate", json=block)
        assert "/min-journal/sperringer" in validated.text
    made = client.post("/Consent", json=opted_out | {"status": "inactive"})
    assert made.status_code == 201 and client.post("/Consent", json=research).status_code == 201
    path = f"/Consent/{made.json()['id']}"
    assert client.patch(path, json=[{"op": "replace", "path": "/status", "value": "active"}], headers={"Content-Type": "application/json-patch+json"}).status_code == 422
    (told,) = [one for one in client.get("/metadata").json()["rest"][0]["resource"] if one["type"] == "Consent"]
    assert "$blocks" in told["documentation"]
