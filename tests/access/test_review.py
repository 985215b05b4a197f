"""The reviewer's tasks: whom they ask, who may judge them, and what is logged of it."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from fellesjournal.kit.db import Database, DbError
from tests.conftest import TestDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOWN, PRACTICE, ELSEWHERE = 1, 2, 3
PATIENT = 900
LIST = "SELECT * FROM access.review_list($1, $2, NULL, NULL, NULL, false, NULL, NULL, 50)"
JUDGE = "SELECT access.review_judge($1, $2, $3, '{LEADER_TOLD}', 'Snakket med leder.', 'Det var en feil.')"


@dataclass
class Desk:
    """A reviewer of TOWN, who answers for PRACTICE too; one of ELSEWHERE; a doctor of PRACTICE."""

    admin: Database
    web: Database
    people: dict[str, int]

    async def task(
        self,
        kind: str = "EMERGENCY",
        *,
        unit: int = PRACTICE,
        reader: str = "doctor",
        patient: int = PATIENT,
        **more: Any,
    ) -> int:
        return int(
            await self.admin.fetchval(
                "SELECT access.review_open($1, $2, $3, $4, NULL, NULL, $5, $6, '{\"minutes\": 30}')",
                kind, unit, self.people[reader], patient, more.get("ref"), more.get("reason", "Bevisstløs."),
            )
        )  # fmt: skip

    async def shown(self, who: str, state: str = "open") -> list[int]:
        return [row["id"] for row in await self.web.fetch(LIST, who.encode(), state)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(module_database: TestDatabase) -> AsyncGenerator[Desk, None]:
    async with await module_database.connect_admin() as admin, await module_database.connect("fj_web") as web:
        for unit, name, controller in (
            (TOWN, "Byen", TOWN),
            (PRACTICE, "Legesenteret", PRACTICE),
            (ELSEWHERE, "Bygda", ELSEWHERE),
        ):
            await admin.execute("SELECT identity.put_unit($1, $2, 'gp', $3, '')", unit, name, controller)
        await admin.execute(
            "INSERT INTO access.review_scope (unit, controller, source) VALUES ($1, $2, 'avtale')", TOWN, PRACTICE
        )
        people = {}
        cast = (("reviewer", TOWN, "reviewer"), ("stranger", ELSEWHERE, "reviewer"), ("doctor", PRACTICE, "lege"))
        for name, unit, role in cast:
            people[name] = await admin.fetchval(
                "SELECT identity.put_person('human', $1, $2, NULL, NULL, NULL, NULL)",
                hashlib.sha256(name.encode()).digest(),
                name,
            )
            await start(admin, name, people[name], unit, role)
        await start(admin, "reviewer at practice", people["reviewer"], PRACTICE, "lege")
        yield Desk(admin, web, people)


async def start(admin: Database, secret: str, person: int, unit: int, role: str) -> None:
    post = await admin.fetchval(
        "SELECT identity.put_post($1, $2, $3, NULL, NULL, NULL, '-infinity', 'infinity')", person, unit, role
    )
    hashed = hashlib.sha256(secret.encode()).digest()
    await admin.fetchval("SELECT identity.start_staff($1, $2, $3, 4::smallint, 3600, 3600, '')", hashed, person, post)


async def test_a_task_asks_the_reviewers_of_its_controller_alone(desk: Desk) -> None:
    task = await desk.task()
    assert task in await desk.shown("reviewer")
    assert await desk.shown("stranger") == []
    for nobody in ("doctor", "reviewer at practice", "no such secret"):
        assert await desk.shown(nobody) == []
        assert await desk.web.fetch("SELECT * FROM access.review_get($1, $2)", nobody.encode(), task) == []
        assert await desk.web.fetchval(JUDGE, nobody.encode(), task, "OK") == "none"


async def test_a_task_is_open_until_it_is_judged_and_every_judgement_is_kept(desk: Desk) -> None:
    task = await desk.task(reason="Funnet i snøen.")
    assert await desk.web.fetchval(JUDGE, b"reviewer", task, "PERHAPS") == "unknown"
    assert await desk.web.fetchval(JUDGE, b"reviewer", task, "SUSPECTED") == "ok"
    assert await desk.web.fetchval(JUDGE, b"reviewer", task, "OK") == "ok"
    assert task not in await desk.shown("reviewer")
    assert task in await desk.shown("reviewer", "judged")
    (row,) = await desk.web.fetch(
        "SELECT *, jsonb_array_length(events) AS n FROM access.review_get($1, $2)", b"reviewer", task
    )
    assert (row["judgement"], row["judged_name"], row["note"], row["n"]) == ("OK", "reviewer", "Snakket med leder.", 2)


async def test_nobody_sees_or_judges_a_task_about_the_own_use_or_the_own_record(desk: Desk) -> None:
    own = await desk.task(reader="reviewer")
    await desk.admin.execute("UPDATE identity.person SET patient = 777 WHERE id = $1", desk.people["reviewer"])
    about_me = await desk.task(patient=777)
    for task in (own, about_me):
        assert task not in await desk.shown("reviewer")
        assert await desk.web.fetch("SELECT * FROM access.review_get($1, $2)", b"reviewer", task) == []
        assert await desk.web.fetchval(JUDGE, b"reviewer", task, "OK") == "none"
    (row,) = await desk.web.fetch("SELECT * FROM access.review_counts($1) WHERE kind = 'EMERGENCY'", b"reviewer")
    assert row["other"] == 2
    with pytest.raises(DbError):
        await desk.admin.execute(
            "UPDATE access.review SET state = 'judged', judgement = 'OK', judged_at = now(), judged_by = reader"
            " WHERE id = $1",
            own,
        )


async def test_the_list_a_task_and_a_judgement_are_logged(desk: Desk) -> None:
    task = await desk.task(patient=901)
    before = await desk.admin.fetchval("SELECT coalesce(max(pos), 0) FROM access.log")
    await desk.shown("reviewer")
    await desk.web.fetch("SELECT * FROM access.review_get($1, $2)", b"reviewer", task)
    await desk.web.fetchval(JUDGE, b"reviewer", task, "OK")
    await desk.web.fetch("SELECT * FROM access.review_get($1, $2)", b"stranger", task)
    rows = await desk.admin.fetch("SELECT action, patient, outcome FROM access.log WHERE pos > $1 ORDER BY pos", before)
    assert [tuple(row) for row in rows] == [("review", 0, 0), ("review", 901, 0), ("judge", 901, 0), ("review", 0, 1)]


async def test_the_same_use_told_twice_is_one_task_and_an_unknown_kind_or_unit_is_none(desk: Desk) -> None:
    assert await desk.task(ref=5) == await desk.task(ref=5)
    assert await desk.task(ref=5) != await desk.task("OVERRIDE", ref=5)
    for fault in ({"kind": "GOSSIP"}, {"unit": 99}):
        with pytest.raises(DbError):
            await desk.task(**fault)


async def test_what_is_due_first_comes_first_and_the_list_goes_on_where_it_ended(desk: Desk) -> None:
    now = datetime.now(UTC)
    ids = []
    for n, days in enumerate((3, -2, 1)):
        ids.append(await desk.task("SUPPORT", ref=100 + n))
        await desk.admin.execute(
            "UPDATE access.review SET due_at = $1 WHERE id = $2", now + timedelta(days=days), ids[-1]
        )
    page = "SELECT id, due_at, is_overdue FROM access.review_list($1, 'open', 'SUPPORT', NULL, NULL, false, $2, $3, 2)"
    first = await desk.web.fetch(page, b"reviewer", None, None)
    rest = await desk.web.fetch(page, b"reviewer", first[-1]["due_at"], first[-1]["id"])
    assert [row["id"] for row in (*first, *rest)] == [ids[1], ids[2], ids[0]]
    assert [row["is_overdue"] for row in (*first, *rest)] == [True, False, False]


async def test_figures_count_uses_by_unit_and_person_with_what_was_said_of_them(desk: Desk) -> None:
    task = await desk.task("OVERRIDE", patient=950)
    await desk.web.fetchval(JUDGE, b"reviewer", task, "DEVIATION")
    figures = (
        "SELECT * FROM access.review_figures($1, now() - interval '1 day', now() + interval '1 day')"
        " WHERE kind = 'OVERRIDE'"
    )
    (row,) = await desk.web.fetch(figures, b"reviewer")
    assert (row["unit_name"], row["reader_name"], row["deviations"]) == ("Legesenteret", "doctor", 1)
    assert await desk.web.fetch(figures, b"doctor") == []


async def test_the_citizen_sees_the_answer_and_never_the_note_or_the_judgement(desk: Desk) -> None:
    person = await desk.admin.fetchval(
        "SELECT identity.put_person('human', '\\x01', 'citizen', NULL, $1, 1::smallint, NULL)", PATIENT
    )
    await desk.admin.fetchval(
        "SELECT identity.start_citizen($1, $2, 4::smallint, 3600, 3600, '')",
        hashlib.sha256(b"citizen").digest(),
        person,
    )
    task = await desk.task("QUESTION", reason="Hvorfor så dere i journalen min?", ref=1)
    await desk.web.fetchval(JUDGE, b"reviewer", task, "DEVIATION")
    (row,) = await desk.web.fetch("SELECT * FROM access.review_own($1)", b"citizen")
    assert (row["question"], row["answer"]) == ("Hvorfor så dere i journalen min?", "Det var en feil.")
    assert not {"note", "judgement", "follow_up"} & set(row.keys())
    assert await desk.web.fetch("SELECT * FROM access.review_own($1)", b"reviewer") == []


async def test_what_a_system_read_is_judged_where_the_patient_belongs(desk: Desk) -> None:
    await desk.admin.execute("SELECT identity.put_unit(77, 'Automat', 'system', 77, '')")
    await desk.admin.execute(
        "INSERT INTO access.relation (patient, unit, ground, made_by) VALUES (960, $1, 'FASTLEGE', 1)", ELSEWHERE
    )
    assert await desk.task("QUESTION", unit=77, patient=960, ref=9) in await desk.shown("stranger")
