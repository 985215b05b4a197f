# ruff: noqa: E501 - queries read best a line each
"""The leak check: what FHIR answers is what a look at every permitted row answers, for several readers and many questions."""

import asyncio
import os
import random
from collections.abc import Iterator
from hashlib import sha256
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
                "SELECT s.id, s.kind, s.unit, s.patient, s.role FROM identity.session s JOIN identity.person p ON p.id = s.person"
                " WHERE p.name = $1 ORDER BY s.id DESC LIMIT 1", name,
            )  # fmt: skip
            people = await connection.fetch(
                "SELECT patient FROM access.rules WHERE reader = $1 GROUP BY patient HAVING bool_and(allow)", row["id"]
            )
            rights = await connection.fetch(
                "SELECT f.patient, bit_or(r.bits) AS bits FROM access.sensitive_right r JOIN access.relation f ON f.ground = r.ground"
                " AND f.unit = $1 AND now() BETWEEN f.from_at AND f.until_at JOIN identity.unit u ON u.id = $1 AND u.kind = r.unit_kind"
                " WHERE r.role = $2 GROUP BY f.patient", row["unit"], row["role"],
            )  # fmt: skip
            return dict(row) | {"open": {one["patient"]: one["bits"] for one in rights}}, {person["patient"] for person in people}
        finally:
            await connection.close()

    return asyncio.run(read())


Blocked = list[tuple[set[int], int | None]]
"""Rows by their numbers, and the unit that they are blocked for (None: everybody)."""
SENSITIVE = 992
HOLDS_MANY = {"Patient", "Encounter", "EpisodeOfCare", "CarePlan", "CareTeam", "List", "Account"}


def revealing(rows: list[Row], first: set[int]) -> set[int]:
    """These rows with all that would reveal them: whatever names one of them, and the content that one of them names."""
    name = {row["pid"]: f"{fhir.RESOURCE_TYPES[row['rtype'] - 1]}/{row['id']}" for row in rows}
    named = {row["pid"]: {link for link in name.values() if f'"{link}"' in row["body"]} for row in rows}
    found = set(first)
    while True:
        links = {name[pid] for pid in found}
        contents = {link for pid in found for link in named[pid] if link.startswith("Binary/")}
        more = {
            pid for pid, link in name.items()
            if link in contents or (named[pid] & links and link.partition("/")[0] not in HOLDS_MANY)
        } - found  # fmt: skip
        if not more:
            return found
        found |= more


@pytest.fixture
def blocked(demo_site: Site) -> Iterator[Blocked]:
    """Two people have blocked: all test results for everybody, and one note for the legevakt."""
    rows = rows_of(demo_site)
    number, results = fhir.TYPE_NUMBER, {fhir.TYPE_NUMBER[name] for name in ("Observation", "DiagnosticReport")}
    made: Blocked = []

    async def make(lifting: bool) -> None:
        connection = await db.connect(db.admin_dsn(demo_site.settings, demo_site.keys))
        try:
            for name, scope in ((ELDERLY, "category"), (DIABETIC, "document")):
                person = await connection.fetchrow("SELECT id, patient FROM identity.person WHERE name = $1 AND patient IS NOT NULL", name)
                secret = os.urandom(32)
                await connection.execute("SELECT identity.start_citizen($1, $2, 4::smallint, 3600, 7200, '')", sha256(secret).digest(), person["id"])
                if lifting:
                    for block in await connection.fetch("SELECT id, is_part FROM access.own_blocks($1) WHERE until_at = 'infinity'", secret):
                        assert await connection.fetchval("SELECT vault.lift_block($1, $2, $3)", secret, block["is_part"], block["id"]) == "ok"
                    continue
                own = [row for row in rows if row["patient"] == person["patient"] != row["pid"]]
                note = next(row for row in own if row["rtype"] == number["Composition"] and row["sens"] == 0)
                unit = None if scope == "category" else (await connection.fetchval("SELECT min(id) FROM identity.unit WHERE kind = 'legevakt'"))
                first = {row["pid"] for row in own if row["rtype"] in results} if scope == "category" else {note["pid"]}
                where = (None, None, "results") if scope == "category" else (note["slot"], note["pid"], None)
                verdict = await connection.fetchval(
                    "SELECT verdict FROM vault.make_block($1, $2, $3, $4, $5, $6, $7, NULL, NULL)", secret, person["patient"], scope, *where, unit,
                )  # fmt: skip
                assert verdict == "ok"
                made.append((revealing(own, first), unit))
        finally:
            await connection.close()

    asyncio.run(make(lifting=False))
    assert all(pids for pids, _unit in made)
    yield made
    asyncio.run(make(lifting=True))


def permitted(row: Row, reader: Row, people: set[int], blocked: Blocked) -> bool:
    """Whether the reader may see the row at all, said as simply as it can be."""
    if reader["kind"] == "staff" and any(row["pid"] in pids and unit in (None, reader["unit"]) for pids, unit in blocked):
        return False
    closed = SENSITIVE & ~reader["open"].get(row["patient"], 0)
    if row["sens"] & closed and reader["kind"] == "staff" and row["org"] != reader["unit"]:
        return False
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
def test_no_answer_holds_more_or_less_than_the_permitted_rows(demo_site: Site, blocked: Blocked, name: str) -> None:
    rnd = random.Random(name)
    rows = rows_of(demo_site)
    with demo_site.fhir(name) as client:
        reader, people = reader_of(demo_site, name)
        seen = [row for row in rows if permitted(row, reader, people, blocked)]
        for row in rnd.sample(rows, QUESTIONS):
            rtype = fhir.RESOURCE_TYPES[row["rtype"] - 1]
            status = client.get(f"/{rtype}/{row['id']}").status_code
            assert status == (200 if permitted(row, reader, people, blocked) else 404), (rtype, row["id"])
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


def test_no_history_holds_more_or_less_than_the_permitted_versions(demo_site: Site, blocked: Blocked) -> None:
    change_some(demo_site)
    versions = versions_of(demo_site)
    assert len({row["version"] for row in versions}) > 3
    for name in (GP, OTHER_GP, LEGEVAKT_NURSE, ELDERLY, DIABETIC):
        with demo_site.fhir(name) as client:
            reader, people = reader_of(demo_site, name)
            seen = [row for row in versions if permitted(row, reader, people, blocked)]
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
