# ruff: noqa: E501 - tables of what is tried read best a line each
"""What is sent to exhaust or to deceive: each kind gets a 4xx with an OperationOutcome, in bounded time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.record.samples import JSON, make, make_person, outcome, person, weight
from tests.site import Site

LONGEST_S = 30
"""Far above what any of these takes, also where many tests share the machine; without a bound they would never end."""
XML = {"Content-Type": "application/fhir+xml"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BOMB = "(a+)+$"


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture(scope="module")
def patient(client: httpx.Client) -> str:
    return make_person(client, "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST_S


def refused(answer: httpx.Response) -> str:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    said = outcome(answer, answer.status_code)
    return str(said.get("diagnostics") or said["details"]["text"])




@pytest.mark.parametrize("depth", [400, 5000])
def test_deep_nesting(client: httpx.Client, depth: int) -> None:
    text = '{"resourceType":"Questionnaire","status":"draft","item":[' + '{"linkId":"x","item":[' * depth + '{"linkId":"x"}' + "]}" * depth + "]}"
    assert refused(client.post("/Questionnaire", content=text, headers=JSON))
    assert refused(client.post("/Questionnaire/$validate", content=text, headers=JSON))
    bundle = '{"resourceType":"Bundle","type":"batch","entry":[' * depth + "]}" * depth
    assert refused(client.post("", content=bundle, headers=JSON))
    xml = "<Questionnaire xmlns='http://hl7.org/fhir'>" + "<item>" * depth + "</item>" * depth + "</Questionnaire>"
    assert refused(client.post("/Questionnaire", content=xml, headers=XML))
    wanted = {"_filter": "(" * depth + "code eq x" + ")" * depth}
    assert refused(client.post("/Observation/_search", data=wanted))
    path = {"name": "path", "valueString": "Patient.name" + ".where(true" * depth + ")" * depth}
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [{"name": "type", "valueCode": "delete"}, path]}]}
    assert refused(client.patch(f"/Patient/{make_person(client)}", content=json.dumps(patch), headers=JSON))


@pytest.mark.parametrize("many", [50_000, 150_000])
def test_huge_arrays(client: httpx.Client, patient: str, many: int) -> None:
    names = ",".join(['{"family":"x"}'] * many)
    assert refused(client.post("/Patient", content=f'{{"resourceType":"Patient","name":[{names}]}}', headers=JSON))
    parts = ",".join(['{"request":{"method":"GET","url":"Patient"}}'] * many)
    for kind in ("batch", "transaction"):
        assert refused(client.post("", content=f'{{"resourceType":"Bundle","type":"{kind}","entry":[{parts}]}}', headers=JSON))
    patch = json.dumps([{"op": "add", "path": "/name/-", "value": {"family": "x"}}] * (many // 10))
    assert refused(client.patch(f"/Patient/{patient}", content=patch, headers={"Content-Type": "application/json-patch+json"}))


@pytest.mark.parametrize(
    "name", ["code", "code:not", "_id", "patient", "date", "value-quantity", "code:text", "subject.name", "_has:Provenance:target:_id", "_tag", "code-value-quantity"],
)  # fmt: skip
def test_ten_thousand_terms(client: httpx.Client, name: str) -> None:
    value = {"date": "2026-01-{:02d}", "value-quantity": "{}", "code-value-quantity": "a${}"}.get(name, "a{}")
    terms = ",".join(value.format(n % 28 + 1) if name == "date" else value.format(n) for n in range(10_000))
    assert refused(client.post("/Observation/_search", data={name: terms}))


def test_ten_thousand_conditions(client: httpx.Client) -> None:
    assert refused(client.post("/Observation/_search", content="&".join(["code=x"] * 10_000), headers=FORM))
    assert refused(client.post("/Observation/_search", data={"_filter": " or ".join(["code eq x"] * 10_000)}))
    for name, value in (("_sort", "date"), ("_elements", "code"), ("_type", "Observation")):
        found = client.post("/_search" if name == "_type" else "/Observation/_search", data={name: ",".join([value] * 10_000)})
        assert found.status_code < 500 and (found.status_code >= 400 or len(found.content) < 1_000_000), name


def test_include_bombs(client: httpx.Client, patient: str) -> None:
    first = make(client, "Observation", weight(patient))
    for _ in range(20):
        body = json.loads(weight(patient)) | {"derivedFrom": [{"reference": f"Observation/{first}"}], "hasMember": [{"reference": f"Observation/{first}"}]}
        make(client, "Observation", json.dumps(body).encode())
    bomb = [("_include:iterate", "*"), ("_revinclude:iterate", "*"), ("_revinclude:iterate", "Observation:derived-from"),
            ("_include:iterate", "Observation:derived-from"), ("_include:iterate", "Observation:has-member")]  # fmt: skip
    answer = client.get("/Observation", params=[("patient", patient), ("_count", "1000"), *bomb])
    if answer.status_code == 200:
        urls = [one["fullUrl"] for one in answer.json()["entry"]]
        assert len(urls) == len(set(urls)) <= 3000
    else:
        assert refused(answer)
    assert refused(client.get("/Observation", params=[("patient", patient), *bomb * 100]))
    chain = ".".join(["derived-from:Observation"] * 50)
    assert refused(client.get("/Observation", params={f"{chain}.code": "x"}))
    has = "_has:Observation:derived-from:" * 50
    assert refused(client.get("/Observation", params={f"{has}code": "x"}))


def test_bombs_of_regular_expressions(client: httpx.Client, patient: str) -> None:
    for call in (f"matches('{BOMB}')", f"matches('({'a?' * 40}{'a' * 40})+$')", f"replaceMatches('{BOMB}', 'b') = 'c'", f"matchesFull('{BOMB}')"):
        path = {"name": "path", "valueString": f"Patient.name.where(family.{call})"}
        patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [{"name": "type", "valueCode": "delete"}, path]}]}
        answer = client.patch(f"/Patient/{patient}", content=json.dumps(patch), headers=JSON)
        assert answer.status_code < 500, answer.text
    # A pattern of a search is text.
    for name in ("name", "name:contains", "name:exact", "_content", "_text"):
        answer = client.get("/Patient", params={name: BOMB, "_id": patient})
        assert answer.status_code in (200, 400), answer.text
        assert not answer.json().get("entry")


def test_cyclic_references(client: httpx.Client) -> None:
    looped = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "contained": [
        {"resourceType": "Observation", "id": "a", "status": "final", "code": {"text": "x"}, "derivedFrom": [{"reference": "#b"}]},
        {"resourceType": "Observation", "id": "b", "status": "final", "code": {"text": "x"}, "derivedFrom": [{"reference": "#a"}]}]}  # fmt: skip
    answer = client.post("/Observation", json=looped | {"derivedFrom": [{"reference": "#a"}]})
    assert answer.status_code < 500
    sets = [{"resourceType": "ValueSet", "url": f"urn:fj:ring:{n}", "status": "active", "compose": {"include": [{"valueSet": [f"urn:fj:ring:{1 - n}"]}]}} for n in (0, 1)]
    for one in sets:
        assert client.put(f"/ValueSet?url={one['url']}", json=one).status_code in (200, 201)
    assert refused(client.get("/ValueSet/$expand", params={"url": "urn:fj:ring:0"}))
    assert refused(client.get("/Observation", params={"code:in": "urn:fj:ring:0"}))
    tree = {"resourceType": "CodeSystem", "url": "urn:fj:sirkel", "status": "active", "content": "complete", "hierarchyMeaning": "is-a", "property": [{"code": "parent", "type": "code"}],
            "concept": [{"code": a, "property": [{"code": "parent", "valueCode": b}]} for a, b in (("a", "b"), ("b", "a"))]}  # fmt: skip
    assert client.put("/CodeSystem?url=urn:fj:sirkel", json=tree).status_code < 500
    assert client.get("/CodeSystem/$subsumes", params={"system": "urn:fj:sirkel", "codeA": "a", "codeB": "b"}).status_code < 500


ENTITIES = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)) + "]><Patient xmlns='http://hl7.org/fhir'><id value='&j;'/></Patient>",
    "<!DOCTYPE x [<!ENTITY % a SYSTEM 'http://127.0.0.1:1/x.dtd'>%a;]><Patient xmlns='http://hl7.org/fhir'/>",
    "<!DOCTYPE x SYSTEM 'file:///dev/random'><Patient xmlns='http://hl7.org/fhir'/>",
    "<Patient xmlns='http://hl7.org/fhir'><id value='&unknown;'/></Patient>",
    "<Patient xmlns='http://hl7.org/fhir' xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='/etc/passwd' parse='text'/></Patient>",
    "<?xml-stylesheet href='http://127.0.0.1:1/'?><Patient xmlns='http://hl7.org/fhir'/>",
    "<Patient xmlns='http://hl7.org/fhir'>" + "".join(f"<a{n} x{n}='1'/>" for n in range(50_000)) + "</Patient>",
    "<Patient xmlns='http://hl7.org/fhir' " + " ".join(f"a{n}='1'" for n in range(50_000)) + "/>",
)  # fmt: skip


@pytest.mark.parametrize("n", range(len(ENTITIES)))
def test_xml_entities(client: httpx.Client, n: int) -> None:
    assert refused(client.post("/Patient", content=ENTITIES[n], headers=XML))
    examined = client.post("/Patient/$validate", content=ENTITIES[n], headers=XML)
    # What can be read as XML is examined: the fault is the answer.
    assert (examined.status_code == 200 and outcome(examined, 200)["severity"] == "error") or refused(examined)


def test_tricks_of_unicode(client: httpx.Client, patient: str) -> None:
    for bad in (b"\xc0\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xff", b"\\u0000", b"\\ud800", b"\x00", b"\\u001b"):
        body = b'{"resourceType":"Patient","name":[{"family":"' + bad + b'"}]}'
        assert refused(client.post("/Patient", content=body, headers=JSON)), bad
    # Digits of other scripts are no digits, and look-alikes are no names of types.
    assert client.get("/Patient?_count=99999999999999999999").json()["resourceType"] == "Bundle"
    for path in ("/Patient?_count=\uff11\uff10", "/Observation?date=\u0662\u0660\u0662\u0666", "/Observation?value-quantity=\u0665", "/\u0420atient", f"/Patient/{patient}/_history/\u0661", "/Patient/\u202e1"):
        assert refused(client.get(path)), path
    assert refused(client.put(f"/Patient/{patient}", json=person() | {"id": patient}, headers=[(b"If-Match", 'W/"\u00b2"'.encode())]))
    # A text that reads backwards, or has marks without end, is a text, and is given back as it was sent.
    for name in ("Ole\u202eesneJ", "Z" + "\u0301" * 500, "\ufeffOla", "I\u0307stanbul \ufb01n \u1e9e"):
        made = client.post("/Patient", json=person(name))
        assert made.status_code == 201 and made.json()["name"][0]["family"] == name
        found = client.get("/Patient", params={"family": name, "_id": made.json()["id"]}).json()
        assert len(found.get("entry", [])) == 1, name


@pytest.mark.parametrize(
    "path",
    [
        "Patient?_count=-1", "Observation?_count=-9223372036854775809", "Patient?_count=1e3",
        "_history?_count=-1", "Patient/{id}/_history?_count=-1", "Patient/{id}/$everything?_count=-1", "Observation/$lastn?patient={id}&category=a&max=-1",
        "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&count=-1", "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&offset=-1",
        "Patient/{id}/_history/-1", "Subscription/x/$events?eventsSinceNumber=-1",
    ],
)  # fmt: skip
def test_negative_counts(client: httpx.Client, patient: str, path: str) -> None:
    assert refused(client.get("/" + path.format(id=patient)))


def test_forged_cursors_and_tokens(client: httpx.Client, demo_site: Site, patient: str) -> None:
    for n in (1, 2, 3):
        make(client, "Observation", weight(patient, str(n)))
    for path in (f"/Observation?patient={patient}&_count=1", "/Observation/_history?_count=1", f"/Patient/{patient}/$everything?_count=1"):
        (url,) = [link["url"] for link in client.get(path).json()["link"] if link["relation"] == "next"]
        ours = httpx.URL(url)
        (name,) = [key for key in ours.params if "cursor" in key]
        cursor = ours.params[name]
        for forged in (cursor[:-2] + "xx", cursor[1:], "A" * len(cursor), cursor * 200, "\u00e6", "-1", "' OR 1=1 --", "0" * 5000):
            assert refused(client.get(str(ours.copy_set_param(name, forged)))), (path, forged[:20])
    good = client.headers["Authorization"].removeprefix("Bearer ")
    jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."
    for token in (good[:-1], good + "A", good[::-1], good.swapcase(), jwt, "null", "A" * 20_000, "\u00e6", f"{good} {good}"):
        with httpx.Client(base_url=f"{demo_site.url}/fhir", timeout=30) as stranger:
            answer = stranger.get(f"/Patient/{patient}", headers=[(b"Authorization", f"Bearer {token}".encode())])
            assert answer.status_code in (400, 401, 431), (token[:20], answer.status_code)


def test_decimals_of_a_thousand_digits(client: httpx.Client, patient: str) -> None:
    long = ("1" * 1000, "0." + "1" * 1000, "-" + "9" * 1000, "1e" + "9" * 1000, "1E-" + "9" * 20)
    for number in long:
        assert refused(client.post("/Observation", content=weight(patient, number), headers=JSON))
        for name in ("value-quantity", "component-value-quantity"):
            for prefix in ("", "ap", "gt", "eb"):
                assert refused(client.post("/Observation/_search", data={"patient": patient, name: prefix + number})), (name, number[:9])
        assert refused(client.post("/RiskAssessment/_search", data={"patient": patient, "probability": number}))
        assert refused(client.get("/Observation", params={"_filter": f"value-quantity gt {number}"}))
        value = {"name": "value", "valueDecimal": "NUMBER"}
        patch = json.dumps({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
            {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Patient.multipleBirth"}, value]}]})  # fmt: skip
        assert refused(client.patch(f"/Patient/{patient}", content=patch.replace('"NUMBER"', number), headers=JSON))
