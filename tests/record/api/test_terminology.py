"""The operations of terminology at /fhir: over what is installed, what is sent along, and what stands in the record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.kit import db
from fellesjournal.packages import install, read_package
from fellesjournal.packages import library as library_module
from fellesjournal.terminology import on_install
from tests.packages.making import package
from tests.record.samples import make, make_person, outcome, weight
from tests.site import GP, Site
from tests.terminology.making import OTHER, SETS, URL, animals, colours, of, value_set

Json = dict[str, Any]
ICPC2 = "urn:oid:2.16.578.1.12.4.1.1.7170"
GENDER = "http://hl7.org/fhir/administrative-gender"
MAP: Json = {
    "resourceType": "ConceptMap", "id": "m", "url": f"{SETS}m", "status": "active", "sourceUri": f"{SETS}all",
    "group": [{"source": URL, "target": OTHER, "element": [
        {"code": "dog", "target": [{"code": "red", "display": "Red", "equivalence": "wider"}]},
        {"code": "bird", "target": [{"equivalence": "unmatched"}]},
    ]}],
}  # fmt: skip


@pytest.fixture(scope="module")
def installed(demo_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Animals, colours, value sets of them, a map between them."""
    patch = pytest.MonkeyPatch()
    patch.setattr(library_module, "FRESH_S", 0.0)
    made = read_package(
        package(tmp_path_factory.mktemp("p"), animals(), colours(), MAP, value_set("all", of()),
                value_set("dogs", of(filter=("concept", "is-a", "dog"))), value_set("loinc", of("http://loinc.org")))
    )  # fmt: skip

    async def put() -> None:
        async with await db.Database.connect(demo_site.settings, demo_site.keys, "fj_migrate", max_size=1) as operator:
            await install(operator, made, who="test", then=[on_install])

    asyncio.run(put())
    yield
    patch.undo()


@pytest.fixture
def gp(demo_site: Site, installed: None) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


@pytest.fixture
def writer(demo_site: Site, installed: None) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def answered(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    assert fhir.validate(fhir.parse(answer.content)) == []
    return dict(answer.json())


def told(answer: httpx.Response) -> dict[str, Any]:
    """The single values of Parameters, by name."""
    return {
        one["name"]: next((value for key, value in one.items() if key != "name"), None)
        for one in answered(answer)["parameter"]
    }


def codes(answer: httpx.Response) -> list[str]:
    return [one["code"] for one in answered(answer)["expansion"].get("contains", [])]


def posted(client: httpx.Client, path: str, **values: Any) -> httpx.Response:
    """A call with Parameters; `resource__` and `value…__` before a name say where its value stands."""
    listed = [
        {"name": name.partition("__")[2].replace("_", "-"), name.partition("__")[0]: value}
        for name, value in values.items()
    ]
    return client.post(path, json={"resourceType": "Parameters", "parameter": listed})


def test_a_value_set_is_expanded_by_its_address_page_by_page(gp: httpx.Client) -> None:
    whole = codes(gp.get("/ValueSet/$expand", params={"url": f"{SETS}all"}))
    assert whole == ["mammal", "dog", "poodle", "whale", "bird", "dodo", "A1.2"]
    page = gp.get("/ValueSet/$expand", params={"url": f"{SETS}all", "offset": 2, "count": 3})
    assert codes(page) == whole[2:5] and page.json()["expansion"]["total"] == 7
    assert codes(gp.get("/ValueSet/$expand", params={"url": f"{SETS}all", "count": 0})) == []
    assert codes(gp.get("/ValueSet/$expand", params={"url": f"{SETS}dogs"})) == ["dog", "poodle"]
    assert codes(gp.get("/ValueSet/$expand", params={"url": f"{URL}?fhir_vs=isa/bird"})) == ["bird", "dodo"]


def test_what_is_typed_finds_codes_in_the_reader_s_language(gp: httpx.Client) -> None:
    asked = {"url": f"{SETS}all", "filter": "hu", "displayLanguage": "nb"}
    (hit,) = answered(gp.get("/ValueSet/$expand", params=asked))["expansion"]["contains"]
    assert hit["code"] == "dog" and hit["display"] == "Hund"
    asked = {"url": f"{SETS}all", "filter": "a12"}
    assert codes(gp.get("/ValueSet/$expand", params=asked)) == ["A1.2"]
    header = gp.get("/ValueSet/$expand", params={"url": f"{SETS}dogs"}, headers={"Accept-Language": "nn-NO, nb;q=0.8"})
    assert [one["display"] for one in header.json()["expansion"]["contains"]] == ["Hund", "Puddel"]
    icpc = gp.get("/ValueSet/$expand", params={"url": f"{ICPC2}?fhir_vs", "filter": "hos", "count": 3})
    assert answered(icpc)["expansion"]["contains"][0]["system"] == ICPC2


def test_a_value_set_that_is_sent_along_is_expanded(gp: httpx.Client) -> None:
    own = value_set("own", of(URL, "whale"), of("http://example.test/cs", "x"))
    assert codes(posted(gp, "/ValueSet/$expand", resource__valueSet=own)) == ["whale", "x"]
    system = {**animals(), "url": "http://example.test/sent", "version": "1"}
    using = value_set("using", of("http://example.test/sent", filter=("concept", "is-a", "bird")))
    params = {"resourceType": "Parameters", "parameter": [
        {"name": "valueSet", "resource": using}, {"name": "tx-resource", "resource": system},
    ]}  # fmt: skip
    assert codes(gp.post("/ValueSet/$expand", json=params)) == ["bird", "dodo"]


def test_a_code_is_held_against_a_value_set(gp: httpx.Client) -> None:
    asked = {"url": f"{SETS}dogs", "system": URL, "code": "poodle", "displayLanguage": "nb"}
    assert told(gp.get("/ValueSet/$validate-code", params=asked)) == {"result": True, "display": "Puddel"}
    wrong = told(gp.get("/ValueSet/$validate-code", params={**asked, "code": "whale"}))
    assert wrong["result"] is False and wrong["message"]
    concept = {"coding": [{"system": URL, "code": "whale"}, {"system": URL, "code": "dog"}]}
    asked_at = "/ValueSet/$validate-code"
    both = posted(gp, asked_at, valueUri__url=f"{SETS}dogs", valueCodeableConcept__codeableConcept=concept)
    assert told(both)["result"] is True
    unknown = told(gp.get("/ValueSet/$validate-code",
                          params={"url": f"{SETS}loinc", "system": "http://loinc.org", "code": "1-8"}))  # fmt: skip
    assert unknown["result"] is False and "loinc" in unknown["message"]
    r4 = {"url": "http://hl7.org/fhir/ValueSet/administrative-gender", "system": GENDER, "code": "female"}
    assert told(gp.get("/ValueSet/$validate-code", params=r4))["result"] is True


def test_a_code_is_looked_up_with_its_relatives(gp: httpx.Client) -> None:
    found = answered(gp.get("/CodeSystem/$lookup", params={"system": URL, "code": "dog", "displayLanguage": "nb"}))
    named = {one["name"]: one for one in found["parameter"]}
    assert named["display"]["valueString"] == "Hund" and named["version"]["valueString"] == "2"
    parts = [one["part"] for one in found["parameter"] if one["name"] == "property"]
    relatives = {(part[0]["valueCode"], part[1].get("valueCode")) for part in parts}
    assert {("parent", "mammal"), ("child", "poodle")} <= relatives
    coding = posted(gp, "/CodeSystem/$lookup", valueCoding__coding={"system": URL, "code": "whale"})
    assert told(coding)["display"] == "Whale"
    outcome(gp.get("/CodeSystem/$lookup", params={"system": URL, "code": "unicorn"}), 404)
    outcome(gp.get("/CodeSystem/$lookup", params={"system": "http://loinc.org", "code": "1-8"}), 404)


def test_how_codes_stand_to_each_other(gp: httpx.Client) -> None:
    asked = {"system": URL, "codeA": "mammal", "codeB": "poodle"}
    assert told(gp.get("/CodeSystem/$subsumes", params=asked)) == {"outcome": "subsumes"}
    dodo, bird = ({"system": URL, "code": code} for code in ("dodo", "bird"))
    codings = posted(gp, "/CodeSystem/$subsumes", valueCoding__codingA=dodo, valueCoding__codingB=bird)
    assert told(codings) == {"outcome": "subsumed-by"}
    outcome(gp.get("/CodeSystem/$subsumes", params={"system": URL, "codeA": "dog"}), 400)


def test_a_code_is_translated(gp: httpx.Client) -> None:
    def match(answer: httpx.Response) -> tuple[bool, list[Any]]:
        found = answered(answer)["parameter"]
        parts = [{one["name"]: one for one in each["part"]} for each in found if each["name"] == "match"]
        return found[0]["valueBoolean"], [
            (one["equivalence"]["valueCode"], one.get("concept", {}).get("valueCoding", {}).get("code"))
            for one in parts
        ]

    for more in ({"url": f"{SETS}m"}, {}, {"targetsystem": OTHER}, {"source": f"{SETS}all"}):
        asked = {"system": URL, "code": "dog", **more}
        assert match(gp.get("/ConceptMap/$translate", params=asked)) == (True, [("wider", "red")])
    bird = gp.get("/ConceptMap/$translate", params={"system": URL, "code": "bird"})
    assert match(bird) == (False, [("unmatched", None)])
    backwards = {"system": OTHER, "code": "red", "reverse": "true"}
    assert match(gp.get("/ConceptMap/$translate", params=backwards)) == (True, [("narrower", "dog")])
    assert match(gp.get("/ConceptMap/$translate", params={"system": URL, "code": "whale"})) == (False, [])


def test_value_sets_and_systems_of_the_record_are_used_too(writer: httpx.Client) -> None:
    system = {**colours(), "url": "http://example.test/own-colours", "id": None}
    made = writer.post("/CodeSystem", json={key: value for key, value in system.items() if value is not None})
    assert made.status_code == 201, made.text
    own = value_set("mine", of("http://example.test/own-colours"))
    place = writer.post("/ValueSet", json={key: value for key, value in own.items() if key != "id"}).json()["id"]
    for address in (f"/ValueSet/{place}/$expand", f"/ValueSet/$expand?url={SETS}mine"):
        assert codes(writer.get(address)) == ["red", "green", "blue"]
    known = {"code": "blue", "system": "http://example.test/own-colours"}
    assert told(writer.get(f"/ValueSet/{place}/$validate-code", params=known))["result"] is True
    address = f"/CodeSystem/{made.json()['id']}"
    assert told(writer.get(f"{address}/$validate-code", params={"code": "blue"}))["result"] is True
    asked = {"codeA": "red", "codeB": "blue"}
    assert told(writer.get(f"{address}/$subsumes", params=asked)) == {"outcome": "not-subsumed"}


def test_an_installed_resource_is_asked_under_its_number(gp: httpx.Client) -> None:
    place = gp.get("/ValueSet", params={"url": f"{SETS}dogs"}).json()["entry"][0]["resource"]["id"]
    assert codes(gp.get(f"/ValueSet/{place}/$expand")) == ["dog", "poodle"]
    place = gp.get("/CodeSystem", params={"url": URL}).json()["entry"][0]["resource"]["id"]
    assert told(gp.get(f"/CodeSystem/{place}/$validate-code", params={"code": "dog"}))["result"] is True
    place = gp.get("/ConceptMap", params={"url": f"{SETS}m"}).json()["entry"][0]["resource"]["id"]
    assert told(gp.get(f"/ConceptMap/{place}/$translate", params={"code": "dog", "system": URL}))["result"] is True


@pytest.mark.parametrize(("path", "status"), [
    ("ValueSet/$expand", 400),
    ("ValueSet/$expand?url=http://example.test/nowhere", 404),
    (f"ValueSet/$expand?url={SETS}loinc", 422),
    (f"ValueSet/$expand?url={SETS}all&count=-1", 400),
    (f"ValueSet/$expand?url={SETS}all&offset=x", 400),
    (f"ValueSet/$expand?url={SETS}all&url={SETS}dogs", 400),
    (f"ValueSet/$expand?url={SETS}all&nonsense=1", 400),
    (f"ValueSet/$expand?url={SETS}all&activeOnly=perhaps", 400),
    (f"ValueSet/$validate-code?url={SETS}all", 400),
    (f"ValueSet/$validate-code?url={SETS}all&coding=x", 400),
    ("ValueSet/aaaaaaaaaaaaaaa/$expand", 404),
    ("CodeSystem/$lookup?code=dog", 400),
    ("CodeSystem/$lookup?code=dog&system=a%00b", 400),
    (f"CodeSystem/$lookup?code=%00&system={URL}", 404),
    (f"ValueSet/$expand?url={SETS}all&filter=%00", 200),
    (f"ValueSet/$validate-code?url={SETS}all&system={URL}&code=a%00b", 200),
    ("ConceptMap/$translate?code=dog", 400),
    ("ConceptMap/$translate?code=dog&system=a&url=http://example.test/nowhere", 404),
])  # fmt: skip
def test_what_can_not_be_answered_is_said(gp: httpx.Client, path: str, status: int) -> None:
    answer = gp.get(f"/{path}")
    assert answer.status_code == status, answer.text
    if status != 200:
        outcome(answer, status)


def test_resources_that_make_no_sense_are_refused(gp: httpx.Client) -> None:
    circle = [value_set("a", {"valueSet": [f"{SETS}b"]}), value_set("b", {"valueSet": [f"{SETS}a"]})]
    params = {"resourceType": "Parameters", "parameter": [
        {"name": "url", "valueUri": f"{SETS}a"}, *({"name": "tx-resource", "resource": one} for one in circle),
    ]}  # fmt: skip
    outcome(gp.post("/ValueSet/$expand", json=params), 422)
    bad = value_set("bad", of(filter=("concept", "regex", "((((")))
    outcome(posted(gp, "/ValueSet/$expand", resource__valueSet=bad), 422)
    outcome(posted(gp, "/ValueSet/$expand", resource__valueSet=animals()), 400)
    outcome(posted(gp, "/CodeSystem/$lookup", valueCoding__coding={"system": URL}), 400)


def test_nobody_without_a_token_is_answered(demo_site: Site, gp: httpx.Client) -> None:
    answer = httpx.get(str(gp.base_url) + "ValueSet/$expand", params={"url": f"{SETS}all"})
    assert answer.status_code == 401


def test_what_is_here_is_told(gp: httpx.Client) -> None:
    stated = gp.get("/metadata", params={"mode": "terminology"})
    listed = {one["uri"]: one for one in answered(stated)["codeSystem"]}
    assert listed[URL]["version"] == [{"code": "2"}] and {ICPC2, GENDER, OTHER} <= listed.keys()
    outcome(gp.get("/metadata", params={"mode": "x"}), 400)
    statement = answered(gp.get("/metadata"))
    (value_sets,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "ValueSet"]
    assert {"expand", "validate-code"} <= {one["name"] for one in value_sets["operation"]}


def test_a_search_asks_for_the_codes_of_value_sets_and_of_hierarchies(writer: httpx.Client) -> None:
    patient = make_person(writer, "Kodesen")
    made = {}
    for code in ("dog", "poodle", "whale", "dodo"):
        body = json.loads(weight(patient)) | {"code": {"coding": [{"system": URL, "code": code}]}}
        made[make(writer, "Observation", json.dumps(body).encode())] = code

    def found(**asked: str) -> list[str]:
        asked = {name.replace("__", ":"): value for name, value in asked.items()}
        bundle = answered(writer.get("/Observation", params={"patient": patient, **asked}))
        return sorted(made[entry["resource"]["id"]] for entry in bundle.get("entry", []))

    assert found(code__in=f"{SETS}dogs") == ["dog", "poodle"] == found(code__below=f"{URL}|dog")
    assert found(**{"code:not-in": f"{SETS}dogs"}) == ["dodo", "whale"]
    assert found(code__above=f"{URL}|poodle") == ["dog", "poodle"]
    assert found(code__in=f"{SETS}all") == sorted(made.values())
    assert found(_filter=f'code in "{SETS}dogs" or code sb {URL}|bird') == ["dodo", "dog", "poodle"]
    statuses = "http://hl7.org/fhir/ValueSet/observation-status"
    assert found(code__in=f"{SETS}dogs", status__in=statuses) == ["dog", "poodle"]
    first = writer.get("/Observation", params={"patient": patient, "code:in": f"{SETS}all", "_count": 3})
    following = next(link["url"] for link in first.json()["link"] if link["relation"] == "next")
    assert len(first.json()["entry"]) == 3 and len(answered(writer.get(following))["entry"]) == 1
    own = value_set("sea", of(URL, "whale"))
    place = writer.post("/ValueSet", json={key: value for key, value in own.items() if key != "id"}).json()["id"]
    for name in (f"ValueSet/{place}", f"{SETS}sea", f"{writer.base_url}ValueSet/{place}"):
        assert found(code__in=name) == ["whale"]


@pytest.mark.parametrize("asked", [
    {"code:in": f"{SETS}nowhere"}, {"code:in": "ValueSet/aaaaaaaaaaaaaaa"}, {"code:not-in": "ValueSet/nobody"},
    {"code:below": f"{URL}|unicorn"}, {"code:below": "http://loinc.org|1-8"}, {"code:above": "dog"},
    {"date:in": f"{SETS}all"}, {"code:in": "\ud7ff\u2028 x"},
    {"code:in": "http://unitsofmeasure.org?fhir_vs=isa/mg"},
])  # fmt: skip
def test_a_search_for_codes_that_can_not_be_told_is_refused(gp: httpx.Client, asked: dict[str, str]) -> None:
    for more in ({}, {"patient": "aaaaaaaaaaaaaaa"}):
        outcome(gp.get("/Observation", params={**more, **asked}), 400)
