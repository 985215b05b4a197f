"""AuditEvent: the access log in FHIR's words, read by those who may, written by nobody."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.kit import db, ids
from fellesjournal.packages import install, read_package
from fellesjournal.record.audit_event import DISCLOSURE, PROFILE
from tests.record.samples import JSON, outcome
from tests.site import DIABETIC, ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site

Json = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def readings(demo_site: Site) -> None:
    """What the GP does in the record of ELDERLY, and a nurse who has no need."""
    me = demo_site.patient_id(ELDERLY)
    with demo_site.fhir(GP) as doctor, demo_site.fhir(LEGEVAKT_NURSE) as nurse:
        for _ in range(3):
            doctor.get("/Observation", params={"patient": me, "_count": "1"}).raise_for_status()
        doctor.get(f"/Patient/{me}").raise_for_status()
        # The municipality's contacts: the practice is a company of its own.
        doctor.get("/Encounter", params={"patient": me}).raise_for_status()
        nurse.get("/Observation", params={"patient": me})


@pytest.fixture(scope="module")
def citizen(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(ELDERLY) as opened:
        yield opened


def events(answer: httpx.Response) -> list[Json]:
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def everyone(client: httpx.Client, **asked: str) -> list[Json]:
    """All pages of a search."""
    answer = client.get("/AuditEvent", params=asked)
    found = events(answer)
    while following := [one["url"] for one in answer.json()["link"] if one["relation"] == "next"]:
        answer = client.get(following[0])
        found += events(answer)
    return found


def test_a_citizen_gets_the_own_log_as_valid_audit_events(demo_site: Site, citizen: httpx.Client) -> None:
    found = everyone(citizen)
    me = f"Patient/{demo_site.patient_id(ELDERLY)}"
    assert len(found) > 5
    for event in found:
        assert fhir.validate(event) == []
        assert event["entity"][0]["what"] == {"reference": me}
    recorded = [event["recorded"] for event in found]
    assert recorded == sorted(recorded, reverse=True)
    doctors = [event for event in found if event["agent"][0]["who"].get("display") == GP]
    reading = next(event for event in doctors if event["subtype"][0]["code"] == "search")
    assert reading["meta"]["profile"] == [PROFILE]
    assert (reading["action"], reading["outcome"]) == ("E", "0")
    contained = {one["id"]: one for one in reading["contained"]}
    assert contained["unit"]["name"] == "Tindvåg legesenter"
    assert contained["practitioner"]["identifier"][0]["system"] == "urn:oid:2.16.578.1.12.4.1.4.4"
    relation = {one["url"]: one for one in reading["extension"][1]["extension"]}
    assert relation["decision-ref-description"]["valueString"] == "Står på fastlegens liste"
    assert relation["decision-ref-user-selected"]["valueBoolean"] is False
    refused = [event for event in found if event["outcome"] == "4"]
    assert {event["agent"][0]["who"]["display"] for event in refused} == {LEGEVAKT_NURSE}


def test_no_identity_number_stands_in_an_event(demo_site: Site, citizen: httpx.Client) -> None:
    row = demo_site.row("SELECT body FROM vault.resource WHERE pid = $1", ids.decode(demo_site.patient_id(ELDERLY))[1])  # type: ignore[index]
    numbers = [one["value"] for one in fhir.parse(row["body"].encode())["identifier"]]
    text = citizen.get("/AuditEvent", params={"_count": "200"}).text
    assert numbers and not [number for number in numbers if number in text]


def test_pages_hold_each_event_once(citizen: httpx.Client) -> None:
    until = datetime.now(UTC).isoformat()
    whole = [one["id"] for one in everyone(citizen, date=f"lt{until}", _count="200")]
    paged = [one["id"] for one in everyone(citizen, date=f"lt{until}", _count="4")]
    assert whole == paged and len(set(whole)) == len(whole) > 5


def is_disclosure(event: Json) -> bool:
    return any(code["system"] == DISCLOSURE[0] for code in event["subtype"])


def test_a_disclosure_names_whose_information_was_shown(demo_site: Site, citizen: httpx.Client) -> None:
    found = [one for one in everyone(citizen, subtype="disclose") if one["agent"][0]["who"].get("display") == GP]
    assert found
    for event in found:
        (custodian,) = [one for one in event["agent"] if "type" in one]
        assert custodian["type"]["coding"][0]["code"] == "CST"
        assert custodian["who"]["display"] == "Tindvåg kommune"
        assert custodian["requestor"] is False
    with demo_site.client(ELDERLY) as me:
        token = re.search(r'name="csrf-token" content="([^"]+)"', me.get("/min-journal/innsyn").text)
        shown = me.post("/min-journal/innsyn", data={"hva": "disclosed", "csrf_token": token[1] if token else ""}).text
    assert "Utlevert fra Tindvåg kommune til Tindvåg legesenter AS" in shown
    assert LEGEVAKT_NURSE not in shown


@pytest.mark.parametrize(
    ("asked", "takes"),
    [
        ({"action": "R"}, lambda e: e["action"] == "R"),
        ({"action": "E"}, lambda e: e["action"] == "E"),
        ({"action": "U,R"}, lambda e: e["action"] in "UR"),
        ({"action": "C"}, lambda _: False),
        ({"outcome": "4"}, lambda e: e["outcome"] == "4"),
        ({"outcome": "0"}, lambda e: e["outcome"] == "0"),
        ({"subtype": "disclose"}, is_disclosure),
        ({"subtype": f"{DISCLOSURE[0]}|disclose"}, is_disclosure),
        ({"date": "ge2020-01-01"}, lambda _: True),
        ({"date": "lt2020-01-01"}, lambda _: False),
    ],
)  # fmt: skip
def test_what_narrows_finds_what_it_says(citizen: httpx.Client, asked: dict[str, str], takes: Any) -> None:
    until = (datetime.now(UTC) - timedelta(milliseconds=1)).isoformat()
    every = citizen.get("/AuditEvent", params=[("date", f"lt{until}"), ("_count", "200")])
    found = citizen.get("/AuditEvent", params=[*asked.items(), ("date", f"lt{until}"), ("_count", "200")])
    assert [one["id"] for one in events(found)] == [one["id"] for one in events(every) if takes(one)]


def test_the_same_by_form_in_the_compartment_in_xml_and_in_a_bundle(demo_site: Site, citizen: httpx.Client) -> None:
    me = demo_site.patient_id(ELDERLY)
    asked = {"action": "U", "_count": "3"}
    expected = [one["id"] for one in events(citizen.get("/AuditEvent", params=asked))]
    assert expected
    assert [one["id"] for one in events(citizen.post("/AuditEvent/_search", data=asked))] == expected
    assert [one["id"] for one in events(citizen.get(f"/Patient/{me}/AuditEvent", params=asked))] == expected
    assert [one["id"] for one in events(citizen.post(f"/Patient/{me}/AuditEvent/_search", data=asked))] == expected
    assert "<AuditEvent" in citizen.get("/AuditEvent", params={**asked, "_format": "xml"}).text
    entry = {"request": {"method": "GET", "url": "AuditEvent?action=U&_count=3"}}
    said = citizen.post("", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]}).json()["entry"][0]
    assert [one["resource"]["id"] for one in said["resource"]["entry"]] == expected


def test_one_event_is_read_by_its_id_and_anothers_is_absent(demo_site: Site, citizen: httpx.Client) -> None:
    event = events(citizen.get("/AuditEvent", params={"action": "U", "_count": "1"}))[0]
    assert citizen.get(f"/AuditEvent/{event['id']}").json() == event
    with demo_site.fhir(GP) as doctor, demo_site.fhir(TONIGHT) as other:
        assert doctor.get(f"/AuditEvent/{event['id']}").json() == event
        outcome(other.get(f"/AuditEvent/{event['id']}"), 404)
    micros, pos, patient = event["id"].split("-")
    stranger = demo_site.patient_id(TONIGHT)
    for bad in (f"{micros}-{int(pos) + 1}-{patient}", f"{micros}-{pos}-{stranger}", f"{micros}-{pos}-0", "x", "1-1-1"):
        outcome(citizen.get(f"/AuditEvent/{bad}"), 404)


def test_staff_get_the_log_of_a_patient_that_they_may_read_and_no_other(demo_site: Site) -> None:
    me, stranger = demo_site.patient_id(ELDERLY), demo_site.patient_id(TONIGHT)
    with demo_site.fhir(GP) as doctor, demo_site.fhir(LEGEVAKT_NURSE) as nurse:
        assert everyone(doctor, patient=f"Patient/{me}")
        outcome(doctor.get("/AuditEvent", params={"patient": stranger}), 403)
        outcome(nurse.get("/AuditEvent", params={"patient": me}), 403)
        # Without a patient there is nothing that they may ask about, their own doings neither.
        outcome(doctor.get("/AuditEvent"), 403)
        role = everyone(doctor, patient=me)[0]
        assert role["resourceType"] == "AuditEvent"
    with demo_site.fhir(DIABETIC) as other:
        outcome(other.get("/AuditEvent", params={"patient": me}), 403)
    row = demo_site.row("SELECT outcome, patient FROM access.log WHERE action = 'log' ORDER BY pos DESC LIMIT 1")
    assert (row["outcome"], row["patient"]) == (1, ids.decode(me)[1])  # type: ignore[index]


def test_a_reviewer_asks_by_reader_and_by_unit(demo_site: Site) -> None:
    async def appoint() -> tuple[str, str]:
        connection = await db.connect(db.admin_dsn(demo_site.settings, demo_site.keys))
        try:
            doctor = await connection.fetchrow(
                "SELECT p.practitioner, o.unit FROM identity.person p JOIN identity.post o ON o.person = p.id"
                " WHERE p.name = $1 AND o.role = 'lege'", GP,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO identity.post (person, unit, role) SELECT p.id, $2, 'reviewer' FROM identity.person p"
                " WHERE p.name = $1", "Maria Tveiten", doctor["unit"],
            )  # fmt: skip
            await connection.execute(
                "UPDATE identity.post SET until_at = now() WHERE role <> 'reviewer' AND person ="
                " (SELECT id FROM identity.person WHERE name = 'Maria Tveiten')"
            )
            return ids.encode(0, doctor["practitioner"]), ids.encode(0, doctor["unit"])
        finally:
            await connection.close()

    practitioner, unit = asyncio.run(appoint())
    with demo_site.fhir("Maria Tveiten") as reviewer:
        by_reader = everyone(reviewer, agent=f"Practitioner/{practitioner}")
        assert by_reader and {one["agent"][0]["who"]["display"] for one in by_reader} == {GP}
        by_unit = everyone(reviewer, agent=f"Organization/{unit}", date=f"ge{datetime.now(UTC):%Y-%m-%d}")
        assert {one["id"] for one in by_reader} & {one["id"] for one in by_unit}
        outcome(reviewer.get("/AuditEvent"), 403)
        outcome(reviewer.get("/AuditEvent", params={"patient": demo_site.patient_id(ELDERLY)}), 403)
        # One by its id: of what was done by the own controller's people, and of nothing else.
        assert reviewer.get(f"/AuditEvent/{by_reader[0]['id']}").json() == by_reader[0]
        with demo_site.fhir(ELDERLY) as citizen:
            nurses = next(one for one in everyone(citizen) if one["agent"][0]["who"].get("display") == LEGEVAKT_NURSE)
        outcome(reviewer.get(f"/AuditEvent/{nurses['id']}"), 404)


@pytest.mark.parametrize(
    "query",
    ["_count=x", "_cursor=x", "action=Q", "outcome=7", "date=igår", "date=qq2020", "patient=Practitioner/1", "patient=",
     "agent=Device/1", "subtype=list", "_sort=date", "_include=*", "date=ge9999-99", "patient:exact=1"],
)  # fmt: skip
def test_what_it_does_not_take_is_a_400(citizen: httpx.Client, query: str) -> None:
    outcome(citizen.get(f"/AuditEvent?{query}"), 400)


def test_what_is_not_known_is_left_out_when_asked_to_be_lenient(citizen: httpx.Client) -> None:
    answer = citizen.get("/AuditEvent?farge=rosa&_count=1", headers={"Prefer": "handling=lenient"})
    assert [one["resourceType"] for one in events(answer)] == ["AuditEvent", "OperationOutcome"]
    assert "farge" not in answer.json()["link"][0]["url"]


def test_nobody_writes_one(demo_site: Site, citizen: httpx.Client) -> None:
    event = {key: value for key, value in events(citizen.get("/AuditEvent?_count=1"))[0].items() if key != "id"}
    with demo_site.fhir() as system:
        for client in (system, citizen):
            outcome(client.post("/AuditEvent", content=fhir.encode(event), headers=JSON), 405)
            outcome(client.put("/AuditEvent/a1", content=fhir.encode({**event, "id": "a1"}), headers=JSON), 405)
        entry = {"resource": event, "request": {"method": "POST", "url": "AuditEvent"}}
        for kind in ("batch", "transaction"):
            answer = system.post("", json={"resourceType": "Bundle", "type": kind, "entry": [entry]})
            assert "405" in answer.text or answer.status_code == 405
    assert demo_site.row("SELECT 1 FROM vault.resource WHERE rtype = $1", fhir.TYPE_NUMBER["AuditEvent"]) is None


def test_what_the_capability_statement_says_of_it_is_so(citizen: httpx.Client) -> None:
    (claim,) = [
        one for one in citizen.get("/metadata").json()["rest"][0]["resource"] if one["type"] == "AuditEvent"
    ]
    assert [one["code"] for one in claim["interaction"]] == ["read", "search-type"]
    assert {one["name"] for one in claim["searchParam"]} == {"action", "agent", "date", "outcome", "patient", "subtype"}
    assert claim["supportedProfile"] == [PROFILE]
    flags = ("readHistory", "updateCreate", "conditionalCreate", "conditionalUpdate")
    assert not any(claim[name] for name in flags)
    assert {claim["conditionalRead"], claim["conditionalDelete"]} == {"not-supported"}
    assert [one["name"] for one in claim["operation"]] == ["validate"]


@pytest.mark.needs("shared")
def test_events_are_valid_by_the_national_profile(demo_site: Site, citizen: httpx.Client, shared: Path) -> None:
    async def installed() -> None:
        async with await db.Database.connect(demo_site.settings, demo_site.keys, "fj_migrate", max_size=1) as operator:
            for name in ("hl7.fhir.no.basis-2.2.4-test", "hl7.fhir.no.domain.auditevent-0.9.8"):
                await install(operator, read_package(shared / f"data/fhir-no-packages/{name}.tgz"), who="test")

    asyncio.run(installed())
    tried = [one for one in everyone(citizen) if one.get("meta", {}).get("profile") == [PROFILE]]
    assert tried
    for event in tried[:10]:
        answer = citizen.post(f"/AuditEvent/$validate?profile={PROFILE}", content=fhir.encode(event), headers=JSON)
        issues = [one for one in answer.json()["issue"] if one["severity"] in ("error", "fatal")]
        assert answer.status_code == 200 and issues == [], issues
    # The profile is really asked: without its extension an event is refused.
    broken = {key: value for key, value in tried[0].items() if key != "extension"}
    answer = citizen.post(f"/AuditEvent/$validate?profile={PROFILE}", content=fhir.encode(broken), headers=JSON)
    assert any(one["severity"] == "error" for one in answer.json()["issue"])
