# ruff: noqa: E501 - tables of what is tried read best a line each
"""Bad input: a clear error each, nothing saved, never a 500."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest
from hypothesis import strategies as st

from fellesjournal.demo.people import INTEGRATION
from tests.faults.making import made
from tests.faults.requests import Answer, Sent, send
from tests.record.samples import JSON, make_person, outcome, person, weight
from tests.site import GP, Site

SendAll = Callable[[Iterable[Sent]], list[tuple[Sent, Answer]]]
JSON_PAIRS = tuple(JSON.items())


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture(scope="module")
def patient(client: httpx.Client) -> str:
    return make_person(client)


def post(client: httpx.Client, body: str | bytes, rtype: str = "Patient") -> httpx.Response:
    return client.post(f"/{rtype}", content=body, headers=JSON)


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "{]", "nei", '{"resourceType":"Patient",}', b"\xff\xfe", '{"resourceType":"Patient"} x',
        '{"resourceType":"Patient","active":true,"active":false}', '{"resourceType":"Patient","\\u0061ctive":true,"active":false}',
        '{"resourceType":"Patient","extension":' + "[" * 5000 + "]" * 5000 + "}",
        '{"a":' * 300 + "1" + "}" * 300, "[]", '"Patient"', "NaN", '{"resourceType":5}', '{"resourceType":["Patient"]}',
        '{"resourceType":"Observation"}', '{"resourceType":"Romskip"}', "{}",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_400(client: httpx.Client, body: str | bytes) -> None:
    outcome(post(client, body), 400)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"gebursdag": "1970"}, "Patient.gebursdag"),
        ({"birthDate": "2023-02-29"}, "Patient.birthDate"),
        ({"birthDate": "1970-13-01"}, "Patient.birthDate"),
        ({"deceasedDateTime": "2024-01-01T25:00:00Z"}, "Patient.deceased"),
        ({"gender": "ukjent"}, "Patient.gender"),
        ({"name": "Ola"}, "Patient.name"),
        ({"name": [{"family": ""}]}, "Patient.name[0].family"),
        ({"name": [{"family": "A\x00B"}]}, "Patient.name[0].family"),
        ({"name": [{"family": "A\x1bB"}]}, "Patient.name[0].family"),
        ({"name": []}, "Patient.name"),
        ({"multipleBirthInteger": 10**400}, None),
        ({"multipleBirthInteger": 2**31}, "Patient.multipleBirth"),
        ({"extension": [{"url": "http://x.no", "valueDecimal": 10**120}]}, None),
        ({"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>'}}, "Patient.text.div"),
        ({"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x()">a</p></div>'}}, "Patient.text.div"),
        ({"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><a href="javascript:x()">a</a></div>'}}, "Patient.text.div"),
        ({"active": "true"}, "Patient.active"),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, "Patient.deceased"),
        ({"managingOrganization": {"reference": 5}}, "Patient.managingOrganization.reference"),
        ({"photo": [{"data": "ikke base64!"}]}, "Patient.photo[0].data"),
        ({"contained": [{"resourceType": "Romskip", "id": "a"}]}, "Patient.contained[0].resourceType"),
    ],
)  # fmt: skip
def test_each_fault_of_a_resource_is_named_by_its_path(
    client: httpx.Client, more: dict[str, Any], where: str | None
) -> None:
    answer = client.post("/Patient", content=json.dumps(person(**more)), headers=JSON)
    issue = outcome(answer, 422 if where else answer.status_code)
    assert 400 <= answer.status_code < 500
    if where:
        assert issue["expression"] == [where], answer.text


def test_all_faults_are_told_at_once(client: httpx.Client) -> None:
    answer = client.post("/Patient", json=person(gender="x", birthDate="y", ukjent=1))
    paths = {tuple(issue["expression"]) for issue in answer.json()["issue"]}
    assert paths == {("Patient.gender",), ("Patient.birthDate",), ("Patient.ukjent",)}


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udfff abc"', '"a\\ud83d"'])
def test_half_a_character_is_refused(client: httpx.Client, text: str) -> None:
    answer = post(client, f'{{"resourceType":"Patient","name":[{{"family":{text}}}]}}')
    assert 400 <= answer.status_code < 500
    outcome(answer, answer.status_code)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e-400", "1E+999999999", "1" * 500, "0." + "1" * 400])
def test_numbers_beyond_reason_are_refused(client: httpx.Client, patient: str, number: str) -> None:
    answer = post(client, weight(patient, number), "Observation")
    assert 400 <= answer.status_code < 500, answer.text
    outcome(answer, answer.status_code)


def test_script_in_plain_text_is_text_and_comes_back_as_it_is(client: httpx.Client) -> None:
    made = client.post("/Patient", json=person("<script>alert('æ')</script>"))
    assert made.status_code == 201
    read = client.get(f"/Patient/{made.json()['id']}")
    assert read.json()["name"][0]["family"] == "<script>alert('æ')</script>"
    assert read.headers["content-type"].startswith("application/fhir+json")
    assert read.headers["x-content-type-options"] == "nosniff"


def test_a_body_over_the_limit_is_refused(client: httpx.Client, demo_site: Site) -> None:
    too_much = demo_site.settings.max_body_mb * 1_000_000 + 1

    def chunks() -> Iterator[bytes]:
        yield b'{"resourceType":"Patient","x":"'
        for _ in range(too_much // 1_000_000 + 1):
            yield b"a" * 1_000_000

    assert client.post("/Patient", content=chunks(), headers=JSON).status_code == 413


# ── National numbers ─────────────────────────────────────────────────────────────────────────────

_REAL = f"{131169:06}{216:05}"
"""Of a real person's form, from a published sample; never whole in a file of ours."""
_FNR, _DNR, _FHN = (f"urn:oid:2.16.578.1.12.4.1.4.{n}" for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("system", "value"),
    [
        (_FNR, "12345678901"),  # check digits
        (_FNR, "1311690021"),  # too short
        (_FNR, "131169002166"),  # too long
        (_FNR, "13116900217"),  # last digit wrong
        (_FNR, _REAL),  # right, and might be a living person's
        (_FNR, "0" * 11),  # right digits, no date
        (_FNR, "1311690021a"),
        (_FNR, "".join(chr(ord(digit) + 0xFEE0) for digit in _REAL)),  # full-width digits
        (_DNR, _REAL),
        (_FHN, _REAL),
        (_FHN, "81234567890"),
    ],
)
def test_a_wrong_or_real_national_id_is_refused_in_a_demo(client: httpx.Client, system: str, value: str) -> None:
    answer = client.post(
        "/Patient", json=person(identifier=[{"system": "x:y", "value": "1"}, {"system": system, "value": value}])
    )
    assert outcome(answer, 422)["expression"] == ["Patient.identifier[1].value"]
    assert value not in answer.text


def test_a_national_id_belongs_to_one_patient(client: httpx.Client) -> None:
    number = {"system": _FNR, "value": "13916900281"}
    assert client.post("/Patient", json=person(identifier=[number])).status_code == 201
    answer = client.post("/Patient", json=person("En Annen", identifier=[number]))
    assert outcome(answer, 409)["code"] == "duplicate"
    assert number["value"] not in answer.text


# ── Fuzz ─────────────────────────────────────────────────────────────────────────────────────────

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "meta", "subject", "reference", "identifier", "system", "value", "coding", "code", "status", "extension", "url", "contained",
         "resourceType", "participant", "actor", "entry", "resource", "request", "method", "text", "div", "name", "_name", "period", "start"]),
        inner, max_size=5),
    max_leaves=15,
)  # fmt: skip
_TYPES = st.sampled_from(
    [
        "Patient",
        "Observation",
        "Appointment",
        "Group",
        "Binary",
        "Bundle",
        "List",
        "Task",
        "Composition",
        "Organization",
    ]
)
_MANY = 120


@pytest.fixture(scope="module")
def send_all(demo_site: Site) -> Iterator[SendAll]:
    """Sends requests below /fhir, some at a time; each is answered in time (TimeoutError), in their order."""
    parts = urlsplit(demo_site.url)
    place = (str(parts.hostname), int(parts.port or 0))
    session = (("Authorization", f"Bearer {demo_site.token(INTEGRATION)}"),)
    with ThreadPoolExecutor(8) as pool:

        def sender(requests: Iterable[Sent]) -> list[tuple[Sent, Answer]]:
            tried = list(requests)
            return list(zip(tried, pool.map(lambda one: send(place, one, session), tried), strict=True))

        yield sender


_BODIES = st.tuples(_TYPES, st.dictionaries(st.sampled_from(
    ["id", "meta", "subject", "patient", "identifier", "code", "status", "participant", "member", "entry", "contained", "text", "valueQuantity",
     "securityContext", "for", "extension"]), _JSON, max_size=6))  # fmt: skip


def test_no_body_makes_the_server_stumble(send_all: SendAll) -> None:
    def requests() -> Iterator[Sent]:
        for rtype, body in made(_BODIES, _MANY):
            named = {"resourceType": rtype}
            yield Sent("POST", f"/fhir/{rtype}", JSON_PAIRS, json.dumps(body | named).encode())
            for id_ in ("000000000000001", body.get("id")):
                changed = json.dumps(body | named | {"id": id_}).encode()
                yield Sent("PUT", f"/fhir/{rtype}/000000000000001", JSON_PAIRS, changed)

    for sent, answer in send_all(requests()):
        assert 200 <= answer.status < 500, (sent, answer)


_ENTRIES = st.tuples(
    st.sampled_from(["POST", "PUT", "DELETE", "GET", "", None, 5]),
    st.text(max_size=20) | st.sampled_from(["Patient", "Patient/x", "Observation?code=a", "Patient/000000000000001", "?", "/", "Patient?_count=x"]),
    _JSON, st.sampled_from(["batch", "transaction"]), st.none() | st.text(max_size=5),
)  # fmt: skip


def test_no_bundle_makes_the_server_stumble(send_all: SendAll) -> None:
    def requests() -> Iterator[Sent]:
        for method, url, resource, kind, match in made(_ENTRIES, _MANY):
            entry = {"fullUrl": url, "resource": resource, "request": {"method": method, "url": url, "ifMatch": match}}
            bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry]}
            yield Sent("POST", "/fhir", JSON_PAIRS, json.dumps(bundle).encode())

    for sent, answer in send_all(requests()):
        assert 200 <= answer.status < 500, (sent, answer)
        for one in json.loads(answer.body).get("entry", []):
            assert not one["response"]["status"].startswith("5"), (sent, one)


_NAMES = st.sampled_from(
    ["_id", "code", "date", "value-quantity", "subject", "patient", "_lastUpdated", "_sort", "_count", "_include", "_revinclude", "_total",
     "subject:Patient.name", "_has:Provenance:target:agent", "code:not", "code:missing", "status", "identifier", "url", "_profile", "_cursor",
     "_summary", "_elements", "encounter", "family", "birthdate", "_has", "code:text", "_format", "_tag", "component-code", "code-value-quantity"]
)  # fmt: skip
_VALUES = st.text(max_size=12) | st.sampled_from(
    ["a|b", "|", "\\", "2024", "gt2024-02-30", "ge0000", "le9999-12-31", "5.4|http://x|mg", "1e400", "-", "Patient/", "Patient/000000000000001",
     "*", "Observation:subject", "Observation:*", "true", "accurate", "-date,code", "\x00", "a\x00b", "0", "99999999999999999999", "%", "ap5", "eq1e-9"]
)  # fmt: skip


_SEARCHES = st.tuples(
    st.sampled_from(["Observation", "Patient", "Task", "Organization", "ValueSet"]),
    st.lists(st.tuples(_NAMES, _VALUES), max_size=4), st.booleans(),
)  # fmt: skip


def test_no_search_makes_the_server_stumble(send_all: SendAll, patient: str) -> None:
    def requests() -> Iterator[Sent]:
        for rtype, pairs, lenient in made(_SEARCHES, _MANY):
            headers = (("Prefer", "handling=lenient"),) if lenient else ()
            chart = ("patient" if rtype in ("Observation", "Task") else "_id", patient)
            for asked in (pairs, [*pairs, chart]):
                yield Sent("GET", f"/fhir/{rtype}?{urlencode(asked)}", headers)
            form = (*headers, ("Content-Type", "application/x-www-form-urlencoded"))
            yield Sent("POST", f"/fhir/{rtype}/_search", form, urlencode(pairs).encode())

    for sent, answer in send_all(requests()):
        assert 200 <= answer.status < 500, (sent, answer)


_ADDRESSES = st.tuples(
    st.lists(st.text(max_size=15) | st.sampled_from(["Patient", "_history", "_search", "metadata", "000000000000001", "²", "0", ".."]), max_size=5),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
    st.sampled_from(["If-Match", "If-None-Match", "Prefer", "Accept", "Content-Type"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=12),
)  # fmt: skip


def test_no_address_makes_the_server_stumble(send_all: SendAll) -> None:
    def requests() -> Iterator[Sent]:
        for path, method, name, value in made(_ADDRESSES, _MANY):
            url = "/".join(quote(part, safe="", errors="replace") for part in ("fhir", *path))
            yield Sent(method, f"/{url}", (*JSON_PAIRS, (name, value)))

    for sent, answer in send_all(requests()):
        assert 200 <= answer.status < 500, (sent, answer)


def test_a_search_for_somebody_who_cannot_be_finds_nothing(demo_site: Site) -> None:
    with demo_site.fhir(GP) as gp:
        for value in ("000000000000001", "x", "Patient/x", "a" * 300, "\x00"):
            answer = gp.get("/Observation", params={"patient": value})
            assert answer.status_code in (400, 403) or "entry" not in answer.json()
