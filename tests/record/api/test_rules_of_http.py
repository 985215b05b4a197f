"""Rules of R4's http.html and search.html that no other test is about; `docs/fhir/walk.md` names them all."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.record.samples import make, make_person, outcome, person, weight
from tests.site import Site

LENIENT = {"Prefer": "handling=lenient"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATIENT, OBSERVATION = (f"urn:uuid:0000000{n}-1111-4111-8111-111111111111" for n in (1, 2))


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture(scope="module")
def patient(client: httpx.Client) -> str:
    """Somebody with three weights."""
    id_ = make_person(client)
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        make(client, "Observation", weight(id_, day=day))
    return id_


def links(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {link["relation"]: link["url"] for link in answer.json()["link"]}


def bundle(client: httpx.Client, kind: str, *entries: dict[str, Any], wish: str = "minimal") -> list[dict[str, Any]]:
    sent = {"resourceType": "Bundle", "type": kind, "entry": entries}
    answer = client.post("", json=sent, headers={"Prefer": f"return={wish}"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["entry"]
    return found


# ── Addresses ────────────────────────────────────────────────────────────────────────────────────


def test_an_address_may_end_with_a_slash(client: httpx.Client, patient: str) -> None:
    for path in (f"/Patient/{patient}", f"/Patient/?_id={patient}", "/metadata", f"/Patient/{patient}/_history",
                 f"/Patient/{patient}/Observation"):  # fmt: skip
        with_slash = path.replace("/?", "?") if "?" in path else path + "/"
        plain, slashed = client.get(path), client.get(with_slash)
        assert (plain.status_code, slashed.status_code) == (200, 200), path
    assert client.post("/Patient/", json=person()).status_code == 201
    assert client.post("/Patient/_search/", data={"_id": patient}).json()["entry"]
    assert client.delete("/Observation/", params={"_id": "nobody"}).status_code == 204
    said = bundle(client, "batch", {"request": {"method": "GET", "url": f"Patient/{patient}/"}},
                  {"request": {"method": "DELETE", "url": "Observation/?_id=nobody"}})  # fmt: skip
    assert [one["response"]["status"] for one in said] == ["200", "204"]


def test_the_statement_has_a_tag_for_whoever_has_it_already(client: httpx.Client) -> None:
    for path in ("/metadata", "/metadata?mode=terminology"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert client.get(path, headers={"If-None-Match": 'W/"0000"'}).status_code == 200


# ── What was understood, and further pages ───────────────────────────────────────────────────────


def test_links_hold_what_was_understood_and_can_be_followed_as_they_are(client: httpx.Client, patient: str) -> None:
    asked = f"/Observation?patient={patient}&colour=red&code=29463-7&_sort=colour&_count=2"
    first = client.get(asked, headers=LENIENT)
    assert links(first)["self"].endswith(f"/fhir/Observation?patient={patient}&code=29463-7&_count=2")
    said = [one["resource"]["issue"][0]["diagnostics"] for one in first.json()["entry"][2:]]
    assert [text.split()[2] for text in said] == ["colour", "_sort"]
    assert len(client.get(links(first)["next"]).json()["entry"]) == 1
    together = client.get(f"?_type=Observation,Condition&patient={patient}&colour=red&code=29463-7", headers=LENIENT)
    assert links(together)["self"].endswith(f"?_type=Observation%2CCondition&patient={patient}&code=29463-7")
    past = client.get(f"/Patient/{patient}/_history?colour=red&_count=5", headers=LENIENT)
    assert links(past)["self"].endswith(f"/Patient/{patient}/_history?_count=5")


def test_a_modifier_that_is_not_served_is_refused_whatever_is_preferred(client: httpx.Client, patient: str) -> None:
    for asked in ("code:exact=x", "_id:not=x", "subject:Patient.name:below=x", "_has:Provenance:target:recorded:in=x"):
        answer = client.get(f"/Observation?patient={patient}&{asked}", headers=LENIENT)
        assert outcome(answer, 400)["code"] == "not-supported", asked


def test_a_further_page_tells_its_own_address_and_that_of_the_first(client: httpx.Client, patient: str) -> None:
    for path in (f"/Observation?patient={patient}&_count=2", f"/_history?patient={patient}&_count=2",
                 f"/Patient/{patient}/$everything?_count=2"):  # fmt: skip
        first = client.get(path)
        assert "first" not in links(first)
        following = client.get(links(first)["next"])
        assert links(following)["first"] == links(first)["self"]
        assert client.get(links(following)["self"]).json()["entry"] == following.json()["entry"]
    # The client may post what the link says.
    path, _, query = links(client.get(f"/Observation?patient={patient}&_count=2"))["next"].partition("?")
    assert len(client.post(f"{path}/_search", content=query, headers=FORM).json()["entry"]) == 1


def test_a_search_by_post_may_have_its_parameters_in_the_address_alone(client: httpx.Client, patient: str) -> None:
    assert len(client.post(f"/Observation/_search?patient={patient}").json()["entry"]) == 3
    shouted = {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}
    answer = client.post("/Observation/_search", content=f"patient={patient}", headers=shouted)
    assert len(answer.json()["entry"]) == 3
    outcome(client.post("/Observation/_search", content="{}", headers={"Content-Type": "application/json"}), 415)


def test_an_operation_may_be_asked_by_a_form(client: httpx.Client, patient: str) -> None:
    answer = client.post("/Observation/$lastn", data={"patient": patient, "max": "2"})
    assert len(answer.json()["entry"]) == 2
    outcome(client.post("/Observation/$lastn", data={"patient": patient, "max": "many"}), 400)


# ── Writing ──────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_back_from_a_deletion_is_created(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient))
    entry = {
        "resource": json.loads(weight(patient)) | {"id": id_}, "request": {"method": "PUT", "url": f"Observation/{id_}"}
    }  # fmt: skip
    for kind in ("transaction", "batch"):
        assert client.delete(f"/Observation/{id_}").status_code == 204
        assert [one["response"]["status"] for one in bundle(client, kind, entry)] == ["201"]
    assert [one["response"]["status"] for one in bundle(client, "batch", entry)] == ["200"]
    client.delete(f"/Observation/{id_}")


def test_preferences_are_read_as_http_writes_them(client: httpx.Client) -> None:
    for said in ("RETURN=minimal", 'respond-async; wait=10, return="minimal"', "return=minimal, return=representation"):
        assert client.post("/Patient", json=person(), headers={"Prefer": said}).content == b"", said
    two = [("Prefer", "handling=lenient"), ("Prefer", "return=minimal")]
    assert client.post("/Patient", json=person(), headers=two).content == b""


def test_a_search_stands_for_a_reference_in_a_bundle_alone(client: httpx.Client, patient: str) -> None:
    body = json.loads(weight(patient)) | {"subject": {"reference": f"Patient?_id={patient}"}}
    assert outcome(client.post("/Observation", json=body), 422)["expression"] == ["Observation.subject"]
    id_ = make(client, "Observation", weight(patient))
    outcome(client.put(f"/Observation/{id_}", json=body | {"id": id_}), 422)
    patch = [{"op": "replace", "path": "/subject/reference", "value": f"Patient?_id={patient}"}]
    sent = {"content": json.dumps(patch), "headers": {"Content-Type": "application/json-patch+json"}}
    outcome(client.patch(f"/Observation/{id_}", **sent), 422)  # type: ignore[arg-type]
    for kind in ("transaction", "batch"):
        post = {"resource": body, "request": {"method": "POST", "url": "Observation"}}
        (made,) = bundle(client, kind, post, wish="representation")
        assert made["resource"]["subject"] == {"reference": f"Patient/{patient}"}
    for made_here in client.get(f"/Observation?patient={patient}&_sort=-_lastUpdated&_count=3").json()["entry"]:
        client.delete(made_here["fullUrl"])


def test_a_transaction_changes_addresses_and_no_other_text(client: httpx.Client) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{OBSERVATION}">{OBSERVATION}</a></div>'
    extensions = [("valueUri", OBSERVATION), ("valueUrl", OBSERVATION), ("valueString", OBSERVATION),
                  ("valueCanonical", OBSERVATION)]  # fmt: skip
    entries = [
        {"fullUrl": PATIENT, "request": {"method": "POST", "url": "Patient"}, "resource": person(
            identifier=[{"system": "urn:ietf:rfc:3986", "value": PATIENT}], text={"status": "generated", "div": div},
            extension=[{"url": "http://example.org/x", key: value} for key, value in extensions])},
        {"fullUrl": OBSERVATION, "request": {"method": "POST", "url": "Observation"},
         "resource": json.loads(weight("x")) | {"subject": {"reference": PATIENT}}},
        {"request": {"method": "POST", "url": "Basic"}, "resource": {
            "resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": f"{PATIENT}/_history/7"}}},
    ]  # fmt: skip
    made = bundle(client, "transaction", *entries, wish="representation")
    someone, weighed, basic = (one["resource"] for one in made)
    at = f"Observation/{weighed['id']}"
    assert weighed["subject"] == {"reference": f"Patient/{someone['id']}"}
    assert basic["subject"] == {"reference": f"Patient/{someone['id']}/_history/1"}
    assert someone["identifier"][0]["value"] == PATIENT
    assert someone["text"]["div"] == div.replace(f'"{OBSERVATION}"', f'"{at}"')
    kept = [next(value for key, value in one.items() if key != "url") for one in someone["extension"]]
    assert kept == [at, at, OBSERVATION, OBSERVATION]


def test_a_version_of_another_entry_is_the_one_that_the_transaction_makes(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient))
    put = {"resource": json.loads(weight(patient)) | {"id": id_}, "fullUrl": f"https://example.org/Observation/{id_}",
           "request": {"method": "PUT", "url": f"Observation/{id_}", "ifMatch": 'W/"1"'}}  # fmt: skip
    basic = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": f"Patient/{patient}"},
             "extension": [{"url": "http://example.org/x", "valueReference": {
                 "reference": f"https://example.org/Observation/{id_}/_history/44"}}]}  # fmt: skip
    made = bundle(client, "transaction", put, {"resource": basic, "request": {"method": "POST", "url": "Basic"}},
                  wish="representation")  # fmt: skip
    assert made[1]["resource"]["extension"][0]["valueReference"] == {"reference": f"Observation/{id_}/_history/2"}
    client.delete(f"/Observation/{id_}")


def test_entries_of_a_batch_are_done_in_the_order_of_a_transaction(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient))
    other = make(client, "Observation", weight(patient))
    read, gone, put = bundle(
        client, "batch", {"request": {"method": "GET", "url": f"Observation?_id={id_},{other}"}},
        {"request": {"method": "DELETE", "url": f"Observation/{other}"}},
        {"resource": json.loads(weight(patient, "80")) | {"id": id_},
         "request": {"method": "PUT", "url": f"Observation/{id_}"}},
    )  # fmt: skip
    assert [one["response"]["status"] for one in (gone, put)] == ["204", "200"]
    assert [one["resource"]["meta"]["versionId"] for one in read["resource"]["entry"]] == ["2"]
    client.delete(f"/Observation/{id_}")
