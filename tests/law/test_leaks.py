# ruff: noqa: E501 - queries read best a line each
"""The leak check: what FHIR answers is what a look at every permitted row answers, for several readers and many questions."""

import asyncio
import random
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.fhir.row_class import RowClass
from fellesjournal.kit import db, ids
from tests.site import DIABETIC, ELDERLY, GP, LEGEVAKT_NURSE, OTHER_GP, Site

pytestmark = [pytest.mark.law, pytest.mark.slow]
TYPES = (
    "Observation",
    "Condition",
    "Composition",
    "Encounter",
    "Task",
    "Patient",
    "MedicationStatement",
    "DiagnosticReport",
)
QUESTIONS = 60

Row = dict[str, Any]


def rows_of(site: Site) -> list[Row]:
    """Every current row of the database with whose it is, as the administrator sees it."""

    async def read() -> list[Row]:
        connection = await db.connect(db.admin_dsn(site.settings, site.keys))
        try:
            found = await connection.fetch(
                "SELECT r.slot, r.pid, r.rtype, r.patient, r.org, r.sens, r.body,"
                " ARRAY(SELECT o.patient FROM vault.other_patient o WHERE o.pid = r.pid AND o.to_version IS NULL) AS others"
                " FROM vault.resource r WHERE r.body IS NOT NULL"
            )
            return [dict(row) | {"id": ids.encode(row["slot"], row["pid"])} for row in found]
        finally:
            await connection.close()

    return asyncio.run(read())


def reader_of(site: Site, name: str) -> tuple[Row, set[int]]:
    """The newest session of a person, and the patients that the rules give it."""

    async def read() -> tuple[Row, set[int]]:
        connection = await db.connect(db.admin_dsn(site.settings, site.keys))
        try:
            row = await connection.fetchrow(
                "SELECT s.id, s.kind, s.unit, s.patient FROM identity.session s JOIN identity.person p ON p.id = s.person"
                " WHERE p.name = $1 ORDER BY s.id DESC LIMIT 1", name,
            )  # fmt: skip
            people = await connection.fetch(
                "SELECT patient FROM access.rules WHERE reader = $1 GROUP BY patient HAVING bool_and(allow)", row["id"]
            )
            return dict(row), {person["patient"] for person in people}
        finally:
            await connection.close()

    return asyncio.run(read())


def permitted(row: Row, reader: Row, people: set[int]) -> bool:
    """Whether the reader may see the row at all, said as simply as it can be."""
    if reader["kind"] == "citizen" and row["sens"] & (RowClass.WITHHELD | RowClass.DELAYED):
        return False
    mine = row["patient"] in people or row["patient"] == 0 or (row["patient"] == -1 and row["org"] == reader["unit"])
    return mine and set(row["others"]) <= people


def pages(client: httpx.Client, url: str, params: dict[str, str]) -> list[str]:
    found: list[str] = []
    answer = client.get(url, params=params)
    for _ in range(200):
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += [entry["resource"]["id"] for entry in body.get("entry", []) if entry["search"]["mode"] == "match"]
        following = [link["url"] for link in body["link"] if link["relation"] == "next"]
        if not following:
            return found
        answer = client.get(following[0])
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("name", [GP, OTHER_GP, LEGEVAKT_NURSE, ELDERLY, DIABETIC])
def test_no_answer_holds_more_or_less_than_the_permitted_rows(demo_site: Site, name: str) -> None:
    rnd = random.Random(name)
    rows = rows_of(demo_site)
    with demo_site.fhir(name) as client:
        reader, people = reader_of(demo_site, name)
        seen = [row for row in rows if permitted(row, reader, people)]
        for row in rnd.sample(rows, QUESTIONS):
            rtype = fhir.RESOURCE_TYPES[row["rtype"] - 1]
            status = client.get(f"/{rtype}/{row['id']}").status_code
            assert status == (200 if permitted(row, reader, people) else 404), (rtype, row["id"])
        everybody = sorted({row["patient"] for row in rows if row["patient"] > 0})
        for patient in [
            *rnd.sample(everybody, min(20, len(everybody))),
            *rnd.sample(sorted(people), min(6, len(people))),
        ]:
            (slot,) = {row["slot"] for row in rows if row["pid"] == row["patient"] == patient}
            rtype = rnd.choice(TYPES)
            query = {
                "_id" if rtype == "Patient" else "patient": ids.encode(slot, patient),
                "_count": str(rnd.choice([3, 20, 100])),
            }
            if patient not in people:
                assert rtype == "Patient" or client.get(f"/{rtype}", params=query).status_code == 403
                continue
            wanted = {
                row["id"] for row in seen if row["patient"] == patient and row["rtype"] == fhir.TYPE_NUMBER[rtype]
            }
            got = pages(client, f"/{rtype}", query)
            assert len(got) == len(set(got))
            assert set(got) == wanted, (rtype, patient)
            total = client.get(f"/{rtype}", params=query | {"_total": "accurate", "_count": "0"}).json()["total"]
            assert total == len(wanted)
        if reader["kind"] == "staff":
            for rtype in TYPES:
                listed = {row["id"] for row in seen if row["rtype"] == fhir.TYPE_NUMBER[rtype]
                          and (rtype == "Patient" or row["org"] == reader["unit"])}  # fmt: skip
                assert set(pages(client, f"/{rtype}", {"_count": "200"})) == listed, rtype


def versions_of(site: Site) -> list[Row]:
    """Every version of the database, with the class and the people of its own and of the current one."""
    named = "ARRAY(SELECT o.patient FROM vault.other_patient o WHERE o.pid = h.pid AND (o.to_version IS NULL OR"
    query = (
        "SELECT h.slot, h.pid, h.version, h.rtype, h.patient, h.org, h.sens | r.sens AS sens,"
        f" {named} (o.from_version <= h.version AND o.to_version >= h.version))) AS others"
        " FROM vault.history h JOIN vault.resource r ON r.slot = h.slot AND r.pid = h.pid"
    )

    async def read() -> list[Row]:
        connection = await db.connect(db.admin_dsn(site.settings, site.keys))
        try:
            return [dict(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(read())


def history_pages(client: httpx.Client, url: str) -> list[tuple[str, str]]:
    """(path, tag) of every version on every page."""
    found: list[tuple[str, str]] = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += [
            (entry["fullUrl"].partition("/fhir/")[2], entry["response"]["etag"]) for entry in body.get("entry", [])
        ]
        url = next((link["url"] for link in body["link"] if link["relation"] == "next"), "")
    return found


def change_some(site: Site) -> None:
    """Versions of every kind on the GP's own rows: new ones, withheld ones, open again, deleted."""
    withheld = {"security": [{"system": "urn:oid:2.16.578.1.12.4.1.1.9603", "code": "UD"}]}
    with site.fhir(GP) as gp:
        listed = gp.get("/Observation", params={"_count": "40"}).json()["entry"]
        for n, entry in enumerate(listed):
            resource = entry["resource"]
            bare = {key: value for key, value in resource.items() if key != "meta"}
            for changed in (bare, bare | {"meta": withheld}, bare)[: n % 4]:
                assert gp.put(f"/Observation/{resource['id']}", json=changed).status_code == 200
            if n % 5 == 0:
                assert gp.delete(f"/Observation/{resource['id']}").status_code == 204


def test_no_history_holds_more_or_less_than_the_permitted_versions(demo_site: Site) -> None:
    change_some(demo_site)
    versions = versions_of(demo_site)
    assert len({row["version"] for row in versions}) > 3
    for name in (GP, OTHER_GP, LEGEVAKT_NURSE, ELDERLY, DIABETIC):
        with demo_site.fhir(name) as client:
            reader, people = reader_of(demo_site, name)
            seen = [row for row in versions if permitted(row, reader, people)]
            if reader["kind"] == "staff":
                own = {_version(row) for row in seen if row["org"] == reader["unit"]}
                got = history_pages(client, "/_history?_count=150")
                assert (len(got), set(got)) == (len(own), own), name
            for patient in sorted(people)[:12]:
                slot = next(row["slot"] for row in versions if row["pid"] == patient)
                wanted = {_version(row) for row in seen if row["patient"] == patient}
                got = history_pages(client, f"/_history?patient={ids.encode(slot, patient)}&_count=37")
                assert (len(got), set(got)) == (len(wanted), wanted), (name, patient)


def _version(row: Row) -> tuple[str, str]:
    return f"{fhir.RESOURCE_TYPES[row['rtype'] - 1]}/{ids.encode(row['slot'], row['pid'])}", f'W/"{row["version"]}"'
