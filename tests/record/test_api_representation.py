# ruff: noqa: E501 - tables of what is tried read best a line each
"""JSON and XML, pretty, in part, gzipped: the form of an answer, as an outside client meets it."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.site import Site

XML = "application/fhir+xml"
NS = 'xmlns="http://hl7.org/fhir"'
TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a <b>b</b></div>'}
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        opened.headers["Accept-Encoding"] = "identity"
        yield opened


@pytest.fixture
def patient(client: httpx.Client) -> str:
    return make_person(client, text=TEXT, maritalStatus={"text": "gift"}, gender="female")


def in_xml(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """An answer in XML as JSON; fails for anything else."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    return fhir.parse(fhir.encode(fhir.read_xml(answer.content)))


# ── which format ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wish", [XML, "application/xml", "text/xml", f"{XML};q=0.9,application/json;q=0.8", f"{XML}; fhirVersion=4.0"])
def test_xml_is_given_to_whoever_accepts_it(client: httpx.Client, patient: str, wish: str) -> None:
    stored = fhir.parse(client.get(f"/Patient/{patient}").content)
    answer = client.get(f"/Patient/{patient}", headers={"Accept": wish})
    assert in_xml(answer) == stored
    assert answer.headers["etag"] == 'W/"1"' and "Accept" in answer.headers["vary"]
    assert f'<?xml version="1.0" encoding="UTF-8"?><Patient {NS}><id value="{patient}"/>' in answer.text


@pytest.mark.parametrize("wish", ["xml", "application/fhir+xml", "application/xml", "text/xml", "application/fhir+xml;fhirVersion=4.0"])
def test_format_in_the_address_is_stronger_than_the_header(client: httpx.Client, patient: str, wish: str) -> None:
    in_xml(client.get(f"/Patient/{patient}", params={"_format": wish}, headers={"Accept": "application/json"}))
    in_xml(client.get(f"/Patient/{patient}?_format={wish}"))


@pytest.mark.parametrize("wish", ["json", "application/fhir+json", "application/json", "text/json"])
def test_json_is_given_as_it_is_stored(client: httpx.Client, patient: str, wish: str) -> None:
    stored = client.get(f"/Patient/{patient}").content
    assert client.get(f"/Patient/{patient}?_format={wish}", headers={"Accept": XML}).content == stored
    assert client.get(f"/Patient/{patient}?%5Fformat={wish}", headers={"Accept": XML}).content == stored


def test_another_format_is_not_acceptable(client: httpx.Client, patient: str) -> None:
    outcome(client.get(f"/Patient/{patient}", headers={"Accept": "text/html"}), 406)
    outcome(client.get(f"/Patient/{patient}", params={"_format": "ttl"}), 406)
    outcome(client.get(f"/Patient/{patient}", headers={"Accept": "application/fhir+json; fhirVersion=5.0"}), 406)


def test_every_answer_with_content_comes_in_xml(client: httpx.Client, patient: str, demo_site: Site) -> None:
    wish = {"Accept": XML}
    assert in_xml(client.get("/metadata", headers=wish))["resourceType"] == "CapabilityStatement"
    assert in_xml(client.get(f"/Patient/{patient}/_history/1", headers=wish))["resourceType"] == "Patient"
    assert in_xml(client.get(f"/Patient/{patient}/_history", headers=wish))["type"] == "history"
    assert in_xml(client.get("/Patient", params={"_id": patient}, headers=wish))["type"] == "searchset"
    assert in_xml(client.get("/Patient/000000000000001", headers=wish), 404)["resourceType"] == "OperationOutcome"
    assert in_xml(client.get("/Patient?nonsense=1&_format=xml"), 400)["resourceType"] == "OperationOutcome"
    assert in_xml(client.get("/no/such/address/at/all", headers=wish), 404)["resourceType"] == "OperationOutcome"
    assert in_xml(client.post("/Patient/1", headers=wish), 405)["resourceType"] == "OperationOutcome"
    nobody = httpx.get(f"{demo_site.url}/fhir/Patient/{patient}?_format=xml")
    assert in_xml(nobody, 401)["resourceType"] == "OperationOutcome"


def test_a_form_of_a_search_may_name_the_format(client: httpx.Client, patient: str) -> None:
    found = in_xml(client.post("/Patient/_search", data={"_id": patient, "_format": "xml", "_elements": "gender"}))
    assert found["entry"][0]["resource"]["gender"] == "female"
    assert "name" not in found["entry"][0]["resource"]
    outcome(client.post("/Patient/_search", data={"_id": patient, "_format": "html"}), 406)


# ── bodies in XML ────────────────────────────────────────────────────────────────────────────────


def test_a_resource_is_created_and_updated_in_xml(client: httpx.Client) -> None:
    body = f'<Patient {NS}><name><family value="Testesen"/><given value="Ola"/></name><birthDate value="1970-02-03"/></Patient>'
    made = client.post("/Patient", content=body, headers={"Content-Type": f"{XML}; charset=utf-8", "Accept": XML})
    id_ = in_xml(made, 201)["id"]
    changed = body.replace("<name>", f'<id value="{id_}"/><name>').replace("Ola", "Kåre")
    updated = client.put(f"/Patient/{id_}", content=changed.encode(), headers={"Content-Type": "text/xml"})
    assert updated.json()["name"] == [{"family": "Testesen", "given": ["Kåre"]}]


def test_a_decimal_keeps_its_digits_through_xml(client: httpx.Client, patient: str) -> None:
    written = fhir.write_xml(fhir.read_verbatim(weight(patient, "72.50")))
    made = client.post("/Observation", content=written, headers={"Content-Type": XML})
    assert b'"value":72.50,' in made.content
    assert '<value value="72.50"/>' in client.get(f"/Observation/{made.json()['id']}?_format=xml").text


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_bundles_are_taken_and_answered_in_xml(client: httpx.Client, kind: str) -> None:
    entries = [{"resource": person(name), "request": {"method": "POST", "url": "Patient"}} for name in ("En", "To")]
    written = fhir.write_xml({"resourceType": "Bundle", "type": kind, "entry": entries})
    answer = in_xml(client.post("/", content=written, headers={"Content-Type": XML, "Accept": XML}))
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["201", "201"]


def test_an_absolute_reference_to_this_server_is_made_relative(client: httpx.Client, patient: str, demo_site: Site) -> None:
    body = weight(f"x/{patient}").replace(b"Patient/x/", f"{demo_site.url}/fhir/Patient/".encode())
    made = client.post("/Observation", content=fhir.write_xml(fhir.read_verbatim(body)), headers={"Content-Type": XML})
    assert made.json()["subject"]["reference"] == f"Patient/{patient}"


@pytest.mark.parametrize(
    ("body", "status", "expression"),
    [
        (f"<Patient {NS}><nmae/></Patient>", 400, "Patient"),
        (f"<Patient {NS}><name><famly value='x'/></name></Patient>", 400, "Patient.name[0]"),
        (f"<Patient {NS}><gender value='unsure'/></Patient>", 422, "Patient.gender"),
        (f"<Observation {NS}><status value='final'/></Observation>", 400, ""),
        ("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><Patient/>", 400, ""),
        ("{}", 400, ""),
        ("", 400, ""),
    ],
)
def test_what_is_wrong_in_xml_is_named_with_its_place(client: httpx.Client, body: str, status: int, expression: str) -> None:
    issue = outcome(client.post("/Patient", content=body, headers={"Content-Type": XML}), status)
    assert issue.get("expression", [""]) == [expression]


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "text/plain"}, {"Content-Type": "application/fhir+turtle"}, {"Content-Type": f"{XML}; charset=iso-8859-1"},
     {"Content-Type": "application/fhir+json; fhirVersion=5.0"}, {"Content-Type": XML, "Content-Encoding": "gzip"}],
)  # fmt: skip
def test_another_kind_of_body_is_not_taken(client: httpx.Client, headers: dict[str, str]) -> None:
    outcome(client.post("/Patient", content=b"<Patient/>", headers=headers), 415)
    outcome(client.post("/Patient/_search", json={}), 415)


def test_deep_xml_is_refused(client: httpx.Client) -> None:
    deep = f"<Basic {NS}>" + '<extension url="u">' * 60 + '<valueString value="x"/>' + "</extension>" * 60 + "</Basic>"
    outcome(client.post("/Basic", content=deep, headers={"Content-Type": XML}), 400)


# ── pretty, gzip, HEAD ───────────────────────────────────────────────────────────────────────────


def test_pretty_is_the_same_on_many_lines(client: httpx.Client, patient: str) -> None:
    stored = client.get(f"/Patient/{patient}").content
    pretty = client.get(f"/Patient/{patient}?_pretty=true").content
    assert json.loads(pretty) == json.loads(stored) and b'\n  "id": ' in pretty
    shown = client.get(f"/Patient/{patient}?_pretty=true&_format=xml")
    assert in_xml(shown) == fhir.parse(stored) and '\n  <id value="' in shown.text
    assert client.get(f"/Patient/{patient}?_pretty=false").content == stored


def test_a_large_answer_is_gzipped_for_whoever_takes_it(client: httpx.Client, patient: str) -> None:
    plain = client.get("/metadata")
    for format_ in ("json", "xml"):
        with client.stream("GET", f"/metadata?_format={format_}", headers={"Accept-Encoding": "br, gzip"}) as packed:
            raw = b"".join(packed.iter_raw())
        assert packed.headers["content-encoding"] == "gzip" and "Accept-Encoding" in packed.headers["vary"]
        assert len(raw) == int(packed.headers["content-length"]) < len(plain.content) / 5
        assert gzip.decompress(raw).startswith(b"{" if format_ == "json" else b"<?xml")
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in client.get("/metadata", headers={"Accept-Encoding": "gzip;q=0"}).headers
    assert "content-encoding" not in client.get(f"/Patient/{patient}", headers={"Accept-Encoding": "gzip"}).headers


def test_head_is_there_wherever_get_is(client: httpx.Client, patient: str) -> None:
    for path in ("/metadata", f"/Patient/{patient}", f"/Patient/{patient}/_history/1", f"/Patient/{patient}/_history",
                 f"/Patient?_id={patient}", f"/Patient/{patient}?_format=xml&_summary=true"):  # fmt: skip
        head, got = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (200, b""), path
        for name in ("content-type", "content-length", "etag"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)


# ── in part ──────────────────────────────────────────────────────────────────────────────────────


def shown(resource: dict[str, Any]) -> set[str]:
    """The elements of a resource but those that say which it is."""
    return set(resource) - {"resourceType", "id", "meta"}


@pytest.mark.parametrize(
    ("query", "elements"),
    [
        ("_summary=true", {"name", "gender", "birthDate"}),
        ("_summary=text", {"text"}),
        ("_summary=data", {"name", "gender", "birthDate", "maritalStatus"}),
        ("_elements=gender,birthDate", {"gender", "birthDate"}),
        ("_elements=Patient.gender", {"gender"}),
    ],
)
def test_a_part_is_given_by_read_vread_search_and_history(client: httpx.Client, patient: str, query: str, elements: set[str]) -> None:
    read = client.get(f"/Patient/{patient}?{query}")
    vread = client.get(f"/Patient/{patient}/_history/1?{query}")
    found = client.get(f"/Patient?_id={patient}&{query}").json()
    past = client.get(f"/Patient/{patient}/_history?{query}").json()
    parts = [read.json(), vread.json(), found["entry"][0]["resource"], past["entry"][0]["resource"]]
    for part in parts:
        assert shown(part) == elements
        assert part["meta"]["tag"] == [SUBSETTED] and part["meta"]["versionId"] == "1" and part["id"] == patient
    assert read.headers["etag"] == 'W/"1"'
    assert "meta" not in found and found["link"][0]["url"].endswith(query.replace(",", "%2C"))
    assert in_xml(client.get(f"/Patient/{patient}?{query}", headers={"Accept": XML})) == fhir.parse(read.content)


def test_the_whole_is_not_marked(client: httpx.Client, patient: str) -> None:
    stored = client.get(f"/Patient/{patient}").content
    assert client.get(f"/Patient/{patient}?_summary=false").content == stored


def test_count_gives_the_number_alone(client: httpx.Client, patient: str) -> None:
    make(client, "Observation", weight(patient))
    counted = client.get("/Observation", params={"patient": patient, "_summary": "count"}).json()
    assert counted["total"] == 1 and "entry" not in counted
    outcome(client.get(f"/Patient/{patient}?_summary=count"), 400)


def test_a_decimal_of_a_part_keeps_its_digits(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient, "72.50"))
    assert b'"value":72.50,' in client.get(f"/Observation/{id_}?_elements=value").content


def test_elements_are_those_of_the_matches_unless_they_name_their_type(client: httpx.Client, patient: str) -> None:
    make(client, "Observation", weight(patient))
    query = {"patient": patient, "_include": "Observation:subject", "_elements": "subject"}
    by_mode = {entry["search"]["mode"]: entry["resource"] for entry in client.get("/Observation", params=query).json()["entry"]}
    assert shown(by_mode["match"]) == {"status", "code", "subject"}
    assert "name" in by_mode["include"] and "tag" not in by_mode["include"]["meta"]
    typed = client.get("/Observation", params={**query, "_elements": "Patient.gender"}).json()["entry"]
    by_mode = {entry["search"]["mode"]: entry["resource"] for entry in typed}
    assert shown(by_mode["include"]) == {"gender"} and "valueQuantity" in by_mode["match"]


def test_further_pages_have_the_same_form(client: httpx.Client, patient: str) -> None:
    for value in ("1", "2", "3"):
        make(client, "Observation", weight(patient, value))
    first = in_xml(client.get("/Observation", params={"patient": patient, "_count": "2", "_elements": "code", "_format": "xml"}))
    (following,) = [link["url"] for link in first["link"] if link["relation"] == "next"]
    assert shown(in_xml(client.get(following))["entry"][0]["resource"]) == {"status", "code"}
    make_update(client, patient)
    past = in_xml(client.get(f"/Patient/{patient}/_history", params={"_count": "1", "_summary": "true", "_format": "xml"}))
    (following,) = [link["url"] for link in past["link"] if link["relation"] == "next"]
    assert in_xml(client.get(following))["entry"][0]["resource"]["meta"]["tag"] == [SUBSETTED]


def make_update(client: httpx.Client, patient: str) -> None:
    """A second version."""
    assert client.put(f"/Patient/{patient}", json=person(id=patient), headers=JSON).status_code == 200


def test_a_bundle_that_is_content_is_shown_as_content(client: httpx.Client) -> None:
    held = {"resourceType": "Organization", "id": "o", "name": "Legevakt", "text": TEXT}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": held}]}
    made = client.post("/Bundle", json=bundle, headers=JSON)
    assert made.status_code == 201, made.text
    part = client.get(f"/Bundle/{made.json()['id']}?_elements=type").json()
    assert shown(part) == {"type"} and part["meta"]["tag"] == [SUBSETTED]


def test_a_part_may_not_replace_the_whole(client: httpx.Client, patient: str) -> None:
    part = client.get(f"/Patient/{patient}?_elements=gender").json()
    issue = outcome(client.put(f"/Patient/{patient}", json=part), 422)
    assert (issue["code"], issue["expression"]) == ("business-rule", ["Patient.meta.tag"])
    assert client.get(f"/Patient/{patient}").json()["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    "query", ["_summary=all", "_summary=", "_elements=a%20b", "_elements=" + ",".join(["name"] * 300), "_elements=%C3%A5", "_elements=_id"]
)
def test_a_part_that_cannot_be_is_refused_in_the_format_asked_for(client: httpx.Client, patient: str, query: str) -> None:
    if query == "_summary=":
        assert client.get(f"/Patient/{patient}?{query}").status_code == 200
        return
    outcome(client.get(f"/Patient/{patient}?{query}"), 400)
    in_xml(client.get(f"/Patient/{patient}?{query}&_format=xml"), 400)


def test_text_and_includes_do_not_mix(client: httpx.Client, patient: str) -> None:
    outcome(client.get(f"/Observation?patient={patient}&_summary=text&_include=Observation:subject"), 400)


def test_a_write_is_not_answered_in_part(client: httpx.Client) -> None:
    made = client.post("/Patient?_summary=text&_elements=gender", json=person(gender="male"))
    assert made.status_code == 201 and "name" in made.json() and "tag" not in made.json()["meta"]
