# ruff: noqa: E501 - tables of what is tried read best a line each
"""Every route of the site as a stranger, as the wrong kind of reader, and as staff without a need: refused and logged."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fellesjournal.access.gate import Gate, gates_of
from fellesjournal.app import Open, create_app
from fellesjournal.kit import db, ids
from tests.record.samples import JSON, outcome, person, weight
from tests.site import ELDERLY, GP, TONIGHT, Site

pytestmark = pytest.mark.law

Door = tuple[str, str, Gate]


@pytest.fixture(scope="module")
def doors(demo_site: Site) -> list[Door]:
    """(method, address, gate) of every route that is not public."""
    return asyncio.run(_doors(demo_site))


async def _doors(site: Site) -> list[Door]:
    open_ = await Open.connect(site.settings, site.keys)
    try:
        found = list(gates_of(create_app(open_).routes))
    finally:
        await open_.close()
    assert any(gate.kind == "fhir" for _, _, gate in found)
    return [
        (method, path, gate)
        for path, methods, gate in found
        if gate.kind != "public"
        for method in sorted(methods - {"HEAD"})
    ]


@pytest.fixture(scope="module")
def stranger(demo_site: Site) -> str:
    return demo_site.patient_id(TONIGHT)


def address(path: str, patient: str) -> str:
    """A route's address with something in each of its places."""
    values = {"patient": patient, "rtype": "Patient", "id": patient, "version": "1"}
    return re.sub(r"\{([a-z_]+)(?::[a-z]+)?\}", lambda m: values.get(m[1], "000000000000001"), path)


def logged(site: Site, since: int = 0) -> list[dict[str, Any]]:
    """The rows of the access log after a position, read over a connection of its own."""

    async def read() -> list[dict[str, Any]]:
        connection = await db.connect(db.admin_dsn(site.settings, site.keys))
        try:
            return [
                dict(row)
                for row in await connection.fetch("SELECT * FROM access.log WHERE pos > $1 ORDER BY pos", since)
            ]
        finally:
            await connection.close()

    return asyncio.run(read())


def position(site: Site) -> int:
    rows = logged(site)
    return int(rows[-1]["pos"]) if rows else 0


def form_token(client: httpx.Client) -> str:
    """The token that every form carries."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/personvern").text)
    assert found
    return found[1]


def knock(client: httpx.Client, method: str, url: str, token: str = "") -> httpx.Response:
    return client.request(
        method, url, headers={"x-csrf-token": token}, data={} if method != "GET" else None, follow_redirects=False
    )


def test_without_a_session_no_door_opens(demo_site: Site, doors: list[Door], stranger: str) -> None:
    with httpx.Client(base_url=demo_site.url) as client:
        for method, path, gate in doors:
            if gate.kind == "fhir":
                answer = client.request(
                    method, address(path, stranger), headers=JSON, content=None if method == "GET" else b"{}"
                )
                outcome(answer, 401)
            else:
                answer = knock(client, method, address(path, stranger))
                assert answer.status_code in (303, 401, 403), (method, path, answer.status_code)
                assert "logg-inn" in answer.headers.get("location", "logg-inn"), path
            assert TONIGHT not in answer.text


def test_staff_without_a_need_are_refused_at_every_chart_and_it_is_logged(
    demo_site: Site, doors: list[Door], stranger: str
) -> None:
    number = ids.decode(stranger)
    assert number
    with demo_site.client(GP) as client:
        token = form_token(client)
        charts = [(method, path) for method, path, gate in doors if gate.kind == "chart"]
        assert len(charts) > 10
        for method, path in charts:
            before = position(demo_site)
            answer = knock(client, method, address(path, stranger), token)
            assert answer.status_code == 403, (method, path, answer.status_code)
            assert TONIGHT not in answer.text
            rows = logged(demo_site, before)
            assert [(row["patient"], row["outcome"]) for row in rows] == [(number[1], 1)], (method, path, rows)


def test_a_page_about_the_access_to_a_chart_tells_nothing_of_it(
    demo_site: Site, doors: list[Door], stranger: str
) -> None:
    person = demo_site.fhir(TONIGHT).get(f"/Patient/{stranger}").json()
    asking = [(method, path) for method, path, gate in doors if gate.kind == "asking"]
    assert len(asking) >= 4
    with demo_site.client(GP) as client:
        token = form_token(client)
        for method, path in asking:
            for way in ("velg", "blalys", "overstyr"):
                answer = knock(client, method, address(path.replace("{vei}", way), stranger), token)
                assert answer.status_code in (200, 403, 409), (method, path, answer.status_code)
                assert not any(word in answer.text for word in (TONIGHT, person["birthDate"])), path
        assert client.get(f"/pasienter/{stranger}").status_code == 403


def test_staff_are_refused_at_the_citizens_pages_and_citizens_at_those_of_staff(
    demo_site: Site, doors: list[Door], stranger: str
) -> None:
    own = demo_site.patient_id(ELDERLY)
    for name, kinds in ((GP, {"citizen"}), (ELDERLY, {"chart", "asking", "unit"})):
        with demo_site.client(name) as client:
            token = form_token(client)
            wrong = [(method, path) for method, path, gate in doors if gate.kind in kinds]
            assert wrong
            for method, path in wrong:
                for patient in {stranger, own} if "{patient}" in path else {own}:
                    answer = knock(client, method, address(path, patient), token)
                    assert answer.status_code == 403, (name, method, path, answer.status_code)
                    assert "Borghild" not in answer.text or name == ELDERLY


def test_every_fhir_interaction_without_a_need_is_refused_and_logged(demo_site: Site, stranger: str) -> None:
    number = ids.decode(stranger)
    assert number
    about = {"patient": stranger}
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": f"Patient/{stranger}"}}],
    }
    write = json.loads(weight(stranger))
    patch = {"Content-Type": "application/json-patch+json"}
    transaction = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "POST", "url": "Observation"}, "resource": write}],
    }
    wishes: list[tuple[str, str, dict[str, Any], set[int]]] = [
        ("GET", f"/Patient/{stranger}", {}, {404}),
        ("GET", f"/Patient/{stranger}/_history", {}, {404}),
        ("GET", f"/Patient/{stranger}/_history/1", {}, {404}),
        ("GET", "/Observation/_history", {"params": about}, {403}),
        ("GET", "/_history", {"params": about}, {403}),
        ("GET", f"/Patient/{stranger}", {"headers": {"If-None-Match": "*"}}, {404}),
        ("GET", "/Observation", {"params": about}, {403}),
        ("POST", "/Observation/_search", {"data": about}, {403}),
        ("GET", "/AuditEvent", {"params": about}, {403}),
        ("GET", f"/Patient/{stranger}/AuditEvent", {}, {403}),
        ("POST", "/Observation", {"json": write}, {403}),
        ("PUT", f"/Patient/{stranger}", {"json": person(id=stranger)}, {403}),
        ("DELETE", f"/Patient/{stranger}", {}, {404}),
        ("PATCH", f"/Patient/{stranger}", {"content": "[]", "headers": patch}, {404}),
        ("POST", "/Observation", {"json": write, "headers": {"If-None-Exist": f"patient={stranger}"}}, {403}),
        ("POST", "/Observation", {"json": write, "headers": {"Idempotency-Key": "lov"}}, {403}),
        ("PUT", "/Observation", {"json": write, "params": about}, {403}),
        ("PATCH", "/Observation", {"content": "[]", "headers": patch, "params": about}, {403}),
        ("DELETE", "/Observation", {"params": about}, {403}),
        ("POST", "", {"json": batch}, {200}),
        ("POST", "", {"json": transaction}, {403}),
    ]
    with demo_site.fhir(GP) as client:
        for method, url, more, statuses in wishes:
            before = position(demo_site)
            answer = client.request(method, url, **more)
            assert answer.status_code in statuses, (method, url, answer.text)
            assert TONIGHT not in answer.text
            rows = logged(demo_site, before)
            assert [(row["patient"], row["outcome"]) for row in rows] == [(number[1], 1)], (method, url, rows)


FHIR_BODIES = {
    "": {"resourceType": "Bundle", "type": "batch", "entry": []}, "$import": {"resourceType": "Parameters"},
    "$validate": {"resourceType": "Observation"}, "Patient": {"resourceType": "Patient"},
}  # fmt: skip


def test_no_fhir_route_shows_a_stranger_anything_of_the_patient(demo_site: Site, doors: list[Door], stranger: str) -> None:
    """Every route as registered, each id in it the stranger's own or of one of their rows: nothing comes out, nothing is logged as shown."""
    rows = demo_site.row(
        "SELECT array_agg(r.slot || ':' || r.pid) AS a FROM (SELECT DISTINCT ON (rtype) slot, pid FROM vault.resource"
        " WHERE patient = $1 AND body IS NOT NULL) r", _number(stranger),
    )["a"]  # fmt: skip
    known = [stranger, *(ids.encode(*map(int, row.split(":"))) for row in rows)]
    ways = [(method, path) for method, path, gate in doors if gate.kind == "fhir"]
    assert len(ways) > 90
    before = position(demo_site)
    with demo_site.fhir(GP) as client:
        for method, path in ways:
            for id_ in known if "{id}" in path else [stranger]:
                url = address(path.replace("{within}", "Observation"), id_).removeprefix("/fhir")
                answer = client.request(method, url, **_about(method, url, stranger))
                assert answer.status_code < 500, (method, url, answer.text)
                assert TONIGHT not in answer.text, (method, url)
    shown = [row for row in logged(demo_site, before) if row["patient"] == _number(stranger) and row["outcome"] == 0]
    assert shown == []


def _number(id_: str) -> int:
    found = ids.decode(id_)
    assert found
    return found[1]


def _about(method: str, url: str, patient: str) -> dict[str, Any]:
    """A question about the patient, or a body that names them."""
    if method == "GET":
        return {} if "$expand" in url else {"params": {"patient": patient}}
    if url.endswith("_search"):
        return {"data": {"patient": patient}}
    body = json.loads(weight(patient))
    for end, instead in FHIR_BODIES.items():
        if end and url.endswith(end):
            body = instead
    kind = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
    return {"content": json.dumps([] if method == "PATCH" else body), "headers": {"Content-Type": kind}}


def test_doors_of_a_role_are_closed_to_everybody_else(demo_site: Site, doors: list[Door], stranger: str) -> None:
    """Administration, the reviewer's pages and SCIM, for staff who treat, for a citizen, and with a treating doctor's token."""
    closed = [(method, path) for method, path, gate in doors if gate.kind in ("administrator", "reviewer")]
    assert len(closed) > 25 and {path.split("/")[1] for _, path in closed} >= {"administrasjon", "kontroll", "apper"}
    for name in (GP, ELDERLY):
        with demo_site.client(name) as client:
            token = form_token(client)
            for method, path in closed:
                answer = knock(client, method, address(path, stranger), token)
                assert answer.status_code == 403, (name, method, path, answer.status_code)
    systems = [(method, path) for method, path, gate in doors if gate.kind == "system"]
    assert len(systems) > 15
    with demo_site.fhir(GP) as fhir, demo_site.client(GP) as client:
        for method, path in systems:
            url = demo_site.url + address(path, stranger)
            for who in (fhir, client):
                assert who.request(method, url, follow_redirects=False).status_code == 401, (method, path)


def test_every_kind_of_door_is_walked(doors: list[Door]) -> None:
    """A new kind of gate needs a stranger of its own in this file."""
    walked = {"fhir", "chart", "asking", "unit", "citizen", "administrator", "reviewer", "system"}
    # Of what the person who is signed in did themselves; whoever is not is refused by the first test.
    assert {gate.kind for _, _, gate in doors} == walked | {"signed_in"}


def test_the_log_is_there_when_the_answer_comes(demo_site: Site, doors: list[Door]) -> None:
    """Each showing of a chart, by page and by FHIR: who, of whom, what, and on which ground."""
    own = demo_site.patient_id(ELDERLY)
    number = ids.decode(own)
    assert number
    with demo_site.client(GP) as client:
        for method, path, gate in doors:
            if gate.kind != "chart" or method != "GET" or "{" in path.replace("{patient}", ""):
                continue
            before = position(demo_site)
            answer = client.get(address(path, own))
            rows = logged(demo_site, before)
            assert answer.status_code == 200, (path, answer.status_code)
            assert {row["patient"] for row in rows if row["outcome"] == 0} >= {number[1]}, path
            assert {row["ground"] for row in rows if row["patient"] == number[1]} <= {
                "FASTLEGE",
                "PLANOPP",
                "POLBESOK",
                "ARBFLYT",
            }
    with demo_site.fhir(GP) as fhir:
        made = fhir.post("/Observation", content=weight(own), headers=JSON).json()["id"]
        wishes: list[tuple[str, Callable[[], httpx.Response]]] = [
            ("read", lambda: fhir.get(f"/Observation/{made}")),
            ("read", lambda: fhir.get(f"/Observation/{made}/_history/1")),
            ("history", lambda: fhir.get(f"/Observation/{made}/_history")),
            ("search", lambda: fhir.get("/Observation", params={"patient": own, "_id": made})),
            ("list", lambda: fhir.get("/Observation", params={"_id": made})),
            ("write", lambda: fhir.put(f"/Observation/{made}", json=json.loads(weight(own)) | {"id": made})),
        ]
        pid = ids.decode(made)
        assert pid
        for action, ask in wishes:
            before = position(demo_site)
            answer = ask()
            rows = logged(demo_site, before)
            assert answer.status_code == 200, (action, answer.text)
            assert [(row["action"], row["patient"], row["what"], row["outcome"]) for row in rows] == [
                (action, number[1], [pid[1]], 0)
            ]
            assert rows[0]["ground"] and rows[0]["person"] and rows[0]["unit"] and rows[0]["role"] == "lege"
