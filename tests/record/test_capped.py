"""Scopes are a ceiling over everything that an app's token does at /fhir, evaluated by the search engine itself."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

import httpx
import pytest

from fellesjournal.access.gate import gates_of
from fellesjournal.app import Open, create_app
from fellesjournal.identity.apps import read_scopes
from fellesjournal.identity.apps.scopes import BadScope, is_within, narrowed
from fellesjournal.record.capped import CappedJournal
from fellesjournal.record.gathering import Gathering
from fellesjournal.record.journal import Journal
from tests.apps import register
from tests.record.samples import JSON, weight
from tests.site import DIABETIC, ELDERLY, GP, Site

LAB, VITAL = "category=laboratory", "category=vital-signs"
STATELESS = ("$validate",)
"""What looks at what was sent alone."""
EVERYTHING = "patient/*.cruds user/*.cruds"


@pytest.fixture(scope="module")
def token(demo_site: Site) -> Any:
    """Gives a client of /fhir with a token of these scopes, of the GP, launched for a patient when they name one."""
    app = register(demo_site, "omfang-app", scope=f"openid launch/patient {EVERYTHING}")
    opened: list[httpx.Client] = []

    def make(scope: str, *, patient: str = "", name: str = GP) -> httpx.Client:
        with demo_site.client(name) as browser:
            found = app.enter(browser, scope, patient=patient)
        assert set(found["scope"].split()) == set(scope.split())
        opened.append(app.fhir(found["access_token"]))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def ids_of(answer: httpx.Response, rtype: str = "") -> set[str]:
    assert answer.status_code == 200, answer.text
    rows = [entry["resource"] for entry in answer.json().get("entry", [])]
    return {
        row["id"] for row in rows if row["resourceType"] != "OperationOutcome" and rtype in ("", row["resourceType"])
    }


def types_of(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {entry["resource"]["resourceType"] for entry in answer.json().get("entry", [])}


def test_a_scope_with_a_parameter_holds_what_that_search_finds(demo_site: Site, token: Any) -> None:
    patient = demo_site.patient_id(DIABETIC)
    about = {"patient": patient, "_count": "1000"}
    with demo_site.fhir(GP) as person:
        labs, vitals = (
            ids_of(person.get("/Observation", params={**about, "category": one}))
            for one in ("laboratory", "vital-signs")
        )
        everything = ids_of(person.get("/Observation", params=about))
    assert labs
    assert vitals
    fhir = token(f"user/Observation.rs?{LAB}")
    assert ids_of(fhir.get("/Observation", params=about)) == labs & everything
    assert ids_of(fhir.get("/Observation", params={**about, "category": "vital-signs"})) == set()
    total = fhir.get("/Observation", params={**about, "_summary": "count"}).json()["total"]
    assert total == len(labs)
    assert fhir.get(f"/Observation/{next(iter(labs))}").status_code == 200
    hidden = next(iter(vitals - labs))
    absent = fhir.get("/Observation/000000000000001")
    for path in (f"/Observation/{hidden}", f"/Observation/{hidden}/_history/1", f"/Observation/{hidden}/$meta"):
        assert fhir.get(path).status_code == absent.status_code == 404
    assert fhir.get(f"/Observation/{hidden}").json() == absent.json()
    assert fhir.get(f"/Observation/{next(iter(labs))}/_history").status_code == 403
    both = token(f"user/Observation.rs?{LAB} user/Observation.s?{VITAL}")
    assert ids_of(both.get("/Observation", params=about)) == labs | vitals
    assert both.get(f"/Observation/{hidden}").status_code == 404


def test_what_a_question_looks_at_is_bounded_as_well(demo_site: Site, token: Any) -> None:
    patient = demo_site.patient_id(DIABETIC)
    with demo_site.fhir(GP) as person:
        page = person.get("/Observation", params={"patient": patient, "category": "vital-signs", "_count": "1"})
        code = page.json()["entry"][0]["resource"]["code"]["coding"][0]["code"]
        has = {"_id": patient, "_has:Observation:patient:code": code}
        assert ids_of(person.get("/Patient", params=has)) == {patient}
    fhir = token(f"user/Patient.rs user/Observation.rs?{LAB}")
    assert ids_of(fhir.get("/Patient", params=has)) == set()
    assert token("user/Patient.rs").get("/Patient", params=has).status_code == 403
    chained = {"patient": patient, "subject:Patient.birthdate": "gt1900-01-01"}
    assert token("user/Observation.rs").get("/Observation", params=chained).status_code == 403
    assert ids_of(fhir.get("/Observation", params=chained))
    filtered = {"_id": patient, "_filter": f"_has:Observation:patient:code eq {code}"}
    assert fhir.get("/Patient", params=filtered).status_code in (200, 400)


def test_what_comes_along_is_bounded_as_well(demo_site: Site, token: Any) -> None:
    patient = demo_site.patient_id(DIABETIC)
    asked = {"_id": patient, "_revinclude": "Observation:patient", "_include": "*"}
    with demo_site.fhir(GP) as person:
        assert {"Patient", "Observation", "Practitioner"} & types_of(person.get("/Patient", params=asked)) >= {
            "Patient",
            "Observation",
        }
    assert types_of(token("user/Patient.rs").get("/Patient", params=asked)) == {"Patient"}
    narrow = token(f"user/Patient.rs user/Observation.rs?{LAB}").get("/Patient", params=asked)
    assert types_of(narrow) == {"Patient", "Observation"}
    kinds = [e["resource"] for e in narrow.json()["entry"] if e["resource"]["resourceType"] == "Observation"]
    assert {c["code"] for one in kinds for cat in one["category"] for c in cat["coding"]} == {"laboratory"}
    further = {**asked, "_include:iterate": "Observation:performer"}
    assert types_of(token(f"user/Patient.rs user/Observation.rs?{LAB}").get("/Patient", params=further)) == {"Patient"}


def test_questions_over_several_types(demo_site: Site, token: Any) -> None:
    patient = demo_site.patient_id(DIABETIC)
    fhir = token("user/Observation.rs user/Patient.rs")
    assert types_of(fhir.get(f"/Patient/{patient}/*")) == {"Observation", "Patient"}
    assert fhir.get(f"/Patient/{patient}/Condition").status_code == 403
    assert fhir.get("/", params={"_type": "Observation,Condition", "patient": patient}).status_code == 403
    assert types_of(fhir.get(f"/Patient/{patient}/$everything")) == {"Observation", "Patient"}
    history = fhir.get("/_history", params={"patient": patient})
    assert types_of(history) <= {"Observation", "Patient"}
    assert "Observation" in types_of(history)
    assert fhir.get("/Condition/_history", params={"patient": patient}).status_code == 403
    assert fhir.get("/Observation/$lastn", params={"patient": patient, "category": "laboratory"}).status_code == 200
    narrow = token(f"user/Patient.rs user/Observation.rs?{LAB}").get(f"/Patient/{patient}/$everything")
    rows = [e["resource"] for e in narrow.json()["entry"] if e["resource"]["resourceType"] == "Observation"]
    assert {c["code"] for one in rows for cat in one["category"] for c in cat["coding"]} == {"laboratory"}


def test_an_export_holds_the_types_of_the_scopes_alone(demo_site: Site, token: Any) -> None:
    asynchronous = {"Prefer": "respond-async"}
    fhir = token("patient/Patient.rs patient/Observation.rs", name=ELDERLY)
    for params in ({"_type": "Condition"}, {"_type": "Patient,Condition"}):
        assert fhir.get("/$export", params=params, headers=asynchronous).status_code == 403
    begun = fhir.get("/$export", headers=asynchronous)
    assert begun.status_code == 202, begun.text
    types = demo_site.row("SELECT types FROM vault.export ORDER BY asked_at DESC LIMIT 1")["types"]
    assert len(types) == 2
    bounded = token(f"patient/Observation.rs?{LAB}", name=ELDERLY)
    assert bounded.get("/$export", headers=asynchronous).status_code == 403
    narrow = token("patient/Patient.rs", name=ELDERLY)
    assert fhir.get(begun.headers["content-location"]).status_code == 202
    assert narrow.get("/Observation").status_code == 403


def test_an_app_leaves_nothing_that_goes_on_without_it(demo_site: Site, token: Any) -> None:
    fhir = token("user/*.cruds")
    wanted = {"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": "Observation",
              "channel": {"type": "rest-hook", "endpoint": "https://app.example.no/hook"}}  # fmt: skip
    assert fhir.post("/Subscription", json=wanted).status_code in (400, 403, 422)
    assert fhir.post("/$import", content=b"{}", headers={"Prefer": "respond-async"}).status_code == 403
    assert demo_site.row("SELECT count(*) AS n FROM vault.import")["n"] == 0


def test_a_launch_bounds_patient_scopes_and_not_those_of_the_user(demo_site: Site, token: Any) -> None:
    own, other = demo_site.patient_id(ELDERLY), demo_site.patient_id(DIABETIC)
    fhir = token("patient/Observation.rs user/Patient.rs", patient=own)
    assert fhir.get(f"/Patient/{other}").status_code == 200
    assert ids_of(fhir.get("/Observation", params={"patient": own}))
    assert fhir.get("/Observation", params={"patient": other}).status_code == 403
    subjects = {e["resource"]["subject"]["reference"] for e in fhir.get("/Observation").json()["entry"]}
    assert subjects == {f"Patient/{own}"}
    with demo_site.fhir(GP) as person:
        others = next(iter(ids_of(person.get("/Observation", params={"patient": other, "_count": "1"}))))
    for path in (f"/Observation/{others}", f"/Observation/{others}/_history/1"):
        assert fhir.get(path).status_code == 404
    assert fhir.get(f"/Observation/{others}/_history").status_code == 403


def test_writes_are_held_before_and_after(demo_site: Site, token: Any) -> None:
    patient = demo_site.patient_id(ELDERLY)
    vital = json.loads(weight(patient))
    lab = {
        **vital,
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
        ],
    }
    vital["category"] = [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}
    ]
    fhir = token(f"user/Observation.cud?{VITAL} user/Observation.rs")
    made = fhir.post("/Observation", json=vital)
    assert made.status_code == 201, made.text
    one = made.json()["id"]
    before = demo_site.row("SELECT count(*) AS n FROM vault.history")["n"]
    assert fhir.post("/Observation", json=lab).status_code == 403
    assert fhir.put(f"/Observation/{one}", json={**lab, "id": one}).status_code == 403
    transaction = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"request": {"method": "POST", "url": "Observation"}, "resource": body} for body in (vital, lab)],
    }  # fmt: skip
    assert fhir.post("/", json=transaction).status_code == 403
    assert demo_site.row("SELECT count(*) AS n FROM vault.history")["n"] == before
    assert fhir.put(f"/Observation/{one}", json={**vital, "id": one}).status_code == 200
    assert fhir.delete(f"/Observation/{one}").status_code == 204
    reader = token("user/Observation.rs")
    with demo_site.fhir(GP) as person:
        theirs = person.post("/Observation", content=weight(patient), headers=JSON).json()["id"]
    assert reader.post("/Observation", json=vital).status_code == 403
    assert reader.delete(f"/Observation/{theirs}").status_code == 403
    assert reader.put(f"/Observation/{theirs}", json={**vital, "id": theirs}).status_code == 403
    patch = {"Content-Type": "application/json-patch+json"}
    assert (
        reader.patch(
            f"/Observation/{theirs}", content='[{"op":"add","path":"/status","value":"amended"}]', headers=patch
        ).status_code
        == 403
    )
    writer = token("user/Observation.c")
    assert writer.post("/Observation", json=vital).status_code == 201
    assert writer.post("/Observation", json=vital, headers={"If-None-Exist": f"patient={patient}"}).status_code == 403
    assert writer.get("/Observation", params={"patient": patient}).status_code == 403


def test_every_interaction_is_closed_to_a_token_without_scopes_for_it(demo_site: Site) -> None:
    """Every route of /fhir, with whatever is added to it: one that forgets the ceiling shows itself here."""
    app = register(demo_site, "uten-omfang", scope="openid")
    patient = demo_site.patient_id(ELDERLY)
    with demo_site.client(ELDERLY) as browser:
        fhir = app.fhir(app.enter(browser, "openid")["access_token"])
    seen = 0
    for method, path in asyncio.run(_fhir_routes(demo_site)):
        url = path.removeprefix("/fhir")
        for name, value in {"rtype": "Patient", "id": patient, "version": "1", "within": "Observation"}.items():
            url = url.replace(f"{{{name}}}", value)
        for more in ({}, {"patient": patient}):
            answer = fhir.request(
                method, url or "/", params=more, content=None if method == "GET" else b"{}", headers=JSON
            )
            is_stateless = path.rpartition("/")[2] in STATELESS
            assert is_stateless or 400 <= answer.status_code < 500, (method, path, answer.status_code, answer.text)
            assert "Borghild" not in answer.text
            seen += 1
    assert seen > 60
    fhir.close()


async def _fhir_routes(site: Site) -> list[tuple[str, str]]:
    open_ = await Open.connect(site.settings, site.keys)
    try:
        found = list(gates_of(create_app(open_).routes))
    finally:
        await open_.close()
    return [
        (method, path) for path, methods, gate in found if gate.kind == "fhir" for method in sorted(methods - {"HEAD"})
    ]


def test_every_door_of_the_journal_is_capped_or_gathers_alone() -> None:
    doors = {name for name, member in inspect.getmembers(Journal) if not name.startswith("_") and callable(member)}
    gathering = {name for name, member in inspect.getmembers(Gathering) if callable(member)}
    through_others = {
        "search", "ask",  # by `run`
        "create_named", "create_binary", "put", "discard",  # gathered; shown and written by `read` and `commit`
        "content",  # of a Binary that `read` has shown
        "know", "together", "apart", "wait_for",  # ids and locks; nothing is shown
    }  # fmt: skip
    capped = {name for name in doors if name in vars(CappedJournal)}
    assert doors - gathering - through_others == capped


@pytest.mark.parametrize(
    ("wanted", "allowed", "granted"),
    [
        ("patient/*.read", "patient/Observation.rs", "patient/Observation.rs"),
        ("patient/Observation.*", "patient/*.rs", "patient/Observation.rs"),
        ("patient/Observation.rs", f"patient/Observation.rs?{LAB}", f"patient/Observation.rs?{LAB}"),
        (f"patient/Observation.rs?{LAB}", "patient/Observation.rs", f"patient/Observation.rs?{LAB}"),
        ("user/Observation.rs", "patient/Observation.rs", ""),
        ("patient/Observation.cud", "patient/Observation.rs", ""),
        ("openid launch fhirUser", "openid launch/patient", "openid"),
        ("patient/*.rs", "patient/*.rs patient/Observation.rs", "patient/*.rs"),
    ],
)
def test_no_more_is_granted_than_wanted_and_allowed(wanted: str, allowed: str, granted: str) -> None:
    found = narrowed(read_scopes(wanted), read_scopes(allowed))
    assert str(found) == granted
    assert is_within(found, read_scopes(allowed))


@pytest.mark.parametrize(
    "text",
    ["patient/Observation", "patient/Observation.sr", "patient/Observation.x", "patient/observation.rs",
     "patient/*.rs?a=b",
     "practitioner/Patient.rs", "patient/Observation.read?category=x", "patient/Patient.", "x" * 3000],
)  # fmt: skip
def test_a_scope_that_can_not_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadScope):
        read_scopes(text if len(text) > 100 else f"openid {text}")


def test_the_members_of_a_list_are_as_open_as_the_list(demo_site: Site, token: Any) -> None:
    patient = demo_site.patient_id(DIABETIC)
    people = {"resourceType": "List", "status": "current", "mode": "working",
              "entry": [{"item": {"reference": f"Patient/{patient}"}}]}  # fmt: skip
    with demo_site.fhir(GP) as person:
        made = person.post("/List", json=people).json()["id"]
    asked = {"_id": patient, "_list": made}
    assert ids_of(token("user/Patient.rs user/List.rs").get("/Patient", params=asked)) == {patient}
    bound = token("launch/patient patient/Patient.rs patient/List.rs", patient=patient)
    assert ids_of(bound.get("/Patient", params=asked)) == set()
    assert token("user/Patient.rs").get("/Patient", params=asked).status_code == 403
