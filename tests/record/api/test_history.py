# ruff: noqa: E501 - tables of what is tried read best a line each
"""History of a resource, of a type and of everything, as each kind of reader meets it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.kit import db, ids
from tests.record.samples import make, make_person, outcome, weight
from tests.site import DIABETIC, ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site

WITHHELD = b',"meta":{"security":[{"system":"urn:oid:2.16.578.1.12.4.1.1.9603","code":"UD"}]}'


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


@pytest.fixture
def patient(client: httpx.Client) -> str:
    return make_person(client)


def put(client: httpx.Client, id_: str, body: bytes) -> httpx.Response:
    answer = client.put(f"/Observation/{id_}", json=json.loads(body) | {"id": id_})
    assert answer.status_code == 200, answer.text
    return answer


def entries(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert fhir.validate(fhir.parse(answer.content)) == []
    return list(answer.json().get("entry", []))


def seen(answer: httpx.Response) -> list[tuple[str, str, str]]:
    """(method, path, version) of each entry."""
    return [
        (e["request"]["method"], e["fullUrl"].partition("/fhir/")[2], e["response"]["etag"]) for e in entries(answer)
    ]


def following(answer: httpx.Response) -> str:
    links: list[str] = [link["url"] for link in answer.json()["link"] if link["relation"] == "next"]
    return links[0] if links else ""


def every(client: httpx.Client, url: str) -> list[tuple[str, str, str]]:
    """The entries of all pages."""
    found: list[tuple[str, str, str]] = []
    while url:
        answer = client.get(url)
        found += seen(answer)
        url = following(answer)
    return found


def log_since(site: Site, position: int) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        connection = await db.connect(db.admin_dsn(site.settings, site.keys))
        try:
            rows = await connection.fetch("SELECT * FROM access.log WHERE pos > $1 ORDER BY pos", position)
            return [dict(row) for row in rows]
        finally:
            await connection.close()

    return asyncio.run(read())


def position(site: Site) -> int:
    return max((row["pos"] for row in log_since(site, 0)), default=0)


# ── Of one resource ──────────────────────────────────────────────────────────────────────────────


def test_since_and_at_choose_versions_by_time(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient, "1"))
    for value in ("2", "3"):
        put(client, id_, weight(patient, value))
    client.delete(f"/Observation/{id_}")
    url = f"/Observation/{id_}/_history"
    stamps = {e["response"]["etag"]: e["response"]["lastModified"] for e in entries(client.get(url))}
    second, third, gone = stamps['W/"2"'], stamps['W/"3"'], stamps['W/"4"']

    def etags(**params: str) -> list[str]:
        return [e["response"]["etag"] for e in entries(client.get(url, params=params))]

    assert etags(_since=second) == ['W/"4"', 'W/"3"', 'W/"2"']
    assert etags(_since="2999") == []
    assert etags(_at=second) == ['W/"2"']
    assert etags(_at=third) == ['W/"3"']
    assert etags(_at=gone) == ['W/"4"']
    assert etags(_at="2999") == []
    assert etags(_at="2001") == []
    assert etags(_at=second[:4]) == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']


@pytest.mark.parametrize(
    "params",
    [
        {"_list": "List/1"}, {"_at": "i går"}, {"_since": ""}, {"_since": "2026-13-01"}, {"_count": "0"}, {"_count": "-1"},
        {"_count": "²"}, {"_sort": "_lastUpdated"}, {"patient": "x"}, {"_cursor": "x"}, {"_cursor": "A" * 66}, {"_cursor": "æ"},
    ],
)  # fmt: skip
def test_what_a_history_is_not_asked_for_by_is_refused(
    client: httpx.Client, patient: str, params: dict[str, str]
) -> None:
    outcome(client.get(f"/Patient/{patient}/_history", params=params), 400)
    if "patient" not in params:
        outcome(client.get("/Patient/_history", params=params | {"patient": patient}), 400)


def test_a_list_is_refused_also_when_unknown_parameters_are_let_pass(client: httpx.Client, patient: str) -> None:
    lenient = {"Prefer": "handling=lenient"}
    url = f"/Patient/{patient}/_history"
    assert client.get(url, params={"_sort": "x"}, headers=lenient).status_code == 200
    outcome(client.get(url, params={"_list": "List/1"}, headers=lenient), 400)


# ── Of a chart ───────────────────────────────────────────────────────────────────────────────────


def test_a_charts_history_is_every_version_newest_first(client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient, "1"))
    put(client, id_, weight(patient, "2"))
    client.delete(f"/Observation/{id_}")
    mine = [
        ("DELETE", f"Observation/{id_}", 'W/"3"'),
        ("PUT", f"Observation/{id_}", 'W/"2"'),
        ("POST", f"Observation/{id_}", 'W/"1"'),
    ]
    assert seen(client.get("/Observation/_history", params={"patient": patient})) == mine
    whole = client.get("/_history", params={"patient": f"Patient/{patient}"})
    assert seen(whole) == [*mine, ("POST", f"Patient/{patient}", 'W/"1"')]
    assert "resource" not in whole.json()["entry"][0]
    assert whole.json()["entry"][2]["request"]["url"] == "Observation"
    assert whole.headers["cache-control"] == "no-store"
    assert "etag" not in whole.headers
    assert seen(client.get("/Composition/_history", params={"patient": patient})) == []


def test_pages_hold_every_version_once_and_a_cursor_is_its_readers_alone(
    client: httpx.Client, gp: httpx.Client, patient: str
) -> None:
    made = [make(client, "Observation", weight(patient, str(n))) for n in range(7)]
    url = f"/Observation/_history?patient={patient}&_count=3"
    assert [path for _, path, _ in every(client, url)] == [f"Observation/{id_}" for id_ in reversed(made)]
    cursor = httpx.URL(following(client.get(url))).params["_cursor"]
    outcome(client.get("/Observation/_history", params={"patient": patient, "_count": "2", "_cursor": cursor}), 400)
    outcome(client.get("/_history", params={"patient": patient, "_count": "3", "_cursor": cursor}), 400)
    outcome(gp.get(f"{url}&_cursor={cursor}"), 400)
    outcome(client.get(f"{url}&_cursor={cursor[:-3]}AAA"), 400)


def test_since_and_at_work_over_a_chart(client: httpx.Client, patient: str) -> None:
    first = make(client, "Observation", weight(patient, "1"))
    put(client, first, weight(patient, "2"))
    second = make(client, "Observation", weight(patient, "3"))
    client.delete(f"/Observation/{second}")
    stamps = [
        e["response"]["lastModified"] for e in entries(client.get("/Observation/_history", params={"patient": patient}))
    ]

    def at(text: str) -> list[tuple[str, str, str]]:
        return seen(client.get("/Observation/_history", params={"patient": patient, "_at": text}))

    assert at(stamps[0]) == [("DELETE", f"Observation/{second}", 'W/"2"'), ("PUT", f"Observation/{first}", 'W/"2"')]
    assert at(stamps[1]) == [("POST", f"Observation/{second}", 'W/"1"'), ("PUT", f"Observation/{first}", 'W/"2"')]
    assert at(stamps[2]) == [("PUT", f"Observation/{first}", 'W/"2"')]
    assert at("2999") == [("PUT", f"Observation/{first}", 'W/"2"')]
    since = client.get("/Observation/_history", params={"patient": patient, "_since": stamps[1]})
    assert [path for _, path, _ in seen(since)] == [f"Observation/{second}"] * 2


def test_a_strangers_chart_is_refused_and_logged(demo_site: Site, gp: httpx.Client) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    number = ids.decode(stranger)
    for url in ("/_history", "/Observation/_history"):
        before = position(demo_site)
        outcome(gp.get(url, params={"patient": stranger}), 403)
        outcome(gp.get(url, params={"patient": "000000000000001"}), 403)
        rows = log_since(demo_site, before)
        assert [(r["patient"], r["action"], r["outcome"]) for r in rows] == [(number and number[1], "history", 1)]
    outcome(httpx.get(f"{demo_site.url}/fhir/_history"), 401)
    outcome(gp.get("/Romskip/_history"), 404)
    outcome(gp.get("/Organization/_history", params={"patient": stranger}), 400)


def test_what_is_shown_of_a_chart_is_logged(demo_site: Site, client: httpx.Client, patient: str) -> None:
    id_ = make(client, "Observation", weight(patient))
    before = position(demo_site)
    client.get("/Observation/_history", params={"patient": patient})
    (row,) = log_since(demo_site, before)
    person, shown = ids.decode(patient), ids.decode(id_)
    assert (row["patient"], row["action"], row["what"]) == (person and person[1], "history", [shown and shown[1]])


# ── Of the unit, of the citizen, of the directory ────────────────────────────────────────────────


def test_without_a_patient_it_is_the_rows_that_the_unit_controls(demo_site: Site, gp: httpx.Client) -> None:
    own = demo_site.patient_id(DIABETIC)
    id_ = make(gp, "Observation", weight(own, "81"))
    newest = seen(gp.get("/Observation/_history", params={"_count": "1"}))
    assert newest == [("POST", f"Observation/{id_}", 'W/"1"')]
    assert seen(gp.get("/_history", params={"_count": "1"})) == newest
    with demo_site.fhir(LEGEVAKT_NURSE) as other:
        assert f"Observation/{id_}" not in {path for _, path, _ in every(other, "/_history?_count=200")}


def test_a_units_history_is_logged_for_each_patient_shown(demo_site: Site, gp: httpx.Client) -> None:
    before = position(demo_site)
    shown = gp.get("/Observation/_history", params={"_count": "30"})
    rows = log_since(demo_site, before)
    subjects = {e["resource"]["subject"]["reference"].partition("/")[2] for e in entries(shown)}
    assert len(subjects) > 1
    assert {row["patient"] for row in rows} == {(ids.decode(s) or (0, 0))[1] for s in subjects}
    assert {row["action"] for row in rows} == {"list"}


def test_every_version_of_the_units_rows_comes_once_over_pages(gp: httpx.Client) -> None:
    whole = every(gp, "/Task/_history?_count=200")
    assert len(whole) == len(set(whole))
    assert every(gp, "/Task/_history?_count=7") == whole
    assert {path.partition("/")[0] for _, path, _ in every(gp, "/_history?_count=50")} > {"Task", "Observation"}


def test_a_citizen_gets_the_own_chart_without_what_is_withheld(demo_site: Site, gp: httpx.Client) -> None:
    own = demo_site.patient_id(ELDERLY)
    open_ = make(gp, "Observation", weight(own, "60"))
    hidden = make(gp, "Observation", weight(own, "61")[:-1] + WITHHELD + b"}")
    with demo_site.fhir(ELDERLY) as citizen:
        paths = [path for _, path, _ in every(citizen, "/_history")]
        assert f"Observation/{open_}" in paths
        assert f"Observation/{hidden}" not in paths
        assert not [path for path in paths if path.startswith("Task/")]
        outcome(citizen.get("/_history", params={"patient": demo_site.patient_id(TONIGHT)}), 403)
        outcome(citizen.get(f"/Observation/{hidden}/_history"), 404)


def test_the_directorys_history_is_open_to_everyone_signed_in(demo_site: Site, gp: httpx.Client) -> None:
    with demo_site.fhir(ELDERLY) as citizen:
        found = every(citizen, "/Organization/_history")
        assert found
        assert found == every(gp, "/Organization/_history")


# ── What was taken back ──────────────────────────────────────────────────────────────────────────


def test_an_open_version_of_what_is_withheld_now_is_withheld_too(demo_site: Site, gp: httpx.Client) -> None:
    own = demo_site.patient_id(ELDERLY)
    id_ = make(gp, "Observation", weight(own, "62"))
    with demo_site.fhir(ELDERLY) as citizen:
        assert citizen.get(f"/Observation/{id_}/_history/1").status_code == 200
        put(gp, id_, weight(own, "62")[:-1] + WITHHELD + b"}")
        outcome(citizen.get(f"/Observation/{id_}"), 404)
        outcome(citizen.get(f"/Observation/{id_}/_history/1"), 404)
        outcome(citizen.get(f"/Observation/{id_}/_history"), 404)
        assert f"Observation/{id_}" not in {path for _, path, _ in every(citizen, "/Observation/_history")}
        assert gp.get(f"/Observation/{id_}/_history/1").status_code == 200
        put(gp, id_, weight(own, "63"))
        assert seen(citizen.get(f"/Observation/{id_}/_history")) == [
            ("PUT", f"Observation/{id_}", 'W/"3"'),
            ("POST", f"Observation/{id_}", 'W/"1"'),
        ]
        outcome(citizen.get(f"/Observation/{id_}/_history/2"), 404)


def test_deletion_does_not_open_what_was_withheld(demo_site: Site, gp: httpx.Client) -> None:
    own = demo_site.patient_id(ELDERLY)
    id_ = make(gp, "Observation", weight(own, "64"))
    put(gp, id_, weight(own, "64")[:-1] + WITHHELD + b"}")
    gp.delete(f"/Observation/{id_}")
    with demo_site.fhir(ELDERLY) as citizen:
        outcome(citizen.get(f"/Observation/{id_}/_history/1"), 404)
        outcome(citizen.get(f"/Observation/{id_}/_history"), 404)
